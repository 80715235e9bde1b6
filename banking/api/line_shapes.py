"""How bank lines look in requests and responses."""

from typing import Any, Final

from rest_framework import serializers

from banking.choices import LineStatus, LinkKind
from banking.models import BankLine
from ledger.api.pagination import CursorQuery
from ledger.api.schema import EXAMPLE_SUFFIX
from ledger.api.serializers import DayField, IdField, ListOfField, OneOfField, RequestSerializer
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.money import as_number

# So many transactions may together stand for one line, as the payments of a deposit do.
TRANSACTIONS_OF_LINE_MAX: Final = 100


class LinesQuery(CursorQuery):
    """Which lines; all filters must hold."""

    bank_account_id = IdField(Prefix.BANK_ACCOUNT, required=False)
    status = OneOfField(LineStatus, required=False)
    date_from = DayField(required=False)
    date_to = DayField(required=False)


class LineMatch(RequestSerializer):
    """What stands for the line: the transaction that it is offered, or others."""

    schema_rules = {"oneOf": [{"required": ["transactionId"]}, {"required": ["transactionIds"]}]}

    transaction_id = IdField(Prefix.TRANSACTION, required=False)
    transaction_ids = ListOfField(
        child=IdField(Prefix.TRANSACTION),
        max_items=TRANSACTIONS_OF_LINE_MAX,
        required=False,
        help_text="Together they move exactly the line's amount.",
    )


class RecordBody(RequestSerializer):
    """What the money was for; without it, the line's transaction is uncategorized, or a rule's."""

    category_id = IdField(Prefix.ACCOUNT, required=False, allow_null=True)


class CategoryBody(RequestSerializer):
    """The category that the line gets when it posts; null takes the choice back."""

    category_id = IdField(Prefix.ACCOUNT, allow_null=True)


class LineLinkShape(serializers.Serializer[Any]):
    """A transaction that stands for the line."""

    transactionId = serializers.CharField()  # noqa: N815 - as it is spelled on the wire
    kind = serializers.ChoiceField(LinkKind.choices)


class BankLineShape(serializers.Serializer[Any]):
    """A bank line, as the bank gave it, and where it is on its way into the books."""

    id = serializers.CharField()
    bankAccountId = serializers.CharField()  # noqa: N815
    date = serializers.DateField()
    authorizedDate = serializers.DateField(allow_null=True)  # noqa: N815
    amount = serializers.DecimalField(
        20, 4, coerce_to_string=False, help_text="Positive where money left the account."
    )
    currency = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    counterparty = serializers.CharField(allow_null=True)
    providerCategory = serializers.CharField(allow_null=True)  # noqa: N815
    status = serializers.ChoiceField(LineStatus.choices)
    transactions = LineLinkShape(many=True)
    offeredTransactionId = serializers.CharField(allow_null=True)  # noqa: N815
    chosenCategoryId = serializers.CharField(allow_null=True)  # noqa: N815
    attention = serializers.CharField(
        allow_null=True, help_text="What a person should look at; null where all is well."
    )
    createdAt = serializers.DateTimeField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815


class BankLineEnvelope(serializers.Serializer[Any]):
    """One bank line."""

    line = BankLineShape()


class BankLinePage(serializers.Serializer[Any]):
    """A page of bank lines, newest first."""

    lines = BankLineShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


def line_json(line: BankLine) -> dict[str, Any]:
    """A line whose links are loaded."""
    return {
        "id": line.public_id,
        "bankAccountId": encode_id(Prefix.BANK_ACCOUNT, line.bank_account_id),
        "date": line.date,
        "authorizedDate": line.authorized_date,
        "amount": as_number(line.amount, line.currency),
        "currency": line.currency,
        "description": line.description,
        "counterparty": line.counterparty or None,
        "providerCategory": line.provider_category or None,
        "status": line.status,
        "transactions": [
            {"transactionId": encode_id(Prefix.TRANSACTION, one.transaction_id), "kind": one.kind}
            for one in line.links.all()
        ],
        "offeredTransactionId": encode_optional_id(Prefix.TRANSACTION, line.offered_transaction_id),
        "chosenCategoryId": encode_optional_id(Prefix.ACCOUNT, line.chosen_account_id),
        "attention": line.attention or None,
        "createdAt": line.created_at,
        "updatedAt": line.updated_at,
    }


LINE: Final = {
    "id": f"line_{EXAMPLE_SUFFIX}",
    "bankAccountId": f"bacc_{EXAMPLE_SUFFIX}",
    "date": "2024-01-15",
    "authorizedDate": "2024-01-14",
    "amount": 21.00,
    "currency": "USD",
    "description": "GITHUB INC SAN FRANCISCO",
    "counterparty": "GitHub",
    "providerCategory": "GENERAL_SERVICES_OTHER_GENERAL_SERVICES",
    "status": "recorded",
    "transactions": [{"transactionId": f"txn_{EXAMPLE_SUFFIX}", "kind": "made"}],
    "offeredTransactionId": None,
    "chosenCategoryId": None,
    "attention": None,
    "createdAt": "2024-01-15T12:00:00Z",
    "updatedAt": "2024-01-15T12:00:00Z",
}
OFFERED_LINE: Final = LINE | {
    "status": "offered",
    "transactions": [],
    "offeredTransactionId": f"txn_{EXAMPLE_SUFFIX}",
}
IGNORED_LINE: Final = LINE | {"status": "ignored", "transactions": []}
PENDING_LINE: Final = LINE | {
    "status": "pending",
    "transactions": [],
    "chosenCategoryId": f"acc_{EXAMPLE_SUFFIX}",
}
MATCHED_LINE: Final = LINE | {"transactions": [{"transactionId": f"txn_{EXAMPLE_SUFFIX}", "kind": "matched"}]}
