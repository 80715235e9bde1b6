"""What every test stands on, loaded before the settings: PostgreSQL and Redis of the tests' own.

A pytest plugin (`-p openledger.testing` in pytest.ini), because pytest-django reads the settings before
any conftest.py runs.
"""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis

os.environ.setdefault("OPENLEDGER_VAR", os.path.join("var", "test"))
# Test processes share one Redis; without queues of its own, one would work on the tasks of another.
os.environ["TASK_QUEUE_PREFIX"] = f"test-{os.getpid()}-"

from openledger import embedded

embedded.start()
# Where collected static files would be; without it the server warns with every request.
(embedded.var_directory() / "static").mkdir(parents=True, exist_ok=True)
# Only the tests' own cluster lets its application role step past the guards, to empty tables.
with psycopg.connect(embedded.database_url(os.environ), user="postgres", autocommit=True) as _cluster:
    _cluster.execute("GRANT SET ON PARAMETER session_replication_role TO openledger")


@pytest.fixture(autouse=True, scope="session")
def _truncation_is_for_tests_alone() -> Iterator[None]:
    """Let the test framework empty tables between tests that commit.

    The guards refuse TRUNCATE; the replica role, which an application's role may not take elsewhere, is
    the one way past them.
    """
    from django.db.backends.postgresql.operations import DatabaseOperations

    def flush(self: Any, statements: list[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                for statement in statements:
                    cursor.execute(statement)
            finally:
                cursor.execute("SET session_replication_role = origin")

    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _queues_end_with_their_process() -> Iterator[None]:
    """Take the queues of this process away; nobody would ever read them."""
    yield
    with redis.Redis.from_url(embedded.redis_url(os.environ)) as server:
        for key in server.scan_iter(match=f"{os.environ['TASK_QUEUE_PREFIX']}*", count=1000):
            server.delete(key)
