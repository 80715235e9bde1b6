"""What this app does when a company or a transaction goes, a transaction changes, or a company is shown.

Receivers run in the sender's database transaction.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from banking.api.account_shapes import entity_bank_account_json
from banking.months import bank_account_changes
from banking.querysets import bank_accounts, is_known_without_banks, plaid_accounts_beside
from banking.services.guarding import check_changes, follow_split, let_go
from ledger.actors import Actor
from ledger.db import execute
from ledger.entity_cache import load_beside
from ledger.models import Entity
from ledger.signals import bank_accounts_wanted, entity_deleting
from transactions.api.shapes import BANK_ACCOUNTS
from transactions.months import register_breakdown
from transactions.rows import Row
from transactions.signals import transaction_splitting, transactions_deleting, transactions_editing

# What refers to another goes before it.
_TABLES = (
    "banking_reconciledtransaction",
    "banking_reconciliation",
    "banking_tieout",
    "banking_ruleapplication",
    "banking_rule",
    "banking_linelink",
    "banking_bankline",
    "banking_statementimport",
    "banking_bankaccount",
    "banking_bankconnection",
    "banking_integration",
)


register_breakdown(bank_account_changes)
load_beside(BANK_ACCOUNTS, plaid_accounts_beside())


@receiver(bank_accounts_wanted, dispatch_uid="banking.show_accounts")
def on_bank_accounts_wanted(sender: object, *, entity: Entity, **more: Any) -> list[dict[str, Any]]:
    """Show the company's bank accounts, without secrets; two queries at most."""
    if is_known_without_banks(entity):
        return []
    return [entity_bank_account_json(account) for account in bank_accounts(entity)]


@receiver(entity_deleting, dispatch_uid="banking.delete_banks")
def on_entity_deleting(sender: object, *, entity: Entity, **more: Any) -> None:
    """Delete what the banks said of a company that is being removed."""
    for table in _TABLES:
        execute(f"DELETE FROM {table} WHERE entity_id = %s", [entity.id])


@receiver(transactions_deleting, dispatch_uid="banking.let_go")
def on_transactions_deleting(
    sender: object, *, entity: Entity, transaction_ids: Sequence[UUID], **more: Any
) -> None:
    """Part bank lines from transactions that are being deleted."""
    let_go(entity, transaction_ids)


@receiver(transactions_editing, dispatch_uid="banking.check_changes")
def on_transactions_editing(
    sender: object, *, entity: Entity, changes: Sequence[tuple[Row, Row]], **more: Any
) -> None:
    """Refuse what would part a transaction from its bank line unseen."""
    check_changes(entity, changes)


@receiver(transaction_splitting, dispatch_uid="banking.follow_split")
def on_transaction_splitting(
    sender: object, *, entity: Entity, row: Row, part_ids: Sequence[UUID], actor: Actor, **more: Any
) -> None:
    """Let all parts of a split transaction stand for its bank line."""
    follow_split(entity, row.id, part_ids, actor)
