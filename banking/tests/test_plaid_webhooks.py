"""Plaid's webhooks: what counts as one, and what each does."""

import base64
import hashlib
import json as plain_json
import logging
import time
from collections.abc import Callable
from typing import Any, Final
from unittest.mock import Mock

import jwt
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.cache import cache
from jwt.algorithms import ECAlgorithm

from banking import http
from banking.choices import ConnectionStatus, ProviderName
from banking.models import BankConnection
from banking.providers.plaid import signatures
from banking.providers.plaid.signatures import KeyRing
from banking.tests.fake_plaid import FakeKey, FakePlaid, Webhook
from ledger.clock import utc_now
from ledger.encryption import encrypt
from ledger.ids import new_id
from ledger.models import AuditEvent, BackgroundTask, Entity
from ledger.tests.helpers import Caller, make_developer, make_entity

pytestmark = pytest.mark.django_db

ADDRESS: Final = "/v1/banks/webhook/plaid"
ITEM: Final = "eVBnVMp7zdTJLkRNr33Rs6zr7KNJqBFL9DrE6"
KEYS: Final = "/webhook_verification_key/get"


class Clock:
    """A clock that the tests turn."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """No key was seen before, and nobody waits."""
    monkeypatch.setattr(signatures, "keys", KeyRing(clock))
    monkeypatch.setattr(http, "pause", Mock())


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer)


@pytest.fixture
def connection(entity: Entity) -> BankConnection:
    return connected(entity)


def connected(entity: Entity, item_id: str = ITEM, **more: Any) -> BankConnection:
    """A connection through Plaid."""
    fields = {"access_token": encrypt("access-sandbox-1"), "status": ConnectionStatus.ACTIVE, **more}
    return BankConnection.objects.create(
        id=new_id(),
        entity=entity,
        provider=ProviderName.PLAID,
        provider_item_id=item_id,
        created_at=utc_now(),
        **fields,
    )


def sent(webhook: Webhook, *, content_type: str = "application/json", address: str = ADDRESS) -> Any:
    """The answer to a webhook."""
    body: Any = webhook.body
    return Caller().generic("POST", address, body, content_type, HTTP_PLAID_VERIFICATION=webhook.signature)


def syncs() -> list[tuple[Any, str]]:
    """The syncs that were asked for: company and connection."""
    return [
        (task.entity_id, task.arguments["connection_id"])
        for task in BackgroundTask.objects.filter(name="banking.sync_connection")
    ]


def state(connection: BankConnection) -> tuple[str, str]:
    connection.refresh_from_db()
    return connection.status, connection.error_code


def new_lines(plaid: FakePlaid, **more: Any) -> Webhook:
    return plaid.webhook(ITEM, "SYNC_UPDATES_AVAILABLE", **more)


# --- what a webhook does -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "SYNC_UPDATES_AVAILABLE",
        "INITIAL_UPDATE",
        "HISTORICAL_UPDATE",
        "DEFAULT_UPDATE",
        "TRANSACTIONS_REMOVED",
    ],
)
def test_new_lines_start_one_sync_of_that_connection_alone(
    plaid: FakePlaid, entity: Entity, connection: BankConnection, code: str
) -> None:
    connected(entity, "another")

    first = sent(plaid.webhook(ITEM, code, new_transactions=3, error=None))
    second = sent(plaid.webhook(ITEM, code))

    assert (first.status_code, first.json()) == (200, {"received": True})
    assert second.status_code == 200
    assert syncs() == [(entity.id, str(connection.id))]


@pytest.mark.parametrize(
    ("code", "error", "status", "error_code"),
    [
        ("ERROR", "ITEM_LOGIN_REQUIRED", "login_required", "ITEM_LOGIN_REQUIRED"),
        ("ERROR", "ITEM_LOCKED", "login_required", "ITEM_LOCKED"),
        ("PENDING_EXPIRATION", None, "active", "PENDING_EXPIRATION"),
        ("PENDING_DISCONNECT", None, "active", "PENDING_DISCONNECT"),
        ("USER_PERMISSION_REVOKED", None, "failed", "USER_PERMISSION_REVOKED"),
    ],
)
def test_what_became_of_a_log_in_shows_in_the_connection_and_in_the_record(
    plaid: FakePlaid,
    entity: Entity,
    connection: BankConnection,
    code: str,
    error: str | None,
    status: str,
    error_code: str,
) -> None:
    more = {
        "error_type": "ITEM_ERROR",
        "error_code": error,
        "error_message": f"the login of access-sandbox-c0ffee00-1 has changed {plaid.secret}",
        "display_message": None,
    }

    answer = sent(plaid.webhook(ITEM, code, kind="ITEM", error=more if error else None))

    assert answer.status_code == 200
    assert state(connection) == (status, error_code)
    # People read what to do, and no secret.
    assert "bank" in connection.error_message
    assert "c0ffee" not in connection.error_message
    assert plaid.secret not in connection.error_message
    event = AuditEvent.objects.get(action="banking.connection.marked")
    assert (event.scope_id, event.object_id) == (entity.id, connection.public_id)
    assert event.after == {"status": status, "error_code": error_code}
    assert syncs() == []


def test_a_repaired_log_in_makes_the_connection_active_and_starts_a_sync(
    plaid: FakePlaid, entity: Entity
) -> None:
    connection = connected(
        entity, status=ConnectionStatus.LOGIN_REQUIRED, error_code="ITEM_LOCKED", error_message="Log in."
    )

    sent(plaid.webhook(ITEM, "LOGIN_REPAIRED", kind="ITEM"))

    assert state(connection) == ("active", "")
    assert connection.error_message == ""
    assert syncs() == [(entity.id, str(connection.id))]


@pytest.mark.parametrize("status", [ConnectionStatus.LOGIN_REQUIRED, ConnectionStatus.FAILED])
def test_a_permission_that_ends_soon_makes_nothing_of_a_connection_that_is_broken_already(
    plaid: FakePlaid, entity: Entity, status: ConnectionStatus
) -> None:
    connection = connected(entity, status=status, error_code="BROKEN")

    sent(plaid.webhook(ITEM, "PENDING_EXPIRATION", kind="ITEM"))

    assert state(connection) == (status, "BROKEN")


def test_a_permission_that_was_withdrawn_is_not_repaired_by_a_late_word(
    plaid: FakePlaid, entity: Entity
) -> None:
    connection = connected(entity, status=ConnectionStatus.FAILED, error_code="USER_PERMISSION_REVOKED")

    sent(plaid.webhook(ITEM, "LOGIN_REPAIRED", kind="ITEM"))

    assert state(connection) == ("failed", "USER_PERMISSION_REVOKED")


def test_another_error_is_left_for_the_sync_to_find_out_and_a_passing_one_passes(
    plaid: FakePlaid, entity: Entity, connection: BankConnection
) -> None:
    def error(code: str, kind: str) -> dict[str, Any]:
        return {"error_type": kind, "error_code": code, "error_message": None, "display_message": None}

    sent(plaid.webhook(ITEM, "ERROR", kind="ITEM", error=error("INSTITUTION_DOWN", "INSTITUTION_ERROR")))
    assert syncs() == []
    sent(plaid.webhook(ITEM, "ERROR", kind="ITEM", error=error("ITEM_NOT_SUPPORTED", "ITEM_ERROR")))

    assert syncs() == [(entity.id, str(connection.id))]
    assert state(connection) == ("active", "")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"),
        ("ITEM", "SYNC_UPDATES_AVAILABLE"),
        ("TRANSACTIONS", "LOGIN_REPAIRED"),
        ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"),
        ("BRAND_NEW", "CODE_OF_TOMORROW"),
    ],
)
def test_what_means_nothing_here_is_taken_and_logged(
    plaid: FakePlaid, connection: BankConnection, caplog: pytest.LogCaptureFixture, kind: str, code: str
) -> None:
    caplog.set_level(logging.INFO)

    answer = sent(plaid.webhook(ITEM, code, kind=kind))

    assert answer.status_code == 200
    assert "plaid_webhook_ignored" in caplog.text
    assert (state(connection), syncs()) == (("active", ""), [])


def test_connections_that_are_not_known_or_given_up_are_left_alone(plaid: FakePlaid, entity: Entity) -> None:
    gone = connected(entity, status=ConnectionStatus.DISCONNECTED, access_token="", disconnected_at=utc_now())
    sandbox = connected(entity, "other")
    BankConnection.objects.filter(id=sandbox.id).update(provider=ProviderName.SANDBOX)

    for item_id in (ITEM, "other", "unknown"):
        answer = sent(plaid.webhook(item_id, "ERROR", kind="ITEM", error={"error_code": "ITEM_LOCKED"}))
        assert (answer.status_code, answer.json()) == (200, {"received": True})
        sent(plaid.webhook(item_id, "SYNC_UPDATES_AVAILABLE"))

    assert (state(gone), state(sandbox), syncs()) == (("disconnected", ""), ("active", ""), [])


def test_a_copy_does_nothing_a_second_time(
    plaid: FakePlaid, connection: BankConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = plaid.webhook(ITEM, "ERROR", kind="ITEM", error={"error_code": "ITEM_LOCKED"})
    sent(webhook)
    BankConnection.objects.update(status=ConnectionStatus.ACTIVE, error_code="", error_message="")

    assert sent(webhook).status_code == 200
    assert state(connection) == ("active", "")

    # Without Redis a copy is not known; what it does is the same again.
    monkeypatch.setattr(cache, "get", Mock(side_effect=redis.ConnectionError))
    monkeypatch.setattr(cache, "set", Mock(side_effect=redis.ConnectionError))
    assert sent(webhook).status_code == 200
    assert state(connection) == ("login_required", "ITEM_LOCKED")


def test_a_webhook_that_failed_is_done_when_it_comes_again(
    plaid: FakePlaid, entity: Entity, connection: BankConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = new_lines(plaid)
    with monkeypatch.context() as broken:
        broken.setattr("banking.services.plaid_events.start_sync", Mock(side_effect=RuntimeError))
        assert sent(webhook).status_code == 500

    assert sent(webhook).status_code == 200
    assert syncs() == [(entity.id, str(connection.id))]


# --- what counts as one --------------------------------------------------------------------------------

Bad = Callable[[FakePlaid], Webhook]
BODY: Final = plain_json.dumps(
    {"webhook_type": "TRANSACTIONS", "webhook_code": "SYNC_UPDATES_AVAILABLE", "item_id": ITEM}
).encode()


def claimed(
    fake: FakePlaid, *, kid: Any = None, algorithm: str = "ES256", key: Any = None, **claims: Any
) -> Webhook:
    """The webhook with other claims, key or algorithm than Plaid's."""
    right = {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(BODY).hexdigest()}
    kept = {name: value for name, value in (right | claims).items() if value is not None}
    headers = {"kid": fake.key.kid if kid is None else kid}
    return Webhook(BODY, jwt.encode(kept, key or fake.key.private, algorithm=algorithm, headers=headers))


def edited(fake: FakePlaid, **header: Any) -> Webhook:
    """The webhook with another header, rightly signed."""
    head = {"alg": "ES256", "typ": "JWT", "kid": fake.key.kid} | header
    claims = {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(BODY).hexdigest()}
    signed = b".".join(
        base64.urlsafe_b64encode(plain_json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)
    )
    signature = ECAlgorithm(ECAlgorithm.SHA256).sign(signed, fake.key.private)
    end = base64.urlsafe_b64encode(signature).rstrip(b"=")
    return Webhook(BODY, (signed + b"." + end).decode())


def shifted(signature: str) -> str:
    return signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")


def unsigned(fake: FakePlaid) -> Webhook:
    claims = {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(BODY).hexdigest()}
    return Webhook(BODY, jwt.encode(claims, "", algorithm="none", headers={"kid": fake.key.kid}))


def expired_key(fake: FakePlaid) -> Webhook:
    fake.key.expired_at = int(time.time()) - 1
    return Webhook(BODY, fake.sign(BODY))


BAD: Final[dict[str, Bad]] = {
    "no signature": lambda fake: Webhook(BODY, ""),
    "no JWT": lambda fake: Webhook(BODY, "abc"),
    "dots alone": lambda fake: Webhook(BODY, ".."),
    "not ASCII": lambda fake: Webhook(BODY, "é.é.é"),
    "too long": lambda fake: Webhook(BODY, fake.sign(BODY) + "A" * 5000),
    "tampered": lambda fake: Webhook(BODY, shifted(fake.sign(BODY))),
    "unsigned": unsigned,
    "by HS256 with the public key": lambda fake: claimed(fake, algorithm="HS256", key=fake.key.as_jwk()["x"]),
    "by RS256": lambda fake: claimed(
        fake, algorithm="RS256", key=rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ),
    "by ES384": lambda fake: claimed(fake, algorithm="ES384", key=ec.generate_private_key(ec.SECP384R1())),
    "by another key of that name": lambda fake: Webhook(BODY, fake.sign(BODY, key=FakeKey(kid=fake.key.kid))),
    "by a key that Plaid does not know": lambda fake: Webhook(BODY, fake.sign(BODY, key=FakeKey())),
    "by an expired key": expired_key,
    "without a key": lambda fake: edited(fake, kid=None),
    "with a list as key": lambda fake: edited(fake, kid=[fake.key.kid]),
    "with a path as key": lambda fake: edited(fake, kid="../../item/get"),
    "with a number as algorithm": lambda fake: edited(fake, alg=5),
    "with a critical header": lambda fake: edited(fake, crit=["b64"], b64=False),
    "too old": lambda fake: Webhook(BODY, fake.sign(BODY, issued_at=time.time() - 305)),
    "of the future": lambda fake: Webhook(BODY, fake.sign(BODY, issued_at=time.time() + 120)),
    "without age": lambda fake: claimed(fake, iat=None),
    "with text as age": lambda fake: claimed(fake, iat="now"),
    "with an endless age": lambda fake: claimed(fake, iat=10**400),
    "with a fraction as age": lambda fake: claimed(fake, iat=time.time()),
    "without a digest": lambda fake: claimed(fake, request_body_sha256=None),
    "with a number as digest": lambda fake: claimed(fake, request_body_sha256=5),
    "with an odd digest": lambda fake: claimed(fake, request_body_sha256="\ud800é"),
    "with another body": lambda fake: Webhook(BODY.replace(b"SYNC", b"LESS"), fake.sign(BODY)),
    "with the body in another spacing": lambda fake: Webhook(BODY + b" ", fake.sign(BODY)),
    "with an empty body": lambda fake: Webhook(b"", fake.sign(BODY)),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_plaid_did_not_sign_is_refused_without_detail(
    plaid: FakePlaid, connection: BankConnection, bad: Bad
) -> None:
    answer = sent(bad(plaid))

    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "requestId"}
    assert (error["code"], error["message"]) == ("UNAUTHORIZED", "This webhook is not signed as Plaid signs.")
    assert (state(connection), syncs()) == (("active", ""), [])


def test_what_the_bad_ones_are_made_of_is_right_but_for_their_fault(
    plaid: FakePlaid, connection: BankConnection
) -> None:
    for good in (claimed(plaid), edited(plaid)):
        assert sent(good).status_code == 200
    assert len(syncs()) == 1


def test_the_header_counts_up_to_five_minutes(plaid: FakePlaid, connection: BankConnection) -> None:
    assert sent(new_lines(plaid, issued_at=time.time() - 290)).status_code == 200


def test_the_signature_stands_in_for_a_token_and_a_content_type(
    plaid: FakePlaid, connection: BankConnection
) -> None:
    assert sent(new_lines(plaid), content_type="text/plain").status_code == 200
    assert Caller("no token").post(ADDRESS, {"webhook_type": "ITEM"}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"webhook_type": 5, "webhook_code": "A"}'])
def test_what_is_signed_but_no_webhook_is_refused_and_no_crash(plaid: FakePlaid, body: bytes) -> None:
    answer = sent(Webhook(body, plaid.sign(body)))

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"


def test_a_body_beyond_bounds_is_not_read(plaid: FakePlaid) -> None:
    body = b" " * 1_000_001

    assert sent(Webhook(body, plaid.sign(body))).status_code == 413


# --- keys ----------------------------------------------------------------------------------------------


def test_a_key_is_asked_for_once_an_hour(plaid: FakePlaid, clock: Clock) -> None:
    for _ in range(3):
        assert sent(new_lines(plaid)).status_code == 200
    assert [call.body for call in plaid.calls_of(KEYS)] == [{"key_id": plaid.key.kid}]

    # Plaid has expired it since: within the hour we do not know.
    plaid.key.expired_at = int(time.time())
    assert sent(new_lines(plaid)).status_code == 200
    clock.now += 3601
    assert sent(new_lines(plaid)).status_code == 401
    assert len(plaid.calls_of(KEYS)) == 2


def test_made_up_keys_make_us_call_plaid_once_a_minute(plaid: FakePlaid, clock: Clock) -> None:
    for _ in range(20):
        assert sent(new_lines(plaid, key=FakeKey())).status_code == 401
    assert len(plaid.calls) == 1

    # Meanwhile a real one has to come again, as Plaid's do.
    assert sent(new_lines(plaid)).status_code == 401
    clock.now += 61
    assert sent(new_lines(plaid)).status_code == 200
    assert len(plaid.calls) == 2


def test_made_up_keys_do_not_keep_a_key_that_was_seen_from_being_asked_for_again(
    plaid: FakePlaid, clock: Clock
) -> None:
    sent(new_lines(plaid))
    clock.now += 3601
    sent(new_lines(plaid, key=FakeKey()))

    assert sent(new_lines(plaid)).status_code == 200


def test_a_key_of_another_kind_does_not_count(plaid: FakePlaid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeKey, "as_jwk", lambda key: RIGHT_JWK(key) | {"use": "enc"})

    assert sent(new_lines(plaid)).status_code == 401


def test_a_key_that_is_no_point_of_the_curve_does_not_count(
    plaid: FakePlaid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeKey, "as_jwk", lambda key: RIGHT_JWK(key) | {"y": RIGHT_JWK(key)["x"]})

    assert sent(new_lines(plaid)).status_code == 401


def test_while_plaid_cannot_be_asked_a_webhook_is_refused_and_soon_over(plaid: FakePlaid) -> None:
    plaid.refuse(KEYS, "INTERNAL_SERVER_ERROR", status=500, kind="API_ERROR", times=3)

    assert sent(new_lines(plaid)).status_code == 401
    assert len(plaid.calls) == 1


RIGHT_JWK: Final = FakeKey.as_jwk
