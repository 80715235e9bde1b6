"""The page about the people of a company and its settings; and those of superusers about people and keys."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from ledger import audit
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.exceptions import ConflictError
from ledger.models import ApiKey, AuditEvent, Developer, Entity, Membership, User
from ledger.services.memberships import grant_membership
from ledger.services.people import create_person, disable_person, find_person
from ledger.services.second_factor import begin_second_factor
from ledger.tests.helpers import Caller, make_developer, make_entity
from ledger.tests.office import OfficeClient, make_person, office_client, page_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def bakery() -> Entity:
    return make_entity(make_developer().developer, "Bakery")


@pytest.fixture
def owner(bakery: Entity) -> OfficeClient:
    return office_client(bakery, Role.OWNER, name="ann")


def roles(entity: Entity) -> dict[str, str]:
    return dict(Membership.objects.filter(entity=entity).values_list("user__username", "role"))


def secret_on(page: Any) -> str:
    found = re.search(r"<code[^>]*data-secret>([^<]+)</code>", page.content.decode())
    assert found
    return found.group(1)


def test_an_owner_sees_who_is_in_the_company(bakery: Entity, owner: OfficeClient) -> None:
    grant_membership(user=make_person("ben"), entity=bakery, role=Role.AUDITOR, actor=SYSTEM)

    page = owner.page("people", bakery)

    assert page.status_code == 200
    shown = page.content.decode()
    assert "ben" in shown
    assert "never" in shown


def test_only_owners_see_the_page(bakery: Entity) -> None:
    for role in (Role.ACCOUNTANT, Role.AUDITOR, Role.OPERATOR):
        client = office_client(bakery, role)
        assert client.page("people", bakery).status_code == 403
        assert client.send("people", bakery, {"do": "details", "legal_name": "Taken"}).status_code == 403


def test_the_page_needs_as_many_queries_for_many_people_as_for_few(
    bakery: Entity, owner: OfficeClient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for at in range(30):
        grant_membership(user=make_person(f"p{at}"), entity=bakery, role=Role.AUDITOR, actor=SYSTEM)

    with django_assert_max_num_queries(6):
        owner.page("people", bakery)


def test_who_works_here_is_let_in_by_name_or_address(bakery: Entity, owner: OfficeClient) -> None:
    User.objects.filter(pk=make_person("ben").pk).update(email="ben@example.com")
    make_person("eve")

    by_address = owner.send(
        "people", bakery, {"do": "invite", "name": "ben@example.com", "role": "accountant"}
    )
    owner.send("people", bakery, {"do": "invite", "name": "ben", "role": "accountant"})
    owner.send("people", bakery, {"do": "invite", "name": "eve", "role": "operator"})
    nobody = owner.send("people", bakery, {"do": "invite", "name": "nobody", "role": "operator"})

    # Nobody checks whose an address is: another company's owner may have made a person under it.
    assert by_address.status_code == 400
    posing = {"do": "create", "username": "ben@example.com", "role": "accountant"}
    assert owner.send("people", bakery, posing).status_code == 400
    assert nobody.status_code == 400
    assert "nobody with the user name" in nobody.content.decode()
    assert roles(bakery) == {"ann": "owner", "ben": "accountant", "eve": "operator"}
    event = AuditEvent.objects.filter(scope_id=bakery.id, action="ledger.membership.granted").latest(
        "sequence"
    )
    assert (event.actor_label, event.after) == ("ann", {"role": "operator"})


def test_somebody_new_gets_a_password_that_is_shown_once(bakery: Entity, owner: OfficeClient) -> None:
    form = {"do": "create", "username": "zoe", "email": "zoe@example.com", "role": "auditor"}

    made = owner.send("people", bakery, form)
    again = owner.send("people", bakery, form)

    zoe = User.objects.get(username="zoe")
    assert zoe.check_password(secret_on(made))
    assert zoe.must_change_password
    assert roles(bakery)["zoe"] == "auditor"
    assert "taken" in again.content.decode()
    assert secret_on(made) not in owner.page("people", bakery).content.decode()
    assert secret_on(made) not in str(list(AuditEvent.objects.values()))


def test_roles_change_and_people_leave(bakery: Entity, owner: OfficeClient) -> None:
    ben = make_person("ben")
    grant_membership(user=ben, entity=bakery, role=Role.AUDITOR, actor=SYSTEM)

    owner.send("people", bakery, {"do": "role", "user": str(ben.pk), "role": "accountant"})
    assert roles(bakery)["ben"] == "accountant"
    owner.send("people", bakery, {"do": "remove", "user": str(ben.pk)})
    alone = owner.says_after(owner.send("people", bakery, {"do": "remove", "user": str(owner.user.pk)}))

    assert roles(bakery) == {"ann": "owner"}
    assert "only owner" in alone


def test_an_owner_cannot_touch_the_people_of_another_company(bakery: Entity, owner: OfficeClient) -> None:
    garage = make_entity(bakery.developer, "Garage")
    stranger = make_person("stranger")
    grant_membership(user=stranger, entity=garage, role=Role.OWNER, actor=SYSTEM)

    for do in ("role", "remove"):
        said = owner.says_after(
            owner.send("people", bakery, {"do": do, "user": str(stranger.pk), "role": "auditor"})
        )
        assert "no such person in this company" in said

    assert roles(garage) == {"stranger": "owner"}
    assert roles(bakery) == {"ann": "owner"}


def test_details_and_settings_are_saved_by_the_services(bakery: Entity, owner: OfficeClient) -> None:
    details = {
        "legal_name": "Corner Bakery", "entity_type": "LLC", "tin": "12-3456789", "us_state": "NY",
        "phone_number": "", "website": "", "street": "1 Main St", "city": "Albany", "state": "NY",
        "zip": "12207", "country": "",
    }  # fmt: skip
    chosen = {
        "timezone": "America/New_York", "fiscal_year_start": "7", "accounting_method": "CASH",
        "notification_frequency": "WEEKLY", "smart_suggestions": "on",
    }  # fmt: skip

    assert owner.send("people", bakery, details | {"do": "details"}).status_code == 302
    assert owner.send("people", bakery, chosen | {"do": "settings"}).status_code == 302
    wrong = owner.send("people", bakery, chosen | {"do": "settings", "timezone": "Mars/Olympus"})

    bakery.refresh_from_db()
    assert (bakery.legal_name, bakery.entity_type) == ("Corner Bakery", "LLC")
    assert bakery.address == {"street": "1 Main St", "city": "Albany", "state": "NY", "zip": "12207"}
    assert (bakery.timezone, bakery.fiscal_year_start, bakery.accounting_method) == (
        "America/New_York",
        7,
        "CASH",
    )
    assert (bakery.smart_suggestions, bakery.smart_assistant) == (True, False)
    assert wrong.status_code == 400
    assert "Mars/Olympus" in wrong.content.decode()
    page = owner.page("people", bakery).content.decode()
    assert "**-***6789" in page
    assert "12-3456789" not in page
    # Saved as it is shown, the tax number stays what it was.
    owner.send("people", bakery, details | {"do": "details", "tin": "**-***6789", "city": "Troy"})
    changed = AuditEvent.objects.filter(action="ledger.entity.updated").latest("sequence")
    assert changed.after == {"address": bakery.address | {"city": "Troy"}}


# --- the installation ---------------------------------------------------------------------------


@pytest.fixture
def root() -> OfficeClient:
    return OfficeClient(make_person("root", superuser=True))


def test_pages_of_the_installation_are_for_superusers(bakery: Entity, owner: OfficeClient) -> None:
    key = ApiKey.objects.get()
    for path in (
        "keys/new/", f"keys/{key.public_id}/rotate/", f"keys/{key.public_id}/revoke/", "developers/new/",
        "people/new/", f"people/{owner.user.pk}/", f"companies/{bakery.public_id}/people/",
    ):  # fmt: skip
        assert owner.get(f"/admin/installation/{path}").status_code == 403
        assert owner.post(f"/admin/installation/{path}", {"name": "X", "do": "disable"}).status_code == 403
        assert Client().get(f"/admin/installation/{path}").status_code == 302


def test_a_key_is_made_rotated_and_revoked_and_its_secret_shown_once(root: OfficeClient) -> None:
    acme = make_developer().developer

    made = root.post(
        "/admin/installation/keys/new/", {"developer": str(acme.pk), "name": "Nightly", "days": "5"}
    )
    key = ApiKey.objects.get(name="Nightly")
    body = {"developerId": acme.public_id, "apiKey": secret_on(made)}
    assert Caller().post("/v1/auth/developer-token", body).status_code == 200
    assert key.expires_at is not None

    base = f"/admin/installation/keys/{key.public_id}"
    assert root.get(f"{base}/rotate/").status_code == 200
    rotated = root.post(f"{base}/rotate/", {"grace_hours": "1"})
    assert secret_on(rotated) != secret_on(made)
    assert root.post(f"{base}/rotate/", {"grace_hours": "100000"}).status_code == 400
    assert root.get(f"{base}/revoke/").status_code == 200
    assert root.post(f"{base}/revoke/").status_code == 302
    assert Caller().post("/v1/auth/developer-token", body).status_code == 401
    refused = root.post(f"{base}/rotate/", {"grace_hours": "1"})
    assert "revoked or has expired" in refused.content.decode()
    assert root.get("/admin/installation/keys/key_1/rotate/").status_code == 404


def test_a_developer_is_made_with_its_first_key(root: OfficeClient) -> None:
    made = root.post("/admin/installation/developers/new/", {"name": "Acme", "currency": "eur"})

    acme = Developer.objects.get(name="Acme")
    assert acme.preferences == {"currency": "EUR"}
    body = {"developerId": acme.public_id, "apiKey": secret_on(made)}
    assert Caller().post("/v1/auth/developer-token", body).status_code == 200
    wrong = root.post("/admin/installation/developers/new/", {"name": "Acme", "currency": "XXZ"})
    assert wrong.status_code == 400
    assert "XXZ" in wrong.content.decode()


def test_people_are_made_helped_and_disabled(root: OfficeClient) -> None:
    made = root.post("/admin/installation/people/new/", {"username": "zoe", "superuser": "on"})
    zoe = User.objects.get(username="zoe")
    assert (zoe.is_superuser, zoe.check_password(secret_on(made))) == (True, True)
    page = f"/admin/installation/people/{zoe.pk}/"

    assert (
        root.post(page, {"first_name": "Zoe", "last_name": "", "email": "z@example.com"}).status_code == 302
    )
    fresh = root.post(page, {"do": "password"})
    root.post(page, {"do": "disable"})
    zoe.refresh_from_db()
    assert (zoe.first_name, zoe.is_active, zoe.check_password(secret_on(fresh))) == ("Zoe", False, True)
    root.post(page, {"do": "enable"})
    no_factor = root.says_after(root.post(page, {"do": "second-factor"}))
    assert "has no second factor" in no_factor
    assert User.objects.get(pk=zoe.pk).is_active
    own = f"/admin/installation/people/{root.user.pk}/"
    assert "cannot disable yourself" in root.says_after(root.post(own, {"do": "disable"}))
    done = AuditEvent.objects.filter(scope_id=audit.INSTALLATION, object_id=str(zoe.pk)).order_by("sequence")
    assert [one.action.rpartition(".")[2] for one in done] == [
        "created", "updated", "password_changed", "disabled", "enabled",
    ]  # fmt: skip


def test_the_last_superuser_stays() -> None:
    root = make_person("root", superuser=True)
    begin_second_factor(user=root)

    with pytest.raises(ConflictError, match="last superuser"):
        disable_person(user=root, actor=SYSTEM)


def test_a_superuser_puts_the_first_owner_in(root: OfficeClient, bakery: Entity) -> None:
    make_person("ann")
    page = f"/admin/installation/companies/{bakery.public_id}/people/"

    assert "Nobody is in this company yet" in root.get(page).content.decode()
    assert root.post(page, {"name": "ann", "role": "owner"}).status_code == 302
    ann = User.objects.get(username="ann")
    assert "only owner" in root.says_after(
        root.post(page, {"do": "role", "user": str(ann.pk), "role": "auditor"})
    )
    assert roles(bakery) == {"ann": "owner"}
    assert root.get(page_url("people", bakery)).status_code == 404


def test_people_are_found_by_name_first_and_never_by_chance() -> None:
    ann = create_person(username="ann", email="both@example.com", actor=SYSTEM).user
    create_person(username="ben", email="BOTH@example.com", actor=SYSTEM)

    assert find_person("ann") == ann
    with pytest.raises(ConflictError, match="Several"):
        find_person("both@example.com")
