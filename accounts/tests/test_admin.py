"""The chart of accounts in the back office."""

from typing import Any

import pytest
from django.test import Client

from accounts.chart_templates import SystemRole
from accounts.models import Account
from accounts.services import import_accounts, rows_of_template
from accounts.system_accounts import make_system_accounts, system_account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.models import AuditEvent, Ledger, User

LIST = "/admin/accounts/account/"


@pytest.fixture
def accountant(db: None) -> Client:
    user = User.objects.create_superuser("accountant", "a@example.com", "secret")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def act(client: Client, action: str, *accounts: Account) -> Any:
    chosen = [str(account.id) for account in accounts]
    return client.post(LIST, {"action": action, "_selected_action": chosen}, follow=True)


def test_accounts_are_listed_and_found_with_type_code_and_parent(accountant: Client, books: Ledger) -> None:
    parent = make_account(books, "Current Assets")
    make_account(books, "Corner Till", sub_type_code=1010, parent=parent)
    page = accountant.get(LIST, {"q": "till"}).content.decode()
    assert all(text in page for text in ("Corner Till", "1010", "Asset", "Current Assets"))


def test_a_form_shows_and_changes_nothing(accountant: Client, books: Ledger) -> None:
    account = make_account(books)
    path = f"{LIST}{account.id}/change/"
    assert accountant.get(path).status_code == 200
    assert accountant.post(path, {"name": "Changed"}).status_code == 403
    assert accountant.post(f"{LIST}{account.id}/delete/", {"post": "yes"}).status_code == 403
    assert accountant.get(f"{LIST}add/").status_code == 403
    account.refresh_from_db()
    assert account.name == "Cash"


def test_closing_goes_through_the_service_and_names_the_person(accountant: Client, books: Ledger) -> None:
    account = make_account(books)
    act(accountant, "close_accounts", account)
    account.refresh_from_db()
    assert account.closed_at is not None
    event = AuditEvent.objects.get(action="accounts.account.closed")
    assert (event.actor_kind, event.actor_label) == ("user", "accountant")
    act(accountant, "reopen_accounts", account)
    account.refresh_from_db()
    assert account.closed_at is None


def test_an_account_that_cannot_be_closed_says_why(accountant: Client, books: Ledger) -> None:
    make_system_accounts(entity=books.entity, ledger=books, actor=SYSTEM)
    account = system_account(books.entity, SystemRole.RETAINED_EARNINGS)
    page = act(accountant, "close_accounts", account)
    assert "is a system account" in page.content.decode()
    account.refresh_from_db()
    assert account.closed_at is None


def test_imports_are_listed(accountant: Client, books: Ledger) -> None:
    done = import_accounts(
        entity=books.entity,
        ledger=books,
        rows=rows_of_template("tmpl_saas"),
        source="template",
        actor=SYSTEM,
    )
    assert done.public_id in accountant.get("/admin/accounts/accountimport/").content.decode()


def test_the_list_costs_the_same_for_any_number_of_accounts(
    accountant: Client, books: Ledger, django_assert_max_num_queries: Any
) -> None:
    parent = make_account(books, "Parent")
    for number in range(40):
        make_account(books, f"Child {number}", parent=parent)
    with django_assert_max_num_queries(12):
        accountant.get(LIST)
