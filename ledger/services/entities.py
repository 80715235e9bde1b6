"""Companies: made with a default ledger, changed, and removed with everything in them."""

from datetime import datetime
from typing import Any, Final, TypedDict

from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger import audit, db, tokens
from ledger.actors import Actor
from ledger.choices import EntityStatus, EntityType
from ledger.encryption import decrypt, encrypt
from ledger.exceptions import ConflictError, Detail, NotFoundError, shown
from ledger.models import Developer, Entity, Ledger
from ledger.services.books import forget, lock_books
from ledger.services.settings import EntitySettings, checked_settings, update_settings
from ledger.signals import entity_created, entity_deleting

DEFAULT_LEDGER_NAME: Final = "General ledger"
_DELETED_WITH_IT: Final = (
    "DELETE FROM ledger_backgroundtask WHERE entity_id = %(entity)s",
    "DELETE FROM ledger_membership WHERE entity_id = %(entity)s",
    "DELETE FROM ledger_ledger WHERE entity_id = %(entity)s",
    # Of a call that is running right now the answer is still to be stored.
    "DELETE FROM ledger_idempotencykey WHERE owner_id = %(entity)s AND response_status IS NOT NULL",
    "DELETE FROM ledger_auditevent WHERE scope_id = %(entity)s",
    "DELETE FROM ledger_entity WHERE id = %(entity)s",
)


class EntityFields(TypedDict, total=False):
    """What can be said of a company. `tin` is the tax number in the clear; `address` has street, city, state,
    zip, country; `date_created` is when the company itself came to be."""

    external_id: str | None
    legal_name: str | None
    tin: str | None
    us_state: str | None
    entity_type: EntityType | None
    phone_number: str | None
    status: EntityStatus
    clerk_id: str | None
    date_created: datetime | None
    instance_id: str | None
    website: str | None
    address: dict[str, Any] | None


def create_entity(
    *,
    developer: Developer,
    actor: Actor,
    fields: EntityFields | None = None,
    settings: EntitySettings | None = None,
) -> Entity:
    """Make a company, its default ledger and, through the apps above, its system accounts.

    Settings that are not given come from the developer's preferences. Raises ConflictError where the
    developer has a company with that `external_id`, ValidationError for settings that cannot be.
    """
    preferences = developer.preferences or {}
    given: dict[str, Any] = dict(settings or {})
    for name, preference in (("default_currency", "currency"), ("timezone", "timezone")):
        if preferences.get(preference):
            given.setdefault(name, preferences[preference])
    now = timezone.now()
    entity = Entity(developer=developer, created_at=now, updated_at=now, **checked_settings(given))
    changes = _stored(fields or {})
    for name, value in changes.items():
        setattr(entity, name, value)
    with transaction.atomic():
        _save(entity, force_insert=True)
        ledger = Ledger.objects.create(
            entity=entity,
            name=DEFAULT_LEDGER_NAME,
            currency=entity.default_currency,
            is_default=True,
            created_at=now,
        )
        entity_created.send(sender=Entity, entity=entity, ledger=ledger, actor=actor)
        _record(actor, "created", entity, after=_shown(fields or {}) | given)
    return entity


def update_entity(
    *, entity: Entity, changes: EntityFields, actor: Actor, settings: EntitySettings | None = None
) -> Entity:
    """Change what `changes` and `settings` name and leave the rest; None takes a value away.

    Raises ConflictError where another company of the developer has that `external_id`, and what
    `update_settings` raises.
    """
    with transaction.atomic():
        if settings:  # first, because it may lock the books, which comes before any row
            update_settings(entity=entity, changes=settings, actor=actor)
        current = _locked(entity)
        former = _shown({name: _value(current, name) for name in changes})
        before, after = audit.changed(former, _shown(changes))
        if not after:
            return current
        for name, value in _stored(changes).items():
            setattr(current, name, value)
        current.updated_at = timezone.now()
        _save(current)
        _record(actor, "updated", current, before=before, after=after)
        forget(current)
    return current


def delete_entity(*, entity: Entity, actor: Actor) -> None:
    """Remove a company and everything in it, for good; the developer's audit trail says that it was there.

    Everything goes in one database transaction, the top of the house first (`signals.entity_deleting`).
    """
    with transaction.atomic():
        # Millions of rows may have to go, and half of them must not stay.
        db.execute("SET LOCAL statement_timeout = 0")
        lock_books(entity)
        current = _locked(entity)
        current.status = EntityStatus.DELETING
        current.save(update_fields=["status"])
        entity_deleting.send(sender=Entity, entity=current)
        for statement in _DELETED_WITH_IT:
            db.execute(statement, {"entity": current.id})
        audit.record(
            actor=actor,
            action="ledger.entity.deleted",
            object_type="entity",
            object_id=current.public_id,
            developer=current.developer,
            before={"legal_name": current.legal_name, "external_id": current.external_id},
        )
        forget(current)
    tokens.forget_all_keys()
    transaction.on_commit(tokens.forget_all_keys)


def tax_number(entity: Entity) -> str | None:
    """Return the company's tax number in the clear."""
    return None if entity.tin_encrypted is None else decrypt(entity.tin_encrypted)


def masked(tin: str | None) -> str | None:
    """Return a tax number with all but its last four digits hidden: 12-3456789 as **-***6789."""
    if tin is None:
        return None
    characters = list(tin)
    places = [place for place, character in enumerate(characters) if character.isalnum()]
    for place in places[:-4] if len(places) > 4 else places:
        characters[place] = "*"
    return "".join(characters)


def _locked(entity: Entity) -> Entity:
    current = (
        Entity.objects.select_for_update(of=("self",))
        .select_related("developer")
        .filter(pk=entity.pk)
        .first()
    )
    if current is None:
        raise NotFoundError(f"There is no entity {entity.public_id} any more.")
    return current


def _save(entity: Entity, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            entity.save(force_insert=force_insert)
    except IntegrityError as error:
        if db.constraint_name(error) != "entity_external_id_unique":
            raise
        taken = Entity.objects.get(developer_id=entity.developer_id, external_id=entity.external_id)
        message = f"externalId {shown(entity.external_id)} is taken by {taken.public_id}; send another."
        raise ConflictError(message, details=[Detail("externalId", message)]) from error


def _stored(fields: EntityFields) -> dict[str, Any]:
    """The fields as the table has them."""
    stored: dict[str, Any] = dict(fields)
    if "tin" in stored:
        tin = stored.pop("tin")
        stored["tin_encrypted"] = None if tin is None else encrypt(tin)
    if "legal_name" in stored:
        stored["legal_name"] = stored["legal_name"] or ""
    return stored


def _value(entity: Entity, name: str) -> Any:
    return tax_number(entity) if name == "tin" else getattr(entity, name)


def _shown(fields: Any) -> dict[str, Any]:
    """The fields as the audit trail may show them."""
    shown_fields = dict(fields)
    if "legal_name" in shown_fields:
        shown_fields["legal_name"] = shown_fields["legal_name"] or ""
    if "tin" in shown_fields:
        shown_fields["tin"] = masked(shown_fields["tin"])
    return shown_fields


def _record(
    actor: Actor, verb: str, entity: Entity, *, after: dict[str, Any], before: dict[str, Any] | None = None
) -> None:
    audit.record(
        actor=actor,
        action=f"ledger.entity.{verb}",
        object_type="entity",
        object_id=entity.public_id,
        entity=entity,
        before=before,
        after=after,
    )
