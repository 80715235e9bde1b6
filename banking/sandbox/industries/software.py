"""A small software company that sells subscriptions."""

from banking.sandbox.industry import CardSales, Chart, Customer, Held, Industry, Spending
from ledger.choices import EntityType

INDUSTRY = Industry(
    id="software",
    title="Software",
    also=frozenset({"saas", "technology", "tech", "information technology", "internet"}),
    template_id="tmpl_saas",
    entity_type=EntityType.CORPORATION,
    chart=Chart(
        savings=1030,
        capital=3030,
        payroll_taxes=6420,
        insurance=6480,
        bank_fees=6510,
        depreciation=6530,
        interest_income=7010,
    ),
    rent=Spending(6450, "WEWORK MEMBERSHIP {n} NEW YORK NY", 3_200, 3_200, day=1),
    salaries=((6010, 31_000), (6210, 11_500), (6410, 9_500)),
    card_sales=(
        CardSales(4010, 1040, 5040, 16_000, 20_500, "Subscriptions by card", "STRIPE TRANSFER ST-{ref}"),
    ),
    customers=(
        Customer("Northwind Logistics", 4010, 6_200, 6_800, "ACH CREDIT NORTHWIND LOGISTICS INV {n}"),
        Customer("Fabrikam Health", 4010, 4_800, 5_200, "FABRIKAM HEALTH DES:PAYMENT ID:{ref}"),
        Customer("Contoso Retail Group", 4010, 7_400, 8_100, "WIRE TRANSFER FROM CONTOSO RETAIL GROUP {n}"),
        Customer("Adatum Corporation", 4020, 1_500, 3_900, "ACH CREDIT ADATUM CORP {ref}", percent=80),
        Customer("Tailspin Toys", 4030, 2_500, 6_000, "TAILSPIN TOYS BILL PMT {n}", percent=45),
    ),
    on_card=(
        Spending(5010, "AMAZON WEB SERVICES AWS.AMAZON.CO WA", 5_800, 7_400, day=3),
        Spending(5015, "TWILIO SENDGRID {n} SAN FRANCISCO CA", 320, 640, day=6),
        Spending(6030, "GITHUB, INC. {ref} SAN FRANCISCO CA", 252, 252, day=4),
        Spending(6030, "JETBRAINS AMERICAS INC {n}", 179, 179, day=9),
        Spending(6460, "GOOGLE *GSUITE_ACME CC@GOOGLE.COM CA", 216, 216, day=2),
        Spending(6460, "SLACK T{ref} DUBLIN", 157, 157, day=12),
        Spending(6230, "GOOGLE *ADS{n} CC GOOGLE.COM CA", 900, 2_100, times_a_month=2),
        Spending(6230, "LINKEDIN ADS {n} SUNNYVALE CA", 400, 950),
        Spending(6490, "DELTA AIR 006{n} ATLANTA GA", 240, 780),
        Spending(6490, "UBER *TRIP HELP.UBER.COM CA", 14, 62, times_a_month=2),
        Spending(6500, "SQ *BLUE BOTTLE COFFEE {n} NEW YORK NY", 9, 48, times_a_month=2),
        Spending(6500, "TST* GRAMERCY TAVERN {n} NEW YORK NY", 64, 240, held=Held.WITHOUT_TIP),
        Spending(6500, "TST* SWEETGREEN {n} NEW YORK NY", 16, 96, held=Held.WITHOUT_TIP),
    ),
    by_bank=(Spending(6430, "ACH DEBIT AETNA HEALTH PREMIUM {ref}", 4_150, 4_150, day=7),),
    bills=(
        Spending(6020, "Lucerne Design Studio", 2_400, 4_800),
        Spending(6470, "Baldwin Accounting LLP", 850, 1_600),
        Spending(6240, "Proseware Events", 600, 2_200),
    ),
    opening_cash=160_000,
    opening_savings=80_000,
    equipment=48_000,
    loan=120_000,
    premium=7_200,
    quarterly_income_tax=6_000,
    monthly_saving=2_500,
)
