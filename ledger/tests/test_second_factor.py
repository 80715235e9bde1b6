"""The second factor of the log-in: setting it up, being asked for it, losing the telephone."""

import re
from base64 import b32decode
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from pytest_django import Settings

from ledger import audit
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, ValidationError
from ledger.models import AuditEvent, Authenticator, RecoveryCode, User
from ledger.services import second_factor
from ledger.services.second_factor import key_of
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import OfficeClient, make_person, office_client, page_url

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase"
PAGE = "/admin/second-factor/"
CODE_PAGE = "/admin/second-factor/code/"


def code_of(user: User, *, steps: int = 0) -> str:
    """What the person's app shows now, or some half minutes later."""
    authenticator = Authenticator.objects.get(user=user)
    totp = TOTP(b32decode(key_of(authenticator)))
    totp.time = timezone.now().timestamp() + steps * second_factor.STEP_SECONDS
    return f"{totp.token():06d}"


def enrol(user: User) -> list[str]:
    """Set a second factor up, and return the recovery codes."""
    second_factor.begin_second_factor(user=user)
    return second_factor.confirm_second_factor(user=user, code=code_of(user), actor=SYSTEM)


def log_in(user: User, **data: Any) -> tuple[Client, Any]:
    """Give the password at the log-in, as a browser does."""
    client = Client()
    return client, client.post(
        "/admin/login/?next=/admin/", {"username": user.username, "password": PASSWORD}
    )


def actions() -> list[str]:
    events = AuditEvent.objects.filter(scope_id=audit.INSTALLATION, action__startswith="ledger.person.")
    return [one.action.removeprefix("ledger.person.") for one in events.order_by("sequence")]


def test_a_person_sets_it_up_with_an_app_and_gets_recovery_codes_once() -> None:
    ann = OfficeClient(make_person())

    assert ann.post(PAGE, {"do": "begin"}).status_code == 302
    page = ann.get(PAGE).content.decode()
    key = key_of(Authenticator.objects.get(user=ann.user))
    assert key in page.replace(" ", "")
    assert "data:image/svg+xml" in page
    wrong = ann.post(PAGE, {"do": "confirm", "code": "000000"})
    assert wrong.status_code == 400
    assert b"not the code that the app shows" in wrong.content

    done = ann.post(PAGE, {"do": "confirm", "code": code_of(ann.user)})
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", done.content.decode())
    assert len(set(codes)) == 10
    # The session that set it up goes on; neither key nor codes are shown again, nor stored in the clear.
    again = ann.get(PAGE).content.decode()
    assert key not in again.replace(" ", "")
    assert codes[0] not in again
    stored = Authenticator.objects.get(user=ann.user)
    assert key not in stored.key_encrypted
    assert bytes(RecoveryCode.objects.all()[0].code_hash) not in [code.encode() for code in codes]
    assert actions()[-1] == "second_factor_added"


def test_the_log_in_asks_for_the_code_and_opens_nothing_before() -> None:
    bakery = make_entity(make_developer().developer, "Bakery")
    ann = office_client(bakery).user
    enrol(ann)

    client, answer = log_in(ann)
    assert answer.status_code == 302
    for path in (
        "/admin/",
        page_url("people", bakery),
        "/admin/ledger/auditevent/",
        PAGE,
        "/admin/autocomplete/",
    ):
        gate = client.get(path)
        assert (gate.status_code, gate["Location"].split("?")[0]) == (302, CODE_PAGE), path
        assert client.post(path, {"do": "remove"}).status_code == 302
    as_script = client.get(page_url("people", bakery), headers={"Accept": "application/json"})
    assert as_script.status_code == 403
    asked = client.get(CODE_PAGE, {"next": page_url("people", bakery)})
    assert asked.status_code == 200
    assert "Bakery" not in asked.content.decode()

    refused = client.post(CODE_PAGE, {"code": "123"})
    assert refused.status_code == 400
    # Wrong codes make a pause.
    assert "try again in" in client.post(CODE_PAGE, {"code": code_of(ann, steps=1)}).content.decode()
    Authenticator.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    good = client.post(f"{CODE_PAGE}?next={page_url('people', bakery)}", {"code": code_of(ann, steps=1)})
    assert (good.status_code, good["Location"]) == (302, page_url("people", bakery))
    assert client.get(page_url("people", bakery)).status_code == 200
    assert actions()[-4:] == ["logged_in", "code_refused", "code_refused", "code_accepted"]


def test_a_code_works_once_and_leads_to_no_other_site() -> None:
    ann = make_person()
    enrol(ann)
    with pytest.raises(ValidationError, match="not right"):
        second_factor.check_second_factor(user=ann, code=code_of(ann), actor=SYSTEM)
    Authenticator.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    client, _ = log_in(ann)

    good = client.post(f"{CODE_PAGE}?next=https://evil.example/", {"code": code_of(ann, steps=1)})

    assert good["Location"] == "/admin/"


def test_a_recovery_code_lets_in_once() -> None:
    ann = make_person()
    codes = enrol(ann)
    client, _ = log_in(ann)

    assert client.post(CODE_PAGE, {"code": codes[3].upper()}).status_code == 302
    assert client.get("/admin/").status_code == 200
    with pytest.raises(ValidationError, match="not right"):
        second_factor.check_second_factor(user=ann, code=codes[3], actor=SYSTEM)
    event = AuditEvent.objects.get(action="ledger.person.code_accepted")
    assert event.after == {"username": "ann", "kind": "recovery", "left": 9}


def test_new_recovery_codes_and_the_removal_ask_for_the_password() -> None:
    ann = OfficeClient(make_person())
    ann.post(PAGE, {"do": "begin"})
    ann.post(PAGE, {"do": "confirm", "code": code_of(ann.user)})
    before = set(RecoveryCode.objects.values_list("id", flat=True))

    assert ann.post(PAGE, {"do": "renew", "renew-password": "wrong"}).status_code == 400
    assert ann.post(PAGE, {"do": "remove", "remove-password": "wrong"}).status_code == 400
    assert set(RecoveryCode.objects.values_list("id", flat=True)) == before
    assert ann.post(PAGE, {"do": "renew", "renew-password": PASSWORD}).status_code == 200
    assert not before & set(RecoveryCode.objects.values_list("id", flat=True))
    assert ann.post(PAGE, {"do": "remove", "remove-password": PASSWORD}).status_code == 302

    assert not Authenticator.objects.exists()
    assert ann.get("/admin/").status_code == 200
    assert log_in(ann.user)[0].get("/admin/").status_code == 200


def test_where_it_is_required_people_set_it_up_first(settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    ann = OfficeClient(make_person())

    sent = ann.get("/admin/")
    assert (sent.status_code, sent["Location"].split("?")[0]) == (302, PAGE)
    assert ann.get(PAGE).status_code == 200
    ann.post(PAGE, {"do": "begin"})
    ann.post(PAGE, {"do": "confirm", "code": code_of(ann.user)})

    assert ann.get("/admin/").status_code == 200


def test_a_session_from_before_is_asked_too() -> None:
    ann = OfficeClient(make_person())
    other = OfficeClient(ann.user)
    ann.post(PAGE, {"do": "begin"})
    ann.post(PAGE, {"do": "confirm", "code": code_of(ann.user)})

    assert ann.get("/admin/").status_code == 200
    assert other.get("/admin/")["Location"].startswith(CODE_PAGE)


def test_who_has_one_cannot_set_up_another() -> None:
    ann = make_person()
    enrol(ann)

    with pytest.raises(ConflictError, match="remove it before"):
        second_factor.begin_second_factor(user=ann)


def test_the_pause_after_wrong_codes_grows_and_stops_growing() -> None:
    ann = make_person()
    enrol(ann)
    counts = []
    for _ in range(12):
        Authenticator.objects.update(throttling_failure_timestamp=None)
        with pytest.raises(ValidationError, match="not right"):
            second_factor.check_second_factor(user=ann, code="nonsense", actor=SYSTEM)
        counts.append(Authenticator.objects.get().throttling_failure_count)

    assert counts == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]
