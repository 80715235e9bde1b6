"""The sandbox's banks: the same lines for everybody, more each day, and nothing twice."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.financial_types import FINANCIAL_TYPES
from banking.models import BankConnection
from banking.providers import sandbox
from banking.providers.base import LineSeen, LoginRequiredError, PublicTokenError, SyncPage
from banking.providers.sandbox import HISTORY_MONTHS, PAGE_SIZE, SandboxProvider
from banking.sandbox import categories
from banking.sandbox.industries import INDUSTRIES
from banking.sandbox.institutions import INSTITUTIONS
from ledger.encryption import encrypt
from ledger.exceptions import ProviderError
from ledger.models import Entity
from ledger.tests.helpers import make_developer, make_entity

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
every_industry = pytest.mark.parametrize("industry", INDUSTRIES)


class Clock:
    """Noon of a day, until the test goes on to another."""

    def __init__(self) -> None:
        self.today = TODAY

    def now(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sandbox, "utc_now", clock.now)
    return clock


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer)


@dataclass
class Reader:
    """Somebody who syncs, and keeps what the bank says as it says it."""

    access_token: str
    cursor: str = ""
    lines: dict[str, LineSeen] = field(default_factory=dict)
    came: Counter[str] = field(default_factory=Counter)

    def sync(self) -> list[SyncPage]:
        pages: list[SyncPage] = []
        while not pages or pages[-1].has_more:
            page = SandboxProvider().sync(self.access_token, self.cursor)
            pages.append(page)
            self.cursor = page.next_cursor
            for line in (*page.added, *page.modified):
                self.lines[line.id] = line
            self.came.update(line.id for line in page.added)
            for removed in page.removed:
                assert self.lines.pop(removed.line_id).account_id == removed.account_id
        return pages

    def posted(self) -> list[LineSeen]:
        return [line for line in self.lines.values() if not line.pending]

    def pending(self) -> list[LineSeen]:
        return [line for line in self.lines.values() if line.pending]


def connect(entity: Entity, public_token: str) -> Reader:
    return Reader(SandboxProvider().exchange(entity=entity, public_token=public_token).access_token)


def days(clock: Clock, count: int) -> Iterator[date]:
    for _ in range(count):
        clock.today += timedelta(days=1)
        yield clock.today


@every_industry
def test_everybody_who_asks_gets_the_same_and_another_seed_gets_another(
    clock: Clock, entity: Entity, industry: str
) -> None:
    one, same, other = (connect(entity, f"public-sandbox-{industry}-{seed}") for seed in (1, 1, 2))
    assert one.sync() == same.sync()
    other.sync()
    assert not one.lines.keys() & other.lines.keys()


@every_industry
def test_a_new_connection_brings_a_year_in_pages(clock: Clock, entity: Entity, industry: str) -> None:
    reader = connect(entity, f"public-sandbox-{industry}-1")
    pages = reader.sync()
    assert [len(page.added) for page in pages[:-1]] == [PAGE_SIZE] * (len(pages) - 1)
    assert len(pages) >= 4
    posted = [line.date for line in reader.posted()]
    assert min(posted) < date(2025, 11, 8)
    assert date(2026, 11, 16) <= max(posted) <= TODAY
    # A second look at once brings nothing.
    assert reader.sync() == [SyncPage([], [], [], reader.cursor, False, pages[-1].accounts)]


@every_industry
def test_sixty_days_bring_every_line_once_and_say_no_other_than_a_new_connection(
    clock: Clock, entity: Entity, industry: str
) -> None:
    clock.today = date(2026, 9, 20)
    token = f"public-sandbox-{industry}-3-harbor-202509"
    daily = connect(entity, token)
    daily.sync()
    quiet = 0
    for _ in days(clock, 60):
        quiet += not sum(len(page.added) for page in daily.sync())
    # Nearly each day has something new.
    assert quiet < 15
    assert set(daily.came.values()) == {1}
    at_once = connect(entity, token)
    at_once.sync()
    assert daily.lines == at_once.lines


@every_industry
def test_what_was_pending_is_booked_with_the_amount_that_counts(
    clock: Clock, entity: Entity, industry: str
) -> None:
    reader = connect(entity, f"public-sandbox-{industry}-1")
    reader.sync()
    seen_pending: dict[str, LineSeen] = {}
    booked: dict[str, LineSeen] = {}
    for today in days(clock, 60):
        seen_pending |= {line.id: line for line in reader.pending()}
        for page in reader.sync():
            booked |= {line.pending_line_id: line for line in page.added if line.pending_line_id}
            gone = {removed.line_id for removed in page.removed}
            assert gone <= seen_pending.keys()
        assert all(line.date <= today for line in reader.lines.values())
        # Of a pending line and the booked one that came of it, one is there.
        assert not {line.pending_line_id for line in reader.posted()} & {one.id for one in reader.pending()}
    followed = [(seen_pending[id_], booked[id_]) for id_ in seen_pending if id_ in booked]
    assert len(followed) > 15
    for pending, posted in followed:
        assert pending.authorized_date == posted.authorized_date == pending.date < posted.date
        assert pending.description == posted.description
        assert pending.account_id == posted.account_id
    changed = [
        (pending.amount, posted.amount) for pending, posted in followed if pending.amount != posted.amount
    ]
    # A tip is on top of what was held, a pump holds a round sum.
    assert changed
    assert all(held < paid or held == 125 for held, paid in changed)


@every_industry
def test_there_are_equal_purchases_refunds_and_transfers(clock: Clock, entity: Entity, industry: str) -> None:
    reader = connect(entity, f"public-sandbox-{industry}-1")
    pages = reader.sync()
    checking, savings, card = (account.id for account in pages[-1].accounts)
    posted = reader.posted()
    equal = Counter((line.account_id, line.date, line.amount, line.description) for line in posted)
    assert max(equal.values()) == 2
    refunds = [line for line in posted if line.account_id == card and "REFUND" in line.description]
    assert refunds
    assert all(line.amount < 0 for line in refunds)
    bought = {(line.amount, line.description) for line in posted}
    assert all((-line.amount, line.description.removeprefix("CARD REFUND ")) in bought for line in refunds)
    # Both sides of a transfer, a day apart.
    by_side = {(line.account_id, line.date, line.amount) for line in posted}
    for account, other in ((checking, card), (checking, savings)):
        left = [line for line in posted if line.account_id == account and line.amount > 0]
        arrived = [
            line
            for line in left
            if (other, line.date + timedelta(days=1), -line.amount) in by_side
            and ("TRANSFER" in line.description or "AUTOPAY" in line.description)
        ]
        assert arrived, (account, other)


@every_industry
def test_balances_move_by_what_is_booked(clock: Clock, entity: Entity, industry: str) -> None:
    reader = connect(entity, f"public-sandbox-{industry}-1")
    before = {account.id: account for account in reader.sync()[-1].accounts}
    seen = set(reader.lines)
    for _ in days(clock, 30):
        after = {account.id: account for account in reader.sync()[-1].accounts}
    moved: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in reader.posted():
        if line.id not in seen:
            moved[line.account_id] += line.amount
    for id_, account in after.items():
        owed = 1 if account.type == "credit" else -1
        now, then = account.balance_current, before[id_].balance_current
        assert now is not None
        assert then is not None
        assert now - then == owed * moved[id_] != 0
        # Money can be drawn up to what is there less what is held.
        held = sum(line.amount for line in reader.pending() if line.account_id == id_)
        limit = 50_000 if account.type == "credit" else 0
        assert account.balance_available == limit - owed * now - held


@every_industry
def test_some_shops_are_recognised_a_day_late(clock: Clock, entity: Entity, industry: str) -> None:
    reader = connect(entity, f"public-sandbox-{industry}-1")
    reader.sync()
    modified: list[LineSeen] = []
    for _ in days(clock, 60):
        known = dict(reader.lines)
        for page in reader.sync():
            for line in page.modified:
                assert known[line.id].counterparty == known[line.id].category == ""
                assert (known[line.id].amount, known[line.id].date) == (line.amount, line.date)
            modified += page.modified
    assert modified
    assert all(line.counterparty and line.category for line in modified)


def test_a_run_that_goes_past_midnight_tells_of_the_day_on_which_it_began(
    clock: Clock, entity: Entity
) -> None:
    reader = connect(entity, "public-sandbox-software-1")
    whole = reader.sync()
    first = SandboxProvider().sync(reader.access_token, "")
    clock.today += timedelta(days=1)
    second = SandboxProvider().sync(reader.access_token, first.next_cursor)
    assert [first, second] == whole[:2]


def test_a_clock_that_goes_back_brings_nothing(clock: Clock, entity: Entity) -> None:
    reader = connect(entity, "public-sandbox-software-1")
    reader.sync()
    cursor = reader.cursor
    clock.today -= timedelta(days=3)
    (page,) = reader.sync()
    assert (page.added, page.modified, page.removed, page.next_cursor) == ([], [], [], cursor)


@pytest.mark.parametrize("institution", INSTITUTIONS.values(), ids=lambda one: one.id)
def test_a_bank_has_its_own_accounts(clock: Clock, entity: Entity, institution: Any) -> None:
    token = f"public-sandbox-retail-5-{institution.id}"
    connected = SandboxProvider().exchange(entity=entity, public_token=token)
    assert (connected.institution_id, connected.institution_name) == (institution.id, institution.name)
    accounts = SandboxProvider().accounts(connected.access_token)
    assert len(accounts) == len(institution.kinds)
    for account in accounts:
        assert account.mask.isdigit()
        assert len(account.mask) == 4
    lines = connect(entity, token)
    lines.sync()
    assert {line.account_id for line in lines.lines.values()} == {account.id for account in accounts}


def test_amounts_and_days_are_those_of_the_company(clock: Clock) -> None:
    developer = make_developer().developer
    pages = {}
    for zone in ("Asia/Tokyo", "UTC", "Pacific/Kiritimati"):
        entity = make_entity(developer, default_currency="JPY", timezone=zone)
        reader = connect(entity, "public-sandbox-retail-1")
        pages[zone] = reader.sync()
        assert all(line.amount == int(line.amount) and line.currency == "JPY" for line in reader.posted())
    # At noon in London it is the same day in Tokyo, and the next one on Kiritimati.
    assert pages["Asia/Tokyo"][-1].next_cursor == pages["UTC"][-1].next_cursor == "2026-11-20"
    assert pages["Pacific/Kiritimati"][-1].next_cursor == "2026-11-21"


# --- links and log-ins ---------------------------------------------------------------------------


def connection_of(entity: Entity, access_token: str) -> BankConnection:
    return BankConnection(entity=entity, access_token=encrypt(access_token))


def test_a_link_needs_no_browser(clock: Clock) -> None:
    developer = make_developer(industry="SaaS").developer
    entity, another = make_entity(developer), make_entity(developer)
    link = SandboxProvider().create_link(entity=entity, connection=None)
    assert link.token.startswith("link-sandbox-software-")
    assert link.expires_at > clock.now()
    # Either of the two is taken, for the same bank; another company gets another one.
    public_token = link.token.replace("link", "public", 1)
    exchanged = [
        SandboxProvider().exchange(entity=entity, public_token=token) for token in (link.token, public_token)
    ]
    assert exchanged[0] == exchanged[1]
    assert SandboxProvider().create_link(entity=another, connection=None).token != link.token


def test_an_industry_that_the_sandbox_has_not_gets_software(entity: Entity) -> None:
    assert entity.developer.industry == ""
    assert "software" in SandboxProvider().create_link(entity=entity, connection=None).token


def test_a_login_breaks_after_everything_came_and_is_repaired_by_a_link_in_update_mode(
    clock: Clock, entity: Entity
) -> None:
    reader = connect(entity, "public-sandbox-restaurant-1-meadow-202511-login")
    reader.sync()
    cursor, seen = reader.cursor, set(reader.lines)
    clock.today += timedelta(days=5)
    with pytest.raises(LoginRequiredError, match="Meadow Commercial Bank wants a new log-in") as caught:
        reader.sync()
    assert caught.value.provider_code == "ITEM_LOGIN_REQUIRED"
    assert reader.cursor == cursor
    link = SandboxProvider().create_link(entity=entity, connection=connection_of(entity, reader.access_token))
    clock.today = date(2027, 2, 3)
    repaired = SandboxProvider().exchange(entity=entity, public_token=link.token)
    # It is the same connection, which goes on where it stopped.
    assert repaired.item_id == "item-sandbox-restaurant-1-meadow-202511"
    reader.access_token = repaired.access_token
    reader.sync()
    assert set(reader.lines) > seen
    assert set(reader.came.values()) == {1}


def test_a_login_breaks_from_a_day_on(clock: Clock, entity: Entity) -> None:
    reader = connect(entity, "public-sandbox-software-1-login-20261122")
    for _ in days(clock, 1):
        assert reader.sync()
        assert SandboxProvider().accounts(reader.access_token)
    for _ in days(clock, 3):
        with pytest.raises(LoginRequiredError):
            reader.sync()
        with pytest.raises(LoginRequiredError):
            SandboxProvider().accounts(reader.access_token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "public-sandbox-mining-1",
        "public-sandbox-software",
        "public-sandbox-software-1234567890",
        "public-sandbox-software-1-moon",
        "public-sandbox-software-1-202513",
        "public-sandbox-software-1-login-20260231",
        "public-sandbox-software-1\n",
        "public-sandbox-software-\u0661",
        "access-sandbox:software:1:harbor:202511:USD:UTC:never",
    ],
)
def test_a_public_token_of_another_form_is_refused_with_the_form(entity: Entity, token: str) -> None:
    with pytest.raises(PublicTokenError, match="public-sandbox-<industry>-<seed>") as caught:
        SandboxProvider().exchange(entity=entity, public_token=token)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("month", ["202612", "202110", "000101", "999912"])
def test_a_history_begins_in_the_last_years(clock: Clock, entity: Entity, month: str) -> None:
    with pytest.raises(PublicTokenError, match="send a month from the last 60 months"):
        SandboxProvider().exchange(entity=entity, public_token=f"public-sandbox-software-1-{month}")


@pytest.mark.parametrize("cursor", ["x", "2026-11-20/2026", "-/2026-11-20/x", "2026-11-20/2026-11-20/1/1"])
def test_a_foreign_cursor_is_an_error_of_the_provider(entity: Entity, cursor: str) -> None:
    reader = connect(entity, "public-sandbox-software-1")
    with pytest.raises(ProviderError, match="is no cursor of the sandbox"):
        SandboxProvider().sync(reader.access_token, cursor)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "access-production-x",
        "access-sandbox:mining:1:harbor:202511:USD:UTC:never",
        "access-sandbox:software:x:harbor:202511:USD:UTC:never",
        "access-sandbox:software:1:moon:202511:USD:UTC:never",
        "access-sandbox:software:1:harbor:202513:USD:UTC:never",
        "access-sandbox:software:1:harbor:202511:EURO:UTC:never",
        "access-sandbox:software:1:harbor:202511:USD:Mars:never",
        "access-sandbox:software:1:harbor:202511:USD:UTC:soon",
    ],
)
def test_a_foreign_access_token_is_an_error_of_the_provider(token: str) -> None:
    with pytest.raises(ProviderError, match="connect it again"):
        SandboxProvider().accounts(token)


def test_where_the_sandbox_is_off_nobody_links_made_up_banks(entity: Entity, settings: Settings) -> None:
    reader = connect(entity, "public-sandbox-software-1")
    settings.SANDBOX = False
    with pytest.raises(ProviderError, match="BANK_PROVIDER"):
        SandboxProvider().create_link(entity=entity, connection=None)
    with pytest.raises(ProviderError, match="BANK_PROVIDER"):
        connect(entity, "public-sandbox-software-1")
    # What is connected goes on.
    assert reader.sync()


def test_a_slow_bank_takes_its_time(
    entity: Entity, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("banking.providers.sandbox.time.sleep", waited.append)
    settings.SANDBOX_DELAY_SECONDS = 0.5
    assert len(connect(entity, "public-sandbox-software-1").sync()) == len(waited)
    assert set(waited) == {0.5}


def test_the_banks_categories_are_of_financial_types_that_there_are() -> None:
    assert {*categories._IN, *categories._OUT} <= FINANCIAL_TYPES.keys()
    assert HISTORY_MONTHS == 12
