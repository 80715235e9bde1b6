"""The chart of accounts as a tree with its live balances, and as a file that can come in again."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.chart import ChartAccount, read_chart
from accounts.chart_files import write_chart
from accounts.choices import AccountType
from accounts.imports.files import read_rows
from accounts.imports.plan import plan_accounts
from accounts.models import Account
from accounts.services import import_accounts, rows_of_template
from accounts.tests.conftest import add_totals, make_account, make_books
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.models import Ledger

pytestmark = pytest.mark.django_db


def line_of(books: Ledger, account: Account) -> ChartAccount:
    groups = read_chart(books.entity, books)
    [found] = [one for group in groups for one in group.accounts if one.id == account.id]
    return found


def test_an_account_counts_all_that_is_below_it_and_a_type_all_of_its_accounts(books: Ledger) -> None:
    bank = make_account(books, "Bank")
    checking = make_account(books, "Checking", parent=bank)
    savings = make_account(books, "Savings", parent=checking)
    add_totals(bank, "2024-03-15", debits_posted="1", credits_pending="2")
    add_totals(checking, "2024-03-15", debits_posted="10")
    # The sums of all slots and days are one balance.
    add_totals(savings, "2024-03-15", debits_posted="200")
    add_totals(savings, "2024-04-15", slot=3, credits_posted="100", debits_pending="7")

    line = line_of(books, bank)

    assert (line.own, line.total) == (Decimal(1), Decimal(111))
    assert (line.own_pending, line.total_pending) == (Decimal(-2), Decimal(5))
    assets = read_chart(books.entity, books)[0]
    assert (assets.type, assets.total, assets.pending) == (AccountType.ASSET, Decimal(111), Decimal(5))
    assert [(one.name, one.depth) for one in assets.accounts] == [
        ("Bank", 1),
        ("Checking", 2),
        ("Savings", 3),
    ]


def test_amounts_are_on_the_side_of_the_type_so_that_a_contra_account_takes_away(books: Ledger) -> None:
    machines = make_account(books, "Machines", financial_type="MACHINERY_AND_EQUIPMENT")
    worn = make_account(books, "Wear", parent=machines, financial_type="ACCUMULATED_DEPRECIATION")
    sales = make_account(books, "Sales", "REVENUE")
    add_totals(machines, "2024-03-15", debits_posted="1000")
    add_totals(worn, "2024-03-15", credits_posted="300")
    add_totals(sales, "2024-03-15", credits_posted="50")

    assert line_of(books, machines).total == 700
    assert line_of(books, worn).own == -300
    assert line_of(books, worn).is_contra
    assert line_of(books, sales).own == 50


def test_a_closed_account_is_left_out_unless_something_open_stands_below_it(books: Ledger) -> None:
    now = utc_now()
    parent = make_account(books, "Old bank", closed_at=now)
    middle = make_account(books, "Old branch", parent=parent, closed_at=now)
    make_account(books, "Open till", parent=middle)
    alone = make_account(books, "Old till", closed_at=now)

    assert not line_of(books, parent).is_retired
    assert not line_of(books, middle).is_retired
    assert line_of(books, alone).is_retired


def test_the_whole_chart_is_one_query_and_another_companys_is_not_in_it(
    books: Ledger, strange_books: Ledger, django_assert_num_queries: Any
) -> None:
    for number in range(30):
        add_totals(make_account(books, f"Account {number}"), "2024-03-15", debits_posted="1")
    add_totals(make_account(strange_books, "Theirs"), "2024-03-15", debits_posted="99")

    with django_assert_num_queries(1):
        groups = read_chart(books.entity, books)

    assert groups[0].total == 30
    assert "Theirs" not in [one.name for one in groups[0].accounts]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_what_goes_out_comes_in_again_as_the_same_chart(books: Ledger, file_format: str) -> None:
    import_accounts(
        entity=books.entity, ledger=books, rows=rows_of_template("tmpl_saas"), source="template", actor=SYSTEM
    )
    top = make_account(books, '=HYPERLINK("http://x")', "EXPENSE", metadata={"description": "+1 and -1"})
    make_account(books, "@below", "EXPENSE", parent=top)
    data = write_chart(read_chart(books.entity, books), file_format)

    rows = read_rows(data, file_format)

    # Into the same books nothing is made, into others all of it.
    again = plan_accounts(books, rows)
    assert (again.fresh, again.errors) == ([], [])
    fresh = make_books("Other")
    copy = import_accounts(entity=fresh.entity, ledger=fresh, rows=rows, source="file", actor=SYSTEM)
    assert copy.errors == []
    assert _tree(fresh) == _tree(books)


def test_no_text_of_a_file_is_a_formula(books: Ledger) -> None:
    make_account(books, "=1+1", metadata={"description": "\t=2+2"})
    text = write_chart(read_chart(books.entity, books), "csv").decode("utf-8-sig")
    assert "'=1+1" in text
    assert ",=" not in text
    assert "\n=" not in text


def test_closed_accounts_go_out_only_where_they_are_asked_for(books: Ledger) -> None:
    make_account(books, "Gone", closed_at=utc_now())
    groups = read_chart(books.entity, books)
    assert b"Gone" not in write_chart(groups, "csv")
    assert b"Gone" in write_chart(groups, "csv", closed=True)


def _tree(books: Ledger) -> list[tuple[object, ...]]:
    found = Account.objects.filter(entity_id=books.entity_id).select_related("parent")
    return sorted(
        (
            one.name,
            one.type,
            one.financial_type,
            one.sub_type_code or 0,
            one.parent.name if one.parent else "",
            (one.metadata or {}).get("description", ""),
        )
        for one in found
    )
