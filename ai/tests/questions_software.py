"""Questions to a software company, each with its answer as plain Python adds it up.

The books are those of `create_sandbox(industry="software", seed=7)` on 20 August 2025; today is that day, and
the fiscal year is the calendar year. A question may come after others (`after`).
"""

from ai.tests.asking import Ask
from ai.tests.known_books import has_words, rounded

SALARIES = ("Engineering Salaries", "Sales and Marketing Salaries", "Administrative Salaries")
MARKETING = ("Advertising", "Events and Content")
HOSTING = ("Hosting and Infrastructure", "Third-Party Services in the Product")

QUESTIONS = [
    # --- sums of a category ---
    Ask("how much did we spend on travel in May", lambda b: b.spent("Travel", "2025-05-01", "2025-05-31")),
    Ask(
        "How much did we spend on hosting last month?",
        lambda b: b.spent("Hosting and Infrastructure", "2025-07-01", "2025-07-31"),
    ),
    Ask("total rent this year", lambda b: b.spent("Rent and Coworking", "2025-01-01", "2025-12-31")),
    Ask("what did insurance cost us in 2024", lambda b: b.spent("Insurance", "2024-01-01", "2024-12-31")),
    Ask("meals since March", lambda b: b.spent("Meals", "2025-03-01", "2025-08-20")),
    Ask("bank fees", lambda b: b.spent("Bank Fees")),
    Ask("interest expense this year", lambda b: b.spent("Interest Expense", "2025-01-01", "2025-12-31")),
    Ask("interest income in Q2", lambda b: b.spent("Interest Income", "2025-04-01", "2025-06-30")),
    Ask(
        "legal and accounting fees this year",
        lambda b: b.spent("Legal and Accounting", "2025-01-01", "2025-12-31"),
    ),
    Ask(
        "how much did we pay in payroll taxes in June 2025",
        lambda b: b.spent("Payroll Taxes", "2025-06-01", "2025-06-30"),
    ),
    Ask("what were our salaries in Q1 2025", lambda b: b.spent(SALARIES, "2025-01-01", "2025-03-31")),
    Ask(
        "subscription revenue in April", lambda b: b.spent("Subscription Revenue", "2025-04-01", "2025-04-30")
    ),
    Ask(
        "how much on advertising last quarter",
        lambda b: b.spent("Advertising", "2025-04-01", "2025-06-30"),
    ),
    Ask("depreciation in 2025", lambda b: b.spent("Depreciation", "2025-01-01", "2025-12-31")),
    Ask(
        "cloud hosting costs in July",
        lambda b: b.spent(HOSTING, "2025-07-01", "2025-07-31"),
    ),
    Ask(
        "processing fees in the first half of 2025",
        lambda b: b.spent("Payment Processing Fees", "2025-01-01", "2025-06-30"),
    ),
    Ask(
        "what was the sum of employee benefits between 1 March and 30 April 2025",
        lambda b: b.spent("Employee Benefits", "2025-03-01", "2025-04-30"),
    ),
    # --- bounds of amounts ---
    Ask(
        "Show me all software expenses over $100 from last month",
        lambda b: b.spent(
            "Software and Subscriptions", "2025-07-01", "2025-07-31", where=lambda e: e.amount > 100
        ),
    ),
    Ask(
        "transactions over $5,000 in July",
        lambda b: b.all("2025-07-01", "2025-07-31", lambda e: e.amount > 5000),
    ),
    Ask("transactions under $20", lambda b: b.all(where=lambda e: e.amount < 20)),
    Ask(
        "payments between 50 and 200 dollars",
        lambda b: b.all(where=lambda e: e.is_paid_out and 50 <= e.amount <= 200),
    ),
    Ask("at least 15k", lambda b: b.all(where=lambda e: e.amount >= 15000)),
    Ask("transactions of exactly $25", lambda b: b.all(where=lambda e: e.amount == 25)),
    Ask(
        "travel over 600 this year",
        lambda b: b.spent("Travel", "2025-01-01", "2025-12-31", where=lambda e: e.amount > 600),
    ),
    Ask(
        "expenses of more than 10000 dollars in June",
        lambda b: b.of_type("EXPENSE", "2025-06-01", "2025-06-30", where=lambda e: e.amount > 10000),
    ),
    Ask(
        "payments around $3,200", lambda b: b.all(where=lambda e: e.is_paid_out and 3040 <= e.amount <= 3360)
    ),
    Ask("amounts from $100 to $110", lambda b: b.all(where=lambda e: 100 <= e.amount <= 110)),
    Ask(
        "transactions no more than 15 dollars since June",
        lambda b: b.all("2025-06-01", "2025-08-20", lambda e: e.amount <= 15),
    ),
    # --- counterparties ---
    Ask("how much did we pay to AWS", lambda b: b.paid("Amazon Web Services")),
    Ask("how much did we pay to slack", lambda b: b.paid("Slack")),
    Ask(
        "what did we spend at Sweetgreen this year",
        lambda b: b.paid("Sweetgreen", "2025-01-01", "2025-12-31"),
    ),
    Ask("how much did Northwind Logistics pay us", lambda b: b.received("Northwind Logistics")),
    Ask("payments from Contoso since January", lambda b: b.received("Contoso", "2025-01-01", "2025-08-20")),
    Ask(
        "show me everything from Blue Bottle Coffee since 1 January",
        lambda b: b.named("Blue Bottle Coffee", "2025-01-01", "2025-08-20"),
    ),
    Ask("Uber", lambda b: b.named("Uber")),
    Ask("did google charge us in march", lambda b: b.named("Google", "2025-03-01", "2025-03-31")),
    Ask("google ads in April", lambda b: b.named("Google Ads", "2025-04-01", "2025-04-30")),
    Ask(
        "transactions with Baldwin Accounting LLP in 2025",
        lambda b: b.named("Baldwin Accounting LLP", "2025-01-01", "2025-12-31"),
    ),
    Ask(
        "received from Fabrikam Health this year",
        lambda b: b.received("Fabrikam Health", "2025-01-01", "2025-12-31"),
    ),
    Ask(
        "revenue from Tailspin Toys",
        lambda b: b.of_type("REVENUE", where=lambda e: e.counterparty.startswith("Tailspin Toys")),
    ),
    # --- counting ---
    Ask("how many transactions in Q3 2024", lambda b: b.all("2024-07-01", "2024-09-30"), measure="count"),
    Ask("How many times did we go to Sweetgreen?", lambda b: b.named("Sweetgreen"), measure="count"),
    Ask(
        "number of payments to Uber in June",
        lambda b: b.paid("Uber", "2025-06-01", "2025-06-30"),
        measure="count",
    ),
    Ask(
        "how many expenses over $1000 in May",
        lambda b: b.of_type("EXPENSE", "2025-05-01", "2025-05-31", where=lambda e: e.amount > 1000),
        measure="count",
    ),
    Ask("count of transactions last week", lambda b: b.all("2025-08-11", "2025-08-17"), measure="count"),
    # --- averages ---
    Ask(
        "average travel expense in 2025",
        lambda b: b.spent("Travel", "2025-01-01", "2025-12-31"),
        measure="average",
    ),
    Ask("what is the average payment to Blue Bottle", lambda b: b.paid("Blue Bottle"), measure="average"),
    Ask(
        "average amount of transactions in July",
        lambda b: b.all("2025-07-01", "2025-07-31"),
        measure="average",
    ),
    # --- the largest and the smallest ---
    Ask(
        "largest transaction in July",
        lambda b: (
            b.all("2025-07-01", "2025-07-31")
            | {"first": max(e.amount for e in b.within("2025-07-01", "2025-07-31"))}
        ),
        measure="largest",
    ),
    Ask(
        "biggest expenses last month",
        lambda b: {
            "first": max(a for _, a in b.signed(lambda x: x.type == "EXPENSE", "2025-07-01", "2025-07-31"))
        },
        measure="largest",
    ),
    Ask(
        "smallest payment in June",
        lambda b: {"first": min(e.amount for e in b.within("2025-06-01", "2025-06-30") if e.is_paid_out)},
        measure="smallest",
    ),
    Ask(
        "the 5 biggest travel expenses",
        lambda b: {"first": max(a for _, a in b.signed(b.on("Travel"))), "listed": 5},
        measure="largest",
    ),
    Ask(
        "most expensive meal this year",
        lambda b: {"first": max(a for _, a in b.signed(b.on("Meals"), "2025-01-01", "2025-12-31"))},
        measure="largest",
    ),
    Ask("last 10 transactions", lambda b: {"listed": 10, "count": len(b.entries)}),
    Ask(
        "cheapest Uber ride",
        lambda b: {"first": min(e.amount for e in b.entries if e.counterparty == "Uber")},
        measure="smallest",
    ),
    # --- statements ---
    Ask(
        "what was our profit year to date",
        lambda b: {"total": b.profit("2025-01-01", "2025-08-20")},
        measure="profit",
    ),
    Ask("profit last quarter", lambda b: {"total": b.profit("2025-04-01", "2025-06-30")}, measure="profit"),
    Ask("net income in Q1 2025", lambda b: {"total": b.profit("2025-01-01", "2025-03-31")}, measure="profit"),
    Ask(
        "Did we make money in May?",
        lambda b: {"total": b.profit("2025-05-01", "2025-05-31")},
        measure="profit",
    ),
    Ask(
        "total revenue since March",
        lambda b: {"total": b.posted("REVENUE", "2025-03-01", "2025-08-20")},
        measure="revenue",
    ),
    Ask(
        "How much did we spend last quarter?",
        lambda b: {"total": b.posted("EXPENSE", "2025-04-01", "2025-06-30")},
        measure="expenses",
    ),
    Ask(
        "total expenses in 2024",
        lambda b: {"total": b.posted("EXPENSE", "2024-01-01", "2024-12-31")},
        measure="expenses",
    ),
    Ask(
        "how much did we earn in December",
        lambda b: {"total": b.posted("REVENUE", "2024-12-01", "2024-12-31")},
        measure="revenue",
    ),
    Ask(
        "sales last 30 days",
        lambda b: {"total": b.posted("REVENUE", "2025-07-22", "2025-08-20")},
        measure="revenue",
    ),
    Ask(
        "expenses from March to May",
        lambda b: {"total": b.posted("EXPENSE", "2025-03-01", "2025-05-31")},
        measure="expenses",
    ),
    Ask(
        "income in the last 3 months",
        lambda b: {"total": b.posted("REVENUE", "2025-05-01", "2025-07-31")},
        measure="revenue",
    ),
    Ask(
        "bottom line of fiscal year 2025",
        lambda b: {"total": b.profit("2025-01-01", "2025-12-31")},
        measure="profit",
    ),
    Ask("profit", lambda b: {"total": b.profit("", "2025-08-20")}, measure="profit"),
    Ask("cash balance", lambda b: {"total": b.cash("2025-08-20")}, measure="cash"),
    Ask("how much cash do we have", lambda b: {"total": b.cash("2025-08-20")}, measure="cash"),
    Ask(
        "what was our bank balance at the end of last month",
        lambda b: {"total": b.cash("2025-07-31")},
        measure="cash",
    ),
    Ask("money in the bank at the end of 2024", lambda b: {"total": b.cash("2024-12-31")}, measure="cash"),
    Ask(
        "cash flow in June",
        lambda b: {"total": b.cash("2025-06-30") - b.cash("2025-05-31")},
        measure="cash_change",
    ),
    Ask(
        "total assets at the end of June",
        lambda b: {"total": b.balance(lambda x: x.type == "ASSET", "2025-06-30")},
        measure="assets",
    ),
    Ask(
        "what are our liabilities",
        lambda b: {"total": b.balance(lambda x: x.type == "LIABILITY", "2025-08-20", by_debit=False)},
        measure="liabilities",
    ),
    # --- balances ---
    Ask(
        "balance of operating checking",
        lambda b: {"total": b.balance(b.on("Operating Checking"), "2025-08-20")},
        measure="balance",
    ),
    Ask(
        "balance of accounts receivable as of 30 June",
        lambda b: {"total": b.balance(b.on("Accounts Receivable"), "2025-06-30")},
        measure="balance",
    ),
    Ask(
        "credit card balance",
        lambda b: {"total": b.balance(b.on("Company Credit Card"), "2025-08-20", by_debit=False)},
        measure="balance",
    ),
    Ask(
        "savings balance",
        lambda b: {"total": b.balance(b.on("Money Market Account"), "2025-08-20")},
        measure="balance",
    ),
    Ask(
        "how much do customers owe us",
        lambda b: {"total": b.balance(b.on("Accounts Receivable"), "2025-08-20")},
        measure="balance",
    ),
    Ask(
        "how much do we owe suppliers",
        lambda b: {"total": b.balance(b.on("Accounts Payable"), "2025-08-20", by_debit=False)},
        measure="balance",
    ),
    Ask(
        "how much is in the operating checking account",
        lambda b: {"total": b.balance(b.on("Operating Checking"), "2025-08-20")},
        measure="balance",
    ),
    # --- by month, category, counterparty ---
    Ask(
        "travel by month in 2025",
        lambda b: {"groups": b.by_month(b.signed(b.on("Travel"), "2025-01-01", "2025-12-31"))},
    ),
    Ask(
        "revenue by month since January",
        lambda b: {
            "groups": b.by_month(
                b.signed(lambda x: x.type == "REVENUE", "2025-01-01", "2025-08-20", posted=True)
            )
        },
        measure="revenue",
    ),
    Ask(
        "which month had the highest revenue",
        lambda b: {"top": b.top(b.by_month(b.signed(lambda x: x.type == "REVENUE", posted=True)), 1)},
        measure="revenue",
    ),
    Ask(
        "top 5 suppliers this year",
        lambda b: {
            "top": b.top(
                b.by(
                    lambda e: e.counterparty,
                    [(e, e.amount) for e in b.within("2025-01-01", "2025-12-31") if e.is_paid_out],
                ),
                5,
            )
        },
    ),
    Ask(
        "who did we pay the most in May",
        lambda b: {
            "top": b.top(
                b.by(
                    lambda e: e.counterparty,
                    [(e, e.amount) for e in b.within("2025-05-01", "2025-05-31") if e.is_paid_out],
                ),
                1,
            )
        },
    ),
    Ask(
        "3 biggest customers last quarter",
        lambda b: {
            "top": b.top(
                b.by(
                    lambda e: e.counterparty,
                    b.signed(lambda x: x.type == "REVENUE", "2025-04-01", "2025-06-30"),
                ),
                3,
            )
        },
    ),
    Ask(
        "expenses by category in July",
        lambda b: {
            "groups": b.by(
                lambda e: e.debit.name,
                b.signed(lambda x: x.type == "EXPENSE", "2025-07-01", "2025-07-31", posted=True),
            )
        },
    ),
    Ask(
        "where did we spend the most money last month",
        lambda b: {
            "top": b.top(
                b.by(
                    lambda e: e.debit.name,
                    b.signed(lambda x: x.type == "EXPENSE", "2025-07-01", "2025-07-31", posted=True),
                ),
                1,
            )
        },
    ),
    Ask(
        "spending per supplier in June 2025",
        lambda b: {
            "groups": b.by(
                lambda e: e.counterparty,
                [(e, e.amount) for e in b.within("2025-06-01", "2025-06-30") if e.is_paid_out],
            )
        },
    ),
    Ask(
        "meals by merchant in 2025",
        lambda b: {
            "groups": b.by(lambda e: e.counterparty, b.signed(b.on("Meals"), "2025-01-01", "2025-12-31"))
        },
    ),
    Ask(
        "how much rent do we pay per month",
        lambda b: {"groups": b.by_month(b.signed(b.on("Rent and Coworking")))},
    ),
    Ask(
        "average monthly expenses from January to June 2025",
        lambda b: {"average": rounded(b.of_type("EXPENSE", "2025-01-01", "2025-06-30")["total"] / 6)},
        measure="average",
    ),
    # --- compared ---
    Ask(
        "did we spend more than last month",
        lambda b: {
            "total": b.posted("EXPENSE", "2025-08-01", "2025-08-31"),
            "before": b.posted("EXPENSE", "2025-07-01", "2025-07-31"),
        },
    ),
    Ask(
        "profit last quarter compared with the previous quarter",
        lambda b: {
            "total": b.profit("2025-04-01", "2025-06-30"),
            "before": b.profit("2025-01-01", "2025-03-31"),
        },
    ),
    Ask(
        "travel in July compared with June",
        lambda b: {
            "total": b.spent("Travel", "2025-07-01", "2025-07-31")["total"],
            "before": b.spent("Travel", "2025-06-01", "2025-06-30")["total"],
        },
    ),
    Ask(
        "compare March and April expenses",
        lambda b: {
            "total": b.posted("EXPENSE", "2025-03-01", "2025-03-31"),
            "before": b.posted("EXPENSE", "2025-04-01", "2025-04-30"),
        },
    ),
    Ask(
        "revenue in May versus the previous month",
        lambda b: {
            "total": b.posted("REVENUE", "2025-05-01", "2025-05-31"),
            "before": b.posted("REVENUE", "2025-04-01", "2025-04-30"),
        },
    ),
    Ask(
        "meals in August 2025 vs the same month last year",
        lambda b: {
            "total": b.spent("Meals", "2025-08-01", "2025-08-31")["total"],
            "before": b.spent("Meals", "2024-08-01", "2024-08-31")["total"],
        },
    ),
    Ask(
        "compare profit in Q1 and Q2",
        lambda b: {
            "total": b.profit("2025-01-01", "2025-03-31"),
            "before": b.profit("2025-04-01", "2025-06-30"),
        },
    ),
    # --- days ---
    Ask("transactions between 5 and 20 May", lambda b: b.all("2025-05-05", "2025-05-20")),
    Ask("transactions from May 5 to May 20", lambda b: b.all("2025-05-05", "2025-05-20")),
    Ask("expenses on 2025-07-31", lambda b: {"total": b.posted("EXPENSE", "2025-07-31", "2025-07-31")}),
    Ask("transactions on 7/31/2025", lambda b: b.all("2025-07-31", "2025-07-31")),
    Ask("transactions before September 2024", lambda b: b.all("", "2024-08-31")),
    Ask("transactions after 10 August", lambda b: b.all("2025-08-11", "2025-08-20")),
    Ask("transactions from November to February", lambda b: b.all("2024-11-01", "2025-02-28")),
    Ask("transactions this month", lambda b: b.all("2025-08-01", "2025-08-31")),
    # --- states ---
    Ask("show pending transactions", lambda b: b.all(where=lambda e: e.status == "PENDING")),
    Ask(
        "how many transactions are not approved yet",
        lambda b: b.all(where=lambda e: not e.is_posted),
        measure="count",
    ),
    Ask("posted transactions in August", lambda b: b.all("2025-08-01", "2025-08-31", lambda e: e.is_posted)),
    Ask("cleared payments", lambda b: b.all(where=lambda e: e.status == "CLEARED" and e.is_paid_out)),
    Ask("uncategorized transactions", lambda b: b.spent("Uncategorized Expense")),
    # --- misspelled ---
    Ask("how mcuh did we spned on travl in May", lambda b: b.spent("Travel", "2025-05-01", "2025-05-31")),
    Ask("lst quater expences", lambda b: {"total": b.posted("EXPENSE", "2025-04-01", "2025-06-30")}),
    Ask(
        "sofware subscripions over $100 last month",
        lambda b: b.spent(
            "Software and Subscriptions", "2025-07-01", "2025-07-31", where=lambda e: e.amount > 100
        ),
    ),
    Ask("paymets to Amazn Web Servces", lambda b: b.paid("Amazon Web Services")),
    Ask(
        "smalest transation in july",
        lambda b: {"first": min(e.amount for e in b.within("2025-07-01", "2025-07-31"))},
        measure="smallest",
    ),
    Ask(
        "reveneu in feburary",
        lambda b: {"total": b.posted("REVENUE", "2025-02-01", "2025-02-28")},
        measure="revenue",
    ),
    Ask(
        "recieved from fabrikam helth this year",
        lambda b: b.received("Fabrikam Health", "2025-01-01", "2025-12-31"),
    ),
    Ask("uncategorised trasactions", lambda b: b.spent("Uncategorized Expense")),
    Ask("averge meels in 2025", lambda b: b.spent("Meals", "2025-01-01", "2025-12-31"), measure="average"),
    Ask("adatom corporation", lambda b: b.named("Adatum Corporation")),
    # --- texts ---
    Ask('transactions with "GOOGLE ADS"', lambda b: b.all(where=lambda e: has_words(e, "google", "ads"))),
    Ask("invoice 1755", lambda b: b.all(where=lambda e: has_words(e, "invoice", "1755"))),
    Ask(
        "transactions containing membership in 2025",
        lambda b: b.all("2025-01-01", "2025-12-31", lambda e: has_words(e, "membership")),
    ),
    # --- follow-ups ---
    Ask(
        "and in June?",
        lambda b: b.spent("Travel", "2025-06-01", "2025-06-30"),
        after=("how much did we spend on travel in May",),
    ),
    Ask(
        "what about meals?",
        lambda b: b.spent("Meals", "2025-05-01", "2025-05-31"),
        after=("how much did we spend on travel in May",),
    ),
    Ask(
        "only the cleared ones",
        lambda b: b.all(where=lambda e: e.is_paid_out and e.status == "CLEARED"),
        after=("show me all payments",),
    ),
    Ask(
        "how many of those were over $1,000?",
        lambda b: b.all("2025-07-01", "2025-07-31", lambda e: e.is_paid_out and e.amount > 1000),
        after=("payments in July",),
        measure="count",
    ),
    Ask(
        "and last quarter?",
        lambda b: {"total": b.profit("2025-04-01", "2025-06-30")},
        after=("profit this month",),
        measure="profit",
    ),
    Ask(
        "what about marketing?",
        lambda b: b.spent(MARKETING, "2025-05-01", "2025-05-31"),
        after=("total expenses in May",),
    ),
    Ask(
        "by month",
        lambda b: {"groups": b.by_month(b.signed(b.on("Travel"), "2025-01-01", "2025-12-31"))},
        after=("travel this year",),
    ),
    Ask("in June?", lambda b: b.spent("Travel", "2025-06-01", "2025-06-30"), after=("travel in May",)),
    Ask(
        "how about Uber?",
        lambda b: b.paid("Uber", "2025-07-01", "2025-07-31"),
        after=("how much did we pay to Google in July",),
    ),
    Ask(
        "compared with June?",
        lambda b: {
            "total": b.spent("Travel", "2025-07-01", "2025-07-31")["total"],
            "before": b.spent("Travel", "2025-06-01", "2025-06-30")["total"],
        },
        after=("travel in July",),
    ),
    Ask(
        "and the average?",
        lambda b: b.spent("Travel", "2025-05-01", "2025-05-31"),
        after=("travel in April", "and in May?"),
        measure="average",
    ),
]
