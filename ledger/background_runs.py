"""What a worker does with one row of background work."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from ledger import background_rows as rows
from ledger.api.json import decode
from ledger.background import Registered, TaskLostError, TaskRun, registered, send
from ledger.background_rows import Claim, SupersededError
from ledger.choices import EntityStatus, TaskState
from ledger.exceptions import LedgerError, shown
from ledger.ids import Prefix, encode_id
from ledger.models import Entity

log = structlog.get_logger(__name__)

# How often progress is written.
WRITE_SECONDS: Final = 1.0
# A live worker is seen several times before it could be taken for dead.
SEEN_TIMES: Final = 4
DELAY_SECONDS_MAX: Final = 600


def run_task(entity_id: UUID, task_id: UUID) -> None:
    """Do the work of a row, and write into it how that ended.

    Nothing happens where the row or its company is gone, has ended, or is worked on by a live worker: a queue
    may deliver twice. Nor where another one of its name and key runs: whoever ends that one sends it again.
    What a dead worker began is begun again. An error that nobody foresaw is raised, after it was noted.
    """
    claimed = rows.claim(entity_id, task_id, lost_seconds=settings.TASK_LOST_SECONDS)
    if claimed is None:
        return
    claim = Claim(entity_id, task_id, claimed.attempt, claimed.name, claimed.key)
    entity = Entity.objects.exclude(status=EntityStatus.DELETING).filter(id=entity_id).first()
    if entity is None:  # it was removed while the work was being asked for
        rows.drop(claim)
        return
    run = TaskRun(
        entity=entity,
        arguments=decode(claimed.arguments.encode()),
        attempt=claimed.attempt,
        created_by=claimed.created_by,
    )
    kind = registered(claimed.name)
    if kind is None:
        # A worker of a former version during an upgrade: a newer one may take it.
        _try_again(claim, run, f"This worker knows no task {shown(claimed.name)}.", attempts_max=5)
        return
    if claimed.attempt > kind.attempts_max:
        _finish(
            claim,
            run,
            TaskState.FAILED,
            f"Given up after {kind.attempts_max} attempts: the worker ended each time in the middle of the "
            "work. Tell the operator, who finds the reason in the worker's log, and start it again.",
        )
        return
    _work(kind, claim, run)


def _work(kind: Registered, claim: Claim, run: TaskRun) -> None:
    try:
        with _seen(claim, run):
            message = kind.work(run)
        if message is not None:
            run.reached = run.reached._replace(message=message)
    except TaskLostError:
        log.info("tasks.lost", task=_public(claim), name=claim.name)
    except kind.retry_on as error:
        _leave_broken_connection()
        _try_again(claim, run, _text(error), attempts_max=kind.attempts_max)
    except LedgerError as error:
        _finish(claim, run, TaskState.FAILED, _text(error))
    except SoftTimeLimitExceeded:
        _leave_broken_connection()
        log.error("tasks.too_long", task=_public(claim), name=claim.name)
        _finish(
            claim,
            run,
            TaskState.FAILED,
            f"Stopped, because it took longer than {settings.TASK_SECONDS_MAX} seconds; tell the operator.",
        )
    except Exception:
        _leave_broken_connection()
        noted = _finish(
            claim,
            run,
            TaskState.FAILED,
            "Something went wrong that should not; it was noted. Tell the operator the id of this task.",
        )
        if not noted:  # the company was removed under its feet
            return
        log.exception("tasks.failed", task=_public(claim), name=claim.name)
        raise
    else:
        _finish(claim, run, TaskState.SUCCEEDED)


def _try_again(claim: Claim, run: TaskRun, error: str, *, attempts_max: int) -> None:
    """Put the row back for a later attempt, or give it up after the last one."""
    if claim.attempt >= attempts_max:
        _finish(claim, run, TaskState.FAILED, error)
        return
    # Doubled each time, and spread, so that what failed together does not come back together.
    longest = min(settings.TASK_RETRY_SECONDS * 2 ** (claim.attempt - 1), DELAY_SECONDS_MAX)
    delay = longest * random.uniform(0.5, 1)  # noqa: S311 - no secret
    log.warning("tasks.retried", task=_public(claim), attempt=claim.attempt, error=error)
    try:
        is_ours = rows.mark_for_retry(claim, run.reached, error=error, delay_seconds=delay)
    except SupersededError:
        error = f"{error} It was asked for once more, and is tried again as that."
        _finish(claim, run, TaskState.FAILED, error)
        return
    if is_ours:
        send(claim.entity_id, claim.task_id, delay_seconds=delay)


def _finish(claim: Claim, run: TaskRun, state: TaskState, error: str = "") -> bool:
    """Write how it ended, and send what had to wait for that; False where the row is no longer ours."""
    if not rows.finish(claim, run.reached, state=state, error=error):
        log.info("tasks.lost", task=_public(claim))
        return False
    if claim.key:
        # Its message may have come while this ran, and was passed over.
        next_id = rows.waiting(claim.entity_id, claim.name, claim.key)
        if next_id is not None:
            send(claim.entity_id, next_id)
    return True


def _leave_broken_connection() -> None:
    """Let what follows an error have a connection that works; a caller's own transaction is left alone."""
    if not connection.in_atomic_block:
        close_old_connections()


def _text(error: Exception) -> str:
    """What the row says of an error: its own words where they are meant for callers."""
    if isinstance(error, LedgerError):
        return error.message
    return f"The database could not serve this for the moment ({type(error).__name__})."


def _public(claim: Claim) -> str:
    return encode_id(Prefix.TASK, claim.task_id)


@contextmanager
def _seen(claim: Claim, run: TaskRun) -> Iterator[None]:
    """Let a thread tell of the run while it lasts: that its worker lives, and how far the work is.

    It has a database connection of its own, so that progress shows while the work is in the middle of a
    database transaction, and a long statement is not taken for a dead worker.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_tell, args=(claim, run, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tell(claim: Claim, run: TaskRun, ended: threading.Event) -> None:
    write_each = min(WRITE_SECONDS, settings.TASK_LOST_SECONDS / SEEN_TIMES)
    idle_max = settings.TASK_LOST_SECONDS / SEEN_TIMES
    told, idle = run.reached, 0.0
    try:
        while not ended.wait(write_each):
            idle += write_each
            reached = run.reached
            if reached == told and idle < idle_max:
                continue
            try:
                run.lost = not rows.mark_seen(claim, reached)
                told, idle = reached, 0.0
            except DatabaseError as error:
                log.warning("tasks.not_seen", task=_public(claim), error=str(error))
                close_old_connections()
            if run.lost:
                return
    finally:
        connection.close()
