"""Recording many transactions in one request."""

import json
from typing import Any

import pytest

from accounts.services import close_account
from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id, new_id
from ledger.services.periods import close_books
from ledger.tests.helpers import Caller
from transactions.models import Transaction
from transactions.tests.conftest import NOON, Company, assert_totals_hold, balance, sums
from transactions.tests.test_transactions_api import assert_refused, body, raw

pytestmark = pytest.mark.django_db

URL = "/v1/transactions/bulk"


@pytest.fixture
def owner(bakery: Company) -> Caller:
    return bakery.caller()


def test_all_are_recorded_and_named_by_their_place(bakery: Company, owner: Caller) -> None:
    items = [
        body(bakery, amount="1.10", description="first", externalId="a"),
        body(bakery, amount=-2, metadata={"n": 1}),
        {
            "amount": 3,
            "debit_account_id": bakery.software.public_id,
            "credit_account_id": bakery.bank.public_id,
            "status": "POSTED",
        },
    ]
    response = owner.post(URL, {"transactions": items})
    assert response.status_code == 201
    answer = response.json()
    assert set(answer) == {"success", "totalProcessed", "results"}
    assert (answer["success"], answer["totalProcessed"]) == (True, 3)
    stored = {row.public_id: row for row in Transaction.objects.all()}
    assert [result["index"] for result in answer["results"]] == [0, 1, 2]
    for result in answer["results"]:
        assert set(result) == {"index", "success", "id"}
    first, refund, posted = (stored[result["id"]] for result in answer["results"])
    assert (first.description, first.external_id, first.status) == ("first", "a", "PENDING")
    assert refund.debit_account_id == bakery.cash.id
    assert refund.amount == 2
    assert (posted.status, posted.debit_account_id) == ("POSTED", bakery.software.id)
    assert_totals_hold(bakery.entity)


def test_every_fault_is_listed_and_nothing_recorded(bakery: Company, owner: Caller) -> None:
    items: list[Any] = [
        body(bakery),
        body(bakery, amount=0, colour="red"),
        "text",
        {},
        body(bakery, category_id="cat_1"),
    ]
    response = owner.post(URL, {"transactions": items})
    assert_refused(response)
    fields = {detail["field"] for detail in response.json()["error"]["details"]}
    assert {
        "transactions[1].amount",
        "transactions[1].colour",
        "transactions[3].amount",
        "transactions[3].debitAccountId",
        "transactions[4].category_id",
    } <= fields
    assert any(field.startswith("transactions[2]") for field in fields)
    assert not any(field.startswith("transactions[0]") for field in fields)
    assert not Transaction.objects.exists()


def test_faults_against_the_books_are_listed_too(bakery: Company, owner: Caller) -> None:
    missing = encode_id(Prefix.ACCOUNT, new_id())
    items = [body(bakery), body(bakery, creditAccountId=bakery.rent.public_id)]
    assert_refused(owner.post(URL, {"transactions": items}), "transactions[1].creditAccountId")
    items = [body(bakery, debitAccountId=missing), body(bakery)]
    assert_refused(owner.post(URL, {"transactions": items}), "transactions[0].debitAccountId", status=404)
    bakery.post(external_id="taken")
    items = [body(bakery), body(bakery, externalId="taken")]
    assert_refused(owner.post(URL, {"transactions": items}), "transactions[1].externalId", status=409)
    assert Transaction.objects.count() == 1


def test_faults_of_shape_do_not_hide_those_against_the_books(bakery: Company, owner: Caller) -> None:
    items = [body(bakery, amount=0), body(bakery, creditAccountId=bakery.rent.public_id)]
    response = owner.post(URL, {"transactions": items})
    assert_refused(response, "transactions[0].amount")
    assert_refused(response, "transactions[1].creditAccountId")


def test_faults_of_several_kinds_are_400(bakery: Company, owner: Caller) -> None:
    close_account(entity=bakery.entity, account=bakery.bank, actor=SYSTEM)
    items = [body(bakery, creditAccountId=bakery.bank.public_id), body(bakery, currency="EUR")]
    response = owner.post(URL, {"transactions": items})
    assert_refused(response, "transactions[0].creditAccountId")
    assert_refused(response, "transactions[1].currency")


def test_with_atomic_false_the_good_ones_are_recorded(bakery: Company, owner: Caller) -> None:
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    items = [
        body(bakery, amount="x"),
        body(bakery, amount=2),
        body(bakery, amount=4, date="2024-03-15"),
        body(bakery, amount=8),
        body(bakery, amount=16, externalId="twice"),
        body(bakery, amount=32, externalId="twice"),
    ]
    response = owner.post(URL, {"transactions": items, "atomic": False})
    assert response.status_code == 201
    answer = response.json()
    assert (answer["success"], answer["totalProcessed"]) == (False, 6)
    assert [result["success"] for result in answer["results"]] == [False, True, False, True, False, False]
    for result in answer["results"]:
        assert set(result) == {"index", "success", "id" if result["success"] else "error"}
        assert result.get("error", "why") != ""
    assert balance(bakery.rent) == sums(10, 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_all_bad_with_atomic_false_records_nothing(bakery: Company, owner: Caller) -> None:
    answer = owner.post(URL, {"transactions": [{}, {}], "atomic": False}).json()
    assert [result["success"] for result in answer["results"]] == [False, False]
    assert not Transaction.objects.exists()


def test_categories_go_to_their_sides(bakery: Company, owner: Caller) -> None:
    missing = encode_id(Prefix.ACCOUNT, new_id())
    items = [
        body(bakery, category_id=bakery.software.public_id),
        body(bakery, categoryId=missing),
        body(bakery, debitAccountId=bakery.bank.public_id, categoryId=bakery.software.public_id),
    ]
    answer = owner.post(URL, {"transactions": items, "atomic": False}).json()
    assert [result["success"] for result in answer["results"]] == [True, False, False]
    assert missing in answer["results"][1]["error"]
    stored = Transaction.objects.get()
    assert (stored.debit_account_id, stored.credit_account_id) == (bakery.software.id, bakery.cash.id)
    assert stored.categorized_at is not None


def test_item_that_names_another_company_is_refused(
    bakery: Company, stranger: Company, owner: Caller
) -> None:
    for name in ("entityId", "entity_id"):
        items = [
            body(bakery, **{name: bakery.entity.public_id}),
            body(bakery, **{name: stranger.entity.public_id}),
        ]
        assert_refused(owner.post(URL, {"transactions": items}), f"transactions[1].{name}")
    assert not Transaction.objects.exists()
    assert owner.post(URL, {"transactions": items[:1]}).status_code == 201


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{}", "transactions"),
        ('{"transactions": []}', "transactions"),
        ('{"transactions": {}}', "transactions"),
        ('{"transactions": null}', "transactions"),
        ('{"transactions": [{}], "atomic": "no"}', "atomic"),
        ('{"transactions": [{}], "atomic": 0}', "atomic"),
        ('{"transactions": [{}], "partial": true}', "partial"),
        ("[]", None),
        ('"x"', None),
    ],
)
def test_body_of_no_right_form_is_refused(owner: Caller, text: str, field: str | None) -> None:
    assert_refused(raw(owner, "post", URL, text), field)


def test_five_thousand_are_taken_and_one_more_is_not(bakery: Company, owner: Caller) -> None:
    item = body(bakery, amount=1)
    assert_refused(owner.post(URL, {"transactions": [item] * 5001}), "transactions")
    response = owner.post(URL, {"transactions": [item] * 5000})
    assert response.status_code == 201
    assert response.json()["totalProcessed"] == Transaction.objects.count() == 5000
    assert balance(bakery.rent) == sums(5000, 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_bodies_above_ten_megabytes_are_too_large(bakery: Company, owner: Caller) -> None:
    item = body(bakery, description="x" * 1000)
    text = json.dumps({"transactions": [item] * 9500})
    assert len(text) > 10 * 1024 * 1024
    response = raw(owner, "post", URL, text)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_replay_records_nothing_twice(bakery: Company, owner: Caller) -> None:
    once: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "import-1"}
    first = owner.post(URL, {"transactions": [body(bakery)] * 3}, **once)
    second = owner.post(URL, {"transactions": [body(bakery)] * 3}, **once)
    assert first.content == second.content
    assert Transaction.objects.count() == 3
