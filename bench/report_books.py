"""The books that reports are measured on: 200 accounts of every kind, three years, each account used alike.

So every account has every month, and at the larger size nearly every day: what grows between the two sizes is
the number of transactions alone.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.db import connection
from tqdm import tqdm

from accounts.financial_types import FINANCIAL_TYPES
from accounts.models import Account
from bench.books import BATCH, FIRST_DAY, Company, company
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.models import Entity, Ledger
from ledger.services.developers import create_developer
from ledger.services.entities import create_entity
from reports.exports import Books, ExportFormat, export_books
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.services import post_batch

NAME = "Reported"
ACCOUNTS = 200
DAYS = 3 * 365


def open_books() -> None:
    """Make the company and its chart: a parent of each type, and the others below."""
    developer = create_developer(name="Bench of reports", actor=SYSTEM).developer
    entity = create_entity(developer=developer, actor=SYSTEM, fields={"legal_name": NAME})
    ledger = Ledger.objects.get(entity_id=entity.id, is_default=True)
    now, kinds = utc_now(), list(FINANCIAL_TYPES.values())
    parents: dict[str, Account] = {}
    accounts = []
    for number in range(ACCOUNTS):
        kind = kinds[number % len(kinds)]
        account = Account(
            id=new_id(),
            entity=entity,
            ledger=ledger,
            parent=parents.get(kind.type.value),
            name=f"{kind.label} {number}",
            type=kind.type.value,
            financial_type=kind.code,
            sub_type_code=1000 + number,
            currency=ledger.currency,
            metadata={"bench": True},
            created_at=now,
            updated_at=now,
        )
        parents.setdefault(kind.type.value, account)
        accounts.append(account)
    Account.objects.bulk_create(accounts)


def reported() -> Company:
    """What the clients must know of the company."""
    return company(NAME)


def fill(rows: int) -> None:
    """Record transactions until there are `rows`; all posted."""
    entity, ours = Entity.objects.get(legal_name=NAME), reported()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM transactions_transaction WHERE entity_id = %s", [entity.id])
        have = int(cursor.fetchone()[0])
    with tqdm(total=rows, initial=have, unit=" rows", desc=f"reports' books of {rows:,}") as bar:
        drafts = _drafts(ours.accounts, random.Random(have))
        for start in range(have, rows, BATCH):
            batch = list(islice(drafts, min(BATCH, rows - start)))
            faults = post_batch(entity=entity, drafts=batch, actor=SYSTEM)
            assert not faults, next(iter(faults.values()))
            bar.update(len(batch))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE, FREEZE)")


def export(file: Path) -> None:
    """Write the books as hledger and ledger read them."""
    entity = Entity.objects.get(legal_name=NAME)
    ledger = Ledger.objects.get(entity_id=entity.id, is_default=True)
    with file.open("w", encoding="utf-8") as out:
        for piece in export_books(Books(entity, ledger), ExportFormat.HLEDGER):
            out.write(piece)


def _drafts(accounts: tuple[UUID, ...], chance: random.Random) -> Iterator[Draft]:
    while True:
        debit, credit = chance.sample(accounts, 2)
        moment = FIRST_DAY + timedelta(seconds=chance.randrange(DAYS * 86_400))
        yield Draft(
            debit_account_id=debit,
            credit_account_id=credit,
            amount=Decimal(chance.randrange(1, 10_000_000)).scaleb(-2),
            currency="USD",
            timestamp=moment,
            date=moment.date(),
            status=Status.POSTED,
            description=f"Entry {chance.randrange(10**6)}",
        )
