"""What this app does when an account is merged into another one."""

from typing import Any, Final

from django.dispatch import receiver

from accounts.models import Account
from banking.models import BankAccount, Rule
from banking.rules.keeping import RuleFields, update_rule
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import execute
from ledger.exceptions import ConflictError
from ledger.models import Entity
from transactions.signals import accounts_merged, accounts_merging

_CHOSEN: Final = """
UPDATE banking_bankline SET chosen_account_id = %(target)s::uuid, updated_at = %(now)s::timestamptz
WHERE entity_id = %(entity)s::uuid AND chosen_account_id = %(source)s::uuid
"""


@receiver(accounts_merging, dispatch_uid="banking.keep_fed_accounts")
def on_accounts_merging(
    sender: object, *, entity: Entity, source: Account, target: Account, **more: Any
) -> None:
    """Refuse for an account that a bank feeds: its lines would go on to the closed one."""
    fed = BankAccount.objects.filter(
        entity_id=entity.id, ledger_account_id=source.id, disconnected_at__isnull=True
    ).first()
    if fed is not None:
        raise ConflictError(
            f"{source} stands for the bank account {fed}, whose lines come to it. Disconnect that first, or "
            f"merge {target} into {source}."
        )


@receiver(accounts_merged, dispatch_uid="banking.follow_merge")
def on_accounts_merged(
    sender: object, *, entity: Entity, source: Account, target: Account, actor: Actor, **more: Any
) -> None:
    """Let rules and undecided bank lines that name the one account name the other."""
    for rule in Rule.objects.filter(entity_id=entity.id, category_account_id=source.id).order_by("id"):
        fields = RuleFields(category_account_id=target.id)
        update_rule(entity=entity, rule_id=rule.id, fields=fields, actor=actor)
    execute(_CHOSEN, {"entity": entity.id, "source": source.id, "target": target.id, "now": utc_now()})
