"""A sync of a bank by a real worker that is killed in the middle of it: every line is there exactly once.

The points of the kill are reached by slowing the bank down, and by holding what the sync must write to next.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from io import StringIO
from typing import Final

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from psycopg.conninfo import make_conninfo

from banking.choices import LineStatus, LinkKind
from banking.models import BankConnection, BankLine, LineLink
from banking.querysets import SYNC_CONNECTION
from banking.sandbox.feed import changes
from banking.sandbox.tokens import read_access_token
from banking.services.connecting import exchange, store_connection
from ledger.actors import SYSTEM
from ledger.choices import TaskState
from ledger.encryption import decrypt
from ledger.models import BackgroundTask, Entity
from ledger.tests.helpers import make_developer, make_entity
from openledger import embedded
from openledger.tests.worker import BackgroundWorker, Beat, empty_queue
from transactions.choices import Source
from transactions.models import Transaction

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

# A year of three accounts, in some pages.
PUBLIC_TOKEN: Final = "public-sandbox-retail-3"
DELAY_SECONDS: Final = "0.6"
Kill = Callable[[BackgroundWorker, BackgroundTask], None]


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    """Begin and end with nothing in the queue of this process."""
    empty_queue()
    yield
    empty_queue()


_WAITING: Final = "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


@contextmanager
def holding(statement: str) -> Iterator[Callable[[], bool]]:
    """Hold a lock in a session beside; yields what says whether somebody waits for it.

    Who still waits at the end gets nothing: the database would do what a dead worker had sent.
    """
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(make_conninfo(embedded.database_url(os.environ), dbname=name)) as beside:
        beside.execute(statement)

        def waiting() -> list[int]:
            with connection.cursor() as cursor:
                cursor.execute(_WAITING, [beside.info.backend_pid])
                return [row[0] for row in cursor.fetchall()]

        yield lambda: bool(waiting())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) AS pid", [waiting()])
        beside.rollback()


def while_the_first_page_is_there(worker: BackgroundWorker, task: BackgroundTask) -> None:
    worker.wait_for_progress(task, 100)
    worker.kill()
    assert not BankLine.objects.exists()


def while_most_pages_are_there(worker: BackgroundWorker, task: BackgroundTask) -> None:
    worker.wait_for_progress(task, 300)
    worker.kill()
    assert not BankLine.objects.exists()


def with_lines_stored_and_nothing_recorded(worker: BackgroundWorker, task: BackgroundTask) -> None:
    with holding("LOCK TABLE transactions_transaction IN SHARE MODE") as is_awaited:
        worker.until(is_awaited, "the sync records what it has stored")
        worker.kill()
    assert not BankLine.objects.exists()


def with_transactions_made_and_nothing_linked(worker: BackgroundWorker, task: BackgroundTask) -> None:
    with holding("LOCK TABLE banking_linelink IN SHARE MODE") as is_awaited:
        worker.until(is_awaited, "the sync links what it has recorded")
        worker.kill()
    assert not Transaction.objects.exists()


def with_all_committed_and_nobody_told(worker: BackgroundWorker, task: BackgroundTask) -> None:
    worker.wait_for_progress(task, 100)
    with holding(f"SELECT FROM ledger_backgroundtask WHERE id = '{task.id}' FOR UPDATE") as is_awaited:
        worker.until(BankLine.objects.exists, "the lines are committed")
        worker.until(is_awaited, "the sync says how it went")
        worker.kill()
    task.refresh_from_db()
    assert task.state == TaskState.RUNNING


@pytest.mark.parametrize(
    "kill",
    [
        while_the_first_page_is_there,
        while_most_pages_are_there,
        with_lines_stored_and_nothing_recorded,
        with_transactions_made_and_nothing_linked,
        with_all_committed_and_nobody_told,
    ],
)
def test_a_sync_that_is_killed_is_finished_by_another_worker_with_every_line_once(kill: Kill) -> None:
    entity = make_entity(make_developer().developer)
    with Beat(), BackgroundWorker(SANDBOX_DELAY_SECONDS=DELAY_SECONDS) as worker:
        bank, task = connected(entity)
        kill(worker, task)
        worker.start()
        worker.wait_for(task, TaskState.SUCCEEDED)

    assert task.attempts == 2
    assert_every_line_is_there_once(entity, bank)


def test_a_sync_whose_workers_are_killed_again_and_again_still_ends() -> None:
    entity = make_entity(make_developer().developer)
    with Beat(), BackgroundWorker(SANDBOX_DELAY_SECONDS=DELAY_SECONDS) as worker:
        bank, task = connected(entity)
        for attempt in (1, 2, 3):
            worker.until(lambda: is_under_way(task, attempt), f"attempt {attempt} is under way")  # noqa: B023
            worker.kill()
            worker.start()
        worker.wait_for(task, TaskState.SUCCEEDED)

    assert task.attempts == 4
    assert_every_line_is_there_once(entity, bank)


def connected(entity: Entity) -> tuple[BankConnection, BackgroundTask]:
    """A new connection, and the first sync that it has asked for."""
    arrival = exchange(entity=entity, public_token=PUBLIC_TOKEN)
    made = store_connection(entity=entity, public_token=PUBLIC_TOKEN, arrival=arrival, actor=SYSTEM)
    return made.connection, BackgroundTask.objects.get(entity=entity, name=SYNC_CONNECTION)


def is_under_way(task: BackgroundTask, attempt: int) -> bool:
    task.refresh_from_db()
    return task.attempts == attempt and task.state == TaskState.RUNNING and task.done >= 100


def assert_every_line_is_there_once(entity: Entity, bank: BankConnection) -> None:
    """What the bank has booked and what it has pending is stored, linked and in the books, each line once."""
    bank.refresh_from_db()
    feed = read_access_token(decrypt(bank.access_token))
    assert feed is not None
    told = changes(feed, None, date.fromisoformat(bank.cursor)).added
    lines = BankLine.objects.filter(entity=entity)
    assert sorted(lines.values_list("provider_line_id", flat=True)) == sorted(line.id for line in told)
    booked = sorted(line.id for line in told if not line.pending)
    assert len(booked) > 300
    recorded = lines.filter(status=LineStatus.RECORDED)
    assert sorted(recorded.values_list("provider_line_id", flat=True)) == booked
    # One transaction for each line, and one for both lines of a transfer.
    links = LineLink.objects.filter(entity=entity)
    assert sorted(links.values_list("line_id", flat=True)) == sorted(recorded.values_list("id", flat=True))
    sides = links.filter(kind=LinkKind.TRANSFER)
    assert sides.count() == 2 * sides.values("transaction").distinct().count() > 20
    made = Transaction.objects.for_entity(entity).filter(source=Source.BANK)
    assert made.count() == len(booked) - sides.count() // 2
    assert set(made.values_list("id", flat=True)) == set(links.values_list("transaction_id", flat=True))
    # It exits with an error where anything is wrong.
    call_command("verify", stdout=StringIO(), stderr=StringIO())
