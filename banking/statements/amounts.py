"""Amounts as banks write them, in formats that fix the decimal mark, and in CSV, which does not."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from ledger.exceptions import shown

# Of OFX, CAMT.053 and MT940: a sign, digits, and one mark, point or comma.
_PLAIN: Final = re.compile(r"([+-]?)([0-9]{1,15})(?:[.,]([0-9]{0,12}))?", re.ASCII)
_SPACES: Final = re.compile(r"[\s\u00a0\u202f\u2009']")
_MINUS: Final = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2019": "'"})
_CURRENCY_SIGNS: Final = "$€£¥₹"
_CODE: Final = re.compile(r"^([A-Z]{3})\s+|\s*([A-Z]{3})$")
_CREDIT, _DEBIT = "CR", "DR"


class AmountError(ValueError):
    """Why a text is no amount, and what would be right."""


class Marks(NamedTuple):
    """What stands before the fraction, and what may stand between thousands."""

    decimal: str

    @property
    def thousands(self) -> str:
        return "." if self.decimal == "," else ","


class Written(NamedTuple):
    """An amount as a cell of a CSV file writes it."""

    # A JSON number.
    number: str
    # The currency that stands beside it, if any.
    currency: str


def plain(text: str) -> str | None:
    """Return an amount of OFX, CAMT.053 or MT940 as a JSON number; None where it is none."""
    found = _PLAIN.fullmatch(text.strip())
    if found is None:
        return None
    sign, whole, fraction = found.groups()
    return f"{'-' if sign == '-' else ''}{whole}{'.' + fraction if fraction else ''}"


def guess_marks(texts: Iterable[str], minor_digits: int) -> Marks:
    """Return the decimal mark of a whole column of amounts in a currency of that many digits.

    Evidence is a value with both marks (the last is the decimal one), with one mark several times
    (thousands), or with other than three digits behind it (decimal). Three digits behind a single mark are
    thousands, unless the currency has three digits itself. Raises AmountError where values contradict each
    other.
    """
    decimal: dict[str, str] = {}
    for text in texts:
        body = "".join(c for c in text if c in "0123456789.,").strip(".,")
        points, commas = body.count("."), body.count(",")
        mark = ""
        if points and commas:
            mark = max(".,", key=body.rfind)
        elif points + commas == 1:
            single = "." if points else ","
            digits = len(body) - body.index(single) - 1
            if digits != 3 or body.index(single) > 3 or body.startswith("0"):
                mark = single
            elif minor_digits < 3:
                mark = "," if single == "." else "."
        elif points + commas > 1:
            mark = "," if points else "."
        if mark:
            decimal.setdefault(mark, text)
    if len(decimal) == 2:
        raise AmountError(
            f"{shown(decimal['.'])} has its decimals behind a point and {shown(decimal[','])} behind a "
            "comma; say which it is in the mapping (decimalMark)."
        )
    return Marks(next(iter(decimal), "."))


class AmountCells:
    """Reads the amounts of a column of CSV cells."""

    def __init__(self, marks: Marks) -> None:
        decimal, thousands = re.escape(marks.decimal), re.escape(marks.thousands)
        self._quick = re.compile(rf"-?[0-9]{{1,15}}(?:{decimal}[0-9]{{1,4}})?", re.ASCII).fullmatch
        # Groups of three, or as in India of two before the last.
        self._digits = re.compile(
            rf"([0-9]{{1,15}}|[0-9]{{1,3}}(?:{thousands}[0-9]{{2,3}})*{thousands}[0-9]{{3}})?"
            rf"(?:{decimal}([0-9]{{0,12}}))?",
            re.ASCII,
        ).fullmatch
        self._marks = marks

    def read(self, text: str) -> Written:
        """Return the amount of a cell that is not blank. Raises AmountError."""
        if self._quick(text):
            return Written(text.replace(",", "."), "")
        if len(text) > 60:
            raise AmountError(f"{shown(text)} is no amount.")
        rest = text.translate(_MINUS).strip()
        is_negative = False
        if rest.startswith("(") and rest.endswith(")"):
            is_negative, rest = True, rest[1:-1].strip()
        upper = rest.upper()
        if upper.endswith((_CREDIT, _DEBIT)) and upper[:-2].strip()[-1:].isdigit():
            # Seen from the bank: what it credits came in.
            is_negative, rest = is_negative ^ upper.endswith(_DEBIT), rest[:-2].strip()
        rest, currency = _without_currency(rest)
        if rest[:1] in ("-", "+"):
            is_negative, rest = is_negative ^ (rest[0] == "-"), rest[1:].strip()
        elif rest[-1:] in ("-", "+"):
            is_negative, rest = is_negative ^ (rest[-1] == "-"), rest[:-1].strip()
        rest, code = _without_currency(rest)
        found = self._digits(_SPACES.sub("", rest))
        if found is None or not (found[1] or found[2]):
            mark = "point" if self._marks.decimal == "." else "comma"
            raise AmountError(f"{shown(text)} is no amount with its decimals behind a {mark}.")
        whole = (found[1] or "0").replace(self._marks.thousands, "")
        fraction = f".{found[2]}" if found[2] else ""
        return Written(f"{'-' if is_negative else ''}{whole}{fraction}", currency or code)


def _without_currency(text: str) -> tuple[str, str]:
    """The text without a sign or code of a currency at either end, and the code."""
    text = text.strip().strip(_CURRENCY_SIGNS).strip()
    found = _CODE.search(text)
    if found and any(c.isdigit() for c in text):
        return text.replace(found[0], "", 1).strip(), found[1] or found[2]
    return text, ""
