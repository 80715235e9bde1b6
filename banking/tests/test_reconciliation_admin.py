"""Statements and daily differences in the back office: to read alone."""

import pytest
from django.test import Client

from banking.reconciliation.tie_out import tie_out
from banking.tests.reconciliation_cast import Bakery
from banking.tests.test_tie_out import reported
from ledger.choices import Role
from ledger.tests.office import office_client

LIST = "/admin/banking/reconciliation/"


@pytest.fixture
def bakery(db: None) -> Bakery:
    return Bakery()


@pytest.fixture
def accountant(bakery: Bakery) -> Client:
    return office_client(bakery.entity, Role.ACCOUNTANT)


def test_statements_are_listed_and_shown_and_not_changed(accountant: Client, bakery: Bakery) -> None:
    one = bakery.completed(bakery.earn("1234.50"))
    page = accountant.get(LIST).content.decode()
    assert all(text in page for text in ("1234.5000", "Bank", "Completed"))
    path = f"{LIST}{one}/change/"
    assert accountant.get(path).status_code == 200
    assert accountant.post(path, {"statement_balance": "1"}).status_code == 403
    assert accountant.post(f"{LIST}{one}/delete/", {"post": "yes"}).status_code == 403
    assert accountant.get(f"{LIST}add/").status_code == 403
    assert bakery.statement(one).statement_balance == 1234.50


def test_daily_differences_are_listed(accountant: Client, bakery: Bakery) -> None:
    reported(bakery.checking, "77.25")
    tie_out(bakery.entity)
    page = accountant.get("/admin/banking/tieout/").content.decode()
    assert all(text in page for text in ("77.2500", "0.0000", "Bank less books"))
