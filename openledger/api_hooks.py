"""The last hand on the API's description, once all endpoints are in it.

Adds what the endpoints refer to and the addresses that are no views of the API, names the lists of words,
and closes the requests: what is not declared is refused.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from accounts.choices import AccountType
from accounts.financial_types import FINANCIAL_TYPES
from ledger.choices import AccountingMethod, EntityType, ImportStatus, NotificationFrequency
from ledger.money import MINOR_DIGITS
from ledger.tokens import Scope, TokenKind
from openledger.api_components import HEADERS, PARAMETERS, error, error_responses, response_headers
from transactions.choices import Status

_ENUMS: Final[dict[str, list[str]]] = {
    "AccountType": list(AccountType.values),
    "FinancialType": list(FINANCIAL_TYPES),
    "TransactionStatus": list(Status.values),
    "EntityType": list(EntityType.values),
    "AccountingMethod": list(AccountingMethod.values),
    "NotificationFrequency": list(NotificationFrequency.values),
    "ImportStatus": list(ImportStatus.values),
    "Currency": sorted(MINOR_DIGITS),
    "TokenScope": [str(scope) for scope in Scope],
    "TokenKind": [str(kind) for kind in TokenKind],
}

_TAGS: Final = {
    "Tokens": "Access tokens, made of API keys. A token lasts an hour.",
    "Developers": "Platforms that build on Open Ledger, and their API keys.",
    "Entities": "Companies, each with its own books.",
    "Ledger accounts": "The chart of accounts, balances, and imports of charts.",
    "Categories": "Accounts, seen from the categorizing side.",
    "Transactions": "What moves amounts from one account to another.",
    "Banks": "Bank accounts, the connections that feed them, and how far these are.",
    "Bank lines": "What the banks say, line by line, and what stands for it in the books.",
    "Reconciliation": "Bank statements, held against the books until they differ by nothing.",
    "Integrations": "Other programs that hold books or payments: QuickBooks, Xero, Stripe.",
    "Sandbox": "Made-up companies to try the API with.",
    "Operations": "What supervisors, monitors and tools ask.",
}


def complete(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Return the finished description; drf-spectacular calls it."""
    components = result["components"]
    result["paths"] |= _OPERATIONS
    _name_enums(result)
    components["parameters"] = PARAMETERS
    components["headers"] = HEADERS
    components["responses"] = error_responses()
    components["schemas"] = dict(sorted((components["schemas"] | _enum_schemas()).items()))
    _close_requests(result)
    used = {tag for operation in operations(result) for tag in operation.get("tags", [])}
    described = [{"name": name, "description": text} for name, text in _TAGS.items() if name in used]
    result["tags"] = described + [{"name": name} for name in sorted(used - _TAGS.keys())]
    return result


def operations(description: Any) -> Iterator[Any]:
    """Return all operations of a description."""
    for item in description["paths"].values():
        yield from (item[method] for method in item if method in _METHODS)


_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})


def _enum_schemas() -> dict[str, Any]:
    return {name: {"type": "string", "enum": values} for name, values in _ENUMS.items()}


def _name_enums(result: Any) -> None:
    """Replace the lists of words that have a name by references to it."""
    names = {frozenset(values): name for name, values in _ENUMS.items()}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        node = {key: value if key in ("example", "examples") else walk(value) for key, value in node.items()}
        values = node.get("enum")
        if not isinstance(values, list):
            return node
        node.pop("x-spec-enum-id", None)
        name = names.get(frozenset(values) - {None})
        is_nullable = None in values or "null" in node.get("type", ())
        if name is None:
            if is_nullable:
                node["enum"] = [value for value in values if value is not None] + [None]
            return node
        rest = {key: value for key, value in node.items() if key not in ("type", "enum")}
        reference = {"$ref": f"#/components/schemas/{name}"}
        return rest | ({"oneOf": [reference, {"type": "null"}]} if is_nullable else reference)

    result["paths"] = walk(result["paths"])
    result["components"]["schemas"] = walk(result["components"]["schemas"])


def _close_requests(result: Any) -> None:
    """Say of each request's object that it has no other fields; the outermost may name the company."""
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Request") and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    nested = set(_references(schemas))
    for operation in operations(result):
        takes_entity = {"$ref": "#/components/parameters/EntityIdQuery"} in operation.get("parameters", [])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            reference = content["schema"].get("$ref", "")
            name = reference.rpartition("/")[2]
            if not takes_entity or "properties" not in schemas.get(name, {}):
                continue
            if reference in nested:
                # Inside of another object it has no entityId.
                outermost = f"{name.removesuffix('Request')}BodyRequest"
                schemas[outermost] = deepcopy(schemas[name])
                content["schema"] = {"$ref": f"#/components/schemas/{outermost}"}
                name = outermost
            schemas[name]["properties"].setdefault(
                "entityId", {**PARAMETERS["EntityIdQuery"]["schema"], "description": _ENTITY_IN_BODY}
            )


def _references(node: Any) -> Iterator[str]:
    """Return everything that is referred to in there."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


_ENTITY_IN_BODY: Final = "The company, where neither query nor header name it."


def _answer(description: str, media_type: str, schema: Any, example: Any = None) -> dict[str, Any]:
    content = {"schema": schema} | ({} if example is None else {"example": example})
    return {"description": description, "content": {media_type: content}}


_STATES: Final = {"type": "string", "enum": ["ok", "unavailable"]}
_READINESS: Final = {
    "type": "object",
    "properties": {
        "status": _STATES,
        "checks": {
            "type": "object",
            "properties": {"database": _STATES, "redis": _STATES, "migrations": _STATES},
            "required": ["database", "redis", "migrations"],
        },
    },
    "required": ["status", "checks"],
}
_READY: Final = {"status": "ok", "checks": {"database": "ok", "redis": "ok", "migrations": "ok"}}
_NOT_READY: Final = {
    "status": "unavailable",
    "checks": {"database": "ok", "redis": "unavailable", "migrations": "ok"},
}


def _description_operation(operation_id: str, format_: str, media_type: str) -> dict[str, Any]:
    done = _answer("The description.", media_type, {"type": "object"})
    return {
        "get": {
            "operationId": operation_id,
            "summary": f"Get this description as {format_}",
            "tags": ["Operations"],
            "security": [],
            "responses": {
                "200": done | {"headers": response_headers()},
                "429": error("429"),
                "500": error("500"),
            },
        }
    }


# Addresses that are no views of the API: the description itself, and what needs no token and no limits.
_OPERATIONS: Final[dict[str, Any]] = {
    "/v1/openapi.json": _description_operation(
        "getDescriptionAsJson", "JSON", "application/vnd.oai.openapi+json"
    ),
    "/v1/openapi.yaml": _description_operation("getDescriptionAsYaml", "YAML", "application/vnd.oai.openapi"),
    "/healthz": {
        "get": {
            "operationId": "getHealth",
            "summary": "Ask whether the process answers",
            "tags": ["Operations"],
            "security": [],
            "responses": {
                "200": _answer(
                    "It does.",
                    "application/json",
                    {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]},
                    {"status": "ok"},
                )
            },
        }
    },
    "/readyz": {
        "get": {
            "operationId": "getReadiness",
            "summary": "Ask whether database, Redis and migrations are ready",
            "tags": ["Operations"],
            "security": [],
            "responses": {
                "200": _answer("All are.", "application/json", _READINESS, _READY),
                "503": _answer("One is not.", "application/json", _READINESS, _NOT_READY),
            },
        }
    },
    "/metrics": {
        "get": {
            "operationId": "getMetrics",
            "summary": "Get metrics for Prometheus",
            "tags": ["Operations"],
            "security": [],
            "responses": {"200": _answer("Metrics.", "text/plain", {"type": "string"})},
        }
    },
}
