"""The chart of accounts as a tree with what stands on each account, as an accountant reads it.

Amounts are on the side of the account's *type*: a contra account, as accumulated depreciation, is negative
there, so that an account and all below it add up, and a type's accounts to its total.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal
from typing import Final
from uuid import UUID

from accounts.choices import AccountType, Side
from accounts.financial_types import FINANCIAL_TYPES
from ledger.db import fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger

_ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=60)
TYPE_NAMES: Final = {
    AccountType.ASSET: "Assets",
    AccountType.LIABILITY: "Liabilities",
    AccountType.EQUITY: "Equity",
    AccountType.REVENUE: "Revenue",
    AccountType.EXPENSE: "Expenses",
}

# The live balances of all accounts in one pass over the slots, beside the chart; no look at transactions.
_CHART: Final = """
SELECT a.id, a.parent_id, a.name, a.type, a.financial_type, a.sub_type_code, a.role, a.closed_at,
    coalesce(a.metadata->>'description', ''), coalesce(b.posted, 0), coalesce(b.pending, 0)
FROM accounts_account a
LEFT JOIN (
    SELECT account_id, sum(debits_posted - credits_posted) AS posted,
        sum(debits_pending - credits_pending) AS pending
    FROM accounts_accountbalance WHERE entity_id = %(entity)s::uuid GROUP BY account_id
) b ON b.account_id = a.id
WHERE a.entity_id = %(entity)s::uuid AND a.ledger_id = %(ledger)s::uuid
ORDER BY a.sub_type_code, a.name, a.id
"""


@dataclass(slots=True)
class ChartAccount:
    """One line of the chart. `own` and `own_pending` are of the account itself, `total` and `total_pending`
    of it and all below it."""

    id: UUID
    parent_id: UUID | None
    name: str
    type: AccountType
    financial_type: str | None
    code: int | None
    role: str | None
    closed_at: datetime | None
    description: str
    own: Decimal
    own_pending: Decimal
    total: Decimal = _ZERO
    total_pending: Decimal = _ZERO
    # 1 at the top level.
    depth: int = 1
    children: list["ChartAccount"] = field(default_factory=list)
    # An open one stands below it, so that it cannot be left out where closed ones are.
    holds_open: bool = False

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.ACCOUNT, self.id)

    @property
    def parent_public_id(self) -> str:
        return encode_id(Prefix.ACCOUNT, self.parent_id) if self.parent_id is not None else ""

    @property
    def label(self) -> str:
        """Code and name, as `Account` says it."""
        return f"{self.code} {self.name}" if self.code is not None else self.name

    @property
    def use(self) -> str:
        """What its financial type is called."""
        known = FINANCIAL_TYPES.get(self.financial_type or "")
        return known.label if known else ""

    @property
    def is_contra(self) -> bool:
        """Whether it reduces the accounts of its type."""
        known = FINANCIAL_TYPES.get(self.financial_type or "")
        return known is not None and known.is_contra

    @property
    def is_retired(self) -> bool:
        """Closed, with nothing open below: what a chart leaves out unless asked."""
        return self.closed_at is not None and not self.holds_open


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """The accounts of one type, each followed by what is below it."""

    type: AccountType
    accounts: tuple[ChartAccount, ...]
    total: Decimal
    pending: Decimal

    @property
    def name(self) -> str:
        return TYPE_NAMES[self.type]


def read_chart(entity: Entity, ledger: Ledger) -> tuple[ChartGroup, ...]:
    """Return the chart of a ledger by type, in the order of the statements, with live balances; one query.

    Posted balances and pending ones are apart. A type without accounts has an empty group.
    """
    rows = fetch(_CHART, {"entity": entity.id, "ledger": ledger.id})
    accounts = [_account(row) for row in rows]
    by_id = {account.id: account for account in accounts}
    tops: dict[AccountType, list[ChartAccount]] = {type_: [] for type_ in AccountType}
    for account in accounts:
        if account.parent_id is None:
            tops[account.type].append(account)
        else:
            by_id[account.parent_id].children.append(account)
    groups = []
    for type_, roots in tops.items():
        lines = tuple(_walk(roots))
        # Parents stand before their children: backwards, each is whole before it is added to the one above.
        for account in reversed(lines):
            account.total = _sum([account.own, *(child.total for child in account.children)])
            account.total_pending = _sum(
                [account.own_pending, *(child.total_pending for child in account.children)]
            )
            account.holds_open = any(not child.is_retired for child in account.children)
        groups.append(
            ChartGroup(
                type_,
                lines,
                _sum([root.total for root in roots]),
                _sum([root.total_pending for root in roots]),
            )
        )
    return tuple(groups)


def _account(row: tuple[object, ...]) -> ChartAccount:
    account = ChartAccount(*row)  # type: ignore[arg-type]
    account.type = AccountType(account.type)
    if account.type.normal_side is Side.CREDIT:
        account.own, account.own_pending = _EXACT.minus(account.own), _EXACT.minus(account.own_pending)
    return account


def _walk(roots: Sequence[ChartAccount]) -> Iterator[ChartAccount]:
    waiting = list(reversed(roots))
    while waiting:
        account = waiting.pop()
        for child in reversed(account.children):
            child.depth = account.depth + 1
            waiting.append(child)
        yield account


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    total = _ZERO
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total
