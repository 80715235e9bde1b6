"""What is measured without HTTP: the posting service, and the floors by psycopg."""

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
from django.db import connection

from bench import floors
from bench.books import Company
from ledger.actors import SYSTEM
from ledger.ids import new_id
from ledger.models import Entity, Ledger
from transactions.drafts import Draft
from transactions.journal_import import import_journal
from transactions.services import approve_transactions, post_batch, post_transaction

DESCRIPTION, COUNTERPARTY = "Office supplies, order 4711", "Office Supplies"
BATCH = 1000


@dataclass(frozen=True)
class _OfCompany:
    company: Company
    # How many of the company's accounts take part.
    accounts: int = 1000

    def pairs(self, number: int) -> Callable[[], tuple[UUID, UUID]]:
        chance, accounts = random.Random(number), self.company.accounts[: self.accounts]
        count = len(accounts)

        def pair() -> tuple[UUID, UUID]:
            debit = int(chance.random() * count)
            credit = (debit + 1 + int(chance.random() * (count - 1))) % count
            return accounts[debit], accounts[credit]

        return pair


class PostByService(_OfCompany):
    """`post_transaction`, as the API calls it."""

    def prepare(self, number: int) -> Callable[[], None]:
        entity, pair = Entity.objects.get(pk=self.company.entity_id), self.pairs(number)

        def post() -> None:
            post_transaction(entity=entity, draft=_draft(*pair()), actor=SYSTEM)

        return post


@dataclass(frozen=True)
class PostByFloor(_OfCompany):
    """Floor A by psycopg."""

    sql: str = floors.POST

    def prepare(self, number: int) -> Callable[[], None]:
        raw, company, pair = _connect(), self.company, self.pairs(number)
        slot = raw.info.backend_pid % 8

        def post() -> None:
            debit, credit = pair()
            now = datetime.now(UTC)
            raw.execute(
                self.sql,
                {
                    "entity": company.entity_id,
                    "ledger": company.ledger_id,
                    "id": new_id(),
                    "slot": slot,
                    "debit": debit,
                    "credit": credit,
                    "amount": Decimal("12.50"),
                    "now": now,
                    "date": now.date(),
                    "counterparty": COUNTERPARTY,
                    "description": DESCRIPTION,
                },
                prepare=True,
            )

        return post


class PostBatch(_OfCompany):
    """`post_batch` of a thousand."""

    def prepare(self, number: int) -> Callable[[], None]:
        entity, pair = Entity.objects.get(pk=self.company.entity_id), self.pairs(number)

        def post() -> None:
            drafts = [_draft(*pair()) for _ in range(BATCH)]
            _to_approve.append([draft.id for draft in drafts])
            faults = post_batch(entity=entity, drafts=drafts, actor=SYSTEM)
            assert not faults, faults

        return post


_to_approve: list[list[UUID]] = []


class ApproveBatch(_OfCompany):
    """`approve_transactions` of the thousand that `PostBatch` recorded before, each batch once."""

    def prepare(self, number: int) -> Callable[[], None]:
        entity = Entity.objects.get(pk=self.company.entity_id)

        def approve() -> None:
            approvals = approve_transactions(entity=entity, ids=_to_approve.pop(), actor=SYSTEM)
            assert not any(approval.error for approval in approvals), approvals

        return approve


def write_journal(path: Path, rows: int, company: Company) -> None:
    """A journal of `rows` single-line entries between the company's own accounts."""
    chance, names = random.Random(rows), [f"expenses:account {number}" for number in range(500)]
    banks = [f"assets:bank {number}" for number in range(500)]
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(
            ("entry_id", "date", "description", "debit_account", "credit_account", "amount", "currency")
        )
        for number in range(rows):
            day = f"2024-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            amount = f"{chance.randrange(1, 10**6) / 100:.2f}"
            lines.writerow(
                (
                    f"E{number}",
                    day,
                    f"Order {chance.randrange(5000)}",
                    chance.choice(names),
                    chance.choice(banks),
                    amount,
                    "USD",
                )
            )


@dataclass(frozen=True)
class ImportByService:
    """`import_journal`; each time into a ledger of its own, since it records nothing twice."""

    company: Company
    path: Path

    def prepare(self, number: int) -> Callable[[], None]:
        entity = Entity.objects.get(pk=self.company.entity_id)
        ledgers = []
        for count in range(40):
            ledgers.append(
                Ledger.objects.create(
                    entity=entity, name=f"Import {count}", currency="USD", created_at=datetime.now(UTC)
                )
            )

        def load() -> None:
            import_journal(path=self.path, entity=entity, ledger=ledgers.pop(), actor=SYSTEM)

        return load


@dataclass(frozen=True)
class ImportByFloor:
    """The file, by csv and COPY, with one aggregate behind it; all in one database transaction."""

    company: Company
    path: Path

    def prepare(self, number: int) -> Callable[[], None]:
        raw, company = _connect(), self.company

        def load() -> None:
            now, first = datetime.now(UTC), new_id()
            accounts: dict[str, UUID] = {}
            free = iter(company.accounts)
            with self.path.open(newline="") as file, raw.transaction(), raw.cursor() as cursor:
                lines = csv.reader(file)
                next(lines)
                with cursor.copy(floors.COPY) as copy:
                    for _, day, description, debit, credit, amount, currency in lines:
                        sides = [
                            accounts.get(name) or accounts.setdefault(name, next(free))
                            for name in (debit, credit)
                        ]
                        copy.write_row(
                            (
                                company.entity_id, new_id(), company.ledger_id, *sides, f"{day}T00:00:00Z",
                                now, now, day, amount, currency, "PENDING", "import", *[description] * 2,
                            )
                        )  # fmt: skip
                cursor.execute(
                    floors.ADD_COPIED,
                    {"entity": company.entity_id, "first": first, "slot": raw.info.backend_pid % 8},
                )

        return load


def _connect() -> psycopg.Connection:
    options = {
        key: value for key, value in connection.get_connection_params().items() if key != "cursor_factory"
    }
    options.pop("context", None)
    options.pop("prepare_threshold", None)
    return psycopg.connect(**options, autocommit=True)


def _draft(debit: UUID, credit: UUID) -> Draft:
    now = datetime.now(UTC)
    return Draft(
        debit_account_id=debit,
        credit_account_id=credit,
        amount=Decimal("12.50"),
        currency="USD",
        timestamp=now,
        date=now.date(),
        description=DESCRIPTION,
        counterparty=COUNTERPARTY,
    )
