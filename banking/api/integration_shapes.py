"""How integrations look in requests and responses."""

from typing import Any, Final

from rest_framework import serializers

from banking.choices import IntegrationProvider, IntegrationStatus
from banking.integrations.exceptions import NAMES
from banking.integrations.importing import state_of
from banking.models import Integration
from ledger.api.schema import example_id
from ledger.api.serializers import IdField, OneOfField, RequestSerializer, TextField
from ledger.exceptions import ValidationError
from ledger.ids import Prefix
from ledger.times import format_timestamp

# --- requests ----------------------------------------------------------------------------------------


class ConnectBody(RequestSerializer):
    """Which program to connect the company with."""

    provider = OneOfField(IntegrationProvider)
    connection_type = TextField(
        max_length=50,
        required=False,
        allow_null=True,
        help_text="Taken from clients that send it, and not looked at: the provider says what is read.",
    )


class NamedBody(RequestSerializer):
    """Which integration is meant: by its id, by its provider, or by both."""

    integration_id = IdField(Prefix.INTEGRATION, required=False)
    integration_type = OneOfField(IntegrationProvider, required=False)

    schema_rules = {"anyOf": [{"required": ["integrationId"]}, {"required": ["integrationType"]}]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take at least one of the two."""
        if not attrs:
            raise ValidationError.of(
                "integrationType",
                f"is missing; send one of {', '.join(IntegrationProvider.values)}, or integrationId.",
            )
        return attrs


# --- responses ---------------------------------------------------------------------------------------


class Begun(serializers.Serializer[Any]):
    """Where to send the person."""

    link = serializers.CharField(
        help_text="The provider's own address, where the person allows us to read. Good for ten minutes."
    )
    workspaceId = serializers.CharField(  # noqa: N815 - as it is spelled on the wire
        allow_null=True, help_text="The provider's id of the company there; null until it was connected once."
    )
    integrationId = serializers.CharField()  # noqa: N815


class LeftOut(serializers.Serializer[Any]):
    """Something that an import could not take over."""

    source = serializers.CharField(help_text="Its kind and id at the provider.")  # type: ignore[assignment]
    message = serializers.CharField()


class LastImport(serializers.Serializer[Any]):
    """What the newest import has done so far."""

    entriesMade = serializers.IntegerField()  # noqa: N815
    entriesKnown = serializers.IntegerField(help_text="Recorded by an earlier import.")  # noqa: N815
    accountsMade = serializers.IntegerField()  # noqa: N815
    accountsKnown = serializers.IntegerField()  # noqa: N815
    leftOut = serializers.IntegerField()  # noqa: N815
    faults = LeftOut(many=True, help_text="The first 50 that were left out.")
    finishedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815


class IntegrationShape(serializers.Serializer[Any]):
    """An integration, without its tokens."""

    id = serializers.CharField()
    status = serializers.ChoiceField(IntegrationStatus.choices)
    type = serializers.ChoiceField(IntegrationProvider.choices)
    lastSync = serializers.DateTimeField(allow_null=True)  # noqa: N815
    workspaceId = serializers.CharField(allow_null=True)  # noqa: N815
    workspaceName = serializers.CharField(allow_null=True)  # noqa: N815
    error = serializers.CharField(allow_null=True, help_text="What is wrong, and what to do about it.")
    lastImport = LastImport(allow_null=True)  # noqa: N815


class Status(serializers.Serializer[Any]):
    """The company's integrations."""

    connections = IntegrationShape(many=True)
    integrations = IntegrationShape(many=True)
    count = serializers.IntegerField()


class ProviderShape(serializers.Serializer[Any]):
    """A program that can be connected."""

    provider = serializers.ChoiceField(IntegrationProvider.choices)
    name = serializers.CharField()
    redirectUri = serializers.CharField(help_text="To be registered at the provider.")  # noqa: N815


class Providers(serializers.Serializer[Any]):
    """The programs that the operator has set up."""

    providers = ProviderShape(many=True)
    count = serializers.IntegerField()


class Done(serializers.Serializer[Any]):
    """What was done."""

    success = serializers.BooleanField()
    message = serializers.CharField()


class Started(Done):
    """What goes on in the background."""

    taskId = serializers.CharField()  # noqa: N815


INTEGRATION: Final = {
    "id": example_id(Prefix.INTEGRATION),
    "status": "connected",
    "type": "quickbooks",
    "lastSync": "2024-02-01T08:00:00Z",
    "workspaceId": "9130347798120106",
    "workspaceName": "Corner Bakery",
    "error": None,
    "lastImport": {
        "entriesMade": 1250,
        "entriesKnown": 0,
        "accountsMade": 41,
        "accountsKnown": 3,
        "leftOut": 1,
        "faults": [
            {
                "source": "JournalEntry:77",
                "message": "currency: it is in EUR, these books in USD.",
            }
        ],
        "finishedAt": "2024-02-01T08:00:00Z",
    },
}


def integration_json(row: Integration) -> dict[str, Any]:
    """An integration as the API shows it."""
    state = state_of(row)
    return {
        "id": row.public_id,
        "status": row.status,
        "type": row.provider,
        "lastSync": format_timestamp(row.synced_at) if row.synced_at else None,
        "workspaceId": row.workspace_id or None,
        "workspaceName": row.workspace_name or None,
        "error": row.error_message or None,
        "lastImport": None
        if state is None
        else {
            "entriesMade": state.entries_made,
            "entriesKnown": state.entries_known,
            "accountsMade": state.accounts_made,
            "accountsKnown": state.accounts_known,
            "leftOut": state.left_out,
            "faults": state.faults,
            "finishedAt": state.finished_at,
        },
    }


def name_of(row: Integration) -> str:
    """The provider of an integration, as people write it."""
    return NAMES[IntegrationProvider(row.provider)]
