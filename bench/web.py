"""The web server of `make run` on one of the databases, and clients that ask it."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path

import psutil
from honcho.environ import parse_procfile

from openledger import embedded
from openledger.running import DEFAULTS

HOST = "127.0.0.1"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
# The server ends connections that wait longer, as while another side of a duel has its turn.
_KEPT_SECONDS = 1.0


@dataclass(frozen=True)
class Server:
    """A running web server."""

    port: int
    process: psutil.Process

    def peak_megabytes(self) -> list[float]:
        """The most memory that each of its workers ever had in use."""
        return [
            int(line.split()[1]) / 1024
            for worker in self.process.children(recursive=True)
            for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        ]


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[Server]:
    """Run the Procfile's web server, with as many workers and threads as `make run` has."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    environment = DEFAULTS | environment | {"HOST": HOST, "PORT": str(port)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    command = parse_procfile((embedded.PROJECT_DIRECTORY / "Procfile").read_text()).processes["web"]
    server = subprocess.Popen(command, shell=True, cwd=embedded.PROJECT_DIRECTORY, env=environment)
    try:
        _wait(server, port)
        yield Server(port, psutil.Process(server.pid))
    finally:
        server.terminate()
        server.wait(20)


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            connection = HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web server did not start; its reason is above")


@dataclass(frozen=True)
class Requests:
    """Send these requests one after the other, over one kept connection, and expect this status."""

    port: int
    token: str
    method: str
    # Path and body of each.
    requests: tuple[tuple[str, bytes], ...]
    status: int = 200
    # What the answer must hold besides.
    holds: bytes = b""
    # Of a person who is logged in; programs have the token.
    cookie: str = ""

    def answer(self) -> bytes:
        """The body of the first one's answer."""
        return Client(self.port).ask(self._request(*self.requests[0]))[1]

    def prepare(self, number: int) -> Callable[[], None]:
        client = Client(self.port)
        share = len(self.requests) * number // 8
        ready = cycle(
            [self._request(path, body) for path, body in (*self.requests[share:], *self.requests[:share])]
        )

        def send() -> None:
            status, body = client.ask(next(ready))
            if status != self.status or self.holds not in body:
                raise RuntimeError(f"status {status}: {body[:300]!r}")

        return send

    def _request(self, path: str, body: bytes) -> bytes:
        who = f"Cookie: {self.cookie}" if self.cookie else f"Authorization: Bearer {self.token}"
        head = f"{self.method} {path} HTTP/1.1\r\nHost: {HOST}\r\n{who}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body


class Client:
    """An HTTP/1.1 client that does as little as can be: it shares the machine with what it measures.

    It knows the answers of our own server alone: JSON, with a Content-Length or in chunks (whose end, having
    line ends, cannot stand in JSON as we write it).
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._used = 0.0

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send it and return the status and the body."""
        if self._socket is not None and time.monotonic() - self._used > _KEPT_SECONDS:
            self._socket.close()
            self._socket = None
        if self._socket is None:
            self._socket = socket.create_connection((HOST, self._port), timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.sendall(request)
            data = self._socket.recv(65536)
            while (end := data.find(b"\r\n\r\n")) < 0:
                data += self._more()
            head = data[:end].lower()
            length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            parts = [data[end:]]
            if length:
                missing = int(length) - len(parts[0]) + 4
                while missing > 0:
                    parts.append(self._more())
                    missing -= len(parts[-1])
            else:
                while not b"".join(parts[-2:]).endswith(_LAST_CHUNK):
                    parts.append(self._more())
            self._used = time.monotonic()
            return int(head[9:12]), b"".join(parts)
        except (OSError, ValueError):
            self._socket.close()
            self._socket = None
            raise

    def _more(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        return data
