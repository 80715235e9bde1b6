"""Days as moments, moments in hours and days in weeks: what the indexes of transactions are ordered by.

Many rows share an hour or a week, and an entry of an index is stored once for all rows that share it: so
these indexes are a fifth and a third of what they would be by moment and by day. A read names the hour or the
week beside what it wants, and sorts the rows of one itself.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import DateTimeField, Func, IntegerField

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


class Hour(Func):
    """The beginning of the hour that a moment is in, as the index by time has it."""

    template = "date_bin(INTERVAL '1 hour', %(expressions)s, TIMESTAMPTZ '2000-01-01 00:00:00+00')"
    arity = 1

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, output_field=DateTimeField(), **extra)


def hour_of(moment: str) -> str:
    """SQL: the hour of the moment that the SQL text `moment` gives; as in the index, to the letter."""
    return f"date_bin(INTERVAL '1 hour', {moment}, TIMESTAMPTZ '2000-01-01 00:00:00+00')"


class Week(Func):
    """The number of the week, from Monday, that a day is in, as the indexes by account have it: an account
    has many transactions a week and few a day."""

    template = "((%(expressions)s - DATE '2000-01-03') / 7)"
    arity = 1

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, output_field=IntegerField(), **extra)


def week_of(day: str) -> str:
    """SQL: the week of the day that the SQL text `day` gives; as in the index, to the letter."""
    return f"(({day} - DATE '2000-01-03') / 7)"
