"""Making a rule from what a person looks at in the review queue."""

from typing import Any

import pytest

from banking.models import Rule
from banking.tests.cast import feed, make_banked, seen
from banking.tests.rules_cast import Client
from ledger.choices import Role
from ledger.ids import Prefix, encode_id
from ledger.models import AuditEvent
from ledger.tests.office import OfficeClient, office_client, page_url
from transactions.choices import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def bakery() -> Client:
    return Client()


@pytest.fixture
def ann(bakery: Client) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT, name="ann")


def written(bakery: Client, **more: str) -> dict[str, str]:
    """The form as it was filled in."""
    return {
        "name": "Adobe", "category": bakery.software.public_id, "contains": "adobe", "counterparty": "",
        "direction": "out", "amount_least": "", "amount_most": "", "bank_account": "", "regex": "",
        "priority": "100", "action": "look", "next": "review", **more,
    }  # fmt: skip


def test_the_form_begins_with_the_text_the_way_and_the_chosen_account(
    ann: OfficeClient, bakery: Client
) -> None:
    [paid] = bakery.record(("ADOBE CLOUD 4711 X9", "52.99"))
    query = {"from": encode_id(Prefix.TRANSACTION, paid), "account": bakery.software.public_id}

    initial = ann.page("rule-new", bakery.entity, query=query).context["form"].initial

    assert (initial["contains"], initial["direction"]) == ("ADOBE CLOUD", "out")
    assert initial["category"] == bakery.software.public_id


def test_a_bank_line_with_a_counterparty_gives_its_name() -> None:
    company = make_banked()
    company.post("80", credit=company.bank)
    feed(company, seen("a", "80", counterparty="Landlord LLC"))
    client = office_client(company.entity, Role.OWNER)

    page = client.page("rule-new", company.entity, query={"from": company.line("a").public_id})

    initial = page.context["form"].initial
    assert (initial["counterparty"], initial["contains"]) == ("Landlord LLC", "")


def test_it_is_looked_at_made_and_applied(ann: OfficeClient, bakery: Client) -> None:
    paid, cinema = bakery.record(("ADOBE <b>CLOUD</b>", "52.99"), ("CINEMA", "9"))

    looked = ann.send("rule-new", bakery.entity, written(bakery))
    assert looked.status_code == 200
    assert [one.found.id for one in looked.context["changes"]] == [paid]
    assert "ADOBE &lt;b&gt;CLOUD" in looked.content.decode()
    assert not Rule.objects.exists()
    assert bakery.categories([paid]) == ["Uncategorized Expense"]

    made = ann.send("rule-new", bakery.entity, written(bakery, action="save", apply="on"))

    assert made["Location"] == page_url("review", bakery.entity)
    assert Rule.objects.get().created_by == ann.user.pk
    assert bakery.categories([paid, cinema]) == ["Software", "Uncategorized Expense"]
    assert bakery.stored(paid).status == Status.CLEARED
    assert AuditEvent.objects.filter(action="banking.rule.created", actor_label="ann").exists()


def test_without_applying_it_works_on_what_comes_alone(ann: OfficeClient, bakery: Client) -> None:
    [paid] = bakery.record(("ADOBE", "52.99"))
    ann.send("rule-new", bakery.entity, written(bakery, action="save"))
    assert bakery.categories([paid]) == ["Uncategorized Expense"]
    assert Rule.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"contains": "", "direction": "in"}, "without a condition"),
        ({"regex": "(abc"}, "missing )"),
        ({"amount_least": "20", "amount_most": "10"}, "above amountMax"),
        ({"category": ""}, "required"),
        ({"name": ""}, "required"),
        ({"priority": "x"}, "whole number"),
    ],
)
@pytest.mark.parametrize("action", ["look", "save"])
def test_what_cannot_be_is_said_at_the_form_and_nothing_is_made(
    ann: OfficeClient, bakery: Client, more: dict[str, str], words: str, action: str
) -> None:
    answer = ann.send("rule-new", bakery.entity, written(bakery, action=action, **more))

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Rule.objects.exists()


def test_accounts_and_lines_of_others_are_no_choices(ann: OfficeClient, bakery: Client) -> None:
    stranger = Client("Stranger")
    [theirs] = stranger.record(("ADOBE", "1"))

    def refused(**more: str) -> Any:
        return ann.send("rule-new", bakery.entity, written(bakery, action="save", **more))

    for more in (
        {"category": stranger.software.public_id},
        {"bank_account": stranger.checking.public_id},
    ):
        assert "is not one of the available choices" in refused(**more).content.decode()
    peeked = ann.page("rule-new", bakery.entity, query={"from": encode_id(Prefix.TRANSACTION, theirs)})
    assert peeked.status_code == 404
    assert ann.page("rule-new", stranger.entity).status_code == 404
    assert not Rule.objects.exists()


def test_who_only_looks_makes_none(bakery: Client) -> None:
    for role in (Role.AUDITOR, Role.OPERATOR):
        client = office_client(bakery.entity, role)
        assert client.page("rule-new", bakery.entity).status_code == 403
        assert client.send("rule-new", bakery.entity, written(bakery, action="save")).status_code == 403
    assert not Rule.objects.exists()


def test_only_pages_of_the_company_are_returned_to(ann: OfficeClient, bakery: Client) -> None:
    made = ann.send("rule-new", bakery.entity, written(bakery, action="save", next="//evil.example"))
    assert made["Location"] == page_url("review", bakery.entity)
