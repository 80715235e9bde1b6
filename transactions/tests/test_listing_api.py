"""The list of transactions: newest first, filtered, in pages that stay put."""

import datetime as dt
import random
from typing import Any

import pytest

from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id, new_id
from ledger.tests.helpers import Caller, caller_of
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.services import approve_transactions, edit_transaction, post_batch
from transactions.services.editing import Edit
from transactions.tests.conftest import NOON, Company, make_company
from transactions.tests.test_transactions_api import assert_refused

pytestmark = pytest.mark.django_db

URL = "/v1/transactions"


@pytest.fixture
def owner(bakery: Company) -> Caller:
    return bakery.caller()


def listed(caller: Caller, **query: Any) -> list[str]:
    """The ids of one page."""
    response = caller.get(URL, query)
    assert response.status_code == 200, response.content
    return [shown["id"] for shown in response.json()["transactions"]]


def all_pages(caller: Caller, **query: Any) -> list[str]:
    """The ids of all pages; each but the last is full and says that there are more."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = caller.get(URL, query | cursor).json()
        assert set(page) == {"transactions", "nextCursor", "hasMore"}
        found += [shown["id"] for shown in page["transactions"]]
        assert page["hasMore"] == (page["nextCursor"] is not None)
        if not page["hasMore"]:
            return found
        assert len(page["transactions"]) == query.get("pageSize", 50)
        cursor = {"cursor": page["nextCursor"]}


def public(*rows: Any) -> list[str]:
    return [encode_id(Prefix.TRANSACTION, row.id) for row in rows]


def scattered(company: Company, count: int = 60) -> list[Draft]:
    """Transactions over few moments, so that many share one, on all accounts, in all creatable states;
    newest first."""
    chance = random.Random(7)
    drafts = []
    for n in range(count):
        debit, credit = chance.sample(company.accounts, 2)
        drafts.append(
            company.draft(
                str(chance.randint(1, 30)),
                debit=debit,
                credit=credit,
                at=NOON + dt.timedelta(days=chance.randint(0, 5), hours=chance.randint(0, 2)),
                status=chance.choice([Status.PENDING, Status.CLEARED, Status.POSTED]),
                counterparty=chance.choice(["Acme", "acme", "Landlord", ""]),
                description=str(n),
            )
        )
    assert post_batch(entity=company.entity, drafts=drafts, actor=SYSTEM) == {}
    return sorted(drafts, key=lambda draft: (draft.timestamp, draft.id), reverse=True)


def test_empty_books_have_an_empty_page(owner: Caller) -> None:
    assert owner.get(URL).json() == {"transactions": [], "nextCursor": None, "hasMore": False}


@pytest.mark.parametrize("size", [1, 7, 20, 60, 100])
def test_pages_hold_everything_once_newest_first(bakery: Company, owner: Caller, size: int) -> None:
    drafts = scattered(bakery)
    assert all_pages(owner, pageSize=size) == public(*drafts)


def test_fifty_are_a_page_unless_asked_otherwise(bakery: Company, owner: Caller) -> None:
    drafts = scattered(bakery)
    assert listed(owner) == public(*drafts[:50])
    assert listed(owner, page_size="5") == public(*drafts[:5])


@pytest.mark.parametrize("account", [False, True])
def test_pages_stay_put_while_rows_are_added(bakery: Company, owner: Caller, account: bool) -> None:
    drafts = scattered(bakery)
    query: dict[str, Any] = {"accountId": bakery.cash.public_id} if account else {}
    if account:
        drafts = [d for d in drafts if bakery.cash.id in (d.debit_account_id, d.credit_account_id)]
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    added: set[str] = set()
    while True:
        page = owner.get(URL, query | cursor | {"pageSize": 7}).json()
        seen += [shown["id"] for shown in page["transactions"]]
        if not page["hasMore"]:
            break
        cursor = {"cursor": page["nextCursor"]}
        # One newer than everything, and one as old as the oldest.
        for at in (NOON + dt.timedelta(days=9), NOON - dt.timedelta(days=9)):
            added |= set(public(bakery.post(at=at)))
    assert [id_ for id_ in seen if id_ not in added] == public(*drafts)
    assert len(seen) == len(set(seen))


def test_account_merges_its_debits_and_its_credits(bakery: Company, owner: Caller) -> None:
    account = bakery.cash
    expected = [d for d in scattered(bakery) if account.id in (d.debit_account_id, d.credit_account_id)]
    for size in (1, 4, 100):
        assert all_pages(owner, accountId=account.public_id, pageSize=size) == public(*expected)
    assert all_pages(owner, account_id=account.public_id) == public(*expected)
    # A category is an account, and may stand on either side.
    assert all_pages(owner, categoryId=account.public_id) == public(*expected)


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_account_with_one_side_alone_has_all_its_pages(bakery: Company, owner: Caller, side: str) -> None:
    pair = {"debit": bakery.loan, "credit": bakery.bank}
    if side == "credit":
        pair = {"debit": bakery.bank, "credit": bakery.loan}
    rows = [bakery.post(str(n + 1), at=NOON + dt.timedelta(days=n), **pair) for n in range(9)]
    found = all_pages(owner, accountId=bakery.loan.public_id, pageSize=2)
    assert found == public(*reversed(rows))


def test_two_accounts_find_what_moved_between_them(bakery: Company, owner: Caller) -> None:
    pair = {bakery.cash.id, bakery.rent.id}
    expected = [d for d in scattered(bakery, 200) if {d.debit_account_id, d.credit_account_id} == pair]
    assert expected
    query = {"accountId": bakery.cash.public_id, "categoryId": bakery.rent.public_id}
    assert all_pages(owner, **query, pageSize=3) == public(*expected)


def test_accounts_of_others_and_of_nobody_find_nothing(
    bakery: Company, stranger: Company, owner: Caller
) -> None:
    scattered(bakery)
    scattered(stranger)
    assert listed(owner, accountId=stranger.cash.public_id) == []
    assert listed(owner, accountId=encode_id(Prefix.ACCOUNT, new_id())) == []


FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "status": ({"status": "CLEARED"}, lambda d: d.status == Status.CLEARED),
    "status without any": ({"status": "REVERSED"}, lambda d: False),
    "counterparty": ({"counterparty": "Acme"}, lambda d: d.counterparty == "Acme"),
    "from": ({"dateFrom": "2024-03-18"}, lambda d: d.date >= dt.date(2024, 3, 18)),
    "to": ({"dateTo": "2024-03-17"}, lambda d: d.date <= dt.date(2024, 3, 17)),
    "day": (
        {"date_from": "2024-03-17", "date_to": "2024-03-17"},
        lambda d: d.date == dt.date(2024, 3, 17),
    ),
    "at least": ({"amountMin": "15.00"}, lambda d: d.amount >= 15),
    "at most": ({"amountMax": "7"}, lambda d: d.amount <= 7),
    "exactly": ({"amountMin": 9, "amountMax": "9.00"}, lambda d: d.amount == 9),
    "zero": ({"amountMax": 0}, lambda d: False),
    "several": (
        {"status": "POSTED", "dateFrom": "2024-03-16", "amountMin": 5, "counterparty": "Landlord"},
        lambda d: (
            d.status == Status.POSTED
            and d.date >= dt.date(2024, 3, 16)
            and d.amount >= 5
            and d.counterparty == "Landlord"
        ),
    ),
}


@pytest.mark.parametrize("name", sorted(FILTERS))
@pytest.mark.parametrize("account", [False, True])
def test_filter_finds_exactly_what_it_says(bakery: Company, owner: Caller, name: str, account: bool) -> None:
    query, passes = FILTERS[name]
    drafts = [draft for draft in scattered(bakery, 120) if passes(draft)]
    if account:
        query = query | {"accountId": bakery.cash.public_id}
        drafts = [d for d in drafts if bakery.cash.id in (d.debit_account_id, d.credit_account_id)]
    assert all_pages(owner, **query, pageSize=4) == public(*drafts)


def test_changed_since_finds_what_was_changed_and_recorded_since(bakery: Company, owner: Caller) -> None:
    rows = [bakery.post(str(n + 1), at=NOON + dt.timedelta(days=n)) for n in range(6)]
    approve_transactions(entity=bakery.entity, ids=[rows[1].id], actor=SYSTEM)
    edited = edit_transaction(
        entity=bakery.entity, transaction_id=rows[3].id, edit=Edit(description="x"), actor=SYSTEM
    )
    newest = bakery.post("9", at=NOON - dt.timedelta(days=1))
    since = bakery.stored(rows[1].id).updated_at
    assert all_pages(owner, updatedSince=since.isoformat(), pageSize=1) == public(edited, rows[1], newest)
    assert all_pages(owner, updatedSince=edited.updated_at.isoformat()) == public(edited, newest)


def test_days_are_the_companys(db: None) -> None:
    company = make_company(zone="America/New_York")
    company.entity.refresh_from_db()
    owner = company.caller()
    late = dt.datetime(2024, 3, 16, 3, tzinfo=dt.UTC)  # still the 15th in New York
    row = company.post(at=late, date=dt.date(2024, 3, 15))
    assert listed(owner, dateFrom="2024-03-15", dateTo="2024-03-15") == public(row)
    assert listed(owner, dateFrom="2024-03-16") == []


def test_cursor_serves_its_own_list_alone(bakery: Company, stranger: Company, owner: Caller) -> None:
    scattered(bakery)
    scattered(stranger)
    query: dict[str, Any] = {"pageSize": 5, "status": "PENDING"}
    cursor = owner.get(URL, query).json()["nextCursor"]
    assert owner.get(URL, query | {"cursor": cursor}).status_code == 200
    # Another page size is no other list.
    assert owner.get(URL, {"status": "PENDING", "pageSize": 9, "cursor": cursor}).status_code == 200
    others: list[dict[str, Any]] = [
        {},
        {"status": "POSTED"},
        {"status": "PENDING", "counterparty": "Acme"},
        {"status": "PENDING", "accountId": bakery.cash.public_id},
    ]
    for other in others:
        assert_refused(owner.get(URL, other | {"cursor": cursor}), "cursor")
    assert_refused(stranger.caller().get(URL, query | {"cursor": cursor}), "cursor")


@pytest.mark.parametrize("cursor", ["x", "", "AAAA" * 20, "=", "ü", "a" * 3000])
def test_broken_cursor_is_refused(bakery: Company, owner: Caller, cursor: str) -> None:
    scattered(bakery)
    assert_refused(owner.get(URL, {"cursor": cursor}), "cursor")


def test_tampered_cursor_is_refused(bakery: Company, owner: Caller) -> None:
    scattered(bakery)
    cursor = owner.get(URL, {"pageSize": 5}).json()["nextCursor"]
    for place in range(0, len(cursor), 5):
        other = "A" if cursor[place] != "A" else "B"
        tampered = cursor[:place] + other + cursor[place + 1 :]
        assert_refused(owner.get(URL, {"cursor": tampered}), "cursor")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pageSize", "0"),
        ("pageSize", "101"),
        ("pageSize", "ten"),
        ("pageSize", "1" * 40),
        ("status", "pending"),
        ("status", ""),
        ("accountId", "acc_1"),
        ("accountId", "txn_01h455vb4pex5vsknk084sn02q"),
        ("categoryId", "x"),
        ("dateFrom", "2024-02-30"),
        ("dateFrom", "2024-01-01T00:00:00Z"),
        ("dateTo", "tomorrow"),
        ("amountMin", "1_0"),
        ("amountMin", "NaN"),
        ("amountMax", "1e400"),
        ("updatedSince", "recently"),
        ("counterparty", ""),
        ("counterparty", "x" * 201),
        ("counterparty", "a\0b"),
        ("colour", "red"),
    ],
)
def test_bad_parameter_is_refused_by_name(owner: Caller, name: str, value: str) -> None:
    assert_refused(owner.get(URL, {name: value}), name)


def test_parameter_given_twice_and_bounds_the_wrong_way_are_refused(owner: Caller) -> None:
    assert_refused(owner.get(f"{URL}?status=POSTED&status=PENDING"), "status")
    assert_refused(owner.get(f"{URL}?pageSize=5&page_size=6"), "page_size")
    assert_refused(owner.get(URL, {"dateFrom": "2024-02-01", "dateTo": "2024-01-01"}), "dateFrom")
    assert_refused(owner.get(URL, {"amountMin": "5", "amountMax": "4"}), "amountMin")


def test_developer_lists_each_company_by_its_name(bakery: Company) -> None:
    other = make_company("Other", developer=bakery.developer)
    mine, theirs = bakery.post(), other.post()
    developer = caller_of(bakery.developer)
    assert_refused(developer.get(URL), "entityId")
    assert listed(developer, entityId=bakery.entity.public_id) == public(mine)
    assert listed(developer, entity_id=other.entity.public_id) == public(theirs)
    contradiction = developer.get(
        URL, {"entityId": bakery.entity.public_id}, HTTP_X_ENTITY_ID=other.entity.public_id
    )
    assert_refused(contradiction, "X-Entity-ID")
