"""Questions to a restaurant whose fiscal year begins in July, each with its answer by plain Python.

The books are those of `create_sandbox(industry="restaurant", seed=11)` on 20 August 2025; today is that day.
"""

from ai.tests.asking import Ask
from ai.tests.known_books import month_ends

COST_OF_SALES = ("Cost of Goods Sold", "Packaging", "Card Processing Fees", "Marketplace Fees")
PAYROLL = ("Store Wages", "Management Salaries", "Payroll Taxes", "Employee Benefits")

QUESTIONS = [
    # --- fiscal years and quarters, from July on ---
    Ask(
        "profit of this fiscal year",
        lambda b: {"total": b.profit("2025-07-01", "2025-08-31")},
        measure="profit",
    ),
    Ask(
        "profit of the last fiscal year",
        lambda b: {"total": b.profit("2024-07-01", "2025-06-30")},
        measure="profit",
    ),
    Ask(
        "revenue in fiscal year 2025",
        lambda b: {"total": b.posted("REVENUE", "2024-07-01", "2025-06-30")},
        measure="revenue",
    ),
    Ask(
        "FY25 expenses",
        lambda b: {"total": b.posted("EXPENSE", "2024-07-01", "2025-06-30")},
        measure="expenses",
    ),
    Ask(
        "fiscal year to date revenue",
        lambda b: {"total": b.posted("REVENUE", "2025-07-01", "2025-08-20")},
        measure="revenue",
    ),
    Ask(
        "expenses last fiscal quarter",
        lambda b: {"total": b.posted("EXPENSE", "2025-04-01", "2025-06-30")},
        measure="expenses",
    ),
    Ask("fiscal q1 2025 profit", lambda b: {"total": b.profit("2024-07-01", "2024-09-30")}, measure="profit"),
    Ask("year to date profit", lambda b: {"total": b.profit("2025-01-01", "2025-08-20")}, measure="profit"),
    Ask("Q1 2025 profit", lambda b: {"total": b.profit("2025-01-01", "2025-03-31")}, measure="profit"),
    # --- sums ---
    Ask("how much is our rent per year", lambda b: b.spent("Store Rent"), measure="sum"),
    Ask(
        "What did we spend on utilities in January?",
        lambda b: b.spent("Utilities", "2025-01-01", "2025-01-31"),
    ),
    Ask("electricity bills last quarter", lambda b: b.spent("Utilities", "2025-04-01", "2025-06-30")),
    Ask("how much did we spend on payroll in March", lambda b: b.spent(PAYROLL, "2025-03-01", "2025-03-31")),
    Ask(
        "wages in April",
        lambda b: b.spent(("Store Wages", "Management Salaries"), "2025-04-01", "2025-04-30"),
    ),
    Ask("cost of goods sold in May", lambda b: b.spent("Cost of Goods Sold", "2025-05-01", "2025-05-31")),
    Ask("marketing this year", lambda b: b.spent("Advertising and Promotion", "2025-01-01", "2025-12-31")),
    Ask(
        "store supplies under $100 in 2025",
        lambda b: b.spent("Store Supplies", "2025-01-01", "2025-12-31", where=lambda e: e.amount < 100),
    ),
    Ask("in-store sales last month", lambda b: b.spent("In-Store Sales", "2025-07-01", "2025-07-31")),
    Ask("marketplace fees since February", lambda b: b.spent("Marketplace Fees", "2025-02-01", "2025-08-20")),
    Ask(
        "telephone and internet in 2025",
        lambda b: b.spent("Telephone and Internet", "2025-01-01", "2025-12-31"),
    ),
    Ask("internet costs in June", lambda b: b.spent("Telephone and Internet", "2025-06-01", "2025-06-30")),
    Ask(
        "repairs over 250",
        lambda b: b.spent("Repairs, Cleaning and Security", where=lambda e: e.amount > 250),
    ),
    Ask("wholesale revenue in 2024", lambda b: b.spent("Wholesale", "2024-01-01", "2024-12-31")),
    Ask("income tax this year", lambda b: b.spent("Income Tax", "2025-01-01", "2025-12-31")),
    # --- counterparties ---
    Ask("how much did we pay Sysco", lambda b: b.paid("Sysco")),
    Ask(
        "payments to Alpine Beverage since April",
        lambda b: b.paid("Alpine Beverage", "2025-04-01", "2025-08-20"),
    ),
    Ask("Costco in July", lambda b: b.named("Costco", "2025-07-01", "2025-07-31")),
    Ask(
        "how often did we buy at Costco this year",
        lambda b: b.paid("Costco", "2025-01-01", "2025-12-31"),
        measure="count",
    ),
    Ask("average purchase at Costco", lambda b: b.paid("Costco"), measure="average"),
    Ask(
        "what did Woodgrove Bank pay us in 2025",
        lambda b: b.received("Woodgrove Bank", "2025-01-01", "2025-12-31"),
    ),
    Ask(
        "what did DoorDash transfer to us in 2025", lambda b: b.named("DoorDash", "2025-01-01", "2025-12-31")
    ),
    Ask("received from DoorDash in July", lambda b: b.received("DoorDash", "2025-07-01", "2025-07-31")),
    Ask(
        "which customers haven't paid",
        lambda b: {"total": b.balance(b.on("Accounts Receivable"), "2025-08-20")},
        measure="balance",
    ),
    Ask("AT&T", lambda b: b.named("AT&T")),
    Ask("H-E-B Gas last month", lambda b: b.named("H-E-B Gas", "2025-07-01", "2025-07-31")),
    Ask("how much did the City Museum pay us", lambda b: b.received("City Museum")),
    Ask("opentable payments", lambda b: b.paid("Opentable")),
    # --- statements and balances ---
    Ask(
        "what are our total sales in July",
        lambda b: {"total": b.posted("REVENUE", "2025-07-01", "2025-07-31")},
        measure="revenue",
    ),
    Ask("net income last month", lambda b: {"total": b.profit("2025-07-01", "2025-07-31")}, measure="profit"),
    Ask(
        "gross profit in June",
        lambda b: {
            "total": b.posted("REVENUE", "2025-06-01", "2025-06-30")
            - b.spent(COST_OF_SALES, "2025-06-01", "2025-06-30", posted=True)["total"]
        },
        measure="gross_profit",
    ),
    Ask("how much money is in the bank", lambda b: {"total": b.cash("2025-08-20")}, measure="cash"),
    Ask("cash at the end of March", lambda b: {"total": b.cash("2025-03-31")}, measure="cash"),
    Ask(
        "bank loan balance",
        lambda b: {"total": b.balance(b.on("Bank Loan"), "2025-08-20", by_debit=False)},
        measure="balance",
    ),
    Ask(
        "balance of the savings account at the end of 2024",
        lambda b: {"total": b.balance(b.on("Savings Account"), "2024-12-31")},
        measure="balance",
    ),
    Ask(
        "balance of merchandise inventory",
        lambda b: {"total": b.balance(b.on("Merchandise Inventory"), "2025-08-20")},
        measure="balance",
    ),
    Ask(
        "cash by month in 2025",
        lambda b: {
            "groups": {name: b.cash(min(last, "2025-08-20")) for name, _, last in month_ends(2025, 8)}
        },
        measure="cash",
    ),
    # --- groups, ranks, comparisons ---
    Ask(
        "utilities by month this year",
        lambda b: {"groups": b.by_month(b.signed(b.on("Utilities"), "2025-01-01", "2025-12-31"))},
    ),
    Ask(
        "profit by quarter in 2025",
        lambda b: {
            "groups": {
                "Q1 2025": b.profit("2025-01-01", "2025-03-31"),
                "Q2 2025": b.profit("2025-04-01", "2025-06-30"),
                "Q3 2025": b.profit("2025-07-01", "2025-12-31"),
            }
        },
        measure="profit",
    ),
    Ask(
        "top 3 vendors last quarter",
        lambda b: {
            "top": b.top(
                b.by(
                    lambda e: e.counterparty,
                    [(e, e.amount) for e in b.within("2025-04-01", "2025-06-30") if e.is_paid_out],
                ),
                3,
            )
        },
    ),
    Ask(
        "which supplier did we pay the most in July",
        lambda b: {
            "top": b.top(
                b.by(
                    lambda e: e.counterparty,
                    [(e, e.amount) for e in b.within("2025-07-01", "2025-07-31") if e.is_paid_out],
                ),
                1,
            )
        },
    ),
    Ask(
        "top 3 categories in June",
        lambda b: {
            "top": b.top(
                b.by(
                    lambda e: e.debit.name,
                    b.signed(lambda x: x.type == "EXPENSE", "2025-06-01", "2025-06-30", posted=True),
                ),
                3,
            )
        },
    ),
    Ask(
        "which month had the lowest profit in the first half of 2025",
        lambda b: {
            "top": b.top(
                {name: b.profit(first, last) for name, first, last in month_ends(2025, 6)}, 1, lowest=True
            )
        },
        measure="profit",
    ),
    Ask(
        "utilities in July compared to the same month last year",
        lambda b: {"total": b.spent("Utilities", "2025-07-01", "2025-07-31")["total"], "before": 0},
    ),
    Ask(
        "were wages higher than last month",
        lambda b: {
            "total": b.spent(("Store Wages", "Management Salaries"), "2025-08-01", "2025-08-31")["total"],
            "before": b.spent(("Store Wages", "Management Salaries"), "2025-07-01", "2025-07-31")["total"],
        },
    ),
    Ask(
        "revenue in Q2 2025 vs Q1 2025",
        lambda b: {
            "total": b.posted("REVENUE", "2025-04-01", "2025-06-30"),
            "before": b.posted("REVENUE", "2025-01-01", "2025-03-31"),
        },
    ),
    # --- misspelled, and follow-ups ---
    Ask("utilites in janury", lambda b: b.spent("Utilities", "2025-01-01", "2025-01-31")),
    Ask("paymnts to Alpne Beverage", lambda b: b.paid("Alpine Beverage")),
    Ask("hwo much did we pay to costko last month", lambda b: b.paid("Costco", "2025-07-01", "2025-07-31")),
    Ask(
        "profitt lst fiscal yaer", lambda b: {"total": b.profit("2024-07-01", "2025-06-30")}, measure="profit"
    ),
    Ask(
        "and Costco?",
        lambda b: b.paid("Costco", "2025-07-01", "2025-07-31"),
        after=("how much did we pay Sysco in July",),
    ),
    Ask(
        "just those over $300",
        lambda b: b.all(where=lambda e: e.is_paid_out and e.counterparty == "Costco" and e.amount > 300),
        after=("payments to Costco",),
    ),
    Ask(
        "what about February?",
        lambda b: b.spent("Utilities", "2025-02-01", "2025-02-28"),
        after=("utilities in January",),
    ),
    Ask(
        "how many were there?",
        lambda b: b.named("Costco", "2025-07-01", "2025-07-31"),
        after=("Costco in July",),
        measure="count",
    ),
    Ask(
        "same for last month",
        lambda b: {"total": b.profit("2025-07-01", "2025-07-31")},
        after=("profit this month",),
        measure="profit",
    ),
]
