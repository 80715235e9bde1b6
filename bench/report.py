"""How results are shown and kept."""

import os
import platform
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

from bench import databases
from bench.measures import Result, Size, environment
from openledger import embedded

# The tables of the page, and what each takes; one is written when all of it was measured in one run.
TABLES = {
    "ledger": (
        "http_post", "service_post", "hot", "bulk", "imports", "pages", "balances", "approvals", "growth",
        "disk", "prices", "memory",
    ),
    "reports": ("reports",),
    "office": ("office",),
    "banks": ("statements",),
    "search": ("semantic",),
}  # fmt: skip
_BEGIN, _END = "<!-- table of {} -->", "<!-- end of table -->"
_PACKAGES = ("Django", "djangorestframework", "psycopg", "granian", "msgspec")


def say(text: str) -> None:
    print(text, flush=True)


def line(result: Result) -> str:
    return "| " + " | ".join(_cells(result)) + " |"


def table(results: list[Result]) -> str:
    """All of it as Markdown."""
    head = ("Work", "Ratio", "Required", "OK", "Ours", "Floor")
    rows = [head, tuple("---" for _ in head), *(_cells(result) for result in results)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _cells(result: Result) -> tuple[str, ...]:
    is_absolute = not result.floor
    required = ""
    if result.bound is not None:
        required = f"{'≤' if result.at_most else '≥'} {result.bound:g}"
    ratio = (
        ""
        if result.ratio is None or is_absolute
        else f"**{result.ratio:.{2 if result.ratio > 0.01 else 5}f}**"
    )
    verdict = f"{result.failures} failed" if result.failures else "yes" if result.is_ok else "NO"
    if result.bound is None:
        verdict = ""
    return result.work, ratio, required, verdict, result.ours, result.floor


def verify(database: str) -> bool:
    """Whether `manage.py verify` finds the books of the database right; shows what it says where not."""
    done = subprocess.run(
        [sys.executable, "manage.py", "verify"],
        cwd=embedded.PROJECT_DIRECTORY,
        env={**os.environ, **environment(database)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).strip()
    say(f"verify {database}: {said[-2000:] if done.returncode else said.splitlines()[-1]}")
    return done.returncode == 0


def keep(path: Path, results: list[Result], size: Size, seconds: float) -> None:
    """Write the results as JSON."""
    content = {
        "at": datetime.now(UTC),
        "seconds": round(seconds),
        "size": asdict(size),
        "machine": machine(),
        "results": [{**asdict(result), "is_ok": result.is_ok} for result in results],
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)))


def machine() -> dict[str, str]:
    """What the results depend on."""
    return {
        "cores": str(psutil.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        **{f"PostgreSQL {name}": value for name, value in databases.server_settings().items()},
    }


def circumstances(command: str, size: Size, seconds: float) -> str:
    """When, how and where it was measured, as Markdown."""
    facts = ", ".join(f"{name} {value}" for name, value in machine().items())
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `{command}` in {seconds / 60:.0f} minutes: medians of "
        f"{size.rounds} interleaved rounds of {size.seconds:g} s, books of {size.small_rows:,} and "
        f"{size.large_rows:,} transactions. {facts}."
    )


def write(page: Path, name: str, results: list[Result], said: str) -> None:
    """Put a table into the page, between its two marks."""
    before, begin, rest = page.read_text().partition(_BEGIN.format(name))
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for the table of {name}")
    page.write_text(f"{before}{begin}\n{said}\n\n{table(results)}\n{end}{after}")
