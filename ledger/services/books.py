"""The lock of a company's books, which whoever changes the rules of posting takes before anything else."""

from django.db import transaction

from ledger import db
from ledger.entity_cache import forget_entity
from ledger.models import Entity

_LOCK = "SELECT pg_advisory_xact_lock(ledger_books_key(%(entity)s))"


def lock_books(entity: Entity) -> None:
    """Hold the company's books alone until the database transaction ends: no posting runs meanwhile.

    Take it before any row of the company, as postings do. Raises RuntimeError outside of a transaction, where
    it would hold nothing.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("lock_books must run in the database transaction that it protects")
    db.fetch(_LOCK, {"entity": entity.id})


def forget(entity: Entity) -> None:
    """Let this process read the company anew, now and again when the database transaction is committed."""
    entity_id = entity.id
    forget_entity(entity_id)
    transaction.on_commit(lambda: forget_entity(entity_id))
