"""The made-up books of every industry are sound, believable and always the same."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.chart_templates import SYSTEM_ACCOUNTS, chart_template
from accounts.choices import AccountType
from banking.sandbox.industries import INDUSTRIES, industry_named
from banking.sandbox.industry import Industry
from banking.sandbox.story import OPENING_BALANCES, Line, balances, first_day, tell
from ledger.exceptions import ValidationError

TODAY = date(2026, 11, 20)
CENT = Decimal("0.01")
every_industry = pytest.mark.parametrize("industry", INDUSTRIES.values(), ids=lambda one: one.id)


def told(industry: Industry, *, seed: int = 1, months: int = 12, today: date = TODAY) -> list[Line]:
    return tell(industry=industry, seed=seed, first=first_day(today, months), until=today, step=CENT)


def types(industry: Industry) -> dict[int, AccountType]:
    chart = {one.code: one.type for one in chart_template(industry.template_id).accounts}
    return chart | {one.code: one.type for one in SYSTEM_ACCOUNTS}


@every_industry
@pytest.mark.parametrize("today", [TODAY, date(2026, 1, 1), date(2028, 2, 29), date(2026, 12, 31)])
@pytest.mark.parametrize("seed", [1, 7, 1234])
def test_no_account_ever_stands_where_it_cannot(industry: Industry, today: date, seed: int) -> None:
    chart = industry.chart
    never_in_credit = {chart.checking, chart.savings, chart.receivable, chart.prepaid, chart.equipment}
    never_in_credit |= {sales.clearing for sales in industry.card_sales} | {chart.inventory or chart.checking}
    never_in_debit = {chart.card, chart.payable, chart.payroll_liabilities, chart.loan}
    never_in_debit |= {chart.sales_tax or chart.card}
    standing: defaultdict[int, Decimal] = defaultdict(Decimal)
    by_day: defaultdict[date, list[Line]] = defaultdict(list)
    # Three years, of which the opening balances knew two.
    for line in told(industry, today=today, seed=seed, months=36):
        by_day[line.day].append(line)
    for day in sorted(by_day):
        for line in by_day[day]:
            standing[line.debit] += line.amount
            standing[line.credit] -= line.amount
        assert standing[chart.checking] > 0, f"the bank account runs dry on {day}"
        assert all(standing[account] >= 0 for account in never_in_credit), day
        assert all(standing[account] <= 0 for account in never_in_debit), day


@every_industry
def test_the_year_makes_sense_to_an_accountant(industry: Industry) -> None:
    chart, kinds = industry.chart, types(industry)
    lines = told(industry)
    year = [line for line in lines if line.day >= date(2025, 12, 1)]
    sums: defaultdict[AccountType, Decimal] = defaultdict(Decimal)
    for account, amount in balances(year).items():
        sums[kinds[account]] += amount
    revenue, expenses = -sums[AccountType.REVENUE], sums[AccountType.EXPENSE]
    # It lives off what it does, and neither burns nor hoards money.
    assert revenue > 300_000
    assert Decimal("0.7") < expenses / revenue < 1
    # The opening entries are of the day before, and leave nothing on their counterpart.
    standing = balances(lines)
    assert standing[OPENING_BALANCES] == 0
    assert {line.day for line in lines if OPENING_BALANCES in (line.debit, line.credit)} == {
        date(2025, 10, 31)
    }
    # Wages come out even, and what is owed to the state is this month's alone.
    assert standing[chart.payroll_liabilities] == 0
    if chart.sales_tax:
        taxed = sum(
            line.amount for line in lines if line.credit == chart.sales_tax and line.day >= date(2026, 11, 1)
        )
        assert standing[chart.sales_tax] == -taxed


@every_industry
def test_each_month_has_some_dozens_of_lines_up_to_today(industry: Industry) -> None:
    lines = told(industry)
    by_month: defaultdict[str, int] = defaultdict(int)
    for line in lines[7:]:
        by_month[f"{line.day:%Y-%m}"] += 1
    assert len([month for month, count in by_month.items() if 40 <= count <= 90]) >= 12
    days = [line.day for line in lines]
    assert days == sorted(days)
    assert TODAY - timedelta(days=4) <= days[-1] <= TODAY


@every_industry
def test_only_accounts_of_the_chart_are_used_and_every_amount_counts(industry: Industry) -> None:
    kinds = types(industry)
    for line in told(industry):
        assert {line.debit, line.credit} <= kinds.keys()
        assert line.debit != line.credit
        assert line.amount > 0
        assert line.amount == line.amount.quantize(CENT)
        assert line.description
        assert "{" not in line.description


@every_industry
def test_a_story_that_is_told_further_goes_on_and_changes_nothing(industry: Industry) -> None:
    first = date(2025, 11, 1)
    short, long = (
        tell(industry=industry, seed=5, first=first, until=until, step=CENT)
        for until in (date(2026, 11, 20), date(2029, 3, 31))
    )
    assert long[: len(short)] == short
    assert len(long) > 3 * len(short)
    # Months far beyond those that the opening balances covered are as full of life.
    late = [line for line in long if line.day >= date(2029, 1, 1)]
    assert 150 <= len(late) <= 270


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    industry = INDUSTRIES["software"]
    assert told(industry) == told(industry)
    assert told(industry, seed=2) != told(industry)


def test_what_is_worn_out_and_paid_off_stays_so() -> None:
    chart, standing = INDUSTRIES["software"].chart, balances(told(INDUSTRIES["software"], months=60))
    assert standing[chart.equipment] + standing[chart.accumulated_depreciation] == 0
    assert standing[chart.loan] == 0


@pytest.mark.parametrize("months", [1, 3, 24])
def test_shorter_and_longer_stories_are_sound_too(months: int) -> None:
    lines = told(INDUSTRIES["retail"], months=months)
    assert len({(line.day.year, line.day.month) for line in lines}) == months + 2
    assert balances(lines)[1200] > 0


def test_amounts_of_a_currency_without_minor_digits_are_whole() -> None:
    first = date(2026, 9, 1)
    lines = tell(industry=INDUSTRIES["retail"], seed=1, first=first, until=TODAY, step=Decimal(1))
    assert all(line.amount == int(line.amount) for line in lines)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("software", "software"),
        (" SaaS", "software"),
        ("e-commerce", "retail"),
        ("Professional_Services", "consulting"),
    ],
)
def test_industries_are_found_by_the_words_people_use(name: str, found: str) -> None:
    assert industry_named(name).id == found


def test_an_unknown_industry_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ValidationError, match='"mining" is no industry of the sandbox; send one of software, retail'
    ):
        industry_named("mining")
