"""How a made-up company keeps its books: what of its story is approved, categorized, or still to be done."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from banking.sandbox.feed import Entry
from banking.sandbox.industry import Industry
from banking.sandbox.story import UNCATEGORIZED_EXPENSE, UNCATEGORIZED_INCOME, Line
from transactions.choices import Status
from transactions.counterparty_names import counterparty_name

# What the bank showed lately is not approved yet, and some of it not even categorized.
REVIEW_DAYS: Final = 28
_UNCATEGORIZED_PERCENT: Final = 60
# So many were entered by hand before the bank showed them, a day or two earlier.
_ENTERED_BY_HAND: Final = 2
_ENTERED_DAYS_BEFORE: Final = 2
# In the charts of all industries revenue has the 4000s, expenses have what follows.
_REVENUE_FROM: Final = 4_000
_EXPENSES_FROM: Final = 5_000


@dataclass(frozen=True, slots=True)
class Posting:
    """A transaction of the books; an amount that enters the account `debit` and leaves `credit`, by code."""

    day: date
    debit: int
    credit: int
    amount: Decimal
    description: str
    counterparty: str
    status: Status
    # The bank's lines that it stands for: none for an entry of the accountant, two for a transfer.
    entries: tuple[Entry, ...] = ()
    # Whether it was entered by hand, so that it is only offered for the bank's line.
    by_hand: bool = False

    @property
    def is_categorized(self) -> bool:
        """Whether its accounts say what it was for."""
        return not {self.debit, self.credit} & {UNCATEGORIZED_EXPENSE, UNCATEGORIZED_INCOME}


def keep_books(
    *, industry: Industry, seed: int, lines: Sequence[Line], entries: Iterable[Entry], today: date
) -> list[Posting]:
    """Return the books of `today`: what the accountant entered, and what the banks have booked by then.

    `entries` are those of all banks of the company. A transfer that has left one account and is on its way to
    the other stands there uncategorized, as a sync would have it: the sync of the next day finds what it is.
    """
    random = Random(f"{seed} {industry.id} books")  # noqa: S311 - made-up books, no secret
    booked: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.is_posted(today):
            booked[entry.line.number].append(entry)
    since = today - timedelta(days=REVIEW_DAYS)
    recent = [line for line in lines if line.is_bank and since < line.day <= today]
    by_hand = _entered_by_hand(industry, recent, random)
    postings = []
    for line in lines:
        if line.day > today:
            continue
        posting = _posting(line, tuple(booked[line.number]) if line.is_bank else ())
        if line.is_bank and line.day > since:
            posting = _in_review(posting, line, line.number in by_hand, random)
        postings.append(posting)
    return postings


def _posting(line: Line, entries: tuple[Entry, ...]) -> Posting:
    counterparty = counterparty_name(line.description)
    return Posting(
        line.day, line.debit, line.credit, line.amount, line.description, counterparty, Status.POSTED, entries
    )


def _in_review(posting: Posting, line: Line, is_by_hand: bool, random: Random) -> Posting:
    if is_by_hand:
        day = line.day - timedelta(days=random.randrange(_ENTERED_DAYS_BEFORE + 1))
        said = "Payment received from" if posting.entries[0].amount < 0 else "Payment to"
        text = f"{said} {posting.counterparty}"
        return replace(posting, day=day, description=text, status=Status.PENDING, by_hand=True)
    posting = replace(posting, status=Status.CLEARED)
    is_not_looked_at = random.randrange(100) < _UNCATEGORIZED_PERCENT
    if line.arriving:
        is_on_its_way = len(posting.entries) == 1
        return replace(posting, debit=UNCATEGORIZED_EXPENSE) if is_on_its_way else posting
    if is_not_looked_at and posting.debit >= _EXPENSES_FROM:
        return replace(posting, debit=UNCATEGORIZED_EXPENSE)
    if is_not_looked_at and _REVENUE_FROM <= posting.credit < _EXPENSES_FROM:
        return replace(posting, credit=UNCATEGORIZED_INCOME)
    return posting


def _entered_by_hand(industry: Industry, recent: Sequence[Line], random: Random) -> set[int]:
    """Which of the lines somebody entered: payments of invoices and bills, or where there are none, any."""
    chart = industry.chart
    settled = {chart.receivable, chart.payable}
    by_bank = [line for line in recent if not line.arriving and chart.card not in (line.debit, line.credit)]
    likely = [line for line in by_bank if settled & {line.debit, line.credit}] or by_bank
    return {line.number for line in random.sample(likely, min(_ENTERED_BY_HAND, len(likely)))}
