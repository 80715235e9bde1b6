"""`/v1/tasks`: what goes on in the background of a company."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.background import start_task
from ledger.choices import TaskState
from ledger.models import BackgroundTask, Entity
from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity
from ledger.tokens import Scope

pytestmark = pytest.mark.django_db
PATH = "/v1/tasks"


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer)


@pytest.fixture
def caller() -> Caller:
    made = make_developer()
    return caller_of(made, entity=make_entity(made.developer), scope=Scope.READ)


@pytest.fixture
def own(caller: Caller) -> Entity:
    """The company of the caller."""
    return Entity.objects.latest("created_at")


def task_with(entity: Entity, name: str = "tests.any", **columns: Any) -> str:
    task = start_task(entity=entity, name=name)
    BackgroundTask.objects.filter(id=task.id).update(**columns)
    return task.public_id


def test_a_task_shows_how_far_it_is(caller: Caller, own: Entity) -> None:
    moment = datetime(2024, 1, 15, 12, tzinfo=UTC)
    task_id = task_with(
        own,
        "banking.sync_connection",
        state=TaskState.RUNNING,
        done=1999,
        total=2000,
        message="Storing bank lines",
        attempts=2,
        created_at=moment,
        started_at=moment,
    )

    answer = caller.get(f"{PATH}/{task_id}")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": task_id,
        "name": "banking.sync_connection",
        "state": "running",
        "progress": {"done": 1999, "total": 2000, "percent": 99},
        "message": "Storing bank lines",
        "error": None,
        "attempts": 2,
        "createdAt": "2024-01-15T12:00:00Z",
        "startedAt": "2024-01-15T12:00:00Z",
        "finishedAt": None,
    }


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, None, None), (7, None, None), (0, 0, 100), (0, 9, 0), (12, 9, 100)]
)
def test_percent_is_known_where_the_total_is(
    caller: Caller, own: Entity, done: int, total: int | None, percent: int | None
) -> None:
    task_id = task_with(own, done=done, total=total)

    progress = caller.get(f"{PATH}/{task_id}").json()["progress"]

    assert progress == {"done": done, "total": total, "percent": percent}


def test_a_failed_task_says_why(caller: Caller, own: Entity) -> None:
    task_id = task_with(own, state=TaskState.FAILED, error="The bank wants a new log-in.")

    shown = caller.get(f"{PATH}/{task_id}").json()

    assert (shown["state"], shown["error"]) == ("failed", "The bank wants a new log-in.")


def test_tasks_come_in_pages_newest_first(caller: Caller, own: Entity) -> None:
    made = [task_with(own) for _ in range(5)]
    found: list[str] = []
    query: dict[str, Any] = {"pageSize": 2}

    for _ in range(3):
        page = caller.get(PATH, query).json()
        found += [task["id"] for task in page["tasks"]]
        query["cursor"] = page["nextCursor"]

    assert found == made[::-1]
    assert (page["hasMore"], page["nextCursor"]) == (False, None)


def test_tasks_are_chosen_by_state_and_name(caller: Caller, own: Entity) -> None:
    failed = task_with(own, "tests.one", state=TaskState.FAILED)
    waiting = task_with(own, "tests.one")
    other = task_with(own, "tests.two")

    def found(**query: str) -> set[str]:
        return {task["id"] for task in caller.get(PATH, query).json()["tasks"]}

    assert found() == {failed, waiting, other}
    assert found(state="failed") == {failed}
    assert found(name="tests.one") == {failed, waiting}
    assert found(name="tests.one", state="queued") == {waiting}
    assert found(name="tests") == set()


def test_a_cursor_is_of_its_own_filters_alone(caller: Caller, own: Entity) -> None:
    for _ in range(3):
        task_with(own)
    cursor = caller.get(PATH, {"pageSize": 1}).json()["nextCursor"]

    answer = caller.get(PATH, {"pageSize": 1, "cursor": cursor, "state": "queued"})

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("query", "field"), [({"state": "done"}, "state"), ({"name": "x" * 101}, "name"), ({"of": "x"}, "of")]
)
def test_a_question_that_cannot_be_is_refused(caller: Caller, query: dict[str, str], field: str) -> None:
    answer = caller.get(PATH, query)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


def test_a_task_of_another_company_is_not_there(caller: Caller, entity: Entity) -> None:
    task_id = task_with(entity)

    assert caller.get(f"{PATH}/{task_id}").status_code == 404
    assert caller.get(PATH).json()["tasks"] == []


def test_a_malformed_id_is_refused(caller: Caller) -> None:
    answer = caller.get(f"{PATH}/task_1")

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "task_id"


def test_a_page_costs_two_statements_at_most(
    caller: Caller, own: Entity, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        task_with(own)
    caller.get(PATH)

    with django_assert_max_num_queries(2):
        assert len(caller.get(PATH).json()["tasks"]) == 20
