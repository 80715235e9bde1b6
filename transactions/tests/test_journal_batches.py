"""Many journal entries at once."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from accounts.choices import Side
from accounts.models import Account
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, LedgerError, ValidationError
from transactions.choices import Source, Status
from transactions.exceptions import AccountClosedError, AccountNotFoundError, PeriodClosedError
from transactions.journal_entries import JournalEntryExistsError
from transactions.models import JournalEntry, Transaction
from transactions.services import post_transaction
from transactions.services.journal import JournalLine
from transactions.services.journal_batches import EntryDraft, post_journal_entries
from transactions.tests.conftest import (
    NOON,
    Company,
    assert_totals_hold,
    balance,
    errors_of,
    race,
    sums,
)


def line(account: Account, amount: str) -> JournalLine:
    """A line: below zero stands on the credit side."""
    side = Side.DEBIT if Decimal(amount) > 0 else Side.CREDIT
    return JournalLine(account.id, side, abs(Decimal(amount)))


def entry(name: str, *lines: JournalLine, **more: Any) -> EntryDraft:
    values: dict[str, Any] = {
        "currency": "USD",
        "timestamp": NOON,
        "day": NOON.date(),
        "description": f"Entry {name}",
    }
    return EntryDraft(name, lines, **(values | more))


def post(company: Company, *entries: EntryDraft, **more: Any) -> dict[int, LedgerError]:
    return post_journal_entries(
        entity=company.entity, ledger=company.ledger, entries=entries, actor=SYSTEM, **more
    )


def test_entries_are_recorded_with_their_names(bakery: Company) -> None:
    faults = post(
        bakery,
        entry("one", line(bakery.cash, "10"), line(bakery.sales, "-10"), metadata={"a": 1}),
        entry("two", line(bakery.rent, "7"), line(bakery.software, "3"), line(bakery.cash, "-10")),
    )

    assert faults == {}
    assert balance(bakery.cash) == sums(0, 10, 0, 10)
    one = Transaction.objects.get(external_id="one")
    assert (one.status, one.source, one.metadata) == (Status.POSTED, Source.IMPORT, {"a": 1})
    assert one.journal_entry is not None
    assert (one.journal_entry.external_id, one.journal_entry.description) == ("one", "Entry one")
    two = Transaction.objects.filter(journal_entry__external_id="two").order_by("external_id")
    assert [(row.external_id, row.amount) for row in two] == [
        ("two#1", Decimal(7)),
        ("two#2", Decimal(3)),
    ]
    assert_totals_hold(bakery.entity)


def test_what_is_there_is_left_as_it_is_and_twice_in_a_batch_is_once(bakery: Company) -> None:
    first = entry("one", line(bakery.cash, "10"), line(bakery.sales, "-10"))
    post(bakery, first)

    faults = post(bakery, first, entry("two", *first.lines), entry("two", *first.lines))

    assert {index: type(fault) for index, fault in faults.items()} == {
        0: JournalEntryExistsError,
        2: JournalEntryExistsError,
    }
    assert balance(bakery.cash) == sums(0, 20, 0, 0)


def test_an_entry_with_a_fault_is_left_out_whole_and_the_others_are_recorded(
    bakery: Company, stranger: Company
) -> None:
    bakery.entity.books_closed_through = dt.date(2023, 12, 31)
    bakery.entity.save()
    bakery.loan.closed_at = NOON
    bakery.loan.save()
    early = dt.datetime(2023, 12, 31, 12, tzinfo=dt.UTC)
    lines = [line(bakery.cash, "10"), line(bakery.sales, "-10")]

    faults = post(
        bakery,
        entry("good", *lines),
        entry("early", *lines, timestamp=early, day=early.date()),
        entry("strange", line(bakery.cash, "5"), line(bakery.rent, "5"), line(stranger.cash, "-10")),
        entry("closed", line(bakery.rent, "10"), line(bakery.cash, "-7"), line(bakery.loan, "-3")),
        entry("uneven", line(bakery.cash, "10"), line(bakery.sales, "-9")),
        entry("empty"),
        entry("nothing", line(bakery.cash, "4"), line(bakery.cash, "-4")),
        entry("euro", *lines, currency="EUR"),
    )

    assert {index: type(fault) for index, fault in faults.items()} == {
        1: PeriodClosedError,
        2: AccountNotFoundError,
        3: AccountClosedError,
        4: ValidationError,
        5: ValidationError,
        6: ValidationError,
        7: ValidationError,
    }
    assert [one.external_id for one in JournalEntry.objects.all()] == ["good"]
    assert Transaction.objects.count() == 1
    assert_totals_hold(bakery.entity)


def test_a_transaction_of_that_name_is_a_fault_of_its_entry(bakery: Company) -> None:
    post_transaction(entity=bakery.entity, draft=bakery.draft(external_id="two#2"), actor=SYSTEM)
    before = Transaction.objects.count()

    faults = post(
        bakery, entry("two", line(bakery.rent, "7"), line(bakery.software, "3"), line(bakery.cash, "-10"))
    )

    assert "two#2" in faults[0].message
    assert (Transaction.objects.count(), JournalEntry.objects.count()) == (before, 0)


def test_an_account_on_both_sides_counts_with_its_difference_where_nothing_else_fits(
    bakery: Company,
) -> None:
    faults = post(
        bakery,
        entry("rest", line(bakery.cash, "100"), line(bakery.cash, "-30"), line(bakery.sales, "-70")),
        entry("fits", line(bakery.bank, "50"), line(bakery.bank, "-20"), line(bakery.rent, "20"),
              line(bakery.sales, "-50")),
    )  # fmt: skip

    assert faults == {}
    assert balance(bakery.cash) == sums(0, 70, 0, 0)
    # Both sides are kept where other lines take them.
    assert balance(bakery.bank) == sums(0, 50, 0, 20)


def test_pending_entries_can_be_approved_later(bakery: Company) -> None:
    post(bakery, entry("one", line(bakery.cash, "10"), line(bakery.sales, "-10")), status=Status.CLEARED)

    assert balance(bakery.cash) == sums(10, 0, 0, 0)


def test_a_batch_costs_the_same_statements_whatever_its_size(bakery: Company) -> None:
    def batch(count: int, start: int) -> list[EntryDraft]:
        lines = (line(bakery.rent, "7"), line(bakery.software, "3"), line(bakery.cash, "-10"))
        return [entry(str(number), *lines) for number in range(start, start + count)]

    with CaptureQueriesContext(connection) as few:
        post(bakery, *batch(1, 0))
    with CaptureQueriesContext(connection) as many:
        post(bakery, *batch(500, 1))

    assert len(few) == len(many) <= 16
    assert post(bakery) == {}


@pytest.mark.django_db(transaction=True)
def test_of_two_that_record_the_same_entry_at_once_one_does_and_both_leave_whole_books(
    bakery: Company,
) -> None:
    same = entry("one", line(bakery.cash, "10"), line(bakery.sales, "-10"))

    def record() -> object:
        with atomic():
            return post(bakery, same)

    results = race(*[record] * 4)

    # Whoever looked before the first one committed is refused by the database.
    assert len([one for one in results if one == {}]) == 1
    assert all(isinstance(error, ConflictError) for error in errors_of(results))
    assert Transaction.objects.count() == JournalEntry.objects.count() == 1
    assert_totals_hold(bakery.entity)
