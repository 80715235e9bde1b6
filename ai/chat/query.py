"""What somebody asks, as a typed query: the only thing that a question, read by whatever means, can become.

It names no company: that one is given by the server to whoever executes the query.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from accounts.choices import AccountType
from transactions.choices import Status
from transactions.selections import Flow, Grouping

LIMIT_MAX: Final = 50
ACCOUNTS_MAX: Final = 100
COUNTERPARTIES_MAX: Final = 500


class Measure(StrEnum):
    """What is to be computed."""

    # Of transactions.
    SUM = "sum"
    COUNT = "count"
    AVERAGE = "average"
    LARGEST = "largest"
    SMALLEST = "smallest"
    LIST = "list"
    # Of accounts, at the end of a day.
    BALANCE = "balance"
    # Lines of the statements. Those of the income statement are of a period, the others at its end.
    PROFIT = "profit"
    GROSS_PROFIT = "gross_profit"
    OPERATING_INCOME = "operating_income"
    REVENUE = "revenue"
    EXPENSES = "expenses"
    CASH_CHANGE = "cash_change"
    CASH = "cash"
    ASSETS = "assets"
    LIABILITIES = "liabilities"
    EQUITY = "equity"


OF_A_DAY: Final = frozenset(
    {Measure.BALANCE, Measure.CASH, Measure.ASSETS, Measure.LIABILITIES, Measure.EQUITY}
)
OF_STATEMENTS: Final = frozenset(
    {
        Measure.PROFIT,
        Measure.GROSS_PROFIT,
        Measure.OPERATING_INCOME,
        Measure.REVENUE,
        Measure.EXPENSES,
        Measure.CASH_CHANGE,
        Measure.CASH,
        Measure.ASSETS,
        Measure.LIABILITIES,
        Measure.EQUITY,
    }
)
OF_TRANSACTIONS: Final = frozenset(
    {Measure.SUM, Measure.COUNT, Measure.AVERAGE, Measure.LARGEST, Measure.SMALLEST, Measure.LIST}
)


class Compare(StrEnum):
    """What the period is compared with: the one before it, the same days a year before, or one that is
    named."""

    PREVIOUS = "previous"
    YEAR = "year"
    GIVEN = "given"


class Rank(StrEnum):
    """Which groups come first: those with the most, or with the least."""

    HIGHEST = "highest"
    LOWEST = "lowest"


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both included. Without a start it is everything until the end, and the other way round."""

    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class AmountRange:
    """Bounds of the amount of each transaction, of which the lower and the upper one may be excluded."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_excluded: bool = False
    high_excluded: bool = False


@dataclass(frozen=True, slots=True)
class ChatQuery:
    """A question. What is None or empty does not narrow.

    `account_ids` mean these accounts and all below them. `counterparties` are exact names. `limit` is how
    many transactions or groups are wanted.
    """

    measure: Measure = Measure.LIST
    period: Span | None = None
    account_ids: tuple[UUID, ...] = ()
    account_type: AccountType | None = None
    flow: Flow | None = None
    counterparties: tuple[str, ...] = ()
    amount: AmountRange | None = None
    text: str = ""
    statuses: frozenset[Status] = frozenset()
    uncategorized: bool = False
    group_by: Grouping | None = None
    rank: Rank | None = None
    compare: Compare | None = None
    compare_with: Span | None = None
    limit: int | None = None

    @property
    def narrows_transactions(self) -> bool:
        """Whether it asks for some transactions only, which no statement knows."""
        return bool(
            self.account_ids
            or self.flow
            or self.counterparties
            or self.amount
            or self.text
            or self.uncategorized
            or self.statuses - {Status.POSTED}
        )
