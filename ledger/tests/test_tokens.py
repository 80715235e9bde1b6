"""Who gets a token, what it says, and when it stops working."""

import hashlib
from datetime import timedelta
from time import monotonic
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from ledger import caches, tokens
from ledger.actors import SYSTEM
from ledger.choices import Outcome
from ledger.exceptions import AuthenticationError
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import ApiKey, AuditEvent
from ledger.services import keys
from ledger.services.developers import NewDeveloper, create_developer, disable_developer, enable_developer
from ledger.services.entities import delete_entity
from ledger.tests.helpers import Caller, caller_of, make_admin_key, make_developer, make_entity, token_of
from ledger.tokens import Scope, TokenKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> NewDeveloper:
    return make_developer()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def forged(
    made: NewDeveloper, *, secret: str | None = None, header: dict[str, str] | None = None, **change: Any
) -> str:
    """A token as ours would be, but for `change`; None takes a claim away."""
    good = token_of(made.first_key)
    claims = {name: value for name, value in (claims_of(good) | change).items() if value is not ...}
    headers = {"kid": jwt.get_unverified_header(good)["kid"]} | (header or {})
    return jwt.encode(claims, secret or settings.JWT_SIGNING_KEYS[0], algorithm="HS256", headers=headers)


def test_developer_gets_a_token_of_an_hour(made: NewDeveloper) -> None:
    body = {"userType": "developer", "id": made.developer.public_id, "apiKey": made.first_key.secret}

    answer = Caller().post("/v1/auth/tokens", body)

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3600)
    assert answer["Cache-Control"] == "no-store"
    claims = claims_of(answer.json()["access_token"])
    assert {"iss", "aud", "typ", "exp", "iat", "jti"} <= claims.keys()
    assert claims["exp"] - claims["iat"] == 3600
    assert Caller(answer.json()["access_token"]).get("/v1/developers/me").status_code == 200


@pytest.mark.parametrize("path", ["/v1/auth/developer-token", "/v1/developers/auth/generate-token"])
@pytest.mark.parametrize("spelling", [("developerId", "apiKey"), ("developer_id", "api_key")])
def test_older_addresses_give_developer_tokens(
    made: NewDeveloper, path: str, spelling: tuple[str, str]
) -> None:
    answer = Caller().post(path, {spelling[0]: made.developer.public_id, spelling[1]: made.first_key.secret})

    assert tokens.verify(answer.json()["access_token"]).kind is TokenKind.DEVELOPER


@pytest.mark.parametrize("path", ["/v1/auth/entity-token", "/v1/entities/auth/generate-token"])
def test_older_addresses_give_entity_tokens(made: NewDeveloper, path: str) -> None:
    entity = make_entity(made.developer)

    answer = Caller().post(
        path,
        {
            "entityId": entity.public_id,
            "developerId": made.developer.public_id,
            "apiKey": made.first_key.secret,
        },
    )

    token = tokens.verify(answer.json()["access_token"])
    assert (token.kind, token.entity_id) == (TokenKind.ENTITY, entity.id)


def test_entity_token_of_the_general_address(made: NewDeveloper) -> None:
    entity = make_entity(made.developer)
    body = {"userType": "entity", "id": entity.public_id, "apiKey": made.first_key.secret, "scope": "read"}

    token = tokens.verify(Caller().post("/v1/auth/tokens", body).json()["access_token"])

    assert (token.kind, token.entity_id, token.scope) == (TokenKind.ENTITY, entity.id, Scope.READ)
    assert token.developer_id == made.developer.id


def test_operator_gets_an_admin_token() -> None:
    admin = make_admin_key()
    body = {"userType": "admin", "id": admin.key.public_id, "apiKey": admin.secret}

    token = tokens.verify(Caller().post("/v1/auth/tokens", body).json()["access_token"])

    assert (token.kind, token.developer_id, token.entity_id) == (TokenKind.ADMIN, None, None)


def test_unknown_id_and_wrong_key_answer_alike(made: NewDeveloper) -> None:
    rival = make_developer("Rival")
    entity = make_entity(made.developer)
    admin = make_admin_key()
    nobody = {
        prefix: encode_id(prefix, new_id()) for prefix in (Prefix.DEVELOPER, Prefix.ENTITY, Prefix.API_KEY)
    }
    good, wrong = made.first_key.secret, "olk_" + "x" * 43
    attempts = [
        ("developer", made.developer.public_id, wrong),
        ("developer", nobody[Prefix.DEVELOPER], good),
        ("developer", nobody[Prefix.DEVELOPER], wrong),
        ("developer", made.developer.public_id, rival.first_key.secret),
        ("developer", made.developer.public_id, admin.secret),
        ("entity", entity.public_id, rival.first_key.secret),
        ("entity", entity.public_id, wrong),
        ("entity", nobody[Prefix.ENTITY], good),
        ("admin", admin.key.public_id, wrong),
        ("admin", admin.key.public_id, good),
        ("admin", nobody[Prefix.API_KEY], admin.secret),
        ("admin", made.first_key.key.public_id, good),
    ]

    answers = [
        Caller().post("/v1/auth/tokens", {"userType": kind, "id": id_, "apiKey": secret})
        for kind, id_, secret in attempts
    ]

    assert [answer.status_code for answer in answers] == [401] * len(attempts)
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1
    assert answers[0]["WWW-Authenticate"] == "Bearer"
    # Every refusal is on record, and no record has a secret.
    refusals = AuditEvent.objects.filter(action="ledger.token.refused", outcome=Outcome.REFUSED)
    assert refusals.count() == len(attempts)
    assert not any(secret in str(event.__dict__) for event in refusals for secret in (good, wrong))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"userType": "root"}, "userType"),
        ({"id": "dev_1"}, "id"),
        ({"apiKey": 5}, "apiKey"),
        ({"scope": "all"}, "scope"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_malformed_credentials_are_400(made: NewDeveloper, change: dict[str, Any], field: str) -> None:
    body = {"userType": "developer", "id": made.developer.public_id, "apiKey": made.first_key.secret} | change

    answer = Caller().post("/v1/auth/tokens", body)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


def test_revoked_expired_and_disabled_keys_get_no_token(made: NewDeveloper) -> None:
    def status(secret: str) -> int:
        body = {"developerId": made.developer.public_id, "apiKey": secret}
        return Caller().post("/v1/auth/developer-token", body).status_code

    revoked = keys.create_key(developer=made.developer, name="old", actor=SYSTEM)
    keys.revoke_key(key=revoked.key, actor=SYSTEM)
    expired = keys.create_key(
        developer=made.developer, name="short", actor=SYSTEM, expires_at=timezone.now() + timedelta(hours=1)
    )
    ApiKey.objects.filter(pk=expired.key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert [status(revoked.secret), status(expired.secret), status(made.first_key.secret)] == [401, 401, 200]
    disable_developer(developer=made.developer, actor=SYSTEM)
    assert status(made.first_key.secret) == 401
    enable_developer(developer=made.developer, actor=SYSTEM)
    assert status(made.first_key.secret) == 200


def test_tokens_end_with_their_key_their_developer_and_their_entity(made: NewDeveloper) -> None:
    entity = make_entity(made.developer)
    second = keys.create_key(developer=made.developer, name="second", actor=SYSTEM)
    by_key, by_entity, by_developer = (
        Caller(token_of(second)),
        Caller(token_of(made.first_key, entity=entity)),
        Caller(token_of(made.first_key)),
    )
    callers = (by_key, by_entity, by_developer)

    def statuses() -> list[int]:
        return [caller.get("/v1/entities/developer-entities").status_code for caller in callers]

    assert statuses() == [200, 200, 200]
    keys.revoke_key(key=second.key, actor=SYSTEM)
    assert statuses() == [401, 200, 200]
    delete_entity(entity=entity, actor=SYSTEM)
    assert statuses() == [401, 401, 200]
    disable_developer(developer=made.developer, actor=SYSTEM)
    assert statuses() == [401, 401, 401]


def test_revocation_by_another_process_counts_within_seconds(
    made: NewDeveloper, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = caller_of(made)
    assert caller.get("/v1/developers/me").status_code == 200
    # Behind this process's back, as another one does it.
    ApiKey.objects.filter(pk=made.first_key.key.pk).update(revoked_at=timezone.now())

    later = monotonic() + 5
    monkeypatch.setattr(caches, "monotonic", lambda: later)

    assert caller.get("/v1/developers/me").status_code == 401


def test_known_token_and_entity_cost_no_query(
    made: NewDeveloper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    entity = make_entity(made.developer)
    caller = caller_of(made, entity=entity)
    caller.get("/v1/entities/settings")

    with django_assert_num_queries(0):
        assert caller.get("/v1/entities/settings").status_code == 200


def test_every_flawed_token_gets_the_same_401(made: NewDeveloper) -> None:
    now = int(timezone.now().timestamp())
    good = token_of(made.first_key)
    head, payload, signature = good.split(".")
    flawed = {
        "expired": forged(made, exp=now - 1),
        "issuer": forged(made, iss="someone"),
        "audience": forged(made, aud="elsewhere"),
        "type": forged(made, typ="refresh"),
        "kind": forged(made, kind="root"),
        "scope": forged(made, scope="everything"),
        "key": forged(made, key="zz"),
        "unknown key": forged(made, key=new_id().hex),
        "future": forged(made, iat=now + 600),
        "secret": forged(made, secret="s" * 64),
        "kid": forged(made, header={"kid": "other"}),
        "no exp": forged(made, exp=...),
        "no jti": forged(made, jti=...),
        "no typ": forged(made, typ=...),
        "algorithm": jwt.encode(
            claims_of(good),
            settings.JWT_SIGNING_KEYS[0],
            algorithm="HS512",
            headers={"kid": jwt.get_unverified_header(good)["kid"]},
        ),
        "none": jwt.encode(
            claims_of(good), "", algorithm="none", headers={"kid": jwt.get_unverified_header(good)["kid"]}
        ),
        "signature": f"{head}.{payload}.{signature[:-4]}AAAA",
        "cut": f"{head}.{payload}",
        "empty": "",
        "garbage": "äöü",
        "long": "x" * 10_000,
    }

    answers = {name: Caller(token).get("/v1/developers/me") for name, token in flawed.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(flawed, 401)
    assert len({answer.json()["error"]["message"] for answer in answers.values()}) == 1
    assert {answer["WWW-Authenticate"] for answer in answers.values()} == {"Bearer"}


@pytest.mark.parametrize("header", [None, "Basic abc", "Bearer", "bearer x y"])
def test_requests_without_a_token_are_401(header: str | None) -> None:
    caller = Caller(**({} if header is None else {"HTTP_AUTHORIZATION": header}))

    answer = caller.get("/v1/developers/me")

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"


def test_signing_keys_rotate_without_ending_tokens(made: NewDeveloper, settings: Any) -> None:
    old = token_of(made.first_key)
    settings.JWT_SIGNING_KEYS = ["n" * 64, *settings.JWT_SIGNING_KEYS]
    new = token_of(made.first_key)

    assert tokens.verify(old) == tokens.verify(new)
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]

    settings.JWT_SIGNING_KEYS = ["n" * 64]
    tokens._known.clear()
    tokens.verify(new)
    with pytest.raises(AuthenticationError):
        tokens.verify(old)


def test_secrets_are_random_and_stored_hashed(made: NewDeveloper) -> None:
    other = make_developer("Other")

    assert made.first_key.secret != other.first_key.secret
    assert made.first_key.secret.startswith("olk_")
    assert len(made.first_key.secret) == 4 + 43  # 256 bits in base64
    key = ApiKey.objects.get(pk=made.first_key.key.pk)
    assert bytes(key.key_hash) == hashlib.sha256(made.first_key.secret.encode()).digest()
    assert made.first_key.secret not in str(key.__dict__)


def test_use_of_a_key_is_noted_once_a_minute(made: NewDeveloper) -> None:
    body = {"developerId": made.developer.public_id, "apiKey": made.first_key.secret}
    key = made.first_key.key

    Caller().post("/v1/auth/developer-token", body)
    key.refresh_from_db()
    first = key.last_used_at
    Caller().post("/v1/auth/developer-token", body)
    key.refresh_from_db()

    assert first is not None
    assert key.last_used_at == first


def test_entity_of_another_developer_has_no_token(made: NewDeveloper) -> None:
    foreign = make_entity(create_developer(name="Rival", actor=SYSTEM).developer)
    body = {"userType": "entity", "id": foreign.public_id, "apiKey": made.first_key.secret}

    assert Caller().post("/v1/auth/tokens", body).status_code == 401
