"""Races with real threads, connections and commits. Where a lock keeps the books right, a control without it
shows that the race is real."""

import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.transaction import atomic

from ledger import db
from ledger.actors import SYSTEM
from ledger.api import lean
from ledger.api.lean import LeanShape
from ledger.exceptions import ConflictError, LedgerError
from ledger.models import Entity, IdempotencyKey
from ledger.services.periods import close_books
from transactions.api.requests import TransactionBody, read_new_transaction
from transactions.choices import Status
from transactions.exceptions import (
    AlreadyReversedError,
    FinalError,
    PeriodClosedError,
    TransactionNotFoundError,
)
from transactions.models import Revision, Transaction
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    changing,
    delete_transaction,
    edit_transaction,
    post_batch,
    posting,
    reversal,
    reverse_transaction,
)
from transactions.services.editing import Edit
from transactions.tests.conftest import (
    NOON,
    Company,
    assert_totals_hold,
    balance,
    errors_of,
    make_company,
    race,
    sums,
    wait_until_blocked,
)

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 10


@pytest.fixture
def bakery() -> Company:
    return make_company()


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


def one_of_each(*calls: Callable[[], object]) -> list[Any]:
    """As `race`, of calls that return different things."""
    return race(*calls)


# --- one transaction, two calls ------------------------------------------------------------------


def test_of_two_reversals_exactly_one_wins(bakery: Company) -> None:
    for _ in range(ROUNDS):
        row = bakery.posted()
        reverse = partial(reverse_transaction, entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
        results = race(*[reverse] * 4)
        lost = errors_of(results)
        assert [type(error) for error in lost] == [AlreadyReversedError] * 3
        assert Transaction.objects.filter(reverses_id=row.id).count() == 1
    assert_totals_hold(bakery.entity)
    assert balance(bakery.rent) == sums(0, 10 * ROUNDS, 0, 10 * ROUNDS)


def test_control_without_the_lock_two_reversals_collide(
    bakery: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock both read POSTED; only the unique key of the database is left to stop the second."""
    row = bakery.posted()
    both_have_read = threading.Barrier(2)

    def unlocked(entity: Entity, ids: Any) -> Any:
        rows = {r[0]: changing.as_row(r) for r in db.fetch(changing._READ, _wanted(entity, ids))}
        if row.id in rows:
            both_have_read.wait(10)
        return rows

    monkeypatch.setattr(reversal, "lock_transactions", unlocked)

    def reverse() -> object:
        return reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)

    (lost,) = errors_of(race(reverse, reverse))
    assert not isinstance(lost, LedgerError)
    assert db.constraint_name(lost) == "transaction_reversed_once"
    assert_totals_hold(bakery.entity)


def _wanted(entity: Entity, ids: Any) -> dict[str, object]:
    return {"entity": entity.id, "ids": db.uuid_array(ids)}


def test_of_a_reversal_by_two_clients_the_other_gets_409(bakery: Company) -> None:
    row = bakery.posted()
    path = f"/v1/transactions/{bakery.stored(row.id).public_id}/reverse"
    callers = [bakery.caller() for _ in range(4)]
    answers: list[Any] = race(*[partial(caller.post, path, {}) for caller in callers])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert Transaction.objects.filter(reverses_id=row.id).count() == 1
    assert_totals_hold(bakery.entity)


def test_approving_or_deleting_one_of_the_two_wins(bakery: Company) -> None:
    for _ in range(ROUNDS):
        row = bakery.post()
        approved, deleted = one_of_each(
            partial(approve_transactions, entity=bakery.entity, ids=[row.id], actor=SYSTEM),
            partial(delete_transaction, entity=bakery.entity, transaction_id=row.id, actor=SYSTEM),
        )
        is_there = Transaction.objects.filter(id=row.id).exists()
        if is_there:
            assert bakery.stored(row.id).status == Status.POSTED
            assert isinstance(deleted, FinalError)
        else:
            assert deleted is None
            assert isinstance(approved[0].error, TransactionNotFoundError)
    assert_totals_hold(bakery.entity)


def test_of_two_deletions_exactly_one_wins(bakery: Company) -> None:
    for _ in range(ROUNDS):
        row = bakery.post()
        delete = partial(delete_transaction, entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
        assert [type(error) for error in errors_of(race(*[delete] * 3))] == [TransactionNotFoundError] * 2
        assert Revision.objects.filter(transaction_id=row.id).count() == 1
    assert balance(bakery.rent) == sums(0, 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_approving_and_editing_never_lose_an_amount(bakery: Company) -> None:
    for _ in range(ROUNDS):
        row = bakery.post("10")
        edit = Edit(amount=Decimal(25), debit_account_id=bakery.software.id)
        approved, edited = one_of_each(
            partial(approve_transactions, entity=bakery.entity, ids=[row.id], actor=SYSTEM),
            partial(edit_transaction, entity=bakery.entity, transaction_id=row.id, edit=edit, actor=SYSTEM),
        )
        stored = bakery.stored(row.id)
        assert stored.status == Status.POSTED
        assert approved[0].error is None
        # Either the edit came first, or it came too late and was told so.
        assert (int(stored.amount), type(edited)) in ((25, type(row)), (10, FinalError))
    assert_totals_hold(bakery.entity)


def test_approving_waits_for_an_edit_and_sees_the_new_accounts(bakery: Company) -> None:
    """A statement that locks a row after a wait sees the new row beside the accounts of the old one."""
    row = bakery.post()
    edited = threading.Event()

    def edit() -> None:
        with atomic():
            edit_transaction(
                entity=bakery.entity,
                transaction_id=row.id,
                edit=Edit(debit_account_id=bakery.software.id),
                actor=SYSTEM,
            )
            edited.set()
            wait_until_blocked()

    thread, outcome = in_background(edit)
    assert edited.wait(10)
    (approval,) = approve_transactions(entity=bakery.entity, ids=[row.id], actor=SYSTEM)
    thread.join()
    assert outcome == [None]
    assert approval.error is None
    assert approval.row is not None
    assert approval.row.debit_name == "Software"
    assert balance(bakery.software) == sums(0, 10, 0, 0)
    assert_totals_hold(bakery.entity)
    # History is in the order in which things happened, whoever began first.
    assert [r.change for r in Revision.objects.order_by("changed_at")] == ["edited", "approved"]


# --- closing the books ---------------------------------------------------------------------------


def test_nothing_is_dated_into_a_period_after_its_closing_was_committed(bakery: Company) -> None:
    """Writers of every kind run while the books are closed; what they committed before stays, and nothing
    comes, leaves or changes after."""
    pending = [bakery.post("1") for _ in range(30)]
    stop = threading.Event()
    unexpected: list[BaseException] = []

    def keep(work: Callable[[random.Random], object]) -> Callable[[], None]:
        def run() -> None:
            chance = random.Random(threading.get_ident())
            while not stop.is_set():
                try:
                    work(chance)
                except (PeriodClosedError, TransactionNotFoundError, FinalError):
                    pass
                except Exception as error:
                    unexpected.append(error)
                    return

        return run

    writers = [
        keep(lambda chance: bakery.post("1")),
        keep(lambda chance: bakery.posted("1", debit=bakery.bank)),
        keep(
            lambda chance: post_batch(
                entity=bakery.entity, drafts=[bakery.draft("1") for _ in range(20)], actor=SYSTEM
            )
        ),
        keep(
            lambda chance: approve_transactions(
                entity=bakery.entity, ids=[chance.choice(pending).id], actor=SYSTEM
            )
        ),
        keep(
            lambda chance: edit_transaction(
                entity=bakery.entity,
                transaction_id=chance.choice(pending).id,
                edit=Edit(amount=Decimal(chance.randint(1, 99))),
                actor=SYSTEM,
            )
        ),
    ]
    threads = [in_background(writer)[0] for writer in writers]
    time.sleep(0.5)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    closed = dict(Transaction.objects.values_list("id", "updated_at"))
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert unexpected == []
    assert dict(Transaction.objects.values_list("id", "updated_at")) == closed
    assert len(closed) > len(pending)
    assert_totals_hold(bakery.entity)


def test_posting_that_was_not_committed_makes_the_closing_wait(bakery: Company) -> None:
    with atomic():
        bakery.post()
        thread, outcome = in_background(
            lambda: close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
        )
        wait_until_blocked()
        assert outcome == []
    thread.join()
    assert not isinstance(outcome[0], Exception)
    with pytest.raises(PeriodClosedError):
        bakery.post()
    assert Transaction.objects.count() == 1


def test_posting_waits_for_a_closing_and_is_refused(bakery: Company) -> None:
    with atomic():
        close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
        thread, outcome = in_background(lambda: bakery.post())
        wait_until_blocked()
    thread.join()
    assert isinstance(outcome[0], PeriodClosedError)
    assert not Transaction.objects.exists()
    assert_totals_hold(bakery.entity)


def test_control_without_the_guards_lock_a_posting_slips_into_a_closed_period(bakery: Company) -> None:
    """The same with the guard off: the posting looked before the closing was committed."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE transactions_transaction DISABLE TRIGGER transaction_insert")
    try:
        with atomic():
            bakery.post()
            released = threading.Event()

            def close_without_the_lock() -> None:
                Entity.objects.filter(id=bakery.entity.id).update(books_closed_through=NOON.date())
                released.set()

            thread, _ = in_background(close_without_the_lock)
            assert released.wait(10)
        thread.join()
        closed_through = Entity.objects.get(id=bakery.entity.id).books_closed_through
        assert Transaction.objects.filter(date__lte=closed_through).count() == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE transactions_transaction ENABLE TRIGGER transaction_insert")


@pytest.mark.parametrize("kind", ["post", "batch", "approve", "edit", "delete"])
def test_writer_that_waits_for_the_books_holds_no_row(
    bakery: Company, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A posting holds the books, a closing waits for them, a second writer waits behind the closing.
    Held it rows by then, the first one could wait for it, until the database untangles all three."""
    for module in ("posting", "batches", "moves", "rewriting", "editing"):
        monkeypatch.setattr(f"transactions.services.{module}.slot", lambda slots: 0)
    row = bakery.post("1")
    entity, ids = bakery.entity, [row.id]
    writers: dict[str, Callable[[], object]] = {
        "post": lambda: bakery.post("2"),
        "batch": lambda: post_batch(entity=entity, drafts=[bakery.draft("2")], actor=SYSTEM),
        "approve": lambda: approve_transactions(entity=entity, ids=ids, actor=SYSTEM),
        "edit": lambda: edit_transaction(
            entity=entity, transaction_id=row.id, edit=Edit(amount=Decimal(3)), actor=SYSTEM
        ),
        "delete": lambda: delete_transaction(entity=entity, transaction_id=row.id, actor=SYSTEM),
    }
    with atomic():
        bakery.post("4", debit=bakery.software, credit=bakery.bank)
        closer, closing = in_background(
            lambda: close_books(entity=entity, through=NOON.date() - dt.timedelta(days=1), actor=SYSTEM)
        )
        wait_until_blocked(1)
        second, written = in_background(writers[kind])
        wait_until_blocked(2)
        with connection.cursor() as cursor:
            for table in ("accounts_accountbalance", "accounts_accountday", "transactions_transaction"):
                cursor.execute(f"SELECT FROM {table} WHERE entity_id = %s FOR UPDATE NOWAIT", [entity.id])
    for thread in (closer, second):
        thread.join()
    assert errors_of([*closing, *written]) == []
    assert_totals_hold(entity)


# --- many postings -------------------------------------------------------------------------------


@pytest.mark.parametrize("in_one_slot", [False, True])
def test_eight_writers_on_two_accounts_in_both_directions(
    bakery: Company, monkeypatch: pytest.MonkeyPatch, in_one_slot: bool
) -> None:
    if in_one_slot:
        monkeypatch.setattr(posting, "slot", lambda slots: 0)
    each = 25

    def write(forth: bool) -> None:
        for _ in range(each):
            if forth:
                bakery.posted("1", debit=bakery.rent, credit=bakery.cash)
            else:
                bakery.posted("2", debit=bakery.cash, credit=bakery.rent)

    results = race(*[lambda forth=bool(n % 2): write(forth) for n in range(8)])
    assert errors_of(results) == []
    assert balance(bakery.rent) == sums(0, 4 * each, 0, 8 * each)
    assert_totals_hold(bakery.entity)


def test_control_sums_that_are_read_and_then_written_lose_amounts(bakery: Company) -> None:
    """What the engine's single statement prevents: two writers that read a balance and write it back."""
    bakery.posted("0.01")
    key = {"entity_id": bakery.entity.id, "account_id": bakery.rent.id}
    both_have_read = threading.Barrier(2)

    def add() -> None:
        from accounts.models import AccountBalance

        row = AccountBalance.objects.get(**key)
        both_have_read.wait(10)
        AccountBalance.objects.filter(**key).update(debits_posted=row.debits_posted + 1)

    assert errors_of(race(add, add)) == []
    assert balance(bakery.rent)[1] == Decimal("1.01")  # 2.01 would be right
    with pytest.raises(AssertionError):
        assert_totals_hold(bakery.entity)


def test_batches_over_the_same_accounts_in_opposite_orders(
    bakery: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transactions.services.batches.slot", lambda slots: 0)
    accounts = bakery.accounts

    def write(seed: int) -> None:
        for _ in range(5):
            drafts = [
                bakery.draft("1", debit=debit, credit=credit, at=NOON + dt.timedelta(days=day))
                for day in range(20)
                for debit, credit in [(accounts[(seed + day) % 6], accounts[(seed + day + 1 + day % 5) % 6])]
            ]
            drafts = drafts if seed % 2 else drafts[::-1]
            assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}

    assert errors_of(race(*[lambda seed=seed: write(seed) for seed in range(6)])) == []
    assert Transaction.objects.count() == 6 * 5 * 20
    assert_totals_hold(bakery.entity)


def test_every_kind_of_call_at_once_keeps_the_totals(bakery: Company) -> None:
    rows = [bakery.post(str(n + 1)) for n in range(20)]

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(25):
            some = chance.sample(rows, 4)
            with suppress(ConflictError, TransactionNotFoundError):
                match chance.randrange(7):
                    case 0:
                        approve_transactions(entity=bakery.entity, ids=[row.id for row in some], actor=SYSTEM)
                    case 1:
                        reverse_transaction(entity=bakery.entity, transaction_id=some[0].id, actor=SYSTEM)
                    case 2:
                        categorize_transactions(
                            entity=bakery.entity,
                            ids=[row.id for row in some],
                            category_id=chance.choice([bakery.rent, bakery.software, bakery.loan]).id,
                            actor=SYSTEM,
                        )
                    case 3:
                        edit_transaction(
                            entity=bakery.entity,
                            transaction_id=some[0].id,
                            edit=Edit(amount=Decimal(chance.randint(1, 50))),
                            actor=SYSTEM,
                        )
                    case 4:
                        delete_transaction(entity=bakery.entity, transaction_id=some[0].id, actor=SYSTEM)
                    case _:
                        bakery.post("3", debit=bakery.software)

    results = race(*[lambda seed=seed: work(seed) for seed in range(6)])
    # What the database gave up for another to go on is told as such, so that the API runs it again.
    assert {db.sqlstate(error) for error in errors_of(results)} <= db.RETRYABLE
    assert_totals_hold(bakery.entity)


# --- over the API --------------------------------------------------------------------------------


def test_sixteen_equal_requests_with_one_key_make_one_transaction(bakery: Company) -> None:
    body = {
        "amount": 12.5,
        "debitAccountId": bakery.rent.public_id,
        "creditAccountId": bakery.cash.public_id,
    }
    callers = [bakery.caller() for _ in range(16)]
    answers: list[Any] = race(
        *[
            lambda caller=caller: caller.post("/v1/transactions", body, HTTP_IDEMPOTENCY_KEY="once")
            for caller in callers
        ]
    )
    made = Transaction.objects.get()
    assert {answer.status_code for answer in answers} <= {201, 409}
    recorded = [answer for answer in answers if answer.status_code == 201]
    assert {answer.json()["transaction"]["id"] for answer in recorded} == {made.public_id}
    assert len({answer.content for answer in recorded}) == 1
    assert len([answer for answer in recorded if "Idempotent-Replayed" not in answer.headers]) == 1
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 409)
    assert IdempotencyKey.objects.count() == 1
    assert balance(bakery.rent) == sums("12.5", 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_deadlocked_posting_is_run_again(bakery: Company) -> None:
    """Ended by the database for the sake of another, a call over the API succeeds at its second try."""
    first, second = bakery.post("1"), bakery.post("2")
    approve = "/v1/transactions/approve"
    public = [bakery.stored(row.id).public_id for row in (first, second)]
    locked = threading.Event()

    def hold_the_second_then_want_the_first() -> None:
        with atomic(), connection.cursor() as cursor:
            lock = "SELECT FROM transactions_transaction WHERE id = %s FOR UPDATE"
            cursor.execute(lock, [second.id])
            locked.set()
            # Who waited first looks for a circle first, and is ended where there is one.
            wait_until_blocked()
            cursor.execute(lock, [first.id])

    thread, outcome = in_background(hold_the_second_then_want_the_first)
    assert locked.wait(10)
    answer = bakery.caller().put(approve, public)
    thread.join()
    assert outcome == [None]
    assert answer.status_code == 200
    assert [bakery.stored(row.id).status for row in (first, second)] == [Status.POSTED] * 2
    assert_totals_hold(bakery.entity)


def test_threads_read_days_in_the_time_zone_of_their_own_company(monkeypatch: pytest.MonkeyPatch) -> None:
    companies = [make_company(zone, zone=zone) for zone in ("Asia/Tokyo", "America/New_York")]
    both_read = threading.Barrier(2)
    quickly = lean._quickly

    def together(data: dict[str, Any], readers: Any) -> dict[str, Any] | None:
        both_read.wait(10)
        return quickly(data, readers)

    monkeypatch.setattr(lean, "_quickly", together)

    def right_days(read: Callable[[dict[str, Any], Entity], dict[str, Any]]) -> int:
        """Of two companies that read a day at the same moment, how many got midnight in their own zone."""

        def work(company: Company) -> bool:
            body = {
                "amount": 1,
                "debitAccountId": company.rent.public_id,
                "creditAccountId": company.cash.public_id,
                "date": "2024-06-01",
            }
            midnight = dt.datetime(2024, 6, 1, tzinfo=company.entity.zone)
            return bool(read(body, company.entity)["date"] == midnight)

        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(work, companies))

    assert right_days(read_new_transaction) == 2
    # The control: one reader for both threads takes one zone for both.
    shared = LeanShape(TransactionBody)
    shared._made()
    monkeypatch.setattr(shared, "_own", SimpleNamespace(readers=shared._own.readers))
    assert right_days(lambda body, entity: shared.read(body, zone=entity.zone)) == 1
