"""Background work: its rows, what is given to the queue, and what a worker does with a row."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from celery import current_app
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import LazySettings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from ledger import background, background_rows, db
from ledger.actors import SYSTEM, Actor
from ledger.background import TaskLostError, TaskRun, background_task, start_task
from ledger.background_rows import Claim, Progress
from ledger.background_runs import run_task
from ledger.choices import ActorKind, TaskState
from ledger.exceptions import BusyError, ConflictError, ProviderError
from ledger.models import BackgroundTask, Entity, User
from ledger.services.entities import delete_entity
from ledger.tests.helpers import make_developer, make_entity, run_background

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, float | None]]


class AwayError(ProviderError):
    """Passes by itself."""


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the queue is given, instead of giving it: the id of the task, and after how many seconds."""
    taken: Sent = []

    def send_task(name: str, *, args: list[str], countdown: float | None, **options: Any) -> None:
        assert name == "ledger.run_task"
        taken.append((args[1], countdown))

    monkeypatch.setattr(current_app, "send_task", send_task)
    return taken


@pytest.fixture
def queue_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def send_task(*arguments: Any, **options: Any) -> None:
        raise ConnectionError("nobody listens")

    monkeypatch.setattr(current_app, "send_task", send_task)


Does = Callable[[Callable[[TaskRun], str | None]], str]


@pytest.fixture
def work() -> Iterator[Does]:
    """Registers a function as work, for the test alone, and gives its name back."""
    names: list[str] = []

    def register(does: Callable[[TaskRun], str | None]) -> str:
        names.append(f"tests.work{uuid4()}")
        background_task(names[-1], retry_on=(AwayError,), attempts_max=3)(does)
        return names[-1]

    yield register
    for name in names:
        del background._registered[name]


def raising(error: Exception) -> Callable[[TaskRun], str]:
    def does(run: TaskRun) -> str:
        raise error

    return does


def started(entity: Entity, name: str, **more: Any) -> BackgroundTask:
    """A row after a worker has had it once."""
    task = start_task(entity=entity, name=name, **more)
    run_task(entity.id, task.id)
    task.refresh_from_db()
    return task


def age(task: BackgroundTask, seconds: float) -> None:
    """Let its worker not have been seen for so long."""
    BackgroundTask.objects.filter(id=task.id).update(seen_at=timezone.now() - timedelta(seconds=seconds))


# --- asking for work -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_work_is_sent_when_the_transaction_that_wants_it_is_committed(entity: Entity, sent: Sent) -> None:
    with transaction.atomic():
        task = start_task(entity=entity, name="tests.any", arguments={"to": 3})
        assert sent == []

    assert sent == [(str(task.id), None)]
    assert (task.state, task.arguments, task.attempts) == (TaskState.QUEUED, {"to": 3}, 0)


@pytest.mark.django_db(transaction=True)
def test_work_is_sent_at_once_where_there_is_no_transaction(entity: Entity, sent: Sent) -> None:
    task = start_task(entity=entity, name="tests.any")

    assert sent == [(str(task.id), None)]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_wanted_no_work(entity: Entity, sent: Sent) -> None:
    with transaction.atomic():
        start_task(entity=entity, name="tests.any")
        transaction.set_rollback(True)

    assert sent == []
    assert not BackgroundTask.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_away_does_not_fail_the_request(entity: Entity, queue_is_away: None) -> None:
    with transaction.atomic():
        task = start_task(entity=entity, name="tests.any")

    task.refresh_from_db()
    assert (task.state, task.sent_at) == (TaskState.QUEUED, None)


def test_asking_again_gives_the_work_that_waits(
    entity: Entity, work: Does, django_capture_on_commit_callbacks: Any, sent: Sent
) -> None:
    other = make_entity(make_developer().developer)
    name = work(lambda run: None)

    with django_capture_on_commit_callbacks(execute=True):
        first = start_task(entity=entity, name=name, key="one")
        again = start_task(entity=entity, name=name, key="one")
        elsewhere = start_task(entity=other, name=name, key="one")
        another_key = start_task(entity=entity, name=name, key="two")
        BackgroundTask.objects.filter(id=first.id).update(state=TaskState.SUCCEEDED)
        afterwards = start_task(entity=entity, name=name, key="one")
        keyless = {start_task(entity=entity, name=name).id for _ in range(2)}

    assert again.id == first.id
    assert len({first.id, elsewhere.id, another_key.id, afterwards.id} | keyless) == 6
    assert len(sent) == 6


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_for_while_the_same_runs_is_done_after_it(
    entity: Entity, work: Does, sent: Sent
) -> None:
    runs: list[int] = []
    asked: list[BackgroundTask] = []

    def does(run: TaskRun) -> None:
        runs.append(run.arguments["number"])
        if not asked:
            asked.extend(
                start_task(entity=entity, name=name, arguments={"number": number}, key="one")
                for number in (2, 3)
            )
            # Its message comes while this one runs, and opens nothing.
            run_task(entity.id, asked[0].id)

    name = work(does)
    first = started(entity, name, arguments={"number": 1}, key="one")

    second, third = asked
    second.refresh_from_db()
    assert (first.state, second.state, third.id) == (TaskState.SUCCEEDED, TaskState.QUEUED, second.id)
    assert runs == [1]
    # It was sent when it was asked for, and once more when there was room for it.
    assert [task_id for task_id, _ in sent] == [str(first.id), str(second.id), str(second.id)]
    run_task(entity.id, second.id)
    assert runs == [1, 2]


@pytest.mark.parametrize("end", [ConflictError("Refused."), KeyError("a fault of ours")])
def test_work_that_fails_gives_the_place_to_what_waits_behind_it(
    entity: Entity, work: Does, sent: Sent, end: Exception
) -> None:
    def does(run: TaskRun) -> None:
        if run.arguments:
            start_task(entity=entity, name=name, key="one")
            raise end

    name = work(does)
    task = start_task(entity=entity, name=name, arguments={"fails": True}, key="one")
    with nullcontext() if isinstance(end, ConflictError) else pytest.raises(KeyError):
        run_task(entity.id, task.id)

    second = BackgroundTask.objects.exclude(id=task.id).get()
    assert sent == [(str(second.id), None)]
    run_task(entity.id, second.id)
    second.refresh_from_db()
    assert second.state == TaskState.SUCCEEDED


def test_work_that_fails_in_passing_is_not_tried_again_where_the_same_waits(
    entity: Entity, work: Does, sent: Sent
) -> None:
    def does(run: TaskRun) -> None:
        if run.arguments:
            start_task(entity=entity, name=name, key="one")
            raise AwayError("The bank does not answer.")

    name = work(does)
    task = started(entity, name, arguments={"fails": True}, key="one")

    second = BackgroundTask.objects.exclude(id=task.id).get()
    assert (task.state, task.attempts) == (TaskState.FAILED, 1)
    assert task.error == "The bank does not answer. It was asked for once more, and is tried again as that."
    assert (second.state, sent) == (TaskState.QUEUED, [(str(second.id), None)])


def test_what_waits_behind_work_of_a_dead_worker_waits_until_another_has_ended_it(
    entity: Entity, work: Does, sent: Sent
) -> None:
    runs: list[int] = []
    name = work(lambda run: runs.append(run.arguments["number"]))
    first = start_task(entity=entity, name=name, arguments={"number": 1}, key="one")
    background_rows.claim(entity.id, first.id, lost_seconds=60)
    second = start_task(entity=entity, name=name, arguments={"number": 2}, key="one")
    age(first, 61)

    run_task(entity.id, second.id)
    assert runs == []
    run_task(entity.id, first.id)
    assert sent == [(str(second.id), None)]
    run_task(entity.id, second.id)
    assert runs == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_get_one(entity: Entity, sent: Sent) -> None:
    def ask() -> UUID:
        try:
            return start_task(entity=entity, name="tests.any", key="one").id
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        ids = {future.result() for future in [threads.submit(ask) for _ in range(16)]}

    assert ids == {UUID(sent[0][0])}
    assert len(sent) == 1


def test_two_kinds_of_work_may_not_share_a_name() -> None:
    def elsewhere(run: TaskRun) -> str:
        return ""

    elsewhere.__module__ = "banking.somewhere"
    name = f"tests.shared{uuid4()}"
    background_task(name)(lambda run: None)
    with pytest.raises(RuntimeError, match="two background tasks"):
        background_task(name)(elsewhere)
    del background._registered[name]


# --- doing it ------------------------------------------------------------------------------------


def test_work_is_done_and_its_row_says_so(entity: Entity, work: Does) -> None:
    def count(run: TaskRun) -> str:
        run.progress(done=3, total=run.arguments["to"], message="Counting")
        return f"Counted to {run.arguments['to']} for {run.entity.legal_name}"

    start_task(entity=entity, name=work(count), arguments={"to": 4})
    (task,) = run_background(entity)

    assert (task.state, task.done, task.total, task.percent) == (TaskState.SUCCEEDED, 3, 4, 75)
    assert task.message == "Counted to 4 for Corner Bakery LLC"
    assert (task.error, task.attempts) == ("", 1)
    assert task.created_at <= (task.started_at or task.created_at) <= (task.finished_at or task.created_at)


def test_what_ended_is_not_done_again(entity: Entity, work: Does) -> None:
    runs: list[int] = []
    task = started(entity, work(lambda run: runs.append(run.attempt)))

    run_task(entity.id, task.id)

    assert runs == [1]


def test_what_a_live_worker_does_is_not_begun_by_another(entity: Entity, work: Does) -> None:
    runs: list[int] = []
    task = start_task(entity=entity, name=work(lambda run: runs.append(run.attempt)))
    background_rows.claim(entity.id, task.id, lost_seconds=60)

    run_task(entity.id, task.id)
    age(task, 59)
    run_task(entity.id, task.id)

    assert runs == []


def test_work_of_a_dead_worker_is_taken_over(entity: Entity, work: Does) -> None:
    runs: list[int] = []
    task = start_task(entity=entity, name=work(lambda run: runs.append(run.attempt)))
    background_rows.claim(entity.id, task.id, lost_seconds=60)
    age(task, 61)

    run_task(entity.id, task.id)

    task.refresh_from_db()
    assert runs == [2]
    assert task.state == TaskState.SUCCEEDED


def test_a_worker_that_was_taken_for_dead_writes_nothing_any_more(entity: Entity) -> None:
    task = start_task(entity=entity, name="tests.any")
    background_rows.claim(entity.id, task.id, lost_seconds=60)
    age(task, 61)
    background_rows.claim(entity.id, task.id, lost_seconds=60)

    late = Claim(entity.id, task.id, 1)
    assert not background_rows.mark_seen(late, Progress(5))
    assert not background_rows.finish(late, Progress(5), state=TaskState.FAILED)
    assert not background_rows.mark_for_retry(late, Progress(5), error="", delay_seconds=1)
    task.refresh_from_db()
    assert (task.state, task.done, task.attempts) == (TaskState.RUNNING, 0, 2)
    assert background_rows.mark_seen(Claim(entity.id, task.id, 2), Progress(6))


@pytest.mark.django_db(transaction=True)
def test_many_workers_that_get_the_same_do_it_once(entity: Entity, work: Does, sent: Sent) -> None:
    runs: list[int] = []
    all_there = threading.Barrier(8)

    def does(run: TaskRun) -> None:
        runs.append(run.attempt)
        time.sleep(0.2)

    task = start_task(entity=entity, name=work(does))

    def deliver() -> None:
        all_there.wait()
        try:
            run_task(entity.id, task.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(deliver) for _ in range(8)]:
            future.result()

    assert runs == [1]


@pytest.mark.django_db(transaction=True)
def test_progress_shows_in_the_middle_of_a_database_transaction_and_tells_that_the_worker_lives(
    entity: Entity, work: Does, sent: Sent, settings: LazySettings
) -> None:
    settings.TASK_LOST_SECONDS = 0.4
    seen: list[Any] = []

    def look() -> None:
        seen.append(BackgroundTask.objects.get(entity_id=entity.id))
        connection.close()

    def does(run: TaskRun) -> None:
        with transaction.atomic():
            for number in (1, 2):
                run.progress(done=number, total=2, message=f"Number {number}")
                time.sleep(0.5)
                other = threading.Thread(target=look)
                other.start()
                other.join()
            # Silent, but alive.
            time.sleep(1)
            other = threading.Thread(target=look)
            other.start()
            other.join()

    task = started(entity, work(does))

    first, second, third = seen
    assert (first.done, first.message, first.state) == (1, "Number 1", TaskState.RUNNING)
    assert (second.done, second.message) == (2, "Number 2")
    assert (third.seen_at - second.seen_at).total_seconds() > 0.5
    assert task.state == TaskState.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_a_worker_learns_that_its_work_is_no_longer_its_own(
    entity: Entity, work: Does, sent: Sent, settings: LazySettings
) -> None:
    settings.TASK_LOST_SECONDS = 0.2
    ended: list[str] = []

    def does(run: TaskRun) -> None:
        BackgroundTask.objects.filter(entity_id=entity.id).update(attempts=2)
        try:
            for number in range(100):
                run.progress(done=number)
                time.sleep(0.05)
        except TaskLostError:
            ended.append("stopped")
            raise

    task = started(entity, work(does))

    assert ended == ["stopped"]
    assert (task.state, task.attempts) == (TaskState.RUNNING, 2)


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AwayError("The bank does not answer."), "The bank does not answer."),
        (BusyError(), "Another request is changing the same records"),
        (OperationalError("deadlock detected"), "could not serve this for the moment (OperationalError)"),
    ],
)
def test_passing_errors_are_tried_again_later_each_time_and_then_given_up(
    entity: Entity, work: Does, sent: Sent, error: Exception, text: str, settings: LazySettings
) -> None:
    settings.TASK_RETRY_SECONDS = 10
    task = started(entity, work(raising(error)))

    assert (task.state, task.attempts, task.finished_at) == (TaskState.QUEUED, 1, None)
    assert text in task.error
    run_task(entity.id, task.id)
    run_task(entity.id, task.id)

    (first, first_pause), (second, second_pause) = sent
    assert first == second == str(task.id)
    assert 5 <= cast("float", first_pause) <= 10 <= cast("float", second_pause) <= 20
    task.refresh_from_db()
    assert (task.state, task.attempts) == (TaskState.FAILED, 3)
    assert text in task.error
    assert task.finished_at is not None


def test_what_is_due_later_counts_as_sent_then(entity: Entity, work: Does, sent: Sent) -> None:
    task = started(entity, work(raising(AwayError("Away."))))

    assert task.sent_at is not None
    assert task.seen_at is not None
    assert (task.sent_at - task.seen_at).total_seconds() == pytest.approx(cast("float", sent[0][1]), abs=0.5)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_in_the_middle_of_the_work_is_a_passing_error(
    entity: Entity, work: Does, sent: Sent
) -> None:
    def does(run: TaskRun) -> None:
        if run.attempt == 1:
            db.fetch("SELECT pg_terminate_backend(pg_backend_pid())")

    task = started(entity, work(does))
    run_task(entity.id, task.id)

    assert (task.state, task.attempts) == (TaskState.QUEUED, 1)
    assert len(sent) == 2  # at first, and for the second attempt
    task.refresh_from_db()
    assert (task.state, task.attempts, task.error) == (TaskState.SUCCEEDED, 2, "")


def test_an_error_of_the_books_ends_the_work_with_its_words(entity: Entity, work: Does, sent: Sent) -> None:
    def does(run: TaskRun) -> None:
        run.progress(done=2, total=5)
        raise ConflictError("The period is closed; reopen it first.")

    task = started(entity, work(does))

    assert (task.state, task.error) == (TaskState.FAILED, "The period is closed; reopen it first.")
    assert (task.done, task.total, task.attempts) == (2, 5, 1)
    assert sent == []


def test_an_error_that_nobody_foresaw_is_noted_in_general_words_and_raised(
    entity: Entity, work: Does, caplog: pytest.LogCaptureFixture
) -> None:
    task = start_task(entity=entity, name=work(raising(KeyError("account number 123"))))

    with pytest.raises(KeyError):
        run_task(entity.id, task.id)

    task.refresh_from_db()
    assert task.state == TaskState.FAILED
    assert task.error.startswith("Something went wrong that should not")
    assert "123" not in task.error
    logged = [record for record in caplog.records if "tasks.failed" in record.getMessage()]
    assert len(logged) == 1
    assert task.public_id in logged[0].getMessage()


def test_work_that_takes_too_long_is_stopped_and_says_so(entity: Entity, work: Does) -> None:
    task = started(entity, work(raising(SoftTimeLimitExceeded())))

    assert task.state == TaskState.FAILED
    assert task.error == "Stopped, because it took longer than 3600 seconds; tell the operator."


def test_work_that_outlives_no_worker_is_given_up(entity: Entity, work: Does) -> None:
    runs: list[int] = []
    task = start_task(entity=entity, name=work(lambda run: runs.append(run.attempt)))
    for _ in range(3):
        background_rows.claim(entity.id, task.id, lost_seconds=60)
        age(task, 61)

    run_task(entity.id, task.id)

    task.refresh_from_db()
    assert runs == []
    assert task.state == TaskState.FAILED
    assert task.error.startswith("Given up after 3 attempts")


def test_work_that_this_worker_does_not_know_is_left_for_a_newer_one(entity: Entity, sent: Sent) -> None:
    task = started(entity, "tests.of_the_next_version")

    assert task.state == TaskState.QUEUED
    assert task.error == 'This worker knows no task "tests.of_the_next_version".'
    assert len(sent) == 1


def test_what_the_table_cannot_hold_is_cut(entity: Entity, work: Does) -> None:
    def does(run: TaskRun) -> str:
        run.progress(done=2**40, total=2**41)
        return "a\0b\ud800" + "x" * 1000

    task = started(entity, work(does))
    failed = started(entity, work(raising(ConflictError("y\0" * 2000))))

    assert task.message == "ab?" + "x" * 497
    assert (task.done, task.total) == (2**31 - 1, 2**31 - 1)
    assert failed.error == "y" * 1000


# --- companies and people ------------------------------------------------------------------------


def test_a_removed_company_takes_its_work_with_it(entity: Entity, work: Does) -> None:
    runs: list[int] = []
    other = make_entity(make_developer().developer)
    task = start_task(entity=entity, name=work(lambda run: runs.append(run.attempt)))
    kept = start_task(entity=other, name="tests.any")

    delete_entity(entity=entity, actor=SYSTEM)
    run_task(entity.id, task.id)

    assert runs == []
    assert list(BackgroundTask.objects.values_list("id", flat=True)) == [kept.id]


def test_work_that_was_asked_for_while_the_company_was_being_removed_goes(entity: Entity, work: Does) -> None:
    runs: list[int] = []
    name = work(lambda run: runs.append(run.attempt))
    delete_entity(entity=entity, actor=SYSTEM)
    task_id, _ = background_rows.insert(entity_id=entity.id, name=name, arguments={}, key="", created_by=None)

    run_task(entity.id, task_id)

    assert runs == []
    assert not BackgroundTask.objects.exists()


def test_a_company_that_is_removed_in_the_middle_of_the_work_ends_it_quietly(
    entity: Entity, work: Does, sent: Sent
) -> None:
    def does(run: TaskRun) -> None:
        delete_entity(entity=entity, actor=SYSTEM)
        raise KeyError("nothing is there any more")

    task = start_task(entity=entity, name=work(does))
    run_task(entity.id, task.id)

    assert not BackgroundTask.objects.filter(id=task.id).exists()
    assert sent == []


def test_the_work_of_one_company_is_not_done_under_the_name_of_another(entity: Entity, work: Does) -> None:
    runs: list[int] = []
    other = make_entity(make_developer().developer)
    task = start_task(entity=entity, name=work(lambda run: runs.append(run.attempt)))

    run_task(other.id, task.id)

    assert runs == []


def test_work_is_done_in_the_name_of_who_asked_for_it(work: Does) -> None:
    made = make_developer()
    entity = make_entity(made.developer)
    ann = User.objects.create_user("ann")
    key = made.first_key.key
    actors: list[Actor] = []
    name = work(lambda run: actors.append(run.actor))

    for actor in (
        Actor(ActorKind.API_KEY, id=key.id, label="x"),
        Actor(ActorKind.USER, id=ann.id, label="x"),
        SYSTEM,
        Actor(ActorKind.API_KEY, id=uuid4(), label="gone"),
    ):
        started(entity, name, actor=actor)

    assert actors == [
        Actor(ActorKind.API_KEY, id=key.id, label=key.name),
        Actor(ActorKind.USER, id=ann.id, label="ann"),
        SYSTEM,
        SYSTEM,
    ]


def test_a_run_costs_few_statements(
    entity: Entity, work: Does, django_assert_num_queries: Any, sent: Sent
) -> None:
    name = work(lambda run: None)
    with django_assert_num_queries(2):  # the row in, the row out
        task = start_task(entity=entity, name=name, key="one")
    # Taken (with a savepoint around it, in a test), the company, ended, what waits behind it.
    with django_assert_num_queries(6):
        run_task(entity.id, task.id)
    assert db.fetch("SELECT state FROM ledger_backgroundtask WHERE id = %s", [task.id]) == [("succeeded",)]
