"""How bank accounts look in requests and responses."""

from decimal import Decimal
from typing import Any, Final

from rest_framework import serializers

from banking.choices import SyncStatus
from banking.models import BankAccount
from banking.providers.base import AccountSeen
from banking.querysets import AccountSync
from ledger.api.schema import EXAMPLE_SUFFIX
from ledger.api.serializers import CurrencyField, IdField, OneOfField, RequestSerializer, TextField
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.money import as_number

PUBLIC_TOKEN_LENGTH_MAX: Final = 500
# Plaid's types that an account of a statement file can be of.
ACCOUNT_TYPES: Final = ("depository", "credit", "loan", "investment", "other")


class LinkQuery(RequestSerializer):
    """Which connection is to be repaired; without one, a new bank is connected."""

    connection_id = IdField(
        Prefix.BANK_CONNECTION, required=False, help_text="The connection that wants a new log-in, `item_…`."
    )


class ExchangeFields(RequestSerializer):
    """The token that the bank's window gave back."""

    spelling = "snake"

    public_token = TextField(
        max_length=PUBLIC_TOKEN_LENGTH_MAX, required=False, help_text="In the query or in the body."
    )


class NewBankAccount(RequestSerializer):
    """A bank account that statement files feed."""

    name = TextField(max_length=150, help_text="As in `Checking`; its ledger account is called like it.")
    type = OneOfField(ACCOUNT_TYPES)
    subtype = TextField(
        max_length=50, required=False, help_text="As in `checking`, `savings`, `credit card`, `mortgage`."
    )
    currency = CurrencyField(required=False, help_text="Of the default ledger, unless told otherwise.")
    mask = TextField(max_length=10, required=False, help_text="The last digits of its number.")
    ledger_account_id = IdField(
        Prefix.ACCOUNT, required=False, help_text="The account that stands for it; otherwise one is made."
    )


class LinkOut(serializers.Serializer[Any]):
    """A one-time pass to the bank's window."""

    link_token = serializers.CharField()
    expiration = serializers.DateTimeField()
    request_id = serializers.CharField()
    user_id = serializers.CharField()


class BankAccountShape(serializers.Serializer[Any]):
    """A bank account. Balances are as the bank says them: what is owed on a card is positive."""

    id = serializers.CharField()
    accountName = serializers.CharField()  # noqa: N815 - as it is spelled on the wire
    accountType = serializers.CharField()  # noqa: N815
    accountSubtype = serializers.CharField(allow_null=True)  # noqa: N815
    accountMask = serializers.CharField(allow_null=True)  # noqa: N815
    ledgerAccountId = serializers.CharField()  # noqa: N815
    currentBalance = serializers.DecimalField(  # noqa: N815
        20, 4, coerce_to_string=False, allow_null=True
    )
    availableBalance = serializers.DecimalField(  # noqa: N815
        20, 4, coerce_to_string=False, allow_null=True
    )
    balanceAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    currency = serializers.CharField()
    officialName = serializers.CharField(allow_null=True)  # noqa: N815
    connectionId = serializers.CharField(  # noqa: N815
        allow_null=True, help_text="Null where statement files feed it."
    )
    institutionName = serializers.CharField(allow_null=True)  # noqa: N815
    connectionStatus = serializers.CharField(allow_null=True)  # noqa: N815
    lastSyncedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    needsInitialSync = serializers.BooleanField()  # noqa: N815
    institutionId = serializers.CharField(allow_null=True)  # noqa: N815
    entityId = serializers.CharField()  # noqa: N815
    linkedAt = serializers.DateTimeField()  # noqa: N815
    status = serializers.ChoiceField(["active", "disconnected"])


class BankAccountEnvelope(serializers.Serializer[Any]):
    """One bank account."""

    account = BankAccountShape()


class BankAccountsOut(serializers.Serializer[Any]):
    """All bank accounts that are fed."""

    accounts = BankAccountShape(many=True)


class LeftOutShape(serializers.Serializer[Any]):
    """An account at the bank that the books cannot take."""

    accountName = serializers.CharField()  # noqa: N815
    reason = serializers.CharField()


class ConnectedOut(serializers.Serializer[Any]):
    """The accounts of the connection, and what of the bank's could not be taken in."""

    createdAccounts = BankAccountShape(many=True)  # noqa: N815
    accounts = BankAccountShape(many=True)
    leftOut = LeftOutShape(many=True)  # noqa: N815
    connectionId = serializers.CharField()  # noqa: N815


class SyncStarted(serializers.Serializer[Any]):
    """That the banks are asked in the background; `/v1/tasks/{taskId}` says how far it is."""

    success = serializers.BooleanField()
    message = serializers.CharField()
    taskId = serializers.CharField()  # noqa: N815


class AccountSyncShape(serializers.Serializer[Any]):
    """How far the lines of a bank account are."""

    id = serializers.CharField()
    accountName = serializers.CharField()  # noqa: N815
    accountMask = serializers.CharField(allow_null=True)  # noqa: N815
    syncStatus = serializers.ChoiceField(SyncStatus.choices)  # noqa: N815
    transactionCount = serializers.IntegerField()  # noqa: N815
    lastSyncedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    error = serializers.CharField(allow_null=True)
    connectionId = serializers.CharField(allow_null=True)  # noqa: N815
    connectionStatus = serializers.CharField(allow_null=True)  # noqa: N815


class SyncSummary(serializers.Serializer[Any]):
    """How many accounts are how far."""

    total = serializers.IntegerField()
    completed = serializers.IntegerField()
    inProgress = serializers.IntegerField()  # noqa: N815
    pending = serializers.IntegerField()


class SyncStatusOut(serializers.Serializer[Any]):
    """How far the lines of all bank accounts are."""

    accounts = AccountSyncShape(many=True)
    allSynced = serializers.BooleanField()  # noqa: N815
    summary = SyncSummary()


def _number(amount: Decimal | None, currency: str) -> Decimal | None:
    return None if amount is None else as_number(amount, currency)


def bank_account_json(account: BankAccount) -> dict[str, Any]:
    """A bank account whose connection is loaded; without secrets."""
    connection = account.connection
    return {
        "id": account.public_id,
        "accountName": account.name,
        "accountType": account.type,
        "accountSubtype": account.subtype or None,
        "accountMask": account.mask or None,
        "ledgerAccountId": encode_id(Prefix.ACCOUNT, account.ledger_account_id),
        "currentBalance": _number(account.balance_current, account.currency),
        "availableBalance": _number(account.balance_available, account.currency),
        "balanceAt": account.balance_at,
        "currency": account.currency,
        "officialName": account.official_name or None,
        "connectionId": encode_optional_id(Prefix.BANK_CONNECTION, account.connection_id),
        "institutionName": (connection.institution_name or None) if connection else None,
        "connectionStatus": connection.status if connection else None,
        "lastSyncedAt": connection.synced_at if connection else None,
        "needsInitialSync": connection is not None and connection.synced_at is None,
        "institutionId": (connection.institution_id or None) if connection else None,
        "entityId": encode_id(Prefix.ENTITY, account.entity_id),
        "linkedAt": account.created_at,
        "status": "active" if account.disconnected_at is None else "disconnected",
    }


def entity_bank_account_json(account: BankAccount) -> dict[str, Any]:
    """A bank account as its company shows it: with the provider's ids, but neither its access token nor how
    far its lines are read, which stay here."""
    connection = account.connection
    return bank_account_json(account) | {
        "plaidAccessToken": None,
        "plaidItemId": connection.provider_item_id if connection else None,
        "plaidInstitutionId": (connection.institution_id or None) if connection else None,
        "plaidAccountId": account.provider_account_id or None,
        "cursor": None,
    }


def left_out_json(left_out: list[tuple[AccountSeen, str]]) -> list[dict[str, str]]:
    """What the bank has and the books cannot take."""
    return [{"accountName": seen.name or seen.official_name, "reason": reason} for seen, reason in left_out]


def sync_status_json(states: list[AccountSync]) -> dict[str, Any]:
    """How far everything is."""
    shown = []
    for state in states:
        connection = state.account.connection
        shown.append(
            {
                "id": state.account.public_id,
                "accountName": state.account.name,
                "accountMask": state.account.mask or None,
                "syncStatus": state.status.value,
                "transactionCount": state.transaction_count,
                "lastSyncedAt": connection.synced_at if connection else None,
                "error": state.error or None,
                "connectionId": encode_optional_id(Prefix.BANK_CONNECTION, state.account.connection_id),
                "connectionStatus": connection.status if connection else None,
            }
        )
    counts = {status: sum(state.status == status for state in states) for status in SyncStatus}
    return {
        "accounts": shown,
        "allSynced": counts[SyncStatus.COMPLETED] == len(states),
        "summary": {
            "total": len(states),
            "completed": counts[SyncStatus.COMPLETED],
            "inProgress": counts[SyncStatus.IN_PROGRESS],
            "pending": counts[SyncStatus.PENDING],
        },
    }


LINK: Final = {
    "link_token": "link-sandbox-af1a0311-da53-4636-b754-dd15cc058176",
    "expiration": "2024-01-15T16:00:00Z",
    "request_id": "XQVgFigpGHXkb0b",
    "user_id": f"entity_{EXAMPLE_SUFFIX}",
}
BANK_ACCOUNT: Final = {
    "id": f"bacc_{EXAMPLE_SUFFIX}",
    "accountName": "Business Checking",
    "accountType": "depository",
    "accountSubtype": "checking",
    "accountMask": "1234",
    "ledgerAccountId": f"acc_{EXAMPLE_SUFFIX}",
    "currentBalance": 10500.00,
    "availableBalance": 10250.00,
    "balanceAt": "2024-01-15T12:00:00Z",
    "currency": "USD",
    "officialName": None,
    "connectionId": f"item_{EXAMPLE_SUFFIX}",
    "institutionName": "First Platypus Bank",
    "connectionStatus": "active",
    "lastSyncedAt": "2024-01-15T12:00:00Z",
    "needsInitialSync": False,
    "institutionId": "ins_109508",
    "entityId": f"entity_{EXAMPLE_SUFFIX}",
    "linkedAt": "2024-01-15T12:00:00Z",
    "status": "active",
}
NEW_BANK_ACCOUNT: Final = {
    "name": "Council card",
    "type": "credit",
    "subtype": "credit card",
    "mask": "9012",
}
SYNC_STARTED: Final = {
    "success": True,
    "message": "The banks are asked in the background; GET /v1/tasks/{taskId} says how far it is.",
    "taskId": f"task_{EXAMPLE_SUFFIX}",
}
SYNC_STATUS: Final = {
    "accounts": [
        {
            "id": f"bacc_{EXAMPLE_SUFFIX}",
            "accountName": "Business Checking",
            "accountMask": "1234",
            "syncStatus": "completed",
            "transactionCount": 412,
            "lastSyncedAt": "2024-01-15T12:00:00Z",
            "error": None,
            "connectionId": f"item_{EXAMPLE_SUFFIX}",
            "connectionStatus": "active",
        }
    ],
    "allSynced": True,
    "summary": {"total": 1, "completed": 1, "inProgress": 0, "pending": 0},
}
