"""What people call the uses of accounts, where a company's own names do not say it."""

from typing import Final

# Words that mean a whole group, whatever single accounts are called: "payroll" is more than "Payroll Taxes".
GROUPS: Final[dict[str, frozenset[str]]] = {
    words: frozenset(types.split())
    for said, types in (
        (
            "payroll|staff costs|personnel|staff",
            "PAYROLL_EXPENSES PAYROLL_TAX_EXPENSES EMPLOYEE_BENEFITS_EXPENSES",
        ),
        ("salaries|salary|wages|wage|pay checks|paychecks", "PAYROLL_EXPENSES DIRECT_LABOR"),
        ("marketing|ads|advertising", "ADVERTISING_EXPENSES"),
        ("interest", "INTEREST_EXPENSES INTEREST_INCOME"),
        ("taxes|tax", "PAYROLL_TAX_EXPENSES TAX_EXPENSES INCOME_TAX_EXPENSES"),
        ("fees", "BANK_FEES MERCHANT_FEES PROFESSIONAL_FEES"),
    )
    for words in said.split("|")
}
# Words for what single accounts may be called otherwise.
SYNONYMS: Final[dict[str, frozenset[str]]] = {
    words: frozenset(types.split())
    for said, types in (
        ("software|subscriptions|saas|apps|licenses", "SOFTWARE_EXPENSES"),
        ("rent|office rent|lease|coworking", "RENT_EXPENSES"),
        ("travel|trips|trip|flights|flight|hotels|hotel|airfare|business trips|taxis", "TRAVEL_EXPENSES"),
        ("meals|food|lunches|restaurants|dining|coffee", "MEALS_EXPENSES"),
        ("insurance", "INSURANCE_EXPENSES"),
        ("electricity|power|utilities|utility|gas|water|energy", "UTILITIES_EXPENSES"),
        ("phone|telephone|internet|mobile|telecom", "TELECOMMUNICATIONS_EXPENSES"),
        ("hosting|cloud|cloud hosting|servers|infrastructure", "HOSTING_COSTS"),
        (
            "legal|lawyers|lawyer|accountant|accountants|accounting|bookkeeping|consultants",
            "PROFESSIONAL_FEES",
        ),
        ("contractors|freelancers|freelancer|contractor", "CONTRACTOR_EXPENSES SUBCONTRACTORS"),
        ("bank charges|bank fees|bank charge", "BANK_FEES"),
        ("card fees|processing fees|merchant fees|stripe fees", "MERCHANT_FEES"),
        ("supplies|office supplies|stationery|office", "OFFICE_EXPENSES"),
        ("benefits|health insurance|employee benefits", "EMPLOYEE_BENEFITS_EXPENSES"),
        ("repairs|maintenance|cleaning", "REPAIRS_AND_MAINTENANCE_EXPENSES"),
        ("depreciation", "DEPRECIATION_EXPENSES"),
        ("cogs|cost of goods sold|goods", "COST_OF_GOODS_SOLD"),
        ("subscription revenue|mrr|subscriptions sold", "SUBSCRIPTION_REVENUES"),
        ("loan|loans", "LONG_TERM_DEBT SHORT_TERM_DEBT"),
        ("credit card|credit cards|card", "CREDIT_CARD"),
        ("inventory|stock", "INVENTORY"),
        ("receivables", "ACCOUNTS_RECEIVABLE"),
        ("payables", "ACCOUNTS_PAYABLE"),
        ("savings", "SAVINGS"),
        ("checking", "CASH"),
        ("fuel|vehicles|car|cars|mileage", "VEHICLE_EXPENSES"),
        ("training|courses|education", "TRAINING_EXPENSES"),
        ("postage|shipping|courier", "POSTAGE_EXPENSES FREIGHT_AND_SHIPPING_COSTS"),
        ("permits|dues", "DUES_AND_LICENSES_EXPENSES"),
        ("donations", "DONATIONS CHARITABLE_CONTRIBUTIONS"),
        ("grants", "GRANTS PROGRAM_EXPENSES"),
        ("equipment|computers|laptops", "COMPUTER_EQUIPMENT MACHINERY_AND_EQUIPMENT"),
        ("draws|owner draws|withdrawals|distributions", "OWNER_DRAWS DIVIDENDS"),
    )
    for words in said.split("|")
}
PHRASE_WORDS_MAX: Final = max(len(words.split()) for words in (*GROUPS, *SYNONYMS))
