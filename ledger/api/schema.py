"""What the description of the API says of every endpoint alike: the token, the errors, the headers."""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

# A TypeID as it looks in examples.
EXAMPLE_SUFFIX: Final = "01h455vb4pex5vsknk084sn02q"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes `Authorization: Bearer`."""

    target_class = "ledger.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of POST /v1/auth/tokens; it lasts an hour.",
        }


class ErrorDetailShape(serializers.Serializer[Any]):
    """One fault of a request."""

    field = serializers.CharField()
    message = serializers.CharField()


class ErrorShape(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = ErrorDetailShape(many=True, required=False)
    requestId = serializers.CharField(allow_null=True)  # noqa: N815 - as it is spelled on the wire


class ErrorBody(serializers.Serializer[Any]):
    """The body of every error."""

    error = ErrorShape()


_ERRORS: Final = {
    400: ("VALIDATION_ERROR", "The request is malformed, out of bounds or contradicts itself."),
    401: ("UNAUTHORIZED", "There is no valid token, or the credentials are wrong."),
    403: ("FORBIDDEN", "The token may not do this."),
    404: ("NOT_FOUND", "There is no such record, or it is another's."),
    409: ("CONFLICT", "It contradicts the state of the books, or the first call still runs."),
    413: ("PAYLOAD_TOO_LARGE", "The body is too large."),
    422: ("IDEMPOTENCY_MISMATCH", "The Idempotency-Key came with another request before."),
    429: ("RATE_LIMITED", "Too many requests; Retry-After says when to go on."),
    502: ("PROVIDER_ERROR", "An outside service failed."),
}

IDEMPOTENCY_HEADER: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 printable characters; the same request with the same key happens once.",
)
ENTITY_QUERY: Final = OpenApiParameter(
    "entityId",
    str,
    description="The entity whose books are meant; may stand in the header X-Entity-ID or the body instead, "
    "and is not needed with an entity token.",
)
PREFER_HEADER: Final = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`return=representation` makes a delete answer 200 with a message instead of 204.",
)


class MessageShape(serializers.Serializer[Any]):
    """A sentence that says what was done."""

    message = serializers.CharField()


def errors(*statuses: int) -> dict[int, OpenApiResponse]:
    """Return the descriptions of the errors of these statuses, for `extend_schema(responses=…)`."""
    return {status: _error(status) for status in statuses}


def _error(status: int) -> OpenApiResponse:
    code, description = _ERRORS[status]
    example = {"error": {"code": code, "message": description, "requestId": "0199a2f0c0de7000"}}
    return OpenApiResponse(ErrorBody, description, examples=[OpenApiExample(code, example)])


def example_id(prefix: str) -> str:
    """Return an id of that prefix, for examples."""
    return f"{prefix}_{EXAMPLE_SUFFIX}"
