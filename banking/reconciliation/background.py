"""What the background worker does with reconciliation; it may run twice without harm."""

from uuid import UUID

import structlog
from celery import shared_task
from django.db import OperationalError

from banking.reconciliation.tie_out import entities_to_tie_out, tie_out
from ledger.choices import EntityStatus
from ledger.models import Entity

log = structlog.get_logger(__name__)


@shared_task(  # type: ignore[untyped-decorator]
    name="banking.tie_out",
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    retry_jitter=True,
    max_retries=5,
)
def tie_out_banks(entity_id: str | None = None) -> None:
    """Compare banks and books of one company; without one, queue that for each that has a bank's balance."""
    if entity_id is None:
        for one in entities_to_tie_out():
            tie_out_banks.delay(str(one))
        return
    entity = Entity.objects.exclude(status=EntityStatus.DELETING).filter(id=UUID(entity_id)).first()
    if entity is not None:
        log.info("banking.tied_out", entity=entity.public_id, accounts=tie_out(entity))
