"""Races on statements, with real threads, connections and commits. Where a lock keeps them right, a control
without it shows that the race is real."""

import threading
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.transaction import atomic

from banking.models import Reconciliation
from banking.reconciliation import matching, services, statements
from banking.reconciliation.exceptions import (
    AlreadyOpenError,
    CompletedError,
    DifferenceError,
    ReconciledError,
    TransactionsNotFoundError,
)
from banking.tests.reconciliation_cast import Bakery
from ledger import audit
from ledger.actors import SYSTEM
from ledger.db import fetch
from ledger.exceptions import ConflictError, LedgerError
from ledger.models import AuditEvent
from transactions.services import delete_transaction, edit_transaction
from transactions.services.editing import Edit
from transactions.tests.conftest import assert_totals_hold, errors_of, race, wait_until_blocked
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 6


@pytest.fixture
def bakery() -> Bakery:
    return Bakery()


def assert_holds(bakery: Bakery) -> None:
    assert list(verify_books(bakery.entity)) == []
    assert_totals_hold(bakery.entity)


def in_background(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start `work` in a thread with a connection of its own; the list gets what it returned or raised."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def test_of_two_who_complete_one_wins(bakery: Bakery) -> None:
    for round_ in range(ROUNDS):
        sale = bakery.earn("10", f"2024-01-{round_ + 1:02}")
        one = bakery.start(str(10 * (round_ + 1)), f"2024-01-{round_ + 1:02}")
        bakery.tick(one, sale)
        results = race(*[partial(bakery.complete, one)] * 2)
        (lost,) = errors_of(results)
        assert isinstance(lost, CompletedError)
    assert_holds(bakery)


def test_of_two_who_begin_one_wins(bakery: Bakery) -> None:
    results = race(*[partial(bakery.start, "10")] * 2)
    (lost,) = errors_of(results)
    assert isinstance(lost, AlreadyOpenError)


def test_ticking_while_completing_is_on_the_statement_or_refused(bakery: Bakery) -> None:
    for round_ in range(ROUNDS):
        day = f"2024-01-{round_ + 1:02}"
        sale, zero_in, zero_out = bakery.earn("10", day), bakery.earn("5", day), bakery.spend("5", day)
        one = bakery.start(str(10 * (round_ + 1)), day)
        bakery.tick(one, sale)
        # Both together change nothing of the difference, so either order is right, and no mixture.
        completed, ticked = race(partial(bakery.complete, one), partial(bakery.tick, one, zero_in, zero_out))
        assert completed is None
        is_on = bakery.ticked(one) == {sale.id, zero_in.id, zero_out.id}
        assert ticked == 2 if is_on else isinstance(ticked, CompletedError)
        # What is on the completed statement was moved with it.
        status = {bakery.stored(row).status for row in (zero_in, zero_out)}
        assert status == ({"RECONCILED"} if is_on else {"CLEARED"})
    assert_holds(bakery)


def _wait_and_complete(bakery: Bakery, one: UUID, then: Callable[[], object]) -> list[object]:
    """Complete `one` but for the commit, run `then` meanwhile, and commit."""
    reached, go_on = threading.Event(), threading.Event()
    real = audit.record

    def slowly(**event: Any) -> AuditEvent:
        reached.set()
        assert go_on.wait(20)
        return real(**event)

    patch = pytest.MonkeyPatch()
    patch.setattr(audit, "record", slowly)
    try:
        completing, completed = in_background(lambda: bakery.complete(one))
        assert reached.wait(20)
        other, outcome = in_background(then)
        try:
            wait_until_blocked(seconds=3)
        except AssertionError:
            other.join(1)  # nothing blocks it: it is done
        go_on.set()
        completing.join(20)
        other.join(20)
    finally:
        patch.undo()
    return [*completed, *outcome]


def test_ticking_waits_for_who_completes_and_is_refused_then(bakery: Bakery) -> None:
    sale, late = bakery.earn("10"), bakery.earn("5")
    one = bakery.start("10")
    bakery.tick(one, sale)
    completed, ticked = _wait_and_complete(bakery, one, lambda: bakery.tick(one, late))
    assert completed is None
    assert isinstance(ticked, CompletedError)
    assert bakery.ticked(one) == {sale.id}


def test_control_without_the_lock_the_tick_would_slip_onto_the_completed_statement(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the lock of the service nor the guard of the database: then the statement is wrong."""
    sale, late = bakery.earn("10"), bakery.earn("5")
    one = bakery.start("10")
    bakery.tick(one, sale)
    monkeypatch.setattr(matching, "lock_open_statement", statements.find_statement)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE banking_reconciledtransaction DISABLE TRIGGER reconciledtransaction_insert"
        )
    try:
        completed, ticked = _wait_and_complete(bakery, one, lambda: bakery.tick(one, late))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE banking_reconciledtransaction ENABLE TRIGGER reconciledtransaction_insert"
            )
    assert (completed, ticked) == (None, 1)
    assert bakery.difference(one) == -5
    assert {found.check for found in verify_books(bakery.entity)} == {"reconciliations"}


def test_the_guard_alone_keeps_a_tick_off_that_did_not_take_the_lock(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, late = bakery.earn("10"), bakery.earn("5")
    one = bakery.start("10")
    bakery.tick(one, sale)
    monkeypatch.setattr(matching, "lock_open_statement", statements.find_statement)
    completed, ticked = _wait_and_complete(bakery, one, lambda: bakery.tick(one, late))
    assert completed is None
    assert "nothing is added to it" in str(ticked)
    assert bakery.ticked(one) == {sale.id}


def test_editing_waits_for_who_completes_and_is_refused_then(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    one = bakery.start("10")
    bakery.tick(one, sale)
    edit = partial(
        edit_transaction,
        entity=bakery.entity,
        transaction_id=sale.id,
        edit=Edit(amount=Decimal(11)),
        actor=SYSTEM,
    )
    completed, edited = _wait_and_complete(bakery, one, edit)
    assert completed is None
    assert isinstance(edited, ReconciledError)
    assert_holds(bakery)


def test_control_without_the_lock_on_transactions_an_edit_would_slip_by(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Completing also moves what is not posted, which locks it: the control leaves that out, too.
    sale = bakery.earn("10")
    one = bakery.start("10")
    bakery.tick(one, sale)
    monkeypatch.setattr(services, "_LOCK_TRANSACTIONS", "SELECT %(reconciliation)s::uuid, %(entity)s::uuid")
    monkeypatch.setattr(services, "_reconcile", lambda *_: None)
    edit = partial(
        edit_transaction,
        entity=bakery.entity,
        transaction_id=sale.id,
        edit=Edit(amount=Decimal(11)),
        actor=SYSTEM,
    )
    completed, edited = _wait_and_complete(bakery, one, edit)
    assert completed is None
    assert not isinstance(edited, LedgerError)
    assert bakery.difference(one) == -1
    assert {found.check for found in verify_books(bakery.entity)} == {"reconciliations"}


def test_deleting_and_completing_at_once_leave_one_of_the_two(bakery: Bakery) -> None:
    outcomes = set()
    balance = 0
    for round_ in range(ROUNDS):
        day = f"2024-01-{round_ + 1:02}"
        sale = bakery.earn("10", day)
        one = bakery.start(str(balance + 10), day)
        bakery.tick(one, sale)
        completed, deleted = race(
            partial(bakery.complete, one),
            partial(delete_transaction, entity=bakery.entity, transaction_id=sale.id, actor=SYSTEM),
        )
        if completed is None:
            assert isinstance(deleted, ReconciledError)
            balance += 10
        else:
            assert isinstance(completed, DifferenceError)
            assert deleted is None
            bakery.delete(one)
        outcomes.add(completed is None)
    assert outcomes
    assert_holds(bakery)


def test_deleting_and_ticking_at_once_leave_no_tick_of_nothing(bakery: Bakery) -> None:
    one = bakery.start("10")
    for _ in range(ROUNDS):
        sale = bakery.earn("10")
        ticked, deleted = race(
            partial(bakery.tick, one, sale),
            partial(delete_transaction, entity=bakery.entity, transaction_id=sale.id, actor=SYSTEM),
        )
        # Who deletes takes the tick off, or was there first.
        assert deleted is None
        assert ticked == 1 or isinstance(ticked, TransactionsNotFoundError)
        assert bakery.ticked(one) == set()
    assert_holds(bakery)


def test_of_two_who_match_one_line_one_wins(bakery: Bakery) -> None:
    one = bakery.start("1000")
    for _ in range(ROUNDS):
        first, second, line = bakery.earn("10"), bakery.earn("10"), bakery.line("-10")
        results = race(partial(bakery.match, one, line, first), partial(bakery.match, one, line, second))
        (lost,) = errors_of(results)
        assert isinstance(lost, ConflictError)
    assert_holds(bakery)


def test_accepting_twice_at_once_ticks_everything_once(bakery: Bakery) -> None:
    for n in range(5):
        bakery.earn(str(n + 1))
        bakery.line(str(-n - 1))
    one = bakery.start("15")
    results = race(*[partial(bakery.accept, one)] * 2)
    assert sorted(str(result) for result in results) == ["0", "5"]
    bakery.complete(one)
    assert_holds(bakery)


def test_completing_and_reopening_the_one_before_it_leave_a_whole_chain(bakery: Bakery) -> None:
    january = bakery.completed(bakery.earn("10"))
    for _ in range(ROUNDS):
        results = race(partial(bakery.reopen, january), partial(bakery.start, "10", "2024-02-29"))
        (lost,) = errors_of(results)
        assert isinstance(lost, LedgerError)
        if results[0] is None:
            bakery.complete(january)
        else:
            february = Reconciliation.objects.get(entity_id=bakery.entity.id, status="open")
            bakery.delete(february.id)
    assert_holds(bakery)


def test_a_statement_that_is_completed_is_held_until_the_transaction_ends(bakery: Bakery) -> None:
    one = bakery.start("0")
    with atomic():
        statements.lock_open_statement(bakery.entity, one)
        thread, outcome = in_background(partial(bakery.complete, one))
        wait_until_blocked()
        assert fetch("SELECT status FROM banking_reconciliation WHERE id = %s", [one]) == [("open",)]
    thread.join(20)
    assert outcome == [None]
