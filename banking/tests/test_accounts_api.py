"""Connecting banks, syncing and disconnecting them through the API."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.tests.conftest import make_account
from banking import background
from banking.background import poll_connections
from banking.choices import ConnectionStatus
from banking.models import BankAccount, BankConnection
from banking.providers.base import AccountSeen, LoginRequiredError, ProviderDownError
from banking.services.connecting import forget_token
from banking.services.syncing import sync_connection
from banking.tests.cast import Banked, feed, make_banked, seen
from banking.tests.scripted import CARD, Scripted, in_place_of_the_sandbox
from ledger.actors import SYSTEM
from ledger.choices import TaskState
from ledger.clock import utc_now
from ledger.encryption import decrypt
from ledger.ids import Prefix, encode_id
from ledger.models import AuditEvent, BackgroundTask
from ledger.tests.helpers import Caller
from ledger.tokens import Scope

TOKEN = {"public_token": "public-1"}


@pytest.fixture
def bank() -> Iterator[Scripted]:
    scripted = Scripted()
    # These tests stand in one database transaction as a whole.
    scripted.is_strict = False
    with in_place_of_the_sandbox(scripted):
        yield scripted


@pytest.fixture
def bakery(db: None, bank: Scripted) -> Banked:
    return make_banked()


@pytest.fixture
def owner(bakery: Banked) -> Caller:
    return bakery.caller()


def connect(owner: Caller, token: str = "public-1") -> dict[str, Any]:
    answer = owner.put("/v1/banks/accounts", {"public_token": token})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def connected(company: Banked) -> list[BankAccount]:
    return list(BankAccount.objects.filter(entity_id=company.entity.id, connection__isnull=False))


def run_tasks(company: Banked) -> list[str]:
    """The names of what waits for the worker."""
    tasks = BackgroundTask.objects.filter(entity_id=company.entity.id).order_by("created_at")
    return [task.name for task in tasks]


def actions(company: Banked) -> list[str]:
    events = AuditEvent.objects.filter(scope_id=company.entity.id).order_by("sequence")
    return [event.action for event in events if event.action.startswith("banking.")]


# --- links -------------------------------------------------------------------------------------------


def test_a_link_leads_to_the_bank_and_with_a_connection_to_its_repair(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    answer = owner.get("/v1/banks/create-link")
    assert answer.json() == {
        "link_token": "link-1",
        "expiration": "2030-01-01T00:00:00Z",
        "request_id": "request-1",
        "user_id": bakery.entity.public_id,
    }

    connection_id = connect(owner)["connectionId"]
    assert owner.get(f"/v1/banks/create-link?connectionId={connection_id}").status_code == 200
    repaired = bank.links[-1]
    assert repaired is not None
    assert repaired.public_id == connection_id


# --- connecting --------------------------------------------------------------------------------------


def test_each_account_gets_a_ledger_account_where_the_chart_has_its_like(
    bakery: Banked, owner: Caller
) -> None:
    parent = make_account(bakery.ledger, "Current assets")
    Account.objects.filter(financial_type="CASH", entity_id=bakery.entity.id).update(parent=parent)

    answer = connect(owner)

    assert answer["accounts"] == answer["createdAccounts"]
    shown = {one["accountName"]: one for one in answer["accounts"]}
    assert shown["Checking"]["currentBalance"] == 1500.25
    assert (shown["Visa"]["accountMask"], shown["Visa"]["accountSubtype"]) == ("3333", "credit card")
    made = {one.provider_account_id: one.ledger_account for one in connected(bakery)}
    assert (made["chk"].name, made["chk"].type, made["chk"].financial_type) == (
        "Checking ••1111",
        "ASSET",
        "CASH",
    )
    assert made["chk"].parent_id == parent.id
    assert (made["sav"].financial_type, made["crd"].financial_type) == ("SAVINGS", "CREDIT_CARD")
    assert (made["crd"].type, made["crd"].parent_id) == ("LIABILITY", None)
    # The first sync waits, the token is a secret.
    assert run_tasks(bakery) == ["banking.sync_connection"]
    stored = BankConnection.objects.get(entity_id=bakery.entity.id)
    assert "access-public-1" not in stored.access_token
    assert decrypt(stored.access_token) == "access-public-1"
    assert "access" not in str(answer)
    assert "banking.connection.created" in actions(bakery)


def test_the_same_token_again_is_the_same_connection(bank: Scripted, bakery: Banked, owner: Caller) -> None:
    first = connect(owner)

    again = connect(owner)

    assert [one["id"] for one in again["accounts"]] == [one["id"] for one in first["accounts"]]
    assert bank.exchanges == 1
    assert BankAccount.objects.filter(connection__isnull=False).count() == 3


def test_an_idempotency_key_replays_the_first_answer(bank: Scripted, bakery: Banked, owner: Caller) -> None:
    first, again = (
        owner.put("/v1/banks/accounts?public_token=public-1", headers={"Idempotency-Key": "k1"}) for _ in "12"
    )

    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    assert bank.exchanges == 1
    # Also once the connection is given up, and its token used.
    for one in first.json()["accounts"]:
        owner.delete(f"/v1/banks/accounts/{one['id']}")
    later = owner.put("/v1/banks/accounts?public_token=public-1", headers={"Idempotency-Key": "k1"})
    assert (later.status_code, later.content) == (200, first.content)
    assert owner.put("/v1/banks/accounts?public_token=public-1").status_code == 400


def test_the_token_may_stand_in_the_query(bakery: Banked, owner: Caller) -> None:
    assert owner.put("/v1/banks/accounts?publicToken=public-1").status_code == 200


def test_repairing_keeps_accounts_takes_new_ones_and_reads_all_lines_again(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    first = connect(owner)
    BankConnection.objects.update(cursor="7", status=ConnectionStatus.LOGIN_REQUIRED, error_message="Log in")
    bank.seen.append(AccountSeen("new", "Payroll", "", "4444", "depository", "checking", "USD"))

    again = connect(owner, "public-2")

    assert [one["id"] for one in again["accounts"]][:3] == [one["id"] for one in first["accounts"]]
    assert len(again["accounts"]) == 4
    stored = BankConnection.objects.get()
    assert (stored.status, stored.error_message, stored.cursor) == (ConnectionStatus.ACTIVE, "", "")
    assert decrypt(stored.access_token) == "access-public-2"
    assert "banking.connection.repaired" in actions(bakery)


def test_an_account_in_a_currency_without_books_is_left_out_and_said_so(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    bank.seen.append(AccountSeen("eur", "Euro", "", "5555", "depository", "checking", "EUR"))

    answer = connect(owner)

    assert len(answer["accounts"]) == 3
    assert answer["leftOut"] == [{"accountName": "Euro", "reason": "This entity keeps no books in EUR."}]


def test_a_bank_of_which_no_account_can_be_taken_in_is_given_up_at_once(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    bank.seen = [AccountSeen("eur", "Giro", "", "4444", "depository", "checking", "EUR", None, None)]

    shown = connect(owner)

    assert (shown["accounts"], [one["accountName"] for one in shown["leftOut"]]) == ([], ["Giro"])
    assert run_tasks(bakery) == ["banking.disconnect_connection"]
    connection = BankConnection.objects.get()
    assert connection.disconnected_at is not None
    forget_token(entity=bakery.entity, connection_id=connection.id)
    assert bank.given_up == ["access-public-1"]


def test_an_account_whose_ledger_account_was_given_away_is_left_out_and_said_so(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    bank.seen = bank.seen[:2]
    [checking, _] = connect(owner)["accounts"]
    owner.delete(f"/v1/banks/accounts/{checking['id']}")
    taken = {"name": "By file", "type": "depository", "ledgerAccountId": checking["ledgerAccountId"]}
    assert owner.post("/v1/banks/accounts", taken).status_code == 201

    shown = connect(owner, "public-2")

    assert [one["accountMask"] for one in shown["accounts"]] == ["2222"]
    assert [one["accountName"] for one in shown["leftOut"]] == ["Checking"]
    assert "another bank account" in shown["leftOut"][0]["reason"]


def test_a_bank_that_fails_after_the_exchange_leaves_nothing_on_either_side(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    bank.account_faults = [ProviderDownError("The bank is away.")]

    answer = owner.put("/v1/banks/accounts", TOKEN)

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "PROVIDER_ERROR")
    assert BankConnection.objects.count() == 0
    assert bank.given_up == ["access-public-1"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/v1/banks/accounts", {}, "public_token: is missing"),
        ("/v1/banks/accounts?public_token=public-2", TOKEN, "is given twice and differs"),
        ("/v1/banks/accounts", {"public_token": 7}, "7 is not text"),
        ("/v1/banks/accounts", {"public_token": "bad"}, "unknown or used"),
        ("/v1/banks/accounts", {"public_token": "x" * 501}, "has 501 characters"),
        ("/v1/banks/accounts", {**TOKEN, "name": "x"}, "is unknown here"),
    ],
)
def test_bad_tokens_are_refused_by_name(
    bakery: Banked, owner: Caller, path: str, body: object, words: str
) -> None:
    answer = owner.put(path, body)

    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert answer.json()["error"]["details"]


# --- file-fed accounts -------------------------------------------------------------------------------


def test_an_account_that_files_feed_needs_no_bank(bakery: Banked, owner: Caller) -> None:
    body = {"name": " Council card ", "type": "credit", "subtype": "credit card", "mask": "7777"}

    answer = owner.post("/v1/banks/accounts", body)

    assert answer.status_code == 201
    account = answer.json()["account"]
    assert (account["accountName"], account["connectionId"], account["currency"]) == (
        "Council card",
        None,
        "USD",
    )
    ledger_account = BankAccount.objects.get(mask="7777").ledger_account
    assert (ledger_account.name, ledger_account.financial_type) == ("Council card ••7777", "CREDIT_CARD")
    assert "banking.account.added" in actions(bakery)


def test_it_may_stand_on_an_account_of_the_chart(bakery: Banked, owner: Caller) -> None:
    body = {"name": "Till", "type": "depository", "ledgerAccountId": bakery.cash.public_id}

    assert (
        owner.post("/v1/banks/accounts", body).json()["account"]["ledgerAccountId"] == bakery.cash.public_id
    )
    # Two feeds into one account would count everything twice.
    again = owner.post("/v1/banks/accounts", body)
    assert again.status_code == 409
    assert "stands for another bank account" in again.json()["error"]["message"]


def test_what_cannot_stand_for_it_is_refused(bakery: Banked, owner: Caller) -> None:
    stranger = make_banked("Stranger")

    def refused(**body: object) -> tuple[int, str]:
        answer = owner.post("/v1/banks/accounts", {"name": "x", "type": "depository", **body})
        return answer.status_code, answer.json()["error"]["message"]

    assert refused(currency="EUR")[0] == 400
    assert "keeps no books in EUR" in refused(currency="EUR")[1]
    assert "is of type EXPENSE" in refused(ledgerAccountId=bakery.rent.public_id)[1]
    assert refused(ledgerAccountId=stranger.cash.public_id)[0] == 404
    assert "is in USD" in refused(ledgerAccountId=bakery.cash.public_id, currency="EUR")[1]
    assert refused(name="  ")[0] == 400
    assert refused(type="piggy bank")[0] == 400


def test_books_with_a_bank_account_keep_their_currency(bakery: Banked, owner: Caller) -> None:
    answer = owner.put("/v1/entities/settings", {"default_currency": "EUR"})

    assert answer.status_code == 409
    assert "bank accounts" in answer.json()["error"]["message"]


# --- syncing -----------------------------------------------------------------------------------------


def test_a_sync_is_one_task_for_all_connections(bakery: Banked, owner: Caller) -> None:
    connect(owner)

    first = owner.post("/v1/banks/sync", {"entityId": bakery.entity.public_id})
    again = owner.post("/v1/banks/sync")

    assert (first.status_code, first.json()["success"]) == (200, True)
    assert first.json()["taskId"] == again.json()["taskId"]
    assert run_tasks(bakery) == ["banking.sync_connection", "banking.sync"]


def test_the_status_says_what_waits_what_is_done_and_what_is_wrong(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    connect(owner)
    bank.tell(seen("a", "1", account_id="chk"))

    def states() -> dict[str, str]:
        accounts = owner.get("/v1/banks/sync-status").json()["accounts"]
        return {one["accountMask"]: one["syncStatus"] for one in accounts}

    assert states()["1111"] == "in_progress"
    BackgroundTask.objects.update(state=TaskState.SUCCEEDED)
    assert states()["1111"] == "pending"
    connection = BankConnection.objects.get()
    sync_connection(entity=bakery.entity, connection_id=connection.id, actor=SYSTEM)
    shown = owner.get("/v1/banks/sync-status").json()
    [checking] = [one for one in shown["accounts"] if one["accountMask"] == "1111"]
    assert (checking["syncStatus"], checking["transactionCount"], checking["error"]) == ("completed", 1, None)
    assert checking["lastSyncedAt"] is not None
    assert shown["allSynced"] is True
    assert shown["summary"] == {"total": 6, "completed": 6, "inProgress": 0, "pending": 0}

    bank.faults[1] = [LoginRequiredError("Log in at the bank again.")]
    with pytest.raises(LoginRequiredError):
        sync_connection(entity=bakery.entity, connection_id=connection.id, actor=SYSTEM)
    [checking] = [
        one for one in owner.get("/v1/banks/sync-status").json()["accounts"] if one["accountMask"] == "1111"
    ]
    assert checking["error"] == "Log in at the bank again."
    assert checking["connectionStatus"] == "login_required"


def test_polling_starts_what_is_due_and_leaves_the_others(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    connect(owner)
    BackgroundTask.objects.all().delete()
    connection = BankConnection.objects.get()

    assert poll_connections() == 1
    assert run_tasks(bakery) == ["banking.sync_connection"]
    # Asked lately, waiting for its person, or given up.
    for change in (
        {"sync_started_at": utc_now()},
        {"sync_started_at": None, "status": ConnectionStatus.LOGIN_REQUIRED},
        {"status": ConnectionStatus.ACTIVE, "disconnected_at": utc_now()},
    ):
        BankConnection.objects.filter(id=connection.id).update(**change)
        assert poll_connections() == 0


def test_polling_begins_with_what_was_never_synced(
    bank: Scripted, bakery: Banked, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(owner)
    BankConnection.objects.update(synced_at=utc_now() - dt.timedelta(days=2))
    bank.item, bank.seen = "item-2", [CARD]
    never = connect(owner, "public-2")["connectionId"]
    BackgroundTask.objects.all().delete()
    monkeypatch.setattr(background, "STARTED_AT_ONCE_MAX", 1)

    poll_connections()

    task = BackgroundTask.objects.get(name="banking.sync_connection")
    assert encode_id(Prefix.BANK_CONNECTION, UUID(task.arguments["connection_id"])) == never


# --- disconnecting -----------------------------------------------------------------------------------


def test_the_last_account_takes_its_connection_along_and_the_books_stay(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    ids = [one["id"] for one in connect(owner)["accounts"]]
    connection = BankConnection.objects.get()
    bank.tell(seen("a", "1", account_id="chk"))
    sync_connection(entity=bakery.entity, connection_id=connection.id, actor=SYSTEM)

    for id_ in ids[:2]:
        assert owner.delete(f"/v1/banks/accounts/{id_}").status_code == 204
    assert "banking.disconnect_connection" not in run_tasks(bakery)
    assert owner.delete(f"/v1/banks/accounts/{ids[2]}").status_code == 204
    # Again, it changes nothing.
    assert owner.delete(f"/v1/banks/accounts/{ids[2]}").status_code == 204

    assert "banking.disconnect_connection" in run_tasks(bakery)
    shown = owner.get("/v1/banks/accounts").json()["accounts"]
    assert {one["connectionId"] for one in shown} == {None}
    assert owner.get(f"/v1/banks/accounts/{ids[0]}").json()["account"]["status"] == "disconnected"
    assert len(bakery.all_transactions()) == 1
    # The provider is away at first; the token is kept until it was told.
    bank.disconnect_faults = [ProviderDownError("away")]
    with pytest.raises(ProviderDownError):
        forget_token(entity=bakery.entity, connection_id=connection.id)
    assert BankConnection.objects.get().access_token != ""
    forget_token(entity=bakery.entity, connection_id=connection.id)
    stored = BankConnection.objects.get()
    assert (stored.access_token, stored.status) == ("", ConnectionStatus.DISCONNECTED)
    assert bank.given_up == ["access-public-1"]
    assert forget_token(entity=bakery.entity, connection_id=connection.id) == "There was nothing to do."
    assert actions(bakery).count("banking.account.disconnected") == 3


def test_a_bank_that_is_connected_anew_goes_on_with_its_ledger_accounts(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    first = connect(owner)
    for one in first["accounts"]:
        owner.delete(f"/v1/banks/accounts/{one['id']}")
    bank.item = "item-2"

    again = connect(owner, "public-2")

    assert [one["ledgerAccountId"] for one in again["accounts"]] == [
        one["ledgerAccountId"] for one in first["accounts"]
    ]
    assert {one["id"] for one in again["accounts"]}.isdisjoint(one["id"] for one in first["accounts"])


def test_a_disconnected_connection_cannot_be_repaired(bakery: Banked, owner: Caller) -> None:
    answer = connect(owner)
    for one in answer["accounts"]:
        owner.delete(f"/v1/banks/accounts/{one['id']}")

    refused = owner.get(f"/v1/banks/create-link?connectionId={answer['connectionId']}")

    assert refused.status_code == 409


# --- who may ------------------------------------------------------------------------------------------


def test_another_companys_ids_are_not_found_and_nothing_of_it_is_shown(
    bank: Scripted, bakery: Banked, owner: Caller
) -> None:
    answer = connect(owner)
    stranger = make_banked("Stranger").caller()

    assert stranger.get(f"/v1/banks/create-link?connectionId={answer['connectionId']}").status_code == 404
    assert stranger.get(f"/v1/banks/accounts/{answer['accounts'][0]['id']}").status_code == 404
    assert stranger.delete(f"/v1/banks/accounts/{answer['accounts'][0]['id']}").status_code == 404
    ids = {one["id"] for one in stranger.get("/v1/banks/accounts").json()["accounts"]}
    assert ids.isdisjoint(one["id"] for one in answer["accounts"])
    # Nor does a stranger's use of the same token give this connection away.
    assert stranger.put("/v1/banks/accounts", TOKEN).status_code == 400


def test_a_token_that_may_only_read_connects_nothing(bakery: Banked) -> None:
    auditor = bakery.caller(scope=Scope.READ)

    assert auditor.get("/v1/banks/accounts").status_code == 200
    assert auditor.put("/v1/banks/accounts", TOKEN).status_code == 403
    assert auditor.post("/v1/banks/sync").status_code == 403


@pytest.mark.parametrize("id_", ["bacc_1", "acc_01h455vb4pex5vsknk084sn02q", "x"])
def test_malformed_ids_are_400(owner: Caller, id_: str) -> None:
    assert owner.get(f"/v1/banks/accounts/{id_}").status_code == 400
    assert owner.delete(f"/v1/banks/accounts/{id_}").status_code == 400


# --- where else bank accounts show --------------------------------------------------------------------


def test_the_entity_shows_its_bank_accounts_without_secrets(bakery: Banked, owner: Caller) -> None:
    connect(owner)

    shown = owner.get(f"/v1/entities?entityId={bakery.entity.public_id}").json()["entity"]["plaidAccounts"]

    assert {one["accountMask"] for one in shown} >= {"1111", "2222", "3333"}
    [checking] = [one for one in shown if one["accountMask"] == "1111"]
    assert (checking["plaidItemId"], checking["plaidAccountId"]) == ("item-1", "chk")
    assert checking["plaidInstitutionId"] == "ins_1"
    assert {one["plaidAccessToken"] for one in shown} == {None}
    assert "access-" not in str(shown)


def test_accounts_are_two_queries_of_this_company_alone(bakery: Banked, owner: Caller) -> None:
    connect(owner)
    owner.get("/v1/banks/accounts")

    with CaptureQueriesContext(database) as queries:
        shown = owner.get("/v1/banks/accounts").json()["accounts"]

    assert {one["institutionName"] for one in shown} == {None, "First Platypus Bank"}
    assert len(queries) == 2
    assert '"banking_bankconnection"."entity_id" = ' in queries[1]["sql"]


def test_a_transaction_shows_its_bank_account_for_no_query_more(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("a", "5"), seen("b", "-6"))
    bakery.post("7")
    owner.get("/v1/transactions")
    with CaptureQueriesContext(database) as queries:
        shown = owner.get("/v1/transactions").json()["transactions"]

    assert len(queries) == 1
    by_amount = {one["amount"]: one["plaid_account"] for one in shown}
    assert (
        by_amount[5]
        == by_amount[6]
        == {
            "id": bakery.checking.public_id,
            "name": "Checking",
            "type": "depository",
            "subtype": "checking",
            "mask": "1234",
            "institution_id": None,
        }
    )
    assert by_amount[7] is None


def test_months_show_what_each_bank_account_changed_by(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("a", "5"), seen("b", "-6"))
    feed(bakery, seen("c", "30"), account=bakery.card)

    [month] = owner.get("/v1/transactions/by-month").json()

    deltas = {one["name"]: one["delta"] for one in month["plaidAccountBreakdown"]}
    assert deltas == {"Checking": 1, "Visa": -30}
