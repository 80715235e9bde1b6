"""What the sandbox's banks show of a made-up company: its story, seen from its bank accounts.

A line is on the account on the day of the story. A purchase by card is shown as pending from the day that the
card was used, with what was held for it; a transfer leaves one account and arrives in the other a day later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import Final

from accounts.chart_templates import SYSTEM_ACCOUNTS, chart_template
from banking.providers.base import AccountSeen, LineRemoved, LineSeen
from banking.sandbox.categories import category_of
from banking.sandbox.industry import Industry
from banking.sandbox.institutions import Kind
from banking.sandbox.story import ARRIVES_AFTER, BOOKED_AFTER_DAYS, OPENING_BALANCES, Line, tell
from banking.sandbox.tokens import Feed
from ledger.money import minor_digits
from transactions.counterparty_names import counterparty_name

# Pending lines are of purchases that are booked later: so far the story is told ahead.
_AHEAD: Final = timedelta(days=BOOKED_AFTER_DAYS[1])
_CARD_LIMIT: Final = Decimal(50_000)
# Of so many lines by card the bank recognises the shop of one only the day after, and then says it anew.
_RECOGNISED_LATE_EVERY: Final = 17
_RECOGNISED_AFTER: Final = timedelta(days=1)
_NAMES: Final = {
    Kind.CHECKING: ("Business Checking", "Business Advantage Checking", "depository", "checking"),
    Kind.SAVINGS: ("Business Savings", "Business Reserve Savings", "depository", "savings"),
    Kind.CARD: ("Business Card", "Business Rewards Credit Card", "credit", "credit card"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a line of the story, on one bank account."""

    kind: Kind
    account_id: str
    line: Line
    # When the bank books it.
    day: date
    # > 0 where money leaves the account, on a card too.
    amount: Decimal
    description: str

    @property
    def id(self) -> str:
        """The bank's id of it, once it is booked."""
        return _id(self.account_id, self.line.number, "posted")

    @property
    def pending_id(self) -> str:
        """The bank's id of it while it is pending."""
        return _id(self.account_id, self.line.number, "pending")

    def is_posted(self, today: date) -> bool:
        """Whether the bank has booked it."""
        return self.day <= today

    def is_pending(self, today: date) -> bool:
        """Whether the card was used, and the bank has not booked it yet."""
        return self.line.used_on is not None and self.line.used_on <= today < self.day

    def is_recognised(self, today: date) -> bool:
        """Whether the bank knows by now who it was paid to."""
        if self.line.used_on is None or self.line.number % _RECOGNISED_LATE_EVERY:
            return True
        return self.day + _RECOGNISED_AFTER <= today

    @property
    def held(self) -> Decimal:
        """What is held while it is pending."""
        return self.amount if self.line.held is None else self.line.held


@dataclass(frozen=True, slots=True)
class Changes:
    """What a bank has to say anew, in the order in which pages tell it."""

    added: list[LineSeen]
    modified: list[LineSeen]
    removed: list[LineRemoved]


def account_id(feed: Feed, kind: Kind) -> str:
    """The bank's id of an account."""
    return feed.item_id.replace("item", "account", 1) + f"-{kind}"


def story_of(feed: Feed, today: date) -> list[Line]:
    """The company's story up to `today`, and what the bank already knows of the days after it."""
    step = Decimal(1).scaleb(-minor_digits(feed.currency))
    return tell(industry=feed.industry, seed=feed.seed, first=feed.first, until=today + _AHEAD, step=step)


def entries_of(feed: Feed, lines: list[Line]) -> Iterator[Entry]:
    """The entries that lines of the story make on the accounts of the feed's bank."""
    chart = feed.industry.chart
    accounts = {kind.code(chart): (kind, account_id(feed, kind)) for kind in feed.institution.kinds}
    for line in lines:
        if not line.is_bank:
            continue
        if line.credit in accounts:
            kind, account = accounts[line.credit]
            yield Entry(kind, account, line, line.day, line.amount, line.description)
        if line.debit in accounts:
            kind, account = accounts[line.debit]
            day = line.day + ARRIVES_AFTER if line.arriving else line.day
            yield Entry(kind, account, line, day, -line.amount, line.arriving or line.description)


def changes(feed: Feed, since: date | None, today: date) -> Changes:
    """What is new on `today` to somebody who has seen all of `since`; None has seen nothing."""
    told = Changes([], [], [])
    for entry in sorted(entries_of(feed, story_of(feed, today)), key=lambda one: (one.day, one.line.number)):
        posted, pending = entry.is_posted(today), entry.is_pending(today)
        was_posted = since is not None and entry.is_posted(since)
        was_pending = since is not None and entry.is_pending(since)
        if was_pending and not pending:
            told.removed.append(LineRemoved(entry.pending_id, entry.account_id))
        if (posted and not was_posted) or (pending and not was_pending):
            told.added.append(seen(feed, entry, today))
        elif was_posted and since and entry.is_recognised(today) and not entry.is_recognised(since):
            told.modified.append(seen(feed, entry, today))
    return told


def seen(feed: Feed, entry: Entry, today: date) -> LineSeen:
    """A line as the bank shows it on `today`."""
    posted = entry.is_posted(today)
    used_on = entry.line.used_on
    amount, day = (entry.amount, entry.day) if posted else (entry.held, used_on or entry.day)
    counterparty = category = ""
    if entry.is_recognised(today):
        category = _category(feed.industry, entry)
        if used_on is not None:
            counterparty = counterparty_name(entry.description)
    id_ = entry.id if posted else entry.pending_id
    pending_id = entry.pending_id if posted and used_on is not None else None
    return LineSeen(
        id=id_,
        account_id=entry.account_id,
        pending=not posted,
        pending_line_id=pending_id,
        date=day,
        authorized_date=used_on,
        amount=amount,
        currency=feed.currency,
        description=entry.description,
        counterparty=counterparty,
        category=category,
        raw={
            "transaction_id": id_,
            "account_id": entry.account_id,
            "pending": not posted,
            "pending_transaction_id": pending_id,
            "date": day.isoformat(),
            "authorized_date": used_on.isoformat() if used_on else None,
            "amount": str(amount),
            "iso_currency_code": feed.currency,
            "name": entry.description,
            "merchant_name": counterparty or None,
            "personal_finance_category": category or None,
        },
    )


def accounts_of(feed: Feed, today: date) -> list[AccountSeen]:
    """The accounts at the feed's bank, with their balances on `today`."""
    lines = story_of(feed, today)
    current = {kind: _opening(feed.industry, kind, lines) for kind in feed.institution.kinds}
    pending = dict.fromkeys(current, Decimal(0))
    for entry in entries_of(feed, lines):
        if entry.is_posted(today):
            current[entry.kind] -= entry.amount
        elif entry.is_pending(today):
            pending[entry.kind] += entry.held
    return [_account(feed, kind, current[kind], pending[kind]) for kind in feed.institution.kinds]


def _account(feed: Feed, kind: Kind, standing: Decimal, pending: Decimal) -> AccountSeen:
    name, official_name, type_, subtype = _NAMES[kind]
    number = Random(f"{feed.seed} {feed.institution.id} {kind}").randrange(1_000, 10_000)  # noqa: S311
    current, available = standing, standing - pending
    if kind is Kind.CARD:
        # A bank says what is owed on a card as a positive balance.
        current, available = -standing, max(Decimal(0), _CARD_LIMIT + standing - pending)
    return AccountSeen(
        id=account_id(feed, kind),
        name=name,
        official_name=f"{feed.institution.name} {official_name}",
        mask=str(number),
        type=type_,
        subtype=subtype,
        currency=feed.currency,
        balance_current=current,
        balance_available=available,
    )


def _opening(industry: Industry, kind: Kind, lines: list[Line]) -> Decimal:
    code = kind.code(industry.chart)
    return sum(
        (line.amount for line in lines if line.debit == code and line.credit == OPENING_BALANCES), Decimal(0)
    )


def _category(industry: Industry, entry: Entry) -> str:
    line = entry.line
    other = line.debit if line.credit == entry.kind.code(industry.chart) else line.credit
    return category_of(_financial_types(industry.template_id).get(other, ""), is_in=entry.amount < 0)


@lru_cache(maxsize=16)
def _financial_types(template_id: str) -> dict[int, str]:
    known = {one.code: one.financial_type or "" for one in chart_template(template_id).accounts}
    return known | {one.code: one.financial_type for one in SYSTEM_ACCOUNTS}


@lru_cache(maxsize=20_000)
def _id(account: str, number: int, state: str) -> str:
    return blake2b(f"{account} {number} {state}".encode(), digest_size=16).hexdigest()
