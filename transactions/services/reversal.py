"""Undoing what is posted, for everyone to see: the mirror image, not an eraser."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, execute, fetch
from ledger.exceptions import ValidationError
from ledger.ids import new_id
from ledger.models import Entity
from ledger.times import day_of
from transactions.choices import Change, Source, Status
from transactions.drafts import Draft
from transactions.exceptions import (
    AlreadyReversedError,
    IllegalMoveError,
    TransactionNotFoundError,
    refusals_in_words,
)
from transactions.rows import Row
from transactions.services.changing import HISTORY, lock_transactions
from transactions.services.posting import post_transaction

# Both POSTED and REVERSED count as posted, so no total changes.
_MARK_REVERSED: Final = compact(f"""
WITH before AS MATERIALIZED (
    SELECT t.*, %(revision_id)s::uuid AS revision_id FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.id = %(id)s::uuid
),
{HISTORY}
UPDATE transactions_transaction
SET status = 'REVERSED', reversed_by_id = %(reversal_id)s::uuid, updated_at = %(now)s::timestamptz
WHERE entity_id = %(entity)s::uuid AND id = %(id)s::uuid
""")


class Reversed(NamedTuple):
    original: Row
    reversal: Row


def reverse_transaction(
    *, entity: Entity, transaction_id: UUID, actor: Actor, reason: str = "", on: datetime | None = None
) -> Reversed:
    """Post the mirror image of a POSTED transaction, dated `on` (now unless given, but never before the
    original), and mark the original REVERSED; the two are linked both ways.

    The reversal debits what the original credited and the other way round, with the same amount. Where
    the original was moved to another category, those reclassifications are reversed with it.

    Raises TransactionNotFoundError, AlreadyReversedError, IllegalMoveError for any state but POSTED,
    PeriodClosedError, AccountClosedError, and ValidationError where `on` lies before the original's day.
    """
    with atomic():
        original = lock_transactions(entity, [transaction_id]).get(transaction_id)
        if original is None:
            raise TransactionNotFoundError(transaction_id)
        if original.status == Status.REVERSED:
            raise AlreadyReversedError(transaction_id, original.reversed_by_id)
        if original.status != Status.POSTED:
            raise IllegalMoveError(transaction_id, original.status, Status.REVERSED)
        if on is not None and day_of(on, entity.zone) < original.date:
            raise ValidationError.of(
                "date",
                f"{day_of(on, entity.zone)} lies before the original's day; reverse it on {original.date} "
                "or later.",
            )
        moment = on or utc_now()
        done = _reverse(entity, original, actor, reason, moment)
        corrections = _reclassifications(entity, original.id)
        if corrections:
            for correction in lock_transactions(entity, corrections).values():
                _reverse(entity, correction, actor, reason, moment)
    return done


def _reverse(entity: Entity, original: Row, actor: Actor, reason: str, moment: datetime) -> Reversed:
    """Reverse a locked transaction at `moment`, or when it took effect itself where that is later."""
    timestamp = max(moment, original.timestamp)
    reversal = post_transaction(
        entity=entity,
        draft=Draft(
            debit_account_id=original.credit_account_id,
            credit_account_id=original.debit_account_id,
            amount=original.amount,
            currency=original.currency,
            timestamp=timestamp,
            date=max(day_of(timestamp, entity.zone), original.date),
            status=Status.POSTED,
            source=Source.SYSTEM,
            description=f"Reversal: {original.description}"[:1000],
            counterparty=original.counterparty,
            metadata={"reason": reason} if reason else None,
            reverses_id=original.id,
        ),
        actor=actor,
    )
    with refusals_in_words():
        execute(
            _MARK_REVERSED,
            {
                "entity": entity.id,
                "id": original.id,
                "revision_id": new_id(),
                "reversal_id": reversal.id,
                "now": reversal.created_at,
                "changed_by": actor.id,
                "changed_by_kind": actor.kind.value,
                "change": Change.REVERSED.value,
                "reason": reason,
            },
        )
    return Reversed(
        original._replace(status=Status.REVERSED, reversed_by_id=reversal.id, updated_at=reversal.created_at),
        reversal,
    )


def _reclassifications(entity: Entity, original_id: UUID) -> list[UUID]:
    """The posted transactions that moved the original to another category, oldest first."""
    rows = fetch(
        """
        SELECT id FROM transactions_transaction
        WHERE entity_id = %(entity)s::uuid AND reclassifies_id = %(original)s::uuid AND status = 'POSTED'
        ORDER BY id
        """,
        {"entity": entity.id, "original": original_id},
    )
    return [row[0] for row in rows]
