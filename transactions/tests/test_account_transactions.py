"""GET /v1/accounts/{id}/transactions, and GET /v1/accounts/{id} with its newest transactions."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id, new_id
from ledger.tests.helpers import Caller
from transactions.account_history import account_history
from transactions.choices import Status
from transactions.services import post_batch
from transactions.tests.conftest import NOON, Company

A_DAY = dt.timedelta(days=1)


@pytest.fixture
def caller(bakery: Company) -> Caller:
    return bakery.caller()


def url(account_id: str) -> str:
    return f"/v1/accounts/{account_id}/transactions"


def test_the_reference_example_field_by_field(bakery: Company, caller: Caller) -> None:
    at = dt.datetime(2024, 1, 15, 14, 22, tzinfo=dt.UTC)
    metadata = {"receipt_url": "https://storage.example.com/receipts/123.pdf"}
    row = bakery.post(
        "250",
        description="Office Supplies Purchase",
        status=Status.CLEARED,
        metadata=metadata,
        at=at,
    )
    drafts = [bakery.draft("1", at=at - n * A_DAY) for n in range(1, 42)]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}

    answer = caller.get(url(bakery.cash.public_id), HTTP_X_ENTITY_ID=bakery.entity.public_id)

    assert answer.status_code == 200
    body = answer.json()
    assert body["meta"] == {"total": 42, "page": 1, "limit": 25, "pages": 2}
    assert len(body["data"]) == 25
    assert body["data"][0] == {
        "id": encode_id(Prefix.TRANSACTION, row.id),
        "timestamp": "2024-01-15T14:22:00Z",
        "description": "Office Supplies Purchase",
        "amount": 250.0,
        "direction": "CREDIT",
        "status": "CLEARED",
        "metadata": metadata,
    }
    assert body["data"][1]["metadata"] == {}


def test_both_sides_are_merged_newest_first(bakery: Company, caller: Caller) -> None:
    sides = ["DEBIT", "CREDIT", "CREDIT", "DEBIT", "CREDIT", "DEBIT", "DEBIT"]
    for n, side in enumerate(sides):
        pair = (bakery.cash, bakery.sales) if side == "DEBIT" else (bakery.rent, bakery.cash)
        bakery.post(debit=pair[0], credit=pair[1], description=str(n), at=NOON + n * dt.timedelta(hours=5))
    bakery.post(debit=bakery.rent, credit=bakery.bank, description="not on this account")

    seen: list[tuple[str, str]] = []
    for page in (1, 2, 3):
        body = caller.get(url(bakery.cash.public_id), {"page": page, "limit": 3}).json()
        seen += [(one["description"], one["direction"]) for one in body["data"]]
        assert body["meta"] == {"total": 7, "page": page, "limit": 3, "pages": 3}

    assert seen == [(str(n), side) for n, side in reversed(list(enumerate(sides)))]
    beyond = caller.get(url(bakery.cash.public_id), {"page": 9, "limit": 3}).json()
    assert (beyond["data"], beyond["meta"]["total"]) == ([], 7)


def test_days_and_states_narrow_the_list(bakery: Company, caller: Caller) -> None:
    for n in range(5):
        bakery.post(
            description=str(n), status=Status.POSTED if n % 2 else Status.PENDING, at=NOON + n * A_DAY
        )
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"from_date": "2024-03-17"}, ["4", "3", "2"]),
        ({"to_date": "2024-03-16"}, ["1", "0"]),
        ({"from_date": "2024-03-16", "to_date": "2024-03-17"}, ["2", "1"]),
        ({"fromDate": "2024-03-16", "toDate": "2024-03-16"}, ["1"]),
        ({"status": "POSTED"}, ["3", "1"]),
        ({"status": "PENDING", "from_date": "2024-03-16"}, ["4", "2"]),
        ({"status": "EXPIRED"}, []),
    ]
    for query, expected in cases:
        body = caller.get(url(bakery.rent.public_id), query).json()
        assert [one["description"] for one in body["data"]] == expected, query
        assert body["meta"]["total"] == len(expected)


def test_transactions_of_children_are_theirs(bakery: Company, caller: Caller) -> None:
    child = make_account(bakery.ledger, "Petty cash", parent=bakery.cash)
    bakery.post(credit=child)

    assert caller.get(url(bakery.cash.public_id)).json()["meta"] == {
        "total": 0,
        "page": 1,
        "limit": 25,
        "pages": 0,
    }
    assert caller.get(url(child.public_id)).json()["meta"]["total"] == 1


def test_accounts_of_others_are_not_found(bakery: Company, stranger: Company, caller: Caller) -> None:
    stranger.post()

    for account_id in (stranger.cash.public_id, encode_id(Prefix.ACCOUNT, new_id())):
        assert caller.get(url(account_id)).status_code == 404
        assert caller.get(f"/v1/accounts/{account_id}", {"include_transactions": "true"}).status_code == 404
    assert caller.get(url("acc_1")).status_code == 400


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from_date": "2024-02-30"}, "from_date"),
        ({"toDate": "x"}, "toDate"),
        ({"from_date": "2024-02-02", "to_date": "2024-02-01"}, "from_date"),
        ({"status": "posted"}, "status"),
        ({"page": 0}, "page"),
        ({"limit": 101}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_malformed_queries_are_refused_by_name(
    bakery: Company, caller: Caller, query: dict[str, Any], field: str
) -> None:
    answer = caller.get(url(bakery.cash.public_id), query)

    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_an_account_shows_its_newest_transactions_on_request(bakery: Company, caller: Caller) -> None:
    rows = [bakery.post(str(n + 1), description=f"No {n}", at=NOON + n * A_DAY) for n in range(12)]
    at = f"/v1/accounts/{bakery.cash.public_id}"

    plain = caller.get(at).json()
    assert "transactions" not in plain
    assert "transactions" not in caller.get(at, {"include_transactions": "false"}).json()

    shown = caller.get(at, {"include_transactions": "true"}).json()
    transactions = shown.pop("transactions")
    assert shown == plain
    assert len(transactions) == 10
    assert transactions[0] == {
        "id": encode_id(Prefix.TRANSACTION, rows[-1].id),
        "timestamp": "2024-03-26T12:00:00Z",
        "description": "No 11",
        "amount": 12.0,
        "direction": "CREDIT",
    }
    few = caller.get(at, {"includeTransactions": "true", "transactionsLimit": "2"}).json()["transactions"]
    assert [one["description"] for one in few] == ["No 11", "No 10"]
    assert caller.get(at, {"include_transactions": "true", "transactions_limit": "51"}).status_code == 400


def test_the_accounts_other_addresses_are_left_alone(bakery: Company, caller: Caller) -> None:
    assert "data" in caller.get("/v1/accounts/templates").json()
    assert caller.get("/v1/accounts/nonsense").status_code == 400
    at = f"/v1/accounts/{bakery.bank.public_id}"
    assert caller.put(at, {"name": "Main bank"}).json()["name"] == "Main bank"
    assert caller.delete(at).status_code == 204


def test_a_page_takes_two_queries_from_the_indexes_by_account_and_day(bakery: Company) -> None:
    drafts = [
        bakery.draft(credit=bakery.bank, at=NOON + n * dt.timedelta(minutes=3), debit=bakery.loan)
        for n in range(6_000)
    ]
    drafts += [bakery.draft(at=NOON + n * A_DAY) for n in range(50)]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_transaction")

    with CaptureQueriesContext(connection) as queries:
        rows, page = account_history(bakery.entity, bakery.bank.id, page=2, limit=25)
    assert len(queries) == 2
    assert (len(rows), page.total) == (25, 6_000)
    assert rows[0].timestamp == NOON + 5_974 * dt.timedelta(minutes=3)

    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN (FORMAT JSON) " + queries[1]["sql"],
            {
                "entity": bakery.entity.id,
                "account": bakery.bank.id,
                "limit": 25,
                "offset": 25,
                "until": 50,
            },
        )
        plan = json.dumps(cursor.fetchone()[0])
    assert "transaction_by_debit" in plan
    assert "transaction_by_credit" in plan
    assert "Seq Scan" not in plan
