"""Category suggestions: on demand, stored ones, and what they would have been worth."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from ai.api import suggestion_shapes as shapes
from ai.api.events import EVENT_SCHEMA, EVENT_STREAM
from ai.categories import stored
from ai.categories.backtest import backtest
from ai.categories.suggesting import check_wanted, suggest
from ledger.api import json
from ledger.api.pagination import CursorQuery, cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.renderers import JSONRenderer
from ledger.api.schema import ENTITY_QUERY, errors
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.ids import Prefix, decode_id, encode_id

_TAGS: Final = ["AI"]
_SSE: Final = EVENT_STREAM
_REPLAYED: Final = 500
_ENTITY: Final = OpenApiParameter(
    "entity_id", str, OpenApiParameter.PATH, description="The company, `entity_…`."
)
_ID: Final = OpenApiParameter(
    "suggestion_id", str, OpenApiParameter.PATH, description="The suggestion, `sug_…`."
)
_EVENT: Final = {"event": "message", "data": json.encode(shapes.ANSWER).decode()}
_EXPLAINED: Final = (
    "The company's bank rules come first. What they leave open is answered from what people put like lines "
    "in before, from a model of the company's own history, and, as long as that is short, from what such "
    "lines usually are. Nothing leaves the server. Changes nothing. 409 where the company switched "
    "`smart_suggestions` off."
)


def _sent(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def _answered(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=["200"])


class EventStream(BaseRenderer):
    """Server-sent events. The view streams them itself; this lets a client ask for them, and writes
    errors."""

    media_type = _SSE
    format = "sse"
    charset = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """An error that came up before the stream began; its media type is JSON, see `SuggestCategories`."""
        return b"" if data is None else json.encode(data)


class SuggestCategories(ApiView):
    """`/v1/ai/{entity_id}/suggest-categories-vector`"""

    reads_only = True
    entity_in_path = "entity_id"
    renderer_classes = (EventStream, JSONRenderer)

    @extend_schema(
        operation_id="streamCategorySuggestions",
        summary="Suggest categories, as a stream",
        description="One event for each transaction as soon as it is ready, then `{done: true, count}`; with "
        "`Accept: application/json` the same as one list. " + _EXPLAINED,
        tags=_TAGS,
        parameters=[_ENTITY],
        request=shapes.SuggestBody,
        responses={
            (200, "application/json"): shapes.SuggestAnswer,
            (200, _SSE): OpenApiResponse(
                EVENT_SCHEMA,
                "Each event's data is one element of `results`, the last one says `done`.",
                examples=[OpenApiExample("An event", _EVENT, media_type=_SSE)],
            ),
            **errors(400, 401, 403, 404, 409),
        },
        examples=[
            _sent("A line of a bank statement", shapes.LINES),
            OpenApiExample(
                "Suggestions",
                {"results": [shapes.ANSWER], "done": True, "count": 1},
                response_only=True,
                status_codes=["200"],
                media_type="application/json",
            ),
        ],
    )
    def post(self, request: Request, entity_id: str) -> HttpResponseBase:
        """Suggest categories for lines."""
        parse_query(request)
        entity = self.entity
        check_wanted(entity)
        body = parse_body(request, shapes.SuggestBody, zone=entity.zone)
        asked = shapes.asked_of(entity, body["transactions"])
        answers = (
            shapes.line_json(one, its)
            for one, its in zip(asked, suggest(entity, [one.wanted for one in asked]), strict=True)
        )
        accepted: Any = request.accepted_renderer
        if accepted.media_type != _SSE:
            return Response({"results": list(answers), "done": True, "count": len(asked)})
        return StreamingHttpResponse(
            _events(answers, len(asked)),
            content_type=_SSE,
            # Proxies must hand on each event when it comes.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Errors are JSON, also for who asked for a stream."""
        if response.status_code >= 400:
            renderer: Any = JSONRenderer()
            request.accepted_renderer, request.accepted_media_type = renderer, renderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


def _events(answers: Iterator[dict[str, Any]], count: int) -> Iterator[bytes]:
    """Events of the stream (HTML standard, 9.2); JSON has no line breaks, so one line of data is enough."""
    for one in answers:
        yield b"data: " + json.encode(one) + b"\n\n"
    yield b"data: " + json.encode({"done": True, "count": count}) + b"\n\n"


class SuggestEntries(ApiView):
    """`/v1/transactions/suggest-categories/{entity_id}`"""

    reads_only = True
    entity_in_path = "entity_id"

    @extend_schema(
        operation_id="suggestCategories",
        summary="Suggest categories, and the entries they would make",
        description="With both accounts of the entry that taking the first suggestion would make: the bank "
        "account's own (the named one, else the company's first) and the category, or the uncategorized "
        "account where nothing is suggested. " + _EXPLAINED,
        tags=_TAGS,
        parameters=[_ENTITY],
        request=shapes.SuggestBody,
        responses={200: shapes.EntryAnswer, **errors(400, 401, 403, 404, 409)},
        examples=[
            _sent("A line of a bank statement", shapes.LINES),
            _answered(
                "Suggestions",
                {
                    "success": True,
                    "results": [
                        shapes.ANSWER
                        | {
                            "debitAccountId": shapes.SUGGESTED["categoryId"],
                            "creditAccountId": "acc_01h455vb4pex5vsknk084sn02r",
                        }
                    ],
                    "count": 1,
                },
            ),
        ],
    )
    def post(self, request: Request, entity_id: str) -> Response:
        """Suggest categories for lines."""
        parse_query(request)
        entity = self.entity
        check_wanted(entity)
        body = parse_body(request, shapes.SuggestBody, zone=entity.zone)
        asked = shapes.asked_of(entity, body["transactions"])
        answers = [
            shapes.entry_json(one, its)
            for one, its in zip(asked, suggest(entity, [one.wanted for one in asked]), strict=True)
        ]
        return Response({"success": True, "results": answers, "count": len(answers)})


class StoredSuggestions(ApiView):
    """`/v1/ai/suggestions`"""

    @extend_schema(
        operation_id="listCategorySuggestions",
        summary="List suggestions that wait",
        description="What was suggested after syncs for transactions that are still uncategorized, the "
        "newest first. A suggestion whose transaction was categorized, posted, expired or deleted meanwhile, "
        "or whose period was closed, is not among them.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY, CursorQuery],
        responses={200: shapes.SuggestionPage, **errors(400, 401, 403, 404, 409)},
        examples=[_answered("Page", {"suggestions": [shapes.WAITING], "nextCursor": None, "hasMore": False})],
    )
    def get(self, request: Request) -> Response:
        """List what waits."""
        query = parse_query(request, CursorQuery)
        check_wanted(self.entity)
        scope, size = cursor_scope("ai-suggestions", self.entity.id, query), query["page_size"]
        before = decode_cursor(scope, query["cursor"])[0] if "cursor" in query else None
        page = cut_page(
            stored.waiting_suggestions(self.entity, before=before, limit=size + 1),
            size=size,
            scope=scope,
            key=lambda one: (one.id,),
        )
        ids = {one.account_id for one in page.rows} | {
            UUID(other["accountId"]) for one in page.rows for other in one.others
        }
        names = stored.names_of(self.entity, ids)
        return Response(
            {
                "suggestions": [shapes.waiting_json(one, names) for one in page.rows],
                "nextCursor": page.next_cursor,
                "hasMore": page.has_more,
            }
        )


class AcceptSuggestions(ApiView):
    """`/v1/ai/suggestions/accept`"""

    @extend_schema(
        operation_id="acceptCategorySuggestions",
        summary="Accept all suggestions that are sure enough",
        description="Categorizes the transactions of all waiting suggestions with at least that confidence, "
        "and learns from it. One that cannot be taken is left waiting and listed under `errors`. Posted "
        "transactions are never touched.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=shapes.AcceptBody,
        responses={200: shapes.AcceptedAnswer, **errors(400, 401, 403, 404, 409)},
        examples=[_sent("The sure ones", {"minConfidence": 0.9}), _answered("Done", shapes.ACCEPTED)],
    )
    def post(self, request: Request) -> Response:
        """Accept many."""
        parse_query(request)
        least = parse_body(request, shapes.AcceptBody)["min_confidence"]
        done = stored.accept_sure_ones(entity=self.entity, least=least, actor=self.actor)
        return Response(
            {
                "success": not done.faults,
                "accepted": len(done.transaction_ids),
                "transactionIds": [encode_id(Prefix.TRANSACTION, one) for one in done.transaction_ids],
                "errors": [
                    {"id": encode_id(Prefix.SUGGESTION, id_), "code": fault.code, "message": fault.message}
                    for id_, fault in done.faults.items()
                ],
                "hasMore": done.has_more,
            }
        )


class AcceptSuggestion(ApiView):
    """`/v1/ai/suggestions/{suggestion_id}/accept`"""

    @extend_schema(
        operation_id="acceptCategorySuggestion",
        summary="Accept a suggestion",
        description="Categorizes the transaction as suggested, and learns from it at once. 409 where "
        "somebody decided before, or the transaction is posted by now.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=None,
        responses={200: shapes.DecidedAnswer, **errors(400, 401, 403, 404, 409)},
        examples=[_answered("Accepted", shapes.DECIDED)],
    )
    def post(self, request: Request, suggestion_id: str) -> Response:
        """Accept one."""
        parse_query(request)
        wanted = decode_id(Prefix.SUGGESTION, suggestion_id, field="suggestion_id")
        row = stored.accept_suggestion(entity=self.entity, suggestion_id=wanted, actor=self.actor)
        return Response(shapes.decided_json(row))


class CorrectSuggestion(ApiView):
    """`/v1/ai/suggestions/{suggestion_id}/correct`"""

    @extend_schema(
        operation_id="correctCategorySuggestion",
        summary="Correct a suggestion",
        description="Categorizes the transaction as you say instead, and learns from it at once.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=shapes.CorrectBody,
        responses={200: shapes.DecidedAnswer, **errors(400, 401, 403, 404, 409)},
        examples=[
            _sent("It was travel", {"categoryId": shapes.SUGGESTED["categoryId"]}),
            _answered("Corrected", shapes.DECIDED),
        ],
    )
    def post(self, request: Request, suggestion_id: str) -> Response:
        """Correct one."""
        parse_query(request)
        wanted = decode_id(Prefix.SUGGESTION, suggestion_id, field="suggestion_id")
        body = parse_body(request, shapes.CorrectBody)
        row = stored.correct_suggestion(
            entity=self.entity, suggestion_id=wanted, category_id=body["category_id"], actor=self.actor
        )
        return Response(shapes.decided_json(row))


class BacktestCategories(ApiView):
    """`/v1/ai/{entity_id}/backtest`"""

    reads_only = True
    entity_in_path = "entity_id"

    @extend_schema(
        operation_id="backtestCategorySuggestions",
        summary="What suggestions would have been worth",
        description="Replays the company's newest confirmed transactions in their order, each with what was "
        "confirmed before it alone, and tells how often suggestions were right and how many there were, by "
        "confidence: what to decide on a threshold by. Bank rules are left out. Changes nothing. A longer "
        "history is replayed by `manage.py backtest_categories`.",
        tags=_TAGS,
        parameters=[_ENTITY],
        request=shapes.BacktestBody,
        responses={200: shapes.BacktestAnswer, **errors(400, 401, 403, 404, 409)},
        examples=[_sent("The last 500", {"limit": 500}), _answered("Outcome", shapes.BACKTEST)],
    )
    def post(self, request: Request, entity_id: str) -> Response:
        """Replay the history."""
        parse_query(request)
        check_wanted(self.entity)
        limit = parse_body(request, shapes.BacktestBody).get("limit", _REPLAYED)
        return Response(shapes.backtest_json(backtest(self.entity, limit=limit)))


class Settings(ApiView):
    """`/v1/ai/settings`"""

    @extend_schema(
        operation_id="getSuggestionSettings",
        summary="Get what is done with suggestions",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        responses={200: shapes.SuggestionSettingsAnswer, **errors(400, 401, 403, 404)},
        examples=[_answered("Settings", shapes.SETTINGS)],
    )
    def get(self, request: Request) -> Response:
        """Show the settings."""
        parse_query(request)
        return Response(shapes.settings_json(self.entity, stored.settings_of(self.entity)))

    @extend_schema(
        operation_id="updateSuggestionSettings",
        summary="Change what is done with suggestions",
        description="With `applyAutomatically` suggestions that are at least as sure as `threshold` are "
        "applied after each sync without asking. They count as no answers: only what people and rules say "
        "is learned.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=shapes.SuggestionSettingsBody,
        responses={200: shapes.SuggestionSettingsAnswer, **errors(400, 401, 403, 404)},
        examples=[
            _sent("Apply the sure ones", {"applyAutomatically": True, "threshold": 0.95}),
            _answered("Settings", shapes.SETTINGS | {"applyAutomatically": True}),
        ],
    )
    def put(self, request: Request) -> Response:
        """Change the settings."""
        parse_query(request)
        body = parse_body(request, shapes.SuggestionSettingsBody)
        settings = stored.update_settings(
            entity=self.entity,
            apply_automatically=body.get("apply_automatically"),
            threshold=body.get("threshold"),
            actor=self.actor,
        )
        return Response(shapes.settings_json(self.entity, settings))
