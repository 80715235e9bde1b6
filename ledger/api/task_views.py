"""Endpoints of background work: how far it is, and how it ended."""

from typing import Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY, errors
from ledger.api.task_shapes import TASK, TaskPage, TaskShape, TasksQuery, task_json
from ledger.api.views import ApiView
from ledger.exceptions import NotFoundError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.querysets import tasks_of

_ID: Final = OpenApiParameter("task_id", str, OpenApiParameter.PATH, description="The task, `task_…`.")


class Tasks(ApiView):
    """`/v1/tasks`"""

    @extend_schema(
        operation_id="listTasks",
        summary="List background tasks",
        description="What goes on, and went on, in the background for the entity, newest first. Tasks that "
        "have ended are kept for a month.",
        tags=["Background tasks"],
        parameters=[ENTITY_QUERY, TasksQuery],
        responses={200: TaskPage, **errors(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "Page", {"tasks": [TASK], "nextCursor": None, "hasMore": False}, response_only=True
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List the company's background work, newest first."""
        query = parse_query(request, TasksQuery)
        scope, size = cursor_scope("tasks", self.entity.id, query), query["page_size"]
        older_than = decode_cursor(scope, query["cursor"])[0] if "cursor" in query else None
        rows = tasks_of(self.entity, older_than=older_than, state=query.get("state"), name=query.get("name"))
        page = cut_page(list(rows[: size + 1]), size=size, scope=scope, key=lambda task: (task.id,))
        shapes = [task_json(task) for task in page.rows]
        return Response({"tasks": shapes, "nextCursor": page.next_cursor, "hasMore": page.has_more})


class Task(ApiView):
    """`/v1/tasks/{task_id}`"""

    @extend_schema(
        operation_id="getTask",
        summary="Get a background task",
        description="Ask again until `state` is `succeeded` or `failed`; once a second is often enough.",
        tags=["Background tasks"],
        parameters=[_ID, ENTITY_QUERY],
        responses={200: TaskShape, **errors(400, 401, 403, 404)},
        examples=[OpenApiExample("Task", TASK, response_only=True)],
    )
    def get(self, request: Request, task_id: str) -> Response:
        """Show how far a background task is."""
        parse_query(request)
        wanted = decode_id(Prefix.TASK, task_id, field="task_id")
        task = tasks_of(self.entity).filter(id=wanted).first()
        if task is None:
            raise NotFoundError(f"There is no task {encode_id(Prefix.TASK, wanted)} in this entity.")
        return Response(task_json(task))
