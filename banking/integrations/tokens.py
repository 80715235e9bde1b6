"""The access token of an integration: read, and renewed near its end by one worker for all."""

from datetime import timedelta
from typing import Final

from django.db import DatabaseError
from django.db.transaction import atomic

from banking.choices import IntegrationProvider, IntegrationStatus
from banking.integrations.applications import application
from banking.integrations.exceptions import NAMES, ConnectAgainError
from banking.integrations.oauth import Tokens, renew
from banking.models import Integration
from banking.providers.base import ProviderDownError
from ledger.clock import utc_now
from ledger.db import LOCK_NOT_AVAILABLE, sqlstate
from ledger.encryption import decrypt, encrypt
from ledger.exceptions import ConflictError

# A token with less time left than this is renewed before it is used.
RENEW_BEFORE: Final = timedelta(minutes=2)


def access_token(integration: Integration, *, refused: str | None = None) -> str:
    """Return a token that the integration can read with, renewed where that is due.

    `refused` is one that the provider did not take: it is renewed before its time then, unless another worker
    has done so meanwhile. Raises ConnectAgainError where the provider takes no token of ours any more (the
    integration is then EXPIRED), ConflictError where it was disconnected meanwhile, ProviderDownError.

    Most providers let a refresh token be used once, so that two workers must not both renew: one holds the
    row's lock while it asks, for some seconds at most; whoever waited finds the new tokens. They are stored
    before anybody reads with them. Where the process dies between the provider's answer and the commit, the
    new tokens are lost and the old refresh token is used once more: QuickBooks takes the former one for a day
    after it gave a new one, Xero for half an hour, and a task begins again within minutes. Later than that
    the provider refuses it, and the person connects again.
    """
    try:
        with atomic():
            row = _locked(integration)
            token, refresh_token = decrypt(row.access_token), decrypt(row.refresh_token)
            is_due = row.token_expires_at is not None and row.token_expires_at - RENEW_BEFORE <= utc_now()
            if token and token != refused and not is_due:
                return token
            try:
                if not refresh_token:
                    raise ConnectAgainError(IntegrationProvider(row.provider))
                tokens = renew(application(IntegrationProvider(row.provider)), refresh_token)
            except ConnectAgainError as error:
                # Must be committed, so it is raised after the block.
                expired = error
                expire(row, error)
            else:
                store(row, tokens)
                row.save(update_fields=["access_token", "refresh_token", "token_expires_at", "updated_at"])
                return tokens.access_token
    except DatabaseError as error:
        if sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise ProviderDownError(
                f"{NAMES[IntegrationProvider(integration.provider)]} takes long to renew our permission; try "
                "again later."
            ) from error
        raise
    raise expired


def store(row: Integration, tokens: Tokens) -> None:
    """Put tokens, encrypted, on a row that is going to be saved."""
    row.access_token = encrypt(tokens.access_token)
    row.refresh_token = encrypt(tokens.refresh_token)
    row.token_expires_at = tokens.expires_at
    row.updated_at = utc_now()


def expire(row: Integration, error: ConnectAgainError) -> None:
    """Note on a locked row that the provider takes no token of ours; they are forgotten."""
    row.status = IntegrationStatus.EXPIRED
    row.access_token = row.refresh_token = ""
    row.token_expires_at = None
    row.error_message = error.message
    row.updated_at = utc_now()
    row.save()


def refuse(integration: Integration, refused: str) -> ConnectAgainError:
    """Note that the provider took neither an old token nor `refused`, which was just renewed, and return the
    error to raise. One that another worker or person has put there meanwhile stays."""
    error = ConnectAgainError(IntegrationProvider(integration.provider))
    with atomic():
        row = _locked(integration)
        if decrypt(row.access_token) == refused:
            expire(row, error)
    return error


def _locked(integration: Integration) -> Integration:
    """The row as it is now, ours to change. Raises what `access_token` does where there is nothing to read
    with."""
    row = (
        Integration.objects.select_for_update(no_key=True)
        .filter(entity_id=integration.entity_id, id=integration.id)
        .order_by()
        .first()
    )
    if row is None or row.status in (IntegrationStatus.DISCONNECTED, IntegrationStatus.CONNECTING):
        raise ConflictError(
            "The integration was disconnected; connect again (POST /v1/integrations/connect)."
        )
    if row.status == IntegrationStatus.EXPIRED:
        raise ConnectAgainError(IntegrationProvider(row.provider))
    return row
