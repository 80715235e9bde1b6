"""The list of transactions, newest first, by keyset: page 10,000 costs what page 1 costs."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.db import fetch, uuid_array
from ledger.models import Entity
from transactions.choices import Status
from transactions.days import hour_of, not_after, not_before, week_of
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, Row

# Each filter as SQL over `t`. `categoryId` means the side that the category stands on, which either may be.
_FILTERS: Final = {
    "status": "t.status = %(status)s::text",
    "counterparty": "t.counterparty = %(counterparty)s::text",
    "date_from": "t.date >= %(date_from)s::date",
    "date_to": "t.date <= %(date_to)s::date",
    "amount_min": "t.amount >= %(amount_min)s::numeric",
    "amount_max": "t.amount <= %(amount_max)s::numeric",
    "updated_since": "t.updated_at >= %(updated_since)s::timestamptz",
}
# What a range of days means to the indexes, by hour and by week.
_BOUNDS: Final = {
    "date_from": [
        f"{hour_of('t.timestamp')} >= %(not_before)s::timestamptz",
        f"{week_of('t.date')} >= {week_of('%(date_from)s::date')}",
    ],
    "date_to": [
        f"{hour_of('t.timestamp')} < %(not_after)s::timestamptz",
        f"{week_of('t.date')} <= {week_of('%(date_to)s::date')}",
    ],
}
_ACCOUNT_FILTERS: Final = ("account_id", "category_id")


class Position(NamedTuple):
    """Where a page ends: the sort values of its last row."""

    date: date
    timestamp: datetime
    id: UUID


def list_transactions(
    entity: Entity, *, filters: Mapping[str, Any], limit: int, after: Position | None = None
) -> list[Row]:
    """Up to `limit` transactions of `entity` that pass all `filters`, newest first, those after `after`.

    `filters` are keyed as in the request's shape, absent ones don't count; days are the company's. One
    query. Ids of accounts that the company does not have find nothing.
    """
    params: dict[str, Any] = {"entity": entity.id}
    conditions = ["t.entity_id = %(entity)s::uuid"]
    for name, condition in _FILTERS.items():
        if filters.get(name) is not None:
            conditions.append(condition)
            if name == "status" and filters[name] != Status.POSTED:
                # Said in so many words, so that PostgreSQL sees that the small index of these serves.
                conditions.append("t.status <> 'POSTED'")
            params[name] = getattr(filters[name], "value", filters[name])
    if after is not None:
        params |= after._asdict()
    if "date_from" in params:
        conditions += _BOUNDS["date_from"]
        params["not_before"] = not_before(params["date_from"])
    if "date_to" in params:
        conditions += _BOUNDS["date_to"]
        params["not_after"] = not_after(params["date_to"])
    accounts = [name for name in _ACCOUNT_FILTERS if filters.get(name) is not None]
    for name in accounts:
        params[name] = filters[name]
    if accounts:
        page, order = (
            _by_account(conditions, accounts, after, limit),
            "t.date DESC, t.timestamp DESC, t.id DESC",
        )
    else:
        page, order = _by_time(conditions, after, limit), "t.timestamp DESC, t.id DESC"
    sql = f"{SELECT_ROW} FROM ({page}) t {JOIN_ACCOUNTS} ORDER BY {order}"
    return [Row(*values) for values in fetch(sql, params)]


# The limit stands in the text: with a parameter there PostgreSQL takes a tenth of the table for the page,
# finds its general plan too dear, and plans each page anew, which takes as long as reading it. For the same
# reason the place where the page begins stands behind a SELECT: the planner, which would find few rows left
# near the end and plan for these, cannot look at it.
def _by_time(conditions: list[str], after: Position | None, limit: int) -> str:
    """The page from the index by hour."""
    if after is not None:
        conditions = [
            *conditions,
            f"{hour_of('t.timestamp')} <= (SELECT {hour_of('%(timestamp)s::timestamptz')})",
            "(t.timestamp, t.id) < (SELECT %(timestamp)s::timestamptz, %(id)s::uuid)",
        ]
    return f"""
        SELECT t.* FROM transactions_transaction t WHERE {" AND ".join(conditions)}
        ORDER BY {hour_of("t.timestamp")} DESC, t.timestamp DESC, t.id DESC LIMIT {limit:d}
    """


def _by_account(conditions: list[str], accounts: list[str], after: Position | None, limit: int) -> str:
    """The page of one account, from the two indexes by account and week: debits and credits, each cut to
    the page's length, then merged."""
    if after is not None:
        conditions = [
            *conditions,
            f"{week_of('t.date')} <= {week_of('%(date)s::date')}",
            "(t.date, t.timestamp, t.id) < (%(date)s::date, %(timestamp)s::timestamptz, %(id)s::uuid)",
        ]
    first, *others = accounts
    conditions = [
        *conditions,
        *(f"%({name})s::uuid IN (t.debit_account_id, t.credit_account_id)" for name in others),
    ]
    order = f"ORDER BY {week_of('date')} DESC, date DESC, timestamp DESC, id DESC LIMIT {limit:d}"
    sides = " UNION ALL ".join(
        f"""(SELECT t.* FROM transactions_transaction t
            WHERE {" AND ".join([*conditions, f"t.{side}_account_id = %({first})s::uuid"])} {order})"""
        for side in ("debit", "credit")
    )
    return f"SELECT * FROM ({sides}) sides {order}"


def get_transactions(entity: Entity, ids: list[UUID]) -> dict[UUID, Row]:
    """Those of the transactions that `entity` has, by id; one query."""
    rows = fetch(
        f"{SELECT_ROW} FROM transactions_transaction t {JOIN_ACCOUNTS}"
        " WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])",
        {"entity": entity.id, "ids": uuid_array(ids)},
    )
    return {values[0]: Row(*values) for values in rows}


def entity_of_transaction(transaction_id: UUID, *, developer_id: UUID) -> UUID | None:
    """Which of the developer's companies has this transaction; None where none has.

    For the one call of the API that names no company (`POST /v1/transactions/edit`).
    """
    rows = fetch(
        """
        SELECT e.id FROM ledger_entity e
        WHERE e.developer_id = %(developer)s::uuid AND EXISTS (
            SELECT FROM transactions_transaction t WHERE t.entity_id = e.id AND t.id = %(id)s::uuid
        )
        """,
        {"developer": developer_id, "id": transaction_id},
    )
    return rows[0][0] if rows else None
