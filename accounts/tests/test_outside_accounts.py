"""Accounts that stand for those of another program."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.choices import AccountType
from accounts.models import Account
from accounts.services.outside import OutsideAccount, adopt_accounts
from accounts.tests.conftest import make_account
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.models import AuditEvent, Entity, Ledger

ASSET, EXPENSE = AccountType.ASSET, AccountType.EXPENSE


@pytest.fixture
def adopt(entity: Entity, books: Ledger, actor: Actor) -> Any:
    def run(*accounts: OutsideAccount, source: str = "xero:one") -> Any:
        return adopt_accounts(entity=entity, ledger=books, source=source, accounts=accounts, actor=actor)

    return run


def by_name(entity: Entity, name: str) -> Account:
    return Account.objects.for_entity(entity).get(name=name)


def test_children_stand_below_their_parents_in_any_order(adopt: Any, entity: Entity) -> None:
    adopt(
        OutsideAccount("3", "Petty cash", ASSET, parent_id="2"),
        OutsideAccount("2", "Tills", ASSET, parent_id="1"),
        OutsideAccount("1", "Cash", ASSET, "CASH", "1010", description="All of it"),
    )

    cash, petty = by_name(entity, "Cash"), by_name(entity, "Petty cash")
    assert petty.parent is not None
    assert petty.parent.parent_id == cash.id
    assert cash.parent_id is None
    assert (cash.financial_type, cash.sub_type_code) == ("CASH", 1010)
    assert cash.metadata == {"description": "All of it", "outsideIds": {"xero:one": "1"}}


@pytest.mark.parametrize(
    "accounts",
    [
        [OutsideAccount("1", "A", ASSET, parent_id="2"), OutsideAccount("2", "B", ASSET, parent_id="1")],
        [OutsideAccount("1", "A", ASSET, parent_id="1"), OutsideAccount("2", "B", ASSET, parent_id="404")],
        [OutsideAccount("1", "A", ASSET), OutsideAccount("2", "B", EXPENSE, parent_id="1")],
    ],
    ids=["circle", "not there", "another type"],
)
def test_what_cannot_be_a_parent_is_none(adopt: Any, entity: Entity, accounts: list[OutsideAccount]) -> None:
    adopted = adopt(*accounts)

    assert adopted.made == 2
    assert by_name(entity, "B").parent_id is None or by_name(entity, "A").parent_id is None


def test_a_chain_that_is_too_deep_goes_on_at_the_top(adopt: Any, entity: Entity) -> None:
    chain = [OutsideAccount(str(n), f"Level {n}", ASSET, parent_id=str(n - 1)) for n in range(1, 41)]

    adopt(*chain)

    assert by_name(entity, "Level 32").parent_id is not None
    assert by_name(entity, "Level 33").parent_id is None


def test_a_second_call_makes_and_changes_nothing(adopt: Any, entity: Entity) -> None:
    accounts = [OutsideAccount("1", "Cash", ASSET), OutsideAccount("2", " cash ", ASSET, parent_id="1")]
    first = adopt(*accounts)
    rows = list(Account.objects.for_entity(entity).order_by("id").values())

    second = adopt(*accounts)

    assert (first.made, second.made, second.taken_over) == (2, 0, 0)
    assert first.account_ids == second.account_ids
    assert list(Account.objects.for_entity(entity).order_by("id").values()) == rows


def test_one_of_ours_stands_for_one_of_theirs_in_each_of_their_books(
    adopt: Any, entity: Entity, books: Ledger
) -> None:
    ours = make_account(books, "Cash", metadata={"note": 1})

    one = adopt(OutsideAccount("a", "CASH", ASSET), OutsideAccount("b", "Cash", ASSET))
    other = adopt(OutsideAccount("z", "Cash", ASSET), source="quickbooks:7")

    assert one.account_ids["a"] == other.account_ids["z"] == ours.id
    assert one.account_ids["b"] != ours.id
    ours.refresh_from_db()
    assert ours.metadata == {"note": 1, "outsideIds": {"xero:one": "a", "quickbooks:7": "z"}}


def test_a_closed_account_is_not_taken_over_as_nothing_could_be_recorded_on_it(
    adopt: Any, entity: Entity, books: Ledger
) -> None:
    closed = make_account(books, "Cash", sub_type_code=1010, closed_at=utc_now())
    by_another_name = make_account(books, "cash")

    adopted = adopt(OutsideAccount("1", "Till", ASSET, code="1010"), OutsideAccount("2", "Cash", ASSET))

    till = by_name(entity, "Till")
    assert (adopted.made, adopted.account_ids) == (1, {"1": till.id, "2": by_another_name.id})
    # Codes are given once, to closed accounts too.
    assert (till.sub_type_code, closed.sub_type_code) == (None, 1010)


def test_a_code_is_one_where_ours_can_be_and_is_taken_once(adopt: Any, entity: Entity, books: Ledger) -> None:
    make_account(books, "Rent", "EXPENSE", sub_type_code=600)

    adopted = adopt(
        *(
            OutsideAccount(str(number), f"Account {number}", ASSET, code=code)
            for number, code in enumerate(["600", "0", "12a", "٣", "99999999999", "090", "90"])
        )
    )

    codes = Account.objects.for_entity(entity).in_bulk(list(adopted.account_ids.values()))
    assert [codes[adopted.account_ids[str(number)]].sub_type_code for number in range(6)] == [
        None, None, None, None, None, 90,
    ]  # fmt: skip
    # The same code and type is the same account to an accountant, but one there stands for one here.
    assert codes[adopted.account_ids["6"]].sub_type_code is None


def test_names_are_cut_and_never_empty(adopt: Any, entity: Entity) -> None:
    adopted = adopt(OutsideAccount("1", "x" * 300, ASSET), OutsideAccount("2", "  ", ASSET))

    names = {account.id: account.name for account in Account.objects.for_entity(entity)}
    assert names[adopted.account_ids["1"]] == "x" * 200
    assert names[adopted.account_ids["2"]] == "Account 2"


def test_other_companies_are_not_looked_at(adopt: Any, entity: Entity, strange_books: Ledger) -> None:
    theirs = make_account(strange_books, "Cash", metadata={"outsideIds": {"xero:one": "1"}})

    adopted = adopt(OutsideAccount("1", "Cash", ASSET))

    assert adopted.made == 1
    assert adopted.account_ids["1"] != theirs.id


def test_it_costs_the_same_statements_whatever_their_number_and_one_event_each(
    adopt: Any, entity: Entity, books: Ledger
) -> None:
    for number in range(300):
        make_account(books, f"Ours {number}")
    with CaptureQueriesContext(connection) as few:
        adopt(OutsideAccount("o", "Ours 0", ASSET), OutsideAccount("f", "Fresh", ASSET))
    with CaptureQueriesContext(connection) as many:
        adopt(
            *(OutsideAccount(f"o{n}", f"Ours {n}", ASSET) for n in range(1, 300)),
            *(OutsideAccount(f"f{n}", f"Fresh {n}", ASSET) for n in range(300)),
        )

    assert len(few) == len(many)
    actions = AuditEvent.objects.filter(scope_id=entity.id).values_list("action", flat=True)
    assert sorted(actions) == ["accounts.accounts.adopted"] * 2 + ["accounts.accounts.created"] * 2
