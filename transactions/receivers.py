"""What this app does when a company is removed. Receivers run in the sender's database transaction."""

from typing import Any, Final

from django.dispatch import receiver

from ledger.db import execute
from ledger.models import Entity
from ledger.signals import entity_deleting

# Transactions refer to each other and to journal entries. Each goes in one statement, whose references are
# checked at its end.
_TABLES: Final = (
    "transactions_revision",
    "transactions_transaction",
    "transactions_journalentry",
    "transactions_savedview",
)


@receiver(entity_deleting, dispatch_uid="transactions.delete_books")
def on_entity_deleting(sender: object, *, entity: Entity, **more: Any) -> None:
    """Delete the transactions of a company that is being removed, with their history."""
    for table in _TABLES:
        execute(f"DELETE FROM {table} WHERE entity_id = %s", [entity.id])
