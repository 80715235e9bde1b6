"""A shop with a store and a web shop."""

from banking.sandbox.industry import CardSales, Chart, Customer, Held, Industry, Spending
from ledger.choices import EntityType

INDUSTRY = Industry(
    id="retail",
    title="Retail",
    also=frozenset({"ecommerce", "e commerce", "shop", "store", "wholesale"}),
    template_id="tmpl_retail",
    entity_type=EntityType.LLC,
    chart=Chart(
        payroll_taxes=6030,
        sales_tax=2120,
        inventory=1200,
        cost_of_goods=5010,
        draws=3020,
    ),
    rent=Spending(6100, "ACH DEBIT MAIN STREET PROPERTIES RENT {n}", 4_600, 4_600, day=1),
    salaries=((6010, 9_800), (6020, 5_200)),
    card_sales=(
        CardSales(
            4010, 1040, 5060, 15_300, 20_700, "Store sales", "SQUARE INC DES:SQ{n} ID:T{ref}", 26, payouts=3
        ),
        CardSales(
            4020, 1040, 5060, 21_000, 33_000, "Web shop sales", "SHOPIFY DES:TRANSFER ID:ST-{ref}", payouts=1
        ),
    ),
    customers=(
        Customer("Harbor Hotel", 4040, 900, 2_400, "ACH CREDIT HARBOR HOTEL AP {n}", percent=70),
        Customer(
            "Wide World Importers", 4040, 1_200, 3_100, "WIDE WORLD IMPORTERS DES:PAYABLES {ref}", percent=60
        ),
    ),
    on_card=(
        Spending(6310, "SQUARE *SUBSCRIPTION {n} SAN FRANCISCO CA", 89, 89, day=3),
        Spending(6310, "INTUIT *QBOOKS ONLINE CL.INTUIT.COM CA", 90, 90, day=11),
        Spending(6200, "FACEBK *{ref} FB.ME/ADS CA", 240, 780, times_a_month=2),
        Spending(6300, "AMZN MKTP US*{ref} AMZN.COM/BILL WA", 22, 180, times_a_month=2),
        Spending(6300, "STAPLES {n} PORTLAND OR", 18, 110),
        Spending(5040, "ULINE *SHIP SUPPLIES {n} PLEASANT PRAIRIE WI", 140, 420),
        Spending(5030, "USPS PO {n} PORTLAND OR", 38, 210, times_a_month=2),
        Spending(6500, "SOUTHWES 526{n} DALLAS TX", 160, 410),
        Spending(6520, "SHELL OIL {n} PORTLAND OR", 32, 78, times_a_month=2, held=Held.ROUND_SUM),
    ),
    by_bank=(
        Spending(6110, "PORTLAND GENERAL ELECTRIC WEB PMT {n}", 260, 440, day=18),
        Spending(6120, "COMCAST BUSINESS {n} AUTOPAY", 149, 149, day=8),
        Spending(6040, "ACH DEBIT KAISER PERMANENTE {ref}", 1_180, 1_180, day=6),
    ),
    bills=(
        Spending(6130, "Bright Cleaning Services", 320, 480),
        Spending(6400, "Baldwin Accounting LLP", 380, 620),
    ),
    opening_cash=50_000,
    opening_savings=15_000,
    equipment=36_000,
    loan=60_000,
    sales_tax_per_mille=72,
    cost_per_mille=520,
    quarterly_income_tax=2_500,
    monthly_draw=4_000,
    suppliers_of_goods=("Coho Wholesale", "Litware Trading"),
)
