"""How background work looks in requests and responses."""

from datetime import datetime
from typing import Any, Final

from rest_framework import serializers

from ledger.api.pagination import CursorQuery
from ledger.api.schema import EXAMPLE_SUFFIX
from ledger.api.serializers import OneOfField, TextField
from ledger.choices import TaskState
from ledger.models import BackgroundTask
from ledger.times import format_timestamp


class TasksQuery(CursorQuery):
    """A page of background tasks, of one state or one name where that is given."""

    state = OneOfField(TaskState, required=False)
    name = TextField(
        max_length=100, required=False, help_text="Which work, in full, such as banking.sync_connection."
    )


class ProgressShape(serializers.Serializer[Any]):
    """How far the work is. `total` and `percent` are null while it is not known how much there is to do."""

    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True, min_value=0, max_value=100)


class TaskShape(serializers.Serializer[Any]):
    """Work that goes on in the background. `message` says what it does or has done, `error` why it failed, or
    why it waits to be tried again; `attempts` counts the beginnings."""

    id = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(TaskState.values)
    progress = ProgressShape()
    message = serializers.CharField()
    error = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField()
    createdAt = serializers.DateTimeField()  # noqa: N815 - as it is spelled on the wire
    startedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    finishedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815


class TaskBody(serializers.Serializer[Any]):
    """A background task."""

    task = TaskShape()


class TaskPage(serializers.Serializer[Any]):
    """A page of background tasks."""

    tasks = TaskShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


TASK: Final = {
    "id": f"task_{EXAMPLE_SUFFIX}",
    "name": "banking.sync_connection",
    "state": "running",
    "progress": {"done": 1500, "total": 6000, "percent": 25},
    "message": "Storing bank lines",
    "error": None,
    "attempts": 1,
    "createdAt": "2024-01-15T12:00:00Z",
    "startedAt": "2024-01-15T12:00:01Z",
    "finishedAt": None,
}


def task_json(task: BackgroundTask) -> dict[str, Any]:
    """The task as the API shows it."""
    return {
        "id": task.public_id,
        "name": task.name,
        "state": task.state,
        "progress": {"done": task.done, "total": task.total, "percent": task.percent},
        "message": task.message,
        "error": task.error or None,
        "attempts": task.attempts,
        "createdAt": format_timestamp(task.created_at),
        "startedAt": _moment(task.started_at),
        "finishedAt": _moment(task.finished_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_timestamp(moment)
