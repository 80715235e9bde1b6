"""Endpoints of companies and their settings."""

from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.context import named_entity, visible_entity
from ledger.api.entity_examples import ENTITY, NEW_ENTITY, SETTINGS
from ledger.api.entity_shapes import (
    EntitiesQuery,
    EntityBody,
    EntityChanges,
    EntityInFullShape,
    EntityInput,
    EntityPage,
    EntityQuery,
    EntityShape,
    SettingsInput,
    SettingsShape,
    UpdatedEntityBody,
    entity_json,
)
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY, IDEMPOTENCY_HEADER, MessageShape, errors
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.exceptions import ForbiddenError, NotFoundError, ValidationError, shown
from ledger.ids import Prefix, encode_id
from ledger.models import Developer, Entity
from ledger.querysets import entities_of
from ledger.services.entities import create_entity, delete_entity, update_entity
from ledger.services.settings import settings_of, update_settings
from ledger.signals import bank_accounts_wanted
from ledger.tokens import TokenKind

UTC: Final = ZoneInfo("UTC")


class EntityOrPage(serializers.Serializer[Any]):
    """The one company that is meant, or a page of those that the token reaches; an entity token that names
    none means its own, and gets both."""

    entity = EntityInFullShape(required=False)
    entities = EntityShape(many=True, required=False)
    nextCursor = serializers.CharField(allow_null=True, required=False)  # noqa: N815
    hasMore = serializers.BooleanField(required=False)  # noqa: N815


class Entities(ApiView):
    """`/v1/entities`"""

    needs_entity = False

    @extend_schema(
        operation_id="getEntities",
        summary="Get an entity, or list them",
        description="With `entityId` or `externalId` one entity, else a page of those the token reaches; an "
        "entity token gets its own entity with it.",
        tags=["Entities"],
        parameters=[EntityQuery],
        responses={200: EntityOrPage, **errors(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Entity", {"entity": ENTITY | {"plaidAccounts": []}}, response_only=True),
            OpenApiExample(
                "Page", {"entities": [ENTITY], "nextCursor": None, "hasMore": False}, response_only=True
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """Show one company, or list them."""
        query = parse_query(request, EntityQuery)
        external_id = query.get("external_id")
        if named_entity(request) is not None:
            if external_id is not None:
                raise ValidationError.of("externalId", "comes with an entityId; send one of the two.")
            return Response({"entity": self._in_full(self.entity)})
        if external_id is not None:
            return Response({"entity": self._in_full(self._by_external_id(external_id))})
        page = listed(self, query)
        if self.token.kind is TokenKind.ENTITY:
            # Named by nothing else, the token's own is meant; the official client asks for it so.
            page.data["entity"] = self._in_full(self.entity)
        return page

    @extend_schema(
        operation_id="createEntity",
        summary="Create an entity",
        description="Takes a developer token. Makes the entity's default ledger and system accounts, too.",
        tags=["Entities"],
        parameters=[IDEMPOTENCY_HEADER],
        request=EntityInput,
        responses={201: EntityBody, **errors(400, 401, 403, 409, 422)},
        examples=[
            OpenApiExample("New entity", NEW_ENTITY, request_only=True),
            OpenApiExample("Entity", {"entity": ENTITY}, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make a company."""
        self._only_for_developers("make an entity")
        parse_query(request)
        fields = parse_body(request, EntityInput, zone=UTC)
        developer_id = fields.pop("developer_id", self.token.developer_id)
        if developer_id != self.token.developer_id:
            raise ForbiddenError(
                f"This token is of another developer than {encode_id(Prefix.DEVELOPER, developer_id)}."
            )
        settings = fields.pop("settings", {})
        developer = Developer.objects.get(id=developer_id)
        entity = create_entity(developer=developer, fields=fields, settings=settings, actor=self.actor)  # type: ignore[arg-type]
        return Response({"entity": entity_json(entity, self.token)}, status=201)

    @extend_schema(
        operation_id="updateEntity",
        summary="Update an entity",
        description="What is left out stays; null takes a value away.",
        tags=["Entities"],
        parameters=[ENTITY_QUERY, IDEMPOTENCY_HEADER],
        request=EntityChanges,
        responses={200: UpdatedEntityBody, **errors(400, 401, 403, 404, 409, 422)},
        examples=[
            OpenApiExample("Changes", {"legalName": "Corner Bakery Inc."}, request_only=True),
            OpenApiExample("Entity", ENTITY | {"entity": ENTITY}, response_only=True),
        ],
    )
    def put(self, request: Request) -> Response:
        """Change a company."""
        entity = self.entity
        parse_query(request)
        changes = parse_body(request, EntityChanges, zone=entity.zone)
        settings = changes.pop("settings", {})
        entity = update_entity(entity=entity, changes=changes, settings=settings, actor=self.actor)  # type: ignore[arg-type]
        shape = entity_json(entity, self.token)
        return Response(shape | {"entity": shape})

    @extend_schema(
        operation_id="deleteEntity",
        summary="Delete an entity",
        description="Takes a developer token. Removes the entity and everything in it, for good.",
        tags=["Entities"],
        parameters=[ENTITY_QUERY, IDEMPOTENCY_HEADER],
        responses={200: MessageShape, **errors(400, 401, 403, 404)},
        examples=[OpenApiExample("Message", {"message": "Entity deleted successfully"}, response_only=True)],
    )
    def delete(self, request: Request) -> Response:
        """Remove a company with everything in it."""
        self._only_for_developers("delete an entity")
        entity = self.entity
        parse_query(request)
        delete_entity(entity=entity, actor=self.actor)
        return Response({"message": "Entity deleted successfully"})

    def _only_for_developers(self, what: str) -> None:
        if self.token.kind is not TokenKind.DEVELOPER:
            raise ForbiddenError(f"Only a developer token may {what}; yours is of kind {self.token.kind}.")

    def _by_external_id(self, external_id: str) -> Entity:
        entity = entities_of(_developer_id(self)).filter(external_id=external_id).first()
        if entity is None or self.token.entity_id not in (None, entity.id):
            raise NotFoundError(f"There is no entity with externalId {shown(external_id)}.")
        return visible_entity(entity.id, self.token)

    def _in_full(self, entity: Entity) -> dict[str, Any]:
        asked = bank_accounts_wanted.send(sender=Entity, entity=entity)
        accounts = [account for _, answer in asked for account in cast("list[dict[str, Any]]", answer)]
        return entity_json(entity, self.token) | {"plaidAccounts": accounts}


class DeveloperEntities(ApiView):
    """`/v1/entities/developer-entities`"""

    needs_entity = False

    @extend_schema(
        operation_id="listEntities",
        summary="List entities",
        tags=["Entities"],
        parameters=[EntitiesQuery],
        responses={200: EntityPage, **errors(400, 401, 403)},
        examples=[
            OpenApiExample(
                "Page", {"entities": [ENTITY], "nextCursor": None, "hasMore": False}, response_only=True
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List the companies that the token reaches, newest first."""
        return listed(self, parse_query(request, EntitiesQuery))


class Settings(ApiView):
    """`/v1/entities/settings`"""

    @extend_schema(
        operation_id="getEntitySettings",
        summary="Get an entity's settings",
        tags=["Entities"],
        parameters=[ENTITY_QUERY],
        responses={200: SettingsShape, **errors(400, 401, 403, 404)},
        examples=[OpenApiExample("Settings", SETTINGS, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Show the settings."""
        parse_query(request)
        return Response(settings_of(self.entity))

    @extend_schema(
        operation_id="updateEntitySettings",
        summary="Change an entity's settings",
        description="What is left out stays. The currency can change only while there are no transactions. "
        "`books_closed_through` closes the books through that day; an earlier day, or null, reopens them.",
        tags=["Entities"],
        parameters=[ENTITY_QUERY, IDEMPOTENCY_HEADER],
        request=SettingsInput,
        responses={200: SettingsShape, **errors(400, 401, 403, 404, 409, 422)},
        examples=[
            OpenApiExample("Close January", {"books_closed_through": "2024-01-31"}, request_only=True),
            OpenApiExample("Settings", SETTINGS, response_only=True),
        ],
    )
    def put(self, request: Request) -> Response:
        """Change settings."""
        entity = self.entity
        parse_query(request)
        changes = parse_body(request, SettingsInput)
        entity = update_settings(entity=entity, changes=changes, actor=self.actor)  # type: ignore[arg-type]
        return Response(settings_of(entity))


def listed(view: ApiView, query: dict[str, Any]) -> Response:
    """Return a page of the companies that the request's token reaches."""
    developer_id, only = _developer_id(view), view.token.entity_id
    scope, size = cursor_scope("entities", only or developer_id), query["page_size"]
    older_than = decode_cursor(scope, query["cursor"])[0] if "cursor" in query else None
    rows = entities_of(developer_id, older_than=older_than)
    if only is not None:
        rows = rows.filter(id=only)
    page = cut_page(list(rows[: size + 1]), size=size, scope=scope, key=lambda entity: (entity.id,))
    shapes = [entity_json(entity, view.token) for entity in page.rows]
    return Response({"entities": shapes, "nextCursor": page.next_cursor, "hasMore": page.has_more})


def _developer_id(view: ApiView) -> Any:
    """The developer whose companies the token reaches: a developer's or an entity's token has one."""
    assert view.token.developer_id is not None
    return view.token.developer_id
