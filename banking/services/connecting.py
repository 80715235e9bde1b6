"""Connecting a company to its banks, repairing connections, and giving them up.

The provider is always called outside of database transactions: it may take half a minute, and what it does
is not undone by rolling back.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db.transaction import atomic

from accounts.models import Account
from banking.choices import ConnectionStatus
from banking.models import BankAccount, BankConnection
from banking.providers.base import AccountSeen, Exchanged, Link, ProviderDownError, provider_named
from banking.querysets import SYNC_CONNECTION, find_bank_account, find_connection, live_connections
from banking.services.accounts import add_account, ledger_in, record_account, set_balances
from banking.services.locks import hold_lines
from ledger import audit
from ledger.actors import Actor
from ledger.background import start_task
from ledger.clock import utc_now
from ledger.encryption import decrypt, encrypt
from ledger.exceptions import ConflictError, ProviderError
from ledger.ids import new_id
from ledger.models import BackgroundTask, Entity
from ledger.services.books import forget

log = structlog.get_logger(__name__)

DISCONNECT = "banking.disconnect_connection"
# In Plaid's words: the bank answers as ever, and stops in some days unless the person renews the permission.
ENDING_CODES: Final = frozenset({"PENDING_EXPIRATION", "PENDING_DISCONNECT"})


@dataclass(frozen=True)
class Arrival:
    """What a person brought back from the bank, before it is stored."""

    provider: str
    public_token_hash: str
    exchanged: Exchanged
    accounts: list[AccountSeen]


class Connected(NamedTuple):
    """A connection with its accounts."""

    connection: BankConnection
    accounts: list[BankAccount]
    # Accounts at the bank that the books cannot take, with the reason.
    left_out: list[tuple[AccountSeen, str]]


def create_link(*, entity: Entity, connection_id: UUID | None) -> Link:
    """Begin connecting a bank, or repairing a connection that asks for a new log-in.

    Raises NotFoundError, ConflictError where the connection was given up, ProviderError.
    """
    if connection_id is None:
        return provider_named(settings.BANK_PROVIDER).create_link(entity=entity, connection=None)
    connection = find_connection(entity, connection_id)
    if connection.disconnected_at is not None:
        raise ConflictError(
            f"{connection.public_id} was disconnected and cannot be repaired; make a link without "
            "connectionId."
        )
    return provider_named(connection.provider).create_link(entity=entity, connection=connection)


def exchange(*, entity: Entity, public_token: str) -> Arrival | None:
    """Exchange the token at the provider; None where that was done before, and the connection is stored.

    If this process dies between here and `store_connection`, the provider has an item that nobody knows: it
    costs nothing, holds no lines of ours and its token is forgotten, and the person, who sees an error, logs
    in once more, which makes a new item. So nothing is half connected here; Plaid lists such items in its
    dashboard.

    Raises PublicTokenError, ProviderError.
    """
    public_token_hash = hashlib.sha256(public_token.encode()).hexdigest()
    if _connection_of(entity, public_token_hash) is not None:
        return None
    name: str = settings.BANK_PROVIDER
    provider = provider_named(name)
    try:
        exchanged = provider.exchange(entity=entity, public_token=public_token)
    except ProviderError:
        # Two calls with one token at once: the one that the provider refused need not fail.
        if _connection_of(entity, public_token_hash) is not None:
            return None
        raise
    try:
        accounts = provider.accounts(exchanged.access_token)
    except ProviderError:
        _give_up(name, exchanged.access_token)
        raise
    return Arrival(name, public_token_hash, exchanged, accounts)


def store_connection(
    *, entity: Entity, public_token: str, arrival: Arrival | None, actor: Actor
) -> Connected:
    """Store what `exchange` brought, and start the first sync; in one database transaction.

    Each account gets a ledger account of its own. An item that is known already is repaired: its accounts
    stay, new ones are added, and all its lines are looked at again. An account that was connected before, and
    disconnected, goes on with its former ledger account. One of which the books can take no account at all is
    given up at once.
    """
    with atomic():
        if arrival is None:
            known = _connection_of(entity, hashlib.sha256(public_token.encode()).hexdigest())
            if known is None:
                raise ConflictError(
                    "The connection of this public token was given up; connect the bank anew."
                )
            return Connected(known, _accounts_of(known), [])
        connection, is_new = _stored(entity, arrival)
        # Of two connections that are made at once, one goes on with a former ledger account, and the other
        # one sees that it is taken.
        hold_lines(entity)
        before = {account.provider_account_id: account for account in _all_accounts_of(connection)}
        left_out = []
        for seen in arrival.accounts:
            account = before.get(seen.id)
            if account is not None:
                if not _revive(entity, account, seen, actor):
                    left_out.append((seen, "Its ledger account stands for another bank account by now."))
                continue
            ledger = ledger_in(entity, seen.currency)
            if ledger is None:
                left_out.append((seen, f"This entity keeps no books in {seen.currency}."))
                continue
            former = _former_ledger_account(entity, connection, seen)
            add_account(
                entity=entity,
                connection=connection,
                seen=seen,
                ledger=ledger if former is None else former.ledger,
                ledger_account=former,
                actor=actor,
            )
        audit.record(
            actor=actor,
            action="banking.connection.created" if is_new else "banking.connection.repaired",
            object_type="bank connection",
            object_id=connection.public_id,
            entity=entity,
            after={
                "provider": connection.provider,
                "institution_name": connection.institution_name,
                "accounts": len(arrival.accounts) - len(left_out),
            },
        )
        forget(entity)
        accounts = _accounts_of(connection)
        if accounts:
            start_sync(entity=entity, connection=connection, actor=actor)
        else:
            # Without an account there is nothing to sync, and nothing by which it could be disconnected.
            _give_up_connection(entity, connection, actor)
        return Connected(connection, accounts, left_out)


def start_sync(*, entity: Entity, connection: BankConnection, actor: Actor) -> BackgroundTask:
    """Ask for a sync of the connection; one that waits is as good, one that runs may have passed by what is
    asked for."""
    return start_task(
        entity=entity,
        name=SYNC_CONNECTION,
        arguments={"connection_id": str(connection.id)},
        key=str(connection.id),
        actor=actor,
    )


def disconnect_account(*, entity: Entity, bank_account_id: UUID, actor: Actor) -> None:
    """Take no more lines for the account; what is in the books stays. Again, it changes nothing.

    With the last account of a connection the connection goes: the provider is told in the background, and the
    token is forgotten. Raises NotFoundError.
    """
    with atomic():
        account = find_bank_account(entity, bank_account_id)
        connection = (
            BankConnection.objects.select_for_update(no_key=True).get(
                entity_id=entity.id, id=account.connection_id
            )
            if account.connection_id
            else None
        )
        changed = BankAccount.objects.filter(
            entity_id=entity.id, id=account.id, disconnected_at__isnull=True
        ).update(disconnected_at=utc_now())
        if not changed:
            return
        record_account("disconnected", account, entity, actor)
        forget(entity)
        if connection is None or connection.disconnected_at is not None or _accounts_of(connection):
            return
        _give_up_connection(entity, connection, actor)


def _give_up_connection(entity: Entity, connection: BankConnection, actor: Actor) -> None:
    """Sync a connection, which is locked, no more, and have the provider told of it in the background."""
    connection.disconnected_at = utc_now()
    connection.save(update_fields=["disconnected_at"])
    audit.record(
        actor=actor,
        action="banking.connection.disconnected",
        object_type="bank connection",
        object_id=connection.public_id,
        entity=entity,
    )
    start_task(
        entity=entity,
        name=DISCONNECT,
        arguments={"connection_id": str(connection.id)},
        key=str(connection.id),
        actor=actor,
    )


def forget_token(*, entity: Entity, connection_id: UUID) -> str:
    """Tell the provider that a disconnected connection is given up, and forget its token; safe to run twice.

    Raises ProviderDownError where the provider cannot be told just now; the token is kept until then. What
    else it says changes nothing: the token is forgotten all the same.
    """
    connection = find_connection(entity, connection_id)
    if connection.disconnected_at is None or not connection.access_token:
        return "There was nothing to do."
    message = "The bank connection was given up."
    try:
        provider_named(connection.provider).disconnect(decrypt(connection.access_token))
    except ProviderDownError:
        raise
    except ProviderError as error:
        log.warning("banking.not_disconnected", connection=connection.public_id, error=error.message)
        message = f"The provider did not confirm it: {error.message}"
    # Compared, so that a connection that was made anew meanwhile keeps its new token.
    BankConnection.objects.filter(
        entity_id=entity.id,
        id=connection.id,
        access_token=connection.access_token,
        disconnected_at__isnull=False,
    ).update(access_token="", status=ConnectionStatus.DISCONNECTED)
    return message


def mark_connection(
    *,
    entity: Entity,
    connection_id: UUID,
    status: ConnectionStatus,
    error_code: str = "",
    error_message: str = "",
    actor: Actor,
    was: Collection[ConnectionStatus] = (
        ConnectionStatus.ACTIVE,
        ConnectionStatus.LOGIN_REQUIRED,
        ConnectionStatus.FAILED,
    ),
) -> bool:
    """Say what is wrong with a connection, or that all is well again, where it is in one of the states `was`
    and not so already; returns whether it changed."""
    with atomic():
        changed = (
            BankConnection.objects.filter(
                entity_id=entity.id, id=connection_id, status__in=was, disconnected_at__isnull=True
            )
            .exclude(status=status, error_code=error_code[:100])
            .update(status=status, error_code=error_code[:100], error_message=error_message[:500])
        )
        if changed:
            audit.record(
                actor=actor,
                action="banking.connection.marked",
                object_type="bank connection",
                object_id=find_connection(entity, connection_id).public_id,
                entity=entity,
                after={"status": status.value, "error_code": error_code[:100]},
            )
    return bool(changed)


def _connection_of(entity: Entity, public_token_hash: str) -> BankConnection | None:
    return live_connections(entity).filter(public_token_hash=public_token_hash).first()


def _all_accounts_of(connection: BankConnection) -> list[BankAccount]:
    return list(
        BankAccount.objects.filter(entity_id=connection.entity_id, connection_id=connection.id).order_by(
            "created_at", "id"
        )
    )


def _accounts_of(connection: BankConnection) -> list[BankAccount]:
    return [account for account in _all_accounts_of(connection) if account.disconnected_at is None]


def _stored(entity: Entity, arrival: Arrival) -> tuple[BankConnection, bool]:
    """The connection with its new token, locked; and whether it was made now."""
    exchanged = arrival.exchanged
    # Made if it is not there, in one statement, so that two calls at once meet in one row.
    connection, is_new = BankConnection.objects.select_for_update(no_key=True).get_or_create(
        entity_id=entity.id,
        provider=arrival.provider,
        provider_item_id=exchanged.item_id,
        defaults={"id": new_id(), "created_at": utc_now(), "access_token": encrypt(exchanged.access_token)},
    )
    connection.institution_id = exchanged.institution_id[:100]
    connection.institution_name = exchanged.institution_name[:200]
    connection.access_token = encrypt(exchanged.access_token)
    connection.public_token_hash = arrival.public_token_hash
    connection.status = ConnectionStatus.ACTIVE
    connection.error_code = connection.error_message = ""
    connection.disconnected_at = None
    known = {account.provider_account_id for account in _accounts_of(connection)}
    if not {account.id for account in arrival.accounts} <= known:
        # The lines of accounts that were not taken in before were left out: read all of them again.
        connection.cursor = ""
    connection.save()
    return connection, is_new


def _revive(entity: Entity, account: BankAccount, seen: AccountSeen, actor: Actor) -> bool:
    """Take over the balances, and more lines again; returns whether that may be."""
    if account.disconnected_at is not None:
        if _is_taken(account):
            return False
        account.disconnected_at = None
        record_account("connected", account, entity, actor)
    set_balances(account, seen, utc_now())
    account.save()
    return True


def _is_taken(account: BankAccount) -> bool:
    """Whether its ledger account stands for another bank account by now."""
    return BankAccount.objects.filter(
        entity_id=account.entity_id,
        ledger_account_id=account.ledger_account_id,
        disconnected_at__isnull=True,
    ).exists()


def _former_ledger_account(entity: Entity, connection: BankConnection, seen: AccountSeen) -> Account | None:
    """The ledger account of the same account at the same bank, from when it was connected before. Its old
    lines, which come again under new ids, are then offered what they became, not booked twice."""
    if not seen.mask or not connection.institution_id:
        return None
    former = (
        BankAccount.objects.filter(
            entity_id=entity.id,
            connection__entity_id=entity.id,
            connection__institution_id=connection.institution_id,
            mask=seen.mask,
            type=seen.type,
            subtype=seen.subtype,
            currency=seen.currency,
            disconnected_at__isnull=False,
            ledger_account__entity_id=entity.id,
            ledger_account__closed_at__isnull=True,
        )
        .exclude(connection_id=connection.id)
        .select_related("ledger_account__ledger")
        .order_by("-disconnected_at")
        .first()
    )
    return former.ledger_account if former is not None and not _is_taken(former) else None


def _give_up(provider: str, access_token: str) -> None:
    """Leave no item behind that nobody knows; as far as the provider lets us."""
    try:
        provider_named(provider).disconnect(access_token)
    except ProviderError as error:
        log.warning("banking.item_left_behind", provider=provider, error=error.message)
