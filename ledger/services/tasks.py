"""Background work that failed, asked for once more."""

from django.db import transaction

from ledger import audit, background
from ledger.actors import Actor
from ledger.choices import TaskState
from ledger.exceptions import ConflictError
from ledger.models import BackgroundTask


def repeat_task(*, task: BackgroundTask, actor: Actor) -> BackgroundTask:
    """Ask for the work of a failed task again, and return the new row; the failed one stays as it is.

    Safe, because background work may run twice by its nature. Where the same waits already, that one is
    returned. Raises ConflictError for work that did not fail, or that nobody knows any more.
    """
    if task.state != TaskState.FAILED:
        raise ConflictError(f"{task.name} did not fail: it is {task.state}.")
    if background.registered(task.name) is None:
        raise ConflictError(f"There is no work named {task.name} any more, so it cannot be done again.")
    with transaction.atomic():
        again = background.start_task(
            entity=task.entity, name=task.name, arguments=task.arguments, key=task.key, actor=actor
        )
        audit.record(
            actor=actor,
            action="ledger.task.repeated",
            object_type="task",
            object_id=task.public_id,
            entity=task.entity,
            after={"name": task.name, "task": again.public_id},
        )
    return again
