"""Questions in plain language about the transactions and statements of an entity."""

from collections.abc import Iterator
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ai.api.chat_shapes import CHAT_RESPONSE, EXAMPLE_ANSWER, ChatQueryShape
from ai.api.events import EVENT_SCHEMA, EVENT_STREAM
from ai.chat.conversation import ask
from ai.chat.hosted import Said
from ledger.api import json
from ledger.api.query import parse_query
from ledger.api.views import ApiView
from transactions.api.responses import example


class ChatView(ApiView):
    """`/v1/transactions/chat`"""

    @extend_schema(
        operation_id="chatWithTransactions",
        tags=["AI"],
        summary="Ask about the books in plain language",
        description=(
            "Sums, counts, averages, the largest, by month, category or counterparty, compared with another "
            "period, balances and lines of the statements. Every figure comes from the books; the answer "
            "says how the question was read, and which words were not understood. `history` are the earlier "
            'prompts, so that "and in May?" goes on from them: a JSON list of texts or of '
            "`{role, content}`, or one a line. With `stream=true` the words come piece by piece as "
            "server-sent events, `{delta}` each, then the whole answer with `done: true`. Stricter rate "
            "limits hold here. An entity whose setting `smart_assistant` is off answers 409."
        ),
        parameters=[ChatQueryShape],
        responses={200: CHAT_RESPONSE, (200, EVENT_STREAM): EVENT_SCHEMA},
        examples=[example("Software of last month", EXAMPLE_ANSWER)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """An answer from the entity's books."""
        query = parse_query(request, ChatQueryShape)
        answered = ask(
            self.entity,
            Said(
                query["prompt"],
                query.get("history", ""),
                query.get("context_data", ""),
                query.get("custom_prompt", ""),
            ),
        )
        if not query.get("stream"):
            return Response(answered)
        return StreamingHttpResponse(
            _events(answered),
            content_type=EVENT_STREAM,
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )


def _events(answered: dict[str, Any]) -> Iterator[bytes]:
    """The words of an answer, some at a time, and then all of it; nothing is read from the books any more."""
    words = answered["response"].split(" ")
    for start in range(0, len(words), _WORDS_OF_EVENT):
        piece = " ".join(words[start : start + _WORDS_OF_EVENT])
        yield _event({"delta": piece if start == 0 else f" {piece}"})
    yield _event(answered | {"done": True})


_WORDS_OF_EVENT: Final = 8


def _event(data: dict[str, Any]) -> bytes:
    # JSON has no bare line break, which would end the event.
    return b"data: " + json.encode(data) + b"\n\n"
