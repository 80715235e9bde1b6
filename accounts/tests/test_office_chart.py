"""The pages of the chart of accounts: who may what, what they show, and that services do the work."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account, AccountImport
from accounts.tests.conftest import add_totals, make_account
from ledger.choices import Role
from ledger.models import AuditEvent, Entity, Ledger
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import OfficeClient, office_client, page_url

pytestmark = pytest.mark.django_db

PAGES_OF_AN_ACCOUNT = ("account-edit", "account-close", "account-reopen", "account-delete")


@pytest.fixture
def bakery() -> Entity:
    return make_entity(make_developer().developer, "Bakery")


@pytest.fixture
def ledger(bakery: Entity) -> Ledger:
    return Ledger.objects.get(entity_id=bakery.id)


@pytest.fixture
def ann(bakery: Entity) -> OfficeClient:
    return office_client(bakery, Role.ACCOUNTANT, name="ann")


def stored(name: str) -> Account:
    return Account.objects.get(name=name)


def test_the_chart_shows_codes_names_uses_balances_and_totals(
    ann: OfficeClient, bakery: Entity, ledger: Ledger
) -> None:
    till = make_account(ledger, "Corner till", sub_type_code=1010, financial_type="PETTY_CASH")
    below = make_account(ledger, "Left drawer", parent=till)
    add_totals(below, "2024-03-15", debits_posted="1234.5", debits_pending="8")

    text = ann.page("chart", bakery).content.decode()

    assert all(
        word in text for word in ("1010", "Corner till", "Left drawer", "Petty cash", "1,234.50", "8.00")
    )
    # These books hold one side only, written past the engine.
    assert "Out of balance" in text


def test_the_chart_costs_the_same_for_any_number_of_accounts(
    ann: OfficeClient, bakery: Entity, ledger: Ledger, django_assert_num_queries: Any
) -> None:
    def count() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            assert ann.page("chart", bakery).status_code == 200
        return len(queries)

    few = count()
    parent = make_account(ledger, "Parent")
    for number in range(40):
        add_totals(make_account(ledger, f"Child {number}", parent=parent), "2024-03-15", debits_posted="1")
    assert count() == few
    assert few <= 6


def test_an_auditor_reads_the_chart_and_is_offered_no_change(bakery: Entity, ledger: Ledger) -> None:
    account = make_account(ledger, "Till")
    auditor = office_client(bakery, Role.AUDITOR)

    page = auditor.page("chart", bakery)

    assert page.status_code == 200
    assert page_url("account-new", bakery) not in page.content.decode()
    assert auditor.page("chart-file", bakery, file_format="csv").status_code == 200
    assert auditor.page("account-new", bakery).status_code == 403
    assert auditor.page("chart-import", bakery).status_code == 403
    assert auditor.send("account-new", bakery, {"type": "ASSET", "name": "X"}).status_code == 403
    for name in PAGES_OF_AN_ACCOUNT:
        assert auditor.page(name, bakery, id=account.public_id).status_code == 403
        assert auditor.send(name, bakery, id=account.public_id).status_code == 403
    assert not Account.objects.filter(name="X").exists()


def test_an_operator_has_no_books_to_look_at(bakery: Entity) -> None:
    operator = office_client(bakery, Role.OPERATOR)
    assert operator.page("chart", bakery).status_code == 403
    assert operator.page("chart-file", bakery, file_format="csv").status_code == 403


def test_a_stranger_finds_nothing_and_changes_nothing(bakery: Entity, ledger: Ledger) -> None:
    account = make_account(ledger, "Till")
    garage = make_entity(make_developer("Other").developer, "Garage")
    stranger = office_client(garage)

    assert stranger.page("chart", bakery).status_code == 404
    assert stranger.page("chart-file", bakery, file_format="csv").status_code == 404
    for name in PAGES_OF_AN_ACCOUNT:
        assert stranger.page(name, bakery, id=account.public_id).status_code == 404
        assert stranger.send(name, bakery, id=account.public_id).status_code == 404
        # Nor through the address of their own company.
        assert stranger.page(name, garage, id=account.public_id).status_code == 404
        stranger.send(name, garage, {"name": "Mine", "type": "ASSET"}, id=account.public_id)
    account.refresh_from_db()
    assert (account.name, account.closed_at) == ("Till", None)
    # A parent of another company's is none.
    answer = stranger.send(
        "account-new", garage, {"type": "ASSET", "name": "Below", "parent": account.public_id}
    )
    assert answer.status_code == 200
    assert not Account.objects.filter(name="Below").exists()


def test_a_new_account_is_made_by_the_service_and_the_person_is_named(
    ann: OfficeClient, bakery: Entity, ledger: Ledger
) -> None:
    parent = make_account(ledger, "Bank", financial_type="CASH")
    form = {
        "type": "ASSET",
        "name": "Savings",
        "code": "1020",
        "financial_type": "SAVINGS",
        "parent": parent.public_id,
        "description": "For taxes",
    }

    answer = ann.send("account-new", bakery, form)

    account = stored("Savings")
    assert answer["Location"] == f"{page_url('chart', bakery)}#{account.public_id}"
    assert (account.sub_type_code, account.financial_type, account.parent_id) == (1020, "SAVINGS", parent.id)
    assert account.metadata == {"description": "For taxes"}
    event = AuditEvent.objects.get(action="accounts.account.created", object_id=account.public_id)
    assert (event.actor_kind, event.actor_label) == ("user", "ann")


def test_a_new_account_that_is_sent_twice_is_made_once(ann: OfficeClient, bakery: Entity) -> None:
    shown = ann.page("account-new", bakery).content.decode()
    [mark] = re.findall(r'name="sending" value="([^"]+)"', shown)
    form = {"type": "ASSET", "name": "Savings", "sending": mark}

    first, again = ann.send("account-new", bakery, form), ann.send("account-new", bakery, form)

    assert first["Location"] == again["Location"]
    account = stored("Savings")
    # Whichever answer a browser shows says that it was done.
    assert ann.says_after(again).count("Savings is in the chart.") == 2
    # A change may be sent twice: it changes nothing the second time.
    assert 'name="sending"' not in ann.page("account-edit", bakery, id=account.public_id).content.decode()


@pytest.mark.parametrize(
    ("wrong", "field", "why"),
    [
        ({"code": "1010"}, "code", "is taken by"),
        ({"code": "0"}, "code", "greater than or equal to 1"),
        ({"name": " "}, "name", "required"),
        ({"financial_type": "SALES"}, "financial_type", "belongs to REVENUE"),
        ({"type": "EXPENSE", "financial_type": ""}, "parent", "is of type ASSET"),
    ],
)
def test_what_is_refused_stands_at_its_field_and_what_was_typed_stays(
    ann: OfficeClient, bakery: Entity, ledger: Ledger, wrong: dict[str, str], field: str, why: str
) -> None:
    parent = make_account(ledger, "Bank", sub_type_code=1010)
    form = {"type": "ASSET", "name": "Vault", "code": "1020", "parent": parent.public_id} | wrong

    page = ann.send("account-new", bakery, form)

    assert page.status_code == 200
    assert why in " ".join(page.context["form"].errors[field])
    assert page.context["form"]["code"].value() == form["code"]
    assert not Account.objects.filter(name="Vault").exists()


def test_an_account_is_renamed_moved_and_keeps_what_else_its_metadata_says(
    ann: OfficeClient, bakery: Entity, ledger: Ledger
) -> None:
    bank = make_account(ledger, "Bank")
    till = make_account(ledger, "Till", sub_type_code=1011, metadata={"description": "Old", "color": "red"})
    form = {"name": "Corner till", "code": "", "parent": bank.public_id, "description": "New"}

    ann.send("account-edit", bakery, form, id=till.public_id)

    till.refresh_from_db()
    assert (till.name, till.sub_type_code, till.parent_id) == ("Corner till", None, bank.id)
    assert till.metadata == {"description": "New", "color": "red"}
    # The form does not offer what stands below the account itself, and the service would refuse it.
    page = ann.page("account-edit", bakery, id=bank.public_id)
    assert till.public_id not in [one["id"] for one in page.context["form"].parent_options()]
    circle = ann.send("account-edit", bakery, {"name": "Bank", "parent": till.public_id}, id=bank.public_id)
    assert circle.status_code == 200
    bank.refresh_from_db()
    assert bank.parent_id is None


def test_a_system_account_keeps_its_financial_type(ann: OfficeClient, bakery: Entity) -> None:
    earnings = Account.objects.get(role="retained_earnings")
    kept = earnings.financial_type
    ann.send("account-edit", bakery, {"name": "Earnings kept", "code": "9010"}, id=earnings.public_id)
    refused = ann.send(
        "account-edit", bakery, {"name": "X", "financial_type": "OWNER_EQUITY"}, id=earnings.public_id
    )
    earnings.refresh_from_db()
    assert (earnings.name, earnings.financial_type) == ("Earnings kept", kept)
    assert "system account" in " ".join(refused.context["form"].errors["financial_type"])


def test_accounts_are_closed_reopened_and_deleted_after_a_look_at_what_that_means(
    ann: OfficeClient, bakery: Entity, ledger: Ledger
) -> None:
    till = make_account(ledger, "Till")
    add_totals(till, "2024-03-15", debits_posted="12")

    page = ann.page("account-close", bakery, id=till.public_id).content.decode()
    assert "12.00" in page
    assert "still has a balance" in page
    ann.send("account-close", bakery, id=till.public_id)
    till.refresh_from_db()
    assert till.closed_at is not None
    ann.send("account-reopen", bakery, id=till.public_id)
    till.refresh_from_db()
    assert till.closed_at is None
    answer = ann.post(page_url("account-delete", bakery, id=till.public_id), follow=True)
    assert "is deleted" in answer.content.decode()
    assert not Account.objects.filter(id=till.id).exists()


def test_what_cannot_be_closed_or_deleted_says_why(ann: OfficeClient, bakery: Entity, ledger: Ledger) -> None:
    parent = make_account(ledger, "Parent")
    make_account(ledger, "Child", parent=parent)
    earnings = Account.objects.get(role="retained_earnings")
    url = page_url("account-delete", bakery, id=parent.public_id)
    assert "has child accounts" in ann.post(url, follow=True).content.decode()
    url = page_url("account-close", bakery, id=earnings.public_id)
    assert "is a system account" in ann.post(url, follow=True).content.decode()
    earnings.refresh_from_db()
    assert earnings.closed_at is None


def test_a_ready_made_chart_is_previewed_and_then_made(
    ann: OfficeClient, bakery: Entity, ledger: Ledger
) -> None:
    before = Account.objects.count()

    chosen = ann.send("chart-import", bakery, {"source": "template", "template": "tmpl_saas"})
    preview = ann.get(chosen["Location"])

    assert preview.context["made"] > 50
    assert (preview.context["skipped"], preview.context["refused"]) == (0, 0)
    assert Account.objects.count() == before
    form = {"template": "tmpl_saas", "ledger": ledger.public_id}
    ann.send("chart-import-preview", bakery, form)
    assert Account.objects.count() == before + preview.context["made"]


CHART = b"""name,type,sub_type_code,parent
Till,ASSET,1010,
Drawer,,1011,1010
Rent,EXPENCE,,
Old till,ASSET,1001,
"""


def test_a_file_is_previewed_row_by_row_before_anything_is_made(
    ann: OfficeClient, bakery: Entity, ledger: Ledger
) -> None:
    make_account(ledger, "Old till", sub_type_code=1001)
    upload = SimpleUploadedFile("chart.csv", CHART)

    chosen = ann.send("chart-import", bakery, {"source": "file", "file": upload})
    preview = ann.get(chosen["Location"])

    assert not Account.objects.filter(name="Till").exists()
    fates = [(fate.row.number, fate.fate) for fate in preview.context["fates"]]
    assert fates == [(4, "refused"), (2, "made"), (3, "made"), (5, "skipped")]
    assert "is no account type" in preview.content.decode()
    form = {"file": preview.context["source"].token, "ledger": ledger.public_id}
    done = ann.send("chart-import-preview", bakery, form)
    assert stored("Drawer").parent == stored("Till")
    record = AccountImport.objects.get()
    assert done["Location"] == page_url("chart-import-result", bakery, id=record.public_id)
    assert "is no account type" in ann.get(done["Location"]).content.decode()
    assert "CSV file" in ann.page("chart-import", bakery).content.decode()
    # It is done once: the file is not kept any longer.
    ann.send("chart-import-preview", bakery, form)
    assert AccountImport.objects.count() == 1


def test_a_file_waits_for_the_person_and_the_company_that_it_was_sent_for(
    ann: OfficeClient, bakery: Entity, ledger: Ledger
) -> None:
    upload = SimpleUploadedFile("chart.csv", CHART)
    chosen = ann.send("chart-import", bakery, {"source": "file", "file": upload})
    token = chosen["Location"].rpartition("file=")[2]
    bob = office_client(bakery, Role.ACCOUNTANT, name="bob")

    page = bob.get(chosen["Location"])
    bob.send("chart-import-preview", bakery, {"file": token, "ledger": ledger.public_id})

    assert page.status_code == 302
    assert not AccountImport.objects.exists()


def test_a_file_that_cannot_be_read_is_refused_at_once(ann: OfficeClient, bakery: Entity) -> None:
    upload = SimpleUploadedFile("chart.csv", b"\xff\xfe\x00")
    page = ann.send("chart-import", bakery, {"source": "file", "file": upload})
    assert page.status_code == 200
    assert "is not UTF-8" in " ".join(page.context["form"].errors["file"])
    empty = ann.send("chart-import", bakery, {"source": "file"})
    assert "Choose a CSV or XLSX file." in empty.context["form"].errors["file"]


def test_another_companys_import_is_not_shown(ann: OfficeClient, bakery: Entity, ledger: Ledger) -> None:
    ann.send("chart-import-preview", bakery, {"template": "tmpl_saas", "ledger": ledger.public_id})
    record = AccountImport.objects.get()
    garage = make_entity(make_developer("Other").developer, "Garage")
    stranger = office_client(garage)
    assert stranger.page("chart-import-result", bakery, id=record.public_id).status_code == 404
    assert stranger.page("chart-import-result", garage, id=record.public_id).status_code == 404


def test_the_chart_goes_out_as_csv_and_xlsx(ann: OfficeClient, bakery: Entity, ledger: Ledger) -> None:
    make_account(ledger, "Till", sub_type_code=1010)
    csv = ann.page("chart-file", bakery, file_format="csv")
    assert csv["Content-Type"] == "text/csv; charset=utf-8"
    assert csv["Content-Disposition"].startswith('attachment; filename="chart-of-accounts-')
    assert "Till,ASSET,OTHER_CURRENT_ASSETS,1010,,true," in csv.content.decode()
    assert ann.page("chart-file", bakery, file_format="xlsx").content.startswith(b"PK")
    assert ann.page("chart-file", bakery, file_format="pdf").status_code == 404
    assert ann.page("chart", bakery, query={"ledger": "ledger_unknown"}).status_code in (302, 404)
