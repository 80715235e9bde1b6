"""What a change to the books would do, before it is done: read, worked out with the services' own rules, and
nothing locked or written.

What an app above would refuse (`transactions.signals`) is not known here; the service says it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from accounts.balances import normal_side
from accounts.choices import Side
from accounts.facts import facts_of_accounts
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import fetch, uuid_array
from ledger.exceptions import ConflictError, LedgerError
from ledger.models import Entity
from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED, FINAL, Status
from transactions.drafts import Draft
from transactions.exceptions import (
    AccountNotFoundError,
    FinalError,
    PartOfEntryError,
    PeriodClosedError,
    TransactionNotFoundError,
)
from transactions.listing import get_transactions
from transactions.rows import Row
from transactions.services.batches import accounts_of, find_faults
from transactions.services.categorizing import Choice, posted_standings
from transactions.services.changing import closed_through
from transactions.services.entries import count_parts
from transactions.services.moves import approval_fault
from transactions.services.posting import account_fault
from transactions.services.reversal import check_reversible, reclassifications, reversal_of
from transactions.services.splitting import Part, part_accounts, plan_split

_ZERO: Final = Decimal(0)
_BALANCES: Final = """
SELECT a.id, a.sub_type_code, a.name, a.currency, a.type, a.financial_type,
    coalesce(sum(b.debits_posted - b.credits_posted), 0),
    coalesce(sum(b.debits_pending - b.credits_pending), 0)
FROM accounts_account a
LEFT JOIN accounts_accountbalance b ON b.entity_id = a.entity_id AND b.account_id = a.id
WHERE a.entity_id = %(entity)s::uuid AND a.id = ANY(%(ids)s::uuid[])
GROUP BY a.entity_id, a.id ORDER BY a.sub_type_code, a.name, a.id
"""


class Effect(NamedTuple):
    """What becomes of an account's balance, on its normal side: positive where it grows."""

    account_id: UUID
    code: int | None
    name: str
    currency: str
    posted_before: Decimal
    posted_change: Decimal
    pending_before: Decimal
    pending_change: Decimal

    @property
    def posted_after(self) -> Decimal:
        return self.posted_before + self.posted_change

    @property
    def pending_after(self) -> Decimal:
        return self.pending_before + self.pending_change


class LeftAlone(NamedTuple):
    """A transaction that would stay as it is."""

    id: UUID
    # None where there is none of that id.
    row: Row | None
    error: LedgerError


@dataclass(slots=True)
class Preview:
    """What would be done, to what, and what would be left alone."""

    acts_on: list[Row] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)
    # By the chart; accounts on which nothing changes are left out.
    effects: list[Effect] = field(default_factory=list)
    # How many transactions would be recorded beside.
    recorded: int = 0


class _Changes:
    """Signed sums of posted and pending debits (credits negative), by account."""

    def __init__(self) -> None:
        self.posted: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        self.pending: defaultdict[UUID, Decimal] = defaultdict(Decimal)

    def add(self, one: Row | Draft, *, undone: bool = False) -> None:
        amount = -one.amount if undone else one.amount
        for counted, states in ((self.posted, COUNTS_AS_POSTED), (self.pending, COUNTS_AS_PENDING)):
            if one.status in states:
                counted[one.debit_account_id] += amount
                counted[one.credit_account_id] -= amount

    def replace(self, before: Row, after: Row) -> None:
        self.add(before, undone=True)
        self.add(after)


def preview_approval(entity: Entity, ids: Sequence[UUID]) -> Preview:
    """What `approve_transactions` would do; what is posted already is left alone."""
    now, closed = utc_now(), closed_through(entity)

    def approve(row: Row, changes: _Changes) -> LedgerError | None:
        if row.status == Status.POSTED:
            return ConflictError("It is posted already.")
        error = approval_fault(row, now, closed)
        if error is None:
            changes.replace(row, row._replace(status=Status.POSTED))
        return error

    return _each(entity, ids, approve)


def preview_deletion(entity: Entity, ids: Sequence[UUID]) -> Preview:
    """What `delete_transactions` would do with those that can be deleted."""
    closed = closed_through(entity)
    rows = _rows(entity, ids)
    faults: dict[UUID, LedgerError] = {}
    for row in rows.values():
        if row.status in FINAL:
            faults[row.id] = FinalError(row.id, row.status, "deleted")
        elif closed is not None and row.date <= closed:
            faults[row.id] = PeriodClosedError(closed)
    parts = count_parts(entity, rows.values())
    chosen = Counter(row.journal_entry_id for row in rows.values() if row.id not in faults)
    for row in rows.values():
        entry_id = row.journal_entry_id
        if row.id not in faults and entry_id is not None and parts[entry_id] > chosen[entry_id]:
            faults[row.id] = PartOfEntryError(row.id, entry_id, parts[entry_id])

    def delete(row: Row, changes: _Changes) -> LedgerError | None:
        if row.id not in faults:
            changes.add(row, undone=True)
        return faults.get(row.id)

    return _each(entity, ids, delete, rows=rows)


def preview_reversal(entity: Entity, ids: Sequence[UUID], *, on: datetime | None = None) -> Preview:
    """What `reverse_transactions` would do with those that can be reversed."""
    moment = on or utc_now()
    rows = _rows(entity, ids)
    corrections = _rows(entity, reclassifications(entity, list(rows)))
    drafts: dict[UUID, list[Draft]] = {}
    faults: dict[UUID, LedgerError] = {}
    for row in rows.values():
        try:
            check_reversible(entity, row, on)
        except LedgerError as error:
            faults[row.id] = error
        else:
            drafts[row.id] = [reversal_of(entity, row, moment, "")]
    for row in corrections.values():
        original = row.reclassifies_id
        # One that is chosen itself is reversed once.
        if original in drafts and row.id not in rows:
            drafts[original].append(reversal_of(entity, row, moment, ""))
    faults |= _draft_faults(entity, drafts)

    def reverse(row: Row, changes: _Changes) -> LedgerError | None:
        if row.id not in faults:
            for draft in drafts[row.id]:
                changes.add(draft)
        return faults.get(row.id)

    preview = _each(entity, ids, reverse, rows=rows)
    preview.recorded = sum(len(drafts[row.id]) for row in preview.acts_on)
    return preview


def preview_categorizing(
    entity: Entity, ids: Sequence[UUID], category_id: UUID, *, on: datetime | None = None
) -> Preview:
    """What `categorize_transactions` would do with those that can be categorized. Raises
    AccountNotFoundError."""
    rows = _rows(entity, ids)
    category = facts_of_accounts(entity, [category_id]).get(category_id)
    if category is None:
        raise AccountNotFoundError(category_id, field="categoryId")
    closed = closed_through(entity)
    choice = Choice(entity, category, utc_now(), on, closed)
    standing = posted_standings(entity, rows.values())
    own = {one for row in rows.values() for one in (row.debit_account_id, row.credit_account_id)}
    accounts = facts_of_accounts(entity, own | {category_id})
    chosen: dict[UUID, Row] = {}
    drafts: dict[UUID, list[Draft]] = {}
    faults: dict[UUID, LedgerError] = {}
    for row in rows.values():
        try:
            chosen[row.id], drafts[row.id] = choice.of(row, standing.get(row.id))
            if row.status != Status.POSTED:
                _check_pending(row, chosen[row.id], account_fault(chosen[row.id], accounts), closed)
        except LedgerError as error:
            faults[row.id] = error
    faults |= _draft_faults(entity, {id_: made for id_, made in drafts.items() if id_ not in faults})

    def categorize(row: Row, changes: _Changes) -> LedgerError | None:
        if row.id not in faults:
            changes.replace(row, chosen[row.id])
            for draft in drafts[row.id]:
                changes.add(draft)
        return faults.get(row.id)

    preview = _each(entity, ids, categorize, rows=rows)
    preview.recorded = sum(len(drafts[row.id]) for row in preview.acts_on)
    return preview


def preview_split(
    entity: Entity,
    transaction_id: UUID,
    parts: Sequence[Part],
    *,
    actor: Actor,
    on: datetime | None = None,
) -> Preview:
    """What `split_transaction` would do. Raises what it does."""
    row = _rows(entity, [transaction_id]).get(transaction_id)
    if row is None:
        raise TransactionNotFoundError(transaction_id)
    closed = closed_through(entity)
    plan = plan_split(
        entity,
        row,
        posted_standings(entity, [row]).get(row.id),
        parts,
        part_accounts(entity, row, parts),
        now=utc_now(),
        on=on,
        closed=closed,
        actor=actor,
    )
    if row.status != Status.POSTED:
        _check_pending(row, plan.changed, None, closed)
    for fault in _draft_faults(entity, {row.id: plan.drafts}).values():
        raise fault
    changes = _Changes()
    changes.replace(row, plan.changed)
    for draft in plan.drafts:
        changes.add(draft)
    return Preview([row], [], _effects(entity, changes), len(plan.drafts))


def _check_pending(row: Row, changed: Row, fault: LedgerError | None, closed: date | None) -> None:
    if fault is not None:
        raise fault
    if closed is not None and row.date <= closed and _money(row) != _money(changed):
        raise PeriodClosedError(closed)


def _money(row: Row) -> tuple[object, ...]:
    return row.amount, row.debit_account_id, row.credit_account_id


def _draft_faults(entity: Entity, drafts: dict[UUID, list[Draft]]) -> dict[UUID, LedgerError]:
    """The first fault of what would be recorded beside each transaction; three queries at most."""
    owners = [(id_, draft) for id_, made in drafts.items() for draft in made]
    if not owners:
        return {}
    made = [draft for _, draft in owners]
    found = find_faults(entity, made, accounts_of(entity, made), are_new=True)
    faults: dict[UUID, LedgerError] = {}
    for position, error in sorted(found.items()):
        faults.setdefault(owners[position][0], error)
    return faults


def _rows(entity: Entity, ids: Sequence[UUID]) -> dict[UUID, Row]:
    found = get_transactions(entity, list(ids)) if ids else {}
    return {id_: row._replace(status=Status(row.status)) for id_, row in found.items()}


def _each(
    entity: Entity,
    ids: Iterable[UUID],
    act: Callable[[Row, _Changes], LedgerError | None],
    *,
    rows: dict[UUID, Row] | None = None,
) -> Preview:
    wanted = list(dict.fromkeys(ids))
    found = _rows(entity, wanted) if rows is None else rows
    preview, changes = Preview(), _Changes()
    for id_ in wanted:
        row = found.get(id_)
        if row is None:
            preview.left.append(LeftAlone(id_, None, TransactionNotFoundError(id_)))
        elif (error := act(row, changes)) is None:
            preview.acts_on.append(row)
        else:
            preview.left.append(LeftAlone(id_, row, error))
    preview.effects = _effects(entity, changes)
    return preview


def _effects(entity: Entity, changes: _Changes) -> list[Effect]:
    touched = {**changes.posted, **changes.pending}
    ids = [one for one in touched if changes.posted.get(one) or changes.pending.get(one)]
    if not ids:
        return []
    effects = []
    rows = fetch(_BALANCES, {"entity": entity.id, "ids": uuid_array(ids)})
    for id_, code, name, currency, type_, financial_type, posted, pending in rows:
        sign = 1 if normal_side(type_, financial_type) is Side.DEBIT else -1
        posted_change = sign * changes.posted.get(id_, _ZERO)
        pending_change = sign * changes.pending.get(id_, _ZERO)
        effects.append(
            Effect(id_, code, name, currency, sign * posted, posted_change, sign * pending, pending_change)
        )
    return effects
