"""Questions to the sandbox companies with known answers, and how well a search answers them.

An answer is whatever a person with the books before them would accept: the transactions whose description
matches a pattern. Patterns name what the companies bought and sold, not what any search looks at.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

FIRST: Final = 10


class Kind(StrEnum):
    """What makes a question hard."""

    MEANING = "meaning"  # other words than the books have
    CATEGORY = "category"  # a word for many sellers
    MISSPELLED = "misspelled"
    SENTENCE = "sentence"  # wrapped into other words
    NAME = "name"  # exactly as the books have it


class Asked(NamedTuple):
    industry: str
    query: str
    kind: Kind
    # Which descriptions are right, in any case.
    right: str


_SALARIES: Final = "GUSTO DES:NET|Gross pay"
_PAYROLL: Final = "GUSTO|payroll of"
_EATING: Final = "BLUE BOTTLE|GRAMERCY|SWEETGREEN"

QUERIES: Final = (
    # --- software
    Asked("software", "cloud hosting", Kind.MEANING, "AMAZON WEB SERVICES"),
    Asked("software", "servers", Kind.MEANING, "AMAZON WEB SERVICES"),
    Asked("software", "trips", Kind.CATEGORY, "DELTA AIR|UBER"),
    Asked("software", "taxi", Kind.MEANING, "UBER"),
    Asked("software", "flights", Kind.MEANING, "DELTA AIR"),
    Asked("software", "eating out", Kind.CATEGORY, _EATING),
    Asked("software", "lunch with the team", Kind.SENTENCE, _EATING),
    Asked("software", "coffee", Kind.NAME, "BLUE BOTTLE"),
    Asked("software", "source code repositories", Kind.MEANING, "GITHUB|JETBRAINS"),
    Asked("software", "google adds", Kind.MISSPELLED, r"GOOGLE \*ADS"),
    Asked("software", "online ads", Kind.CATEGORY, r"GOOGLE \*ADS|LINKEDIN ADS"),
    Asked("software", "advertizing", Kind.MISSPELLED, r"GOOGLE \*ADS|LINKEDIN ADS"),
    Asked("software", "coworking", Kind.MEANING, "WEWORK"),
    Asked("software", "office rent", Kind.MEANING, "WEWORK"),
    Asked("software", "medical cover for employees", Kind.SENTENCE, "AETNA"),
    Asked("software", "sending emails", Kind.MEANING, "SENDGRID"),
    Asked("software", "team chat app", Kind.MEANING, "SLACK"),
    Asked("software", "bookkeeper", Kind.MEANING, "Baldwin Accounting"),
    Asked("software", "what do we owe the tax office for profit", Kind.SENTENCE, "USATAXPYMT"),
    Asked("software", "salaries", Kind.CATEGORY, _SALARIES),
    Asked("software", "payrol", Kind.MISSPELLED, _PAYROLL),
    Asked("software", "Northwind Logistics", Kind.NAME, "NORTHWIND LOGISTICS"),
    Asked("software", "norhtwind logistics", Kind.MISSPELLED, "NORTHWIND LOGISTICS"),
    Asked("software", "github", Kind.NAME, "GITHUB"),
    Asked("software", "Lucerne Design Studio", Kind.NAME, "LUCERNE DESIGN STUDIO"),
    # --- retail
    Asked("retail", "electricity", Kind.MEANING, "PORTLAND GENERAL ELECTRIC"),
    Asked("retail", "power bill", Kind.MEANING, "PORTLAND GENERAL ELECTRIC"),
    Asked("retail", "internet provider", Kind.MEANING, "COMCAST"),
    Asked("retail", "petrol", Kind.MEANING, "SHELL OIL"),
    Asked("retail", "gasoline for the van", Kind.SENTENCE, "SHELL OIL"),
    Asked("retail", "airfare", Kind.MEANING, "SOUTHWES"),
    Asked("retail", "packing boxes", Kind.MEANING, "ULINE"),
    Asked("retail", "stamps", Kind.MEANING, "USPS"),
    Asked("retail", "facebook ads", Kind.MEANING, "FACEBK"),
    Asked("retail", "accounting software", Kind.MEANING, "QBOOKS"),
    Asked("retail", "quickboks", Kind.MISSPELLED, "QBOOKS"),
    Asked("retail", "amazon purchases", Kind.MEANING, "AMZN"),
    Asked("retail", "wholesalers", Kind.MEANING, "COHO WHOLESALE|LITWARE TRADING"),
    Asked("retail", "janitor", Kind.MEANING, "BRIGHT CLEANING"),
    Asked("retail", "stationary", Kind.MISSPELLED, "STAPLES|AMZN"),
    Asked("retail", "money the owner took out", Kind.SENTENCE, "TRANSFER TO OWNER"),
    Asked("retail", "web shop payouts", Kind.MEANING, "SHOPIFY DES"),
    Asked("retail", "VAT", Kind.MEANING, "SALES TAX"),
    Asked("retail", "landlord", Kind.MEANING, "MAIN STREET PROPERTIES"),
    Asked("retail", "Harbor Hotel", Kind.NAME, "HARBOR HOTEL"),
    Asked("retail", "Staples", Kind.NAME, "STAPLES"),
    Asked("retail", "Litware Trading", Kind.NAME, "LITWARE TRADING"),
    # --- restaurant
    Asked("restaurant", "laundry", Kind.MEANING, "LINEN"),
    Asked("restaurant", "plumber", Kind.MEANING, "PLUMBING"),
    Asked("restaurant", "food suppliers", Kind.CATEGORY, "SYSCO|FARM TO TABLE|ALPINE BEVERAGE"),
    Asked("restaurant", "delivery app payouts", Kind.MEANING, "DOORDASH, INC"),
    Asked("restaurant", "liquor license", Kind.MEANING, "ALCOHOLIC BEV"),
    Asked("restaurant", "heating", Kind.MEANING, "TEXAS GAS SERVICE"),
    Asked("restaurant", "utilites", Kind.MISSPELLED, "AUSTIN ENERGY|TEXAS GAS SERVICE"),
    Asked("restaurant", "phone bill", Kind.MEANING, r"ATT\*"),
    Asked("restaurant", "pots and pans", Kind.MEANING, "KATOM"),
    Asked("restaurant", "promotion", Kind.CATEGORY, "YELP"),
    Asked("restaurant", "filling up the car", Kind.SENTENCE, "H-E-B GAS"),
    Asked("restaurant", "employee health plan", Kind.MEANING, "BLUE CROSS"),
    Asked("restaurant", "staff wages", Kind.CATEGORY, _SALARIES),
    Asked("restaurant", "catering jobs", Kind.CATEGORY, "CATERING|WOODGROVE BANK AP|CITY MUSEUM ACH"),
    Asked("restaurant", "wear and tear", Kind.MEANING, "Depreciation of"),
    Asked("restaurant", "Sysco", Kind.NAME, "SYSCO"),
    Asked("restaurant", "opentabel", Kind.MISSPELLED, "OPENTABLE"),
    Asked("restaurant", "Costco", Kind.NAME, "COSTCO"),
    # --- consulting
    Asked("consulting", "hotels", Kind.MEANING, "MARRIOTT"),
    Asked("consulting", "plane tickets", Kind.MEANING, "UNITED 016"),
    Asked("consulting", "business trips", Kind.CATEGORY, "UNITED 016|MARRIOTT|LYFT"),
    Asked("consulting", "video calls", Kind.MEANING, "ZOOM"),
    Asked("consulting", "client dinners", Kind.MEANING, "CAPITAL GRILLE"),
    Asked("consulting", "online courses", Kind.MEANING, "COURSERA"),
    Asked("consulting", "magazines", Kind.MEANING, "ECONOMIST"),
    Asked("consulting", "freelancers", Kind.CATEGORY, "FREELANCER DANA|LUCERNE ANALYTICS"),
    Asked("consulting", "car park", Kind.MEANING, "SPOTHERO"),
    Asked("consulting", "mobile phones", Kind.MEANING, "VERIZON"),
    Asked("consulting", "microsfot", Kind.MISSPELLED, "MSFT"),
    Asked("consulting", "photoshop and such, the adobe subscription", Kind.SENTENCE, "ADOBE"),
    Asked("consulting", "insurence premium", Kind.MISSPELLED, "HISCOX|Insurance of|UNITED HEALTHCARE"),
    Asked("consulting", "debt repayments", Kind.MEANING, "LOAN PAYMENT"),
    Asked("consulting", "bank charges", Kind.MEANING, "MONTHLY SERVICE FEE"),
    Asked("consulting", "Trey Research", Kind.NAME, "TREY RESEARCH"),
    Asked("consulting", "Marriott", Kind.NAME, "MARRIOTT"),
    # --- nonprofit
    Asked("nonprofit", "donors", Kind.CATEGORY, "Donations online|GIVEBUTTER|BENEVITY|matching gifts"),
    Asked("nonprofit", "foundation money", Kind.MEANING, "WOODGROVE FOUNDATION"),
    Asked("nonprofit", "government support", Kind.MEANING, r"CITY TREASURER|the City \("),
    Asked("nonprofit", "fundraising evening tickets", Kind.MEANING, "EVENTBRITE|benefit evening"),
    Asked("nonprofit", "newsletter", Kind.MEANING, "MAILCHIMP"),
    Asked("nonprofit", "tutors", Kind.NAME, "TUTORS"),
    Asked("nonprofit", "teaching materials", Kind.CATEGORY, "LAKESHORE|AMZN|TARGET"),
    Asked("nonprofit", "car hire", Kind.MEANING, "ENTERPRISE RENT"),
    Asked("nonprofit", "pastries", Kind.MEANING, "BAKERY"),
    Asked("nonprofit", "food bank", Kind.MEANING, "FOOD PANTRY"),
    Asked("nonprofit", "memebership dues", Kind.MISSPELLED, "MEMBERSHIP DUES|members \\(dues"),
    Asked("nonprofit", "where does our electricity come from", Kind.SENTENCE, "PGANDE"),
    Asked("nonprofit", "money put aside", Kind.MEANING, "TO SAVINGS|FROM SAVINGS|(TO|FROM) CHECKING"),
    Asked("nonprofit", "paying off the card", Kind.MEANING, "CREDIT CARD AUTOPAY"),
    Asked("retail", "money back from shops", Kind.SENTENCE, "CARD REFUND"),
    Asked("nonprofit", "Neighborhood Food Pantry", Kind.NAME, "NEIGHBORHOOD FOOD PANTRY"),
    Asked("nonprofit", "Givebutter", Kind.NAME, "GIVEBUTTER"),
)


@dataclass
class Marks:
    """How well questions were answered, on average."""

    asked: int = 0
    # Of ten, or as many right ones as there are, how many stood among the first ten.
    recall: float = 0.0
    # One divided by the place of the first right one; nothing where none stands among the first ten.
    reciprocal_rank: float = 0.0

    def add(self, found: Sequence[UUID], right: Iterable[UUID]) -> None:
        """Count one answer."""
        known = set(right)
        first = found[:FIRST]
        hits = sum(one in known for one in first)
        self.asked += 1
        self.recall += hits / min(FIRST, len(known))
        place = next((place for place, one in enumerate(first, start=1) if one in known), None)
        self.reciprocal_rank += 1 / place if place else 0

    @property
    def recall_at_10(self) -> float:
        return self.recall / self.asked

    @property
    def mean_reciprocal_rank(self) -> float:
        return self.reciprocal_rank / self.asked

    def __str__(self) -> str:
        return f"{self.asked} asked, recall@10 {self.recall_at_10:.3f}, MRR {self.mean_reciprocal_rank:.3f}"


Search = Callable[[Asked], Sequence[UUID]]


def mark(
    search: Search, descriptions: dict[str, dict[UUID, str]], queries: Iterable[Asked] = QUERIES
) -> dict[Kind, Marks]:
    """Ask all questions; `descriptions` are those of each industry's company, by transaction."""
    marks = {kind: Marks() for kind in Kind}
    for asked in queries:
        right = re.compile(asked.right, re.IGNORECASE)
        known = [id_ for id_, text in descriptions[asked.industry].items() if right.search(text)]
        assert known, f"a question without a right answer proves nothing: {asked}"
        marks[asked.kind].add(search(asked), known)
    return marks


def together(marks: Iterable[Marks]) -> Marks:
    """The marks of several kinds as one."""
    found = Marks()
    for one in marks:
        found.asked += one.asked
        found.recall += one.recall
        found.reciprocal_rank += one.reciprocal_rank
    return found
