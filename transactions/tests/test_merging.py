"""Merging an account into another: what an accountant finds in both afterwards, and in every open month."""

import datetime as dt
from typing import Any

import pytest

from accounts.balances import account_balance
from accounts.models import Account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.choices import TaskState
from ledger.exceptions import ConflictError, LedgerError, ValidationError
from ledger.models import AuditEvent, BackgroundTask
from ledger.services.periods import close_books
from ledger.tests.helpers import run_background
from transactions.account_ledger import ledger_entries
from transactions.account_merges import preview_merge
from transactions.choices import Status
from transactions.exceptions import AccountClosedError, PeriodClosedError
from transactions.models import Revision, Transaction
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    post_batch,
    reverse_transaction,
)
from transactions.services.background_merging import start_merging
from transactions.services.merging import PreviewOutdatedError, merge_accounts
from transactions.signals import accounts_merged, accounts_merging
from transactions.tests.conftest import NOON, Company, assert_totals_hold
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db
A_DAY = dt.timedelta(days=1)


@pytest.fixture
def apps(bakery: Company) -> Account:
    """An account that is one too many beside Software."""
    return make_account(bakery.ledger, "Apps", "EXPENSE", financial_type="SOFTWARE_EXPENSES")


# These give Any, so that amounts may be compared with plain numbers.
def merge(company: Company, source: Account, target: Account, **more: Any) -> Any:
    return merge_accounts(entity=company.entity, source=source, target=target, actor=SYSTEM, **more)


def net(account: Account, *, as_of: dt.date | None = None) -> Any:
    found = account_balance(account.entity_id, account.id, as_of=as_of, with_children=False)
    assert found is not None
    return found.total.net


def assert_right(company: Company) -> None:
    assert_totals_hold(company.entity)
    assert list(verify_books(company.entity)) == []


def test_posted_amounts_move_on_their_own_days_and_the_originals_stay(bakery: Company, apps: Account) -> None:
    first = bakery.posted("10", debit=apps, at=NOON, description="Figma", counterparty="Figma Inc")
    bakery.posted("25", debit=apps, at=NOON + 40 * A_DAY)
    # A refund takes away.
    bakery.posted("4", debit=bakery.cash, credit=apps, at=NOON + 41 * A_DAY)
    bakery.posted("100", debit=bakery.software, at=NOON)

    done = merge(bakery, apps, bakery.software)

    assert (done.edited, done.reclassified, done.closed_balance_moved) == (0, 3, 0)
    march = NOON.date().replace(day=31)
    assert (net(apps, as_of=march), net(bakery.software, as_of=march)) == (0, 110)
    assert (net(apps), net(bakery.software)) == (0, 131)
    assert bakery.stored(first.id).debit_account_id == apps.id
    made: Any = Transaction.objects.get(reclassifies_id=first.id)
    assert (made.debit_account_id, made.credit_account_id, made.amount) == (bakery.software.id, apps.id, 10)
    assert (made.timestamp, made.date, made.status) == (first.timestamp, first.date, Status.POSTED)
    assert (made.description, made.counterparty) == ("Reclassified: Figma", "Figma Inc")
    assert made.metadata == {"mergedFrom": apps.public_id}
    apps.refresh_from_db()
    assert apps.closed_at is not None
    assert apps.metadata == {"mergedInto": bakery.software.public_id}
    assert_right(bakery)


def test_pending_ones_are_edited_with_a_history_and_name_the_other_category(
    bakery: Company, apps: Account
) -> None:
    waiting = bakery.post("10", debit=apps)
    chosen = bakery.post("20")
    categorize_transactions(entity=bakery.entity, ids=[chosen.id], category_id=apps.id, actor=SYSTEM)

    done = merge(bakery, apps, bakery.software)

    assert (done.edited, done.reclassified) == (2, 0)
    assert {bakery.stored(one.id).debit_account_id for one in (waiting, chosen)} == {bakery.software.id}
    said = bakery.stored(chosen.id).metadata
    assert said is not None
    assert (said["categoryId"], said["categoryName"]) == (bakery.software.public_id, "Software")
    revision = Revision.objects.get(transaction_id=waiting.id)
    assert (revision.debit_account_id, revision.reason) == (apps.id, "Merged Apps into Software")
    [approval] = approve_transactions(entity=bakery.entity, ids=[waiting.id], actor=SYSTEM)
    assert approval.error is None
    assert_right(bakery)


def test_the_merge_is_in_the_audit_trail(bakery: Company, apps: Account) -> None:
    bakery.posted("10", debit=apps)
    merge(bakery, apps, bakery.software)
    event: Any = AuditEvent.objects.get(action="transactions.account.merged")
    assert (event.object_id, event.after["into"]) == (apps.public_id, bakery.software.public_id)
    assert (event.after["reclassified"], event.after["edited"]) == (1, 0)
    assert AuditEvent.objects.filter(action="accounts.account.closed", object_id=apps.public_id).exists()


def test_closed_periods_of_an_expense_stay_as_they_were_reported(bakery: Company, apps: Account) -> None:
    bakery.posted("10", debit=apps, at=NOON)
    bakery.posted("25", debit=apps, at=NOON + 40 * A_DAY)
    march = NOON.date().replace(day=31)
    close_books(entity=bakery.entity, through=march, actor=SYSTEM)

    done = merge(bakery, apps, bakery.software)

    assert (done.reclassified, done.closed_balance_moved) == (1, 0)
    assert (net(apps, as_of=march), net(bakery.software, as_of=march)) == (10, 0)
    assert (net(apps), net(bakery.software)) == (10, 25)
    assert_right(bakery)


def test_what_closed_periods_left_on_the_balance_sheet_moves_by_one_posting(bakery: Company) -> None:
    for number in range(3):
        bakery.posted("10", debit=bakery.bank, credit=bakery.sales, at=NOON + number * A_DAY)
    bakery.posted("5", debit=bakery.bank, credit=bakery.sales, at=NOON + 40 * A_DAY)
    march = NOON.date().replace(day=31)
    close_books(entity=bakery.entity, through=march, actor=SYSTEM)

    with pytest.raises(ValidationError, match="which goes on from year to year"):
        merge(bakery, bakery.bank, bakery.cash)
    with pytest.raises(PeriodClosedError):
        merge(bakery, bakery.bank, bakery.cash, closed_balance_on=march)
    done = merge(bakery, bakery.bank, bakery.cash, closed_balance_on=march + A_DAY)

    assert (done.reclassified, done.closed_balance_moved) == (1, 30)
    assert (net(bakery.bank, as_of=march), net(bakery.cash, as_of=march)) == (30, 0)
    assert (net(bakery.bank), net(bakery.cash)) == (0, 35)
    carried: Any = ledger_entries(bakery.entity, [bakery.cash.id], limit=10)[-1]
    assert (carried.date, carried.amount) == (march + A_DAY, 30)
    assert carried.description == "Balance of closed periods: Bank merged into 1010 Cash"
    assert_right(bakery)


def test_what_was_moved_away_before_is_not_moved_again_and_what_came_is(
    bakery: Company, apps: Account
) -> None:
    left, came = bakery.posted("10", debit=apps), bakery.posted("20")
    categorize_transactions(entity=bakery.entity, ids=[left.id], category_id=bakery.rent.id, actor=SYSTEM)
    categorize_transactions(entity=bakery.entity, ids=[came.id], category_id=apps.id, actor=SYSTEM)

    done = merge(bakery, apps, bakery.software)

    assert done.reclassified == 1
    assert (net(apps), net(bakery.software), net(bakery.rent)) == (0, 20, 10)
    assert_right(bakery)


def test_what_was_merged_can_be_categorized_anew_and_reversed_once_the_account_is_open(
    bakery: Company, apps: Account
) -> None:
    row = bakery.posted("10", debit=apps)
    merge(bakery, apps, bakery.software)

    categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=bakery.rent.id, actor=SYSTEM)
    assert (net(bakery.software), net(bakery.rent)) == (0, 10)
    with pytest.raises(AccountClosedError):
        reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    Account.objects.filter(id=apps.id).update(closed_at=None)
    reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)

    assert (net(apps), net(bakery.software), net(bakery.rent), net(bakery.cash)) == (0, 0, 0, 0)
    assert_right(bakery)


def test_merging_the_other_side_leaves_the_category_where_it_is(bakery: Company) -> None:
    row = bakery.posted("10", credit=bakery.bank)
    merge(bakery, bakery.bank, bakery.cash)
    categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=bakery.software.id, actor=SYSTEM)
    assert (net(bakery.bank), net(bakery.cash)) == (0, -10)
    assert (net(bakery.rent), net(bakery.software)) == (0, 10)
    assert_right(bakery)


def test_a_reversed_one_and_its_reversal_both_move(bakery: Company, apps: Account) -> None:
    row = bakery.posted("10", debit=apps)
    reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM, on=NOON + 40 * A_DAY)

    done = merge(bakery, apps, bakery.software)

    assert done.reclassified == 2
    march = NOON.date().replace(day=31)
    assert (net(apps, as_of=march), net(bakery.software, as_of=march), net(bakery.software)) == (0, 10, 0)
    assert_right(bakery)


def test_a_posting_between_the_two_cancels_out(bakery: Company, apps: Account) -> None:
    bakery.posted("10", debit=apps, at=NOON)
    bakery.posted("10", debit=bakery.software, credit=apps, at=NOON + A_DAY)
    merge(bakery, apps, bakery.software)
    assert (net(apps), net(bakery.software)) == (0, 10)
    assert_right(bakery)


def test_accounts_below_move_along(bakery: Company, apps: Account) -> None:
    below = make_account(bakery.ledger, "Design apps", "EXPENSE", parent=apps)
    done = merge(bakery, apps, bakery.software)
    below.refresh_from_db()
    assert (done.children_moved, below.parent_id) == (1, bakery.software.id)


def test_an_account_is_not_merged_into_one_below_it(bakery: Company, apps: Account) -> None:
    below = make_account(bakery.ledger, "Design apps", "EXPENSE", parent=apps)
    bakery.posted("10", debit=apps)
    with pytest.raises(ConflictError, match="below it"):
        merge(bakery, apps, below)
    assert net(apps) == 10


def test_accounts_that_do_not_go_together_are_refused(
    bakery: Company, stranger: Company, apps: Account
) -> None:
    closed = make_account(bakery.ledger, "Closed", "EXPENSE", closed_at=NOON)
    role = make_account(bakery.ledger, "Uncategorized", "EXPENSE", role="uncategorized_expense")
    for source, target, why in (
        (apps, apps, "into itself"),
        (apps, bakery.cash, "of the same type"),
        (apps, closed, "is closed"),
        (closed, apps, "is closed"),
        (role, apps, "is a system account"),
        (apps, stranger.rent, "There is no account"),
        (stranger.rent, apps, "There is no account"),
    ):
        with pytest.raises(LedgerError, match=why):
            merge(bakery, source, target)
    assert not AuditEvent.objects.filter(action="transactions.account.merged").exists()


def test_pending_ones_between_the_two_or_in_a_closed_period_stop_it_whole(
    bakery: Company, apps: Account
) -> None:
    bakery.posted("10", debit=apps, at=NOON + 40 * A_DAY)
    between = bakery.post("5", debit=apps, credit=bakery.software, at=NOON + 40 * A_DAY)
    with pytest.raises(ConflictError, match="between the two"):
        merge(bakery, apps, bakery.software)
    bakery.post("3", debit=apps, at=NOON)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    preview = preview_merge(bakery.entity, source=apps, target=bakery.software, closed_balance_on=None)
    assert len(preview.obstacles) == 2
    with pytest.raises(PeriodClosedError):
        merge(bakery, apps, bakery.rent)
    assert net(apps) == 10
    assert bakery.stored(between.id).debit_account_id == apps.id
    assert_right(bakery)


def test_the_preview_says_what_the_merge_then_does(bakery: Company, apps: Account) -> None:
    bakery.posted("10", debit=apps, at=NOON)
    bakery.posted("25", debit=apps, at=NOON + 40 * A_DAY)
    bakery.posted("3", debit=bakery.cash, credit=apps, at=NOON + 41 * A_DAY)
    bakery.post("7", debit=apps, at=NOON + 42 * A_DAY)
    bakery.posted("100", debit=bakery.software)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)

    preview: Any = preview_merge(bakery.entity, source=apps, target=bakery.software, closed_balance_on=None)
    done = merge(bakery, apps, bakery.software)

    assert (preview.pending_count, preview.posted_count) == (done.edited, done.reclassified) == (1, 2)
    assert (preview.posted_debits, preview.posted_credits, preview.pending_amount) == (25, 3, 7)
    assert (preview.closed_balance, preview.source_after.posted) == (10, 10) == (10, net(apps))
    assert preview.target_after.posted == net(bakery.software) == 122
    assert (preview.source_before, preview.target_before) == ((32, 7), (100, 0))
    assert preview.obstacles == ()


def test_apps_above_may_refuse_and_follow(bakery: Company, apps: Account) -> None:
    heard: list[str] = []

    def follow(sender: object, *, source: Account, target: Account, **more: Any) -> None:
        heard.append(f"{source} → {target}")

    def refuse(sender: object, **more: Any) -> None:
        raise ConflictError("A bank feeds it.")

    bakery.posted("10", debit=apps)
    accounts_merging.connect(refuse)
    try:
        preview = preview_merge(bakery.entity, source=apps, target=bakery.software, closed_balance_on=None)
        with pytest.raises(ConflictError, match="A bank feeds it"):
            merge(bakery, apps, bakery.software)
    finally:
        accounts_merging.disconnect(refuse)
    assert preview.obstacles == ("A bank feeds it.",)
    accounts_merged.connect(follow)
    try:
        merge(bakery, apps, bakery.software)
    finally:
        accounts_merged.disconnect(follow)
    assert heard == ["Apps → 6100 Software"]


def test_thousands_of_transactions_take_a_handful_of_statements(
    bakery: Company, apps: Account, django_assert_max_num_queries: Any
) -> None:
    drafts = [
        bakery.draft("1", debit=apps, status=Status.POSTED, at=NOON + n * dt.timedelta(minutes=7))
        for n in range(5_000)
    ]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}
    told: list[int] = []

    with django_assert_max_num_queries(60):
        done = merge(bakery, apps, bakery.software, on_moved=told.append)

    assert done.reclassified == sum(told) == 5_000
    assert (net(apps), net(bakery.software)) == (0, 5_000)
    assert_totals_hold(bakery.entity)


def test_a_large_merge_runs_in_the_background_and_twice_does_no_harm(bakery: Company, apps: Account) -> None:
    bakery.posted("10", debit=apps)
    task = start_merging(
        entity=bakery.entity, source=apps, target=bakery.software, closed_balance_on=None, actor=SYSTEM
    )
    [done] = run_background(bakery.entity)
    assert (done.id, done.state, done.message) == (
        task.id, "succeeded", "Apps is merged into 6100 Software: 1 reclassified, 0 edited",
    )  # fmt: skip
    start_merging(
        entity=bakery.entity, source=apps, target=bakery.software, closed_balance_on=None, actor=SYSTEM
    )
    [again] = run_background(bakery.entity)
    assert (again.state, again.message) == ("succeeded", "Apps is merged into 6100 Software")
    assert net(bakery.software) == 10


def test_another_merge_of_the_account_is_refused_while_one_waits_or_runs(
    bakery: Company, apps: Account
) -> None:
    def start(target: Account, **more: Any) -> BackgroundTask:
        wanted: dict[str, Any] = {"closed_balance_on": None} | more
        return start_merging(entity=bakery.entity, source=apps, target=target, actor=SYSTEM, **wanted)

    task = start(bakery.software)
    for state in (TaskState.QUEUED, TaskState.RUNNING):
        BackgroundTask.objects.filter(id=task.id).update(state=state)
        with pytest.raises(ConflictError, match="Apps is being merged into 6100 Software already"):
            start(bakery.rent)
        with pytest.raises(ConflictError):
            start(bakery.software, closed_balance_on=NOON.date())
        assert BackgroundTask.objects.get().id == task.id
    BackgroundTask.objects.filter(id=task.id).update(state=TaskState.QUEUED)
    assert start(bakery.software).id == task.id
    BackgroundTask.objects.filter(id=task.id).update(state=TaskState.FAILED)
    assert start(bakery.rent).arguments["target"] == str(bakery.rent.id)


def test_what_was_agreed_to_is_compared_once_the_books_are_held(bakery: Company, apps: Account) -> None:
    bakery.posted("10", debit=apps)
    preview = preview_merge(bakery.entity, source=apps, target=bakery.software, closed_balance_on=None)
    start_merging(
        entity=bakery.entity,
        source=apps,
        target=bakery.software,
        closed_balance_on=None,
        actor=SYSTEM,
        shown=preview.digest,
    )
    bakery.posted("7", debit=apps)

    with pytest.raises(PreviewOutdatedError):
        merge(bakery, apps, bakery.software, shown=preview.digest)
    [done] = run_background(bakery.entity)

    assert done.state == TaskState.FAILED
    assert "books moved since" in done.error
    assert net(apps) == 17
    now = preview_merge(bakery.entity, source=apps, target=bakery.software, closed_balance_on=None)
    assert merge(bakery, apps, bakery.software, shown=now.digest).reclassified == 2
