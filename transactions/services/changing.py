"""What every change to recorded transactions shares: the lock, the history and the effect on totals."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from accounts.totals import ADD_EFFECT_TO_TOTALS
from ledger.db import fetch, uuid_array
from ledger.models import Entity
from transactions.choices import Status
from transactions.effects import effect_of
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, STATE_COLUMNS, Row

_LOCK: Final = f"""
{SELECT_ROW} FROM transactions_transaction t {JOIN_ACCOUNTS}
WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])
ORDER BY t.id FOR NO KEY UPDATE OF t
"""

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


def lock_transactions(entity: Entity, ids: Collection[UUID]) -> dict[UUID, Row]:
    """Those of the transactions that `entity` has, by id, locked in the order of their ids until the
    database transaction ends. What a rule depends on is read from these, after the lock."""
    rows = fetch(_LOCK, {"entity": entity.id, "ids": uuid_array(ids)})
    return {row[0]: as_row(row) for row in rows}


def as_row(values: tuple[object, ...]) -> Row:
    """A database row of `SELECT_ROW` with its status as a Status."""
    row = Row(*values)  # type: ignore[arg-type]
    return row._replace(status=Status(row.status))
