"""What QuickBooks' kinds of accounts are in our chart.

AccountType decides the type, AccountSubType (in their words "detail type") the place in the statements where
it has one meaning here; else the kind's own place counts, the one that claims least.
"""

from typing import Final

from accounts.choices import AccountType
from ledger.exceptions import ValidationError, shown

_A, _L, _E, _R, _X = (
    AccountType.ASSET,
    AccountType.LIABILITY,
    AccountType.EQUITY,
    AccountType.REVENUE,
    AccountType.EXPENSE,
)

_TYPES: Final[dict[str, tuple[AccountType, str]]] = {
    "Bank": (_A, "CASH"),
    "Accounts Receivable": (_A, "ACCOUNTS_RECEIVABLE"),
    "Other Current Asset": (_A, "OTHER_CURRENT_ASSETS"),
    "Fixed Asset": (_A, "OTHER_FIXED_ASSETS"),
    "Other Asset": (_A, "OTHER_NON_CURRENT_ASSETS"),
    "Accounts Payable": (_L, "ACCOUNTS_PAYABLE"),
    "Credit Card": (_L, "CREDIT_CARD"),
    "Other Current Liability": (_L, "OTHER_CURRENT_LIABILITIES"),
    "Long Term Liability": (_L, "OTHER_NON_CURRENT_LIABILITIES"),
    "Equity": (_E, "OWNER_EQUITY"),
    "Income": (_R, "OTHER_REVENUES"),
    "Other Income": (_R, "OTHER_INCOME"),
    "Cost of Goods Sold": (_X, "COST_OF_GOODS_SOLD"),
    "Expense": (_X, "OTHER_EXPENSES"),
    "Other Expense": (_X, "OTHER_NON_OPERATING_EXPENSES"),
}

_SUB_TYPES: Final[dict[AccountType, dict[str, str]]] = {
    _A: {
        "CashOnHand": "PETTY_CASH",
        "MoneyMarket": "SAVINGS",
        "Savings": "SAVINGS",
        "TrustAccounts": "RESTRICTED_CASH",
        "AllowanceForBadDebts": "ALLOWANCE_FOR_DOUBTFUL_ACCOUNTS",
        "EmployeeCashAdvances": "EMPLOYEE_ADVANCES",
        "Inventory": "INVENTORY",
        "PrepaidExpenses": "PREPAID_EXPENSES",
        "UndepositedFunds": "UNDEPOSITED_FUNDS",
        "AccumulatedAmortization": "ACCUMULATED_AMORTIZATION",
        "AccumulatedDepreciation": "ACCUMULATED_DEPRECIATION",
        "Buildings": "BUILDINGS",
        "FurnitureAndFixtures": "FURNITURE_AND_FIXTURES",
        "Land": "LAND",
        "LeaseholdImprovements": "LEASEHOLD_IMPROVEMENTS",
        "MachineryAndEquipment": "MACHINERY_AND_EQUIPMENT",
        "Vehicles": "VEHICLES",
        "Goodwill": "GOODWILL",
        "IntangibleAssets": "INTANGIBLE_ASSETS",
        "SecurityDeposits": "SECURITY_DEPOSITS",
    },
    _L: {
        "DeferredRevenue": "DEFERRED_REVENUE",
        "FederalIncomeTaxPayable": "INCOME_TAX_PAYABLE",
        "StateLocalIncomeTaxPayable": "INCOME_TAX_PAYABLE",
        "LineOfCredit": "LINE_OF_CREDIT",
        "LoanPayable": "SHORT_TERM_DEBT",
        "PayrollClearing": "PAYROLL_LIABILITIES",
        "PayrollTaxPayable": "PAYROLL_LIABILITIES",
        "GlobalTaxPayable": "SALES_TAX_PAYABLE",
        "SalesTaxPayable": "SALES_TAX_PAYABLE",
        "TrustAccountsLiabilities": "FUNDS_HELD_FOR_OTHERS",
        "NotesPayable": "LONG_TERM_DEBT",
        "ShareholderNotesPayable": "SHAREHOLDER_LOANS",
    },
    _E: {
        "CommonStock": "COMMON_STOCK",
        "OpeningBalanceEquity": "OPENING_BALANCE_EQUITY",
        "PaidInCapitalOrSurplus": "ADDITIONAL_PAID_IN_CAPITAL",
        "PartnerContributions": "PARTNER_CAPITAL",
        "PartnerDistributions": "OWNER_DRAWS",
        "PartnersEquity": "PARTNER_CAPITAL",
        "PersonalExpense": "OWNER_DRAWS",
        "PreferredStock": "PREFERRED_STOCK",
        "RetainedEarnings": "RETAINED_EARNINGS",
        "TreasuryStock": "TREASURY_STOCK",
    },
    _R: {
        "DiscountsRefundsGiven": "SALES_DISCOUNTS",
        "NonProfitIncome": "DONATIONS",
        "SalesOfProductIncome": "SALES",
        "ServiceFeeIncome": "SERVICE_REVENUES",
        "DividendIncome": "DIVIDEND_INCOME",
        "InterestEarned": "INTEREST_INCOME",
    },
    _X: {
        "CostOfLaborCos": "DIRECT_LABOR",
        "ShippingFreightDeliveryCos": "FREIGHT_AND_SHIPPING_COSTS",
        "AdvertisingPromotional": "ADVERTISING_EXPENSES",
        "Auto": "VEHICLE_EXPENSES",
        "BadDebts": "BAD_DEBT_EXPENSES",
        "BankCharges": "BANK_FEES",
        "CharitableContributions": "CHARITABLE_CONTRIBUTIONS",
        "DuesSubscriptions": "DUES_AND_LICENSES_EXPENSES",
        "Entertainment": "ENTERTAINMENT_EXPENSES",
        "EntertainmentMeals": "MEALS_EXPENSES",
        "Insurance": "INSURANCE_EXPENSES",
        "InterestPaid": "INTEREST_EXPENSES",
        "LegalProfessionalFees": "PROFESSIONAL_FEES",
        "OfficeGeneralAdministrativeExpenses": "OFFICE_EXPENSES",
        "PayrollExpenses": "PAYROLL_EXPENSES",
        "RentOrLeaseOfBuildings": "RENT_EXPENSES",
        "RepairMaintenance": "REPAIRS_AND_MAINTENANCE_EXPENSES",
        "TaxesPaid": "TAX_EXPENSES",
        "Travel": "TRAVEL_EXPENSES",
        "TravelMeals": "MEALS_EXPENSES",
        "Utilities": "UTILITIES_EXPENSES",
        "Amortization": "AMORTIZATION_EXPENSES",
        "Depreciation": "DEPRECIATION_EXPENSES",
        "ExchangeGainOrLoss": "FOREIGN_EXCHANGE_LOSSES",
        "PenaltiesSettlements": "PENALTIES_AND_FINES",
    },
}


def types_of(account_type: str, sub_type: str) -> tuple[AccountType, str]:
    """Our type and financial type of an account there. Raises ValidationError for a kind that is unknown."""
    try:
        type_, financial_type = _TYPES[account_type]
    except KeyError:
        raise ValidationError.of("AccountType", f"{shown(account_type)} is unknown here.") from None
    return type_, _SUB_TYPES[type_].get(sub_type, financial_type)
