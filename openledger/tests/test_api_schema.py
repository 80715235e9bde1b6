"""The API's description: that it is whole, valid, and says what the views do."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import warn
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from ledger.api.views import ApiView
from ledger.tests.helpers import Caller
from openledger import api_description
from openledger.api_description import description
from openledger.tests.valid_requests import (
    VALID,
    Books,
    Operation,
    all_operations,
    owners_token,
    send,
    valid_request,
)

# They change nothing, so there is nothing to repeat.
READING_POSTS = frozenset(
    {
        "searchTransactions",
        "previewStatement",
        "semanticSearch",
        "suggestCategories",
        "streamCategorySuggestions",
        "backtestCategorySuggestions",
    }
)
ALL = all_operations()
FORMATS = FormatChecker()


@FORMATS.checks("date-time")  # type: ignore[untyped-decorator]
def _is_utc_timestamp(value: object) -> bool:
    """The contract's form of a moment, which is narrower than RFC 3339."""
    return not isinstance(value, str) or bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", value)
    )


def by_id(operation: Operation) -> str:
    return operation.id


@lru_cache(maxsize=1)
def closed_description() -> Any:
    """The description with objects that have no other fields than those described."""
    closed = deepcopy(description())
    for schema in closed["components"]["schemas"].values():
        for node in nodes(schema):
            if node.get("type") == "object" and "properties" in node:
                node.setdefault("additionalProperties", False)
    return closed


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(inner)


def faults(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What of the value is not as the schema says, which refers to the description's components."""
    whole = {**schema, "components": closed_description()["components"]}
    found = Draft202012Validator(whole, format_checker=FORMATS).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    *_, kind, name = node["$ref"].split("/")
    found: Mapping[str, Any] = description()["components"][kind][name]
    return found


def assert_is_described(operation: Operation, answer: Any) -> None:
    """Compare an answer with the response that the description has for its status."""
    responses = operation.described["responses"]
    status = str(answer.status_code)
    assert status in responses, f"{operation.id} answers {status}, which is not described: {answer.content}"
    response = resolved(responses[status])
    for name, header in response.get("headers", {}).items():
        assert name in answer.headers or not resolved(header).get("required"), f"no header {name}"
    if "content" not in response:
        assert answer.content == b""
        return
    media_type = answer.headers["Content-Type"].partition(";")[0]
    assert media_type in response["content"]
    if media_type == "application/json":
        assert not faults(json.loads(answer.content), response["content"][media_type]["schema"])


# --- the whole ---------------------------------------------------------------------------------------


def test_the_description_is_valid_and_made_without_a_warning() -> None:
    said = io.StringIO()
    call_command("export_openapi", "--check", stdout=said)
    assert "without a fault" in said.getvalue()


def test_the_check_fails_where_a_view_cannot_be_described(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = api_description.generate()

    def with_warning() -> Any:
        warn("a view has no serializer")
        return whole

    monkeypatch.setattr("openledger.management.commands.export_openapi.generate", with_warning)
    with pytest.raises(CommandError, match="without warnings"):
        call_command("export_openapi", "--check")

    broken = deepcopy(whole)
    broken["paths"]["/v1/accounts"]["get"]["responses"] = 7
    monkeypatch.setattr("openledger.management.commands.export_openapi.generate", lambda: broken)
    with pytest.raises(CommandError, match=r"no valid OpenAPI .*paths//v1/accounts"):
        call_command("export_openapi", "--check")


@pytest.mark.parametrize("format_", ["json", "yaml"])
def test_the_description_can_be_written_to_a_file(tmp_path: Path, format_: str) -> None:
    file = tmp_path / "openapi"
    call_command("export_openapi", "--output", str(file), "--format", format_, stdout=io.StringIO())
    printed = io.StringIO()
    call_command("export_openapi", "--format", format_, stdout=printed)

    assert file.read_text() == printed.getvalue()
    if format_ == "json":
        assert json.loads(file.read_text()) == description()
    else:
        assert file.read_text().startswith("openapi: 3.1.0\n")


@pytest.mark.django_db
def test_the_description_is_served_to_everybody() -> None:
    assert Caller().get("/v1/openapi.json").json() == description()
    assert Caller().get("/v1/openapi.json", HTTP_ACCEPT="text/html").status_code == 200
    assert Caller().get("/v1/openapi.yaml", HTTP_ACCEPT="application/json").status_code == 200


def addresses(patterns: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every address of the URL conf, in the description's form, with its view."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            plain = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", route).replace("^", "").replace("$", "")
            yield "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", plain), pattern.callback


def test_every_address_of_the_api_is_described_with_its_methods_and_nothing_else_is() -> None:
    routed = set()
    for address, view in addresses(get_resolver().url_patterns):
        if not address.startswith("/v1/") or address.startswith("/v1/openapi."):
            continue
        view_class = view.view_class
        assert issubclass(view_class, ApiView), f"{address} is no view of the API"
        methods = [name for name in ("get", "post", "put", "patch", "delete") if hasattr(view_class, name)]
        routed |= {(name.upper(), address) for name in methods}

    described = {(one.method, one.path) for one in ALL}
    apart = {"/v1/openapi.json", "/v1/openapi.yaml", "/healthz", "/readyz", "/metrics"}
    assert described == routed | {("GET", address) for address in apart}


def test_every_operation_has_one_valid_request_and_none_is_left_over() -> None:
    ids = [one.id for one in ALL]
    assert len(ids) == len(set(ids))
    assert VALID.keys() == set(ids)


@pytest.mark.parametrize("operation", ALL, ids=by_id)
def test_an_operation_says_all_that_a_reader_needs(operation: Operation) -> None:
    described = operation.described
    assert re.fullmatch(r"[a-z][A-Za-z]+", operation.id)
    assert described["summary"]
    assert described["tags"]

    parameters = [resolved(one) for one in described.get("parameters", [])]
    names = {one["name"] for one in parameters}
    if operation.takes_token and operation.method != "GET" and operation.id not in READING_POSTS:
        assert "Idempotency-Key" in names
        assert "422" in described["responses"]
    if operation.takes_entity:
        assert {"entityId", "X-Entity-ID"} <= names
    if operation.takes_token:
        assert {"400", "401", "403", "429", "500"} <= described["responses"].keys()

    bodies = [described["requestBody"]] if "requestBody" in described else []
    bodies += [resolved(one) for one in described["responses"].values()]
    for body in bodies:
        for media_type, content in body.get("content", {}).items():
            if media_type == "application/json":
                assert "example" in content or "examples" in content, f"{operation.id} has no example"


@pytest.mark.parametrize("operation", ALL, ids=by_id)
def test_examples_are_as_they_are_described(operation: Operation) -> None:
    bodies = [operation.described["requestBody"]] if "requestBody" in operation.described else []
    bodies += [resolved(one) for one in operation.described["responses"].values()]
    for content in (content for body in bodies for content in body.get("content", {}).values()):
        examples = [one["value"] for one in content.get("examples", {}).values()]
        for example in examples + ([content["example"]] if "example" in content else []):
            assert not faults(example, content["schema"])


# --- what the views do -------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("operation", ALL, ids=by_id)
def test_a_valid_request_is_as_described_and_so_is_its_answer(operation: Operation) -> None:
    books = Books("Owner")
    request = valid_request(operation, books)
    if request.body is not None:
        content = operation.described["requestBody"]["content"]["application/json"]
        assert not faults(json.loads(json.dumps(request.body)), content["schema"])
    declared = {resolved(one)["name"] for one in operation.described.get("parameters", [])}
    assert declared >= request.path.keys() | request.query.keys()

    answer = send(operation, request, token=owners_token(request, books), entity_id=books.entity_id)

    assert 200 <= answer.status_code < 300, answer.content
    assert_is_described(operation, answer)


@pytest.mark.django_db
@pytest.mark.parametrize("operation", [one for one in ALL if "204" in one.described["responses"]], ids=by_id)
def test_a_delete_says_so_to_those_who_want_to_hear_it(operation: Operation) -> None:
    books = Books("Owner")
    request = valid_request(operation, books)

    answer = send(
        operation, request, token=books.token, entity_id=books.entity_id, HTTP_PREFER="return=representation"
    )

    assert answer.status_code == 200
    assert_is_described(operation, answer)


@pytest.mark.django_db
@pytest.mark.parametrize("operation", [one for one in ALL if one.takes_token], ids=by_id)
def test_refusals_are_as_described(operation: Operation) -> None:
    books = Books("Owner")
    request = valid_request(operation, books)
    token = owners_token(request, books)

    # Without a token, and with a parameter that nobody knows.
    assert_is_described(operation, send(operation, request, token=None, entity_id=books.entity_id))
    unknown = request.__class__(request.path, {**request.query, "colour": "red"}, request.body)
    answer = send(operation, unknown, token=token, entity_id=books.entity_id)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "colour"
    assert_is_described(operation, answer)
