"""What providers of bank connections report to us."""

import hashlib
from typing import Any, ClassVar, Final

import msgspec
import redis
import structlog
from django.core.cache import cache
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from banking.providers.plaid.signatures import (
    AGE_SECONDS_MAX,
    AHEAD_SECONDS_MAX,
    HEADER,
    check_signature,
)
from banking.services.plaid_events import Event, take_event
from ledger.api import json
from ledger.api.parsers import read_body
from ledger.api.query import parse_query
from ledger.api.schema import errors
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError

logger = structlog.get_logger(__name__)

# A copy of a webhook is refused for its age after so long.
_REMEMBERED_SECONDS: Final = AGE_SECONDS_MAX + 2 * AHEAD_SECONDS_MAX
_WEBHOOK: Final = {
    "webhook_type": "TRANSACTIONS",
    "webhook_code": "SYNC_UPDATES_AVAILABLE",
    "item_id": "eVBnVMp7zdTJLkRNr33Rs6zr7KNJqBFL9DrE6",
    "initial_update_complete": True,
    "historical_update_complete": True,
    "environment": "production",
}
_SHAPE: Final = {
    "type": "object",
    "description": "A webhook as Plaid describes it; fields beyond these are not read.",
    "properties": {
        "webhook_type": {"type": "string"},
        "webhook_code": {"type": "string"},
        "item_id": {"type": ["string", "null"]},
    },
    "required": ["webhook_type", "webhook_code"],
}


class ReceivedShape(serializers.Serializer[Any]):
    """That a webhook was taken."""

    received = serializers.BooleanField()


class PlaidWebhook(ApiView):
    """`POST /v1/banks/webhook/plaid`"""

    # The signature stands in for a token.
    authentication_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    permission_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    needs_entity = False

    @extend_schema(
        operation_id="receivePlaidWebhook",
        summary="Receive a webhook of Plaid",
        description="Plaid calls this, and takes no token: the header `Plaid-Verification` carries a JWT "
        "that signs the body by ES256 and is at most five minutes old. New lines start a sync, errors of a "
        "log-in mark the connection. Connections and codes that are not known here are answered alike and "
        "change nothing; the same webhook twice does what it does once.",
        tags=["Banks"],
        parameters=[
            OpenApiParameter(
                HEADER,
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                required=True,
                description="The signature: a JWT of Plaid's over the body as it is sent.",
            )
        ],
        request={"application/json": _SHAPE},
        responses={200: ReceivedShape, **errors(400, 401, 429)},
        examples=[
            OpenApiExample("New lines", _WEBHOOK, request_only=True),
            OpenApiExample("Taken", {"received": True}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Check the signature, then do what the webhook asks for."""
        body, signature = read_body(request), request.META.get("HTTP_PLAID_VERIFICATION", "")
        check_signature(body, signature)
        parse_query(request)
        event = _event(body)
        # Only with the body is it the same: the signature covers both.
        name = f"plaid-webhook:{hashlib.sha256(signature.encode()).hexdigest()}"
        if not _was_taken(name):
            take_event(event, actor=self.actor)
            _remember(name)
        return Response({"received": True})


def _event(body: bytes) -> Event:
    try:
        return msgspec.convert(json.decode(body), Event)
    except msgspec.ValidationError as error:
        raise ValidationError(f"The webhook is in a form that we do not know: {error}.") from None


def _was_taken(name: str) -> bool:
    """Whether a copy came before. Without Redis none is known, and the webhook's work is done again."""
    try:
        return cache.get(name) is not None
    except redis.RedisError as error:
        logger.warning("plaid_webhooks_not_remembered", reason=type(error).__name__)
        return False


def _remember(name: str) -> None:
    try:
        cache.set(name, 1, timeout=_REMEMBERED_SECONDS)
    except redis.RedisError as error:
        logger.warning("plaid_webhooks_not_remembered", reason=type(error).__name__)
