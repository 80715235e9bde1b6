"""People, second factor and secrets in a real browser."""

import os
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import Authenticator, Membership, User
from ledger.services.memberships import grant_membership
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import make_person, page_url
from ledger.tests.test_second_factor import code_of, enrol

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough passphrase"
# A directory for screenshots, for those who want to look at the pages.
PICTURES = os.environ.get("OPENLEDGER_PICTURES", "")


def picture(browser: Any, name: str) -> None:
    if not PICTURES:
        return
    browser.picture(Path(PICTURES) / f"{name}.png", whole=True)
    browser.picture(Path(PICTURES) / f"{name}-phone.png", width=390, height=844, whole=True)
    browser.driver.execute_script("document.documentElement.classList.add('dark')")
    browser.picture(Path(PICTURES) / f"{name}-dark.png", whole=True)
    browser.driver.execute_script("document.documentElement.classList.remove('dark')")


def test_an_owner_lets_people_in_and_changes_settings(browser: Any) -> None:
    bakery = make_entity(make_developer().developer, "Corner Bakery LLC")
    ann, ben = make_person("ann"), make_person("ben")
    grant_membership(user=ann, entity=bakery, role=Role.OWNER, actor=SYSTEM)
    browser.log_in(ann)
    browser.go(page_url("people", bakery))

    browser.find("#invite [name=name]").send_keys("ben")
    Select(browser.find("#invite [name=role]")).select_by_value("auditor")
    browser.submit("#invite button")
    browser.find("#create [name=username]").send_keys("zoe")
    browser.submit("#create button")
    assert User.objects.get(username="zoe").check_password(browser.text("[data-secret]"))
    picture(browser, "people")
    zone = browser.find("#settings [name=timezone]")
    zone.clear()
    zone.send_keys("Europe/Berlin")
    browser.submit("#settings button[type=submit]")
    browser.driver.execute_script("window.confirm = () => true")
    row = f"form:has(input[value='{ben.pk}']) button.danger"
    browser.submit(row)

    assert dict(Membership.objects.values_list("user__username", "role")) == {
        "ann": "owner",
        "zoe": "accountant",
    }
    bakery.refresh_from_db()
    assert bakery.timezone == "Europe/Berlin"
    assert browser.faults() == []


def test_a_form_that_is_sent_twice_at_once_is_sent_once(browser: Any) -> None:
    bakery = make_entity(make_developer().developer, "Corner Bakery LLC")
    ann = make_person("ann")
    grant_membership(user=ann, entity=bakery, role=Role.OWNER, actor=SYSTEM)
    browser.log_in(ann)
    browser.go(page_url("people", bakery))
    browser.find("#create [name=username]").send_keys("zoe")

    page = browser.find("html")
    browser.driver.execute_script(
        "const button = document.querySelector('#create button'); button.click(); button.click()"
    )

    # The second one would have been told that the name is taken.
    browser.until(lambda: page != browser.find("html"), "the form was not sent")
    assert User.objects.get(username="zoe").check_password(browser.text("[data-secret]"))
    assert browser.faults() == []


def test_a_person_sets_a_second_factor_up_and_logs_in_with_it(browser: Any) -> None:
    bakery = make_entity(make_developer().developer, "Corner Bakery LLC")
    ann = make_person("ann")
    grant_membership(user=ann, entity=bakery, role=Role.OWNER, actor=SYSTEM)
    browser.log_in(ann)
    browser.go("/admin/second-factor/")
    picture(browser, "factor-none")

    browser.submit(".empty button")
    assert browser.find(".enrol img").get_attribute("naturalWidth") != "0"
    picture(browser, "factor-setup")
    browser.find("#confirm [name=code]").send_keys(code_of(ann))
    browser.submit("#confirm button")
    assert len(browser.all(".codes code")) == 10
    picture(browser, "factor-codes")

    browser.driver.delete_all_cookies()
    browser.go(page_url("people", bakery))
    browser.find("#id_username").send_keys("ann")
    browser.find("#id_password").send_keys(PASSWORD)
    picture(browser, "login")
    browser.submit("#login-form [type=submit]")
    assert "Corner Bakery" not in browser.text()
    picture(browser, "login-code")
    browser.find("#code-form [name=code]").send_keys(code_of(ann, steps=1))
    browser.submit("#code-form button")

    assert browser.driver.current_url.endswith(page_url("people", bakery))
    assert "Corner Bakery" in browser.text()
    assert browser.faults() == []


def test_windows_of_the_installation_work_under_the_policy(browser: Any) -> None:
    made = make_developer()
    bakery = make_entity(made.developer, "Corner Bakery LLC")
    root = make_person("root", superuser=True)
    enrol(make_person("ann"))
    Authenticator.objects.all().delete()
    browser.log_in(root)
    for name, path in (
        ("audit", "/admin/ledger/auditevent/"),
        ("keys", "/admin/ledger/apikey/"),
        ("key", f"/admin/ledger/apikey/{made.first_key.key.pk}/change/"),
        ("users", "/admin/ledger/user/"),
        ("user", f"/admin/ledger/user/{root.pk}/change/"),
        ("entity", f"/admin/ledger/entity/{bakery.pk}/change/"),
        ("person", f"/admin/installation/people/{root.pk}/"),
        ("members", f"/admin/installation/companies/{bakery.public_id}/people/"),
        ("key-new", "/admin/installation/keys/new/"),
    ):
        browser.go(path)
        assert browser.find("#main")
        picture(browser, name)
        assert browser.faults() == [], path
    browser.find("[name=name]").send_keys("Nightly")
    browser.submit("form.sheet button")
    assert browser.text("[data-secret]").startswith("olk_")
    picture(browser, "key-made")
    assert browser.driver.find_elements(By.CSS_SELECTOR, "[data-secret]")
    assert browser.faults() == []
