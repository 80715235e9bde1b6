"""Who gets to see a page of a company in the back office."""

import pytest
from django.test import Client

from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.exceptions import ConflictError, NotFoundError
from ledger.models import AuditEvent, Membership
from ledger.services.memberships import grant_membership, revoke_membership
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import OfficeClient, make_person, office_client, page_url

pytestmark = pytest.mark.django_db


def test_who_is_in_the_company_sees_its_pages_and_the_switch_between_companies() -> None:
    developer = make_developer().developer
    bakery, garage = make_entity(developer, "Bakery"), make_entity(developer, "Garage")
    ann = office_client(bakery, Role.ACCOUNTANT)
    grant_membership(user=ann.user, entity=garage, role=Role.AUDITOR, actor=SYSTEM)

    page = ann.page("dashboard", bakery)

    assert page.status_code == 200
    assert page.context["company"] == bakery
    # The switch leads to the same page of the other company.
    assert page_url("dashboard", garage) in page.content.decode()


def test_a_stranger_gets_the_answer_of_a_company_that_is_not_there() -> None:
    developer = make_developer().developer
    bakery, garage = make_entity(developer, "Bakery"), make_entity(developer, "Garage")
    stranger = office_client(garage)
    gone = page_url("dashboard", bakery).replace(bakery.public_id, "entity_" + "0" * 26)

    assert stranger.page("dashboard", bakery).status_code == 404
    assert stranger.get(gone).status_code == 404
    # A superuser looks after the installation, not after anybody's books.
    root = OfficeClient(make_person("root", superuser=True))
    assert root.page("dashboard", bakery).status_code == 404


def test_who_is_not_logged_in_is_sent_to_the_log_in() -> None:
    bakery = make_entity(make_developer().developer)

    answer = Client().get(page_url("dashboard", bakery))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/?next=")


def test_an_operator_sees_no_books_and_an_auditor_changes_none() -> None:
    bakery = make_entity(make_developer().developer)

    assert office_client(bakery, Role.OPERATOR).page("dashboard", bakery).status_code == 403
    assert office_client(bakery, Role.AUDITOR).page("dashboard", bakery).status_code == 200
    assert office_client(bakery, Role.AUDITOR).send("dashboard", bakery).status_code == 403


def test_memberships_are_recorded_and_a_company_keeps_an_owner() -> None:
    bakery = make_entity(make_developer().developer)
    ann, bob = make_person("ann"), make_person("bob")
    grant_membership(user=ann, entity=bakery, role=Role.OWNER, actor=SYSTEM)

    with pytest.raises(ConflictError, match="only owner"):
        grant_membership(user=ann, entity=bakery, role=Role.AUDITOR, actor=SYSTEM)
    with pytest.raises(ConflictError, match="only owner"):
        revoke_membership(user=ann, entity=bakery, actor=SYSTEM)
    grant_membership(user=bob, entity=bakery, role=Role.OWNER, actor=SYSTEM)
    revoke_membership(user=ann, entity=bakery, actor=SYSTEM)
    with pytest.raises(NotFoundError, match="is not in"):
        revoke_membership(user=ann, entity=bakery, actor=SYSTEM)

    assert list(Membership.objects.values_list("user__username", "role")) == [("bob", "owner")]
    actions = AuditEvent.objects.filter(scope_id=bakery.id, action__startswith="ledger.membership.")
    assert [one.action.rpartition(".")[2] for one in actions.order_by("sequence")] == [
        "granted", "granted", "revoked",
    ]  # fmt: skip
