"""GET /v1/transactions/counterparties: whom a company deals with, by name, in pages."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import Prefix, encode_id
from ledger.models import Ledger
from ledger.tests.helpers import Caller
from transactions.choices import Status
from transactions.counterparties import list_counterparties
from transactions.services import (
    categorize_transactions,
    expire_pending,
    post_batch,
    reverse_transaction,
)
from transactions.tests.conftest import NOON, Company

URL = "/v1/transactions/counterparties"
A_DAY = dt.timedelta(days=1)


@pytest.fixture
def caller(bakery: Company) -> Caller:
    return bakery.caller()


def listed(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    answer = caller.get(URL, query)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["counterparties"]
    return found


def test_the_reference_example_field_by_field(bakery: Company, caller: Caller) -> None:
    first = dt.datetime(2023, 1, 15, 12, tzinfo=dt.UTC)
    last = dt.datetime(2024, 1, 15, 12, tzinfo=dt.UTC)
    rows = [
        bakery.post("500", counterparty="Amazon Web Services", description=f"Month {n}", at=at)
        for n, at in enumerate([first, *(first + n * 30 * A_DAY for n in range(1, 11)), last], start=1)
    ]
    amounts = ["150.06"] * 7 + ["150.08"]
    for n, amount in enumerate(amounts):
        bakery.post(amount, counterparty="Office Depot", at=first + n * A_DAY)
    bakery.post("1", counterparty="Zoo")

    answer = caller.get(URL, {"pageSize": 2})

    body = answer.json()
    assert body["success"] is True
    assert body["hasMore"] is True
    assert isinstance(body["nextCursor"], str)
    amazon, depot = body["counterparties"]
    newest = amazon.pop("transactions")
    assert amazon == {
        "name": "Amazon Web Services",
        "currency": "USD",
        "transactionCount": 12,
        "firstSeen": "2023-01-15T12:00:00Z",
        "lastSeen": "2024-01-15T12:00:00Z",
        "totalAmount": 6000.00,
        "averageAmount": 500.00,
    }
    assert newest[0] == {
        "id": encode_id(Prefix.TRANSACTION, rows[-1].id),
        "description": "Month 12",
        "amount": 500.00,
        "timestamp": "2024-01-15T12:00:00Z",
    }
    assert [one["description"] for one in newest] == [f"Month {n}" for n in (12, 11, 10, 9, 8)]
    # The reference's own figures: 8 transactions of 1200.50 are 150.0625 each.
    assert (depot["name"], depot["transactionCount"]) == ("Office Depot", 8)
    assert (depot["totalAmount"], depot["averageAmount"]) == (1200.50, 150.06)
    assert b'"totalAmount":6000.00' in answer.content


@pytest.mark.parametrize(
    ("amounts", "average"),
    [(["0.01", "0.02"], "0.02"), (["0.02", "0.03"], "0.02"), (["10", "10", "10.01"], "10.00")],
)
def test_averages_are_rounded_half_to_even(bakery: Company, amounts: list[str], average: str) -> None:
    for amount in amounts:
        bakery.post(amount, counterparty="Acme")

    [acme], _ = list_counterparties(bakery.entity, size=1)
    assert acme.average == Decimal(average)


def test_only_dealings_count(bakery: Company, caller: Caller) -> None:
    bakery.post("1", counterparty="Kept")
    bakery.post("9", counterparty="")
    bakery.post("9", counterparty="Expired", expires_at=NOON)
    reversed_ = bakery.posted("9", counterparty="Kept")
    only_reversed = bakery.posted("9", counterparty="Only reversed")
    recategorized = bakery.posted("2", counterparty="Kept")
    for row in (reversed_, only_reversed):
        reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    categorize_transactions(
        entity=bakery.entity, ids=[recategorized.id], category_id=bakery.software.id, actor=SYSTEM
    )
    assert sum(expire_pending(entity=bakery.entity, now=NOON + A_DAY, actor=SYSTEM)) == 1

    [kept] = listed(caller)
    assert (kept["name"], kept["transactionCount"], kept["totalAmount"]) == ("Kept", 2, 3.00)
    assert {one["amount"] for one in kept["transactions"]} == {1.00, 2.00}


def test_currencies_do_not_add_up(bakery: Company, caller: Caller) -> None:
    yen_books = Ledger.objects.create(
        entity=bakery.entity, name="Japan", currency="JPY", created_at=utc_now()
    )
    cash, rent = make_account(yen_books, "Yen"), make_account(yen_books, "Yen rent", "EXPENSE")
    bakery.post("10", counterparty="Acme")
    bakery.post("1000", debit=rent, credit=cash, currency="JPY", counterparty="Acme")
    bakery.post("2000", debit=rent, credit=cash, currency="JPY", counterparty="Acme")
    bakery.post("5", counterparty="Beta")

    answer = caller.get(URL, {"pageSize": 1})
    yen, dollars = answer.json()["counterparties"]
    assert (yen["name"], yen["currency"], yen["totalAmount"], yen["averageAmount"]) == (
        "Acme",
        "JPY",
        3000,
        1500,
    )
    assert (dollars["name"], dollars["currency"], dollars["totalAmount"]) == ("Acme", "USD", 10)
    assert len(yen["transactions"]) == 2
    assert b'"totalAmount":3000,' in answer.content
    [beta] = listed(caller, pageSize=1, cursor=answer.json()["nextCursor"])
    assert beta["name"] == "Beta"


def test_pages_are_cut_by_name_and_stay_so_while_rows_are_added(bakery: Company, caller: Caller) -> None:
    names = sorted(f"Supplier {n:02}" for n in range(30))
    drafts = [bakery.draft(counterparty=name) for name in reversed(names)]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}

    first = caller.get(URL).json()
    assert [one["name"] for one in first["counterparties"]] == names[:25]
    bakery.post(counterparty="Another")
    second = caller.get(URL, {"cursor": first["nextCursor"]}).json()

    assert [one["name"] for one in second["counterparties"]] == names[25:]
    assert (second["hasMore"], second["nextCursor"]) == (False, None)


def test_a_company_without_transactions_has_no_counterparties(caller: Caller) -> None:
    assert caller.get(URL).json() == {
        "success": True,
        "counterparties": [],
        "nextCursor": None,
        "hasMore": False,
    }


def test_counterparties_of_others_stay_unseen(bakery: Company, stranger: Company, caller: Caller) -> None:
    stranger.post(counterparty="Secret")
    stranger.post(counterparty="Secret 2")
    cursor = stranger.caller().get(URL, {"pageSize": 1}).json()["nextCursor"]

    assert listed(caller) == []
    # A cursor belongs to the books that it came from.
    answer = caller.get(URL, {"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"pageSize": 101}, "pageSize"),
        ({"page_size": 0}, "page_size"),
        ({"page": 1}, "page"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_malformed_queries_are_refused_by_name(caller: Caller, query: dict[str, Any], field: str) -> None:
    answer = caller.get(URL, query)

    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_a_page_takes_two_queries_and_reads_no_counterparty_before_it(bakery: Company) -> None:
    drafts = [
        bakery.draft(counterparty=f"Supplier {n % 500:03}", status=Status.POSTED) for n in range(10_000)
    ]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_transaction")

    with CaptureQueriesContext(connection) as queries:
        page, after = list_counterparties(bakery.entity, size=25, after="Supplier 400")
    assert len(queries) == 2
    assert [one.name for one in page] == [f"Supplier {n}" for n in range(401, 426)]
    assert after == "Supplier 425"
    assert {one.transaction_count for one in page} == {20}
