"""From bank lines to the books."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from banking.choices import LineStatus, LinkKind
from banking.models import LineLink, Rule, RuleApplication
from banking.services.recording import record_lines
from banking.services.storing import store_lines
from banking.signals import lines_recorded
from banking.tests.cast import DAY, Banked, assert_books_hold, feed, make_banked, seen, statuses
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.ids import encode_id, new_id
from ledger.services.periods import close_books
from transactions.choices import Source, Status
from transactions.tests.conftest import NOON


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked(zone="America/New_York")


def test_money_out_is_an_uncategorized_expense_that_the_bank_has_confirmed(bakery: Banked) -> None:
    recorded = feed(bakery, seen("a", "12.50", category="GENERAL_MERCHANDISE", counterparty="Miller"))

    made = bakery.transaction_of("a")
    line = bakery.line("a")
    assert (made.debit_account_id, made.credit_account_id) == (
        bakery.uncategorized_expense.id,
        bakery.bank.id,
    )
    assert (made.amount, made.status, made.source) == (Decimal("12.50"), Status.CLEARED, Source.BANK)
    # Midnight of the bank's day in the company's zone.
    assert (made.date, made.timestamp) == (DAY, dt.datetime(2024, 3, 15, 4, tzinfo=dt.UTC))
    assert (made.counterparty, made.external_id) == ("Miller", line.public_id)
    assert made.metadata == {
        "bankLineId": line.public_id,
        "bankAccountId": bakery.checking.public_id,
        "providerCategory": "GENERAL_MERCHANDISE",
    }
    assert (recorded.created, recorded.transaction_ids) == (1, [made.id])
    assert_books_hold(bakery.entity)


def test_money_in_is_an_uncategorized_income_with_a_name_cleaned_from_its_text(bakery: Banked) -> None:
    feed(bakery, seen("a", "-80", description="SQ *CORNER CAFE 0042"))

    made = bakery.transaction_of("a")
    assert (made.debit_account_id, made.credit_account_id) == (
        bakery.bank.id,
        bakery.uncategorized_income.id,
    )
    assert (made.amount, made.counterparty) == (Decimal(80), "Corner Cafe")
    assert_books_hold(bakery.entity)


def test_a_purchase_on_a_card_raises_what_is_owed_and_a_refund_lowers_it(bakery: Banked) -> None:
    feed(bakery, seen("buy", "30"), seen("refund", "-10", description="REFUND"), account=bakery.card)

    buy, refund = bakery.transaction_of("buy", bakery.card), bakery.transaction_of("refund", bakery.card)
    assert (buy.debit_account_id, buy.credit_account_id) == (
        bakery.uncategorized_expense.id,
        bakery.card_account.id,
    )
    assert refund.debit_account_id == bakery.card_account.id


def test_the_same_lines_again_make_nothing(bakery: Banked) -> None:
    lines = [seen("a", "12.50"), seen("b", "-3")]
    feed(bakery, *lines)

    again = feed(bakery, *lines)

    assert again == (0, 0, 0, 0, 0, [])
    assert len(bakery.all_transactions()) == 2


def test_two_equal_purchases_of_one_day_are_both_kept(bakery: Banked) -> None:
    feed(bakery, seen("a", "4.20"), seen("b", "4.20"))

    assert [one.amount for one in bakery.all_transactions()] == [Decimal("4.2"), Decimal("4.2")]


def test_a_line_like_a_transaction_in_the_books_is_offered_it_and_posts_nothing(bakery: Banked) -> None:
    known = bakery.post("12.50", credit=bakery.bank, at=NOON - dt.timedelta(days=5))

    recorded = feed(bakery, seen("a", "12.50"))

    line = bakery.line("a")
    assert (line.status, line.offered_transaction_id) == (LineStatus.OFFERED, known.id)
    assert (recorded.created, recorded.offered) == (0, 1)
    assert [one.id for one in bakery.all_transactions()] == [known.id]


@pytest.mark.parametrize("difference", ["day", "amount", "side", "account", "reversed"])
def test_what_is_not_alike_is_not_offered(bakery: Banked, difference: str) -> None:
    if difference == "day":
        bakery.post("12.50", credit=bakery.bank, at=NOON - dt.timedelta(days=6))
    elif difference == "amount":
        bakery.post("12.51", credit=bakery.bank)
    elif difference == "side":
        bakery.post("12.50", debit=bakery.bank, credit=bakery.sales)
    elif difference == "account":
        bakery.post("12.50", credit=bakery.cash)
    else:
        from transactions.services import reverse_transaction

        posted = bakery.posted("12.50", credit=bakery.bank)
        reverse_transaction(entity=bakery.entity, transaction_id=posted.id, actor=SYSTEM)

    assert feed(bakery, seen("a", "12.50")).offered == 0


def test_an_entry_may_be_five_days_before_the_line_or_after_it_and_no_more(bakery: Banked) -> None:
    for number, days in enumerate((-6, -5, 5, 6)):
        bakery.post(f"{number + 1}", credit=bakery.bank, at=NOON + dt.timedelta(days=days))

    feed(bakery, *(seen(f"{number}", f"{number}") for number in (1, 2, 3, 4)))

    assert statuses(bakery) == {
        "1": LineStatus.RECORDED, "2": LineStatus.OFFERED, "3": LineStatus.OFFERED, "4": LineStatus.RECORDED,
    }  # fmt: skip


def test_of_entries_that_are_all_alike_each_line_is_offered_the_one_of_its_day(bakery: Banked) -> None:
    days = [dt.timedelta(days=number) for number in range(0, 40, 2)]
    entered = [bakery.post("9.99", credit=bakery.bank, at=NOON + day).id for day in reversed(days)]

    feed(bakery, *(seen(f"{number}", "9.99", date=DAY + day) for number, day in enumerate(days)))

    offered = [bakery.line(f"{number}").offered_transaction_id for number in range(len(days))]
    assert offered == entered[::-1]


def test_of_two_equal_lines_one_is_offered_the_only_entry_and_the_other_recorded(bakery: Banked) -> None:
    known = bakery.post("12.50", credit=bakery.bank, description="Miller flour")

    recorded = feed(
        bakery, seen("x", "12.50", description="SHELL OIL"), seen("y", "12.50", description="MILLER FLOUR 77")
    )

    assert (recorded.created, recorded.offered) == (1, 1)
    # The text decides which of the two it is.
    assert bakery.line("y").offered_transaction_id == known.id
    assert statuses(bakery) == {"x": LineStatus.RECORDED, "y": LineStatus.OFFERED}


def test_what_is_offered_to_one_line_is_not_offered_to_a_later_one(bakery: Banked) -> None:
    bakery.post("12.50", credit=bakery.bank)
    feed(bakery, seen("a", "12.50"))

    feed(bakery, seen("b", "12.50"))

    assert statuses(bakery) == {"a": LineStatus.OFFERED, "b": LineStatus.RECORDED}


def test_a_rule_gives_the_category_and_may_approve(bakery: Banked) -> None:
    rule = Rule.objects.create(
        id=new_id(), entity=bakery.entity, name="Flour", contains="flour", category_account=bakery.software,
        auto_approve=True, created_at=utc_now(), updated_at=utc_now(),
    )  # fmt: skip

    recorded = feed(bakery, seen("a", "12.50"), seen("b", "1", description="SOMETHING ELSE"))

    made = bakery.transaction_of("a")
    assert (made.debit_account_id, made.status) == (bakery.software.id, Status.POSTED)
    assert made.categorized_at is not None
    assert made.metadata is not None
    assert made.metadata["categoryId"] == encode_id("acc", bakery.software.id)
    assert (recorded.created, recorded.approved) == (2, 1)
    applied = RuleApplication.objects.get(entity_id=bakery.entity.id)
    assert (applied.rule_id, applied.transaction_id, applied.approved) == (rule.id, made.id, True)
    assert bakery.transaction_of("b").status == Status.CLEARED
    assert_books_hold(bakery.entity)


def test_a_line_of_a_closed_period_stays_out_and_says_why(bakery: Banked) -> None:
    close_books(entity=bakery.entity, through=DAY, actor=SYSTEM)

    recorded = feed(bakery, seen("a", "12.50"), seen("b", "1", date=DAY + dt.timedelta(days=1)))

    line = bakery.line("a")
    assert line.status == LineStatus.IGNORED
    assert "closed through 2024-03-15" in line.attention
    assert (recorded.created, recorded.refused) == (1, 1)
    assert_books_hold(bakery.entity)


def test_a_closed_ledger_account_keeps_its_lines_out_and_no_others(bakery: Banked) -> None:
    from accounts.services.accounts import close_account

    close_account(entity=bakery.entity, account=bakery.bank, actor=SYSTEM)

    feed(bakery, seen("a", "12.50"))
    feed(bakery, seen("b", "3"), account=bakery.card)

    assert statuses(bakery) == {"a": LineStatus.IGNORED, "b": LineStatus.RECORDED}
    assert "is closed and takes no transactions" in bakery.line("a").attention


def test_listeners_hear_of_what_was_made(bakery: Banked) -> None:
    heard: list[object] = []

    def listen(sender: object, transaction_ids: object, **more: object) -> None:
        heard.append(transaction_ids)

    lines_recorded.connect(listen)
    try:
        recorded = feed(bakery, seen("a", "12.50"))
    finally:
        lines_recorded.disconnect(listen)

    assert heard == [recorded.transaction_ids]


def test_lines_of_another_company_are_left_alone(bakery: Banked) -> None:
    stranger = make_banked("Stranger")
    with atomic():
        stored = store_lines(stranger.entity, stranger.checking, [seen("a", "5")])
        recorded = record_lines(entity=bakery.entity, line_ids=stored.new_ids, actor=SYSTEM)
        record_lines(entity=stranger.entity, line_ids=stored.new_ids, actor=SYSTEM)

    assert recorded.created == 0
    assert bakery.all_transactions() == []


def test_the_number_of_statements_does_not_grow_with_the_number_of_lines(bakery: Banked) -> None:
    def statements(count: int, prefix: str) -> int:
        out = [seen(f"{prefix}{n}", f"{n + 1}.25", description=f"{prefix} {n}") for n in range(count)]
        back = [
            seen(f"{prefix}t{n}", f"{n + 1}.5", description="Transfer to 5678") for n in range(count // 2)
        ]
        for n in range(0, count, 3):
            bakery.post(f"{n + 1}.25", credit=bakery.bank, description=f"{prefix} {n}")
        feed(
            bakery,
            *(seen(f"{prefix}s{n}", f"-{n + 1}.5", description="Deposit") for n in range(count // 2)),
            account=bakery.savings,
        )
        with CaptureQueriesContext(
            connection,
        ) as queries:
            feed(bakery, *out, *back)
        return len(queries)

    few, many = statements(6, "few"), statements(300, "many")

    # Those of what listens to recorded lines among them.
    assert few == many <= 45
    kinds = LineLink.objects.filter(entity_id=bakery.entity.id, kind=LinkKind.TRANSFER).count()
    assert kinds == 2 * (3 + 150)
    assert_books_hold(bakery.entity)
