"""What a preview says is what then happens: balances, and what is left alone."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.services import close_account
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.exceptions import NotFoundError
from ledger.ids import new_id
from ledger.services.periods import close_books
from transactions.choices import Status
from transactions.exceptions import (
    AccountClosedError,
    AlreadyReversedError,
    FinalError,
    IllegalMoveError,
    PartOfEntryError,
    PeriodClosedError,
    TransactionNotFoundError,
    UnclearCategoryError,
)
from transactions.models import Transaction
from transactions.previews import (
    Preview,
    preview_approval,
    preview_categorizing,
    preview_deletion,
    preview_reversal,
    preview_split,
)
from transactions.rows import Row
from transactions.services import (
    Part,
    approve_transactions,
    categorize_transactions,
    delete_transactions,
    reverse_transactions,
    split_transaction,
)
from transactions.tests.conftest import NOON, Company, assert_totals_hold, balance
from transactions.tests.test_moves import in_state

pytestmark = pytest.mark.django_db


def standing(company: Company) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Posted and pending balance of every account, on its normal side."""
    found = {}
    for account in company.accounts:
        sign = 1 if account.type in ("ASSET", "EXPENSE") else -1
        debits_pending, debits_posted, credits_pending, credits_posted = balance(account)
        found[account.id] = (
            sign * (debits_posted - credits_posted),
            sign * (debits_pending - credits_pending),
        )
    return found


def assert_it_happens(company: Company, preview: Preview, act: Callable[[], object]) -> None:
    """The balances that the preview shows are those before, and after `act`; no other balance changes."""
    before = standing(company)
    count = Transaction.objects.count()
    for one in preview.effects:
        assert (one.posted_before, one.pending_before) == before[one.account_id]
        assert one.posted_change or one.pending_change
    act()
    after = standing(company)
    told = {one.account_id: (one.posted_after, one.pending_after) for one in preview.effects}
    assert after == before | told
    assert Transaction.objects.count() == count + preview.recorded
    assert_totals_hold(company.entity)


def ids(preview: Preview) -> list[UUID]:
    return [row.id for row in preview.acts_on]


def faults(preview: Preview) -> dict[UUID, type[Exception]]:
    return {one.id: type(one.error) for one in preview.left}


def one_of_each(company: Company) -> dict[Status, Row]:
    return {status: in_state(company, status) for status in Status}


def test_approving(bakery: Company) -> None:
    rows = one_of_each(bakery)
    gone = new_id()
    expired = bakery.post(expires_at=utc_now() - dt.timedelta(seconds=1))
    chosen = [row.id for row in rows.values()] + [gone, expired.id]

    preview = preview_approval(bakery.entity, chosen)

    assert ids(preview) == [rows[one].id for one in (Status.PENDING, Status.CLEARED, Status.RECONCILED)]
    assert faults(preview).keys() == {
        rows[Status.POSTED].id, rows[Status.REVERSED].id, rows[Status.EXPIRED].id, gone, expired.id,
    }  # fmt: skip
    assert faults(preview)[gone] is TransactionNotFoundError
    assert faults(preview)[rows[Status.REVERSED].id] is IllegalMoveError
    assert_it_happens(
        bakery, preview, lambda: approve_transactions(entity=bakery.entity, ids=ids(preview), actor=SYSTEM)
    )


def test_deleting(bakery: Company) -> None:
    rows = one_of_each(bakery)
    split = bakery.post("10")
    split_transaction(
        entity=bakery.entity,
        transaction_id=split.id,
        parts=[Part(bakery.rent.id, Decimal(6)), Part(bakery.software.id, Decimal(4))],
        actor=SYSTEM,
    )
    chosen = [row.id for row in rows.values()] + [split.id]

    preview = preview_deletion(bakery.entity, chosen)

    assert faults(preview) == {
        rows[Status.POSTED].id: FinalError,
        rows[Status.REVERSED].id: FinalError,
        split.id: PartOfEntryError,
    }
    assert ids(preview) == [
        rows[one].id for one in (Status.PENDING, Status.CLEARED, Status.RECONCILED, Status.EXPIRED)
    ]
    count = len(ids(preview))

    def delete() -> None:
        delete_transactions(entity=bakery.entity, ids=ids(preview), actor=SYSTEM)
        assert Transaction.objects.count() == len(Status) + 3 - count

    before = standing(bakery)
    delete()
    told = {one.account_id: (one.posted_after, one.pending_after) for one in preview.effects}
    assert standing(bakery) == before | told


def test_a_whole_entry_can_be_deleted(bakery: Company) -> None:
    row = bakery.post("10")
    done = split_transaction(
        entity=bakery.entity,
        transaction_id=row.id,
        parts=[Part(bakery.rent.id, Decimal(6)), Part(bakery.software.id, Decimal(4))],
        actor=SYSTEM,
    )
    assert preview_deletion(bakery.entity, [row.id, *done.others]).left == []


def test_reversing_takes_reclassifications_along(bakery: Company) -> None:
    rows = one_of_each(bakery)
    posted, other = rows[Status.POSTED], bakery.posted("7")
    categorize_transactions(
        entity=bakery.entity, ids=[posted.id], category_id=bakery.software.id, actor=SYSTEM
    )
    closed = bakery.posted("3", debit=bakery.loan)
    close_account(entity=bakery.entity, account=_emptied(bakery, closed), actor=SYSTEM)
    chosen = [row.id for row in rows.values()] + [other.id, closed.id]

    preview = preview_reversal(bakery.entity, chosen)

    assert ids(preview) == [posted.id, other.id]
    assert faults(preview) == {
        rows[Status.PENDING].id: IllegalMoveError,
        rows[Status.CLEARED].id: IllegalMoveError,
        rows[Status.RECONCILED].id: IllegalMoveError,
        rows[Status.EXPIRED].id: IllegalMoveError,
        rows[Status.REVERSED].id: AlreadyReversedError,
        closed.id: AccountClosedError,
    }
    assert preview.recorded == 3
    assert_it_happens(
        bakery, preview, lambda: reverse_transactions(entity=bakery.entity, ids=ids(preview), actor=SYSTEM)
    )


def _emptied(company: Company, row: Row) -> Account:
    """The loan account, with nothing left on it."""
    company.posted("3", debit=company.cash, credit=company.loan)
    return company.loan


def test_one_that_is_chosen_with_its_reclassification_is_reversed_once(bakery: Company) -> None:
    row = bakery.posted()
    categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=bakery.software.id, actor=SYSTEM)
    moved = Transaction.objects.get(reclassifies_id=row.id)
    preview = preview_reversal(bakery.entity, [row.id, moved.id])
    assert preview.recorded == 2
    assert_it_happens(
        bakery, preview, lambda: reverse_transactions(entity=bakery.entity, ids=ids(preview), actor=SYSTEM)
    )


def test_a_reversal_into_a_closed_period_is_foreseen(bakery: Company) -> None:
    row = bakery.posted()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    assert faults(preview_reversal(bakery.entity, [row.id], on=NOON)) == {row.id: PeriodClosedError}
    assert ids(preview_reversal(bakery.entity, [row.id])) == [row.id]


def test_categorizing(bakery: Company) -> None:
    rows = one_of_each(bakery)
    unclear = bakery.post(debit=bakery.bank, credit=bakery.cash)
    split = bakery.posted("10")
    split_transaction(
        entity=bakery.entity,
        transaction_id=split.id,
        parts=[Part(bakery.rent.id, Decimal(6)), Part(bakery.loan.id, Decimal(4))],
        actor=SYSTEM,
    )
    chosen = [row.id for row in rows.values()] + [unclear.id, split.id]

    preview = preview_categorizing(bakery.entity, chosen, bakery.software.id)

    assert faults(preview) == {
        rows[Status.REVERSED].id: IllegalMoveError,
        unclear.id: UnclearCategoryError,
    }
    # One for the posted one, and one for each part of the split one.
    assert preview.recorded == 3
    assert_it_happens(
        bakery,
        preview,
        lambda: categorize_transactions(
            entity=bakery.entity, ids=ids(preview), category_id=bakery.software.id, actor=SYSTEM
        ),
    )


def test_categorizing_in_a_closed_period(bakery: Company) -> None:
    posted, pending = bakery.posted(), bakery.post()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    preview = preview_categorizing(bakery.entity, [posted.id, pending.id], bakery.software.id)
    assert faults(preview) == {pending.id: PeriodClosedError}
    assert ids(preview) == [posted.id]


def test_categorizing_to_an_account_that_is_closed_or_not_there(bakery: Company, stranger: Company) -> None:
    posted, pending = bakery.posted(), bakery.post()
    close_account(entity=bakery.entity, account=bakery.software, actor=SYSTEM)
    preview = preview_categorizing(bakery.entity, [posted.id, pending.id], bakery.software.id)
    assert faults(preview) == {posted.id: AccountClosedError, pending.id: AccountClosedError}
    assert preview.effects == []
    with pytest.raises(NotFoundError):
        preview_categorizing(bakery.entity, [posted.id], stranger.software.id)


@pytest.mark.parametrize("status", [Status.PENDING, Status.POSTED])
def test_splitting(bakery: Company, status: Status) -> None:
    row = bakery.post("10", status=status)
    parts = [
        Part(bakery.rent.id, Decimal(5)),
        Part(bakery.software.id, Decimal(3)),
        Part(bakery.loan.id, Decimal(2)),
    ]
    preview = preview_split(bakery.entity, row.id, parts, actor=SYSTEM)
    assert preview.recorded == 2
    assert_it_happens(
        bakery,
        preview,
        lambda: split_transaction(entity=bakery.entity, transaction_id=row.id, parts=parts, actor=SYSTEM),
    )
    # What stands so already changes nothing more.
    if status == Status.POSTED:
        assert preview_split(bakery.entity, row.id, parts, actor=SYSTEM).effects == []


def test_splitting_raises_what_the_service_does(bakery: Company, stranger: Company) -> None:
    row = bakery.post("10")
    parts = [Part(bakery.rent.id, Decimal(5)), Part(bakery.software.id, Decimal(5))]
    with pytest.raises(TransactionNotFoundError):
        preview_split(bakery.entity, stranger.post("10").id, parts, actor=SYSTEM)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    with pytest.raises(PeriodClosedError):
        preview_split(bakery.entity, row.id, parts, actor=SYSTEM)


def test_a_preview_reads_and_does_not_lock_and_its_queries_do_not_grow(bakery: Company) -> None:
    def statements(count: int) -> list[int]:
        posted = [bakery.posted(str(n + 1)).id for n in range(count)]
        pending = [bakery.post(str(n + 1)).id for n in range(count)]
        counted = []
        for look in (
            lambda: preview_approval(bakery.entity, pending),
            lambda: preview_deletion(bakery.entity, pending),
            lambda: preview_reversal(bakery.entity, posted),
            lambda: preview_categorizing(bakery.entity, [*posted, *pending], bakery.software.id),
        ):
            with CaptureQueriesContext(connection) as queries:
                assert look().left == []
            for query in queries:
                assert " FOR " not in query["sql"].upper()
                assert query["sql"].lstrip().upper().startswith(("SELECT", "WITH"))
            counted.append(len(queries))
        return counted

    assert statements(1) == statements(15) == [3, 3, 5, 8]
