"""Companies by id, kept in the process for two seconds: nearly every request needs one, and they rarely
change."""

from typing import Final
from uuid import UUID

from ledger.caches import TimedCache
from ledger.choices import EntityStatus
from ledger.models import Entity

KNOWN_SECONDS: Final = 2.0
_entities: TimedCache[UUID, Entity] = TimedCache(size_max=10_000, seconds=KNOWN_SECONDS)


def find_entity(entity_id: UUID) -> Entity | None:
    """Return the company, at most two seconds old, or None. Don't change what it returns: others hold it too.

    A service that decides by a setting (a closed period) reads it in its own database transaction instead.
    """
    entity = _entities.get(entity_id)
    if entity is None:
        entity = Entity.objects.filter(id=entity_id).exclude(status=EntityStatus.DELETING).first()
        if entity is not None:
            _entities.put(entity_id, entity)
    return entity


def forget_entity(entity_id: UUID) -> None:
    """Read the company anew at its next use in this process."""
    _entities.drop(entity_id)
