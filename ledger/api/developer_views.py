"""Endpoints of developers and their API keys."""

from zoneinfo import ZoneInfo

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.developer_shapes import (
    DeveloperBody,
    DeveloperInput,
    KeyInput,
    KeyPage,
    KeyQuery,
    NewDeveloperBody,
    NewKeyBody,
    RotationInput,
    developer_json,
    key_json,
    new_key_json,
)
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.schema import IDEMPOTENCY_HEADER, PREFER_HEADER, errors, example_id
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.exceptions import NotFoundError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import ApiKey, Developer
from ledger.querysets import keys_of
from ledger.services import keys
from ledger.services.developers import create_developer
from ledger.tokens import TokenKind

UTC = ZoneInfo("UTC")
_MOMENT = "2024-01-15T12:00:00Z"
_KEY_EXAMPLE = {
    "id": example_id("key"),
    "name": "Production",
    "prefix": "olk_Zx81qPw3",
    "createdAt": _MOMENT,
    "lastUsedAt": None,
    "expiresAt": None,
    "revokedAt": None,
}
_NEW_KEY_EXAMPLE = _KEY_EXAMPLE | {"key": "olk_Zx81qPw3…"}
_DEVELOPER_EXAMPLE = {
    "id": example_id("dev"),
    "name": "Acme Platform",
    "email": "books@acme.example",
    "industry": "Retail",
    "preferences": {"currency": "USD", "timezone": "America/New_York", "locale": "en-US"},
    "createdAt": _MOMENT,
    "updatedAt": _MOMENT,
}
_KEY_PATH = OpenApiParameter("key_id", str, OpenApiParameter.PATH, description="The id of the key, `key_…`.")


class Developers(ApiView):
    """`/v1/developers`"""

    token_kinds = frozenset({TokenKind.ADMIN})
    needs_entity = False
    shows_secrets = True

    @extend_schema(
        operation_id="createDeveloper",
        summary="Create a developer",
        description="Takes an admin token. The first API key is shown this once.",
        tags=["Developers"],
        parameters=[IDEMPOTENCY_HEADER],
        request=DeveloperInput,
        responses={201: NewDeveloperBody, **errors(400, 401, 403, 409, 422)},
        examples=[
            OpenApiExample(
                "New developer",
                {"name": "Acme Platform", "email": "books@acme.example", "preferences": {"currency": "USD"}},
                request_only=True,
            ),
            OpenApiExample(
                "Developer and key",
                {"developer": _DEVELOPER_EXAMPLE, "apiKey": _NEW_KEY_EXAMPLE},
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make a developer."""
        parse_query(request)
        made = create_developer(**parse_body(request, DeveloperInput), actor=self.actor)
        body = {"developer": developer_json(made.developer), "apiKey": new_key_json(made.first_key)}
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class DeveloperView(ApiView):
    """Base of what only a developer token opens."""

    token_kinds = frozenset({TokenKind.DEVELOPER})
    needs_entity = False

    @property
    def developer(self) -> Developer:
        """The developer behind the token."""
        assert self.token.developer_id is not None
        return Developer.objects.get(id=self.token.developer_id)


class Me(DeveloperView):
    """`/v1/developers/me`"""

    @extend_schema(
        operation_id="getDeveloper",
        summary="Get the developer behind the token",
        tags=["Developers"],
        responses={200: DeveloperBody, **errors(401, 403)},
        examples=[OpenApiExample("Developer", {"developer": _DEVELOPER_EXAMPLE}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Show the developer."""
        parse_query(request)
        return Response({"developer": developer_json(self.developer)})


class Keys(DeveloperView):
    """`/v1/developers/api-keys`"""

    shows_secrets = True

    @extend_schema(
        operation_id="listApiKeys",
        summary="List API keys",
        tags=["Developers"],
        parameters=[KeyQuery],
        responses={200: KeyPage, **errors(400, 401, 403)},
        examples=[
            OpenApiExample(
                "Keys", {"apiKeys": [_KEY_EXAMPLE], "nextCursor": None, "hasMore": False}, response_only=True
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List the developer's keys, newest first."""
        query = parse_query(request, KeyQuery)
        developer_id = self.developer.id
        scope, size = cursor_scope("api-keys", developer_id), query["page_size"]
        older_than = decode_cursor(scope, query["cursor"])[0] if "cursor" in query else None
        rows = keys_of(developer_id, older_than=older_than)[: size + 1]
        page = cut_page(list(rows), size=size, scope=scope, key=lambda key: (key.id,))
        shown = [key_json(key) for key in page.rows]
        return Response({"apiKeys": shown, "nextCursor": page.next_cursor, "hasMore": page.has_more})

    @extend_schema(
        operation_id="createApiKey",
        summary="Create an API key",
        description="The key is shown this once.",
        tags=["Developers"],
        parameters=[IDEMPOTENCY_HEADER],
        request=KeyInput,
        responses={201: NewKeyBody, **errors(400, 401, 403, 409, 422)},
        examples=[
            OpenApiExample("Name", {"name": "Production"}, request_only=True),
            OpenApiExample("New key", {"apiKey": _NEW_KEY_EXAMPLE}, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make a key."""
        parse_query(request)
        body = parse_body(request, KeyInput, zone=UTC)
        new = keys.create_key(developer=self.developer, **body, actor=self.actor)
        return Response({"apiKey": new_key_json(new)}, status=201, headers={"Cache-Control": "no-store"})


class KeyView(DeveloperView):
    """Base of what concerns one key."""

    def key(self, key_id: str) -> ApiKey:
        """Return the key. Raises NotFoundError alike for none and for another developer's."""
        found = decode_id(Prefix.API_KEY, key_id, field="id")
        key = keys_of(self.developer.id).filter(id=found).first()
        if key is None:
            raise NotFoundError(f"There is no API key {encode_id(Prefix.API_KEY, found)}.")
        return key


class Key(KeyView):
    """`/v1/developers/api-keys/{key_id}`"""

    @extend_schema(
        operation_id="revokeApiKey",
        summary="Revoke an API key",
        description="Its tokens stop working within seconds.",
        tags=["Developers"],
        parameters=[_KEY_PATH, IDEMPOTENCY_HEADER, PREFER_HEADER],
        responses={204: None, **errors(400, 401, 403, 404)},
    )
    def delete(self, request: Request, key_id: str) -> Response:
        """Revoke the key; a second time changes nothing."""
        parse_query(request)
        keys.revoke_key(key=self.key(key_id), actor=self.actor)
        return self.deleted("API key revoked successfully")


class KeyRotation(KeyView):
    """`/v1/developers/api-keys/{key_id}/rotate`"""

    shows_secrets = True

    @extend_schema(
        operation_id="rotateApiKey",
        summary="Rotate an API key",
        description="Makes a new key, shown this once; the old one keeps working for the hours given.",
        tags=["Developers"],
        parameters=[_KEY_PATH, IDEMPOTENCY_HEADER],
        request=RotationInput,
        responses={201: NewKeyBody, **errors(400, 401, 403, 404, 409, 422)},
        examples=[
            OpenApiExample("Grace period", {"graceHours": 24}, request_only=True),
            OpenApiExample("New key", {"apiKey": _NEW_KEY_EXAMPLE}, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request, key_id: str) -> Response:
        """Replace the key."""
        parse_query(request)
        body = parse_body(request, RotationInput)
        new = keys.rotate_key(key=self.key(key_id), grace_hours=body["grace_hours"], actor=self.actor)
        return Response({"apiKey": new_key_json(new)}, status=201, headers={"Cache-Control": "no-store"})
