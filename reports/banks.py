"""What the banks say, beside what the books say."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger.models import Entity
from ledger.signals import bank_accounts_wanted


@dataclass(frozen=True)
class Reconciliation:
    """The bank accounts' balances against the books' cash; `difference` is banks less books."""

    accounts: tuple[dict[str, Any], ...]
    banks_total: Decimal
    books_cash: Decimal
    difference: Decimal


def connected_accounts(entity: Entity) -> tuple[dict[str, Any], ...]:
    """The company's connected bank accounts, as the app that has them shows them."""
    answers: list[tuple[Any, Any]] = bank_accounts_wanted.send(sender=Entity, entity=entity)
    return tuple(account for _, accounts in answers for account in accounts or ())


def reconcile(entity: Entity, books_cash: Decimal) -> Reconciliation:
    """Compare what the banks last said with the cash in the books, at the end of a report's period."""
    accounts = connected_accounts(entity)
    banks_total = sum((_balance(account) for account in accounts), Decimal(0))
    return Reconciliation(accounts, banks_total, books_cash, banks_total - books_cash)


def _balance(account: dict[str, Any]) -> Decimal:
    """What the account holds of the company's cash: what is owed on cards and loans is none."""
    if account.get("accountType", "depository") != "depository":
        return Decimal(0)
    balance = account.get("currentBalance")
    return Decimal(str(balance)) if balance is not None else Decimal(0)
