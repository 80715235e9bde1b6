"""Developers: the software platforms that keep books here."""

from typing import NamedTuple, TypedDict

from django.db import transaction
from django.utils import timezone

from ledger import audit, tokens
from ledger.actors import Actor
from ledger.models import Developer
from ledger.money import parse_currency
from ledger.services import keys
from ledger.times import zone

FIRST_KEY_NAME = "First key"


class Preferences(TypedDict, total=False):
    """What a new company of the developer starts with."""

    currency: str
    timezone: str
    locale: str


class NewDeveloper(NamedTuple):
    """A developer that was just made, with its first key."""

    developer: Developer
    first_key: keys.NewKey


def create_developer(
    *,
    name: str,
    actor: Actor,
    email: str = "",
    industry: str = "",
    preferences: Preferences | None = None,
    key_name: str = FIRST_KEY_NAME,
) -> NewDeveloper:
    """Make a developer and its first API key.

    Raises ValidationError for an unknown currency or time zone in `preferences`.
    """
    chosen = Preferences(**(preferences or {}))
    if "currency" in chosen:
        chosen["currency"] = parse_currency(chosen["currency"], field="preferences.currency")
    if "timezone" in chosen:
        chosen["timezone"] = zone(chosen["timezone"], field="preferences.timezone").key
    now = timezone.now()
    with transaction.atomic():
        developer = Developer.objects.create(
            name=name,
            email=email,
            industry=industry,
            preferences=dict(chosen),
            created_at=now,
            updated_at=now,
        )
        audit.record(
            actor=actor,
            action="ledger.developer.created",
            object_type="developer",
            object_id=developer.public_id,
            developer=developer,
            after={"name": name, "email": email, "industry": industry, "preferences": dict(chosen)},
        )
        first_key = keys.create_key(developer=developer, name=key_name, actor=actor)
    return NewDeveloper(developer, first_key)


def disable_developer(*, developer: Developer, actor: Actor) -> Developer:
    """Let no token of the developer work any more, within seconds; its books stay."""
    return _switch(developer, disabled=True, actor=actor)


def enable_developer(*, developer: Developer, actor: Actor) -> Developer:
    """Let the keys of a disabled developer work again."""
    return _switch(developer, disabled=False, actor=actor)


def _switch(developer: Developer, *, disabled: bool, actor: Actor) -> Developer:
    with transaction.atomic():
        developer = Developer.objects.select_for_update().get(pk=developer.pk)
        if (developer.disabled_at is not None) != disabled:
            now = timezone.now()
            before, developer.disabled_at = developer.disabled_at, now if disabled else None
            developer.updated_at = now
            developer.save(update_fields=["disabled_at", "updated_at"])
            audit.record(
                actor=actor,
                action=f"ledger.developer.{'disabled' if disabled else 'enabled'}",
                object_type="developer",
                object_id=developer.public_id,
                developer=developer,
                before={"disabled_at": before},
                after={"disabled_at": developer.disabled_at},
            )
    tokens.forget_all_keys()
    transaction.on_commit(tokens.forget_all_keys)
    return developer
