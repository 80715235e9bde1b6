"""The period picker: which days a page shows, what they are called, and those before and after them."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from ledger.clock import utc_now
from ledger.exceptions import ValidationError, shown
from ledger.models import Entity
from ledger.templatetags.office import day as day_label
from ledger.times import YEAR_MAX, YEAR_MIN, day_of, parse_day
from reports.periods import BEGINNING, Period, fiscal_year_period, month_period, range_period, year_period

_DAY: Final = timedelta(days=1)


class PeriodKind(StrEnum):
    """How a period is named. `until` is all days up to one: the day of a balance sheet."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    FISCAL_YEAR = "fiscal"
    RANGE = "range"
    UNTIL = "until"


# What of the query string names a period; all else of a page stays when its arrows are followed.
PERIOD_NAMES: Final = ("period", "year", "quarter", "month", "from", "to")
Query = dict[str, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A period as it was chosen. `earlier` and `later` are the queries of the arrows; None at either end of
    all time."""

    kind: PeriodKind
    period: Period
    label: str
    query: Query
    earlier: Query | None
    later: Query | None

    @property
    def year(self) -> int:
        """The year that the period ends in."""
        return self.period.end.year

    @property
    def quarter(self) -> int:
        """The quarter of the year that the period ends in, 1 to 4."""
        return (self.period.end.month + 2) // 3


def short_label(period: Period, *, of_a_day: bool = False) -> str:
    """Return what a column of a period is called: November 2026, Q4 2026, 2026, or its days."""
    start, end = period.start, period.end
    if of_a_day:
        return day_label(end)
    if period.month is not None:
        return f"{end:%B %Y}"
    if period.whole_months == 3 and start.month % 3 == 1:
        return f"Q{end.month // 3} {end.year}"
    if period.whole_months == 12 and start.month == 1:
        return str(end.year)
    if period.is_from_beginning:
        return f"until {day_label(end)}"
    return f"{day_label(start)} \N{EN DASH} {day_label(end)}"


def chosen_period(
    query: Mapping[str, str], entity: Entity, *, default: PeriodKind, of_a_day: bool = False
) -> Chosen:
    """Return the period that a query string names, else that of today by `default`.

    For a page that shows what stands at the end of a day (`of_a_day`), the days until it are those of its
    month, so that there is a period before it to compare with. Raises ValidationError, naming the faulty
    field, for anything that is no period.
    """
    today = day_of(utc_now(), entity.zone)
    kind = _kind(query, default)
    if kind is PeriodKind.MONTH:
        return _month(_year(query, today.year), _number(query, "month", today.month, 12), of_a_day=of_a_day)
    if kind is PeriodKind.QUARTER:
        quarter = _number(query, "quarter", (today.month + 2) // 3, 4)
        return _quarter(_year(query, today.year), quarter, of_a_day=of_a_day)
    if kind is PeriodKind.YEAR:
        return _of_year(_year(query, today.year), of_a_day=of_a_day)
    if kind is PeriodKind.FISCAL_YEAR:
        first = entity.fiscal_year_start
        this = today.year if first == 1 or today.month < first else today.year + 1
        return _fiscal_year(_year(query, this), first, of_a_day=of_a_day)
    end = parse_day(query["to"], field="to") if query.get("to") else today
    if kind is PeriodKind.UNTIL:
        return _until(end, of_a_day=of_a_day)
    if not query.get("from"):
        raise ValidationError.of("from", "is missing; give the first day of the range.")
    return _range(range_period(parse_day(query["from"], field="from"), end), of_a_day=of_a_day)


def _kind(query: Mapping[str, str], default: PeriodKind) -> PeriodKind:
    named = query.get("period")
    if named:
        try:
            return PeriodKind(named)
        except ValueError:
            known = ", ".join(PeriodKind)
            raise ValidationError.of("period", f"{shown(named)} is none; choose one of {known}.") from None
    if query.get("from"):
        return PeriodKind.RANGE
    return PeriodKind.UNTIL if query.get("to") else default


def _number(query: Mapping[str, str], name: str, default: int, most: int, least: int = 1) -> int:
    text = query.get(name)
    if not text:
        return default
    # ASCII digits alone: int() takes those of any script, and underscores.
    if text.isascii() and text.isdigit() and len(text) <= 4 and least <= int(text) <= most:
        return int(text)
    raise ValidationError.of(name, f"{shown(text)} is out of bounds; give a number from {least} to {most}.")


def _year(query: Mapping[str, str], default: int) -> int:
    # Fiscal years end in the calendar year that they are called by, and begin in the one before.
    return _number(query, "year", default, YEAR_MAX, YEAR_MIN + 1)


def _month(year: int, month: int, *, of_a_day: bool) -> Chosen:
    period = month_period(year, month)

    def query(step: int) -> Query | None:
        count = year * 12 + month - 1 + step
        return _named(PeriodKind.MONTH, count // 12, month=count % 12 + 1)

    return Chosen(
        PeriodKind.MONTH,
        period,
        _label(period, f"{period.start:%B %Y}", of_a_day=of_a_day),
        query(0) or {},
        query(-1),
        query(1),
    )


def _quarter(year: int, quarter: int, *, of_a_day: bool) -> Chosen:
    period = Period(date(year, quarter * 3 - 2, 1), month_period(year, quarter * 3).end)

    def query(step: int) -> Query | None:
        count = year * 4 + quarter - 1 + step
        return _named(PeriodKind.QUARTER, count // 4, quarter=count % 4 + 1)

    label = _label(period, f"Q{quarter} {year}", of_a_day=of_a_day)
    return Chosen(PeriodKind.QUARTER, period, label, query(0) or {}, query(-1), query(1))


def _of_year(year: int, *, of_a_day: bool) -> Chosen:
    period = year_period(year)
    label = _label(period, str(year), of_a_day=of_a_day)
    kind = PeriodKind.YEAR
    return Chosen(
        kind, period, label, _named(kind, year) or {}, _named(kind, year - 1), _named(kind, year + 1)
    )


def _fiscal_year(year: int, first_month: int, *, of_a_day: bool) -> Chosen:
    period = fiscal_year_period(year, first_month=first_month)
    label = _label(period, f"Fiscal year {year}", of_a_day=of_a_day)
    kind = PeriodKind.FISCAL_YEAR
    return Chosen(
        kind, period, label, _named(kind, year) or {}, _named(kind, year - 1), _named(kind, year + 1)
    )


def _until(end: date, *, of_a_day: bool) -> Chosen:
    """All days until one; the arrows go from one month's end to the next."""
    month_end = month_period(end.year, end.month).end
    later = month_end if end < month_end else _end_of_month_after(end)
    before = end.replace(day=1) - _DAY

    def query(day: date) -> Query | None:
        if not YEAR_MIN < day.year <= YEAR_MAX:
            return None
        return {"period": PeriodKind.UNTIL.value, "to": day.isoformat()}

    return Chosen(
        PeriodKind.UNTIL,
        Period(end.replace(day=1) if of_a_day else BEGINNING, end),
        f"As of {day_label(end)}" if of_a_day else f"Until {day_label(end)}",
        query(end) or {},
        query(before),
        query(later),
    )


def _range(period: Period, *, of_a_day: bool) -> Chosen:
    try:
        earlier = _range_query(period.previous())
    except ValidationError:  # nothing lies before
        earlier = None
    label = f"{day_label(period.start)} to {day_label(period.end)}"
    return Chosen(
        PeriodKind.RANGE,
        period,
        _label(period, label, of_a_day=of_a_day),
        _range_query(period) or {},
        earlier,
        _range_query(_next(period)),
    )


def _next(period: Period) -> Period:
    """The period of the same length right after: as many calendar months for whole months, else as many
    days."""
    start, months = period.after, period.whole_months
    if months is None:
        return Period(start, start + (period.end - period.start))
    count = start.year * 12 + start.month - 1 + months
    return Period(start, date(count // 12, count % 12 + 1, 1) - _DAY)


def _range_query(period: Period) -> Query | None:
    if not (period.start.year >= YEAR_MIN and period.end.year <= YEAR_MAX):
        return None
    return {
        "period": PeriodKind.RANGE.value,
        "from": period.start.isoformat(),
        "to": period.end.isoformat(),
    }


def _named(kind: PeriodKind, year: int, **more: int) -> Query | None:
    if not YEAR_MIN < year <= YEAR_MAX:
        return None
    return {"period": kind.value, "year": str(year)} | {name: str(value) for name, value in more.items()}


def _label(period: Period, label: str, *, of_a_day: bool) -> str:
    return f"As of {day_label(period.end)}" if of_a_day else label


def _end_of_month_after(day: date) -> date:
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, monthrange(year, month)[1])
