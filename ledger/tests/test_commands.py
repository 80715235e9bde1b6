"""The operators' commands: what they print, what they do, and how they refuse."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.utils import timezone

import ledger
from ledger import audit, idempotency
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import ApiKey, AuditEvent, Developer, Entity, IdempotencyKey, Ledger, Membership, User
from ledger.tests.helpers import Caller, make_admin_key, make_developer, make_entity

pytestmark = pytest.mark.django_db
NO_ENTITY = encode_id(Prefix.ENTITY, new_id())
COMMANDS = sorted(
    file.stem
    for file in (Path(ledger.__file__).parent / "management" / "commands").glob("*.py")
    if file.stem != "__init__"
)


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, no_color=True)
    return out.getvalue()


def secret_in(text: str) -> str:
    found = re.search(r"olk_\S+", text)
    assert found
    return found.group()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_test_and_explains_itself(name: str) -> None:
    assert f'run("{name}"' in Path(__file__).read_text(), f"write a test that runs {name}"
    assert len(load_command_class("ledger", name).help) > 30


def test_create_developer_prints_a_key_that_works() -> None:
    printed = run("create_developer", "Acme", "--currency", "eur", "--timezone", "Europe/Berlin")

    developer = Developer.objects.get(name="Acme")
    assert f"Created developer {developer.public_id}" in printed
    assert developer.preferences == {"currency": "EUR", "timezone": "Europe/Berlin"}
    body = {"developerId": developer.public_id, "apiKey": secret_in(printed)}
    assert Caller().post("/v1/auth/developer-token", body).status_code == 200
    event = AuditEvent.objects.get(scope_id=developer.id, sequence=1)
    assert (event.actor_kind, event.actor_label) == ("command", "manage.py create_developer")


def test_create_entity_makes_a_ledger() -> None:
    developer = make_developer().developer

    printed = run(
        "create_entity", developer.public_id, "Corner Bakery", "--currency", "JPY", "--external-id", "x"
    )

    entity = Entity.objects.get(developer=developer)
    assert printed == f"Created entity {entity.public_id} (JPY, UTC).\n"
    assert Ledger.objects.get(entity=entity).currency == "JPY"
    with pytest.raises(CommandError, match="externalId"):
        run("create_entity", developer.public_id, "Another", "--external-id", "x")


def test_create_api_key_can_expire() -> None:
    developer = make_developer().developer

    printed = run("create_api_key", developer.public_id, "Nightly", "--days", "2")

    key = ApiKey.objects.get(name="Nightly")
    assert key.expires_at is not None
    assert timedelta(days=1) < key.expires_at - timezone.now() <= timedelta(days=2)
    body = {"developerId": developer.public_id, "apiKey": secret_in(printed)}
    assert Caller().post("/v1/auth/developer-token", body).status_code == 200


def test_create_admin_key_prints_what_a_token_needs() -> None:
    printed = run("create_admin_key", "Olivia")

    key = ApiKey.objects.get(name="Olivia")
    assert key.public_id in printed
    body = {"userType": "admin", "id": key.public_id, "apiKey": secret_in(printed)}
    assert Caller().post("/v1/auth/tokens", body).status_code == 200


def test_list_keys_shows_states_and_no_secrets() -> None:
    made = make_developer()
    admin = make_admin_key("Olivia")
    printed = run("list_keys", made.developer.public_id)
    assert made.first_key.key.public_id in printed
    assert "active" in printed
    assert printed.endswith("1 keys.\n")
    assert made.first_key.secret not in printed

    assert admin.key.public_id in run("list_keys", "--admin")


def test_revoke_key_ends_it() -> None:
    made = make_developer()

    printed = run("revoke_key", made.first_key.key.public_id)

    assert printed.startswith(f"Revoked key {made.first_key.key.public_id}")
    body = {"developerId": made.developer.public_id, "apiKey": made.first_key.secret}
    assert Caller().post("/v1/auth/developer-token", body).status_code == 401
    assert "revoked" in run("list_keys", made.developer.public_id)


def test_forget_idempotency_keys_spares_the_young() -> None:
    owner_id = make_developer().developer.id
    for key in ("old", "young"):
        idempotency.claim(owner_id=owner_id, key=key, request=b"0" * 32)
    IdempotencyKey.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=30))

    printed = run("forget_idempotency_keys", "--hours", "24")

    assert printed == "Forgot 1 idempotency keys older than 24 hours.\n"
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]


def test_create_person_prints_a_password_for_one_log_in() -> None:
    printed = run("create_person", "ann", "--email", "ann@example.com")

    ann = User.objects.get(username="ann")
    assert ann.check_password(printed.split("Password: ")[1].split("\n")[0])
    assert (ann.is_staff, ann.is_superuser, ann.must_change_password) == (True, False, True)
    assert printed.endswith("Created ann.\n")
    event = AuditEvent.objects.get(action="ledger.person.created")
    assert (event.scope_id, event.actor_label) == (audit.INSTALLATION, "manage.py create_person")
    with pytest.raises(CommandError, match="taken"):
        run("create_person", "ann")


def test_memberships_are_granted_and_revoked() -> None:
    bakery = make_entity(make_developer().developer, "Bakery")
    run("create_person", "ann", "--email", "ann@example.com")
    run("create_person", "bob")

    printed = run(
        "grant_membership", "--user", "ANN@example.com", "--entity", bakery.public_id, "--role", "owner"
    )
    assert printed == f"ann is owner in Bakery ({bakery.public_id}).\n"
    run("grant_membership", "--user", "bob", "--entity", bakery.public_id, "--role", "auditor")
    printed = run("revoke_membership", "--user", "bob", "--entity", bakery.public_id)
    assert printed == f"bob is no longer in Bakery ({bakery.public_id}).\n"

    assert list(Membership.objects.values_list("user__username", "role")) == [("ann", "owner")]
    with pytest.raises(CommandError, match="only owner"):
        run("revoke_membership", "--user", "ann", "--entity", bakery.public_id)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("create_developer", "Acme", "--currency", "XXZ"), "XXZ"),
        (("create_developer", ""), "name: .*blank"),
        (("create_developer", "A" * 201), "name: .*200"),
        (("create_developer", "Acme", "--email", "nobody"), '--email: "nobody"'),
        (("create_developer", "Acme", "--industry", "A" * 101), "--industry: .*100"),
        (("create_entity", "dev_1", "Name"), "dev_1"),
        (("create_entity", "dev_1", "A" * 256), "name: .*255"),
        (("create_entity", "dev_1", "Name", "--external-id", "A" * 256), "--external-id: .*255"),
        (("create_entity", encode_id(Prefix.DEVELOPER, new_id()), "Name"), "no developer"),
        (("create_api_key", encode_id(Prefix.DEVELOPER, new_id()), "Name"), "no developer"),
        (("revoke_key", encode_id(Prefix.API_KEY, new_id())), "no API key"),
        (("revoke_key", "key_1"), "key_1"),
        (("forget_idempotency_keys", "--hours", "1"), "too few"),
        (("list_keys",), "required"),
        (("create_admin_key", ""), "name"),
        (("create_person", "no such name!"), "username"),
        (("create_person", "ann", "--email", "nobody"), '--email: "nobody"'),
        (("grant_membership", "--user", "nobody", "--entity", NO_ENTITY, "--role", "owner"), '"nobody"'),
        (("grant_membership", "--user", "nobody", "--entity", NO_ENTITY, "--role", "boss"), "boss"),
        (("revoke_membership", "--user", "nobody", "--entity", NO_ENTITY), '"nobody"'),
        (("revoke_membership", "--user", "nobody"), "--entity"),
    ],
)
def test_misuse_is_refused_in_plain_words(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*words)


def test_key_days_are_bounded() -> None:
    with pytest.raises(CommandError, match="--days 0"):
        run("create_api_key", make_developer().developer.public_id, "Nightly", "--days", "0")
