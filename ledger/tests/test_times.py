"""Timestamps in UTC, days in the entity's time zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.exceptions import ValidationError
from ledger.times import day_end, day_of, day_start, format_timestamp, parse_day, parse_timestamp, zone

NEW_YORK = ZoneInfo("America/New_York")
# Clocks there jump from 24:00 to 01:00 in spring: that midnight doesn't exist.
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ZONES = [
    ZoneInfo(name)
    for name in ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "America/Sao_Paulo")
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15T12:00:00Z", datetime(2024, 1, 15, 12, tzinfo=UTC)),
        ("2024-01-15t12:00:00z", datetime(2024, 1, 15, 12, tzinfo=UTC)),
        ("2024-01-15 12:00", datetime(2024, 1, 15, 12, tzinfo=UTC)),  # naive: UTC
        ("2024-01-15T12:00:00+05:30", datetime(2024, 1, 15, 6, 30, tzinfo=UTC)),
        ("2024-01-15T12:00:00-0500", datetime(2024, 1, 15, 17, tzinfo=UTC)),
        ("2024-01-15T12:00:00.123Z", datetime(2024, 1, 15, 12, 0, 0, 123_000, tzinfo=UTC)),
        ("2024-01-15T12:00:00.123456789Z", datetime(2024, 1, 15, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2024-01-15", datetime(2024, 1, 15, 5, tzinfo=UTC)),  # midnight in New York
        ("2024-07-15", datetime(2024, 7, 15, 4, tzinfo=UTC)),  # and in summer
    ],
)
def test_timestamps_are_read_as_utc(text: str, expected: datetime) -> None:
    moment = parse_timestamp(text, zone=NEW_YORK, field="timestamp")

    assert moment == expected
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "", "yesterday", "2024-13-01", "2024-02-30", "2024-01-15T25:00:00Z", "2024-01-15T12:00:60Z",
        "20240115", "2024-W03-1", "15.01.2024", "2024-1-5", "2024-01-15T", "2024-01-15T12Z",
        "2024-01-15T12:00:00 05:00",
        "2024-01-15T12:00:00+99:00", "202\u0664-01-15", "1899-12-31",
        "2201-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00",
        "0001-01-01T00:00:00+23:00", "2024-01-15\n", 1705320000, None, True, ["2024-01-15"],
    ],
)  # fmt: skip
def test_what_is_no_timestamp_is_refused_by_name(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_timestamp(value, zone=NEW_YORK, field="date")

    assert caught.value.details[0].field == "date"
    assert "send" in caught.value.message


@pytest.mark.parametrize(
    "value",
    ["2024-01-15T00:00:00Z", "2023-02-29", "2201-01-01", "0000-01-01", "", None, 20240115],
)
def test_what_is_no_day_is_refused_by_name(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_day(value, field="asOf")

    assert caught.value.details[0].field == "asOf"


@pytest.mark.parametrize(
    ("value", "name"),
    [("1900-01-01T00:00:00Z", "America/New_York"), ("2200-12-31T23:00:00Z", "Asia/Tokyo")],
)
def test_a_moment_whose_day_is_of_no_year_of_books_is_refused(value: str, name: str) -> None:
    with pytest.raises(ValidationError, match="1900 to 2200"):
        parse_timestamp(value, zone=zone(name), field="date")

    # Where its day is of one, it is taken; and so is the first day of all, which begins before it in UTC.
    assert parse_timestamp(value, zone=zone("UTC"), field="date").year in (1900, 2200)
    assert day_of(
        parse_timestamp("1900-01-01", zone=zone("Asia/Tokyo"), field="date"), zone("Asia/Tokyo")
    ) == (date(1900, 1, 1))


def test_days_are_read_up_to_both_bounds() -> None:
    assert parse_day("1900-01-01", field="asOf") == date(1900, 1, 1)
    assert parse_day("2200-12-31", field="asOf") == date(2200, 12, 31)


@given(
    st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2200, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
def test_what_is_written_reads_back_to_the_same_moment(moment: datetime, in_zone: ZoneInfo) -> None:
    # updatedSince takes what updatedAt gave: not a microsecond may get lost.
    text = format_timestamp(moment.astimezone(in_zone))

    assert text.endswith("Z")
    assert parse_timestamp(text, zone=in_zone, field="updatedSince") == moment


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2199, 12, 31)), st.sampled_from(ZONES))
def test_a_day_begins_on_itself_and_ends_where_the_next_begins(day: date, in_zone: ZoneInfo) -> None:
    # The island skipped a day when it crossed the date line.
    assume(in_zone.key != "Pacific/Kiritimati" or day.year not in {1994, 1995})

    assert day_of(day_start(day, in_zone), in_zone) == day
    assert day_of(day_start(day, in_zone) - timedelta(microseconds=1), in_zone) == day - timedelta(days=1)
    assert day_end(day, in_zone) == day_start(day + timedelta(days=1), in_zone)


def test_a_day_without_a_midnight_begins_at_the_jump() -> None:
    assert day_start(date(2018, 11, 4), SAO_PAULO) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_timestamps_go_out_short_and_in_utc() -> None:
    eastern = timezone(timedelta(hours=-5))
    assert format_timestamp(datetime(2024, 1, 15, 7, tzinfo=eastern)) == "2024-01-15T12:00:00Z"
    assert format_timestamp(datetime(2024, 1, 15, 12, 0, 0, 5, tzinfo=UTC)) == "2024-01-15T12:00:00.000005Z"


def test_a_late_evening_belongs_to_the_day_of_the_zone() -> None:
    assert day_of(datetime(2024, 1, 16, 3, tzinfo=UTC), NEW_YORK) == date(2024, 1, 15)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "America", "new_york", "UTC\0", None, 5]
)
def test_what_is_no_time_zone_is_refused(name: object) -> None:
    with pytest.raises(ValidationError, match="IANA time zone"):
        zone(name)


def test_a_time_zone_is_found_by_its_name() -> None:
    assert zone("America/New_York").key == "America/New_York"
