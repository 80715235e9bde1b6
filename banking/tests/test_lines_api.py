"""What a person decides on bank lines, through the API."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from banking.models import BankLine, LineLink
from banking.tests.cast import DAY, Banked, assert_books_hold, feed, make_banked, seen
from ledger.actors import SYSTEM
from ledger.models import AuditEvent
from ledger.services.periods import close_books
from ledger.tests.helpers import Caller
from transactions.choices import Change, Status
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    move_transactions,
    reverse_transaction,
)

URL = "/v1/banks/lines"


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


@pytest.fixture
def owner(bakery: Banked) -> Caller:
    return bakery.caller()


def decide(owner: Caller, line: BankLine, verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
    """The line after the decision, or the error."""
    answer = owner.post(f"{URL}/{line.public_id}/{verb}", body)
    assert answer.status_code == status, answer.content
    return dict(answer.json()["line" if status == 200 else "error"])


def last_action(company: Banked) -> str:
    event = AuditEvent.objects.filter(scope_id=company.entity.id).order_by("-sequence").first()
    assert event is not None
    return event.action


# --- reading -----------------------------------------------------------------------------------------


def test_lines_are_listed_newest_first_in_pages_that_meet_all_filters(bakery: Banked, owner: Caller) -> None:
    feed(bakery, *(seen(f"l{n}", f"{n + 1}", date=DAY + dt.timedelta(days=n // 2)) for n in range(5)))
    feed(bakery, seen("card", "9", pending=True), account=bakery.card)

    pages, cursor = [], None
    while True:
        query: dict[str, Any] = {"pageSize": 2, "bankAccountId": bakery.checking.public_id}
        page = owner.get(URL, query | ({"cursor": cursor} if cursor else {})).json()
        pages += [line["amount"] for line in page["lines"]]
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            break
    assert pages == [5, 4, 3, 2, 1]
    assert [one["amount"] for one in owner.get(URL, {"status": "pending"}).json()["lines"]] == [9]
    some = owner.get(URL, {"date_from": "2024-03-16", "dateTo": "2024-03-16"}).json()["lines"]
    assert [one["amount"] for one in some] == [4, 3]


def test_a_page_is_two_queries(bakery: Banked, owner: Caller) -> None:
    feed(bakery, *(seen(f"l{n}", f"{n + 1}") for n in range(30)))
    owner.get(URL)

    with CaptureQueriesContext(database) as queries:
        assert len(owner.get(URL).json()["lines"]) == 30

    assert len(queries) == 2
    # The links' keys begin with the company; without it a page would look at every company's.
    assert '"banking_linelink"."entity_id" = ' in queries[1]["sql"]


def test_the_lines_of_all_accounts_are_merged_by_day_and_none_comes_twice(
    bakery: Banked, owner: Caller
) -> None:
    days = [DAY + dt.timedelta(days=n % 3) for n in range(9)]
    for number, account in enumerate((bakery.checking, bakery.savings, bakery.card)):
        lines = [seen(f"{number}-{n}", f"{n + 1}.{number}", date=day) for n, day in enumerate(days)]
        feed(bakery, *lines, account=account)

    shown, cursor = [], None
    while True:
        page = owner.get(URL, {"pageSize": 4} | ({"cursor": cursor} if cursor else {})).json()
        shown += [(line["date"], line["id"]) for line in page["lines"]]
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            break

    assert len(set(shown)) == 27
    assert shown == sorted(shown, reverse=True)


def test_a_line_shows_what_stands_for_it(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("a", "12.5", counterparty="Miller", authorized_date=DAY))
    line = bakery.line("a")

    shown = owner.get(f"{URL}/{line.public_id}").json()["line"]

    assert shown["transactions"] == [
        {"transactionId": str(bakery.transaction_of("a").public_id), "kind": "made"}
    ]
    assert (shown["amount"], shown["date"], shown["status"]) == (12.5, "2024-03-15", "recorded")


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "dateFrom=2024-02-30",
        "bankAccountId=x",
        "cursor=x",
        "dateFrom=2024-02-02&dateTo=2024-02-01",
    ],
)
def test_bad_filters_are_400(owner: Caller, query: str) -> None:
    assert owner.get(f"{URL}?{query}").status_code == 400


# --- match -------------------------------------------------------------------------------------------


def test_accepting_an_offer_clears_the_transaction_and_makes_none(bakery: Banked, owner: Caller) -> None:
    known = bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))

    shown = decide(owner, bakery.line("a"), "match", transactionId=bakery.stored(known.id).public_id)

    assert (shown["status"], shown["offeredTransactionId"]) == ("recorded", None)
    assert shown["transactions"][0]["kind"] == "matched"
    assert bakery.stored(known.id).status == Status.CLEARED
    assert len(bakery.all_transactions()) == 1
    assert last_action(bakery) == "banking.line.matched"
    # The same once more changes nothing.
    decide(owner, bakery.line("a"), "match", transactionId=bakery.stored(known.id).public_id)
    assert LineLink.objects.count() == 1
    assert_books_hold(bakery.entity)


def test_several_transactions_may_add_up_to_a_line(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("a", "-30"))
    line = bakery.line("a")
    decide(owner, line, "unmatch")
    parts = [
        bakery.stored(bakery.post(amount, debit=bakery.bank, credit=bakery.sales).id).public_id
        for amount in ("10", "25")
    ]
    back = bakery.stored(bakery.posted("5", credit=bakery.bank).id).public_id

    refused = decide(owner, line, "match", 400, transactionIds=parts)
    assert "takes -30.00 USD out of the account, the transactions -35.00" in refused["message"]
    shown = decide(owner, line, "match", transactionIds=[*parts, back])

    assert len(shown["transactions"]) == 3
    assert_books_hold(bakery.entity)


def test_what_is_matched_elsewhere_is_offered_no_more(bakery: Banked, owner: Caller) -> None:
    known = bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50", date=DAY), seen("b", "12.50", date=DAY + dt.timedelta(days=1)))
    offered, other = bakery.line("a"), bakery.line("b")
    assert offered.offered_transaction_id == known.id
    decide(owner, other, "unmatch")

    decide(owner, other, "match", transactionId=bakery.stored(known.id).public_id)

    # The line that it was offered to has a transaction of its own now.
    assert bakery.transaction_of("a").id != known.id
    assert_books_hold(bakery.entity)


def test_a_transfer_that_somebody_entered_is_accepted_on_both_sides(bakery: Banked, owner: Caller) -> None:
    entered = bakery.post("500", debit=bakery.savings_account, credit=bakery.bank)
    public_id = bakery.stored(entered.id).public_id
    feed(bakery, seen("out", "500", description="Transfer to 5678"))
    feed(bakery, seen("into", "-500", description="Deposit"), account=bakery.savings)

    decide(owner, bakery.line("out"), "match", transactionId=public_id)
    # The other side keeps its offer.
    into = bakery.line("into", bakery.savings)
    assert into.offered_transaction_id == entered.id
    decide(owner, into, "match", transactionId=public_id)

    assert [one.id for one in bakery.all_transactions()] == [entered.id]
    assert bakery.stored(entered.id).status == "CLEARED"
    # Parted from one of them, it stays for the other, and in the books.
    decide(owner, bakery.line("out"), "unmatch")
    assert [one.id for one in bakery.all_transactions()] == [entered.id]
    assert_books_hold(bakery.entity)


def test_what_was_in_the_books_stays_when_a_deposit_with_a_transfer_in_it_is_unmatched(
    bakery: Banked, owner: Caller
) -> None:
    feed(bakery, seen("out", "100", description="Counter check 12"))
    made = bakery.transaction_of("out")
    categorize_transactions(
        entity=bakery.entity, ids=[made.id], category_id=bakery.savings_account.id, actor=SYSTEM
    )
    known = bakery.post("50", debit=bakery.savings_account, credit=bakery.sales)
    feed(bakery, seen("into", "-150", description="Branch deposit"), account=bakery.savings)
    into = bakery.line("into", bakery.savings)
    decide(owner, into, "unmatch")
    ids = [bakery.stored(one.id).public_id for one in (made, known)]
    decide(owner, into, "match", transactionIds=ids)

    decide(owner, into, "unmatch")

    assert {one.id for one in bakery.all_transactions()} == {made.id, known.id}
    assert bakery.transaction_of("out").debit_account_id == bakery.uncategorized_expense.id
    assert_books_hold(bakery.entity)


def test_the_other_side_of_what_is_reconciled_may_be_matched_with_it(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("out", "500", description="Counter check 12"))
    made = bakery.transaction_of("out")
    move_transactions(
        entity=bakery.entity, ids=[made.id], to=Status.RECONCILED, change=Change.EDITED, actor=SYSTEM
    )
    feed(bakery, seen("into", "-500", description="Branch deposit"), account=bakery.savings)
    into = bakery.line("into", bakery.savings)
    decide(owner, into, "unmatch")

    shown = decide(owner, into, "match", transactionId=bakery.stored(made.id).public_id)

    assert [one["kind"] for one in shown["transactions"]] == ["transfer"]
    [transfer] = bakery.all_transactions()
    assert (transfer.id, transfer.debit_account_id) == (made.id, bakery.savings_account.id)
    assert_books_hold(bakery.entity)


@pytest.mark.parametrize("what", ["uncategorized", "categorized", "posted", "categorized by the account"])
def test_the_other_side_of_a_transfer_may_be_matched_with_the_first(
    bakery: Banked, owner: Caller, what: str
) -> None:
    feed(bakery, seen("out", "500", description="Counter check 12"))
    made = bakery.transaction_of("out")
    if what == "categorized":
        categorize_transactions(entity=bakery.entity, ids=[made.id], category_id=bakery.rent.id, actor=SYSTEM)
    elif what == "posted":
        approve_transactions(entity=bakery.entity, ids=[made.id], actor=SYSTEM)
    elif what != "uncategorized":
        categorize_transactions(
            entity=bakery.entity, ids=[made.id], category_id=bakery.savings_account.id, actor=SYSTEM
        )
    feed(bakery, seen("into", "-500", description="Branch deposit"), account=bakery.savings)
    line = bakery.line("into", bakery.savings)
    if what != "categorized by the account":
        # Nothing spoke of a transfer, so it was recorded alone.
        decide(owner, line, "unmatch")

    shown = decide(owner, line, "match", transactionId=made.public_id)

    assert shown["transactions"][0]["kind"] == "transfer"
    first = bakery.stored(made.id)
    if what == "posted":
        [moved] = bakery.transactions_of(bakery.line("into", bakery.savings))
        assert (moved.reclassifies_id, moved.debit_account_id) == (made.id, bakery.savings_account.id)
    else:
        assert (first.debit_account_id, first.credit_account_id) == (
            bakery.savings_account.id,
            bakery.bank.id,
        )
    assert_books_hold(bakery.entity)


def test_what_cannot_stand_for_a_line_is_refused_with_the_reason(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("a", "12.50"), seen("b", "12.50"), seen("p", "1", pending=True))
    decide(owner, bakery.line("a"), "unmatch")
    line = bakery.line("a")

    def refused(transaction: Any, status: int) -> str:
        return str(decide(owner, line, "match", status, transactionId=transaction.public_id)["message"])

    reversed_one = bakery.posted("12.50", credit=bakery.bank)
    reverse_transaction(entity=bakery.entity, transaction_id=reversed_one.id, actor=SYSTEM)
    assert "is REVERSED" in refused(bakery.stored(reversed_one.id), 409)
    assert "stands for bank line" in refused(bakery.transaction_of("b"), 409)
    assert "not of the bank's ledger account" in refused(bakery.stored(bakery.post("12.50").id), 400)
    stranger = make_banked("Stranger")
    assert "There is no transaction" in refused(stranger.stored(stranger.post("12.50").id), 404)
    assert "is missing" in decide(owner, line, "match", 400)["message"]
    both = {
        "transactionId": "txn_01h455vb4pex5vsknk084sn02q",
        "transactionIds": ["txn_01h455vb4pex5vsknk084sn02q"],
    }
    assert "contradicts" in decide(owner, line, "match", 400, **both)["message"]
    known = bakery.stored(bakery.post("12.50", credit=bakery.bank).id).public_id
    assert "is pending" in decide(owner, bakery.line("p"), "match", 409, transactionId=known)["message"]
    assert "unmatch it first" in decide(owner, bakery.line("b"), "match", 409, transactionId=known)["message"]


# --- record, ignore ----------------------------------------------------------------------------------


def test_refusing_an_offer_makes_a_transaction_with_its_category(bakery: Banked, owner: Caller) -> None:
    bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))

    shown = decide(owner, bakery.line("a"), "record", categoryId=bakery.software.public_id)

    assert shown["status"] == "recorded"
    made = bakery.transaction_of("a")
    assert (made.debit_account_id, made.amount) == (bakery.software.id, Decimal("12.50"))
    assert len(bakery.all_transactions()) == 2
    assert last_action(bakery) == "banking.line.recorded"
    assert_books_hold(bakery.entity)


def test_a_line_may_be_left_out_and_taken_in_again(bakery: Banked, owner: Caller) -> None:
    bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))

    assert decide(owner, bakery.line("a"), "ignore")["status"] == "ignored"
    assert decide(owner, bakery.line("a"), "ignore")["status"] == "ignored"
    assert decide(owner, bakery.line("a"), "record")["status"] == "recorded"

    assert bakery.transaction_of("a").debit_account_id == bakery.uncategorized_expense.id
    assert_books_hold(bakery.entity)


def test_a_closed_period_keeps_a_line_out_until_it_is_reopened(bakery: Banked, owner: Caller) -> None:
    from ledger.services.periods import reopen_books

    close_books(entity=bakery.entity, through=DAY, actor=SYSTEM)
    feed(bakery, seen("a", "12.50"))

    assert "closed through" in decide(owner, bakery.line("a"), "record", 409)["message"]
    assert bakery.line("a").status == "ignored"
    reopen_books(entity=bakery.entity, through=None, actor=SYSTEM)
    shown = decide(owner, bakery.line("a"), "record")

    assert (shown["status"], shown["attention"]) == ("recorded", None)
    assert_books_hold(bakery.entity)


def test_categories_that_cannot_be_are_refused(bakery: Banked, owner: Caller) -> None:
    from accounts.services.accounts import close_account

    bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))
    line = bakery.line("a")
    stranger = make_banked("Stranger")

    refused = decide(owner, line, "record", 400, categoryId=bakery.bank.public_id)
    assert "the bank's own account" in refused["message"]
    assert decide(owner, line, "record", 404, categoryId=stranger.rent.public_id)["details"]
    close_account(entity=bakery.entity, account=bakery.rent, actor=SYSTEM)
    assert "is closed" in decide(owner, line, "record", 409, categoryId=bakery.rent.public_id)["message"]
    assert bakery.line("a").status == "offered"


# --- unmatch -----------------------------------------------------------------------------------------


def test_unmatching_deletes_what_was_made_of_the_line_alone(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("a", "12.50"))

    shown = decide(owner, bakery.line("a"), "unmatch")

    assert (shown["status"], shown["transactions"]) == ("ignored", [])
    assert bakery.all_transactions() == []
    assert last_action(bakery) == "banking.line.unmatched"
    decide(owner, bakery.line("a"), "unmatch", 409)
    decide(owner, bakery.line("a"), "record")
    assert_books_hold(bakery.entity)


def test_unmatching_leaves_what_was_in_the_books_before(bakery: Banked, owner: Caller) -> None:
    known = bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))
    decide(owner, bakery.line("a"), "match", transactionId=bakery.stored(known.id).public_id)

    decide(owner, bakery.line("a"), "unmatch")

    assert [one.id for one in bakery.all_transactions()] == [known.id]
    assert_books_hold(bakery.entity)


def test_unmatching_one_side_of_a_transfer_leaves_the_other(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("out", "500", description="Transfer to 5678"))
    feed(bakery, seen("into", "-500", description="Transfer"), account=bakery.savings)

    decide(owner, bakery.line("into", bakery.savings), "unmatch")

    assert bakery.transaction_of("out").debit_account_id == bakery.uncategorized_expense.id
    [link] = LineLink.objects.all()
    assert link.kind == "made"
    assert_books_hold(bakery.entity)


def test_what_is_posted_is_reversed_first_and_recorded_anew_after(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("a", "12.50"))
    made = bakery.transaction_of("a")
    approve_transactions(entity=bakery.entity, ids=[made.id], actor=SYSTEM)

    assert "reverse it first" in decide(owner, bakery.line("a"), "unmatch", 409)["message"]
    reverse_transaction(entity=bakery.entity, transaction_id=made.id, actor=SYSTEM)
    decide(owner, bakery.line("a"), "unmatch")
    decide(owner, bakery.line("a"), "record", categoryId=bakery.software.public_id)

    assert bakery.transaction_of("a").debit_account_id == bakery.software.id
    assert_books_hold(bakery.entity)


# --- categorize --------------------------------------------------------------------------------------


def test_the_category_of_a_pending_line_carries_over_when_it_posts(bakery: Banked, owner: Caller) -> None:
    feed(bakery, seen("p", "12.50", pending=True))
    line = bakery.line("p")

    shown = decide(owner, line, "categorize", categoryId=bakery.software.public_id)
    assert shown["chosenCategoryId"] == bakery.software.public_id
    assert last_action(bakery) == "banking.line.categorized"
    assert decide(owner, line, "categorize", categoryId=None)["chosenCategoryId"] is None
    decide(owner, line, "categorize", categoryId=bakery.software.public_id)
    feed(bakery, seen("t", "12.50", pending_line_id="p"))

    assert bakery.transaction_of("t").debit_account_id == bakery.software.id
    assert "not pending" in decide(owner, bakery.line("t"), "categorize", 409, categoryId=None)["message"]
    decide(owner, bakery.line("t"), "categorize", 400)


# --- who may -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["match", "record", "ignore", "unmatch", "categorize"])
def test_another_companys_line_is_not_found(bakery: Banked, verb: str) -> None:
    feed(bakery, seen("a", "12.50"))
    stranger = make_banked("Stranger")
    bodies: dict[str, Any] = {
        "match": {"transactionId": bakery.transaction_of("a").public_id},
        "categorize": {"categoryId": stranger.rent.public_id},
    }

    decide(stranger.caller(), bakery.line("a"), verb, 404, **bodies.get(verb, {}))

    assert stranger.caller().get(f"{URL}/{bakery.line('a').public_id}").status_code == 404
    assert stranger.caller().get(URL).json()["lines"] == []
    assert bakery.line("a").status == "recorded"


@pytest.mark.parametrize("verb", ["match", "record", "ignore", "unmatch", "categorize"])
def test_malformed_requests_are_400(owner: Caller, verb: str) -> None:
    assert owner.post(f"{URL}/line_1/{verb}", {"categoryId": 5}).status_code == 400
    assert owner.post(f"{URL}/x/{verb}", "[]", content_type="application/json").status_code == 400
