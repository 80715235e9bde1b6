"""An hour of an accountant: ten bank lines reviewed by keyboard, and a statement reconciled to zero."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.transaction import atomic
from selenium.webdriver.common.keys import Keys

from ai.office.queue import count_waiting
from banking.choices import ReconciliationStatus
from banking.models import BankAccount, Reconciliation, Rule
from banking.sandbox.company import create_sandbox
from banking.services.recording import record_lines
from banking.services.storing import store_lines
from banking.tests.cast import seen
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.models import Entity, User
from ledger.services.memberships import grant_membership
from ledger.tests.browser import Browser
from ledger.tests.office import make_person, page_url
from ledger.times import day_of
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = os.environ.get("OPENLEDGER_PICTURES", "")


@pytest.fixture
def studio() -> Entity:
    return create_sandbox(name="Studio", industry="software", seed=1, months=3, actor=SYSTEM).entity


@pytest.fixture
def ann(studio: Entity) -> User:
    person = make_person("ann")
    grant_membership(user=person, entity=studio, role=Role.ACCOUNTANT, actor=SYSTEM)
    return person


def picture(browser: Browser, name: str, tmp_path: Path, **more: Any) -> None:
    browser.picture((Path(PICTURES) if PICTURES else tmp_path) / f"{name}.png", **more)


def dark(browser: Browser, *, on: bool) -> None:
    value = '"dark"' if on else '"light"'
    browser.driver.execute_script("localStorage.setItem('adminTheme', arguments[0])", value)
    browser.driver.refresh()


def test_ten_lines_are_reviewed_by_keyboard(
    browser: Browser, studio: Entity, ann: User, tmp_path: Path
) -> None:
    for number in range(8):
        _bank_says(studio, f"ZENITH CLOUD HOSTING {number}", "40.00")
    waiting = count_waiting(studio)
    assert waiting >= 18
    browser.log_in(ann)
    browser.go(page_url("review", studio))
    browser.find("#review-rows tr.current")
    picture(browser, "review", tmp_path)
    dark(browser, on=True)
    browser.find("#review-rows tr.current")
    picture(browser, "review-dark", tmp_path)
    dark(browser, on=False)
    browser.find("#review-rows tr.current")
    picture(browser, "review-phone", tmp_path, width=390, height=844)

    decided = 0

    def left(expected: int) -> None:
        browser.until(
            lambda: browser.text("#review-waiting") == str(expected),
            f"{browser.text('#review-waiting')} wait, not {expected}: {browser.text('#review-said')}",
        )

    # Accept what is offered or suggested, one key each.
    for _ in range(6):
        browser.press("a")
        decided += 1
    left(waiting - decided)
    # Take the last one back, and accept it once more.
    browser.press("u")
    left(waiting - decided + 1)
    browser.press("a")
    left(waiting - decided)
    # Another account, by typing the beginning of its name.
    browser.press("j")
    browser.press("c")
    browser.find("dialog.picker input").send_keys("trav")
    picture(browser, "review-choose", tmp_path)
    assert "Travel" in browser.text("dialog.picker li[aria-selected=true]")
    browser.find("dialog.picker input").send_keys(Keys.ENTER)
    decided += 1
    left(waiting - decided)
    # The transactions that it may be: Escape leaves it as it is.
    browser.press("m")
    browser.find("dialog.picker")
    browser.find("dialog.picker input").send_keys(Keys.ESCAPE)
    browser.press("s")
    for _ in range(3):
        browser.press("a")
        decided += 1
    left(waiting - decided)
    assert decided == 10
    assert count_waiting(studio) == waiting - decided

    # A rule from the current row.
    browser.press("r")
    browser.find("#look")
    browser.submit("#look")
    picture(browser, "rule", tmp_path, whole=True)
    browser.submit("#save")
    browser.find(".review, .empty")
    assert Rule.objects.filter(entity_id=studio.id).count() == 1
    # All that is sure, after a look.
    browser.go(f"{page_url('review-accept', studio)}?least=60")
    picture(browser, "review-accept", tmp_path)
    assert browser.faults() == []
    assert list(verify_books(studio)) == []


def test_a_statement_is_reconciled_to_zero(
    browser: Browser, studio: Entity, ann: User, tmp_path: Path
) -> None:
    bank = BankAccount.objects.get(entity_id=studio.id, subtype="checking")
    on = day_of(utc_now(), studio.zone)
    balance = bank.balance_current
    browser.log_in(ann)
    browser.go(page_url("reconciliations", studio))
    picture(browser, "reconciliations", tmp_path)
    browser.driver.execute_script(
        "const form = document.querySelector('#begin form'); form.account.value = arguments[0];"
        "form.day.value = arguments[1]; form.balance.value = arguments[2];",
        bank.public_id,
        on.isoformat(),
        str(balance),
    )
    browser.submit("#start")
    browser.find("#figures")
    assert browser.find("#complete").get_attribute("disabled")
    picture(browser, "reconciliation-open", tmp_path)

    assert browser.all("[name=action][value=match]"), "the sandbox offers some"
    browser.submit("#suggested")
    browser.find("#figures")
    dark(browser, on=True)
    picture(browser, "reconciliation-dark", tmp_path)
    dark(browser, on=False)
    picture(browser, "reconciliation-phone", tmp_path, width=390, height=844)
    before = browser.text("#difference")
    browser.press("j")
    browser.press(" ")
    browser.until(lambda: browser.text("#difference") != before, "the difference did not follow the tick")
    browser.until(lambda: "Saved" in browser.text("#reconciliation-said"), "the tick was not saved")
    browser.press("x")
    browser.until(lambda: browser.text("#difference") == before, "the difference did not follow the untick")
    browser.until(lambda: "Saved" in browser.text("#reconciliation-said"), "the untick was not saved")
    _tick_until_zero(browser)
    picture(browser, "reconciliation-zero", tmp_path)
    browser.submit("#complete")

    assert "Completed on" in browser.text("#figures")
    picture(browser, "reconciliation-completed", tmp_path, whole=True)
    done = Reconciliation.objects.get(entity_id=studio.id)
    assert done.status == ReconciliationStatus.COMPLETED
    browser.go(page_url("feeds", studio))
    picture(browser, "banks", tmp_path, whole=True)
    dark(browser, on=True)
    picture(browser, "banks-dark", tmp_path, whole=True)
    dark(browser, on=False)
    picture(browser, "banks-phone", tmp_path, width=390, height=844)
    assert browser.faults() == []
    assert list(verify_books(studio)) == []


def test_a_statement_file_is_looked_at_and_read_in(
    browser: Browser, studio: Entity, ann: User, tmp_path: Path
) -> None:
    file = tmp_path / "till.csv"
    # Older than what the connection brought.
    long_ago = utc_now().date() - timedelta(days=400)
    file.write_text(f"Date,Text,Amount\n{long_ago},FLOUR,-12.50\n{long_ago},SALES,1234.56\n")
    browser.log_in(ann)
    browser.go(page_url("statement-new", studio))
    browser.find("#id_file").send_keys(str(file))
    choice = browser.find("#id_account optgroup option")
    browser.driver.execute_script("arguments[0].selected = true", choice)
    picture(browser, "statement-new", tmp_path)
    browser.submit("#send")
    picture(browser, "statement-preview", tmp_path, whole=True)
    picture(browser, "statement-preview-phone", tmp_path, width=390, height=844)
    browser.submit("#import")
    assert "2 lines read in" in browser.text("body")
    picture(browser, "statement-import", tmp_path)
    assert browser.faults() == []


def _bank_says(entity: Entity, text: str, amount: str) -> None:
    """A new line of the checking account, recorded as a sync does it."""
    bank = BankAccount.objects.get(entity_id=entity.id, subtype="checking")
    line = seen(text, amount, description=text, date=day_of(utc_now(), entity.zone))
    with atomic():
        stored = store_lines(entity, bank, [line])
        record_lines(entity=entity, line_ids=stored.new_ids, actor=SYSTEM)


def _tick_until_zero(browser: Browser) -> None:
    """Tick what is left in the list, the box in its head first."""
    if browser.text("#difference") != "0.00":
        browser.find("[data-all]").click()
    browser.until(lambda: browser.text("#difference") == "0.00", "the difference is not zero")
    browser.until(lambda: not browser.find("#complete").get_attribute("disabled"), "it cannot be completed")
