"""What the background worker does with transactions. Every task may run twice without harm."""

from typing import Final
from uuid import UUID

import structlog
from celery import shared_task
from django.db import OperationalError

from ledger.actors import SYSTEM
from ledger.choices import EntityStatus
from ledger.clock import utc_now
from ledger.models import Entity
from transactions import services, verification
from transactions.services import background_merging, verifying  # noqa: F401 - known to the worker
from transactions.services.expiry import entities_with_due

log = structlog.get_logger(__name__)

# Passing faults of the database: a lock that was held too long, a lost connection, a deadlock.
_RETRY: Final = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="transactions.expire_pending", **_RETRY)  # type: ignore[untyped-decorator]
def expire_pending(entity_id: str | None = None) -> None:
    """Expire what is due in the books of one company; without one, queue that for each that has something."""
    if entity_id is None:
        for due in entities_with_due(utc_now()):
            expire_pending.delay(str(due))
        return
    entity = _company(entity_id)
    if entity is None:
        return
    expired = sum(services.expire_pending(entity=entity, now=utc_now(), actor=SYSTEM))
    log.info("transactions.expired", entity=entity.public_id, count=expired)


@shared_task(name="transactions.verify_books", **_RETRY)  # type: ignore[untyped-decorator]
def verify_books(entity_id: str | None = None) -> None:
    """Check the books of one company and log each difference; without one, queue that for every company."""
    if entity_id is None:
        companies = Entity.objects.exclude(status=EntityStatus.DELETING).order_by("id")
        for company_id in companies.values_list("id", flat=True).iterator():
            verify_books.delay(str(company_id))
        return
    entity = _company(entity_id)
    if entity is None:
        return
    found = 0
    for difference in verification.verify_books(entity):
        found += 1
        log.error(
            "transactions.books_differ",
            entity=entity.public_id,
            check=difference.check,
            difference=difference.message,
        )
    log.info("transactions.books_verified", entity=entity.public_id, differences=found)


def _company(entity_id: str) -> Entity | None:
    """The company, or None where it was removed after the task was queued."""
    return Entity.objects.exclude(status=EntityStatus.DELETING).filter(id=UUID(entity_id)).first()
