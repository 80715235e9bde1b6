"""Keeping what banks say: each line once, and what becomes of changes."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.db.transaction import atomic

from accounts.services.accounts import close_account
from banking.choices import LineStatus, LinkKind
from banking.models import BankLine
from banking.services.changing import remove_lines
from banking.services.links import link, mark
from banking.services.recording import record_lines
from banking.services.rows import Link, unrecorded_lines
from banking.services.storing import store_lines
from banking.tests.cast import DAY, Banked, assert_books_hold, feed, make_banked, seen, statuses
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, ValidationError
from ledger.services.periods import close_books
from transactions.choices import Status
from transactions.models import Transaction
from transactions.services import (
    approve_transactions,
    delete_transaction,
    edit_transaction,
    reverse_transaction,
)
from transactions.services.editing import Edit
from transactions.tests.conftest import errors_of, race

NEXT_DAY = DAY + dt.timedelta(days=1)


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


def remove(company: Banked, *ids: str) -> int:
    with atomic():
        return remove_lines(company.entity, company.checking.id, ids)


# --- pending -----------------------------------------------------------------------------------------


def test_a_pending_line_is_kept_and_does_not_reach_the_books(bakery: Banked) -> None:
    feed(bakery, seen("p", "12.50", pending=True))

    assert bakery.line("p").status == LineStatus.PENDING
    assert bakery.all_transactions() == []


def test_a_posted_line_takes_the_place_of_its_pending_one_with_the_chosen_category(bakery: Banked) -> None:
    feed(bakery, seen("p", "12.50", pending=True))
    pending = bakery.line("p")
    BankLine.objects.filter(id=pending.id).update(chosen_account=bakery.software)

    feed(bakery, seen("t", "13.75", pending_line_id="p", date=NEXT_DAY))

    line = bakery.line("t")
    assert (line.id, line.pending_line_id, line.status) == (pending.id, "p", LineStatus.RECORDED)
    made = bakery.transaction_of("t")
    assert (made.debit_account_id, made.amount, made.date) == (
        bakery.software.id,
        Decimal("13.75"),
        NEXT_DAY,
    )
    assert made.categorized_at is not None
    # The bank then takes the pending one back, which changes nothing.
    assert remove(bakery, "p") == 0
    assert_books_hold(bakery.entity)


def test_a_pending_line_that_was_taken_back_first_still_hands_its_category_on(bakery: Banked) -> None:
    feed(bakery, seen("p", "12.50", pending=True))
    BankLine.objects.filter(id=bakery.line("p").id).update(chosen_account=bakery.software)
    remove(bakery, "p")

    feed(bakery, seen("t", "12.50", pending_line_id="p"))

    assert bakery.transaction_of("t").debit_account_id == bakery.software.id


def test_two_posted_lines_of_one_pending_line_are_both_kept(bakery: Banked) -> None:
    feed(bakery, seen("p", "30", pending=True))

    feed(bakery, seen("t1", "10", pending_line_id="p"), seen("t2", "20", pending_line_id="p"))

    assert {one.amount for one in bakery.all_transactions()} == {Decimal(10), Decimal(20)}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_pending_line_that_comes_with_its_posted_one_gives_way_to_it(
    bakery: Banked, is_first: bool
) -> None:
    feed(bakery, seen("p", "12.50", pending=True))
    BankLine.objects.filter(id=bakery.line("p").id).update(chosen_account=bakery.software)
    pair = [seen("p", "12.60", pending=True), seen("t", "12.60", pending_line_id="p")]

    feed(bakery, *(pair if is_first else reversed(pair)))

    assert statuses(bakery) == {"t": LineStatus.RECORDED}
    assert bakery.transaction_of("t").debit_account_id == bakery.software.id
    assert_books_hold(bakery.entity)


def test_a_name_that_a_line_gives_up_is_free_for_another_at_once(bakery: Banked) -> None:
    feed(bakery, seen("p", "12.50", pending=True))

    feed(bakery, seen("t", "12.50", pending_line_id="p"), seen("p", "7"))

    assert statuses(bakery) == {"t": LineStatus.RECORDED, "p": LineStatus.RECORDED}
    assert {one.amount for one in bakery.all_transactions()} == {Decimal("12.5"), Decimal(7)}


def test_a_chosen_category_that_was_closed_meanwhile_gives_way(bakery: Banked) -> None:
    feed(bakery, seen("p", "12.50", pending=True))
    BankLine.objects.filter(id=bakery.line("p").id).update(chosen_account=bakery.software)
    close_account(entity=bakery.entity, account=bakery.software, actor=SYSTEM)

    feed(bakery, seen("t", "12.50", pending_line_id="p"))

    assert bakery.transaction_of("t").debit_account_id == bakery.uncategorized_expense.id


# --- modified ----------------------------------------------------------------------------------------


def test_a_change_goes_on_to_a_transaction_that_is_not_final(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50", description="POS 1"))

    feed(bakery, seen("a", "14", description="POS 1 TIP", date=NEXT_DAY))

    made = bakery.transaction_of("a")
    assert (made.amount, made.date, made.description) == (Decimal(14), NEXT_DAY, "POS 1 TIP")
    assert bakery.line("a").attention == ""
    assert_books_hold(bakery.entity)


def test_a_charge_that_becomes_a_refund_changes_sides(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"))

    feed(bakery, seen("a", "-12.50"))

    assert bakery.transaction_of("a").debit_account_id == bakery.bank.id
    assert_books_hold(bakery.entity)


def test_sides_do_not_change_onto_a_closed_account_and_the_line_says_so(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"), seen("b", "3"))
    made = bakery.transaction_of("a")
    rent = Edit(debit_account_id=bakery.rent.id)
    edit_transaction(entity=bakery.entity, transaction_id=made.id, edit=rent, actor=SYSTEM)
    close_account(entity=bakery.entity, account=bakery.rent, actor=SYSTEM)

    feed(bakery, seen("a", "-12.50"), seen("b", "4"))

    assert bakery.transaction_of("a").debit_account_id == bakery.rent.id
    assert "could not follow" in bakery.line("a").attention
    assert bakery.transaction_of("b").amount == Decimal(4)
    assert_books_hold(bakery.entity)


def test_words_that_a_person_wrote_stay(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50", description="POS 1"))
    made = bakery.transaction_of("a")
    words = Edit(description="Flour for Easter")
    edit_transaction(entity=bakery.entity, transaction_id=made.id, edit=words, actor=SYSTEM)

    feed(bakery, seen("a", "14", description="POS 1 TIP"))

    made = bakery.transaction_of("a")
    assert (made.amount, made.description) == (Decimal(14), "Flour for Easter")


@pytest.mark.parametrize("why", ["posted", "closed", "matched"])
def test_what_may_not_follow_stays_and_the_line_says_so(bakery: Banked, why: str) -> None:
    feed(bakery, seen("a", "12.50"))
    made = bakery.transaction_of("a")
    if why == "posted":
        approve_transactions(entity=bakery.entity, ids=[made.id], actor=SYSTEM)
    elif why == "closed":
        close_books(entity=bakery.entity, through=DAY, actor=SYSTEM)
    else:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE banking_linelink SET kind = 'matched'")

    feed(bakery, seen("a", "14"))

    line = bakery.line("a")
    assert bakery.transaction_of("a").amount == Decimal("12.50")
    assert line.amount == Decimal(14)
    assert "the amount was 12.5, now it is 14" in line.attention
    assert_books_hold(bakery.entity)


def test_an_offer_that_no_longer_fits_goes_through_the_door_anew(bakery: Banked) -> None:
    bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))

    feed(bakery, seen("a", "14"))

    line = bakery.line("a")
    assert (line.status, line.offered_transaction_id) == (LineStatus.RECORDED, None)
    assert bakery.transaction_of("a").amount == Decimal(14)
    assert_books_hold(bakery.entity)


# --- removed -----------------------------------------------------------------------------------------


def test_a_line_that_is_taken_back_takes_its_transaction_along(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"), seen("b", "1"))

    assert remove(bakery, "a", "unknown") == 1

    assert bakery.line("a").status == LineStatus.REMOVED
    assert [one.amount for one in bakery.all_transactions()] == [Decimal(1)]
    assert_books_hold(bakery.entity)


def test_a_line_that_comes_back_is_recorded_again(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"))
    remove(bakery, "a")

    feed(bakery, seen("a", "12.50"))

    assert bakery.line("a").status == LineStatus.RECORDED
    assert bakery.transaction_of("a").amount == Decimal("12.50")
    assert_books_hold(bakery.entity)


def test_a_final_transaction_stays_when_the_bank_takes_its_line_back(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"))
    made = bakery.transaction_of("a")
    approve_transactions(entity=bakery.entity, ids=[made.id], actor=SYSTEM)

    remove(bakery, "a")

    line = bakery.line("a")
    assert line.status == LineStatus.RECORDED
    assert "took this line back" in line.attention
    assert bakery.transaction_of("a").status == Status.POSTED
    assert_books_hold(bakery.entity)


def test_what_is_reversed_already_lets_its_line_go(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"))
    made = bakery.transaction_of("a")
    approve_transactions(entity=bakery.entity, ids=[made.id], actor=SYSTEM)
    reverse_transaction(entity=bakery.entity, transaction_id=made.id, actor=SYSTEM)

    remove(bakery, "a")

    line = bakery.line("a")
    assert (line.status, line.attention) == (LineStatus.REMOVED, "")
    assert_books_hold(bakery.entity)


def test_what_was_matched_with_a_line_of_another_account_too_stays_for_that_one(bakery: Banked) -> None:
    feed(bakery, seen("out", "500", description="Withdrawal"))
    made = bakery.transaction_of("out")
    to_savings = Edit(debit_account_id=bakery.savings_account.id)
    edit_transaction(entity=bakery.entity, transaction_id=made.id, edit=to_savings, actor=SYSTEM)
    feed(bakery, seen("into", "-500", description="Deposit"), account=bakery.savings)
    into = bakery.line("into", bakery.savings)
    # As reconciling a statement does.
    with atomic():
        mark(bakery.entity, LineStatus.RECORDED, [(into.id, None, "")])
        matched = Link(into.id, made.id, bakery.savings.id, LinkKind.MATCHED)
        link(bakery.entity, [matched], SYSTEM)

    remove(bakery, "out")

    stays = bakery.transaction_of("into", bakery.savings)
    assert (stays.id, stays.credit_account_id) == (made.id, bakery.uncategorized_income.id)
    assert_books_hold(bakery.entity)


def test_of_a_transfer_the_other_side_stays(bakery: Banked) -> None:
    feed(bakery, seen("out", "500", description="Transfer to 5678"))
    feed(bakery, seen("into", "-500", description="Transfer"), account=bakery.savings)

    remove(bakery, "out")

    made = bakery.transaction_of("into", bakery.savings)
    assert (made.debit_account_id, made.credit_account_id) == (
        bakery.savings_account.id,
        bakery.uncategorized_income.id,
    )
    assert_books_hold(bakery.entity)


def test_both_sides_of_a_transfer_taken_back_leave_nothing(bakery: Banked) -> None:
    feed(bakery, seen("out", "500", description="Transfer to 5678"))
    feed(bakery, seen("into", "-500", description="Transfer"), account=bakery.savings)

    remove(bakery, "out")
    with atomic():
        remove_lines(bakery.entity, bakery.savings.id, ["into"])

    assert bakery.all_transactions() == []
    assert_books_hold(bakery.entity)


# --- the books' side ---------------------------------------------------------------------------------


def test_deleting_a_transaction_leaves_its_line_out_of_the_books(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"))

    delete_transaction(entity=bakery.entity, transaction_id=bakery.transaction_of("a").id, actor=SYSTEM)

    assert bakery.line("a").status == LineStatus.IGNORED
    # The next sync does not make it again.
    feed(bakery, seen("a", "12.50"))
    assert bakery.all_transactions() == []
    assert_books_hold(bakery.entity)


def test_deleting_what_is_offered_ends_the_offer(bakery: Banked) -> None:
    known = bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))

    delete_transaction(entity=bakery.entity, transaction_id=known.id, actor=SYSTEM)

    line = bakery.line("a")
    assert (line.status, line.offered_transaction_id) == (LineStatus.IGNORED, None)
    # Nobody has said that its money stays out of the books.
    assert "record the line" in line.attention


def test_an_edit_that_would_part_a_transaction_from_its_line_is_refused(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"))
    made = bakery.transaction_of("a")

    for edit in (
        Edit(amount=Decimal(13)),
        Edit(credit_account_id=bakery.cash.id),
        Edit(amount=Decimal("-12.50")),
    ):
        with pytest.raises(ConflictError, match=r"stands for bank line line_\w+ of 12\.50 USD"):
            edit_transaction(entity=bakery.entity, transaction_id=made.id, edit=edit, actor=SYSTEM)
    edit_transaction(
        entity=bakery.entity, transaction_id=made.id, edit=Edit(debit_account_id=bakery.rent.id), actor=SYSTEM
    )

    assert bakery.transaction_of("a").debit_account_id == bakery.rent.id
    assert_books_hold(bakery.entity)


def test_an_edit_that_follows_the_bank_settles_what_needed_attention(bakery: Banked) -> None:
    feed(bakery, seen("a", "12.50"))
    made = bakery.transaction_of("a")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE banking_linelink SET kind = 'matched'")
    feed(bakery, seen("a", "14"))

    edit_transaction(
        entity=bakery.entity, transaction_id=made.id, edit=Edit(amount=Decimal(14)), actor=SYSTEM
    )

    assert bakery.line("a").attention == ""
    assert_books_hold(bakery.entity)


# --- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (seen("a", "0"), r"lines\[1\].amount: .* is zero"),
        (seen("a", "NaN"), r"lines\[1\].amount: .* is not a finite amount"),
        (seen("a", "1e15"), r"lines\[1\].amount: .* is too large"),
        (seen("a", "1", pending_line_id="p\x00"), r"lines\[1\].pendingLineId: .* is no id"),
        (seen("a", "1.005"), r"lines\[1\].amount: .* has more digits than USD knows"),
        (
            seen("a", "1", currency="EUR"),
            r'lines\[1\].currency: "EUR" is not the currency of the bank account',
        ),
        (seen("a", "1", date=dt.date(1899, 12, 31)), r"lines\[1\].date: 1899-12-31 is out of bounds"),
        (seen("", "1"), r"lines\[1\].id: .* is no id"),
        (seen("x" * 201, "1"), r"lines\[1\].id: .* is no id"),
        (seen("a\x00", "1"), r"lines\[1\].id: .* is no id"),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_its_place_and_nothing_is_stored(
    bakery: Banked, line: object, words: str
) -> None:
    from banking.providers.base import LineSeen

    assert isinstance(line, LineSeen)
    with pytest.raises(ValidationError, match=words), atomic():
        store_lines(bakery.entity, bakery.checking, [seen("good", "1"), line])

    assert not BankLine.objects.filter(entity_id=bakery.entity.id).exists()


def test_text_that_the_database_cannot_hold_is_kept_without_it(bakery: Banked) -> None:
    raw = {"a\x00": ["\ud800x", float("inf"), Decimal("1.5"), {"deep": "\x00"}]}

    feed(bakery, seen("a", "1", description="A\x00B\ud800C" + "x" * 2000, counterparty="\x00", raw=raw))

    line = bakery.line("a")
    assert line.description.startswith("ABCx")
    assert len(line.description) == 1000
    assert line.raw == {"a": ["x", "inf", 1.5, {"deep": ""}]}


def test_the_same_line_twice_in_a_batch_counts_once(bakery: Banked) -> None:
    feed(bakery, seen("a", "1"), seen("a", "2"))

    assert bakery.transaction_of("a").amount == Decimal(2)


def test_what_is_fresh_is_told_as_the_database_has_it(bakery: Banked) -> None:
    feed(bakery, seen("old", "3"), seen("p", "12.50", pending=True))
    fresh = seen("b", "-4.5", description="B\x00" + "b" * 2000, counterparty="Bee", category="FOOD")

    with atomic():
        stored = store_lines(
            bakery.entity,
            bakery.checking,
            [
                seen("old", "3"),
                fresh,
                seen("q", "7", pending=True),
                seen("posted", "12.50", pending_line_id="p"),
                seen("a", "1", authorized_date=DAY, pending_line_id="never seen"),
            ],
        )

    # Neither what was here in another form, nor what does not go into the books yet.
    assert [line.provider_line_id for line in stored.fresh] == ["b", "a"]
    assert [bakery.line(name).id for name in ("b", "posted", "a")] == stored.new_ids
    read = unrecorded_lines(bakery.entity, [line.id for line in stored.fresh])
    assert read == list(stored.fresh)
    # Known or read, they come in the order that was asked for.
    mixed = unrecorded_lines(bakery.entity, stored.new_ids, known=stored.fresh)
    assert mixed == unrecorded_lines(bakery.entity, stored.new_ids)
    assert [line.id for line in mixed] == stored.new_ids


# --- races -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_same_lines_stored_by_two_at_once_are_there_once() -> None:
    bakery = make_banked()
    lines = [seen(f"l{number}", f"{number + 1}") for number in range(50)]

    results = race(*(lambda: feed(bakery, *lines) for _ in range(4)))

    assert errors_of(results) == []
    assert sum(result.created for result in results if not isinstance(result, Exception)) == 50
    assert Transaction.objects.filter(entity_id=bakery.entity.id).count() == 50
    assert_books_hold(bakery.entity)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", [True, False])
def test_two_sides_of_a_transfer_that_come_at_once_meet_because_of_the_lock(
    monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """With the lock off, each side is recorded alone: what the lock is for."""
    import threading

    bakery = make_banked()
    if not locked:
        monkeypatch.setattr("banking.services.storing.hold_lines", lambda entity: None)
        monkeypatch.setattr("banking.services.recording.hold_lines", lambda entity: None)
    stored = threading.Barrier(2)

    def side(line: object, account: object) -> object:
        with atomic():
            found = store_lines(bakery.entity, account, [line])  # type: ignore[arg-type, list-item]
            if not locked:
                stored.wait(10)
            return record_lines(entity=bakery.entity, line_ids=found.new_ids, actor=SYSTEM)

    results = race(
        lambda: side(seen("out", "500", description="Transfer to 5678"), bakery.checking),
        lambda: side(seen("into", "-500", description="Transfer"), bakery.savings),
    )

    assert errors_of(results) == []
    assert len(bakery.all_transactions()) == (1 if locked else 2)
    assert_books_hold(bakery.entity)
