"""The lock of what a company's banks said.

Two feeds that bring one transfer's two sides at the same moment would each not see the other's; a line that
comes twice at once would be looked up twice and found by neither. So whoever stores or decides on lines goes
one after the other, per company. Order of locks: this one, then the books, then transactions, then lines.
"""

from typing import Final

from django.db import connection

from ledger.db import fetch
from ledger.models import Entity

# 1 to 4 are taken: books, audit, chart of accounts, journal import.
_HOLD: Final = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%(entity)s::uuid, 5))"


def hold_lines(entity: Entity) -> None:
    """Keep the company's bank lines to ourselves until the database transaction ends."""
    assert connection.in_atomic_block, "a lock outside of a transaction would be gone at once"
    fetch(_HOLD, {"entity": entity.id})
