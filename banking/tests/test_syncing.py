"""Fetching what a connected bank says."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from banking.choices import ConnectionStatus, LineStatus
from banking.models import BankAccount, BankConnection, BankLine
from banking.providers.base import LoginRequiredError, PagesChangedError, ProviderDownError
from banking.services import syncing
from banking.services.connecting import Arrival, disconnect_account, exchange, store_connection
from banking.services.syncing import Synced, sync_connection
from banking.tests.cast import Banked, assert_books_hold, make_banked, seen, statuses
from banking.tests.scripted import CHECKING, Scripted, in_place_of_the_sandbox
from ledger.actors import SYSTEM
from ledger.exceptions import NotFoundError, ProviderError
from transactions.models import Transaction
from transactions.tests.conftest import errors_of, race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bank() -> Iterator[Scripted]:
    scripted = Scripted()
    with in_place_of_the_sandbox(scripted):
        yield scripted


@pytest.fixture
def bakery(bank: Scripted) -> Banked:
    return make_banked()


def connect(company: Banked, token: str = "public-1") -> BankConnection:
    arrival = exchange(entity=company.entity, public_token=token)
    return store_connection(
        entity=company.entity, public_token=token, arrival=arrival, actor=SYSTEM
    ).connection


def sync(company: Banked, connection: BankConnection) -> Synced:
    return sync_connection(entity=company.entity, connection_id=connection.id, actor=SYSTEM)


def account(company: Banked, provider_account_id: str = "chk") -> BankAccount:
    return BankAccount.objects.get(
        entity_id=company.entity.id, provider_account_id=provider_account_id, disconnected_at__isnull=True
    )


def fresh(connection: BankConnection) -> BankConnection:
    return BankConnection.objects.get(id=connection.id)


def amounts(company: Banked) -> list[Decimal]:
    return sorted(one.amount for one in company.all_transactions())


def test_all_pages_are_read_and_lines_and_cursor_stored(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"), seen("b", "2", account_id="crd"))
    bank.tell(seen("c", "-3", account_id="sav"))

    synced = sync(bakery, connection)

    assert bank.asked == ["", "1"]
    assert (synced.fetched, synced.created) == (3, 3)
    assert fresh(connection).cursor == "2"
    assert fresh(connection).synced_at is not None
    assert amounts(bakery) == [1, 2, 3]
    # What is owed on a card rises with a purchase.
    made = bakery.transaction_of("b", account(bakery, "crd"))
    assert made.credit_account_id == account(bakery, "crd").ledger_account_id
    assert_books_hold(bakery.entity)


def test_a_second_sync_goes_on_where_the_first_ended_and_makes_nothing_twice(
    bank: Scripted, bakery: Banked
) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"))
    sync(bakery, connection)

    again = sync(bakery, connection)
    bank.tell(seen("b", "2", account_id="chk"))
    sync(bakery, connection)

    assert again.fetched == 0
    assert bank.asked == ["", "1", "1"]
    assert amounts(bakery) == [1, 2]


@pytest.mark.parametrize("fault", [ProviderDownError("The bank is away."), RuntimeError("killed")])
def test_a_failure_in_the_middle_leaves_nothing_behind_and_the_next_sync_begins_with_the_first_page(
    bank: Scripted, bakery: Banked, fault: Exception
) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"))
    bank.tell(seen("b", "2", account_id="chk"))
    bank.faults[1] = [fault]

    with pytest.raises(type(fault)):
        sync(bakery, connection)
    assert (fresh(connection).cursor, BankLine.objects.count()) == ("", 0)
    # It passes: the connection is not marked.
    assert fresh(connection).status == ConnectionStatus.ACTIVE

    sync(bakery, connection)

    assert bank.asked == ["", "1", "", "1"]
    assert amounts(bakery) == [1, 2]


def test_a_failure_while_storing_takes_the_lines_back_with_the_cursor(
    bank: Scripted, bakery: Banked, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"))
    with monkeypatch.context() as patch:
        patch.setattr(syncing, "record_lines", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sync(bakery, connection)

    assert (fresh(connection).cursor, BankLine.objects.count()) == ("", 0)


def test_where_lines_change_while_pages_are_read_all_begins_anew(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.tell(seen("old", "1", account_id="chk"))
    sync(bakery, connection)
    bank.tell(seen("a", "2", account_id="chk"))
    bank.tell(seen("b", "3", account_id="chk"))
    bank.asked.clear()
    bank.faults[2] = [PagesChangedError("mutation"), PagesChangedError("mutation")]

    sync(bakery, connection)

    # From the cursor before the first page of this sync, not from the very beginning.
    assert bank.asked == ["1", "2", "1", "2", "1", "2"]
    assert amounts(bakery) == [1, 2, 3]


def test_lines_that_never_stand_still_are_tried_again_later(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "2", account_id="chk"))
    bank.faults[0] = [PagesChangedError("mutation")] * 10

    with pytest.raises(ProviderDownError, match="faster than they can be read"):
        sync(bakery, connection)


def test_pending_lines_post_change_and_go(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.tell(
        seen("p1", "10", account_id="chk", pending=True), seen("p2", "20", account_id="chk", pending=True)
    )
    sync(bakery, connection)
    assert amounts(bakery) == []

    bank.tell(
        seen("t1", "11", account_id="chk", pending_line_id="p1"),
        removed=[("p1", "chk"), ("p2", "chk")],
    )
    sync(bakery, connection)
    bank.tell(modified=[seen("t1", "12", account_id="chk", pending_line_id="p1")])
    sync(bakery, connection)

    assert statuses(bakery) == {"t1": LineStatus.RECORDED, "p2": LineStatus.REMOVED}
    assert amounts(bakery) == [12]
    bank.tell(removed=[("t1", "chk")])
    sync(bakery, connection)
    assert amounts(bakery) == []
    assert_books_hold(bakery.entity)


def test_a_line_that_comes_and_goes_within_one_sync_is_not_recorded(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"))
    bank.tell(removed=[("a", "chk")])

    sync(bakery, connection)

    assert statuses(bakery) == {"a": LineStatus.REMOVED}
    assert bakery.all_transactions() == []


def test_transfers_between_accounts_of_one_connection_are_made_once(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.tell(seen("out", "500", account_id="chk", description="Transfer to savings"))
    bank.tell(
        seen("into", "-500", account_id="sav", description="Deposit", date=dt.date(2024, 3, 16)),
        seen("pay", "75", account_id="chk", description="CARD AUTOPAY"),
        seen("paid", "-75", account_id="crd", description="Thank you"),
    )

    synced = sync(bakery, connection)

    assert synced.transfers == 4
    assert amounts(bakery) == [75, 500]
    assert_books_hold(bakery.entity)


def test_balances_are_taken_over(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.seen[0] = CHECKING.__class__(
        "chk", "Checking", "", "1111", "depository", "checking", "USD", Decimal("7.5"), Decimal("NaN")
    )

    sync(bakery, connection)

    checking = account(bakery)
    assert (checking.balance_current, checking.balance_available) == (Decimal("7.5"), None)


def test_lines_that_cannot_be_kept_are_told_of_and_keep_no_others_back(
    bank: Scripted, bakery: Banked
) -> None:
    connection = connect(bakery)
    bank.tell(
        seen("zero", "0", account_id="chk"),
        seen("euro", "5", account_id="chk", currency="EUR"),
        seen("good", "1", account_id="chk"),
        seen("other", "9", account_id="never-taken-in"),
    )

    synced = sync(bakery, connection)

    assert amounts(bakery) == [1]
    assert synced.not_kept == 1
    assert "EUR" in fresh(connection).error_message
    assert fresh(connection).status == ConnectionStatus.ACTIVE
    # It does not vanish with the next sync: nobody has seen it yet.
    sync(bakery, connection)
    assert "EUR" in fresh(connection).error_message


def test_a_bank_that_wants_a_new_login_marks_the_connection_and_success_clears_it(
    bank: Scripted, bakery: Banked
) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"))
    bank.faults[0] = [LoginRequiredError("Log in again.", provider_code="ITEM_LOGIN_REQUIRED")]

    with pytest.raises(LoginRequiredError):
        sync(bakery, connection)
    marked = fresh(connection)
    assert (marked.status, marked.error_code, marked.error_message) == (
        ConnectionStatus.LOGIN_REQUIRED,
        "ITEM_LOGIN_REQUIRED",
        "Log in again.",
    )

    sync(bakery, connection)
    assert (fresh(connection).status, fresh(connection).error_message) == (ConnectionStatus.ACTIVE, "")
    assert amounts(bakery) == [1]


def test_another_refusal_marks_the_connection_as_failed(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.faults[0] = [ProviderError("Nonsense.")]

    with pytest.raises(ProviderError):
        sync(bakery, connection)

    assert fresh(connection).status == ConnectionStatus.FAILED


def test_what_is_disconnected_meanwhile_is_left_alone(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"), seen("b", "2", account_id="crd"))

    def give_up(number: int) -> None:
        for one in BankAccount.objects.filter(entity_id=bakery.entity.id, connection_id=connection.id):
            disconnect_account(entity=bakery.entity, bank_account_id=one.id, actor=SYSTEM)

    bank.on_page = give_up
    synced = sync(bakery, connection)

    assert synced == Synced()
    assert BankLine.objects.count() == 0
    # And so is what was disconnected before.
    assert sync(bakery, connection) == Synced()


def test_one_disconnected_account_keeps_the_others_going(bank: Scripted, bakery: Banked) -> None:
    connection = connect(bakery)
    disconnect_account(entity=bakery.entity, bank_account_id=account(bakery, "crd").id, actor=SYSTEM)
    bank.tell(seen("a", "1", account_id="chk"), seen("b", "2", account_id="crd"))

    sync(bakery, connection)

    assert amounts(bakery) == [1]


def test_another_companys_connection_is_not_found(bank: Scripted, bakery: Banked) -> None:
    stranger = make_banked("Stranger")
    connection = connect(bakery)

    with pytest.raises(NotFoundError, match=r"There is no bank connection item_\w+ in this entity"):
        sync(stranger, connection)


def give_up(company: Banked, connection: BankConnection) -> None:
    for one in BankAccount.objects.filter(entity_id=company.entity.id, connection=connection):
        disconnect_account(entity=company.entity, bank_account_id=one.id, actor=SYSTEM)


def test_a_bank_that_is_connected_anew_makes_nothing_twice(bank: Scripted, bakery: Banked) -> None:
    bank.tell(*(seen(f"l{number}", f"{number + 1}", account_id="chk") for number in range(5)))
    first = connect(bakery)
    sync(bakery, first)
    known = {one.id for one in bakery.all_transactions()}
    give_up(bakery, first)
    # The bank has new ids for everything.
    bank.item, bank.pages = "item-2", []
    bank.tell(*(seen(f"again{number}", f"{number + 1}", account_id="chk") for number in range(6)))

    synced = sync(bakery, connect(bakery, "public-2"))

    assert (synced.fetched, synced.created, synced.offered) == (6, 1, 0)
    assert len(known) == 5
    assert known < {one.id for one in bakery.all_transactions()}
    assert_books_hold(bakery.entity)


def test_of_two_connections_at_once_one_goes_on_with_the_former_ledger_account(
    bank: Scripted, bakery: Banked
) -> None:
    bank.seen = bank.seen[:1]
    first = connect(bakery)
    former = account(bakery).ledger_account_id
    give_up(bakery, first)
    arrivals = {}
    for number in (2, 3):
        bank.item = f"item-{number}"
        arrivals[f"public-{number}"] = exchange(entity=bakery.entity, public_token=f"public-{number}")

    def store(token: str, arrival: Arrival | None) -> UUID:
        connected = store_connection(entity=bakery.entity, public_token=token, arrival=arrival, actor=SYSTEM)
        return connected.accounts[0].ledger_account_id

    results = race(*(partial(store, token, arrival) for token, arrival in arrivals.items()))

    assert errors_of(results) == []
    assert len(set(map(str, results))) == 2
    assert former in results


@pytest.mark.parametrize("syncs", [2, 4])
def test_syncs_at_once_store_each_line_once(bank: Scripted, bakery: Banked, syncs: int) -> None:
    connection = connect(bakery)
    bank.tell(*(seen(f"l{number}", f"{number + 1}", account_id="chk") for number in range(40)))
    # All have read the first page before any of them stores.
    together = threading.Barrier(syncs)
    bank.on_page = lambda number: together.wait(10) if number == 0 else None

    results = race(*(lambda: sync(bakery, connection) for _ in range(syncs)))

    assert errors_of(results) == []
    assert len(bakery.all_transactions()) == 40
    assert fresh(connection).cursor == "1"
    assert sum(result.created for result in results if isinstance(result, Synced)) == 40
    assert_books_hold(bakery.entity)


@pytest.mark.parametrize("compared", [True, False])
def test_an_older_sync_does_not_undo_a_newer_one_because_cursors_are_compared(
    bank: Scripted, bakery: Banked, monkeypatch: pytest.MonkeyPatch, compared: bool
) -> None:
    """A sync that read an amount before the bank changed it stores after one that read the change. Without
    the comparison the old amount comes back, and the cursor goes back."""
    connection = connect(bakery)
    bank.tell(seen("a", "1", account_id="chk"))
    is_newer_done = threading.Event()
    old_has_read = threading.Event()
    store = syncing._store
    if not compared:

        def forgetful(entity: object, began: BankConnection, *rest: object) -> Synced:
            began.cursor = fresh(began).cursor
            return store(entity, began, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(syncing, "_store", forgetful)

    def pause(number: int) -> None:
        if threading.current_thread().name == "old" and number == 1 and not old_has_read.is_set():
            old_has_read.set()
            is_newer_done.wait(10)

    def old() -> Synced:
        threading.current_thread().name = "old"
        return sync(bakery, connection)

    def newer() -> Synced:
        old_has_read.wait(10)
        bank.tell(modified=[seen("a", "2", account_id="chk")])
        synced = sync(bakery, connection)
        is_newer_done.set()
        return synced

    # The old sync asks for a second page, and sees the bank as it was before the change.
    bank.tell(seen("b", "5", account_id="chk"))
    before = list(bank.pages)
    answer = bank.sync

    def as_of_then(access_token: str, cursor: str) -> object:
        page = answer(access_token, cursor)
        if threading.current_thread().name == "old" and cursor == "1":
            return replace(before[1], next_cursor="2", has_more=False)
        return page

    monkeypatch.setattr(bank, "sync", as_of_then)
    bank.on_page = pause

    results = race(old, newer)

    assert errors_of(results) == []
    stored = Transaction.objects.filter(entity_id=bakery.entity.id).values_list("amount", flat=True)
    found = sorted(int(amount) for amount in stored)
    if compared:
        assert (found, fresh(connection).cursor) == ([2, 5], "3")
    else:
        assert (found, fresh(connection).cursor) == ([1, 5], "2")


def test_many_pages_go_through_a_file(
    bank: Scripted, bakery: Banked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "_MEMORY_BYTES_MAX", 1000)
    monkeypatch.setattr(syncing, "BATCH_LINES", 7)
    connection = connect(bakery)
    raw = {"exact": Decimal("0.1000000000000000000001"), "list": [1, None, True]}
    for page in range(20):
        bank.tell(*(seen(f"{page}-{n}", f"{page + 1}.{n}1", account_id="chk", raw=raw) for n in range(1, 6)))

    synced = sync(bakery, connection)

    assert synced.created == 100
    assert bakery.line("3-2", account(bakery)).raw["list"] == [1, None, True]
    assert_books_hold(bakery.entity)


def test_unknown_ids_raise_nothing_but_not_found(bank: Scripted, bakery: Banked) -> None:
    with pytest.raises(NotFoundError, match="There is no bank connection"):
        sync_connection(entity=bakery.entity, connection_id=UUID(int=7), actor=SYSTEM)
