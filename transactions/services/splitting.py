"""One amount that was for several things (docs/decisions/0016)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.choices import Side as Direction
from accounts.facts import AccountFacts, facts_of_accounts
from ledger.actors import Actor
from ledger.api import json
from ledger.clock import utc_now
from ledger.exceptions import Detail, NotFoundError, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.money import as_text, parse_amount
from transactions.category_side import Side
from transactions.choices import COUNTS_AS_PENDING, Change, Source, Status
from transactions.drafts import Draft
from transactions.exceptions import IllegalMoveError, TransactionNotFoundError
from transactions.models import JournalEntry
from transactions.rows import Row
from transactions.services.batches import post_batch
from transactions.services.categorizing import (
    between,
    corrections_of,
    posted_standings,
    side_of,
    with_category,
)
from transactions.services.changing import closed_through, lock_transactions
from transactions.services.editing import announce_edits
from transactions.services.journal import line_key
from transactions.services.posting import account_fault
from transactions.services.rewriting import rewrite_transactions
from transactions.signals import transaction_splitting
from transactions.standing import Standing, moves_between

PARTS_MIN: Final = 2
PARTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Part:
    """What of the amount was for one thing."""

    account_id: UUID
    # > 0, in the transaction's currency.
    amount: Decimal
    # What it was for; the transaction's own description where empty.
    memo: str = ""


class Split(NamedTuple):
    """A transaction that was split."""

    row: Row
    # What was recorded beside it: of a pending one the other parts, of a posted one its reclassifications.
    others: list[UUID]


class SplitPlan(NamedTuple):
    """What a split will do."""

    # The transaction as it will be; it keeps the first part where it is pending.
    changed: Row
    drafts: list[Draft]
    # The journal entry that a pending one and the other parts are to share, where there is none yet.
    entry: JournalEntry | None


def split_transaction(
    *,
    entity: Entity,
    transaction_id: UUID,
    parts: Sequence[Part],
    actor: Actor,
    on: datetime | None = None,
    reason: str = "",
) -> Split:
    """Divide the amount of a transaction over several accounts, on the side that says what it was for. The
    parts add up to the amount.

    A transaction that is not final keeps the first part; the others become transactions beside it, alike in
    all else, and all of them one journal entry. They stand for its bank line together. Of a POSTED one
    nothing is moved: linked transactions post the parts from where they stand to where they belong, dated
    `on`, else as the original, or today where that day is closed. A split can be split anew.

    Raises TransactionNotFoundError, ValidationError naming the parts (`parts[0].amount`) or `date`,
    NotFoundError naming the part whose account there is not, IllegalMoveError for a REVERSED or EXPIRED one,
    UnclearCategoryError where no side is clearly the one, AccountClosedError, PeriodClosedError, and what an
    app above refuses it with (`transactions.signals`).
    """
    with atomic():
        row = lock_transactions(entity, [transaction_id]).get(transaction_id)
        if row is None:
            raise TransactionNotFoundError(transaction_id)
        now = utc_now()
        accounts = part_accounts(entity, row, parts)
        standing = posted_standings(entity, [row]).get(row.id)
        plan = plan_split(
            entity, row, standing, parts, accounts, now=now, on=on, closed=closed_through(entity), actor=actor
        )
        if plan.changed == row:
            return Split(row, [])
        others = [draft.id for draft in plan.drafts]
        if row.status == Status.POSTED:
            rewrite_transactions(
                entity=entity,
                rows=[plan.changed],
                change=Change.CATEGORIZED,
                actor=actor,
                now=now,
                reason=reason or "Split",
            )
            _post(entity, plan.drafts, actor)
            return Split(plan.changed, others)
        if plan.entry is not None:
            plan.entry.save(force_insert=True)
        _post(entity, plan.drafts, actor)
        transaction_splitting.send(sender=Entity, entity=entity, row=row, part_ids=others, actor=actor)
        announce_edits(entity, [(row, plan.changed)], actor)
        rewrite_transactions(
            entity=entity,
            rows=[plan.changed],
            change=Change.EDITED,
            actor=actor,
            now=now,
            reason=reason or f"Split into {len(parts)}",
        )
    return Split(plan.changed, others)


def part_accounts(entity: Entity, row: Row, parts: Sequence[Part]) -> dict[UUID, AccountFacts]:
    """The accounts of the parts, and the transaction's own; one query. Raises NotFoundError, naming each part
    whose account the company does not have."""
    wanted = {part.account_id for part in parts} | {row.debit_account_id, row.credit_account_id}
    accounts = facts_of_accounts(entity, wanted)
    faults = [
        Detail(
            f"parts[{index}].accountId",
            f"There is no account {encode_id(Prefix.ACCOUNT, part.account_id)} in these books.",
        )
        for index, part in enumerate(parts)
        if part.account_id not in accounts
    ]
    if faults:
        raise NotFoundError(faults[0].message, details=faults)
    return accounts


def plan_split(
    entity: Entity,
    row: Row,
    standing: Standing | None,
    parts: Sequence[Part],
    accounts: Mapping[UUID, AccountFacts],
    *,
    now: datetime,
    on: datetime | None,
    closed: date | None,
    actor: Actor,
) -> SplitPlan:
    """What splitting a transaction will do; nothing is read or written. `standing` is where the amount of a
    posted one stands. A posted one that stands so already stays as it is.

    Raises what `split_transaction` does, but for closed periods.
    """
    if row.status not in COUNTS_AS_PENDING and row.status != Status.POSTED:
        raise IllegalMoveError(row.id, row.status, "split")
    _check_parts(row, parts)
    side = side_of(row)
    if row.status == Status.POSTED:
        assert standing is not None, "a posted one whose side is clear stands somewhere"
        # Nothing is posted any more on its other account, nor where a part stands already: these may be
        # closed by now.
        untouched = {row.credit_account_id if side == "debit" else row.debit_account_id}
        untouched |= {id_ for id_, amount in _wanted(parts).items() if standing.get(id_) == amount}
        accounts = {**accounts, **{id_: accounts[id_]._replace(closed_at=None) for id_ in untouched}}
    for part in parts:
        fault = account_fault(between(row, side, accounts[part.account_id]), accounts)
        if fault is not None:
            raise fault
    if standing is not None:
        return _plan_posted(entity, row, side, standing, parts, now, on, closed)
    return _plan_pending(entity, row, side, parts, accounts, now, actor)


def _wanted(parts: Sequence[Part]) -> Standing:
    wanted: Standing = {}
    for part in parts:
        wanted[part.account_id] = wanted.get(part.account_id, Decimal(0)) + part.amount
    return wanted


def _plan_posted(
    entity: Entity,
    row: Row,
    side: Side,
    standing: Standing,
    parts: Sequence[Part],
    now: datetime,
    on: datetime | None,
    closed: date | None,
) -> SplitPlan:
    memos: dict[UUID, str] = {}
    for part in parts:
        memos[part.account_id] = memos.get(part.account_id) or part.memo
    moves = moves_between(standing, _wanted(parts))
    drafts = corrections_of(entity, row, side, moves, now, on, closed)
    for draft, move in zip(drafts, moves, strict=True):
        draft.description = f"Split: {memos.get(move.to_id) or row.description}"[:1000]
    changed = row._replace(categorized_at=now, updated_at=now) if drafts else row
    return SplitPlan(changed, drafts, None)


def _plan_pending(
    entity: Entity,
    row: Row,
    side: Side,
    parts: Sequence[Part],
    accounts: Mapping[UUID, AccountFacts],
    now: datetime,
    actor: Actor,
) -> SplitPlan:
    entry = None
    if row.journal_entry_id is None:
        entry = JournalEntry(
            entity=entity,
            ledger_id=row.ledger_id,
            description=row.description,
            date=row.date,
            created_at=now,
            created_by=actor.id,
            line_order=_line_order(row, side, parts),
        )
    entry_id = entry.id if entry is not None else row.journal_entry_id
    made = [
        with_category(
            between(row, side, accounts[part.account_id])._replace(
                amount=part.amount,
                description=(part.memo or row.description)[:1000],
                journal_entry_id=entry_id,
            ),
            accounts[part.account_id],
            now,
        )
        for part in parts
    ]
    return SplitPlan(made[0], [_beside(one) for one in made[1:]], entry)


def _beside(row: Row) -> Draft:
    """A transaction of its own that says what `row` says."""
    return Draft(
        debit_account_id=row.debit_account_id,
        credit_account_id=row.credit_account_id,
        amount=row.amount,
        currency=row.currency,
        timestamp=row.timestamp,
        date=row.date,
        status=row.status,
        source=Source(row.source),
        description=row.description,
        counterparty=row.counterparty,
        metadata=json.decode(row.metadata.encode()) if row.metadata else None,
        expires_at=row.expires_at,
        categorized_at=row.categorized_at,
        journal_entry_id=row.journal_entry_id,
    )


def _line_order(row: Row, side: Side, parts: Sequence[Part]) -> list[str]:
    """The parts in their order, and the whole amount against them."""
    direction = Direction.DEBIT if side == "debit" else Direction.CREDIT
    whole = row.credit_account_id if side == "debit" else row.debit_account_id
    keys = [*(line_key(direction, part.account_id) for part in parts), line_key(direction.opposite, whole)]
    return list(dict.fromkeys(keys))


def _check_parts(row: Row, parts: Sequence[Part]) -> None:
    if not PARTS_MIN <= len(parts) <= PARTS_MAX:
        raise ValidationError.of("parts", f"split it into {PARTS_MIN} to {PARTS_MAX} parts.")
    for index, part in enumerate(parts):
        parse_amount(part.amount, currency=row.currency, field=f"parts[{index}].amount", allow_negative=False)
    total = sum((part.amount for part in parts), Decimal(0))
    if total != row.amount:
        raise ValidationError.of(
            "parts",
            f"The parts add up to {as_text(total, row.currency)}, the amount is "
            f"{as_text(row.amount, row.currency)}; {as_text(row.amount - total, row.currency)} is left to "
            "assign.",
        )


def _post(entity: Entity, drafts: Sequence[Draft], actor: Actor) -> None:
    for fault in post_batch(entity=entity, drafts=drafts, actor=actor).values():
        raise fault
