"""Making, changing and deleting rules."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, TypedDict, cast
from uuid import UUID

from django.db import IntegrityError
from django.db.transaction import atomic

from accounts.models import Account
from banking.choices import Direction
from banking.models import BankAccount, Rule
from banking.rules.patterns import check_regex
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import FOREIGN_KEY_VIOLATION, sqlstate
from ledger.exceptions import ConflictError, NotFoundError, ValidationError, shown
from ledger.ids import Prefix, encode_id, encode_optional_id, new_id
from ledger.models import Entity
from transactions.exceptions import AccountClosedError, AccountNotFoundError

# Each line of a sync is held against each of them.
RULES_MAX: Final = 1_000
PRIORITY: Final = 100
PRIORITY_MAX: Final = 1_000_000


class RuleFields(TypedDict, total=False):
    """What a person says of a rule; empty text and None are conditions that are not set."""

    name: str
    priority: int
    contains: str
    regex: str
    counterparty: str
    direction: Direction
    amount_least: Decimal | None
    amount_most: Decimal | None
    bank_account_id: UUID | None
    category_account_id: UUID
    auto_approve: bool
    enabled: bool


class RuleNotFoundError(NotFoundError):
    def __init__(self, rule_id: UUID) -> None:
        super().__init__(f"There is no rule {encode_id(Prefix.RULE, rule_id)} in these books.")


@atomic
def create_rule(*, entity: Entity, fields: RuleFields, actor: Actor) -> Rule:
    """Add a rule; `fields` has at least its name and its category account.

    It works from the next sync on, and on what is recorded already when it is applied. Raises
    ValidationError for conditions that cannot be or that take everything, AccountNotFoundError and
    NotFoundError for accounts that the company has not, AccountClosedError, ConflictError where the company
    has as many rules as can be.
    """
    if Rule.objects.filter(entity_id=entity.id).count() >= RULES_MAX:
        raise ConflictError(
            f"The company has {RULES_MAX} rules, as many as can be; delete or merge some. One expression can "
            "name several texts: adobe|figma|github."
        )
    now = utc_now()
    rule = Rule(id=new_id(), entity_id=entity.id, priority=PRIORITY, created_at=now, updated_at=now)
    rule.created_by = actor.id
    _take(rule, fields)
    _check(entity, rule)
    with _accounts_still_there(rule):
        rule.save(force_insert=True)
    _record("banking.rule.created", rule, entity, actor, before=None, after=_facts(rule))
    return rule


@atomic
def update_rule(*, entity: Entity, rule_id: UUID, fields: RuleFields, actor: Actor) -> Rule:
    """Change what is given of a rule and return it as it is now. What it did before stays as it is.

    Nothing is written where nothing changes. Raises RuleNotFoundError, and what `create_rule` raises; a
    category account that was closed meanwhile does not keep anything but itself from being changed.
    """
    rule = Rule.objects.select_for_update().filter(entity_id=entity.id, id=rule_id).first()
    if rule is None:
        raise RuleNotFoundError(rule_id)
    before = _facts(rule)
    _take(rule, fields)
    before, after = audit.changed(before, _facts(rule))
    if not after:
        return rule
    _check(
        entity, rule, with_accounts=bool(after.keys() & {"category_id", "bank_account_id"}) or _enables(after)
    )
    rule.updated_at = utc_now()
    with _accounts_still_there(rule):
        rule.save(force_update=True)
    _record("banking.rule.updated", rule, entity, actor, before=before, after=after)
    return rule


@atomic
def delete_rule(*, entity: Entity, rule_id: UUID, actor: Actor) -> Rule:
    """Delete a rule and return it as it was; the record of what it changed stays.

    Raises RuleNotFoundError.
    """
    rule = Rule.objects.select_for_update().filter(entity_id=entity.id, id=rule_id).first()
    if rule is None:
        raise RuleNotFoundError(rule_id)
    Rule.objects.filter(entity_id=entity.id, id=rule_id).delete()
    _record("banking.rule.deleted", rule, entity, actor, before=_facts(rule), after=None)
    return rule


def check_rule(*, entity: Entity, fields: RuleFields, rule: Rule | None = None) -> None:
    """Raise what `create_rule` would raise, or `update_rule` for a `rule` that is there; writes nothing."""
    values = RuleFields() if rule is None else _fields_of(rule)
    wanted = Rule(id=new_id(), entity_id=entity.id)
    _take(wanted, cast("RuleFields", {**values, **fields}))
    has_other_accounts = rule is None or bool(fields.keys() & {"category_account_id", "bank_account_id"})
    _check(entity, wanted, with_accounts=has_other_accounts or fields.get("enabled") is True)


def _fields_of(rule: Rule) -> RuleFields:
    return cast("RuleFields", {name: getattr(rule, name) for name in RuleFields.__annotations__})


def _take(rule: Rule, fields: RuleFields) -> None:
    values: dict[str, Any] = dict(fields)
    for name in ("name", "contains", "counterparty"):
        if values.get(name):
            values[name] = values[name].strip()
            # Blanks alone would be found in every text.
            if not values[name]:
                raise ValidationError.of(name, "is blank; send some text, or leave it out.")
    for name, value in values.items():
        setattr(rule, name, value)


def _enables(after: Mapping[str, Any]) -> bool:
    return after.get("enabled") is True


def _check(entity: Entity, rule: Rule, *, with_accounts: bool = True) -> None:
    if not rule.name:
        raise ValidationError.of("name", "is empty; say what the rule is for.")
    if rule.regex:
        check_regex(rule.regex, field="regex")
    _check_amounts(rule)
    has_amount = rule.amount_least is not None or rule.amount_most is not None
    if not (rule.contains or rule.regex or rule.counterparty or has_amount):
        raise ValidationError(
            "A rule without a condition would take every line; set contains, regex, counterparty, amountMin "
            "or amountMax. Direction and bank account alone are not enough."
        )
    if with_accounts:
        _check_accounts(entity, rule)


def _check_amounts(rule: Rule) -> None:
    least, most = rule.amount_least, rule.amount_most
    for name, amount in (("amountMin", least), ("amountMax", most)):
        if amount is not None and amount <= 0:
            raise ValidationError.of(
                name, f"{shown(amount)} is not above zero; amounts are compared without their sign."
            )
    if least is not None and most is not None and least > most:
        raise ValidationError.of(
            "amountMin", f"{shown(least)} is above amountMax ({shown(most)}); no amount lies between them."
        )


def _check_accounts(entity: Entity, rule: Rule) -> None:
    category = Account.objects.for_entity(entity).filter(id=rule.category_account_id).first()
    if category is None:
        raise AccountNotFoundError(rule.category_account_id, field="categoryId")
    if category.closed_at is not None:
        raise AccountClosedError(category.id)
    if rule.bank_account_id is None:
        return
    bank = BankAccount.objects.filter(entity_id=entity.id, id=rule.bank_account_id).first()
    if bank is None:
        raise _no_bank_account(rule.bank_account_id)
    if bank.ledger_account_id == category.id:
        raise ValidationError.of(
            "categoryId",
            f"{category.public_id} is the bank account itself in the books; choose what its lines are for.",
        )
    if (bank.ledger_id, bank.currency) != (category.ledger_id, category.currency):
        raise ValidationError.of(
            "categoryId",
            f"{category.public_id} ({category.currency}) is of another ledger or currency than the bank "
            f"account {bank.public_id} ({bank.currency}); choose an account of the same ledger.",
        )


def _no_bank_account(bank_account_id: UUID) -> NotFoundError:
    return NotFoundError(
        f"There is no bank account {encode_id(Prefix.BANK_ACCOUNT, bank_account_id)} in these books."
    )


@contextmanager
def _accounts_still_there(rule: Rule) -> Iterator[None]:
    """Say in words what the database refuses: an account that was deleted a moment ago."""
    try:
        yield
    except IntegrityError as error:
        if sqlstate(error) != FOREIGN_KEY_VIOLATION:
            raise
        raise AccountNotFoundError(rule.category_account_id, field="categoryId") from error


def _facts(rule: Rule) -> dict[str, Any]:
    """What the audit remembers of a rule."""
    return {
        "name": rule.name,
        "priority": rule.priority,
        "contains": rule.contains,
        "regex": rule.regex,
        "counterparty": rule.counterparty,
        "direction": str(rule.direction),
        "amount_least": rule.amount_least,
        "amount_most": rule.amount_most,
        "bank_account_id": encode_optional_id(Prefix.BANK_ACCOUNT, rule.bank_account_id),
        "category_id": encode_id(Prefix.ACCOUNT, rule.category_account_id),
        "auto_approve": rule.auto_approve,
        "enabled": rule.enabled,
    }


def _record(
    action: str,
    rule: Rule,
    entity: Entity,
    actor: Actor,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    audit.record(
        actor=actor,
        action=action,
        object_type="rule",
        object_id=rule.public_id,
        entity=entity,
        before=before,
        after=after,
    )
