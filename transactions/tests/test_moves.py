"""Changes of state: approving, clearing, reconciling, expiring."""

import datetime as dt

import pytest

from ledger.actors import SYSTEM
from ledger.ids import new_id
from ledger.services.entities import delete_entity
from ledger.services.periods import close_books
from transactions.choices import MOVES, Change, Status
from transactions.exceptions import IllegalMoveError, PeriodClosedError, TransactionNotFoundError
from transactions.models import Revision
from transactions.rows import Row
from transactions.services import (
    approve_transactions,
    expire_pending,
    move_transactions,
    reverse_transaction,
)
from transactions.services.expiry import entities_with_due
from transactions.tests.conftest import NOON, Company, assert_totals_hold, balance, sums

pytestmark = pytest.mark.django_db


def in_state(company: Company, status: Status) -> Row:
    """A transaction that came to that state through the services."""
    if status in (Status.PENDING, Status.CLEARED, Status.POSTED):
        return company.post(status=status)
    if status == Status.REVERSED:
        posted = company.posted()
        return reverse_transaction(entity=company.entity, transaction_id=posted.id, actor=SYSTEM).original
    row = company.post()
    change = Change.RECONCILED if status == Status.RECONCILED else Change.EXPIRED
    move_transactions(entity=company.entity, ids=[row.id], to=status, change=change, actor=SYSTEM)
    return row


@pytest.mark.parametrize("status", [Status.PENDING, Status.CLEARED, Status.RECONCILED])
def test_approving_takes_the_amount_from_pending_to_posted(bakery: Company, status: Status) -> None:
    row = in_state(bakery, status)
    assert balance(bakery.rent) == sums(10, 0, 0, 0)
    (approval,) = approve_transactions(entity=bakery.entity, ids=[row.id], actor=SYSTEM)
    assert approval.error is None
    assert approval.row is not None
    stored = bakery.stored(row.id)
    assert (stored.status, stored.posted_at, stored.updated_at) == (
        Status.POSTED,
        approval.row.posted_at,
        approval.row.updated_at,
    )
    assert stored.posted_at is not None
    assert balance(bakery.rent) == sums(0, 10, 0, 0)
    assert balance(bakery.cash) == sums(0, 0, 0, 10)
    assert_totals_hold(bakery.entity)


def test_approving_what_is_posted_changes_nothing_and_leaves_no_trace(bakery: Company) -> None:
    row = bakery.posted()
    (approval,) = approve_transactions(entity=bakery.entity, ids=[row.id], actor=SYSTEM)
    assert approval.error is None
    assert bakery.stored(row.id).updated_at == row.updated_at
    assert not Revision.objects.exists()


def test_each_of_many_gets_its_own_answer_in_the_order_asked(bakery: Company, stranger: Company) -> None:
    pending, posted = bakery.post("1"), bakery.posted("2")
    expired, reversed_ = in_state(bakery, Status.EXPIRED), in_state(bakery, Status.REVERSED)
    foreign, missing = stranger.post("3"), new_id()
    closed = bakery.post("5", at=NOON - dt.timedelta(days=30))
    close_books(entity=bakery.entity, through=NOON.date() - dt.timedelta(days=1), actor=SYSTEM)
    ids = [missing, closed.id, reversed_.id, pending.id, foreign.id, expired.id, posted.id, pending.id]
    approvals = approve_transactions(entity=bakery.entity, ids=ids, actor=SYSTEM)
    assert [approval.id for approval in approvals] == ids[:-1]
    assert [type(approval.error) for approval in approvals] == [
        TransactionNotFoundError,
        PeriodClosedError,
        IllegalMoveError,
        type(None),
        TransactionNotFoundError,
        IllegalMoveError,
        type(None),
    ]
    # The stranger's stays as it was.
    assert stranger.stored(foreign.id).status == Status.PENDING
    assert_totals_hold(bakery.entity)
    assert_totals_hold(stranger.entity)


def test_thousands_are_approved_together(bakery: Company) -> None:
    rows = [bakery.post(str(n + 1), at=NOON + dt.timedelta(days=n)) for n in range(60)]
    approvals = approve_transactions(entity=bakery.entity, ids=[row.id for row in rows], actor=SYSTEM)
    assert all(approval.error is None for approval in approvals)
    assert balance(bakery.rent) == sums(0, sum(range(1, 61)), 0, 0)
    assert_totals_hold(bakery.entity)


def test_equal_transactions_are_each_counted(bakery: Company) -> None:
    """Same day, same accounts, same amount: sets would make one of them."""
    ids = [bakery.post("7").id for _ in range(5)]
    approve_transactions(entity=bakery.entity, ids=ids, actor=SYSTEM)
    assert balance(bakery.rent) == sums(0, 35, 0, 0)
    assert_totals_hold(bakery.entity)


def test_approving_in_the_books_of_a_deleted_company_finds_nothing(bakery: Company) -> None:
    """The company may still be in another process's cache for two seconds."""
    row = bakery.post()
    delete_entity(entity=bakery.entity, actor=SYSTEM)
    (approval,) = approve_transactions(entity=bakery.entity, ids=[row.id], actor=SYSTEM)
    assert isinstance(approval.error, TransactionNotFoundError)


@pytest.mark.parametrize("current", list(Status))
@pytest.mark.parametrize("wanted", [s for s in Status if s != Status.REVERSED])
def test_every_move_goes_by_the_table(bakery: Company, current: Status, wanted: Status) -> None:
    row = in_state(bakery, current)

    def move() -> None:
        move_transactions(
            entity=bakery.entity, ids=[row.id], to=wanted, change=Change.RECONCILED, actor=SYSTEM
        )

    if wanted in MOVES[current]:
        move()
        assert bakery.stored(row.id).status == wanted
    else:
        with pytest.raises(IllegalMoveError, match=f"is {current} and cannot become {wanted}"):
            move()
        assert bakery.stored(row.id).status == current
    assert_totals_hold(bakery.entity)


def test_many_are_moved_all_or_none(bakery: Company) -> None:
    pending, posted = bakery.post(), bakery.posted()
    for ids in ([pending.id, posted.id], [pending.id, new_id()]):
        with pytest.raises((IllegalMoveError, TransactionNotFoundError)):
            move_transactions(
                entity=bakery.entity, ids=ids, to=Status.CLEARED, change=Change.EDITED, actor=SYSTEM
            )
    assert bakery.stored(pending.id).status == Status.PENDING
    assert not Revision.objects.exists()


def test_move_in_a_closed_period_is_refused(bakery: Company) -> None:
    pending = bakery.post()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    with pytest.raises(PeriodClosedError):
        move_transactions(
            entity=bakery.entity, ids=[pending.id], to=Status.CLEARED, change=Change.EDITED, actor=SYSTEM
        )
    assert_totals_hold(bakery.entity)


# --- expiring ------------------------------------------------------------------------------------


def test_what_is_due_expires_and_counts_nowhere(bakery: Company, stranger: Company) -> None:
    now = NOON + dt.timedelta(days=10)
    due = bakery.post("1", expires_at=now)
    kept = [
        bakery.post("2", expires_at=now + dt.timedelta(seconds=1)),
        bakery.post("4"),
    ]
    stranger.post("8", expires_at=now)
    assert set(entities_with_due(now)) == {bakery.entity.id, stranger.entity.id}
    assert list(expire_pending(entity=bakery.entity, now=now, actor=SYSTEM)) == [1]
    assert bakery.stored(due.id).status == Status.EXPIRED
    assert [bakery.stored(row.id).status for row in kept] == [Status.PENDING] * 2
    assert balance(bakery.rent) == sums(6, 0, 0, 0)
    assert balance(stranger.rent) == sums(8, 0, 0, 0)
    assert_totals_hold(bakery.entity)
    # A second run finds nothing.
    assert list(expire_pending(entity=bakery.entity, now=now, actor=SYSTEM)) == []
    assert Revision.objects.get().change == Change.EXPIRED


def test_what_is_approved_or_in_a_closed_period_does_not_expire(bakery: Company) -> None:
    due = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    approved = bakery.post("1", expires_at=due, at=due)
    approve_transactions(entity=bakery.entity, ids=[approved.id], actor=SYSTEM)
    closed = bakery.post("2", expires_at=due)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    assert list(expire_pending(entity=bakery.entity, now=due, actor=SYSTEM)) == []
    assert bakery.stored(approved.id).status == Status.POSTED
    assert bakery.stored(closed.id).status == Status.PENDING


def test_expiring_goes_on_batch_by_batch(bakery: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transactions.services.expiry.BATCH_SIZE", 2)
    for _ in range(5):
        bakery.post(expires_at=NOON)
    assert list(expire_pending(entity=bakery.entity, now=NOON, actor=SYSTEM)) == [2, 2, 1]
    assert balance(bakery.rent) == sums(0, 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_what_has_expired_is_not_approved_even_before_the_timetable_runs(bakery: Company) -> None:
    late = bakery.post("1", expires_at=NOON)
    [approval] = approve_transactions(entity=bakery.entity, ids=[late.id], actor=SYSTEM)
    assert "expired" in str(approval.error)
    assert approval.row is not None
    assert approval.row.status == "PENDING"
