"""A partnership of consultants."""

from banking.sandbox.industry import Chart, Customer, Held, Industry, Spending
from ledger.choices import EntityType

INDUSTRY = Industry(
    id="consulting",
    title="Consulting",
    also=frozenset({"professional services", "agency", "services", "legal", "accounting", "marketing"}),
    template_id="tmpl_professional_services",
    entity_type=EntityType.PARTNERSHIP,
    # Its partners pay the tax on its profit themselves.
    chart=Chart(income_tax=None, draws=3020, interest_income=7010),
    rent=Spending(6100, "ACH DEBIT LAKEVIEW OFFICE PARTNERS {n}", 3_800, 3_800, day=1),
    salaries=((5010, 18_500), (6010, 5_200)),
    card_sales=(),
    customers=(
        Customer("Humongous Insurance", 4030, 9_500, 9_500, "HUMONGOUS INSURANCE DES:AP PMT {n}"),
        Customer("Trey Research", 4010, 7_200, 11_800, "ACH CREDIT TREY RESEARCH {ref}"),
        Customer("Alpine Ski House", 4010, 4_600, 8_900, "WIRE TRANSFER FROM ALPINE SKI HOUSE {n}"),
        Customer(
            "Consolidated Messenger",
            4020,
            12_000,
            18_000,
            "CONSOLIDATED MESSENGER EDI PYMNTS {ref}",
            percent=75,
        ),
        Customer("Fourth Coffee", 4010, 2_800, 6_400, "FOURTH COFFEE BILL.COM {n} INV", percent=85),
        Customer(
            "Graphic Design Institute", 4020, 4_000, 9_000, "ACH CREDIT GRAPHIC DESIGN INST {n}", percent=60
        ),
        Customer("School of Fine Art", 4010, 1_800, 4_200, "SCHOOL OF FINE ART AP {ref}", percent=70),
        Customer("Margie's Travel", 4040, 300, 1_400, "MARGIES TRAVEL ONLINE PMT {n}", percent=55),
    ),
    on_card=(
        Spending(6310, "MSFT * E0{n} MICROSOFT 365 WA", 264, 264, day=2),
        Spending(6310, "ZOOM.US {n} SAN JOSE CA", 159, 159, day=5),
        Spending(6310, "ADOBE *CREATIVE CLD {n} SAN JOSE CA", 174, 174, day=14),
        Spending(6320, "THE ECONOMIST {n} LONDON", 29, 29, day=8),
        Spending(6500, "UNITED 016{n} HOUSTON TX", 260, 920, times_a_month=3),
        Spending(6500, "MARRIOTT DENVER {n} DENVER CO", 180, 640, times_a_month=2),
        Spending(6500, "LYFT *RIDE {n} LYFT.COM CA", 12, 58, times_a_month=2),
        Spending(
            6510,
            "TST* THE CAPITAL GRILLE {n} CHICAGO IL",
            64,
            310,
            times_a_month=2,
            held=Held.WITHOUT_TIP,
        ),
        Spending(6510, "STARBUCKS STORE {n} CHICAGO IL", 6, 28, times_a_month=2),
        Spending(6300, "OFFICE DEPOT #{n} CHICAGO IL", 24, 160),
        Spending(6440, "COURSERA {n} MOUNTAIN VIEW CA", 59, 59),
        Spending(6520, "SPOTHERO {n} CHICAGO IL", 14, 46, times_a_month=2),
    ),
    by_bank=(
        Spending(6110, "COMED PAYMENT {n} CHICAGO IL", 160, 290, day=18),
        Spending(6120, "VERIZON WIRELESS PAYMENTS {ref}", 312, 312, day=12),
        Spending(6030, "ACH DEBIT UNITED HEALTHCARE {n}", 2_450, 2_450, day=6),
    ),
    bills=(
        Spending(5015, "Lucerne Analytics", 2_800, 6_200),
        Spending(5015, "Freelancer Dana Kim", 1_200, 3_400),
        Spending(6400, "Baldwin Accounting LLP", 480, 900),
    ),
    opening_cash=90_000,
    opening_savings=60_000,
    equipment=32_000,
    loan=40_000,
    premium=6_600,
    monthly_draw=2_500,
)
