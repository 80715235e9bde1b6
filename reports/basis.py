"""The two bases of accounting, and what the cash basis takes off the books.

Books are kept by accrual. For a company whose accounting method is CASH the statements are converted the
textbook way, from totals (AICPA, *Accounting and Financial Reporting Guide for Cash- and Tax-Basis
Financial Statements*; IRC §446(c)(1)): an account that only says "earned, not received" or "owed, not paid"
leaves the balance sheet, and its change becomes a line of the earnings. Every such account is listed here;
docs/reports.md says why the others stay.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from accounts.choices import AccountType, Side
from accounts.financial_types import FinancialType, IncomeSection
from ledger.choices import AccountingMethod

Basis = AccountingMethod


@dataclass(frozen=True, slots=True)
class Conversion:
    """Where the change of an account that the cash basis does not know goes on the income statement.

    `side` is REVENUE where it changes what was earned into what was received, EXPENSE where it changes what
    was incurred into what was paid.
    """

    side: AccountType
    section: IncomeSection


_RECEIVED: Final = Conversion(AccountType.REVENUE, IncomeSection.REVENUE)
_PAID: Final = Conversion(AccountType.EXPENSE, IncomeSection.OPERATING)
_TAX_PAID: Final = Conversion(AccountType.EXPENSE, IncomeSection.TAX)

CONVERSIONS: Final[dict[str, Conversion]] = {
    # Earned and not received.
    "ACCOUNTS_RECEIVABLE": _RECEIVED,
    "PLEDGES_RECEIVABLE": _RECEIVED,
    "UNBILLED_RECEIVABLES": _RECEIVED,
    "OTHER_RECEIVABLES": Conversion(AccountType.REVENUE, IncomeSection.OTHER),
    # With the bad debts that made it.
    "ALLOWANCE_FOR_DOUBTFUL_ACCOUNTS": _PAID,
    # Received and not earned.
    "DEFERRED_REVENUE": _RECEIVED,
    "LONG_TERM_DEFERRED_REVENUE": _RECEIVED,
    "CUSTOMER_DEPOSITS": _RECEIVED,
    "GIFT_CARD_LIABILITIES": _RECEIVED,
    # Incurred and not paid.
    "ACCOUNTS_PAYABLE": _PAID,
    "ACCRUED_LIABILITIES": _PAID,
    "INTEREST_PAYABLE": Conversion(AccountType.EXPENSE, IncomeSection.OTHER),
    # Paid and not incurred.
    "PREPAID_EXPENSES": _PAID,
    # Taxes on income count when they are paid, and are not deferred.
    "INCOME_TAX_PAYABLE": _TAX_PAID,
    "TAX_RECEIVABLE": _TAX_PAID,
    "DEFERRED_TAX_ASSETS": _TAX_PAID,
    "DEFERRED_TAX_LIABILITIES": _TAX_PAID,
}


def conversion(kind: FinancialType, basis: Basis) -> Conversion | None:
    """Where the change of such an account goes on this basis; None where it stays what it is."""
    return CONVERSIONS.get(kind.code) if basis is Basis.CASH else None


def conversion_label(name: str, kind: FinancialType, balance: Decimal, *, is_expense: bool) -> str:
    """How the line of a converted account is called, as in "Less: increase in Accounts receivable".

    `balance` is what the line adds to revenue, or to expenses where `is_expense`.
    """
    is_credit = (balance > 0) != is_expense
    change = "increase" if is_credit == (kind.normal_side is Side.CREDIT) else "decrease"
    return f"{'Less' if balance < 0 else 'Add'}: {change} in {name}"
