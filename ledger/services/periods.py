"""Closed periods: nothing is dated on or before the day through which the books are closed."""

from datetime import date
from typing import Final

from django.db import transaction
from django.utils import timezone

from ledger import audit
from ledger.actors import Actor
from ledger.exceptions import ConflictError, ValidationError
from ledger.models import Entity
from ledger.services.books import forget, lock_books
from ledger.signals import settings_changed

REASON_LENGTH_MAX: Final = 500


def close_books(*, entity: Entity, through: date, actor: Actor) -> Entity:
    """Close the books through that day, included. Closing them again through the same day changes nothing.

    Raises ConflictError where they are closed through a later day already: that would reopen them.
    """
    with transaction.atomic():
        current = _locked(entity)
        closed = current.books_closed_through
        if closed is not None and through < closed:
            raise ConflictError(
                f"The books are closed through {closed}; closing them through {through} would reopen days. "
                "Reopen them instead."
            )
        return current if through == closed else _move(current, through, "closed", actor)


def reopen_books(*, entity: Entity, through: date | None, actor: Actor, reason: str = "") -> Entity:
    """Reopen the books after `through` (None: all of them), as an event of its own in the audit trail, with
    the reason where one is given.

    Raises ConflictError where that would close days instead, ValidationError for a reason of more than
    `REASON_LENGTH_MAX` characters.
    """
    if len(reason) > REASON_LENGTH_MAX:
        raise ValidationError.of(
            "reason", f"has {len(reason):,} characters; send at most {REASON_LENGTH_MAX}."
        )
    with transaction.atomic():
        current = _locked(entity)
        closed = current.books_closed_through
        if through is not None and (closed is None or through > closed):
            raise ConflictError(
                f"The books are closed through {closed or 'no day'}; {through} would close more of them."
            )
        return current if through == closed else _move(current, through, "reopened", actor, reason=reason)


def move_closing(*, entity: Entity, through: date | None, actor: Actor) -> Entity:
    """Close or reopen the books, whichever way `through` lies from where they are closed now."""
    with transaction.atomic():
        closed = _locked(entity).books_closed_through
        if through is not None and (closed is None or through >= closed):
            return close_books(entity=entity, through=through, actor=actor)
        return reopen_books(entity=entity, through=through, actor=actor)


def _locked(entity: Entity) -> Entity:
    lock_books(entity)
    return Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)


def _move(entity: Entity, through: date | None, verb: str, actor: Actor, *, reason: str = "") -> Entity:
    before = entity.books_closed_through
    entity.books_closed_through = through
    entity.updated_at = timezone.now()
    entity.save(update_fields=["books_closed_through", "updated_at"])
    settings_changed.send(sender=Entity, entity=entity, changed={"books_closed_through"}, actor=actor)
    audit.record(
        actor=actor,
        action=f"ledger.books.{verb}",
        object_type="entity",
        object_id=entity.public_id,
        entity=entity,
        before={"books_closed_through": before},
        after={"books_closed_through": through} | ({"reason": reason} if reason else {}),
    )
    forget(entity)
    return entity
