"""An account's ledger: its entries, newest first, with the balance after each, and what stood on it by day
and month.

The account may be several: an account with all that is below it. Amounts come out as debits less credits, so
below 0 where credits exceed. Balances are the posted ones, from the kept totals; entries are read from the
indexes by account and week, no further than the page.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.choices import Side
from ledger.db import fetch, uuid_array
from ledger.models import Entity
from transactions.choices import COUNTS_AS_POSTED, Status
from transactions.days import week_of

_EXACT: Final = Context(prec=60)
_LAST_DAY: Final = date(9999, 12, 31)
_POSTED: Final = ", ".join(f"'{status.value}'" for status in sorted(COUNTS_AS_POSTED))
_COLUMNS: Final = (
    "id, date, timestamp, description, counterparty, amount, status, reverses_id, reversed_by_id,"
    " reclassifies_id, journal_entry_id"
)
_ORDER: Final = "date DESC, timestamp DESC, id DESC"
# Where a side stands among the two entries that a transaction between accounts of the ledger makes.
_PLACES: Final = {Side.DEBIT: 0, Side.CREDIT: 1}


class Entry(NamedTuple):
    """One side of a transaction, as the account that it stands on sees it."""

    transaction_id: UUID
    date: date
    timestamp: datetime
    description: str
    counterparty: str
    amount: Decimal  # > 0
    status: Status
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    reclassifies_id: UUID | None
    journal_entry_id: UUID | None
    side: Side
    account_id: UUID
    account_name: str
    account_code: int | None
    other_id: UUID
    other_name: str
    other_code: int | None
    # What stands on the ledger after it; None for what is not posted, which changes no balance yet.
    balance: Decimal | None = None

    @property
    def is_posted(self) -> bool:
        return self.status in COUNTS_AS_POSTED

    @property
    def signed(self) -> Decimal:
        """Above 0 for a debit, below for a credit."""
        return self.amount if self.side is Side.DEBIT else -self.amount


class Position(NamedTuple):
    """Where a page ends: the sort values of its last entry."""

    date: date
    timestamp: datetime
    id: UUID
    place: int


class Sums(NamedTuple):
    """Posted and pending sums of a ledger up to a day, or of a month."""

    debits: Decimal
    credits: Decimal
    pending: Decimal  # debits less credits

    @property
    def net(self) -> Decimal:
        return _EXACT.subtract(self.debits, self.credits)


def ledger_entries(
    entity: Entity,
    account_ids: Collection[UUID],
    *,
    limit: int,
    date_from: date | None = None,
    date_to: date | None = None,
    after: Position | None = None,
    posted_only: bool = False,
) -> list[Entry]:
    """Up to `limit` entries of the accounts, newest first, those after `after`, with the balance after each.

    Days are the company's, both included. Expired transactions are left out. A transaction between two of the
    accounts makes two entries, the debit first. Two queries.
    """
    params: dict[str, Any] = {"entity": entity.id, "accounts": uuid_array(account_ids)}
    params |= {"date_from": date_from, "date_to": date_to}
    if after is not None:
        params |= {"date": after.date, "timestamp": after.timestamp, "id": after.id}
    conditions = [f"t.status IN ({_POSTED})" if posted_only else "t.status <> 'EXPIRED'"]
    if date_from is not None:
        conditions += ["t.date >= %(date_from)s::date"]
        conditions += [f"{week_of('t.date')} >= {week_of('%(date_from)s::date')}"]
    if date_to is not None:
        conditions += ["t.date <= %(date_to)s::date"]
        conditions += [f"{week_of('t.date')} <= {week_of('%(date_to)s::date')}"]
    sides = " UNION ALL ".join(_side(side, conditions, after, limit) for side in Side)
    rows = fetch(
        f"""
        SELECT e.id, e.date, e.timestamp, e.description, e.counterparty, e.amount, e.status, e.reverses_id,
            e.reversed_by_id, e.reclassifies_id, e.journal_entry_id, e.side,
            a.id, a.name, a.sub_type_code, o.id, o.name, o.sub_type_code
        FROM (
            SELECT p.* FROM unnest(%(accounts)s::uuid[]) AS of (id) CROSS JOIN LATERAL ({sides}) p
            ORDER BY {_ORDER}, place LIMIT {limit:d}
        ) e
        JOIN accounts_account a ON a.entity_id = %(entity)s::uuid AND a.id = e.account_id
        JOIN accounts_account o ON o.entity_id = %(entity)s::uuid AND o.id = e.other_id
        ORDER BY e.date DESC, e.timestamp DESC, e.id DESC, e.place
        """,
        params,
    )
    entries = [Entry(*row)._replace(side=Side(row[11]), status=Status(row[6])) for row in rows]
    return _with_balances(entity, account_ids, entries)


def _side(side: Side, conditions: Sequence[str], after: Position | None, limit: int) -> str:
    """The entries of one side of one account, from the index by account and week, cut to the page."""
    own, other = ("debit", "credit") if side is Side.DEBIT else ("credit", "debit")
    terms = ["t.entity_id = %(entity)s::uuid", f"t.{own}_account_id = of.id", *conditions]
    if after is not None:
        # The credit of the transaction whose debit ended the page is still to come.
        sign = "<=" if _PLACES[side] > after.place else "<"
        terms += [
            f"{week_of('t.date')} <= {week_of('%(date)s::date')}",
            f"(t.date, t.timestamp, t.id) {sign} (%(date)s::date, %(timestamp)s::timestamptz, %(id)s::uuid)",
        ]
    return f"""(
        SELECT {_COLUMNS}, '{side.value}' AS side, {_PLACES[side]} AS place,
            t.{own}_account_id AS account_id, t.{other}_account_id AS other_id
        FROM transactions_transaction t WHERE {" AND ".join(terms)}
        ORDER BY {week_of("t.date")} DESC, {_ORDER} LIMIT {limit:d}
    )"""


def position_of(entry: Entry) -> Position:
    """Where a page that ends with `entry` ends."""
    return Position(entry.date, entry.timestamp, entry.transaction_id, _PLACES[entry.side])


# What stood on the accounts at the end of the day of the page's first entry, less what came after that entry
# on the same day.
_BALANCE_AFTER: Final = f"""
SELECT (
    SELECT coalesce(sum(debits_posted - credits_posted), 0) FROM (
        SELECT debits_posted, credits_posted FROM accounts_accountmonth
        WHERE entity_id = %(entity)s::uuid AND account_id = ANY(%(accounts)s::uuid[])
            AND month < %(month)s::date
        UNION ALL
        SELECT debits_posted, credits_posted FROM accounts_accountday
        WHERE entity_id = %(entity)s::uuid AND account_id = ANY(%(accounts)s::uuid[])
            AND date BETWEEN %(month)s::date AND %(date)s::date
    ) kept
) - (
    SELECT coalesce(sum(amount), 0) FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.debit_account_id = ANY(%(accounts)s::uuid[])
        AND {week_of("t.date")} = {week_of("%(date)s::date")} AND t.date = %(date)s::date
        AND t.status IN ({_POSTED}) AND (t.timestamp, t.id) > (%(timestamp)s::timestamptz, %(id)s::uuid)
) + (
    SELECT coalesce(sum(amount), 0) FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.credit_account_id = ANY(%(accounts)s::uuid[])
        AND {week_of("t.date")} = {week_of("%(date)s::date")} AND t.date = %(date)s::date
        AND t.status IN ({_POSTED}) AND (t.timestamp, t.id) > (%(timestamp)s::timestamptz, %(id)s::uuid)
)
"""


def _with_balances(entity: Entity, account_ids: Collection[UUID], entries: list[Entry]) -> list[Entry]:
    """The entries with the balance after each; one query, if there are any."""
    if not entries:
        return []
    first = entries[0]
    [(balance,)] = fetch(
        _BALANCE_AFTER,
        {
            "entity": entity.id,
            "accounts": uuid_array(account_ids),
            "month": first.date.replace(day=1),
            "date": first.date,
            "timestamp": first.timestamp,
            "id": first.transaction_id,
        },
    )
    if first.side is Side.CREDIT and first.is_posted and first.other_id in set(account_ids):
        # Its debit stands before it, on the page before; the balance is the one after both.
        balance = _EXACT.subtract(balance, first.amount)
    shown = []
    for entry in entries:
        if entry.is_posted:
            shown.append(entry._replace(balance=balance))
            balance = _EXACT.subtract(balance, entry.signed)
        else:
            shown.append(entry)
    return shown


_SUMS: Final = """
SELECT coalesce(sum(s.debits_posted), 0), coalesce(sum(s.credits_posted), 0),
    coalesce(sum(s.debits_pending - s.credits_pending), 0)
FROM unnest(%(days)s::date[]) WITH ORDINALITY AS until (day, place)
LEFT JOIN LATERAL (
    SELECT debits_posted, credits_posted, debits_pending, credits_pending FROM accounts_accountmonth
    WHERE entity_id = %(entity)s::uuid AND account_id = ANY(%(accounts)s::uuid[])
        AND month < date_trunc('month', until.day::timestamp)::date
    UNION ALL
    SELECT debits_posted, credits_posted, debits_pending, credits_pending FROM accounts_accountday
    WHERE entity_id = %(entity)s::uuid AND account_id = ANY(%(accounts)s::uuid[])
        AND date BETWEEN date_trunc('month', until.day::timestamp)::date AND until.day
) s ON true
GROUP BY until.place ORDER BY until.place
"""


def sums_until(entity: Entity, account_ids: Collection[UUID], days: Sequence[date | None]) -> list[Sums]:
    """What stood on the accounts at the end of each of `days` (None: of all), in their order; one query."""
    rows = fetch(
        _SUMS,
        {
            "entity": entity.id,
            "accounts": uuid_array(account_ids),
            "days": [day or _LAST_DAY for day in days],
        },
    )
    return [Sums(*row) for row in rows]


_MONTHS: Final = """
SELECT month, sum(debits_posted), sum(credits_posted), sum(debits_pending - credits_pending)
FROM accounts_accountmonth
WHERE entity_id = %(entity)s::uuid AND account_id = ANY(%(accounts)s::uuid[]) AND month <= %(last)s::date
GROUP BY month ORDER BY month
"""


class MonthOfLedger(NamedTuple):
    """What a month changed on the accounts, and what stood on them at its end: posted debits less credits."""

    first_day: date
    change: Decimal
    balance: Decimal


def last_months(
    entity: Entity, account_ids: Collection[UUID], *, last: date, count: int = 12
) -> list[MonthOfLedger]:
    """The `count` months up to that of the day `last`, oldest first, those without entries too; one query."""
    rows = fetch(
        _MONTHS,
        {"entity": entity.id, "accounts": uuid_array(account_ids), "last": last.replace(day=1)},
    )
    changes = {month: Sums(*sums).net for month, *sums in rows}
    months = [last.replace(day=1)]
    while len(months) < count:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    balance = Decimal(0)
    for month, change in changes.items():
        if month < months[0]:
            balance = _EXACT.add(balance, change)
    found = []
    for month in months:
        change = changes.get(month, Decimal(0))
        balance = _EXACT.add(balance, change)
        found.append(MonthOfLedger(month, change, balance))
    return found
