"""A restaurant with guests at its tables and orders to take away."""

from banking.sandbox.industry import CardSales, Chart, Customer, Held, Industry, Spending
from ledger.choices import EntityType

INDUSTRY = Industry(
    id="restaurant",
    title="Restaurant",
    also=frozenset({"restaurants", "cafe", "bakery", "food", "hospitality", "food and beverage"}),
    template_id="tmpl_retail",
    entity_type=EntityType.LLC,
    chart=Chart(
        equipment=1530,
        payroll_taxes=6030,
        sales_tax=2120,
        inventory=1200,
        cost_of_goods=5010,
        draws=3020,
    ),
    rent=Spending(6100, "ACH DEBIT RIVERSIDE HOLDINGS RENT {n}", 6_200, 6_200, day=1),
    salaries=((6010, 18_500), (6020, 6_400)),
    card_sales=(
        CardSales(
            4010,
            1040,
            5060,
            19_300,
            26_000,
            "Guests at the tables",
            "TOAST INC DES:DEP {n} ID:{ref}",
            25,
            payouts=3,
        ),
        CardSales(
            4030,
            1040,
            5070,
            13_000,
            22_000,
            "Orders by delivery service",
            "DOORDASH, INC. DES:{n} ID:ST-{ref}",
            150,
            payouts=1,
        ),
    ),
    customers=(
        Customer(
            "Woodgrove Bank (catering)", 4040, 800, 2_600, "WOODGROVE BANK AP DES:PAYMENT {n}", percent=65
        ),
        Customer("City Museum (catering)", 4040, 600, 1_900, "CITY MUSEUM ACH VENDOR PAY {ref}", percent=50),
    ),
    on_card=(
        Spending(6310, "TOAST *SOFTWARE FEE {n} BOSTON MA", 165, 165, day=3),
        Spending(6310, "OPENTABLE {n} SAN FRANCISCO CA", 149, 149, day=5),
        Spending(6200, "YELP-ADS {n} SAN FRANCISCO CA", 180, 420),
        Spending(6300, "KATOM RESTAURANT SUPPLY {n} KODAK TN", 90, 640, times_a_month=2),
        Spending(6300, "COSTCO WHSE #0{n} AUSTIN TX", 60, 380, times_a_month=3),
        Spending(5040, "RESTAURANT DEPOT {n} AUSTIN TX", 80, 260),
        Spending(6300, "H-E-B GAS {n} AUSTIN TX", 38, 92, times_a_month=2, held=Held.ROUND_SUM),
        Spending(6130, "SQ *HILL COUNTRY PLUMBING AUSTIN TX", 120, 520),
        Spending(6420, "TX ALCOHOLIC BEV COMM {n} AUSTIN TX", 45, 90),
    ),
    by_bank=(
        Spending(6110, "AUSTIN ENERGY UTIL PAYMT {n}", 920, 1_480, day=17),
        Spending(6110, "TEXAS GAS SERVICE WEB PAY {n}", 260, 520, day=19),
        Spending(6120, "ATT* BILL PAYMENT {n}", 128, 128, day=9),
        Spending(6040, "ACH DEBIT BLUE CROSS PREMIUM {ref}", 1_650, 1_650, day=6),
    ),
    bills=(
        Spending(6130, "Lone Star Linen Service", 340, 520, times_a_month=2),
        Spending(6400, "Baldwin Accounting LLP", 420, 680),
    ),
    opening_cash=60_000,
    opening_savings=20_000,
    equipment=84_000,
    loan=90_000,
    sales_tax_per_mille=82,
    cost_per_mille=310,
    quarterly_income_tax=2_000,
    monthly_draw=3_500,
    suppliers_of_goods=("Sysco Central Texas", "Farm to Table Produce", "Alpine Beverage"),
)
