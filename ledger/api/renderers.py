"""How responses are written, and which renderer answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from ledger.api import json


class JSONRenderer(BaseRenderer):
    """Writes every response body by the project's own JSON writer."""

    media_type = "application/json"
    format = "json"
    charset = None  # bytes, always UTF-8

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return `data` as JSON; no data (a 204) gives no bytes."""
        if isinstance(renderer_context, dict):
            # Nothing here reads it, and it holds the response that holds it (see `ApiView.dispatch`).
            renderer_context.clear()
        return b"" if data is None else json.encode(data)


class Negotiation(DefaultContentNegotiation):
    """Answers in the view's first form where the client's Accept header names none that the view knows.

    RFC 9110 (12.5.1) allows it, and an API error in JSON is of more use than a 406 without one. A view with
    one renderer, nearly all of them, doesn't look at the header.
    """

    def select_renderer(  # type: ignore[override]  # DRF itself passes a list
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer and its media type."""
        first = renderers[0]
        if len(renderers) == 1:
            return first, str(first.media_type)
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return first, str(first.media_type)
        return chosen
