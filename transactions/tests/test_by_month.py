"""GET /v1/transactions/by-month: one month's transactions, or what each month changed."""

import datetime as dt
from collections.abc import Iterator
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
from transactions import months
from transactions.services import delete_transaction, expire_pending, post_batch, reverse_transaction
from transactions.tests.conftest import Company, make_company

URL = "/v1/transactions/by-month"


def at(month: int, day: int = 15, hour: int = 12, year: int = 2024) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=dt.UTC)


@pytest.fixture
def caller(bakery: Company) -> Caller:
    return bakery.caller()


def test_the_reference_example_field_by_field(bakery: Company, caller: Caller) -> None:
    row = bakery.post(
        "500", debit=bakery.cash, credit=bakery.sales, description="Invoice payment received", at=at(1)
    )
    bakery.post(at=at(2, 1, 0))
    bakery.post(at=at(12, 31, 23, year=2023))

    body = caller.get(URL, {"month": 1, "year": 2024, "pageSize": 50}).json()

    [transaction] = body.pop("transactions")
    assert body == {"month": 1, "year": 2024, "nextCursor": None, "hasMore": False}
    expected = {
        "id": encode_id(Prefix.TRANSACTION, row.id),
        "description": "Invoice payment received",
        "amount": 500.0,
        "timestamp": "2024-01-15T12:00:00Z",
        "status": "PENDING",
    }
    assert {name: transaction[name] for name in expected} == expected
    # Whole objects, as everywhere.
    assert transaction["debitAccount"]["name"] == "Cash"


def test_a_month_is_paged_newest_first(bakery: Company, caller: Caller) -> None:
    rows = [bakery.post(at=at(2, day), description=str(day)) for day in (1, 29, 15, 15, 15, 7)]
    ordered = sorted(rows, key=lambda row: (row.timestamp, row.id), reverse=True)

    seen: list[str] = []
    query: dict[str, Any] = {"month": 2, "year": 2024, "page_size": 2}
    for _ in range(3):
        page = caller.get(URL, query).json()
        seen += [transaction["id"] for transaction in page["transactions"]]
        query["cursor"] = page["nextCursor"]

    assert seen == [encode_id(Prefix.TRANSACTION, row.id) for row in ordered]
    assert (page["hasMore"], page["nextCursor"]) == (False, None)


def test_months_are_those_of_the_company(db: None) -> None:
    auckland = make_company("Auckland", zone="Pacific/Auckland")
    auckland.post(at=at(1, 31, 20), date=dt.date(2024, 2, 1), description="February there")
    caller = auckland.caller()

    assert caller.get(URL, {"month": 1, "year": 2024}).json()["transactions"] == []
    [found] = caller.get(URL, {"month": 2, "year": 2024}).json()["transactions"]
    assert found["description"] == "February there"
    assert [(one["year"], one["month"]) for one in caller.get(URL).json()] == [(2024, 2)]


def test_months_are_summed_up_newest_first(bakery: Company, caller: Caller) -> None:
    bakery.post("100", debit=bakery.cash, credit=bakery.sales, at=at(1))
    bakery.posted("30.25", at=at(1))
    # Between own pockets nothing changes, and what no cash account sees doesn't count.
    bakery.post("7", debit=bakery.cash, credit=bakery.bank, at=at(1))
    bakery.post("1000", debit=bakery.rent, credit=bakery.loan, at=at(1))
    bakery.post("50", at=at(3))
    bakery.post("5", at=at(12, year=2023), expires_at=at(12, 20, year=2023))
    gone = bakery.post("8", at=at(6))
    assert sum(expire_pending(entity=bakery.entity, now=at(12), actor=SYSTEM)) == 1
    delete_transaction(entity=bakery.entity, transaction_id=gone.id, actor=SYSTEM)

    answer = caller.get(URL)

    assert answer.status_code == 200
    assert answer.json() == [
        {"year": 2024, "month": 3, "delta": -50.0, "transactionCount": 1, "plaidAccountBreakdown": []},
        {"year": 2024, "month": 1, "delta": 69.75, "transactionCount": 4, "plaidAccountBreakdown": []},
        # An expired transaction is still listed in its month, but moved no money.
        {"year": 2023, "month": 12, "delta": 0.0, "transactionCount": 1, "plaidAccountBreakdown": []},
    ]
    assert b'"delta":-50.00,' in answer.content


def test_a_reversal_undoes_the_change_in_its_own_month(bakery: Company, caller: Caller) -> None:
    sold = bakery.posted("100", debit=bakery.cash, credit=bakery.sales, at=at(1))
    reverse_transaction(entity=bakery.entity, transaction_id=sold.id, actor=SYSTEM, on=at(2))

    assert [(one["month"], one["delta"]) for one in caller.get(URL).json()] == [(2, -100.0), (1, 100.0)]


def test_cash_of_other_currencies_is_not_added_to_the_companys_own(bakery: Company, caller: Caller) -> None:
    yen_books = Ledger.objects.create(
        entity=bakery.entity, name="Japan", currency="JPY", created_at=utc_now()
    )
    cash = make_account(yen_books, "Yen", financial_type="CASH")
    sales = make_account(yen_books, "Yen sales", "REVENUE")
    bakery.post("5", debit=bakery.cash, credit=bakery.sales, at=at(1))
    bakery.post("1000", debit=cash, credit=sales, currency="JPY", at=at(1))

    [january] = caller.get(URL).json()
    assert (january["delta"], january["transactionCount"]) == (5.0, 2)


@pytest.fixture
def breakdown() -> Iterator[None]:
    """What an app above says of the bank accounts."""
    change = months.BankAccountChange("bacc_1", "Checking", "4321", Decimal("12.5"))
    months.register_breakdown(lambda entity: {dt.date(2024, 1, 1): [change]})
    yield
    months._breakdowns.pop()


@pytest.mark.usefixtures("breakdown")
def test_bank_accounts_are_shown_where_an_app_above_knows_them(bakery: Company, caller: Caller) -> None:
    bakery.post(at=at(1))
    bakery.post(at=at(2))

    february, january = caller.get(URL).json()
    assert january["plaidAccountBreakdown"] == [
        {"id": "bacc_1", "name": "Checking", "mask": "4321", "delta": 12.5}
    ]
    assert february["plaidAccountBreakdown"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"month": 1}, "year"),
        ({"year": 2024}, "month"),
        ({"month": 13, "year": 2024}, "month"),
        ({"month": 1, "year": 10000}, "year"),
        ({"month": 1, "year": 2024, "pageSize": 0}, "pageSize"),
        ({"month": 1, "year": 2024, "cursor": "x"}, "cursor"),
        ({"cursor": "x"}, "cursor"),
        ({"pageSize": 5}, "pageSize"),
        ({"months": 1}, "months"),
    ],
)
def test_malformed_queries_are_refused_by_name(caller: Caller, query: dict[str, Any], field: str) -> None:
    answer = caller.get(URL, query)

    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_a_cursor_is_of_one_month_and_one_company(bakery: Company, stranger: Company, caller: Caller) -> None:
    for company in (bakery, stranger):
        for day in (1, 2):
            company.post(at=at(1, day))
    january = {"month": 1, "year": 2024, "pageSize": 1}
    cursor = caller.get(URL, january).json()["nextCursor"]

    assert caller.get(URL, january | {"cursor": cursor}).status_code == 200
    assert caller.get(URL, january | {"month": 2, "cursor": cursor}).status_code == 400
    assert stranger.caller().get(URL, january | {"cursor": cursor}).status_code == 400


def test_books_of_others_stay_unseen(stranger: Company, caller: Caller) -> None:
    stranger.post(at=at(1))

    assert caller.get(URL).json() == []
    assert caller.get(URL, {"month": 1, "year": 2024}).json()["transactions"] == []


def test_numbers_of_queries_do_not_grow(bakery: Company) -> None:
    drafts = [bakery.draft(at=at(1 + n % 12, 1 + n % 28, n % 24)) for n in range(600)]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}

    with CaptureQueriesContext(connection) as queries:
        assert len(months.list_months(bakery.entity)) == 12
    # Two of its own; whether there are bank accounts to break it down by is a third.
    assert len(queries) == 3
    # Sums come from the totals that are kept, transactions are only counted.
    assert "sum(amount)" not in "".join(query["sql"] for query in queries)

    with CaptureQueriesContext(connection) as queries:
        assert len(months.list_month(bakery.entity, year=2024, month=2, limit=50)) == 50
    assert len(queries) == 1
