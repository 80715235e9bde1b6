"""The record of which rule changed what."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from banking.models import Rule, RuleApplication
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.models import Entity

_ROWS_PER_STATEMENT: Final = 2_000


class Applied(NamedTuple):
    """One transaction that a rule put into its category."""

    rule: Rule
    transaction_id: UUID
    # The category account that it had; None where it was made right in the rule's.
    account_before: UUID | None
    account_after: UUID
    # Whether the rule also posted it.
    approved: bool


def record_applications(entity: Entity, applied: Sequence[Applied], actor: Actor) -> None:
    """Record what rules did, in the database transaction in which they did it; a statement for thousands."""
    now = utc_now()
    RuleApplication.objects.bulk_create(
        [
            RuleApplication(
                id=new_id(),
                entity_id=entity.id,
                rule_id=one.rule.id,
                rule_name=one.rule.name,
                transaction_id=one.transaction_id,
                account_before=one.account_before,
                account_after=one.account_after,
                approved=one.approved,
                applied_at=now,
                applied_by=actor.id,
            )
            for one in applied
        ],
        batch_size=_ROWS_PER_STATEMENT,
    )
