"""The settings of a company."""

from datetime import date
from typing import Any, Final, TypedDict

from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger import audit, db
from ledger.actors import Actor
from ledger.choices import AccountingMethod, NotificationFrequency
from ledger.exceptions import ConflictError, ValidationError, shown
from ledger.models import Entity, Ledger
from ledger.money import parse_currency
from ledger.services.books import forget, lock_books
from ledger.services.periods import move_closing
from ledger.signals import settings_changed
from ledger.times import zone

FIELDS: Final = (
    "smart_suggestions",
    "smart_assistant",
    "smart_summary",
    "notification_frequency",
    "accounting_method",
    "fiscal_year_start",
    "default_currency",
    "timezone",
    "books_closed_through",
)


class EntitySettings(TypedDict, total=False):
    """Settings by name. `fiscal_year_start` is a month, 1 to 12; `timezone` an IANA name;
    `books_closed_through` the last day of the closed period, None for none."""

    smart_suggestions: bool
    smart_assistant: bool
    smart_summary: bool
    notification_frequency: NotificationFrequency
    accounting_method: AccountingMethod
    fiscal_year_start: int
    default_currency: str
    timezone: str
    books_closed_through: date | None


def settings_of(entity: Entity) -> dict[str, Any]:
    """Return all settings of a company by name."""
    return {name: getattr(entity, name) for name in FIELDS}


def checked_settings(settings: dict[str, Any] | EntitySettings) -> dict[str, Any]:
    """Return the settings as they are stored. Raises ValidationError for one that is unknown or cannot be."""
    checked: dict[str, Any] = dict(settings)
    for name in checked:
        if name not in FIELDS:
            raise ValidationError.of(name, f"is no setting; settings are {', '.join(FIELDS)}.")
    if "default_currency" in checked:
        checked["default_currency"] = parse_currency(checked["default_currency"], field="default_currency")
    if "timezone" in checked:
        checked["timezone"] = zone(checked["timezone"], field="timezone").key
    month = checked.get("fiscal_year_start", 1)
    if not isinstance(month, int) or isinstance(month, bool) or not 1 <= month <= 12:
        raise ValidationError.of("fiscal_year_start", f"{shown(month)} is no month; send 1 to 12.")
    for name, choices in (
        ("accounting_method", AccountingMethod),
        ("notification_frequency", NotificationFrequency),
    ):
        if name in checked and checked[name] not in choices.values:
            raise ValidationError.of(
                name, f"{shown(checked[name])} is not possible; send one of {', '.join(choices.values)}."
            )
    return checked


def update_settings(*, entity: Entity, changes: EntitySettings, actor: Actor) -> Entity:
    """Change what `changes` names and leave the rest.

    The currency changes the default ledger and its accounts with it, and only while there are no
    transactions: ConflictError. A change of `books_closed_through` closes or reopens the books. Raises
    ValidationError for a setting that cannot be.
    """
    wanted = checked_settings(changes)
    with transaction.atomic():
        # Before any row, as postings do; other settings don't disturb them.
        if wanted.keys() & {"books_closed_through", "default_currency"}:
            lock_books(entity)
        current = Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)
        if "books_closed_through" in wanted:
            current = move_closing(entity=current, through=wanted.pop("books_closed_through"), actor=actor)
        before, after = audit.changed(settings_of(current), wanted)
        if not after:
            return current
        for name, value in after.items():
            setattr(current, name, value)
        current.updated_at = timezone.now()
        current.save(update_fields=[*after, "updated_at"])
        if "default_currency" in after:
            _change_currency(current)
        settings_changed.send(sender=Entity, entity=current, changed=set(after), actor=actor)
        audit.record(
            actor=actor,
            action="ledger.settings.updated",
            object_type="entity",
            object_id=current.public_id,
            entity=current,
            before=before,
            after=after,
        )
        forget(current)
    return current


def _change_currency(entity: Entity) -> None:
    """The foreign keys carry the currency down to the accounts, and refuse where a transaction has the old
    one."""
    try:
        with transaction.atomic():
            Ledger.objects.filter(entity_id=entity.id, is_default=True).update(
                currency=entity.default_currency
            )
    except IntegrityError as error:
        if db.sqlstate(error) not in (db.FOREIGN_KEY_VIOLATION, db.RESTRICT_VIOLATION):
            raise
        raise ConflictError(
            f"The books of {entity.public_id} have transactions or bank accounts, so their currency cannot "
            "change. Make another entity for books in another currency."
        ) from error
