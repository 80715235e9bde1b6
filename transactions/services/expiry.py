"""Pending transactions that were never completed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.transaction import atomic

from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import fetch
from ledger.models import Entity
from transactions.choices import Change, Status
from transactions.services.changing import hold_books
from transactions.services.moves import write_move

BATCH_SIZE: Final = 1000

# Skips what another call holds: it is being approved or edited right now, and the next run sees how
# that ended. What is dated in a closed period stays as the books were closed.
_DUE: Final = """
SELECT t.id FROM transactions_transaction t
JOIN ledger_entity e ON e.id = t.entity_id
WHERE t.entity_id = %(entity)s::uuid AND t.status = 'PENDING' AND t.expires_at <= %(now)s::timestamptz
    AND (e.books_closed_through IS NULL OR t.date > e.books_closed_through)
ORDER BY t.id LIMIT %(limit)s
FOR NO KEY UPDATE OF t SKIP LOCKED
"""


def entities_with_due(now: datetime) -> list[UUID]:
    """The companies that have a PENDING transaction whose `expires_at` has passed."""
    rows = fetch(
        """
        SELECT DISTINCT entity_id FROM transactions_transaction
        WHERE status = 'PENDING' AND expires_at <= %(now)s::timestamptz ORDER BY 1
        """,
        {"now": now},
    )
    return [row[0] for row in rows]


def expire_pending(*, entity: Entity, now: datetime, actor: Actor) -> Iterator[int]:
    """Expire what is due in the books of `entity`: it no longer counts in any balance.

    Yields the number expired, batch by batch, each in a database transaction of its own.
    """
    while True:
        with atomic():
            hold_books(entity)
            due = [row[0] for row in fetch(_DUE, {"entity": entity.id, "now": now, "limit": BATCH_SIZE})]
            write_move(
                entity=entity, ids=due, to=Status.EXPIRED, change=Change.EXPIRED, actor=actor, now=utc_now()
            )
        if due:
            yield len(due)
        if len(due) < BATCH_SIZE:
            return
