"""Recording, reading, changing, approving, reversing, categorizing and deleting over the API."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.api.json import decode
from ledger.api.lean import LeanShape
from ledger.api.serializers import parse
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id, encode_optional_id, new_id
from ledger.services.periods import close_books
from ledger.tests.helpers import Caller, caller_of
from ledger.times import day_of
from ledger.tokens import Scope
from transactions.api.requests import TransactionBody
from transactions.choices import Status
from transactions.models import Transaction
from transactions.services import approve_transactions
from transactions.tests.conftest import (
    NOON,
    Company,
    assert_totals_hold,
    balance,
    make_company,
    sums,
)
from transactions.tests.test_moves import in_state

pytestmark = pytest.mark.django_db

URL = "/v1/transactions"
FIELDS = {
    *("id", "entityId", "instanceId", "ledgerId", "timestamp", "date", "transaction_date", "amount"),
    *("currency", "description", "counterparty", "debitAccountId", "creditAccountId", "status", "category"),
    *("category_id", "accountType", "financialType", "metadata", "debitAccount", "creditAccount"),
    *("plaid_account", "externalId", "journalEntryId", "reverses", "reversedBy", "expiresAt", "createdAt"),
    *("updatedAt", "postedAt"),
}


@pytest.fixture
def owner(bakery: Company) -> Caller:
    """The bakery's own client."""
    return bakery.caller()


def body(company: Company, **more: Any) -> dict[str, Any]:
    return {
        "amount": 500,
        "debitAccountId": company.rent.public_id,
        "creditAccountId": company.cash.public_id,
        **more,
    }


def public(row: Any) -> str:
    return encode_id(Prefix.TRANSACTION, row.id)


def exact(response: Any) -> Any:
    """The body with numbers as they were written."""
    return json.loads(response.content, parse_float=Decimal)


def raw(caller: Caller, method: str, url: str, text: str | bytes) -> Any:
    return getattr(caller, method)(url, text, content_type="application/json")


def assert_refused(response: Any, field: str | None = None, *, status: int = 400) -> str:
    """The error body, and among its details the field; returns what is said of it."""
    assert response.status_code == status, response.content
    error = response.json()["error"]
    code = {400: "VALIDATION_ERROR", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT"}[status]
    assert error["code"] == code
    assert error["requestId"]
    if field is None:
        return str(error["message"])
    said = {detail["field"]: detail["message"] for detail in error.get("details", [])}
    assert field in said, error
    return str(said[field])


# --- recording -----------------------------------------------------------------------------------


def test_recorded_transaction_is_shown_field_by_field(bakery: Company, owner: Caller) -> None:
    text = json.dumps(
        body(
            bakery,
            description="March rent",
            date="2024-03-15T12:00:00Z",
            metadata={"receipt_url": "https://example.com/1.pdf"},
            counterpartyName="Landlord",
            externalId="e-1",
            expiresAt="2199-01-01T00:00:00Z",
        )
    ).replace("500", "500.00")
    response = raw(owner, "post", URL, text)
    assert response.status_code == 201
    shown = exact(response)["transaction"]
    assert set(shown) >= FIELDS
    stored = Transaction.objects.get()
    assert shown["id"] == stored.public_id
    assert shown["entityId"] == bakery.entity.public_id
    assert shown["ledgerId"] == bakery.ledger.public_id
    assert shown["timestamp"] == "2024-03-15T12:00:00Z"
    assert shown["date"] == shown["transaction_date"] == "2024-03-15"
    assert b'"amount":500.00,' in response.content
    assert (shown["currency"], shown["description"], shown["counterparty"], shown["status"]) == (
        "USD",
        "March rent",
        "Landlord",
        "PENDING",
    )
    assert shown["debitAccountId"] == shown["category_id"] == bakery.rent.public_id
    assert shown["creditAccountId"] == bakery.cash.public_id
    assert (shown["category"], shown["accountType"], shown["financialType"]) == (
        "Rent",
        "EXPENSE",
        "RENT_EXPENSES",
    )
    assert shown["creditAccount"] == {
        "id": bakery.cash.public_id,
        "name": "Cash",
        "type": "ASSET",
        "financialType": "CASH",
        "code": "1010",
        "subTypeCode": "1010",
        "isCategory": False,
    }
    assert shown["debitAccount"]["code"] is None
    assert shown["debitAccount"]["isCategory"] is True
    assert shown["metadata"] == {"receipt_url": "https://example.com/1.pdf"}
    assert (shown["externalId"], shown["expiresAt"]) == ("e-1", "2199-01-01T00:00:00Z")
    for name in ("instanceId", "plaid_account", "journalEntryId", "reverses", "reversedBy", "postedAt"):
        assert shown[name] is None
    assert shown["createdAt"] == shown["updatedAt"]
    assert shown["createdAt"].endswith("Z")
    # Reading it back shows the same, to the letter.
    assert exact(owner.get(f"{URL}/{shown['id']}"))["transaction"] == shown
    assert exact(owner.get(URL))["transactions"] == [shown]
    assert_totals_hold(bakery.entity)


def test_snake_case_is_understood_as_well(bakery: Company, owner: Caller) -> None:
    response = owner.post(
        URL,
        {
            "amount": "12.50",
            "debit_account_id": bakery.rent.public_id,
            "credit_account_id": bakery.cash.public_id,
            "counterparty_name": "Landlord",
            "external_id": "e-1",
            "categoryId": bakery.software.public_id,
            "expires_at": "2199-01-01",
            "entity_id": bakery.entity.public_id,
        },
    )
    assert response.status_code == 201
    shown = response.json()["transaction"]
    assert (shown["counterparty"], shown["externalId"]) == ("Landlord", "e-1")
    assert shown["debitAccountId"] == bakery.software.public_id


def test_two_spellings_that_differ_are_refused(bakery: Company, owner: Caller) -> None:
    said = assert_refused(
        owner.post(URL, body(bakery, debit_account_id=bakery.software.public_id)), "debit_account_id"
    )
    assert "contradicts" in said
    # The same thing twice is no contradiction.
    assert owner.post(URL, body(bakery, debit_account_id=bakery.rent.public_id)).status_code == 201


def test_negative_amount_is_a_refund(bakery: Company, owner: Caller) -> None:
    response = raw(owner, "post", URL, json.dumps(body(bakery)).replace("500", "-20.10"))
    shown = exact(response)["transaction"]
    assert (shown["amount"], shown["debitAccountId"], shown["creditAccountId"]) == (
        Decimal("20.10"),
        bakery.cash.public_id,
        bakery.rent.public_id,
    )
    assert balance(bakery.cash) == sums("20.1", 0, 0, 0)


@pytest.mark.parametrize("amount", ["500", "500.0", '"500.00"', "5e2", '"5.0E2"', "500.0000"])
def test_amount_is_a_number_or_a_string(bakery: Company, owner: Caller, amount: str) -> None:
    response = raw(owner, "post", URL, json.dumps(body(bakery)).replace("500", amount))
    assert response.status_code == 201
    assert b'"amount":500.00,' in response.content


@pytest.mark.parametrize("amount", ["0.01", "999999999999999.99", "90071992547409.93"])
def test_amounts_are_exact_to_the_last_digit(bakery: Company, owner: Caller, amount: str) -> None:
    response = raw(owner, "post", URL, json.dumps(body(bakery)).replace("500", amount))
    assert f'"amount":{amount},'.encode() in response.content
    assert Transaction.objects.get().amount == Decimal(amount)


@pytest.mark.parametrize(
    "amount",
    [
        *("0", "-0", "0E-9", "0.001", "1e400", "1e999999999", "-1e400", "1e15", "1000000000000000", "1e-400"),
        *('"NaN"', '"Infinity"', '"-inf"', '"١٢"', '"1_000"', '" 1"', '"1,5"', '"0x10"', '""', '"abc"'),
        *("true", "false", "null", "[1]", "{}", "9" * 4000),
    ],
)
def test_amount_that_cannot_be_is_refused_by_name(bakery: Company, owner: Caller, amount: str) -> None:
    response = raw(owner, "post", URL, json.dumps(body(bakery)).replace("500", amount))
    if amount == "1e999999999":  # beyond what any reader of exact numbers takes
        assert_refused(response)
    else:
        assert_refused(response, "amount")
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        *('{"amount": NaN}', '{"amount": Infinity}', "[" * 100_000, '{"a":' * 60 + "1" + "}" * 60, "{", ""),
        *('"text"', "[]", "null", '{"description": "\\u0000"}', '{"description": "\\ud800"}', b"\xff\xfe{}"),
    ],
)
def test_body_that_is_no_transaction_is_refused_as_json(
    bakery: Company, owner: Caller, text: str | bytes
) -> None:
    assert_refused(raw(owner, "post", URL, text))
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("debitAccountId", "acc_1"),
        ("debitAccountId", 17),
        ("debitAccountId", None),
        ("creditAccountId", "txn_01h455vb4pex5vsknk084sn02q"),
        ("creditAccountId", "ACC_01H455VB4PEX5VSKNK084SN02Q"),
        ("description", 5),
        ("description", "x" * 1001),
        ("date", "2024-02-30"),
        ("date", "yesterday"),
        ("date", 20240101),
        ("date", "0001-01-01"),
        ("timestamp", "2024-01-01T25:00:00Z"),
        ("timestamp", "9999-12-31T23:59:59-23:59"),
        ("currency", "EURO"),
        ("currency", "XXX"),
        ("currency", 840),
        ("status", "RECONCILED"),
        ("status", "posted"),
        ("status", "REVERSED"),
        ("status", None),
        ("metadata", []),
        ("metadata", "text"),
        ("metadata", {"x": "y" * 16_400}),
        ("counterpartyName", "x" * 201),
        ("direction", "LEFT"),
        ("category_id", "cat_1"),
        ("externalId", ""),
        ("externalId", "x" * 256),
        ("expiresAt", "soon"),
        ("amuont", 5),
        ("id", "txn_01h455vb4pex5vsknk084sn02q"),
    ],
)
def test_bad_value_is_refused_by_name(bakery: Company, owner: Caller, field: str, value: object) -> None:
    assert_refused(owner.post(URL, {**body(bakery), field: value}), field)
    assert not Transaction.objects.exists()


def test_every_fault_is_listed_at_once(owner: Caller) -> None:
    response = owner.post(URL, {"amount": 0, "debitAccountId": "x", "colour": "red"})
    details = response.json()["error"]["details"]
    assert {detail["field"] for detail in details} == {
        "amount",
        "debitAccountId",
        "creditAccountId",
        "colour",
    }
    assert all(detail["message"] for detail in details)


def test_typing_error_is_answered_with_the_right_word(bakery: Company, owner: Caller) -> None:
    assert "'description'" in assert_refused(owner.post(URL, body(bakery, descripton="x")), "descripton")


def test_unknown_query_parameters_are_refused(bakery: Company, owner: Caller) -> None:
    pending = public(bakery.post())
    assert_refused(owner.post(f"{URL}?dryRun=true", body(bakery)), "dryRun")
    assert_refused(owner.put(f"{URL}?dryRun=true", {"id": pending}), "dryRun")
    assert_refused(owner.post(f"{URL}/edit?dryRun=true", {"id": pending, "description": "x"}), "dryRun")
    assert_refused(owner.get(f"{URL}/{pending}?x=1"), "x")
    assert Transaction.objects.get().status == Status.PENDING


def test_ids_that_are_not_there_are_404_and_malformed_ones_400(bakery: Company, owner: Caller) -> None:
    missing = encode_id(Prefix.ACCOUNT, new_id())
    said = assert_refused(owner.post(URL, body(bakery, debitAccountId=missing)), "debitAccountId", status=404)
    assert missing in said
    assert_refused(owner.get(f"{URL}/txn_nonsense"), "id")
    assert_refused(owner.get(f"{URL}/{encode_id(Prefix.TRANSACTION, new_id())}"), status=404)


def test_accounts_that_do_not_go_together_are_refused(bakery: Company, owner: Caller) -> None:
    assert_refused(owner.post(URL, body(bakery, creditAccountId=bakery.rent.public_id)), "creditAccountId")
    assert_refused(owner.post(URL, body(bakery, currency="EUR")), "currency")


def test_digits_beyond_the_currency_are_refused(bakery: Company, owner: Caller) -> None:
    assert "2 after the point" in assert_refused(owner.post(URL, body(bakery, amount="1.005")), "amount")


def test_date_is_midnight_of_the_company_and_naive_times_are_utc(db: None) -> None:
    company = make_company(zone="America/New_York")
    company.entity.refresh_from_db()
    owner = company.caller()
    by_day = owner.post(URL, body(company, date="2024-03-15")).json()["transaction"]
    assert (by_day["timestamp"], by_day["date"]) == ("2024-03-15T04:00:00Z", "2024-03-15")
    naive = owner.post(URL, body(company, timestamp="2024-03-15T02:00:00")).json()["transaction"]
    assert (naive["timestamp"], naive["date"]) == ("2024-03-15T02:00:00Z", "2024-03-14")
    assert_totals_hold(company.entity)


def test_date_and_timestamp_are_one_thing(bakery: Company, owner: Caller) -> None:
    assert_refused(owner.post(URL, body(bakery, date="2024-01-01", timestamp="2024-01-02")), "date")
    same = body(bakery, date="2024-01-01", timestamp="2024-01-01T00:00:00Z")
    assert owner.post(URL, same).status_code == 201


def test_without_a_date_it_takes_effect_now(bakery: Company, owner: Caller) -> None:
    shown = owner.post(URL, body(bakery)).json()["transaction"]
    assert shown["date"] == str(day_of(dt.datetime.now(dt.UTC), bakery.entity.zone))


def test_posted_at_once_and_what_cannot_expire(bakery: Company, owner: Caller) -> None:
    shown = owner.post(URL, body(bakery, status="POSTED")).json()["transaction"]
    assert (shown["status"], shown["postedAt"]) == ("POSTED", shown["createdAt"])
    assert_refused(owner.post(URL, body(bakery, status="POSTED", expiresAt="2199-01-01")), "expiresAt")
    assert_refused(owner.post(URL, body(bakery, expiresAt="2001-01-01")), "expiresAt")


def test_counterparty_comes_from_the_description_where_none_is_given(bakery: Company, owner: Caller) -> None:
    shown = owner.post(URL, body(bakery, description="STARBUCKS STORE 04417")).json()["transaction"]
    assert "starbucks" in shown["counterparty"].lower()
    assert owner.post(URL, body(bakery)).json()["transaction"]["counterparty"] is None


def test_category_goes_to_its_side(bakery: Company, owner: Caller) -> None:
    paid = owner.post(URL, body(bakery, category_id=bakery.software.public_id)).json()["transaction"]
    assert (paid["debitAccountId"], paid["creditAccountId"]) == (
        bakery.software.public_id,
        bakery.cash.public_id,
    )
    # The choice was made now, whenever the transaction took effect.
    stored = Transaction.objects.get()
    assert stored.categorized_at is not None
    assert abs(stored.categorized_at - stored.created_at) < dt.timedelta(minutes=1)
    unclear = body(bakery, debitAccountId=bakery.bank.public_id, categoryId=bakery.software.public_id)
    assert_refused(owner.post(URL, unclear), "categoryId")


def test_external_id_is_taken_once(bakery: Company, owner: Caller) -> None:
    first = owner.post(URL, body(bakery, externalId="bank-7")).json()["transaction"]["id"]
    said = assert_refused(owner.post(URL, body(bakery, externalId="bank-7")), "externalId", status=409)
    assert first in said


def test_closed_period_is_a_conflict(bakery: Company, owner: Caller) -> None:
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    said = assert_refused(owner.post(URL, body(bakery, date="2024-03-14")), "date", status=409)
    assert "closed through 2024-03-15" in said
    assert "2024-03-14" in said
    several = owner.post(f"{URL}/bulk", {"transactions": [body(bakery, date="2024-03-14")]})
    assert_refused(several, "transactions[0].date", status=409)


@pytest.mark.parametrize("side", ["debitAccountId", "creditAccountId"])
def test_a_closed_account_is_named_with_its_side(bakery: Company, owner: Caller, side: str) -> None:
    account = make_account(bakery.ledger, "Old", closed_at=NOON)
    said = assert_refused(owner.post(URL, body(bakery, **{side: account.public_id})), side, status=409)
    assert account.public_id in said


def test_direction_is_kept_with_the_metadata(bakery: Company, owner: Caller) -> None:
    shown = owner.post(URL, body(bakery, direction="DEBIT", metadata={"a": 1})).json()["transaction"]
    assert shown["metadata"] == {"a": 1, "direction": "DEBIT"}


def test_numbers_in_metadata_stay_exact(bakery: Company, owner: Caller) -> None:
    text = json.dumps(body(bakery, metadata={"n": 0})).replace('"n": 0', '"n": 0.1000000000000000000001')
    id_ = raw(owner, "post", URL, text).json()["transaction"]["id"]
    assert b'"n": 0.1000000000000000000001' in owner.get(f"{URL}/{id_}").content


# --- whose books ---------------------------------------------------------------------------------


def test_stranger_sees_and_changes_nothing(bakery: Company, stranger: Company) -> None:
    pending, posted = bakery.post(), bakery.posted()
    for thief in (stranger.caller(), caller_of(stranger.developer)):
        where: dict[str, Any] = {"HTTP_X_ENTITY_ID": stranger.entity.public_id}
        for response in (
            thief.get(f"{URL}/{public(pending)}", **where),
            thief.post(f"{URL}/edit", {"id": public(pending), "description": "mine"}, **where),
            thief.put(URL, {"id": public(pending)}, **where),
            thief.put(f"{URL}/approve", public(pending), **where),
            thief.post(f"{URL}/{public(posted)}/reverse", {}, **where),
            thief.delete(f"{URL}?transactionId={public(pending)}", **where),
            thief.post(
                f"{URL}/categorize",
                {"transactionId": public(pending), "categoryId": stranger.rent.public_id},
                **where,
            ),
            thief.post(URL, body(bakery), **where),
        ):
            assert_refused(response, status=404)
        assert thief.get(URL, **where).json()["transactions"] == []
        listed = thief.put(f"{URL}/approve", [public(pending)], **where).json()
        assert (listed["success"], listed["approvedTransactions"]) == (False, [])
    # In the bakery's own name: forbidden for the other company's token, unknown to the other developer.
    name: dict[str, Any] = {"HTTP_X_ENTITY_ID": bakery.entity.public_id}
    assert_refused(stranger.caller().get(URL, **name), status=403)
    assert_refused(caller_of(stranger.developer).get(URL, **name), status=404)
    assert_refused(
        caller_of(stranger.developer).post(f"{URL}/edit", {"id": public(pending), "description": "mine"}),
        status=404,
    )
    assert bakery.stored(pending.id).status == Status.PENDING
    assert bakery.stored(posted.id).status == Status.POSTED


def test_without_a_token_and_with_one_that_may_only_read(bakery: Company) -> None:
    assert Client().get(URL).status_code == 401
    auditor = bakery.caller(scope=Scope.READ)
    assert auditor.get(URL).status_code == 200
    pending = public(bakery.post())
    for response in (
        auditor.post(URL, body(bakery)),
        auditor.put(URL, {"id": pending}),
        auditor.put(f"{URL}/approve", pending),
        auditor.post(f"{URL}/edit", {"id": pending, "description": "x"}),
        auditor.post(f"{URL}/bulk", {"transactions": [body(bakery)]}),
        auditor.delete(f"{URL}?transactionId={pending}"),
    ):
        assert_refused(response, status=403)
    assert Transaction.objects.count() == 1


# --- changing ------------------------------------------------------------------------------------


def test_edit_answers_as_the_reference_and_with_the_whole(bakery: Company, owner: Caller) -> None:
    row = bakery.post("500")
    response = owner.post(
        f"{URL}/edit",
        {
            "id": public(row),
            "debit_account_id": bakery.software.public_id,
            "credit_account_id": bakery.bank.public_id,
            "description": "Updated invoice payment",
        },
    )
    assert response.status_code == 200
    shown = response.json()
    whole = shown.pop("transaction")
    assert shown == {
        "id": public(row),
        "debit_account_id": bakery.software.public_id,
        "credit_account_id": bakery.bank.public_id,
        "description": "Updated invoice payment",
    }
    assert set(whole) >= FIELDS
    assert whole["debitAccount"]["name"] == "Software"
    assert whole == owner.get(f"{URL}/{public(row)}").json()["transaction"]
    assert_totals_hold(bakery.entity)


def test_edit_needs_no_entity_with_a_developers_token(bakery: Company) -> None:
    row = bakery.post()
    response = caller_of(bakery.developer).post(f"{URL}/edit", {"id": public(row), "amount": "7.25"})
    assert response.status_code == 200
    assert bakery.stored(row.id).amount == Decimal("7.25")


def test_official_client_gets_no_account_ids_at_the_top(bakery: Company, owner: Caller) -> None:
    answer = owner.post(
        f"{URL}/edit", {"id": public(bakery.post()), "description": "x"}, HTTP_X_FERN_LANGUAGE="Python"
    ).json()
    assert set(answer) == {"id", "description", "transaction"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "txn_1"),
        ("amount", 0),
        ("amount", "1.005"),
        ("amount", True),
        ("status", "DONE"),
        ("date", "2024-13-01"),
        ("metadata", [1]),
        ("description", None),
        ("currency", "EUR"),
        ("debit_account_id", "acc_1"),
        ("transactionId", "txn_01h455vb4pex5vsknk084sn02q"),
    ],
)
def test_bad_edit_is_refused_by_name(bakery: Company, owner: Caller, field: str, value: object) -> None:
    row = bakery.post("10")
    for method, url in (("post", f"{URL}/edit"), ("put", URL)):
        response = getattr(owner, method)(url, {"id": public(row), "description": "x", field: value})
        assert_refused(response, field)
    assert bakery.stored(row.id).description == ""


def test_edit_of_nothing_and_without_an_id_is_refused(bakery: Company, owner: Caller) -> None:
    nothing = owner.post(f"{URL}/edit", {"id": public(bakery.post())})
    assert "changes nothing" in assert_refused(nothing, "body")
    assert_refused(owner.post(f"{URL}/edit", {"description": "x"}), "id")
    assert_refused(owner.put(URL, {"description": "x"}), "id")


def test_edit_of_what_is_posted_is_a_conflict_that_says_what_to_do(bakery: Company, owner: Caller) -> None:
    row = bakery.posted()
    said = assert_refused(owner.post(f"{URL}/edit", {"id": public(row), "amount": 3}), status=409)
    assert "POSTED" in said
    assert "everse it" in said
    assert owner.post(f"{URL}/edit", {"id": public(row), "description": "words"}).status_code == 200
    said = assert_refused(owner.put(URL, {"id": public(row), "status": "PENDING"}), status=409)
    assert "POSTED" in said
    assert "PENDING" in said


def test_put_changes_and_with_nothing_but_the_id_approves(bakery: Company, owner: Caller) -> None:
    row = bakery.post("10")
    changed = owner.put(URL, {"transactionId": public(row), "counterparty": "New", "amount": -3})
    assert changed.status_code == 200
    assert changed.json()["transaction"]["counterparty"] == "New"
    assert balance(bakery.cash) == sums(3, 0, 0, 0)
    approved = owner.put(URL, {"transaction_id": public(row)}).json()
    assert approved["approvedTransactions"][0]["status"] == "POSTED"
    assert bakery.stored(row.id).status == Status.POSTED
    assert_totals_hold(bakery.entity)


def test_null_clears_metadata_and_expiry(bakery: Company, owner: Caller) -> None:
    row = bakery.post(metadata={"a": 1}, expires_at=NOON)
    owner.post(f"{URL}/edit", {"id": public(row), "metadata": None, "expiresAt": None})
    stored = bakery.stored(row.id)
    assert (stored.metadata, stored.expires_at) == (None, None)


# --- deleting ------------------------------------------------------------------------------------


def test_delete_answers_204_or_with_a_message_for_who_wants_one(bakery: Company, owner: Caller) -> None:
    first, second, third = (public(bakery.post()) for _ in range(3))
    response = owner.delete(f"{URL}?transactionId={first}")
    assert (response.status_code, response.content) == (204, b"")
    told = owner.delete(f"{URL}?transaction_id={second}", HTTP_PREFER="return=representation")
    assert (told.status_code, told.json()) == (200, {"message": "Transaction deleted successfully"})
    assert owner.delete(f"{URL}?transactionId={third}", HTTP_X_FERN_LANGUAGE="Python").status_code == 200
    assert not Transaction.objects.exists()
    assert_refused(owner.delete(f"{URL}?transactionId={first}"), status=404)


def test_delete_that_cannot_be(bakery: Company, owner: Caller) -> None:
    assert_refused(owner.delete(URL), "transactionId")
    assert_refused(owner.delete(f"{URL}?transactionId=1"), "transactionId")
    posted = public(bakery.posted())
    both = f"{URL}?transactionId={posted}&transactionId={posted}"
    assert_refused(owner.delete(both), "transactionId")
    assert "everse" in assert_refused(owner.delete(f"{URL}?transactionId={posted}"), status=409)


# --- approving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "list", "objects", "object", "ids", "snake"])
def test_every_form_of_an_approval(bakery: Company, owner: Caller, form: str) -> None:
    row = bakery.post("500", description="Invoice")
    id_ = public(row)
    forms: dict[str, Any] = {
        "text": id_,
        "list": [id_],
        "objects": [{"id": id_}],
        "object": {"id": id_},
        "ids": {"transactionIds": [id_]},
        "snake": {"transaction_ids": [id_], "entityId": bakery.entity.public_id},
    }
    response = owner.put(f"{URL}/approve", forms[form])
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"message", "approvedTransactions", "success", "totalProcessed", "results"}
    assert answer["message"] == "Transactions approved successfully"
    assert (answer["success"], answer["totalProcessed"]) == (True, 1)
    (approved,) = answer["approvedTransactions"]
    assert set(approved) == {"id", "status", "updatedAt"}
    assert (approved["id"], approved["status"]) == (id_, "POSTED")
    (result,) = answer["results"]
    assert (result["id"], result["success"]) == (id_, True)
    assert result["transaction"] == {
        "id": id_,
        "amount": 500.0,
        "description": "Invoice",
        "status": "POSTED",
    }
    assert balance(bakery.rent) == sums(0, 500, 0, 0)
    # Approving again changes nothing and succeeds.
    again = owner.put(f"{URL}/approve", forms[form]).json()
    assert again["approvedTransactions"] == [approved]


def test_some_of_many_are_approved(bakery: Company, owner: Caller) -> None:
    pending, expired = bakery.post(), in_state(bakery, Status.EXPIRED)
    missing = encode_id(Prefix.TRANSACTION, new_id())
    ids = [public(expired), public(pending), missing]
    answer = owner.put(f"{URL}/approve", ids).json()
    assert (answer["success"], answer["totalProcessed"]) == (False, 3)
    assert [approved["id"] for approved in answer["approvedTransactions"]] == [public(pending)]
    assert [(result["id"], result["success"]) for result in answer["results"]] == [
        (public(expired), False),
        (public(pending), True),
        (missing, False),
    ]
    assert "EXPIRED" in answer["results"][0]["error"]
    assert "POSTED" in answer["results"][0]["error"]


def test_single_approval_that_fails_is_an_error(bakery: Company, owner: Caller) -> None:
    said = assert_refused(
        owner.put(f"{URL}/approve", {"id": public(in_state(bakery, Status.REVERSED))}), status=409
    )
    assert "REVERSED" in said
    assert "POSTED" in said
    assert_refused(owner.put(f"{URL}/approve", encode_id(Prefix.TRANSACTION, new_id())), status=404)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("txn_1", "id"),
        (["txn_1"], "[0]"),
        ([{"id": 5}], "[0].id"),
        ({"transactionIds": ["acc_01h455vb4pex5vsknk084sn02q"]}, "transactionIds[0]"),
        ({"id": None}, "id"),
        ([], "body"),
        ({}, "body"),
        (5, "body"),
        (None, "body"),
        ({"transactionIds": "txn_01h455vb4pex5vsknk084sn02q"}, "body"),
        ({"id": "txn_01h455vb4pex5vsknk084sn02q", "force": True}, "body"),
        ({"transactionIds": []}, "transactionIds"),
    ],
)
def test_approval_in_no_form_is_refused(owner: Caller, value: object, field: str) -> None:
    assert_refused(raw(owner, "put", f"{URL}/approve", json.dumps(value)), field)


def test_approval_of_too_many_is_refused(owner: Caller) -> None:
    ids = [encode_id(Prefix.TRANSACTION, new_id()) for _ in range(5001)]
    assert "5001 ids" in assert_refused(owner.put(f"{URL}/approve", ids), "body")
    named = owner.put(f"{URL}/approve", {"transactionIds": ids})
    assert "5001 ids" in assert_refused(named, "transactionIds")


# --- reversing and categorizing ------------------------------------------------------------------


def test_reversal_shows_both_linked(bakery: Company, owner: Caller) -> None:
    row = bakery.posted("500", description="Invoice")
    response = owner.post(f"{URL}/{public(row)}/reverse", {"reason": "Paid twice", "date": "2024-04-01"})
    assert response.status_code == 201
    original, reversal = response.json()["transaction"], response.json()["reversal"]
    assert set(original) >= FIELDS <= set(reversal)
    assert (original["id"], original["status"]) == (public(row), "REVERSED")
    assert original["reversedBy"] == reversal["id"]
    assert reversal["reverses"] == original["id"]
    assert (reversal["status"], reversal["date"], reversal["amount"]) == ("POSTED", "2024-04-01", 500.0)
    assert reversal["debitAccountId"] == original["creditAccountId"]
    assert original == owner.get(f"{URL}/{public(row)}").json()["transaction"]
    again = assert_refused(owner.post(f"{URL}/{public(row)}/reverse", {}), status=409)
    assert reversal["id"] in again
    assert_totals_hold(bakery.entity)


def test_reversal_that_cannot_be(bakery: Company, owner: Caller) -> None:
    posted, pending = public(bakery.posted()), public(bakery.post())
    assert "PENDING" in assert_refused(owner.post(f"{URL}/{pending}/reverse", {}), status=409)
    assert_refused(owner.post(f"{URL}/{posted}/reverse", {"date": "2024-03-01"}), "date")
    assert_refused(owner.post(f"{URL}/{posted}/reverse", {"reason": "x" * 501}), "reason")
    assert_refused(owner.post(f"{URL}/{posted}/reverse", {"because": "x"}), "because")
    assert_refused(owner.post(f"{URL}/posted/reverse", {}), "id")
    # Without a body at all it is reversed now.
    assert raw(owner, "post", f"{URL}/{posted}/reverse", "").status_code == 201


def test_categorizing_answers_as_the_reference(bakery: Company, owner: Caller) -> None:
    row = bakery.post()
    response = owner.post(
        f"{URL}/categorize", {"transactionId": public(row), "categoryId": bakery.software.public_id}
    )
    assert response.status_code == 200
    answer = response.json()
    stored = bakery.stored(row.id)
    assert answer["message"] == "Transaction categorized successfully"
    assert answer["transaction"]["id"] == public(row)
    assert answer["transaction"]["metadata"] == {
        "categoryId": bakery.software.public_id,
        "categoryName": "Software",
    }
    shown = dt.datetime.fromisoformat(answer["transaction"]["updatedAt"])
    assert shown == stored.updated_at
    assert set(answer) == {"message", "transaction"}


def test_many_are_categorized_at_once(bakery: Company, owner: Caller) -> None:
    ids = [public(bakery.post()), public(bakery.posted())]
    answer = owner.post(
        f"{URL}/categorize", {"transaction_ids": ids, "category_id": bakery.software.public_id}
    ).json()
    assert [shown["id"] for shown in answer["transactions"]] == ids
    assert_totals_hold(bakery.entity)


def test_categorizing_that_cannot_be(bakery: Company, owner: Caller) -> None:
    row, between = bakery.post(), bakery.post(debit=bakery.bank)
    category = bakery.software.public_id
    url = f"{URL}/categorize"
    assert_refused(owner.post(url, {"transactionId": public(row)}), "categoryId")
    assert_refused(owner.post(url, {"categoryId": category}), "transactionId")
    both = {"transactionId": public(row), "transactionIds": [public(row)], "categoryId": category}
    assert_refused(owner.post(url, both), "transactionId")
    assert_refused(owner.post(url, {"transactionIds": [], "categoryId": category}), "transactionIds")
    said = assert_refused(
        owner.post(url, {"transactionId": public(between), "categoryId": category}), "categoryId"
    )
    assert "Bank" in said
    missing = encode_optional_id(Prefix.ACCOUNT, new_id())
    assert_refused(
        owner.post(url, {"transactionId": public(row), "categoryId": missing}), "categoryId", status=404
    )


def test_replay_of_an_approval_is_byte_for_byte(bakery: Company, owner: Caller) -> None:
    row = bakery.post()
    first = owner.put(f"{URL}/approve", [public(row)], HTTP_IDEMPOTENCY_KEY="k1")
    second = owner.put(f"{URL}/approve", [public(row)], HTTP_IDEMPOTENCY_KEY="k1")
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    other = owner.put(f"{URL}/approve", public(row), HTTP_IDEMPOTENCY_KEY="k1")
    assert other.status_code == 422


def test_refused_request_frees_its_key(bakery: Company, owner: Caller) -> None:
    key: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "k1"}
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    assert owner.post(URL, body(bakery, date="2024-03-15"), **key).status_code == 409
    assert owner.post(URL, body(bakery, date="2024-03-16"), **key).status_code == 201


def test_methods_that_there_are_not(bakery: Company, owner: Caller) -> None:
    row = public(bakery.post())
    for method, url in (("patch", URL), ("post", f"{URL}/{row}"), ("get", f"{URL}/{row}/reverse")):
        response = getattr(owner, method)(url)
        assert response.status_code == 405
        assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


# --- the quick reader ----------------------------------------------------------------------------

_ids = st.sampled_from(
    [
        "acc_01h455vb4pex5vsknk084sn02q",
        "acc_01h455vb4pex5vsknk084sn02r",
        "txn_01h455vb4pex5vsknk084sn02q",
        "acc_",
        "",
    ]
)
_texts = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "x" * 1001, "a\0b", "USD", "usd", "DEBIT", "POSTED"])
)
_numbers = st.one_of(
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.sampled_from(["12.50", "1_0", "NaN", "-3", "0"]),
)
_times = st.sampled_from(
    [
        "2024-01-15",
        "2024-01-15T12:00:00Z",
        "2024-01-15T12:00",
        "2024-02-30",
        "1899-12-31",
        "now",
        "2024-01-15T12:00:00+05:30",
    ]
)
_anything = st.one_of(
    st.none(),
    _ids,
    _texts,
    _numbers,
    _times,
    st.lists(_numbers, max_size=2),
    st.dictionaries(_texts, _numbers, max_size=2),
)
_NAMES = {
    "amount": _numbers,
    "debitAccountId": _ids,
    "debit_account_id": _ids,
    "creditAccountId": _ids,
    "credit_account_id": _ids,
    "description": _texts,
    "date": _times,
    "timestamp": _times,
    "currency": _texts,
    "status": _texts,
    "metadata": st.dictionaries(_texts, _anything, max_size=3),
    "counterpartyName": _texts,
    "counterparty_name": _texts,
    "direction": _texts,
    "category_id": _ids,
    "categoryId": _ids,
    "externalId": _texts,
    "expiresAt": _times,
    "entityId": _texts,
    "entity_id": _texts,
    "colour": _texts,
}
_bodies = st.fixed_dictionaries(
    {},
    optional={name: st.one_of(values, values, values, _anything) for name, values in _NAMES.items()},
)
_likely = st.fixed_dictionaries(
    {
        "amount": st.sampled_from([1, Decimal("12.50"), "-3"]),
        "debitAccountId": st.just("acc_01h455vb4pex5vsknk084sn02q"),
        "creditAccountId": st.just("acc_01h455vb4pex5vsknk084sn02r"),
    },
    optional={
        name: values
        for name, values in _NAMES.items()
        if name not in ("amount", "debitAccountId", "creditAccountId")
    },
)


_QUICK = LeanShape(TransactionBody)


def _read(read: Any, data: object) -> object:
    try:
        return read(data)
    except ValidationError as error:
        return (error.message, error.details)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(_bodies, _likely, _anything))
def test_quick_reader_says_what_the_serializer_says(bakery: Company, data: object) -> None:
    zone = bakery.entity.zone
    quick = _read(lambda body: _QUICK.read(body, zone=zone), data)
    slow = _read(lambda body: parse(body, TransactionBody, zone=zone), data)
    assert repr(quick) == repr(slow) or quick == slow


def test_quick_reader_takes_what_is_plainly_right(bakery: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the property above would prove nothing."""
    shape = LeanShape(TransactionBody)
    monkeypatch.setattr("ledger.api.lean.parse", lambda *a, **k: pytest.fail("took the slow way"))
    read = shape.read(
        decode(json.dumps(body(bakery, date="2024-01-15", metadata={"a": 1.5}, currency="usd")).encode()),
        zone=bakery.entity.zone,
    )
    assert (read["amount"], read["currency"], read["metadata"]) == (500, "USD", {"a": Decimal("1.5")})
    assert read["debit_account_id"] == bakery.rent.id


def test_approved_outside_of_the_api_shows_up_in_it(bakery: Company, owner: Caller) -> None:
    row = bakery.post()
    approve_transactions(entity=bakery.entity, ids=[row.id], actor=SYSTEM)
    shown = owner.get(f"{URL}/{public(row)}").json()["transaction"]
    assert shown["status"] == "POSTED"
    assert shown["postedAt"] == shown["updatedAt"]
