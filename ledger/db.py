"""Hand-written SQL as prepared statements on Django's own connection, and the meaning of its errors.

The ORM interpolates parameters on the client, so PostgreSQL plans each statement anew. On the hot path that
costs more than the work itself: statements sent here are bound on the server and planned once per connection.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from django.db import connection
from django.db.transaction import atomic
from psycopg import Connection, Cursor
from psycopg import Error as DriverError
from psycopg.adapt import AdaptersMap
from psycopg.errors import Diagnostic
from psycopg.types.string import TextLoader

# What the guards in the database refuse (migrations/sql/guards.sql of each app).
HISTORY: Final = "OL001"
FINAL: Final = "OL002"
MOVE: Final = "OL003"
CLOSED_PERIOD: Final = "OL004"
ACCOUNT_BELOW_ITSELF: Final = "OL005"
CLOSED_ACCOUNT: Final = "OL006"
ACCOUNT_TYPE: Final = "OL007"
RECONCILED: Final = "OL008"

# PostgreSQL's own (manual, appendix A).
UNIQUE_VIOLATION: Final = "23505"
FOREIGN_KEY_VIOLATION: Final = "23503"
RESTRICT_VIOLATION: Final = "23001"
CHECK_VIOLATION: Final = "23514"
SERIALIZATION_FAILURE: Final = "40001"
DEADLOCK: Final = "40P01"
LOCK_NOT_AVAILABLE: Final = "55P03"

# The same database transaction, run again, will likely get through.
RETRYABLE: Final = frozenset({SERIALIZATION_FAILURE, DEADLOCK})

# Django switches prepared statements off by setting no threshold. With this one psycopg prepares exactly what
# asks for it.
_ON_REQUEST_ONLY: Final = 1_000_000_000

# The driver's own ways of reading and writing values. Django's, on the connection, read timestamps in Python.
# JSON stays text: whoever wants it parsed has `ledger.api.json`, which keeps numbers exact.
_ADAPTERS: Final = AdaptersMap(psycopg.adapters)
for _name in ("json", "jsonb"):
    _ADAPTERS.register_loader(_name, TextLoader)

Row = tuple[Any, ...]
Parameters = Mapping[str, Any] | Sequence[Any]


class _Cursor(Cursor[Row]):
    """A cursor with adapters that are ours and made once, not copied for each cursor."""

    @property
    def adapters(self) -> AdaptersMap:
        return _ADAPTERS


def compact(sql: str) -> str:
    """Return a statement without its indentation.

    The driver remembers what it made of a statement's text only up to 4,096 characters; a longer one is
    parsed anew each time, which costs more than a posting's own Python.
    """
    return " ".join(sql.split())


def fetch(sql: str, params: Parameters | None = None) -> list[Row]:
    """Run a statement on the default connection and return all its rows (none where it returns nothing).

    Placeholders are `%(name)s` or `%s`; a literal per cent sign is `%%` where there are parameters. Works
    inside and outside of `atomic()`. `jsonb` comes back as text, timestamps aware in UTC, `numeric` as
    Decimal; pass JSON as text with a cast. Raises Django's database errors; `sqlstate` tells them apart.
    """
    cursor = _run(sql, params)
    # Asking for `description` would describe every column.
    return cursor.fetchall() if cursor.pgresult is not None and cursor.pgresult.nfields else []


def execute(sql: str, params: Parameters | None = None) -> int:
    """Run a statement like `fetch` does, and return how many rows it touched."""
    return _run(sql, params).rowcount


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write `rows` into `table` with COPY, the fastest way in; constraints and guards hold as ever.

    Must run inside of `atomic()`. JSON goes in as text.
    """
    raw = cast("Connection[Row]", connection.connection)
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    started = monotonic() if connection.queries_logged else None
    try:
        with connection.wrap_database_errors, _Cursor(raw).copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    finally:
        if started is not None:
            connection.queries_log.append({"sql": statement, "time": f"{monotonic() - started:.3f}"})


def restorable() -> AbstractContextManager[object]:
    """Return a block that a failing statement can be caught around, with the connection usable after it.

    Inside of `atomic()` that takes a savepoint; outside a single statement is a transaction by itself.
    """
    return atomic() if connection.in_atomic_block else nullcontext()


def uuid_array(ids: Iterable[UUID]) -> str:
    """Return ids as the text of a `uuid[]`; ten times cheaper than the driver's own list."""
    return "{" + ",".join([one.hex for one in ids]) + "}"


def slot(slots: int) -> int:
    """Return which of `slots` this connection writes to; connections spread over them evenly."""
    connection.ensure_connection()
    return cast("Connection[Row]", connection.connection).pgconn.backend_pid % slots


def _run(sql: str, params: Parameters | None) -> Cursor[Row]:
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    # Django's types name the cursor of both drivers it knows; only psycopg 3 is installed.
    raw = cast("Connection[Row]", connection.connection)
    if raw.prepare_threshold is None:
        raw.prepare_threshold = _ON_REQUEST_ONLY
    cursor = _Cursor(raw)
    started = monotonic() if connection.queries_logged else None
    try:
        with connection.wrap_database_errors:
            return cursor.execute(sql, params, prepare=True)
    finally:
        if started is not None:  # a test counts or explains queries, or DEBUG is on
            entry: dict[str, Any] = {"sql": sql, "params": params, "time": f"{monotonic() - started:.3f}"}
            connection.queries_log.append(entry)


def sqlstate(error: BaseException) -> str | None:
    """Return the SQLSTATE of a database error, whether Django or the driver raised it, else None."""
    cause = _driver_error(error)
    return cause.sqlstate if cause is not None else None


def constraint_name(error: BaseException) -> str | None:
    """Return the name of the constraint that a database error says was violated, if it names one."""
    cause = _driver_error(error)
    return cause.diag.constraint_name if cause is not None else None


def diagnostic(error: BaseException) -> Diagnostic | None:
    """Return what the server told about a database error: primary message, detail, constraint and more."""
    cause = _driver_error(error)
    return cause.diag if cause is not None else None


def _driver_error(error: BaseException) -> DriverError | None:
    cause = error if isinstance(error, DriverError) else error.__cause__
    return cause if isinstance(cause, DriverError) else None
