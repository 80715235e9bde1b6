"""How the sums are read: by the beginning of the primary keys, in one statement."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection

from ledger.db import fetch
from reports.periods import month_period, range_period
from reports.read import new_scope, read_frame
from reports.statements.overview import Interval, read_overview
from reports.statements.trial_balance import trial_balance
from reports.sums import StatusFilter, books_statement, cut_parameters, cuts_of, exactly, kept_rows
from reports.tests.conftest import Company, make_company, post


@pytest.fixture
def many_companies(bakery: Company) -> Company:
    """The bakery's totals among those of many other accounts, as in a database in use."""
    others = [make_company(f"Other {number}") for number in range(4)]
    for company in (*others, bakery):
        for account in company.accounts:
            with connection.cursor() as cursor:
                for table, key, step in (
                    ("accounts_accountmonth", "month", "1 month"),
                    ("accounts_accountday", "date", "1 day"),
                ):
                    cursor.execute(
                        f"INSERT INTO {table} (entity_id, account_id, {key}, slot, debits_pending,"
                        " debits_posted, credits_pending, credits_posted)"
                        " SELECT %s, %s, day::date, 0, 0, 1, 0, 1"
                        f" FROM generate_series('2022-01-01'::date, '2024-12-31', '{step}') day",
                        [account.entity_id, account.id],
                    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_accountmonth, accounts_accountday, accounts_account")
    return bakery


def plan_of(company: Company, cuts: tuple[dt.date, ...]) -> str:
    parameters = {
        "entity": company.entity.id,
        "ledger": company.ledger.id,
        **cut_parameters(cuts),
    }
    statement = books_statement(kept_rows(StatusFilter.POSTED), len(cuts))
    return "\n".join(row[0] for row in fetch("EXPLAIN (COSTS OFF) " + statement, parameters))


def test_totals_are_found_by_the_beginning_of_their_primary_keys(many_companies: Company) -> None:
    # These tables are so small that reading all of one may look cheaper; what is asked is what serves.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = plan_of(many_companies, cuts_of([range_period(dt.date(2024, 2, 10), dt.date(2024, 3, 20))]))
    assert "accounts_accountday_pkey" in plan
    assert "accounts_accountmonth_pkey" in plan
    assert "Seq Scan on accounts_accountday" not in plan
    # Transactions are none of its business.
    assert "transactions_transaction" not in plan


def test_whole_months_read_no_day() -> None:
    parameters = cut_parameters(cuts_of([month_period(2024, 2)]))
    assert parameters["days_from"] == parameters["cut_months"] == []


def test_neighbouring_months_that_are_cut_are_read_as_one_range() -> None:
    parameters = cut_parameters((dt.date(2024, 1, 10), dt.date(2024, 2, 10), dt.date(2024, 4, 5)))
    assert parameters["cut_months"] == [dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 4, 1)]
    assert parameters["days_from"] == [dt.date(2024, 1, 1), dt.date(2024, 4, 1)]
    # Days after the last cut are of no interest.
    assert parameters["days_to"] == [dt.date(2024, 3, 1), dt.date(2024, 4, 5)]
    assert parameters["taken_off"] == [False, False]


def test_the_end_of_a_month_is_taken_off_where_that_is_shorter() -> None:
    parameters = cut_parameters((dt.date(2024, 1, 10), dt.date(2024, 4, 20)))
    assert parameters["cut_months"] == [dt.date(2024, 1, 1)]
    assert parameters["days_from"] == [dt.date(2024, 1, 1), dt.date(2024, 4, 20)]
    assert parameters["days_to"] == [dt.date(2024, 2, 1), dt.date(2024, 5, 1)]
    assert parameters["taken_off"] == [False, True]
    # A cut at its beginning does not go through it.
    assert cut_parameters((dt.date(2024, 4, 1), dt.date(2024, 4, 20)))["cut_months"] == []
    # A month that another cut goes through, too, is read day by day.
    twice = cut_parameters((dt.date(2024, 4, 2), dt.date(2024, 4, 20)))
    assert (twice["cut_months"], twice["days_to"]) == ([dt.date(2024, 4, 1)], [dt.date(2024, 4, 20)])


@pytest.mark.parametrize("status", list(StatusFilter))
def test_every_day_is_cut_where_it_is(bakery: Company, status: StatusFilter) -> None:
    days = [dt.date(2024, 4, 1) + dt.timedelta(days=n) for n in range(-2, 32)]
    for number, day in enumerate(days):
        post(bakery, day, 2**number, bakery.cash, bakery.sales)
    scope = new_scope(entity=bakery.entity, ledger=bakery.ledger, status=status)
    for number, day in enumerate(days):
        for start in (None, dt.date(2024, 3, 31), dt.date(2024, 4, 1), day):
            if start is not None and start > day:
                continue
            frame = read_frame(scope, range_period(start, day))
            until = 2 ** (number + 1) - 1
            before = 0 if start is None else 2 ** days.index(start) - 1
            assert frame.figure("revenue", frame.period) == until - before, (start, day)
            assert frame.figure("cash", frame.until_end) == until, day
            if start is None:
                continue
            # Steps of the overview are cut by the same days.
            assert read_overview(scope, frame.period, Interval.DAILY).total.revenue == until - before


def test_sums_keep_all_their_digits(bakery: Company) -> None:
    amount = Decimal("99999999999999999999999999.9999")
    with connection.cursor() as cursor:
        for account in (bakery.cash, bakery.bank):
            for slot in range(8):
                cursor.execute(
                    "INSERT INTO accounts_accountmonth (entity_id, account_id, month, slot, debits_pending,"
                    " debits_posted, credits_pending, credits_posted)"
                    " VALUES (%s, %s, '2024-01-01', %s, 0, %s, 0, 0)",
                    [account.entity_id, account.id, slot, amount],
                )
    scope = new_scope(entity=bakery.entity, ledger=bakery.ledger)
    with exactly():
        frame = read_frame(scope, month_period(2024, 1))
        assert trial_balance(frame).total_debits == 16 * amount
