"""The database refuses bad books from raw SQL, past the ORM and past every service."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.services import close_account
from accounts.tests.conftest import make_account, make_books
from ledger import audit, db
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.models import Ledger
from ledger.services.entities import delete_entity
from ledger.services.periods import close_books
from transactions.choices import FINAL, MOVES, Status
from transactions.models import Revision, Transaction
from transactions.services import delete_transaction, reverse_transaction
from transactions.tests.conftest import NOON, Company

pytestmark = pytest.mark.django_db

EVERY_STATE = list(Status)


def run(sql: str, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def refused(sql: str, *params: object) -> tuple[str | None, str | None]:
    """The SQLSTATE that the statement is refused with, and the constraint that refuses it, if one does."""
    try:
        with transaction.atomic():
            run(sql, *params)
    except DatabaseError as error:
        return db.sqlstate(error), db.constraint_name(error)
    raise AssertionError(f"nothing refused: {sql} {params}")


def row_of(company: Company, **columns: Any) -> dict[str, Any]:
    now = utc_now()
    values: dict[str, Any] = {
        "entity_id": company.entity.id,
        "id": new_id(),
        "ledger_id": company.ledger.id,
        "debit_account_id": company.rent.id,
        "credit_account_id": company.cash.id,
        "timestamp": NOON,
        "created_at": now,
        "updated_at": now,
        "date": NOON.date(),
        "amount": Decimal(10),
        "currency": "USD",
        "status": "PENDING",
        "source": "api",
        "counterparty": "",
        "description": "",
    }
    values |= columns
    if values["status"] in FINAL:
        values.setdefault("posted_at", now)
    return values


def insert_sql(table: str, values: dict[str, Any]) -> str:
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})"


def inserted(company: Company, **columns: Any) -> UUID:
    values = row_of(company, **columns)
    run(insert_sql("transactions_transaction", values), *values.values())
    return UUID(str(values["id"]))


def insert_refused(company: Company, **columns: Any) -> tuple[str | None, str | None]:
    values = row_of(company, **columns)
    return refused(insert_sql("transactions_transaction", values), *values.values())


def update_refused(transaction_id: UUID, **columns: Any) -> tuple[str | None, str | None]:
    changes = ", ".join(f"{name} = %s" for name in columns)
    return refused(
        f"UPDATE transactions_transaction SET {changes} WHERE id = %s", *columns.values(), transaction_id
    )


def in_state(company: Company, status: Status) -> UUID:
    """A transaction in that state, written raw."""
    if status != Status.REVERSED:
        return inserted(company, status=status.value)
    original = inserted(company, status="POSTED")
    reversal = inserted(company, status="POSTED", reverses_id=original)
    run(
        "UPDATE transactions_transaction SET status = 'REVERSED', reversed_by_id = %s WHERE id = %s",
        reversal,
        original,
    )
    return original


# --- what one row may say ------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["0", "-1", "0.00004", "NaN", "1e15", "999999999999999.99995"])
def test_amount_that_is_not_above_zero_and_below_ten_to_fifteen_is_refused(
    bakery: Company, amount: str
) -> None:
    assert insert_refused(bakery, amount=amount) == (db.CHECK_VIOLATION, "transaction_amount_positive")


@pytest.mark.parametrize("amount", ["Infinity", "-Infinity", "1e16", "1e400"])
def test_amount_that_no_column_holds_is_refused(bakery: Company, amount: str) -> None:
    assert insert_refused(bakery, amount=amount)[0] == "22003"


def test_largest_and_smallest_amounts_are_held_exactly(bakery: Company) -> None:
    for amount in ("999999999999999.9999", "0.0001"):
        assert bakery.stored(inserted(bakery, amount=amount)).amount == Decimal(amount)


def test_one_account_on_both_sides_is_refused(bakery: Company) -> None:
    assert insert_refused(bakery, credit_account_id=bakery.rent.id) == (
        db.CHECK_VIOLATION,
        "transaction_two_accounts",
    )


def test_unknown_status_and_source_are_refused(bakery: Company) -> None:
    state, constraint = insert_refused(bakery, status="DONE")
    assert state == db.CHECK_VIOLATION
    assert constraint in {"transaction_status_known", "transaction_posted_at_by_status"}
    assert insert_refused(bakery, source="fax") == (db.CHECK_VIOLATION, "transaction_source_known")


@pytest.mark.parametrize("status", EVERY_STATE)
def test_state_goes_with_the_moment_of_posting_and_with_its_reversal(bakery: Company, status: Status) -> None:
    other = inserted(bakery)
    posted_at = None if status in FINAL else utc_now()
    wrong = insert_refused(bakery, status=status.value, posted_at=posted_at)
    assert wrong[0] == db.CHECK_VIOLATION
    # REVERSED is named with what reversed it, every other state without.
    reversed_by = None if status == Status.REVERSED else other
    assert insert_refused(bakery, status=status.value, reversed_by_id=reversed_by) == (
        db.CHECK_VIOLATION,
        "transaction_reversed_by_status",
    )


# --- whose rows it may name ----------------------------------------------------------------------


@pytest.mark.parametrize("side", ["debit_account", "credit_account"])
def test_account_of_another_company_is_refused(bakery: Company, stranger: Company, side: str) -> None:
    expected = (db.FOREIGN_KEY_VIOLATION, f"transaction_{side}_fk")
    assert insert_refused(bakery, **{f"{side}_id": stranger.software.id}) == expected
    # Not by an update either, nor by an id that nobody has.
    pending = inserted(bakery)
    assert update_refused(pending, **{f"{side}_id": stranger.software.id}) == expected
    assert update_refused(pending, **{f"{side}_id": new_id()}) == expected


def test_transaction_of_one_company_in_the_name_of_another_is_refused(
    bakery: Company, stranger: Company
) -> None:
    assert insert_refused(bakery, entity_id=stranger.entity.id)[0] == db.FOREIGN_KEY_VIOLATION


@pytest.mark.parametrize("link", ["reverses", "reversed_by", "reclassifies"])
def test_link_to_a_transaction_of_another_company_is_refused(
    bakery: Company, stranger: Company, link: str
) -> None:
    foreign = inserted(stranger, status="POSTED")
    status = "REVERSED" if link == "reversed_by" else "POSTED"
    assert insert_refused(bakery, status=status, **{f"{link}_id": foreign}) == (
        db.FOREIGN_KEY_VIOLATION,
        f"transaction_{link}_fk",
    )


def test_accounts_of_two_ledgers_and_of_another_currency_are_refused(bakery: Company) -> None:
    other = Ledger.objects.create(entity=bakery.entity, name="Euro", currency="EUR", created_at=utc_now())
    abroad = make_account(other, "Cash in Paris")
    assert insert_refused(bakery, debit_account_id=abroad.id) == (
        db.FOREIGN_KEY_VIOLATION,
        "transaction_debit_account_fk",
    )
    assert insert_refused(bakery, ledger_id=other.id)[0] == db.FOREIGN_KEY_VIOLATION
    assert insert_refused(bakery, currency="EUR")[0] == db.FOREIGN_KEY_VIOLATION


def test_parent_account_of_another_company_or_type_and_a_circle_are_refused(
    bakery: Company, stranger: Company
) -> None:
    def parent_refused(child: UUID, parent: UUID) -> tuple[str | None, str | None]:
        return refused("UPDATE accounts_account SET parent_id = %s WHERE id = %s", parent, child)

    expected = (db.FOREIGN_KEY_VIOLATION, "account_parent_fk")
    assert parent_refused(bakery.cash.id, stranger.cash.id) == expected
    assert parent_refused(bakery.cash.id, bakery.rent.id) == expected
    # A circle of three, closed by its last move.
    top = make_account(bakery.ledger, "Top")
    middle = make_account(bakery.ledger, "Middle", parent=top)
    bottom = make_account(bakery.ledger, "Bottom", parent=middle)
    assert parent_refused(top.id, bottom.id)[0] == db.ACCOUNT_BELOW_ITSELF
    assert parent_refused(top.id, top.id)[0] in {db.ACCOUNT_BELOW_ITSELF, db.CHECK_VIOLATION}


def test_account_with_transactions_keeps_its_type_ledger_and_currency(bakery: Company) -> None:
    inserted(bakery)
    change = "UPDATE accounts_account SET {} WHERE id = %s"
    for account in (bakery.rent, bakery.cash):
        to_liability = change.format("type = 'LIABILITY', financial_type = NULL")
        assert refused(to_liability, account.id)[0] == db.ACCOUNT_TYPE
        assert refused(change.format("currency = 'EUR'"), account.id)[0] in {
            db.FOREIGN_KEY_VIOLATION,
            db.RESTRICT_VIOLATION,
        }
        assert refused("DELETE FROM accounts_account WHERE id = %s", account.id)[0] in {
            db.FOREIGN_KEY_VIOLATION,
            db.RESTRICT_VIOLATION,
        }
    # One without transactions may change its type.
    assert run(change.format("type = 'LIABILITY', financial_type = NULL"), bakery.bank.id) == 1


# --- what is final -------------------------------------------------------------------------------

CHANGES = {
    "amount": Decimal(11),
    "timestamp": NOON + dt.timedelta(hours=1),
    "date": NOON.date() + dt.timedelta(days=1),
    "posted_at": NOON,
    "created_at": NOON,
    "created_by": UUID(int=7),
    "source": "bank",
    "currency": "EUR",
}


@pytest.mark.parametrize("status", [Status.POSTED, Status.REVERSED])
@pytest.mark.parametrize("column", sorted(CHANGES))
def test_posted_and_reversed_never_change(bakery: Company, status: Status, column: str) -> None:
    final = in_state(bakery, status)
    assert update_refused(final, **{column: CHANGES[column]})[0] == db.FINAL


@pytest.mark.parametrize("status", [Status.POSTED, Status.REVERSED])
def test_posted_and_reversed_keep_accounts_company_ledger_and_links(
    bakery: Company, stranger: Company, status: Status
) -> None:
    final, other = in_state(bakery, status), inserted(bakery, status="POSTED")
    for change in (
        {"debit_account_id": bakery.software.id},
        {"credit_account_id": bakery.bank.id},
        {"debit_account_id": bakery.cash.id, "credit_account_id": bakery.rent.id},
        {"entity_id": stranger.entity.id},
        {"ledger_id": stranger.ledger.id},
        {"id": new_id()},
        {"reverses_id": other},
        {"reclassifies_id": other},
        {"journal_entry_id": new_id()},
    ):
        assert update_refused(final, **change)[0] == db.FINAL, change
    # What a description says is not the money's.
    assert run("UPDATE transactions_transaction SET description = 'Paid' WHERE id = %s", final) == 1


def test_reversed_one_keeps_its_reversal(bakery: Company) -> None:
    original, other = in_state(bakery, Status.REVERSED), inserted(bakery, status="POSTED")
    assert update_refused(original, reversed_by_id=other)[0] == db.FINAL


def test_company_and_id_of_a_pending_one_never_change_either(bakery: Company, stranger: Company) -> None:
    pending = inserted(bakery)
    for change in ({"entity_id": stranger.entity.id}, {"id": new_id()}, {"created_at": NOON}):
        assert update_refused(pending, **change)[0] == db.FINAL


@pytest.mark.parametrize("status", EVERY_STATE)
def test_what_is_final_cannot_be_deleted_and_the_rest_can(bakery: Company, status: Status) -> None:
    made = in_state(bakery, status)
    delete = "DELETE FROM transactions_transaction WHERE id = %s"
    if status in FINAL:
        assert refused(delete, made)[0] == db.FINAL
    else:
        assert run(delete, made) == 1


def test_a_second_reversal_and_a_second_use_of_an_external_id_are_refused(
    bakery: Company, stranger: Company
) -> None:
    original = in_state(bakery, Status.REVERSED)
    assert insert_refused(bakery, status="POSTED", reverses_id=original) == (
        db.UNIQUE_VIOLATION,
        "transaction_reversed_once",
    )
    inserted(bakery, external_id="bank-1")
    assert insert_refused(bakery, external_id="bank-1") == (
        db.UNIQUE_VIOLATION,
        "transaction_external_id_unique",
    )
    # Another company has ids of its own.
    inserted(stranger, external_id="bank-1")


@pytest.mark.parametrize("current", EVERY_STATE)
@pytest.mark.parametrize("wanted", EVERY_STATE)
def test_guard_knows_the_same_table_of_moves_as_python(
    bakery: Company, current: Status, wanted: Status
) -> None:
    if current == wanted:
        return
    made = in_state(bakery, current)
    changes: dict[str, Any] = {"status": wanted.value}
    if wanted in FINAL and current not in FINAL:
        changes["posted_at"] = utc_now()
    if wanted == Status.REVERSED and current != Status.REVERSED:
        changes["reversed_by_id"] = inserted(bakery, status="POSTED")
    if wanted in MOVES[current]:
        assignments = ", ".join(f"{name} = %s" for name in changes)
        update = f"UPDATE transactions_transaction SET {assignments} WHERE id = %s"
        assert run(update, *changes.values(), made) == 1
    else:
        assert update_refused(made, **changes)[0] == db.MOVE


# --- history -------------------------------------------------------------------------------------


def test_revisions_are_only_ever_added(bakery: Company) -> None:
    pending = bakery.post()
    delete_transaction(entity=bakery.entity, transaction_id=pending.id, actor=SYSTEM)
    assert Revision.objects.count() == 1
    assert refused("UPDATE transactions_revision SET amount = 1")[0] == db.HISTORY
    assert refused("UPDATE transactions_revision SET reason = 'none'")[0] == db.HISTORY
    assert refused("DELETE FROM transactions_revision")[0] == db.HISTORY
    assert refused("TRUNCATE transactions_revision")[0] == db.HISTORY


def test_audit_events_are_only_ever_added(bakery: Company) -> None:
    audit.record(actor=SYSTEM, action="test.event", object_type="entity", object_id="x", entity=bakery.entity)
    assert refused("UPDATE ledger_auditevent SET action = 'nothing'")[0] == db.HISTORY
    assert refused("DELETE FROM ledger_auditevent")[0] == db.HISTORY
    assert refused("TRUNCATE ledger_auditevent")[0] == db.HISTORY


@pytest.mark.parametrize(
    "sql",
    [
        "TRUNCATE transactions_transaction",
        "TRUNCATE transactions_transaction CASCADE",
        "TRUNCATE accounts_account CASCADE",
        "TRUNCATE ledger_ledger CASCADE",
    ],
)
def test_transactions_cannot_be_truncated_by_any_way(bakery: Company, sql: str) -> None:
    inserted(bakery, status="POSTED")
    run("SET CONSTRAINTS ALL IMMEDIATE")
    assert refused(sql)[0] in {db.HISTORY, "0A000"}
    assert Transaction.objects.count() == 1


# --- closed periods and accounts -----------------------------------------------------------------

OPEN = NOON + dt.timedelta(days=1)


def test_nothing_comes_into_a_closed_period(bakery: Company) -> None:
    later = inserted(bakery, timestamp=OPEN, date=OPEN.date())
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    for status in ("PENDING", "CLEARED", "POSTED"):
        assert insert_refused(bakery, status=status)[0] == db.CLOSED_PERIOD
    assert update_refused(later, date=NOON.date())[0] == db.CLOSED_PERIOD
    # The day after is open.
    inserted(bakery, timestamp=OPEN, date=OPEN.date())


def test_nothing_that_counts_leaves_or_changes_in_a_closed_period(bakery: Company) -> None:
    pending, posted = inserted(bakery), inserted(bakery, status="POSTED")
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    for change in (
        {"date": OPEN.date()},
        {"amount": Decimal(11)},
        {"debit_account_id": bakery.software.id},
        {"credit_account_id": bakery.bank.id},
        {"status": "CLEARED"},
        {"status": "EXPIRED"},
        {"status": "POSTED", "posted_at": utc_now()},
    ):
        assert update_refused(pending, **change)[0] == db.CLOSED_PERIOD, change
    assert refused("DELETE FROM transactions_transaction WHERE id = %s", pending)[0] == db.CLOSED_PERIOD
    # Descriptions may change, and a posted one may be reversed into an open period.
    assert run("UPDATE transactions_transaction SET description = 'x' WHERE id = %s", pending) == 1
    reverse_transaction(entity=bakery.entity, transaction_id=posted, actor=SYSTEM)
    assert bakery.stored(posted).status == Status.REVERSED


def test_statement_of_many_rows_is_refused_for_one_in_a_closed_period(bakery: Company) -> None:
    for day in range(5):
        at = NOON + dt.timedelta(days=day)
        inserted(bakery, timestamp=at, date=at.date())
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    assert refused("UPDATE transactions_transaction SET amount = amount + 1")[0] == db.CLOSED_PERIOD
    assert refused("DELETE FROM transactions_transaction")[0] == db.CLOSED_PERIOD
    assert Transaction.objects.filter(amount=10).count() == 5


def test_closed_account_takes_no_transactions(bakery: Company) -> None:
    elsewhere = inserted(bakery, debit_account_id=bakery.software.id)
    here = inserted(bakery)
    close_account(entity=bakery.entity, account=bakery.rent, actor=SYSTEM)
    assert insert_refused(bakery)[0] == db.CLOSED_ACCOUNT
    both = {"debit_account_id": bakery.cash.id, "credit_account_id": bakery.rent.id}
    assert insert_refused(bakery, **both)[0] == db.CLOSED_ACCOUNT
    assert update_refused(elsewhere, debit_account_id=bakery.rent.id)[0] == db.CLOSED_ACCOUNT
    # What it had before it keeps, and may be moved away from it.
    update = "UPDATE transactions_transaction SET debit_account_id = %s WHERE id = %s"
    assert run(update, bakery.software.id, here) == 1


# --- the one door --------------------------------------------------------------------------------


def test_deleting_a_whole_company_is_the_one_door(bakery: Company, stranger: Company) -> None:
    bakery.posted()
    kept = stranger.posted()
    pending = bakery.post()
    delete_transaction(entity=bakery.entity, transaction_id=pending.id, actor=SYSTEM)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    delete_entity(entity=bakery.entity, actor=SYSTEM)
    assert not Transaction.objects.filter(entity_id=bakery.entity.id).exists()
    assert not Revision.objects.filter(entity_id=bakery.entity.id).exists()
    # The door is open for that company alone.
    assert refused("DELETE FROM transactions_transaction WHERE id = %s", kept.id)[0] == db.FINAL


def test_company_that_is_leaving_does_not_come_back(bakery: Company) -> None:
    run("UPDATE ledger_entity SET status = 'DELETING' WHERE id = %s", bakery.entity.id)
    for status in ("ACTIVE", "INACTIVE"):
        back = "UPDATE ledger_entity SET status = %s WHERE id = %s"
        assert refused(back, status, bakery.entity.id)[0] == db.HISTORY


def test_company_with_transactions_cannot_just_be_deleted(bakery: Company) -> None:
    inserted(bakery, status="POSTED")
    for table in ("ledger_entity", "ledger_ledger", "accounts_account"):
        column = "id" if table == "ledger_entity" else "entity_id"
        assert refused(f"DELETE FROM {table} WHERE {column} = %s", bakery.entity.id)[0] in {
            db.FOREIGN_KEY_VIOLATION,
            db.RESTRICT_VIOLATION,
        }


def test_books_of_two_companies_are_closed_apart(bakery: Company) -> None:
    other = Company(bakery.developer, make_books("Other", developer=bakery.developer.developer))
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    inserted(other)
    assert insert_refused(bakery)[0] == db.CLOSED_PERIOD
