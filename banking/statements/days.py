"""Days as CSV files write them. Which of 03/04 is the month is read off the whole column, or must be told."""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Final

from ledger.exceptions import shown

_TIME: Final = r"(?:[T ,]\s*[0-9]{1,2}[:.][0-9]{2}.{0,24})?"
_YEAR_FIRST: Final = re.compile(rf"([0-9]{{4}})([./-])([0-9]{{1,2}})\2([0-9]{{1,2}}){_TIME}", re.ASCII)
_YEAR_LAST: Final = re.compile(
    rf"([0-9]{{1,2}})([./ -])([0-9]{{1,2}})\2([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.ASCII
)
_TOGETHER: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
_DAY_NAMED_MONTH: Final = re.compile(
    rf"([0-9]{{1,2}})[ ./-]*([A-Za-z]{{3,9}})\.?[ ,./-]*([0-9]{{4}}|[0-9]{{2}}){_TIME}", re.ASCII
)
_NAMED_MONTH_DAY: Final = re.compile(
    rf"([A-Za-z]{{3,9}})\.?[ -]+([0-9]{{1,2}}),?[ ,-]+([0-9]{{4}}){_TIME}", re.ASCII
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(),  # noqa: SIM905 - reads as a list
        start=1,
    )
}
_TEXT_LENGTH_MAX: Final = 40
# Two digits mean 1970 to 2069.
_PIVOT: Final = 70


class DayOrder(StrEnum):
    """Which comes first in a date of numbers whose year is not the first."""

    DAY_FIRST = "DMY"
    MONTH_FIRST = "MDY"
    YEAR_FIRST = "YMD"


class DayError(ValueError):
    """Why a text is no day, and what would be right."""


class AmbiguousDaysError(DayError):
    """The whole column can be read with the day first, and with the month first, as different days."""


def guess_order(texts: Iterable[str]) -> DayOrder:
    """Return in which order the dates of a whole column are written.

    Only dates of numbers with the year last leave a doubt. A number above 12 decides; dates with points
    have the day first, as everywhere where points are used. Raises AmbiguousDaysError where nothing decides.
    """
    day_first = month_first = 0
    doubtful = ""
    has_other = False
    for text in texts:
        found = _YEAR_LAST.fullmatch(text.strip()) if len(text) <= _TEXT_LENGTH_MAX else None
        if found is None:
            has_other = True
            continue
        one, mark, two = int(found[1]), found[2], int(found[3])
        if mark == "." or 12 < one <= 31:
            day_first += 1
        elif 12 < two <= 31:
            month_first += 1
        elif one != two:
            doubtful = doubtful or text
    if day_first != month_first:
        return DayOrder.DAY_FIRST if day_first > month_first else DayOrder.MONTH_FIRST
    if doubtful:
        raise AmbiguousDaysError(
            f"{shown(doubtful)} and every other date can be read with the day or with the month first; say "
            'which it is in the mapping (dateOrder: "DMY" or "MDY").'
        )
    return DayOrder.YEAR_FIRST if has_other else DayOrder.DAY_FIRST


class DayCells:
    """Reads the days of a column of CSV cells, each text once."""

    def __init__(self, order: DayOrder) -> None:
        self._order = order
        self._known: dict[str, date] = {}

    def read(self, text: str) -> date:
        """Return the day of a cell. Raises DayError."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._read(text)
        return known

    def _read(self, text: str) -> date:
        if len(text) > _TEXT_LENGTH_MAX:
            raise DayError(f"{shown(text)} is no date.")
        parts = self._parts(text.strip())
        if parts is None:
            raise DayError(f'{shown(text)} is no date; write it as "2024-01-31".')
        year, month, day = parts
        try:
            return date(year, month, day)
        except ValueError:
            form = f" (read as {self._order})" if self._order is not DayOrder.YEAR_FIRST else ""
            raise DayError(f"{shown(text)} is a day that does not exist{form}; correct it.") from None

    def _parts(self, text: str) -> tuple[int, int, int] | None:
        """Year, month and day."""
        if found := _YEAR_FIRST.fullmatch(text):
            return int(found[1]), int(found[3]), int(found[4])
        if found := _YEAR_LAST.fullmatch(text):
            one, two, three = int(found[1]), int(found[3]), _year(found[4])
            if self._order is DayOrder.MONTH_FIRST:
                return three, one, two
            if self._order is DayOrder.YEAR_FIRST and len(found[4]) == 2:
                return _year(found[1]), two, int(found[4])
            if self._order is DayOrder.YEAR_FIRST:
                return None
            return three, two, one
        if found := _TOGETHER.fullmatch(text):
            return int(found[1]), int(found[2]), int(found[3])
        if (found := _DAY_NAMED_MONTH.fullmatch(text)) and found[2][:3].lower() in _MONTHS:
            return _year(found[3]), _MONTHS[found[2][:3].lower()], int(found[1])
        if (found := _NAMED_MONTH_DAY.fullmatch(text)) and found[1][:3].lower() in _MONTHS:
            return int(found[3]), _MONTHS[found[1][:3].lower()], int(found[2])
        return None


def _year(text: str) -> int:
    """The year of four digits, or of two."""
    year = int(text)
    if len(text) > 2:
        return year
    return year + (1900 if year >= _PIVOT else 2000)
