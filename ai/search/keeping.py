"""Documents follow the books: all of a company at first, then what was recorded and changed since.

Everything is done in batches with a database transaction each, and may be done twice. Two at a time would
make the same documents, so a lock of the company's lets one batch through after the other.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.models import Account
from ai.models import Summary
from ai.models.documents import SourceType
from ai.search import rows
from ai.search.embedding import version
from ai.search.rows import Booked, Source
from ai.search.texts import (
    STATEMENT_TYPES,
    AccountSeen,
    Category,
    Text,
    account_text,
    category_of,
    category_of_accounts,
    statement_text,
    summary_text,
    transaction_text,
    with_category,
    words_of_transaction,
)
from ledger import db
from ledger.ids import new_id
from ledger.models import Entity
from ledger.times import day_end
from reports.periods import month_period

BATCH: Final = 5_000
_REEMBEDDED_AT_ONCE: Final = 2_000
# Each takes some milliseconds.
_INTO_GRAPH_AT_ONCE: Final = 500
# An id is made, and a change dated, by the clock of whoever makes it, some time before it is committed.
OVERLAP: Final = timedelta(minutes=5)
# Companies with more documents than this have them in the graph (docs/decisions/0013 has the figures).
GRAPH_FROM: Final = 20_000

Progress = Callable[[int, int], None]

_LOCK: Final = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%(entity)s::uuid, 9))"
# What began before the oldest transaction that is still open is committed, or never will be.
_NOW: Final = """
SELECT least(statement_timestamp(), (
    SELECT min(xact_start) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()))
"""
_STATE: Final = """
SELECT through, version, in_graph FROM ai_documentstate WHERE entity_id = %(entity)s::uuid
"""
_REACHED: Final = """
INSERT INTO ai_documentstate AS known (entity_id, id, through, checked_at, version, in_graph)
VALUES (%(entity)s::uuid, %(id)s::uuid, %(through)s::timestamptz, %(through)s::timestamptz, %(version)s::int,
    false)
ON CONFLICT (entity_id) DO UPDATE SET
    through = greatest(known.through, excluded.through), version = excluded.version,
    checked_at = CASE WHEN %(checked)s::bool THEN excluded.checked_at ELSE known.checked_at END
"""
_COUNT: Final = "SELECT count(*) FROM ai_document WHERE entity_id = %(entity)s::uuid"
_COUNT_TRANSACTIONS: Final = (
    "SELECT count(*) FROM transactions_transaction WHERE entity_id = %(entity)s::uuid"
)
_TO_GRAPH: Final = """
UPDATE ai_document SET in_graph = true WHERE entity_id = %(entity)s::uuid AND id = ANY(ARRAY(
    SELECT id FROM ai_document WHERE entity_id = %(entity)s::uuid AND NOT in_graph LIMIT %(limit)s::int))
"""
_IN_GRAPH: Final = "UPDATE ai_documentstate SET in_graph = true WHERE entity_id = %(entity)s::uuid"
_OF_TYPE: Final = """
SELECT id, key, document_type, text FROM ai_document
WHERE entity_id = %(entity)s::uuid AND source_type = %(source_type)s::text
"""
_OF_ACCOUNTS: Final = """
SELECT id, account_ids, text FROM ai_document
WHERE entity_id = %(entity)s::uuid AND source_type = 'transaction' AND account_ids && %(ids)s::uuid[]
"""
_FORGET_DOCUMENTS: Final = """
DELETE FROM ai_documentsource WHERE entity_id = %(entity)s::uuid AND document_id = ANY(%(ids)s::uuid[])
"""
_MONTHS: Final = """
SELECT DISTINCT m.month FROM accounts_accountmonth m
JOIN accounts_account a ON a.entity_id = m.entity_id AND a.id = m.account_id
JOIN ledger_ledger l ON l.entity_id = a.entity_id AND l.id = a.ledger_id AND l.is_default
WHERE m.entity_id = %(entity)s::uuid AND (m.debits_posted <> 0 OR m.credits_posted <> 0)
"""


class Kept(NamedTuple):
    """What became of the documents."""

    transactions: int
    documents: int


class _State(NamedTuple):
    through: datetime
    version: int
    in_graph: bool


def embed_books(entity: Entity, progress: Progress = lambda done, total: None) -> Kept:
    """Compare every transaction, account and month of a company with its document, and make, change and
    delete what differs. `progress` is told how many transactions are done, of how many.

    Needed once; `follow_books` does the rest. Reads everything, writes what is new: a company whose
    documents are right is read through at some 10,000 transactions a second.
    """
    through = _now()
    [(total,)] = db.fetch(_COUNT_TRANSACTIONS, {"entity": entity.id})
    _embed_chart(entity)
    done = 0
    progress(0, total)
    chart = _chart(entity)
    for batch in _all_booked(entity):
        _embed(entity, chart, batch)
        done += len(batch)
        progress(done, max(done, total))
    with _locked(entity):
        rows.forget_gone(entity)
        rows.delete_unused(entity)
    _finish(entity, through, checked=True)
    return Kept(done, count_documents(entity))


def follow_books(entity: Entity) -> int:
    """Do for what was recorded, changed or deleted since the last time what `embed_books` does for all, and
    return how many transactions that were; a company that has no documents yet gets all of them."""
    state = _state(entity)
    if state is None:
        return embed_books(entity).transactions
    through, since = _now(), state.through - OVERLAP
    _embed_chart(entity)
    chart = _chart(entity)
    done = 0
    for batch in _all_booked(entity, _first_id(since)):
        _embed(entity, chart, batch)
        done += len(batch)
    after: UUID | None = None
    while ids := rows.changed_since(entity, since, after, limit=BATCH):
        after = ids[-1]
        there = rows.booked_named(entity, ids)
        _embed(entity, chart, there)
        with _locked(entity):
            rows.forget(entity, sorted(set(ids) - {one.id for one in there}))
        done += len(ids)
    if after is not None:
        with _locked(entity):
            rows.delete_unused(entity)
    _finish(entity, through, checked=False)
    return done


def count_documents(entity: Entity) -> int:
    """How many documents a company has."""
    [(count,)] = db.fetch(_COUNT, {"entity": entity.id})
    return int(count)


def is_in_graph(entity: Entity) -> bool:
    """Whether the company's documents are in the graph."""
    state = _state(entity)
    return state is not None and state.in_graph


def _finish(entity: Entity, through: datetime, *, checked: bool) -> None:
    """Make old vectors anew, put a company that has grown into the graph, and note how far that is."""
    after: UUID | None = None
    while True:
        with _locked(entity):
            count, after = rows.reembed(entity, after, limit=_REEMBEDDED_AT_ONCE)
        if not count:
            break
    db.execute(
        _REACHED,
        {
            "entity": entity.id,
            "id": new_id(),
            "through": through,
            "version": version(),
            "checked": checked,
        },
    )
    state = _state(entity)
    # Whoever compares everything looks for what a run that was cut off left outside, too.
    is_due = state is not None and (checked or not state.in_graph)
    if is_due and count_documents(entity) > GRAPH_FROM:
        put_into_graph(entity)


def put_into_graph(entity: Entity) -> None:
    """Let the graph lead to a company's documents. They are compared one by one until it leads to all; a run
    that was cut off goes on where it was."""
    while _put_some_into_graph(entity):
        pass
    # What was made meanwhile, while nothing more is made.
    with _locked(entity):
        while _put_some_into_graph(entity):
            pass
        db.execute(_IN_GRAPH, {"entity": entity.id})


def _put_some_into_graph(entity: Entity) -> int:
    return db.execute(_TO_GRAPH, {"entity": entity.id, "limit": _INTO_GRAPH_AT_ONCE})


# --- transactions ----------------------------------------------------------------------------------


def _all_booked(entity: Entity, after: UUID | None = None) -> Iterator[list[Booked]]:
    while batch := rows.booked_after(entity, after, limit=BATCH):
        yield batch
        after = batch[-1].id


def _embed(entity: Entity, chart: dict[UUID, AccountSeen], booked: Sequence[Booked]) -> None:
    """Let the transactions of a batch lead to their documents."""
    if any(one.debit_account_id not in chart or one.credit_account_id not in chart for one in booked):
        chart.update(_chart(entity))  # accounts were added meanwhile
    categories: dict[tuple[UUID, UUID], Category] = {}
    texts: dict[tuple[object, ...], Text] = {}
    sources = []
    for one in booked:
        sides = one.debit_account_id, one.credit_account_id
        category = categories.get(sides)
        if category is None:
            category = categories[sides] = category_of(chart[sides[0]], chart[sides[1]])
        words = words_of_transaction(one.description, one.counterparty)
        seen = (words, sides, one.provider_category)
        text = texts.get(seen)
        if text is None:
            text = texts[seen] = transaction_text(words, category, one.provider_category)
        sources.append(Source(one.id, one.timestamp, text))
    with _locked(entity):
        rows.lead(entity, sources)


# --- accounts and statements -------------------------------------------------------------------------


def _chart(entity: Entity) -> dict[UUID, AccountSeen]:
    found = Account.objects.for_entity(entity).values_list("id", "name", "type", "financial_type")
    return {row[0]: AccountSeen(*row) for row in found}


def _embed_chart(entity: Entity) -> None:
    """Let every account and every month lead to its document, and change the documents of transactions whose
    accounts got another name or kind. They are few: all are compared each time."""
    chart = list(
        Account.objects.for_entity(entity).values_list(
            "id", "name", "type", "financial_type", "parent_id", "sub_type_code", "created_at"
        )
    )
    names = {row[0]: row[1] for row in chart}
    accounts = {row[0]: AccountSeen(*row[:4]) for row in chart}
    sources = [
        Source(id_, created_at, account_text(accounts[id_], names.get(parent_id), code))
        for id_, _, _, _, parent_id, code, created_at in chart
    ]
    with _locked(entity):
        changed = _bring_up_to_date(entity, SourceType.LEDGER_ACCOUNT, sources)
        if changed:
            _rename(entity, accounts, changed)
        _bring_up_to_date(entity, SourceType.REPORT, _reports(entity))


def _bring_up_to_date(entity: Entity, source_type: SourceType, sources: Sequence[Source]) -> set[UUID]:
    """Make, change and delete documents of which every one has its own source; returns the keys of those that
    changed."""
    found = db.fetch(_OF_TYPE, {"entity": entity.id, "source_type": source_type})
    wanted = {source.text.key: source for source in sources}
    gone = [id_ for id_, key, _, _ in found if key not in wanted]
    changed = {
        key: (id_, wanted[key].text)
        for id_, key, document_type, text in found
        if key in wanted and (document_type, text) != (wanted[key].text.document_type, wanted[key].text.text)
    }
    known = {key for _, key, _, _ in found}
    rows.rewrite(entity, {id_: (text.document_type, text.text) for id_, text in changed.values()})
    for start in range(0, len(sources), BATCH):
        rows.lead(entity, [one for one in sources[start : start + BATCH] if one.text.key not in known])
    if gone:
        db.execute(_FORGET_DOCUMENTS, {"entity": entity.id, "ids": db.uuid_array(gone)})
        rows.delete_unused(entity)
    return set(changed)


def _rename(entity: Entity, chart: dict[UUID, AccountSeen], changed: set[UUID]) -> None:
    """Let the documents of transactions on these accounts say what the accounts are called now."""
    found = db.fetch(_OF_ACCOUNTS, {"entity": entity.id, "ids": db.uuid_array(changed)})
    texts = {
        id_: with_category(text, category_of_accounts([chart[one] for one in account_ids]))
        for id_, account_ids, text in found
        if chart.keys() >= set(account_ids)
    }
    rows.rewrite(entity, texts)


def _reports(entity: Entity) -> list[Source]:
    """The statements of each month that has something posted, and the months in words. Ids of statements are
    their documents' keys, which tell month and statement, so that they stay the same."""
    found = []
    for (month,) in db.fetch(_MONTHS, {"entity": entity.id}):
        for document_type in STATEMENT_TYPES:
            text = statement_text(entity.id, document_type, month)
            found.append(Source(text.key, _end(entity, month), text))
    summaries = Summary.objects.filter(entity_id=entity.id).values_list("id", "month")
    return found + [Source(id_, _end(entity, month), summary_text(id_, month)) for id_, month in summaries]


def _end(entity: Entity, month: date) -> datetime:
    """The last moment of a month, by its first day."""
    last = month_period(month.year, month.month).end
    return day_end(last, entity.zone) - timedelta(microseconds=1)


# --- the machinery -------------------------------------------------------------------------------------


@contextmanager
def _locked(entity: Entity) -> Iterator[None]:
    """A database transaction that has the company's documents for itself."""
    with atomic():
        db.execute(_LOCK, {"entity": entity.id})
        yield


def _now() -> datetime:
    [(now,)] = db.fetch(_NOW)
    return now  # type: ignore[no-any-return]


def _first_id(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def _state(entity: Entity) -> _State | None:
    found = db.fetch(_STATE, {"entity": entity.id})
    return _State(*found[0]) if found else None
