"""What the background worker does with bank connections."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import F, Q

from banking.choices import ConnectionStatus
from banking.models import BankConnection
from banking.providers.base import PagesChangedError, ProviderDownError
from banking.querysets import SYNC_ALL, SYNC_CONNECTION, live_connections
from banking.services.connecting import DISCONNECT, forget_token, start_sync
from banking.services.syncing import Synced, sync_connection
from ledger.actors import SYSTEM
from ledger.background import TaskRun, background_task
from ledger.clock import utc_now
from ledger.entity_cache import find_entity
from ledger.exceptions import ProviderError

log = structlog.get_logger(__name__)

PASSING: Final = (ProviderDownError, PagesChangedError)
# A run of the timetable starts at most so many; the others are due at the next, a minute later.
STARTED_AT_ONCE_MAX: Final = 500


@background_task(SYNC_CONNECTION, retry_on=PASSING)
def sync_one(run: TaskRun) -> str:
    """Fetch what is new of one connection."""
    return _sync(run, UUID(run.arguments["connection_id"])).message


@background_task(SYNC_ALL, retry_on=PASSING)
def sync_all(run: TaskRun) -> str:
    """Fetch what is new of every connection of the company, one after the other.

    A connection that fails does not keep the others back; the task then fails with its words, or is tried
    again where it passes.
    """
    connections = list(live_connections(run.entity))
    told: list[str] = []
    faults: list[str] = []
    passes = False
    for number, connection in enumerate(connections):
        run.progress(
            done=number, total=len(connections), message=f"{connection.institution_name or connection}"
        )
        try:
            told.append(f"{connection.institution_name}: {_sync(run, connection.id, quiet=True).message}")
        except ProviderError as error:
            passes = passes or isinstance(error, PASSING)
            faults.append(f"{connection.institution_name}: {error.message}")
    run.progress(done=len(connections) - len(faults), total=len(connections), message=" ".join(told))
    if faults:
        raise (ProviderDownError if passes else ProviderError)(" ".join(faults))
    return " ".join(told) or "No bank is connected."


@background_task(DISCONNECT, retry_on=PASSING)
def disconnect(run: TaskRun) -> str:
    """Tell the provider that a connection is given up, and forget its token."""
    return forget_token(entity=run.entity, connection_id=UUID(run.arguments["connection_id"]))


def _sync(run: TaskRun, connection_id: UUID, *, quiet: bool = False) -> Synced:
    report = None if quiet else lambda lines, message: run.progress(done=lines, message=message)
    return sync_connection(entity=run.entity, connection_id=connection_id, actor=run.actor, report=report)


@shared_task(name="banking.poll_connections")  # type: ignore[untyped-decorator]
def poll_connections() -> int:
    """Start a sync of the connections whose last one began longer ago than BANK_POLL_MINUTES, the longest
    waiting first; returns how many. Safe at any time.

    Run every minute it spreads the load: each connection keeps its own minute, and a pile of them is worked
    off by and by. One that waits for its person to log in is left alone.
    """
    before = utc_now() - timedelta(minutes=settings.BANK_POLL_MINUTES)
    due = (
        BankConnection.objects.filter(
            Q(sync_started_at__isnull=True) | Q(sync_started_at__lt=before),
            Q(synced_at__isnull=True) | Q(synced_at__lt=before),
            status__in=(ConnectionStatus.ACTIVE, ConnectionStatus.FAILED),
            disconnected_at__isnull=True,
        )
        .order_by(F("synced_at").asc(nulls_first=True), "id")
        .values_list("entity_id", "id")[:STARTED_AT_ONCE_MAX]
    )
    started = 0
    for entity_id, connection_id in due:
        entity = find_entity(entity_id)
        if entity is not None:
            connection = BankConnection(entity_id=entity_id, id=connection_id)
            start_sync(entity=entity, connection=connection, actor=SYSTEM)
            started += 1
    return started
