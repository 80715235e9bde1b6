"""How sandbox companies look in requests and responses."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rest_framework import serializers

from banking.models import BankAccount
from banking.sandbox.industries import INDUSTRIES, industry_named
from ledger.api.developer_shapes import PreferencesInput
from ledger.api.fields import RequestField
from ledger.api.schema import example_id
from ledger.api.serializers import IdField, RequestSerializer, TextField
from ledger.ids import Prefix

if TYPE_CHECKING:
    from banking.sandbox.company import Sandbox

NAME_LENGTH_MAX: Final = 200


class IndustryField(RequestField):
    """An industry of the sandbox, by its name or by what people call it; as its name."""

    form = f"one of {', '.join(INDUSTRIES)}"
    schema = {"type": "string", "enum": list(INDUSTRIES)}

    def parse(self, value: object) -> str:
        """Return the name."""
        if not isinstance(value, str):
            self.refuse(value)
        return industry_named(value).id


class SandboxInput(RequestSerializer):
    """A new sandbox company."""

    name = TextField(max_length=NAME_LENGTH_MAX)
    developer_id = IdField(Prefix.DEVELOPER, required=False)
    industry = IndustryField(required=False)
    preferences = PreferencesInput(required=False)


# --- responses: declared for the API's description, written by the function below -----------------


class SandboxDeveloperShape(serializers.Serializer[Any]):
    """The developer whose company it is."""

    id = serializers.CharField()
    name = serializers.CharField()
    apiKey = serializers.CharField(  # noqa: N815 - as it is spelled on the wire
        allow_null=True, help_text="Shown this once; null where the developer was there before."
    )


class SandboxEntityShape(serializers.Serializer[Any]):
    """The company."""

    id = serializers.CharField()
    legal_name = serializers.CharField()


class SandboxLedgerShape(serializers.Serializer[Any]):
    """Its books."""

    id = serializers.CharField()
    name = serializers.CharField()


class BankBalanceShape(serializers.Serializer[Any]):
    """What the bank says; of a card, `current` is what is owed."""

    available = serializers.DecimalField(20, 4, allow_null=True, coerce_to_string=False)
    current = serializers.DecimalField(20, 4, allow_null=True, coerce_to_string=False)


class SandboxAccountShape(serializers.Serializer[Any]):
    """A connected bank account."""

    id = serializers.CharField()
    name = serializers.CharField()
    mask = serializers.CharField(help_text="The last digits of its number.")
    type = serializers.CharField(help_text="depository or credit.")
    subtype = serializers.CharField(help_text="checking, savings or credit card.")
    balance = BankBalanceShape()


class SandboxData(serializers.Serializer[Any]):
    """What was made."""

    developer = SandboxDeveloperShape()
    entity = SandboxEntityShape()
    ledger = SandboxLedgerShape()
    plaidAccounts = SandboxAccountShape(many=True)  # noqa: N815
    token = serializers.CharField(
        allow_null=True, help_text="A developer token of an hour; null where the developer was there before."
    )


class SandboxBody(serializers.Serializer[Any]):
    """The answer of making a sandbox company."""

    success = serializers.BooleanField()
    data = SandboxData()  # type: ignore[assignment]


EXAMPLE: Final = {
    "success": True,
    "data": {
        "developer": {"id": example_id("dev"), "name": "Blue Door Bistro", "apiKey": "olk_Zx81qPw3…"},
        "entity": {"id": example_id("entity"), "legal_name": "Blue Door Bistro"},
        "ledger": {"id": example_id("ldgr"), "name": "General ledger"},
        "plaidAccounts": [
            {
                "id": example_id("bacc"),
                "name": "Business Checking",
                "mask": "4217",
                "type": "depository",
                "subtype": "checking",
                "balance": {"available": 28461.25, "current": 28461.25},
            }
        ],
        "token": "eyJhbGciOiJIUzI1NiJ9…",
    },
}


def sandbox_json(made: "Sandbox", *, token: str | None) -> dict[str, Any]:
    """Return a sandbox company as the one response shows it that may hold the key's secret."""
    return {
        "developer": {
            "id": made.developer.public_id,
            "name": made.developer.name,
            "apiKey": made.first_key.secret if made.first_key else None,
        },
        "entity": {"id": made.entity.public_id, "legal_name": made.entity.legal_name},
        "ledger": {"id": made.ledger.public_id, "name": made.ledger.name},
        "plaidAccounts": [_account_json(account) for account in made.bank_accounts],
        "token": token,
    }


def _account_json(account: BankAccount) -> dict[str, Any]:
    balance: dict[str, Decimal | None] = {
        "available": account.balance_available,
        "current": account.balance_current,
    }
    return {
        "id": account.public_id,
        "name": account.name,
        "mask": account.mask,
        "type": account.type,
        "subtype": account.subtype,
        "balance": balance,
    }
