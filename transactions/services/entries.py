"""Journal entries as wholes: what happens to one of its transactions must not leave the others behind."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from ledger import audit
from ledger.actors import Actor
from ledger.db import fetch, uuid_array
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.exceptions import PartOfEntryError
from transactions.rows import Row

_PARTS: Final = """
SELECT journal_entry_id, count(*) FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND journal_entry_id = ANY(%(entries)s::uuid[])
GROUP BY 1
"""
_DELETE: Final = """
DELETE FROM transactions_journalentry WHERE entity_id = %(entity)s::uuid AND id = ANY(%(entries)s::uuid[])
RETURNING id, description, date, external_id
"""


def whole_entries(entity: Entity, rows: Iterable[Row]) -> list[UUID]:
    """The journal entries of which `rows`, that the caller has locked, are all transactions there are; one
    query where one of them belongs to an entry.

    Raises PartOfEntryError for the first of which they are but a part.
    """
    of_entries = [row for row in rows if row.journal_entry_id is not None]
    parts = count_parts(entity, of_entries)
    chosen = Counter(row.journal_entry_id for row in of_entries)
    for row in of_entries:
        entry_id = row.journal_entry_id
        if entry_id is not None and parts[entry_id] > chosen[entry_id]:
            raise PartOfEntryError(row.id, entry_id, parts[entry_id])
    return list(parts)


def count_parts(entity: Entity, rows: Iterable[Row]) -> dict[UUID, int]:
    """How many transactions the journal entries of `rows` have, by entry; one query, or none."""
    entries = {row.journal_entry_id for row in rows if row.journal_entry_id is not None}
    if not entries:
        return {}
    return dict(fetch(_PARTS, {"entity": entity.id, "entries": uuid_array(entries)}))


def delete_entries(*, entity: Entity, entry_ids: Collection[UUID], actor: Actor) -> None:
    """Delete journal entries that have no transactions any more; the audit trail says what they were."""
    if not entry_ids:
        return
    gone = fetch(_DELETE, {"entity": entity.id, "entries": uuid_array(entry_ids)})
    for entry_id, description, day, external_id in gone:
        audit.record(
            actor=actor,
            action="transactions.entry.deleted",
            object_type="journal_entry",
            object_id=encode_id(Prefix.JOURNAL_ENTRY, entry_id),
            entity=entity,
            before={"description": description, "date": day, "external_id": external_id},
        )
