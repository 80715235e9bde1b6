"""The period picker of the back office."""

import datetime as dt

import pytest

from ledger.exceptions import ValidationError
from ledger.models import Entity
from reports.office.periods import PeriodKind, chosen_period
from reports.periods import BEGINNING, Period

# Its fiscal year begins in July.
COMPANY = Entity(timezone="America/New_York", fiscal_year_start=7)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    # In New York it is the evening of 31 October.
    moment = dt.datetime(2026, 11, 1, 2, 30, tzinfo=dt.UTC)
    monkeypatch.setattr("reports.office.periods.utc_now", lambda: moment)


def days(query: dict[str, str], default: PeriodKind = PeriodKind.MONTH, **more: bool) -> Period:
    return chosen_period(query, COMPANY, default=default, **more).period


def period(start: str, end: str) -> Period:
    return Period(dt.date.fromisoformat(start), dt.date.fromisoformat(end))


def test_without_a_choice_it_is_the_month_of_today_where_the_company_is() -> None:
    assert days({}) == period("2026-10-01", "2026-10-31")


@pytest.mark.parametrize(
    ("query", "start", "end", "label"),
    [
        ({"period": "month", "year": "2024", "month": "2"}, "2024-02-01", "2024-02-29", "February 2024"),
        ({"period": "quarter", "year": "2025", "quarter": "4"}, "2025-10-01", "2025-12-31", "Q4 2025"),
        ({"period": "year", "year": "2025"}, "2025-01-01", "2025-12-31", "2025"),
        ({"period": "fiscal", "year": "2025"}, "2024-07-01", "2025-06-30", "Fiscal year 2025"),
        # The fiscal year of October 2026 ends in 2027.
        ({"period": "fiscal"}, "2026-07-01", "2027-06-30", "Fiscal year 2027"),
        (
            {"period": "range", "from": "2026-01-05", "to": "2026-01-20"},
            "2026-01-05",
            "2026-01-20",
            "5 Jan 2026 to 20 Jan 2026",
        ),
        # Other pages link with the days alone.
        ({"from": "2026-01-05", "to": "2026-01-05"}, "2026-01-05", "2026-01-05", "5 Jan 2026 to 5 Jan 2026"),
        ({"to": "2026-03-31"}, str(BEGINNING), "2026-03-31", "Until 31 Mar 2026"),
    ],
)
def test_each_kind_of_period_is_the_days_that_it_names(
    query: dict[str, str], start: str, end: str, label: str
) -> None:
    chosen = chosen_period(query, COMPANY, default=PeriodKind.MONTH)

    assert chosen.period == period(start, end)
    assert chosen.label == label
    # What the arrows and the files send means the same days.
    assert days(chosen.query) == chosen.period


def test_what_stands_on_a_day_can_be_compared_with_the_month_before() -> None:
    chosen = chosen_period({"to": "2026-03-20"}, COMPANY, default=PeriodKind.UNTIL, of_a_day=True)

    assert chosen.label == "As of 20 Mar 2026"
    assert chosen.period == period("2026-03-01", "2026-03-20")
    assert chosen.period.previous().end == dt.date(2026, 2, 28)


@pytest.mark.parametrize(
    ("query", "earlier", "later"),
    [
        (
            {"period": "month", "year": "2026", "month": "1"},
            ("2025-12-01", "2025-12-31"),
            ("2026-02-01", "2026-02-28"),
        ),
        (
            {"period": "quarter", "year": "2026", "quarter": "4"},
            ("2026-07-01", "2026-09-30"),
            ("2027-01-01", "2027-03-31"),
        ),
        ({"period": "year", "year": "2026"}, ("2025-01-01", "2025-12-31"), ("2027-01-01", "2027-12-31")),
        ({"period": "fiscal", "year": "2026"}, ("2024-07-01", "2025-06-30"), ("2026-07-01", "2027-06-30")),
        (
            {"from": "2026-01-01", "to": "2026-02-28"},
            ("2025-11-01", "2025-12-31"),
            ("2026-03-01", "2026-04-30"),
        ),
        (
            {"from": "2026-01-11", "to": "2026-01-20"},
            ("2026-01-01", "2026-01-10"),
            ("2026-01-21", "2026-01-30"),
        ),
        ({"to": "2026-03-20"}, (str(BEGINNING), "2026-02-28"), (str(BEGINNING), "2026-03-31")),
        ({"to": "2026-12-31"}, (str(BEGINNING), "2026-11-30"), (str(BEGINNING), "2027-01-31")),
    ],
)
def test_the_arrows_lead_to_the_periods_right_before_and_after(
    query: dict[str, str], earlier: tuple[str, str], later: tuple[str, str]
) -> None:
    chosen = chosen_period(query, COMPANY, default=PeriodKind.MONTH)

    assert chosen.earlier is not None
    assert chosen.later is not None
    assert days(chosen.earlier) == period(*earlier)
    assert days(chosen.later) == period(*later)


def test_at_either_end_of_time_there_is_no_arrow() -> None:
    first = chosen_period({"period": "year", "year": "1901"}, COMPANY, default=PeriodKind.MONTH)
    last = chosen_period(
        {"period": "month", "year": "2200", "month": "12"}, COMPANY, default=PeriodKind.MONTH
    )

    assert first.earlier is None
    assert last.later is None


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"period": "week"}, "choose one of month"),
        ({"period": "month", "month": "13", "year": "2026"}, "from 1 to 12"),
        ({"period": "month", "month": "٣"}, "from 1 to 12"),
        ({"period": "year", "year": "1900"}, "from 1901 to 2200"),
        ({"period": "quarter", "quarter": "0"}, "from 1 to 4"),
        ({"period": "range", "to": "2026-01-01"}, "first day of the range"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "is before"),
        ({"to": "yesterday"}, "is not a day"),
        ({"to": "2201-01-01"}, "out of bounds"),
    ],
)
def test_what_is_no_period_is_refused_with_words(query: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        days(query)
