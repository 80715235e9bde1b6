"""What the worker does so that documents follow the books; everything may run twice without harm."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from celery import shared_task
from django.db import OperationalError

from ai.search.embedding import version
from ai.search.keeping import OVERLAP, embed_books, follow_books
from ledger import db
from ledger.background import TaskRun, background_task, start_task
from ledger.choices import EntityStatus
from ledger.models import BackgroundTask, Entity

log = structlog.get_logger(__name__)

TASK: Final = "ai.embed_books"
# A run of the timetable looks after at most so many companies; the others are due at the next.
STARTED_AT_ONCE_MAX: Final = 500
# Every transaction is compared with its document so often; a change that no run saw is found then.
CHECKED_EVERY: Final = timedelta(days=1)

_RETRY: Final[dict[str, Any]] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}
# The first id that a moment's clock gives: a UUIDv7 begins with the milliseconds.
_FIRST_ID: Final = (
    "(lpad(to_hex((extract(epoch FROM s.through - %(overlap)s::interval) * 1000)::bigint), 12, '0')"
    " || repeat('0', 20))::uuid"
)
# Companies without documents, those whose vectors were made in another way, and those in whose books
# something happened since: transactions came or changed, or an account did, which the last link of the audit
# chain says. Three looks into indexes for each company.
_DUE: Final = f"""
SELECT e.id, s.id IS NULL OR s.version <> %(version)s::int
FROM ledger_entity e LEFT JOIN ai_documentstate s ON s.entity_id = e.id
WHERE e.status <> %(deleting)s::text AND (
    s.id IS NULL OR s.version <> %(version)s::int
    OR EXISTS (SELECT FROM transactions_transaction t WHERE t.entity_id = e.id AND t.id >= {_FIRST_ID})
    OR EXISTS (
        SELECT FROM transactions_revision r
        WHERE r.entity_id = e.id AND r.changed_at >= s.through - %(overlap)s::interval)
    OR (SELECT a.occurred_at FROM ledger_auditevent a WHERE a.scope_id = e.id
        ORDER BY a.sequence DESC LIMIT 1) >= s.through - %(overlap)s::interval)
ORDER BY s.through NULLS FIRST, e.id LIMIT %(limit)s::int
"""
_UNCHECKED: Final = """
SELECT s.entity_id FROM ai_documentstate s
JOIN ledger_entity e ON e.id = s.entity_id AND e.status <> %(deleting)s::text
WHERE s.checked_at < statement_timestamp() - %(every)s::interval
ORDER BY s.checked_at LIMIT %(limit)s::int
"""


@background_task(TASK)
def embed_all(run: TaskRun) -> str:
    """Make the documents of a company, or compare them all with its books."""
    run.progress(done=0, message="reading the books")
    kept = embed_books(run.entity, lambda done, total: run.progress(done=done, total=total))
    return f"{kept.transactions} transactions have {kept.documents} documents"


def start_embedding(entity: Entity) -> BackgroundTask:
    """Let the worker make all documents of a company; where that waits or runs, its row is returned."""
    return start_task(entity=entity, name=TASK, key="all")


@shared_task(name="ai.keep_documents", **_RETRY)  # type: ignore[untyped-decorator]
def keep_documents(entity_id: str | None = None) -> int:
    """Let the documents of one company follow its books; without one, queue that for each in whose books
    something happened, and start the first embedding, which has a row of its own, where there is none.

    Returns how many transactions, or companies, that were.
    """
    if entity_id is not None:
        entity = _company(UUID(entity_id))
        return 0 if entity is None else follow_books(entity)
    due = db.fetch(
        _DUE,
        {
            "version": version(),
            "overlap": OVERLAP,
            "deleting": EntityStatus.DELETING,
            "limit": STARTED_AT_ONCE_MAX,
        },
    )
    for id_, needs_all in due:
        if not needs_all:
            keep_documents.delay(str(id_))
        elif (entity := _company(id_)) is not None:
            start_embedding(entity)
    return len(due)


@shared_task(name="ai.check_documents", **_RETRY)  # type: ignore[untyped-decorator]
def check_documents(entity_id: str | None = None) -> int:
    """Compare every transaction of one company with its document; without one, queue that for the companies
    that were not checked for a day. Returns how many transactions, or companies, that were."""
    if entity_id is not None:
        entity = _company(UUID(entity_id))
        return 0 if entity is None else embed_books(entity).transactions
    due = db.fetch(
        _UNCHECKED,
        {"deleting": EntityStatus.DELETING, "every": CHECKED_EVERY, "limit": STARTED_AT_ONCE_MAX},
    )
    for (id_,) in due:
        check_documents.delay(str(id_))
    return len(due)


def _company(entity_id: UUID) -> Entity | None:
    """The company, or None where it was removed after the task was queued."""
    return Entity.objects.exclude(status=EntityStatus.DELETING).filter(id=entity_id).first()
