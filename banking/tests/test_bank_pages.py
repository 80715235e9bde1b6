"""The banks page in the back office, statement files, and what a transaction's page tells of the bank."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from banking.models import BankAccount, BankConnection, BankLine, StatementImport
from banking.tests.cast import Banked, feed, make_banked, seen
from banking.tests.test_tie_out import reported
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.encryption import encrypt
from ledger.ids import new_id
from ledger.models import BackgroundTask
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.office.facts import facts_of

pytestmark = pytest.mark.django_db
CSV = b"Date,Text,Amount\n2024-01-31,FLOUR,-12.50\n2024-02-13,<b>SALES</b>,1234.56\n"


@pytest.fixture
def bakery() -> Banked:
    return make_banked()


@pytest.fixture
def ann(bakery: Banked) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT, name="ann")


def connected(company: Banked, **more: Any) -> BankConnection:
    values: dict[str, Any] = {
        "id": new_id(), "entity": company.entity, "provider": "sandbox", "provider_item_id": "item-1",
        "institution_name": "First Platypus Bank", "access_token": encrypt("access-secret"),
        "status": "active", "created_at": utc_now(), "synced_at": utc_now(), **more,
    }  # fmt: skip
    made = BankConnection.objects.create(**values)
    BankAccount.objects.filter(id=company.checking.id).update(connection=made)
    return made


def test_a_connection_that_is_broken_says_what_to_do(ann: OfficeClient, bakery: Banked) -> None:
    made = connected(bakery, status="login_required", error_message="Log in again.")

    text = ann.page("feeds", bakery.entity).content.decode()

    assert all(part in text for part in ("First Platypus Bank", "Log in again.", made.public_id))
    assert "GET /v1/banks/create-link?connectionId=" in text
    assert "access-secret" not in text


def test_a_sync_is_asked_for_in_the_background(ann: OfficeClient, bakery: Banked) -> None:
    made = connected(bakery)

    ann.send("feeds", bakery.entity)
    ann.send("feeds", bakery.entity, {"connection": made.public_id})

    tasks = BackgroundTask.objects.filter(entity_id=bakery.entity.id).order_by("id")
    assert [(one.name, one.created_by) for one in tasks] == [
        ("banking.sync", ann.user.pk),
        ("banking.sync_connection", ann.user.pk),
    ]
    page = ann.page("feeds", bakery.entity)
    assert page.context["is_under_way"]
    assert page.context["connections"][0].is_under_way


def test_balances_are_for_who_reads_the_books_and_states_for_who_operates(bakery: Banked) -> None:
    connected(bakery)
    reported(bakery.checking, "777.25")
    feed(bakery, seen("a", "123.45"))

    read = office_client(bakery.entity, Role.ACCOUNTANT).page("feeds", bakery.entity)
    operator = office_client(bakery.entity, Role.OPERATOR)
    seen_by_operator = operator.page("feeds", bakery.entity)

    assert "777.25" in read.content.decode()
    assert read.context["states"][0].difference is not None
    text = seen_by_operator.content.decode()
    assert "First Platypus Bank" in text
    assert "Checking" in text
    assert not any(amount in text for amount in ("777.25", "123.45"))
    assert 'class="money' not in text
    assert operator.send("feeds", bakery.entity).status_code == 302
    assert operator.page("statement-new", bakery.entity).status_code == 403
    assert office_client(bakery.entity, Role.AUDITOR).page("feeds", bakery.entity).status_code == 403


def test_an_account_is_disconnected_after_a_question(ann: OfficeClient, bakery: Banked) -> None:
    connected(bakery)
    parts: dict[str, Any] = {"id": bakery.checking.public_id}

    asked = ann.page("disconnect", bakery.entity, **parts)
    assert "last account of its connection" in asked.content.decode()
    bakery.checking.refresh_from_db()
    assert bakery.checking.disconnected_at is None
    ann.send("disconnect", bakery.entity, **parts)

    bakery.checking.refresh_from_db()
    assert bakery.checking.disconnected_at is not None
    assert BankConnection.objects.get().disconnected_at is not None


def upload(client: OfficeClient, company: Banked, data: bytes, account: str = "") -> Any:
    """Send a file and see the page after it."""
    sent = SimpleUploadedFile("january.csv", data)
    body = {"account": account or company.checking.public_id, "file": sent}
    return client.post(page_url("statement-new", company.entity), body, follow=True)


def form_of(page: Any, **more: Any) -> dict[str, Any]:
    """The mapping as the page shows it."""
    shown = {name: page.context["form"].initial.get(name) or "" for name in page.context["form"].fields}
    return {**shown, **more}


def test_a_file_is_looked_at_and_then_read_in(ann: OfficeClient, bakery: Banked) -> None:
    page = upload(ann, bakery, CSV)
    assert page.status_code == 200
    text = page.content.decode()
    assert "2 lines" in text
    assert "&lt;b&gt;SALES" in text
    assert not BankLine.objects.exists()

    done = ann.post(page.request["PATH_INFO"], form_of(page, action="import"), follow=True)

    made = StatementImport.objects.get()
    assert done.redirect_chain[-1][0] == page_url("statement-import", bakery.entity, id=made.public_id)
    assert (made.created_count, made.created_by) == (2, ann.user.pk)
    assert BankLine.objects.filter(entity_id=bakery.entity.id).count() == 2
    # The file is kept no longer, and the same lines come no second time.
    gone = ann.post(page.request["PATH_INFO"], form_of(page, action="import"), follow=True)
    assert "not kept any more" in gone.content.decode()
    again = upload(ann, bakery, CSV)
    ann.post(again.request["PATH_INFO"], form_of(again, action="import"))
    assert BankLine.objects.filter(entity_id=bakery.entity.id).count() == 2
    assert "january.csv" in ann.page("feeds", bakery.entity).content.decode()


def test_columns_are_told_where_they_are_guessed_wrong(ann: OfficeClient, bakery: Banked) -> None:
    data = b"31.01.2024;FLOUR;-12,50\n"
    page = upload(ann, bakery, data)
    assert page.context["preview"].problem_count
    named = {"date": "1", "description": ["2"], "amount": "3"}

    looked = ann.post(page.request["PATH_INFO"], {"action": "look", **named})
    assert looked.context["preview"].line_count == 1
    ann.post(page.request["PATH_INFO"], {"action": "import", **named})

    assert str(bakery_line(bakery).amount) == "12.5000"


def bakery_line(company: Banked) -> BankLine:
    return BankLine.objects.get(entity_id=company.entity.id)


def test_a_faulty_file_is_refused_as_a_whole_unless_the_good_rows_are_wanted(
    ann: OfficeClient, bakery: Banked
) -> None:
    page = upload(ann, bakery, CSV + b"2024-02-30,NEVER,1\n")
    assert "row 4" in page.content.decode()

    refused = ann.post(page.request["PATH_INFO"], form_of(page, action="import"))
    assert refused.status_code == 200
    assert not BankLine.objects.exists()
    done = ann.post(page.request["PATH_INFO"], form_of(page, action="import", partial="on"), follow=True)

    assert "row 4" in done.content.decode()
    assert BankLine.objects.count() == 2


def test_an_account_of_the_chart_becomes_fed_by_its_first_file(ann: OfficeClient, bakery: Banked) -> None:
    page = upload(ann, bakery, CSV, bakery.cash.public_id)
    assert not BankAccount.objects.filter(ledger_account_id=bakery.cash.id).exists()
    ann.post(page.request["PATH_INFO"], form_of(page, action="import"))
    assert BankAccount.objects.get(ledger_account_id=bakery.cash.id).name == "Cash"


def test_what_is_no_statement_is_said_and_nothing_is_read_in(ann: OfficeClient, bakery: Banked) -> None:
    page = upload(ann, bakery, b"\x00\x01\x02")
    assert page.context["preview"].problem_count
    ann.post(page.request["PATH_INFO"], {"action": "import"})
    empty = ann.post(page_url("statement-new", bakery.entity), {"account": bakery.checking.public_id})
    assert "required" in empty.content.decode()
    assert not BankLine.objects.exists()
    assert not StatementImport.objects.exists()


def test_a_stranger_finds_nothing(ann: OfficeClient, bakery: Banked) -> None:
    stranger = make_banked("Stranger")
    theirs = connected(stranger)
    ann.post(page_url("feeds", bakery.entity), {"connection": theirs.public_id})
    ann.send("disconnect", bakery.entity, id=stranger.checking.public_id)
    foreign = upload(ann, bakery, CSV, stranger.checking.public_id)

    assert "available choices" in foreign.content.decode()
    pages: list[tuple[str, dict[str, Any]]] = [
        ("feeds", {}),
        ("statement-new", {}),
        ("disconnect", {"id": stranger.checking.public_id}),
        ("statement-preview", {"token": "x"}),
    ]
    for name, parts in pages:
        assert ann.page(name, stranger.entity, **parts).status_code == 404
        assert ann.send(name, stranger.entity, **parts).status_code == 404
    stranger.checking.refresh_from_db()
    assert stranger.checking.disconnected_at is None
    assert not BackgroundTask.objects.filter(entity_id=stranger.entity.id).exists()


def test_nobody_elses_token_leads_to_a_file(ann: OfficeClient, bakery: Banked) -> None:
    page = upload(ann, bakery, CSV)
    other = office_client(bakery.entity, Role.OWNER)
    assert "not kept any more" in other.get(page.request["PATH_INFO"], follow=True).content.decode()


def test_an_auditor_sees_what_became_of_a_file_and_sends_none(ann: OfficeClient, bakery: Banked) -> None:
    page = upload(ann, bakery, CSV)
    ann.post(page.request["PATH_INFO"], form_of(page, action="import"))
    parts: dict[str, Any] = {"id": StatementImport.objects.get().public_id}

    auditor = office_client(bakery.entity, Role.AUDITOR)
    assert auditor.page("statement-import", bakery.entity, **parts).status_code == 200
    assert auditor.page("statement-new", bakery.entity).status_code == 403
    operator = office_client(bakery.entity, Role.OPERATOR)
    assert operator.page("statement-import", bakery.entity, **parts).status_code == 403


def test_the_page_costs_the_same_however_much_there_is(ann: OfficeClient, bakery: Banked) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as counted:
            assert ann.page("feeds", bakery.entity).status_code == 200
        return len(counted)

    connected(bakery)
    page = upload(ann, bakery, CSV)
    ann.post(page.request["PATH_INFO"], form_of(page, action="import"))
    few = queries()
    connected(bakery, provider_item_id="item-2")
    for number in range(3):
        page = upload(ann, bakery, CSV.replace(b"FLOUR", f"FLOUR {number}".encode()))
        ann.post(page.request["PATH_INFO"], form_of(page, action="import"))

    assert queries() == few
    assert few <= 13


def test_a_transactions_page_tells_of_its_bank_line(bakery: Banked) -> None:
    rent = bakery.post("80", credit=bakery.bank, description="Rent")
    feed(bakery, seen("a", "80", description="LANDLORD"), seen("b", "5", description="FLOUR"))

    [offered] = facts_of(bakery.entity, rent.id)
    [made] = facts_of(bakery.entity, bakery.transaction_of("b").id)

    assert (offered.label, offered.text) == (
        "Offered to the bank line", "15 Mar 2024, Checking ••1234: LANDLORD",
    )  # fmt: skip
    assert offered.url == page_url("review-one", bakery.entity, id=bakery.line("a").public_id)
    assert (made.label, made.text) == ("Bank line", "15 Mar 2024, Checking ••1234: FLOUR")
