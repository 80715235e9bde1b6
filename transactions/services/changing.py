"""What every change to recorded transactions shares: the lock, the history and the effect on totals."""

from collections.abc import Collection
from datetime import date
from typing import Final
from uuid import UUID

from accounts.totals import ADD_EFFECT_TO_TOTALS
from ledger.db import compact, fetch, uuid_array
from ledger.models import Entity
from transactions.choices import Status
from transactions.effects import effect_of
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, STATE_COLUMNS, Row

_HOLD_BOOKS: Final = "SELECT pg_advisory_xact_lock_shared(ledger_books_key(%(entity)s::uuid))"

_LOCK: Final = compact(f"""
WITH books AS MATERIALIZED ({_HOLD_BOOKS})
SELECT t.id FROM books, transactions_transaction t
WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])
ORDER BY t.id FOR NO KEY UPDATE OF t
""")

_READ: Final = compact(f"""
{SELECT_ROW} FROM transactions_transaction t {JOIN_ACCOUNTS}
WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])
""")

# A CTE that files what `before` holds. `before` has the columns of a transaction and `revision_id`.
HISTORY: Final = f"""history AS (
    INSERT INTO transactions_revision (
        id, entity_id, transaction_id, changed_at, changed_by, changed_by_kind, change, reason,
        {", ".join(STATE_COLUMNS[1:])}
    )
    SELECT revision_id, entity_id, id, %(now)s::timestamptz, %(changed_by)s::uuid, %(changed_by_kind)s::text,
        %(change)s::text, %(reason)s::text, {", ".join(STATE_COLUMNS[1:])}
    FROM before
)"""

# Takes the effect of `before` out of the totals and puts that of `changed` in.
MOVE_EFFECT: Final = f"""effect AS (
    {effect_of("before", undone=True)}
    UNION ALL {effect_of("changed")}
),
{ADD_EFFECT_TO_TOTALS}"""


def hold_books(entity: Entity) -> None:
    """Keep the rules of posting (closed periods and accounts) as they are until the transaction ends.

    The guards hold the same lock, but only at the end of a statement, when rows are locked already: two
    postings and a closing could then wait for each other in a circle, for a second, until the database
    untangles it. So whoever writes takes it first.
    """
    fetch(_HOLD_BOOKS, {"entity": entity.id})


def closed_through(entity: Entity) -> date | None:
    """The last day of the closed period, read afresh: `entity` may be as old as the cache it came from."""
    rows = fetch("SELECT books_closed_through FROM ledger_entity WHERE id = %(id)s::uuid", {"id": entity.id})
    return rows[0][0] if rows else None


def lock_transactions(entity: Entity, ids: Collection[UUID]) -> dict[UUID, Row]:
    """Those of the transactions that `entity` has, by id, locked in the order of their ids until the
    database transaction ends, after the books. What a rule depends on is read from these, after the lock.

    That takes a second statement: one that locks a row that was changed meanwhile sees the new row, but
    beside it the accounts of the old one, and would find that they do not go together.
    """
    wanted = {"entity": entity.id, "ids": uuid_array(ids)}
    fetch(_LOCK, wanted)
    return {row[0]: as_row(row) for row in fetch(_READ, wanted)}


def as_row(values: tuple[object, ...]) -> Row:
    """A database row of `SELECT_ROW` with its status as a Status."""
    row = Row(*values)  # type: ignore[arg-type]
    return row._replace(status=Status(row.status))
