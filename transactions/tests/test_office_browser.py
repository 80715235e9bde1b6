"""An accountant at the list of transactions, in a real browser."""

import datetime as dt
import os
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.ids import Prefix, encode_id
from ledger.services.memberships import grant_membership
from ledger.tests.browser import Browser
from ledger.tests.office import make_person, page_url
from transactions.choices import Source, Status
from transactions.models import JournalEntry, Transaction
from transactions.services import categorize_transactions
from transactions.tests.conftest import Company, make_company

pytestmark = pytest.mark.django_db(transaction=True)

PICTURES = os.environ.get("OPENLEDGER_PICTURES")


def picture(browser: Browser, name: str, **options: object) -> None:
    """Keep a screenshot where somebody wants to look at them."""
    if PICTURES:
        browser.picture(Path(PICTURES) / f"transactions-{name}.png", **options)  # type: ignore[arg-type]


def books() -> Company:
    """Three months of a small bakery."""
    company = make_company("Corner Bakery LLC")
    first = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0, microsecond=0) - dt.timedelta(
        days=80
    )
    names = ["Miller Flour", "City Power", "Landlord Ltd", "Cloud Hosting", "Card terminal"]
    for n in range(60):
        at = first + dt.timedelta(days=n * 4 // 3)
        more = {"status": Status.POSTED if n < 40 else Status.PENDING, "source": Source.BANK, "at": at}
        if n % 5 == 4:
            company.post(
                f"{250 + 17 * n}.50", debit=company.bank, credit=company.sales, counterparty=names[4],
                description=f"Takings of week {n // 5 + 1}", **more,
            )  # fmt: skip
        else:
            account = company.software if n % 5 == 3 else company.rent
            company.post(
                f"{37 * n + 19}.{n:02d}", debit=account, credit=company.bank, counterparty=names[n % 5],
                description=f"{names[n % 5]} invoice {1000 + n}", **more,
            )  # fmt: skip
    return company


def test_an_accountants_way_through_transactions(browser: Browser) -> None:
    company = books()
    ann = make_person("ann")
    grant_membership(user=ann, entity=company.entity, role=Role.ACCOUNTANT, actor=SYSTEM)
    browser.log_in(ann)
    driver = browser.driver

    # The list; by keyboard to what waits.
    browser.go(page_url("transactions", company.entity))
    browser.find("table.transactions tbody tr")
    picture(browser, "list", whole=True)
    browser.go(page_url("transactions", company.entity) + "?status=waiting")
    assert len(browser.all("table.transactions tbody tr")) == 20
    for key in "jxjx":
        browser.press(key)
    assert browser.text("[data-count]") == "2 chosen"
    picture(browser, "chosen")
    browser.press("a")

    # What approving would do, and doing it.
    browser.until(lambda: "/act/approve/" in driver.current_url, "a leads to the confirmation")
    browser.find("table.effect tbody tr")
    picture(browser, "approve", whole=True)
    assert "Approve 2 transactions" in browser.text()
    browser.submit("form.act button.primary")
    assert "status=waiting" in driver.current_url
    assert "2 approved" in browser.text()
    assert len(browser.all("table.transactions tbody tr")) == 18

    # One of them: open, step through the list, edit.
    browser.press("j")
    browser.press("o")
    browser.until(lambda: "/transactions/txn_" in driver.current_url, "o opens the row")
    first = driver.current_url
    browser.press("j")
    browser.until(lambda: driver.current_url != first and "txn_" in driver.current_url, "j goes on")
    browser.press("k")
    browser.until(lambda: driver.current_url == first, "k goes back")
    browser.press("e")
    field = browser.find("input[name=description]")
    field.clear()
    field.send_keys("Flour for <Easter>")
    picture(browser, "edit", whole=True)
    browser.submit("form.sheet button.primary")
    assert "Flour for <Easter>" in browser.text()
    assert "Edited by ann" in browser.text(".history")
    picture(browser, "one", whole=True)

    # Split it by its key: the second row takes what is left.
    browser.press("s")
    browser.find("form.rows")
    amount = Transaction.objects.get(description="Flour for <Easter>").amount
    account, other = browser.all("input[name=account]")[:2]
    money, rest = browser.all("input[name=amount]")[:2]
    account.send_keys("Rent")
    money.send_keys("1.50")
    other.send_keys("6100 Software")
    rest.send_keys("=")
    assert browser.text("[data-left]") == "Nothing"
    browser.submit("button[data-check]")
    picture(browser, "split", whole=True)
    browser.submit("form.rows button[data-key=y]")
    assert "Split into 2." in browser.text()
    parts = Transaction.objects.filter(journal_entry__isnull=False)
    assert sum(part.amount for part in parts) == amount

    # A journal entry: totals as one types, Enter goes on, a row is added by key.
    browser.go(page_url("journal-entry-new", company.entity))
    rows = len(browser.all("table.entry tbody tr"))
    browser.find("input[name=description]").send_keys("Accrued rent")
    browser.find("input[name=account]").send_keys("Rent")
    browser.find("input[name=debit]").send_keys("1,200.10")
    assert browser.text("[data-difference]") == "1,200.10"
    browser.find("input[name=debit]").send_keys(Keys.ENTER)
    assert driver.switch_to.active_element.get_attribute("name") == "account"
    driver.switch_to.active_element.send_keys("Loan")
    browser.all("input[name=credit]")[1].send_keys("=")
    assert browser.text("[data-difference]") == "Balanced"
    browser.all("input[name=credit]")[1].send_keys(Keys.ALT, "n", Keys.NULL)
    assert len(browser.all("table.entry tbody tr")) > rows
    picture(browser, "journal", whole=True)
    browser.submit("button[value=posted]")
    assert "Accrued rent" in browser.text()
    picture(browser, "entry", whole=True)
    assert JournalEntry.objects.filter(description="Accrued rent").count() == 1

    # A posted one that was reclassified; keeping a view; on a phone and in the dark.
    posted = Transaction.objects.filter(status=Status.POSTED, debit_account=company.rent).first()
    assert posted is not None
    categorize_transactions(
        entity=company.entity, ids=[posted.id], category_id=company.software.id, actor=SYSTEM
    )
    address = page_url("transaction", company.entity, id=encode_id(Prefix.TRANSACTION, posted.id))
    browser.go(address)
    picture(browser, "reclassified", whole=True)
    browser.go(page_url("transactions", company.entity) + "?min=1000&status=POSTED")
    browser.find("input[name=name]").send_keys("Over a thousand")
    browser.submit(".save-view button:last-child")
    assert "Over a thousand" in browser.text(".tabs [aria-current]")
    driver.execute_script("localStorage.setItem('adminTheme', '\"dark\"')")
    driver.refresh()
    browser.find("table.transactions tbody tr")
    picture(browser, "dark")
    browser.go(address)
    picture(browser, "one-dark", whole=True)
    browser.go(page_url("transactions", company.entity))
    picture(browser, "phone", width=390, height=844)
    browser.go(page_url("journal-entry-new", company.entity))
    picture(browser, "journal-phone", width=390, height=844)
    driver.execute_script("localStorage.setItem('adminTheme', '\"light\"')")
    assert browser.faults() == []
