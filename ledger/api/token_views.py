"""Endpoints that turn an API key into an access token."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import tokens
from ledger.api.query import parse_query
from ledger.api.schema import errors, example_id
from ledger.api.serializers import IdField, OneOfField, RequestSerializer, TextField, parse_body
from ledger.api.views import ApiView
from ledger.choices import KeyKind
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id
from ledger.services.keys import check_secret
from ledger.tokens import Scope, TokenKind

SECRET_LENGTH_MAX = 200


class Credentials(RequestSerializer):
    """Credentials of a developer, of one of its companies, or of an operator."""

    user_type = OneOfField(TokenKind)
    # What kind of id depends on the user type; the view checks it.
    id = TextField(max_length=100)
    api_key = TextField(max_length=SECRET_LENGTH_MAX)
    developer_id = IdField(Prefix.DEVELOPER, required=False)
    scope = OneOfField(Scope, required=False)


class DeveloperCredentials(RequestSerializer):
    """Credentials of a developer."""

    developer_id = IdField(Prefix.DEVELOPER)
    api_key = TextField(max_length=SECRET_LENGTH_MAX)


class EntityCredentials(RequestSerializer):
    """Credentials for one company of a developer."""

    entity_id = IdField(Prefix.ENTITY)
    developer_id = IdField(Prefix.DEVELOPER)
    api_key = TextField(max_length=SECRET_LENGTH_MAX)


class TokenShape(serializers.Serializer[Any]):
    """An access token (OAuth 2, RFC 6749 5.1)."""

    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


_EXAMPLE = OpenApiExample(
    "Token",
    {"access_token": "eyJhbGciOiJIUzI1NiJ9…", "token_type": "Bearer", "expires_in": tokens.LIFETIME_SECONDS},
    response_only=True,
)


class TokenView(ApiView):
    """What the token endpoints share: credentials in, a token out, and nothing of it in caches."""

    authentication_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    permission_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    needs_entity = False

    def minted(
        self,
        secret: str,
        *,
        scope: Scope = Scope.WRITE,
        developer_id: UUID | None = None,
        entity_id: UUID | None = None,
        admin_key_id: UUID | None = None,
    ) -> Response:
        """Return a token for what the secret opens. Raises AuthenticationError if it opens another thing."""
        key = check_secret(
            secret,
            kind=KeyKind.DEVELOPER if admin_key_id is None else KeyKind.ADMIN,
            developer_id=developer_id,
            entity_id=entity_id,
            key_id=admin_key_id,
            actor=self.actor,
        )
        body = {
            "access_token": tokens.issue(key=key, entity_id=entity_id, scope=scope),
            "token_type": "Bearer",
            "expires_in": tokens.LIFETIME_SECONDS,
        }
        return Response(body, headers={"Cache-Control": "no-store"})


class Tokens(TokenView):
    """`POST /v1/auth/tokens`"""

    @extend_schema(
        operation_id="createToken",
        summary="Get an access token",
        description="A developer token reaches all entities of its developer, an entity token one, an "
        "admin token manages developers. A token of scope `read` changes nothing.",
        tags=["Tokens"],
        request=Credentials,
        responses={200: TokenShape, **errors(400, 401, 429)},
        examples=[
            _EXAMPLE,
            OpenApiExample(
                "Developer",
                {"userType": "developer", "id": example_id("dev"), "apiKey": "olk_…", "scope": "write"},
                request_only=True,
            ),
            OpenApiExample(
                "Entity",
                {"userType": "entity", "id": example_id("entity"), "apiKey": "olk_…"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Mint a token of any kind."""
        parse_query(request)
        body = parse_body(request, Credentials)
        secret, scope, developer_id = (
            body["api_key"],
            body.get("scope", Scope.WRITE),
            body.get("developer_id"),
        )
        match body["user_type"]:
            case TokenKind.DEVELOPER:
                named = decode_id(Prefix.DEVELOPER, body["id"], field="id")
                if developer_id not in (None, named):
                    raise ValidationError.of("developerId", "contradicts 'id'; send one developer.")
                return self.minted(secret, scope=scope, developer_id=named)
            case TokenKind.ENTITY:
                named = decode_id(Prefix.ENTITY, body["id"], field="id")
                return self.minted(secret, scope=scope, developer_id=developer_id, entity_id=named)
            case _:
                named = decode_id(Prefix.API_KEY, body["id"], field="id")
                return self.minted(secret, scope=scope, admin_key_id=named)


class DeveloperTokens(TokenView):
    """`POST /v1/auth/developer-token`"""

    @extend_schema(
        operation_id="createDeveloperToken",
        summary="Get a developer token",
        tags=["Tokens"],
        request=DeveloperCredentials,
        responses={200: TokenShape, **errors(400, 401, 429)},
        examples=[
            _EXAMPLE,
            OpenApiExample(
                "Credentials", {"developerId": example_id("dev"), "apiKey": "olk_…"}, request_only=True
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Mint a developer token."""
        parse_query(request)
        body = parse_body(request, DeveloperCredentials)
        return self.minted(body["api_key"], developer_id=body["developer_id"])


class EntityTokens(TokenView):
    """`POST /v1/auth/entity-token`"""

    @extend_schema(
        operation_id="createEntityToken",
        summary="Get an entity token",
        tags=["Tokens"],
        request=EntityCredentials,
        responses={200: TokenShape, **errors(400, 401, 429)},
        examples=[
            _EXAMPLE,
            OpenApiExample(
                "Credentials",
                {"entityId": example_id("entity"), "developerId": example_id("dev"), "apiKey": "olk_…"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Mint an entity token."""
        parse_query(request)
        body = parse_body(request, EntityCredentials)
        return self.minted(body["api_key"], developer_id=body["developer_id"], entity_id=body["entity_id"])


@extend_schema_view(post=extend_schema(operation_id="generateDeveloperToken"))
class OlderDeveloperTokens(DeveloperTokens):
    """`POST /v1/developers/auth/generate-token`"""


@extend_schema_view(post=extend_schema(operation_id="generateEntityToken"))
class OlderEntityTokens(EntityTokens):
    """`POST /v1/entities/auth/generate-token`"""
