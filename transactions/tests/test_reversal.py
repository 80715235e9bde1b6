"""Reversing what is posted."""

import datetime as dt
from decimal import Decimal

import pytest

from accounts.choices import Side
from accounts.services import close_account
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, NotFoundError, ValidationError
from ledger.ids import new_id
from ledger.services.periods import close_books
from transactions.choices import Change, Status
from transactions.exceptions import (
    AccountClosedError,
    AlreadyReversedError,
    IllegalMoveError,
    PeriodClosedError,
    TransactionNotFoundError,
)
from transactions.models import Revision, Transaction
from transactions.rows import Row
from transactions.services import (
    JournalLine,
    categorize_transactions,
    post_journal_entry,
    reverse_journal_entry,
    reverse_transaction,
    reverse_transactions,
)
from transactions.services.reversal import Reversed
from transactions.tests.conftest import NOON, Company, assert_totals_hold, balance, stored_totals, sums
from transactions.tests.test_moves import in_state

pytestmark = pytest.mark.django_db

LATER = NOON + dt.timedelta(days=30)
FUTURE = dt.datetime(2199, 6, 1, 12, tzinfo=dt.UTC)


def reverse(company: Company, row: Row, *, on: dt.datetime | None = None, reason: str = "") -> Reversed:
    return reverse_transaction(
        entity=company.entity, transaction_id=row.id, actor=SYSTEM, on=on, reason=reason
    )


def net(company: Company) -> dict[str, Decimal]:
    """Debits less credits of every account."""
    found = {}
    for account in company.accounts:
        pending_in, posted_in, pending_out, posted_out = balance(account)
        found[account.name] = pending_in + posted_in - pending_out - posted_out
    return found


def test_reversal_is_the_mirror_image_linked_both_ways(bakery: Company) -> None:
    row = bakery.posted("10", description="March", counterparty="Landlord")
    done = reverse(bakery, row, on=LATER, reason="Paid twice")
    original, reversal = bakery.stored(row.id), bakery.stored(done.reversal.id)
    assert (original.status, original.reversed_by_id) == (Status.REVERSED, reversal.id)
    assert (reversal.status, reversal.reverses_id) == (Status.POSTED, original.id)
    assert (reversal.debit_account_id, reversal.credit_account_id) == (bakery.cash.id, bakery.rent.id)
    assert (reversal.amount, reversal.currency, reversal.date) == (Decimal(10), "USD", LATER.date())
    assert reversal.description == "Reversal: March"
    assert reversal.metadata == {"reason": "Paid twice"}
    # What comes back is what is stored.
    assert (done.original.updated_at, done.original.status) == (original.updated_at, Status.REVERSED)
    # Both count as posted and cancel out; the day of the original keeps what it had.
    assert balance(bakery.rent) == sums(0, 10, 0, 10)
    assert stored_totals(bakery.entity)["day", bakery.rent.id, NOON.date()] == sums(0, 10, 0, 0)
    assert set(net(bakery).values()) == {0}
    assert_totals_hold(bakery.entity)
    revision = Revision.objects.get()
    assert (revision.change, revision.status, revision.reason) == (
        Change.REVERSED,
        Status.POSTED,
        "Paid twice",
    )


def test_second_reversal_names_the_first(bakery: Company) -> None:
    row = bakery.posted()
    done = reverse(bakery, row)
    with pytest.raises(AlreadyReversedError, match="reversed once") as caught:
        reverse(bakery, row)
    assert str(done.reversal.id) != str(row.id)
    assert bakery.stored(done.reversal.id).public_id in caught.value.message
    assert Transaction.objects.count() == 2


@pytest.mark.parametrize("status", [Status.PENDING, Status.CLEARED, Status.RECONCILED, Status.EXPIRED])
def test_only_what_is_posted_is_reversed(bakery: Company, status: Status) -> None:
    row = in_state(bakery, status)
    with pytest.raises(IllegalMoveError, match=f"is {status} and cannot become REVERSED"):
        reverse(bakery, row)
    assert Transaction.objects.count() == 1
    assert_totals_hold(bakery.entity)


def test_unknown_and_foreign_transactions_are_not_found(bakery: Company, stranger: Company) -> None:
    foreign = stranger.posted()
    for transaction_id in (foreign.id, new_id()):
        with pytest.raises(TransactionNotFoundError):
            reverse_transaction(entity=bakery.entity, transaction_id=transaction_id, actor=SYSTEM)
    assert stranger.stored(foreign.id).status == Status.POSTED


def test_reversal_before_the_original_is_refused(bakery: Company) -> None:
    row = bakery.posted()
    with pytest.raises(ValidationError, match="before the original's day") as caught:
        reverse(bakery, row, on=NOON - dt.timedelta(days=1))
    assert caught.value.details[0].field == "date"
    # The same day is possible.
    assert reverse(bakery, row, on=NOON).reversal.date == NOON.date()


def test_day_of_a_reversal_is_the_companys(bakery: Company) -> None:
    bakery.entity.timezone = "Asia/Tokyo"
    row = bakery.posted()
    done = reverse(bakery, row, on=dt.datetime(2024, 3, 31, 20, tzinfo=dt.UTC))
    assert done.reversal.date == dt.date(2024, 4, 1)
    assert_totals_hold(bakery.entity)


def test_what_takes_effect_in_the_future_is_reversed_then(bakery: Company) -> None:
    row = bakery.posted(at=FUTURE)
    done = reverse(bakery, row)
    assert (done.reversal.date, done.reversal.timestamp) == (FUTURE.date(), FUTURE)
    assert_totals_hold(bakery.entity)


def test_closed_period_takes_no_reversal_but_its_transactions_are_reversed_later(bakery: Company) -> None:
    row = bakery.posted()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    with pytest.raises(PeriodClosedError):
        reverse(bakery, row, on=NOON)
    assert bakery.stored(row.id).status == Status.POSTED
    assert Transaction.objects.count() == 1
    reverse(bakery, row, on=LATER)
    assert_totals_hold(bakery.entity)


def test_reversal_on_a_closed_account_is_refused_whole(bakery: Company) -> None:
    row = bakery.posted()
    close_account(entity=bakery.entity, account=bakery.rent, actor=SYSTEM)
    with pytest.raises(AccountClosedError):
        reverse(bakery, row)
    assert bakery.stored(row.id).status == Status.POSTED
    assert not Revision.objects.exists()


def test_reversal_of_a_reversal_brings_the_amount_back(bakery: Company) -> None:
    row = bakery.posted()
    first = reverse(bakery, row)
    reverse(bakery, first.reversal)
    assert net(bakery)["Rent"] == 10
    assert_totals_hold(bakery.entity)


@pytest.mark.parametrize("at", [NOON, FUTURE])
def test_reclassifications_are_reversed_with_the_original(bakery: Company, at: dt.datetime) -> None:
    row = bakery.posted(at=at)
    for category in (bakery.software, bakery.loan):
        categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=category.id, actor=SYSTEM)
    assert net(bakery) == {"Cash": -10, "Bank": 0, "Sales": 0, "Rent": 0, "Software": 0, "Loan": 10}
    reverse(bakery, row)
    assert set(net(bakery).values()) == {0}
    assert Transaction.objects.filter(status=Status.REVERSED).count() == 3
    assert_totals_hold(bakery.entity)


def test_reclassification_posted_after_the_day_of_the_reversal_is_reversed_on_its_own_day(
    bakery: Company,
) -> None:
    row = bakery.posted()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    # The original's day is closed, so the reclassification is dated today.
    categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=bakery.software.id, actor=SYSTEM)
    reverse(bakery, row, on=LATER)
    assert set(net(bakery).values()) == {0}
    assert bakery.stored(row.id).status == Status.REVERSED
    assert_totals_hold(bakery.entity)


def test_many_are_reversed_together_or_not_at_all(bakery: Company) -> None:
    one, other, pending = bakery.posted("10"), bakery.posted("5"), bakery.post("3")
    with pytest.raises(IllegalMoveError):
        reverse_transactions(entity=bakery.entity, ids=[one.id, other.id, pending.id], actor=SYSTEM)
    assert not Transaction.objects.filter(reverses__isnull=False).exists()

    done = reverse_transactions(
        entity=bakery.entity, ids=[other.id, one.id, other.id], actor=SYSTEM, reason="Twice", on=LATER
    )

    assert [pair.original.id for pair in done] == [other.id, one.id]
    assert {pair.reversal.date for pair in done} == {LATER.date()}
    # What waits is left.
    assert net(bakery)["Rent"] == 3
    assert_totals_hold(bakery.entity)


def test_one_that_is_reversed_with_its_reclassification_is_reversed_once(bakery: Company) -> None:
    row = bakery.posted()
    categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=bakery.software.id, actor=SYSTEM)
    moved = Transaction.objects.get(reclassifies_id=row.id)
    reverse_transactions(entity=bakery.entity, ids=[row.id, moved.id], actor=SYSTEM)
    assert Transaction.objects.filter(reverses__isnull=False).count() == 2
    assert set(net(bakery).values()) == {0}


def test_a_journal_entry_is_reversed_as_far_as_it_is_not_yet(bakery: Company, stranger: Company) -> None:
    entry = post_journal_entry(
        entity=bakery.entity,
        lines=[
            JournalLine(bakery.rent.id, Side.DEBIT, Decimal(6)),
            JournalLine(bakery.software.id, Side.DEBIT, Decimal(4)),
            JournalLine(bakery.cash.id, Side.CREDIT, Decimal(10)),
        ],
        currency="USD",
        timestamp=NOON,
        day=NOON.date(),
        actor=SYSTEM,
        status=Status.POSTED,
    )
    with pytest.raises(NotFoundError):
        reverse_journal_entry(entity=stranger.entity, entry_id=entry.id, actor=SYSTEM)
    first = Transaction.objects.filter(journal_entry=entry).order_by("id")[0]
    reverse_transaction(entity=bakery.entity, transaction_id=first.id, actor=SYSTEM)
    assert len(reverse_journal_entry(entity=bakery.entity, entry_id=entry.id, actor=SYSTEM)) == 1
    assert set(net(bakery).values()) == {0}
    with pytest.raises(ConflictError, match="reversed already"):
        reverse_journal_entry(entity=bakery.entity, entry_id=entry.id, actor=SYSTEM)
    assert_totals_hold(bakery.entity)
