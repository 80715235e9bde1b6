"""The lock of a company's chart. Who also needs the books (`ledger.services.books`) takes those first."""

from django.db import connection

from ledger.db import fetch
from ledger.models import Entity


def hold_tree(entity: Entity) -> None:
    """Make changes of the company's tree of accounts go one after the other, until the transaction ends.

    Names are not unique in the database, so two imports of one file could each look, find nothing and
    make every account twice. The guard against circles holds the same key
    (accounts/migrations/sql/tree_lock.sql). Rows are locked after it, and the audit chain last.
    """
    assert connection.in_atomic_block, "a lock outside of a transaction would be gone at once"
    fetch("SELECT pg_advisory_xact_lock(uuid_hash_extended(%s, 3))", [entity.id])
