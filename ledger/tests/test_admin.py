"""The back office: what it shows, what it lets change, and that secrets stay away."""

import pytest
from django.test import Client

from ledger.actors import SYSTEM
from ledger.background import start_task
from ledger.models import ApiKey, AuditEvent, BackgroundTask, Developer, Entity, Ledger, User
from ledger.services.entities import EntityFields, update_entity
from ledger.tests.helpers import make_developer, make_entity

pytestmark = pytest.mark.django_db
WINDOWS = (Developer, ApiKey, Entity, Ledger, AuditEvent, BackgroundTask)


@pytest.fixture
def office() -> Client:
    client = Client()
    client.force_login(
        User.objects.create_superuser("ann", password="x"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


@pytest.mark.parametrize("model", WINDOWS)
def test_rows_are_listed_and_shown_but_not_added_or_deleted(office: Client, model: type) -> None:
    made = make_developer()
    start_task(entity=make_entity(made.developer), name="tests.waits")
    base = f"/admin/ledger/{model.__name__.lower()}/"
    row = model.objects.first()  # type: ignore[attr-defined]

    assert office.get(base).status_code == 200
    shown = office.get(f"{base}{row.pk}/change/")
    assert shown.status_code == 200
    assert made.first_key.secret.encode() not in shown.content
    assert bytes(made.first_key.key.key_hash).hex().encode() not in shown.content
    assert office.get(f"{base}add/").status_code == 403
    assert office.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_search_boxes_work(office: Client) -> None:
    make_entity(make_developer().developer)

    for model in WINDOWS:
        assert office.get(f"/admin/ledger/{model.__name__.lower()}/?q=bakery").status_code == 200


def test_actions_go_through_the_services(office: Client) -> None:
    made = make_developer()

    def act(model: str, action: str, row: Developer | ApiKey) -> None:
        answer = office.post(f"/admin/ledger/{model}/", {"action": action, "_selected_action": str(row.pk)})
        assert answer.status_code == 302

    act("apikey", "revoke", made.first_key.key)
    act("developer", "disable", made.developer)

    assert ApiKey.objects.get(pk=made.first_key.key.pk).revoked_at is not None
    assert Developer.objects.get(pk=made.developer.pk).disabled_at is not None
    event = AuditEvent.objects.get(action="ledger.apikey.revoked")
    assert (event.actor_kind, event.actor_label) == ("user", "ann")
    act("developer", "enable", made.developer)
    assert Developer.objects.get(pk=made.developer.pk).disabled_at is None


def test_safe_fields_of_an_entity_are_saved_by_the_service(office: Client) -> None:
    entity = make_entity(make_developer().developer)
    update_entity(entity=entity, changes=EntityFields(tin="12-3456789"), actor=SYSTEM)
    url = f"/admin/ledger/entity/{entity.pk}/change/"

    page = office.get(url).content.decode()
    answer = office.post(
        url, {"legal_name": "New Name", "default_currency": "JPY", "phone_number": "", "website": ""}
    )

    assert "**-***6789" in page
    assert "12-3456789" not in page
    assert answer.status_code == 302
    entity.refresh_from_db()
    assert (entity.legal_name, entity.default_currency) == ("New Name", "USD")
    event = AuditEvent.objects.filter(action="ledger.entity.updated").order_by("-sequence").first()
    assert event is not None
    assert (event.after, event.actor_label) == ({"legal_name": "New Name"}, "ann")


def test_staff_without_the_permission_can_not_act() -> None:
    made = make_developer()
    client = Client()
    user = User.objects.create_user("ben", password="x", is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get("/admin/ledger/developer/").status_code == 403
    client.post("/admin/ledger/apikey/", {"action": "revoke", "_selected_action": str(made.first_key.key.pk)})

    assert ApiKey.objects.get(pk=made.first_key.key.pk).revoked_at is None


def test_background_work_shows_how_far_it_is_and_why_it_failed(office: Client) -> None:
    entity = make_entity(make_developer().developer)
    failed = start_task(entity=entity, name="banking.sync_connection")
    running = start_task(entity=entity, name="tests.counting")
    BackgroundTask.objects.filter(id=failed.id).update(state="failed", error="The bank wants a new log-in.")
    BackgroundTask.objects.filter(id=running.id).update(state="running", done=1, total=3)

    page = office.get("/admin/ledger/backgroundtask/").content.decode()
    found = office.get("/admin/ledger/backgroundtask/?q=tests.counting").content.decode()
    failures = office.get("/admin/ledger/backgroundtask/?state__exact=failed").content.decode()

    assert "The bank wants a new log-in." in page
    assert "33% of 3" in page
    assert "tests.counting" in found
    assert "banking.sync_connection" not in found
    assert "tests.counting" not in failures
