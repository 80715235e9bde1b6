"""Days as moments: bounds for the index by moment, whatever time zone the days are of."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

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
