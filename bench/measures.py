"""What is measured: each function is one line or more of the table."""

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from typing import Self

import msgspec

from bench import books, databases, floors, jobs
from bench.books import Company
from bench.crew import Crew, Lap
from bench.web import Requests, Server, serving
from ledger.api.pagination import cursor_scope, encode_cursor

CLIENTS = 8
WORK, SMALL, LARGE = "bench_work", "bench_small", "bench_large"


@dataclass
class Size:
    """How much is done."""

    small_rows: int = 100_000
    large_rows: int = 1_000_000
    import_rows: int = 100_000
    rounds: int = 5
    seconds: float = 2.0
    slices: int = 4
    batches: int = 5


QUICK = Size(10_000, 40_000, 10_000, 5, 0.8, 2, 2)


@dataclass
class Result:
    """One line of the table. `ratio` is compared with `bound`: at least, or at most."""

    name: str
    work: str
    ours: str
    floor: str = ""
    ratio: float | None = None
    bound: float | None = None
    at_most: bool = False
    failures: int = 0

    @property
    def is_ok(self) -> bool:
        """Whether the bound holds; what is for information has none."""
        if self.failures:
            return False
        if self.bound is None or self.ratio is None:
            return True
        return self.ratio <= self.bound if self.at_most else self.ratio >= self.bound


@dataclass
class Duel:
    """Laps of two that took turns."""

    ours: list[Lap] = field(default_factory=list)
    floor: list[Lap] = field(default_factory=list)

    @property
    def failures(self) -> int:
        return sum(len(lap.failures) for lap in (*self.ours, *self.floor))

    def ratio(self, value: Callable[[Lap], float]) -> float:
        """The median of the rounds' ratios: what slows the machine down for a while slows both."""
        return median(value(ours) / value(floor) for ours, floor in zip(self.ours, self.floor, strict=True))

    def result(
        self, name: str, work: str, bound: float | None, *, unit: str = "/s", scale: float = 1
    ) -> Result:
        """A line about the rate."""
        return Result(
            name,
            work,
            f"{median(lap.rate for lap in self.ours) * scale:,.0f} {unit}",
            f"{median(lap.rate for lap in self.floor) * scale:,.0f} {unit}",
            self.ratio(lambda lap: lap.rate),
            bound,
            failures=self.failures,
        )

    def slowest(self, name: str, work: str, bound: float) -> Result:
        """A line about the latency that 99 of 100 stay below."""
        ours, floor = (
            median(lap.percentile(0.99) for lap in laps) * 1000 for laps in (self.ours, self.floor)
        )
        ratio = self.ratio(lambda lap: lap.percentile(0.99))
        return Result(name, work, f"{ours:.1f} ms", f"{floor:.1f} ms", ratio, bound, at_most=True)

    def times(self, name: str, work: str, bound: float) -> Result:
        """A line about how long one takes."""
        ours, floor = (
            median(median(lap.latencies) for lap in laps) * 1000 for laps in (self.ours, self.floor)
        )
        ratio = self.ratio(lambda lap: median(lap.latencies))
        return Result(
            name,
            work,
            f"{ours:.2f} ms",
            f"{floor:.2f} ms",
            ratio,
            bound,
            at_most=True,
            failures=self.failures,
        )


Side = tuple[Crew, str, int]


class Bench:
    """The processes of one run, made when first asked for, and how much is done."""

    def __init__(self, size: Size, scratch: Path, say: Callable[[str], None]) -> None:
        self.size, self.scratch, self.say = size, scratch, say
        self.used: dict[str, None] = {}
        self._stack = ExitStack()
        self._crews: dict[str, Crew] = {}
        self.servers: dict[str, Server] = {}
        self._companies: dict[tuple[str, str], Company] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def crew(self, database: str) -> Crew:
        """Processes on a fresh copy of the books."""
        if database not in self._crews:
            rows = self.size.large_rows if database == LARGE else self.size.small_rows
            databases.copy(self._filled(rows), database)
            self.used[database] = None
            size = CLIENTS if database == WORK else 1
            self._crews[database] = self._stack.enter_context(Crew(size, environment(database)))
        return self._crews[database]

    def server(self, database: str) -> Server:
        """A web server on them."""
        self.crew(database)
        if database not in self.servers:
            self.servers[database] = self._stack.enter_context(
                serving({**os.environ, **environment(database)})
            )
        return self.servers[database]

    def company(self, database: str, name: str) -> Company:
        key = (database, name)
        if key not in self._companies:
            self._companies[key] = self.crew(database).call(books.company, name)
        return self._companies[key]

    def duel(self, ours: Side, floor: Side, *, seconds: float | None = None, times: int = 0) -> Duel:
        """Let two take turns, after a warming up that does not count.

        A round is cut into slices, the one's and the other's by turns: what else the machine does for some
        seconds then falls on both.
        """
        seconds = 0.0 if times else seconds or self.size.seconds
        slices = 1 if times else self.size.slices
        duel = Duel()
        for crew, name, clients in (ours, floor):
            crew.run(name, clients=clients, seconds=seconds / 3, times=times)
        for number in range(self.size.rounds):
            laps = {side: Lap() for side in (ours, floor)}
            for turn in range(slices):
                for side in (ours, floor) if (number + turn) % 2 == 0 else (floor, ours):
                    crew, name, clients = side
                    laps[side] += crew.run(name, clients=clients, seconds=seconds / slices, times=times)
            for (_, name, _), lap in laps.items():
                if lap.failures:
                    self.say(f"{name}: {len(lap.failures)} failed, the first with {lap.failures[0]}")
            duel.ours.append(laps[ours])
            duel.floor.append(laps[floor])
        return duel

    def _filled(self, rows: int) -> str:
        """The name of the books of `rows` transactions, which are made if there are none."""
        name = databases.name_of_books(rows)
        if not databases.exists(name):
            unfinished = f"unfinished_{rows}"
            base = self._filled(self.size.small_rows) if rows > self.size.small_rows else None
            databases.copy(base or "openledger", unfinished)
            with Crew(1, environment(unfinished)) as crew:
                if base is None:
                    crew.call(books.migrate)
                    crew.call(books.open_books)
                crew.call(books.fill, rows)
            databases.rename(unfinished, name)
            databases.drop_outdated(name)
        return name


def environment(database: str) -> dict[str, str]:
    """What tells a process which database is its own."""
    return {"DATABASE_URL": databases.url(database)}


def http_post(bench: Bench) -> Iterator[Result]:
    port, crew = bench.server(WORK).port, bench.crew(WORK)
    ours, floor = bench.company(WORK, "Ours"), bench.company(WORK, "Floor")
    crew.prepare(
        http_ours=Requests(port, ours.token, "POST", _posts("/v1/transactions", ours), 201),
        http_floor=Requests(
            port, floor.token, "POST", _posts(f"/v1/floor/transactions?{floor.ledger_id}", floor), 201
        ),
    )
    for clients in (1, CLIENTS):
        duel = bench.duel((crew, "http_ours", clients), (crew, "http_floor", clients))
        named = f"POST /v1/transactions, {_clients(clients)}"
        yield duel.result(f"http_post_{clients}", f"{named}, against floor H", 0.85)
        yield duel.slowest(f"http_post_{clients}_p99", f"{named}: p99", 1.5)


def service_post(bench: Bench) -> Iterator[Result]:
    crew = _with_service(bench)
    for clients in (1, CLIENTS):
        duel = bench.duel((crew, "service", clients), (crew, "floor", clients))
        yield duel.result(f"service_{clients}", f"posting service, {_clients(clients)}, against floor A", 0.7)


def hot(bench: Bench) -> Iterator[Result]:
    crew = _with_service(bench)
    crew.prepare(hot=jobs.PostByService(bench.company(WORK, "Ours"), accounts=2))
    duel = bench.duel((crew, "hot", CLIENTS), (crew, "service", CLIENTS))
    yield duel.result("hot", "posting service on 2 accounts, 8 clients, against on 1,000", 0.8)


def bulk(bench: Bench) -> Iterator[Result]:
    port, crew = bench.server(WORK).port, bench.crew(WORK)
    ours, floor = bench.company(WORK, "Ours"), bench.company(WORK, "Floor")
    crew.prepare(
        bulk_ours=bulk_requests(bench, ours),
        bulk_floor=Requests(
            port, floor.token, "POST", _bulks(f"/v1/floor/bulk?{floor.ledger_id}", floor), 201
        ),
    )
    for clients in (1, CLIENTS):
        duel = bench.duel((crew, "bulk_ours", clients), (crew, "bulk_floor", clients))
        yield duel.result(
            f"bulk_{clients}",
            f"POST /v1/transactions/bulk, 1,000 each, {_clients(clients)}, against floor B behind HTTP",
            0.8,
            unit="rows/s",
            scale=jobs.BATCH,
        )


def imports(bench: Bench) -> Iterator[Result]:
    crew, rows = bench.crew(WORK), bench.size.import_rows
    ours, floor = bench.company(WORK, "Ours"), bench.company(WORK, "Floor")
    path = bench.scratch / "journal.csv"
    jobs.write_journal(path, rows, ours)
    crew.prepare(import_ours=jobs.ImportByService(ours, path), import_floor=jobs.ImportByFloor(floor, path))
    duel = bench.duel((crew, "import_ours", 1), (crew, "import_floor", 1), times=1)
    yield duel.result(
        "import", f"import_journal, {rows:,} rows, against COPY", 0.5, unit="rows/s", scale=rows
    )


def pages(bench: Bench) -> Iterator[Result]:
    port, crew, ours = bench.server(LARGE).port, bench.crew(LARGE), bench.company(LARGE, "Ours")
    moment = "timestamp=9999-01-01T00:00:00Z&id=ffffffff-ffff-ffff-ffff-ffffffffffff"
    with databases.connect(LARGE) as connection:
        deep = connection.execute(
            "SELECT date, timestamp, id FROM transactions_transaction WHERE entity_id = %s"
            " ORDER BY timestamp, id OFFSET 50 LIMIT 1",
            [ours.entity_id],
        ).fetchall()[0]
    cursor = encode_cursor(cursor_scope("transactions", ours.entity_id), *deep)
    last = f"timestamp={deep[1].isoformat().replace('+00:00', 'Z')}&id={deep[2]}"
    asked = {
        "first": ("/v1/transactions", b'"hasMore":true'),
        "deepest": (f"/v1/transactions?cursor={cursor}", b'"hasMore":false'),
        "floor_first": (f"/v1/floor/page?{moment}", b'"hasMore":true'),
        "floor_deepest": (f"/v1/floor/page?{last}", b'"hasMore":false'),
    }
    crew.prepare(**{name: _gets(port, ours, [path], holds) for name, (path, holds) in asked.items()})
    rows = f"GET /v1/transactions of {bench.size.large_rows:,}"
    for page in ("first", "deepest"):
        duel = bench.duel((crew, page, 1), (crew, f"floor_{page}", 1))
        yield duel.result(f"page_{page}", f"{rows}, {page} page, against the same SELECT", 0.8)
    yield bench.duel((crew, "deepest", 1), (crew, "first", 1)).times(
        "page_depth", f"{rows}: time of the deepest page, against the first", 1.2
    )


def balances(bench: Bench) -> Iterator[Result]:
    for database in (SMALL, LARGE):
        port, ours = bench.server(database).port, bench.company(database, "Ours")
        paths = [f"/v1/accounts/{account}/balance" for account in ours.public_accounts]
        bench.crew(database).prepare(
            live=_gets(port, ours, paths, b'"debits_posted"'),
            as_of=_gets(port, ours, [f"{path}?as_of={date(2025, 9, 17)}" for path in paths], b'"2025-09-17"'),
            balance_floor=_gets(
                port, ours, [f"/v1/floor/balance?account={one}" for one in ours.public_accounts], b'"balance"'
            ),
        )
    small, large = bench.crew(SMALL), bench.crew(LARGE)
    yield bench.duel((large, "live", 1), (large, "balance_floor", 1)).result(
        "balance", "balance of an account, against one bare read", 0.8
    )
    yield bench.duel((large, "as_of", 1), (large, "live", 1)).times(
        "balance_as_of", "time of a balance as of a day, against live", 1.5
    )
    sizes = f"at {bench.size.large_rows:,}, against {bench.size.small_rows:,}"
    for kind, named in (("live", "a live balance"), ("as_of", "a balance as of a day")):
        yield bench.duel((large, kind, 1), (small, kind, 1)).times(
            f"balance_{kind}_growth", f"time of {named} {sizes}", 1.15
        )


def approvals(bench: Bench) -> Iterator[Result]:
    crew, ours = bench.crew(WORK), bench.company(WORK, "Ours")
    crew.prepare(create=jobs.PostBatch(ours), approve=jobs.ApproveBatch(ours))
    duel, times = Duel(), bench.size.batches
    for number in range(bench.size.rounds + 1):
        create, approve = (crew.run(name, times=times) for name in ("create", "approve"))
        if number:  # the first warms up
            duel.floor.append(create)
            duel.ours.append(approve)
    yield duel.times("approve", "time to approve 1,000, against creating them", 1.3)


def growth(bench: Bench) -> Iterator[Result]:
    for database in (SMALL, LARGE):
        bench.crew(database).prepare(post=jobs.PostByService(bench.company(database, "Ours")))
    duel = bench.duel((bench.crew(LARGE), "post", 1), (bench.crew(SMALL), "post", 1))
    sizes = f"at {bench.size.large_rows:,} rows, against at {bench.size.small_rows:,}"
    yield duel.result("growth", f"posting {sizes}", 0.95)


def disk(bench: Bench) -> Iterator[Result]:
    bench.crew(LARGE)
    with databases.connect(databases.name_of_books(bench.size.large_rows)) as connection:
        table, indexes = connection.execute(
            "SELECT pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c"
            " WHERE c.relname = 'transactions_transaction' AND c.relnamespace = 'public'::regnamespace"
        ).fetchall()[0]
        each = connection.execute(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index"
            " WHERE indrelid = 'transactions_transaction'::regclass ORDER BY 2 DESC"
        ).fetchall()
        rows = connection.execute("SELECT count(*) FROM transactions_transaction").fetchall()[0][0]
    bench.say(
        f"table {table / rows:.0f} bytes, " + ", ".join(f"{name} {size / rows:.0f}" for name, size in each)
    )
    total = (table + indexes) / rows
    yield Result(
        "disk", "disk per transaction with its indexes", f"{total:.0f} bytes", "", total, 400, at_most=True
    )


def prices(bench: Bench) -> Iterator[Result]:
    """For information: what pgbench makes of floor A, and what the schema's indexes, keys and guards cost."""
    crew, floor = _with_service(bench), bench.company(WORK, "Floor")
    with databases.connect(WORK) as connection:
        connection.execute(floors.BARE_TABLES)
    crew.prepare(bare=jobs.PostByFloor(floor, sql=floors.POST_BARE))
    for clients in (1, CLIENTS):
        duel = bench.duel((crew, "floor", clients), (crew, "bare", clients))
        yield duel.result(
            f"bare_{clients}", f"floor A, {_clients(clients)}, against bare tables (for information)", None
        )
    script = bench.scratch / "floor_a.sql"
    script.write_text(
        floors.for_pgbench(
            floors.POST,
            entity=str(floor.entity_id),
            ledger=str(floor.ledger_id),
            accounts=books.ACCOUNTS,
            id_of_account=books.ID_OF_FLOOR_ACCOUNT,
        )
    )
    for clients in (1, CLIENTS):
        rates = [_pgbench(script, clients, bench.size.seconds) for _ in range(bench.size.rounds)]
        by_psycopg = [crew.run("floor", clients=clients, seconds=bench.size.seconds).rate for _ in rates]
        yield Result(
            f"pgbench_{clients}",
            f"floor A by pgbench, {_clients(clients)}, against by psycopg (for information)",
            f"{median(rates):,.0f} /s",
            f"{median(by_psycopg):,.0f} /s",
            median(rates) / median(by_psycopg),
        )


def memory(bench: Bench) -> Iterator[Result]:
    """Peak memory of web workers that answer the product's own requests, eight at a time. A server of its
    own: the floors' views are no part of the product."""
    crew, ours = bench.crew(WORK), bench.company(WORK, "Ours")
    with serving({**os.environ, **environment(WORK)}) as server:
        asked = {
            "memory_post": Requests(server.port, ours.token, "POST", _posts("/v1/transactions", ours), 201),
            "memory_bulk": Requests(
                server.port, ours.token, "POST", _bulks("/v1/transactions/bulk", ours), 201
            ),
            "memory_page": _gets(server.port, ours, ["/v1/transactions?pageSize=100"], b'"hasMore":true'),
            "memory_report": _gets(server.port, ours, ["/v1/reports/generate?type=BALANCE"], b"{"),
        }
        crew.prepare(**asked)
        for name in asked:
            lap = crew.run(name, clients=CLIENTS, seconds=bench.size.seconds * bench.size.rounds)
            if lap.failures:
                raise RuntimeError(f"{name}: {lap.failures[0]}")
        peak = max(server.peak_megabytes())
    yield Result("memory", "peak memory of a web worker", f"{peak:.0f} MB", "", peak, 150, at_most=True)


MEASURES: dict[str, Callable[[Bench], Iterator[Result]]] = {
    one.__name__: one
    for one in (
        http_post,
        service_post,
        hot,
        bulk,
        imports,
        pages,
        balances,
        approvals,
        growth,
        disk,
        prices,
        memory,
    )
}


def _with_service(bench: Bench) -> Crew:
    crew = bench.crew(WORK)
    crew.prepare(
        service=jobs.PostByService(bench.company(WORK, "Ours")),
        floor=jobs.PostByFloor(bench.company(WORK, "Floor")),
    )
    return crew


def _clients(count: int) -> str:
    return f"{count} client{'s' * (count > 1)}"


def _transaction(accounts: list[str], number: int) -> dict[str, object]:
    count = len(accounts)
    return {
        "amount": (100 + number) / 100,
        "debitAccountId": accounts[number * 7 % count],
        "creditAccountId": accounts[(number * 7 + 1 + number % (count - 1)) % count],
        "description": jobs.DESCRIPTION,
        "counterpartyName": jobs.COUNTERPARTY,
    }


def _posts(path: str, company: Company) -> tuple[tuple[str, bytes], ...]:
    accounts = company.public_accounts
    return tuple((path, msgspec.json.encode(_transaction(accounts, number))) for number in range(2000))


def bulk_requests(bench: Bench, company: Company) -> Requests:
    """`POST /v1/transactions/bulk`, a thousand each, to the server of the working books."""
    return Requests(
        bench.server(WORK).port, company.token, "POST", _bulks("/v1/transactions/bulk", company), 201
    )


def _bulks(path: str, company: Company) -> tuple[tuple[str, bytes], ...]:
    accounts = company.public_accounts
    return tuple(
        (
            path,
            msgspec.json.encode(
                {"transactions": [_transaction(accounts, start + number) for number in range(jobs.BATCH)]}
            ),
        )
        for start in range(0, 8 * jobs.BATCH, jobs.BATCH)
    )


def _gets(port: int, company: Company, paths: Iterable[str], holds: bytes) -> Requests:
    return Requests(port, company.token, "GET", tuple((path, b"") for path in paths), 200, holds)


def _pgbench(script: Path, clients: int, seconds: float) -> float:
    command = [
        str(databases.binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={script}",
        f"--client={clients}", f"--jobs={min(2, clients)}", f"--time={max(1, round(seconds))}",
        databases.url(WORK),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if found is None or not re.search(r"failed transactions: 0 ", done.stdout):
        raise RuntimeError(f"pgbench failed: {done.stderr or done.stdout}")
    return float(found[1])
