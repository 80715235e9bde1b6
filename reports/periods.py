"""Periods of reports: from one day to another, both included, and what stands before them."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ledger.exceptions import ValidationError
from ledger.times import YEAR_MAX, YEAR_MIN

# No transaction is dated before (`ledger.times`): a period that begins here has all that came before its end.
BEGINNING: Final = date(YEAR_MIN, 1, 1)
YEARS_MAX: Final = 100
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `start` to `end`, both included, in the company's time zone."""

    start: date
    end: date

    @property
    def after(self) -> date:
        """The first day after the period."""
        return self.end + _DAY

    @property
    def is_from_beginning(self) -> bool:
        """True where nothing in the books can lie before the period."""
        return self.start <= BEGINNING

    @property
    def month(self) -> int | None:
        """The month, where the period is exactly one calendar month."""
        return self.start.month if self == month_period(self.end.year, self.end.month) else None

    @property
    def year(self) -> int | None:
        """The year, where the period lies in one."""
        return self.end.year if self.start.year == self.end.year else None

    @property
    def whole_months(self) -> int | None:
        """How many calendar months the period is made of; None where it cuts one."""
        if self.start.day != 1 or self.after.day != 1:
            return None
        return (self.after.year - self.start.year) * 12 + self.after.month - self.start.month

    def previous(self) -> "Period":
        """The period of the same length right before: as many calendar months for whole months (so the month,
        the quarter, the year before), else as many days.

        Raises ValidationError, naming `compare`, where there is none.
        """
        months = self.whole_months
        start = _add_months(self.start, -months) if months else self.start - (self.after - self.start)
        return _comparable(start, self.start - _DAY, self)

    def year_before(self) -> "Period":
        """The same days a year before; a 29 February becomes a 28, and a period to a month's end ends there.

        Raises ValidationError, naming `compare`, where there is none.
        """
        end = _add_months(self.end, -12)
        if self.after.day == 1:
            end = end.replace(day=monthrange(end.year, end.month)[1])
        return _comparable(_add_months(self.start, -12), end, self)


def _comparable(start: date, end: date, period: Period) -> Period:
    if period.is_from_beginning or start < BEGINNING:
        raise ValidationError.of(
            "compare",
            f"there is nothing before {period.start} to compare with; send a startDate, or no compare.",
        )
    return Period(start, end)


def month_period(year: int, month: int) -> Period:
    """One calendar month."""
    return Period(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def year_period(year: int) -> Period:
    """One calendar year."""
    return Period(date(year, 1, 1), date(year, 12, 31))


def fiscal_year_period(year: int, *, first_month: int) -> Period:
    """The fiscal year that ends in the calendar year `year`, by which fiscal years are called in the US.

    `first_month` (1-12) is the month that it begins with; with 1 it is the calendar year.
    """
    start = date(year if first_month == 1 else year - 1, first_month, 1)
    return Period(start, _add_months(start, 12) - _DAY)


def fiscal_year_start(day: date, *, first_month: int) -> date:
    """The first day of the fiscal year that `day` lies in; `first_month` (1-12) is the month that it begins
    with."""
    year = day.year if day.month >= first_month else day.year - 1
    return max(date(year, first_month, 1), BEGINNING)


def range_period(start: date | None, end: date) -> Period:
    """The days from `start` to `end`; without a start, all days of the books until `end`.

    Raises ValidationError where `start` is after `end`, and for more than 100 years.
    """
    if start is None:
        return Period(BEGINNING, end)
    if start > end:
        raise ValidationError.of(
            "endDate", f"{end} is before startDate, {start}; send the earlier day as startDate."
        )
    if end.year - start.year > YEARS_MAX or end >= _years_later(start):
        raise ValidationError.of(
            "startDate",
            f"{start} is more than {YEARS_MAX} years before endDate, {end}; send a shorter range.",
        )
    return Period(start, end)


def _years_later(start: date) -> date:
    return _add_months(start, 12 * YEARS_MAX)


def _add_months(day: date, months: int) -> date:
    """The day that many months later, no later than the end of its month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if not YEAR_MIN - 1 <= year <= YEAR_MAX + YEARS_MAX:
        raise ValidationError.of("compare", f"there is no year {year} in any books; send a later period.")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
