"""The trial balance: what stands on every account, debits beside credits, from the kept totals."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from ledger.db import fetch
from ledger.models import Entity, Ledger

PATH_SEPARATOR: Final = ":"

# Whole months, and the days of the month that is cut off. An account that was never used is left out.
_BALANCES: Final = """
WITH RECURSIVE chart AS (
    SELECT id, name::text AS path, sub_type_code, type FROM accounts_account
    WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid AND parent_id IS NULL
    UNION ALL
    SELECT a.id, chart.path || %(separator)s || a.name, a.sub_type_code, a.type
    FROM chart JOIN accounts_account a ON a.entity_id = %(entity)s::uuid AND a.parent_id = chart.id
), totals AS (
    SELECT account_id, debits_posted, credits_posted, debits_pending, credits_pending
    FROM accounts_accountmonth
    WHERE entity_id = %(entity)s::uuid AND month < %(month)s::date
    UNION ALL
    SELECT account_id, debits_posted, credits_posted, debits_pending, credits_pending
    FROM accounts_accountday
    WHERE entity_id = %(entity)s::uuid AND date BETWEEN %(month)s::date AND %(day)s::date
), sums AS (
    SELECT account_id,
        sum(debits_posted) + CASE WHEN %(pending)s::boolean THEN sum(debits_pending) ELSE 0 END AS debits,
        sum(credits_posted) + CASE WHEN %(pending)s::boolean THEN sum(credits_pending) ELSE 0 END AS credits
    FROM totals GROUP BY account_id
)
SELECT chart.id, chart.path, chart.sub_type_code, chart.type, sums.debits - sums.credits
FROM sums JOIN chart ON chart.id = sums.account_id
WHERE sums.debits <> 0 OR sums.credits <> 0
ORDER BY chart.sub_type_code, chart.path, chart.id
"""
_LAST_DAY: Final = date(9999, 12, 31)


class TrialBalanceLine(NamedTuple):
    """What stands on an account: its balance on the side where it has one; the other side is zero."""

    account_id: UUID
    # Names from the top of the chart down, as "assets:bank:checking".
    path: str
    code: int | None
    type: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The accounts of a ledger that were ever used, by code and path, and what both columns add up to."""

    lines: tuple[TrialBalanceLine, ...]
    total_debits: Decimal
    total_credits: Decimal

    @property
    def is_balanced(self) -> bool:
        """Debits equal credits, as they must in every books kept by double entry."""
        return self.total_debits == self.total_credits


def trial_balance(
    *, entity: Entity, ledger: Ledger, as_of: date | None = None, pending: bool = False
) -> TrialBalance:
    """Return the trial balance of `ledger` at the end of the day `as_of`, or of everything recorded.

    Posted transactions count, and pending ones too where `pending` is True. One query, whose cost grows with
    the number of accounts and of months, not of transactions.
    """
    day = as_of or _LAST_DAY
    rows = fetch(
        _BALANCES,
        {
            "entity": entity.id,
            "ledger": ledger.id,
            "separator": PATH_SEPARATOR,
            "month": day.replace(day=1),
            "day": day,
            "pending": pending,
        },
    )
    zero = Decimal(0)
    lines = tuple(
        TrialBalanceLine(account_id, path, code, type_, max(net, zero), max(-net, zero))
        for account_id, path, code, type_, net in rows
    )
    return TrialBalance(
        lines, sum((line.debit for line in lines), zero), sum((line.credit for line in lines), zero)
    )
