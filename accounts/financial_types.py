"""The financial types: what an account is for, and with that its place in every statement.

The classification follows US GAAP: ASC 210 (current and non-current), ASC 225/S-X 5-03 (sections of the
income statement), ASC 230 (cash flows), ASC 958 (not-for-profit). A financial type belongs to exactly one
account type. Changing the meaning of a code here restates the reports of every company, so codes are only
ever added.
"""

from dataclasses import dataclass
from enum import StrEnum

from accounts.cash_flow import CashFlowLine
from accounts.choices import AccountType, Side


class IncomeSection(StrEnum):
    """The sections of the income statement, from the top down."""

    REVENUE = "REVENUE"
    COST_OF_SALES = "COST_OF_SALES"
    OPERATING = "OPERATING"
    OTHER = "OTHER"
    TAX = "TAX"


@dataclass(frozen=True, slots=True)
class FinancialType:
    """One use of an account.

    `is_current` is None outside of assets and liabilities, `income_section` is None on the balance sheet.
    `normal_side` differs from the account type's own side for contra accounts, which reduce their group.
    """

    code: str
    label: str
    type: AccountType
    normal_side: Side
    is_current: bool | None
    income_section: IncomeSection | None
    cash_flow: CashFlowLine

    @property
    def is_contra(self) -> bool:
        """True where the account reduces the group it is shown in, such as accumulated depreciation."""
        return self.normal_side != self.type.normal_side


_L = CashFlowLine


def _asset(
    code: str, label: str, line: CashFlowLine, *, current: bool = False, contra: bool = False
) -> FinancialType:
    return FinancialType(
        code, label, AccountType.ASSET, Side.CREDIT if contra else Side.DEBIT, current, None, line
    )


def _liability(code: str, label: str, line: CashFlowLine, *, current: bool = False) -> FinancialType:
    return FinancialType(code, label, AccountType.LIABILITY, Side.CREDIT, current, None, line)


def _equity(code: str, label: str, line: CashFlowLine, *, contra: bool = False) -> FinancialType:
    return FinancialType(
        code, label, AccountType.EQUITY, Side.DEBIT if contra else Side.CREDIT, None, None, line
    )


def _revenue(
    code: str,
    label: str,
    section: IncomeSection = IncomeSection.REVENUE,
    line: CashFlowLine = CashFlowLine.NET_INCOME,
    *,
    contra: bool = False,
) -> FinancialType:
    side = Side.DEBIT if contra else Side.CREDIT
    return FinancialType(code, label, AccountType.REVENUE, side, None, section, line)


def _expense(
    code: str,
    label: str,
    section: IncomeSection = IncomeSection.OPERATING,
    line: CashFlowLine = CashFlowLine.NET_INCOME,
    *,
    contra: bool = False,
) -> FinancialType:
    side = Side.CREDIT if contra else Side.DEBIT
    return FinancialType(code, label, AccountType.EXPENSE, side, None, section, line)


_CURRENT_ASSETS = (
    _asset("CASH", "Cash and checking", _L.CASH, current=True),
    _asset("SAVINGS", "Savings and money market", _L.CASH, current=True),
    _asset("PETTY_CASH", "Petty cash", _L.CASH, current=True),
    # Takings on their way to the bank, also payouts of payment processors, are cash already (ASC 230-10-20).
    _asset("UNDEPOSITED_FUNDS", "Undeposited funds", _L.CASH, current=True),
    _asset("CASH_EQUIVALENTS", "Cash equivalents (maturity up to three months)", _L.CASH, current=True),
    # The statement explains restricted cash together with cash (ASC 230-10-45-4, ASU 2016-18).
    _asset("RESTRICTED_CASH", "Restricted cash", _L.CASH, current=True),
    _asset("ACCOUNTS_RECEIVABLE", "Accounts receivable", _L.ACCOUNTS_RECEIVABLE, current=True),
    # Shown with the receivables that it reduces: the statement's line is the change in receivables, net.
    _asset(
        "ALLOWANCE_FOR_DOUBTFUL_ACCOUNTS",
        "Allowance for doubtful accounts",
        _L.ACCOUNTS_RECEIVABLE,
        current=True,
        contra=True,
    ),
    # Unconditional promises to give are a not-for-profit's receivables (ASC 958-310).
    _asset("PLEDGES_RECEIVABLE", "Grants and pledges receivable", _L.ACCOUNTS_RECEIVABLE, current=True),
    _asset(
        "UNBILLED_RECEIVABLES",
        "Unbilled receivables and work in progress",
        _L.ACCOUNTS_RECEIVABLE,
        current=True,
    ),
    _asset("OTHER_RECEIVABLES", "Other receivables", _L.OTHER_OPERATING, current=True),
    _asset("EMPLOYEE_ADVANCES", "Employee advances", _L.OTHER_OPERATING, current=True),
    _asset("TAX_RECEIVABLE", "Tax refunds receivable", _L.OTHER_OPERATING, current=True),
    # Lending and collecting loans is investing (ASC 230-10-45-12, 45-13), unlike credit given to customers.
    _asset("SHORT_TERM_LOANS_RECEIVABLE", "Loans receivable within a year", _L.OTHER_INVESTING, current=True),
    _asset("INVENTORY", "Inventory", _L.INVENTORY, current=True),
    _asset("PREPAID_EXPENSES", "Prepaid expenses", _L.OTHER_OPERATING, current=True),
    _asset("SHORT_TERM_INVESTMENTS", "Short-term investments", _L.INVESTMENTS, current=True),
    _asset("OTHER_CURRENT_ASSETS", "Other current assets", _L.OTHER_OPERATING, current=True),
)

_NON_CURRENT_ASSETS = (
    _asset("LAND", "Land", _L.FIXED_ASSETS),
    _asset("BUILDINGS", "Buildings", _L.FIXED_ASSETS),
    _asset("LEASEHOLD_IMPROVEMENTS", "Leasehold improvements", _L.FIXED_ASSETS),
    _asset("MACHINERY_AND_EQUIPMENT", "Machinery and equipment", _L.FIXED_ASSETS),
    _asset("FURNITURE_AND_FIXTURES", "Furniture and fixtures", _L.FIXED_ASSETS),
    _asset("COMPUTER_EQUIPMENT", "Computer equipment", _L.FIXED_ASSETS),
    _asset("VEHICLES", "Vehicles", _L.FIXED_ASSETS),
    _asset("OTHER_FIXED_ASSETS", "Other fixed assets", _L.FIXED_ASSETS),
    # Its credit is the other half of the depreciation expense, which takes the same amount out of investing
    # "other" again; what remains there is the part that left with a disposed asset. See
    # accounts/cash_flow.py.
    _asset("ACCUMULATED_DEPRECIATION", "Accumulated depreciation", _L.OTHER_INVESTING, contra=True),
    # Acquiring and developing productive assets without substance is investing too (ASC 230-10-45-13(c)), but
    # the statement's line for purchases names fixed assets only.
    _asset("INTANGIBLE_ASSETS", "Intangible assets", _L.OTHER_INVESTING),
    _asset("CAPITALIZED_SOFTWARE", "Capitalized software", _L.OTHER_INVESTING),
    _asset("GOODWILL", "Goodwill", _L.OTHER_INVESTING),
    _asset("ACCUMULATED_AMORTIZATION", "Accumulated amortization", _L.OTHER_INVESTING, contra=True),
    _asset("LONG_TERM_INVESTMENTS", "Long-term investments", _L.INVESTMENTS),
    _asset("LONG_TERM_LOANS_RECEIVABLE", "Loans receivable after a year", _L.OTHER_INVESTING),
    # Right-of-use assets of operating leases move against the operating lease liability (ASC 842-20-45-5(c)).
    _asset("RIGHT_OF_USE_ASSETS", "Operating lease right-of-use assets", _L.OTHER_OPERATING),
    _asset("SECURITY_DEPOSITS", "Security deposits paid", _L.OTHER_OPERATING),
    _asset("DEFERRED_TAX_ASSETS", "Deferred tax assets", _L.OTHER_OPERATING),
    _asset("OTHER_NON_CURRENT_ASSETS", "Other non-current assets", _L.OTHER_OPERATING),
)

_LIABILITIES = (
    _liability("ACCOUNTS_PAYABLE", "Accounts payable", _L.ACCOUNTS_PAYABLE, current=True),
    # A card that is paid off every month is credit from buying, like the suppliers' own, not a borrowing.
    _liability("CREDIT_CARD", "Credit card", _L.ACCOUNTS_PAYABLE, current=True),
    _liability("ACCRUED_LIABILITIES", "Accrued liabilities", _L.ACCRUED_LIABILITIES, current=True),
    _liability("PAYROLL_LIABILITIES", "Payroll liabilities", _L.ACCRUED_LIABILITIES, current=True),
    _liability("SALES_TAX_PAYABLE", "Sales tax payable", _L.ACCRUED_LIABILITIES, current=True),
    _liability("INCOME_TAX_PAYABLE", "Income tax payable", _L.ACCRUED_LIABILITIES, current=True),
    # Interest paid is operating (ASC 230-10-45-17(d)), so interest owed is an operating accrual, not debt.
    _liability("INTEREST_PAYABLE", "Interest payable", _L.ACCRUED_LIABILITIES, current=True),
    _liability("DEFERRED_REVENUE", "Deferred revenue", _L.OTHER_OPERATING, current=True),
    _liability("CUSTOMER_DEPOSITS", "Customer deposits", _L.OTHER_OPERATING, current=True),
    _liability("GIFT_CARD_LIABILITIES", "Gift cards outstanding", _L.OTHER_OPERATING, current=True),
    # Money held for others is a claim on the company's cash, not its revenue.
    _liability("FUNDS_HELD_FOR_OTHERS", "Client and agency funds held", _L.OTHER_OPERATING, current=True),
    # Declaring (debit dividends) and paying (debit here) then meet in one line, which shows what was paid.
    _liability("DIVIDENDS_PAYABLE", "Dividends payable", _L.DIVIDENDS, current=True),
    _liability("SHORT_TERM_DEBT", "Short-term debt", _L.DEBT, current=True),
    _liability("LINE_OF_CREDIT", "Line of credit", _L.DEBT, current=True),
    _liability(
        "CURRENT_PORTION_OF_LONG_TERM_DEBT", "Current portion of long-term debt", _L.DEBT, current=True
    ),
    # Payments of operating leases are operating, the principal of finance leases is financing
    # (ASC 842-20-45-5).
    _liability("CURRENT_LEASE_LIABILITIES", "Operating leases, current", _L.OTHER_OPERATING, current=True),
    _liability("OTHER_CURRENT_LIABILITIES", "Other current liabilities", _L.OTHER_OPERATING, current=True),
    _liability("LONG_TERM_DEBT", "Long-term debt", _L.DEBT),
    _liability("MORTGAGES_PAYABLE", "Mortgages payable", _L.DEBT),
    _liability("SHAREHOLDER_LOANS", "Loans from owners", _L.DEBT),
    _liability("LONG_TERM_LEASE_LIABILITIES", "Operating leases, non-current", _L.OTHER_OPERATING),
    _liability("FINANCE_LEASE_LIABILITIES", "Finance leases", _L.DEBT),
    _liability("LONG_TERM_DEFERRED_REVENUE", "Deferred revenue after a year", _L.OTHER_OPERATING),
    _liability("DEFERRED_TAX_LIABILITIES", "Deferred tax liabilities", _L.OTHER_OPERATING),
    _liability("OTHER_NON_CURRENT_LIABILITIES", "Other non-current liabilities", _L.OTHER_OPERATING),
)

_EQUITY = (
    # Contributions of proprietors, partners and members are proceeds of equity (ASC 230-10-45-14(a)).
    _equity("OWNER_EQUITY", "Owner's equity", _L.STOCK),
    _equity("PARTNER_CAPITAL", "Partners' and members' capital", _L.STOCK),
    _equity("COMMON_STOCK", "Common stock", _L.STOCK),
    _equity("PREFERRED_STOCK", "Preferred stock", _L.STOCK),
    _equity("ADDITIONAL_PAID_IN_CAPITAL", "Additional paid-in capital", _L.STOCK),
    _equity("TREASURY_STOCK", "Treasury stock", _L.STOCK, contra=True),
    # A distribution to owners is the dividend of a company without shares (ASC 230-10-45-15(a)).
    _equity("OWNER_DRAWS", "Owner's draws and distributions", _L.DIVIDENDS, contra=True),
    _equity("DIVIDENDS", "Dividends declared", _L.DIVIDENDS, contra=True),
    # Earnings reach the statement as net income; what is posted here directly is a correction of earlier
    # years.
    _equity("RETAINED_EARNINGS", "Retained earnings", _L.OTHER_OPERATING),
    # The counterpart of balances brought in from other books: contributed, as far as these books know.
    _equity("OPENING_BALANCE_EQUITY", "Opening balance equity", _L.OTHER_FINANCING),
    _equity(
        "ACCUMULATED_OTHER_COMPREHENSIVE_INCOME", "Accumulated other comprehensive income", _L.OTHER_INVESTING
    ),
    # Posted to directly only for balances brought in and for releases between the two, which cancel out.
    _equity(
        "NET_ASSETS_WITHOUT_DONOR_RESTRICTIONS", "Net assets without donor restrictions", _L.OTHER_FINANCING
    ),
    _equity("NET_ASSETS_WITH_DONOR_RESTRICTIONS", "Net assets with donor restrictions", _L.OTHER_FINANCING),
)

_REVENUE = (
    _revenue("SALES", "Sales"),
    _revenue("SERVICE_REVENUES", "Service revenues"),
    _revenue("SUBSCRIPTION_REVENUES", "Subscription revenues"),
    _revenue("SHIPPING_REVENUES", "Shipping and delivery charged to customers"),
    _revenue("REIMBURSED_EXPENSES", "Expenses billed to clients"),
    _revenue("DONATIONS", "Donations and contributions"),
    _revenue("GRANTS", "Grants"),
    _revenue("MEMBERSHIP_DUES", "Membership dues"),
    _revenue("OTHER_REVENUES", "Other operating revenues"),
    _revenue("SALES_RETURNS_AND_REFUNDS", "Sales returns and refunds", contra=True),
    _revenue("SALES_DISCOUNTS", "Sales discounts", contra=True),
    _revenue("UNCATEGORIZED_INCOME", "Uncategorized income"),
    # Not what the company is in business for: below operating income (S-X 5-03.7).
    _revenue("INTEREST_INCOME", "Interest income", IncomeSection.OTHER),
    _revenue("DIVIDEND_INCOME", "Dividend income", IncomeSection.OTHER),
    _revenue("RENTAL_INCOME", "Rental income", IncomeSection.OTHER),
    _revenue("FOREIGN_EXCHANGE_GAINS", "Foreign exchange gains", IncomeSection.OTHER),
    _revenue("GAIN_ON_SALE_OF_ASSETS", "Gain on sale of assets", IncomeSection.OTHER, _L.DISPOSAL_RESULT),
    _revenue("INVESTMENT_GAINS", "Gains on investments", IncomeSection.OTHER, _L.DISPOSAL_RESULT),
    _revenue("OTHER_INCOME", "Other income", IncomeSection.OTHER),
)

_COST_OF_SALES = (
    _expense("COST_OF_GOODS_SOLD", "Cost of goods sold", IncomeSection.COST_OF_SALES),
    _expense("COST_OF_SERVICES", "Cost of services", IncomeSection.COST_OF_SALES),
    _expense("DIRECT_LABOR", "Direct labor", IncomeSection.COST_OF_SALES),
    _expense("SUBCONTRACTORS", "Subcontractors", IncomeSection.COST_OF_SALES),
    # What serves the paying customers is a cost of the revenue, not of running the company.
    _expense("HOSTING_COSTS", "Hosting and infrastructure", IncomeSection.COST_OF_SALES),
    _expense("MERCHANT_FEES", "Payment processing fees", IncomeSection.COST_OF_SALES),
    _expense("FREIGHT_AND_SHIPPING_COSTS", "Freight and shipping", IncomeSection.COST_OF_SALES),
    _expense(
        "PURCHASE_DISCOUNTS", "Purchase discounts and returns", IncomeSection.COST_OF_SALES, contra=True
    ),
)

_OPERATING_EXPENSES = (
    _expense("PAYROLL_EXPENSES", "Salaries and wages"),
    _expense("PAYROLL_TAX_EXPENSES", "Payroll taxes"),
    _expense("EMPLOYEE_BENEFITS_EXPENSES", "Employee benefits"),
    _expense("STOCK_COMPENSATION_EXPENSES", "Stock-based compensation", line=_L.STOCK_COMPENSATION),
    _expense("CONTRACTOR_EXPENSES", "Independent contractors"),
    _expense("RENT_EXPENSES", "Rent and lease"),
    _expense("UTILITIES_EXPENSES", "Utilities"),
    _expense("TELECOMMUNICATIONS_EXPENSES", "Telephone and internet"),
    _expense("ADVERTISING_EXPENSES", "Advertising and marketing"),
    _expense("OFFICE_EXPENSES", "Office supplies and expenses"),
    _expense("SOFTWARE_EXPENSES", "Software and subscriptions"),
    _expense("PROFESSIONAL_FEES", "Legal, accounting and other professional fees"),
    _expense("INSURANCE_EXPENSES", "Insurance"),
    _expense("TRAVEL_EXPENSES", "Travel"),
    # Apart from travel because the deduction is limited (IRC §274(n)).
    _expense("MEALS_EXPENSES", "Meals"),
    _expense("ENTERTAINMENT_EXPENSES", "Entertainment"),
    _expense("VEHICLE_EXPENSES", "Vehicle and fuel"),
    _expense("REPAIRS_AND_MAINTENANCE_EXPENSES", "Repairs and maintenance"),
    _expense("POSTAGE_EXPENSES", "Postage and courier"),
    _expense("TRAINING_EXPENSES", "Education and training"),
    _expense("RESEARCH_AND_DEVELOPMENT_EXPENSES", "Research and development"),
    _expense("DUES_AND_LICENSES_EXPENSES", "Dues, licenses and permits"),
    # Property, franchise and business taxes are costs of operating; only taxes on income stand below.
    _expense("TAX_EXPENSES", "Taxes other than on income"),
    _expense("BANK_FEES", "Bank fees"),
    _expense("CHARITABLE_CONTRIBUTIONS", "Charitable contributions"),
    _expense("PROGRAM_EXPENSES", "Program and grant expenses"),
    _expense("FUNDRAISING_EXPENSES", "Fundraising expenses"),
    _expense("BAD_DEBT_EXPENSES", "Bad debts"),
    _expense("DEPRECIATION_EXPENSES", "Depreciation", line=_L.DEPRECIATION),
    _expense("AMORTIZATION_EXPENSES", "Amortization", line=_L.DEPRECIATION),
    # Write-downs are part of operating income (ASC 360-10-45-4).
    _expense("IMPAIRMENT_EXPENSES", "Impairment of assets", line=_L.DISPOSAL_RESULT),
    _expense("OTHER_EXPENSES", "Other operating expenses"),
    _expense("UNCATEGORIZED_EXPENSE", "Uncategorized expense"),
)

_OTHER_EXPENSES_AND_TAX = (
    _expense("INTEREST_EXPENSES", "Interest", IncomeSection.OTHER),
    _expense("FOREIGN_EXCHANGE_LOSSES", "Foreign exchange losses", IncomeSection.OTHER),
    _expense("LOSS_ON_SALE_OF_ASSETS", "Loss on sale of assets", IncomeSection.OTHER, _L.DISPOSAL_RESULT),
    _expense("INVESTMENT_LOSSES", "Losses on investments", IncomeSection.OTHER, _L.DISPOSAL_RESULT),
    _expense("PENALTIES_AND_FINES", "Penalties and fines", IncomeSection.OTHER),
    _expense("OTHER_NON_OPERATING_EXPENSES", "Other non-operating expenses", IncomeSection.OTHER),
    _expense("INCOME_TAX_EXPENSES", "Income tax", IncomeSection.TAX),
)

_ALL = (
    *_CURRENT_ASSETS,
    *_NON_CURRENT_ASSETS,
    *_LIABILITIES,
    *_EQUITY,
    *_REVENUE,
    *_COST_OF_SALES,
    *_OPERATING_EXPENSES,
    *_OTHER_EXPENSES_AND_TAX,
)

# In the order of the statements: assets by liquidity, liabilities by maturity, income from the top down.
FINANCIAL_TYPES: dict[str, FinancialType] = {item.code: item for item in _ALL}

# For an account whose financial type nobody named: the place that claims least about it.
_DEFAULTS: dict[AccountType, str] = {
    AccountType.ASSET: "OTHER_CURRENT_ASSETS",
    AccountType.LIABILITY: "OTHER_CURRENT_LIABILITIES",
    AccountType.EQUITY: "OWNER_EQUITY",
    AccountType.REVENUE: "OTHER_REVENUES",
    AccountType.EXPENSE: "OTHER_EXPENSES",
}


def financial_type(code: str) -> FinancialType:
    """The financial type of that code, such as "CASH". Raises KeyError for an unknown code."""
    return FINANCIAL_TYPES[code]


def financial_types_of(type_: AccountType) -> list[str]:
    """The codes that an account of that type may have, in the order of the statements."""
    return [item.code for item in _ALL if item.type is type_]


def default_financial_type(type_: AccountType) -> FinancialType:
    """The financial type of an account for which none was given."""
    return FINANCIAL_TYPES[_DEFAULTS[type_]]


def is_cash(code: str) -> bool:
    """True where accounts of that financial type are the cash of the cash flow statement (ASC 230-10-20).

    False for unknown codes.
    """
    found = FINANCIAL_TYPES.get(code)
    return found is not None and found.cash_flow is CashFlowLine.CASH
