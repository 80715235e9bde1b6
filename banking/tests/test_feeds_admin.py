"""Bank connections, accounts and lines in the back office."""

import pytest
from django.test import Client

from banking.models import BankConnection
from banking.tests.cast import Banked, feed, make_banked, seen
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.encryption import encrypt
from ledger.ids import new_id
from ledger.tests.office import office_client


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


@pytest.fixture
def accountant(bakery: Banked) -> Client:
    return office_client(bakery.entity, Role.ACCOUNTANT)


def test_lines_are_listed_and_found_and_nothing_of_them_can_be_changed(
    accountant: Client, bakery: Banked
) -> None:
    feed(bakery, seen("a", "12.50", description="FLOUR"), seen("b", "1", description="YEAST"))
    line = bakery.line("a")

    page = accountant.get("/admin/banking/bankline/", {"q": str(line.id)}).content.decode()
    assert "FLOUR" in page
    assert "YEAST" not in page
    form = f"/admin/banking/bankline/{line.pk}/change/"
    assert accountant.get(form).status_code == 200
    assert accountant.post(form, {"amount": "1"}).status_code == 403
    assert accountant.get("/admin/banking/bankline/add/").status_code == 403


def test_accounts_show_what_stands_for_them(accountant: Client, bakery: Banked) -> None:
    page = accountant.get("/admin/banking/bankaccount/").content.decode()
    assert all(text in page for text in ("Checking", "1234", "Visa", "9012"))
    assert accountant.get(f"/admin/banking/bankaccount/{bakery.checking.pk}/change/").status_code == 200


def test_connections_show_what_is_wrong_and_never_the_token(accountant: Client, bakery: Banked) -> None:
    token = encrypt("access-secret")
    connection = BankConnection.objects.create(
        id=new_id(), entity=bakery.entity, provider="sandbox", provider_item_id="item-1",
        institution_name="First Platypus Bank", access_token=token, cursor="cursor-7",
        status="login_required", error_message="Log in again.", created_at=utc_now(),
    )  # fmt: skip

    pages = [
        accountant.get("/admin/banking/bankconnection/").content.decode(),
        accountant.get(f"/admin/banking/bankconnection/{connection.pk}/change/").content.decode(),
    ]

    assert all("First Platypus Bank" in page and "Log in again." in page for page in pages)
    assert not any(secret in page for page in pages for secret in (token, "access-secret", "cursor-7"))


def test_windows_on_amounts_are_for_who_reads_the_books_and_all_for_members_alone(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50", description="FLOUR"))
    stranger = make_banked("Stranger")
    operator = office_client(bakery.entity, Role.OPERATOR)
    outsider = office_client(stranger.entity, Role.OWNER)

    assert operator.get("/admin/banking/bankconnection/").status_code == 200
    for window in ("bankline", "bankaccount", "reconciliation", "tieout", "rule", "ruleapplication"):
        assert operator.get(f"/admin/banking/{window}/").status_code == 403
        assert outsider.get(f"/admin/banking/{window}/").status_code == 200
    line = bakery.line("a")
    assert "FLOUR" not in outsider.get("/admin/banking/bankline/").content.decode()
    assert outsider.get(f"/admin/banking/bankline/{line.pk}/change/").status_code == 302
    narrowed = outsider.get("/admin/banking/bankline/", {"company": bakery.entity.public_id})
    assert "FLOUR" not in narrowed.content.decode()
