"""Whatever is done to the books, in whatever order, balances, days and months equal what the transactions add
up to, and the transactions are what a simple model in Python says they are."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Account
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.exceptions import LedgerError
from ledger.services.periods import close_books, reopen_books
from transactions.category_side import category_side
from transactions.choices import MOVES, Change, Status
from transactions.models import Revision, Transaction
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    delete_transaction,
    edit_transaction,
    expire_pending,
    move_transactions,
    post_batch,
    post_transaction,
    reverse_transaction,
)
from transactions.services.editing import Edit
from transactions.tests.conftest import NOON, Company, assert_totals_hold, make_company

DAYS = 60
# Equal ones are as likely as odd ones.
amounts = st.just(Decimal("7.00")) | st.decimals("0.01", "99999999.99", places=2)
days = st.integers(0, DAYS - 1)
accounts = st.integers(0, 5)
pairs = st.tuples(accounts, accounts).filter(lambda pair: pair[0] != pair[1])
creatable = st.sampled_from([Status.PENDING, Status.CLEARED, Status.POSTED])
PENDING = {Status.PENDING, Status.CLEARED, Status.RECONCILED}


@dataclass(frozen=True)
class Known:
    """What the model knows of a transaction."""

    debit: int
    credit: int
    amount: Decimal
    day: dt.date
    status: Status
    expires: bool = False


def moment(day: int) -> dt.datetime:
    return NOON + dt.timedelta(days=day)


class Books(RuleBasedStateMachine):
    """Random calls of every service, and the model that says what each must do."""

    made = Bundle("made")

    @initialize()
    def open(self) -> None:
        self.company: Company = make_company()
        self.accounts: list[Account] = self.company.accounts
        self.known: dict[UUID, Known] = {}
        self.closed: dt.date | None = None
        self.changes = 0

    # --- helpers -------------------------------------------------------------------------------

    def is_closed(self, *known: Known) -> bool:
        return self.closed is not None and any(one.day <= self.closed for one in known)

    @contextmanager
    def refused_where(self, refused: bool) -> Iterator[None]:
        """The block must fail exactly where the model says so, and then change nothing."""
        try:
            with transaction.atomic():
                yield
        except LedgerError:
            assert refused, "refused, and the model sees no reason"
        else:
            assert not refused, "not refused, and the model says it must be"

    def draft(self, known: Known) -> Any:
        at = dt.datetime.combine(known.day, NOON.time(), dt.UTC)
        return self.company.draft(
            str(known.amount),
            debit=self.accounts[known.debit],
            credit=self.accounts[known.credit],
            at=at,
            status=known.status,
            expires_at=NOON if known.expires else None,
        )

    # --- the services --------------------------------------------------------------------------

    @rule(target=made, pair=pairs, amount=amounts, day=days, status=creatable, expires=st.booleans())
    def create(self, pair: tuple[int, int], amount: Decimal, day: int, status: Status, expires: bool) -> Any:
        known = Known(*pair, amount, moment(day).date(), status, expires and status == Status.PENDING)
        draft = self.draft(known)
        with self.refused_where(self.is_closed(known)):
            post_transaction(entity=self.company.entity, draft=draft, actor=SYSTEM)
            self.known[draft.id] = known
        return draft.id if draft.id in self.known else multiple()

    @rule(
        target=made,
        rows=st.lists(st.tuples(pairs, amounts, days, creatable), min_size=1, max_size=12),
        partial=st.booleans(),
    )
    def batch(self, rows: list[tuple[tuple[int, int], Decimal, int, Status]], partial: bool) -> Any:
        batch = [Known(*pair, amount, moment(day).date(), status) for pair, amount, day, status in rows]
        drafts = [self.draft(known) for known in batch]
        faults = post_batch(entity=self.company.entity, drafts=drafts, actor=SYSTEM, partial=partial)
        assert sorted(faults) == [n for n, known in enumerate(batch) if self.is_closed(known)]
        if faults and not partial:
            return multiple()
        new = {drafts[n].id: known for n, known in enumerate(batch) if n not in faults}
        self.known |= new
        return multiple(*new)

    @rule(ids=st.lists(made, min_size=1, max_size=8))
    def approve(self, ids: list[UUID]) -> None:
        approvals = approve_transactions(entity=self.company.entity, ids=ids, actor=SYSTEM)
        assert [approval.id for approval in approvals] == list(dict.fromkeys(ids))
        for approval in approvals:
            known = self.known.get(approval.id)
            has_expired = known is not None and known.expires and known.status == Status.PENDING
            if (
                known is not None
                and known.status in PENDING
                and not has_expired
                and not self.is_closed(known)
            ):
                self.known[approval.id] = replace(known, status=Status.POSTED)
                self.changes += 1
            is_posted = approval.id in self.known and self.known[approval.id].status == Status.POSTED
            assert (approval.error is None) == is_posted

    @rule(id_=made, to=st.sampled_from([Status.CLEARED, Status.RECONCILED, Status.EXPIRED]))
    def move(self, id_: UUID, to: Status) -> None:
        known = self.known.get(id_)
        wrong = known is None or to not in MOVES[known.status] or self.is_closed(known)
        with self.refused_where(wrong):
            move_transactions(
                entity=self.company.entity, ids=[id_], to=to, change=Change.EDITED, actor=SYSTEM
            )
        if not wrong and known is not None:
            self.known[id_] = replace(known, status=to)
            self.changes += 1

    @rule(
        id_=made, pair=st.none() | pairs, amount=st.none() | amounts, swap=st.booleans(), day=st.none() | days
    )
    def edit(
        self, id_: UUID, pair: tuple[int, int] | None, amount: Decimal | None, swap: bool, day: int | None
    ) -> None:
        known = self.known.get(id_)
        wanted = known
        changes: dict[str, Any] = {}
        if pair is not None:
            debit, credit = (self.accounts[place].id for place in pair)
            changes |= {"debit_account_id": debit, "credit_account_id": credit}
            wanted = wanted and replace(wanted, debit=pair[0], credit=pair[1])
        if amount is not None:
            changes["amount"] = -amount if swap else amount
            wanted = wanted and replace(wanted, amount=amount)
            if swap:
                wanted = wanted and replace(wanted, debit=wanted.credit, credit=wanted.debit)
        if day is not None:
            changes |= {"timestamp": moment(day), "date": moment(day).date()}
            wanted = wanted and replace(wanted, day=moment(day).date())
        wrong = known is None or wanted is None
        if known is not None and wanted is not None and wanted != known:
            wrong = known.status in (Status.POSTED, Status.REVERSED) or self.is_closed(known, wanted)
            self.changes += not wrong
        with self.refused_where(wrong):
            edit_transaction(
                entity=self.company.entity, transaction_id=id_, edit=Edit(**changes), actor=SYSTEM
            )
        if not wrong and wanted is not None:
            self.known[id_] = wanted

    @rule(id_=consumes(made))
    def delete(self, id_: UUID) -> None:
        known = self.known.get(id_)
        wrong = known is None or known.status in (Status.POSTED, Status.REVERSED) or self.is_closed(known)
        with self.refused_where(wrong):
            delete_transaction(entity=self.company.entity, transaction_id=id_, actor=SYSTEM)
        if not wrong:
            del self.known[id_]
            self.changes += 1

    @rule(target=made, id_=made, day=st.none() | days)
    def reverse(self, id_: UUID, day: int | None) -> Any:
        known = self.known.get(id_)
        on = None if day is None else moment(day)
        at = utc_now() if on is None else on
        wrong = known is None or known.status != Status.POSTED or (on is not None and on.date() < known.day)
        if not wrong and known is not None:
            wrong = self.closed is not None and max(at.date(), known.day) <= self.closed
        with self.refused_where(wrong):
            reverse_transaction(entity=self.company.entity, transaction_id=id_, actor=SYSTEM, on=on)
        if wrong:
            return multiple()
        return multiple(*self.learn_reversals(id_, at.date()))

    def learn_reversals(self, id_: UUID, day: dt.date) -> list[UUID]:
        """The original and its posted reclassifications, each with a new mirror image."""
        new = []
        corrections = Transaction.objects.filter(reclassifies_id=id_).values_list("id", flat=True)
        for original_id in (id_, *corrections):
            known = self.known[original_id]
            if known.status != Status.POSTED:
                continue
            reversal = Transaction.objects.get(reverses_id=original_id)
            self.known[original_id] = replace(known, status=Status.REVERSED)
            self.known[reversal.id] = replace(
                known, debit=known.credit, credit=known.debit, day=max(day, known.day)
            )
            self.changes += 1
            new.append(reversal.id)
        return new

    @rule(target=made, ids=st.lists(made, min_size=1, max_size=4, unique=True), category=accounts)
    def categorize(self, ids: list[UUID], category: int) -> Any:
        """The model says what must come of it only where all are pending; what a posted one becomes is
        read back, and the totals say whether it adds up."""
        found = [self.known.get(id_) for id_ in ids]
        sides = [None if known is None else self.side(known) for known in found]
        before = set(Transaction.objects.values_list("id", flat=True))
        try:
            with transaction.atomic():
                categorize_transactions(
                    entity=self.company.entity,
                    ids=ids,
                    category_id=self.accounts[category].id,
                    actor=SYSTEM,
                )
        except LedgerError:
            assert self.may_be_refused(found, sides, category)
            return multiple()
        for id_, known, side in zip(ids, found, sides, strict=True):
            assert known is not None
            assert known.status != Status.REVERSED
            assert side is not None
            self.changes += 1
            if known.status != Status.POSTED:
                self.known[id_] = (
                    replace(known, debit=category) if side == "debit" else replace(known, credit=category)
                )
        return multiple(*self.learn_new(before))

    def may_be_refused(self, found: list[Known | None], sides: list[str | None], category: int) -> bool:
        for known, side in zip(found, sides, strict=True):
            if known is None or side is None or known.status == Status.REVERSED:
                return True
            if category in (known.debit, known.credit) or self.is_closed(known):
                return True
            if known.status == Status.POSTED and self.closed is not None:
                return True
        # The category may be where a posted one was moved from by an earlier choice.
        return any(known is not None and known.status == Status.POSTED for known in found)

    def side(self, known: Known) -> str | None:
        debit, credit = self.accounts[known.debit], self.accounts[known.credit]
        return category_side(debit.type, debit.financial_type, credit.type, credit.financial_type)

    def learn_new(self, before: set[UUID]) -> list[UUID]:
        places = {account.id: place for place, account in enumerate(self.accounts)}
        new = []
        for row in Transaction.objects.exclude(id__in=before):
            assert row.reclassifies_id in self.known
            assert (row.amount, row.status) == (self.known[row.reclassifies_id].amount, Status.POSTED)
            self.known[row.id] = Known(
                places[row.debit_account_id],
                places[row.credit_account_id],
                row.amount,
                row.date,
                Status.POSTED,
            )
            new.append(row.id)
        return new

    @rule()
    def expire(self) -> None:
        due = [
            id_
            for id_, known in self.known.items()
            if known.expires and known.status == Status.PENDING and not self.is_closed(known)
        ]
        assert sum(expire_pending(entity=self.company.entity, now=NOON, actor=SYSTEM)) == len(due)
        for id_ in due:
            self.known[id_] = replace(self.known[id_], status=Status.EXPIRED)
            self.changes += 1

    @rule(day=st.integers(-1, 20))
    def close(self, day: int) -> None:
        through = moment(day).date()
        with self.refused_where(self.closed is not None and through < self.closed):
            close_books(entity=self.company.entity, through=through, actor=SYSTEM)
            self.closed = through

    @precondition(lambda self: self.closed is not None)
    @rule()
    def reopen(self) -> None:
        reopen_books(entity=self.company.entity, through=None, actor=SYSTEM)
        self.closed = None

    # --- what always holds -----------------------------------------------------------------------

    @invariant()
    def totals_equal_the_transactions(self) -> None:
        assert_totals_hold(self.company.entity)

    @invariant()
    def transactions_are_what_the_model_says(self) -> None:
        places = {account.id: place for place, account in enumerate(self.accounts)}
        stored = {
            row.id: (
                places[row.debit_account_id],
                places[row.credit_account_id],
                row.amount,
                row.date,
                row.status,
            )
            for row in Transaction.objects.filter(entity_id=self.company.entity.id)
        }
        assert stored == {
            id_: (known.debit, known.credit, known.amount, known.day, known.status)
            for id_, known in self.known.items()
        }

    @invariant()
    def every_change_left_one_revision(self) -> None:
        assert Revision.objects.filter(entity_id=self.company.entity.id).count() == self.changes


@pytest.mark.django_db
def test_random_calls_keep_the_totals(django_db_blocker: object) -> None:
    class InOneTransaction(Books):
        """Each run is rolled back."""

        def __init__(self) -> None:
            super().__init__()
            self.savepoint = transaction.savepoint()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.savepoint)
            assert connection.in_atomic_block

    run_state_machine_as_test(
        InOneTransaction,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
