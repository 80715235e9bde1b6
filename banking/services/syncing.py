"""Fetching what banks say, and storing it: each line and the cursor in one database transaction."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, Final
from uuid import UUID

import msgspec
import structlog
from django.db.transaction import atomic

from banking.choices import ConnectionStatus
from banking.models import BankAccount, BankConnection
from banking.providers.base import (
    AccountSeen,
    LineSeen,
    LoginRequiredError,
    PagesChangedError,
    Provider,
    ProviderDownError,
    SyncPage,
    provider_named,
)
from banking.querysets import find_connection
from banking.services.accounts import set_balances
from banking.services.changing import remove_lines
from banking.services.connecting import ENDING_CODES, mark_connection, start_sync
from banking.services.locks import hold_lines
from banking.services.recording import record_lines
from banking.services.storing import line_fault, store_lines
from ledger.actors import Actor
from ledger.choices import ActorKind
from ledger.clock import utc_now
from ledger.db import fetch, uuid_array
from ledger.encryption import decrypt
from ledger.exceptions import LedgerError, ProviderError
from ledger.models import Entity

__all__ = ["Synced", "start_sync", "sync_connection"]

log = structlog.get_logger(__name__)

BATCH_LINES: Final = 2_000
# Pages up to this size in all stay in memory; what goes beyond is kept in a file that has no name.
_MEMORY_BYTES_MAX: Final = 8 << 20
_RESTARTS_MAX: Final = 5
LINES_NOT_KEPT: Final = "LINES_NOT_KEPT"

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(SyncPage, float_hook=Decimal)
_IN_ORDER: Final = """
SELECT id FROM banking_bankline WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
ORDER BY date, id
"""

Report = Callable[[int, str], None]


class _CursorMovedError(Exception):
    """Another sync has stored what this one began from."""


@dataclass
class Synced:
    """What a sync brought, in lines."""

    fetched: int = 0
    changed: int = 0
    removed: int = 0
    created: int = 0
    offered: int = 0
    transfers: int = 0
    refused: int = 0
    # Lines that cannot be kept (of another currency, without an amount), with the first reason.
    not_kept: int = 0
    reason: str = ""

    @property
    def message(self) -> str:
        """The sync in one sentence."""
        told = f"{self.fetched} new lines, {self.created} recorded, {self.offered} to decide on"
        if self.removed:
            told += f", {self.removed} taken back"
        if self.not_kept:
            told += f"; {self.not_kept} could not be kept: {self.reason}"
        return told + "."


def sync_connection(
    *, entity: Entity, connection_id: UUID, actor: Actor, report: Report | None = None
) -> Synced:
    """Fetch everything that the provider has since the connection's cursor, and bring it into the books.

    All pages are fetched first, outside of any database transaction; then lines, what becomes of them and
    the new cursor are stored in one. Whatever fails before leaves nothing behind, so it may be killed and run
    again. Of two at once the one that comes second finds the cursor moved and begins again from there. A
    connection that was given up is left alone. `report` is told how many lines were fetched.

    Raises ProviderDownError (it passes), LoginRequiredError and other ProviderErrors, which also mark the
    connection.
    """
    for _ in range(_RESTARTS_MAX):
        connection = find_connection(entity, connection_id)
        if connection.disconnected_at is not None or not connection.access_token:
            return Synced()
        BankConnection.objects.filter(entity_id=entity.id, id=connection.id).update(sync_started_at=utc_now())
        provider = provider_named(connection.provider)
        token = decrypt(connection.access_token)
        try:
            with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES_MAX) as kept:
                end = _fetch(provider, token, connection.cursor, kept, report)
                accounts = end.accounts or provider.accounts(token)
                kept.seek(0)
                return _store(entity, connection, _pages(kept), accounts, end.cursor, actor)
        except _CursorMovedError:
            continue
        except (ProviderDownError, PagesChangedError):
            raise
        except LoginRequiredError as error:
            _mark(entity, connection, ConnectionStatus.LOGIN_REQUIRED, error.provider_code, error, actor)
            raise
        except ProviderError as error:
            _mark(entity, connection, ConnectionStatus.FAILED, error.code, error, actor)
            raise
    raise ProviderDownError("Other syncs of this connection were always first; it is up to date.")


@dataclass
class _End:
    """Where the pages ended."""

    cursor: str
    accounts: list[AccountSeen] = field(default_factory=list)


def _fetch(provider: Provider, token: str, cursor: str, kept: IO[bytes], report: Report | None) -> _End:
    """Write all pages since `cursor` into `kept`; where lines change meanwhile, from the first one again."""
    for _ in range(_RESTARTS_MAX):
        kept.seek(0)
        kept.truncate()
        end = _End(cursor)
        lines = 0
        try:
            while True:
                page = provider.sync(token, end.cursor)
                kept.write(_ENCODER.encode(page) + b"\n")
                end.cursor = page.next_cursor
                end.accounts = list(page.accounts) or end.accounts
                lines += len(page.added)
                if report is not None:
                    report(lines, f"{lines} lines fetched")
                if not page.has_more:
                    return end
        except PagesChangedError:
            log.info("banking.pages_changed", lines=lines)
    raise ProviderDownError(
        "The bank's lines change faster than they can be read; this is tried again later."
    )


def _pages(kept: IO[bytes]) -> Iterator[SyncPage]:
    for text in kept:
        yield _DECODER.decode(text)


def _store(
    entity: Entity,
    began: BankConnection,
    pages: Iterator[SyncPage],
    seen: list[AccountSeen],
    cursor: str,
    actor: Actor,
) -> Synced:
    synced = Synced()
    with atomic():
        connection = BankConnection.objects.select_for_update(no_key=True).get(
            entity_id=entity.id, id=began.id
        )
        if connection.disconnected_at is not None:
            return Synced()
        if connection.cursor != began.cursor:
            raise _CursorMovedError
        hold_lines(entity)
        accounts = _take_balances(connection, seen)
        new_ids = _store_pages(entity, accounts, pages, synced)
        _record(entity, new_ids, actor, synced)
        connection.cursor = cursor
        connection.synced_at = utc_now()
        if synced.not_kept:
            connection.error_code = LINES_NOT_KEPT
            connection.error_message = f"{synced.not_kept} lines could not be kept: {synced.reason}"[:500]
        elif not _stands(connection.error_code, actor):
            connection.error_code = connection.error_message = ""
        connection.status = ConnectionStatus.ACTIVE
        connection.save(update_fields=["cursor", "synced_at", "error_code", "error_message", "status"])
    return synced


def _stands(error_code: str, actor: Actor) -> bool:
    """Whether what is wrong with a connection is still to be said after a sync that went well."""
    if error_code in ENDING_CODES:
        # Polls go well until the permission ends. Who asks for a sync was told, and has renewed it.
        return actor.kind == ActorKind.SYSTEM
    return error_code == LINES_NOT_KEPT


def _take_balances(connection: BankConnection, seen: list[AccountSeen]) -> dict[str, BankAccount]:
    """The connection's live accounts by the provider's ids, with the balances that the bank says."""
    accounts = {
        account.provider_account_id: account
        for account in BankAccount.objects.filter(
            entity_id=connection.entity_id, connection_id=connection.id, disconnected_at__isnull=True
        )
    }
    now = utc_now()
    told = [one for one in seen if one.id in accounts]
    for one in told:
        set_balances(accounts[one.id], one, now)
    if told:
        BankAccount.objects.bulk_update(
            [accounts[one.id] for one in told], ["balance_current", "balance_available", "balance_at"]
        )
    return accounts


def _store_pages(
    entity: Entity, accounts: dict[str, BankAccount], pages: Iterator[SyncPage], synced: Synced
) -> list[UUID]:
    """Store what the pages say, in their order; returns the lines that are to be recorded.

    Lines of accounts that are not ours (disconnected, or never taken in) are passed over.
    """
    new_ids: list[UUID] = []
    waiting: defaultdict[str, list[LineSeen]] = defaultdict(list)

    def flush(account_id: str) -> None:
        lines = waiting.pop(account_id, [])
        if lines:
            stored = store_lines(entity, accounts[account_id], lines)
            new_ids.extend(stored.new_ids)
            synced.changed += len(stored.changed_ids)

    for page in pages:
        synced.fetched += len(page.added)
        for line in (*page.added, *page.modified):
            account = accounts.get(line.account_id)
            if account is None:
                continue
            fault = line_fault(account, line)
            if fault is not None:
                log.warning("banking.line_not_kept", account=account.public_id, fault=fault.message)
                # Banks tell of things that cost nothing; the books have no use for them.
                if line.amount or fault.field != "amount":
                    synced.not_kept += 1
                    synced.reason = synced.reason or f"{fault.field}: {fault.message}"
                continue
            waiting[line.account_id].append(line)
            if len(waiting[line.account_id]) >= BATCH_LINES:
                flush(line.account_id)
        removed: defaultdict[str, list[str]] = defaultdict(list)
        for gone in page.removed:
            if gone.account_id in accounts:
                removed[gone.account_id].append(gone.line_id)
        for account_id, line_ids in removed.items():
            flush(account_id)
            synced.removed += remove_lines(entity, accounts[account_id].id, line_ids)
    for account_id in list(waiting):
        flush(account_id)
    return new_ids


def _record(entity: Entity, new_ids: list[UUID], actor: Actor, synced: Synced) -> None:
    """Record the lines of all accounts by day, so that the two sides of a transfer come together."""
    if not new_ids:
        return
    ordered = [row[0] for row in fetch(_IN_ORDER, {"entity": entity.id, "ids": uuid_array(new_ids)})]
    for start in range(0, len(ordered), BATCH_LINES):
        recorded = record_lines(entity=entity, line_ids=ordered[start : start + BATCH_LINES], actor=actor)
        synced.created += recorded.created
        synced.offered += recorded.offered
        synced.transfers += recorded.transfers
        synced.refused += recorded.refused


def _mark(
    entity: Entity,
    connection: BankConnection,
    status: ConnectionStatus,
    code: str,
    error: LedgerError,
    actor: Actor,
) -> None:
    mark_connection(
        entity=entity,
        connection_id=connection.id,
        status=status,
        error_code=code,
        error_message=error.message,
        actor=actor,
    )
