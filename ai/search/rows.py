"""The rows of documents, statement by statement. Every statement is of one company."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from ai.search.embedding import as_text, embed_document, version
from ai.search.texts import Text
from ledger import db
from ledger.ids import new_id
from ledger.models import Entity


class Booked(NamedTuple):
    """What a document is made of, of a transaction."""

    id: UUID
    timestamp: datetime
    description: str
    counterparty: str
    debit_account_id: UUID
    credit_account_id: UUID
    provider_category: str | None


class Source(NamedTuple):
    """A transaction, account or statement, and the text of its document."""

    id: UUID
    time: datetime
    text: Text


_BOOKED: Final = """
SELECT id, timestamp, description, counterparty, debit_account_id, credit_account_id,
    metadata->>'providerCategory'
FROM transactions_transaction
"""
_AFTER: Final = f"""{_BOOKED}
WHERE entity_id = %(entity)s::uuid AND id > %(after)s::uuid ORDER BY id LIMIT %(limit)s::int
"""
_NAMED: Final = f"{_BOOKED} WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])"
_CHANGED: Final = """
SELECT DISTINCT transaction_id FROM transactions_revision
WHERE entity_id = %(entity)s::uuid AND changed_at >= %(since)s::timestamptz
    AND transaction_id > %(after)s::uuid
ORDER BY transaction_id LIMIT %(limit)s::int
"""
_KNOWN: Final = """
SELECT key, id FROM ai_document
WHERE entity_id = %(entity)s::uuid AND source_type = %(source_type)s::text AND key = ANY(%(keys)s::uuid[])
"""
_INSERT: Final = """
INSERT INTO ai_document
    (entity_id, id, source_type, document_type, key, account_ids, text, embedding, version, in_graph)
SELECT %(entity)s::uuid, id, %(source_type)s::text, document_type, key, account_ids::uuid[], text,
    embedding::halfvec, %(version)s::int,
    coalesce((SELECT in_graph FROM ai_documentstate WHERE entity_id = %(entity)s::uuid), false)
FROM unnest(%(ids)s::uuid[], %(types)s::text[], %(keys)s::uuid[], %(accounts)s::text[], %(texts)s::text[],
    %(vectors)s::text[]) AS made (id, document_type, key, account_ids, text, embedding)
"""
# Those that lead there already are left out before: ON CONFLICT would lock, and so write, each of them.
_LEAD: Final = """
INSERT INTO ai_documentsource (entity_id, id, document_id, time)
SELECT %(entity)s::uuid, led.id, led.document_id, led.time
FROM unnest(%(ids)s::uuid[], %(documents)s::uuid[], %(times)s::timestamptz[]) AS led (id, document_id, time)
LEFT JOIN ai_documentsource known ON known.entity_id = %(entity)s::uuid AND known.id = led.id
WHERE (known.document_id, known.time) IS DISTINCT FROM (led.document_id, led.time)
ON CONFLICT (entity_id, id) DO UPDATE SET document_id = excluded.document_id, time = excluded.time
"""
_REWRITE: Final = """
UPDATE ai_document d
SET text = made.text, document_type = made.document_type, embedding = made.embedding::halfvec,
    version = %(version)s::int
FROM unnest(%(ids)s::uuid[], %(types)s::text[], %(texts)s::text[], %(vectors)s::text[])
    AS made (id, document_type, text, embedding)
WHERE d.entity_id = %(entity)s::uuid AND d.id = made.id
"""
_DELETE: Final = """
DELETE FROM ai_documentsource WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
"""
# Also of a transaction that was deleted while nobody listened. What is no transaction has the id that is its
# document's key. Here and below sets of ids are compared: PostgreSQL has no figures yet of a company that has
# just come, takes it for empty, and would join all of its rows with all; "IS TRUE" keeps it from a join.
DELETE_GONE: Final = """
DELETE FROM ai_documentsource WHERE entity_id = %(entity)s::uuid AND (id IN (
    SELECT id FROM ai_documentsource WHERE entity_id = %(entity)s::uuid
    EXCEPT SELECT id FROM transactions_transaction WHERE entity_id = %(entity)s::uuid
    EXCEPT SELECT key FROM ai_document WHERE entity_id = %(entity)s::uuid AND source_type <> 'transaction'
)) IS TRUE
"""
DELETE_UNUSED: Final = """
DELETE FROM ai_document WHERE entity_id = %(entity)s::uuid AND (id IN (
    SELECT id FROM ai_document WHERE entity_id = %(entity)s::uuid
    EXCEPT SELECT document_id FROM ai_documentsource WHERE entity_id = %(entity)s::uuid
)) IS TRUE
"""
_OUTDATED: Final = """
SELECT id, text FROM ai_document
WHERE entity_id = %(entity)s::uuid AND id > %(after)s::uuid AND version <> %(version)s::int
ORDER BY id LIMIT %(limit)s::int
"""
_REEMBED: Final = """
UPDATE ai_document d SET embedding = made.embedding::halfvec, version = %(version)s::int
FROM unnest(%(ids)s::uuid[], %(vectors)s::text[]) AS made (id, embedding)
WHERE d.entity_id = %(entity)s::uuid AND d.id = made.id
"""
_NO_ID: Final = UUID(int=0)


def booked_after(entity: Entity, after: UUID | None, *, limit: int) -> list[Booked]:
    """Up to `limit` transactions by id, those after `after`."""
    rows = db.fetch(_AFTER, {"entity": entity.id, "after": after or _NO_ID, "limit": limit})
    return [Booked(*row) for row in rows]


def booked_named(entity: Entity, ids: Iterable[UUID]) -> list[Booked]:
    """Those of the transactions that there are."""
    return [Booked(*row) for row in db.fetch(_NAMED, {"entity": entity.id, "ids": db.uuid_array(ids)})]


def changed_since(entity: Entity, since: datetime, after: UUID | None, *, limit: int) -> list[UUID]:
    """Up to `limit` transactions that changed or were deleted since, by id, those after `after`."""
    params = {"entity": entity.id, "since": since, "after": after or _NO_ID, "limit": limit}
    return [row[0] for row in db.fetch(_CHANGED, params)]


def lead(entity: Entity, sources: Sequence[Source]) -> None:
    """Let each source lead to the document of its text, which is made where there is none. The sources are of
    one type. Two queries, and one more where documents are made."""
    if not sources:
        return
    texts = {source.text.key: source.text for source in sources}
    source_type = sources[0].text.source_type
    asked = {"entity": entity.id, "source_type": source_type, "keys": db.uuid_array(texts)}
    known: dict[UUID, UUID] = dict(db.fetch(_KNOWN, asked))
    missing = [text for key, text in texts.items() if key not in known]
    if missing:
        known |= _make(entity, missing)
    db.execute(
        _LEAD,
        {
            "entity": entity.id,
            "ids": db.uuid_array(source.id for source in sources),
            "documents": db.uuid_array(known[source.text.key] for source in sources),
            "times": [source.time for source in sources],
        },
    )


def _make(entity: Entity, texts: Sequence[Text]) -> dict[UUID, UUID]:
    ids = [new_id() for _ in texts]
    db.execute(
        _INSERT,
        {
            "entity": entity.id,
            "source_type": texts[0].source_type,
            "version": version(),
            "ids": db.uuid_array(ids),
            "types": [text.document_type for text in texts],
            "keys": db.uuid_array(text.key for text in texts),
            "accounts": [db.uuid_array(text.account_ids) for text in texts],
            "texts": [text.text for text in texts],
            "vectors": [as_text(embed_document(text.text)) for text in texts],
        },
    )
    return {text.key: id_ for text, id_ in zip(texts, ids, strict=True)}


def rewrite(entity: Entity, texts: Mapping[UUID, tuple[str, str]]) -> None:
    """Give documents, by their ids, another type and text, and the vectors of these."""
    if not texts:
        return
    db.execute(
        _REWRITE,
        {
            "entity": entity.id,
            "version": version(),
            "ids": db.uuid_array(texts),
            "types": [type_ for type_, _ in texts.values()],
            "texts": [text for _, text in texts.values()],
            "vectors": [as_text(embed_document(text)) for _, text in texts.values()],
        },
    )


def forget(entity: Entity, ids: Sequence[UUID]) -> int:
    """Let these sources, whatever there are, lead nowhere; returns how many did."""
    return db.execute(_DELETE, {"entity": entity.id, "ids": db.uuid_array(ids)}) if ids else 0


def forget_gone(entity: Entity) -> int:
    """Forget transactions that are no more; returns how many."""
    return db.execute(DELETE_GONE, {"entity": entity.id})


def delete_unused(entity: Entity) -> int:
    """Delete the documents that nothing leads to any more; returns how many."""
    return db.execute(DELETE_UNUSED, {"entity": entity.id})


def reembed(entity: Entity, after: UUID | None, *, limit: int) -> tuple[int, UUID | None]:
    """Make the vectors of up to `limit` documents anew that were made in another way; returns how many, and
    the last one."""
    params: dict[str, Any] = {"entity": entity.id, "version": version()}
    found = db.fetch(_OUTDATED, params | {"after": after or _NO_ID, "limit": limit})
    if not found:
        return 0, None
    vectors = [as_text(embed_document(text)) for _, text in found]
    db.execute(_REEMBED, params | {"ids": db.uuid_array(row[0] for row in found), "vectors": vectors})
    return len(found), found[-1][0]
