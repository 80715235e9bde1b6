"""What goes over the background work of ALL companies: sends what the queue lost, and forgets what is old.

These are the two reads that cross companies. They take nothing from a company to another: they look for rows
by state and age, and give their ids back to the queue.
"""

from typing import Final

import structlog
from django.conf import settings

from ledger import db
from ledger.background import send

log = structlog.get_logger(__name__)

SEND_BATCH: Final = 500
FORGET_BATCH: Final = 5_000

# Lost are: what was never given to the queue (it was away, or the process ended in between), what was given
# to it long ago and never began (the queue was emptied, or a worker ended before it began), and what a worker
# began that is not seen any more. What still waits in a long queue is sent a second time, which does no harm.
_TAKE_LOST_OF_ALL_COMPANIES: Final = """
WITH lost AS (
    SELECT entity_id, id FROM ledger_backgroundtask
    WHERE state IN ('queued', 'running') AND (
        (state = 'queued' AND sent_at IS NULL)
        OR (state = 'queued' AND sent_at < statement_timestamp() - %(resend)s * interval '1 second')
        OR (state = 'running' AND seen_at < statement_timestamp() - %(lost)s * interval '1 second'
            AND (sent_at IS NULL OR sent_at < statement_timestamp() - %(lost)s * interval '1 second')))
    ORDER BY sent_at NULLS FIRST LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED)
UPDATE ledger_backgroundtask t SET sent_at = statement_timestamp()
FROM lost WHERE t.entity_id = lost.entity_id AND t.id = lost.id
RETURNING t.entity_id, t.id
"""
_NOT_SENT: Final = """
UPDATE ledger_backgroundtask t SET sent_at = NULL
FROM unnest(%(entities)s::uuid[], %(ids)s::uuid[]) AS lost (entity_id, id)
WHERE t.entity_id = lost.entity_id AND t.id = lost.id AND t.state IN ('queued', 'running')
"""
_FORGET_OF_ALL_COMPANIES: Final = """
DELETE FROM ledger_backgroundtask WHERE (entity_id, id) IN (
    SELECT entity_id, id FROM ledger_backgroundtask
    WHERE created_at < statement_timestamp() - %(days)s * interval '1 day'
        AND finished_at < statement_timestamp() - %(days)s * interval '1 day'
        AND state IN ('succeeded', 'failed')
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


def send_lost() -> int:
    """Send what the queue lost, of all companies, and return how many; safe at any time, several at once.

    It ends where the queue doesn't take one: the next sweep comes soon.
    """
    sent = 0
    while True:
        lost = db.fetch(
            _TAKE_LOST_OF_ALL_COMPANIES,
            {
                "resend": settings.TASK_RESEND_SECONDS,
                "lost": settings.TASK_LOST_SECONDS,
                "limit": SEND_BATCH,
            },
        )
        for place, (entity_id, task_id) in enumerate(lost):
            if not send(entity_id, task_id):
                left = lost[place:]
                entities, ids = zip(*left, strict=True)
                db.execute(_NOT_SENT, {"entities": db.uuid_array(entities), "ids": db.uuid_array(ids)})
                return sent
            sent += 1
        if len(lost) < SEND_BATCH:
            break
    if sent:
        log.warning("tasks.sent_again", count=sent)
    return sent


def forget_old() -> int:
    """Delete the rows of work that ended more than TASK_KEPT_DAYS ago, in batches; return how many."""
    forgotten = 0
    while True:
        deleted = db.execute(
            _FORGET_OF_ALL_COMPANIES, {"days": settings.TASK_KEPT_DAYS, "limit": FORGET_BATCH}
        )
        forgotten += deleted
        if deleted < FORGET_BATCH:
            return forgotten
