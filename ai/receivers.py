"""What this app does when a company goes, and when its books change.

Receivers run in the sender's database transaction.
"""

from typing import Any

from django.dispatch import receiver

from ledger.db import execute
from ledger.models import Entity
from ledger.signals import entity_deleting

# What refers to another goes before it.
_TABLES: tuple[str, ...] = (
    "ai_suggestion",
    "ai_suggestionsettings",
    "ai_confirmedtransaction",
    "ai_wording",
    "ai_categorymodel",
    "ai_documentsource",
    "ai_document",
    "ai_documentstate",
    "ai_summary",
)


@receiver(entity_deleting, dispatch_uid="ai.delete_what_was_learned")
def on_entity_deleting(sender: object, *, entity: Entity, **more: Any) -> None:
    """Delete what was learned of a company that is being removed."""
    for table in _TABLES:
        execute(f"DELETE FROM {table} WHERE entity_id = %s", [entity.id])
