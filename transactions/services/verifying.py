"""Verifying the books of one company on demand, and the record of how that ended.

The record is an event of the company's audit trail: who had the books verified, when, and what was found.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction

from ledger import audit
from ledger.actors import Actor
from ledger.background import TaskRun, background_task, start_task
from ledger.choices import TaskState
from ledger.clock import utc_now
from ledger.db import fetch
from ledger.models import AuditEvent, BackgroundTask, Entity
from ledger.times import format_timestamp, parse_timestamp
from transactions.verification import checks, verify_books

VERIFY: Final = "transactions.verify"
VERIFIED: Final = "ledger.books.verified"
# What can be read through while a person waits.
_AT_ONCE_MAX: Final = 5_000
# The record says of each how many there are, and shows so many of them.
_SHOWN_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Verification:
    """How a verification ended: how many checks ran, how many differences they found, and the first of these
    as (check, message)."""

    at: datetime
    # What was booked before is in it; what was booked meanwhile may not be.
    began_at: datetime
    by: str
    checks: int
    found: int
    differences: tuple[tuple[str, str], ...]


def verify_and_record(*, entity: Entity, actor: Actor) -> int:
    """Run every check of the books of the company, record the result in its audit trail, and return how many
    differences were found.

    Reads all transactions of the company several times; changes none.
    """
    began_at = utc_now()
    shown: list[list[str]] = []
    found = 0
    for difference in verify_books(entity):
        found += 1
        if found <= _SHOWN_MAX:
            shown.append([difference.check, difference.message])
    with transaction.atomic():
        audit.record(
            actor=actor,
            action=VERIFIED,
            object_type="entity",
            object_id=entity.public_id,
            entity=entity,
            after={
                "began_at": format_timestamp(began_at),
                "checks": len(checks()),
                "found": found,
                "differences": shown,
            },
        )
    return found


def ask_for_verification(*, entity: Entity, actor: Actor) -> BackgroundTask | None:
    """Verify the books of a small company at once and return None; of a big one in the background, and return
    the task. While one waits, that one is returned.

    One query says which it is: it looks at the first few thousand transactions alone.
    """
    if _is_small(entity):
        verify_and_record(entity=entity, actor=actor)
        return None
    return start_task(entity=entity, name=VERIFY, key=VERIFY, actor=actor)


@background_task(VERIFY)
def _verify(run: TaskRun) -> str:
    run.progress(total=1, message=f"Verifying the books of {run.entity}")
    found = verify_and_record(entity=run.entity, actor=run.actor)
    run.progress(done=1)
    return "The books are right." if not found else f"{found:,} differences were found."


def last_verification(entity: Entity) -> Verification | None:
    """The last recorded verification of the company, or None; one query."""
    event = (
        AuditEvent.objects.filter(object_type="entity", object_id=entity.public_id)
        .filter(scope_id=entity.id, action=VERIFIED)
        .order_by("-sequence")
        .first()
    )
    return None if event is None else _of_event(event)


def verification_under_way(entity: Entity) -> BackgroundTask | None:
    """The verification that waits or runs, or None; one query."""
    return (
        BackgroundTask.objects.filter(
            entity_id=entity.id, name=VERIFY, state__in=(TaskState.QUEUED, TaskState.RUNNING)
        )
        .order_by("-id")
        .first()
    )


def _of_event(event: AuditEvent) -> Verification:
    after: dict[str, Any] = event.after or {}
    began_at = after.get("began_at")
    return Verification(
        event.occurred_at,
        parse_timestamp(began_at, zone=ZoneInfo("UTC"), field="began_at") if began_at else event.occurred_at,
        event.actor_label or event.actor_kind,
        after["checks"],
        after["found"],
        tuple((check, message) for check, message in after["differences"]),
    )


def _is_small(entity: Entity) -> bool:
    [(count,)] = fetch(
        "SELECT count(*) FROM (SELECT FROM transactions_transaction WHERE entity_id = %(entity)s::uuid"
        " LIMIT %(limit)s::bigint) looked_at",
        {"entity": entity.id, "limit": _AT_ONCE_MAX + 1},
    )
    return bool(count <= _AT_ONCE_MAX)
