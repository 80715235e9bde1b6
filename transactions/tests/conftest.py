"""The cast of the engine's tests: a bakery with its books, and a stranger with books of their own."""

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Account
from accounts.tests.conftest import make_account, make_books
from ledger.actors import SYSTEM
from ledger.models import Entity, Ledger
from ledger.services.developers import NewDeveloper
from ledger.tests.helpers import Caller, caller_of, make_developer
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.models import Transaction
from transactions.rows import Row
from transactions.services import post_transaction

Result = TypeVar("Result")
# In the middle of a month, so that a day more or less changes no month.
NOON = dt.datetime(2024, 3, 15, 12, tzinfo=dt.UTC)
SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


@dataclass
class Company:
    """A company with one ledger and an account of every kind that a rule tells apart."""

    developer: NewDeveloper
    ledger: Ledger
    entity: Entity = field(init=False)

    def __post_init__(self) -> None:
        self.entity = self.ledger.entity
        self.cash = make_account(self.ledger, "Cash", financial_type="CASH", sub_type_code=1010)
        self.bank = make_account(self.ledger, "Bank", financial_type="CASH")
        self.sales = make_account(self.ledger, "Sales", "REVENUE", financial_type="SALES")
        self.rent = make_account(self.ledger, "Rent", "EXPENSE", financial_type="RENT_EXPENSES")
        self.software = make_account(
            self.ledger, "Software", "EXPENSE", financial_type="SOFTWARE_EXPENSES", sub_type_code=6100
        )
        self.loan = make_account(self.ledger, "Loan", "LIABILITY", financial_type="LONG_TERM_DEBT")

    @property
    def accounts(self) -> list[Account]:
        return [self.cash, self.bank, self.sales, self.rent, self.software, self.loan]

    def draft(
        self,
        amount: str = "10",
        *,
        debit: Account | None = None,
        credit: Account | None = None,
        at: dt.datetime = NOON,
        **more: Any,
    ) -> Draft:
        """Rent paid in cash, unless told otherwise."""
        values: dict[str, Any] = {
            "debit_account_id": (debit or self.rent).id,
            "credit_account_id": (credit or self.cash).id,
            "amount": Decimal(amount),
            "currency": "USD",
            "timestamp": at,
            "date": at.date(),
        }
        return Draft(**(values | more))

    def post(self, amount: str = "10", **more: Any) -> Row:
        """Record a transaction: PENDING unless told otherwise."""
        return post_transaction(entity=self.entity, draft=self.draft(amount, **more), actor=SYSTEM)

    def posted(self, amount: str = "10", **more: Any) -> Row:
        return self.post(amount, status=Status.POSTED, **more)

    def caller(self, **options: Any) -> Caller:
        """An API client with a token for this company alone."""
        return caller_of(self.developer, entity=self.entity, **options)

    def stored(self, transaction_id: UUID) -> Transaction:
        """The transaction as the database has it now."""
        return Transaction.objects.get(entity_id=self.entity.id, id=transaction_id)


def make_company(
    name: str = "Bakery", *, developer: NewDeveloper | None = None, zone: str = "UTC"
) -> Company:
    """A company with its accounts and no transaction."""
    developer = developer or make_developer(name)
    return Company(developer, make_books(name, developer=developer.developer, zone=zone))


@pytest.fixture(autouse=True)
def _no_rate_limits(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000
    settings.RATE_LIMIT_ADDRESS_PER_MINUTE = 1_000_000


@pytest.fixture
def bakery(db: None) -> Company:
    return make_company()


@pytest.fixture
def stranger(db: None) -> Company:
    return make_company("Stranger")


_STORED = {
    "balance": "SELECT account_id, NULL::date, {sums} FROM accounts_accountbalance",
    "day": "SELECT account_id, date, {sums} FROM accounts_accountday",
    "month": "SELECT account_id, month, {sums} FROM accounts_accountmonth",
}
_KEYS = {"balance": "NULL::date", "day": "date", "month": "date_trunc('month', date)::date"}
# Written anew here, apart from the engine's own text: states by name, sides by name.
_RECOMPUTED = """
SELECT account_id, {key} AS key,
    sum(amount) FILTER (WHERE side = 'debit' AND status IN ('PENDING', 'CLEARED', 'RECONCILED')),
    sum(amount) FILTER (WHERE side = 'debit' AND status IN ('POSTED', 'REVERSED')),
    sum(amount) FILTER (WHERE side = 'credit' AND status IN ('PENDING', 'CLEARED', 'RECONCILED')),
    sum(amount) FILTER (WHERE side = 'credit' AND status IN ('POSTED', 'REVERSED'))
FROM (
    SELECT debit_account_id AS account_id, 'debit' AS side, entity_id, date, amount, status
    FROM transactions_transaction
    UNION ALL
    SELECT credit_account_id, 'credit', entity_id, date, amount, status FROM transactions_transaction
) sides
WHERE entity_id = %s GROUP BY 1, 2
"""
Totals = dict[tuple[str, UUID, dt.date | None], tuple[Decimal, ...]]


def stored_totals(entity: Entity) -> Totals:
    """What the three tables of totals hold, slots added up; rows of zeros left out."""
    totals: Totals = {}
    summed = ", ".join(f"sum({name})" for name in SUMS)
    for kind, select in _STORED.items():
        totals |= _totals(kind, select.format(sums=summed) + " WHERE entity_id = %s GROUP BY 1, 2", entity)
    return totals


def recomputed_totals(entity: Entity) -> Totals:
    """What the three tables must hold, added up from the transactions."""
    totals: Totals = {}
    for kind, key in _KEYS.items():
        totals |= _totals(kind, _RECOMPUTED.format(key=key), entity)
    return totals


def _totals(kind: str, sql: str, entity: Entity) -> Totals:
    with connection.cursor() as cursor:
        cursor.execute(sql, [entity.id])
        rows = cursor.fetchall()
    found = {(kind, row[0], row[1]): tuple(value or Decimal(0) for value in row[2:]) for row in rows}
    return {key: sums for key, sums in found.items() if any(sums)}


def assert_totals_hold(entity: Entity) -> None:
    """Balances, days and months equal what the transactions add up to, and debits equal credits."""
    stored = stored_totals(entity)
    assert stored == recomputed_totals(entity)
    for kind in _STORED:
        rows = [row for (table, *_), row in stored.items() if table == kind]
        assert sum(row[0] for row in rows) == sum(row[2] for row in rows)
        assert sum(row[1] for row in rows) == sum(row[3] for row in rows)


def balance(account: Account) -> tuple[Decimal, ...]:
    """The four sums of an account: debits pending and posted, credits pending and posted."""
    totals = stored_totals(account.entity)
    return totals.get(("balance", account.id, None), (Decimal(0),) * 4)


def sums(*values: str | int) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


def race(*calls: Callable[[], Result]) -> list[Result | Exception]:
    """Run the calls at the same moment, each in a thread with a connection of its own; what each returned
    or raised, in their order."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result | Exception:
        try:
            connection.ensure_connection()
            barrier.wait(10)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(60) for future in [pool.submit(run, call) for call in calls]]


def errors_of(results: Sequence[object]) -> list[BaseException]:
    return [result for result in results if isinstance(result, BaseException)]


def wait_until_blocked(count: int = 1, seconds: float = 10) -> None:
    """Return once so many other connections wait for a lock."""
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    while dt.datetime.now(dt.UTC) < deadline:
        with connection.cursor() as cursor:
            # Inside of a transaction the view shows what it showed before.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            )
            if cursor.fetchone()[0] >= count:
                return
    raise AssertionError(f"no {count} connections came to wait for a lock in {seconds} seconds")
