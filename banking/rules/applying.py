"""Applying rules on demand to what is in the books already, and showing beforehand what that would do.

Both walk over the transactions by id, some thousands at a time, and ask the same function what rules would
change; so what was shown is what is done, unless the books change in between.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.models import Account
from banking.models import BankAccount, Rule
from banking.rules.applications import Applied, record_applications
from banking.rules.candidates import Found, Wanted, candidates_after
from banking.rules.choosing import ReadyRule, choose_among, ready_rules
from banking.rules.conditions import conditions_of
from banking.rules.keeping import RuleFields, RuleNotFoundError, check_rule
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.exceptions import ConflictError
from ledger.ids import new_id
from ledger.models import Entity
from transactions.choices import COUNTS_AS_PENDING, Status
from transactions.rows import Row
from transactions.services import approve_transactions, categorize_transactions
from transactions.services.changing import hold_books, lock_transactions

BATCH_SIZE: Final = 1_000


class Selection(NamedTuple):
    """Which rules are applied to which transactions."""

    wanted: Wanted = Wanted()
    # None is all that are enabled; of those named, the others are as if they were not there.
    rule_ids: tuple[UUID, ...] | None = None


class RuleChange(NamedTuple):
    """What a rule does to one transaction."""

    found: Found
    rule: Rule
    # Whether the category changes; else it is approved alone.
    moves: bool
    # Whether it is posted, with nobody looking.
    approves: bool


class Plan(NamedTuple):
    """What rules would do to some transactions, or have done to them; in the order of their ids."""

    changes: list[RuleChange]
    examined: int
    # The id after which to go on; None at the end.
    next_after: UUID | None


def check_rules(entity: Entity, rule_ids: Collection[UUID], *, to_apply: bool) -> None:
    """Raise RuleNotFoundError for the first of `rule_ids` that the company has not, and with `to_apply`
    ConflictError for one that is disabled; what a disabled rule would do may be shown."""
    enabled = dict(Rule.objects.filter(entity_id=entity.id, id__in=rule_ids).values_list("id", "enabled"))
    for rule_id in rule_ids:
        if rule_id not in enabled:
            raise RuleNotFoundError(rule_id)
        if to_apply and not enabled[rule_id]:
            raise ConflictError(
                f"The rule {Rule(id=rule_id).public_id} is disabled; enable it before it is applied "
                '(PUT /v1/banks/rules/{id} with {"enabled": true}).'
            )


def plan(
    entity: Entity, selection: Selection, *, size: int, after: UUID | None = None, even_disabled: bool = False
) -> Plan:
    """What the rules would do to the first `size` transactions after `after`; changes nothing, two queries.

    With `even_disabled` rules that are named count though they are disabled. Raises RulesTooSlowError.
    """
    found = candidates_after(entity, selection.wanted, after=after, size=size + 1)
    has_more, found = len(found) > size, found[:size]
    clear = [one for one in found if one.is_clear]
    rules = ready_rules(
        entity,
        {one.bank_account_id for one in clear},
        only=selection.rule_ids,
        even_disabled=even_disabled and selection.rule_ids is not None,
    )
    return Plan(_changes(rules, clear, utc_now()), len(found), found[-1].id if has_more else None)


def plan_of_new(entity: Entity, fields: RuleFields, *, size: int) -> Plan:
    """What a rule that is not made yet would do to the first `size` uncategorized transactions, as if there
    were no others; writes nothing. Raises what `create_rule` raises, and RulesTooSlowError."""
    check_rule(entity=entity, fields=fields)
    rule = Rule(id=new_id(), entity_id=entity.id, **fields)
    rule.category_account = Account.objects.for_entity(entity).get(id=fields["category_account_id"])
    found = candidates_after(entity, Wanted(), after=None, size=size + 1)
    has_more, found = len(found) > size, found[:size]
    takes = BankAccount.objects.filter(
        entity_id=entity.id,
        ledger_id=rule.category_account.ledger_id,
        currency=rule.category_account.currency,
    ).exclude(ledger_account_id=rule.category_account_id)
    ready = ReadyRule(rule, conditions_of(rule), False, frozenset(takes.values_list("id", flat=True)))
    changes = _changes([ready], [one for one in found if one.is_clear], utc_now())
    return Plan(changes, len(found), found[-1].id if has_more else None)


@atomic
def apply_rules(
    *, entity: Entity, selection: Selection, size: int, actor: Actor, after: UUID | None = None
) -> Plan:
    """Do it to the first `size` transactions after `after`, all or nothing, and record which rule changed
    what. Returns what was changed.

    A fixed number of statements, and some more for each category and each batch of approvals; none for a
    transaction. Rules, accounts and closed periods are read after the books are held, so none of them
    changes meanwhile but the rules; one that is deleted or changed during a batch still counts in it. Raises
    RulesTooSlowError.
    """
    hold_books(entity)
    planned = plan(entity, selection, after=after, size=size)
    locked = lock_transactions(entity, [change.found.id for change in planned.changes])
    changes = [
        change for change in planned.changes if _is_as_found(change.found, locked.get(change.found.id))
    ]

    by_category: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for change in changes:
        if change.moves:
            by_category[change.rule.category_account_id].append(change.found.id)
    for category_id, ids in sorted(by_category.items()):
        categorize_transactions(entity=entity, ids=ids, category_id=category_id, actor=actor)

    approved = _approved(entity, [change.found.id for change in changes if change.approves], actor)
    done = [change._replace(approves=change.found.id in approved) for change in changes]
    done = [change for change in done if change.moves or change.approves]
    record_applications(
        entity,
        [
            Applied(
                rule=change.rule,
                transaction_id=change.found.id,
                account_before=change.found.category_id,
                account_after=change.rule.category_account_id,
                approved=change.approves,
            )
            for change in done
        ],
        actor,
    )
    return Plan(done, planned.examined, planned.next_after)


def apply_to_all(*, entity: Entity, selection: Selection, actor: Actor) -> Iterator[Plan]:
    """Do it to all, batch by batch, each in a database transaction of its own; yields what each did.

    Stopped in the middle and run again, it finds what is done already as the rules want it.
    """
    after: UUID | None = None
    while True:
        done = apply_rules(entity=entity, selection=selection, size=BATCH_SIZE, actor=actor, after=after)
        yield done
        after = done.next_after
        if after is None:
            return


def _approved(entity: Entity, ids: list[UUID], actor: Actor) -> set[UUID]:
    """Approve what can be and return its ids; what expired a moment ago stays, with its new category."""
    if not ids:
        return set()
    return {one.id for one in approve_transactions(entity=entity, ids=ids, actor=actor) if one.error is None}


def _changes(rules: Sequence[ReadyRule], found: Sequence[Found], now: datetime) -> list[RuleChange]:
    changes = []
    chosen = choose_among(rules, [one.candidate for one in found])
    for one, rule in zip(found, chosen, strict=True):
        if rule is None:
            continue
        moves = one.category_id != rule.category_account_id
        is_expired = one.status == Status.PENDING and one.expires_at is not None and one.expires_at <= now
        approves = rule.auto_approve and not is_expired
        if moves or approves:
            changes.append(RuleChange(one, rule, moves, approves))
    return changes


def _is_as_found(found: Found, locked: Row | None) -> bool:
    """Whether the transaction is, now that it is locked, what the rule was chosen for.

    Any other call may have been faster; what it left is looked at the next time.
    """
    return (
        locked is not None
        and locked.status in COUNTS_AS_PENDING
        and locked.debit_account_id == found.debit_account_id
        and locked.credit_account_id == found.credit_account_id
        and locked.amount == found.amount
        and locked.date == found.date
        and locked.description == found.description
        and locked.counterparty == found.counterparty
    )
