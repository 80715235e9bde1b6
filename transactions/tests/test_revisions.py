"""Nothing is ever forgotten: each change files exactly the former state, and the books can be shown as they
were known at any past moment."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ledger.actors import SYSTEM, Actor
from ledger.choices import ActorKind
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.models import Entity
from transactions.choices import Change, Status
from transactions.models import Revision, Transaction, TransactionState
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    delete_transaction,
    edit_transaction,
    expire_pending,
    move_transactions,
    reverse_transaction,
)
from transactions.services.editing import Edit
from transactions.tests.conftest import NOON, Company

pytestmark = pytest.mark.django_db

STATE = [
    field.attname for field in TransactionState._meta.concrete_fields if field.name not in ("id", "entity")
]
State = dict[str, Any]


def state_of(row: Transaction | Revision) -> State:
    return {name: getattr(row, name) for name in STATE}


def books_now(entity: Entity) -> dict[UUID, State]:
    return {row.id: state_of(row) for row in Transaction.objects.filter(entity_id=entity.id)}


def books_as_known_at(entity: Entity, moment: dt.datetime) -> dict[UUID, State]:
    """Every transaction as the books had it at `moment`: its first revision after that, else what it says
    now, unless it was not there yet."""
    known = books_now(entity)
    later = Revision.objects.filter(entity_id=entity.id, changed_at__gt=moment)
    for revision in later.order_by("-changed_at", "-id"):
        known[revision.transaction_id] = state_of(revision)
    return {id_: state for id_, state in known.items() if state["created_at"] <= moment}


def test_revision_has_every_column_of_a_transaction() -> None:
    assert {"amount", "debit_account_id", "metadata", "status", "reversed_by_id"} <= set(STATE)
    assert set(STATE) == {
        field.attname for field in Transaction._meta.concrete_fields if field.name not in ("id", "entity")
    }


def test_each_change_files_exactly_the_former_state(bakery: Company) -> None:
    person = Actor(ActorKind.API_KEY, id=new_id(), label="key")
    entity = bakery.entity
    row = bakery.post(
        description="first",
        counterparty="A",
        metadata={"n": 1},
        external_id="x",
        expires_at=dt.datetime(2199, 1, 1, tzinfo=dt.UTC),
    )
    steps: list[tuple[Change, Any]] = [
        (
            Change.EDITED,
            lambda: edit_transaction(
                entity=entity,
                transaction_id=row.id,
                edit=Edit(amount=Decimal(12), description="second"),
                actor=person,
            ),
        ),
        (
            Change.CATEGORIZED,
            lambda: categorize_transactions(
                entity=entity, ids=[row.id], category_id=bakery.software.id, actor=person
            ),
        ),
        (
            Change.RECONCILED,
            lambda: move_transactions(
                entity=entity,
                ids=[row.id],
                to=Status.RECONCILED,
                change=Change.RECONCILED,
                actor=person,
                reason="statement of March",
            ),
        ),
        (Change.APPROVED, lambda: approve_transactions(entity=entity, ids=[row.id], actor=person)),
        (
            Change.REVERSED,
            lambda: reverse_transaction(entity=entity, transaction_id=row.id, actor=person),
        ),
    ]
    for count, (change, step) in enumerate(steps, start=1):
        before, started = state_of(bakery.stored(row.id)), utc_now()
        step()
        revision = Revision.objects.filter(transaction_id=row.id).latest("changed_at", "id")
        assert state_of(revision) == before
        assert (revision.change, revision.changed_by, revision.changed_by_kind) == (
            change,
            person.id,
            person.kind,
        )
        assert revision.entity_id == entity.id
        # The moment of the change is the one that the transaction itself shows.
        assert revision.changed_at == bakery.stored(row.id).updated_at
        assert started <= revision.changed_at <= utc_now()
        assert Revision.objects.filter(transaction_id=row.id).count() == count
    assert Revision.objects.get(change=Change.RECONCILED).reason == "statement of March"


def test_deleting_and_expiring_file_the_last_state(bakery: Company) -> None:
    due, gone = bakery.post(expires_at=NOON), bakery.post("3")
    before = books_now(bakery.entity)
    list(expire_pending(entity=bakery.entity, now=NOON, actor=SYSTEM))
    delete_transaction(entity=bakery.entity, transaction_id=gone.id, actor=SYSTEM)
    filed = {revision.transaction_id: state_of(revision) for revision in Revision.objects.all()}
    assert filed == before
    assert {due.id, gone.id} == set(filed)


def test_books_can_be_shown_as_they_were_known_at_any_moment(bakery: Company, stranger: Company) -> None:
    entity = bakery.entity
    known: list[tuple[dt.datetime, dict[UUID, State]]] = [(utc_now(), {})]

    def remember() -> None:
        known.append((utc_now(), books_now(entity)))

    rows = []
    for n in range(6):
        rows.append(bakery.post(str(n + 1), expires_at=NOON if n == 5 else None))
        remember()
    stranger.post()
    a, b, c, d, e, _ = rows
    for step in (
        lambda: approve_transactions(entity=entity, ids=[a.id, b.id], actor=SYSTEM),
        lambda: edit_transaction(
            entity=entity, transaction_id=c.id, edit=Edit(amount=Decimal(-30)), actor=SYSTEM
        ),
        lambda: delete_transaction(entity=entity, transaction_id=c.id, actor=SYSTEM),
        lambda: categorize_transactions(
            entity=entity, ids=[a.id, d.id], category_id=bakery.software.id, actor=SYSTEM
        ),
        lambda: reverse_transaction(entity=entity, transaction_id=a.id, actor=SYSTEM),
        lambda: list(expire_pending(entity=entity, now=NOON, actor=SYSTEM)),
        lambda: edit_transaction(
            entity=entity, transaction_id=b.id, edit=Edit(description="Words"), actor=SYSTEM
        ),
        lambda: delete_transaction(entity=entity, transaction_id=e.id, actor=SYSTEM),
    ):
        step()
        remember()
    assert len({str(state) for _, state in known}) == len(known), "every step changed the books"
    for moment, books in known:
        assert books_as_known_at(entity, moment) == books
