"""Input that breaks naive servers, sent over a socket: each is refused in the API's own words.

The common accidents and attacks on JSON APIs: numbers without bounds, nesting without end, text that is none,
bodies that are not what their headers say.
"""

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from openledger.tests.live import Answer, LiveEntity, LiveServer

pytestmark = pytest.mark.server

CODES: Final = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}


class Target(NamedTuple):
    """A server and a company on it."""

    server: LiveServer
    entity: LiveEntity

    def send(self, method: str, path: str, raw: bytes | None = None, **headers: str) -> Answer:
        """Send raw bytes as the company's developer."""
        query = f"{'&' if '?' in path else '?'}entityId={self.entity.id}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        token = self.entity.developer.token
        return self.server.call(method, f"/v1/{path}{query}", token=token, raw=raw, headers=named)

    def body(self, **more: str) -> bytes:
        """A right transaction but for the fields that are given, as JSON text."""
        fields = {
            "amount": "12.50",
            "debitAccountId": f'"{self.entity.accounts["1010"]}"',
            "creditAccountId": f'"{self.entity.accounts["4010"]}"',
            **more,
        }
        return ("{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}").encode()


@pytest.fixture(scope="module")
def target(live_server_process: LiveServer) -> Iterator[Target]:
    """A company that no bad input may change."""
    made = Target(live_server_process, live_server_process.entity(live_server_process.developer("Careful")))
    yield made
    listed = made.send("GET", "transactions").json()
    assert listed["transactions"] == []
    assert made.send("GET", "categories").json()["categories"][0]["name"]


def assert_refused(answer: Answer, status: int, field: str | None = None) -> dict[str, Any]:
    """The error body of the contract, with the field that was wrong; returns it."""
    assert answer.status == status, f"{answer.status} {answer.body[:500]!r}"
    assert answer.headers["content-type"] == "application/json"
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == CODES[status]
    assert len(error["message"]) > 10
    assert error["requestId"] == answer.headers["x-request-id"]
    if field is not None:
        assert field in [detail["field"] for detail in error["details"]], error
    return error


BAD_AMOUNTS: Final = [
    "0",
    "-0",
    "0.00",
    '"0"',
    "1e400",
    "1e999999999",
    "-1e400",
    "1e-400",
    "1e15",
    "1000000000000000",
    "0.001",
    "12.345",
    "1" * 5000,
    "true",
    "false",
    "null",
    "[]",
    "{}",
    '""',
    '"abc"',
    '"NaN"',
    '"Infinity"',
    '"-inf"',
    '"1_000"',
    '"1,000.00"',
    '" 12"',
    '"12 "',
    '"\u0661\u0662"',
    '"0x10"',
    '"1e5000"',
    '"12.50 USD"',
    '"$12"',
    '"+12"',
    '".5"',
    '"12."',
    '"1\\u0000"',
]


@pytest.mark.parametrize("amount", BAD_AMOUNTS, ids=range(len(BAD_AMOUNTS)))
def test_amounts_that_are_none_are_refused(target: Target, amount: str) -> None:
    field = None if "u0000" in amount or len(amount) > 4000 else "amount"
    assert_refused(target.send("POST", "transactions", target.body(amount=amount)), 400, field)
    bulk = b'{"transactions": [' + target.body(amount=amount) + b"]}"
    bulk_field = field and f"transactions[0].{field}"
    assert_refused(target.send("POST", "transactions/bulk", bulk), 400, bulk_field)


@pytest.mark.parametrize(
    "name", ["NaN", "Infinity", "-Infinity", "nan", "1.", ".5", "01", "+1", "0x1", "1_000"]
)
def test_numbers_that_are_no_json_are_refused(target: Target, name: str) -> None:
    error = assert_refused(target.send("POST", "transactions", target.body(amount=name)), 400)
    assert "JSON" in error["message"]


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"}",
        b"nonsense",
        b"{'amount': 1}",
        b'{"a": 1,}',
        b'{"a": 1} {"b": 2}',
        b"\xff\xfe{}",
        b'{"a": "\xe9"}',
        b'{"description": "\\ud800"}',
        b'{"description": "\\udc00\\ud800"}',
        b"[" * 100_000,
        b"[" * 60 + b"]" * 60,
        b'{"a":' * 60 + b"1" + b"}" * 60,
        b'{"metadata": ' + b"[" * 51 + b"]" * 51 + b"}",
        b"\x00",
        b'{"description": "a\\u0000b"}',
        b'{"a\\u0000": 1}',
        b"\xef\xbb\xbf{}",
        b"1e99999999999999999999",
        b'{"amount": ' + b"9" * 5000 + b"}",
    ],
    ids=range(20),
)
@pytest.mark.parametrize(
    "path", ["transactions", "accounts", "journal-entries", "transactions/search", "auth/tokens"]
)
def test_bodies_that_are_no_json_are_refused(target: Target, path: str, raw: bytes) -> None:
    assert_refused(target.send("POST", path, raw), 400)


@pytest.mark.parametrize("raw", [b"1", b"true", b"null", b'"text"', b"[]", b"[[]]", b"{}", b""])
@pytest.mark.parametrize("path", ["transactions", "accounts", "journal-entries", "entities/settings"])
def test_bodies_of_another_shape_are_refused(target: Target, path: str, raw: bytes) -> None:
    if path == "entities/settings":
        if raw not in (b"{}", b""):  # no changes at all are no fault
            assert_refused(target.send("PUT", path, raw), 400)
    else:
        assert_refused(target.send("POST", path, raw), 400)


BAD_FIELDS: Final = [
    ("description", '["x"]'),
    ("description", "5"),
    ("description", f'"{"x" * 1001}"'),
    ("date", '"2024-02-30"'),
    ("date", '"2024-13-01"'),
    ("date", '"yesterday"'),
    ("date", "20240115"),
    ("date", '"1066-10-14"'),
    ("date", '"9999-12-31"'),
    ("date", '"2024-W03"'),
    ("date", '"2024-01-15T25:00:00Z"'),
    ("currency", '"XXX"'),
    ("currency", '"EUR"'),
    ("currency", "840"),
    ("status", '"DONE"'),
    ("status", '"pending"'),
    ("status", '"REVERSED"'),
    ("metadata", "[]"),
    ("metadata", '"{}"'),
    ("metadata", f'{{"a": "{"x" * 17_000}"}}'),
    ("metadata", '{"a": 1e9999}'),
    ("debitAccountId", '"acc_1"'),
    ("debitAccountId", "7"),
    ("debitAccountId", '"txn_01h455vb4pex5vsknk084sn02q"'),
    ("debitAccountId", '"\'; DROP TABLE accounts_account; --"'),
    ("externalId", f'"{"x" * 256}"'),
    ("counterpartyName", "{}"),
    ("colour", '"red"'),
    ("__proto__", "{}"),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS, ids=range(len(BAD_FIELDS)))
def test_a_wrong_field_is_named(target: Target, field: str, value: str) -> None:
    assert_refused(target.send("POST", "transactions", target.body(**{field: value})), 400, field)


BAD_QUERIES: Final = [
    ("transactions", "pageSize=0", "pageSize"),
    ("transactions", "pageSize=101", "pageSize"),
    ("transactions", "pageSize=1e1", "pageSize"),
    ("transactions", f"pageSize={'9' * 40}", "pageSize"),
    ("transactions", "pageSize=\u0661", "pageSize"),
    ("transactions", "pageSize=10&pageSize=20", "pageSize"),
    ("transactions", "page_size=10&pageSize=20", "pageSize"),
    ("transactions", "cursor=abc", "cursor"),
    ("transactions", f"cursor={'a' * 3000}", "cursor"),
    ("transactions", "amountMin=NaN", "amountMin"),
    ("transactions", "amountMin=1e400", "amountMin"),
    ("transactions", "dateFrom=2024-02-30", "dateFrom"),
    ("transactions", "status=posted", "status"),
    ("transactions", "accountId=1", "accountId"),
    ("transactions", "counterparty=%00", "counterparty"),
    ("transactions", "counterparty=%ff", None),
    ("transactions", "colour=red", "colour"),
    ("accounts", "limit=-1", "limit"),
    ("accounts", "page=0", "page"),
    ("accounts", f"page={10**40}", "page"),
    ("accounts", "top_level=yes", "top_level"),
    ("accounts", "type=Asset", "type"),
    ("transactions/by-month", "month=13&year=2024", "month"),
    ("transactions/by-month", "month=1", "year"),
    ("entities", "entityId=1", "entityId"),
    ("categories", "entityId=entity_01h455vb4pex5vsknk084sn02q", "entityId"),
]


@pytest.mark.parametrize(("path", "query", "field"), BAD_QUERIES, ids=range(len(BAD_QUERIES)))
def test_a_wrong_parameter_is_named(target: Target, path: str, query: str, field: str | None) -> None:
    encoded = query.encode("ascii", "backslashreplace").decode() if query.isascii() else None
    if encoded is None:
        encoded = "".join(
            one if one.isascii() else "".join(f"%{b:02x}" for b in one.encode()) for one in query
        )
    assert_refused(target.send("GET", f"{path}?{encoded}"), 400, field)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("POST", "nothing", 404),
        ("GET", "transactions/", 404),
        ("GET", "", 404),
        ("GET", "accounts/../transactions", 400),
        ("GET", "transactions/%00", 400),
        ("GET", "transactions/%ff", 400),
        ("GET", "transactions/txn_1", 400),
        ("GET", "accounts/7", 400),
        ("PATCH", "transactions", 405),
        ("DELETE", "accounts", 405),
        ("POST", "transactions/by-month", 405),
        ("PUT", "developers/me", 405),
        ("GET", "auth/tokens", 405),
        ("BREW", "transactions", 405),
        ("TRACE", "transactions", 405),
    ],
)
def test_what_is_not_there_is_said_in_json(target: Target, method: str, path: str, status: int) -> None:
    answer = target.send(method, path)
    assert_refused(answer, status)
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "text/html",
    ],
)
def test_bodies_of_another_type_are_refused(target: Target, content_type: str) -> None:
    answer = target.send("POST", "transactions", target.body(), Content_Type=content_type)
    assert_refused(answer, 415)


@pytest.mark.parametrize(
    ("path", "limit"),
    [("transactions", 1_000_000), ("accounts", 1_000_000), ("transactions/bulk", 10_000_000)],
)
def test_bodies_above_the_limit_are_refused_and_others_are_read(
    target: Target, path: str, limit: int
) -> None:
    padded = b'{"colour": "' + b"x" * (limit - 14) + b'"}'
    assert len(padded) == limit
    assert_refused(target.send("POST", path, padded), 400)
    # One byte more is refused by its declared length, before any of it is read.
    head = (
        f"POST /v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {limit + 1}\r\n"
        f"Content-Type: application/json\r\nX-Entity-ID: {target.entity.id}\r\n"
        f"Authorization: Bearer {target.entity.developer.token}\r\n\r\n"
    )
    error = assert_refused(exchange(target.server, head.encode()), 413)
    assert str(limit) in error["message"]


def test_a_batch_above_the_limit_is_refused(target: Target) -> None:
    ids = ["txn_01h455vb4pex5vsknk084sn02q"] * 5001
    answer = target.send("PUT", "transactions/approve", msgspec.json.encode({"transactionIds": ids}))
    assert "5000" in assert_refused(answer, 400)["message"]
    bulk = b'{"transactions": [' + b",".join([b"{}"] * 5001) + b"]}"
    assert_refused(target.send("POST", "transactions/bulk", bulk), 400, "transactions")


def test_a_chunked_body_is_refused_rather_than_taken_for_none(target: Target) -> None:
    head = (
        "POST /v1/transactions/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Type: application/json\r\nX-Entity-ID: {target.entity.id}\r\n"
        f"Authorization: Bearer {target.entity.developer.token}\r\nConnection: close\r\n\r\n"
    )
    assert_refused(exchange(target.server, head.encode() + b"2\r\n{}\r\n0\r\n\r\n"), 400)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "99999999999999999999999"])
def test_a_length_that_is_none_is_refused(target: Target, length: str) -> None:
    head = (
        f"POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {target.entity.developer.token}\r\n\r\n"
    )
    # The web server refuses it before the application sees it, as HTTP asks (RFC 9112, 6.3).
    assert exchange(target.server, head.encode() + b"{}").status == 400


def test_headers_of_any_size_do_no_harm(target: Target) -> None:
    for name, value, statuses in (
        ("Authorization", "Bearer " + "a" * 30_000, {401}),
        ("X-Request-ID", "x" * 30_000, {200}),
        ("Idempotency-Key", "k" * 30_000, {200}),
        ("X-Entity-ID", "e" * 30_000, {400}),
        ("Prefer", "p" * 30_000, {200}),
        ("Accept", "a" * 30_000, {200}),
        # Beyond what the web server reads at all.
        ("X-Large", "x" * 1_000_000, {400, 431}),
    ):
        headers = {"Authorization": f"Bearer {target.entity.developer.token}", name: value}
        raw = "GET /v1/entities HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        raw += "".join(f"{one}: {text}\r\n" for one, text in headers.items()) + "\r\n"
        answer = exchange(target.server, raw.encode())
        assert answer.status in statuses, name
        if answer.status in CODES and name != "X-Large":
            assert_refused(answer, answer.status)
    # It goes on.
    assert target.send("GET", "transactions").status == 200


@pytest.mark.parametrize("key", ["", "k" * 256, "\t"])
def test_idempotency_keys_that_are_none_are_refused(target: Target, key: str) -> None:
    answer = target.send("POST", "transactions", target.body(amount="0"), Idempotency_Key=key)
    assert_refused(answer, 400)


def test_errors_do_not_show_how_the_server_is_made(target: Target) -> None:
    for raw in (b"{", target.body(amount='"x"'), b"[" * 100_000):
        text = target.send("POST", "transactions", raw).body.decode().lower()
        for word in ("traceback", "django", "psycopg", "msgspec", "line ", ".py"):
            assert word not in text


def exchange(server: LiveServer, raw: bytes) -> Answer:
    """Send bytes over a socket and read the answer to them, whatever an HTTP client would say of them."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as connection:
        # The server may close what it does not want to read.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(raw)
        received = b""
        while b"\r\n\r\n" not in received:
            received += _more(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += _more(connection)
        return Answer(int(status.split()[1]), headers, body)


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    assert piece, "the server closed the connection without an answer"
    return piece
