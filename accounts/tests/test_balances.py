"""Balances from the totals: live, as of a day, with and without the accounts below."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import balances
from accounts.balances import Sums, account_balance
from accounts.models import Account
from accounts.tests.conftest import SUMS, add_totals, make_account
from ledger.ids import new_id
from ledger.models import Ledger


def net(account: Account, as_of: str | None = None, *, with_children: bool = True) -> Decimal:
    day = dt.date.fromisoformat(as_of) if as_of else None
    found = account_balance(account.entity_id, account.id, as_of=day, with_children=with_children)
    assert found is not None
    return found.total.net


def test_an_account_without_transactions_has_zeros_on_both_sides(books: Ledger) -> None:
    account = make_account(books)
    for as_of in (None, dt.date(2024, 1, 15)):
        for with_children in (True, False):
            found = account_balance(books.entity_id, account.id, as_of=as_of, with_children=with_children)
            assert found is not None
            assert list(found.total.sums) == [0, 0, 0, 0]
            assert (found.currency, found.children) == ("USD", ())


def test_the_slots_of_an_account_are_added_up(books: Ledger) -> None:
    account = make_account(books)
    add_totals(account, "2024-01-15", slot=0, debits_posted="100.10", debits_pending="1")
    # A single slot may be negative: what one connection added another may have taken away.
    add_totals(
        account, "2024-01-15", slot=7, debits_posted="-30.05", credits_posted="20", credits_pending="3"
    )
    found = account_balance(books.entity_id, account.id)
    assert found is not None
    assert found.total.sums == Sums(Decimal(1), Decimal("70.05"), Decimal(3), Decimal(20))
    # Posted only.
    assert found.total.net == Decimal("50.05")


@pytest.mark.parametrize(
    ("type_", "financial_type", "expected"),
    [
        ("ASSET", "CASH", "70"),
        ("EXPENSE", "RENT_EXPENSES", "70"),
        ("LIABILITY", "SHORT_TERM_DEBT", "-70"),
        ("EQUITY", "OWNER_EQUITY", "-70"),
        ("REVENUE", "SALES", "-70"),
        # Contra accounts grow on the other side.
        ("ASSET", "ACCUMULATED_DEPRECIATION", "-70"),
        ("REVENUE", "SALES_DISCOUNTS", "70"),
        ("EQUITY", "OWNER_DRAWS", "70"),
        ("EXPENSE", "PURCHASE_DISCOUNTS", "-70"),
        ("LIABILITY", None, "-70"),
    ],
)
def test_the_net_balance_stands_on_the_accounts_normal_side(
    books: Ledger, type_: str, financial_type: str | None, expected: str
) -> None:
    account = make_account(books, "A", type_, financial_type=financial_type)
    add_totals(account, "2024-01-15", debits_posted="100", credits_posted="30")
    assert net(account) == Decimal(expected)


def test_a_balance_as_of_a_day_takes_whole_months_and_the_days_of_the_cut_one(books: Ledger) -> None:
    account = make_account(books)
    for day, amount in [
        ("2023-12-31", "1"),
        ("2024-01-01", "10"),
        ("2024-01-31", "100"),
        ("2024-02-01", "1000"),
        ("2024-02-29", "10000"),
        ("2024-03-01", "100000"),
    ]:
        add_totals(account, day, debits_posted=amount)
    assert net(account, "2023-12-30") == 0
    assert net(account, "2023-12-31") == 1
    assert net(account, "2024-01-01") == 11
    assert net(account, "2024-01-30") == 11
    assert net(account, "2024-01-31") == 111
    assert net(account, "2024-02-01") == 1111
    assert net(account, "2024-02-29") == 11111
    assert net(account, "2024-03-01") == net(account) == 111111


def test_children_are_included_each_with_its_own_subtree_in_the_order_of_the_chart(books: Ledger) -> None:
    root = make_account(books, "Cash")
    last = make_account(books, "Zebra", parent=root)
    coded = make_account(books, "Coded", parent=root, sub_type_code=1010)
    first = make_account(books, "Apple", parent=root)
    deep = make_account(books, "Deep", parent=make_account(books, "Middle", parent=coded))
    other = make_account(books, "Other")
    for account, amount in ((root, "1"), (last, "10"), (coded, "100"), (deep, "1000"), (other, "5")):
        add_totals(account, "2024-01-15", debits_posted=amount)

    for as_of in (None, dt.date(2024, 1, 15)):
        found = account_balance(books.entity_id, root.id, as_of=as_of)
        assert found is not None
        assert found.total.net == 1111
        assert [(child.account_id, child.net) for child in found.children] == [
            (coded.id, Decimal(1100)),
            (first.id, Decimal(0)),
            (last.id, Decimal(10)),
        ]
    assert net(root, with_children=False) == 1
    assert net(deep) == 1000


def test_a_contra_child_reduces_its_parent_and_is_positive_itself(books: Ledger) -> None:
    fixed = make_account(books, "Fixed Assets", financial_type="OTHER_FIXED_ASSETS")
    worn = make_account(books, "Depreciation", parent=fixed, financial_type="ACCUMULATED_DEPRECIATION")
    add_totals(fixed, "2024-01-15", debits_posted="1000")
    add_totals(worn, "2024-01-15", credits_posted="300")
    found = account_balance(books.entity_id, fixed.id)
    assert found is not None
    assert found.total.net == 700
    assert found.children[0].net == 300


def test_a_strangers_account_has_no_balance(books: Ledger, strange_books: Ledger) -> None:
    theirs = make_account(strange_books)
    for with_children in (True, False):
        assert account_balance(books.entity_id, theirs.id, with_children=with_children) is None
        assert account_balance(books.entity_id, new_id(), with_children=with_children) is None


def test_sums_keep_every_digit_that_the_database_holds(books: Ledger) -> None:
    root = make_account(books)
    child = make_account(books, parent=root)
    add_totals(root, "2024-01-15", debits_posted="12345678901234567890123456.0001")
    add_totals(child, "2024-01-15", debits_posted="0.0002", credits_posted="0.0001")
    assert net(root) == Decimal("12345678901234567890123456.0002")


@pytest.mark.parametrize("as_of", [None, dt.date(2024, 1, 15)])
def test_a_balance_is_one_query_and_with_children_two(
    books: Ledger, django_assert_num_queries: Any, as_of: dt.date | None
) -> None:
    account = make_account(books)
    children = [make_account(books, f"Child {number}", parent=account) for number in range(5)]
    for account_id, with_children, queries in (
        (children[0].id, True, 1),
        (account.id, False, 1),
        (account.id, True, 2),
    ):
        with django_assert_num_queries(queries):
            account_balance(books.entity_id, account_id, as_of=as_of, with_children=with_children)


@pytest.mark.parametrize("with_children", [True, False])
@pytest.mark.parametrize("as_of", [None, dt.date(2024, 2, 15)])
def test_totals_are_read_by_the_beginning_of_their_primary_keys(
    books: Ledger, with_children: bool, as_of: dt.date | None
) -> None:
    with connection.cursor() as cursor:
        # Many accounts with many days, so that reading the whole table would be the dearer plan.
        cursor.execute(
            """
            INSERT INTO accounts_account
                (id, entity_id, ledger_id, name, type, currency, created_at, updated_at)
            SELECT gen_random_uuid(), %(entity)s, %(ledger)s, 'A', 'ASSET', 'USD', now(), now()
            FROM generate_series(1, 300);
            INSERT INTO accounts_accountbalance
                (entity_id, account_id, slot, debits_pending, debits_posted, credits_pending, credits_posted)
            SELECT entity_id, id, slot, 0, 1, 0, 0 FROM accounts_account, generate_series(0, 7) slot;
            INSERT INTO accounts_accountday
                (entity_id, account_id, date, slot,
                debits_pending, debits_posted, credits_pending, credits_posted)
            SELECT entity_id, id, date '2024-01-01' + n, 0, 0, 1, 0, 0
            FROM accounts_account, generate_series(0, 59) n;
            INSERT INTO accounts_accountmonth
                (entity_id, account_id, month, slot,
                debits_pending, debits_posted, credits_pending, credits_posted)
            SELECT entity_id, id, date '2024-01-01' + make_interval(months => n), 0, 0, 1, 0, 0
            FROM accounts_account, generate_series(0, 11) n;
            """,
            {"entity": books.entity_id, "ledger": books.id},
        )
        for table in ("account", "accountbalance", "accountday", "accountmonth"):
            cursor.execute(f"ANALYZE accounts_{table}")
        account = Account.objects.all()[0]
        params: dict[str, Any] = {"entity": books.entity_id, "account": account.id}
        if as_of:
            params |= {"day": as_of, "month": as_of.replace(day=1)}
        cursor.execute("EXPLAIN " + balances._STATEMENTS[with_children, as_of is not None], params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    tables = ["accountmonth", "accountday"] if as_of else ["accountbalance"]
    for table in tables:
        assert f"Seq Scan on accounts_{table}" not in plan
        assert f"accounts_{table}_pkey" in plan
    assert "Seq Scan" not in plan


AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=2)
MOVEMENTS = st.lists(
    st.tuples(
        st.integers(0, 5),  # which account
        st.dates(dt.date(2023, 12, 1), dt.date(2024, 3, 31)),
        st.integers(0, 7),  # which slot
        st.sampled_from(SUMS),
        AMOUNTS,
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parents=st.lists(st.integers(0, 4), min_size=5, max_size=5),
    movements=MOVEMENTS,
    as_of=st.dates(dt.date(2023, 12, 1), dt.date(2024, 3, 31)),
)
def test_any_tree_adds_up_to_what_was_put_on_it(
    books: Ledger, parents: list[int], movements: list[tuple[int, dt.date, int, str, Decimal]], as_of: dt.date
) -> None:
    accounts = [make_account(books, "Root")]
    for number, parent in enumerate(parents, start=1):
        accounts.append(make_account(books, f"A{number}", parent=accounts[min(parent, number - 1)]))
    for place, day, slot, column, amount in movements:
        add_totals(accounts[place], day.isoformat(), slot=slot, **{column: str(amount)})

    found = account_balance(books.entity_id, accounts[0].id, as_of=as_of)
    live = account_balance(books.entity_id, accounts[0].id)
    assert found is not None
    assert live is not None
    for position, column in enumerate(SUMS):
        amounts = [(day, amount) for _, day, _, name, amount in movements if name == column]
        assert found.total.sums[position] == sum(amount for day, amount in amounts if day <= as_of)
        assert live.total.sums[position] == sum(amount for _, amount in amounts)
    # Own + children's subtrees = the whole.
    own = account_balance(books.entity_id, accounts[0].id, as_of=as_of, with_children=False)
    assert own is not None
    assert own.total.net + sum(child.net for child in found.children) == found.total.net
