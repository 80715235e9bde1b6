"""What was acknowledged is on the books exactly once, whatever is killed in the meantime.

A real server with two workers on a PostgreSQL cluster of its own, clients that post without pause and send
again what was not answered, and `kill -9` of workers, of the whole server, and of the database's processes.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
import pytest

from openledger import embedded
from openledger.tests import posting_client
from openledger.tests.live import LiveEntity, LiveServer

pytestmark = pytest.mark.server

WORKERS: Final = 2
CLIENTS: Final = 4
POSTING_SECONDS: Final = 1.0  # before each outage, once all workers serve
RECOVERY_SECONDS = 120
FINISH_SECONDS: Final = 60
AMOUNT: Final = Decimal("1.25")


HOLDER: Final = """
import sys
from openledger import embedded
embedded.start()
print("ready", flush=True)
sys.stdin.read()
"""


class ServerOfItsOwn(LiveServer):
    """A server on engines that no other test uses, with their data in `var`.

    It replaces workers that die, as in production. A process beside it holds the engines, so that they
    outlive a server that was killed.
    """

    def __init__(self, var: Path) -> None:
        engines = {"OPENLEDGER_VAR": str(var)}
        super().__init__(
            "kill",
            workers=WORKERS,
            OPENLEDGER_VAR=str(var),
            DATABASE_URL=embedded.database_url(engines),
            REDIS_URL=embedded.redis_url(engines),
            # As the Procfile has it.
            GRANIAN_RESPAWN_FAILED_WORKERS="true",
        )
        self.conninfo = embedded.database_url(engines)
        self._holder: subprocess.Popen[str] | None = None

    def create_database(self) -> None:
        """Start the engines, whose database is new and empty, and migrate it."""
        environ = {
            name: value for name, value in self.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        self._holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            cwd=embedded.PROJECT_DIRECTORY,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == "ready\n"
        self.manage("migrate", "--verbosity", "0")

    def drop_database(self) -> None:
        """Stop the engines, by leaving them as the last one."""
        if self._holder is not None:
            self._holder.communicate(timeout=RECOVERY_SECONDS)

    def serving_workers(self) -> list[psutil.Process]:
        """The web workers that have clients, which new ones get once they have loaded."""
        assert self._process is not None
        found = []
        for child in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.Error):
                if any(
                    one.laddr.port == self.port and one.status == psutil.CONN_ESTABLISHED
                    for one in child.net_connections("tcp")
                ):
                    found.append(child)
        return found

    def backend_ids(self) -> list[int]:
        """Process numbers of the database that serve the web workers."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'openledger' AND pid <> %s",
                [connection.info.backend_pid],
            ).fetchall()
        return [row[0] for row in rows]


@pytest.fixture
def server() -> Iterator[ServerOfItsOwn]:
    # A short path that the engines' user may pass through.
    directory = Path(tempfile.mkdtemp(prefix="ol-", dir="/tmp"))
    directory.chmod(0o755)
    server = ServerOfItsOwn(directory / "var")
    try:
        server.create_database()
        server.start()
        yield server
    finally:
        server.kill()
        server.drop_database()
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def posting(server: LiveServer, entity: LiveEntity) -> Iterator[list[dict[str, Any]]]:
    """Let clients post until the block ends; the list then has what each of them reports."""
    reports: list[dict[str, Any]] = []
    clients = [
        subprocess.Popen(
            [sys.executable, posting_client.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(CLIENTS)
    ]
    try:
        for number, client in enumerate(clients):
            orders = {
                "port": server.port,
                "token": entity.developer.token,
                "entity": entity.id,
                "debit": entity.accounts["1010"],
                "credit": entity.accounts["4010"],
                "name": f"client-{number}",
            }
            assert client.stdin
            client.stdin.write(json.dumps(orders) + "\n")
            client.stdin.flush()
        yield reports
        for client in clients:
            out, err = client.communicate(timeout=FINISH_SECONDS)
            assert client.returncode == 0, err
            reports.append(json.loads(out))
    finally:
        for client in clients:
            client.kill()
            client.wait()


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {RECOVERY_SECONDS} s: {what}"
        time.sleep(0.1)


def let_clients_post(server: ServerOfItsOwn) -> None:
    """Wait until every worker has clients, new ones too, and then a little longer."""
    until(lambda: len(server.serving_workers()) == WORKERS, f"{WORKERS} workers with clients")
    time.sleep(POSTING_SECONDS)


def kill_the_database(server: ServerOfItsOwn) -> None:
    """`kill -9` a process of the database; it gives up all others, and recovers as after a power cut."""
    before = server.backend_ids()
    os.kill(before[0], signal.SIGKILL)

    def is_new() -> bool:
        try:
            after = server.backend_ids()
        except psycopg.OperationalError:
            return False
        return bool(after) and not set(after) & set(before)

    until(is_new, "web workers on new connections to the database")


def test_acknowledged_writes_are_there_exactly_once_after_kill_9_of_workers_server_and_database(
    server: ServerOfItsOwn,
) -> None:
    entity = server.entity(server.developer())
    with posting(server, entity) as reports:
        for _ in range(3):
            let_clients_post(server)
            worker = server.serving_workers()[0]
            worker.kill()  # the server puts a new one in its place
            worker.wait(RECOVERY_SECONDS)
        let_clients_post(server)
        server.kill()
        server.start()
        let_clients_post(server)
        kill_the_database(server)
        let_clients_post(server)

    # The outages hit: clients lost connections and answers, and the database was away for some.
    tries: Counter[str] = Counter()
    for report in reports:
        tries.update({name: count for name, count in report.items() if isinstance(count, int)})
    assert tries["lost_connections"] >= CLIENTS
    assert tries["server_errors"] > 0
    assert tries["replayed"] >= CLIENTS

    # Every client stopped only when all that it had begun was acknowledged: so the books hold exactly that.
    acknowledged = {name: id_ for report in reports for name, id_ in report["acknowledged"].items()}
    listed = everything_listed(server, entity)
    assert Counter(one["description"] for one in listed) == Counter(acknowledged.keys())
    assert {one["description"]: one["id"] for one in listed} == acknowledged
    assert {one["status"] for one in listed} == {"POSTED"}
    assert {id_ for report in reports for id_ in report["approved"]} <= {one["id"] for one in listed}
    # Enough for all kinds of writes to have met each of the outages.
    assert {name.split()[1] for name in acknowledged} == set(posting_client.KINDS)
    assert len(acknowledged) > 25 * CLIENTS

    # The balances agree, and so does everything else that can be computed from the transactions.
    for code in ("1010", "4010"):
        path = f"/v1/accounts/{entity.accounts[code]}/balance?entityId={entity.id}"
        balance = server.ok("GET", path, token=entity.developer.token)
        assert Decimal(balance["net_balance"]) == AMOUNT * len(acknowledged)
    assert "The books of 1 companies are right." in server.manage("verify")


def everything_listed(server: LiveServer, entity: LiveEntity) -> list[dict[str, Any]]:
    """All transactions of the company, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        path = f"/v1/transactions?entityId={entity.id}&pageSize=100{cursor and '&cursor=' + cursor}"
        page = server.ok("GET", path, token=entity.developer.token)
        found += page["transactions"]
        if not page["hasMore"]:
            return found
        cursor = page["nextCursor"]
