"""Connecting: a person is sent to the provider, comes back with a code, and the first import begins."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db.transaction import atomic

from banking.choices import IntegrationProvider, IntegrationStatus
from banking.integrations.applications import Application, application
from banking.integrations.calls import calls_with
from banking.integrations.exceptions import StateError
from banking.integrations.oauth import Tokens, authorization_link, exchange_code
from banking.integrations.sources import source_of
from banking.integrations.sources.base import Workspace
from banking.integrations.tokens import store
from banking.models import Integration
from ledger import audit
from ledger.actors import SYSTEM, Actor
from ledger.background import start_task
from ledger.choices import ActorKind, EntityStatus
from ledger.clock import utc_now
from ledger.encryption import decrypt, encrypt
from ledger.exceptions import LedgerError, ValidationError
from ledger.models import BackgroundTask, Entity

logger = structlog.get_logger(__name__)

STATE_LIFETIME: Final = timedelta(minutes=10)
# 256 bits for the state, and as many for the verifier (RFC 7636, 4.1: 43 to 128 characters).
_SECRET_BYTES: Final = 32
_STATE_LENGTH_MAX: Final = 200
_CODE_LENGTH_MAX: Final = 4_000
IMPORT_TASK: Final = "banking.import_integration"


@dataclass(frozen=True, slots=True)
class Begun:
    integration: Integration
    # The provider's address that the person opens. It holds the state: whoever has it may come back with it.
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Returned:
    """How a person's visit to the provider ended."""

    provider: IntegrationProvider
    connected: bool
    # What the company at the provider is called, and ours.
    workspace: str = ""
    company: str = ""
    # Why it is not connected, in the provider's words: text that anybody may have written.
    reason: str = ""


def begin_connection(*, entity: Entity, provider: IntegrationProvider, actor: Actor) -> Begun:
    """Return the address where a person allows us to read, good for ten minutes and for one visit.

    A company has one integration with each provider; where there is one already, it is this one that is
    connected anew, and it goes on working with its old tokens until then. Raises NotConfiguredError.
    """
    app = application(provider)
    state, verifier = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(2))
    now = utc_now()
    with atomic():
        row = _open_integration(entity, provider, actor)
        row.state_hash, row.code_verifier = _hash(state), encrypt(verifier)
        row.state_expires_at, row.updated_at = now + STATE_LIFETIME, now
        row.save(update_fields=["state_hash", "code_verifier", "state_expires_at", "updated_at"])
        _record("begun", row, entity, actor)
    return Begun(row, authorization_link(app, state=state, code_verifier=verifier))


def receive(provider: IntegrationProvider, *, returned: Mapping[str, str], actor: Actor) -> Returned:
    """Finish a connection with what a browser brought back from the provider.

    Without a code there is the provider's reason for that. Raises StateError for a state that is unknown, too
    old, of another provider or used, and where the company or the integration is gone; ValidationError where
    something is missing; DeclinedError, ProviderDownError and ProviderError where the provider does not play
    its part. A state is used up by all of these.
    """
    opened = _use_state(provider, returned.get("state", ""))
    app = application(provider)
    row, entity = opened.row, opened.entity
    if "code" not in returned or "error" in returned:
        reason = returned.get("error_description") or returned.get("error") or "no code came with the person"
        _note_failure(row, f"The connection was not made: {reason}")
        return Returned(provider, connected=False, company=str(entity), reason=reason)
    try:
        code = returned["code"]
        if not 0 < len(code) <= _CODE_LENGTH_MAX:
            raise ValidationError.of("code", f"has {len(code)} characters; send it as the provider gave it.")
        # Neither is inside of a database transaction: a provider may take long.
        tokens = exchange_code(app, code=code, code_verifier=opened.verifier)
        source = source_of(provider)
        workspace = source.workspace(calls_with(app, tokens), tokens=tokens, returned=returned)
    except LedgerError as error:
        _note_failure(row, error.message)
        raise
    if not _connect(row, app, tokens, workspace, actor):
        # The company was removed, or the integration, while we asked.
        give_back(app, tokens, workspace.id)
        raise StateError
    return Returned(provider, connected=True, workspace=workspace.name or workspace.id, company=str(entity))


def start_import(*, entity: Entity, integration: Integration, actor: Actor) -> BackgroundTask:
    """Begin an import in the background, or return the one that waits."""
    return start_task(
        entity=entity,
        name=IMPORT_TASK,
        arguments={"integration_id": str(integration.id)},
        key=str(integration.id),
        actor=actor,
    )


def give_back(app: Application, tokens: Tokens, workspace_id: str) -> bool:
    """Give a permission back to the provider, and return whether that is sure; an error there is logged only.
    Without it the tokens, which nobody has any more, end by themselves."""
    try:
        source_of(app.provider).revoke(app, tokens, workspace_id)
    except LedgerError as error:
        logger.warning("integration_not_revoked", service=app.name, error=error.message)
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Opened:
    row: Integration
    entity: Entity
    verifier: str = field(repr=False)


def _open_integration(entity: Entity, provider: IntegrationProvider, actor: Actor) -> Integration:
    """The company's integration with the provider, made at need; locked."""
    now = utc_now()
    fresh = Integration(
        entity=entity,
        provider=provider,
        status=IntegrationStatus.CONNECTING,
        created_at=now,
        created_by=actor.id,
        updated_at=now,
    )
    # Of two calls at once one makes it, and the other finds it.
    Integration.objects.bulk_create([fresh], ignore_conflicts=True)
    return (
        Integration.objects.select_for_update(no_key=True)
        .filter(entity_id=entity.id, provider=provider)
        .exclude(status=IntegrationStatus.DISCONNECTED)
        .order_by()
        .get()
    )


def _use_state(provider: IntegrationProvider, state: str) -> _Opened:
    """Take the state from the integration that it was made for, of whatever company: the browser brings
    nothing else, and the state can't be guessed. Raises StateError."""
    if not 0 < len(state) <= _STATE_LENGTH_MAX:
        raise StateError
    with atomic():
        row = (
            Integration.objects.select_for_update(no_key=True)
            .filter(state_hash=_hash(state), provider=provider)
            .order_by()
            .first()
        )
        entity = _living_entity(row.entity_id) if row is not None else None
        if row is None or entity is None or row.state_expires_at is None or row.code_verifier == "":
            raise StateError
        verifier, expires_at = decrypt(row.code_verifier), row.state_expires_at
        row.state_hash = row.code_verifier = ""
        row.state_expires_at = None
        row.save(update_fields=["state_hash", "code_verifier", "state_expires_at"])
    if expires_at <= utc_now():
        raise StateError
    return _Opened(row, entity, verifier)


def _connect(seen: Integration, app: Application, tokens: Tokens, workspace: Workspace, actor: Actor) -> bool:
    """Store what the provider gave us and begin the import; False where there is nothing left to store it
    in."""
    with atomic():
        row = (
            Integration.objects.select_for_update(no_key=True)
            .filter(entity_id=seen.entity_id, id=seen.id)
            .exclude(status=IntegrationStatus.DISCONNECTED)
            .order_by()
            .first()
        )
        entity = _living_entity(seen.entity_id)
        if row is None or entity is None:
            return False
        if row.workspace_id != workspace.id:
            # Other books there: what was read of the former ones says nothing of these.
            row.import_position = None
        row.status = IntegrationStatus.CONNECTED
        row.workspace_id, row.workspace_name = workspace.id, workspace.name
        row.error_message = ""
        store(row, tokens)
        row.save()
        _record("connected", row, entity, actor, workspace_id=workspace.id)
        # The import is the work of whoever sent the person there.
        began = Actor(ActorKind.API_KEY, id=row.created_by) if row.created_by else SYSTEM
        start_import(entity=entity, integration=row, actor=began)
    return True


def _note_failure(row: Integration, message: str) -> None:
    Integration.objects.filter(entity_id=row.entity_id, id=row.id).exclude(
        status=IntegrationStatus.DISCONNECTED
    ).update(error_message=message.replace("\0", "")[:500], updated_at=utc_now())


def _living_entity(entity_id: UUID) -> Entity | None:
    return Entity.objects.exclude(status=EntityStatus.DELETING).filter(id=entity_id).first()


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def _record(verb: str, row: Integration, entity: Entity, actor: Actor, **more: Any) -> None:
    audit.record(
        actor=actor,
        action=f"banking.integration.{verb}",
        object_type="integration",
        object_id=row.public_id,
        entity=entity,
        after={"provider": row.provider, "status": row.status} | more,
    )
