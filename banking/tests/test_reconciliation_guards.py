"""The database keeps completed statements as they are from raw SQL, past the ORM and past every service."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.transaction import atomic
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from banking.models import ReconciledTransaction, Reconciliation
from banking.reconciliation.exceptions import DifferenceError, ReconciledError, explain
from banking.tests.reconciliation_cast import Bakery, day
from ledger import db
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.services.entities import delete_entity
from transactions.exceptions import explains_refusal, refusals_in_words
from transactions.models import Transaction
from transactions.tests.test_guards import insert_sql, refused, run
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db

LOCKED = (db.RECONCILED, None)
TRANSACTION = "UPDATE transactions_transaction SET {} WHERE id = %s"
RECONCILIATION = "UPDATE banking_reconciliation SET {} WHERE id = %s"


@pytest.fixture
def bakery(db: None) -> Bakery:
    return Bakery()


def item(bakery: Bakery, reconciliation_id: Any, transaction_id: Any, **more: Any) -> dict[str, Any]:
    values = {
        "id": new_id(),
        "entity_id": bakery.entity.id,
        "reconciliation_id": reconciliation_id,
        "bank_account_id": bakery.checking.id,
        "transaction_id": transaction_id,
        "created_at": utc_now(),
    }
    return values | more


def add_item(bakery: Bakery, reconciliation_id: Any, transaction_id: Any) -> None:
    values = item(bakery, reconciliation_id, transaction_id)
    run(insert_sql("banking_reconciledtransaction", values), *values.values())


# --- transactions --------------------------------------------------------------------------------


def test_a_transaction_of_a_completed_statement_keeps_what_the_statement_proves(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    before = {
        "amount = amount + 1": (),
        "date = date + 1": (),
        "timestamp = timestamp + interval '1 second'": (),
        "debit_account_id = %s": (bakery.company.cash.id,),
        "debit_account_id = credit_account_id, credit_account_id = debit_account_id": (),
    }
    # Before it stands there, each of them passes.
    for change, values in before.items():
        with atomic():
            assert run(TRANSACTION.format(change), *values, sale.id) == 1
            run(
                "UPDATE transactions_transaction SET amount = %s, date = %s, timestamp = %s,"
                " debit_account_id = %s, credit_account_id = %s WHERE id = %s",
                sale.amount,
                sale.date,
                sale.timestamp,
                sale.debit_account_id,
                sale.credit_account_id,
                sale.id,
            )

    bakery.completed(sale)
    for change, values in before.items():
        assert refused(TRANSACTION.format(change), *values, sale.id) == LOCKED, change
    assert refused("DELETE FROM transactions_transaction WHERE id = %s", sale.id) == LOCKED
    # Of many in one statement none is changed.
    free = bakery.earn("20", "2024-02-01")
    assert (
        refused(
            "UPDATE transactions_transaction SET amount = amount + 1 WHERE entity_id = %s", bakery.entity.id
        )
        == LOCKED
    )
    assert bakery.stored(free).amount == 20


def test_its_other_side_its_words_and_its_state_are_free(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    bakery.completed(sale)
    for change, values in (
        ("credit_account_id = %s", (bakery.company.loan.id,)),
        ("description = 'Cake', counterparty = 'Ames', metadata = '{}'", ()),
        ("status = 'POSTED', posted_at = updated_at", ()),
    ):
        assert run(TRANSACTION.format(change), *values, sale.id) == 1


def test_a_transfer_keeps_the_side_of_each_bank_on_whose_statement_it_stands(bakery: Bakery) -> None:
    payment = bakery.earn("50", bank=bakery.card, credit=bakery.company.bank)
    one = bakery.start("-50", bank=bakery.card)
    bakery.tick(one, payment)
    bakery.complete(one)
    # On the card's statement alone: the other bank's side is still free.
    cash = bakery.company.cash.id
    assert refused(TRANSACTION.format("debit_account_id = %s"), cash, payment.id) == LOCKED
    with atomic():
        assert run(TRANSACTION.format("credit_account_id = %s"), cash, payment.id) == 1
        run(TRANSACTION.format("credit_account_id = %s"), payment.credit_account_id, payment.id)
    other = bakery.start("-50")
    bakery.tick(other, payment)
    bakery.complete(other)
    assert refused(TRANSACTION.format("credit_account_id = %s"), cash, payment.id) == LOCKED


def test_on_an_open_statement_nothing_is_locked_but_deleting_it_behind_its_back(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    one = bakery.start("10")
    bakery.tick(one, sale)
    assert run(TRANSACTION.format("amount = 11"), sale.id) == 1
    state, constraint = refused("DELETE FROM transactions_transaction WHERE id = %s", sale.id)
    assert state in (db.FOREIGN_KEY_VIOLATION, db.RESTRICT_VIOLATION)
    assert constraint == "reconciledtransaction_transaction_fk"


# --- items ---------------------------------------------------------------------------------------


def test_nothing_is_put_on_or_taken_off_a_completed_statement(bakery: Bakery) -> None:
    sale, other = bakery.earn("10"), bakery.earn("20")
    one = bakery.completed(sale)
    values = item(bakery, one, other.id)
    insert = insert_sql("banking_reconciledtransaction", values)
    assert refused(insert, *values.values()) == LOCKED
    assert refused("DELETE FROM banking_reconciledtransaction WHERE reconciliation_id = %s", one) == LOCKED
    assert bakery.ticked(one) == {sale.id}


def test_items_are_never_changed(bakery: Bakery) -> None:
    sale, other = bakery.earn("10"), bakery.earn("20")
    one = bakery.start("10")
    bakery.tick(one, sale)
    change = "UPDATE banking_reconciledtransaction SET transaction_id = %s WHERE reconciliation_id = %s"
    assert refused(change, other.id, one) == LOCKED


def test_items_cannot_point_into_another_company(bakery: Bakery) -> None:
    sale, stranger = bakery.earn("10"), Bakery("Stranger")
    theirs = stranger.start("10")
    values = item(stranger, theirs, sale.id, bank_account_id=stranger.checking.id)
    state, constraint = refused(insert_sql("banking_reconciledtransaction", values), *values.values())
    assert (state, constraint) == (db.FOREIGN_KEY_VIOLATION, "reconciledtransaction_transaction_fk")


def test_a_transaction_stands_on_one_statement_of_an_account(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    bakery.completed(sale)
    values = item(bakery, bakery.start("20", "2024-02-29"), sale.id)
    state, constraint = refused(insert_sql("banking_reconciledtransaction", values), *values.values())
    assert (state, constraint) == (db.UNIQUE_VIOLATION, "reconciledtransaction_once")


# --- reconciliations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "statement_balance = statement_balance + 1",
        "opening_balance = opening_balance + 1",
        "statement_date = statement_date + 1",
        "completed_at = now()",
        "status = 'open', completed_at = NULL, statement_balance = 0",
    ],
)
def test_a_completed_one_stays_as_it_is(bakery: Bakery, change: str) -> None:
    one = bakery.completed(bakery.earn("10"))
    assert refused(RECONCILIATION.format(change), one) == LOCKED
    assert refused("DELETE FROM banking_reconciliation WHERE id = %s", one)[0] is not None
    # Emptied first, as it would have to be, it does not go either.
    empty = bakery.completed(on="2024-02-29")
    assert refused("DELETE FROM banking_reconciliation WHERE id = %s", empty) == LOCKED


def test_only_the_latest_is_reopened(bakery: Bakery) -> None:
    january, february = bakery.completed(bakery.earn("10")), bakery.start("10", "2024-02-29")
    reopen = RECONCILIATION.format("status = 'open', completed_at = NULL, completed_by = NULL")
    assert refused(reopen, january) == LOCKED
    bakery.delete(february)
    assert run(reopen, january) == 1


def test_none_begins_completed(bakery: Bakery) -> None:
    values = {
        "id": new_id(),
        "entity_id": bakery.entity.id,
        "bank_account_id": bakery.checking.id,
        "statement_date": day("2024-01-31"),
        "statement_balance": 0,
        "opening_balance": 0,
        "status": "completed",
        "created_at": utc_now(),
        "completed_at": utc_now(),
    }
    assert refused(insert_sql("banking_reconciliation", values), *values.values()) == LOCKED


def test_none_is_completed_with_a_difference_or_with_what_cannot_stand_on_it(bakery: Bakery) -> None:
    complete = RECONCILIATION.format("status = 'completed', completed_at = now()")
    sale, late = bakery.earn("10"), bakery.earn("5", "2024-02-05")
    one = bakery.start("10")
    assert refused(complete, one) == LOCKED
    add_item(bakery, one, sale.id)
    with atomic():
        assert run(complete, one) == 1
        run(RECONCILIATION.format("status = 'open', completed_at = NULL"), one)
    add_item(bakery, one, late.id)
    run(RECONCILIATION.format("statement_balance = 15"), one)
    assert refused(complete, one) == LOCKED
    # It also begins where the one before it ended.
    run("DELETE FROM banking_reconciledtransaction WHERE transaction_id = %s", late.id)
    run(RECONCILIATION.format("statement_balance = 17, opening_balance = 7"), one)
    assert refused(complete, one) == LOCKED


def test_a_bank_account_with_completed_statements_keeps_its_account_in_the_books(bakery: Bakery) -> None:
    move = "UPDATE banking_bankaccount SET ledger_account_id = %s WHERE id = %s"
    cash = bakery.company.cash.id
    with atomic():
        assert run(move, cash, bakery.checking.id) == 1
        run(move, bakery.company.bank.id, bakery.checking.id)
    bakery.completed(bakery.earn("10"))
    assert refused(move, cash, bakery.checking.id) == LOCKED


@pytest.mark.parametrize("table", ["banking_reconciliation", "banking_reconciledtransaction"])
def test_tables_are_not_emptied(bakery: Bakery, table: str) -> None:
    bakery.completed(bakery.earn("10"))
    assert refused(f"TRUNCATE {table} CASCADE")[0] == db.HISTORY


def test_a_company_takes_everything_with_it(bakery: Bakery) -> None:
    bakery.completed(bakery.earn("10"))
    delete_entity(entity=bakery.entity, actor=SYSTEM)
    assert not ReconciledTransaction.objects.exists()
    assert not Transaction.objects.exists()


# --- words ---------------------------------------------------------------------------------------


def test_what_the_guards_refuse_is_said_in_words(bakery: Bakery) -> None:
    sale = bakery.earn("10")
    bakery.completed(sale)
    for sql, value, told in (
        (TRANSACTION.format("amount = 7"), sale.id, "stands on the completed bank statement of 2024-01-31"),
        ("DELETE FROM banking_reconciledtransaction WHERE transaction_id = %s", sale.id, "nothing is taken"),
    ):
        with pytest.raises(Exception, match=told) as error, atomic(), refusals_in_words():
            run(sql, value)
        assert not isinstance(error.value, DatabaseError)


def test_a_refusal_is_explained_once() -> None:
    assert explains_refusal(db.RECONCILED)(explain) is explain
    with pytest.raises(ValueError, match="OL008"):
        explains_refusal(db.RECONCILED)(lambda told: ReconciledError(new_id(), new_id(), "2024-01-31"))


# --- verification --------------------------------------------------------------------------------


def _past_the_guards(sql: str, *params: object) -> None:
    run("SET LOCAL session_replication_role = replica")
    run(sql, *params)
    run("SET LOCAL session_replication_role = origin")


def test_verify_finds_a_statement_that_no_longer_holds(bakery: Bakery) -> None:
    def found() -> list[str]:
        return [one.message for one in verify_books(bakery.entity) if one.check == "reconciliations"]

    sale, second = bakery.earn("10"), bakery.earn("5", "2024-02-10")
    january, february = bakery.completed(sale), bakery.completed(second, on="2024-02-29")
    assert found() == []

    _past_the_guards(TRANSACTION.format("amount = 11"), sale.id)
    (told,) = found()
    assert "of the statement of 2024-01-31 says 10.0000, and what stands on it comes to 11.0000" in told

    _past_the_guards(TRANSACTION.format("amount = 10, status = 'EXPIRED'"), sale.id)
    assert "1 of its transactions cannot stand on it" in found()[0]

    _past_the_guards(TRANSACTION.format("status = 'RECONCILED'"), sale.id)
    _past_the_guards(RECONCILIATION.format("opening_balance = 9, statement_balance = 14"), february)
    (told,) = found()
    assert "begins with 9.0000, the statement before it ends with 10.0000" in told
    assert january != february


# --- whatever the amounts ------------------------------------------------------------------------

CENTS = st.integers(min_value=1, max_value=10_000)


class CompletingTest(TestCase):
    """A statement is completed exactly where what is ticked comes to it."""

    @settings(max_examples=50, deadline=None)
    @given(
        moves=st.lists(st.tuples(CENTS, st.booleans(), st.booleans()), max_size=6),
        off=st.one_of(st.just(0), st.integers(min_value=-300, max_value=300)),
        is_card=st.booleans(),
    )
    def test_completing_succeeds_where_the_difference_is_zero_and_nowhere_else(
        self, moves: list[tuple[int, bool, bool]], off: int, is_card: bool
    ) -> None:
        bakery = Bakery()
        bank = bakery.card if is_card else bakery.checking
        total = 0
        ticked = []
        for cents, is_in, is_ticked in moves:
            row = (bakery.earn if is_in else bakery.spend)(str(Decimal(cents) / 100), bank=bank)
            if is_ticked:
                ticked.append(row)
                total += cents if is_in is not is_card else -cents
        one = bakery.start(str(Decimal(total + off) / 100), bank=bank)
        if ticked:
            bakery.tick(one, *ticked)

        assert bakery.difference(one) == Decimal(off) / 100
        if off:
            with pytest.raises(DifferenceError):
                bakery.complete(one)
        else:
            bakery.complete(one)
        assert bakery.statement(one).is_open is bool(off)
        raised = {str(bakery.stored(row).status) for row in ticked}
        assert raised <= ({"CLEARED"} if off else {"RECONCILED"})
        # Raw SQL has no other opinion.
        if off:
            sql = RECONCILIATION.format("status = 'completed', completed_at = now()")
            assert refused(sql, one) == LOCKED
        assert Reconciliation.objects.filter(entity_id=bakery.entity.id).count() == 1
