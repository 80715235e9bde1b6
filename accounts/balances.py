"""Balances of accounts, from the totals that the posting engine keeps: never by adding up transactions.

Each read is a prepared statement or two, and reads the totals by the beginning of their primary keys: what
it costs depends on how many accounts stand below the one asked for, and in how many months these were used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from functools import reduce
from typing import Final, NamedTuple
from uuid import UUID

from accounts.choices import AccountType, Side
from accounts.financial_types import FINANCIAL_TYPES
from ledger.db import fetch, uuid_array

_ZERO: Final = Decimal(0)
# Sums of many amounts may have more digits than the 28 that Python keeps by itself.
_EXACT: Final = Context(prec=60)


class Sums(NamedTuple):
    """What stands on the two sides of an account; all >= 0."""

    debits_pending: Decimal
    debits_posted: Decimal
    credits_pending: Decimal
    credits_posted: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """The sums of an account, and the side on which it grows."""

    account_id: UUID
    normal_side: Side
    sums: Sums

    @property
    def net(self) -> Decimal:
        """The posted balance on the account's normal side: positive as long as it grew."""
        debits, credits = self.sums.debits_posted, self.sums.credits_posted
        return (
            _EXACT.subtract(debits, credits)
            if self.normal_side is Side.DEBIT
            else _EXACT.subtract(credits, debits)
        )


@dataclass(frozen=True, slots=True)
class BalanceWithChildren:
    """The balance of an account with all that is below it, and of each direct child with all below that.

    Without the children's part asked for, `children` is empty and `total` is the account's own.
    """

    currency: str
    total: Balance
    children: tuple[Balance, ...]


def normal_side(type_: str, financial_type: str | None) -> Side:
    """The side on which an account grows: its financial type's (contra accounts), else its type's."""
    known = FINANCIAL_TYPES.get(financial_type or "")
    return known.normal_side if known else AccountType(type_).normal_side


_SUMS: Final = "sum(debits_pending), sum(debits_posted), sum(credits_pending), sum(credits_posted)"
_COLUMNS: Final = "debits_pending, debits_posted, credits_pending, credits_posted"

_OF_ALL_DAYS: Final = f"""
    SELECT {_COLUMNS} FROM accounts_accountbalance
    WHERE entity_id = %(entity)s::uuid AND account_id = of.id
"""
# Whole months, and the days of the month that is cut off.
_UP_TO_A_DAY: Final = f"""
    SELECT {_COLUMNS} FROM accounts_accountmonth
    WHERE entity_id = %(entity)s::uuid AND account_id = of.id AND month < %(month)s::date
    UNION ALL
    SELECT {_COLUMNS} FROM accounts_accountday
    WHERE entity_id = %(entity)s::uuid AND account_id = of.id
        AND date BETWEEN %(month)s::date AND %(day)s::date
"""


# A sum in a subquery of its own keeps the planner from joining the whole table with the tree: it looks up
# each account by the beginning of the primary key, whatever it believes about the size of the tree.
def _of_one(rows: str) -> str:
    return f"""
    SELECT of.id, of.type, of.financial_type, of.currency, totals.*, EXISTS (
        SELECT FROM accounts_account child WHERE child.entity_id = of.entity_id AND child.parent_id = of.id
    )
    FROM accounts_account of
    LEFT JOIN LATERAL (SELECT {_SUMS} FROM ({rows}) one) totals ON true
    WHERE of.entity_id = %(entity)s::uuid AND of.id = %(account)s::uuid
    """


# `branch` is the direct child that an account is or stands below, or the account itself at the top; its
# columns come along, so that nothing is looked up twice. The first row of the answer is the account itself,
# then come its children in the order of the chart.
def _of_subtree(rows: str) -> str:
    return f"""
    WITH RECURSIVE of AS (
        SELECT id, true AS is_root, id AS branch, type, financial_type, currency, sub_type_code, name
        FROM accounts_account WHERE entity_id = %(entity)s::uuid AND id = %(account)s::uuid
        UNION ALL
        SELECT a.id, false,
            CASE WHEN of.is_root THEN a.id ELSE of.branch END,
            a.type,
            CASE WHEN of.is_root THEN a.financial_type ELSE of.financial_type END,
            a.currency,
            CASE WHEN of.is_root THEN a.sub_type_code ELSE of.sub_type_code END,
            CASE WHEN of.is_root THEN a.name ELSE of.name END
        FROM of JOIN accounts_account a ON a.entity_id = %(entity)s::uuid AND a.parent_id = of.id
    )
    SELECT of.branch, of.type, of.financial_type, of.currency, sum(t.dp), sum(t.d), sum(t.cp), sum(t.c)
    FROM of LEFT JOIN LATERAL (SELECT {_SUMS} FROM ({rows}) one) AS t (dp, d, cp, c) ON true
    GROUP BY of.is_root, of.branch, of.type, of.financial_type, of.currency, of.sub_type_code, of.name
    ORDER BY of.is_root DESC, of.sub_type_code, of.name, of.branch
    """


_STATEMENTS: Final = {
    # with children, as of a day
    (False, False): _of_one(_OF_ALL_DAYS),
    (False, True): _of_one(_UP_TO_A_DAY),
    (True, False): _of_subtree(_OF_ALL_DAYS),
    (True, True): _of_subtree(_UP_TO_A_DAY),
}


def account_balance(
    entity_id: UUID, account_id: UUID, *, as_of: date | None = None, with_children: bool = True
) -> BalanceWithChildren | None:
    """Return an account's balance as of the end of a day, or of everything recorded; None for no account.

    `as_of` is a day in the company's time zone. With children, the balance includes all accounts below,
    and the direct children are listed in the order of the chart, each with its own subtree. One query, and
    a second one where there are children to include: most accounts have none, and walking a tree costs more
    than reading one account.
    """
    params: dict[str, object] = {"entity": entity_id, "account": account_id}
    if as_of is not None:
        params |= {"day": as_of, "month": as_of.replace(day=1)}
    rows = fetch(_STATEMENTS[False, as_of is not None], params)
    has_children = bool(rows) and rows[0][8]
    if with_children and has_children:
        # Whoever moved the children away meanwhile changes nothing: this answer is whole by itself.
        rows = fetch(_STATEMENTS[True, as_of is not None], params)
    if not rows:
        return None
    balances = [
        Balance(row[0], normal_side(row[1], row[2]), Sums(*[value or _ZERO for value in row[4:8]]))
        for row in rows
    ]
    root, *children = balances
    if children:
        columns = zip(*(one.sums for one in balances), strict=True)
        sums = Sums(*(reduce(_EXACT.add, column) for column in columns))
        root = Balance(root.account_id, root.normal_side, sums)
    return BalanceWithChildren(rows[0][3], root, tuple(children))


_NET_DEBITS: Final = """
SELECT coalesce(one.net, 0)
FROM unnest(%(accounts)s::uuid[], %(days)s::date[]) WITH ORDINALITY AS wanted (id, day, place)
LEFT JOIN LATERAL (
    SELECT sum(debits_pending + debits_posted - credits_pending - credits_posted) AS net FROM (
        SELECT debits_pending, debits_posted, credits_pending, credits_posted FROM accounts_accountmonth
        WHERE entity_id = %(entity)s::uuid AND account_id = wanted.id
            AND month < date_trunc('month', wanted.day::timestamp)::date
        UNION ALL
        SELECT debits_pending, debits_posted, credits_pending, credits_posted FROM accounts_accountday
        WHERE entity_id = %(entity)s::uuid AND account_id = wanted.id
            AND date BETWEEN date_trunc('month', wanted.day::timestamp)::date AND wanted.day
    ) rows
) one ON true
ORDER BY wanted.place
"""


def net_debits_of(entity_id: UUID, wanted: Sequence[tuple[UUID, date]]) -> list[Decimal]:
    """What debits of accounts exceed credits by, pending and posted, at the end of a day each; below 0 where
    credits exceed. In the order of `wanted`, zero for an unknown account, without children. One query."""
    rows = fetch(
        _NET_DEBITS,
        {
            "entity": entity_id,
            "accounts": uuid_array(account_id for account_id, _ in wanted),
            "days": [day for _, day in wanted],
        },
    )
    return [row[0] for row in rows]
