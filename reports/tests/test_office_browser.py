"""An accountant's month end in a real browser: the dashboard, a statement, its entries, and the closing."""

from typing import Any

import pytest

from banking.sandbox.company import create_sandbox
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import Entity
from ledger.services.memberships import grant_membership
from ledger.tests.office import make_person, page_url
from reports.standing import end_of_last_month

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_the_dashboard_by_a_statement_to_its_entries_and_the_closing(browser: Any) -> None:
    made = create_sandbox(name="Sandbox", industry="software", seed=1, months=3, actor=SYSTEM)
    company = made.entity
    ann = make_person("ann")
    grant_membership(user=ann, entity=company, role=Role.ACCOUNTANT, actor=SYSTEM)
    browser.log_in(ann)

    # Whoever has one company lands on its dashboard.
    browser.go("/admin/")
    assert browser.driver.current_url.endswith(page_url("dashboard", company))
    assert "What waits" in browser.text(".office")
    assert browser.find("svg[role=img] title")

    # A key leads to the month before.
    title = browser.text(".steps strong")
    browser.press("h")
    browser.until(lambda: browser.text(".steps strong") != title, "the arrow led nowhere")

    # The picker shows the fields of the chosen kind, and sends those alone.
    browser.go(page_url("income-statement", company))
    browser.find("#period-kind option[value=year]").click()
    assert not browser.find("#period-month").is_displayed()
    browser.submit("form.period button[type=submit]")
    assert "period=year" in browser.driver.current_url
    assert "month=" not in browser.driver.current_url

    # Accounts fold away, by mouse and by key.
    shown = len([row for row in browser.all("table.lines tbody tr") if row.is_displayed()])
    browser.find("table.lines .fold").click()
    folded = len([row for row in browser.all("table.lines tbody tr") if row.is_displayed()])
    assert folded < shown
    browser.press("e")
    assert len([row for row in browser.all("table.lines tbody tr") if row.is_displayed()]) < folded
    browser.press("e")
    assert len([row for row in browser.all("table.lines tbody tr") if row.is_displayed()]) == shown

    # A figure leads to its entries, which add up to it.
    figure = browser.text("table.lines tr.total a.figure")
    browser.submit("table.lines tr.total a.figure")
    assert browser.text("[data-total]") == figure

    # The month is closed, though something is open, and the history says by whom.
    browser.go(page_url("closing", company))
    browser.find("[name=confirmed]").click()
    browser.submit("form.close button")
    end = end_of_last_month(company)
    assert Entity.objects.get(pk=company.pk).books_closed_through == end
    assert "ann" in browser.text(".office")
    assert browser.faults() == []
