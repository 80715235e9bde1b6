"""Calls of outside services: their bounds and their retries."""

import gzip
import socketserver
import threading
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from banking import http
from banking.http import BoundedAdapter, bound, json_of
from banking.providers.base import ProviderDownError
from ledger.exceptions import ProviderError


class Service:
    """A server that answers each request with the next of its answers, in raw HTTP."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        self.pause_seconds = 0.0


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(http, "PAUSE_SECONDS", 0.001)
    known = Service()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            known.requests.append(self.request.recv(65_536))
            for piece in known.answers.pop(0).split(b"~"):
                try:
                    self.request.sendall(piece)
                except OSError:
                    return
                time.sleep(known.pause_seconds)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        known.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield known
        server.shutdown()
        thread.join()


def answer(status: str = "200 OK", body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def send(service: Service, method: str = "GET", *, read_timeout_seconds: float = 5) -> requests.Response:
    with requests.Session() as session:
        bound(session, BoundedAdapter("Acme", read_timeout_seconds=read_timeout_seconds))
        return session.request(method, service.url, auth=lambda request: request)


def test_an_answer_is_read_with_its_digits(service: Service) -> None:
    service.answers = [answer(body=b'{"amount": 0.10, "big": 12345678901234567890.12, "n": 7}')]

    value = json_of(send(service), "Acme")

    assert value == {"amount": Decimal("0.10"), "big": Decimal("12345678901234567890.12"), "n": 7}
    assert str(value["amount"]) == "0.10"


@pytest.mark.parametrize(
    "passing", [answer("503 Busy"), answer("429 Slow", b"", "Retry-After: 0"), answer("500 No"), b""]
)
def test_a_get_is_tried_three_times(service: Service, passing: bytes) -> None:
    service.answers = [passing, passing, answer()]
    assert send(service).status_code == 200
    assert len(service.requests) == 3

    service.answers = [passing, passing, passing, answer()]
    with pytest.raises(ProviderDownError, match="Acme"):
        send(service)


def test_a_post_is_repeated_only_where_nothing_was_done(service: Service) -> None:
    service.answers = [answer("429 Slow"), answer()]
    assert send(service, "POST").status_code == 200

    for passing in (answer("503 Busy"), b""):
        service.answers = [passing, answer()]
        before = len(service.requests)
        with pytest.raises(ProviderDownError):
            send(service, "POST")
        assert len(service.requests) == before + 1


def test_a_long_pause_is_not_waited_for_here(service: Service) -> None:
    service.answers = [answer("429 Slow", b"", "Retry-After: 3600"), answer()]

    with pytest.raises(ProviderDownError, match="slow down"):
        send(service)
    assert len(service.requests) == 1


def test_a_pause_that_is_a_date_is_the_usual_one(service: Service) -> None:
    service.answers = [answer("503 Busy", b"", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"), answer()]

    assert send(service).status_code == 200


def test_a_redirect_is_not_followed(service: Service) -> None:
    service.answers = [answer("302 Found", b"", f"Location: {service.url}"), answer()]

    with pytest.raises(ProviderError, match="redirect"):
        send(service)
    assert len(service.requests) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    service: Service, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(http, "ANSWER_BYTES_MAX", 100_000)
    body = b" " * 500_000
    service.answers = [
        answer("200 OK", gzip.compress(body), "Content-Encoding: gzip") if packed else answer(body=body)
    ]

    with pytest.raises(ProviderError, match="more than 100000 bytes"):
        send(service)


def test_an_answer_that_trickles_is_given_up(service: Service) -> None:
    service.pause_seconds = 0.05
    head = answer(body=b" " * 400).rstrip(b" ")
    service.answers = [b"~".join([head, *[b" "] * 100])]

    started = time.monotonic()
    with pytest.raises(ProviderDownError, match="did not answer"):
        send(service, "POST", read_timeout_seconds=0.2)
    assert time.monotonic() - started < 3


def test_a_service_that_hangs_is_waited_for_once(service: Service) -> None:
    service.pause_seconds = 0.5
    service.answers = [b"~" + answer(), answer()]

    with pytest.raises(ProviderDownError, match="did not answer"):
        send(service, read_timeout_seconds=0.1)
    assert len(service.requests) == 1


def test_a_packed_answer_is_unpacked(service: Service) -> None:
    body = gzip.compress(b'{"text": "' + b"a" * 200_000 + b'"}')
    service.answers = [answer("200 OK", body, "Content-Encoding: gzip")]

    assert len(json_of(send(service), "Acme")["text"]) == 200_000


def test_an_answer_that_breaks_off_is_asked_for_again(service: Service) -> None:
    service.answers = [answer(body=b" " * 400)[:-100], answer()]

    assert send(service).content == b"{}"


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b"{", b"\xff", b'{"a": 1e99999999999999999999}', b"[" * 200_000]
)
def test_what_is_no_object_is_an_error_of_the_provider(service: Service, body: bytes) -> None:
    service.answers = [answer(body=body)]

    with pytest.raises(ProviderError, match="Acme answered with what is no JSON"):
        json_of(send(service), "Acme")


def test_a_port_where_nobody_listens_is_a_provider_that_is_down(service: Service) -> None:
    service.url = "http://127.0.0.1:9/"

    with pytest.raises(ProviderDownError, match="ConnectionError"):
        send(service)
