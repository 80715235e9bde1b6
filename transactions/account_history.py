"""The transactions of one account, from the account's side."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.choices import Side
from ledger.api.pagination import NumberedPage
from ledger.db import fetch
from ledger.models import Entity
from transactions.choices import Status
from transactions.days import week_of

_FILTERS: Final = {
    "from_date": f"date >= %(from_date)s::date AND {week_of('date')} >= {week_of('%(from_date)s::date')}",
    "to_date": f"date <= %(to_date)s::date AND {week_of('date')} <= {week_of('%(to_date)s::date')}",
    "status": "status = %(status)s::text",
}
_NEWEST_FIRST: Final = f"ORDER BY {week_of('date')} DESC, date DESC, timestamp DESC, id DESC"


class Movement(NamedTuple):
    """A transaction as one of its accounts sees it."""

    id: UUID
    timestamp: datetime
    description: str
    amount: Decimal  # > 0, in `currency`
    currency: str
    # The side of the transaction on which the account stands.
    direction: Side
    status: Status
    metadata: str | None  # JSON text


def newest_movements(entity: Entity, account_id: UUID, *, limit: int) -> list[Movement]:
    """The newest `limit` transactions of the account itself, not of those below it; one query."""
    return _movements({"entity": entity.id, "account": account_id}, offset=0, limit=limit)


def account_history(
    entity: Entity,
    account_id: UUID,
    *,
    page: int,
    limit: int,
    from_date: date | None = None,
    to_date: date | None = None,
    status: Status | None = None,
) -> tuple[list[Movement], NumberedPage]:
    """A page of the transactions of the account itself, newest first, and where it stands. Two queries.

    Days are the company's, both included. An account that the company does not have has no transactions.
    """
    params: dict[str, Any] = {"entity": entity.id, "account": account_id}
    given = {"from_date": from_date, "to_date": to_date, "status": status.value if status else None}
    params |= {name: value for name, value in given.items() if value is not None}
    sides = " + ".join(
        f"(SELECT count(*) FROM transactions_transaction WHERE {_conditions(params, side)})" for side in Side
    )
    [(total,)] = fetch(f"SELECT {sides}", params)
    place = NumberedPage(total, page, limit)
    if place.offset >= total:
        return [], place
    return _movements(params, offset=place.offset, limit=limit), place


def _movements(params: dict[str, Any], *, offset: int, limit: int) -> list[Movement]:
    """Debits and credits from the two indexes by account and week, each no further than the page, merged."""
    sides = " UNION ALL ".join(
        f"""(SELECT id, timestamp, description, amount, currency, '{side.value}' AS direction, status,
            metadata, date
        FROM transactions_transaction WHERE {_conditions(params, side)}
        {_NEWEST_FIRST} LIMIT %(until)s::bigint)"""
        for side in Side
    )
    rows = fetch(
        f"SELECT * FROM ({sides}) sides {_NEWEST_FIRST} LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint",
        params | {"offset": offset, "limit": limit, "until": offset + limit},
    )
    return [Movement(*values[:-1]) for values in rows]


def _conditions(params: dict[str, Any], side: Side) -> str:
    column = "debit_account_id" if side is Side.DEBIT else "credit_account_id"
    terms = ["entity_id = %(entity)s::uuid", f"{column} = %(account)s::uuid"]
    return " AND ".join(terms + [term for name, term in _FILTERS.items() if name in params])
