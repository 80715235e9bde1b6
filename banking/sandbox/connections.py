"""The banks of a made-up company: connected, with all that they have booked up to a day already read."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from banking.choices import ConnectionStatus, ProviderName
from banking.models import BankAccount, BankConnection
from banking.providers.base import AccountSeen, LineSeen
from banking.providers.sandbox import cursor_of
from banking.sandbox.feed import accounts_of, changes
from banking.sandbox.tokens import Feed
from banking.services.storing import store_lines
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.encryption import encrypt
from ledger.ids import new_id
from ledger.models import Entity, Ledger


class Booked(NamedTuple):
    """A line that a bank has booked, as it is stored."""

    id: UUID
    bank_account_id: UUID
    category: str


class Connected(NamedTuple):
    """What was made."""

    accounts: list[BankAccount]
    # The lines that wait for their links, by the bank's id of each.
    booked: dict[str, Booked]


def connect(
    *,
    entity: Entity,
    ledger: Ledger,
    feeds: Sequence[Feed],
    today: date,
    codes: dict[int, UUID],
    actor: Actor,
) -> Connected:
    """Connect the banks of `feeds`, their accounts standing on the chart's own, with their lines of up to
    `today` stored and the next sync beginning there.

    `codes` are the chart's accounts. Each line that is booked waits for its link, in the same database
    transaction.
    """
    made = Connected([], {})
    for feed in feeds:
        connection = _connection(entity, feed, today, actor)
        told = changes(feed, None, today).added
        seen = accounts_of(feed, today)
        accounts = [
            _account(one, connection, ledger, codes[kind.code(feed.industry.chart)])
            for kind, one in zip(feed.institution.kinds, seen, strict=True)
        ]
        BankAccount.objects.bulk_create(accounts)
        for account in accounts:
            made.accounts.append(account)
            lines = [line for line in told if line.account_id == account.provider_account_id]
            made.booked.update(_stored(entity, account, lines))
    return made


def _connection(entity: Entity, feed: Feed, today: date, actor: Actor) -> BankConnection:
    now = utc_now()
    connection = BankConnection.objects.create(
        id=new_id(),
        entity=entity,
        provider=ProviderName.SANDBOX,
        provider_item_id=feed.item_id,
        institution_id=feed.institution.id,
        institution_name=feed.institution.name,
        access_token=encrypt(feed.access_token()),
        cursor=cursor_of(today),
        status=ConnectionStatus.ACTIVE,
        synced_at=now,
        created_at=now,
        created_by=actor.id,
    )
    audit.record(
        actor=actor,
        action="banking.connection.created",
        object_type="bank connection",
        object_id=connection.public_id,
        entity=entity,
        after={"provider": connection.provider, "institution_name": connection.institution_name},
    )
    return connection


def _account(
    seen: AccountSeen, connection: BankConnection, ledger: Ledger, ledger_account_id: UUID
) -> BankAccount:
    return BankAccount(
        id=new_id(),
        entity_id=connection.entity_id,
        connection=connection,
        provider_account_id=seen.id,
        name=seen.name,
        official_name=seen.official_name,
        mask=seen.mask,
        type=seen.type,
        subtype=seen.subtype,
        ledger=ledger,
        ledger_account_id=ledger_account_id,
        currency=seen.currency,
        balance_current=seen.balance_current,
        balance_available=seen.balance_available,
        balance_at=connection.synced_at,
        created_at=connection.created_at,
    )


def _stored(entity: Entity, account: BankAccount, lines: list[LineSeen]) -> dict[str, Booked]:
    """Store the lines, and return those that are booked."""
    stored = store_lines(entity, account, lines)
    booked = [line for line in lines if not line.pending]
    return {
        line.id: Booked(id_, account.id, line.category)
        for line, id_ in zip(booked, stored.new_ids, strict=True)
    }
