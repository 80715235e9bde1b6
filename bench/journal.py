"""How long the programs of plain text accounting need for a statement, from an exported journal."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

_SECONDS_MAX: Final = 900.0
_JUNE: Final = ("-b", "2026-06-01", "-e", "2026-07-01")
_UNTIL_JUNE: Final = ("-e", "2026-07-01")
# The statements of the bench by each program. An export declares the types of its accounts, and hledger has
# statements by them; ledger has one report of balances for them all. The faster stands first: the other is
# given no more time than that one took.
COMMANDS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "balance sheet": {"ledger": ("bal", *_UNTIL_JUNE), "hledger": ("bs", *_UNTIL_JUNE)},
    "income statement": {"ledger": ("bal", *_JUNE), "hledger": ("is", *_JUNE)},
    "cash flow statement": {"ledger": ("bal", *_JUNE), "hledger": ("cf", *_JUNE)},
    "trial balance": {
        "ledger": ("bal", "--flat", *_UNTIL_JUNE),
        "hledger": ("bal", "--flat", *_UNTIL_JUNE),
    },
}


class Fastest(NamedTuple):
    """The faster program, and how long it took."""

    seconds: float
    program: str


def seconds_by_statement(journal: Path, say: Callable[[str], None]) -> dict[str, Fastest]:
    """Run each statement once by each program that is installed; the faster of the two for each.

    Empty, with a note by `say`, where neither is. Raises CalledProcessError where one refuses the journal.
    """
    installed = {program for program in ("ledger", "hledger") if shutil.which(program)}
    if not installed:
        say("not compared with plain text: install the packages hledger and ledger for that")
        return {}
    found = {}
    for title, commands in COMMANDS.items():
        best = None
        for program, words in commands.items():
            if program in installed:
                seconds = _seconds(program, journal, words, at_most=best.seconds if best else _SECONDS_MAX)
                if seconds is not None:
                    best = Fastest(seconds, program)
        if best is None:
            say(f"{title}: no program was done with the journal in {_SECONDS_MAX:.0f} seconds")
        else:
            found[title] = best
    return found


def _seconds(program: str, journal: Path, words: tuple[str, ...], *, at_most: float) -> float | None:
    """How long the program took, without a file of settings of its user's; None where longer than that."""
    no_settings = ("--args-only",) if program == "ledger" else ()
    command = [program, *no_settings, "-f", str(journal), *words]
    began = time.monotonic()
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=at_most)
    except subprocess.TimeoutExpired:
        return None
    return time.monotonic() - began
