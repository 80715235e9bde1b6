"""Syncs of sandbox companies, day after day: every line once, and bank and books agree on each of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from banking.choices import ConnectionStatus, LineStatus, LinkKind
from banking.models import BankAccount, BankConnection, BankLine, LineLink
from banking.providers import sandbox
from banking.providers.base import LoginRequiredError
from banking.providers.sandbox import SandboxProvider
from banking.sandbox.company import create_sandbox
from banking.sandbox.industries import INDUSTRIES
from banking.services.connecting import create_link, exchange, store_connection
from banking.services.syncing import Synced, sync_connection
from ledger.actors import SYSTEM
from ledger.encryption import decrypt
from ledger.models import Entity
from ledger.tests.helpers import caller_of, make_developer, make_entity
from transactions.choices import Source
from transactions.models import Transaction
from transactions.trial_balance import trial_balance
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db
BEGIN = date(2026, 9, 21)
DAYS = 60
every_industry = pytest.mark.parametrize("industry", INDUSTRIES)
Go = Callable[[date], None]


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Go:
    """Let the banks believe that it is noon of a day."""

    def to(day: date) -> None:
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        monkeypatch.setattr(sandbox, "utc_now", lambda: moment)

    to(BEGIN)
    return to


def days(go: Go, count: int) -> Iterator[date]:
    for number in range(1, count + 1):
        go(BEGIN + timedelta(days=number))
        yield BEGIN + timedelta(days=number)


def sync(entity: Entity) -> list[Synced]:
    return [
        sync_connection(entity=entity, connection_id=one.id, actor=SYSTEM)
        for one in BankConnection.objects.filter(entity=entity).order_by("id")
    ]


def connect(entity: Entity, public_token: str) -> BankConnection:
    arrival = exchange(entity=entity, public_token=public_token)
    return store_connection(
        entity=entity, public_token=public_token, arrival=arrival, actor=SYSTEM
    ).connection


def differences(entity: Entity) -> dict[str, Decimal]:
    """What each bank has more than the books, approved or not, in the bank's sign."""
    found = {}
    for account in BankAccount.objects.filter(entity=entity).select_related("ledger"):
        lines = trial_balance(entity=entity, ledger=account.ledger, pending=True).lines
        standing = sum(
            (line.debit - line.credit for line in lines if line.account_id == account.ledger_account_id),
            Decimal(0),
        )
        assert account.balance_current is not None
        found[account.subtype] = account.balance_current + (
            standing if account.type == "credit" else -standing
        )
    return found


def assert_each_line_once(entity: Entity) -> None:
    """What the banks have booked by now is stored and in the books, each line once, and nothing else."""
    booked: set[str] = set()
    for connection in BankConnection.objects.filter(entity=entity):
        cursor, has_more = "", True
        while has_more:
            page = SandboxProvider().sync(decrypt(connection.access_token), cursor)
            cursor, has_more = page.next_cursor, page.has_more
            booked |= {line.id for line in page.added if not line.pending}
    stored = BankLine.objects.filter(entity=entity, status__in=[LineStatus.RECORDED, LineStatus.OFFERED])
    assert sorted(stored.values_list("provider_line_id", flat=True)) == sorted(booked)
    recorded = stored.filter(status=LineStatus.RECORDED)
    links = LineLink.objects.filter(entity=entity)
    assert sorted(links.values_list("line_id", flat=True)) == sorted(recorded.values_list("id", flat=True))
    transfers = links.filter(kind=LinkKind.TRANSFER).values("transaction").distinct().count()
    made = Transaction.objects.for_entity(entity).filter(source=Source.BANK).count()
    assert made == recorded.count() - transfers


@every_industry
def test_a_sandbox_companys_feed_goes_on_for_sixty_days(industry: str, go: Go) -> None:
    entity = create_sandbox(
        name="Day by Day", industry=industry, seed=1, today=BEGIN, months=3, actor=SYSTEM
    ).entity
    assert [synced.fetched for synced in sync(entity)] == [0, 0]
    fetched = transfers = 0
    for _ in days(go, DAYS):
        for synced in sync(entity):
            fetched += synced.fetched
            transfers += synced.transfers
            assert (synced.offered, synced.refused, synced.not_kept) == (0, 0, 0)
        assert differences(entity) == {"checking": 0, "savings": 0, "credit card": 0}
    assert fetched > 60
    assert transfers >= 4
    assert_each_line_once(entity)
    assert list(verify_books(entity)) == []


@every_industry
def test_daily_syncs_leave_the_same_lines_as_one_at_the_end(industry: str, go: Go) -> None:
    token = f"public-sandbox-{industry}-2-harbor-202606"
    developer = make_developer().developer
    daily, at_once = make_entity(developer), make_entity(developer)
    connect(daily, token)
    sync(daily)
    opening = differences(daily)
    for _ in days(go, DAYS):
        sync(daily)
        # What the accounts held before their history begins is all that the books lack.
        assert differences(daily) == opening
    connect(at_once, token)
    sync(at_once)
    assert differences(at_once) == opening
    columns = ("provider_line_id", "date", "amount", "description", "counterparty", "status")
    one, other = (
        sorted(
            BankLine.objects.filter(entity=entity).exclude(status=LineStatus.REMOVED).values_list(*columns)
        )
        for entity in (daily, at_once)
    )
    assert one == other
    for entity in (daily, at_once):
        assert_each_line_once(entity)
        assert list(verify_books(entity)) == []


def test_a_transfer_on_its_way_becomes_one_when_it_arrives(go: Go) -> None:
    go(date(2026, 9, 24))
    entity = create_sandbox(
        name="On its way", industry="retail", seed=1, today=date(2026, 9, 24), months=1, actor=SYSTEM
    ).entity
    row = Transaction.objects.for_entity(entity).get(description__contains="AUTOPAY", date="2026-09-24")
    assert row.debit_account.role == "uncategorized_expense"
    go(date(2026, 9, 25))
    sync(entity)
    row = Transaction.objects.for_entity(entity).get(id=row.id)
    assert row.debit_account.financial_type == "CREDIT_CARD"
    assert LineLink.objects.filter(transaction=row, kind=LinkKind.TRANSFER).count() == 2


def test_a_tip_reaches_the_books_with_the_amount_that_counts(go: Go) -> None:
    entity = make_entity(make_developer().developer)
    connect(entity, "public-sandbox-software-1-summit")
    sync(entity)
    tipped = 0
    for _ in days(go, 45):
        waiting = {
            line.id: line.amount for line in BankLine.objects.filter(entity=entity, status=LineStatus.PENDING)
        }
        sync(entity)
        for line in BankLine.objects.filter(id__in=waiting, status=LineStatus.RECORDED):
            # The pending line is the one that is booked now.
            row = Transaction.objects.for_entity(entity).get(id=line.links.get().transaction_id)
            assert row.amount == line.amount >= waiting[line.id]
            tipped += row.amount > waiting[line.id]
    assert tipped


def test_a_login_that_breaks_shows_and_is_repaired_by_a_link_in_update_mode(go: Go) -> None:
    entity = make_entity(make_developer().developer)
    connection = connect(entity, "public-sandbox-consulting-4-login")
    sync(entity)
    stored = BankLine.objects.filter(entity=entity).count()
    go(BEGIN + timedelta(days=3))
    with pytest.raises(LoginRequiredError):
        sync(entity)
    connection.refresh_from_db()
    assert (connection.status, connection.error_code) == (
        ConnectionStatus.LOGIN_REQUIRED, "ITEM_LOGIN_REQUIRED",
    )  # fmt: skip
    assert BankLine.objects.filter(entity=entity).count() == stored
    link = create_link(entity=entity, connection_id=connection.id)
    repaired = connect(entity, link.token)
    assert repaired.id == connection.id
    sync(entity)
    go(BEGIN + timedelta(days=30))
    sync(entity)
    repaired.refresh_from_db()
    assert (repaired.status, repaired.error_code) == (ConnectionStatus.ACTIVE, "")
    assert BankAccount.objects.filter(entity=entity).count() == 3
    assert_each_line_once(entity)
    assert list(verify_books(entity)) == []


def test_a_bank_is_connected_over_the_api_without_a_browser(go: Go) -> None:
    made = make_developer(industry="retail")
    entity = make_entity(made.developer)
    caller = caller_of(made, entity=entity)
    link = caller.get("/v1/banks/create-link").json()["link_token"]
    for token in (link, "public-sandbox-retail-7"):
        answer = caller.put(f"/v1/banks/accounts?public_token={token}")
        assert answer.status_code == 200, answer.content
        assert [account["accountSubtype"] for account in answer.json()["createdAccounts"]] == [
            "checking", "savings", "credit card",
        ]  # fmt: skip
    refused = caller.put("/v1/banks/accounts?public_token=public-sandbox-mining-1")
    assert refused.status_code == 400
    assert "public-sandbox-<industry>-<seed>" in refused.json()["error"]["message"]
    assert [one.provider_item_id for one in BankConnection.objects.order_by("id")] == [
        "item-sandbox-" + link.removeprefix("link-sandbox-") + "-202509",
        "item-sandbox-retail-7-harbor-202509",
    ]
