"""Two companies with a thousand accounts each: ours, with a filled ledger, and the floors'.

Rows are written by the posting engine, as everyone's are.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from uuid import UUID

from django.core.management import call_command
from django.db import connection
from tqdm import tqdm

from accounts.choices import AccountType
from accounts.financial_types import default_financial_type
from accounts.models import Account
from ledger import tokens
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import ApiKey, Entity, Ledger
from ledger.services.developers import create_developer
from ledger.services.entities import create_entity
from ledger.tokens import Scope
from transactions.choices import Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.services import post_batch

ACCOUNTS = 1000
BATCH = 5000
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 720
BUSY = 8
# pgbench can make these of a number.
ID_OF_FLOOR_ACCOUNT = "('00000000-0000-7000-8000-' || lpad({n}::text, 12, '0'))::uuid"
DESCRIPTIONS = (
    "SQ *BLUE BOTTLE COFFEE SAN FRANCISCO CA",
    "AMZN Mktp US*2K4RT1 Amzn.com/bill WA",
    "Invoice 20{n} paid by customer",
    "STRIPE TRANSFER ST-{n}",
    "GUSTO PAYROLL {n}",
    "UBER *TRIP HELP.UBER.COM",
    "Monthly rent, office {n}",
    "CHECK #{n}",
)


@dataclass(frozen=True)
class Company:
    """What the clients must know of one company."""

    entity_id: UUID
    ledger_id: UUID
    accounts: tuple[UUID, ...]
    # Of an hour.
    token: str

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.ENTITY, self.entity_id)

    @property
    def public_accounts(self) -> list[str]:
        return [encode_id(Prefix.ACCOUNT, one) for one in self.accounts]


def migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def open_books() -> None:
    """Make the two companies and their charts."""
    developer = create_developer(name="Bench", actor=SYSTEM).developer
    for name in ("Ours", "Floor"):
        entity = create_entity(developer=developer, actor=SYSTEM, fields={"legal_name": name})
        ledger = Ledger.objects.get(entity_id=entity.id, is_default=True)
        now, types = utc_now(), list(AccountType)
        Account.objects.bulk_create(
            Account(
                id=UUID(f"00000000-0000-7000-8000-{number:012d}") if name == "Floor" else new_id(),
                entity=entity,
                ledger=ledger,
                name=f"Account {number}",
                type=types[number % len(types)],
                financial_type=default_financial_type(types[number % len(types)]).code,
                currency=ledger.currency,
                metadata={"bench": True},
                created_at=now,
                updated_at=now,
            )
            for number in range(1, ACCOUNTS + 1)
        )


def company(name: str) -> Company:
    entity = Entity.objects.get(legal_name=name)
    accounts = Account.objects.filter(entity_id=entity.id, metadata__bench=True).order_by("id")
    key = ApiKey.objects.filter(developer_id=entity.developer_id).earliest("created_at")
    return Company(
        entity.id,
        Ledger.objects.get(entity_id=entity.id, is_default=True).id,
        tuple(accounts.values_list("id", flat=True)),
        tokens.issue(key=key, scope=Scope.WRITE, entity_id=entity.id),
    )


def fill(rows: int) -> None:
    """Record `rows` transactions of two years, as companies have them.

    They come in the order of time, with some days' delay. Most move money of one of a few busy accounts
    (banks, cards), and of the others few are used often. Every fifth is pending; a third has the external id
    of a bank line, a quarter metadata.
    """
    entity, ours = Entity.objects.get(legal_name="Ours"), company("Ours")
    have = _count(entity)
    with tqdm(total=rows, initial=have, unit=" rows", desc=f"books of {rows:,}") as bar:
        drafts = _drafts(ours.accounts, random.Random(have), have, rows)
        for start in range(have, rows, BATCH):
            batch = list(islice(drafts, min(BATCH, rows - start)))
            faults = post_batch(entity=entity, drafts=batch, actor=SYSTEM)
            assert not faults, next(iter(faults.values()))
            bar.update(len(batch))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE, FREEZE)")


def _count(entity: Entity) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM transactions_transaction WHERE entity_id = %s", [entity.id])
        return int(cursor.fetchone()[0])


def _drafts(accounts: tuple[UUID, ...], chance: random.Random, first: int, rows: int) -> Iterator[Draft]:
    busy, others = accounts[:BUSY], accounts[BUSY:]
    for number in range(first, rows):
        sides = [chance.choice(busy), others[int(len(others) * chance.random() ** 3)]]
        debit, credit = sides if chance.random() < 0.5 else reversed(sides)
        recorded = FIRST_DAY + timedelta(days=DAYS) * ((number - first) / (rows - first))
        moment = recorded - timedelta(seconds=chance.randrange(3 * 86_400))
        description = chance.choice(DESCRIPTIONS).format(n=chance.randrange(10_000))
        fresh = Draft(
            debit_account_id=debit,
            credit_account_id=credit,
            amount=Decimal(chance.randrange(1, 10_000_000)).scaleb(-2),
            currency="USD",
            timestamp=moment,
            date=moment.date(),
            status=Status.PENDING if number % 5 == 0 else Status.POSTED,
            source=Source.BANK if number % 3 == 0 else Source.API,
            description=description,
            counterparty=counterparty_name(description),
            metadata={"order": str(chance.randrange(10**8))} if number % 4 == 0 else None,
        )
        if number % 3 == 0:
            fresh.external_id = encode_id(Prefix.BANK_LINE, fresh.id)
        yield fresh
