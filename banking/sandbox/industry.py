"""What a kind of business looks like in its books: the tables that the files in `industries/` fill in.

Accounts are the codes of the industry's chart template. Amounts are whole units of the company's currency.
Descriptions are written as banks write them: `{n}` becomes four digits, `{ref}` six letters and digits.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from ledger.choices import EntityType


@dataclass(frozen=True, slots=True)
class Chart:
    """Where the things that every company has stand in the chart; the defaults suit most templates."""

    checking: int = 1010
    savings: int = 1020
    receivable: int = 1100
    prepaid: int = 1300
    equipment: int = 1510
    accumulated_depreciation: int = 1590
    payable: int = 2010
    card: int = 2020
    payroll_liabilities: int = 2110
    loan: int = 2510
    capital: int = 3010
    payroll_taxes: int = 6020
    insurance: int = 6410
    bank_fees: int = 6600
    depreciation: int = 6800
    interest: int = 8010
    # None where such a company has none of it.
    sales_tax: int | None = None
    income_tax: int | None = 8900
    inventory: int | None = None
    cost_of_goods: int | None = None
    draws: int | None = None
    interest_income: int | None = None


@dataclass(frozen=True, slots=True)
class CardSales:
    """Customers who pay by card: what was sold in some days, and its payout two days later, less the fee."""

    income: int
    clearing: int
    fees: int
    # What is sold between two payouts.
    least: int
    most: int
    sale: str
    payout: str
    fee_per_mille: int = 29
    # How many there are in a month.
    payouts: int = 4


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer, or a funder, who gets an invoice in most months and pays some weeks later."""

    name: str
    income: int
    least: int
    most: int
    payment: str
    # How likely there is an invoice in a month.
    percent: int = 100


class Held(Enum):
    """What a card first holds for a purchase, until the shop sends the amount that counts."""

    SAME = auto()
    # A restaurant holds the bill; the tip comes on top.
    WITHOUT_TIP = auto()
    # A pump holds a round sum before anybody knows how much is filled in.
    ROUND_SUM = auto()


@dataclass(frozen=True, slots=True)
class Spending:
    """Something that is bought again and again, each time for an amount between two bounds."""

    account: int
    description: str
    least: int
    most: int
    times_a_month: int = 1
    # A fixed day for what is paid by standing order; else any.
    day: int | None = None
    # Where it is paid by card.
    held: Held = Held.SAME


@dataclass(frozen=True, slots=True)
class Industry:
    """A kind of business."""

    id: str
    title: str
    # Other words that people use for it.
    also: frozenset[str]
    template_id: str
    entity_type: EntityType
    chart: Chart
    rent: Spending
    # Gross pay of a month, by account.
    salaries: tuple[tuple[int, int], ...]
    card_sales: tuple[CardSales, ...]
    customers: tuple[Customer, ...]
    # On the company's credit card.
    on_card: tuple[Spending, ...]
    # Straight from the checking account.
    by_bank: tuple[Spending, ...]
    # On an invoice of the supplier, paid some weeks later.
    bills: tuple[Spending, ...]
    opening_cash: int
    opening_savings: int
    equipment: int
    loan: int
    premium: int = 4_800
    # Added to card sales, and owed to the state.
    sales_tax_per_mille: int = 0
    # What the goods have cost that were sold by card.
    cost_per_mille: int = 0
    quarterly_income_tax: int = 0
    monthly_draw: int = 0
    # Put aside each month, beside what is left over.
    monthly_saving: int = 1_000
    suppliers_of_goods: tuple[str, ...] = field(default=())
