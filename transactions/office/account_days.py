"""The days that an account's ledger shows: those typed in, or a period that is one click away."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from ledger.exceptions import ValidationError
from ledger.models import Entity
from ledger.times import parse_day


class Shortcut(NamedTuple):
    """A period that a link names; None is open on that side."""

    label: str
    first: date | None
    last: date | None


def chosen_days(query: Mapping[str, str]) -> tuple[date | None, date | None]:
    """Return the first and the last day that a query names; None where it names none.

    Raises ValidationError for what is no day, and for a last day before the first.
    """
    first = parse_day(query["from"], field="from") if query.get("from") else None
    last = parse_day(query["to"], field="to") if query.get("to") else None
    if first is not None and last is not None and last < first:
        raise ValidationError.of("to", f"{last} lies before {first}; choose a later day.")
    return first, last


def shortcuts(entity: Entity, today: date) -> list[Shortcut]:
    """Return the periods that accountants ask for most, of the company's fiscal year."""
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    starts = entity.fiscal_year_start
    year = date(today.year if today.month >= starts else today.year - 1, starts, 1)
    return [
        Shortcut("This month", month, _end(month, 1)),
        Shortcut("Last month", before, _end(before, 1)),
        Shortcut("This quarter", quarter, _end(quarter, 3)),
        Shortcut("This fiscal year", year, _end(year, 12)),
        Shortcut("Last fiscal year", year.replace(year=year.year - 1), year - timedelta(days=1)),
        Shortcut("All", None, None),
    ]


def _end(first: date, months: int) -> date:
    """The last day of so many months from a first of a month on."""
    after = first.month - 1 + months
    return date(first.year + after // 12, after % 12 + 1, 1) - timedelta(days=1)
