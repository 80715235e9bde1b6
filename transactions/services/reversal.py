"""Undoing what is posted, for everyone to see: the mirror image, not an eraser."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, execute, fetch, uuid_array
from ledger.exceptions import ConflictError, NotFoundError, ValidationError
from ledger.ids import Prefix, encode_id, new_id
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


_OF_ENTRY: Final = """
SELECT id, status FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND journal_entry_id = %(entry)s::uuid ORDER BY id
"""


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
    [done] = reverse_transactions(entity=entity, ids=[transaction_id], actor=actor, reason=reason, on=on)
    return done


def reverse_transactions(
    *, entity: Entity, ids: Sequence[UUID], actor: Actor, reason: str = "", on: datetime | None = None
) -> list[Reversed]:
    """Reverse many, as `reverse_transaction` does one: all or none, in the order of `ids`."""
    with atomic():
        originals = lock_transactions(entity, ids)
        for transaction_id in ids:
            if transaction_id not in originals:
                raise TransactionNotFoundError(transaction_id)
            check_reversible(entity, originals[transaction_id], on)
        moment = on or utc_now()
        wanted = list(dict.fromkeys(ids))
        done = {id_: _reverse(entity, originals[id_], actor, reason, moment) for id_ in wanted}
        # One that is reversed itself is reversed already.
        corrections = [id_ for id_ in reclassifications(entity, wanted) if id_ not in done]
        if corrections:
            for correction in lock_transactions(entity, corrections).values():
                _reverse(entity, correction, actor, reason, moment)
    return [done[transaction_id] for transaction_id in wanted]


def reverse_journal_entry(
    *, entity: Entity, entry_id: UUID, actor: Actor, reason: str = "", on: datetime | None = None
) -> list[Reversed]:
    """Reverse what is left of a journal entry: those of its transactions that count and are not reversed
    yet, all or none.

    Raises NotFoundError, ConflictError where nothing is left to reverse, and what `reverse_transactions`
    does: IllegalMoveError where one is not posted yet.
    """
    with atomic():
        rows = fetch(_OF_ENTRY, {"entity": entity.id, "entry": entry_id})
        entry = encode_id(Prefix.JOURNAL_ENTRY, entry_id)
        if not rows:
            raise NotFoundError(f"There is no journal entry {entry} in these books.")
        ids = [id_ for id_, status in rows if status not in (Status.REVERSED, Status.EXPIRED)]
        if not ids:
            raise ConflictError(f"Journal entry {entry} is reversed already.")
        return reverse_transactions(entity=entity, ids=ids, actor=actor, reason=reason, on=on)


def check_reversible(entity: Entity, original: Row, on: datetime | None) -> None:
    """Raise AlreadyReversedError or IllegalMoveError for what is not POSTED, and ValidationError where `on`
    lies before its day."""
    if original.status == Status.REVERSED:
        raise AlreadyReversedError(original.id, original.reversed_by_id)
    if original.status != Status.POSTED:
        raise IllegalMoveError(original.id, original.status, Status.REVERSED)
    if on is not None and day_of(on, entity.zone) < original.date:
        raise ValidationError.of(
            "date",
            f"{day_of(on, entity.zone)} lies before the original's day; reverse it on {original.date} "
            "or later.",
        )


def _reverse(entity: Entity, original: Row, actor: Actor, reason: str, moment: datetime) -> Reversed:
    """Reverse a locked transaction at `moment`, or when it took effect itself where that is later."""
    draft = reversal_of(entity, original, moment, reason)
    reversal = post_transaction(entity=entity, draft=draft, actor=actor)
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


def reversal_of(entity: Entity, original: Row, moment: datetime, reason: str) -> Draft:
    """The mirror image of a transaction, at `moment` or when the original took effect where that is later."""
    timestamp = max(moment, original.timestamp)
    return Draft(
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
    )


def reclassifications(entity: Entity, ids: Sequence[UUID]) -> list[UUID]:
    """The posted transactions that moved these to other categories, oldest first; one query."""
    rows = fetch(
        """
        SELECT id FROM transactions_transaction
        WHERE entity_id = %(entity)s::uuid AND reclassifies_id = ANY(%(originals)s::uuid[])
            AND status = 'POSTED'
        ORDER BY id
        """,
        {"entity": entity.id, "originals": uuid_array(ids)},
    )
    return [row[0] for row in rows]
