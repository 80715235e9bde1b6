"""Reading rules and what they did. Every read begins with the company."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from banking.models import Rule, RuleApplication
from banking.rules.keeping import RuleNotFoundError
from ledger.models import Entity

# Where a page of rules ends: priority, when it was made, id.
RulePlace = tuple[int, datetime, UUID]


def rules_of(entity: Entity, *, after: RulePlace | None = None) -> QuerySet[Rule]:
    """The company's rules with their category accounts, in the order in which they are asked."""
    rules = (
        Rule.objects.filter(entity_id=entity.id, category_account__entity_id=entity.id)
        .select_related("category_account")
        .order_by("priority", "created_at", "id")
    )
    if after is None:
        return rules
    priority, created_at, rule_id = after
    return rules.filter(
        Q(priority__gt=priority)
        | Q(priority=priority, created_at__gt=created_at)
        | Q(priority=priority, created_at=created_at, id__gt=rule_id)
    )


def find_rule(entity: Entity, rule_id: UUID) -> Rule:
    """The company's rule. Raises RuleNotFoundError alike for another company's and for none."""
    rule = rules_of(entity).filter(id=rule_id).first()
    if rule is None:
        raise RuleNotFoundError(rule_id)
    return rule


def applications_of(
    entity: Entity, rule_id: UUID, *, before: tuple[datetime, UUID] | None = None
) -> QuerySet[RuleApplication]:
    """What the rule changed, newest first, also of a rule that was deleted.

    Raises RuleNotFoundError where the company has no such rule and never had one that changed anything.
    """
    made = RuleApplication.objects.filter(entity_id=entity.id, rule_id=rule_id)
    if not Rule.objects.filter(entity_id=entity.id, id=rule_id).exists() and not made.exists():
        raise RuleNotFoundError(rule_id)
    if before is not None:
        applied_at, application_id = before
        # The first condition is the index's; the second alone would read all that is newer.
        made = made.filter(applied_at__lte=applied_at).filter(
            Q(applied_at__lt=applied_at) | Q(id__lt=application_id)
        )
    return made.order_by("-applied_at", "-id")
