"""Writing a journal entry in the back office, and what one is."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext
from psycopg.errors import LockNotAvailable, UndefinedColumn

from accounts.services import close_account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.models import Ledger
from ledger.services.memberships import grant_membership
from ledger.services.periods import close_books
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.choices import Change, Source, Status
from transactions.models import JournalEntry, Transaction
from transactions.services import move_transactions
from transactions.tests.conftest import Company, assert_totals_hold
from transactions.tests.test_reversal import net

pytestmark = pytest.mark.django_db

PAYROLL = [
    ("Rent", "March", "900", ""),
    ("6100 Software", "", "100.50", ""),
    ("1010 Cash", "", "", "1,000.50"),
]


@pytest.fixture
def ann(bakery: Company) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT)


def typed(*lines: tuple[str, str, str, str], **more: str) -> dict[str, Any]:
    columns = dict(zip(("account", "memo", "debit", "credit"), zip(*lines, strict=True), strict=True))
    return {"date": "2024-03-31", "description": "Month's end", "as": "posted", **columns, **more}


def mark_of(page: Any) -> str:
    """What the form of a page carries against being recorded twice."""
    [found] = re.findall(r'<input type="hidden" name="sending" value="([^"]+)"', page.content.decode())
    return str(found)


def write(client: OfficeClient, company: Company, *lines: tuple[str, str, str, str], **more: str) -> Any:
    return client.send("journal-entry-new", company.entity, typed(*lines, **more))


@pytest.mark.parametrize("status", ["pending", "posted"])
def test_an_entry_is_recorded_pending_or_posted(bakery: Company, ann: OfficeClient, status: str) -> None:
    page = ann.page("journal-entry-new", bakery.entity)
    assert page.content.decode().count('name="account"') == 8
    # Rows that nobody filled in are no lines.
    answer = write(ann, bakery, *PAYROLL, ("", "", "", ""), **{"as": status})

    entry = JournalEntry.objects.get(entity=bakery.entity)
    assert answer["Location"] == page_url("journal-entry", bakery.entity, id=entry.public_id)
    assert (entry.description, entry.date, entry.created_by) == (
        "Month's end", dt.date(2024, 3, 31), ann.user.pk,
    )  # fmt: skip
    rows = Transaction.objects.filter(journal_entry=entry)
    assert {row.status for row in rows} == {Status(status.upper())}
    assert {row.source for row in rows} == {Source.JOURNAL}
    assert sorted((row.description, row.amount) for row in rows) == [
        ("March", Decimal(900)), ("Month's end", Decimal("100.5")),
    ]  # fmt: skip
    assert_totals_hold(bakery.entity)

    shown = ann.get(answer["Location"])
    assert [(name, debit, credit) for _, name, debit, credit in shown.context["sides"]] == [
        ("Rent", 900, None), ("Software", 100.5, None), ("Cash", None, 1000.5),
    ]  # fmt: skip
    assert status.capitalize() in shown.content.decode()


def test_one_may_write_the_next_one_at_once(bakery: Company, ann: OfficeClient) -> None:
    answer = write(ann, bakery, *PAYROLL, then="new")
    assert answer["Location"] == page_url("journal-entry-new", bakery.entity)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([("Rent", "", "10", ""), ("Cash", "", "", "9.99")], "differ by 0.01"),
        ([("Rent", "", "10", "")], "two lines at least"),
        ([("", "", "", "")], "two lines at least"),
        ([("Nowhere", "", "10", ""), ("Cash", "", "", "10")], "Choose an account of the chart"),
        ([("", "", "10", ""), ("Cash", "", "", "10")], "Choose an account of the chart"),
        ([("Rent", "", "10", "10"), ("Cash", "", "", "10")], "a debit or a credit"),
        ([("Rent", "only a memo", "", ""), ("Cash", "", "", "10")], "a debit or a credit"),
        ([("Rent", "", "ten", ""), ("Cash", "", "", "10")], "not an amount"),
        ([("Rent", "", "-10", ""), ("Cash", "", "", "10")], "negative"),
        ([("Rent", "", "10.001", ""), ("Cash", "", "", "10.001")], "more digits"),
        ([("Rent", "", "10", ""), ("Rent", "", "", "10")], "both sides"),
        ([("Rent", "", "10", ""), ("Euro", "", "", "10")], "This account is in EUR"),
        ([("Rent", "", "10", ""), ("Loan", "", "", "10")], "closed"),
    ],
)
def test_what_is_wrong_is_said_with_what_was_typed_and_nothing_is_recorded(
    bakery: Company, ann: OfficeClient, lines: list[tuple[str, str, str, str]], words: str
) -> None:
    euro = Ledger.objects.create(entity=bakery.entity, name="Euro", currency="EUR", created_at=utc_now())
    make_account(euro, "Euro", "ASSET")
    close_account(entity=bakery.entity, account=bakery.loan, actor=SYSTEM)
    page = write(ann, bakery, *lines)
    assert page.status_code == 200
    text = page.content.decode()
    assert words in text
    for line in lines:
        for value in line:
            assert f'value="{value}"' in text
    assert not Transaction.objects.exists()
    assert not JournalEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("date", ""), ("date", "31.3.2024"), ("description", "x" * 1001)]
)
def test_faults_above_the_lines_are_said_at_their_field(
    bakery: Company, ann: OfficeClient, field: str, value: str
) -> None:
    page = write(ann, bakery, *PAYROLL, **{field: value})
    assert page.context["form"].errors.keys() == {field}
    assert not JournalEntry.objects.exists()


def test_nothing_is_dated_into_a_closed_period(bakery: Company, ann: OfficeClient) -> None:
    close_books(entity=bakery.entity, through=dt.date(2024, 3, 31), actor=SYSTEM)
    page = write(ann, bakery, *PAYROLL)
    assert "closed through 2024-03-31" in page.content.decode()
    assert not JournalEntry.objects.exists()


def test_who_may_write_and_who_may_read(bakery: Company, stranger: Company, ann: OfficeClient) -> None:
    write(ann, bakery, *PAYROLL)
    entry = JournalEntry.objects.get()
    for client, reading, writing in (
        (office_client(bakery.entity, Role.AUDITOR), 200, 403),
        (office_client(bakery.entity, Role.OPERATOR), 403, 403),
        (office_client(stranger.entity), 404, 404),
    ):
        assert client.page("journal-entry", bakery.entity, id=entry.public_id).status_code == reading
        assert client.page("journal-entry-new", bakery.entity).status_code == writing
        assert write(client, bakery, *PAYROLL).status_code == writing
        for button in ("reverse", "delete", "approve"):
            answer = client.send("journal-entry", bakery.entity, {button: "1"}, id=entry.public_id)
            assert answer.status_code == writing
    assert JournalEntry.objects.count() == 1
    # An entry of another company is not there.
    foreign = office_client(stranger.entity)
    assert foreign.page("journal-entry", stranger.entity, id=entry.public_id).status_code == 404
    assert ann.page("journal-entry", bakery.entity, id="jrn_x").status_code == 404


def test_an_entry_is_not_approved_by_half(bakery: Company, ann: OfficeClient) -> None:
    write(ann, bakery, *PAYROLL, **{"as": "pending"})
    entry = JournalEntry.objects.get()
    part = Transaction.objects.order_by("id")[1]
    move_transactions(
        entity=bakery.entity, ids=[part.id], to=Status.EXPIRED, change=Change.EXPIRED, actor=SYSTEM
    )

    ann.send("journal-entry", bakery.entity, {"approve": "1"}, id=entry.public_id)

    assert {row.status for row in Transaction.objects.all()} == {Status.PENDING, Status.EXPIRED}
    assert_totals_hold(bakery.entity)


def test_an_entry_is_approved_and_reversed_whole(bakery: Company, ann: OfficeClient) -> None:
    write(ann, bakery, *PAYROLL, **{"as": "pending"})
    entry = JournalEntry.objects.get()
    ann.send("journal-entry", bakery.entity, {"approve": "1"}, id=entry.public_id)
    assert {row.status for row in Transaction.objects.all()} == {Status.POSTED}

    page = ann.page("journal-entry", bakery.entity, query={"reverse": "1"}, id=entry.public_id)
    effects = {one.name: one.posted_change for one in page.context["preview"].effects}
    assert effects == {"Rent": -900, "Software": -100.5, "Cash": 1000.5}

    # Another day than that shown: its effect is shown first.
    data = {"reverse": "1", "date": "2024-04-01", "shown": page.context["shown"], "reason": "Wrong month"}
    again = ann.send("journal-entry", bakery.entity, data, id=entry.public_id)
    assert again.status_code == 200
    data["shown"] = again.context["shown"]
    assert ann.send("journal-entry", bakery.entity, data, id=entry.public_id).status_code == 302

    assert set(net(bakery).values()) == {0}
    reversals = Transaction.objects.filter(reverses__isnull=False)
    assert {row.date for row in reversals} == {dt.date(2024, 4, 1)}
    assert reversals.count() == 2
    # Once is enough.
    ann.send("journal-entry", bakery.entity, data, id=entry.public_id)
    assert reversals.count() == 2
    assert_totals_hold(bakery.entity)


def test_an_entry_that_waits_is_deleted_whole_and_a_posted_one_is_not(
    bakery: Company, ann: OfficeClient
) -> None:
    write(ann, bakery, *PAYROLL, **{"as": "pending"})
    entry = JournalEntry.objects.get()
    answer = ann.send("journal-entry", bakery.entity, {"delete": "1"}, id=entry.public_id)
    assert answer["Location"] == page_url("transactions", bakery.entity)
    assert not Transaction.objects.exists()

    write(ann, bakery, *PAYROLL)
    entry = JournalEntry.objects.get()
    ann.send("journal-entry", bakery.entity, {"delete": "1"}, id=entry.public_id)
    assert Transaction.objects.count() == 2


def test_a_reversal_before_the_entry_is_refused(bakery: Company, ann: OfficeClient) -> None:
    write(ann, bakery, *PAYROLL)
    entry = JournalEntry.objects.get()
    data = {"reverse": "1", "date": "2024-03-01", "shown": "2024-03-01"}
    answer = ann.send("journal-entry", bakery.entity, data, id=entry.public_id)
    assert answer.status_code == 302
    assert "lies before" in ann.get(answer["Location"]).content.decode()
    assert Transaction.objects.count() == 2


@pytest.mark.parametrize("lines", [2, 20])
def test_the_number_of_queries_does_not_grow_with_the_lines(
    bakery: Company, ann: OfficeClient, lines: int
) -> None:
    names = ["Rent", "6100", "Loan", "Sales"]
    debits = [(names[n % 4], f"Line {n}", "10", "") for n in range(lines)]
    with CaptureQueriesContext(connection) as queries:
        answer = write(ann, bakery, *debits, ("Cash", "", "", str(10 * lines)))
        assert answer.status_code == 302, answer.content
    written = len([query for query in queries if "SAVEPOINT" not in query["sql"]])
    with CaptureQueriesContext(connection) as queries:
        assert ann.get(answer["Location"]).status_code == 200
    assert (written, len(queries)) == (12, 5)


def test_a_form_that_is_sent_twice_is_recorded_once(bakery: Company, ann: OfficeClient) -> None:
    mark = mark_of(ann.page("journal-entry-new", bakery.entity))
    # What is wrong is mended in the same form.
    assert mark_of(write(ann, bakery, ("Rent", "", "10", ""), sending=mark)) == mark
    first = write(ann, bakery, *PAYROLL, sending=mark)
    again = write(ann, bakery, *PAYROLL, sending=mark)
    other = write(ann, bakery, ("Rent", "", "10", ""), ("1010 Cash", "", "", "10"), sending=mark)

    assert JournalEntry.objects.filter(entity=bakery.entity).count() == 1
    assert first["Location"] == again["Location"]
    assert "recorded before, with another content" in other.content.decode()
    # Somebody else's form with that mark is another one.
    write(office_client(bakery.entity, Role.ACCOUNTANT), bakery, *PAYROLL, sending=mark)
    assert JournalEntry.objects.filter(entity=bakery.entity).count() == 2
    assert_totals_hold(bakery.entity)


def test_a_form_of_one_company_is_not_that_of_another(
    bakery: Company, stranger: Company, ann: OfficeClient
) -> None:
    grant_membership(user=ann.user, entity=stranger.entity, role=Role.ACCOUNTANT, actor=SYSTEM)
    mark = mark_of(ann.page("journal-entry-new", bakery.entity))
    lines = [("Rent", "", "10", ""), ("1010 Cash", "", "", "10")]
    write(ann, bakery, *lines, sending=mark)
    answer = write(ann, stranger, *lines, sending=mark)
    assert answer.status_code == 200
    assert "recorded before, with another content" in answer.content.decode()
    assert not JournalEntry.objects.filter(entity=stranger.entity).exists()


def test_a_mark_that_is_none_of_ours_is_replaced(bakery: Company, ann: OfficeClient) -> None:
    again = write(ann, bakery, ("Rent", "", "10", ""), sending="x\u2028y")
    assert mark_of(again) != "x\u2028y"
    assert write(ann, bakery, *PAYROLL, sending="made up").status_code == 302


def test_books_that_are_busy_keep_what_was_typed(
    bakery: Company, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**more: Any) -> None:
        raise OperationalError("canceling statement due to lock timeout") from LockNotAvailable()

    monkeypatch.setattr("transactions.office.journal.post_journal_entry", busy)
    answer = write(ann, bakery, *PAYROLL, sending=mark_of(ann.page("journal-entry-new", bakery.entity)))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "These books are being changed elsewhere" in html
    assert "1,000.50" in html

    entry = Transaction.objects.filter(journal_entry__entity=bakery.entity)
    assert not entry.exists()


def test_a_fault_of_the_database_is_not_the_persons(
    bakery: Company, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**more: Any) -> None:
        raise ProgrammingError("no such column") from UndefinedColumn()

    monkeypatch.setattr("transactions.office.journal.post_journal_entry", broken)
    with pytest.raises(ProgrammingError):
        write(ann, bakery, *PAYROLL)


def test_deleting_an_entry_is_asked_about_first(bakery: Company, ann: OfficeClient) -> None:
    address = write(ann, bakery, *PAYROLL, **{"as": "pending"})["Location"]
    assert 'name="delete"' not in ann.get(address).content.decode()
    assert 'name="delete"' in ann.get(address, {"delete": "1"}).content.decode()
    auditor = office_client(bakery.entity, Role.AUDITOR)
    assert 'name="delete"' not in auditor.get(address, {"delete": "1"}).content.decode()
    ann.post(address, {"delete": "1"})
    assert not JournalEntry.objects.filter(entity=bakery.entity).exists()
    # The button was clicked twice.
    again = ann.post(address, {"delete": "1"})
    assert again["Location"] == page_url("transactions", bakery.entity)
    assert "There is no journal entry" in ann.says_after(again)
