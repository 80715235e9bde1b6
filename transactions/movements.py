"""Which transactions move an amount on an account: how what a bank says is found in the books."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from ledger.db import compact, fetch, uuid_array
from ledger.models import Entity
from transactions.category_side import Side
from transactions.choices import Status
from transactions.days import week_of

# What a bank may have seen: neither expired nor undone.
STANDING: Final = frozenset({Status.PENDING, Status.CLEARED, Status.RECONCILED, Status.POSTED})


class Movement(NamedTuple):
    """One side of a transaction: the amount enters the account (debit) or leaves it (credit)."""

    # The caller's own key of the account.
    key: UUID
    side: Side
    transaction_id: UUID
    amount: Decimal
    date: date
    description: str
    counterparty: str


def _of_side(side: Side, unless: str) -> str:
    states = ", ".join(f"'{state.value}'" for state in sorted(STANDING))
    return f"""
    SELECT a.key, '{side}', t.id, t.amount, t.date, t.description, t.counterparty
    FROM unnest(%(keys)s::uuid[], %(accounts)s::uuid[]) AS a (key, id)
    JOIN transactions_transaction t ON t.entity_id = %(entity)s::uuid AND t.{side}_account_id = a.id
        AND {week_of("t.date")} BETWEEN {week_of("%(first)s::date")} AND {week_of("%(last)s::date")}
        AND t.date BETWEEN %(first)s::date AND %(last)s::date
    WHERE (t.amount IN (SELECT m.amount FROM unnest(%(amounts)s::numeric[]) AS m (amount))) IS TRUE
        AND t.status IN ({states}) AND t.reverses_id IS NULL AND NOT ({unless})
    """


@lru_cache(maxsize=8)
def _movements(unless: str) -> str:
    # Amounts are looked up in a hash table, which IS TRUE keeps from becoming a join: in a statement that is
    # planned once for all values, PostgreSQL would walk through the whole list for every row, as with = ANY.
    return compact(f"{_of_side('debit', unless)} UNION ALL {_of_side('credit', unless)}")


def find_movements(
    entity: Entity,
    *,
    accounts: Mapping[UUID, UUID],
    amounts: Collection[Decimal],
    first: date,
    last: date,
    unless: str = "false",
) -> list[Movement]:
    """What moved exactly one of `amounts` on one of the accounts from `first` to `last`, both included, in
    no order. Expired and reversed transactions, and reversals, are left out. One query.

    `accounts` are their ids by a key of the caller's. `unless` is a condition in SQL, over the caller's own
    tables, the transaction `t`, the key `a.key` and the parameter `entity`, that leaves a transaction out.
    """
    rows = fetch(
        _movements(unless),
        {
            "entity": entity.id,
            "keys": uuid_array(accounts.keys()),
            "accounts": uuid_array(accounts.values()),
            "amounts": list(set(amounts)),
            "first": first,
            "last": last,
        },
    )
    return [Movement(*row) for row in rows]
