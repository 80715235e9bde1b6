"""How each bank account stands: its last statement, an open one, and bank against books."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from accounts.balances import net_debits_of
from banking.models import BankAccount
from banking.querysets import bank_accounts
from banking.reconciliation.statements import bank_sign
from ledger.clock import utc_now
from ledger.db import fetch, uuid_array
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.times import day_of

# By ledger account: statements go on where an account was connected anew.
_LAST: Final = """
SELECT DISTINCT ON (b.ledger_account_id, r.status) b.ledger_account_id, r.status, r.id, r.statement_date,
    r.statement_balance
FROM banking_reconciliation r
JOIN banking_bankaccount b ON b.entity_id = r.entity_id AND b.id = r.bank_account_id
WHERE r.entity_id = %(entity)s::uuid
ORDER BY b.ledger_account_id, r.status, r.statement_date DESC
"""
_TYPES: Final = """
SELECT id, type FROM accounts_account WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
"""


@dataclass(frozen=True, slots=True)
class StatementState:
    """A reconciliation, as a list shows it."""

    id: str
    day: date
    balance: Decimal


@dataclass(frozen=True, slots=True)
class AccountState:
    """A bank account that is fed. Balances are as the bank says them: money in the account, or owed."""

    account: BankAccount
    last: StatementState | None
    open: StatementState | None
    bank_balance: Decimal | None
    bank_balance_at: datetime | None
    # Of the end of the day on which the bank said its balance; today's where it said none.
    books_balance: Decimal

    @property
    def ledger_account(self) -> str:
        """The public id of its account in the books."""
        return encode_id(Prefix.ACCOUNT, self.account.ledger_account_id)

    @property
    def difference(self) -> Decimal | None:
        """Bank less books; None where the bank said nothing."""
        return None if self.bank_balance is None else self.bank_balance - self.books_balance

    @property
    def days_since_statement(self) -> int | None:
        """How long ago the last completed statement was."""
        return None if self.last is None else (utc_now().date() - self.last.day).days


def account_states(entity: Entity) -> list[AccountState]:
    """Return how each fed bank account stands; five queries."""
    accounts = list(bank_accounts(entity))
    statements = {
        (ledger_account, status): StatementState(encode_id(Prefix.RECONCILIATION, id_), day, balance)
        for ledger_account, status, id_, day, balance in fetch(_LAST, {"entity": entity.id})
    }
    books = _books(entity, accounts)
    return [
        AccountState(
            one,
            statements.get((one.ledger_account_id, "completed")),
            statements.get((one.ledger_account_id, "open")),
            one.balance_current,
            one.balance_at,
            books[one.id],
        )
        for one in accounts
    ]


def _books(entity: Entity, accounts: list[BankAccount]) -> Mapping[UUID, Decimal]:
    if not accounts:
        return {}
    now = utc_now()
    days = [day_of(one.balance_at or now, entity.zone) for one in accounts]
    wanted = [(one.ledger_account_id, day) for one, day in zip(accounts, days, strict=True)]
    ids = uuid_array(one.ledger_account_id for one in accounts)
    types: dict[UUID, Any] = dict(fetch(_TYPES, {"entity": entity.id, "ids": ids}))
    return {
        one.id: net * bank_sign(types[one.ledger_account_id])
        for one, net in zip(accounts, net_debits_of(entity.id, wanted), strict=True)
    }
