"""The books month by month, as an export writes them: transactions in order, and what stands on the accounts
at each month's end, from the totals that are kept apart from the transactions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.db import fetch
from ledger.models import Entity, Ledger
from reports.exports.chart import ExportedAccount
from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED, Status
from transactions.days import hour_of, not_after, not_before

CHUNK_ROWS: Final = 1_000
_FIRST_DAY: Final = date(1, 1, 1)
_LAST_DAY: Final = date(9999, 12, 31)

_MONTHS: Final = """
SELECT date_trunc('month', date::timestamp)::date AS month, min(date), count(*)
FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid
    AND date BETWEEN %(start)s::date AND %(end)s::date AND status = ANY(%(statuses)s::text[])
GROUP BY 1 ORDER BY 1
"""

# By keyset along the index by hour; the day decides which month a row is of.
_TRANSACTIONS: Final = f"""
SELECT id, debit_account_id, credit_account_id, timestamp, created_at, posted_at, journal_entry_id,
    reverses_id, reversed_by_id, reclassifies_id, date, amount, status, source, external_id, counterparty,
    description, metadata
FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid
    AND date BETWEEN %(start)s::date AND %(end)s::date AND status = ANY(%(statuses)s::text[])
    AND {hour_of("timestamp")} >= {hour_of("%(timestamp)s::timestamptz")}
    AND {hour_of("timestamp")} < %(not_after)s::timestamptz
    AND (timestamp, id) > (%(timestamp)s::timestamptz, %(id)s::uuid)
ORDER BY {hour_of("timestamp")}, timestamp, id LIMIT %(limit)s::int
"""

_CHANGES: Final = """
SELECT t.account_id, sum(t.debits), sum(t.credits)
FROM ({sources}) t
JOIN accounts_account a ON a.entity_id = %(entity)s::uuid AND a.id = t.account_id
WHERE a.ledger_id = %(ledger)s::uuid
GROUP BY t.account_id
HAVING sum(t.debits) <> 0 OR sum(t.credits) <> 0
"""
_OF_MONTHS: Final = """
    SELECT account_id, {debits} AS debits, {credits} AS credits FROM accounts_accountmonth
    WHERE entity_id = %(entity)s::uuid AND month >= %(start)s::date AND month < %(after_months)s::date
"""
_OF_DAYS: Final = """
    SELECT account_id, {debits} AS debits, {credits} AS credits FROM accounts_accountday
    WHERE entity_id = %(entity)s::uuid AND date BETWEEN %(first_day)s::date AND %(end)s::date
"""


class ExportRow(NamedTuple):
    """A transaction as an export writes it; the columns of `_TRANSACTIONS`, in its order."""

    id: UUID
    debit_account_id: UUID
    credit_account_id: UUID
    timestamp: datetime
    created_at: datetime
    posted_at: datetime | None
    journal_entry_id: UUID | None
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    reclassifies_id: UUID | None
    date: date
    amount: Decimal
    status: Status
    source: str
    external_id: str | None
    counterparty: str
    description: str
    metadata: str | None  # JSON text


class Month(NamedTuple):
    """A month, or the part of one that the export covers."""

    start: date
    end: date
    first_used: date
    transactions: int

    @property
    def day_after(self) -> date:
        return self.end + timedelta(days=1)


class Standing(NamedTuple):
    """What stands on an account at the end of a day, debits positive."""

    account_id: UUID
    own: Decimal
    # With the accounts below it.
    inclusive: Decimal


@dataclass(frozen=True, slots=True)
class Books:
    """What is exported: a ledger of a company, its days from `start` to `end` (both included, None for all),
    posted transactions and, where `pending` says so, those that wait as well."""

    entity: Entity
    ledger: Ledger
    start: date | None = None
    end: date | None = None
    pending: bool = False

    @property
    def day_before(self) -> date:
        """The last day that is not exported; there is one only with a `start`."""
        assert self.start is not None, "an export from the beginning has no day before"
        return self.start - timedelta(days=1)

    def months(self) -> list[Month]:
        """The months in which there are transactions, oldest first; one query."""
        rows = fetch(_MONTHS, self._params(self.start or _FIRST_DAY, self.end or _LAST_DAY))
        return [
            Month(
                max(month, self.start or month),
                min(_month_end(month), self.end or _LAST_DAY),
                first_used,
                count,
            )
            for month, first_used, count in rows
        ]

    def transactions(self, month: Month) -> Iterator[ExportRow]:
        """The transactions of a month by moment; a query for each thousand."""
        params = self._params(month.start, month.end) | {
            "not_after": not_after(month.end),
            "timestamp": not_before(month.start),
            "id": UUID(int=0),
            "limit": CHUNK_ROWS,
        }
        while True:
            rows = [ExportRow(*values) for values in fetch(_TRANSACTIONS, params)]
            yield from rows
            if len(rows) < CHUNK_ROWS:
                return
            params |= {"timestamp": rows[-1].timestamp, "id": rows[-1].id}

    def changes(self, start: date | None, end: date) -> dict[UUID, Decimal]:
        """Debits - credits of the days from `start` to `end` by account, where there were any; one query.

        `start` is None for all days until `end`, else a day of the month of `end`: whole months are read as
        such, and of a month that is cut off its days.
        """
        first = start or _FIRST_DAY
        after_months = (end + timedelta(days=1)).replace(day=1)
        by_month, by_day = first.day == 1 and first < after_months, after_months <= end
        sources = " UNION ALL ".join([_OF_MONTHS] * by_month + [_OF_DAYS] * (by_day or not by_month))
        columns = {
            side: f"{side}_posted + {side}_pending" if self.pending else f"{side}_posted"
            for side in ("debits", "credits")
        }
        rows = fetch(
            _CHANGES.format(sources=sources.format(**columns)),
            {
                "entity": self.entity.id,
                "ledger": self.ledger.id,
                "start": first,
                "after_months": after_months,
                "first_day": after_months if by_month else first,
                "end": end,
            },
        )
        return {account_id: debits - credits for account_id, debits, credits in rows}

    def _params(self, start: date, end: date) -> dict[str, Any]:
        counted = COUNTS_AS_POSTED | COUNTS_AS_PENDING if self.pending else COUNTS_AS_POSTED
        return {
            "entity": self.entity.id,
            "ledger": self.ledger.id,
            "start": start,
            "end": end,
            "statuses": sorted(status.value for status in counted),
        }


class Balances:
    """Running balances of a chart, own and with what is below, in the tree of the program exported to."""

    def __init__(self, accounts: list[ExportedAccount]) -> None:
        self._above = {one.account.id: one.above_id for one in accounts}
        self._own = dict.fromkeys(self._above, Decimal(0))
        self._inclusive = dict.fromkeys(self._above, Decimal(0))

    def add(self, changes: dict[UUID, Decimal]) -> list[Standing]:
        """Add a period's changes; what then stands on the accounts that changed, in the chart's order."""
        for account_id, change in changes.items():
            self._own[account_id] += change
            above: UUID | None = account_id
            while above is not None:
                self._inclusive[above] += change
                above = self._above[above]
        return [
            Standing(account_id, self._own[account_id], self._inclusive[account_id])
            for account_id in self._above
            if account_id in changes
        ]


def _month_end(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
