"""The embedded PostgreSQL and Redis: where they are, and starting and stopping them with the project.

With no setting at all the project runs on engines that come as wheels, with their data under `var/`, on
unix sockets. `DATABASE_URL` and `REDIS_URL` replace them, and then nothing is started. Addresses are
computed from paths alone, so importing the settings starts nothing; `start()` does.

Many processes share the engines. Each notes itself in `attached.json`, under a file lock; the first one
starts the engines and the last one to leave stops them. A process that was killed leaves its note behind:
notes name the process and its start time, and those of dead processes are dropped.

Only the binaries of the wheels are used, not their Python code: that opens parent directories to all users,
keeps one lock file in /tmp for every user of the machine, and never forgets a killed process.

Environment: `DATABASE_URL`, `REDIS_URL`, and `OPENLEDGER_VAR` (another place for `var/`; a relative path
starts at the project's directory).
"""

import atexit
import fcntl
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

from openledger import engines
from openledger.engines import EmbeddedError, Engine, Place

__all__ = [
    "EmbeddedError",
    "celery_url",
    "data_directory",
    "database_url",
    "redis_url",
    "start",
    "var_directory",
]

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent
SYSTEM_DIRECTORY = Path("/var/lib/openledger")
HOME_DIRECTORIES = (Path("/root"), Path("/home"), Path("/Users"))
# sockaddr_un.sun_path holds 108 bytes with its final NUL on Linux, 104 on macOS.
SOCKET_PATH_BYTES_MAX = 103
# All processes must agree on it, whatever TMPDIR says. What is in it must belong to the engines' user.
SHORT_DIRECTORY = Path("/tmp")  # noqa: S108
LOCK_TIMEOUT_SECONDS = 180

AttachedProcesses = list[tuple[int, str]]  # process number and its start mark


def var_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of everything the project writes: `OPENLEDGER_VAR`, else `var/` in the project."""
    return Path(os.path.abspath(PROJECT_DIRECTORY / (environ.get("OPENLEDGER_VAR") or "var")))


def data_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of the engines' data: `var/`, or for root a directory under /var/lib/openledger.

    PostgreSQL refuses to run as root, so root's engines run as a system user, who cannot reach (and should
    not be let into) a home directory.
    """
    var = var_directory(environ)
    if os.geteuid() != 0:
        return var
    outside = SYSTEM_DIRECTORY / _digest(var)
    if outside.exists():
        return outside
    if engines.owner_of_data(var) is not None:
        return var
    at_home = any(var.resolve().is_relative_to(home) for home in HOME_DIRECTORIES)
    return outside if at_home or not engines.is_open_to_others(var) else var


def database_url(environ: Mapping[str, str] = os.environ) -> str:
    """`DATABASE_URL`, else the address of the embedded PostgreSQL. Starts nothing."""
    if environ.get("DATABASE_URL"):
        return environ["DATABASE_URL"]
    directory = quote(str(_place(environ).run), safe="")
    return f"postgresql://openledger@/openledger?host={directory}&port=5432"


def redis_url(environ: Mapping[str, str] = os.environ) -> str:
    """`REDIS_URL`, else the address of the embedded Redis, as redis-py reads it. Starts nothing."""
    if environ.get("REDIS_URL"):
        return environ["REDIS_URL"]
    return f"unix://{quote(str(_place(environ).redis_socket))}?db=0"


def celery_url(url: str) -> str:
    """The Redis address `url` as Celery reads it, which spells unix sockets differently from redis-py."""
    if not url.startswith("unix://"):
        return url
    return url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)


def start(environ: Mapping[str, str] = os.environ) -> None:
    """Start the engines that are neither replaced nor running, and attach this process to them.

    The engines stop when the last live attached process ends. Calling again is cheap and does no harm.

    Raises EmbeddedError when an engine cannot be started; the message says why and what to do.
    """
    place = _place(environ)
    wanted: list[Engine] = []
    if not environ.get("DATABASE_URL"):
        wanted.append(engines.PostgreSQL(place))
    if not environ.get("REDIS_URL"):
        wanted.append(engines.Redis(place))
    if not wanted:
        return
    _prepare(place, environ)
    with _attached(place) as attached:
        for engine in wanted:
            engine.ensure_running()
        me = (os.getpid(), _start_mark(os.getpid()))
        if me not in attached:
            attached.append(me)
            atexit.register(_detach, place, me[0])


def _detach(place: Place, pid: int) -> None:
    """Take the process `pid` off the list, and stop the engines if nobody is left on it."""
    if os.getpid() != pid:  # a fork inherits the exit handlers of its parent, but not its place on the list
        return
    with _attached(place) as attached:
        attached[:] = [entry for entry in attached if entry[0] != pid]
        if not attached:
            engines.Redis(place).stop()
            engines.PostgreSQL(place).stop()


def _place(environ: Mapping[str, str]) -> Place:
    data = data_directory(environ)
    name = f"openledger-{_digest(data)}"
    run = data / "run"
    if len(os.fsencode(run / engines.POSTGRESQL_SOCKET)) > SOCKET_PATH_BYTES_MAX:
        run = SHORT_DIRECTORY / name
    return Place(name=name, data=data, run=run, engines=SYSTEM_DIRECTORY)


def _prepare(place: Place, environ: Mapping[str, str]) -> None:
    """Make the directory of the data; say so when it is not the one people expect."""
    first_time = not (place.data / "attached.json").exists()
    place.data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or not first_time:
        return
    passable = [place.data]
    if place.data.is_relative_to(SYSTEM_DIRECTORY):
        passable.append(SYSTEM_DIRECTORY)
        sys.stderr.write(
            f"Running as root: PostgreSQL and Redis keep their data in {place.data}, because the system user "
            f"they run as cannot reach {var_directory(environ)}. See docs/operations.md, Running as root.\n"
        )
    for directory in passable:
        # The engines' user has to pass through, whatever the umask is; what lies inside has its own modes.
        directory.chmod(stat.S_IMODE(directory.stat().st_mode) | 0o711)


@contextmanager
def _attached(place: Place) -> Iterator[AttachedProcesses]:
    """Hold the lock of `place` and give the list of live attached processes; changes to it are kept."""
    path = place.data / "attached.json"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except PermissionError as error:
        raise EmbeddedError(
            f"{path} cannot be written by user {os.geteuid()}: the data was made by another user. "
            "Run as that user, or set OPENLEDGER_VAR to a directory of your own."
        ) from error
    try:
        _lock(descriptor, path)
        attached = [entry for entry in _read(descriptor) if _start_mark(entry[0]) == entry[1]]
        yield attached
        # One write and then the cut, so that a process killed here leaves a readable list.
        content = json.dumps(attached).encode() + b"\n"
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{path} has been locked by another process for {LOCK_TIMEOUT_SECONDS} s; end that one."
                ) from None
            time.sleep(0.02)


def _read(descriptor: int) -> AttachedProcesses:
    """The list as it was written; only its first line counts. An unreadable list is an empty one."""
    first_line = os.pread(descriptor, 1_000_000, 0).partition(b"\n")[0]
    try:
        return [(int(pid), str(mark)) for pid, mark in json.loads(first_line)]
    except (ValueError, TypeError):
        return []


def _start_mark(pid: int) -> str:
    """What tells the process `pid` from a later one with the same number; "" when it is dead."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        if sys.platform == "linux":
            # Ticks since boot: unlike a time of day, they do not move when the clock is set.
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return str(int(process.create_time()))
    except (psutil.Error, OSError):
        return ""


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
