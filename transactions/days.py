"""Days as moments and in weeks: what the indexes of transactions are ordered by."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Func, IntegerField

# No place on earth has been further from UTC since 1900 (the widest is +14:00).
_OFFSET_MAX: Final = timedelta(hours=24)


def not_before(day: date) -> datetime:
    """A moment before which `day` has begun nowhere on earth.

    Beside a condition on `date`, which decides, it lets the index by moment leave out older rows; a change
    of the company's time zone does not part the two.
    """
    return datetime.combine(day, time.min, UTC) - _OFFSET_MAX


def not_after(day: date) -> datetime:
    """A moment after which `day` has ended everywhere; see `not_before`."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC) + _OFFSET_MAX


class Week(Func):
    """The number of the week, from Monday, that a day is in, as the indexes by account have it.

    An account has many transactions a week and few a day. An entry of the index is stored once for all
    rows that share it, so by weeks these indexes are a third of what they are by days. A read names the
    week beside the day, and sorts the days of a week itself.
    """

    template = "((%(expressions)s - DATE '2000-01-03') / 7)"
    arity = 1

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, output_field=IntegerField(), **extra)


def week_of(day: str) -> str:
    """SQL: the week of the day that the SQL text `day` gives; as in the index, to the letter."""
    return f"(({day} - DATE '2000-01-03') / 7)"
