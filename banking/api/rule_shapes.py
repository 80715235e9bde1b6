"""How rules look in requests and responses."""

from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import UUID

from rest_framework import serializers

from accounts.facts import AccountFacts
from banking.choices import Direction
from banking.models import Rule, RuleApplication
from banking.rules.applying import RuleChange
from banking.rules.keeping import PRIORITY_MAX, RuleFields
from banking.rules.patterns import REGEX_LENGTH_MAX
from ledger.api.pagination import CURSOR_LENGTH_MAX
from ledger.api.schema import EXAMPLE_SUFFIX
from ledger.api.serializers import (
    AmountField,
    BoundedIntegerField,
    DayField,
    IdField,
    ListOfField,
    OneOfField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
)
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.money import as_number
from ledger.times import format_timestamp

RULES_NAMED_MAX: Final = 100
# As the request spells them, and as the service does.
_FIELDS: Final = {
    "amount_min": "amount_least",
    "amount_max": "amount_most",
    "category_id": "category_account_id",
}
# Where null, or absence, means that the condition is not set.
_TEXTS: Final = ("contains", "regex", "counterparty")


class _Conditions(RequestSerializer):
    """What a line must look like. All that is set must hold; null takes a condition away."""

    contains = TextField(
        max_length=200,
        required=False,
        allow_null=True,
        help_text="Stands in the description or in the counterparty, whatever the case; runs of blanks "
        "count as one.",
    )
    regex = TextField(
        max_length=REGEX_LENGTH_MAX,
        required=False,
        allow_null=True,
        help_text="Found in the description or in the counterparty, whatever the case. In RE2's syntax, "
        "without back references and look-around.",
    )
    counterparty = TextField(
        max_length=200,
        required=False,
        allow_null=True,
        help_text="The counterparty's whole name, whatever the case.",
    )
    direction = OneOfField(
        Direction, required=False, help_text="`in` where money came in, `out` where it left the account."
    )
    amount_min = AmountField(
        required=False,
        allow_null=True,
        allow_negative=False,
        help_text="The amount without its sign, or more.",
    )
    amount_max = AmountField(
        required=False,
        allow_null=True,
        allow_negative=False,
        help_text="The amount without its sign, or less.",
    )
    bank_account_id = IdField(Prefix.BANK_ACCOUNT, required=False, allow_null=True)
    priority = BoundedIntegerField(
        min_value=0,
        max_value=PRIORITY_MAX,
        required=False,
        help_text="Of several rules that fit, the one with the lowest number is taken, of equals the older "
        "one; 100 unless told otherwise.",
    )
    auto_approve = StrictBooleanField(
        required=False, help_text="Post what the rule takes at once, with nobody looking."
    )
    enabled = StrictBooleanField(required=False)


class NewRule(_Conditions):
    """A rule. Besides its name and category it needs a text, a counterparty or an amount to go by."""

    name = TextField(max_length=200)
    category_id = IdField(Prefix.ACCOUNT, help_text="The account that the lines belong to.")


class RuleChanges(_Conditions):
    """What is to be different; what is not sent stays as it is."""

    name = TextField(max_length=200, required=False)
    category_id = IdField(Prefix.ACCOUNT, required=False)


class ApplyBody(RequestSerializer):
    """Which rules are applied to which transactions; without anything all enabled ones, to all days."""

    rule_ids = ListOfField(
        child=IdField(Prefix.RULE),
        max_items=RULES_NAMED_MAX,
        required=False,
        allow_null=True,
        help_text="These alone, as if there were no others.",
    )
    date_from = DayField(required=False, allow_null=True)
    date_to = DayField(required=False, allow_null=True)
    dry_run = StrictBooleanField(required=False, help_text="Show what would change, and change nothing.")
    include_categorized = StrictBooleanField(
        required=False, help_text="Also what has a category already, chosen by a person or by a rule."
    )
    cursor = TextField(
        max_length=CURSOR_LENGTH_MAX,
        required=False,
        allow_null=True,
        help_text="The `nextCursor` of a dry run, to see what follows.",
    )


def rule_fields(values: Mapping[str, Any]) -> RuleFields:
    """What the request says, in the service's words."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        fields[_FIELDS.get(name, name)] = "" if value is None and name in _TEXTS else value
    return cast("RuleFields", fields)


class RuleShape(serializers.Serializer[Any]):
    """A rule. Conditions that are not set are null."""

    id = serializers.CharField()
    name = serializers.CharField()
    priority = serializers.IntegerField()
    contains = serializers.CharField(allow_null=True)
    regex = serializers.CharField(allow_null=True)
    counterparty = serializers.CharField(allow_null=True)
    direction = serializers.ChoiceField(Direction.choices)
    amountMin = serializers.DecimalField(20, 4, coerce_to_string=False, allow_null=True)  # noqa: N815 - wire
    amountMax = serializers.DecimalField(20, 4, coerce_to_string=False, allow_null=True)  # noqa: N815
    bankAccountId = serializers.CharField(allow_null=True)  # noqa: N815
    categoryId = serializers.CharField()  # noqa: N815
    categoryName = serializers.CharField()  # noqa: N815
    autoApprove = serializers.BooleanField()  # noqa: N815
    enabled = serializers.BooleanField()
    createdAt = serializers.DateTimeField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815


class RuleBody(serializers.Serializer[Any]):
    """One rule."""

    rule = RuleShape()


class RulePage(serializers.Serializer[Any]):
    """A page of rules, in the order in which they are asked."""

    rules = RuleShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


class NamedAccount(serializers.Serializer[Any]):
    """An account; its name is null once it is deleted."""

    id = serializers.CharField()
    name = serializers.CharField(allow_null=True)


class RuleChangeShape(serializers.Serializer[Any]):
    """What a rule does to a transaction. Where both accounts are the same, it is approved alone."""

    transactionId = serializers.CharField()  # noqa: N815
    date = serializers.DateField()
    description = serializers.CharField(allow_blank=True)
    amount = serializers.DecimalField(
        20, 4, coerce_to_string=False, help_text="Positive where money left the bank account."
    )
    currency = serializers.CharField()
    ruleId = serializers.CharField()  # noqa: N815
    ruleName = serializers.CharField()  # noqa: N815
    accountBefore = NamedAccount()  # noqa: N815
    accountAfter = NamedAccount()  # noqa: N815
    wouldApprove = serializers.BooleanField(  # noqa: N815
        help_text="Whether it is posted at once; in a run that was no dry one, whether it was."
    )


class Applied(serializers.Serializer[Any]):
    """What rules changed, or in a dry run would change."""

    success = serializers.BooleanField()
    dryRun = serializers.BooleanField()  # noqa: N815
    examined = serializers.IntegerField(help_text="Transactions that were looked at.")
    changed = serializers.IntegerField()
    approved = serializers.IntegerField(help_text="How many of the changed ones are posted.")
    changes = RuleChangeShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


class ApplyingStarted(serializers.Serializer[Any]):
    """That the work goes on in the background; `/v1/tasks/{taskId}` says how far it is."""

    success = serializers.BooleanField()
    dryRun = serializers.BooleanField()  # noqa: N815
    taskId = serializers.CharField()  # noqa: N815
    message = serializers.CharField()


class ApplicationShape(serializers.Serializer[Any]):
    """One transaction that the rule changed."""

    transactionId = serializers.CharField()  # noqa: N815
    ruleId = serializers.CharField()  # noqa: N815
    ruleName = serializers.CharField(help_text="What the rule was called then.")  # noqa: N815
    accountBefore = NamedAccount(allow_null=True)  # noqa: N815
    accountAfter = NamedAccount()  # noqa: N815
    approved = serializers.BooleanField()
    appliedAt = serializers.DateTimeField()  # noqa: N815


class ApplicationPage(serializers.Serializer[Any]):
    """A page of what a rule changed, newest first."""

    applications = ApplicationShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


NEW_RULE: Final = {
    "name": "Software subscriptions",
    "regex": "adobe|figma|github",
    "direction": "out",
    "amountMax": 500,
    "categoryId": f"acc_{EXAMPLE_SUFFIX}",
    "autoApprove": False,
}
RULE: Final = {
    "id": f"rule_{EXAMPLE_SUFFIX}",
    "name": "Software subscriptions",
    "priority": 100,
    "contains": None,
    "regex": "adobe|figma|github",
    "counterparty": None,
    "direction": "out",
    "amountMin": None,
    "amountMax": 500.00,
    "bankAccountId": None,
    "categoryId": f"acc_{EXAMPLE_SUFFIX}",
    "categoryName": "Software",
    "autoApprove": False,
    "enabled": True,
    "createdAt": "2024-01-15T12:00:00Z",
    "updatedAt": "2024-01-15T12:00:00Z",
}
_BEFORE: Final = {"id": f"acc_{EXAMPLE_SUFFIX[:-1]}r", "name": "Uncategorized Expense"}
_AFTER: Final = {"id": f"acc_{EXAMPLE_SUFFIX}", "name": "Software"}
CHANGES: Final = {
    "success": True,
    "dryRun": True,
    "examined": 312,
    "changed": 1,
    "approved": 0,
    "changes": [
        {
            "transactionId": f"txn_{EXAMPLE_SUFFIX}",
            "date": "2024-01-15",
            "description": "GITHUB INC SAN FRANCISCO",
            "amount": 21.00,
            "currency": "USD",
            "ruleId": f"rule_{EXAMPLE_SUFFIX}",
            "ruleName": "Software subscriptions",
            "accountBefore": _BEFORE,
            "accountAfter": _AFTER,
            "wouldApprove": False,
        }
    ],
    "nextCursor": None,
    "hasMore": False,
}
STARTED: Final = {
    "success": True,
    "dryRun": False,
    "taskId": f"task_{EXAMPLE_SUFFIX}",
    "message": "The rules are applied in the background; GET /v1/tasks/{taskId} says how far they are.",
}
APPLICATION: Final = {
    "transactionId": f"txn_{EXAMPLE_SUFFIX}",
    "ruleId": f"rule_{EXAMPLE_SUFFIX}",
    "ruleName": "Software subscriptions",
    "accountBefore": _BEFORE,
    "accountAfter": _AFTER,
    "approved": False,
    "appliedAt": "2024-01-15T12:00:00Z",
}


def rule_json(rule: Rule) -> dict[str, Any]:
    """The rule as the API shows it; its category account is loaded."""
    currency = rule.category_account.currency
    return {
        "id": rule.public_id,
        "name": rule.name,
        "priority": rule.priority,
        "contains": rule.contains or None,
        "regex": rule.regex or None,
        "counterparty": rule.counterparty or None,
        "direction": rule.direction,
        "amountMin": None if rule.amount_least is None else as_number(rule.amount_least, currency),
        "amountMax": None if rule.amount_most is None else as_number(rule.amount_most, currency),
        "bankAccountId": encode_optional_id(Prefix.BANK_ACCOUNT, rule.bank_account_id),
        "categoryId": encode_id(Prefix.ACCOUNT, rule.category_account_id),
        "categoryName": rule.category_account.name,
        "autoApprove": rule.auto_approve,
        "enabled": rule.enabled,
        "createdAt": format_timestamp(rule.created_at),
        "updatedAt": format_timestamp(rule.updated_at),
    }


def change_json(change: RuleChange) -> dict[str, Any]:
    """What a rule does to a transaction, as the API shows it."""
    found, rule = change.found, change.rule
    return {
        "transactionId": encode_id(Prefix.TRANSACTION, found.id),
        "date": found.date.isoformat(),
        "description": found.description,
        "amount": as_number(found.candidate.amount, found.currency),
        "currency": found.currency,
        "ruleId": rule.public_id,
        "ruleName": rule.name,
        "accountBefore": {"id": encode_id(Prefix.ACCOUNT, found.category_id), "name": found.category_name},
        "accountAfter": {
            "id": encode_id(Prefix.ACCOUNT, rule.category_account_id),
            "name": rule.category_account.name,
        },
        "wouldApprove": change.approves,
    }


def application_json(one: RuleApplication, accounts: Mapping[UUID, AccountFacts]) -> dict[str, Any]:
    """What a rule did to a transaction, as the API shows it."""
    before = one.account_before
    return {
        "transactionId": encode_id(Prefix.TRANSACTION, one.transaction_id),
        "ruleId": encode_id(Prefix.RULE, one.rule_id),
        "ruleName": one.rule_name,
        "accountBefore": None if before is None else _named(before, accounts),
        "accountAfter": _named(one.account_after, accounts),
        "approved": one.approved,
        "appliedAt": format_timestamp(one.applied_at),
    }


def _named(account_id: UUID, accounts: Mapping[UUID, AccountFacts]) -> dict[str, Any]:
    known = accounts.get(account_id)
    return {"id": encode_id(Prefix.ACCOUNT, account_id), "name": known and known.name}
