"""Endpoints of integrations: connecting, what is connected, importing once more, disconnecting."""

from typing import Any, ClassVar, Final

from django.template.loader import render_to_string
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api.integration_shapes import (
    INTEGRATION,
    Begun,
    ConnectBody,
    Done,
    NamedBody,
    Providers,
    Started,
    Status,
    integration_json,
    name_of,
)
from banking.choices import IntegrationProvider, IntegrationStatus
from banking.integrations.applications import configured_applications
from banking.integrations.connecting import Returned, begin_connection, receive, start_import
from banking.integrations.disconnecting import disconnect, find_integration
from banking.integrations.exceptions import NAMES, ConnectAgainError, StateError
from banking.models import Integration
from ledger.api.errors import PageResponse, to_ledger_error
from ledger.api.query import parse_query, query_values
from ledger.api.schema import ENTITY_QUERY, errors, example_id
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.exceptions import ConflictError
from ledger.ids import Prefix

_TAGS: Final = ["Integrations"]
# Nothing of ours runs or loads anything, the address holds what is to be used once, and no cache keeps it.
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def _sent(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def _answered(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True)


class Connect(ApiView):
    """`/v1/integrations/connect`"""

    # A link opens a connection for whoever has it; what is kept of it for a replay is encrypted.
    shows_secrets = True

    @extend_schema(
        operation_id="connectIntegration",
        summary="Connect QuickBooks, Xero or Stripe",
        description="Send the person to `link`: there they allow us to read, and come back to a page of ours "
        "that says how it ended. Then the first import begins by itself. A company has one integration with "
        "each provider; connecting again renews its permission.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=ConnectBody,
        responses={200: Begun, **errors(400, 401, 403, 404, 409)},
        examples=[
            _sent("QuickBooks", {"provider": "quickbooks", "entityId": example_id(Prefix.ENTITY)}),
            _answered(
                "Link",
                {
                    "link": "https://appcenter.intuit.com/connect/oauth2?response_type=code&client_id=…&state=…",
                    "workspaceId": None,
                    "integrationId": example_id(Prefix.INTEGRATION),
                },
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Begin a connection."""
        parse_query(request)
        body = parse_body(request, ConnectBody)
        begun = begin_connection(entity=self.entity, provider=body["provider"], actor=self.actor)
        return Response(
            {
                "link": begun.link,
                "workspaceId": begun.integration.workspace_id or None,
                "integrationId": begun.integration.public_id,
            },
            headers={"Cache-Control": "no-store"},
        )


class Callback(ApiView):
    """`/v1/integrations/callback/{provider}`"""

    # The browser that comes carries no token; the state that it brings is the permission.
    authentication_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    permission_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    needs_entity = False
    # No HEAD: what only looks at an address must not use up what it holds.
    http_method_names = ["get", "options"]

    @extend_schema(
        operation_id="returnFromIntegration",
        summary="Come back from a provider",
        description="Where QuickBooks, Xero and Stripe send the person back to, for browsers and not for "
        "programs. It answers a page that says how it ended, also where it went wrong, to whoever accepts "
        "`text/html`.",
        tags=_TAGS,
        auth=[],
        parameters=[
            OpenApiParameter("provider", str, OpenApiParameter.PATH, enum=IntegrationProvider.values),
            OpenApiParameter("state", str, required=True, description="As it stood in the link; once."),
            OpenApiParameter("code", str, description="What is exchanged for tokens."),
            OpenApiParameter("realmId", str, description="QuickBooks: the company that was chosen."),
            OpenApiParameter("error", str, description="Why there is no code."),
            OpenApiParameter("error_description", str, description="The same for people."),
        ],
        responses={
            (200, "text/html"): OpenApiResponse(OpenApiTypes.STR, "The page."),
            **errors(400, 404, 409, 429, 502),
        },
    )
    def get(self, request: Request, provider: str) -> PageResponse:
        """Finish a connection."""
        if provider not in IntegrationProvider.values:
            raise StateError
        # What else a provider sends along (scope, session_state) is not looked at.
        returned = receive(IntegrationProvider(provider), returned=query_values(request), actor=self.actor)
        return _page(*_said(returned), status=200)

    def handle_exception(self, exc: Exception) -> Any:
        """Answer an error with a page where a browser came, and as JSON otherwise."""
        response = super().handle_exception(exc)
        if "text/html" not in self.request.META.get("HTTP_ACCEPT", ""):
            return response
        error = to_ledger_error(exc)
        return _page("Not connected", error.message, status=error.status_code)


def _said(returned: Returned) -> tuple[str, str]:
    name, company = NAMES[returned.provider], returned.company
    if returned.connected:
        return (
            f"{name} is connected",
            f"{company} now reads from {returned.workspace} at {name}. The first import has begun.",
        )
    return f"{name} was not connected", f"Nothing was changed for {company}. {name} said: {returned.reason}"


def _page(title: str, text: str, *, status: int) -> PageResponse:
    # The template escapes both: a company's name and an error may be anything.
    html = render_to_string("banking/integration_returned.html", {"title": title, "text": text})
    return PageResponse(html, status=status, headers=_PAGE_HEADERS)


class StatusView(ApiView):
    """`/v1/integrations/status`"""

    @extend_schema(
        operation_id="getIntegrationStatus",
        summary="List integrations",
        description="What the company is connected with, and how its newest import went. `connections` and "
        "`integrations` are the same list. What was disconnected is not in it.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        responses={200: Status, **errors(400, 401, 403, 404)},
        examples=[
            _answered("One", {"connections": [INTEGRATION], "integrations": [INTEGRATION], "count": 1})
        ],
    )
    def get(self, request: Request) -> Response:
        """List the company's integrations."""
        parse_query(request)
        rows = Integration.objects.filter(entity_id=self.entity.id).exclude(
            status=IntegrationStatus.DISCONNECTED
        )
        shapes = [integration_json(row) for row in rows]
        return Response({"connections": shapes, "integrations": shapes, "count": len(shapes)})


class ProvidersView(ApiView):
    """`/v1/integrations/providers`"""

    needs_entity = False

    @extend_schema(
        operation_id="listIntegrationProviders",
        summary="List the programs that can be connected",
        description="Those for which the operator has registered an application.",
        tags=_TAGS,
        responses={200: Providers, **errors(400, 401, 403)},
        examples=[
            _answered(
                "Xero",
                {
                    "providers": [
                        {
                            "provider": "xero",
                            "name": "Xero",
                            "redirectUri": "https://books.example.com/v1/integrations/callback/xero",
                        }
                    ],
                    "count": 1,
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List what is set up."""
        parse_query(request)
        found = [
            {"provider": app.provider.value, "name": app.name, "redirectUri": app.redirect_uri}
            for app in configured_applications()
        ]
        return Response({"providers": found, "count": len(found)})


class Import(ApiView):
    """`/v1/integrations/sync`"""

    @extend_schema(
        operation_id="syncIntegration",
        summary="Import once more",
        description="Reads the provider's books again, in the background, and records what is new there and "
        "what was left out before; nothing comes twice. While an import waits, that one is given; while one "
        "runs, another waits until it has ended.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=NamedBody,
        responses={200: Started, **errors(400, 401, 403, 404, 409)},
        examples=[
            _sent("Xero", {"entityId": example_id(Prefix.ENTITY), "integrationType": "xero"}),
            _answered(
                "Begun",
                {"success": True, "message": "Xero is being read.", "taskId": example_id(Prefix.TASK)},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Start an import."""
        parse_query(request)
        body = parse_body(request, NamedBody)
        row = find_integration(
            self.entity, integration_id=body.get("integration_id"), provider=body.get("integration_type")
        )
        if row.status == IntegrationStatus.EXPIRED:
            raise ConnectAgainError(IntegrationProvider(row.provider))
        if row.status != IntegrationStatus.CONNECTED:
            raise ConflictError(
                f"{name_of(row)} is {row.status}, so there is nothing to read; connect it first "
                "(POST /v1/integrations/connect)."
            )
        task = start_import(entity=self.entity, integration=row, actor=self.actor)
        message = f"{name_of(row)} is being read."
        return Response({"success": True, "message": message, "taskId": task.public_id})


class Disconnect(ApiView):
    """`/v1/integrations/disconnect`"""

    @extend_schema(
        operation_id="disconnectIntegration",
        summary="Disconnect an integration",
        description="Forgets the tokens and gives the permission back to the provider. What was imported "
        "stays in the books.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=NamedBody,
        responses={200: Done, **errors(400, 401, 403, 404)},
        examples=[
            _sent("QuickBooks", {"entityId": example_id(Prefix.ENTITY), "integrationType": "quickbooks"}),
            _answered("Done", {"success": True, "message": "QuickBooks is disconnected."}),
        ],
    )
    def post(self, request: Request) -> Response:
        """Disconnect."""
        parse_query(request)
        body = parse_body(request, NamedBody)
        row = disconnect(
            entity=self.entity,
            actor=self.actor,
            integration_id=body.get("integration_id"),
            provider=body.get("integration_type"),
        )
        return Response({"success": True, "message": f"{name_of(row)} is disconnected."})
