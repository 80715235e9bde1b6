"""The books as they were known at a past moment, and what changed figures since."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.services import delete_account
from ledger.actors import SYSTEM, Actor
from ledger.choices import ActorKind
from ledger.clock import utc_now
from ledger.ids import Prefix, decode_id
from ledger.models import ApiKey, Ledger, User
from ledger.times import format_timestamp
from reports.identities import broken_identities
from reports.periods import month_period
from reports.sums import StatusFilter
from reports.tests.conftest import Company, Reports, account_of, frame_of, post
from transactions.choices import Status
from transactions.services import (
    approve_transactions,
    delete_transaction,
    edit_transaction,
    reverse_transaction,
)
from transactions.services.editing import Edit

MARCH = month_period(2024, 3)


class History:
    """Books that change, with the statements as they were after each step."""

    def __init__(self, company: Company, reports: Reports) -> None:
        self.company, self.reports = company, reports
        self.moments: list[datetime] = []
        self.seen: list[dict[str, Any]] = []

    def remember(self) -> None:
        """Keep what the statements say now, and when."""
        self.moments.append(utc_now())
        self.seen.append(self.answers())

    def answers(self, **query: Any) -> dict[str, Any]:
        """Every report of March, without what differs by the moment of asking."""
        found = {}
        for name, more in (
            ("generate", {"month": 3, "year": 2024}),
            ("trial-balance", {"asOf": "2024-03-31"}),
            ("overview", {"startDate": "2024-03-01", "endDate": "2024-03-31", "interval": "daily"}),
            ("general-ledger", {"month": 3, "year": 2024}),
        ):
            for status in StatusFilter:
                body = self.reports.get(name, status=status.value, **more, **query)
                found[f"{name} {status}"] = _plain(body)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _plain(inner)
            for key, inner in value.items()
            if "rl" not in key[-4:] and key not in ("knownAt", "timestamp")
        }
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def history(bakery: Company, reports: Reports) -> History:
    """A sale, a bill that is changed, approved and reversed, one that is deleted, two that come late."""
    history = History(bakery, reports)
    entity = bakery.entity
    history.remember()
    post(bakery, "2024-03-05", "100", bakery.cash, bakery.sales)
    bill = post(bakery, "2024-03-10", "40", bakery.rent, bakery.cash, Status.PENDING)
    wrong = post(bakery, "2024-03-11", "7", bakery.software, bakery.cash, Status.PENDING)
    history.remember()
    edit_transaction(
        entity=entity,
        transaction_id=bill.id,
        edit=Edit(amount=Decimal("45"), debit_account_id=bakery.software.id),
        actor=SYSTEM,
    )
    history.remember()
    delete_transaction(entity=entity, transaction_id=wrong.id, actor=SYSTEM)
    approve_transactions(entity=entity, ids=[bill.id], actor=SYSTEM)
    history.remember()
    reverse_transaction(entity=entity, transaction_id=bill.id, actor=SYSTEM, on=bill.timestamp)
    post(bakery, "2024-03-02", "11", bakery.rent, bakery.cash)
    post(bakery, "2024-02-02", "13", bakery.rent, bakery.cash)
    history.remember()
    return history


def test_every_report_of_a_past_moment_is_what_it_was_then(history: History) -> None:
    assert len({str(seen) for seen in history.seen}) == 5
    for moment, seen in zip(history.moments, history.seen, strict=True):
        assert history.answers(knownAt=format_timestamp(moment)) == seen


def test_the_identities_hold_at_every_moment(history: History) -> None:
    for moment in history.moments:
        for status in StatusFilter:
            frame = frame_of(history.company, MARCH, status=status, known_at=moment)
            assert list(broken_identities(frame)) == []


def test_an_account_that_was_deleted_since_comes_back(bakery: Company) -> None:
    supplies = account_of(bakery, "OFFICE_EXPENSES", sub_type_code=6500)
    row = post(bakery, "2024-03-11", "7", supplies, bakery.cash, Status.PENDING)
    moment = utc_now()
    delete_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    delete_account(entity=bakery.entity, account=supplies, actor=SYSTEM)
    frame = frame_of(bakery, MARCH, status=StatusFilter.ALL, known_at=moment)
    assert list(broken_identities(frame)) == []
    [back] = [account for account in frame.books.accounts if account.id == supplies.id]
    assert (back.name, back.type, back.financial_type, back.code) == (
        "Office supplies and expenses",
        "EXPENSE",
        "OFFICE_EXPENSES",
        6500,
    )


def test_what_was_on_a_deleted_account_counts_in_every_report_of_then(
    bakery: Company, reports: Reports
) -> None:
    supplies = account_of(bakery, "OFFICE_EXPENSES")
    row = post(bakery, "2024-03-11", "7", supplies, bakery.cash, Status.PENDING)
    history = History(bakery, reports)
    history.remember()
    assert history.seen[0]["overview all"]["totalExpenses"] == 7
    delete_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    delete_account(entity=bakery.entity, account=supplies, actor=SYSTEM)

    found = history.answers(knownAt=format_timestamp(history.moments[0]))

    assert found["overview all"] == history.seen[0]["overview all"]
    assert found["generate all"]["incomeStatement"] == history.seen[0]["generate all"]["incomeStatement"]
    [entry, _] = found["general-ledger all"]["entries"][::-1]
    assert (entry["accountName"], entry["debit"]) == ("Office supplies and expenses", 7)


def test_changes_are_the_difference_of_the_figures(history: History) -> None:
    for first in range(len(history.moments)):
        for last in range(first, len(history.moments)):
            body = history.reports.get(
                "changes",
                since=format_timestamp(history.moments[first]),
                until=format_timestamp(history.moments[last]),
                month=3,
                year=2024,
                status="all",
            )
            figures = {one["figure"]: one for one in body["figures"]}
            seen = [history.seen[place]["generate all"] for place in (first, last)]
            before, after = (one["incomeStatement"]["netIncome"] for one in seen)
            assert (figures["netIncome"]["before"], figures["netIncome"]["after"]) == (before, after)
            assert figures["netIncome"]["change"] == after - before == _net_income_moved(body, history)


def _net_income_moved(body: dict[str, Any], history: History) -> Decimal:
    """What the listed transactions changed of net income."""
    from ledger.ids import Prefix, encode_id

    company = history.company
    earned = {encode_id(Prefix.ACCOUNT, one.id) for one in (company.sales, company.rent, company.software)}
    total = Decimal(0)
    for change in body["changes"]:
        for state, sign in ((change["before"], -1), (change["after"], 1)):
            if state is None or not "2024-03-01" <= state["date"] <= "2024-03-31":
                continue
            total += sign * state["amount"] * (state["creditAccountId"] in earned)
            total -= sign * state["amount"] * (state["debitAccountId"] in earned)
    return total


def test_changes_tell_what_happened_in_pages(history: History) -> None:
    query = {
        "since": format_timestamp(history.moments[1]),
        "until": format_timestamp(history.moments[4]),
        "month": 3,
        "year": 2024,
        "status": "all",
    }
    whole = history.reports.get("changes", **query)
    told = [[step["change"] for step in change["changes"]] for change in whole["changes"]]
    # The one of February is not March's.
    assert sorted(told) == sorted([["edited", "approved", "reversed"], ["created"], ["deleted"], ["created"]])
    pages, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = history.reports.get("changes", pageSize=1, **query, **more)
        pages += page["changes"]
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            break
        assert (page["figures"] == []) == bool(more)
    assert pages == whole["changes"]


def test_without_a_period_the_closed_one_is_meant(history: History) -> None:
    since = format_timestamp(history.moments[3])
    answer = history.reports.ask("changes", since=since)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "endDate"
    settings = f"/v1/entities/settings?entityId={history.company.entity.public_id}"
    closed = history.reports.caller.put(settings, {"books_closed_through": "2024-02-29"})
    assert closed.status_code == 200, closed.content
    body = history.reports.get("changes", since=since)
    assert body["reportPeriod"]["endDate"] == "2024-02-29"
    [change] = body["changes"]
    assert change["before"] is None
    assert change["after"]["amount"] == 13


def test_changes_say_who_made_them(bakery: Company, reports: Reports) -> None:
    moment = utc_now()
    olivia = User.objects.create(username="olivia")
    body = {"amount": 7, "debitAccountId": bakery.rent.public_id, "creditAccountId": bakery.cash.public_id}
    url = f"/v1/transactions?entityId={bakery.entity.public_id}"
    made = reports.caller.post(url, body | {"date": "2024-03-11"}).json()["transaction"]
    transaction_id = decode_id(Prefix.TRANSACTION, made["id"], field="id")
    person = Actor(ActorKind.USER, id=olivia.id, label="olivia")
    edit = Edit(amount=Decimal(8))
    edit_transaction(entity=bakery.entity, transaction_id=transaction_id, edit=edit, actor=person)
    approve_transactions(entity=bakery.entity, ids=[transaction_id], actor=SYSTEM)

    [change] = reports.get("changes", since=format_timestamp(moment), month=3, year=2024)["changes"]

    key = ApiKey.objects.get(developer_id=bakery.entity.developer_id)
    assert [(step["change"], step["changedBy"]) for step in change["changes"]] == [
        ("created", key.public_id),
        ("edited", "olivia"),
        ("approved", None),
    ]


@pytest.mark.parametrize("day", ["1900-01-01", "2024-01-31"])
def test_books_closed_through_a_day_before_their_first_one_have_no_changes(
    history: History, day: str
) -> None:
    settings = f"/v1/entities/settings?entityId={history.company.entity.public_id}"
    assert history.reports.caller.put(settings, {"books_closed_through": day}).status_code == 200
    body = history.reports.get("changes", since=format_timestamp(history.moments[0]))
    assert body["reportPeriod"] == {
        "month": None,
        "year": 1900 if day == "1900-01-01" else None,
        "startDate": None,
        "endDate": day,
    }
    assert body["changes"] == []
    assert {one["change"] for one in body["figures"]} == {0}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "since"),
        ({"since": "now"}, "since"),
        ({"since": "2024-03-02", "until": "2024-03-01"}, "since"),
        ({"since": "2024-03-02", "until": "2150-03-01"}, "until"),
    ],
)
def test_changes_refuse_what_makes_no_sense(reports: Reports, query: dict[str, str], field: str) -> None:
    answer = reports.ask("changes", year=2024, **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


def test_another_ledgers_transactions_are_not_seen(bakery: Company, reports: Reports) -> None:
    before = utc_now()
    post(bakery, "2024-03-05", "100", bakery.cash, bakery.sales)
    other = Ledger.objects.create(entity=bakery.entity, name="B", currency="USD", created_at=utc_now())
    scope = frame_of(bakery, MARCH, known_at=utc_now()).scope
    assert replace(scope, ledger=other).explain(MARCH).ledger_id == other.public_id
    body = reports.get(
        "changes", since=format_timestamp(before), month=3, year=2024, ledgerId=other.public_id
    )
    assert body["changes"] == []
    known = format_timestamp(utc_now())
    assert reports.get("trial-balance", ledgerId=other.public_id, knownAt=known)["accounts"] == []
