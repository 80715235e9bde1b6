"""POST and GET /v1/journal-entries, and the pairs that an entry is stored as."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.choices import Side
from accounts.models import Account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id, encode_id, new_id
from ledger.models import AuditEvent, Ledger
from ledger.services.periods import close_books
from ledger.tests.helpers import Caller
from ledger.tokens import Scope
from transactions.journal_entries import read_journal_entry
from transactions.models import JournalEntry, Revision, Transaction
from transactions.services import JournalLine, approve_transactions
from transactions.services.journal import pair_lines
from transactions.tests.conftest import Company, assert_totals_hold, balance, sums

URL = "/v1/journal-entries"


@pytest.fixture
def caller(bakery: Company) -> Caller:
    return bakery.caller()


def line(account: Account, direction: str, amount: object) -> dict[str, Any]:
    return {"accountId": account.public_id, "direction": direction, "amount": amount}


def payroll(bakery: Company) -> dict[str, Any]:
    return {
        "description": "Payroll of January",
        "date": "2024-01-31",
        "status": "POSTED",
        "lines": [
            line(bakery.software, "DEBIT", "100.50"),
            line(bakery.rent, "DEBIT", 4900),
            line(bakery.cash, "CREDIT", 3800.50),
            line(bakery.loan, "CREDIT", 1200),
        ],
    }


def test_an_entry_is_recorded_as_linked_transactions_and_read_back(bakery: Company, caller: Caller) -> None:
    answer = caller.post(URL, payroll(bakery) | {"externalId": "pay-2024-01"})

    assert answer.status_code == 201, answer.content
    entry = answer.json()["journalEntry"]
    assert entry["id"].startswith("jrn_")
    assert {name: entry[name] for name in ("description", "date", "currency", "status", "externalId")} == {
        "description": "Payroll of January",
        "date": "2024-01-31",
        "currency": "USD",
        "status": "POSTED",
        "externalId": "pay-2024-01",
    }
    assert entry["entityId"] == bakery.entity.public_id
    assert entry["ledgerId"] == bakery.ledger.public_id
    assert entry["lines"] == [
        {**line(bakery.software, "DEBIT", 100.5), "accountName": "Software"},
        {**line(bakery.rent, "DEBIT", 4900.0), "accountName": "Rent"},
        {**line(bakery.cash, "CREDIT", 3800.5), "accountName": "Cash"},
        {**line(bakery.loan, "CREDIT", 1200.0), "accountName": "Loan"},
    ]
    assert len(entry["transactions"]) <= 3
    for transaction in entry["transactions"]:
        assert transaction["journalEntryId"] == entry["id"]
        assert (transaction["status"], transaction["timestamp"]) == ("POSTED", "2024-01-31T00:00:00Z")
        assert transaction["description"] == transaction["counterparty"] == "Payroll of January"
    assert b'"amount":4900.00' in answer.content
    assert balance(bakery.cash) == sums(0, 0, 0, "3800.5")
    assert_totals_hold(bakery.entity)

    # What was answered is what is there.
    assert caller.get(f"{URL}/{entry['id']}").json() == answer.json()


def test_an_entry_is_pending_and_of_now_unless_told_otherwise(bakery: Company, caller: Caller) -> None:
    before = utc_now()
    lines = [line(bakery.rent, "DEBIT", 10), line(bakery.cash, "CREDIT", 10)]
    entry = caller.post(URL, {"description": "", "lines": lines}).json()["journalEntry"]

    [transaction] = entry["transactions"]
    assert entry["status"] == "PENDING"
    assert before <= dt.datetime.fromisoformat(transaction["timestamp"]) <= utc_now()
    assert balance(bakery.rent) == sums(10, 0, 0, 0)


def test_the_state_of_an_entry_is_that_of_all_its_transactions(bakery: Company, caller: Caller) -> None:
    body = payroll(bakery) | {"status": "CLEARED"}
    entry = caller.post(URL, body).json()["journalEntry"]
    assert entry["status"] == "CLEARED"
    ids = list(Transaction.objects.for_entity(bakery.entity).values_list("id", flat=True))

    approve_transactions(entity=bakery.entity, ids=ids[:1], actor=SYSTEM)
    assert caller.get(f"{URL}/{entry['id']}").json()["journalEntry"]["status"] is None
    approve_transactions(entity=bakery.entity, ids=ids[1:], actor=SYSTEM)
    assert caller.get(f"{URL}/{entry['id']}").json()["journalEntry"]["status"] == "POSTED"


def test_lines_of_one_account_and_side_become_one(bakery: Company, caller: Caller) -> None:
    lines = [
        line(bakery.rent, "DEBIT", 10),
        line(bakery.rent, "DEBIT", 5),
        # A negative amount stands on the other side.
        line(bakery.cash, "DEBIT", -15),
    ]
    entry = caller.post(URL, {"description": "x", "lines": lines}).json()["journalEntry"]

    assert [(one["accountName"], one["direction"], one["amount"]) for one in entry["lines"]] == [
        ("Rent", "DEBIT", 15.0),
        ("Cash", "CREDIT", 15.0),
    ]


def test_lines_come_back_in_the_order_in_which_they_were_sent(bakery: Company, caller: Caller) -> None:
    # Neither by side nor by the chart; the cash of both sides stands where each was sent.
    sent = [
        line(bakery.loan, "CREDIT", 12),
        line(bakery.cash, "DEBIT", 3),
        line(bakery.software, "DEBIT", 14),
        line(bakery.cash, "CREDIT", 10),
        line(bakery.rent, "DEBIT", 5),
    ]
    entry = caller.post(URL, {"description": "x", "lines": sent}).json()["journalEntry"]

    shown = caller.get(f"{URL}/{entry['id']}").json()["journalEntry"]["lines"]
    assert shown == entry["lines"]
    assert [{name: one[name] for name in sent[0]} for one in shown] == sent

    # An account that an edit brings in comes behind them.
    for one in entry["transactions"]:
        if one["debitAccount"]["name"] == "Software":
            change = {"id": one["id"], "debitAccountId": bakery.bank.public_id}
            assert caller.post("/v1/transactions/edit", change).status_code == 200
    names = [one["accountName"] for one in caller.get(f"{URL}/{entry['id']}").json()["journalEntry"]["lines"]]
    assert names == ["Loan", "Cash", "Cash", "Rent", "Bank"]


def test_an_entry_is_deleted_as_a_whole_or_not_at_all(bakery: Company, caller: Caller) -> None:
    body = payroll(bakery) | {"status": "PENDING", "externalId": "pay-1"}
    entry = caller.post(URL, body).json()["journalEntry"]
    ids = [one["id"] for one in entry["transactions"]]

    # A part of it stays where it is, and the answer says what to do instead.
    for transaction_id in ids:
        refused = caller.delete(f"/v1/transactions?transactionId={transaction_id}")
        assert refused.status_code == 409
        message = refused.json()["error"]["message"]
        assert transaction_id in message
        assert f"one of {len(ids)} of journal entry {entry['id']}" in message
        assert f"DELETE {URL}/{entry['id']}" in message
    assert Transaction.objects.for_entity(bakery.entity).count() == len(ids) > 1

    assert caller.delete(f"{URL}/{entry['id']}").status_code == 204

    assert not Transaction.objects.for_entity(bakery.entity).exists()
    assert caller.get(f"{URL}/{entry['id']}").status_code == 404
    assert caller.delete(f"{URL}/{entry['id']}").status_code == 404
    assert balance(bakery.cash) == sums(0, 0, 0, 0)
    assert_totals_hold(bakery.entity)
    # What it was is remembered: the entry in the audit trail, its transactions in their revisions.
    event = AuditEvent.objects.get(scope_id=bakery.entity.id, action="transactions.entry.deleted")
    assert (event.object_id, event.actor_kind) == (entry["id"], "api_key")
    assert event.before == {
        "description": "Payroll of January",
        "date": "2024-01-31",
        "external_id": "pay-1",
    }
    assert Revision.objects.filter(entity_id=bakery.entity.id, change="deleted").count() == len(ids)
    # Its name is free again.
    assert caller.post(URL, body).status_code == 201


def test_an_entry_goes_with_its_only_transaction(bakery: Company, caller: Caller) -> None:
    lines = [line(bakery.rent, "DEBIT", 10), line(bakery.cash, "CREDIT", 10)]
    entry = caller.post(URL, {"description": "x", "lines": lines}).json()["journalEntry"]
    [transaction] = entry["transactions"]

    assert caller.delete(f"/v1/transactions?transactionId={transaction['id']}").status_code == 204

    assert not JournalEntry.objects.filter(entity_id=bakery.entity.id).exists()
    assert caller.get(f"{URL}/{entry['id']}").status_code == 404


def test_an_entry_of_which_a_part_is_posted_is_not_deleted(bakery: Company, caller: Caller) -> None:
    entry = caller.post(URL, payroll(bakery) | {"status": "PENDING"}).json()["journalEntry"]
    posted, *others = [decode_id(Prefix.TRANSACTION, one["id"], field="id") for one in entry["transactions"]]
    approve_transactions(entity=bakery.entity, ids=[posted], actor=SYSTEM)

    refused = caller.delete(f"{URL}/{entry['id']}")

    assert refused.status_code == 409
    assert "POSTED" in refused.json()["error"]["message"]
    assert "Reverse it" in refused.json()["error"]["message"]
    assert Transaction.objects.for_entity(bakery.entity).count() == 1 + len(others)
    assert JournalEntry.objects.filter(entity_id=bakery.entity.id).count() == 1


def test_an_entry_in_a_closed_period_is_not_deleted(bakery: Company, caller: Caller) -> None:
    entry = caller.post(URL, payroll(bakery) | {"status": "PENDING"}).json()["journalEntry"]
    close_books(entity=bakery.entity, through=dt.date(2024, 1, 31), actor=SYSTEM)

    assert caller.delete(f"{URL}/{entry['id']}").status_code == 409
    assert caller.get(f"{URL}/{entry['id']}").json()["journalEntry"]["lines"] == entry["lines"]


def test_an_entry_of_another_company_is_not_deleted(
    bakery: Company, stranger: Company, caller: Caller
) -> None:
    entry = stranger.caller().post(URL, payroll(stranger) | {"status": "PENDING"}).json()["journalEntry"]

    assert caller.delete(f"{URL}/{entry['id']}").status_code == 404
    assert stranger.caller(scope=Scope.READ).delete(f"{URL}/{entry['id']}").status_code == 403
    assert stranger.caller().get(f"{URL}/{entry['id']}").status_code == 200


def test_a_transaction_of_an_entry_keeps_its_ledger(bakery: Company, caller: Caller) -> None:
    entry = caller.post(URL, payroll(bakery) | {"status": "PENDING"}).json()["journalEntry"]
    other = Ledger.objects.create(entity=bakery.entity, name="B", currency="USD", created_at=utc_now())
    cash, rent = make_account(other, "Cash of B"), make_account(other, "Rent of B", "EXPENSE")
    edit = {
        "id": entry["transactions"][0]["id"],
        "debitAccountId": rent.public_id,
        "creditAccountId": cash.public_id,
    }

    refused = caller.post("/v1/transactions/edit", edit)

    assert refused.status_code == 409
    assert "keeps its ledger" in refused.json()["error"]["message"]
    assert f"DELETE {URL}/{entry['id']}" in refused.json()["error"]["message"]


def test_unequal_sides_are_refused_with_both_sums(bakery: Company, caller: Caller) -> None:
    body = payroll(bakery)
    body["lines"][0]["amount"] = "100.51"

    answer = caller.post(URL, body)

    assert answer.status_code == 400
    [detail] = answer.json()["error"]["details"]
    assert detail["field"] == "lines"
    assert "5000.51" in detail["message"]
    assert "5000.50" in detail["message"]
    assert not Transaction.objects.for_entity(bakery.entity).exists()
    assert not JournalEntry.objects.filter(entity_id=bakery.entity.id).exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{}]}, "lines"),
        ({"lines": [{}] * 501}, "lines"),
        ({"lines": None}, "lines"),
        ({"description": None}, "description"),
        ({"descripton": "x"}, "descripton"),
        ({"status": "REVERSED"}, "status"),
        ({"status": "RECONCILED"}, "status"),
        ({"date": "yesterday"}, "date"),
        ({"currency": "DOLLAR"}, "currency"),
        ({"external_id": ""}, "external_id"),
        ({"line.amount": "0"}, "lines[3].amount"),
        ({"line.amount": "1200.001"}, "lines[3].amount"),
        ({"line.amount": "NaN"}, "lines[3].amount"),
        ({"line.amount": True}, "lines[3].amount"),
        ({"line.direction": "debit"}, "lines[3].direction"),
        ({"line.accountId": "acc_1"}, "lines[3].accountId"),
        ({"line.account_id": "acc_1"}, "lines[3].account_id"),
        ({"line.note": "x"}, "lines[3].note"),
    ],
)
def test_malformed_entries_are_refused_by_name(
    bakery: Company, caller: Caller, change: dict[str, Any], field: str
) -> None:
    body = payroll(bakery)
    for name, value in change.items():
        if name.startswith("line."):
            if name == "line.account_id":
                del body["lines"][3]["accountId"]
            body["lines"][3][name.removeprefix("line.")] = value
        else:
            body[name] = value

    answer = caller.post(URL, body)

    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert not Transaction.objects.for_entity(bakery.entity).exists()


def test_digits_are_those_of_the_currency(bakery: Company, caller: Caller) -> None:
    yen_books = Ledger.objects.create(
        entity=bakery.entity, name="Japan", currency="JPY", created_at=utc_now()
    )
    cash, sales = make_account(yen_books, "Yen"), make_account(yen_books, "Yen sales", "REVENUE")

    def send(amount: object, **more: Any) -> Any:
        lines = [line(cash, "DEBIT", amount), line(sales, "CREDIT", amount)]
        return caller.post(URL, {"description": "x", "currency": "JPY", "lines": lines} | more)

    answer = send(1500)
    assert answer.status_code == 201
    assert b'"amount":1500,' in answer.content
    wrong = send("1500.5").json()["error"]
    assert [detail["field"] for detail in wrong["details"]] == ["lines[0].amount", "lines[1].amount"]
    # Accounts of another currency than the entry's.
    assert send(1500, currency=None).status_code == 400


def test_an_account_on_both_sides_is_paired_with_others(bakery: Company, caller: Caller) -> None:
    lines = [
        line(bakery.cash, "DEBIT", 10),
        line(bakery.rent, "DEBIT", 5),
        line(bakery.cash, "CREDIT", 5),
        line(bakery.sales, "CREDIT", 10),
    ]
    entry = caller.post(URL, {"description": "x", "lines": lines}).json()["journalEntry"]
    assert [(one["accountName"], one["direction"]) for one in entry["lines"]] == [
        ("Cash", "DEBIT"),
        ("Rent", "DEBIT"),
        ("Cash", "CREDIT"),
        ("Sales", "CREDIT"),
    ]

    alone = [line(bakery.cash, "DEBIT", 10), line(bakery.cash, "CREDIT", 10)]
    assert caller.post(URL, {"description": "x", "lines": alone}).status_code == 400


def test_lines_that_add_up_to_more_than_an_amount_can_be_are_refused(bakery: Company, caller: Caller) -> None:
    most = "999999999999999.99"
    lines = [
        *[line(bakery.rent, "DEBIT", most)] * 2,
        *[line(bakery.cash, "CREDIT", most)] * 2,
    ]

    answer = caller.post(URL, {"description": "x", "lines": lines})

    assert answer.status_code == 400, answer.content
    [detail] = answer.json()["error"]["details"]
    assert detail["field"] == "lines"
    assert "1999999999999999.98" in detail["message"]
    assert bakery.rent.public_id in detail["message"]
    # On one side alone it is no harm: the other has two accounts.
    lines[2] = line(bakery.loan, "CREDIT", most)
    assert caller.post(URL, {"description": "x", "lines": lines}).status_code == 201


def test_an_external_id_is_taken_once(bakery: Company, stranger: Company, caller: Caller) -> None:
    first = caller.post(URL, payroll(bakery) | {"externalId": "pay-1"}).json()["journalEntry"]

    again = caller.post(URL, payroll(bakery) | {"external_id": "pay-1"})

    assert again.status_code == 409
    error = again.json()["error"]
    assert error["details"][0]["field"] == "externalId"
    assert first["id"] in error["message"]
    assert Transaction.objects.for_entity(bakery.entity).count() == len(first["transactions"])
    # Another company may have an entry of that name.
    assert stranger.caller().post(URL, payroll(stranger) | {"externalId": "pay-1"}).status_code == 201


def test_accounts_of_others_are_unknown_and_the_line_is_named(
    bakery: Company, stranger: Company, caller: Caller
) -> None:
    body = payroll(bakery)
    body["lines"][2]["accountId"] = stranger.cash.public_id

    answer = caller.post(URL, body)

    assert answer.status_code == 404
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["lines[2].accountId"]
    assert not Transaction.objects.for_entity(bakery.entity).exists()


def test_closed_periods_and_accounts_refuse_the_whole_entry(bakery: Company, caller: Caller) -> None:
    bakery.loan.closed_at = utc_now()
    bakery.loan.save()

    assert caller.post(URL, payroll(bakery)).status_code == 409
    assert not JournalEntry.objects.filter(entity_id=bakery.entity.id).exists()


def test_entries_of_others_are_not_found(bakery: Company, stranger: Company, caller: Caller) -> None:
    entry = stranger.caller().post(URL, payroll(stranger)).json()["journalEntry"]

    for entry_id in (entry["id"], encode_id(Prefix.JOURNAL_ENTRY, new_id())):
        assert caller.get(f"{URL}/{entry_id}").status_code == 404
    assert caller.get(f"{URL}/jrn_1").status_code == 400
    assert caller.get(f"{URL}/{entry['id']}?verbose=1").status_code == 400


def test_a_token_that_may_only_read_records_nothing(bakery: Company) -> None:
    assert bakery.caller(scope=Scope.READ).post(URL, payroll(bakery)).status_code == 403


def test_an_entry_is_read_in_two_queries(bakery: Company, caller: Caller) -> None:
    caller.post(URL, payroll(bakery))
    entry = JournalEntry.objects.get(entity_id=bakery.entity.id)

    with CaptureQueriesContext(connection) as queries:
        read_journal_entry(bakery.entity, entry.id)
    assert len(queries) == 2


ACCOUNTS = [UUID(int=n) for n in range(1, 9)]
MONEY = st.integers(1, 10**6).map(lambda cents: Decimal(cents) / 100)
LINES = st.lists(
    st.builds(JournalLine, st.sampled_from(ACCOUNTS), st.sampled_from(Side), MONEY), min_size=1, max_size=20
)


def balanced(lines: list[JournalLine], account_id: UUID) -> list[JournalLine]:
    """The lines, and one more that makes both sides equal."""
    difference = sum((one.amount if one.direction == Side.DEBIT else -one.amount for one in lines), Decimal())
    if not difference:
        return lines
    side = Side.CREDIT if difference > 0 else Side.DEBIT
    return [*lines, JournalLine(account_id, side, abs(difference))]


def sums_of(lines: list[JournalLine]) -> dict[tuple[UUID, str], Decimal]:
    found: defaultdict[tuple[UUID, str], Decimal] = defaultdict(Decimal)
    for one in lines:
        found[one.account_id, one.direction] += one.amount
    return dict(found)


@settings(max_examples=500, deadline=None)
@given(lines=LINES, last=st.sampled_from(ACCOUNTS))
def test_pairs_keep_the_sums_of_each_account_and_side(lines: list[JournalLine], last: UUID) -> None:
    lines = balanced(lines, last)
    wanted = sums_of(lines)
    total = sum((one.amount for one in lines if one.direction == Side.DEBIT), Decimal())
    both = {account for account, _ in wanted if len({side for a, side in wanted if a == account}) == 2}
    feasible = all(wanted[a, Side.DEBIT] + wanted[a, Side.CREDIT] <= total for a in both)

    if not feasible:
        # More on both sides of one account than the others can take: no pairs could do it.
        with pytest.raises(ValidationError, match="both sides"):
            pair_lines(lines)
        return
    pairs = pair_lines(lines)

    assert all(pair.amount > 0 and pair.debit_account_id != pair.credit_account_id for pair in pairs)
    assert wanted == sums_of(
        [JournalLine(pair.debit_account_id, Side.DEBIT, pair.amount) for pair in pairs]
        + [JournalLine(pair.credit_account_id, Side.CREDIT, pair.amount) for pair in pairs]
    )
    if not both:
        assert len(pairs) <= len(wanted) - 1


@given(lines=LINES, off=MONEY)
def test_unequal_sides_never_become_pairs(lines: list[JournalLine], off: Decimal) -> None:
    lines = [*balanced(lines, ACCOUNTS[0]), JournalLine(ACCOUNTS[1], Side.DEBIT, off)]

    with pytest.raises(ValidationError, match="must be equal"):
        pair_lines(lines)
