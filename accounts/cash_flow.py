"""Where a change of an account lands in a cash flow statement by the indirect method (ASC 230-10-45-28).

The one identity that everything here keeps: over all accounts that are not cash, credits - debits equals the
net change in cash, because every transaction has equal debits and credits. Each `CashFlowLine` therefore only
decides *where* an account's `credits - debits` is shown; what it shows elsewhere besides, it also takes away
again, so that the statement adds up for any books.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class CashFlowSection(StrEnum):
    """The parts of the statement; the values are the report's own keys."""

    OPERATING = "operatingActivities"
    INVESTING = "investingActivities"
    FINANCING = "financingActivities"


class CashFlowLine(StrEnum):
    """The treatment of an account in the cash flow statement."""

    # Cash, cash equivalents and restricted cash: what the statement explains, so no line of it
    # (ASC 230-10-45-4).
    CASH = "CASH"
    # Ordinary revenue and expense accounts: part of net income and of nothing else.
    NET_INCOME = "NET_INCOME"
    # Non-cash charges on long-lived assets: added back to net income, and taken from investing "other", where
    # the credit to the asset or to its accumulated depreciation stands.
    DEPRECIATION = "DEPRECIATION"
    # Gains, losses and write-downs of long-lived assets and investments: the cash of a disposal belongs to
    # investing as a whole (ASC 230-10-45-12), so the part in net income is moved there.
    DISPOSAL_RESULT = "DISPOSAL_RESULT"
    # Pay in shares: added back to net income, and taken from the issuance of stock, where its credit stands.
    STOCK_COMPENSATION = "STOCK_COMPENSATION"
    ACCOUNTS_RECEIVABLE = "ACCOUNTS_RECEIVABLE"
    INVENTORY = "INVENTORY"
    ACCOUNTS_PAYABLE = "ACCOUNTS_PAYABLE"
    ACCRUED_LIABILITIES = "ACCRUED_LIABILITIES"
    OTHER_OPERATING = "OTHER_OPERATING"
    FIXED_ASSETS = "FIXED_ASSETS"
    INVESTMENTS = "INVESTMENTS"
    OTHER_INVESTING = "OTHER_INVESTING"
    DEBT = "DEBT"
    STOCK = "STOCK"
    DIVIDENDS = "DIVIDENDS"
    OTHER_FINANCING = "OTHER_FINANCING"


@dataclass(frozen=True, slots=True)
class CashFlowEffect:
    """An amount in one line of the statement, positive for cash that came in; keys as in the report."""

    section: CashFlowSection
    key: str
    amount: Decimal


_OPERATING, _INVESTING, _FINANCING = (
    CashFlowSection.OPERATING,
    CashFlowSection.INVESTING,
    CashFlowSection.FINANCING,
)

# Section, key for credits (cash came in), key for debits (cash went out). Investing and financing are shown
# gross, not net (ASC 230-10-45-7, 45-26); the changes of working capital are net by their nature.
_LINES: dict[CashFlowLine, tuple[CashFlowSection, str, str]] = {
    CashFlowLine.NET_INCOME: (_OPERATING, "netIncome", "netIncome"),
    CashFlowLine.DEPRECIATION: (_OPERATING, "netIncome", "netIncome"),
    CashFlowLine.DISPOSAL_RESULT: (_OPERATING, "netIncome", "netIncome"),
    CashFlowLine.STOCK_COMPENSATION: (_OPERATING, "netIncome", "netIncome"),
    CashFlowLine.ACCOUNTS_RECEIVABLE: (
        _OPERATING,
        "changeInAccountsReceivable",
        "changeInAccountsReceivable",
    ),
    CashFlowLine.INVENTORY: (_OPERATING, "changeInInventory", "changeInInventory"),
    CashFlowLine.ACCOUNTS_PAYABLE: (_OPERATING, "changeInAccountsPayable", "changeInAccountsPayable"),
    CashFlowLine.ACCRUED_LIABILITIES: (
        _OPERATING,
        "changeInAccruedLiabilities",
        "changeInAccruedLiabilities",
    ),
    CashFlowLine.OTHER_OPERATING: (_OPERATING, "other", "other"),
    # The statement has no line for disposals of fixed assets: the proceeds are investing "other".
    CashFlowLine.FIXED_ASSETS: (_INVESTING, "other", "purchaseOfFixedAssets"),
    CashFlowLine.INVESTMENTS: (_INVESTING, "saleOfInvestments", "purchaseOfInvestments"),
    CashFlowLine.OTHER_INVESTING: (_INVESTING, "other", "other"),
    CashFlowLine.DEBT: (_FINANCING, "proceedsFromDebt", "repaymentOfDebt"),
    # Buying back own shares and returning capital is not a negative issuance.
    CashFlowLine.STOCK: (_FINANCING, "issuanceOfStock", "other"),
    CashFlowLine.DIVIDENDS: (_FINANCING, "dividendsPaid", "dividendsPaid"),
    CashFlowLine.OTHER_FINANCING: (_FINANCING, "other", "other"),
}

# What is in net income without having moved cash there: the line that adds it back, and the line that holds
# the other half of the same entry and gives it up.
_MOVED_OUT_OF_NET_INCOME: dict[CashFlowLine, tuple[str, CashFlowSection, str]] = {
    CashFlowLine.DEPRECIATION: ("depreciation", _INVESTING, "other"),
    CashFlowLine.DISPOSAL_RESULT: ("other", _INVESTING, "other"),
    CashFlowLine.STOCK_COMPENSATION: ("other", _FINANCING, "issuanceOfStock"),
}


def cash_flow_effects(line: CashFlowLine, *, debits: Decimal, credits: Decimal) -> Iterator[CashFlowEffect]:
    """The amounts that an account's debits and credits of a period put into the cash flow statement.

    `debits` and `credits` are the period's sums on the account, both >= 0. The amounts add up to
    `credits - debits`; for cash accounts there are none. Added up over all accounts they give the net change
    in cash. A purchase wholly paid by a loan appears as a purchase and as proceeds, because sums of accounts
    do not know what stood opposite (ASC 230-10-50-3 asks for such entries to be disclosed besides).
    """
    if line is CashFlowLine.CASH:
        return
    section, credit_key, debit_key = _LINES[line]
    if credit_key == debit_key:
        yield CashFlowEffect(section, credit_key, credits - debits)
    else:
        yield CashFlowEffect(section, credit_key, credits)
        yield CashFlowEffect(section, debit_key, -debits)
    if line in _MOVED_OUT_OF_NET_INCOME:
        added_back_as, other_section, other_key = _MOVED_OUT_OF_NET_INCOME[line]
        yield CashFlowEffect(_OPERATING, added_back_as, debits - credits)
        yield CashFlowEffect(other_section, other_key, credits - debits)
