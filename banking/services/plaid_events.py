"""What Plaid's webhooks do: they start a sync sooner, or say what became of a log-in. None is needed: polling
finds out the same a little later.

https://plaid.com/docs/api/products/transactions/#webhooks, https://plaid.com/docs/api/items/#webhooks
"""

from collections.abc import Collection
from typing import Any, Final

import msgspec
import structlog
from django.db import transaction

from banking.choices import ConnectionStatus, ProviderName
from banking.models import BankConnection
from banking.providers.plaid.errors import LOGIN_CODES, passes, without_secrets
from ledger import audit
from ledger.actors import Actor
from ledger.background import start_task
from ledger.entity_cache import find_entity
from ledger.models import Entity

logger = structlog.get_logger(__name__)

# There is something new to fetch. Plaid sends the older codes beside the newer one.
UPDATE_CODES: Final = frozenset(
    {
        "SYNC_UPDATES_AVAILABLE",
        "INITIAL_UPDATE",
        "HISTORICAL_UPDATE",
        "DEFAULT_UPDATE",
        "TRANSACTIONS_REMOVED",
    }
)
# Not broken yet, but it will be in some days.
ENDING_CODES: Final = frozenset({"PENDING_EXPIRATION", "PENDING_DISCONNECT"})
_LOG_IN: Final = "The person has to log in at the bank again; a link token for this connection leads there."
_ENDS: Final = "The bank's permission ends soon; a link token for this connection renews it."
_REVOKED: Final = "The person has withdrawn the permission; connect the bank anew."
_BREAKABLE: Final = (ConnectionStatus.ACTIVE, ConnectionStatus.LOGIN_REQUIRED, ConnectionStatus.FAILED)


class Event(msgspec.Struct):
    """A webhook, as far as we read it. Plaid adds new types, codes and fields at any time."""

    webhook_type: str
    webhook_code: str
    item_id: str | None = None
    # An object, null, or with older codes a text.
    error: Any = None

    def of_error(self, name: str) -> str:
        """The field of the error, where there is one and it is text; otherwise nothing."""
        value = self.error.get(name) if isinstance(self.error, dict) else None
        return value if isinstance(value, str) else ""


def take_event(event: Event, *, actor: Actor) -> None:
    """Do what the webhook asks for, in each company that has the connection; once or twice is the same.

    Connections that are not known or given up, and types and codes that mean nothing to us, are logged.
    """
    connections = _connections_of_any_company(event.item_id or "")
    if not connections:
        logger.info("plaid_webhook_of_unknown_item", type=event.webhook_type, code=event.webhook_code)
    for connection in connections:
        entity = find_entity(connection.entity_id)
        if entity is not None:
            with transaction.atomic():
                _take(event, entity, connection, actor)


def _connections_of_any_company(item_id: str) -> list[BankConnection]:
    """The webhook names the connection alone; whose it is, is found here and nowhere else."""
    found = BankConnection.objects.filter(provider=ProviderName.PLAID, provider_item_id=item_id)
    return list(found.exclude(status=ConnectionStatus.DISCONNECTED)) if item_id else []


def _take(event: Event, entity: Entity, connection: BankConnection, actor: Actor) -> None:
    error_code = event.of_error("error_code")
    match event.webhook_type, event.webhook_code:
        case "TRANSACTIONS", code if code in UPDATE_CODES:
            _sync(entity, connection, actor)
        case "ITEM", "LOGIN_REPAIRED":
            _mark(
                connection,
                ConnectionStatus.ACTIVE,
                was=[ConnectionStatus.LOGIN_REQUIRED],
                actor=actor,
                entity=entity,
            )
            _sync(entity, connection, actor)
        case "ITEM", "USER_PERMISSION_REVOKED" as code:
            _mark(connection, ConnectionStatus.FAILED, code, _REVOKED, actor=actor, entity=entity)
        case "ITEM", code if code in ENDING_CODES:
            _mark(connection, ConnectionStatus.LOGIN_REQUIRED, code, _ENDS, actor=actor, entity=entity)
        case "ITEM", "ERROR" if error_code in LOGIN_CODES:
            message = f"{_LOG_IN} Plaid: {without_secrets(event.of_error('error_message'))}"
            _mark(
                connection, ConnectionStatus.LOGIN_REQUIRED, error_code, message, actor=actor, entity=entity
            )
        case "ITEM", "ERROR" if not passes(error_code, event.of_error("error_type")):
            # What it means, and whether it still holds, the sync finds out.
            _sync(entity, connection, actor)
        case _:
            logger.info("plaid_webhook_ignored", type=event.webhook_type, code=event.webhook_code)


def _sync(entity: Entity, connection: BankConnection, actor: Actor) -> None:
    start_task(
        entity=entity,
        name="banking.sync_connection",
        arguments={"connection_id": str(connection.id)},
        key=str(connection.id),
        actor=actor,
    )


def _mark(
    connection: BankConnection,
    status: ConnectionStatus,
    error_code: str = "",
    error_message: str = "",
    *,
    entity: Entity,
    actor: Actor,
    was: Collection[ConnectionStatus] = _BREAKABLE,
) -> None:
    """Set the connection's status, where it is one of `was` and not that already."""
    changed = (
        BankConnection.objects.filter(entity_id=entity.id, id=connection.id, status__in=was)
        .exclude(status=status, error_code=error_code)
        .update(status=status, error_code=error_code, error_message=error_message)
    )
    if changed:
        audit.record(
            actor=actor,
            action="banking.connection.marked",
            object_type="bank_connection",
            object_id=connection.public_id,
            entity=entity,
            before={"status": connection.status, "error_code": connection.error_code},
            after={"status": status, "error_code": error_code},
        )
