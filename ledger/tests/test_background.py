"""Background work: rows, the queue, and what a worker does with them."""

import pytest

from ledger.background import TaskRun, background_task, start_task
from ledger.background_runs import run_task
from ledger.choices import TaskState
from ledger.tests.helpers import make_developer, make_entity


@background_task("tests.count")
def count(run: TaskRun) -> str:
    run.progress(done=3, total=3)
    return f"Counted to {run.arguments['to']}"


@pytest.mark.django_db
def test_work_is_done_and_its_row_says_so() -> None:
    entity = make_entity(make_developer().developer)

    task = start_task(entity=entity, name="tests.count", arguments={"to": 3})
    again = start_task(entity=entity, name="tests.count", arguments={"to": 3})
    run_task(entity.id, task.id)

    task.refresh_from_db()
    assert again.id != task.id
    assert (task.state, task.done, task.total, task.message) == (TaskState.SUCCEEDED, 3, 3, "Counted to 3")
