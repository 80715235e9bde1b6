"""A real Celery worker and a real beat of the tests, as processes that may be killed and started again.

They work on the database of the test that starts them, which must commit (`django_db(transaction=True)`), or
on that of a live server, whose `environ` is given then. Queues are those of the test process alone. Loaded by
name, modules that register background work only for tests are known to the worker, too::

    with BackgroundWorker(include=["openledger.tests.background_examples"]) as worker:
        task = start_task(entity=entity, name="tests.steps", arguments={"steps": 3})
        worker.wait_for(task, TaskState.SUCCEEDED)

What takes a minute in production takes seconds here: that a worker is taken for dead, that lost work
is sent again, and the first pause before another attempt.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil
from celery import current_app
from django.db import connection
from psycopg.conninfo import make_conninfo

from ledger.choices import TaskState
from ledger.models import BackgroundTask
from openledger import embedded
from openledger.tests.live import as_url

WAIT_SECONDS: Final = 60
STOP_SECONDS: Final = 20
QUICK: Final = {
    "TASK_LOST_SECONDS": "3",
    "TASK_RESEND_SECONDS": "2",
    "TASK_SWEEP_SECONDS": "1",
    "TASK_RETRY_SECONDS": "0.5",
    "EXPIRE_PENDING_SECONDS": "1",
    "LOG_LEVEL": "DEBUG",
}


class _Process:
    """A process of Celery in a session of its own, so that it goes with all its children."""

    # What it writes once it is there; empty where nobody waits for it.
    ready: str = ""

    def __init__(self, *, environ: Mapping[str, str] | None = None, **more: str) -> None:
        self.environ = {**(_of_this_test() if environ is None else environ), **QUICK, **more}
        self._process: subprocess.Popen[bytes] | None = None
        self._directory = tempfile.TemporaryDirectory(prefix="ol-worker-")
        self._output = Path(self._directory.name) / "output"
        self._output.touch()
        self._written = ""

    def arguments(self) -> list[str]:
        """What stands behind `celery -A openledger`."""
        raise NotImplementedError

    @property
    def output(self) -> str:
        """Everything that it, and those before it, wrote."""
        if self._output.exists():
            self._written = self._output.read_text(errors="replace")
        return self._written

    def start(self) -> None:
        """Start it, and wait until it is there, where it says so."""
        before = self.output.count(self.ready) if self.ready else 0
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "celery", "--app", "openledger", *self.arguments()],
                cwd=embedded.PROJECT_DIRECTORY,
                env=self.environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if self.ready:
            self.until(lambda: self.output.count(self.ready) > before, "it is ready")

    def stop(self) -> None:
        """End it as a supervisor does: what it has begun is finished. None running does no harm."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it and its children at once, as `kill -9` and a power cut do."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def until(self, condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the condition holds. Fails, with what the process wrote, where it doesn't in time, and
        at once where the process has ended by itself."""
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self._process is not None and self._process.poll() is not None
            assert not ended, f"it has ended before {what}\n{self.output}"
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.output}"
            time.sleep(0.05)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            # The test has seen what it wanted; a stop that waits for the queue would take some seconds more.
            self.kill()
        finally:
            self.output  # noqa: B018 - can still be asked for
            self._directory.cleanup()


class BackgroundWorker(_Process):
    """`celery worker` with processes of its own for the work."""

    ready = " ready."

    def __init__(
        self,
        *,
        include: Sequence[str] = (),
        concurrency: int = 1,
        environ: Mapping[str, str] | None = None,
        **more: str,
    ) -> None:
        super().__init__(environ=environ, **more)
        self.include, self.concurrency = tuple(include), concurrency

    def arguments(self) -> list[str]:
        """As the Procfile has it, with the tests' own work known to it."""
        included = ["--include", ",".join(self.include)] if self.include else []
        return [
            *("worker", "--pool", "prefork", "--concurrency", str(self.concurrency)),
            *("--without-mingle", "--without-gossip", *included),
        ]

    def wait_for(
        self, task: BackgroundTask, state: TaskState, seconds: float = WAIT_SECONDS
    ) -> BackgroundTask:
        """Wait until the task is in that state, and return its row; fails at once where it ends otherwise."""

        def reached() -> bool:
            task.refresh_from_db()
            ended = task.state in (TaskState.SUCCEEDED, TaskState.FAILED)
            assert task.state == state or not ended, f"{task}: {task.state} {task.error}\n{self.output}"
            return task.state == state

        self.until(reached, f"{task} is {state}", seconds)
        return task

    def wait_for_progress(self, task: BackgroundTask, done: int) -> BackgroundTask:
        """Wait until the row says that so much is done."""

        def reached() -> bool:
            task.refresh_from_db()
            return task.done >= done

        self.until(reached, f"{task} has done {done}")
        return task

    def kill_children(self) -> None:
        """`kill -9` the processes that do the work, as the kernel does where memory runs out."""
        assert self._process is not None
        for child in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


class Beat(_Process):
    """`celery beat`, which says when what comes round is due. It gets ready while the worker does."""

    def arguments(self) -> list[str]:
        """With a schedule of its own, which begins anew."""
        schedule = Path(self._directory.name) / "schedule"
        return [
            "beat",
            "--pidfile=",
            "--schedule",
            str(schedule),
            "--max-interval",
            "1",
        ]


def empty_queue() -> None:
    """Take everything out of this process's queue, as a Redis that lost its memory does."""
    current_app.control.purge()


def _of_this_test() -> dict[str, str]:
    """The environment of processes that share the test's database and queues."""
    database = str(connection.settings_dict["NAME"])
    return {
        **os.environ,
        "DATABASE_URL": as_url(make_conninfo(embedded.database_url(os.environ), dbname=database)),
        "REDIS_URL": embedded.redis_url(os.environ),
    }
