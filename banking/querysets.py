"""Reads of connections, bank accounts and lines. Every one begins with the company."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.expressions import BaseExpression
from django.db.models.functions import JSONObject

from banking.choices import ConnectionStatus, SyncStatus
from banking.models import BankAccount, BankConnection, BankLine, LineLink
from ledger.choices import TaskState
from ledger.exceptions import NotFoundError
from ledger.ids import Prefix, encode_id
from ledger.models import BackgroundTask, Entity
from transactions.api.shapes import BANK_ACCOUNTS

SYNC_ALL = "banking.sync"
SYNC_CONNECTION = "banking.sync_connection"

_LINE_COLUMNS: Final = ", ".join(
    f"l.{field.column}" for field in BankLine._meta.concrete_fields if field.name != "raw"
)
# The newest lines of each bank account, of which there are few, merged: so the index by account and day
# serves the list of all lines as well.
_PAGE: Final = f"""
SELECT {_LINE_COLUMNS} FROM banking_bankaccount b
CROSS JOIN LATERAL (
    SELECT * FROM banking_bankline l
    WHERE l.entity_id = %(entity)s AND l.bank_account_id = b.id {{conditions}}
    ORDER BY l.date DESC, l.id DESC LIMIT %(limit)s
) l
WHERE b.entity_id = %(entity)s
ORDER BY l.date DESC, l.id DESC LIMIT %(limit)s
"""
_CONDITIONS: Final = {
    "bank_account_id": "AND l.bank_account_id = %(bank_account_id)s",
    "status": "AND l.status = %(status)s",
    "date_from": "AND l.date >= %(date_from)s",
    "date_to": "AND l.date <= %(date_to)s",
}


def bank_accounts(entity: Entity) -> QuerySet[BankAccount]:
    """The bank accounts that are fed, oldest first, with their connections; at most two queries."""
    return (
        BankAccount.objects.filter(entity_id=entity.id, disconnected_at__isnull=True)
        .prefetch_related(_connections(entity))
        .order_by("created_at", "id")
    )


def find_bank_account(entity: Entity, bank_account_id: UUID) -> BankAccount:
    """The bank account with its connection, disconnected or not. Raises NotFoundError alike for another's and
    for none."""
    found = (
        BankAccount.objects.filter(entity_id=entity.id, id=bank_account_id)
        .prefetch_related(_connections(entity))
        .first()
    )
    if found is None:
        raise NotFoundError(
            f"There is no bank account {encode_id(Prefix.BANK_ACCOUNT, bank_account_id)} in this entity."
        )
    return found


def find_connection(entity: Entity, connection_id: UUID) -> BankConnection:
    """The connection. Raises NotFoundError alike for another company's and for none."""
    found = BankConnection.objects.filter(entity_id=entity.id, id=connection_id).first()
    if found is None:
        raise NotFoundError(
            f"There is no bank connection {encode_id(Prefix.BANK_CONNECTION, connection_id)} in this entity."
        )
    return found


def _connections(entity: Entity) -> "Prefetch[str, QuerySet[BankConnection], str]":
    # Keys begin with the company: a join by the connection's id alone would look at every company's.
    return Prefetch("connection", BankConnection.objects.filter(entity_id=entity.id))


def live_connections(entity: Entity) -> QuerySet[BankConnection]:
    """The connections that nobody has taken away."""
    return (
        BankConnection.objects.filter(entity_id=entity.id, disconnected_at__isnull=True)
        .exclude(status=ConnectionStatus.DISCONNECTED)
        .order_by("created_at", "id")
    )


def is_known_without_banks(entity: Entity) -> bool:
    """Whether the company, as it was read, has no bank accounts; costs no query. False where that was not
    read along."""
    return getattr(entity, BANK_ACCOUNTS, None) == []


def plaid_accounts_beside() -> BaseExpression:
    """What transactions show of the bank account behind them, to be read with each company."""
    accounts = BankAccount.objects.filter(entity_id=OuterRef("pk"), disconnected_at__isnull=True).order_by(
        "id"
    )
    connection = BankConnection.objects.filter(entity_id=OuterRef("entity_id"), id=OuterRef("connection_id"))
    return ArraySubquery(
        accounts.values(
            shape=JSONObject(
                ledger_account_id="ledger_account_id",
                id="id",
                name="name",
                type="type",
                subtype="subtype",
                mask="mask",
                institution_id=Subquery(connection.values("institution_id")),
            )
        )
    )


class AccountSync(NamedTuple):
    """How far the lines of a bank account are."""

    account: BankAccount
    status: SyncStatus
    transaction_count: int
    # What is wrong with its connection, and what to do; empty where all is well.
    error: str


def sync_states(entity: Entity) -> list[AccountSync]:
    """How far the lines of each fed bank account are; four queries. One that statement files feed has no
    sync to wait for."""
    accounts = list(bank_accounts(entity))
    under_way = set(
        BackgroundTask.objects.filter(
            entity_id=entity.id,
            name__in=(SYNC_ALL, SYNC_CONNECTION),
            state__in=(TaskState.QUEUED, TaskState.RUNNING),
        ).values_list("name", "key")
    )
    counts = dict(
        LineLink.objects.filter(entity_id=entity.id)
        .order_by()
        .values_list("bank_account_id")
        .annotate(transactions=Count("id"))
    )
    is_all_under_way = any(name == SYNC_ALL for name, _ in under_way)
    states = []
    for account in accounts:
        connection = account.connection
        status = SyncStatus.COMPLETED
        if connection is not None:
            if is_all_under_way or (SYNC_CONNECTION, str(connection.id)) in under_way:
                status = SyncStatus.IN_PROGRESS
            elif connection.synced_at is None:
                status = SyncStatus.PENDING
        error = connection.error_message if connection is not None else ""
        states.append(AccountSync(account, status, counts.get(account.id, 0), error))
    return states


def bank_lines(
    entity: Entity, *, filters: Mapping[str, Any], after: tuple[date, UUID] | None, limit: int
) -> list[BankLine]:
    """Up to `limit` lines that pass all filters, newest first, those after `after`, with their links but
    without what came `raw`. Two queries, which cost the same on every page."""
    wanted = {name: filters[name] for name in _CONDITIONS if filters.get(name) is not None}
    conditions = [_CONDITIONS[name] for name in wanted]
    if after is not None:
        # The first condition lets the index begin where the page does; the second decides.
        conditions.append("AND l.date <= %(after_date)s AND (l.date, l.id) < (%(after_date)s, %(after_id)s)")
        wanted |= dict(zip(("after_date", "after_id"), after, strict=True))
    found = BankLine.objects.raw(
        _PAGE.format(conditions=" ".join(conditions)), {"entity": entity.id, "limit": limit, **wanted}
    )
    return list(found.prefetch_related(_links(entity)))


def find_line(entity: Entity, line_id: UUID) -> BankLine:
    """The line with its links. Raises NotFoundError alike for another company's and for none."""
    found = BankLine.objects.filter(entity_id=entity.id, id=line_id).prefetch_related(_links(entity)).first()
    if found is None:
        raise NotFoundError(f"There is no bank line {encode_id(Prefix.BANK_LINE, line_id)} in this entity.")
    return found


def _links(entity: Entity) -> "Prefetch[str, QuerySet[LineLink], str]":
    return Prefetch("links", LineLink.objects.filter(entity_id=entity.id))
