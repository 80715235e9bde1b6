"""What the admin keeps of the chart: choosing an account in a form, and the record of imports."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Account
from accounts.services import import_accounts, rows_of_template
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.models import Entity, Ledger
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import OfficeClient, make_person, office_client, page_url

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/account/"
IMPORTS = "/admin/accounts/accountimport/"


@pytest.fixture
def bakery() -> Entity:
    return make_entity(make_developer().developer, "Bakery")


@pytest.fixture
def ledger(bakery: Entity) -> Ledger:
    return Ledger.objects.get(entity_id=bakery.id)


@pytest.fixture
def stranger() -> OfficeClient:
    return office_client(make_entity(make_developer("Other").developer, "Garage"))


def found(client: OfficeClient, text: str) -> list[str]:
    """What a field of a rule's form offers for some text."""
    asked = {"app_label": "banking", "model_name": "rule", "field_name": "category_account", "term": text}
    answer = client.get(reverse("admin:autocomplete"), asked)
    return [one["text"] for one in answer.json()["results"]] if answer.status_code == 200 else []


def test_a_form_finds_the_accounts_of_the_persons_companies_alone(
    bakery: Entity, ledger: Ledger, stranger: OfficeClient
) -> None:
    make_account(ledger, "Corner Till", sub_type_code=1010)
    ann = office_client(bakery, Role.ACCOUNTANT)

    assert found(ann, "till") == ["1010 Corner Till"]
    assert found(ann, "1010") == ["1010 Corner Till"]
    assert found(stranger, "till") == []
    assert found(OfficeClient(make_person("root", superuser=True)), "till") == []


def test_the_list_to_choose_from_has_the_persons_companies_accounts(
    bakery: Entity, ledger: Ledger, stranger: OfficeClient
) -> None:
    make_account(ledger, "Corner Till")
    ann = office_client(bakery, Role.ACCOUNTANT)
    assert "Corner Till" in ann.get(LIST, {"_popup": "1"}).content.decode()
    assert "Corner Till" not in stranger.get(LIST, {"_popup": "1"}).content.decode()


def test_who_comes_to_look_is_led_to_the_charts_own_pages(
    bakery: Entity, ledger: Ledger, stranger: OfficeClient
) -> None:
    account = make_account(ledger)
    ann = office_client(bakery, Role.ACCOUNTANT)
    assert ann.get(LIST, {"company": bakery.public_id})["Location"] == page_url("chart", bakery)
    assert ann.get(LIST)["Location"] == reverse("office:companies")
    change = f"{LIST}{account.id}/change/"
    assert ann.get(change)["Location"] == page_url("account", bakery, id=account.public_id)
    assert stranger.get(change).status_code == 404


@pytest.mark.parametrize("path", ["add/", "{id}/delete/"])
def test_nothing_is_made_or_deleted_past_the_services(bakery: Entity, ledger: Ledger, path: str) -> None:
    account = make_account(ledger)
    ann = office_client(bakery, Role.OWNER)
    url = LIST + path.format(id=account.id)
    assert ann.post(url, {"name": "Changed", "post": "yes"}).status_code == 403
    ann.post(f"{LIST}{account.id}/change/", {"name": "Changed"})
    assert Account.objects.get(id=account.id).name == "Cash"


def test_imports_are_listed_to_those_who_keep_or_operate_the_company(
    bakery: Entity, ledger: Ledger, stranger: OfficeClient
) -> None:
    done = import_accounts(
        entity=bakery, ledger=ledger, rows=rows_of_template("tmpl_saas"), source="template", actor=SYSTEM
    )
    for role in (Role.ACCOUNTANT, Role.AUDITOR, Role.OPERATOR):
        assert done.public_id in office_client(bakery, role).get(IMPORTS).content.decode()
    assert done.public_id not in stranger.get(IMPORTS).content.decode()
    assert stranger.get(f"{IMPORTS}{done.id}/change/").status_code != 200


def test_the_list_costs_the_same_for_any_number_of_accounts(
    bakery: Entity, ledger: Ledger, django_assert_max_num_queries: Any
) -> None:
    for number in range(40):
        make_account(ledger, f"Child {number}")
    ann = office_client(bakery, Role.ACCOUNTANT)
    with django_assert_max_num_queries(8):
        ann.get(LIST, {"_popup": "1"})
