"""Background work: what a request does not wait for.

`background_task` gives a function a name; `start_task` writes a row that asks for it, in the database
transaction of whoever wants the work, and gives it to the queue when that is committed. The row says how far
the work is (`/v1/tasks`). What the queue loses is found in the rows and sent again, so a task may be started
a second time, and must be safe to run twice: what it has done before it was killed is still done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, OperationalError, transaction

from ledger import background_rows as rows
from ledger.actors import SYSTEM, Actor
from ledger.background_rows import Progress
from ledger.choices import ActorKind
from ledger.exceptions import BusyError, UnavailableError
from ledger.models import ApiKey, BackgroundTask, Entity, User

__all__ = ["Registered", "TaskLostError", "TaskRun", "background_task", "registered", "send", "start_task"]

log = structlog.get_logger(__name__)

RUN_TASK: Final = "ledger.run_task"
ATTEMPTS_MAX: Final = 5
# Passing faults of the database (a lock held too long, a lost connection, a deadlock), and of ours.
PASSING: Final[tuple[type[Exception], ...]] = (OperationalError, BusyError, UnavailableError)


class TaskLostError(Exception):
    """The row is no longer this worker's: the company was removed, or another worker took the work over."""


@dataclass
class TaskRun:
    """One run of a task: what it is to do, for whom, and where it says how far it is."""

    entity: Entity
    arguments: Mapping[str, Any] = field(default_factory=dict)
    # 1 at first; the work was begun before where it is more.
    attempt: int = 1
    created_by: UUID | None = None
    # What `progress` was told last; the row gets it within a second.
    reached: Progress = field(default_factory=Progress)
    lost: bool = False

    @cached_property
    def actor(self) -> Actor:
        """Who asked for the work: an API key, a person, or the system."""
        if self.created_by is None:
            return SYSTEM
        key = ApiKey.objects.filter(id=self.created_by).first()
        if key is not None:
            return Actor(ActorKind.API_KEY, id=key.id, label=key.name)
        person = User.objects.filter(id=self.created_by).first()
        if person is not None:
            return Actor(ActorKind.USER, id=person.id, label=person.get_username())
        return SYSTEM

    def progress(
        self, *, done: int | None = None, total: int | None = None, message: str | None = None
    ) -> None:
        """Say how much is done, of how much, and what happens now; what is not given stays as it is.

        Cheap, and free to be called inside a database transaction: a thread beside the work writes it on a
        connection of its own, at most once a second. Raises TaskLostError, which a task lets pass, where the
        work is no longer this worker's.
        """
        if self.lost:
            raise TaskLostError
        before = self.reached
        self.reached = Progress(
            before.done if done is None else done,
            before.total if total is None else total,
            before.message if message is None else message,
        )


Work = Callable[[TaskRun], str | None]


@dataclass(frozen=True)
class Registered:
    """A kind of background work."""

    name: str
    work: Work
    retry_on: tuple[type[Exception], ...]
    attempts_max: int
    # Whether it does what an accountant decided about the books, and not what feeds bring by themselves.
    decides: bool


_registered: dict[str, Registered] = {}


def background_task(
    name: str,
    *,
    retry_on: tuple[type[Exception], ...] = (),
    attempts_max: int = ATTEMPTS_MAX,
    decides: bool = False,
) -> Callable[[Work], Work]:
    """Make a function the work of that name; what it returns is the row's message.

    Where it raises one of `retry_on`, or a passing error of the database, it is run again after a while,
    `attempts_max` times in all. Work that `decides` about the books is asked for again by accountants alone,
    and not by operators. Any other LedgerError ends it, with the error's message in the row. The
    module must be loaded by the worker: it is, where an app's `tasks.py` imports it.
    """

    def register(work: Work) -> Work:
        if name in _registered and _registered[name].work.__module__ != work.__module__:
            raise RuntimeError(f"two background tasks are named {name}")
        _registered[name] = Registered(name, work, (*PASSING, *retry_on), attempts_max, decides)
        return work

    return register


def registered(name: str) -> Registered | None:
    """Return the work of that name, or None where this process knows none."""
    return _registered.get(name)


def start_task(
    *,
    entity: Entity,
    name: str,
    arguments: Mapping[str, Any] | None = None,
    key: str = "",
    actor: Actor = SYSTEM,
) -> BackgroundTask:
    """Ask for the work `name` in the books of `entity`, and return its row.

    The row is written in the caller's database transaction, if there is one, and sent to the queue when that
    is committed; a queue that cannot be reached does no harm, a sweep sends it later. While one of this name
    and `key` (not empty) waits, that one is returned. While one runs, the new one waits until it has ended:
    what is asked for now may be what that one has looked for already. `arguments` are ids and other plain
    JSON, never secrets.
    """
    task_id, is_new = rows.insert(
        entity_id=entity.id, name=name, arguments=arguments or {}, key=key, created_by=actor.id
    )
    if is_new:
        transaction.on_commit(lambda: send(entity.id, task_id))
    return BackgroundTask.objects.get(entity_id=entity.id, id=task_id)


def send(entity_id: UUID, task_id: UUID, *, delay_seconds: float = 0) -> bool:
    """Give a row to the queue, to be worked on after `delay_seconds`; False where the queue did not take it.

    Never raises: the row is there, and the sweep sends what was not sent.
    """
    try:
        current_app.send_task(
            RUN_TASK,
            args=[str(entity_id), str(task_id)],
            countdown=delay_seconds or None,
            retry_policy=settings.TASK_SEND_RETRY,
        )
    except Exception as error:  # a queue fails in many ways, of several libraries
        log.warning("tasks.not_sent", task=str(task_id), error=str(error))
        try:
            rows.mark_not_sent(entity_id, task_id)
        except DatabaseError as second:  # the sweep finds it by its age then
            log.warning("tasks.not_marked", task=str(task_id), error=str(second))
        return False
    return True
