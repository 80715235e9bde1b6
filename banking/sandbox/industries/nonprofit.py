"""A charity with programs, donors and grants."""

from banking.sandbox.industry import CardSales, Chart, Customer, Held, Industry, Spending
from ledger.choices import EntityType

INDUSTRY = Industry(
    id="nonprofit",
    title="Nonprofit",
    also=frozenset({"non profit", "charity", "ngo", "foundation", "church"}),
    template_id="tmpl_nonprofit",
    entity_type=EntityType.NON_PROFIT,
    chart=Chart(
        equipment=1530,
        loan=2520,
        capital=3010,
        insurance=6210,
        bank_fees=6230,
        depreciation=6240,
        interest=8500,
        income_tax=None,
        interest_income=8010,
    ),
    rent=Spending(6100, "ACH DEBIT COMMUNITY CENTER TRUST RENT {n}", 2_400, 2_400, day=1),
    salaries=((5010, 14_500), (6010, 6_200), (7010, 4_300)),
    card_sales=(
        CardSales(
            4010, 1050, 6230, 3_600, 6_400, "Donations online", "GIVEBUTTER DES:TRANSFER ID:ST-{ref}", 30
        ),
    ),
    customers=(
        Customer(
            "the Woodgrove Foundation (grant)",
            4030,
            9_000,
            12_000,
            "WIRE FROM WOODGROVE FOUNDATION GRANT {n}",
        ),
        Customer("the City (after-school program)", 4040, 8_500, 9_500, "CITY TREASURER VENDOR PMT {ref}"),
        Customer(
            "Humongous Insurance (matching gifts)",
            4020,
            800,
            3_200,
            "BENEVITY FUND DES:DONATION {ref}",
            percent=70,
        ),
        Customer("members (dues)", 4060, 600, 1_500, "REMOTE DEPOSIT MEMBERSHIP DUES {n}"),
        Customer("families (program fees)", 4070, 1_200, 2_600, "MOBILE DEPOSIT PROGRAM FEES {n}"),
        Customer("guests of the benefit evening", 4080, 4_000, 14_000, "EVENTBRITE PAYOUT {ref}", percent=25),
    ),
    on_card=(
        Spending(5015, "AMZN MKTP US*{ref} AMZN.COM/BILL WA", 28, 240, times_a_month=2),
        Spending(5015, "LAKESHORE LEARNING {n} CARSON CA", 60, 380, times_a_month=2),
        Spending(5015, "TARGET {n} OAKLAND CA", 24, 160, times_a_month=2),
        Spending(5050, "ENTERPRISE RENT-A-CAR {n} OAKLAND CA", 90, 310),
        Spending(5050, "CHEVRON {n} OAKLAND CA", 35, 84, held=Held.ROUND_SUM),
        Spending(6140, "GOOGLE *WORKSPACE_ORG CC@GOOGLE.COM CA", 72, 72, day=2),
        Spending(6140, "SALESFORCE.ORG {n} SAN FRANCISCO CA", 180, 180, day=10),
        Spending(6130, "STAPLES {n} OAKLAND CA", 18, 95),
        Spending(7020, "MAILCHIMP *MISC {n} ATLANTA GA", 115, 115, day=13),
        Spending(6220, "SQ *GRAND LAKE BAKERY OAKLAND CA", 22, 90, times_a_month=2),
    ),
    by_bank=(
        Spending(6110, "PGANDE WEB ONLINE {n}", 180, 340, day=18),
        Spending(6120, "COMCAST BUSINESS {n} AUTOPAY", 129, 129, day=8),
        Spending(6030, "ACH DEBIT KAISER PERMANENTE {ref}", 1_900, 1_900, day=6),
        Spending(5060, "ACH DEBIT OAKLAND UNIFIED FACILITIES {n}", 1_450, 1_450, day=4),
    ),
    bills=(
        Spending(5040, "Bay Area Tutors Cooperative", 1_800, 3_200),
        Spending(6200, "Baldwin Accounting LLP", 450, 800),
        Spending(7030, "Proseware Events", 300, 1_600),
        Spending(5030, "Neighborhood Food Pantry", 900, 1_800),
    ),
    opening_cash=70_000,
    opening_savings=40_000,
    equipment=28_000,
    loan=24_000,
    premium=3_600,
)
