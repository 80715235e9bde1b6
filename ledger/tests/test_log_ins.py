"""Who comes in: log-ins and refusals on the record, the lock-out, sessions that end, one-time passwords."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from ledger import audit
from ledger.actors import SYSTEM
from ledger.log_ins import BEGAN, SEEN
from ledger.models import AuditEvent
from ledger.services.people import create_person, disable_person, give_one_time_password
from ledger.tests.office import OfficeClient, make_person

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase"


def try_password(client: Client, password: str, name: str = "ann") -> int:
    return client.post("/admin/login/", {"username": name, "password": password}).status_code


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(scope_id=audit.INSTALLATION).order_by("sequence"))


def test_log_ins_log_outs_and_refusals_are_recorded_without_passwords() -> None:
    ann = make_person("ann")
    client = Client(REMOTE_ADDR="192.0.2.7")

    try_password(client, "wrong horse battery")
    try_password(client, PASSWORD, name="my secret typed into the wrong field")
    assert try_password(client, PASSWORD) == 302
    client.post("/admin/logout/")

    told = [(one.action, one.actor_label, one.outcome, one.object_id) for one in events()]
    assert told == [
        ("ledger.person.log_in_refused", "ann", "refused", str(ann.pk)),
        ("ledger.person.log_in_refused", "somebody unknown", "refused", ""),
        ("ledger.person.logged_in", "ann", "done", str(ann.pk)),
        ("ledger.person.logged_out", "ann", "done", str(ann.pk)),
    ]
    # Who only claimed to be ann is not ann.
    assert [one.actor_id for one in events()] == [None, None, ann.pk, ann.pk]
    assert {one.address for one in events()} == {"192.0.2.7"}
    stored = str(list(AuditEvent.objects.values()))
    assert not [secret for secret in ("wrong horse", PASSWORD, "my secret") if secret in stored]


def test_too_many_wrong_passwords_lock_out_and_the_page_says_until_when(settings: Settings) -> None:
    make_person("ann")
    client = Client()

    answers = [try_password(client, "wrong") for _ in range(settings.AXES_FAILURE_LIMIT)]
    page = client.post("/admin/login/", {"username": "ann", "password": PASSWORD})

    assert answers[:-1] == [200] * 7
    assert (answers[-1], page.status_code) == (429, 429)
    assert "Try again in 30 minutes" in page.content.decode()
    assert 1700 < int(page["Retry-After"]) <= 1800
    assert events()[-1].action in ("ledger.person.locked_out", "ledger.person.log_in_refused")
    assert "ledger.person.locked_out" in [one.action for one in events()]
    # From elsewhere she can log in: somebody who guesses does not shut her out.
    assert try_password(Client(REMOTE_ADDR="192.0.2.8"), PASSWORD) == 302
    # Trying again too early does not make it longer.
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=31))
    assert try_password(client, PASSWORD) == 302


def test_a_session_ends_without_pages_and_after_a_day_in_any_case(settings: Settings) -> None:
    ann = OfficeClient(make_person("ann"))
    assert ann.get("/admin/").status_code == 200
    for name, seconds in (
        (SEEN, settings.SESSION_IDLE_MINUTES * 60 + 5),
        (BEGAN, settings.SESSION_HOURS * 3600 + 5),
    ):
        ann.force_login(ann.user, backend="django.contrib.auth.backends.ModelBackend")
        session = ann.session
        session[name] -= seconds
        session.save()

        ended = ann.get("/admin/password_change/")

        assert ended.status_code == 302
        assert ended["Location"] == "/admin/login/?next=/admin/password_change/"
        assert "_auth_user_id" not in ann.session
        page = ann.get(ended["Location"])
        assert "session has ended" in page.content.decode()


def test_a_person_with_a_password_for_one_log_in_chooses_another_first() -> None:
    made = create_person(username="ben", actor=SYSTEM)
    client = Client()
    assert try_password(client, made.one_time_password, "ben") == 302

    sent = client.get("/admin/ledger/user/")
    assert sent["Location"].startswith("/admin/password_change/")
    form = {"old_password": made.one_time_password, "new_password1": "12345", "new_password2": "12345"}
    easy = client.post("/admin/password_change/", form)
    same = {**form, "new_password1": made.one_time_password, "new_password2": made.one_time_password}
    assert "choose another" in client.post("/admin/password_change/", same).content.decode()
    assert easy.status_code == 400
    good = form | {"new_password1": "a password of ben's own", "new_password2": "a password of ben's own"}
    assert client.post("/admin/password_change/", good).status_code == 302

    # This session goes on, and the password for one log-in is worth nothing.
    assert client.get("/admin/").status_code == 200
    assert try_password(Client(), made.one_time_password, "ben") == 200
    assert try_password(Client(), "a password of ben's own", "ben") == 302
    assert "ledger.person.password_changed" in [one.action for one in events()]


def test_a_new_password_and_disabling_end_the_sessions() -> None:
    ann, ben = OfficeClient(make_person("ann")), OfficeClient(make_person("ben"))

    give_one_time_password(user=ann.user, actor=SYSTEM)
    disable_person(user=ben.user, actor=SYSTEM)

    for client in (ann, ben):
        assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert try_password(Client(), PASSWORD, "ben") == 200


def test_guessing_at_the_password_page_locks_out_too(settings: Settings) -> None:
    ann = OfficeClient(make_person("ann"))
    new = {"new_password1": "a password of ann's own", "new_password2": "a password of ann's own"}

    for _ in range(settings.AXES_FAILURE_LIMIT):
        ann.post("/admin/password_change/", {"old_password": "wrong", **new})
    right = ann.post("/admin/password_change/", {"old_password": PASSWORD, **new})

    assert right.status_code == 429
    ann.user.refresh_from_db()
    assert ann.user.check_password(PASSWORD)
    assert "ledger.person.locked_out" in [one.action for one in events()]


def test_djangos_short_cut_to_a_row_leads_nowhere() -> None:
    ann = OfficeClient(make_person("ann", superuser=True))
    for made_up in ("1/nothing", "nothing/1", "1/2/3"):
        assert ann.get(f"/admin/r/{made_up}/").status_code == 404


def test_nothing_that_was_typed_beside_a_wrong_password_is_kept() -> None:
    ann = OfficeClient(make_person("ann"))
    secrets = {
        "old_password": "first secret",
        "new_password1": "second secret",
        "new_password2": "second secret",
        "renew-password": "third secret",
        "remove-password": "fourth secret",
        "password": "fifth secret",
    }
    ann.post("/admin/password_change/", secrets)
    ann.post("/admin/second-factor/", {"do": "renew", **secrets})
    ann.post("/admin/second-factor/", {"do": "remove", **secrets})
    Client().post("/admin/login/", {"username": "ann", **secrets})

    attempts = AccessAttempt.objects.filter(username="ann")
    assert sum(one.failures_since_start for one in attempts) == 4
    kept = " ".join(str(value) for one in attempts.values() for value in one.values())
    assert "secret" not in kept


def test_half_a_character_is_refused() -> None:
    ann = OfficeClient(make_person("ann"))
    form = "multipart/form-data; boundary=x; charset=raw_unicode_escape"
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n\\ud800\r\n--x--\r\n'
    for client, path in ((ann, "/admin/second-factor/"), (Client(), "/admin/login/")):
        assert client.generic("POST", path, body, content_type=form).status_code == 400
