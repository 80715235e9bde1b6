"""What `make run` does around the processes of the Procfile."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from honcho.environ import parse_procfile

from openledger import embedded, running


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_free_port_is_taken_as_it_is(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    assert running.check_port("127.0.0.1", str(port)) == port


def test_a_port_in_use_is_reported_with_the_way_to_choose_another(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(
        running.RunError, match=rf"port {port} of 127.0.0.1 cannot be used .* make run PORT={port + 1}"
    ):
        running.check_port("127.0.0.1", str(port))


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1", "80.0", "٨٠"])
def test_what_is_no_port_is_reported(port: str) -> None:
    with pytest.raises(running.RunError, match="is no port; give a number from 1 to 65535"):
        running.check_port("127.0.0.1", port)


def sleeper(mark: str, program: str = "") -> subprocess.Popen[str]:
    """A process of a run marked `mark`, after it has run `program`."""
    started = subprocess.Popen(
        [sys.executable, "-c", f"import time, signal\n{program}\nprint('up', flush=True)\ntime.sleep(600)"],
        env=os.environ | {running.MARK: mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout
    assert started.stdout.readline() == "up\n"
    return started


def test_processes_left_by_a_killed_run_of_this_checkout_are_ended_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "END_SECONDS", 0.5)
    mine = sleeper(str(tmp_path))
    stubborn = sleeper(str(tmp_path), "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    of_another_checkout = sleeper(f"{tmp_path}2")
    try:
        assert set(running.end_left_behind(str(tmp_path))) == {mine.pid, stubborn.pid}
        assert mine.poll() is not None
        assert stubborn.poll() is not None
        assert of_another_checkout.poll() is None
    finally:
        of_another_checkout.kill()
        of_another_checkout.wait()


def test_a_second_run_in_the_same_place_is_refused_even_if_the_first_one_has_children(tmp_path: Path) -> None:
    program = f"""
import multiprocessing, pathlib, sys, time
from openledger import running
with running._only_run(pathlib.Path({str(tmp_path)!r})):
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    print(child.pid, flush=True)
    time.sleep(600)
"""
    first = subprocess.Popen(
        [sys.executable, "-c", program], cwd=embedded.PROJECT_DIRECTORY, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout
    child = psutil.Process(int(first.stdout.readline()))
    try:
        with pytest.raises(running.RunError, match=f"already running here as process {first.pid}"):
            running._only_run(tmp_path).__enter__()

        # The first one is killed; its child lives on, but does not hold the place.
        first.kill()
        first.wait()
        assert child.is_running()
        with running._only_run(tmp_path):
            assert (tmp_path / "run.lock").read_text() == str(os.getpid())
    finally:
        child.kill()


def test_the_message_waits_for_an_answer_of_the_web_server(
    listener: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    import threading

    host, port = listener.getsockname()
    thread = threading.Thread(target=running._say_when_up, args=(host, port, "Log in here"), daemon=True)
    thread.start()
    connection, _ = listener.accept()
    # It listens, but the workers are still loading: nothing is said.
    time.sleep(0.2)
    assert capsys.readouterr().out == ""

    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    connection.close()
    thread.join(10)
    assert capsys.readouterr().out == "\nLog in here\nCtrl-C stops everything.\n"


def test_the_procfile_names_the_three_processes_and_each_replaces_its_shell() -> None:
    processes = parse_procfile(Path(embedded.PROJECT_DIRECTORY, "Procfile").read_text()).processes
    assert list(processes) == ["web", "worker", "beat"]
    # Without `exec` a signal would end the shell and leave the server behind.
    assert all(command.startswith("exec ") for command in processes.values())
