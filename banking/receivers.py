"""What this app does when a company goes. Receivers run in the sender's database transaction."""

from typing import Any

from django.dispatch import receiver

from ledger.db import execute
from ledger.models import Entity
from ledger.signals import entity_deleting

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


@receiver(entity_deleting, dispatch_uid="banking.delete_banks")
def on_entity_deleting(sender: object, *, entity: Entity, **more: Any) -> None:
    """Delete what the banks said of a company that is being removed."""
    for table in _TABLES:
        execute(f"DELETE FROM {table} WHERE entity_id = %s", [entity.id])
