"""The books by month: what each month changed in cash, and the transactions of one month."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from accounts.financial_types import FINANCIAL_TYPES, is_cash
from ledger.db import fetch
from ledger.models import Entity
from transactions.days import hour_of, not_after, not_before
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, Row

# How many there are stands nowhere but in the transactions themselves: the totals by day and month hold sums,
# and no index has the day alone. So the company's rows are read through, once, and put together by day, which
# takes a fraction of the time of doing so by month.
_COUNTS: Final = """
SELECT date_trunc('month', day)::date AS month, sum(transactions)::bigint
FROM (
    SELECT date::timestamp AS day, count(*) AS transactions
    FROM transactions_transaction WHERE entity_id = %(entity)s::uuid GROUP BY date
) days
GROUP BY 1 ORDER BY 1 DESC
"""

_CASH_CHANGES: Final = """
SELECT m.month, sum(m.debits_pending + m.debits_posted - m.credits_pending - m.credits_posted)
FROM accounts_account a
JOIN accounts_accountmonth m ON m.entity_id = a.entity_id AND m.account_id = a.id
WHERE a.entity_id = %(entity)s::uuid AND a.financial_type = ANY(%(cash)s::text[])
    AND a.currency = %(currency)s::text
GROUP BY m.month
"""

_OF_MONTH: Final = f"""
{SELECT_ROW} FROM (
    SELECT * FROM transactions_transaction
    WHERE entity_id = %(entity)s::uuid AND date BETWEEN %(first)s::date AND %(last)s::date
        AND {hour_of("timestamp")} >= %(not_before)s::timestamptz
        AND {hour_of("timestamp")} < %(not_after)s::timestamptz
        AND (%(timestamp)s::timestamptz IS NULL
            OR (timestamp, id) < (%(timestamp)s::timestamptz, %(id)s::uuid))
    ORDER BY {hour_of("timestamp")} DESC, timestamp DESC, id DESC LIMIT %(limit)s::int
) t {JOIN_ACCOUNTS}
ORDER BY t.timestamp DESC, t.id DESC
"""

_CASH_TYPES: Final = [code for code in FINANCIAL_TYPES if is_cash(code)]


class BankAccountChange(NamedTuple):
    """What a month changed in one bank account."""

    id: str
    name: str
    mask: str | None
    delta: Decimal


class Month(NamedTuple):
    """One month in which the company has transactions."""

    first_day: date
    transaction_count: int
    # What cash rose by (below 0: fell), pending and posted, in the company's default currency.
    delta: Decimal
    bank_accounts: list[BankAccountChange]


class Position(NamedTuple):
    """Where a page ends: the sort values of its last row."""

    timestamp: datetime
    id: UUID


Breakdown = Callable[[Entity], Mapping[date, list[BankAccountChange]]]
_breakdowns: list[Breakdown] = []


def register_breakdown(breakdown: Breakdown) -> None:
    """Let an app above say what each month changed in each bank account, by the months' first days."""
    _breakdowns.append(breakdown)


def list_months(entity: Entity) -> list[Month]:
    """The months in which `entity` has transactions, newest first.

    Every transaction counts, of whatever state and currency. What cash changed by comes from the accounts'
    monthly totals, where expired transactions do not count. Two queries, beside those of the breakdowns; the
    first one's cost grows with the number of transactions (`list_month`'s does not).
    """
    counts = fetch(_COUNTS, {"entity": entity.id})
    changes: dict[date, Decimal] = dict(
        fetch(_CASH_CHANGES, {"entity": entity.id, "cash": _CASH_TYPES, "currency": entity.default_currency})
    )
    bank_accounts: defaultdict[date, list[BankAccountChange]] = defaultdict(list)
    for breakdown in _breakdowns:
        for month, found in breakdown(entity).items():
            bank_accounts[month] += found
    return [
        Month(month, count, changes.get(month, Decimal(0)), bank_accounts[month]) for month, count in counts
    ]


def list_month(
    entity: Entity, *, year: int, month: int, limit: int, after: Position | None = None
) -> list[Row]:
    """Up to `limit` transactions of one month, newest first, those after `after`. One query."""
    first = date(year, month, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    until = not_after(last)
    params = {
        "entity": entity.id,
        "first": first,
        "last": last,
        "not_before": not_before(first),
        # The index is entered where the page begins.
        "not_after": until if after is None else min(until, after.timestamp + timedelta(microseconds=1)),
        "timestamp": after.timestamp if after else None,
        "id": after.id if after else None,
        "limit": limit,
    }
    return [Row(*values) for values in fetch(_OF_MONTH, params)]
