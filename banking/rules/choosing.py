"""Which rule takes which bank line."""

from collections import Counter
from collections.abc import Collection, Sequence
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from banking.models import BankAccount, Rule
from banking.rules.conditions import Candidate, Condition, conditions_of, fits, text_of
from ledger.exceptions import ConflictError
from ledger.models import Entity

log = structlog.get_logger(__name__)

# How long choosing may take, altogether and for each line. A thousand ordinary expressions take some 6 ms for
# a line; a thousand of the worst that are let in would take half a minute, and hold up all other companies.
SECONDS_MAX: Final = 5.0
SECONDS_PER_LINE_MAX: Final = 0.02


class RulesTooSlowError(ConflictError):
    """The company's expressions take too long."""

    def __init__(self, done: int, wanted: int) -> None:
        super().__init__(
            f"The rules' expressions took too long: only {done} of {wanted} transactions were looked at in "
            "the time that there is. Write expressions with smaller repetitions, or fewer of them, or name "
            "some rules in ruleIds."
        )


class ReadyRule(NamedTuple):
    """A rule with all that decides whether it is used."""

    rule: Rule
    conditions: tuple[Condition, ...]
    is_closed: bool
    # The bank accounts, of those asked for, whose lines the category account can take: of its ledger and
    # currency, and not standing for the bank account itself.
    bank_account_ids: frozenset[UUID]


def choose(entity: Entity, candidates: Sequence[Candidate]) -> list[Rule | None]:
    """The rule that takes each candidate, None where none does, in the order of `candidates`; one query.

    Of the enabled rules of which all conditions hold it is the one with the lowest priority number, of equals
    the older one. One whose category account is closed, or is of another ledger or currency than the bank
    account, is passed over and logged. Where expressions take too long none is taken, which is logged, too:
    no sync fails for that. The rules' `category_account` is loaded.
    """
    if not candidates:
        return []
    bank_account_ids = {one.bank_account_id for one in candidates if one.bank_account_id is not None}
    try:
        return choose_among(ready_rules(entity, bank_account_ids), candidates)
    except RulesTooSlowError as error:
        log.warning("banking.rules_too_slow", entity=entity.public_id, reason=error.message)
        return [None] * len(candidates)


def ready_rules(
    entity: Entity,
    bank_account_ids: Collection[UUID],
    *,
    only: Collection[UUID] | None = None,
    even_disabled: bool = False,
) -> list[ReadyRule]:
    """The company's enabled rules in the order in which they are asked, or those of them with ids in `only`;
    one query. With `even_disabled` disabled ones, too."""
    takes = (
        BankAccount.objects.filter(
            entity_id=entity.id,
            id__in=bank_account_ids,
            ledger_id=OuterRef("category_account__ledger_id"),
            currency=OuterRef("category_account__currency"),
        )
        .exclude(ledger_account_id=OuterRef("category_account_id"))
        .order_by()
        .values("id")
    )
    rules = (
        Rule.objects.filter(entity_id=entity.id, category_account__entity_id=entity.id)
        .select_related("category_account")
        .annotate(takes=ArraySubquery(takes))
        .order_by("priority", "created_at", "id")
    )
    if only is not None:
        rules = rules.filter(id__in=only)
    if not even_disabled:
        rules = rules.filter(enabled=True)
    return [
        ReadyRule(
            rule,
            conditions_of(rule),
            rule.category_account.closed_at is not None,
            frozenset(rule.takes or ()),
        )
        for rule in rules
    ]


def choose_among(rules: Sequence[ReadyRule], candidates: Sequence[Candidate]) -> list[Rule | None]:
    """As `choose`, with rules that are loaded already, in their order. Raises RulesTooSlowError."""
    if not rules:
        return [None] * len(candidates)
    passed_over: Counter[UUID] = Counter()
    chosen: list[Rule | None] = []
    end = monotonic() + SECONDS_MAX + SECONDS_PER_LINE_MAX * len(candidates)
    for candidate in candidates:
        if monotonic() > end:
            raise RulesTooSlowError(len(chosen), len(candidates))
        chosen.append(_chosen(rules, candidate, passed_over))
    for ready in rules:
        if count := passed_over[ready.rule.id]:
            log.warning(
                "banking.rule_passed_over",
                rule_id=ready.rule.public_id,
                account_id=ready.rule.category_account.public_id,
                reason="account closed" if ready.is_closed else "account of another ledger or the bank's own",
                lines=count,
            )
    return chosen


def _chosen(rules: Sequence[ReadyRule], candidate: Candidate, passed_over: Counter[UUID]) -> Rule | None:
    text = text_of(candidate)
    for ready in rules:
        if fits(ready.conditions, candidate, text):
            if not ready.is_closed and (
                candidate.bank_account_id is None or candidate.bank_account_id in ready.bank_account_ids
            ):
                return ready.rule
            passed_over[ready.rule.id] += 1
    return None
