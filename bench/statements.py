"""Statement files: card lines in CSV, brought into the books line by line, against posting as many rows."""

import csv
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from accounts.choices import AccountType
from accounts.services import create_account
from banking.models import BankAccount
from banking.statements.accounts import bank_account_of
from banking.statements.csv_mapping import CsvMapping
from banking.statements.importing import import_statement
from bench import jobs
from bench.books import Company
from bench.measures import WORK, Bench, Duel, Result, bulk_requests, environment
from bench.web import Requests
from ledger.actors import SYSTEM
from ledger.models import Entity, Ledger
from openledger import embedded
from transactions.services import post_batch

MEGABYTES_MAX = 300
MAPPING = {"date": "date", "description": "description", "amount": "amount", "amountSign": "out"}
_UNITS, _SHOPS, _DAYS = 70, 5_000, 1_400
_FIRST_DAY = date(2020, 4, 1)
# A duel runs each side once to warm up and once in each round.
_ACCOUNTS = 12


def write_cards(path: Path, rows: int) -> None:
    """Card lines of the spending units of a council, one unit after the other, each in the order of days."""
    chance = random.Random(rows)
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("date", "entity", "description", "amount"))
        for number in range(rows):
            unit, place = divmod(number * _UNITS, rows)
            day = _FIRST_DAY + timedelta(place * _DAYS // rows)
            shop = f"shop {chance.randrange(_SHOPS)} birmingham"
            lines.writerow((day, f"Unit {unit}", shop, f"{chance.randrange(100, 50_000) / 100:.2f}"))


@dataclass(frozen=True)
class ImportStatements:
    """`import_statement` of one file, each time into a bank account of its own; by one process alone."""

    company: Company
    path: Path

    def prepare(self, number: int) -> Callable[[], None]:
        entity = Entity.objects.get(pk=self.company.entity_id)
        accounts = [open_card(self.company, f"Card {count}") for count in range(0 if number else _ACCOUNTS)]
        data, mapping = self.path.read_bytes(), CsvMapping.parse(MAPPING)

        def load() -> None:
            import_statement(
                entity=entity, bank_account=accounts.pop(), data=data, mapping=mapping, actor=SYSTEM
            )

        return load


@dataclass(frozen=True)
class PostRows(jobs._OfCompany):
    """`post_batch` of as many rows as the file has, a thousand at a time."""

    rows: int = jobs.BATCH

    def prepare(self, number: int) -> Callable[[], None]:
        entity, pair = Entity.objects.get(pk=self.company.entity_id), self.pairs(number)

        def post() -> None:
            for _ in range(self.rows // jobs.BATCH):
                drafts = [jobs._draft(*pair()) for _ in range(jobs.BATCH)]
                assert not post_batch(entity=entity, drafts=drafts, actor=SYSTEM)

        return post


@dataclass(frozen=True)
class PostOverHttp:
    """As many rows as the file has, over HTTP, a thousand in a request."""

    requests: Requests
    rows: int

    def prepare(self, number: int) -> Callable[[], None]:
        send = self.requests.prepare(number)

        def post() -> None:
            for _ in range(self.rows // jobs.BATCH):
                send()

        return post


def open_card(company: Company, name: str) -> BankAccount:
    """A card of the company that is fed by files, with its ledger account."""
    entity = Entity.objects.get(pk=company.entity_id)
    account = create_account(
        entity=entity,
        ledger=Ledger.objects.get(pk=company.ledger_id),
        name=name,
        type_=AccountType.LIABILITY,
        actor=SYSTEM,
    )
    return bank_account_of(entity=entity, ledger_account_id=account.id, actor=SYSTEM)


def open_card_by_id(company: Company, name: str) -> UUID:
    """The id of a new card."""
    return open_card(company, name).id


def statements(bench: Bench) -> Iterator[Result]:
    crew, rows = bench.crew(WORK), bench.size.import_rows
    ours = bench.company(WORK, "Ours")
    path = bench.scratch / "cards.csv"
    write_cards(path, rows)
    crew.prepare(
        statements=ImportStatements(ours, path),
        bulk_posts=PostOverHttp(bulk_requests(bench, ours), rows),
        post_rows=PostRows(ours, rows=rows),
    )
    duel = bench.duel((crew, "statements", 1), (crew, "bulk_posts", 1), times=1)
    yield duel.result(
        "statements",
        f"import_statement, {rows:,} lines of CSV, against POST /v1/transactions/bulk",
        0.5,
        unit="rows/s",
        scale=rows,
    )
    posting = Duel(duel.ours, [crew.run("post_rows", times=1) for _ in duel.ours])
    yield posting.result(
        "statements_posting",
        "the same, against `post_batch` alone (for information)",
        None,
        unit="rows/s",
        scale=rows,
    )
    megabytes = _peak_megabytes(bench, ours, path)
    yield Result(
        "statements_memory",
        f"peak memory of `manage.py import_statement`, {rows:,} lines",
        f"{megabytes:.0f} MB",
        "",
        megabytes,
        MEGABYTES_MAX,
        at_most=True,
    )


def _peak_megabytes(bench: Bench, company: Company, path: Path) -> float:
    """How much memory the command takes at its peak. Raises where it fails."""
    card = bench.crew(WORK).call(open_card_by_id, company, "Card of the command")
    command = [
        sys.executable,
        "manage.py",
        "import_statement",
        str(path.resolve()),
        "--bank-account",
        BankAccount(id=card).public_id,
        "--mapping",
        ",".join(f"{name}={column}" for name, column in MAPPING.items()),
    ]
    process = subprocess.Popen(
        command,
        cwd=embedded.PROJECT_DIRECTORY,
        env={**os.environ, **environment(WORK)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert not status, f"import_statement ended with {status}"
    return usage.ru_maxrss / 1024
