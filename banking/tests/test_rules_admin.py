"""Rules in the back office: made, changed, deleted, shown and applied through the services."""

from typing import Any

import pytest

from accounts.services import close_account
from banking.models import Rule, RuleApplication
from banking.rules import admin as rules_admin
from banking.rules import background, choosing
from banking.tests.rules_cast import Client
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.exceptions import BusyError
from ledger.models import AuditEvent, BackgroundTask, User
from ledger.services.memberships import grant_membership
from ledger.tests.office import OfficeClient, make_person, office_client, page_url
from transactions.choices import Status
from transactions.models import Revision

pytestmark = pytest.mark.django_db
LIST = "/admin/banking/rule/"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def office(client: Client) -> OfficeClient:
    return office_client(client.entity, Role.ACCOUNTANT, name="ann")


@pytest.fixture
def person(office: OfficeClient) -> User:
    return office.user


def written(client: Client, **more: Any) -> dict[str, Any]:
    """A form that was filled in."""
    return {
        "name": "Software",
        "category_account": str(client.software.id),
        "priority": "100",
        "contains": "adobe",
        "regex": "",
        "counterparty": "",
        "direction": "any",
        "amount_least": "",
        "amount_most": "",
        "bank_account": "",
        "enabled": "on",
        **more,
    }


def act(office: OfficeClient, action: str, *rules: Rule, **more: str) -> Any:
    body = {"action": action, "_selected_action": [str(rule.pk) for rule in rules], **more}
    return office.post(LIST, body, follow=True)


def test_a_rule_is_made_changed_and_deleted_through_the_services(
    office: OfficeClient, client: Client
) -> None:
    made = office.post(
        f"{LIST}add/", written(client, bank_account=str(client.checking.id), amount_most="500")
    )
    assert made.status_code == 302, made.content
    rule = Rule.objects.get(entity_id=client.entity.id)
    assert (rule.contains, rule.bank_account_id, rule.enabled) == ("adobe", client.checking.id, True)

    page = office.get(f"{LIST}{rule.pk}/change/").content.decode()
    assert client.entity.public_id in page
    changed = office.post(f"{LIST}{rule.pk}/change/", written(client, priority="7", contains="figma"))
    assert changed.status_code == 302
    rule.refresh_from_db()
    assert (rule.priority, rule.contains, rule.bank_account_id, rule.amount_most) == (7, "figma", None, None)

    assert office.post(f"{LIST}{rule.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Rule.objects.filter(pk=rule.pk).exists()
    events = AuditEvent.objects.filter(object_type="rule").order_by("sequence")
    assert [(one.action, one.actor_label) for one in events] == [
        ("banking.rule.created", "ann"),
        ("banking.rule.updated", "ann"),
        ("banking.rule.deleted", "ann"),
    ]
    assert {one.scope_id for one in events} == {client.entity.id}


def test_the_list_shows_the_company_of_each_rule_and_can_be_searched(
    office: OfficeClient, client: Client
) -> None:
    client.rule("Ours", regex="adobe|figma", amount_most=500)
    garage = Client("Garage")
    garage.rule("Their rule")
    Client("Stranger").rule("Nobody's business")
    grant_membership(user=office.user, entity=garage.entity, role=Role.AUDITOR, actor=SYSTEM)

    page = office.get(LIST).content.decode()
    assert all(text in page for text in ("Ours", "Their rule", "Bakery", "Garage", "/adobe|figma/"))
    assert "Nobody" not in page
    assert "Their rule" not in office.get(f"{LIST}?q=figma").content.decode()
    assert office.get("/admin/banking/ruleapplication/").status_code == 200


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"regex": "(abc"}, "at place 4: missing )"),
        ({"regex": "a*"}, "would take every line"),
        ({"contains": "", "direction": "in"}, "condition"),
        ({"amount_least": "20", "amount_most": "10"}, "above amountMax"),
        ({"amount_least": "-1"}, "not above zero"),
        ({"category_account": ""}, "required"),
        ({"category_account": "nonsense"}, "valid"),
    ],
)
def test_the_form_says_what_the_services_refuse(
    office: OfficeClient, client: Client, more: dict[str, str], words: str
) -> None:
    refused = office.post(f"{LIST}add/", written(client, **more))

    assert refused.status_code == 200
    assert words in refused.content.decode()
    assert Rule.objects.count() == 0


def test_accounts_of_two_companies_make_no_rule(office: OfficeClient, client: Client) -> None:
    stranger = Client("Stranger")
    rule = client.rule()

    added = office.post(f"{LIST}add/", written(client, bank_account=str(stranger.checking.id)))
    moved = office.post(
        f"{LIST}{rule.pk}/change/", written(client, category_account=str(stranger.software.id))
    )

    for answer in (added, moved):
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "not one of the available choices" in text
        # Not even the name of an account that was named by its id.
        assert "Stranger" not in text
    # Also where the person is in both companies: each has its own books.
    grant_membership(user=office.user, entity=stranger.entity, role=Role.OWNER, actor=SYSTEM)
    for path, more, words in (
        (f"{LIST}add/", {"bank_account": str(stranger.checking.id)}, "in these books"),
        (f"{LIST}{rule.pk}/change/", {"category_account": str(stranger.software.id)}, "available choices"),
    ):
        answer = office.post(path, written(client, **more))
        assert answer.status_code == 200
        assert words in answer.content.decode()
    assert Rule.objects.get().category_account_id == client.software.id


def test_what_a_service_refuses_after_the_form_was_right_is_said(
    office: OfficeClient, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: Any) -> None:
        raise BusyError

    monkeypatch.setattr(rules_admin, "create_rule", busy)
    answer = office.post(f"{LIST}add/", written(client), follow=True)

    assert "Another request is changing the same records" in answer.content.decode()


def test_the_chosen_rules_are_shown_and_then_applied(
    office: OfficeClient, client: Client, person: User
) -> None:
    rule = client.rule(auto_approve=True)
    client.rule("Not chosen", contains="cinema")
    paid, cinema = client.record(("ADOBE <b>CLOUD</b>", "52.99"), ("Cinema", "12"))

    for action in ("preview", "apply"):
        page = act(office, action, rule).content.decode()
        assert "ADOBE &lt;b&gt;CLOUD&lt;/b&gt;" in page
        assert "Cinema" not in page
        assert ">52.99 USD<" in page
        assert "1 would change, 1 of these would be posted at once" in page
        assert 'name="confirmed"' in page
    assert client.stored(paid).status == Status.CLEARED

    answer = act(office, "apply", rule, confirmed="yes")
    assert "1 transactions changed, 1 of them approved." in answer.content.decode()
    assert client.stored(paid).status == Status.POSTED
    assert client.categories([paid, cinema]) == ["Software", "Uncategorized Expense"]
    assert RuleApplication.objects.get().applied_by == person.id
    assert set(Revision.objects.values_list("changed_by", flat=True)) == {person.id}


def test_a_long_run_goes_to_the_background(
    office: OfficeClient, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "AT_ONCE_MAX", 1)
    rule = client.rule()
    client.record(("ADOBE", "1"), ("ADOBE", "2"))

    answer = act(office, "apply", rule, confirmed="yes")

    assert BackgroundTask.objects.get().public_id in answer.content.decode()


def test_rules_of_two_companies_or_disabled_ones_are_not_applied(
    office: OfficeClient, client: Client
) -> None:
    stranger, disabled = Client("Stranger"), client.rule(enabled=False)
    ours, theirs = client.rule(), stranger.rule()
    grant_membership(user=office.user, entity=stranger.entity, role=Role.OWNER, actor=SYSTEM)
    [paid] = client.record(("ADOBE", "1"))

    for action, more in (("preview", {}), ("apply", {}), ("apply", {"confirmed": "yes"})):
        assert "rules of one company" in act(office, action, ours, theirs, **more).content.decode()
    assert "is disabled" in act(office, "apply", disabled, confirmed="yes").content.decode()
    assert client.categories([paid]) == ["Uncategorized Expense"]


def test_expressions_that_take_too_long_are_told_of(
    office: OfficeClient, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "SECONDS_MAX", -1.0)
    client.record(("ADOBE", "1"))
    for action, more in (("preview", {}), ("apply", {"confirmed": "yes"})):
        assert "took too long" in act(office, action, client.rule(), **more).content.decode()


def test_an_old_rule_can_be_disabled_though_its_account_is_closed(
    office: OfficeClient, client: Client
) -> None:
    rule = client.rule()
    close_account(entity=client.entity, account=client.software, actor=SYSTEM)
    form = written(client)
    del form["enabled"]

    assert office.post(f"{LIST}{rule.pk}/change/", form).status_code == 302
    assert not Rule.objects.get().enabled


def test_who_may_only_look_changes_and_applies_nothing(client: Client) -> None:
    rule = client.rule()
    [paid] = client.record(("ADOBE", "1"))
    choice = {"_selected_action": [str(rule.pk)], "confirmed": "yes", "post": "yes"}

    auditor = office_client(client.entity, Role.AUDITOR)
    assert auditor.get(LIST).status_code == 200
    assert auditor.get(f"{LIST}{rule.pk}/change/").status_code == 200
    for other in (auditor, office_client(client.entity, Role.OPERATOR)):
        assert other.post(f"{LIST}add/", written(client)).status_code == 403
        assert other.post(f"{LIST}{rule.pk}/change/", written(client, contains="x")).status_code == 403
        assert other.post(f"{LIST}{rule.pk}/delete/", {"post": "yes"}).status_code == 403
        for action in ("apply", "preview", "delete_selected"):
            other.post(LIST, {"action": action, **choice})
    assert Rule.objects.get().contains == "adobe"
    assert client.categories([paid]) == ["Uncategorized Expense"]


def test_rules_of_a_company_that_is_only_looked_at_are_left_alone(client: Client) -> None:
    garage = Client("Garage")
    rule = garage.rule()
    [paid] = garage.record(("ADOBE", "1"))
    both = make_person("both")
    grant_membership(user=both, entity=client.entity, role=Role.OWNER, actor=SYSTEM)
    grant_membership(user=both, entity=garage.entity, role=Role.AUDITOR, actor=SYSTEM)
    browser = OfficeClient(both)

    for action in ("preview", "apply", "delete_selected"):
        page = browser.post(
            LIST,
            {"action": action, "_selected_action": [str(rule.pk)], "confirmed": "yes", "post": "yes"},
            follow=True,
        )
        assert "ADOBE" not in page.content.decode()
    assert browser.post(f"{LIST}{rule.pk}/change/", written(garage)).status_code == 403
    added = browser.post(f"{LIST}add/", written(garage))
    assert "not one of the available choices" in added.content.decode()
    assert Rule.objects.get().id == rule.id
    assert garage.categories([paid]) == ["Uncategorized Expense"]


def test_a_new_rule_has_the_companys_own_page(office: OfficeClient, client: Client) -> None:
    garage = Client("Garage")
    here = page_url("rule-new", client.entity)
    assert office.get(f"{LIST}add/")["Location"] == here
    grant_membership(user=office.user, entity=garage.entity, role=Role.OWNER, actor=SYSTEM)

    chosen = f"?_changelist_filters=company%3D{client.entity.public_id}"
    assert office.get(f"{LIST}add/{chosen}")["Location"] == here
    # With several and none chosen, the accounts say whose they are.
    assert "Software (Garage)" in office.get(f"{LIST}add/").content.decode()


def test_a_stranger_finds_no_rule(client: Client) -> None:
    rule = client.rule("Secret rule")
    [paid] = client.record(("ADOBE", "1"))
    stranger = office_client(Client("Stranger").entity, Role.OWNER)

    assert "Secret rule" not in stranger.get(LIST).content.decode()
    assert stranger.get(f"{LIST}{rule.pk}/change/").status_code == 302
    assert stranger.post(f"{LIST}{rule.pk}/delete/", {"post": "yes"}).status_code == 302
    for action in ("apply", "preview", "delete_selected"):
        stranger.post(
            LIST, {"action": action, "_selected_action": [str(rule.pk)], "confirmed": "yes", "post": "yes"}
        )
    assert Rule.objects.get().id == rule.id
    assert client.categories([paid]) == ["Uncategorized Expense"]


def test_many_rules_are_deleted_through_the_service(office: OfficeClient, client: Client) -> None:
    rules = [client.rule(f"Rule {number}") for number in range(3)]

    act(office, "delete_selected", *rules, post="yes")

    assert Rule.objects.count() == 0
    assert AuditEvent.objects.filter(action="banking.rule.deleted").count() == 3
