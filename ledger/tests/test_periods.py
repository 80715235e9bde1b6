"""Closing and reopening the books."""

import threading
import time
from datetime import date

import pytest
from django.db import connection, transaction

from ledger import db
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, ValidationError
from ledger.models import AuditEvent, Entity
from ledger.services.books import lock_books
from ledger.services.periods import close_books, reopen_books
from ledger.tests.helpers import caller_of, make_developer, make_entity

JANUARY, FEBRUARY = date(2024, 1, 31), date(2024, 2, 29)


def closed_through(entity: Entity) -> date | None:
    return Entity.objects.get(pk=entity.pk).books_closed_through


def actions(entity: Entity) -> list[str]:
    events = AuditEvent.objects.filter(scope_id=entity.id, action__startswith="ledger.books.")
    return list(events.order_by("sequence").values_list("action", flat=True))


@pytest.fixture
def entity(db: None) -> Entity:
    return make_entity(make_developer().developer)


def test_books_close_forward_and_reopen_backward(entity: Entity) -> None:
    close_books(entity=entity, through=JANUARY, actor=SYSTEM)
    close_books(entity=entity, through=FEBRUARY, actor=SYSTEM)
    assert closed_through(entity) == FEBRUARY
    reopen_books(entity=entity, through=JANUARY, actor=SYSTEM)
    assert closed_through(entity) == JANUARY
    reopen_books(entity=entity, through=None, actor=SYSTEM)

    assert closed_through(entity) is None
    assert actions(entity) == ["ledger.books.closed"] * 2 + ["ledger.books.reopened"] * 2


def test_closing_never_reopens_and_reopening_never_closes(entity: Entity) -> None:
    close_books(entity=entity, through=FEBRUARY, actor=SYSTEM)

    with pytest.raises(ConflictError, match="2024-02-29"):
        close_books(entity=entity, through=JANUARY, actor=SYSTEM)
    with pytest.raises(ConflictError, match="2024-03-31"):
        reopen_books(entity=entity, through=date(2024, 3, 31), actor=SYSTEM)
    assert closed_through(entity) == FEBRUARY


def test_closing_twice_is_one_event(entity: Entity) -> None:
    for _ in range(2):
        close_books(entity=entity, through=JANUARY, actor=SYSTEM)

    assert actions(entity) == ["ledger.books.closed"]


def test_a_reopening_records_its_reason(db: None) -> None:
    entity = make_entity(make_developer().developer)
    close_books(entity=entity, through=FEBRUARY, actor=SYSTEM)

    with pytest.raises(ValidationError, match="501 characters"):
        reopen_books(entity=entity, through=JANUARY, actor=SYSTEM, reason="x" * 501)
    reopen_books(entity=entity, through=JANUARY, actor=SYSTEM, reason="The landlord's bill came late")

    event = AuditEvent.objects.get(scope_id=entity.id, action="ledger.books.reopened")
    assert event.after == {
        "books_closed_through": "2024-01-31",
        "reason": "The landlord's bill came late",
    }


def test_settings_close_and_reopen(db: None) -> None:
    made = make_developer()
    entity = make_entity(made.developer)
    caller = caller_of(made, entity=entity)
    path = "/v1/entities/settings"

    for sent in ("2024-02-29", "2024-01-31", None):
        answer = caller.put(path, {"books_closed_through": sent})
        assert (answer.status_code, answer.json()["books_closed_through"]) == (200, sent)

    assert actions(entity) == ["ledger.books.closed", "ledger.books.reopened", "ledger.books.reopened"]


def test_lock_needs_a_transaction_to_hold_it() -> None:
    with pytest.raises(RuntimeError):
        lock_books(Entity())


@pytest.mark.django_db(transaction=True)
def test_closing_waits_for_postings_that_have_begun() -> None:
    entity = make_entity(make_developer().developer)
    begun, done = threading.Event(), []

    def close() -> None:
        try:
            begun.set()
            close_books(entity=entity, through=JANUARY, actor=SYSTEM)
            done.append(time.monotonic())
        finally:
            connection.close()

    with transaction.atomic():
        # What the guard of a posting holds until it ends.
        db.fetch("SELECT pg_advisory_xact_lock_shared(ledger_books_key(%(e)s))", {"e": entity.id})
        thread = threading.Thread(target=close)
        thread.start()
        begun.wait()
        thread.join(timeout=0.5)
        assert not done
    thread.join(timeout=10)

    assert done
    assert closed_through(entity) == JANUARY
