"""Documents set by typst, each in a process of its own that ends with it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

from ledger.exceptions import BusyError
from reports.files.formats import FileFormat

TEMPLATES: Final = Path(__file__).parent / "templates"
_PROGRAM: Final = Path(__file__).parent / "typeset.py"
SECONDS_MAX: Final = 60
PIXELS_PER_INCH: Final = 144
# Each takes a core, and a long one some hundred megabytes; who comes third waits.
_AT_ONCE: Final = BoundedSemaphore(2)
# typst's own fonts have Latin, Greek and Cyrillic and the marks that go with them; for others, such as
# Chinese, the fonts of the machine are looked through, which takes longer.
_EMBEDDED_UP_TO: Final = 0x052F
_EMBEDDED_MARKS: Final = range(0x2000, 0x2200)
# What the program needs to find Python's packages, and none of the project's secrets.
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "HOME", "LANG")


def typeset(template: str, data: dict[str, Any], format_: FileFormat) -> bytes:
    """Return the document that `templates/<template>.typ` makes of `data`: a PDF of any number of pages, or a
    picture of one.

    Raises BusyError where documents ahead of it take too long, TypesettingError where it cannot be set.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    order = {
        "template": str(TEMPLATES / f"{template}.typ"),
        "root": str(TEMPLATES),
        "format": format_.value,
        "ppi": PIXELS_PER_INCH,
        "embedded_fonts_only": all(_is_embedded(char) for char in set(text)),
    }
    if not _AT_ONCE.acquire(timeout=SECONDS_MAX / 2):
        raise BusyError("Too many documents are being made; send the request again.", retry_after_seconds=5)
    try:
        done = subprocess.run(  # noqa: S603 - a program of ours; all data goes by its input
            # -P: the modules beside the program do not stand in for Python's own.
            [sys.executable, "-P", str(_PROGRAM)],
            input=f"{json.dumps(order)}\n{text}".encode(),
            capture_output=True,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BusyError(
            f"The document took more than {SECONDS_MAX} seconds to make; send a shorter period, or csv.",
            retry_after_seconds=30,
        ) from None
    finally:
        _AT_ONCE.release()
    if done.returncode != 0:
        raise TypesettingError(f"{template} was not set: {done.stderr.decode(errors='replace')[-2_000:]}")
    return done.stdout


class TypesettingError(Exception):
    """A template and its data do not fit: a fault of ours."""


def _is_embedded(char: str) -> bool:
    return ord(char) <= _EMBEDDED_UP_TO or ord(char) in _EMBEDDED_MARKS
