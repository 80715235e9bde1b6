"""How developers and their API keys look in requests and responses."""

from typing import Any

from rest_framework import serializers

from ledger.api.pagination import CursorQuery
from ledger.api.serializers import (
    BoundedIntegerField,
    CurrencyField,
    EmailField,
    RequestSerializer,
    TextField,
    TimestampField,
    ZoneField,
)
from ledger.models import ApiKey, Developer
from ledger.services.keys import GRACE_HOURS_MAX, NAME_LENGTH_MAX, NewKey

EMAIL_LENGTH_MAX = 254
GRACE_HOURS = 24


class PreferencesInput(RequestSerializer):
    """What a new entity of the developer starts with."""

    currency = CurrencyField(required=False)
    timezone = ZoneField(required=False)
    locale = TextField(max_length=35, required=False)

    def validate_timezone(self, value: Any) -> str:
        """Return the zone's name."""
        return str(value.key)


class DeveloperInput(RequestSerializer):
    """A new developer."""

    name = TextField(max_length=200)
    email = EmailField(max_length=EMAIL_LENGTH_MAX, required=False)
    industry = TextField(max_length=100, required=False)
    preferences = PreferencesInput(required=False)


class KeyInput(RequestSerializer):
    """A new API key."""

    name = TextField(max_length=NAME_LENGTH_MAX)
    expires_at = TimestampField(required=False, allow_null=True)


class RotationInput(RequestSerializer):
    """How long the old key keeps working."""

    grace_hours = BoundedIntegerField(
        min_value=0, max_value=GRACE_HOURS_MAX, required=False, default=GRACE_HOURS
    )


class KeyQuery(CursorQuery):
    """A page of keys."""


# --- responses: declared for the API's description, written by the functions below ------------------


class KeyShape(serializers.Serializer[Any]):
    """An API key without its secret."""

    id = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The first characters of the key.")
    createdAt = serializers.DateTimeField()  # noqa: N815
    lastUsedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    expiresAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    revokedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815


class NewKeyShape(KeyShape):
    """An API key with its secret, which is shown this once."""

    key = serializers.CharField()


class NewKeyBody(serializers.Serializer[Any]):
    """The answer of making a key."""

    apiKey = NewKeyShape()  # noqa: N815


class KeyPage(serializers.Serializer[Any]):
    """A page of keys, newest first."""

    apiKeys = KeyShape(many=True)  # noqa: N815
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


class DeveloperShape(serializers.Serializer[Any]):
    """A developer."""

    id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    industry = serializers.CharField(allow_null=True)
    preferences = serializers.DictField(help_text="currency, timezone, locale, as far as they were given.")
    createdAt = serializers.DateTimeField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815


class DeveloperBody(serializers.Serializer[Any]):
    """A developer, alone."""

    developer = DeveloperShape()


class NewDeveloperBody(serializers.Serializer[Any]):
    """A developer with its first key."""

    developer = DeveloperShape()
    apiKey = NewKeyShape()  # noqa: N815


def developer_json(developer: Developer) -> dict[str, Any]:
    """Return a developer as responses show it."""
    return {
        "id": developer.public_id,
        "name": developer.name,
        "email": developer.email or None,
        "industry": developer.industry or None,
        "preferences": developer.preferences,
        "createdAt": developer.created_at,
        "updatedAt": developer.updated_at,
    }


def key_json(key: ApiKey) -> dict[str, Any]:
    """Return a key as lists show it."""
    return {
        "id": key.public_id,
        "name": key.name,
        "prefix": key.prefix,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
    }


def new_key_json(new: NewKey) -> dict[str, Any]:
    """Return a key with its secret, for the one response that shows it."""
    return key_json(new.key) | {"key": new.secret}
