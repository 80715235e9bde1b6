"""Two who change one chart at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.transaction import atomic

from accounts.choices import AccountType
from accounts.imports.files import rows_of_records
from accounts.models import Account
from accounts.services import create_account, ensure_account_paths, import_accounts, update_account
from accounts.services.insertion import insert_accounts, new_account
from accounts.tests.conftest import make_account, make_books
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.exceptions import ConflictError
from ledger.models import AuditEvent

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run each in a thread and connection of its own, from one moment on; errors are among the results."""
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            start.wait(timeout=10)
            return work()
        except ConflictError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_imports_of_one_file_make_its_accounts_once() -> None:
    books = make_books("Bakery")
    records: list[dict[str, object]] = [{"name": f"A{number}", "type": "ASSET"} for number in range(200)]

    def load() -> int:
        done = import_accounts(
            entity=books.entity, ledger=books, rows=rows_of_records(records), source="json", actor=SYSTEM
        )
        return done.accounts_created

    assert sorted(map(str, at_once(*[load] * 4))) == ["0", "0", "0", "200"]
    assert Account.objects.count() == 200


def test_without_the_lock_both_would_have_made_them() -> None:
    # The control: the same look and the same writing, with nothing held in between.
    books = make_books("Bakery")
    looked = Barrier(2)

    def load() -> None:
        with atomic():
            there = Account.objects.for_entity(books.entity).filter(name="Cash").exists()
            looked.wait(timeout=10)
            if not there:
                insert_accounts(
                    [new_account(ledger=books, name="Cash", type_=AccountType.ASSET, now=utc_now())]
                )

    at_once(load, load)
    assert Account.objects.count() == 2


def test_two_journals_with_the_same_paths_make_one_tree() -> None:
    books = make_books("Bakery")
    paths = [f"expenses:people:{number}" for number in range(50)]

    def ensure() -> object:
        found = ensure_account_paths(entity=books.entity, ledger=books, paths=paths, actor=SYSTEM)
        return {account.id for account in found.values()}

    first, second = at_once(ensure, ensure)
    assert first == second
    assert Account.objects.count() == 52


def test_of_two_accounts_with_one_code_one_is_made_and_the_other_told_which() -> None:
    books = make_books("Bakery")

    def create() -> object:
        return create_account(
            entity=books.entity,
            ledger=books,
            name="Cash",
            type_=AccountType.ASSET,
            sub_type_code=1010,
            actor=SYSTEM,
        )

    results = at_once(*[create] * 4)
    assert sum(isinstance(one, Account) for one in results) == 1
    assert all("1010 is taken by" in str(one) for one in results if isinstance(one, ConflictError))


def test_two_moves_never_close_a_circle_together() -> None:
    books = make_books("Bakery")
    first, second = make_account(books, "First"), make_account(books, "Second")

    def move(account: Account, parent: Account) -> Callable[[], object]:
        return lambda: update_account(entity=books.entity, account=account, parent=parent, actor=SYSTEM)

    results = at_once(move(first, second), move(second, first))
    assert sum(isinstance(one, ConflictError) for one in results) == 1
    assert Account.objects.filter(parent=None).count() == 1


def test_renaming_and_moving_one_account_at_once_never_waits_in_a_circle() -> None:
    books = make_books("Bakery")
    account, upper = make_account(books), make_account(books, "Upper")

    def change(**changes: Any) -> Callable[[], object]:
        return lambda: update_account(entity=books.entity, account=account, actor=SYSTEM, **changes)

    for number in range(10):
        at_once(change(name=f"N{number}"), change(parent=upper if number % 2 == 0 else None))
    account.refresh_from_db()
    assert account.name == "N9"
    assert AuditEvent.objects.filter(action="accounts.account.updated").count() == 20
