"""Names of files that say what is in them, and that every system can store."""

import re
import unicodedata
from typing import Final

from django.utils.http import content_disposition_header

NAME_LENGTH_MAX: Final = 60


def file_name(*parts: str, suffix: str) -> str:
    """Return a file's name: "corner-bakery-llc_balance-sheet_2024-12-31.pdf".

    Letters and digits of any script stay; whatever else is in a part becomes a hyphen, and each is cut to 60
    characters.
    """
    words = (_word(part) for part in parts)
    return "_".join(word for word in words if word) + f".{suffix}"


def attachment(name: str) -> str:
    """Return the Content-Disposition of a file to be saved, in ASCII and in UTF-8 (RFC 6266)."""
    return content_disposition_header(True, name) or "attachment"


def inline(name: str) -> str:
    """Return the Content-Disposition of a file to be shown in the browser."""
    return content_disposition_header(False, name) or "inline"


def _word(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[^\w.]+", "-", plain)[:NAME_LENGTH_MAX].strip("-._")
