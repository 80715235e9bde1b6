"""The two locks of a company's chart, both held until the database transaction ends.

Whoever needs both takes the books first. Rows are locked after them.
"""

from uuid import UUID

from django.db import connection


def hold_books(entity_id: UUID) -> None:
    """Keep every posting of the company waiting: what they are checked against is about to change.

    The posting guards hold the same key shared (transactions/migrations/sql/guards.sql).
    """
    _hold("SELECT pg_advisory_xact_lock(ledger_books_key(%s))", entity_id)


def hold_tree(entity_id: UUID) -> None:
    """Make changes of the company's tree of accounts go one after the other.

    Names are not unique in the database, so two imports of one file could each look, find nothing and
    make every account twice. The guard against circles holds the same key
    (accounts/migrations/sql/guards.sql).
    """
    _hold("SELECT pg_advisory_xact_lock(uuid_hash_extended(%s, 2))", entity_id)


def _hold(statement: str, entity_id: UUID) -> None:
    assert connection.in_atomic_block, "a lock outside of a transaction would be gone at once"
    with connection.cursor() as cursor:
        cursor.execute(statement, [entity_id])
