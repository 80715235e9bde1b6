"""Every error is the one error body; bodies are read strictly and within their size."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from rest_framework.exceptions import ErrorDetail

from ledger.api.errors import flatten
from ledger.exceptions import Detail, shown


@pytest.fixture(autouse=True)
def failing_views() -> Iterator[None]:
    with override_settings(
        ROOT_URLCONF="ledger.tests.urls_of_errors", RATE_LIMIT_ADDRESS_PER_MINUTE=1_000_000
    ):
        yield


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def error_of(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    [(key, error)] = response.json().items()
    assert key == "error"
    assert set(error) <= {"code", "message", "details", "requestId"}
    assert error["code"] == code
    assert error["message"]
    assert error["requestId"] == response["X-Request-ID"]
    assert "secret" not in response.content.decode()
    assert "RateLimit-Remaining" in response
    assert response["Content-Length"] == str(len(response.content))
    return dict(error)


@pytest.mark.parametrize(
    ("name", "status", "code", "headers"),
    [
        ("validation", 400, "VALIDATION_ERROR", {}),
        ("authentication", 401, "UNAUTHORIZED", {"WWW-Authenticate": "Bearer"}),
        ("forbidden", 403, "FORBIDDEN", {}),
        ("not-found", 404, "NOT_FOUND", {}),
        ("conflict", 409, "CONFLICT", {}),
        ("busy", 409, "CONFLICT", {"Retry-After": "3"}),
        ("mismatch", 422, "IDEMPOTENCY_MISMATCH", {}),
        ("rate", 429, "RATE_LIMITED", {"Retry-After": "9"}),
        ("provider", 502, "PROVIDER_ERROR", {}),
        ("django-404", 404, "NOT_FOUND", {}),
        ("django-403", 403, "FORBIDDEN", {}),
        ("django-400", 400, "VALIDATION_ERROR", {}),
        ("drf-validation", 400, "VALIDATION_ERROR", {}),
        ("drf-authentication", 401, "UNAUTHORIZED", {"WWW-Authenticate": "Bearer"}),
        ("drf-parse", 400, "VALIDATION_ERROR", {}),
        ("drf-throttled", 429, "RATE_LIMITED", {"Retry-After": "7"}),
        ("crash", 500, "INTERNAL_ERROR", {}),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_whatever_a_view_raises_becomes_the_error_body(
    client: Client, name: str, status: int, code: str, headers: dict[str, str], debug: bool
) -> None:
    with override_settings(DEBUG=debug):
        response = client.get(f"/v1/fault/{name}")

    error_of(response, status, code)
    assert headers.items() <= dict(response.items()).items()


def test_details_name_the_fields_and_stand_only_where_there_are_any(client: Client) -> None:
    assert client.get("/v1/fault/validation").json()["error"]["details"] == [
        {"field": "a", "message": "is wrong."},
        {"field": "b[0].c", "message": "too."},
    ]
    assert client.get("/v1/fault/drf-validation").json()["error"]["details"] == [
        {"field": "a.b", "message": "is wrong."},
        {"field": "body", "message": "Both."},
    ]
    assert "details" not in client.get("/v1/fault/conflict").json()["error"]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/v1/nowhere", 404, "NOT_FOUND"), ("/v1/crash", 500, "INTERNAL_ERROR"), ("/v1", 404, "NOT_FOUND")],
)
def test_djangos_own_pages_under_v1_are_json_in_debug_too(
    client: Client, path: str, status: int, code: str, debug: bool
) -> None:
    with override_settings(DEBUG=debug):
        response = client.get(path, HTTP_ACCEPT="text/html")

    error_of(response, status, code)


def test_unknown_paths_outside_of_v1_are_json_but_for_browsers(client: Client) -> None:
    assert client.get("/nowhere").json()["error"]["code"] == "NOT_FOUND"
    assert client.get("/crash").json()["error"]["code"] == "INTERNAL_ERROR"
    page = client.get("/nowhere", HTTP_ACCEPT="text/html,*/*")
    assert page.status_code == 404
    assert page["Content-Type"].startswith("text/html")


def test_a_wrong_method_names_the_right_ones(client: Client) -> None:
    response = client.put("/v1/echo", b"{}", content_type="application/json")

    error_of(response, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in response["Allow"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("40001", 409, "CONFLICT"), ("40P01", 409, "CONFLICT"), ("55P03", 409, "CONFLICT"),
        ("57014", 409, "CONFLICT"), ("53300", 409, "CONFLICT"), ("08006", 503, "UNAVAILABLE"),
        ("23505", 409, "CONFLICT"), ("23503", 409, "CONFLICT"), ("OL002", 409, "CONFLICT"),
        ("22P05", 400, "VALIDATION_ERROR"), ("22021", 400, "VALIDATION_ERROR"),
        ("22003", 400, "VALIDATION_ERROR"),
        ("42703", 500, "INTERNAL_ERROR"), ("23514", 500, "INTERNAL_ERROR"), ("P0001", 500, "INTERNAL_ERROR"),
    ],
)  # fmt: skip
def test_database_errors_are_told_apart_by_sqlstate(
    client: Client, sqlstate: str, status: int, code: str
) -> None:
    response = client.get(f"/v1/sqlstate/{sqlstate}")

    error_of(response, status, code)
    passes_by_itself = sqlstate[:2] in {"40", "55", "57", "53", "08"}
    assert ("Retry-After" in response) is passes_by_itself


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)", 409),
        ("SELECT 'a' || chr(0)", 500),  # our own mistake, not a value of the request
        ("SELECT '\"\\u0000\"'::jsonb ->> 0", 400),
        ("SELECT 1e30::numeric(20,4)", 400),
    ],
)
def test_errors_that_postgresql_raises_by_itself_are_told_apart(
    client: Client, statement: str, status: int
) -> None:
    assert client.get("/v1/statement", headers={"X-Statement": statement}).status_code == status


def post(client: Client, body: bytes, content_type: str = "application/json", **meta: Any) -> Any:
    return client.post("/v1/echo", body, content_type=content_type, **meta)


def test_bodies_are_read_exactly_and_their_bytes_stay_known(client: Client) -> None:
    response = post(client, b'{"a":0.10,"b":[1]}')

    assert response.content == b'{"data":{"a":0.10,"b":[1]},"raw":"{\\"a\\":0.10,\\"b\\":[1]}"}'


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_an_empty_body_counts_as_an_empty_object(client: Client, content_type: str) -> None:
    assert post(client, b"", content_type).json()["data"] == {}


@pytest.mark.parametrize(
    "body", [b"{", b"NaN", b'{"a":1e99999999999999999999}', b"[" * 900, b'"\\u0000"', b"\xff"]
)
def test_a_body_that_is_no_json_is_a_400(client: Client, body: bytes) -> None:
    error_of(post(client, body), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=utf-16",
    ],
)
def test_another_content_type_is_a_415(client: Client, content_type: str) -> None:
    error_of(post(client, b'{"a":1}', content_type), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_json_in_utf_8_may_say_so(client: Client) -> None:
    assert post(client, b'{"a":1}', "application/json; charset=UTF-8").json()["data"] == {"a": 1}


def test_a_body_beyond_the_views_limit_is_a_413(client: Client) -> None:
    assert post(client, b'"' + b"a" * 998 + b'"').status_code == 200

    error = error_of(post(client, b'"' + b"a" * 999 + b'"'), 413, "PAYLOAD_TOO_LARGE")
    assert "1001 bytes" in error["message"]
    assert "at most 1000" in error["message"]
    error_of(post(client, b"{}", CONTENT_LENGTH="99999999999"), 413, "PAYLOAD_TOO_LARGE")


def test_an_upload_beyond_the_views_limit_is_a_413(client: Client) -> None:
    small, large = SimpleUploadedFile("a.csv", b"a" * 10), SimpleUploadedFile("a.csv", b"a" * 2_000)

    assert client.post("/v1/upload", {"file": small}).json() == {"size": 10}
    error_of(client.post("/v1/upload", {"file": large}), 413, "PAYLOAD_TOO_LARGE")


def test_a_body_without_a_length_is_refused_and_not_taken_as_empty(client: Client) -> None:
    response = post(client, b"", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")

    error_of(response, 400, "VALIDATION_ERROR")


def test_no_content_has_no_body(client: Client) -> None:
    response = client.delete("/v1/echo")

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "text/html", "application/xml;q=0.9", "nonsense"]
)
def test_whatever_the_client_accepts_the_answer_is_json(client: Client, accept: str) -> None:
    assert post(client, b'{"a":1}', HTTP_ACCEPT=accept).json()["data"] == {"a": 1}


@pytest.mark.parametrize("sent", ["abc-123", "x" * 128, "!~"])
def test_a_sane_request_id_is_echoed(client: Client, sent: str) -> None:
    assert client.get("/v1/nowhere", HTTP_X_REQUEST_ID=sent)["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "a\tb", "caf\u00e9", "a\x7f"])
def test_another_request_id_is_replaced(client: Client, sent: str) -> None:
    made = client.get("/v1/nowhere", HTTP_X_REQUEST_ID=sent)["X-Request-ID"]

    assert made != sent
    assert len(made) == 32


def test_fault_trees_become_flat_lists() -> None:
    detail = ErrorDetail("is wrong.")
    tree = {
        "a": [detail, detail],
        "b": {"c": {"non_field_errors": [detail]}},
        "d": [{}, {"e": [detail]}],
        "f": {2: [detail]},
        "non_field_errors": [detail],
    }

    assert flatten(tree) == [
        Detail(field, "is wrong.") for field in ("a", "a", "b.c", "d[1].e", "f[2]", "body")
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("a", '"a"'),
        ("a\nb\0\ud800", '"a\\nb\\x00\\ud800"'),
        ([1, 2], "a list of 2 items"),
        ({"a": 1}, "an object of 1 fields"),
        pytest.param(10**5000, "an integer of 16610 bits", id="long integer"),
    ],
)
def test_values_in_messages_are_short_and_printable(value: object, text: str) -> None:
    assert shown(value) == text
    assert len(shown("x" * 10**6)) == 60
    assert json.dumps(shown("\ud800" * 100))
