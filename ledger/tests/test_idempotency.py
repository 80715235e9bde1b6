"""POST, PUT and DELETE with an Idempotency-Key happen once, whatever is sent twice, and when."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import idempotency
from ledger.api.views import ApiView
from ledger.models import Developer, IdempotencyKey
from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity

RACERS = 16


def body_of(request: Request) -> dict[str, Any]:
    return cast("dict[str, Any]", request.data)


class Effect(ApiView):
    """Makes a developer of the given name: an effect that can be counted."""

    needs_entity = False

    def post(self, request: Request) -> Response:
        outcome = str(body_of(request).get("outcome", ""))
        make_developer(name=body_of(request)["name"])
        if outcome == "refuse":
            return Response({"refused": True}, status=409)
        if outcome == "crash":
            raise RuntimeError("the handler broke")
        return Response({"made": body_of(request)["name"]}, status=201)

    def delete(self, request: Request) -> Response:
        make_developer(name="deleted")
        return self.deleted("It is gone.")


class SecretEffect(Effect):
    shows_secrets = True


class TenantEffect(Effect):
    needs_entity = True


class Deadlocked(ApiView):
    """Fails twice as PostgreSQL does when it ends a deadlock, then works."""

    needs_entity = False
    failures_left = 2

    def post(self, request: Request) -> Response:
        make_developer(name=body_of(request)["name"])
        if type(self).failures_left > 0:
            type(self).failures_left -= 1
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")
        return Response({"made": body_of(request)["name"]}, status=201)


urlpatterns = [
    path("v1/effect", Effect.as_view()),
    path("v1/secret-effect", SecretEffect.as_view()),
    path("v1/tenant-effect", TenantEffect.as_view()),
    path("v1/deadlocked", Deadlocked.as_view()),
]

pytestmark = pytest.mark.urls(__name__)


def made(name: str) -> int:
    return Developer.objects.filter(name=name).count()


@pytest.fixture
def caller(db: None) -> Caller:
    return caller_of(make_developer())


def test_second_call_gets_the_first_answer_byte_for_byte(caller: Caller) -> None:
    first = caller.post("/v1/effect", {"name": "once"}, HTTP_IDEMPOTENCY_KEY="k1")
    second = caller.post("/v1/effect", {"name": "once"}, HTTP_IDEMPOTENCY_KEY="k1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second["Content-Type"] == first["Content-Type"] == "application/json"
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert made("once") == 1


def test_without_a_key_each_call_counts(caller: Caller) -> None:
    caller.post("/v1/effect", {"name": "each"})
    caller.post("/v1/effect", {"name": "each"})

    assert made("each") == 2
    assert IdempotencyKey.objects.count() == 0


@pytest.mark.parametrize(
    ("path_", "body"),
    [
        ("/v1/effect", {"name": "other"}),
        ("/v1/effect?x=1", {"name": "one"}),
        ("/v1/secret-effect", {"name": "one"}),
    ],
)
def test_same_key_with_another_request_is_refused(caller: Caller, path_: str, body: dict[str, Any]) -> None:
    caller.post("/v1/effect", {"name": "one"}, HTTP_IDEMPOTENCY_KEY="k1")

    answer = caller.post(path_, body, HTTP_IDEMPOTENCY_KEY="k1")

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "IDEMPOTENCY_MISMATCH"
    assert made("other") == 0


def test_key_of_another_owner_is_another_key(caller: Caller) -> None:
    other = caller_of(make_developer("Rival Platform"))
    caller.post("/v1/effect", {"name": "mine"}, HTTP_IDEMPOTENCY_KEY="shared")

    answer = other.post("/v1/effect", {"name": "theirs"}, HTTP_IDEMPOTENCY_KEY="shared")

    assert answer.json() == {"made": "theirs"}


@pytest.mark.parametrize("outcome", ["refuse", "crash"])
def test_failed_call_leaves_no_effect_and_frees_its_key(caller: Caller, outcome: str) -> None:
    failed = caller.post("/v1/effect", {"name": "x", "outcome": outcome}, HTTP_IDEMPOTENCY_KEY="k1")
    assert failed.status_code in (409, 500)
    assert made("x") == 0
    assert IdempotencyKey.objects.count() == 0

    # Another request may now use the key.
    assert caller.post("/v1/effect", {"name": "y"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201


@pytest.mark.parametrize(("prefer", "status"), [({}, 204), ({"HTTP_PREFER": "return=representation"}, 200)])
def test_delete_is_replayed_with_its_status(caller: Caller, prefer: dict[str, Any], status: int) -> None:
    answers = [caller.delete("/v1/effect", HTTP_IDEMPOTENCY_KEY="k1", **prefer) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [status, status]
    assert (
        answers[0].content == answers[1].content == (b"" if status == 204 else b'{"message":"It is gone."}')
    )
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert made("deleted") == 1


def test_official_client_gets_a_message_for_a_delete(caller: Caller) -> None:
    answer = caller.delete("/v1/effect", HTTP_X_FERN_LANGUAGE="Python")

    assert (answer.status_code, answer.json()) == (200, {"message": "It is gone."})


def test_stored_answer_with_a_secret_is_encrypted(caller: Caller) -> None:
    first = caller.post("/v1/secret-effect", {"name": "whisper"}, HTTP_IDEMPOTENCY_KEY="k1")
    second = caller.post("/v1/secret-effect", {"name": "whisper"}, HTTP_IDEMPOTENCY_KEY="k1")

    assert second.content == first.content
    assert b"whisper" not in bytes(IdempotencyKey.objects.get().response_body or b"")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "é"])
def test_keys_that_are_none_are_refused(caller: Caller, key: str) -> None:
    answer = caller.post("/v1/effect", {"name": "z"}, HTTP_IDEMPOTENCY_KEY=key)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "Idempotency-Key"
    assert made("z") == 0


def test_access_is_checked_before_a_replay(caller: Caller) -> None:
    owner = make_developer("Owner")
    entity = make_entity(owner.developer)
    stranger = make_developer("Stranger")
    first = caller_of(owner).post(
        f"/v1/tenant-effect?entityId={entity.public_id}", {"name": "t"}, HTTP_IDEMPOTENCY_KEY="k1"
    )
    assert first.status_code == 201

    answer = caller_of(stranger).post(
        f"/v1/tenant-effect?entityId={entity.public_id}", {"name": "t"}, HTTP_IDEMPOTENCY_KEY="k1"
    )

    assert answer.status_code == 404
    assert b"made" not in answer.content


@pytest.mark.django_db(transaction=True)
def test_sixteen_identical_calls_at_once_have_one_effect() -> None:
    developer = make_developer()
    barrier = threading.Barrier(RACERS)

    def race(_: int) -> tuple[int, bytes, bool]:
        try:
            caller = caller_of(developer)
            barrier.wait()
            answer = caller.post("/v1/effect", {"name": "raced"}, HTTP_IDEMPOTENCY_KEY="race")
            return answer.status_code, answer.content, "Idempotent-Replayed" in answer
        finally:
            connection.close()

    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(race, range(RACERS)))

    assert made("raced") == 1
    # One did the work, the others got its answer, or were told to come back.
    assert [replayed for status, _, replayed in answers if status == 201].count(False) == 1
    assert {status for status, _, _ in answers} <= {201, 409}
    assert len({content for status, content, _ in answers if status == 201}) == 1


@pytest.mark.django_db(transaction=True)
def test_duplicate_of_a_running_call_is_told_to_come_back() -> None:
    developer = make_developer()
    owner_id = developer.developer.id
    answers = []

    def duplicate() -> None:
        try:
            answers.append(
                caller_of(developer).post("/v1/effect", {"name": "late"}, HTTP_IDEMPOTENCY_KEY="slow")
            )
        finally:
            connection.close()

    with transaction.atomic():
        assert idempotency.claim(owner_id=owner_id, key="slow", request=b"0" * 32) is None
        thread = threading.Thread(target=duplicate)
        thread.start()
        thread.join(timeout=20)

    assert answers[0].status_code == 409
    assert int(answers[0]["Retry-After"]) >= 1
    assert made("late") == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", [{}, {"HTTP_IDEMPOTENCY_KEY": "k1"}])
def test_deadlock_is_tried_again_and_leaves_one_effect(key: dict[str, Any]) -> None:
    Deadlocked.failures_left = 2
    name = f"survivor {len(key)}"

    answer = caller_of(make_developer()).post("/v1/deadlocked", {"name": name}, **key)

    assert answer.status_code == 201
    # Without a key each try commits what it did before the failure; with one, the whole try is undone.
    assert made(name) == (1 if key else 3)


@pytest.mark.django_db(transaction=True)
def test_endless_deadlock_ends_as_a_conflict() -> None:
    Deadlocked.failures_left = 100

    answer = caller_of(make_developer()).post("/v1/deadlocked", {"name": "never"}, HTTP_IDEMPOTENCY_KEY="k1")

    assert answer.status_code == 409
    assert "Retry-After" in answer
    assert made("never") == 0


def test_former_lock_timeout_holds_for_the_work(caller: Caller) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        former = cursor.fetchone()
        idempotency.claim(owner_id=make_developer().developer.id, key="k", request=b"0" * 32)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == former


@override_settings(IDEMPOTENCY_KEY_HOURS=0)
def test_old_keys_are_forgotten(caller: Caller) -> None:
    caller.post("/v1/effect", {"name": "old"}, HTTP_IDEMPOTENCY_KEY="k1")

    assert idempotency.forget_old() == 1
    assert IdempotencyKey.objects.count() == 0
