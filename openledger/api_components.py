"""Parts of the API's description that many endpoints share: parameters, headers and errors.

Endpoints refer to them by name; `openledger.api_schema` says which endpoint has which.
"""

from typing import Any, Final

from ledger.api.schema import example_id
from ledger.idempotency import KEY_LENGTH_MAX

_ENTITY_SCHEMA: Final = {"type": "string", "pattern": "^entity_[0-7][0-9a-hjkmnp-tv-z]{25}$"}

PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "EntityIdQuery": {
        "name": "entityId",
        "in": "query",
        "description": "The company whose books are meant. It may stand in the header `X-Entity-ID` or in "
        "the body instead; an entity token needs none. Two that differ are refused.",
        "schema": _ENTITY_SCHEMA,
        "example": example_id("entity"),
    },
    "EntityIdHeader": {
        "name": "X-Entity-ID",
        "in": "header",
        "description": "The company whose books are meant, instead of `entityId` in the query.",
        "schema": _ENTITY_SCHEMA,
        "example": example_id("entity"),
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes a retry safe: the same request with the same key happens once, and gives the "
        "first response again, with `Idempotent-Replayed: true`.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": KEY_LENGTH_MAX,
            "pattern": "^[\\x20-\\x7e]+$",
        },
        "example": "2f0f7d6c-invoice-4711",
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`return=representation` makes a delete answer 200 with a message instead of 204.",
        "schema": {"type": "string"},
        "example": "return=representation",
    },
}

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-ID": {
        "description": "The request's id, the caller's own where it sent one; it stands in logs and errors.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {
        "description": "Requests a minute.",
        "required": True,
        "schema": {"type": "integer"},
    },
    "RateLimit-Remaining": {
        "description": "Requests left in this minute.",
        "required": True,
        "schema": {"type": "integer"},
    },
    "RateLimit-Reset": {
        "description": "Seconds until the minute ends.",
        "required": True,
        "schema": {"type": "integer"},
    },
    "Retry-After": {"description": "Seconds to wait before a retry.", "schema": {"type": "integer"}},
    "Idempotent-Replayed": {
        "description": "`true` where this is the first response again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
ON_EVERY_RESPONSE: Final = ("X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

# Of each error status: its name among the components, code, description, and a message as an example.
ERRORS: Final[dict[str, tuple[str, str, str, str]]] = {
    "400": (
        "ValidationError",
        "VALIDATION_ERROR",
        "The request is malformed, out of bounds, contradicts itself, or has a field that is not known.",
        'amount: 0 is not above zero; send a JSON number or a decimal string such as "12.50".',
    ),
    "401": (
        "Unauthorized",
        "UNAUTHORIZED",
        "There is no valid token, or the credentials are wrong.",
        "Send a valid token as 'Authorization: Bearer <token>'; /v1/auth/tokens gives one.",
    ),
    "403": (
        "Forbidden",
        "FORBIDDEN",
        "The token is valid but may not do this.",
        "This token may only read; make one of scope 'write' to change the books.",
    ),
    "404": (
        "NotFound",
        "NOT_FOUND",
        "There is no such record, or it is another's.",
        f"There is no entity {example_id('entity')}.",
    ),
    "409": (
        "Conflict",
        "CONFLICT",
        "It contradicts the state of the books; or the records are busy: `Retry-After` says when to repeat.",
        "Another request is changing the same records. Send this request again in a moment.",
    ),
    "413": (
        "PayloadTooLarge",
        "PAYLOAD_TOO_LARGE",
        "The body is too large.",
        "The body has 1200000 bytes; this endpoint takes at most 1000000.",
    ),
    "415": (
        "UnsupportedMediaType",
        "UNSUPPORTED_MEDIA_TYPE",
        "The body is of a type that is not read here.",
        "Unsupported media type \"text/plain\" in request. Send JSON with 'Content-Type: application/json'.",
    ),
    "422": (
        "IdempotencyMismatch",
        "IDEMPOTENCY_MISMATCH",
        "The Idempotency-Key came with another request before.",
        "This Idempotency-Key came with another request before; make a new key for a new request.",
    ),
    "429": (
        "RateLimited",
        "RATE_LIMITED",
        "Too many requests; `Retry-After` says when to go on.",
        "There were more than 600 requests in this minute; wait 12 seconds.",
    ),
    "500": (
        "InternalError",
        "INTERNAL_ERROR",
        "Something went wrong on our side.",
        "Something went wrong on our side. Try again; if it goes on, report it with the requestId.",
    ),
    "502": (
        "ProviderError",
        "PROVIDER_ERROR",
        "An outside service (a bank, a hosted model) failed.",
        "The bank does not answer; try again later.",
    ),
}
_WAITS: Final = frozenset({"409", "429"})


def response_headers(*more: str) -> dict[str, Any]:
    """Return references to the headers of every response, and to those of these names."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ON_EVERY_RESPONSE, *more)}


def parameter(name: str) -> dict[str, str]:
    """Return a reference to a shared parameter."""
    return {"$ref": f"#/components/parameters/{name}"}


def error(status: str) -> dict[str, str]:
    """Return a reference to the response of an error status."""
    return {"$ref": f"#/components/responses/{ERRORS[status][0]}"}


def error_responses() -> dict[str, Any]:
    """Return the shared error responses by name."""
    responses = {}
    for status, (name, code, description, message) in ERRORS.items():
        body: dict[str, Any] = {"code": code, "message": message}
        if status == "400":
            field, _, fault = message.partition(": ")
            body["details"] = [{"field": field, "message": fault}]
        body["requestId"] = "0199a2f0c0de70008000d1f9a35e7b21"
        responses[name] = {
            "description": description,
            "headers": response_headers(*(["Retry-After"] if status in _WAITS else [])),
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/ErrorBody"},
                    "example": {"error": body},
                }
            },
        }
    return responses
