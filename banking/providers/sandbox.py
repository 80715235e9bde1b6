"""The provider that is always there: made-up banks that know made-up companies, without any network.

It keeps nothing. What a connection shows follows from its access token and the day; what a sync has told
already, from its cursor. So it gives the same lines to everybody who asks twice, and more of them each day.
"""

import time
from datetime import date, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

from django.conf import settings

from banking.models import BankConnection
from banking.providers.base import (
    AccountSeen,
    Exchanged,
    LineRemoved,
    LineSeen,
    Link,
    LoginRequiredError,
    PublicTokenError,
    SyncPage,
)
from banking.sandbox.feed import Changes, accounts_of, changes
from banking.sandbox.industries import industry_named, software
from banking.sandbox.industry import Industry
from banking.sandbox.story import first_day
from banking.sandbox.tokens import FORM, Feed, Pass, read_access_token, read_pass
from ledger.clock import utc_now
from ledger.encryption import decrypt
from ledger.exceptions import ProviderError, ValidationError, shown
from ledger.ids import new_id
from ledger.models import Developer, Entity
from ledger.times import day_of

PAGE_SIZE: Final = 100
HISTORY_MONTHS: Final = 12
HISTORY_MONTHS_MAX: Final = 60
LINK_LIFETIME: Final = timedelta(hours=4)
_NOTHING: Final = "-"


class SandboxProvider:
    """Institutions, accounts and lines of the industries in `banking/sandbox/industries/`."""

    def create_link(self, *, entity: Entity, connection: BankConnection | None) -> Link:
        """A link to the entity's own made-up company, of its developer's industry where there is such a one;
        in update mode, to the one that the connection shows."""
        _check_on()
        if connection is None:
            said = Pass(_industry_of(entity), _seed_of(entity))
        else:
            said = _feed(decrypt(connection.access_token)).repaired()
        return Link(said.link_token(), utc_now() + LINK_LIFETIME, new_id().hex)

    def exchange(self, *, entity: Entity, public_token: str) -> Exchanged:
        """Connect the bank that a public token names; a link token is taken in its place."""
        _check_on()
        said = read_pass(public_token)
        if said is None:
            raise PublicTokenError(f"{shown(public_token)} is no public token of the sandbox; send {FORM}.")
        today = day_of(utc_now(), entity.zone)
        first = said.first or first_day(today, HISTORY_MONTHS)
        if not first_day(today, HISTORY_MONTHS_MAX) <= first <= today:
            raise PublicTokenError(
                f"{shown(public_token)} begins in {first:%Y%m}; send a month from the last "
                f"{HISTORY_MONTHS_MAX} months."
            )
        feed = Feed(
            said.industry,
            said.seed,
            said.institution,
            first,
            entity.default_currency,
            entity.zone,
            said.login_breaks,
            said.login_from,
        )
        bank = said.institution
        return Exchanged(feed.item_id, feed.access_token(), bank.id, bank.name)

    def accounts(self, access_token: str) -> list[AccountSeen]:
        """The accounts at the bank with their balances of today."""
        feed = _feed(access_token)
        today = _today(feed)
        _check_login(feed, today, seen_all=False)
        return accounts_of(feed, today)

    def sync(self, access_token: str, cursor: str) -> SyncPage:
        """The next lines; all pages of one run tell of the day on which it began."""
        feed = _feed(access_token)
        position = _position(cursor)
        today = position.until or max(_today(feed), position.since or date.min)
        _check_login(feed, today, seen_all=position.since is not None)
        time.sleep(settings.SANDBOX_DELAY_SECONDS)
        told = changes(feed, position.since, today)
        total = len(told.added) + len(told.modified) + len(told.removed)
        end = position.offset + PAGE_SIZE
        has_more = end < total
        page = _cut(told, position.offset, end)
        return SyncPage(
            added=page.added,
            modified=page.modified,
            removed=page.removed,
            next_cursor=str(position._replace(until=today, offset=end)) if has_more else cursor_of(today),
            has_more=has_more,
            accounts=accounts_of(feed, today),
        )

    def disconnect(self, access_token: str) -> None:
        """There is nobody to tell."""


class _Position(NamedTuple):
    """How far a connection's lines are told: written as `since`, or within a run as `since/until/offset`."""

    # The day of which everything is told; None where nothing is.
    since: date | None
    # Within a run: the day that it tells of, and how much of that.
    until: date | None = None
    offset: int = 0

    def __str__(self) -> str:
        since = self.since.isoformat() if self.since else _NOTHING
        return f"{since}/{self.until}/{self.offset}" if self.until else since


def cursor_of(today: date) -> str:
    """The cursor of somebody who has seen everything up to that day."""
    return str(_Position(today))


def _position(cursor: str) -> _Position:
    if not cursor:
        return _Position(None)
    since, *rest = cursor.split("/")
    try:
        begun = None if since == _NOTHING else date.fromisoformat(since)
        if not rest:
            return _Position(begun)
        until, offset = rest
        return _Position(begun, date.fromisoformat(until), int(offset))
    except ValueError:
        raise ProviderError(f"{shown(cursor)} is no cursor of the sandbox.") from None


def _cut(told: Changes, start: int, end: int) -> Changes:
    """What stands from `start` to before `end` when all is written one after the other."""
    added: list[LineSeen] = told.added[start:end]
    start, end = max(0, start - len(told.added)), max(0, end - len(told.added))
    modified: list[LineSeen] = told.modified[start:end]
    start, end = max(0, start - len(told.modified)), max(0, end - len(told.modified))
    removed: list[LineRemoved] = told.removed[start:end]
    return Changes(added, modified, removed)


def _feed(access_token: str) -> Feed:
    feed = read_access_token(access_token)
    if feed is None:
        raise ProviderError("The access token of this connection is none of the sandbox; connect it again.")
    return feed


def _today(feed: Feed) -> date:
    return day_of(utc_now(), feed.zone)


def _check_on() -> None:
    if not settings.SANDBOX:
        raise ProviderError(
            "The sandbox's made-up banks are off (SANDBOX). Set BANK_PROVIDER to the provider of real ones."
        )


def _check_login(feed: Feed, today: date, *, seen_all: bool) -> None:
    if not feed.login_breaks:
        return
    if seen_all if feed.login_from is None else today >= feed.login_from:
        raise LoginRequiredError(
            f"{feed.institution.name} wants a new log-in; send the person through a link in update mode."
        )


def _industry_of(entity: Entity) -> Industry:
    named = Developer.objects.filter(id=entity.developer_id).values_list("industry", flat=True).first()
    try:
        return industry_named(named or software.INDUSTRY.id)
    except ValidationError:
        return software.INDUSTRY


def _seed_of(entity: Entity) -> int:
    """A number that is the entity's own."""
    return int.from_bytes(blake2b(entity.id.bytes, digest_size=3).digest(), "big")
