"""`make run`: prepare the database and the demo, then run the processes of the Procfile until Ctrl-C.

Environment: `PORT` and `HOST` of the web server, `WEB_WORKERS`, `WEB_THREADS` (in each worker, each with a
database connection) and `TASK_WORKERS`.
"""

import contextlib
import fcntl
import http.client
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO

import psutil
from honcho.environ import parse_procfile
from honcho.manager import Manager

from openledger import embedded

DEFAULTS = {"HOST": "127.0.0.1", "PORT": "8000", "WEB_WORKERS": "2", "WEB_THREADS": "4", "TASK_WORKERS": "1"}
# In the environment of every process of a run, so that those a killed run left behind are found again.
MARK = "OPENLEDGER_RUN"
END_SECONDS = 5
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - recognised here, not bound to


class RunError(RuntimeError):
    """`make run` cannot go on; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Run the project in the foreground, or only prepare it when the argument is `prepare`."""
    if arguments == ["prepare"]:
        prepare()
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return run(embedded.PROJECT_DIRECTORY, embedded.var_directory())
    except (RunError, embedded.EmbeddedError) as error:
        sys.stderr.write(f"make run: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def run(project: Path, var: Path) -> int:
    """Run the project in `project` with its files in `var`; the result is an exit code."""
    environ = DEFAULTS | os.environ
    var.mkdir(parents=True, exist_ok=True)
    with _only_run(var):
        end_left_behind(str(var))
        host, port = environ["HOST"], check_port(environ["HOST"], environ["PORT"])
        address = f"http://{'127.0.0.1' if host in EVERYWHERE else host}:{port}"
        environ |= {
            MARK: str(var),
            "BASE_URL": os.environ.get("BASE_URL", address),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            # Celery warns of tasks that run as root; docs/operations.md tells how not to.
            "PYTHONWARNINGS": "ignore:You're running the worker",
        }
        embedded.start()
        _say("Preparing the database and the demo company (the first time takes a little) ...")
        said = _prepare_apart(project, environ)
        manager = Manager()
        for name, command in parse_procfile((project / "Procfile").read_text()).processes.items():
            manager.add_process(name, command, env=environ, cwd=str(project))
        threading.Thread(target=_say_when_up, args=(host, port, said), daemon=True).start()
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        manager.loop()
        stopped_by_user = manager.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM)
        return 0 if stopped_by_user else manager.returncode or 1


def prepare() -> None:
    """Migrate the database, collect the static files, and see to the demo; says how to reach all of it.

    One process for the three, as each would load Django again.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")
    import django
    from django.core.management import call_command

    django.setup()
    with contextlib.redirect_stdout(io.StringIO()):
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
    call_command("prepare_demo")


def check_port(host: str, port: str) -> int:
    """`port` as a number; raises RunError when it is none or when another program listens there."""
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise RunError(f"PORT={port} is no port; give a number from 1 to 65535, as in: make run PORT=8001")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise RunError(
                f"port {port} of {host} cannot be used ({error.strerror}). "
                f"Choose another one with PORT=, as in: make run PORT={int(port) % 65535 + 1}"
            ) from error
    return int(port)


def end_left_behind(mark: str) -> list[int]:
    """End what a killed run with the same `mark` left behind; returns the process numbers."""
    found = [process for process in psutil.process_iter() if _mark_of(process) == mark]
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=END_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=END_SECONDS)
    return [process.pid for process in found]


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):  # of another user, or gone
        return None


@contextlib.contextmanager
def _only_run(var: Path) -> Iterator[None]:
    """Hold the lock of the run in `var`: a record lock, which children do not inherit."""
    with (var / "run.lock").open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                f"already running here as process {_content(file)}; stop that one first"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _content(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip()


def _prepare_apart(project: Path, environ: dict[str, str]) -> str:
    """Prepare in a process of its own, so that this one stays small; returns what it has to say."""
    done = subprocess.run(
        [sys.executable, "-m", "openledger.running", "prepare"],
        cwd=project,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RunError(
            f"preparing failed with exit code {done.returncode}; the reason is above.\n{done.stdout}"
        )
    return done.stdout


def _say_when_up(host: str, port: int, said: str) -> None:
    """Print `said` once the web server answers: below what the processes say at their start."""
    while True:
        try:
            with contextlib.closing(http.client.HTTPConnection(host, port, timeout=10)) as connection:
                connection.request("GET", "/healthz")
                connection.getresponse()
                break
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    _say(f"\n{said}\nCtrl-C stops everything.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
