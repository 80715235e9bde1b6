"""Finding what is meant: documents near a question, compared word by word, and what they stand for.

Up to twenty thousand documents of a company are compared one by one; in companies with more the graph of
vectors leads to the nearest (docs/decisions/0013).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.transaction import atomic

from ai.lexicon.words import has_digit, words_of
from ai.models.documents import SourceType
from ai.search.embedding import as_text, embed_query
from ai.search.keeping import is_in_graph
from ai.search.meaning import Part, meaning_of, parts_of
from ai.search.scoring import score
from ai.search.texts import AccountSeen, category_of
from ledger import db
from ledger.models import Entity
from ledger.times import day_of
from transactions.listing import get_transactions
from transactions.rows import Row
from transactions.search import search_transactions

# So many of the nearest documents are compared word by word.
NEAREST: Final = 200
# What has less of the question than this was not meant.
SIMILARITY_MIN: Final = 0.35
# Documents that are less similar than the best one by no more than this are as good: they take turns, as each
# further transaction of one stands a little behind the one before. Who asks for trips wants to see hotels,
# too, and not ten taxi rides.
_AS_GOOD: Final = 0.2
_ONE_MORE: Final = 0.98
# Words beside a vector only part documents that have the same of the question.
_VECTOR_SHARE: Final = 0.05
_EF_SEARCH: Final = 400

_CONDITIONS: Final = {
    "source_types": "d.source_type = ANY(%(source_types)s::text[])",
    "document_types": "d.document_type = ANY(%(document_types)s::text[])",
}
_TIMES: Final = {
    "time_start": "s.time >= %(time_start)s::timestamptz",
    "time_end": "s.time <= %(time_end)s::timestamptz",
}
_NEAREST: Final = """
SELECT d.id, d.source_type, d.document_type, d.text, {similarity}
FROM ai_document d
WHERE {conditions}
ORDER BY {order} LIMIT %(nearest)s
"""
_SIMILARITY: Final = "-(d.embedding <#> %(vector)s::halfvec)"
_BY_GRAPH: Final = "d.embedding <#> %(vector)s::halfvec"
# Not as the index has it, so that the company's documents are compared one by one.
_ONE_BY_ONE: Final = f"({_BY_GRAPH}) + 0"
_SOURCES: Final = """
SELECT d.place, s.id, s.time FROM unnest(%(documents)s::uuid[]) WITH ORDINALITY AS d (id, place)
CROSS JOIN LATERAL (
    SELECT s.id, s.time FROM ai_documentsource s
    WHERE s.entity_id = %(entity)s::uuid AND s.document_id = d.id {times}
    ORDER BY s.time DESC, s.id DESC LIMIT %(limit)s::int
) s
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: everything about `query`, unless types or times are given (both ends included)."""

    query: str
    limit: int = 10
    source_types: tuple[str, ...] | None = None
    document_types: tuple[str, ...] | None = None
    time_start: datetime | None = None
    time_end: datetime | None = None

    @property
    def takes_transactions(self) -> bool:
        """Whether transactions may be found."""
        return self.source_types is None or SourceType.TRANSACTION in self.source_types


class Found(NamedTuple):
    """A transaction, account or statement; `similarity` is how much of the question it has, 0 to 1."""

    source_id: UUID
    source_type: str
    document_type: str
    time: datetime
    similarity: float


class Near(NamedTuple):
    """A document that is near a question."""

    id: UUID
    source_type: str
    document_type: str
    similarity: float


@dataclass(slots=True)
class _Query:
    """A statement's conditions and parameters."""

    conditions: list[str]
    params: dict[str, Any] = field(default_factory=dict)


def find(entity: Entity, wanted: Wanted) -> list[Found]:
    """Return up to `wanted.limit` of what is meant by the query, most similar first, of these the newest.

    Words are found by their meaning, misspelled and cut ones too. A reference or number is looked for in the
    transactions themselves, as `search_transactions` does, because documents leave them out; and so is
    everything while a company has no documents yet.
    """
    documents = nearest(entity, wanted)[: wanted.limit]
    found = {one.source_id: one for one in _sources(entity, wanted, documents)}
    if wanted.takes_transactions and _asks_for_reference(wanted.query):
        found |= {one.source_id: one for one in _by_words(entity, wanted)}
    elif wanted.takes_transactions and not documents and not _has_documents(entity):
        found = {one.source_id: one for one in _by_words(entity, wanted)}
    return sorted(found.values(), key=_order)[: wanted.limit]


def nearest(entity: Entity, wanted: Wanted) -> list[Near]:
    """The documents of a company that a question means, best first, each with something in the asked time."""
    parts = parts_of(wanted.query)
    vector = embed_query(wanted.query)
    if not any(vector):
        return []
    near = [
        Near(id_, source_type, document_type, _similarity(parts, text, cosine))
        for id_, source_type, document_type, text, cosine in near_vector(entity, wanted, as_text(vector))
    ]
    near = [one for one in near if one.similarity >= SIMILARITY_MIN]
    return sorted(near, key=lambda one: (-one.similarity, one.id))


def near_vector(
    entity: Entity, wanted: Wanted, vector: str, *, count: int = NEAREST, by_graph: bool | None = None
) -> list[tuple[Any, ...]]:
    """The `count` documents whose vectors are nearest, with id, types, text and cosine; unless told otherwise
    by the graph where the company is in it."""
    query = _Query(["d.entity_id = %(entity)s"], {"entity": entity.id, "vector": vector, "nearest": count})
    for name, condition in _CONDITIONS.items():
        if getattr(wanted, name) is not None:
            query.conditions.append(condition)
            query.params[name] = list(getattr(wanted, name))
    times = _times(wanted, query.params)
    if times:
        query.conditions.append(
            "EXISTS (SELECT FROM ai_documentsource s"
            f" WHERE s.entity_id = d.entity_id AND s.document_id = d.id {times})"
        )
    if by_graph is None:
        by_graph = is_in_graph(entity)
    if by_graph:
        return _by_graph(query)
    sql = _NEAREST.format(
        similarity=_SIMILARITY, conditions=" AND ".join(query.conditions), order=_ONE_BY_ONE
    )
    return _fetch(sql, query.params)


def _by_graph(query: _Query) -> list[tuple[Any, ...]]:
    """Walk the graph until enough is found that is the company's and passes the filters."""
    conditions = " AND ".join([*query.conditions, "d.in_graph"])
    sql = _NEAREST.format(similarity=_SIMILARITY, conditions=conditions, order=_BY_GRAPH)
    with atomic():
        db.execute(
            "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),"
            " set_config('hnsw.ef_search', %s, true), set_config('enable_sort', 'off', true)",
            [str(_EF_SEARCH)],
        )
        found = _fetch(sql, query.params)
        # Of a transaction that goes on.
        db.execute("SELECT set_config('enable_sort', 'on', true)")
    return found


def _times(wanted: Wanted, params: dict[str, Any]) -> str:
    terms = []
    for name, term in _TIMES.items():
        if getattr(wanted, name) is not None:
            params[name] = getattr(wanted, name)
            terms.append(f"AND {term}")
    return " ".join(terms)


def _similarity(parts: Sequence[Part], text: str, cosine: float) -> float:
    return (1 - _VECTOR_SHARE) * score(parts, meaning_of(text)) + _VECTOR_SHARE * max(0.0, min(1.0, cosine))


def _sources(entity: Entity, wanted: Wanted, documents: Sequence[Near]) -> list[Found]:
    """What the documents stand for: of each the newest, as many as are asked for in all."""
    if not documents:
        return []
    params: dict[str, Any] = {
        "entity": entity.id,
        "documents": db.uuid_array(one.id for one in documents),
        "limit": wanted.limit,
    }
    sql = _SOURCES.format(times=_times(wanted, params))
    best = documents[0].similarity
    ranked = []
    places: dict[int, int] = {}
    for place, source_id, time in sorted(_fetch(sql, params), key=lambda row: (row[2], row[1]), reverse=True):
        document = documents[place - 1]
        number = places[place] = places.get(place, -1) + 1
        source = Found(source_id, document.source_type, document.document_type, time, document.similarity)
        turn = -document.similarity * _ONE_MORE**number
        ranked.append((document.similarity < best - _AS_GOOD, turn, _order(source), source))
    ranked.sort(key=lambda one: one[:3])
    return [source for *_, source in ranked[: wanted.limit]]


def _order(found: Found) -> tuple[float, float, int]:
    return -found.similarity, -found.time.timestamp(), -found.source_id.int


def _asks_for_reference(query: str) -> bool:
    return any(map(has_digit, words_of(query)))


def _has_documents(entity: Entity) -> bool:
    return bool(
        db.fetch("SELECT FROM ai_documentstate WHERE entity_id = %(entity)s::uuid", {"entity": entity.id})
    )


def _by_words(entity: Entity, wanted: Wanted) -> list[Found]:
    """Transactions that have every word of the query, as they are."""
    filters = {
        "date_from": wanted.time_start and day_of(wanted.time_start, entity.zone),
        "date_to": wanted.time_end and day_of(wanted.time_end, entity.zone),
    }
    rows, _ = search_transactions(entity, query=wanted.query, filters=filters, page=1, limit=wanted.limit)
    found = [
        Found(row.id, SourceType.TRANSACTION, document_type_of(row), row.timestamp, 1.0)
        for row in rows
        if (wanted.time_start is None or row.timestamp >= wanted.time_start)
        and (wanted.time_end is None or row.timestamp <= wanted.time_end)
    ]
    types = wanted.document_types
    return [one for one in found if types is None or one.document_type in types]


def document_type_of(row: Row) -> str:
    """The type of a transaction's document."""
    debit = AccountSeen(row.debit_account_id, row.debit_name, row.debit_type, row.debit_financial_type)
    credit = AccountSeen(row.credit_account_id, row.credit_name, row.credit_type, row.credit_financial_type)
    return category_of(debit, credit).document_type


def transactions_of(entity: Entity, found: Sequence[Found]) -> dict[UUID, Row]:
    """The transactions among what was found, by id; those that were deleted meanwhile are not there."""
    ids = [one.source_id for one in found if one.source_type == SourceType.TRANSACTION]
    return get_transactions(entity, ids) if ids else {}


def _fetch(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement with its parameters written into it, so that it is planned for these very values: by a
    plan for any vector the graph is never asked."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
