"""Every reusable read of developers' keys, companies and their background work."""

from uuid import UUID

from django.db.models import QuerySet

from ledger.choices import EntityStatus, TaskState
from ledger.models import ApiKey, BackgroundTask, Entity


def keys_of(developer_id: UUID, *, older_than: UUID | None = None) -> QuerySet[ApiKey]:
    """Return a developer's keys, also revoked ones, newest first; those made before `older_than`."""
    keys = ApiKey.objects.filter(developer_id=developer_id).order_by("-id")
    return keys if older_than is None else keys.filter(id__lt=older_than)


def entities_of(developer_id: UUID, *, older_than: UUID | None = None) -> QuerySet[Entity]:
    """Return a developer's companies, newest first (ids grow with time); those made before `older_than`."""
    entities = Entity.objects.filter(developer_id=developer_id).exclude(status=EntityStatus.DELETING)
    entities = entities.order_by("-id")
    return entities if older_than is None else entities.filter(id__lt=older_than)


def tasks_of(
    entity: Entity,
    *,
    older_than: UUID | None = None,
    state: TaskState | None = None,
    name: str | None = None,
) -> QuerySet[BackgroundTask]:
    """Return a company's background work, newest first; of one state or name, made before `older_than`."""
    tasks = BackgroundTask.objects.filter(entity_id=entity.id).order_by("-id")
    if older_than is not None:
        tasks = tasks.filter(id__lt=older_than)
    if state is not None:
        tasks = tasks.filter(state=state)
    return tasks if name is None else tasks.filter(name=name)
