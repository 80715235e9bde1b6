"""What this app does when a company comes and goes. Receivers run in the sender's database transaction."""

from typing import Any

from django.dispatch import receiver

from accounts.system_accounts import make_system_accounts
from ledger.actors import Actor
from ledger.db import execute
from ledger.models import Entity, Ledger
from ledger.signals import entity_created, entity_deleting

# The totals refer to accounts. Parents and children go in one statement: references are checked at its end.
_TABLES = (
    "accounts_accountbalance",
    "accounts_accountday",
    "accounts_accountmonth",
    "accounts_accountimport",
    "accounts_account",
)


@receiver(entity_created, dispatch_uid="accounts.make_system_accounts")
def on_entity_created(sender: object, *, entity: Entity, ledger: Ledger, actor: Actor, **more: Any) -> None:
    """Give a new company the accounts that it cannot do without."""
    make_system_accounts(entity=entity, ledger=ledger, actor=actor)


@receiver(entity_deleting, dispatch_uid="accounts.delete_chart")
def on_entity_deleting(sender: object, *, entity: Entity, **more: Any) -> None:
    """Delete the chart of a company that is being removed; the apps above have deleted their rows before."""
    for table in _TABLES:
        execute(f"DELETE FROM {table} WHERE entity_id = %s", [entity.id])
