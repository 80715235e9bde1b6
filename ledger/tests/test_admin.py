"""The back office's windows: what they show and to whom, what they let change, and that secrets stay away."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ledger import audit
from ledger.actors import SYSTEM
from ledger.background import background_task, start_task
from ledger.choices import Role, TaskState
from ledger.models import ApiKey, AuditEvent, BackgroundTask, Developer, Entity, Ledger, User
from ledger.services.entities import EntityFields, update_entity
from ledger.services.memberships import grant_membership
from ledger.services.settings import update_settings
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import OfficeClient, make_person, office_client

pytestmark = pytest.mark.django_db
OF_INSTALLATION = (Developer, ApiKey, Entity, User)
OF_COMPANY = (Ledger, AuditEvent, BackgroundTask)


@pytest.fixture
def entity() -> Entity:
    made = make_entity(make_developer().developer, "Bakery")
    start_task(entity=made, name="tests.waits")
    return made


@pytest.fixture
def root() -> OfficeClient:
    return OfficeClient(make_person("root", superuser=True))


def base(model: Any) -> str:
    return f"/admin/ledger/{model.__name__.lower()}/"


def shown(client: Client, model: Any, query: str = "") -> str:
    answer = client.get(base(model) + query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("model", [*OF_INSTALLATION, *OF_COMPANY])
def test_rows_are_listed_and_shown_but_not_added_or_deleted(entity: Entity, model: Any) -> None:
    client = office_client(entity, Role.OWNER, superuser=True)
    key = ApiKey.objects.get()
    rows = model.objects.filter(scope_id=entity.id) if model is AuditEvent else model.objects.all()
    row = rows[0]

    shown(client, model)
    page = client.get(f"{base(model)}{row.pk}/change/")
    assert page.status_code == 200
    assert bytes(key.key_hash).hex().encode() not in page.content
    assert client.user.password.encode() not in page.content
    assert client.get(f"{base(model)}add/").status_code == 403
    assert client.post(f"{base(model)}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{base(model)}{row.pk}/history/").status_code == 200


@pytest.mark.parametrize("model", [*OF_INSTALLATION, *OF_COMPANY])
def test_search_boxes_work(entity: Entity, model: Any) -> None:
    shown(office_client(entity, superuser=True), model, "?q=bakery")


def test_windows_of_the_installation_are_for_superusers(entity: Entity) -> None:
    owner = office_client(entity, Role.OWNER)
    row = ApiKey.objects.get()

    for model in OF_INSTALLATION:
        assert owner.get(base(model)).status_code == 403
    owner.post(base(ApiKey), {"action": "revoke", "_selected_action": str(row.pk)})

    assert ApiKey.objects.get(pk=row.pk).revoked_at is None


def test_windows_of_companies_are_empty_to_superusers_who_are_in_none(
    entity: Entity, root: OfficeClient
) -> None:
    for model in (Ledger, BackgroundTask):
        assert root.get(base(model)).status_code == 403
        assert root.get(f"{base(model)}{model.objects.get().pk}/change/").status_code == 403


def test_roles_see_what_they_need(entity: Entity) -> None:
    auditor, operator = office_client(entity, Role.AUDITOR), office_client(entity, Role.OPERATOR)

    assert "tests.waits" in shown(auditor, BackgroundTask)
    assert "tests.waits" in shown(operator, BackgroundTask)
    assert "ledger.entity.created" in shown(auditor, AuditEvent)
    for model in (AuditEvent, Ledger):
        assert operator.get(base(model)).status_code == 403
        assert operator.get(f"{base(model)}{model.objects.all()[0].pk}/change/").status_code in (302, 403)


def test_actions_go_through_the_services(root: OfficeClient) -> None:
    made = make_developer()

    def act(model: Any, action: str, row: Developer | ApiKey) -> None:
        answer = root.post(base(model), {"action": action, "_selected_action": str(row.pk)})
        assert answer.status_code == 302

    act(ApiKey, "revoke", made.first_key.key)
    act(Developer, "disable", made.developer)

    assert ApiKey.objects.get(pk=made.first_key.key.pk).revoked_at is not None
    assert Developer.objects.get(pk=made.developer.pk).disabled_at is not None
    event = AuditEvent.objects.get(action="ledger.apikey.revoked")
    assert (event.actor_kind, event.actor_label) == ("user", "root")
    act(Developer, "enable", made.developer)
    assert Developer.objects.get(pk=made.developer.pk).disabled_at is None


def test_buttons_lead_to_the_pages_that_write(entity: Entity, root: OfficeClient) -> None:
    key, person = ApiKey.objects.get(), root.user

    for name, row, target in (
        ("apikey_new_key", None, "/admin/installation/keys/new/"),
        ("developer_new_developer", None, "/admin/installation/developers/new/"),
        ("user_new_person", None, "/admin/installation/people/new/"),
        ("apikey_rotate", key, f"/admin/installation/keys/{key.public_id}/rotate/"),
        ("apikey_end", key, f"/admin/installation/keys/{key.public_id}/revoke/"),
        ("user_person", person, f"/admin/installation/people/{person.pk}/"),
        ("entity_people", entity, f"/admin/installation/companies/{entity.public_id}/people/"),
    ):
        answer = root.get(reverse(f"admin:ledger_{name}", args=[row.pk] if row else []))
        assert (answer.status_code, answer["Location"]) == (302, target), name
        assert root.get(target).status_code == 200


def test_safe_fields_of_an_entity_are_saved_by_the_service(entity: Entity, root: OfficeClient) -> None:
    update_entity(entity=entity, changes=EntityFields(tin="12-3456789"), actor=SYSTEM)
    grant_membership(user=make_person("ann"), entity=entity, role=Role.OWNER, actor=SYSTEM)
    url = f"{base(Entity)}{entity.pk}/change/"

    page = root.get(url).content.decode()
    answer = root.post(
        url, {"legal_name": "New Name", "default_currency": "JPY", "phone_number": "", "website": ""}
    )

    assert "**-***6789" in page
    assert "12-3456789" not in page
    assert "ann (owner)" in page
    assert answer.status_code == 302
    entity.refresh_from_db()
    assert (entity.legal_name, entity.default_currency) == ("New Name", "USD")
    event = AuditEvent.objects.filter(action="ledger.entity.updated").latest("sequence")
    assert (event.after, event.actor_label) == ({"legal_name": "New Name"}, "root")


def test_background_work_shows_how_far_it_is_and_why_it_failed(entity: Entity) -> None:
    office = office_client(entity, Role.OPERATOR)
    failed = start_task(entity=entity, name="banking.sync_connection")
    running = start_task(entity=entity, name="tests.counting")
    BackgroundTask.objects.filter(id=failed.id).update(state="failed", error="The bank wants a new log-in.")
    BackgroundTask.objects.filter(id=running.id).update(state="running", done=1, total=3)

    page = shown(office, BackgroundTask)
    found = shown(office, BackgroundTask, "?q=tests.counting")
    failures = shown(office, BackgroundTask, f"?state__exact=failed&company={entity.public_id}")

    assert "The bank wants a new log-in." in page
    assert '<progress class="progress" max="100" value="33">' in page
    assert "33% of 3" in page
    assert "tests.counting" in found
    assert "banking.sync_connection" not in found
    assert "tests.counting" not in failures


def test_failed_work_is_asked_for_again_by_who_operates(entity: Entity) -> None:
    background_task("tests.again")(lambda run: None)
    task = start_task(entity=entity, name="tests.again", arguments={"n": 1})
    BackgroundTask.objects.filter(id=task.id).update(state=TaskState.FAILED)
    data = {"action": "repeat", "_selected_action": str(task.pk)}

    office_client(entity, Role.AUDITOR).post(base(BackgroundTask), data)
    assert BackgroundTask.objects.filter(name="tests.again").count() == 1
    operator = office_client(entity, Role.OPERATOR)
    operator.post(base(BackgroundTask), data)

    again = BackgroundTask.objects.filter(name="tests.again").exclude(pk=task.pk).get()
    assert (again.state, again.arguments, again.created_by) == ("queued", {"n": 1}, operator.user.pk)
    event = AuditEvent.objects.get(action="ledger.task.repeated")
    assert (event.object_id, event.scope_id) == (task.public_id, entity.id)
    # What did not fail is not begun a second time.
    waits = BackgroundTask.objects.get(name="tests.waits")
    said = operator.says_after(
        operator.post(base(BackgroundTask), data | {"_selected_action": str(waits.pk)})
    )
    assert "did not fail" in said
    assert BackgroundTask.objects.filter(name="tests.waits").count() == 1


def test_what_an_accountant_decided_is_asked_for_again_by_no_operator(entity: Entity) -> None:
    background_task("tests.decided", decides=True)(lambda run: None)
    task = start_task(entity=entity, name="tests.decided")
    BackgroundTask.objects.filter(id=task.id).update(state=TaskState.FAILED)
    data = {"action": "repeat", "_selected_action": str(task.pk)}

    operator = office_client(entity, Role.OPERATOR)
    assert "an accountant may" in operator.says_after(operator.post(base(BackgroundTask), data))
    assert BackgroundTask.objects.filter(name="tests.decided").count() == 1

    office_client(entity, Role.ACCOUNTANT).post(base(BackgroundTask), data)
    assert BackgroundTask.objects.filter(name="tests.decided").count() == 2


def test_the_audit_trail_shows_a_diff_of_what_changed(entity: Entity) -> None:
    update_settings(entity=entity, changes={"timezone": "Europe/Berlin"}, actor=SYSTEM)
    event = AuditEvent.objects.get(action="ledger.settings.updated")
    auditor = office_client(entity, Role.AUDITOR)

    assert "timezone: UTC → Europe/Berlin" in shown(auditor, AuditEvent)
    page = auditor.get(f"{base(AuditEvent)}{event.pk}/change/").content.decode()
    assert '<td class="before">UTC</td><td class="after">Europe/Berlin</td>' in page


def test_audit_trails_stay_with_those_whom_they_are_about(entity: Entity, root: OfficeClient) -> None:
    other = make_entity(entity.developer, "Garage")
    ann = office_client(entity, Role.OWNER, name="ann")

    own = shown(ann, AuditEvent)
    assert str(entity.public_id) in own
    assert str(other.public_id) not in own
    # No log-ins, no keys.
    assert "ledger.person." not in own
    installation = shown(root, AuditEvent)
    assert "ledger.person.logged_in" in installation
    assert "ledger.apikey.created" in installation
    assert "ledger.entity.created" not in installation
    foreign = AuditEvent.objects.filter(scope_id=other.id)[0]
    assert ann.get(f"{base(AuditEvent)}{foreign.pk}/change/").status_code in (302, 403)


def test_the_audit_trail_is_narrowed_by_what_who_and_when(entity: Entity, root: OfficeClient) -> None:
    root.post("/admin/logout/")
    root.force_login(root.user, backend="django.contrib.auth.backends.ModelBackend")
    Client().post("/admin/login/", {"username": "root", "password": "wrong"})
    today = AuditEvent.objects.latest("sequence").occurred_at.date()

    def listed(query: str) -> set[str]:
        answer = root.get(f"{base(AuditEvent)}{query}")
        return {event.action.removeprefix("ledger.") for event in answer.context["cl"].result_list}

    assert listed("?action=ledger.person.logged_out") == {"person.logged_out"}
    assert listed("?outcome__exact=refused") == {"person.log_in_refused"}
    assert listed("?actor_label=root") <= {"person.logged_in", "person.logged_out", "person.log_in_refused"}
    assert listed(f"?occurred_at_from={today}&occurred_at_to={today}") >= {"person.logged_in"}
    assert listed("?occurred_at_to=2001-01-01") == set()
    # Nonsense in an address narrows nothing, and breaks nothing.
    assert listed("?occurred_at_from=soon")
    assert listed("?occurred_at_to=9999-12-31")
    assert audit.verify_chain(audit.INSTALLATION) == []


@pytest.mark.parametrize(
    ("model", "field"),
    [(User, "password"), (ApiKey, "key_hash"), (Entity, "tin_encrypted"), (Entity, "developer__email")],
)
def test_lists_are_narrowed_by_their_filters_alone(
    entity: Entity, root: OfficeClient, model: Any, field: str
) -> None:
    # Else a hash that no page shows could be guessed sign by sign.
    assert root.get(f"{base(model)}?{field}__startswith=p").status_code in (302, 400)
    assert shown(root, User, "?is_active__exact=1")


def test_a_nul_in_an_address_or_a_form_is_refused(entity: Entity, root: OfficeClient) -> None:
    assert root.get(f"{base(AuditEvent)}?action=%00").status_code == 400
    assert root.post("/admin/installation/people/new/", {"username": "a\0b"}).status_code == 400
    assert not User.objects.filter(username__startswith="a").exists()


def test_an_action_on_what_is_no_row_is_refused(entity: Entity, root: OfficeClient) -> None:
    answer = root.post(base(Developer), {"action": "disable", "_selected_action": ["nonsense"]})

    assert answer.status_code == 400
