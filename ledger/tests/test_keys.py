"""A developer's API keys: made, listed, rotated, revoked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ledger import audit
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, ValidationError
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import AuditEvent
from ledger.services import keys
from ledger.services.developers import NewDeveloper
from ledger.tests.helpers import Caller, caller_of, make_developer, token_of

pytestmark = pytest.mark.django_db
PATH = "/v1/developers/api-keys"


@pytest.fixture
def made() -> NewDeveloper:
    return make_developer()


@pytest.fixture
def caller(made: NewDeveloper) -> Caller:
    return caller_of(made)


def test_new_key_is_shown_once_and_works(made: NewDeveloper, caller: Caller) -> None:
    answer = caller.post(PATH, {"name": "Production"})

    assert answer.status_code == 201
    shown = answer.json()["apiKey"]
    assert {"id", "name", "key", "prefix", "createdAt"} <= shown.keys()
    assert shown["key"].startswith(shown["prefix"])
    body = {"developerId": made.developer.public_id, "apiKey": shown["key"]}
    assert Caller().post("/v1/auth/developer-token", body).status_code == 200
    # The list has it, without the secret.
    listed = caller.get(PATH)
    assert shown["key"] not in listed.content.decode()
    assert listed.json()["apiKeys"][0] == {name: shown[name] for name in shown if name != "key"} | {
        "lastUsedAt": listed.json()["apiKeys"][0]["lastUsedAt"]
    }


def test_keys_are_listed_in_pages_newest_first(made: NewDeveloper, caller: Caller) -> None:
    for number in range(4):
        keys.create_key(developer=made.developer, name=f"key {number}", actor=SYSTEM)
    make_developer("Rival")

    first = caller.get(f"{PATH}?pageSize=3").json()
    second = caller.get(f"{PATH}?pageSize=3&cursor={first['nextCursor']}").json()

    names = [key["name"] for key in first["apiKeys"] + second["apiKeys"]]
    assert names == ["key 3", "key 2", "key 1", "key 0", "First key"]
    assert (first["hasMore"], second["hasMore"], second["nextCursor"]) == (True, False, None)


def test_cursor_of_another_developer_is_400(made: NewDeveloper, caller: Caller) -> None:
    rival = make_developer("Rival")
    keys.create_key(developer=rival.developer, name="second", actor=SYSTEM)
    foreign = caller_of(rival).get(f"{PATH}?pageSize=1").json()["nextCursor"]

    assert caller.get(f"{PATH}?cursor={foreign}").status_code == 400


def test_revoked_key_stays_in_the_list(made: NewDeveloper, caller: Caller) -> None:
    key = keys.create_key(developer=made.developer, name="second", actor=SYSTEM).key

    first = caller.delete(f"{PATH}/{key.public_id}")
    again = caller.delete(f"{PATH}/{key.public_id}", HTTP_PREFER="return=representation")

    assert (first.status_code, first.content) == (204, b"")
    assert (again.status_code, again.json()) == (200, {"message": "API key revoked successfully"})
    shown = next(row for row in caller.get(PATH).json()["apiKeys"] if row["id"] == key.public_id)
    assert shown["revokedAt"] is not None
    assert AuditEvent.objects.filter(action="ledger.apikey.revoked", object_id=key.public_id).count() == 1


def test_own_key_revoked_ends_the_token_at_hand(made: NewDeveloper, caller: Caller) -> None:
    caller.delete(f"{PATH}/{made.first_key.key.public_id}")

    assert caller.get(PATH).status_code == 401


def test_rotation_leaves_the_old_key_its_grace(made: NewDeveloper, caller: Caller) -> None:
    old = made.first_key.key

    answer = caller.post(f"{PATH}/{old.public_id}/rotate", {"graceHours": 2})

    assert answer.status_code == 201
    assert answer.json()["apiKey"]["name"] == old.name
    assert answer.json()["apiKey"]["key"] != made.first_key.secret
    old.refresh_from_db()
    assert old.expires_at is not None
    assert timedelta(hours=1, minutes=59) < old.expires_at - timezone.now() <= timedelta(hours=2)
    # Both work meanwhile.
    for secret in (made.first_key.secret, answer.json()["apiKey"]["key"]):
        body = {"developerId": made.developer.public_id, "apiKey": secret}
        assert Caller().post("/v1/auth/developer-token", body).status_code == 200


def test_rotation_without_grace_ends_the_old_key_at_once(made: NewDeveloper, caller: Caller) -> None:
    new = caller.post(f"{PATH}/{made.first_key.key.public_id}/rotate", {"grace_hours": 0})

    assert new.status_code == 201
    assert caller.get(PATH).status_code == 401


def test_rotation_never_lengthens_a_life(made: NewDeveloper) -> None:
    ends = timezone.now() + timedelta(hours=1)
    old = keys.create_key(developer=made.developer, name="short", actor=SYSTEM, expires_at=ends).key

    new = keys.rotate_key(key=old, grace_hours=24, actor=SYSTEM)
    assert new.key.expires_at == old.expires_at

    old.refresh_from_db()
    assert old.expires_at == ends


def test_revoked_key_cannot_be_rotated(made: NewDeveloper) -> None:
    key = keys.create_key(developer=made.developer, name="gone", actor=SYSTEM).key
    keys.revoke_key(key=key, actor=SYSTEM)

    with pytest.raises(ConflictError, match="revoked"):
        keys.rotate_key(key=key, grace_hours=1, actor=SYSTEM)


@pytest.mark.parametrize("hours", [-1, 721, "two", 1.5])
def test_grace_is_bounded(made: NewDeveloper, caller: Caller, hours: object) -> None:
    answer = caller.post(f"{PATH}/{made.first_key.key.public_id}/rotate", {"graceHours": hours})

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "graceHours"


def test_key_that_has_expired_cannot_be_made(made: NewDeveloper, caller: Caller) -> None:
    answer = caller.post(PATH, {"name": "late", "expiresAt": "2020-01-01T00:00:00Z"})

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "expiresAt"
    with pytest.raises(ValidationError):
        keys.create_key(developer=made.developer, name="", actor=SYSTEM)


def test_keys_of_others_and_none_are_404(made: NewDeveloper, caller: Caller) -> None:
    foreign = make_developer("Rival").first_key.key.public_id

    for key_id in (foreign, encode_id(Prefix.API_KEY, new_id())):
        assert caller.delete(f"{PATH}/{key_id}").status_code == 404
        assert caller.post(f"{PATH}/{key_id}/rotate", {}).status_code == 404
    assert caller.delete(f"{PATH}/{made.developer.public_id}").status_code == 400
    assert Caller(token_of(make_developer("Third").first_key)).get(PATH).status_code == 200


def test_replay_shows_the_same_secret(caller: Caller) -> None:
    first = caller.post(PATH, {"name": "once"}, HTTP_IDEMPOTENCY_KEY="k")
    second = caller.post(PATH, {"name": "once"}, HTTP_IDEMPOTENCY_KEY="k")

    assert first.content == second.content


def test_trail_names_keys_but_no_secrets(made: NewDeveloper, caller: Caller) -> None:
    secret = caller.post(PATH, {"name": "Production"}).json()["apiKey"]["key"]

    event = AuditEvent.objects.filter(action="ledger.apikey.created").order_by("-sequence").first()
    assert event is not None
    assert (event.actor_kind, event.actor_label) == ("api_key", "First key")
    assert event.actor_id == made.first_key.key.id
    assert event.request_id
    assert secret not in str(event.__dict__)
    assert audit.verify_chain(made.developer.id) == []
