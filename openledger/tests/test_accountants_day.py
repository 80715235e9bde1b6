"""An accountant's day in a real browser, over a sandbox company: from the log-in to a closed month.

With `OPENLEDGER_SCREENSHOTS` it writes the pictures that the README and docs/back-office.md show.
"""

import os
import urllib.request
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from selenium.webdriver.common.keys import Keys

from accounts.choices import AccountType
from accounts.models import Account
from ai.office.queue import count_waiting
from banking.models import BankAccount, Reconciliation
from banking.sandbox.company import create_sandbox
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.models import Entity
from ledger.services.memberships import grant_membership
from ledger.tests.browser import Browser
from ledger.tests.office import make_person, page_url
from reports.standing import end_of_last_month
from transactions.choices import Status
from transactions.models import JournalEntry, Transaction
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD: Final = "a long enough passphrase"
WIDE: Final = {"width": 1280, "height": 860}
PHONE: Final = {"width": 390, "height": 844}


class Day:
    """The browser, the company, and where pictures go."""

    def __init__(self, browser: Browser, company: Entity, pictures: Path) -> None:
        self.browser, self.company, self.pictures = browser, company, pictures

    def open(self, page: str, query: str = "", **parts: str) -> None:
        self.browser.go(page_url(page, self.company, **parts) + query)
        self.browser.find(".office")

    def picture(self, name: str, **size: Any) -> None:
        self.browser.picture(self.pictures / f"{name}.png", **(size or WIDE))


def test_the_day_of_an_accountant(browser: Browser, tmp_path: Path) -> None:
    company = create_sandbox(
        name="Northwind Studio", industry="software", seed=7, months=6, actor=SYSTEM
    ).entity
    ann = make_person("ann")
    grant_membership(user=ann, entity=company, role=Role.ACCOUNTANT, actor=SYSTEM)
    kept = os.environ.get("OPENLEDGER_SCREENSHOTS")
    day = Day(browser, company, Path(kept) if kept else tmp_path)

    log_in(day)
    review_ten_lines(day)
    approve_some(day)
    write_a_journal_entry(day)
    reconcile_a_statement(day)
    read_the_balance_sheet(day)
    close_the_month(day)
    at_night_and_on_a_phone(day)

    assert browser.faults() == []
    assert list(verify_books(company)) == []


def log_in(day: Day) -> None:
    browser = day.browser
    browser.go("/admin/")
    browser.find("#id_username").send_keys("ann")
    browser.find("#id_password").send_keys(PASSWORD)
    browser.submit("form button[type=submit]")

    # Whoever has one company lands on its dashboard.
    assert browser.driver.current_url.endswith(page_url("dashboard", day.company))
    assert "What waits" in browser.text(".office")
    day.picture("dashboard", width=1280, height=1000)


def review_ten_lines(day: Day) -> None:
    browser, waiting = day.browser, count_waiting(day.company)
    assert waiting >= 10
    day.open("review")
    browser.find("#review-rows tr.current")
    day.picture("review")

    for decided in range(1, 10):
        browser.press("a")
        browser.until(
            lambda expected=str(waiting - decided): browser.text("#review-waiting") == expected,
            f"not {waiting - decided} wait: {browser.text('#review-said')}",
        )
    browser.press("c")
    browser.find("dialog.picker input").send_keys("trav")
    day.picture("review-choose")
    browser.find("dialog.picker input").send_keys(Keys.ENTER)
    browser.until(lambda: browser.text("#review-waiting") == str(waiting - 10), browser.text("#review-said"))
    assert count_waiting(day.company) == waiting - 10


def approve_some(day: Day) -> None:
    browser = day.browser
    day.open("transactions")
    browser.find("table.transactions tbody tr")
    day.picture("transactions")
    day.open("transactions", "?status=waiting")
    posted = Transaction.objects.filter(entity_id=day.company.id, status=Status.POSTED).count()
    for key in "jxjxjx":
        browser.press(key)
    browser.press("a")
    browser.find("table.effect tbody tr")
    day.picture("approve")
    browser.submit("form.act button.primary")

    assert "3 approved" in browser.text()
    now_posted = Transaction.objects.filter(entity_id=day.company.id, status=Status.POSTED).count()
    assert now_posted == posted + 3


def write_a_journal_entry(day: Day) -> None:
    browser = day.browser
    day.open("journal-entry-new")
    browser.find("input[name=description]").send_keys("Depreciation of the laptops")
    accounts, debits, credits = (
        browser.all(f"input[name={name}]") for name in ("account", "debit", "credit")
    )
    named = Account.objects.filter(entity_id=day.company.id, name__contains="Depreciation")
    accounts[0].send_keys(str(named.get(type=AccountType.EXPENSE)))
    debits[0].send_keys("1,250.00")
    accounts[1].send_keys(str(named.get(type=AccountType.ASSET)))
    assert browser.text("[data-difference]") == "1,250.00"
    credits[1].send_keys("=")
    assert browser.text("[data-difference]") == "Balanced"
    day.picture("journal-entry")
    browser.submit("button[value=posted]")

    entry = JournalEntry.objects.get(entity_id=day.company.id, description="Depreciation of the laptops")
    assert Transaction.objects.get(journal_entry=entry).amount == Decimal("1250.00")


def reconcile_a_statement(day: Day) -> None:
    browser = day.browser
    bank = BankAccount.objects.get(entity_id=day.company.id, subtype="checking")
    on = end_of_last_month(day.company)
    assert on is not None
    day.open("reconciliations")
    browser.driver.execute_script(
        "const form = document.querySelector('#begin form'); form.account.value = arguments[0];"
        "form.day.value = arguments[1]; form.balance.value = arguments[2];",
        bank.public_id,
        on.isoformat(),
        str(books_of(bank, on)),
    )
    browser.submit("#start")
    browser.submit("#suggested")
    browser.find("#figures")
    if browser.text("#difference") != "0.00":
        browser.find("[data-all]").click()
    browser.until(lambda: browser.text("#difference") == "0.00", "the difference is not zero")
    browser.until(lambda: browser.find("#complete").is_enabled(), "it cannot be completed")
    day.picture("reconciliation")
    browser.submit("#complete")

    assert "Completed on" in browser.text("#figures")
    assert Reconciliation.objects.get(entity_id=day.company.id).completed_at is not None


def books_of(bank: BankAccount, on: date) -> Decimal:
    """What the books say of the bank account at the end of that day."""
    ours = bank.ledger_account_id
    rows = Transaction.objects.filter(entity_id=bank.entity_id, date__lte=on).exclude(status=Status.EXPIRED)
    return sum(
        (
            row.amount if row.debit_account_id == ours else -row.amount
            for row in rows
            if ours in (row.debit_account_id, row.credit_account_id)
        ),
        Decimal(0),
    )


def read_the_balance_sheet(day: Day) -> None:
    browser = day.browser
    day.open("income-statement", "?period=year")
    day.picture("income-statement", width=1280, height=1100)
    day.open("balance-sheet", "?compare=previous")
    day.picture("balance-sheet", width=1280, height=1100)
    # The file is what an accountant signs.
    link = str(browser.find("a[href*=pdf]").get_attribute("href"))
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in browser.driver.get_cookies())
    with urllib.request.urlopen(urllib.request.Request(link, headers={"Cookie": cookies})) as answer:
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.read(5) == b"%PDF-"
    # A figure leads to its entries, which add up to it.
    figure = browser.text("table.lines a.figure")
    browser.submit("table.lines a.figure")
    assert browser.text("[data-total]") == figure
    day.picture("entries")
    day.open("chart")
    day.picture("chart-of-accounts")


def close_the_month(day: Day) -> None:
    browser = day.browser
    day.open("closing")
    day.picture("closing", width=1280, height=1000)
    confirmed = browser.all("[name=confirmed]")
    if confirmed:
        confirmed[0].click()
    browser.submit("form.close button")

    closed = Entity.objects.get(pk=day.company.pk).books_closed_through
    assert closed is not None
    assert closed < utc_now().date()


def at_night_and_on_a_phone(day: Day) -> None:
    browser = day.browser
    browser.driver.execute_script("localStorage.setItem('adminTheme', '\"dark\"')")
    day.open("dashboard")
    day.picture("dashboard-dark", width=1280, height=1000)
    browser.driver.execute_script("localStorage.removeItem('adminTheme')")
    day.open("review")
    day.picture("review-phone", **PHONE)
