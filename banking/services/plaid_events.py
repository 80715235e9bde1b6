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
from banking.services.connecting import ENDING_CODES, mark_connection, start_sync
from ledger.actors import Actor
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
_LOG_IN: Final = "The person has to log in at the bank again; a link token for this connection leads there."
_ENDS: Final = (
    "The bank's permission ends soon; a link token for this connection renews it. Ask for a sync afterwards."
)
_REVOKED: Final = "The person has withdrawn the permission; connect the bank anew."


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
    if not item_id:
        return []
    return list(
        BankConnection.objects.filter(
            provider=ProviderName.PLAID, provider_item_id=item_id, disconnected_at__isnull=True
        )
    )


def _take(event: Event, entity: Entity, connection: BankConnection, actor: Actor) -> None:
    def mark(
        status: ConnectionStatus,
        code: str = "",
        message: str = "",
        *,
        was: Collection[ConnectionStatus] = tuple(ConnectionStatus),
    ) -> None:
        mark_connection(
            entity=entity,
            connection_id=connection.id,
            status=status,
            error_code=code,
            error_message=message,
            actor=actor,
            was=was,
        )

    error_code = event.of_error("error_code")
    match event.webhook_type, event.webhook_code:
        case "TRANSACTIONS", code if code in UPDATE_CODES:
            start_sync(entity=entity, connection=connection, actor=actor)
        case "ITEM", "LOGIN_REPAIRED":
            mark(ConnectionStatus.ACTIVE, was=[ConnectionStatus.LOGIN_REQUIRED])
            start_sync(entity=entity, connection=connection, actor=actor)
        case "ITEM", "USER_PERMISSION_REVOKED" as code:
            mark(ConnectionStatus.FAILED, code, _REVOKED)
        case "ITEM", code if code in ENDING_CODES:
            # The bank still answers, so it is still polled; what is broken already is not made less so.
            mark(ConnectionStatus.ACTIVE, code, _ENDS, was=[ConnectionStatus.ACTIVE])
        case "ITEM", "ERROR" if error_code in LOGIN_CODES:
            said = without_secrets(event.of_error("error_message"))
            mark(ConnectionStatus.LOGIN_REQUIRED, error_code, f"{_LOG_IN} Plaid: {said}")
        case "ITEM", "ERROR" if not passes(error_code, event.of_error("error_type")):
            # What it means, and whether it still holds, the sync finds out.
            start_sync(entity=entity, connection=connection, actor=actor)
        case _:
            logger.info("plaid_webhook_ignored", type=event.webhook_type, code=event.webhook_code)
