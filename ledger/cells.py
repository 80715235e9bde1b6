"""Text in cells: what a spreadsheet would run as a formula is made plain text."""

from typing import Final

# OWASP, CSV Injection (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
# Programs skip these before they look for a formula; a full-width sign counts as its narrow one.
_WIDE: Final = str.maketrans("＝＋－＠", "=+-@")  # noqa: RUF001 - the full-width ones are meant


def neutralised(text: str) -> str:
    """Return the text of a cell, with a ' in front where a spreadsheet would take it for a formula.

    That is text which begins, after any space, with = + - @, or which begins with a tab or a line's end.
    Numbers are written as numbers and never come here.
    """
    if not text:
        return text
    trimmed = text.strip().translate(_WIDE)
    if trimmed.startswith(_FORMULA_BEGINNINGS) or text.startswith(_FORMULA_BEGINNINGS):
        return "'" + text
    return text


def as_written(text: str) -> str:
    """Return the text of a cell without the ' that `neutralised` put in front: what is read back is what was
    written. A ' before anything else stays."""
    bare = text[1:]
    return bare if text.startswith("'") and neutralised(bare) != bare else text
