"""What an import makes of the books at QuickBooks, Xero and Stripe: all of it, once, and to the cent."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.financial_types import FINANCIAL_TYPES
from accounts.models import Account
from accounts.querysets import default_ledger
from accounts.tests.conftest import make_account
from banking import http
from banking.integrations import importing
from banking.integrations.sources import quickbooks as quickbooks_source
from banking.integrations.sources.quickbooks_types import _SUB_TYPES, _TYPES
from banking.models import Integration
from banking.tests.fake_programs import FakeQuickBooks, FakeStripe, FakeXero, Raw
from banking.tests.integration_cast import Customer, quickbooks, stripe, xero
from ledger.actors import SYSTEM
from ledger.background import start_task
from ledger.models import Entity
from ledger.services.settings import update_settings
from transactions.models import JournalEntry, Transaction
from transactions.tests.conftest import assert_totals_hold

__all__ = ["quickbooks", "stripe", "xero"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def bakery() -> Customer:
    return Customer()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PAUSE_SECONDS", 0.001)


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two rows: what takes a thousand at QuickBooks."""
    monkeypatch.setattr(quickbooks_source, "PAGE_SIZE", 2)


def counts(bakery: Customer) -> tuple[int, int, int]:
    """How many accounts, entries and transactions the company has."""
    rows = (Account, JournalEntry, Transaction)
    return tuple(model.objects.filter(entity_id=bakery.entity.id).count() for model in rows)  # type: ignore[return-value]


def external_ids(bakery: Customer) -> list[str]:
    found = JournalEntry.objects.filter(entity_id=bakery.entity.id).values_list("external_id", flat=True)
    return sorted(str(one) for one in found)


# --- QuickBooks --------------------------------------------------------------------------------------


def test_the_chart_of_quickbooks_becomes_ours(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()

    checking, savings = bakery.account("1"), bakery.account("2")
    assert (checking.name, checking.type, checking.financial_type) == ("Checking", "ASSET", "CASH")
    assert (checking.sub_type_code, checking.currency) == (1010, "USD")
    assert (savings.parent_id, savings.financial_type) == (checking.id, "SAVINGS")
    assert (bakery.account("3").type, bakery.account("3").financial_type) == ("REVENUE", "SALES")
    assert bakery.account("4").financial_type == "RENT_EXPENSES"
    # An account that is closed there has entries, too.
    assert (bakery.account("5").type, bakery.account("5").closed_at) == ("LIABILITY", None)


def test_entries_of_quickbooks_are_posted_with_all_that_they_say(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()

    assert external_ids(bakery) == [f"quickbooks:9130347:JournalEntry:{id_}" for id_ in (11, 12, 13)]
    sale = Transaction.objects.get(external_id="quickbooks:9130347:JournalEntry:11")
    assert (sale.amount, sale.status, sale.source) == (Decimal("100.10"), "POSTED", "import")
    assert (sale.date, sale.description) == (dt.date(2024, 1, 5), "Entry 11")
    assert sale.debit_account_id == bakery.account("1").id
    assert sale.metadata == {"integration": "quickbooks", "sourceId": "JournalEntry:11"}
    # Three lines are two transactions of one entry.
    rent = Transaction.objects.filter(journal_entry__external_id="quickbooks:9130347:JournalEntry:12")
    assert sorted((row.amount, str(row.external_id)[-2:]) for row in rent) == [
        (Decimal("12.00"), "#2"),
        (Decimal("38.00"), "#1"),
    ]
    assert_totals_hold(bakery.entity)


def test_days_are_days_of_the_company(quickbooks: FakeQuickBooks) -> None:
    bakery = Customer(settings={"timezone": "America/New_York"})
    bakery.connect(quickbooks)
    bakery.run_import()

    sale = Transaction.objects.get(external_id="quickbooks:9130347:JournalEntry:11")
    assert sale.date == dt.date(2024, 1, 5)
    assert sale.timestamp == dt.datetime(2024, 1, 5, 5, tzinfo=dt.UTC)


def test_a_second_import_makes_nothing(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()
    before, balances = counts(bakery), bakery.balances()

    task = bakery.import_again("quickbooks")

    assert task.message.startswith("0 entries and 0 accounts were made; 3 entries and 5 accounts were there.")
    assert counts(bakery) == before
    assert bakery.balances() == balances == quickbooks.balances()
    assert bakery.shown()["lastImport"] | {"finishedAt": 0} == {
        "entriesMade": 0,
        "entriesKnown": 3,
        "accountsMade": 0,
        "accountsKnown": 5,
        "leftOut": 0,
        "faults": [],
        "finishedAt": 0,
    }


def test_a_later_import_takes_what_is_new(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()
    quickbooks.account("6", "Donations", "Other Income")
    quickbooks.entry("14", "2024-03-01", ("1", "7"), ("6", "-7"))

    task = bakery.import_again("quickbooks")

    assert task.message.startswith("1 entries and 1 accounts were made")
    assert bakery.balances() == quickbooks.balances()


@pytest.mark.usefixtures("_small_pages")
def test_all_pages_are_read(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    for number in range(20, 27):
        quickbooks.entry(str(number), "2024-03-01", ("1", f"{number}.99"), ("3", f"-{number}.99"))
    bakery.connect(quickbooks)

    task = bakery.run_import()

    assert task.done == 10
    assert bakery.balances() == quickbooks.balances()


@pytest.mark.usefixtures("_small_pages")
def test_an_import_that_breaks_off_goes_on_where_it_was(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    for number in range(20, 27):
        quickbooks.entry(str(number), "2024-03-01", ("1", "1"), ("3", "-1"))
    bakery.connect(quickbooks)
    entries = quickbooks_source.QuickBooks.entries

    def third_fails(self: Any, calls: Any, workspace_id: str, position: str) -> Any:
        if position == "5":
            # It is asked for three times in vain.
            quickbooks.before += [("query", Raw(503))] * 3
        return entries(self, calls, workspace_id, position)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickbooks_source.QuickBooks, "entries", third_fails)
        task = bakery.run_import()

    # What had come is in the books, and the row waits for another attempt.
    assert (task.state, task.attempts) == ("queued", 1)
    assert "fault of its own" in task.error
    assert len(external_ids(bakery)) == 4
    assert bakery.shown()["status"] == "connected"
    assert "fault of its own" in bakery.shown()["error"]
    asked = len(quickbooks.calls)

    task = bakery.run_import()

    assert (task.state, task.attempts) == ("succeeded", 2)
    assert task.message.startswith("10 entries and 5 accounts were made; 0 entries and 0 accounts were there")
    assert bakery.balances() == quickbooks.balances()
    assert bakery.shown()["error"] is None
    # The first two pages were not read again.
    positions = [
        c.query["query"] for c in quickbooks.calls[asked:] if "JournalEntry" in c.query.get("query", "")
    ]
    assert [one.split("startposition ")[1].split()[0] for one in positions] == ["5", "7", "9", "11"]


def test_an_import_that_breaks_off_before_its_first_page_counts_the_accounts_that_it_made_once(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.account("9", "Strange", "Cryptocurrency")
    bakery.connect(quickbooks)
    entries = quickbooks_source.QuickBooks.entries

    def first_fails(self: Any, calls: Any, workspace_id: str, position: str) -> Any:
        quickbooks.before += [("query", Raw(503))] * 3
        return entries(self, calls, workspace_id, position)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickbooks_source.QuickBooks, "entries", first_fails)
        assert bakery.run_import().state == "queued"

    task = bakery.run_import()

    assert "5 accounts were made" in task.message
    assert "0 accounts were there" in task.message
    shown = bakery.shown()["lastImport"]
    assert (shown["accountsMade"], shown["accountsKnown"], shown["leftOut"]) == (5, 0, 1)
    assert [fault["source"] for fault in shown["faults"]] == ["Account:9"]


def test_a_page_costs_the_same_statements_whatever_its_size(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()

    def cost(entries: int, start: int) -> int:
        quickbooks.entries.clear()
        for number in range(start, start + entries):
            lines = (("1", "-3"), ("3", "1"), ("4", "2"))
            quickbooks.entry(str(number), "2024-03-01", *lines)
        # Each run reads the company anew, and its ledger with it.
        entity = Entity.objects.get(id=bakery.entity.id)
        integration = Integration.objects.get(entity_id=entity.id)
        with CaptureQueriesContext(connection) as queries:
            importing.import_integration(
                entity=entity, integration=integration, actor=SYSTEM, progress=lambda done: None
            )
        return len(queries)

    small = cost(2, 100)
    large = cost(300, 1000)

    assert len(external_ids(bakery)) == 3 + 302
    assert small == large
    assert large < 60


def test_accounts_that_are_there_are_taken_over(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    ledger = default_ledger(bakery.entity)
    by_code = make_account(ledger, "Main account", financial_type="CASH", sub_type_code=1010)
    by_name = make_account(ledger, " sales", "REVENUE", financial_type="GRANTS", metadata={"colour": "red"})
    # Of another type, and below another parent.
    make_account(ledger, "Rent", "LIABILITY")
    below = make_account(ledger, "Savings", parent=make_account(ledger, "Elsewhere"))
    before = counts(bakery)[0]

    bakery.connect(quickbooks)
    bakery.run_import()

    assert bakery.account("1").id == by_code.id
    assert bakery.account("3").id == by_name.id
    assert bakery.account("2").id != below.id
    assert bakery.account("2").parent_id == by_code.id
    assert bakery.account("4").type == "EXPENSE"
    assert counts(bakery)[0] == before + 3
    # Nothing of them but their metadata has changed.
    by_name.refresh_from_db()
    assert (by_name.name, by_name.financial_type) == (" sales", "GRANTS")
    assert by_name.metadata == {"colour": "red", "outsideIds": {"quickbooks:9130347": "3"}}


def test_an_account_is_known_by_its_id_after_it_was_renamed(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()
    ours = bakery.account("1")
    Account.objects.filter(id=ours.id).update(name="Our name", sub_type_code=1999)
    quickbooks.accounts[0] |= {"Name": "Their new name", "AcctNum": "1011"}
    before = counts(bakery)

    bakery.import_again("quickbooks")

    assert counts(bakery) == before
    assert bakery.account("1").id == ours.id
    assert bakery.account("1").name == "Our name"


def test_two_accounts_of_one_name_stay_two(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    quickbooks.account("7", "Checking", "Bank", AcctNum="1010")
    quickbooks.entry("14", "2024-03-01", ("7", "5"), ("3", "-5"))

    bakery.connect(quickbooks)
    bakery.run_import()

    assert bakery.account("7").id != bakery.account("1").id
    # A code is given once.
    assert bakery.account("7").sub_type_code is None
    assert bakery.balances() == quickbooks.balances()


def test_another_company_at_the_provider_has_ids_of_its_own(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    bakery.run_import()
    quickbooks.workspace = "7777"
    bakery.connect(quickbooks)

    task = bakery.run_import()

    # The same entry numbers are other entries there; the accounts are found by their names.
    assert task.message.startswith("3 entries and")
    assert "quickbooks:7777:JournalEntry:11" in external_ids(bakery)
    assert len(external_ids(bakery)) == 6


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"TxnDate": "2023-12-31"}, "closed through 2023-12-31"),
        ({"TxnDate": "31/12/2024"}, "TxnDate"),
        ({"TxnDate": None}, "TxnDate"),
        ({"CurrencyRef": {"value": "EUR"}}, "it is in EUR"),
        ({"Line": "none"}, None),
        ({"Line": []}, None),
    ],
)
def test_what_cannot_be_recorded_is_left_out_and_named(
    bakery: Customer, quickbooks: FakeQuickBooks, entry: dict[str, Any], reason: str | None
) -> None:
    update_settings(
        entity=bakery.entity, changes={"books_closed_through": dt.date(2023, 12, 31)}, actor=SYSTEM
    )
    expected = quickbooks.balances()
    quickbooks.entry("99", "2024-03-01", ("1", "5"), ("3", "-5"))
    quickbooks.entries[-1] |= entry

    bakery.connect(quickbooks)
    task = bakery.run_import()

    shown = bakery.shown()["lastImport"]
    assert task.state == "succeeded"
    assert bakery.balances() == expected
    if reason is None:
        # It moves nothing, which is no fault.
        assert shown["faults"] == []
    else:
        assert shown["leftOut"] == 1
        assert [fault["source"] for fault in shown["faults"]] == ["JournalEntry:99"]
        assert reason in shown["faults"][0]["message"]
        assert "1 were left out, first JournalEntry:99" in task.message


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"Amount": Decimal("5.001")}, "more digits than USD knows"),
        ({"Amount": Decimal("4.99")}, "both sides of an entry must be equal"),
        ({"Amount": "five"}, "Amount"),
        ({"Amount": True}, "Amount"),
        ({"Amount": None}, "Amount"),
        ({"Amount": 10**15}, "Amount"),
        ({"Amount": 10**60}, "Amount"),
        (
            {"JournalEntryLineDetail": {"PostingType": "Debit", "AccountRef": {"value": "404"}}},
            "no account 404",
        ),
        ({"JournalEntryLineDetail": {"PostingType": "Debit"}}, "value"),
        ({"JournalEntryLineDetail": {"PostingType": "Both", "AccountRef": {"value": "1"}}}, "PostingType"),
    ],
)
def test_a_faulty_line_leaves_its_whole_entry_out(
    bakery: Customer, quickbooks: FakeQuickBooks, line: dict[str, Any], reason: str
) -> None:
    expected = quickbooks.balances()
    quickbooks.entry("99", "2024-03-01", ("1", "5"), ("3", "-5"))
    quickbooks.entries[-1]["Line"][0] |= line

    bakery.connect(quickbooks)
    bakery.run_import()

    [fault] = bakery.shown()["lastImport"]["faults"]
    assert fault["source"] == "JournalEntry:99"
    assert reason in fault["message"]
    assert bakery.balances() == expected
    assert_totals_hold(bakery.entity)


def test_what_was_left_out_comes_with_the_next_import_once_it_can(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    closing: Any = {"books_closed_through": dt.date(2024, 1, 31)}
    update_settings(entity=bakery.entity, changes=closing, actor=SYSTEM)
    bakery.connect(quickbooks)
    bakery.run_import()
    assert bakery.shown()["lastImport"]["leftOut"] == 2

    update_settings(entity=bakery.entity, changes={"books_closed_through": None}, actor=SYSTEM)
    bakery.import_again("quickbooks")

    assert bakery.shown()["lastImport"]["entriesMade"] == 2
    assert bakery.balances() == quickbooks.balances()


def test_many_faults_are_counted_and_the_first_are_named(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    for number in range(100, 180):
        quickbooks.entry(str(number), "2024-03-01", ("404", "5"), ("3", "-5"))

    bakery.connect(quickbooks)
    task = bakery.run_import()

    shown = bakery.shown()["lastImport"]
    assert (shown["leftOut"], len(shown["faults"])) == (80, 50)
    assert len(task.message) <= 500


def test_an_account_in_another_currency_is_left_out_with_its_entries(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.account("8", "Euros", "Bank", CurrencyRef={"value": "EUR"})
    quickbooks.account("9", "Strange", "Cryptocurrency")
    quickbooks.entry("99", "2024-03-01", ("8", "5"), ("3", "-5"))

    bakery.connect(quickbooks)
    bakery.run_import()

    sources = [fault["source"] for fault in bakery.shown()["lastImport"]["faults"]]
    assert sources == ["Account:8", "Account:9", "JournalEntry:99"]


def test_books_in_another_currency_are_not_read(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    quickbooks.currency = "EUR"
    before = counts(bakery)
    bakery.connect(quickbooks)

    task = bakery.run_import()

    assert task.state == "failed"
    assert "are in EUR and these in USD" in task.error
    assert "default currency is EUR" in bakery.shown()["error"]
    assert counts(bakery) == before


@pytest.mark.parametrize(
    "answer",
    [
        Raw(200, b"<html>"),
        Raw(200, {}),
        Raw(200, {"QueryResponse": []}),
        Raw(400, {"Fault": {}}),
        Raw(200, b'{"QueryResponse":' * 60 + b"1" + b"}" * 60),
        Raw(200, b"[" * 100_000),
        Raw(301, b"", {"Location": "http://127.0.0.1:1/"}),
    ],
)
def test_nonsense_from_the_provider_fails_the_task_in_words(
    bakery: Customer, quickbooks: FakeQuickBooks, answer: Raw
) -> None:
    bakery.connect(quickbooks)
    quickbooks.before.append(("query", answer))

    task = bakery.run_import()

    assert task.state == "failed"
    assert "QuickBooks" in task.error
    assert bakery.shown()["status"] == "connected"


def test_a_busy_provider_is_asked_again_after_the_pause_that_it_names(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    quickbooks.before += [("query", Raw(429, None, {"Retry-After": "0"})), ("query", Raw(503))]

    assert bakery.run_import().state == "succeeded"
    assert bakery.balances() == quickbooks.balances()


def test_a_long_pause_is_left_to_a_later_attempt(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    bakery.connect(quickbooks)
    quickbooks.before.append(("query", Raw(429, None, {"Retry-After": "60"})))

    task = bakery.run_import()

    assert (task.state, task.attempts) == ("queued", 1)
    assert "asks us to slow down" in task.error


def test_an_integration_that_is_disconnected_meanwhile_gets_nothing_more(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    entries = quickbooks_source.QuickBooks.entries

    def disconnected(self: Any, calls: Any, workspace_id: str, position: str) -> Any:
        page = entries(self, calls, workspace_id, position)
        assert bakery.post("integrations/disconnect", integrationType="quickbooks").status_code == 200
        return page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickbooks_source.QuickBooks, "entries", disconnected)
        task = bakery.run_import()

    assert task.state == "failed"
    assert "was disconnected" in task.error
    assert external_ids(bakery) == []


def test_an_entry_that_was_deleted_here_does_not_come_back(bakery: Customer, stripe: FakeStripe) -> None:
    bakery.connect(stripe)
    bakery.run_import()
    charge = Transaction.objects.get(external_id="stripe:acct_1Bakery:BalanceTransaction:txn_2")
    path = f"/v1/transactions?entityId={bakery.entity.public_id}&transactionId={charge.public_id}"
    assert bakery.caller.delete(path).status_code == 204

    bakery.import_again("stripe")

    assert not Transaction.objects.filter(external_id=charge.external_id).exists()


def test_every_financial_type_named_for_quickbooks_is_one_of_its_type() -> None:
    for type_, code in _TYPES.values():
        assert FINANCIAL_TYPES[code].type is type_
    for type_, codes in _SUB_TYPES.items():
        assert {FINANCIAL_TYPES[code].type for code in codes.values()} == {type_}


# --- Xero --------------------------------------------------------------------------------------------


def test_journals_of_xero_are_posted_with_their_tax_lines(bakery: Customer, xero: FakeXero) -> None:
    bakery.connect(xero)
    bakery.run_import()

    sale = Transaction.objects.filter(journal_entry__external_id__endswith=":Journal:journal-3")
    assert sorted(row.amount for row in sale) == [Decimal("15.00"), Decimal("100.00")]
    assert {(row.date, row.status) for row in sale} == {(dt.date(2024, 2, 1), "POSTED")}
    assert bakery.balances() == xero.balances()
    assert_totals_hold(bakery.entity)


def test_journals_are_read_by_the_hundred_over_gaps_in_their_numbers(
    bakery: Customer, xero: FakeXero
) -> None:
    for number in range(10, 500, 2):
        xero.journal(number, 1_706_745_600_000, ("a-bank", "1.10"), ("a-sales", "-1.10"))
    bakery.connect(xero)

    task = bakery.run_import()

    assert task.done == 2 + 245
    assert bakery.balances() == xero.balances()
    offsets = [call.query["offset"] for call in xero.calls if "offset" in call.query]
    assert offsets == ["0", "204", "404"]

    bakery.import_again("xero")
    assert bakery.shown()["lastImport"]["entriesMade"] == 0


def test_an_account_on_both_sides_of_a_journal_keeps_its_balance(bakery: Customer, xero: FakeXero) -> None:
    at = 1_706_745_600_000
    # Moved within an account, and with a rest.
    xero.journal(5, at, ("a-sales", "40"), ("a-sales", "-40"))
    xero.journal(6, at, ("a-bank", "100"), ("a-bank", "-30"), ("a-sales", "-70"))
    xero.journal(7, at, ("a-bank", "0"), ("a-sales", "0.00"))

    bakery.connect(xero)
    bakery.run_import()

    assert bakery.shown()["lastImport"]["leftOut"] == 0
    assert bakery.balances() == xero.balances()


@pytest.mark.parametrize(
    "journal",
    [
        {"JournalDate": "/Date(99999999999999999)/"},
        {"JournalDate": "/Date(999999999999999)/"},
        {"JournalDate": "soon"},
        {"JournalDate": None},
        {"JournalLines": [{"AccountID": "a-bank", "NetAmount": Decimal("5")}]},
        {"JournalLines": [{"NetAmount": Decimal("5")}]},
    ],
)
def test_a_faulty_journal_is_left_out(bakery: Customer, xero: FakeXero, journal: dict[str, Any]) -> None:
    expected = xero.balances()
    xero.journal(9, 1_706_745_600_000, ("a-bank", "1"), ("a-sales", "-1"))
    xero.journals[-1] |= journal

    bakery.connect(xero)
    task = bakery.run_import()

    assert task.state == "succeeded"
    assert [one["source"] for one in bakery.shown()["lastImport"]["faults"]] == ["Journal:journal-9"]
    assert bakery.balances() == expected


def test_journals_that_do_not_go_on_end_the_import(bakery: Customer, xero: FakeXero) -> None:
    bakery.connect(xero)
    xero.before.append(("Journals", Raw(200, {"Journals": [{"JournalNumber": 0}]})))

    task = bakery.run_import()

    assert task.state == "failed"
    assert "journals without numbers" in task.error


def test_a_person_who_chose_no_organisation_is_told_so(bakery: Customer, xero: FakeXero) -> None:
    brought = xero.allow(bakery.begin("xero"))
    xero.before.append(("connections", Raw(200, [])))

    page = bakery.come_back("xero", brought)

    assert page.status_code == 502
    assert "choose one" in page.content.decode()


def test_an_unknown_kind_of_xero_account_is_left_out(bakery: Customer, xero: FakeXero) -> None:
    xero.account("a-new", "Cloud", "CLOUD")
    bakery.connect(xero)

    assert bakery.run_import().state == "succeeded"
    assert [one["source"] for one in bakery.shown()["lastImport"]["faults"]] == ["Account:a-new"]


# --- Stripe ------------------------------------------------------------------------------------------


def test_balance_transactions_become_income_fees_refunds_and_payouts(
    bakery: Customer, stripe: FakeStripe
) -> None:
    bakery.connect(stripe)
    bakery.run_import()

    # Nothing counts as posted until a person approves.
    assert bakery.balances() == {}
    pending = balances_with_pending(bakery)
    assert pending == {
        "sales": Decimal("-100.00"),
        # What was given back, and what a dispute took.
        "refunds": Decimal("35.00"),
        "fees": Decimal("18.20"),
        "payouts": Decimal("40.00"),
        "balance": Decimal("6.80"),
    }
    # Which is what Stripe still holds.
    assert pending["balance"] * 100 == sum(row["net"] for row in stripe.transactions)
    assert set(Transaction.objects.values_list("status", flat=True)) == {"CLEARED"}
    assert bakery.account("balance").financial_type == "UNDEPOSITED_FUNDS"
    assert_totals_hold(bakery.entity)


def balances_with_pending(bakery: Customer) -> dict[str, Decimal]:
    """What each account that stands for one of Stripe's comes to, with what is to be approved."""
    sums: dict[str, Decimal] = {}
    for our_id, theirs in bakery.outside_ids().items():
        answer = bakery.get(f"accounts/{our_id}/balance").json()["balance"]
        sums[theirs] = Decimal(answer["debits_pending"]) - Decimal(answer["credits_pending"])
    return {name: amount for name, amount in sums.items() if amount}


def test_stripes_pages_are_read_from_the_newest_to_the_oldest(bakery: Customer, stripe: FakeStripe) -> None:
    for number in range(5, 256):
        stripe.transaction(f"txn_{number}", "charge", 100 + number, 3)
    bakery.connect(stripe)

    task = bakery.run_import()

    assert task.done == 255
    held = balances_with_pending(bakery)["balance"]
    assert held * 100 == sum(row["net"] for row in stripe.transactions)
    after = [call.query.get("starting_after") for call in stripe.calls if "limit" in call.query]
    assert after == [None, "txn_156", "txn_56"]

    bakery.import_again("stripe")
    assert balances_with_pending(bakery)["balance"] == held


@pytest.mark.parametrize(
    ("currency", "units", "amount"),
    [
        ("usd", 1, "0.01"),
        ("jpy", 500, "500"),
        ("krw", 7, "7"),
        ("kwd", 1230, "1.230"),
        # In hundredths there, though the currency has none.
        ("isk", 500, "5"),
        ("ugx", 700, "7"),
        # In whole ariary there, though the currency has hundredths.
        ("mga", 5, "5.00"),
        ("usd", 99_999_999_999_999, "999999999999.99"),
    ],
)
def test_integers_become_amounts_by_the_currencys_digits(
    stripe: FakeStripe, currency: str, units: int, amount: str
) -> None:
    bakery = Customer(settings={"default_currency": currency.upper()})
    stripe.transactions.clear()
    stripe.transaction("txn_x", "charge", units, currency=currency)

    bakery.connect(stripe)
    bakery.run_import()

    assert Transaction.objects.get().amount == Decimal(amount)


@pytest.mark.parametrize(
    "fields",
    [
        {"currency": "eur"},
        {"currency": "shells"},
        {"currency": None},
        {"amount": 10.5},
        {"amount": "100"},
        {"amount": True},
        {"amount": 10**18},
        {"net": 1},
        {"created": "yesterday"},
        {"created": 10**12},
    ],
)
def test_a_faulty_balance_transaction_is_left_out(
    bakery: Customer, stripe: FakeStripe, fields: dict[str, Any]
) -> None:
    stripe.transaction("txn_9", "charge", 100)
    stripe.transactions[-1] |= fields

    bakery.connect(stripe)
    task = bakery.run_import()

    assert task.state == "succeeded"
    assert [one["source"] for one in bakery.shown()["lastImport"]["faults"]] == ["BalanceTransaction:txn_9"]


@pytest.mark.parametrize(
    ("type_", "amount", "account"),
    [
        ("stripe_fee", -200, "fees"),
        ("payout_failure", 4000, "payouts"),
        ("topup", 900, "payouts"),
        ("application_fee", 50, "other-income"),
        ("something_new", -50, "other-costs"),
        ("payment_refund", -70, "refunds"),
    ],
)
def test_each_type_has_its_counterpart(
    bakery: Customer, stripe: FakeStripe, type_: str, amount: int, account: str
) -> None:
    stripe.transactions.clear()
    stripe.transaction("txn_x", type_, amount)

    bakery.connect(stripe)
    bakery.run_import()

    held = Decimal(amount) / 100
    assert balances_with_pending(bakery) == {"balance": held, account: -held}


def test_what_stays_within_stripe_moves_nothing(bakery: Customer, stripe: FakeStripe) -> None:
    stripe.transactions.clear()
    stripe.transaction("txn_x", "payout_minimum_balance_hold", -500)
    stripe.transaction("txn_y", "charge", 0)

    bakery.connect(stripe)
    bakery.run_import()

    assert bakery.shown()["lastImport"]["leftOut"] == 0
    assert counts(bakery)[1:] == (0, 0)


# --- companies apart ---------------------------------------------------------------------------------


def test_an_import_writes_into_its_own_company_alone(bakery: Customer, quickbooks: FakeQuickBooks) -> None:
    stranger = Customer("Stranger")
    stranger.connect(quickbooks)
    before = counts(stranger)

    bakery.connect(quickbooks)
    bakery.run_import()

    assert counts(stranger) == before
    stranger.run_import()
    assert bakery.balances() == stranger.balances() == quickbooks.balances()


def test_a_task_of_one_company_cannot_read_the_integration_of_another(
    bakery: Customer, quickbooks: FakeQuickBooks
) -> None:
    bakery.connect(quickbooks)
    stranger = Customer("Stranger")
    arguments = {"integration_id": str(bakery.integration.id)}
    start_task(entity=stranger.entity, name="banking.import_integration", arguments=arguments)

    task = stranger.run_import()

    assert (task.state, task.error) == ("failed", "The integration is gone.")
