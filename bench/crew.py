"""Processes that do one thing over and over, and say how long each time took."""

import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol, Self

_SPAWN = multiprocessing.get_context("spawn")


class Job(Protocol):
    """Something to do over and over. It is sent to the processes, so it holds plain values."""

    def prepare(self, number: int) -> Callable[[], None]:
        """In the process `number`: connect, and return what does it once and raises where it failed."""
        ...


@dataclass
class Lap:
    """What a crew did in one go."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __iadd__(self, other: Self) -> Self:
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.failures += other.failures
        return self

    @property
    def rate(self) -> float:
        """How many succeeded a second; what failed is no work."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency, in seconds, that `share` of them stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Crew:
    """Processes on one database. Each has Django set up, and keeps its jobs and their connections."""

    def __init__(self, size: int, environment: dict[str, str]) -> None:
        self._members = []
        with _environment(environment):
            for number in range(size):
                here, there = _SPAWN.Pipe()
                process = _SPAWN.Process(target=_member, args=(there, number), daemon=True)
                process.start()
                self._members.append((process, here))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process, pipe in self._members:
            pipe.send(None)
            process.join(10)

    def prepare(self, **jobs: Job) -> None:
        """Make the jobs ready under their names."""
        for name, job in jobs.items():
            self._ask(_prepare, name, job)

    def run(self, name: str, *, clients: int = 1, seconds: float = 0.0, times: int = 0) -> Lap:
        """Do the job in some of the processes at once, for some seconds or some times each."""
        start = time.monotonic() + 0.02
        laps = self._ask(_run, name, start, seconds, times, members=clients)
        return Lap(
            max(lap.seconds for lap in laps),
            [latency for lap in laps for latency in lap.latencies],
            [failure for lap in laps for failure in lap.failures],
        )

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in the first process."""
        return self._ask(_call, function, *args, members=1)[0]

    def _ask(self, what: Callable[..., Any], *args: Any, members: int | None = None) -> list[Any]:
        chosen = self._members[:members]
        for _, pipe in chosen:
            pipe.send((what, args))
        answers = [pipe.recv() for _, pipe in chosen]
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers


@contextmanager
def _environment(values: dict[str, str]):  # type: ignore[no-untyped-def]
    former = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


_jobs: dict[str, Callable[[], None]] = {}
_number = 0


def _member(pipe: Connection, number: int) -> None:
    import django

    global _number
    _number = number
    django.setup()
    while (message := pipe.recv()) is not None:
        what, args = message
        try:
            answer = what(*args)
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        pipe.send(answer)


def _prepare(name: str, job: Job) -> None:
    _jobs[name] = job.prepare(_number)


def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _run(name: str, start: float, seconds: float, times: int) -> Lap:
    job, lap, clock = _jobs[name], Lap(), time.monotonic
    latencies = lap.latencies
    time.sleep(max(0.0, start - clock()))
    began = before = clock()
    end = began + seconds
    done = 0
    while (before < end) if seconds else (done < times):
        done += 1
        try:
            job()
        except Exception as error:
            lap.failures.append(f"{type(error).__name__}: {error}")
            before = clock()
            continue
        after = clock()
        latencies.append(after - before)
        before = after
    lap.seconds = clock() - began
    return lap
