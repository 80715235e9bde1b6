"""Closed periods: nothing is dated on or before the day through which the books are closed."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from ledger import audit
from ledger.actors import Actor
from ledger.exceptions import ConflictError
from ledger.models import Entity
from ledger.services.books import forget, lock_books
from ledger.signals import settings_changed


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


def reopen_books(*, entity: Entity, through: date | None, actor: Actor) -> Entity:
    """Reopen the books after `through` (None: all of them), as an event of its own in the audit trail.

    Raises ConflictError where that would close days instead.
    """
    with transaction.atomic():
        current = _locked(entity)
        closed = current.books_closed_through
        if through is not None and (closed is None or through > closed):
            raise ConflictError(
                f"The books are closed through {closed or 'no day'}; {through} would close more of them."
            )
        return current if through == closed else _move(current, through, "reopened", actor)


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


def _move(entity: Entity, through: date | None, verb: str, actor: Actor) -> Entity:
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
        after={"books_closed_through": through},
    )
    forget(entity)
    return entity
