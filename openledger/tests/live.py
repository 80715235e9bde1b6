"""A real web server of the tests: granian as in production, on a port and a database of its own.

`live_server_process` is the one that all tests of a session share; `LiveServer` makes others, which a test
may stop, kill and start again. They run on the tests' embedded PostgreSQL and Redis. Rate limits are out of
the way. Mark tests with `pytest.mark.server`.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from openledger import embedded

START_SECONDS: Final = 60
STOP_SECONDS: Final = 15
REQUEST_SECONDS: Final = 60
# Redis keeps 16 databases; the first is that of the tests themselves.
REDIS_DATABASES: Final = 15


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        """The body's JSON value."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True)
class LiveDeveloper:
    """A developer on the live server."""

    id: str
    api_key: str
    token: str  # of the developer, with scope write
    key_id: str


@dataclass(frozen=True)
class LiveEntity:
    """A company on the live server, with the standard chart of accounts."""

    id: str
    developer: LiveDeveloper
    accounts: Mapping[str, str] = field(repr=False)  # id of each account by its code, such as "1010"


class LiveServer:
    """One granian on one database; `name` tells databases apart."""

    def __init__(self, name: str, *, workers: int = 1, threads: int = 4, **environ: str) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
        self.database = f"live_{name}_{worker}"
        self.workers, self.threads = workers, threads
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port: int = probe.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        redis_database = 1 + int(worker.removeprefix("gw")) % REDIS_DATABASES
        cluster = embedded.database_url(os.environ)
        self.conninfo = make_conninfo(cluster, dbname=self.database)
        self.environ = {
            **os.environ,
            "DATABASE_URL": as_url(self.conninfo),
            "REDIS_URL": embedded.redis_url(os.environ).replace("?db=0", f"?db={redis_database}"),
            "BASE_URL": self.base_url,
            "RATE_LIMIT_FACTOR": "100000",
            "LOG_LEVEL": "WARNING",
            **environ,
        }
        self._process: subprocess.Popen[bytes] | None = None

    # --- the process -----------------------------------------------------------------------------

    def create_database(self) -> None:
        """Make the server's database, empty and migrated, in the place of a former one."""
        self.drop_database()
        with _cluster() as cluster:
            cluster.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))
        self.manage("migrate", "--verbosity", "0")

    def drop_database(self) -> None:
        """Remove the server's database, whoever is connected."""
        with _cluster() as cluster:
            name = sql.Identifier(self.database)
            cluster.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
                *("--port", str(self.port), "--http", "1", "--no-ws", "--workers", str(self.workers)),
                *("--blocking-threads", str(self.threads), "--workers-kill-timeout", "4"),
                *("--log-level", "warning", "openledger.wsgi:application"),
            ],
            cwd=embedded.PROJECT_DIRECTORY,
            env=self.environ,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(OSError, http.client.HTTPException):
                if self.call("GET", "/readyz").status == 200:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start (exit code {self._process.poll()})")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server as a supervisor does, and wait for its end; none running does no harm."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End the server and its workers at once, as `kill -9` and a power cut do."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    # --- what tests ask of it --------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own: `body` as JSON, or `raw` as it is."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        if body is not None:
            raw = msgspec.json.encode(body)
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        with closing(connection):
            connection.request(method, path, raw, sent)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())

    def ok(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """Send a request that must succeed, and return the JSON of its answer."""
        answer = self.call(method, path, body, token=token)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {answer.body!r}"
        return answer.json() if answer.body else None

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` with the server's settings and database; returns what it printed."""
        done = subprocess.run(
            [sys.executable, str(Path(embedded.PROJECT_DIRECTORY) / "manage.py"), *arguments],
            cwd=embedded.PROJECT_DIRECTORY,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Return a connection to the server's database, each statement its own transaction."""
        return psycopg.connect(self.conninfo, autocommit=True)

    @cached_property
    def admin_token(self) -> str:
        """A token of an operator's key, of this hour."""
        printed = self.manage("create_admin_key", "tests")
        key = printed.split("Admin key: ")[1].split()[0]
        key_id = printed.split("Created admin key ")[1].split()[0].rstrip(".")
        return self.token(userType="admin", id=key_id, apiKey=key)

    def token(self, **credentials: str) -> str:
        """A token of `POST /v1/auth/tokens`."""
        return str(self.ok("POST", "/v1/auth/tokens", credentials)["access_token"])

    def developer(self, name: str = "Acme Platform") -> LiveDeveloper:
        """A new developer."""
        made = self.ok("POST", "/v1/developers", {"name": name}, token=self.admin_token)
        developer_id, key = made["developer"]["id"], made["apiKey"]
        token = self.token(userType="developer", id=developer_id, apiKey=key["key"])
        return LiveDeveloper(developer_id, key["key"], token, key["id"])

    def entity(
        self, developer: LiveDeveloper, name: str = "Corner Bakery LLC", **settings: object
    ) -> LiveEntity:
        """A new company of the developer, with the accounts of the standard chart."""
        body = {"developerId": developer.id, "legalName": name, "settings": settings}
        made = self.ok("POST", "/v1/entities", body, token=developer.token)
        query = f"?entityId={made['entity']['id']}"
        self.ok(
            "POST",
            f"/v1/accounts/import{query}",
            {"source": "template", "template_id": "tmpl_standard_business"},
            token=developer.token,
        )
        found = self.ok("GET", f"/v1/categories{query}", token=developer.token)["categories"]
        accounts = {str(one["code"]): str(one["id"]) for one in found if one["code"] is not None}
        return LiveEntity(made["entity"]["id"], developer, accounts)

    def entity_token(self, entity: LiveEntity, **more: str) -> str:
        """A token of one company; `scope="read"` for one that may only read."""
        return self.token(userType="entity", id=entity.id, apiKey=entity.developer.api_key, **more)


@pytest.fixture(scope="session")
def live_server_process() -> Iterator[LiveServer]:
    """The live server of the session. Tests make developers of their own on it, and leave it running."""
    server = LiveServer("shared")
    server.create_database()
    server.start()
    yield server
    server.stop()
    server.drop_database()


def as_url(conninfo: str) -> str:
    """The address of a database in the form of `DATABASE_URL`."""
    parts = conninfo_to_dict(conninfo)
    database = parts.pop("dbname")
    return f"postgresql:///{database}?{urlencode(parts)}"


def _cluster() -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(embedded.database_url(os.environ), autocommit=True)
