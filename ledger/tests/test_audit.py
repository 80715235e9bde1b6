"""The audit trail: complete, chained, and closed to changes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import Error as DatabaseError
from django.db import connection, transaction

from ledger import audit, db
from ledger.actors import SYSTEM, Actor
from ledger.choices import ActorKind
from ledger.db import HISTORY, sqlstate
from ledger.ids import new_id
from ledger.models import AuditEvent, Entity
from ledger.tests.helpers import make_developer, make_entity


@pytest.fixture
def entity(db: None) -> Entity:
    return make_entity(make_developer().developer)


def record(entity: Entity, number: int = 0, **more: object) -> AuditEvent:
    with transaction.atomic():
        return audit.record(
            actor=more.pop("actor", SYSTEM),  # type: ignore[arg-type]
            action="ledger.test.done",
            object_type="test",
            object_id=str(number),
            entity=entity,
            **more,  # type: ignore[arg-type]
        )


def tamper(sql: str, *params: UUID) -> None:
    """Change rows as someone with the keys of the database could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_auditevent DISABLE TRIGGER USER")
        cursor.execute(sql, params)
        cursor.execute("ALTER TABLE ledger_auditevent ENABLE TRIGGER USER")


def test_events_keep_who_what_and_whence(entity: Entity) -> None:
    key_id = new_id()
    actor = Actor(ActorKind.API_KEY, id=key_id, label="Production", address="2001:db8::1", request_id="r-1")

    made = record(entity, actor=actor, before={"name": "a"}, after={"name": "b"})

    event = AuditEvent.objects.get(pk=made.pk)
    assert (event.actor_kind, event.actor_id, event.actor_label) == ("api_key", key_id, "Production")
    assert (event.address, event.request_id, event.outcome) == ("2001:db8::1", "r-1", "done")
    assert (event.before, event.after) == ({"name": "a"}, {"name": "b"})
    assert event.scope_id == entity.id


def test_chain_holds_whatever_is_recorded(entity: Entity) -> None:
    for address in (None, "10.0.0.1", "::ffff:10.0.0.1", "2001:DB8:0:0:0:0:0:1", "a socket"):
        record(entity, actor=Actor(ActorKind.SYSTEM, address=address))
    record(
        entity,
        after={
            "amount": Decimal("1E+2"),
            "at": datetime(2024, 1, 1, tzinfo=UTC),
            "ids": (new_id(),),
            "nested": {"ä": [1, None, True, "\u2028"]},
            "big": 10**30,
            "kind": ActorKind.USER,
        },
    )

    assert audit.verify_chain(entity.id) == []
    assert entity.id in set(AuditEvent.objects.values_list("scope_id", flat=True))
    assert audit.verify_chains() == []


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        (
            "UPDATE ledger_auditevent SET actor_label = 'x' WHERE scope_id = %s AND sequence = 3",
            "was changed",
        ),
        (
            "UPDATE ledger_auditevent SET after = '{\"n\": 2}' WHERE scope_id = %s AND sequence = 3",
            "was changed",
        ),
        ("DELETE FROM ledger_auditevent WHERE scope_id = %s AND sequence = 3", "events 3 to 3 are missing"),
        ("DELETE FROM ledger_auditevent WHERE scope_id = %s AND sequence = 1", "events 1 to 1 are missing"),
        (
            "UPDATE ledger_auditevent SET previous_hash = hash WHERE scope_id = %s AND sequence = 3",
            "does not follow",
        ),
    ],
)
def test_tampering_shows(entity: Entity, sql: str, fault: str) -> None:
    for number in range(4):
        record(entity, number, after={"n": 1})
    assert audit.verify_chain(entity.id) == []

    tamper(sql, entity.id)

    assert any(fault in line for line in audit.verify_chain(entity.id))


@pytest.mark.parametrize(
    "sql",
    ["UPDATE ledger_auditevent SET actor_label = 'x'", "DELETE FROM ledger_auditevent"],
)
def test_database_refuses_changes(entity: Entity, sql: str) -> None:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        db.execute(sql)

    assert sqlstate(refusal.value) == HISTORY


def test_event_vanishes_with_the_work_that_it_records(entity: Entity) -> None:
    before = AuditEvent.objects.count()

    with transaction.atomic():
        record(entity)
        transaction.set_rollback(True)

    assert AuditEvent.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_recording_outside_of_a_transaction_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        audit.record(actor=SYSTEM, action="a.b.c", object_type="x", object_id="1")


def test_changed_names_only_what_differs() -> None:
    assert audit.changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == (
        {"b": 2, "c": None},
        {"b": 3, "c": 4},
    )


@pytest.mark.django_db(transaction=True)
def test_chain_has_no_gap_or_fork_under_concurrent_writers() -> None:
    entity = make_entity(make_developer().developer)
    barrier = threading.Barrier(8)

    def write(number: int) -> None:
        try:
            barrier.wait()
            for turn in range(5):
                record(entity, 10 * number + turn)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    assert audit.verify_chain(entity.id) == []
    assert AuditEvent.objects.filter(scope_id=entity.id, action="ledger.test.done").count() == 40
