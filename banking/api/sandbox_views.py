"""The endpoint that makes a company to try the API with."""

from hashlib import blake2b
from typing import Any, ClassVar, Final
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api.sandbox_shapes import EXAMPLE, SandboxBody, SandboxInput, sandbox_json
from banking.sandbox.industries import INDUSTRIES, software
from ledger import tokens
from ledger.api.query import parse_query
from ledger.api.schema import IDEMPOTENCY_HEADER, errors
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.exceptions import AuthenticationError, Detail, ForbiddenError, NotFoundError
from ledger.models import Developer
from ledger.tokens import Scope, TokenKind

_SEED_BYTES: Final = 3


class Sandbox(ApiView):
    """`/v1/sandbox`: open to everybody, so throttled by address alone (`ledger.api.limits`)."""

    permission_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    needs_entity = False
    shows_secrets = True

    @extend_schema(
        operation_id="createSandbox",
        summary="Create a sandbox company",
        description="A developer with an API key, a company with a chart of accounts, made-up banks that go "
        "on giving lines day by day, and twelve months of believable transactions, the last of them still to "
        "approve and categorize. The same name and industry make the same books.\n\nIt takes no token. "
        "With `developerId` the company is made under that developer, and takes a token of it.\n\n"
        f"Industries: {', '.join(INDUSTRIES)}; without one it is {software.INDUSTRY.id}. On in development, "
        "off in production unless switched on (`SANDBOX`): then the answer is 404.",
        tags=["Sandbox"],
        auth=[],
        parameters=[IDEMPOTENCY_HEADER],
        request=SandboxInput,
        responses={201: SandboxBody, **errors(400, 401, 403, 404, 409, 422, 429)},
        examples=[
            OpenApiExample(
                "A restaurant",
                {"name": "Blue Door Bistro", "industry": "restaurant", "preferences": {"currency": "USD"}},
                request_only=True,
            ),
            OpenApiExample("Sandbox", EXAMPLE, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make a sandbox company."""
        # Not before somebody makes one: the story of its months takes memory of every web worker.
        from banking.sandbox.company import create_sandbox

        if not settings.SANDBOX:
            raise NotFoundError("There is no sandbox here; its operator has not switched it on (SANDBOX).")
        parse_query(request)
        body = parse_body(request, SandboxInput)
        made = create_sandbox(
            name=body["name"],
            industry=body.get("industry", software.INDUSTRY.id),
            seed=_seed_of(body["name"]),
            developer=self._developer(body["developer_id"]) if "developer_id" in body else None,
            preferences=body.get("preferences"),
            actor=self.actor,
        )
        token = None
        if made.first_key is not None:
            token = tokens.issue(key=made.first_key.key, scope=Scope.WRITE)
        shown = {"success": True, "data": sandbox_json(made, token=token)}
        return Response(shown, status=201, headers={"Cache-Control": "no-store"})

    def _developer(self, developer_id: UUID) -> Developer:
        """The developer, if the caller's token is its own.

        Raises AuthenticationError without a token, and ForbiddenError alike for a developer that there isn't
        and for one that the token is not of: nobody learns here who is a developer.
        """
        token = self._token
        if token is None:
            message = "takes a token of that developer; send one, or leave the field out for a new developer."
            raise AuthenticationError(f"developerId: {message}", details=[Detail("developerId", message)])
        is_its_own = token.kind is TokenKind.DEVELOPER and token.developer_id == developer_id
        if not is_its_own or token.scope is not Scope.WRITE:
            raise ForbiddenError(
                "A sandbox company under a developer takes that developer's own token, of scope 'write'."
            )
        return Developer.objects.get(id=developer_id)


def _seed_of(name: str) -> int:
    """A number that is the name's own."""
    return int.from_bytes(
        blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_SEED_BYTES).digest(), "big"
    )
