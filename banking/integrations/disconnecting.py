"""Disconnecting: the tokens are forgotten here, and given back to the provider. The books stay."""

from uuid import UUID

from django.db import transaction
from django.db.transaction import atomic

from banking.choices import IntegrationProvider, IntegrationStatus
from banking.integrations.applications import application
from banking.integrations.connecting import give_back
from banking.integrations.exceptions import NAMES, NotConfiguredError
from banking.integrations.oauth import Tokens
from banking.models import Integration
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.encryption import decrypt
from ledger.exceptions import NotFoundError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity


def disconnect(
    *,
    entity: Entity,
    actor: Actor,
    integration_id: UUID | None = None,
    provider: IntegrationProvider | None = None,
) -> Integration:
    """End an integration, which is named by its id, its provider or both.

    What is disconnected already stays so. The provider is told once that is committed; where it cannot be
    reached, nobody has the tokens any more. Raises NotFoundError.
    """
    with atomic():
        found = find_integration(entity, integration_id=integration_id, provider=provider, lock=True)
        if found.status == IntegrationStatus.DISCONNECTED:
            return found
        tokens = _tokens_of(found)
        workspace_id = found.workspace_id
        before = found.status
        found.status = IntegrationStatus.DISCONNECTED
        found.access_token = found.refresh_token = found.state_hash = found.code_verifier = ""
        found.token_expires_at = found.state_expires_at = None
        found.error_message = ""
        found.updated_at = utc_now()
        found.save()
        audit.record(
            actor=actor,
            action="banking.integration.disconnected",
            object_type="integration",
            object_id=found.public_id,
            entity=entity,
            before={"status": before},
            after={"status": found.status, "provider": found.provider},
        )
        if tokens is not None:
            transaction.on_commit(
                lambda: _give_back(IntegrationProvider(found.provider), tokens, workspace_id)
            )
    return found


def find_integration(
    entity: Entity,
    *,
    integration_id: UUID | None,
    provider: IntegrationProvider | None,
    lock: bool = False,
) -> Integration:
    """The company's integration of that id, that provider, or both. Raises NotFoundError."""
    rows = Integration.objects.filter(entity_id=entity.id)
    if lock:
        rows = rows.select_for_update(no_key=True)
    if provider is not None:
        rows = rows.filter(provider=provider)
    # One that a person disconnected is found by its id alone.
    rows = (
        rows.filter(id=integration_id)
        if integration_id is not None
        else rows.exclude(status=IntegrationStatus.DISCONNECTED)
    )
    found = rows.order_by().first()
    if found is None:
        named = encode_id(Prefix.INTEGRATION, integration_id) if integration_id else ""
        of = f" with {NAMES[provider]}" if provider is not None else ""
        raise NotFoundError(f"There is no integration {named}{of} here.".replace("  ", " "))
    return found


def _tokens_of(row: Integration) -> Tokens | None:
    if not row.access_token:
        return None
    return Tokens(decrypt(row.access_token), decrypt(row.refresh_token), row.token_expires_at)


def _give_back(provider: IntegrationProvider, tokens: Tokens, workspace_id: str) -> None:
    try:
        app = application(provider)
    except NotConfiguredError:
        # The operator has taken the application away; its tokens open nothing any more.
        return
    give_back(app, tokens, workspace_id)
