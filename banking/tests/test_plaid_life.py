"""The whole life of a bank connection through Plaid, over the API: connected, synced, broken, repaired, given
up. The bank is the fake Plaid, reached over HTTP; nothing else is faked."""

import datetime as dt
import logging
import sys
from decimal import Decimal
from typing import Any, Final
from unittest.mock import Mock

import msgspec
import pytest

from banking import http
from banking.background import poll_connections
from banking.models import BankConnection, BankLine
from banking.providers.plaid import client, signatures
from banking.providers.plaid.signatures import KeyRing
from banking.tests.fake_plaid import FakeItem, FakePlaid, Webhook, new_account
from ledger.api import json
from ledger.background_runs import run_task
from ledger.choices import TaskState
from ledger.clock import utc_now
from ledger.encryption import decrypt
from ledger.models import AuditEvent, BackgroundTask
from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity
from transactions.models import Transaction
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db

SYNC: Final = "/transactions/sync"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """New banks go through Plaid, nobody waits, and no key of webhooks was seen before."""
    settings.BANK_PROVIDER = "plaid"
    monkeypatch.setattr(http, "pause", Mock())
    monkeypatch.setattr(signatures, "keys", KeyRing())


class Bakery:
    """A company that calls the API, with a worker that does what waits."""

    def __init__(self) -> None:
        made = make_developer()
        self.entity = make_entity(made.developer)
        self.caller = caller_of(made, entity=self.entity)

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The answer, whose status must be as expected."""
        text = "" if body is None else json.encode(body).decode()
        answer = self.caller.generic(method, f"/v1/{path}", text, "application/json" if text else "")
        assert answer.status_code == status, answer.content
        return json.decode(answer.content) if answer.content else None

    def connect(self, plaid: FakePlaid, item: FakeItem) -> Any:
        """Connect a bank: what the API answers."""
        link = self.call("GET", "banks/create-link")
        return self.call(
            "PUT", "banks/accounts", {"public_token": plaid.finish_link(link["link_token"], item)}
        )

    def sync(self) -> BackgroundTask:
        """Ask for a sync and do it."""
        self.call("POST", "banks/sync")
        (task,) = self.work()
        return task

    def work(self) -> list[BackgroundTask]:
        """Do all that waits for banks; the tasks, as they ended."""
        waiting = BackgroundTask.objects.filter(
            entity_id=self.entity.id, state=TaskState.QUEUED, name__startswith="banking."
        )
        done = list(waiting.order_by("created_at", "id"))
        for task in done:
            run_task(self.entity.id, task.id)
            task.refresh_from_db()
        return done

    def transactions(self) -> list[Any]:
        """All transactions, the newest first."""
        listed: list[Any] = self.call("GET", "transactions?pageSize=100")["transactions"]
        return listed

    def amounts(self) -> list[Decimal]:
        return sorted(one["amount"] for one in self.transactions())

    def status(self) -> Any:
        """How far the first bank account is."""
        return self.call("GET", "banks/sync-status")["accounts"][0]

    def assert_books_hold(self) -> None:
        assert list(verify_books(self.entity)) == []
        # Each line made one transaction, and none is there twice.
        ids = list(Transaction.objects.filter(entity_id=self.entity.id).values_list("external_id", flat=True))
        assert len(ids) == len(set(ids))


def hear(webhook: Webhook) -> None:
    """Let Plaid call us."""
    body: Any = webhook.body
    answer = Caller().generic(
        "POST",
        "/v1/banks/webhook/plaid",
        body,
        "application/json",
        HTTP_PLAID_VERIFICATION=webhook.signature,
    )
    assert answer.status_code == 200, answer.content


@pytest.fixture
def bakery() -> Bakery:
    return Bakery()


def test_a_connection_lives_through_everything(plaid: FakePlaid, bakery: Bakery) -> None:
    plaid.page_size = 2
    item = plaid.new_item(
        accounts=[
            new_account("Checking"),
            new_account("Card", type="credit", subtype="credit card", mask="4444"),
            new_account("Wallet", currency=None, unofficial_currency="BTC"),
        ]
    )
    flour = item.add(Decimal("120.50"), "Miller Flour")
    sale = item.add(Decimal("-80.00"), "Card sales", date="2024-03-06")
    hold = item.add(Decimal("15.00"), "Fuel", pending=True, date="2024-03-07")
    item.add(Decimal("9.99"), "Software", account=1, date="2024-03-07")

    # Connected: two accounts, and a word of the third.
    connected = bakery.connect(plaid, item)
    assert [one["accountName"] for one in connected["accounts"]] == ["Checking", "Card"]
    assert [one["accountName"] for one in connected["leftOut"]] == ["Wallet"]
    assert "BTC" in connected["leftOut"][0]["reason"]
    assert connected["accounts"][0]["currentBalance"] == Decimal("110.05")
    assert connected["accounts"][0]["institutionName"] == "First Platypus Bank"
    connection = BankConnection.objects.get(entity_id=bakery.entity.id)
    assert decrypt(connection.access_token) == item.access_token

    # Synced, over several pages: what is pending at the bank is not in the books.
    (first,) = bakery.work()
    assert (first.state, bakery.status()["syncStatus"]) == (TaskState.SUCCEEDED, "completed")
    assert len(plaid.calls_of(SYNC)) == 2
    assert bakery.amounts() == [Decimal("9.99"), Decimal("80.00"), Decimal("120.50")]
    assert {one["status"] for one in bakery.transactions()} == {"CLEARED"}
    newest = {one["counterparty"]: one for one in bakery.transactions()}
    assert newest["Miller Flour"]["creditAccount"]["name"].startswith("Checking")
    assert newest["Card sales"]["debitAccount"]["name"].startswith("Checking")
    assert newest["Software"]["creditAccount"]["name"].startswith("Card")

    # A sync without news asks once, and changes nothing.
    bakery.sync()
    assert plaid.calls_of(SYNC)[-1].body["cursor"] == f"{item.id}/4"
    assert len(bakery.transactions()) == 3

    # The pending line posts with a tip, one line changes, one goes.
    item.post(hold, amount=Decimal("16.25"), date="2024-03-08")
    item.modify(flour, amount=Decimal("121.00"))
    item.remove(sale)
    bakery.sync()
    assert bakery.amounts() == [Decimal("9.99"), Decimal("16.25"), Decimal("121.00")]
    bakery.assert_books_hold()

    # The log-in breaks: it shows, and polling leaves the bank alone.
    item.broken = "ITEM_LOGIN_REQUIRED"
    item.add(Decimal("33.00"), "Rent", date="2024-03-09")
    task = bakery.sync()
    assert task.state == TaskState.FAILED
    assert bakery.status()["connectionStatus"] == "login_required"
    assert "ITEM_LOGIN_REQUIRED" in bakery.status()["error"]
    BankConnection.objects.update(sync_started_at=None, synced_at=utc_now() - dt.timedelta(days=2))
    assert poll_connections() == 0

    # A link in update mode repairs it, and what came meanwhile arrives.
    link = bakery.call("GET", f"banks/create-link?connectionId={connected['connectionId']}")
    assert plaid.link_tokens == {link["link_token"]: item}
    assert plaid.finish_link(link["link_token"]) == ""
    bakery.sync()
    assert (bakery.status()["connectionStatus"], bakery.status()["error"]) == ("active", None)
    assert bakery.amounts() == [Decimal("9.99"), Decimal("16.25"), Decimal("33.00"), Decimal("121.00")]

    # Given up: with the last account Plaid forgets it, and so do we; the books stay.
    for account in connected["accounts"]:
        bakery.call("DELETE", f"banks/accounts/{account['id']}", status=204)
    (gone,) = bakery.work()
    assert gone.state == TaskState.SUCCEEDED
    assert plaid.items == {}
    connection.refresh_from_db()
    assert (connection.status, connection.access_token) == ("disconnected", "")
    assert len(bakery.transactions()) == 4
    bakery.assert_books_hold()


def test_a_bank_that_plaid_has_not_read_yet_is_asked_again_and_does_not_count_as_synced(
    plaid: FakePlaid, bakery: Bakery
) -> None:
    item = plaid.new_item(is_ready=False)
    item.add(Decimal("7.00"))
    bakery.connect(plaid, item)

    (task,) = bakery.work()

    # The task waits for its next attempt, so the accounts are on their way and not done.
    assert (task.state, "first time" in task.error) == (TaskState.QUEUED, True)
    assert (bakery.status()["syncStatus"], bakery.status()["lastSyncedAt"]) == ("in_progress", None)
    item.is_ready = True
    bakery.work()
    assert bakery.status()["syncStatus"] == "completed"
    assert bakery.amounts() == [7]


def test_a_permission_that_ends_soon_is_said_until_a_person_asks_for_a_sync_and_polled_meanwhile(
    plaid: FakePlaid, bakery: Bakery
) -> None:
    item = plaid.new_item()
    bakery.connect(plaid, item)
    bakery.work()
    hear(plaid.webhook(item.id, "PENDING_EXPIRATION", kind="ITEM", consent_expiration_time="2024-04-01"))

    # The bank answers as ever, so its lines come as ever.
    item.add(Decimal("7.00"))
    BankConnection.objects.update(sync_started_at=None, synced_at=utc_now() - dt.timedelta(days=2))
    assert poll_connections() == 1
    bakery.work()
    assert bakery.amounts() == [7]
    assert bakery.status()["connectionStatus"] == "active"
    assert "ends soon" in bakery.status()["error"]

    # Renewed in the bank's window, which tells nobody.
    bakery.sync()
    assert (bakery.status()["connectionStatus"], bakery.status()["error"]) == ("active", None)


def test_lines_that_come_while_a_sync_ends_are_fetched_by_the_one_that_their_webhook_asks_for(
    plaid: FakePlaid, bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = plaid.new_item()
    item.add(Decimal("7.00"))
    bakery.connect(plaid, item)
    pages = client.sync_transactions

    def last_page(token: str, cursor: str) -> Any:
        page = pages(token, cursor)
        if len(item.log) == 1:
            item.add(Decimal("8.00"))
            hear(plaid.webhook(item.id, "SYNC_UPDATES_AVAILABLE"))
        return page

    monkeypatch.setattr(client, "sync_transactions", last_page)
    bakery.work()
    assert bakery.amounts() == [7]

    (second,) = bakery.work()
    assert second.state == TaskState.SUCCEEDED
    assert bakery.amounts() == [7, 8]


def test_lines_that_change_between_pages_are_each_there_once(plaid: FakePlaid, bakery: Bakery) -> None:
    plaid.page_size = 2
    item = plaid.new_item()
    for number in range(5):
        item.add(Decimal(number + 1))
    item.before_pages.extend([None, lambda: item.add(Decimal("99.00")), None, None, lambda: item.add(100)])

    bakery.connect(plaid, item)
    (task,) = bakery.work()

    assert task.state == TaskState.SUCCEEDED
    # Twice it began again, with no cursor.
    assert [call.body.get("cursor") for call in plaid.calls_of(SYNC)].count(None) == 3
    assert bakery.amounts() == [1, 2, 3, 4, 5, 99, 100]
    bakery.assert_books_hold()


def test_a_sync_that_fails_between_pages_leaves_nothing_and_is_made_up_for(
    plaid: FakePlaid, bakery: Bakery
) -> None:
    plaid.page_size = 2
    item = plaid.new_item()
    ids = [item.add(Decimal(number + 1)) for number in range(5)]
    bakery.connect(plaid, item)
    item.before_pages.extend(
        [lambda: plaid.refuse(SYNC, "INSTITUTION_DOWN", kind="INSTITUTION_ERROR"), None, None]
    )

    (task,) = bakery.work()

    # It is tried again by itself, and for now nothing is there.
    assert (task.state, "INSTITUTION_DOWN" in task.error) == (TaskState.QUEUED, True)
    assert (BankLine.objects.count(), BankConnection.objects.get().cursor) == (0, "")
    bakery.work()
    assert set(BankLine.objects.values_list("provider_line_id", flat=True)) == set(ids)
    assert bakery.amounts() == [1, 2, 3, 4, 5]
    bakery.assert_books_hold()


def test_a_worker_that_dies_between_pages_leaves_nothing_and_another_makes_up_for_it(
    plaid: FakePlaid, bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    plaid.page_size = 2
    item = plaid.new_item()
    for number in range(5):
        item.add(Decimal(number + 1))
    bakery.connect(plaid, item)
    pages = client.sync_transactions
    with monkeypatch.context() as dying:
        dying.setattr(
            client,
            "sync_transactions",
            lambda token, cursor: sys.exit("killed") if cursor else pages(token, cursor),
        )
        with pytest.raises(SystemExit, match="killed"):
            bakery.work()

    assert (BankLine.objects.count(), BankConnection.objects.get().cursor) == (0, "")
    bakery.sync()
    assert bakery.amounts() == [1, 2, 3, 4, 5]
    bakery.assert_books_hold()


def test_amounts_are_in_the_books_as_they_stood_in_the_answer(plaid: FakePlaid, bakery: Bakery) -> None:
    item = plaid.new_item()
    for text in (b"0.1", b"0.2", b"1e-2", b"2.5E+1", b"99999999999999.99"):
        item.add(msgspec.Raw(text))
    bad = item.add(msgspec.Raw(b"12.345"))

    accounts = bakery.connect(plaid, item)["accounts"]
    bakery.work()

    assert [str(one) for one in bakery.amounts()] == ["0.01", "0.10", "0.20", "25.00", "99999999999999.99"]
    balance = bakery.call("GET", f"accounts/{accounts[0]['ledgerAccountId']}/balance")["balance"]
    assert balance["credits_pending"] == "100000000000025.30"
    # What is no amount of dollars is not in the books, and the connection says so.
    assert not BankLine.objects.filter(provider_line_id=bad).exists()
    assert "1 lines could not be kept" in bakery.status()["error"]
    assert "12.345" in bakery.status()["error"]


def test_a_webhook_starts_the_sync_that_fetches_its_lines(plaid: FakePlaid, bakery: Bakery) -> None:
    item = plaid.new_item()
    bakery.connect(plaid, item)
    bakery.work()
    item.add(Decimal("7.00"))

    hear(plaid.webhook(item.id, "SYNC_UPDATES_AVAILABLE"))
    bakery.work()

    assert bakery.amounts() == [7]


def test_a_used_token_is_the_callers_mistake_and_a_plaid_that_is_down_is_not(
    plaid: FakePlaid, bakery: Bakery, settings: Any
) -> None:
    token = plaid.public_token(plaid.new_item())
    Bakery().call("PUT", "banks/accounts", {"public_token": token})

    used = bakery.call("PUT", "banks/accounts", {"public_token": token}, status=400)
    settings.PLAID_TIMEOUT_SECONDS = 0.1
    plaid.pauses["/link/token/create"] = 0.5
    down = bakery.call("GET", "banks/create-link", status=502)

    assert used["error"]["details"][0]["field"] == "publicToken"
    assert down["error"]["code"] == "PROVIDER_ERROR"
    assert "try again later" in down["error"]["message"]


def test_no_token_shows_anywhere(plaid: FakePlaid, bakery: Bakery, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    item = plaid.new_item()
    item.add(Decimal("7.00"))
    answers = [bakery.connect(plaid, item)]
    public_token = plaid.calls_of("/item/public_token/exchange")[0].body["public_token"]
    bakery.work()
    plaid.refuse(SYNC, "INVALID_ACCESS_TOKEN", message=f"no token {item.access_token} of {plaid.secret}")
    bakery.sync()
    answers += [
        bakery.status(),
        bakery.call("GET", "banks/accounts"),
        bakery.call("GET", "entities"),
        bakery.call("GET", "tasks"),
    ]

    stored = [
        *BankConnection.objects.values_list(),
        *BankLine.objects.values_list(),
        *BackgroundTask.objects.values_list(),
        *AuditEvent.objects.values_list(),
    ]
    shown = caplog.text + str(answers) + str(stored)
    assert item.id in shown
    for secret in (item.access_token, public_token, plaid.secret, plaid.client_id):
        assert secret not in shown
