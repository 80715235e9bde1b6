"""What is said of time and amounts, and that no text upsets the reader."""

import datetime as dt
from decimal import Decimal
from time import perf_counter
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai.chat.parsing.calendar import Calendar
from ai.chat.parsing.names import Names
from ai.chat.parsing.parser import parse
from ai.chat.parsing.spelling import keywords
from ai.chat.query import AmountRange, Compare, Measure, Span
from transactions.selections import AccountOfChart

# A Wednesday; the fiscal year begins in July.
CALENDAR = Calendar(dt.date(2025, 8, 20), 7)
NAMES = Names(
    [
        AccountOfChart(UUID(int=1), None, "Travel", "EXPENSE", "TRAVEL_EXPENSES", 6490, None),
        AccountOfChart(
            UUID(int=2), None, "Sales and Marketing", "EXPENSE", "ADVERTISING_EXPENSES", 6200, None
        ),
        AccountOfChart(UUID(int=3), None, "Checking", "ASSET", "CASH", 1010, None),
    ],
    ["Amazon Web Services", "May & June Ltd", "Delta Air"],
)


def days(first: str, last: str) -> Span:
    return Span(
        dt.date.fromisoformat(first) if first else None, dt.date.fromisoformat(last) if last else None
    )


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ("today", days("2025-08-20", "2025-08-20")),
        ("yesterday", days("2025-08-19", "2025-08-19")),
        ("this week", days("2025-08-18", "2025-08-24")),
        ("last week", days("2025-08-11", "2025-08-17")),
        ("last month", days("2025-07-01", "2025-07-31")),
        ("last quarter", days("2025-04-01", "2025-06-30")),
        ("last year", days("2024-01-01", "2024-12-31")),
        ("this fiscal year", days("2025-07-01", "2026-06-30")),
        ("last fiscal year", days("2024-07-01", "2025-06-30")),
        ("fiscal year 2024", days("2023-07-01", "2024-06-30")),
        ("FY24", days("2023-07-01", "2024-06-30")),
        ("fiscal Q2 2025", days("2024-10-01", "2024-12-31")),
        ("this fiscal quarter", days("2025-07-01", "2025-09-30")),
        ("year to date", days("2025-01-01", "2025-08-20")),
        ("ytd", days("2025-01-01", "2025-08-20")),
        ("this year so far", days("2025-01-01", "2025-08-20")),
        ("month to date", days("2025-08-01", "2025-08-20")),
        ("fiscal year to date", days("2025-07-01", "2025-08-20")),
        ("last 30 days", days("2025-07-22", "2025-08-20")),
        ("the past two weeks", days("2025-08-07", "2025-08-20")),
        ("last 3 months", days("2025-05-01", "2025-07-31")),
        ("over the last six months", days("2025-02-01", "2025-07-31")),
        ("3 days ago", days("2025-08-17", "2025-08-17")),
        ("since March", days("2025-03-01", "2025-08-20")),
        ("since October", days("2024-10-01", "2025-08-20")),
        ("since 5 May", days("2025-05-05", "2025-08-20")),
        ("since 2024-10-01", days("2024-10-01", "2025-08-20")),
        ("since the beginning of the year", days("2025-01-01", "2025-08-20")),
        ("before March", days("", "2025-02-28")),
        ("until May 2024", days("", "2024-05-31")),
        ("after 5 May", days("2025-05-06", "2025-08-20")),
        ("from March to May", days("2025-03-01", "2025-05-31")),
        ("between November and February", days("2024-11-01", "2025-02-28")),
        ("from Nov 2023 to Feb", days("2023-11-01", "2024-02-29")),
        ("between 5 and 20 May", days("2025-05-05", "2025-05-20")),
        ("from the 5th to the 20th of May 2024", days("2024-05-05", "2024-05-20")),
        ("May 5 to 20", days("2025-05-05", "2025-05-20")),
        ("between 1 March and 30 April 2025", days("2025-03-01", "2025-04-30")),
        ("from 2025-03-01 to 2025-03-15", days("2025-03-01", "2025-03-15")),
        ("on 12/31/2024", days("2024-12-31", "2024-12-31")),
        ("on February 29th 2024", days("2024-02-29", "2024-02-29")),
        ("in Q3 2024", days("2024-07-01", "2024-09-30")),
        ("Q4", days("2024-10-01", "2024-12-31")),
        ("the second quarter of 2025", days("2025-04-01", "2025-06-30")),
        ("the first half of 2025", days("2025-01-01", "2025-06-30")),
        ("in 2023", days("2023-01-01", "2023-12-31")),
        ("between 2023 and 2024", days("2023-01-01", "2024-12-31")),
        ("in December", days("2024-12-01", "2024-12-31")),
        ("in august", days("2025-08-01", "2025-08-31")),
        ("last May", days("2025-05-01", "2025-05-31")),
        ("in Febuary", days("2025-02-01", "2025-02-28")),
        ("from last month", days("2025-07-01", "2025-07-31")),
        ("of all time", None),
    ],
)
def test_a_period_is_read(said: str, span: Span | None) -> None:
    reading = parse(f"total transactions {said}", names=NAMES, calendar=CALENDAR)

    assert reading.query is not None
    assert reading.query.period == span
    assert reading.left == ()
    assert reading.query.amount is None


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("over $100", AmountRange(Decimal(100), None, low_excluded=True)),
        ("more than 1,250.50", AmountRange(Decimal("1250.50"), None, low_excluded=True)),
        ("over 2000", AmountRange(Decimal(2000), None, low_excluded=True)),
        ("at least 5k", AmountRange(Decimal(5000))),
        ("of 100 or more", AmountRange(Decimal(100))),
        ("under €20", AmountRange(None, Decimal(20), high_excluded=True)),
        ("up to 2000", AmountRange(None, Decimal(2000))),
        ("between 50 and 200", AmountRange(Decimal(50), Decimal(200))),
        ("between $200 and $50", AmountRange(Decimal(50), Decimal(200))),
        ("exactly 25 dollars", AmountRange(Decimal(25), Decimal(25))),
        ("for $49.99", AmountRange(Decimal("49.99"), Decimal("49.99"))),
        ("over 1.5 million", AmountRange(Decimal(1_500_000), None, low_excluded=True)),
        ("over 100 but under 200", AmountRange(Decimal(100), Decimal(200), True, True)),
    ],
)
def test_bounds_of_amounts_are_read(said: str, amount: AmountRange) -> None:
    reading = parse(f"transactions {said}", names=NAMES, calendar=CALENDAR)

    assert reading.query is not None
    assert reading.query.amount == amount
    assert reading.query.period is None


@pytest.mark.parametrize(
    ("said", "compare", "other"),
    [
        ("profit in May compared with last year", Compare.YEAR, None),
        ("profit in May vs the same month last year", Compare.YEAR, None),
        ("profit last quarter vs the previous quarter", Compare.PREVIOUS, None),
        ("profit this month vs last month", Compare.GIVEN, days("2025-07-01", "2025-07-31")),
        ("profit this year versus last year", Compare.GIVEN, days("2024-01-01", "2024-12-31")),
        ("compare profit of March and April", Compare.GIVEN, days("2025-04-01", "2025-04-30")),
        ("profit in May year over year", Compare.YEAR, None),
        ("is profit higher than in June", Compare.GIVEN, days("2025-06-01", "2025-06-30")),
    ],
)
def test_comparisons_are_read(said: str, compare: Compare, other: Span | None) -> None:
    query = parse(said, names=NAMES, calendar=CALENDAR).query

    assert query is not None
    assert query.measure is Measure.PROFIT
    assert (query.compare, query.compare_with) == (compare, other)


def test_a_name_that_looks_like_months_is_a_name() -> None:
    query = parse("payments to May & June Ltd", names=NAMES, calendar=CALENDAR).query

    assert query is not None
    assert query.counterparties == ("May & June Ltd",)
    assert query.period is None


def test_parents_mean_all_below_and_initials_their_name() -> None:
    marketing = parse("sales and marketing", names=NAMES, calendar=CALENDAR).query
    initials = parse("AWS", names=NAMES, calendar=CALENDAR).query

    assert marketing is not None
    assert initials is not None
    assert marketing.account_ids == (UUID(int=2),)
    assert initials.counterparties == ("Amazon Web Services",)


_WORDS = st.sampled_from(
    [
        *sorted(keywords()),
        "travel",
        "amazon",
        "5",
        "31",
        "2024",
        "$100",
        "1,200.50",
        "q3",
        "30/02/2024",
        "\x01",
        "½",
    ]
)
_PROMPTS = st.one_of(st.text(max_size=200), st.lists(_WORDS, max_size=25).map(" ".join))


@settings(max_examples=300, deadline=None)
@given(_PROMPTS, _PROMPTS, st.dates(dt.date(1901, 1, 1), dt.date(2199, 12, 31)), st.integers(1, 12))
def test_any_text_is_read_or_refused_without_a_fault(
    before: str, prompt: str, today: dt.date, first_month: int
) -> None:
    calendar = Calendar(today, first_month)
    earlier = parse(before, names=NAMES, calendar=calendar).query

    reading = parse(prompt, names=NAMES, calendar=calendar, before=earlier)

    if reading.query is not None and reading.query.period is not None:
        period = reading.query.period
        assert period.start is None or period.end is None or period.start <= period.end


@pytest.mark.parametrize(
    "words",
    ["1 2 3 4 5 ", "may to ", "total our my ", "in the banks on hand ", "amazn ", "over $1 ", "pay paid "],
)
def test_no_prompt_takes_long(words: str) -> None:
    prompt = (words * 1_000)[:1_000]
    parse("warm up", names=NAMES, calendar=CALENDAR)
    started = perf_counter()

    parse(prompt, names=NAMES, calendar=CALENDAR)

    # A tenth of a second on a quiet machine; what grows with the square or worse takes many.
    assert perf_counter() - started < 5
