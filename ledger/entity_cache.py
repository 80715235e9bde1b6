"""Companies by id, kept in the process for two seconds: nearly every request needs one, and they rarely
change."""

from typing import Final
from uuid import UUID

from django.db.models.expressions import BaseExpression

from ledger.caches import TimedCache
from ledger.choices import EntityStatus
from ledger.models import Entity

KNOWN_SECONDS: Final = 2.0
_entities: TimedCache[UUID, Entity] = TimedCache(size_max=10_000, seconds=KNOWN_SECONDS)


# What apps above have read with each company.
_beside: dict[str, BaseExpression] = {}


def load_beside(name: str, expression: BaseExpression) -> None:
    """Let an app above read something of its own with each company, in the same query: `find_entity` returns
    the company with an attribute of that name. `expression` refers to the company by OuterRef("pk")."""
    _beside[name] = expression


def find_entity(entity_id: UUID) -> Entity | None:
    """Return the company, at most two seconds old, or None. Don't change what it returns: others hold it too.

    A service that decides by a setting (a closed period) reads it in its own database transaction instead.
    """
    entity = _entities.get(entity_id)
    if entity is None:
        found = Entity.objects.filter(id=entity_id).exclude(status=EntityStatus.DELETING)
        entity = found.annotate(**_beside).first()
        if entity is not None:
            _entities.put(entity_id, entity)
    return entity


def forget_entity(entity_id: UUID) -> None:
    """Read the company anew at its next use in this process."""
    _entities.drop(entity_id)
