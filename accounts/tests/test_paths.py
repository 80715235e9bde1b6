"""Accounts named by paths: `accounts.services.ensure_account_paths`."""

from typing import Any

import pytest

from accounts.models import Account
from accounts.services import ensure_account_paths
from accounts.tests.conftest import make_account
from ledger.actors import Actor
from ledger.exceptions import ValidationError
from ledger.models import AuditEvent, Entity, Ledger


def ensure(books: Ledger, *paths: str, separator: str = ":") -> dict[str, Account]:
    from ledger.actors import SYSTEM

    return ensure_account_paths(
        entity=books.entity, ledger=books, paths=paths, separator=separator, actor=SYSTEM
    )


def tree(books: Ledger) -> set[str]:
    by_id = {account.id: account for account in Account.objects.for_entity(books.entity)}

    def path(account: Account) -> str:
        above = by_id[account.parent_id] if account.parent_id else None
        return f"{path(above)}:{account.name}" if above else account.name

    return {f"{path(account)} {account.type}" for account in by_id.values()}


def test_every_part_of_a_path_becomes_an_account_of_its_roots_type(books: Ledger) -> None:
    found = ensure(books, "assets:bank:checking", "expenses:fees", "income:sales")

    assert tree(books) == {
        "assets ASSET",
        "assets:bank ASSET",
        "assets:bank:checking ASSET",
        "expenses EXPENSE",
        "expenses:fees EXPENSE",
        "income REVENUE",
        "income:sales REVENUE",
    }
    assert found["assets:bank:checking"].name == "checking"
    parent = found["assets:bank:checking"].parent
    assert parent is not None
    assert parent.name == "bank"


@pytest.mark.parametrize(
    ("root", "type_"),
    [
        ("Assets", "ASSET"),
        ("asset", "ASSET"),
        ("LIABILITIES", "LIABILITY"),
        ("Liability", "LIABILITY"),
        ("Equity", "EQUITY"),
        ("revenue", "REVENUE"),
        ("Revenues", "REVENUE"),
        ("Income", "REVENUE"),
        ("expense", "EXPENSE"),
    ],
)
def test_the_first_part_decides_the_type(books: Ledger, root: str, type_: str) -> None:
    assert ensure(books, f"{root}:x")[f"{root}:x"].type == type_


def test_a_second_call_makes_nothing_and_finds_the_same_accounts(books: Ledger) -> None:
    first = ensure(books, "assets:bank", "expenses:rent")
    second = ensure(books, "expenses:rent", " Assets : Bank ")

    assert second["expenses:rent"].id == first["expenses:rent"].id
    assert second[" Assets : Bank "].id == first["assets:bank"].id
    assert Account.objects.count() == 4
    assert AuditEvent.objects.filter(action="accounts.accounts.created").count() == 1


def test_an_account_of_the_same_name_elsewhere_is_not_taken(books: Ledger) -> None:
    other = make_account(books, "fees", "REVENUE")
    assert ensure(books, "expenses:fees")["expenses:fees"].id != other.id


def test_of_two_accounts_of_one_name_the_older_is_taken(books: Ledger) -> None:
    root = make_account(books, "Assets")
    older = make_account(books, "Bank", parent=root)
    make_account(books, "Bank", parent=root)
    assert ensure(books, "assets:bank")["assets:bank"].id == older.id


def test_a_strangers_accounts_are_neither_found_nor_touched(books: Ledger, strange_books: Ledger) -> None:
    theirs = ensure(strange_books, "assets:bank")["assets:bank"]
    ours = ensure(books, "assets:bank")["assets:bank"]
    assert ours.id != theirs.id
    assert ours.entity_id == books.entity_id


@pytest.mark.parametrize(
    ("path", "financial_type"),
    [
        ("assets:bank:checking", "CASH"),
        ("assets:bank:Main Street 12", "CASH"),
        ("assets:savings", "SAVINGS"),
        ("assets:opencollective:hledger", "OTHER_CURRENT_ASSETS"),
        ("assets:accounts-receivable", "ACCOUNTS_RECEIVABLE"),
        ("liabilities:credit_card:visa", "CREDIT_CARD"),
        ("liabilities:friend", "OTHER_CURRENT_LIABILITIES"),
        ("equity:opening balances", "OPENING_BALANCE_EQUITY"),
        ("income:consulting", "SERVICE_REVENUES"),
        ("revenues:sponsors:Cashmere Club", "OTHER_REVENUES"),
        ("expenses:fees:STRIPE", "MERCHANT_FEES"),
        ("expenses:bounties", "OTHER_EXPENSES"),
    ],
)
def test_plain_words_of_the_path_choose_the_financial_type(
    books: Ledger, path: str, financial_type: str
) -> None:
    assert ensure(books, path)[path].financial_type == financial_type


def test_bad_paths_are_all_named_and_nothing_is_made(books: Ledger) -> None:
    with pytest.raises(ValidationError) as caught:
        ensure(books, "assets:bank", "stuff:bank", "assets::bank", "", "assets:" + "x" * 201)
    messages = "\n".join(message for _, message in caught.value.details)
    assert len(caught.value.details) == 4
    assert '"stuff:bank"' in messages
    assert "begin with assets" in messages
    assert "a part of it is empty" in messages
    assert "201 characters" in messages
    assert not Account.objects.exists()


def test_another_separator_splits_beancounts_and_windows_paths(books: Ledger) -> None:
    parent = ensure(books, "Assets/Bank", separator="/")["Assets/Bank"].parent
    assert parent is not None
    assert parent.name == "Assets"


def test_the_number_of_queries_does_not_grow_with_the_paths(
    books: Ledger, django_assert_num_queries: Any
) -> None:
    paths = [f"expenses:people:Person {number:03}" for number in range(500)]
    # Savepoint, lock, look, insert, audit (3), release.
    with django_assert_num_queries(8):
        ensure(books, *paths)
    assert Account.objects.count() == 502


def test_one_event_is_recorded_for_all_of_them(books: Ledger, entity: Entity, actor: Actor) -> None:
    ensure(books, "assets:bank", "assets:cash")
    event = AuditEvent.objects.get()
    assert event.scope_id == entity.id
    assert event.after is not None
    assert event.after["count"] == 3
    assert sorted(event.after["accounts"].values()) == ["assets", "bank", "cash"]
