"""Changing and deleting transactions."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from accounts.services import close_account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.exceptions import ConflictError, ValidationError
from ledger.ids import new_id
from ledger.models import Ledger
from ledger.services.periods import close_books
from transactions.choices import Change, Status
from transactions.exceptions import (
    AccountClosedError,
    AccountNotFoundError,
    FinalError,
    IllegalMoveError,
    PeriodClosedError,
    TransactionNotFoundError,
)
from transactions.listing import get_transactions
from transactions.models import Revision, Transaction
from transactions.rows import Row
from transactions.services import delete_transaction, edit_transaction
from transactions.services.editing import Edit
from transactions.tests.conftest import (
    NOON,
    Company,
    assert_totals_hold,
    balance,
    stored_totals,
    sums,
)
from transactions.tests.test_moves import in_state

pytestmark = pytest.mark.django_db

LATER = NOON + dt.timedelta(days=30)
NOT_FINAL = [Status.PENDING, Status.CLEARED, Status.RECONCILED, Status.EXPIRED]


def edit(company: Company, row: Row, **changes: Any) -> Row:
    return edit_transaction(entity=company.entity, transaction_id=row.id, edit=Edit(**changes), actor=SYSTEM)


def delete(company: Company, row: Row) -> None:
    delete_transaction(entity=company.entity, transaction_id=row.id, actor=SYSTEM)


@pytest.mark.parametrize("status", NOT_FINAL)
def test_everything_of_what_is_not_final_can_be_changed(bakery: Company, status: Status) -> None:
    row = in_state(bakery, status)
    edited = edit(
        bakery,
        row,
        debit_account_id=bakery.software.id,
        credit_account_id=bakery.bank.id,
        amount=Decimal("77.77"),
        timestamp=LATER,
        date=LATER.date(),
        description="New",
        counterparty="Somebody",
        metadata={"a": Decimal("1.50")},
        expires_at=LATER,
    )
    read = get_transactions(bakery.entity, [row.id])[row.id]
    # What comes back is what is stored, names of the accounts included.
    assert edited._replace(metadata=None) == read._replace(metadata=None)
    assert read.metadata == '{"a": 1.50}'
    assert (read.debit_name, read.credit_name, read.amount) == ("Software", "Bank", Decimal("77.77"))
    pending = "77.77" if status != Status.EXPIRED else 0
    assert balance(bakery.software) == sums(pending, 0, 0, 0)
    assert balance(bakery.rent) == sums(0, 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_negative_amount_swaps_the_accounts(bakery: Company) -> None:
    row = bakery.post("10")
    edited = edit(bakery, row, amount=Decimal("-7"))
    assert (edited.amount, edited.debit_name, edited.credit_name) == (Decimal(7), "Cash", "Rent")
    assert balance(bakery.cash) == sums(7, 0, 0, 0)
    assert balance(bakery.rent) == sums(0, 0, 7, 0)
    assert_totals_hold(bakery.entity)


@pytest.mark.parametrize("amount", ["0", "1.234", "1e15", "NaN"])
def test_amount_that_cannot_be_is_refused(bakery: Company, amount: str) -> None:
    row = bakery.post("10")
    with pytest.raises(ValidationError) as caught:
        edit(bakery, row, amount=Decimal(amount))
    assert caught.value.details[0].field == "amount"
    assert bakery.stored(row.id).amount == 10


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"amount": Decimal("10.00")},
        {"description": ""},
        {"timestamp": NOON, "date": NOON.date()},
        {"status": Status.PENDING},
        {"metadata": {"b": 1, "a": {"y": Decimal("1.50"), "x": [1, "2"]}}},
    ],
)
def test_edit_that_changes_nothing_leaves_no_trace(bakery: Company, changes: dict[str, Any]) -> None:
    row = bakery.post("10", metadata={"a": {"x": [1, "2"], "y": Decimal("1.50")}, "b": 1})
    before = bakery.stored(row.id)
    edit(bakery, row, **changes)
    assert bakery.stored(row.id).updated_at == before.updated_at
    assert not Revision.objects.exists()


@pytest.mark.parametrize(
    ("old", "new"), [({"a": 1}, {"a": True}), ({"a": 1}, {"a": "1"}), ({}, None), (None, {}), ({"a": 1}, {})]
)
def test_metadata_that_python_would_call_equal_is_still_changed(
    bakery: Company, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> None:
    row = bakery.post(metadata=old)
    edit(bakery, row, metadata=new)
    stored = bakery.stored(row.id).metadata
    assert (stored, str(stored)) == (new, str(new))
    assert Revision.objects.count() == 1


@pytest.mark.parametrize("status", [Status.POSTED, Status.REVERSED])
def test_money_of_what_is_final_stays_and_words_may_change(bakery: Company, status: Status) -> None:
    row = in_state(bakery, status)
    for changes in (
        {"amount": Decimal(11)},
        {"amount": Decimal(-10)},
        {"debit_account_id": bakery.software.id},
        {"credit_account_id": bakery.bank.id},
        {"timestamp": LATER, "date": LATER.date()},
        {"expires_at": LATER},
    ):
        with pytest.raises(FinalError, match=f"is {status} and cannot be changed"):
            edit(bakery, row, **changes)
    totals = stored_totals(bakery.entity)
    edit(bakery, row, description="Better words", counterparty="Landlord", metadata={"x": 1})
    stored = bakery.stored(row.id)
    assert (stored.description, stored.counterparty, stored.metadata) == (
        "Better words",
        "Landlord",
        {"x": 1},
    )
    assert stored_totals(bakery.entity) == totals
    assert_totals_hold(bakery.entity)


@pytest.mark.parametrize("current", list(Status))
@pytest.mark.parametrize("wanted", list(Status))
def test_states_that_an_edit_sets(bakery: Company, current: Status, wanted: Status) -> None:
    row = in_state(bakery, current)
    by_edit = {
        (Status.PENDING, Status.CLEARED),
        (Status.PENDING, Status.RECONCILED),
        (Status.PENDING, Status.EXPIRED),
        (Status.CLEARED, Status.RECONCILED),
    }
    if current == wanted or (current, wanted) in by_edit:
        assert edit(bakery, row, status=wanted).status == wanted
        assert bakery.stored(row.id).status == wanted
    else:
        with pytest.raises(ConflictError, match=f"is {current} and .*{wanted}") as caught:
            edit(bakery, row, status=wanted)
        if wanted == Status.POSTED and current in (Status.PENDING, Status.CLEARED, Status.RECONCILED):
            assert "approve" in caught.value.message
        elif not (wanted == Status.REVERSED and current == Status.POSTED):
            assert isinstance(caught.value, IllegalMoveError)
        assert bakery.stored(row.id).status == current
    assert_totals_hold(bakery.entity)


def test_clearing_and_changing_the_amount_in_one_edit(bakery: Company) -> None:
    row = bakery.post("10")
    edit(bakery, row, status=Status.CLEARED, amount=Decimal(12))
    assert balance(bakery.rent) == sums(12, 0, 0, 0)
    edit(bakery, row, amount=Decimal(13))
    assert_totals_hold(bakery.entity)
    assert [r.amount for r in Revision.objects.order_by("changed_at")] == [10, 12]


def test_accounts_that_do_not_go_together_are_refused(bakery: Company, stranger: Company) -> None:
    row = bakery.post()
    other = Ledger.objects.create(entity=bakery.entity, name="Euro", currency="EUR", created_at=utc_now())
    abroad = make_account(other, "Abroad", "EXPENSE")
    cases: list[tuple[Account | None, type[Exception]]] = [
        (bakery.cash, ValidationError),
        (stranger.rent, AccountNotFoundError),
        (abroad, ValidationError),
    ]
    for account, error in cases:
        assert account is not None
        with pytest.raises(error):
            edit(bakery, row, debit_account_id=account.id)
    with pytest.raises(AccountNotFoundError):
        edit(bakery, row, credit_account_id=new_id())
    assert not Revision.objects.exists()
    assert_totals_hold(bakery.entity)


def test_both_accounts_may_move_to_another_ledger_of_the_same_currency(bakery: Company) -> None:
    other = Ledger.objects.create(entity=bakery.entity, name="Second", currency="USD", created_at=utc_now())
    till, wages = make_account(other, "Till"), make_account(other, "Wages", "EXPENSE")
    row = bakery.post()
    edited = edit(bakery, row, debit_account_id=wages.id, credit_account_id=till.id)
    assert edited.ledger_id == bakery.stored(row.id).ledger_id == other.id
    assert_totals_hold(bakery.entity)


def test_closed_account_takes_no_moved_transaction(bakery: Company) -> None:
    row = bakery.post()
    close_account(entity=bakery.entity, account=bakery.software, actor=SYSTEM)
    with pytest.raises(AccountClosedError, match=bakery.software.public_id):
        edit(bakery, row, debit_account_id=bakery.software.id)


def test_closed_period_lets_nothing_in_out_or_change(bakery: Company) -> None:
    inside, outside = bakery.post("1"), bakery.post("2", at=LATER)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    for row, changes in (
        (inside, {"timestamp": LATER, "date": LATER.date()}),
        (inside, {"amount": Decimal(9)}),
        (inside, {"debit_account_id": bakery.software.id}),
        (inside, {"status": Status.CLEARED}),
        (outside, {"timestamp": NOON, "date": NOON.date()}),
    ):
        with pytest.raises(PeriodClosedError, match="closed through 2024-03-15"):
            edit(bakery, row, **changes)
    with pytest.raises(PeriodClosedError):
        delete(bakery, inside)
    assert edit(bakery, inside, description="Only words").description == "Only words"
    delete(bakery, outside)
    assert_totals_hold(bakery.entity)


def test_transaction_of_a_stranger_is_not_found(bakery: Company, stranger: Company) -> None:
    foreign = stranger.post()
    with pytest.raises(TransactionNotFoundError):
        edit(bakery, foreign, description="mine")
    with pytest.raises(TransactionNotFoundError):
        delete(bakery, foreign)
    assert stranger.stored(foreign.id).description == ""


# --- deleting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", NOT_FINAL)
def test_deleting_takes_it_out_of_the_books_and_keeps_its_last_state(bakery: Company, status: Status) -> None:
    bakery.post("3")
    row = in_state(bakery, status)
    delete(bakery, row)
    assert Transaction.objects.count() == 1
    assert balance(bakery.rent) == sums(3, 0, 0, 0)
    assert_totals_hold(bakery.entity)
    last = Revision.objects.latest("changed_at", "id")
    assert (last.transaction_id, last.change, last.status) == (row.id, Change.DELETED, status)
    assert last.amount == 10
    with pytest.raises(TransactionNotFoundError):
        delete(bakery, row)


@pytest.mark.parametrize("status", [Status.POSTED, Status.REVERSED])
def test_what_is_final_is_not_deleted(bakery: Company, status: Status) -> None:
    row = in_state(bakery, status)
    with pytest.raises(FinalError, match="cannot be deleted") as caught:
        delete(bakery, row)
    assert ("everse it" in caught.value.message) == (status == Status.POSTED)
    assert bakery.stored(row.id).status == status
    assert_totals_hold(bakery.entity)


def test_external_id_of_a_deleted_one_is_free_again(bakery: Company) -> None:
    delete(bakery, bakery.post(external_id="a"))
    bakery.post(external_id="a")
