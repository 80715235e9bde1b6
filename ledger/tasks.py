"""Background work of the bottom app."""

from typing import Final
from uuid import UUID

from celery import shared_task
from django.conf import settings

from ledger import background_runs, background_sweep, idempotency


@shared_task(name="ledger.forget_idempotency_keys")  # type: ignore[untyped-decorator]
def forget_idempotency_keys() -> int:
    """Delete the idempotency keys that have served their time, and return how many; safe at any time."""
    return idempotency.forget_old()


# After the first limit the work is told to end, and its row says so; who does not listen is killed.
_LIMITS: Final = {"soft_time_limit": settings.TASK_SECONDS_MAX, "time_limit": settings.TASK_SECONDS_MAX + 60}


# One Celery task for background work of every name, not one each: what is sent is two ids, so the sweep
# needs to know nothing else, retries are rows with a later date and not the queue's, and a worker that does
# not know a name yet can say so in the row, where Celery would drop the message.
@shared_task(name="ledger.run_task", **_LIMITS)  # type: ignore[untyped-decorator]
def run_task(entity_id: str, task_id: str) -> None:
    """Do the work of a row of background work (`ledger.background`)."""
    background_runs.run_task(UUID(entity_id), UUID(task_id))


@shared_task(name="ledger.send_lost_tasks")  # type: ignore[untyped-decorator]
def send_lost_tasks() -> int:
    """Send again what the queue lost, of all companies, and return how much; safe at any time."""
    return background_sweep.send_lost()


@shared_task(name="ledger.forget_tasks")  # type: ignore[untyped-decorator]
def forget_tasks() -> int:
    """Delete the rows of background work that ended long ago, and return how many; safe at any time."""
    return background_sweep.forget_old()
