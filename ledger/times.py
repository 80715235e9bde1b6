"""Times and days: timestamps are aware and in UTC, days belong to the entity's time zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from ledger.exceptions import ValidationError, shown

YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2200
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# ISO 8601 in its extended form. datetime.fromisoformat alone would also take week dates and more.
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d(:?\d\d)?)?", re.ASCII
)
_DAY_FORM: Final = 'send a day such as "2024-01-15"'
_TIMESTAMP_FORM: Final = (
    'send ISO 8601 such as "2024-01-15T12:00:00Z" or "2024-01-15" (in a query, write "+" as %2B)'
)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def _known_zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone(name: object, *, field: str = "timezone") -> ZoneInfo:
    """Return the IANA time zone of that name (`America/New_York`); ValidationError where there is none."""
    if isinstance(name, str) and name in _zone_names():
        return _known_zone(name)
    raise ValidationError.of(
        field, f'{shown(name)} is not an IANA time zone; send one such as "America/New_York" or "UTC".'
    )


def day_start(day: date, in_zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which `day` begins in that zone.

    Where clocks jump over midnight it is the jump, the first moment that the day has.
    """
    return datetime.combine(day, time.min, in_zone).astimezone(UTC)


def day_end(day: date, in_zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which the day after `day` begins in that zone: an exclusive bound."""
    return day_start(day + timedelta(days=1), in_zone)


@lru_cache(maxsize=1024)
def day_of(timestamp: datetime, in_zone: ZoneInfo) -> date:
    """Return the day that an aware timestamp falls on in that zone. Kept, as those of a batch repeat."""
    return timestamp.astimezone(in_zone).date()


def parse_day(value: object, *, field: str) -> date:
    """Return the day of `"YYYY-MM-DD"`, of a year from 1900 to 2200.

    Raises ValidationError, naming field and value, for anything else.
    """
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError.of(field, f"{shown(value)} is not a day ({error}); {_DAY_FORM}.") from None
        if YEAR_MIN <= day.year <= YEAR_MAX:
            return day
        raise _out_of_bounds(value, field)
    raise ValidationError.of(field, f"{shown(value)} is not a day; {_DAY_FORM}.")


def parse_timestamp(value: object, *, zone: ZoneInfo, field: str) -> datetime:
    """Return the aware UTC timestamp of an ISO 8601 string, of a year from 1900 to 2200.

    A day without a time means its midnight in `zone`, the entity's; a time without an offset is UTC. Digits
    beyond microseconds are cut off. Raises ValidationError, naming field and value, for anything else, and
    where the moment's day in `zone` is of no such year.
    """
    if not isinstance(value, str):
        raise ValidationError.of(field, f"{shown(value)} is not a timestamp; {_TIMESTAMP_FORM}.")
    if _DAY.fullmatch(value):
        return day_start(parse_day(value, field=field), zone)
    if not _TIMESTAMP.fullmatch(value):
        raise ValidationError.of(field, f"{shown(value)} is not a timestamp; {_TIMESTAMP_FORM}.")
    try:
        moment = datetime.fromisoformat(value.upper())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValidationError.of(
            field, f"{shown(value)} is no timestamp ({error}); {_TIMESTAMP_FORM}."
        ) from None
    if YEAR_MIN < moment.year < YEAR_MAX or _has_a_day(moment, zone):
        return moment
    raise _out_of_bounds(value, field)


def _has_a_day(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether books can have the moment and the day that it falls on: at either end of all time these may be
    of two years."""
    return all(YEAR_MIN <= one.year <= YEAR_MAX for one in (moment, moment.astimezone(zone)))


def format_timestamp(moment: datetime) -> str:
    """Return an aware timestamp as `2024-01-15T12:00:00Z`; microseconds are written where there are any.

    What it writes, `parse_timestamp` reads back to the same moment.
    """
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _out_of_bounds(value: str, field: str) -> ValidationError:
    return ValidationError.of(
        field, f"{shown(value)} is out of bounds; send a year from {YEAR_MIN} to {YEAR_MAX}."
    )
