"""Every reusable read of developers' keys and companies."""

from uuid import UUID

from django.db.models import QuerySet

from ledger.choices import EntityStatus
from ledger.models import ApiKey, Entity


def keys_of(developer_id: UUID, *, older_than: UUID | None = None) -> QuerySet[ApiKey]:
    """Return a developer's keys, also revoked ones, newest first; those made before `older_than`."""
    keys = ApiKey.objects.filter(developer_id=developer_id).order_by("-id")
    return keys if older_than is None else keys.filter(id__lt=older_than)


def entities_of(developer_id: UUID, *, older_than: UUID | None = None) -> QuerySet[Entity]:
    """Return a developer's companies, newest first (ids grow with time); those made before `older_than`."""
    entities = Entity.objects.filter(developer_id=developer_id).exclude(status=EntityStatus.DELETING)
    entities = entities.order_by("-id")
    return entities if older_than is None else entities.filter(id__lt=older_than)
