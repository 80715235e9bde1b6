"""How companies and their settings look in requests and responses."""

import re
from typing import Any, Final

from rest_framework import serializers

from ledger.api.pagination import CursorQuery
from ledger.api.serializers import (
    BoundedIntegerField,
    CurrencyField,
    DayField,
    IdField,
    OneOfField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
    TimestampField,
    ZoneField,
)
from ledger.choices import AccountingMethod, EntityStatus, EntityType, NotificationFrequency
from ledger.exceptions import shown
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.services.entities import masked, tax_number
from ledger.services.settings import settings_of
from ledger.tokens import Token, TokenKind

# A company that is being removed is seen by nobody.
STATUSES: Final = (EntityStatus.ACTIVE.value, EntityStatus.INACTIVE.value)


class AddressInput(RequestSerializer):
    """A postal address."""

    street = TextField(max_length=255, required=False, allow_null=True)
    city = TextField(max_length=100, required=False, allow_null=True)
    state = TextField(max_length=100, required=False, allow_null=True)
    zip = TextField(max_length=20, required=False, allow_null=True)
    country = TextField(max_length=100, required=False, allow_null=True)


class SettingsInput(RequestSerializer):
    """Settings to change; what is left out stays."""

    spelling = "snake"

    smart_suggestions = StrictBooleanField(required=False)
    smart_assistant = StrictBooleanField(required=False)
    smart_summary = StrictBooleanField(required=False)
    notification_frequency = OneOfField(NotificationFrequency, required=False)
    accounting_method = OneOfField(AccountingMethod, required=False)
    fiscal_year_start = BoundedIntegerField(
        min_value=1, max_value=12, required=False, help_text="The month in which a fiscal year begins."
    )
    default_currency = CurrencyField(required=False)
    timezone = ZoneField(required=False)
    books_closed_through = DayField(
        required=False, allow_null=True, help_text="Last closed day; null reopens all."
    )

    def validate_timezone(self, value: Any) -> str:
        """Return the zone's name."""
        return str(value.key)


class EntityChanges(RequestSerializer):
    """Fields of a company; in an update, what is left out stays and null takes a value away."""

    external_id = TextField(max_length=255, required=False, allow_null=True)
    legal_name = TextField(max_length=255, required=False, allow_null=True)
    tin = TextField(max_length=50, required=False, allow_null=True)
    us_state = TextField(
        min_length=2, max_length=2, required=False, allow_null=True, help_text="Two letters, such as DE."
    )
    entity_type = OneOfField(EntityType, required=False, allow_null=True)
    phone_number = TextField(max_length=50, required=False, allow_null=True)
    status = OneOfField(STATUSES, required=False)
    clerk_id = TextField(max_length=255, required=False, allow_null=True)
    date_created = TimestampField(required=False, allow_null=True)
    instance_id = TextField(max_length=255, required=False, allow_null=True)
    website = TextField(max_length=500, required=False, allow_null=True)
    address = AddressInput(required=False, allow_null=True)
    settings = SettingsInput(required=False)

    def validate_us_state(self, value: str | None) -> str | None:
        """Return the state's code in capitals."""
        if value is not None and not re.fullmatch(r"[A-Za-z]{2}", value):
            raise serializers.ValidationError(f"{shown(value)} is no state; send two letters such as DE.")
        return value.upper() if value else None


class EntityInput(EntityChanges):
    """A new company."""

    developer_id = IdField(
        Prefix.DEVELOPER,
        required=False,
        help_text="The token's own developer, which it is without this, too.",
    )


class EntityQuery(CursorQuery):
    """One company by our id or by its developer's, or a page of companies."""

    entity_id = IdField(Prefix.ENTITY, required=False)
    external_id = TextField(max_length=255, required=False)


class EntitiesQuery(CursorQuery):
    """A page of companies."""


# --- responses: declared for the API's description, written by the functions below ------------------


class AddressShape(serializers.Serializer[Any]):
    """A postal address."""

    street = serializers.CharField(allow_null=True, required=False)
    city = serializers.CharField(allow_null=True, required=False)
    state = serializers.CharField(allow_null=True, required=False)
    zip = serializers.CharField(allow_null=True, required=False)
    country = serializers.CharField(allow_null=True, required=False)


class SettingsShape(serializers.Serializer[Any]):
    """The settings of a company."""

    smart_suggestions = serializers.BooleanField()
    smart_assistant = serializers.BooleanField()
    smart_summary = serializers.BooleanField()
    notification_frequency = serializers.ChoiceField(NotificationFrequency.choices)
    accounting_method = serializers.ChoiceField(AccountingMethod.choices)
    fiscal_year_start = serializers.IntegerField(min_value=1, max_value=12)
    default_currency = serializers.CharField()
    timezone = serializers.CharField()
    books_closed_through = serializers.DateField(allow_null=True)


class EntityShape(serializers.Serializer[Any]):
    """A company."""

    id = serializers.CharField()
    externalId = serializers.CharField(allow_null=True)  # noqa: N815
    legalName = serializers.CharField(allow_null=True)  # noqa: N815
    name = serializers.CharField(allow_null=True, help_text="The legal name again.")
    tin = serializers.CharField(
        allow_null=True, help_text="Masked but for the last four, except to a developer."
    )
    usState = serializers.CharField(allow_null=True)  # noqa: N815
    entityType = serializers.CharField(allow_null=True, help_text=", ".join(EntityType.values))  # noqa: N815
    phoneNumber = serializers.CharField(allow_null=True)  # noqa: N815
    developerId = serializers.CharField()  # noqa: N815
    clerkId = serializers.CharField(allow_null=True)  # noqa: N815
    dateCreated = serializers.DateTimeField(allow_null=True)  # noqa: N815
    createdAt = serializers.DateTimeField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815
    status = serializers.CharField(help_text=" or ".join(STATUSES))
    instanceId = serializers.CharField(allow_null=True)  # noqa: N815
    website = serializers.CharField(allow_null=True)
    address = AddressShape(allow_null=True)
    settings = SettingsShape()


class EntityInFullShape(EntityShape):
    """A company with its connected bank accounts."""

    plaidAccounts = serializers.ListField(child=serializers.DictField())  # noqa: N815


class EntityBody(serializers.Serializer[Any]):
    """A company, alone."""

    entity = EntityShape()


class UpdatedEntityBody(EntityShape):
    """A company's fields at the top level, and again under `entity`."""

    entity = EntityShape()


class EntityPage(serializers.Serializer[Any]):
    """A page of companies, newest first."""

    entities = EntityShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


def entity_json(entity: Entity, token: Token) -> dict[str, Any]:
    """Return a company as responses show it to the holder of that token."""
    tin = tax_number(entity)
    return {
        "id": entity.public_id,
        "externalId": entity.external_id,
        "legalName": entity.legal_name or None,
        "name": entity.legal_name or None,
        "tin": tin if token.kind is TokenKind.DEVELOPER else masked(tin),
        "usState": entity.us_state,
        "entityType": entity.entity_type,
        "phoneNumber": entity.phone_number,
        "developerId": encode_id(Prefix.DEVELOPER, entity.developer_id),
        "clerkId": entity.clerk_id,
        "dateCreated": entity.date_created,
        "createdAt": entity.created_at,
        "updatedAt": entity.updated_at,
        "status": entity.status,
        "instanceId": entity.instance_id,
        "website": entity.website,
        "address": entity.address,
        "settings": settings_of(entity),
    }
