"""Money between two of a company's own bank accounts."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db.transaction import atomic

from accounts.services.accounts import close_account
from banking.choices import LineStatus, LinkKind
from banking.models import LineLink
from banking.services.recording import Recorded, record_lines
from banking.services.storing import store_lines
from banking.tests.cast import DAY, Banked, assert_books_hold, feed, make_banked, seen, statuses
from ledger.actors import SYSTEM
from transactions.choices import Status
from transactions.services import approve_transactions, categorize_transactions

TO_SAVINGS = "Online transfer to savings"


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


def feed_both(company: Banked, out: str, into: str, *, days: int = 0, words: str = TO_SAVINGS) -> Recorded:
    """Both sides in one sync, from checking to savings."""
    with atomic():
        first = store_lines(company.entity, company.checking, [seen("out", out, description=words)])
        second = store_lines(
            company.entity,
            company.savings,
            [seen("into", into, description="Deposit", date=DAY + dt.timedelta(days=days))],
        )
        ids = [*first.new_ids, *second.new_ids]
        return record_lines(entity=company.entity, line_ids=ids, actor=SYSTEM)


def test_both_sides_in_one_sync_make_one_transaction(bakery: Banked) -> None:
    recorded = feed_both(bakery, "500", "-500", days=2)

    [made] = bakery.all_transactions()
    assert (made.debit_account_id, made.credit_account_id) == (bakery.savings_account.id, bakery.bank.id)
    assert (made.amount, made.date, made.status) == (Decimal(500), DAY, Status.CLEARED)
    links = LineLink.objects.filter(entity_id=bakery.entity.id)
    assert {link.kind for link in links} == {LinkKind.TRANSFER}
    assert len(links) == 2
    assert (recorded.created, recorded.transfers) == (2, 2)
    assert_books_hold(bakery.entity)


def test_a_second_side_that_comes_later_turns_the_first_ones_transaction(bakery: Banked) -> None:
    feed(bakery, seen("out", "500", description=TO_SAVINGS))
    before = bakery.transaction_of("out")

    recorded = feed(bakery, seen("into", "-500", description="Deposit"), account=bakery.savings)

    [made] = bakery.all_transactions()
    assert made.id == before.id
    assert (made.debit_account_id, made.credit_account_id) == (bakery.savings_account.id, bakery.bank.id)
    assert (recorded.created, recorded.transfers, recorded.transaction_ids) == (0, 1, [made.id])
    assert_books_hold(bakery.entity)


def test_the_money_may_be_seen_to_arrive_before_it_is_seen_to_leave(bakery: Banked) -> None:
    feed(bakery, seen("into", "-500", description="Transfer from 1234"), account=bakery.savings)

    feed(bakery, seen("out", "500", description="Withdrawal"))

    [made] = bakery.all_transactions()
    assert (made.debit_account_id, made.credit_account_id) == (bakery.savings_account.id, bakery.bank.id)
    assert_books_hold(bakery.entity)


@pytest.mark.parametrize("what", ["posted", "categorized"])
def test_a_first_side_that_a_person_dealt_with_is_offered_instead(bakery: Banked, what: str) -> None:
    feed(bakery, seen("out", "500", description=TO_SAVINGS))
    made = bakery.transaction_of("out")
    if what == "posted":
        approve_transactions(entity=bakery.entity, ids=[made.id], actor=SYSTEM)
    else:
        categorize_transactions(
            entity=bakery.entity, ids=[made.id], category_id=bakery.software.id, actor=SYSTEM
        )

    recorded = feed(bakery, seen("into", "-500", description="Deposit"), account=bakery.savings)

    line = bakery.line("into", bakery.savings)
    assert (line.status, line.offered_transaction_id) == (LineStatus.OFFERED, made.id)
    assert (recorded.created, recorded.offered) == (0, 1)
    assert_books_hold(bakery.entity)


def test_a_payment_to_a_card_is_a_transfer_and_a_purchase_beside_takings_is_none(bakery: Banked) -> None:
    feed(bakery, seen("pay", "250", description="VISA AUTOPAY PYMT"))
    feed(bakery, seen("thanks", "-250", description="PAYMENT RECEIVED"), account=bakery.card)
    feed(bakery, seen("takings", "-20", description="Customer payment"))
    feed(bakery, seen("purchase", "20", description="Flour payment"), account=bakery.card)

    paid = bakery.transaction_of("pay")
    assert paid.debit_account_id == bakery.card_account.id
    assert len(bakery.all_transactions()) == 3
    assert_books_hold(bakery.entity)


@pytest.mark.parametrize(
    ("into", "days", "words"),
    [("-500.01", 0, TO_SAVINGS), ("-500", 6, TO_SAVINGS), ("500", 0, TO_SAVINGS), ("-500", 0, "Flour")],
)
def test_what_only_looks_a_little_like_one_is_two_things(
    bakery: Banked, into: str, days: int, words: str
) -> None:
    feed_both(bakery, "500", into, days=days, words=words)

    assert len(bakery.all_transactions()) == 2


@pytest.mark.parametrize("words", ["WEB 5678 CONF 99", "TO ACCT 000125678", "Online banking to Savings"])
def test_digits_and_kind_of_the_other_account_speak_of_a_transfer(bakery: Banked, words: str) -> None:
    feed_both(bakery, "500", "-500", words=words)

    assert len(bakery.all_transactions()) == 1


@pytest.mark.parametrize("words", ["CONF 56789", "SAVINGSMART 12"])
def test_other_numbers_and_words_do_not(bakery: Banked, words: str) -> None:
    feed_both(bakery, "500", "-500", words=words)

    assert len(bakery.all_transactions()) == 2


def test_a_transfer_that_somebody_has_entered_is_offered_to_both_sides_and_not_made_again(
    bakery: Banked,
) -> None:
    entered = bakery.post("500", debit=bakery.savings_account, credit=bakery.bank)

    recorded = feed_both(bakery, "500", "-500", days=1)

    assert (recorded.created, recorded.offered) == (0, 2)
    assert [one.id for one in bakery.all_transactions()] == [entered.id]
    sides = (bakery.line("out"), bakery.line("into", bakery.savings))
    assert {side.offered_transaction_id for side in sides} == {entered.id}


def test_it_is_offered_to_a_second_side_that_comes_later_too(bakery: Banked) -> None:
    entered = bakery.post("500", debit=bakery.savings_account, credit=bakery.bank)
    feed(bakery, seen("out", "500", description=TO_SAVINGS))

    feed(bakery, seen("into", "-500", description="Deposit"), account=bakery.savings)

    assert bakery.line("into", bakery.savings).offered_transaction_id == entered.id
    assert [one.id for one in bakery.all_transactions()] == [entered.id]


def test_of_two_transfers_and_one_that_was_entered_one_is_made(bakery: Banked) -> None:
    bakery.post("500", debit=bakery.savings_account, credit=bakery.bank)
    with atomic():
        out = [seen(f"out{n}", "500", description=TO_SAVINGS) for n in range(3)]
        into = [seen(f"into{n}", "-500") for n in range(2)]
        ids = [
            *store_lines(bakery.entity, bakery.checking, out).new_ids,
            *store_lines(bakery.entity, bakery.savings, into).new_ids,
        ]
        recorded = record_lines(entity=bakery.entity, line_ids=ids, actor=SYSTEM)

    # The entered one, the made one, and money that left for somewhere else.
    assert (recorded.offered, recorded.transfers, recorded.created) == (2, 2, 3)
    assert len(bakery.all_transactions()) == 3
    assert_books_hold(bakery.entity)


def test_a_closed_account_keeps_the_second_side_out_and_nothing_else(bakery: Banked) -> None:
    feed(bakery, seen("out", "500", description=TO_SAVINGS))
    close_account(entity=bakery.entity, account=bakery.savings_account, actor=SYSTEM)

    feed(bakery, seen("into", "-500", description="Deposit"), account=bakery.savings)

    assert bakery.line("into", bakery.savings).offered_transaction_id == bakery.transaction_of("out").id
    assert bakery.transaction_of("out").debit_account_id == bakery.uncategorized_expense.id
    assert_books_hold(bakery.entity)


@pytest.mark.parametrize(("days", "count"), [(5, 1), (-5, 1), (6, 2), (-6, 2)])
@pytest.mark.parametrize("at_once", [True, False])
def test_sides_are_at_most_five_days_apart(bakery: Banked, days: int, count: int, at_once: bool) -> None:
    if at_once:
        feed_both(bakery, "500", "-500", words=TO_SAVINGS, days=days)
    else:
        feed(bakery, seen("out", "500", description=TO_SAVINGS))
        feed(bakery, seen("into", "-500", date=DAY + dt.timedelta(days=days)), account=bakery.savings)

    assert len(bakery.all_transactions()) == count
    assert_books_hold(bakery.entity)


def test_of_three_like_lines_the_nearest_two_are_the_transfer(bakery: Banked) -> None:
    with atomic():
        out = store_lines(
            bakery.entity,
            bakery.checking,
            [
                seen("early", "500", description=TO_SAVINGS, date=DAY - dt.timedelta(days=3)),
                seen("late", "500", description=TO_SAVINGS),
            ],
        )
        into = store_lines(bakery.entity, bakery.savings, [seen("into", "-500")])
        record_lines(entity=bakery.entity, line_ids=[*out.new_ids, *into.new_ids], actor=SYSTEM)

    assert bakery.transaction_of("late").debit_account_id == bakery.savings_account.id
    assert bakery.transaction_of("early").debit_account_id == bakery.uncategorized_expense.id
    assert_books_hold(bakery.entity)


def test_sides_with_one_account_in_the_closed_period_are_dated_in_the_open_one(bakery: Banked) -> None:
    from ledger.services.periods import close_books

    close_books(entity=bakery.entity, through=DAY, actor=SYSTEM)

    feed_both(bakery, "500", "-500", days=1)

    [made] = bakery.all_transactions()
    assert made.date == DAY + dt.timedelta(days=1)
    assert set(statuses(bakery).values()) == {LineStatus.RECORDED}
    assert_books_hold(bakery.entity)
