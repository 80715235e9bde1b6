"""Background work by real workers and a real beat, which are killed in the middle of it."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest
from django.utils import timezone

from accounts.models import Account
from accounts.querysets import default_ledger
from accounts.services import import_accounts, rows_of_template
from ledger import background_sweep
from ledger.actors import SYSTEM
from ledger.background import start_task
from ledger.choices import TaskState
from ledger.models import AuditEvent, BackgroundTask, Entity
from ledger.tests.helpers import caller_of, make_developer, make_entity
from openledger.tests.worker import BackgroundWorker, Beat, empty_queue

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

EXAMPLES: Final = ["openledger.tests.background_examples"]


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    """Begin and end with nothing in the queue of this process."""
    empty_queue()
    yield
    empty_queue()


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer)


def steps_of(entity: Entity) -> Counter[str]:
    """How often each step was taken."""
    events = AuditEvent.objects.filter(scope_id=entity.id, action="tests.step")
    return Counter(events.values_list("object_id", flat=True))


def each_once(steps: int) -> Counter[str]:
    return Counter(str(number) for number in range(1, steps + 1))


def test_a_worker_does_the_work_and_the_api_shows_how_far_it_is() -> None:
    made = make_developer()
    entity = make_entity(made.developer)
    caller = caller_of(made, entity=entity)
    caller.get("/v1/tasks")  # the first request loads all there is, and takes its time
    with BackgroundWorker(include=EXAMPLES) as worker:
        task = start_task(entity=entity, name="tests.steps", arguments={"steps": 50})
        worker.wait_for_progress(task, 2)
        midway = caller.get(f"/v1/tasks/{task.public_id}").json()
        worker.wait_for(task, TaskState.SUCCEEDED)
        ended = caller.get(f"/v1/tasks/{task.public_id}").json()

    assert midway["state"] == "running"
    assert midway["progress"]["total"] == 50
    assert 0 < midway["progress"]["percent"] < 100
    assert midway["message"] == f"Step {midway['progress']['done']}"
    assert ended["state"] == "succeeded"
    assert ended["progress"] == {"done": 50, "total": 50, "percent": 100}
    assert (ended["message"], ended["error"], ended["attempts"]) == ("Took 50 steps", None, 1)
    assert steps_of(entity) == each_once(50)


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_begun(entity: Entity) -> None:
    with BackgroundWorker(include=EXAMPLES) as worker:
        task = start_task(entity=entity, name="tests.steps", arguments={"steps": 20})
        worker.wait_for_progress(task, 2)
        worker.stop()

    task.refresh_from_db()
    assert (task.state, task.attempts) == (TaskState.SUCCEEDED, 1)
    assert steps_of(entity) == each_once(20)


def test_work_of_a_worker_that_was_killed_is_finished_by_another_and_done_once(entity: Entity) -> None:
    with Beat(), BackgroundWorker(include=EXAMPLES) as worker:
        task = start_task(entity=entity, name="tests.steps", arguments={"steps": 30})
        worker.wait_for_progress(task, 3)

        worker.kill()
        task.refresh_from_db()
        assert (task.state, task.attempts) == (TaskState.RUNNING, 1)
        assert 3 <= len(steps_of(entity)) < 30
        worker.start()
        worker.wait_for(task, TaskState.SUCCEEDED)

    assert task.attempts == 2
    assert steps_of(entity) == each_once(30)


def test_work_goes_on_where_only_the_process_that_did_it_was_killed(entity: Entity) -> None:
    with Beat(), BackgroundWorker(include=EXAMPLES) as worker:
        task = start_task(entity=entity, name="tests.steps", arguments={"steps": 30})
        worker.wait_for_progress(task, 3)

        worker.kill_children()
        worker.wait_for(task, TaskState.SUCCEEDED)

    assert task.attempts == 2
    assert steps_of(entity) == each_once(30)


def test_a_live_worker_is_not_taken_for_dead_however_long_one_step_takes(entity: Entity) -> None:
    with Beat(), BackgroundWorker(include=EXAMPLES, concurrency=2) as worker:
        # The step is longer than the time after which a worker that says nothing is taken for dead.
        task = start_task(entity=entity, name="tests.steps", arguments={"steps": 1, "seconds": 5})
        worker.wait_for(task, TaskState.SUCCEEDED)

    assert task.attempts == 1


def test_work_that_fails_each_time_its_worker_dies_is_given_up(entity: Entity) -> None:
    with Beat(), BackgroundWorker(include=EXAMPLES) as worker:
        task = start_task(entity=entity, name="tests.deadly")
        worker.wait_for(task, TaskState.FAILED)

    assert task.error.startswith("Given up after 2 attempts")
    assert task.finished_at is not None


def test_what_the_queue_lost_is_sent_again(entity: Entity) -> None:
    task = start_task(entity=entity, name="tests.steps", arguments={"steps": 1})
    empty_queue()

    with Beat(), BackgroundWorker(include=EXAMPLES) as worker:
        worker.wait_for(task, TaskState.SUCCEEDED)

    assert steps_of(entity) == each_once(1)


def test_what_comes_twice_is_done_once(entity: Entity) -> None:
    task = start_task(entity=entity, name="tests.steps", arguments={"steps": 5})
    for _ in range(3):
        BackgroundTask.objects.filter(id=task.id).update(sent_at=None)
        assert background_sweep.send_lost() == 1

    with BackgroundWorker(include=EXAMPLES, concurrency=2) as worker:
        worker.wait_for(task, TaskState.SUCCEEDED)
        worker.until(lambda: worker.output.count("succeeded in") == 4, "all four were delivered")

    task.refresh_from_db()
    assert (task.state, task.attempts) == (TaskState.SUCCEEDED, 1)
    assert steps_of(entity) == each_once(5)


def test_what_is_asked_for_while_the_same_runs_follows_it_though_nobody_sweeps(entity: Entity) -> None:
    with BackgroundWorker(include=EXAMPLES, concurrency=2) as worker:
        first = start_task(entity=entity, name="tests.steps", arguments={"steps": 20}, key="one")
        worker.wait_for_progress(first, 2)
        second = start_task(entity=entity, name="tests.steps", arguments={"steps": 1}, key="one")
        worker.wait_for(second, TaskState.SUCCEEDED)

    first.refresh_from_db()
    assert (first.state, first.attempts, second.attempts) == (TaskState.SUCCEEDED, 1, 1)
    assert first.finished_at is not None
    assert second.started_at is not None
    assert second.started_at >= first.finished_at


def test_passing_errors_are_tried_again_and_others_end_the_work(entity: Entity) -> None:
    with BackgroundWorker(include=EXAMPLES) as worker:
        away = start_task(entity=entity, name="tests.away")
        refused = start_task(entity=entity, name="tests.refused")
        broken = start_task(entity=entity, name="tests.broken")
        worker.wait_for(refused, TaskState.FAILED)
        worker.wait_for(broken, TaskState.FAILED)
        worker.wait_for(away, TaskState.SUCCEEDED)

    assert (away.attempts, away.message, away.error) == (3, "Somebody answered", "")
    assert (refused.attempts, refused.error) == (1, "The period is closed; reopen it first.")
    assert broken.attempts == 1
    assert "there is no such thing" not in broken.error
    (noted,) = [json.loads(line) for line in worker.output.splitlines() if "tasks.failed" in line]
    assert (noted["task"], noted["level"]) == (broken.public_id, "error")
    assert "KeyError: 'there is no such thing'" in noted["exception"]


def test_pending_transactions_expire_by_themselves() -> None:
    made = make_developer()
    entity = make_entity(made.developer)
    caller = caller_of(made, entity=entity)
    import_accounts(
        entity=entity,
        ledger=default_ledger(entity),
        rows=rows_of_template("tmpl_standard_business"),
        source="template",
        template_id="tmpl_standard_business",
        file_format=None,
        actor=SYSTEM,
    )
    bank, sales = (
        Account.objects.for_entity(entity).get(sub_type_code=code).public_id for code in (1010, 4010)
    )
    body = {"amount": Decimal("12.50"), "debitAccountId": bank, "creditAccountId": sales}
    soon = timezone.now() + timedelta(seconds=1)
    expiring = caller.post("/v1/transactions", body | {"expiresAt": soon.isoformat()}).json()["transaction"]
    lasting = caller.post("/v1/transactions", body).json()["transaction"]

    def status_of(transaction_id: str) -> str:
        return str(caller.get(f"/v1/transactions/{transaction_id}").json()["transaction"]["status"])

    with Beat(), BackgroundWorker() as worker:
        worker.until(lambda: status_of(expiring["id"]) == "EXPIRED", "the transaction expired")

    assert status_of(lasting["id"]) == "PENDING"
    balance = caller.get(f"/v1/accounts/{bank}/balance").json()
    assert Decimal(balance["balance"]["debits_pending"]) == Decimal("12.50")
