"""Changes of state: approving, clearing, reconciling, expiring."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.totals import ADD_EFFECT_TO_TOTALS, SLOTS
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, execute, slot, uuid_array
from ledger.exceptions import LedgerError
from ledger.ids import new_id
from ledger.models import Entity
from transactions.choices import APPROVABLE, COUNTS_AS_POSTED, MOVES, Change, Status
from transactions.effects import effect_of_moving
from transactions.exceptions import (
    ExpiredError,
    IllegalMoveError,
    PeriodClosedError,
    TransactionNotFoundError,
    refusals_in_words,
)
from transactions.rows import Row
from transactions.services.changing import HISTORY, closed_through, lock_transactions

_MOVE: Final = compact(f"""
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(revision_ids)s::uuid[]) AS w (id, revision_id)
),
before AS MATERIALIZED (
    SELECT t.*, w.revision_id FROM wanted w
    JOIN transactions_transaction t ON t.id = w.id
    WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])
),
{HISTORY},
changed AS (
    UPDATE transactions_transaction t
    SET status = %(status)s::text, updated_at = %(now)s::timestamptz, posted_at = %(posted_at)s::timestamptz
    WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])
),
effect AS ({effect_of_moving("before", to="%(status)s::text")}),
{ADD_EFFECT_TO_TOTALS}
SELECT 1
""")


class Approval(NamedTuple):
    """What became of one transaction that was to be approved."""

    id: UUID
    # As it now is; None where there is none of that id.
    row: Row | None
    error: LedgerError | None


def approve_transactions(*, entity: Entity, ids: Sequence[UUID], actor: Actor) -> list[Approval]:
    """Post the pending transactions of `ids`: their amounts go from pending to posted in both accounts.

    One that is POSTED already counts as approved and does not change. One that cannot be approved
    carries its error (TransactionNotFoundError, IllegalMoveError, ExpiredError, PeriodClosedError) and does
    not keep the others back. Repeated ids count once. The result is in the order of `ids`.

    Raises PeriodClosedError where the books were closed in between; then nothing is approved.
    """
    unique = list(dict.fromkeys(ids))
    with atomic():
        rows = lock_transactions(entity, unique)
        now = utc_now()  # after the lock, so that the history is in the order in which things happened
        closed = closed_through(entity)
        approvals: list[Approval] = []
        moving: list[UUID] = []
        for transaction_id in unique:
            row = rows.get(transaction_id)
            if row is None:
                approvals.append(Approval(transaction_id, None, TransactionNotFoundError(transaction_id)))
            elif row.status == Status.POSTED:
                approvals.append(Approval(transaction_id, row, None))
            elif (error := approval_fault(row, now, closed)) is not None:
                approvals.append(Approval(transaction_id, row, error))
            else:
                moving.append(transaction_id)
                approved = row._replace(status=Status.POSTED, posted_at=now, updated_at=now)
                approvals.append(Approval(transaction_id, approved, None))
        write_move(entity=entity, ids=moving, to=Status.POSTED, change=Change.APPROVED, actor=actor, now=now)
    return approvals


def approval_fault(row: Row, now: datetime, closed: date | None) -> LedgerError | None:
    """What keeps a transaction that is not posted from being approved at a moment, with the books closed
    through that day."""
    if row.status not in APPROVABLE:
        return IllegalMoveError(row.id, row.status, Status.POSTED)
    if row.status == Status.PENDING and row.expires_at is not None and row.expires_at <= now:
        return ExpiredError(row.id, row.expires_at)
    if closed is not None and row.date <= closed:
        return PeriodClosedError(closed, day=row.date)
    return None


def move_transactions(
    *, entity: Entity, ids: Sequence[UUID], to: Status, change: Change, actor: Actor, reason: str = ""
) -> list[Row]:
    """Move every one of `ids` to the state `to`, all or none; returns them as they were before.

    Raises TransactionNotFoundError, IllegalMoveError (which names both states), PeriodClosedError.
    """
    with atomic():
        rows = lock_transactions(entity, ids)
        for transaction_id in ids:
            if transaction_id not in rows:
                raise TransactionNotFoundError(transaction_id)
            if to not in MOVES[rows[transaction_id].status]:
                raise IllegalMoveError(transaction_id, rows[transaction_id].status, to)
        write_move(
            entity=entity, ids=list(rows), to=to, change=change, actor=actor, now=utc_now(), reason=reason
        )
    return list(rows.values())


def write_move(
    *,
    entity: Entity,
    ids: Sequence[UUID],
    to: Status,
    change: Change,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """Write the move of transactions that the caller has locked and found movable."""
    if not ids:
        return
    with refusals_in_words():
        execute(
            _MOVE,
            {
                "entity": entity.id,
                "slot": slot(SLOTS),
                "ids": uuid_array(ids),
                "revision_ids": uuid_array(new_id() for _ in ids),
                "status": to.value,
                "posted_at": now if to in COUNTS_AS_POSTED else None,
                "now": now,
                "changed_by": actor.id,
                "changed_by_kind": actor.kind.value,
                "change": change.value,
                "reason": reason,
            },
        )
