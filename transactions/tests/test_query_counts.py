"""How many statements each call sends, pinned: one more per call is a decision, one more per row a mistake.

Real commits, because a call outside of a transaction sends fewer statements than one in a test's own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.ids import Prefix, encode_id
from ledger.tests.helpers import Caller
from transactions.tests.conftest import Company, make_company
from transactions.tests.test_transactions_api import body

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/v1/transactions"


@pytest.fixture
def bakery() -> Company:
    return make_company()


@pytest.fixture
def owner(bakery: Company) -> Caller:
    """A client whose token and company the process knows already."""
    caller = bakery.caller()
    assert caller.get(URL).status_code == 200
    return caller


def statements(call: Callable[[], Any], status: int) -> int:
    """How many statements the call sends; BEGIN and COMMIT go with them and are not counted."""
    with CaptureQueriesContext(connection) as queries:
        response = call()
    assert response.status_code == status, response.content
    ignored = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return len([query for query in queries if not query["sql"].startswith(ignored)])


def begun(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len([query for query in queries if query["sql"].startswith("BEGIN")])


def public(*rows: Any) -> list[str]:
    return [encode_id(Prefix.TRANSACTION, row.id) for row in rows]


def test_recording_is_one_statement_without_a_transaction_around_it(bakery: Company, owner: Caller) -> None:
    assert statements(lambda: owner.post(URL, body(bakery)), 201) == 1
    assert begun(lambda: owner.post(URL, body(bakery))) == 0


def test_recording_with_a_key_adds_the_key_and_the_answer(bakery: Company, owner: Caller) -> None:
    once: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "k"}
    assert statements(lambda: owner.post(URL, body(bakery), **once), 201) == 3
    # A replay looks for the key and reads the answer.
    assert statements(lambda: owner.post(URL, body(bakery), **once), 201) == 2


def test_recording_with_a_category_looks_at_the_accounts_first(bakery: Company, owner: Caller) -> None:
    with_category = body(bakery, category_id=bakery.software.public_id)
    assert statements(lambda: owner.post(URL, with_category), 201) == 2


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_a_page_is_one_statement_whatever_is_on_it(bakery: Company, owner: Caller, rows: int) -> None:
    for n in range(rows):
        bakery.post(str(n + 1))
    queries: list[dict[str, Any]] = [
        {},
        {"accountId": bakery.cash.public_id},
        {"status": "PENDING", "pageSize": 5},
    ]
    for query in queries:
        assert statements(partial(owner.get, URL, query), 200) == 1


def test_reading_one_is_one_statement(bakery: Company, owner: Caller) -> None:
    (id_,) = public(bakery.post())
    assert statements(lambda: owner.get(f"{URL}/{id_}"), 200) == 1


@pytest.mark.parametrize("rows", [1, 25])
def test_approving_is_four_statements_whatever_their_number(
    bakery: Company, owner: Caller, rows: int
) -> None:
    ids = public(*(bakery.post() for _ in range(rows)))
    # Lock, read, the closed period, write.
    assert statements(lambda: owner.put(f"{URL}/approve", ids), 200) == 4
    assert statements(lambda: owner.put(f"{URL}/approve", ids), 200) == 3


def test_editing_words_accounts_and_nothing(bakery: Company, owner: Caller) -> None:
    (id_,) = public(bakery.post())

    def edit(**changes: object) -> int:
        return statements(lambda: owner.post(f"{URL}/edit", {"id": id_, **changes}), 200)

    assert edit(description="x") == 3
    assert edit(description="x") == 2
    # Lock, read, the new account, write; and what banks say to it.
    assert edit(debit_account_id=bakery.software.public_id) == 5


def test_deleting_is_six_statements(bakery: Company, owner: Caller) -> None:
    (id_,) = public(bakery.post())
    # Lock, read, write; bank lines and statements are parted from it, suggestions forget it.
    assert statements(lambda: owner.delete(f"{URL}?transactionId={id_}"), 204) == 6


def test_reversing_is_five_statements(bakery: Company, owner: Caller) -> None:
    (id_,) = public(bakery.posted())
    # Lock, read, post, mark, look for reclassifications.
    assert statements(lambda: owner.post(f"{URL}/{id_}/reverse", {}), 201) == 5


@pytest.mark.parametrize("rows", [1, 25])
def test_bulk_is_a_handful_of_statements_whatever_the_number(
    bakery: Company, owner: Caller, rows: int
) -> None:
    plain = [body(bakery)] * rows
    assert statements(lambda: owner.post(f"{URL}/bulk", {"transactions": plain}), 201) == 4
    # The accounts of categories are looked up.
    rich = [
        body(bakery, externalId=f"{rows}-{n}", category_id=bakery.software.public_id) for n in range(rows)
    ]
    assert statements(lambda: owner.post(f"{URL}/bulk", {"transactions": rich}), 201) == 5


@pytest.mark.parametrize("rows", [1, 25])
def test_categorizing_does_not_grow_with_the_number(bakery: Company, owner: Caller, rows: int) -> None:
    def categorize(ids: list[str]) -> int:
        request = {"transactionIds": ids, "categoryId": bakery.software.public_id}
        return statements(lambda: owner.post(f"{URL}/categorize", request), 200)

    assert categorize(public(*(bakery.post() for _ in range(rows)))) == 7
    assert categorize(public(*(bakery.posted() for _ in range(rows)))) == 11
