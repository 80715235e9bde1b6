"""The reports: against a bare view that runs the roll-up, at two sizes, as of past days, and in memory."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from bench import databases, journal, report_books
from bench.books import Company, migrate
from bench.crew import Crew
from bench.measures import Bench, Result, Side, environment
from bench.web import Requests, Server, serving

MEGABYTES_MAX = 32
_JUNE = "month=6&year=2026"
# Each report with the cuts of its floor.
REPORTS = {
    "balance sheet": (f"generate?type=BALANCE&{_JUNE}", "2026-01-01,2026-06-01,2026-07-01"),
    "income statement": (f"generate?type=INCOME&{_JUNE}", "2026-01-01,2026-06-01,2026-07-01"),
    "cash flow statement": (f"generate?type=CASHFLOW&{_JUNE}", "2026-01-01,2026-06-01,2026-07-01"),
    "trial balance": ("trial-balance?asOf=2026-06-30", "2026-01-01,2026-07-01"),
}
_PAST = "generate?type=BALANCE&startDate=2025-09-01&endDate=2025-09-17"
_TODAY = "generate?type=BALANCE&startDate=2026-12-01&endDate=2026-12-31"


@dataclass
class Stage:
    """Books of one size with a process that asks and a server that answers."""

    crew: Crew
    server: Server
    company: Company

    def ask(self, **paths: str) -> None:
        """Make requests ready under their names."""
        self.crew.prepare(
            **{
                name: Requests(self.server.port, self.company.token, "GET", ((path, b""),))
                for name, path in paths.items()
            }
        )

    def side(self, name: str) -> Side:
        return (self.crew, name, 1)

    def rows(self, path: str) -> int:
        """How many accounts and lines an answer has: each says by which entries it is explained."""
        ask = Requests(self.server.port, self.company.token, "GET", ((path, b""),))
        return ask.answer().count(b'"entriesUrl":')


def filled(rows: int) -> str:
    """The name of the reports' books of so many transactions, which are made if there are none.

    Both sizes are filled anew, by one connection each: so they have as many slots of totals.
    """
    name = f"reports_{databases.name_of_books(rows)}"
    if not databases.exists(name):
        databases.copy("openledger", "unfinished_reports")
        with Crew(1, environment("unfinished_reports")) as crew:
            crew.call(migrate)
            crew.call(report_books.open_books)
            crew.call(report_books.fill, rows)
        databases.rename("unfinished_reports", name)
    return name


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """A process and a server on those books."""
    with ExitStack() as stack:
        crew = stack.enter_context(Crew(1, environment(name)))
        server = stack.enter_context(serving({**os.environ, **environment(name)}))
        yield Stage(crew, server, crew.call(report_books.reported))


def reports(bench: Bench) -> Iterator[Result]:
    small_name, large_name = filled(bench.size.small_rows), filled(bench.size.large_rows)
    with stage(small_name) as small, stage(large_name) as large:
        yield from _against_the_floor(bench, large)
        yield from _by_size(bench, small, large)
        yield from _of_past_days(bench, large)
        yield from _in_memory(large)
        yield from _against_plain_text(bench, large)


def _against_the_floor(bench: Bench, stage: Stage) -> Iterator[Result]:
    for title, (path, cuts) in REPORTS.items():
        rows = stage.rows(f"/v1/reports/{path}")
        stage.ask(report=f"/v1/reports/{path}", floor=f"/v1/floor/roll-up?cuts={cuts}&rows={rows}")
        duel = bench.duel(stage.side("report"), stage.side("floor"))
        yield duel.times(f"report_{path.partition('&')[0]}", f"{title}, against the bare roll-up", 1.5)


def _by_size(bench: Bench, small: Stage, large: Stage) -> Iterator[Result]:
    sizes = f"at {bench.size.large_rows:,}, against {bench.size.small_rows:,}"
    paths = {title: path for title, (path, _) in REPORTS.items()}
    paths["first page of the general ledger"] = f"general-ledger?{_JUNE}"
    for title, path in paths.items():
        for stage in (small, large):
            stage.ask(sized=f"/v1/reports/{path}")
        duel = bench.duel(large.side("sized"), small.side("sized"))
        yield duel.times(f"size_{path.partition('&')[0]}", f"{title} {sizes}", 1.15)


def _of_past_days(bench: Bench, stage: Stage) -> Iterator[Result]:
    stage.ask(past=f"/v1/reports/{_PAST}", today=f"/v1/reports/{_TODAY}")
    duel = bench.duel(stage.side("past"), stage.side("today"))
    yield duel.times("report_past", "balance sheet as of a past day, against the last", 1.5)


def _against_plain_text(bench: Bench, stage: Stage) -> Iterator[Result]:
    """The same statements by hledger or ledger, whichever is faster, on the exported journal."""
    file = bench.scratch / "books.journal"
    try:
        stage.crew.call(report_books.export, file)
        for title, seconds in journal.seconds_by_statement(file, bench.say).items():
            path = f"/v1/reports/{REPORTS[title][0]}"
            stage.ask(report=path)
            lap = stage.crew.run("report", seconds=bench.size.seconds)
            ours = median(lap.latencies)
            yield Result(
                f"plain_text_{title.replace(' ', '_')}",
                f"{title}, against {seconds.program} on {bench.size.large_rows:,}",
                f"{ours * 1000:.2f} ms",
                f"{seconds.seconds:.1f} s",
                ours / seconds.seconds,
                1 / 1000,
                at_most=True,
                failures=len(lap.failures),
            )
    finally:
        file.unlink(missing_ok=True)


def _in_memory(stage: Stage) -> Iterator[Result]:
    """How much the workers grow by each report, and by the whole general ledger streamed."""
    paths = {f"r{place}": f"/v1/reports/{path}" for place, (path, _) in enumerate(REPORTS.values())}
    paths |= {
        "page": f"/v1/reports/general-ledger?{_JUNE}",
        "overview": "/v1/reports/overview?startDate=2024-01-01&endDate=2026-12-31",
    }
    stage.ask(**paths)
    for name in paths:
        stage.crew.run(name, times=3)
    before = max(stage.server.peak_megabytes())
    stage.ask(streamed="/v1/reports/general-ledger?endDate=2026-12-31&format=csv")
    stage.crew.run("streamed", times=1)
    grown = max(stage.server.peak_megabytes()) - before
    yield Result(
        "report_memory",
        "growth of a web worker while it streams the whole general ledger",
        f"{grown:.0f} MB",
        "",
        grown,
        MEGABYTES_MAX,
        at_most=True,
    )
