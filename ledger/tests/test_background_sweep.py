"""Lost background work is found, of all companies, and old rows go."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger import background_sweep, tasks
from ledger.background import start_task
from ledger.choices import TaskState
from ledger.models import BackgroundTask, Entity
from ledger.tests.helpers import make_developer, make_entity

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of what the queue is given, instead of giving it."""
    taken: list[str] = []

    def send_task(name: str, *, args: list[str], **options: Any) -> None:
        taken.append(args[1])

    monkeypatch.setattr(current_app, "send_task", send_task)
    return taken


def task_with(entity: Entity, **ages: Any) -> str:
    """The id of a task whose moments lie so many seconds back; other columns as given."""
    now = timezone.now()
    columns = {
        name: now - timedelta(seconds=value) if name.endswith("_at") and value is not None else value
        for name, value in ages.items()
    }
    task = start_task(entity=entity, name="tests.any")
    BackgroundTask.objects.filter(id=task.id).update(**columns)
    return str(task.id)


def test_what_was_lost_is_sent_again_of_all_companies(entity: Entity, sent: list[str]) -> None:
    other = make_entity(make_developer().developer)
    lost = {
        task_with(entity, sent_at=None),
        task_with(other, sent_at=301),
        task_with(other, state=TaskState.RUNNING, sent_at=70, seen_at=61),
    }
    # In the queue, waiting for its next attempt, alive, already sent again, and ended.
    task_with(entity, sent_at=10)
    task_with(entity, sent_at=-300)
    task_with(entity, state=TaskState.RUNNING, sent_at=4000, seen_at=5)
    task_with(entity, state=TaskState.RUNNING, sent_at=30, seen_at=100)
    task_with(entity, state=TaskState.SUCCEEDED, sent_at=4000, seen_at=4000)
    task_with(entity, state=TaskState.FAILED, sent_at=None, seen_at=4000)

    assert tasks.send_lost_tasks() == 3

    assert set(sent) == lost
    assert tasks.send_lost_tasks() == 0


def test_a_queue_that_stays_away_is_asked_once_and_what_was_lost_stays_so(
    entity: Entity, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def send_task(name: str, *, args: list[str], **options: Any) -> None:
        asked.append(args[1])
        if len(asked) > 1:
            raise ConnectionError

    lost = {task_with(entity, sent_at=None) for _ in range(5)}
    monkeypatch.setattr(current_app, "send_task", send_task)

    assert background_sweep.send_lost() == 1

    assert len(asked) == 2
    waiting = BackgroundTask.objects.filter(sent_at=None).values_list("id", flat=True)
    assert {str(one) for one in waiting} == lost - {asked[0]}


def test_many_are_taken_with_one_statement_for_each_batch(
    entity: Entity, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_sweep, "SEND_BATCH", 4)
    lost = {task_with(entity, sent_at=None) for _ in range(10)}

    with CaptureQueriesContext(connection) as statements:
        assert background_sweep.send_lost() == 10

    assert len(statements) == 3
    assert set(sent) == lost
    assert len(sent) == 10


def test_rows_of_what_ended_long_ago_go_and_others_stay(
    entity: Entity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_sweep, "FORGET_BATCH", 2)
    day = 24 * 3600
    other = make_entity(make_developer().developer)
    for owner in (entity, other, entity):
        task_with(owner, state=TaskState.SUCCEEDED, created_at=32 * day, finished_at=31 * day)
    task_with(entity, state=TaskState.FAILED, created_at=40 * day, finished_at=31 * day)
    kept = {
        task_with(entity, state=TaskState.SUCCEEDED, created_at=40 * day, finished_at=29 * day),
        task_with(entity, created_at=40 * day),
        task_with(entity, state=TaskState.RUNNING, created_at=40 * day),
    }

    assert tasks.forget_tasks() == 4

    assert {str(one) for one in BackgroundTask.objects.values_list("id", flat=True)} == kept
