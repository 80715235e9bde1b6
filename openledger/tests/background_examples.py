"""Background work for the tests of real workers, who load this module by its name.

What it does is done in effect once: each step says in the audit trail of the company that it was done, in the
database transaction of the step, and what says so is not done again.
"""

import os
import signal
import time

from django.db.models import QuerySet
from django.db.transaction import atomic

from ledger import audit
from ledger.background import TaskRun, background_task
from ledger.exceptions import ConflictError, ProviderError
from ledger.models import AuditEvent

STEP_SECONDS = 0.1


class AwayError(ProviderError):
    """The outside service of these examples is away for the moment."""


@background_task("tests.steps")
def take_steps(run: TaskRun) -> str:
    """Take so many steps, some of which a run before this one may have taken."""
    total = run.arguments["steps"]
    for number in range(1, total + 1):
        with atomic():
            if not _notes(run, "tests.step").filter(object_id=str(number)).exists():
                _note(run, "tests.step", number)
        run.progress(done=number, total=total, message=f"Step {number}")
        time.sleep(run.arguments.get("seconds", STEP_SECONDS))
    return f"Took {total} steps"


@background_task("tests.away", retry_on=(AwayError,))
def call_who_is_away(run: TaskRun) -> str:
    """Call somebody who answers the third call alone."""
    _note(run, "tests.call", run.attempt)
    if run.attempt < 3:
        raise AwayError("Nobody answers; it is tried again.")
    return "Somebody answered"


@background_task("tests.refused")
def ask_what_is_refused(run: TaskRun) -> str:
    """Ask for what the books don't allow."""
    raise ConflictError("The period is closed; reopen it first.")


@background_task("tests.broken")
def break_down(run: TaskRun) -> str:
    """Fail as nobody foresaw."""
    return str(run.arguments["there is no such thing"])


def _notes(run: TaskRun, action: str) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(scope_id=run.entity.id, action=action)


def _note(run: TaskRun, action: str, number: int) -> None:
    with atomic():
        audit.record(
            actor=run.actor,
            action=action,
            object_type="step",
            object_id=str(number),
            entity=run.entity,
        )


@background_task("tests.deadly", attempts_max=2)
def kill_the_worker(run: TaskRun) -> str:
    """End the process that does this, as the kernel does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "Not reached"
