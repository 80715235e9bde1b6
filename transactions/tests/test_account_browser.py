"""An accountant's walk through the chart with the keyboard: fold, find, open a ledger, merge."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from accounts.models import Account
from accounts.services import import_accounts, rows_of_template
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import Entity, Ledger
from ledger.services.memberships import grant_membership
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import make_person, page_url
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.services import post_batch

pytestmark = pytest.mark.django_db(transaction=True)

# Where pictures of the walk are kept; nowhere unless asked for.
PICTURES = os.environ.get("OPENLEDGER_PICTURES")
NOON = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def company() -> Entity:
    """A company with a ready-made chart and a year of entries on a few accounts."""
    entity = make_entity(make_developer().developer, "Harbor Software Inc.")
    ledger = Ledger.objects.get(entity_id=entity.id)
    import_accounts(
        entity=entity, ledger=ledger, rows=rows_of_template("tmpl_saas"), source="template", actor=SYSTEM
    )
    accounts = {account.sub_type_code: account for account in Account.objects.filter(entity_id=entity.id)}
    cash = next(one for one in accounts.values() if one.financial_type == "CASH")
    drafts = []
    for week in range(52):
        at = NOON - dt.timedelta(weeks=week)
        for debit, credit, amount, text in (
            (cash, _of(accounts, "SUBSCRIPTION_REVENUES"), 4200 + week * 37, "Stripe payout"),
            (_of(accounts, "SOFTWARE_EXPENSES"), cash, 310 + week % 5 * 11, "Figma"),
            (_of(accounts, "RENT_EXPENSES"), cash, 900, "Harbor Properties"),
            (_of(accounts, "PAYROLL_EXPENSES"), cash, 2600 + week % 3 * 120, "Payroll"),
        ):
            drafts.append(
                Draft(
                    debit_account_id=debit.id,
                    credit_account_id=credit.id,
                    amount=amount,  # type: ignore[arg-type]
                    currency="USD",
                    timestamp=at,
                    date=at.date(),
                    status=Status.POSTED if week else Status.PENDING,
                    description=f"{text} {at:%B}",
                    counterparty=text,
                )
            )
    assert post_batch(entity=entity, drafts=drafts, actor=SYSTEM) == {}
    return entity


def _of(accounts: dict[int | None, Account], financial_type: str) -> Account:
    return next(one for one in accounts.values() if one.financial_type == financial_type)


def picture(browser: Any, name: str, *, width: int = 1280, whole: bool = False) -> None:
    if PICTURES:
        browser.picture(Path(PICTURES) / f"{name}.png", width=width, whole=whole)


def dark(browser: Any, on: bool) -> None:
    theme = '"dark"' if on else '"light"'
    browser.driver.execute_script("localStorage.setItem('adminTheme', arguments[0])", theme)
    browser.driver.refresh()
    browser.find("html.dark" if on else "html:not(.dark)")


def test_an_accountant_walks_through_the_chart_and_merges_two_accounts(browser: Any, company: Entity) -> None:
    ann = make_person("ann")
    grant_membership(user=ann, entity=company, role=Role.ACCOUNTANT, actor=SYSTEM)
    browser.log_in(ann)
    chart = {account.sub_type_code: account for account in Account.objects.filter(entity_id=company.id)}
    software, rent = _of(chart, "SOFTWARE_EXPENSES"), _of(chart, "RENT_EXPENSES")

    # The chart by keyboard: fold the assets, unfold them, find an account, open its ledger.
    browser.go(page_url("chart", company))
    browser.find("table.accounts")
    picture(browser, "chart")
    rows = len(browser.all("table.accounts tbody tr:not([hidden])"))
    browser.press("j")
    browser.press(Keys.ARROW_LEFT)
    assert browser.find("tr.current").get_attribute("id") == "ASSET"
    assert len(browser.all("table.accounts tbody tr:not([hidden])")) < rows
    browser.driver.refresh()
    assert len(browser.all("table.accounts tbody tr:not([hidden])")) < rows, "what is folded stays folded"
    browser.press("j")
    browser.press(Keys.ARROW_RIGHT)
    assert len(browser.all("table.accounts tbody tr:not([hidden])")) == rows
    browser.press("/")
    browser.find("[data-chart-search]").send_keys("rent")
    shown = [row.text for row in browser.all("table.accounts tbody tr:not([hidden]) .chart-name a")]
    assert rent.name in shown
    assert software.name not in shown
    picture(browser, "chart-found")
    browser.find("[data-chart-search]").send_keys(Keys.ESCAPE)
    dark(browser, True)
    picture(browser, "chart-dark", whole=True)
    picture(browser, "chart-phone", width=390)
    dark(browser, False)

    # A new account below another one.
    browser.find("[data-chart-search]").send_keys(software.name, Keys.ENTER)
    assert browser.find("tr.current").get_attribute("id") == software.public_id
    picture(browser, "chart-current")
    browser.press("a")
    browser.find("#id_name").send_keys("Design tools")
    browser.find("#id_code").send_keys(str(software.sub_type_code))
    picture(browser, "account-new", whole=True)
    browser.submit("form.sheet button.primary")
    assert "is taken by" in browser.text("form.sheet")
    picture(browser, "account-refused", whole=True)
    browser.find("#id_code").clear()
    browser.submit("form.sheet button.primary")
    made = Account.objects.get(entity_id=company.id, name="Design tools")
    assert made.parent_id == software.id

    # Its parent's ledger.
    browser.go(page_url("account", company, id=software.public_id))
    assert "Figma" in browser.text("table.ledger")
    picture(browser, "account", whole=True)
    dark(browser, True)
    picture(browser, "account-dark")
    picture(browser, "account-phone", width=390)
    dark(browser, False)
    browser.press("n")
    browser.find(".pages a[rel=first]")

    # Merge: choose, look, do.
    browser.press("m")
    Select(browser.find("#id_into")).select_by_value(rent.public_id)
    browser.submit("form[method=get] button")
    assert "51 posted" in browser.text(".merge-steps")
    picture(browser, "merge", whole=True)
    browser.submit("form[method=post] button.danger")
    assert "is merged into" in browser.text()
    picture(browser, "merged", whole=True)

    # And what an import would do.
    browser.go(page_url("chart-import", company))
    picture(browser, "import", whole=True)
    browser.find("input[value=tmpl_retail]").click()
    browser.submit("form[enctype] button.primary")
    assert "Nothing is done yet" in browser.text()
    picture(browser, "import-preview", whole=True)
    assert (faults := browser.faults()) == [], "\n".join(faults)
