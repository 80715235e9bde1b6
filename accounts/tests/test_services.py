"""Making, changing, closing and deleting accounts, and what the database refuses whatever SQL is run."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import Error as DatabaseError
from django.db import IntegrityError, InternalError, connection
from django.db.transaction import atomic

from accounts.balances import account_balance
from accounts.chart_templates import SystemRole
from accounts.choices import AccountType
from accounts.constants import ACCOUNT_DEPTH_MAX
from accounts.financial_types import FINANCIAL_TYPES
from accounts.models import Account, AccountBalance, AccountDay, AccountImport, AccountMonth
from accounts.services import (
    close_account,
    create_account,
    delete_account,
    import_accounts,
    reopen_account,
    rows_of_template,
    update_account,
)
from accounts.system_accounts import system_account
from accounts.tests.conftest import add_totals
from ledger.actors import SYSTEM, Actor
from ledger.db import constraint_name, sqlstate
from ledger.exceptions import ConflictError, NotFoundError, ValidationError
from ledger.ids import new_id
from ledger.models import AuditEvent, Developer, Entity, Ledger
from ledger.services.entities import create_entity, delete_entity


def create(books: Ledger, name: str = "Cash", type_: AccountType = AccountType.ASSET, **more: Any) -> Account:
    return create_account(entity=books.entity, ledger=books, name=name, type_=type_, actor=SYSTEM, **more)


# --- making --------------------------------------------------------------------------------------


def test_an_account_gets_its_ledgers_currency_and_its_types_default(books: Ledger) -> None:
    account = create(books, "  Cash  ", metadata={"rate": Decimal("0.10")})
    account.refresh_from_db()
    assert (account.name, account.currency, account.financial_type) == ("Cash", "USD", "OTHER_CURRENT_ASSETS")
    assert account.parent_id is None
    # Exactly: no float ever touched it.
    assert str((account.metadata or {})["rate"]) == "0.10"


def test_making_an_account_is_recorded_with_what_it_is(books: Ledger) -> None:
    account = create(books, sub_type_code=1010)
    event = AuditEvent.objects.get()
    assert event.action == "accounts.account.created"
    assert event.object_id == account.public_id
    assert event.after is not None
    assert event.after["sub_type_code"] == 1010
    assert event.before is None


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_name_that_is_none_is_refused(books: Ledger, name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        create(books, name)


def test_a_financial_type_of_another_type_is_refused_with_those_that_fit(books: Ledger) -> None:
    with pytest.raises(ValidationError, match=r"CASH belongs to ASSET, not to EXPENSE.*RENT_EXPENSES"):
        create(books, "Rent", AccountType.EXPENSE, financial_type="CASH")
    with pytest.raises(ValidationError, match='"NONSENSE" is no financial type'):
        create(books, financial_type="NONSENSE")


def test_a_taken_code_is_refused_naming_the_account_that_has_it(books: Ledger) -> None:
    holder = create(books, "Cash", sub_type_code=1010)
    with pytest.raises(ConflictError, match=f'1010 is taken by "Cash" .{holder.public_id}'):
        create(books, "Bank", sub_type_code=1010)
    # The failed insert left the transaction usable, and nothing behind.
    assert Account.objects.count() == 1


def test_another_company_may_use_the_same_code(books: Ledger, strange_books: Ledger) -> None:
    create(books, sub_type_code=1010)
    create(strange_books, sub_type_code=1010)
    assert Account.objects.filter(sub_type_code=1010).count() == 2


@pytest.mark.parametrize("code", [0, -1, 2**31])
def test_a_code_out_of_bounds_is_refused(books: Ledger, code: int) -> None:
    with pytest.raises(ValidationError, match="sub_type_code"):
        create(books, sub_type_code=code)


def test_a_child_is_of_its_parents_type(books: Ledger) -> None:
    parent = create(books, "Assets")
    assert create(books, "Cash", parent=parent).parent_id == parent.id
    with pytest.raises(ValidationError, match="is of type ASSET and the account is of type EXPENSE"):
        create(books, "Rent", AccountType.EXPENSE, parent=parent)


def test_a_parent_in_other_books_is_refused(books: Ledger, strange_books: Ledger) -> None:
    with pytest.raises(ValidationError, match="of another ledger"):
        create(books, parent=create(strange_books, "Theirs"))


def test_a_chart_does_not_grow_deeper_than_anyone_reads(books: Ledger) -> None:
    parent = create(books, "Level 1")
    for level in range(2, ACCOUNT_DEPTH_MAX + 1):
        parent = create(books, f"Level {level}", parent=parent)
    with pytest.raises(ValidationError, match=f"at most {ACCOUNT_DEPTH_MAX}"):
        create(books, "Too deep", parent=parent)
    # Neither by moving a branch below the deepest.
    branch = create(books, "Branch")
    with pytest.raises(ValidationError, match=f"at most {ACCOUNT_DEPTH_MAX}"):
        update_account(entity=books.entity, account=branch, parent=parent, actor=SYSTEM)


# --- changing ------------------------------------------------------------------------------------


def test_only_what_is_given_changes_and_only_that_is_recorded(books: Ledger) -> None:
    account = create(books, "Cash", sub_type_code=1010, metadata={"a": 1})
    changed = update_account(entity=books.entity, account=account, name="Bank", actor=SYSTEM)
    assert (changed.name, changed.sub_type_code, changed.metadata) == ("Bank", 1010, {"a": 1})
    assert changed.updated_at > account.updated_at
    event = AuditEvent.objects.get(action="accounts.account.updated")
    assert (event.before, event.after) == ({"name": "Cash"}, {"name": "Bank"})


def test_changing_nothing_writes_nothing(books: Ledger) -> None:
    account = create(books)
    same = update_account(entity=books.entity, account=account, name="Cash", actor=SYSTEM)
    assert same.updated_at == account.updated_at
    assert not AuditEvent.objects.filter(action="accounts.account.updated").exists()


def test_none_clears_a_code_and_metadata(books: Ledger) -> None:
    account = create(books, sub_type_code=1010, metadata={"a": 1}, sub_type="PRIMARY_CASH")
    changed = update_account(
        entity=books.entity, account=account, sub_type_code=None, metadata=None, sub_type=None, actor=SYSTEM
    )
    changed.refresh_from_db()
    assert (changed.sub_type_code, changed.metadata, changed.sub_type) == (None, None, None)


def test_an_account_moves_with_all_that_is_below_it_and_back_to_the_top(books: Ledger) -> None:
    upper, account = create(books, "Upper"), create(books, "Cash")
    child = create(books, "Petty", parent=account)
    moved = update_account(entity=books.entity, account=account, parent=upper, actor=SYSTEM)
    assert moved.parent_id == upper.id
    child.refresh_from_db()
    assert child.parent_id == account.id
    assert update_account(entity=books.entity, account=account, parent=None, actor=SYSTEM).parent_id is None


def test_an_account_never_moves_below_itself(books: Ledger) -> None:
    account = create(books, "Cash")
    grandchild = create(books, "Box", parent=create(books, "Petty", parent=account))
    for parent in (account, grandchild):
        with pytest.raises(ConflictError, match="the account itself or below it"):
            update_account(entity=books.entity, account=account, parent=parent, actor=SYSTEM)


def test_updating_to_a_taken_code_is_refused(books: Ledger) -> None:
    create(books, "Cash", sub_type_code=1010)
    other = create(books, "Bank", sub_type_code=1020)
    with pytest.raises(ConflictError, match='1010 is taken by "Cash"'):
        update_account(entity=books.entity, account=other, sub_type_code=1010, actor=SYSTEM)


def test_a_strangers_account_is_not_there(books: Ledger, strange_books: Ledger) -> None:
    theirs = create(strange_books)
    with pytest.raises(NotFoundError):
        update_account(entity=books.entity, account=theirs, name="Mine", actor=SYSTEM)
    with pytest.raises(NotFoundError):
        close_account(entity=books.entity, account=theirs, actor=SYSTEM)
    with pytest.raises(NotFoundError):
        delete_account(entity=books.entity, account=theirs, actor=SYSTEM)
    assert Account.objects.get(id=theirs.id).name == "Cash"


# --- closing -------------------------------------------------------------------------------------


def test_closing_and_reopening_is_recorded_once_each(books: Ledger) -> None:
    account = create(books)
    closed = close_account(entity=books.entity, account=account, actor=SYSTEM)
    again = close_account(entity=books.entity, account=account, actor=SYSTEM)
    assert closed.closed_at is not None
    assert again.closed_at == closed.closed_at
    assert reopen_account(entity=books.entity, account=account, actor=SYSTEM).closed_at is None
    reopen_account(entity=books.entity, account=account, actor=SYSTEM)
    actions = list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))
    assert actions[1:] == ["accounts.account.closed", "accounts.account.reopened"]


def test_closing_holds_the_books_so_that_no_posting_is_checked_against_the_old_state(books: Ledger) -> None:
    account = create(books)
    with atomic():
        close_account(entity=books.entity, account=account, actor=SYSTEM)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'
                AND pid = pg_backend_pid() AND granted
                AND (classid::bigint << 32) | objid::bigint = ledger_books_key(%s)
                """,
                [books.entity_id],
            )
            assert cursor.fetchone() == (1,)


# --- deleting ------------------------------------------------------------------------------------


def test_an_unused_account_goes_with_the_zero_totals_of_deleted_transactions(books: Ledger) -> None:
    account = create(books)
    add_totals(account, "2024-01-15", debits_posted="0")
    delete_account(entity=books.entity, account=account, actor=SYSTEM)
    assert not Account.objects.exists()
    assert not any(totals.objects.exists() for totals in (AccountBalance, AccountDay, AccountMonth))
    event = AuditEvent.objects.get(action="accounts.account.deleted")
    assert event.before is not None
    assert event.before["name"] == "Cash"


def test_an_account_with_children_stays(books: Ledger) -> None:
    account = create(books)
    create(books, "Petty Cash", parent=account)
    with pytest.raises(ConflictError, match=r'child accounts \("Petty Cash"\); move or delete'):
        delete_account(entity=books.entity, account=account, actor=SYSTEM)


def insert_transaction(books: Ledger, debit: Account, credit: Account, status: str = "PENDING") -> UUID:
    """A row of the app above, written as SQL: this app knows nothing of its model."""
    id_ = new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO transactions_transaction (
                id, entity_id, ledger_id, debit_account_id, credit_account_id, timestamp, created_at,
                updated_at, date, amount, currency, status, source, counterparty, description)
            VALUES (%s, %s, %s, %s, %s, now(), now(), now(), current_date, 5, 'USD', %s, 'api', '', '')
            """,
            [id_, books.entity_id, books.id, debit.id, credit.id, status],
        )
    return id_


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("status", ["PENDING", "EXPIRED"])
def test_an_account_with_transactions_stays_and_so_do_its_totals(
    books: Ledger, side: int, status: str
) -> None:
    pair = create(books, "Cash"), create(books, "Bank")
    insert_transaction(books, *pair, status=status)
    add_totals(pair[side], "2024-01-15", debits_pending="5")
    with pytest.raises(ConflictError, match="has transactions, and their history must stay"):
        delete_account(entity=books.entity, account=pair[side], actor=SYSTEM)
    assert AccountBalance.objects.count() == 1
    assert AccountDay.objects.count() == 1


# --- system accounts -----------------------------------------------------------------------------


@pytest.fixture
def company(db: None) -> Entity:
    developer = Developer.objects.create(
        name="Platform", created_at="2024-01-01T00:00Z", updated_at="2024-01-01T00:00Z"
    )
    return create_entity(developer=developer, actor=SYSTEM, fields={"legal_name": "Bakery"})


def test_a_new_company_has_each_system_account_once(company: Entity) -> None:
    for role in SystemRole:
        account = system_account(company, role)
        assert account.role == role
        assert account.parent_id is None
    assert Account.objects.for_entity(company).count() == len(SystemRole)


def test_a_system_account_is_found_under_a_new_name(company: Entity) -> None:
    account = system_account(company, SystemRole.RETAINED_EARNINGS)
    update_account(entity=company, account=account, name="Gewinnvortrag", actor=SYSTEM)
    assert system_account(company, SystemRole.RETAINED_EARNINGS).name == "Gewinnvortrag"


def test_a_system_account_is_neither_deleted_nor_closed_nor_turned_into_another(company: Entity) -> None:
    account = system_account(company, SystemRole.UNCATEGORIZED_EXPENSE)
    with pytest.raises(ConflictError, match="system account"):
        delete_account(entity=company, account=account, actor=SYSTEM)
    with pytest.raises(ConflictError, match="system account"):
        close_account(entity=company, account=account, actor=SYSTEM)
    with pytest.raises(ConflictError, match="financial type stays UNCATEGORIZED_EXPENSE"):
        update_account(entity=company, account=account, financial_type="RENT_EXPENSES", actor=SYSTEM)


def test_a_company_without_its_system_accounts_says_so(books: Ledger) -> None:
    with pytest.raises(NotFoundError, match="retained_earnings"):
        system_account(books.entity, SystemRole.RETAINED_EARNINGS)


def test_a_company_goes_with_its_whole_chart_of_parents_and_children(
    company: Entity, strange_books: Ledger
) -> None:
    theirs = create(strange_books)
    books = Ledger.objects.get(entity=company)
    import_accounts(
        entity=company,
        ledger=books,
        rows=rows_of_template("tmpl_standard_business"),
        source="template",
        actor=SYSTEM,
    )
    add_totals(Account.objects.for_entity(company).exclude(parent=None)[0], "2024-01-15", debits_posted="1")
    delete_entity(entity=company, actor=SYSTEM)
    assert list(Account.objects.all()) == [theirs]
    assert not AccountBalance.objects.exists()
    assert not AccountImport.objects.exists()
    assert not Entity.objects.filter(id=company.id).exists()


# --- what the database refuses -------------------------------------------------------------------


def attack(sql: str, *params: Any) -> DatabaseError:
    with (
        pytest.raises((IntegrityError, InternalError, DatabaseError)) as caught,
        atomic(),
        connection.cursor() as c,
    ):
        c.execute(sql, params)
    return caught.value


def test_raw_sql_cannot_give_an_account_a_financial_type_of_another_type(books: Ledger) -> None:
    account = create(books)
    for code in ("RENT_EXPENSES", "NONSENSE", ""):
        error = attack("UPDATE accounts_account SET financial_type = %s WHERE id = %s", code, account.id)
        assert constraint_name(error) == "account_financial_type_of_its_type"


def test_every_financial_type_passes_with_its_own_type_alone(books: Ledger) -> None:
    account = create(books)
    with connection.cursor() as cursor:
        for code, one in FINANCIAL_TYPES.items():
            cursor.execute(
                "UPDATE accounts_account SET financial_type = %s, type = %s WHERE id = %s",
                [code, one.type.value, account.id],
            )
    for code, one in FINANCIAL_TYPES.items():
        other = AccountType.ASSET if one.type is not AccountType.ASSET else AccountType.EQUITY
        error = attack(
            "UPDATE accounts_account SET financial_type = %s, type = %s WHERE id = %s",
            code,
            other,
            account.id,
        )
        assert constraint_name(error) == "account_financial_type_of_its_type"


def test_raw_sql_cannot_break_the_tree(books: Ledger, strange_books: Ledger) -> None:
    parent = create(books, "Assets")
    child = create(books, "Cash", parent=parent)
    expense = create(books, "Rent", AccountType.EXPENSE)
    theirs = create(strange_books)
    move = "UPDATE accounts_account SET parent_id = %s WHERE id = %s"
    assert sqlstate(attack(move, child.id, child.id)) == "OL005"
    assert sqlstate(attack(move, child.id, parent.id)) == "OL005"
    assert constraint_name(attack(move, expense.id, child.id)) == "account_parent_fk"
    assert constraint_name(attack(move, theirs.id, child.id)) == "account_parent_fk"
    assert constraint_name(attack(move, new_id(), child.id)) == "account_parent_fk"
    assert (
        constraint_name(attack("DELETE FROM accounts_account WHERE id = %s", parent.id))
        == "account_parent_fk"
    )


def test_raw_sql_cannot_insert_a_circle_in_one_statement(books: Ledger) -> None:
    first, second = new_id(), new_id()
    insert = """
        INSERT INTO accounts_account
            (id, entity_id, ledger_id, parent_id, name, type, currency, created_at, updated_at)
        SELECT n.id, %s, %s, n.parent, 'Round', 'ASSET', 'USD', now(), now()
        FROM (VALUES (%s::uuid, %s::uuid), (%s, %s)) n (id, parent)
    """
    circle = attack(insert, books.entity_id, books.id, first, second, second, first)
    assert sqlstate(circle) == "OL005"
    # A child before its parent is none.
    with connection.cursor() as cursor:
        cursor.execute(insert, [books.entity_id, books.id, first, second, second, None])
    itself = attack(insert, books.entity_id, books.id, new_id(), None, (own := new_id()), own)
    assert constraint_name(itself) == "account_not_its_own_parent"


def test_raw_sql_cannot_leave_an_account_nameless_or_typeless_or_in_another_currency(books: Ledger) -> None:
    account = create(books)
    assert constraint_name(attack("UPDATE accounts_account SET name = '' WHERE id = %s", account.id)) == (
        "account_named"
    )
    assert constraint_name(
        attack("UPDATE accounts_account SET type = 'CASH', financial_type = NULL WHERE id = %s", account.id)
    ) == ("account_type_known")
    assert constraint_name(
        attack("UPDATE accounts_account SET currency = 'EUR' WHERE id = %s", account.id)
    ) == ("account_ledger_fk")


def test_raw_sql_cannot_put_totals_on_a_strangers_account(books: Ledger, strange_books: Ledger) -> None:
    theirs = create(strange_books)
    error = attack(
        "INSERT INTO accounts_accountbalance (entity_id, account_id, slot, debits_pending, debits_posted,"
        " credits_pending, credits_posted) VALUES (%s, %s, 0, 0, 0, 0, 0)",
        books.entity_id,
        theirs.id,
    )
    assert constraint_name(error) == "accountbalance_account_fk"


def test_deleting_parent_and_child_in_one_statement_is_possible(books: Ledger) -> None:
    parent = create(books, "Assets")
    create(books, "Box", parent=create(books, "Cash", parent=parent))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_account WHERE entity_id = %s", [books.entity_id])
        assert cursor.rowcount == 3


def test_a_balance_counts_nothing_twice_after_a_move(books: Ledger, actor: Actor) -> None:
    upper, lower = create(books, "Upper"), create(books, "Lower")
    add_totals(lower, "2024-01-15", debits_posted="7")
    update_account(entity=books.entity, account=lower, parent=upper, actor=actor)
    found = account_balance(books.entity_id, upper.id)
    assert found is not None
    assert found.total.net == 7
