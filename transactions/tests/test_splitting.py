"""Dividing one amount over several accounts (docs/decisions/0016)."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from accounts.choices import Side
from accounts.models import Account
from accounts.services import close_account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.exceptions import NotFoundError, ValidationError
from ledger.ids import new_id
from ledger.services.periods import close_books
from transactions.choices import Change, Source, Status
from transactions.exceptions import (
    AccountClosedError,
    IllegalMoveError,
    PartOfEntryError,
    PeriodClosedError,
    TransactionNotFoundError,
    UnclearCategoryError,
)
from transactions.journal_entries import read_journal_entry
from transactions.models import JournalEntry, Revision, Transaction
from transactions.rows import Row
from transactions.services import (
    Part,
    approve_transactions,
    categorize_transactions,
    delete_transactions,
    reverse_transaction,
    split_transaction,
)
from transactions.services.splitting import Split
from transactions.standing import moves_between
from transactions.tests.conftest import (
    NOON,
    Company,
    assert_totals_hold,
    balance,
    errors_of,
    make_company,
    race,
    sums,
)
from transactions.tests.test_moves import in_state
from transactions.tests.test_reversal import net
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db


def parts(*given: tuple[Account, str] | tuple[Account, str, str]) -> list[Part]:
    return [Part(account.id, Decimal(amount), *memo) for account, amount, *memo in given]


def split(company: Company, row: Row, *given: Any, **more: Any) -> Split:
    return split_transaction(
        entity=company.entity, transaction_id=row.id, parts=parts(*given), actor=SYSTEM, **more
    )


def assert_sound(company: Company) -> None:
    assert_totals_hold(company.entity)
    assert list(verify_books(company.entity)) == []


@pytest.mark.parametrize("status", [Status.PENDING, Status.CLEARED, Status.RECONCILED])
def test_what_is_not_final_keeps_the_first_part_and_the_others_stand_beside_it(
    bakery: Company, status: Status
) -> None:
    row = in_state(bakery, status)

    done = split(bakery, row, (bakery.software, "4", "Licences"), (bakery.rent, "3.5"), (bakery.loan, "2.5"))

    first = bakery.stored(row.id)
    assert (first.debit_account_id, first.amount, first.description) == (
        bakery.software.id,
        Decimal(4),
        "Licences",
    )
    assert first.categorized_at is not None
    others = Transaction.objects.filter(id__in=done.others).order_by("id")
    assert [(one.debit_account_id, one.amount, one.description) for one in others] == [
        (bakery.rent.id, Decimal("3.5"), row.description),
        (bakery.loan.id, Decimal("2.5"), row.description),
    ]
    for one in others:
        assert (one.credit_account_id, one.date, one.timestamp, one.status, one.source) == (
            bakery.cash.id, row.date, row.timestamp, status, row.source,
        )  # fmt: skip
    assert balance(bakery.cash) == sums(0, 0, 10, 0)
    assert balance(bakery.software) == sums(4, 0, 0, 0)
    assert_sound(bakery)
    assert Revision.objects.get(transaction_id=row.id, reason="Split into 3").change == Change.EDITED


def test_the_parts_are_one_journal_entry_as_an_accountant_would_write_it(bakery: Company) -> None:
    row = bakery.post("100", description="Stationer", debit=bakery.rent)

    split(bakery, row, (bakery.rent, "60"), (bakery.software, "40"))

    entry = JournalEntry.objects.get(entity=bakery.entity)
    read = read_journal_entry(bakery.entity, entry.id)
    assert [(one.account_name, one.direction, one.amount) for one in read.lines] == [
        ("Rent", Side.DEBIT, Decimal(60)),
        ("Software", Side.DEBIT, Decimal(40)),
        ("Cash", Side.CREDIT, Decimal(100)),
    ]
    assert (entry.description, entry.date) == ("Stationer", row.date)
    # It goes only as a whole.
    with pytest.raises(PartOfEntryError):
        delete_transactions(entity=bakery.entity, ids=[row.id], actor=SYSTEM)


def test_money_that_came_in_is_split_on_its_credit_side(bakery: Company) -> None:
    row = bakery.post("10", debit=bakery.cash, credit=bakery.sales)
    done = split(bakery, row, (bakery.sales, "9"), (bakery.loan, "1"))
    assert bakery.stored(row.id).amount == 9
    other = bakery.stored(done.others[0])
    assert (other.debit_account_id, other.credit_account_id, other.amount) == (
        bakery.cash.id,
        bakery.loan.id,
        Decimal(1),
    )
    assert_sound(bakery)


def test_a_part_of_a_split_can_be_split_again_within_its_entry(bakery: Company) -> None:
    row = bakery.post("10")
    split(bakery, row, (bakery.rent, "6"), (bakery.software, "4"))
    split(bakery, row, (bakery.rent, "5"), (bakery.loan, "1"))
    assert JournalEntry.objects.filter(entity=bakery.entity).count() == 1
    assert Transaction.objects.filter(journal_entry__isnull=False).count() == 3
    assert_sound(bakery)


def test_of_a_posted_one_linked_transactions_move_the_parts_that_belong_elsewhere(bakery: Company) -> None:
    row = bakery.posted("100", description="Stationer")

    done = split(bakery, row, (bakery.rent, "60"), (bakery.software, "30", "Licences"), (bakery.loan, "10"))

    stored = bakery.stored(row.id)
    assert (stored.amount, stored.status) == (Decimal(100), Status.POSTED)
    assert stored.debit_account_id == bakery.rent.id
    moved = Transaction.objects.filter(id__in=done.others).order_by("-amount")
    assert [(one.debit_account_id, one.credit_account_id, one.amount) for one in moved] == [
        (bakery.software.id, bakery.rent.id, Decimal(30)),
        (bakery.loan.id, bakery.rent.id, Decimal(10)),
    ]
    assert {one.reclassifies_id for one in moved} == {row.id}
    assert [one.description for one in moved] == ["Split: Licences", "Split: Stationer"]
    assert {(one.date, one.status, one.source) for one in moved} == {
        (NOON.date(), Status.POSTED, Source.SYSTEM)
    }
    assert net(bakery) == {"Cash": -100, "Bank": 0, "Sales": 0, "Rent": 60, "Software": 30, "Loan": 10}
    assert_sound(bakery)


def test_a_posted_one_is_split_categorized_and_reversed_from_where_its_parts_stand(bakery: Company) -> None:
    row = bakery.posted("100")
    split(bakery, row, (bakery.rent, "60"), (bakery.software, "40"))

    # Split anew: what is too much goes to where it is missing, in one move.
    again = split(bakery, row, (bakery.rent, "60"), (bakery.software, "15"), (bakery.loan, "25"))
    assert len(again.others) == 1
    assert net(bakery) == {"Cash": -100, "Bank": 0, "Sales": 0, "Rent": 60, "Software": 15, "Loan": 25}

    # As it stands already: nothing happens.
    revisions = Revision.objects.count()
    assert split(bakery, row, (bakery.loan, "25"), (bakery.rent, "60"), (bakery.software, "15")).others == []
    assert Revision.objects.count() == revisions

    # To one account: all its parts go there.
    categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=bakery.software.id, actor=SYSTEM)
    assert net(bakery) == {"Cash": -100, "Bank": 0, "Sales": 0, "Rent": 0, "Software": 100, "Loan": 0}
    assert_sound(bakery)

    reverse_transaction(entity=bakery.entity, transaction_id=row.id, actor=SYSTEM)
    assert set(net(bakery).values()) == {0}
    assert_sound(bakery)


@pytest.mark.parametrize("status", [Status.PENDING, Status.POSTED])
@pytest.mark.parametrize(
    ("amounts", "field", "words"),
    [
        (["10"], "parts", "2 to 100 parts"),
        (["6", "5"], "parts", "add up to 11.00, the amount is 10.00; -1.00 is left to assign"),
        (["6", "3.99"], "parts", "0.01 is left to assign"),
        (["10", "0"], "parts[1].amount", "is zero"),
        (["11", "-1"], "parts[1].amount", "is negative"),
        (["9.999", "0.001"], "parts[0].amount", "more digits"),
    ],
)
def test_parts_that_are_not_the_amount_are_refused_and_nothing_is_done(
    bakery: Company, status: Status, amounts: Sequence[str], field: str, words: str
) -> None:
    row = bakery.post("10", status=status)
    with pytest.raises(ValidationError, match=words.replace(".", r"\.")) as caught:
        split(bakery, row, *((bakery.software, amount) for amount in amounts))
    assert caught.value.details[0].field == field
    assert Transaction.objects.count() == 1
    assert not Revision.objects.exists()
    assert not JournalEntry.objects.exists()


@pytest.mark.parametrize("status", [Status.PENDING, Status.POSTED])
def test_accounts_that_do_not_fit_are_refused_and_nothing_is_done(
    bakery: Company, stranger: Company, status: Status
) -> None:
    row = bakery.post("10", status=status)
    closed = make_account(bakery.ledger, "Closed", "EXPENSE")
    close_account(entity=bakery.entity, account=closed, actor=SYSTEM)
    with pytest.raises(NotFoundError) as caught:
        split(bakery, row, (bakery.software, "6"), (stranger.software, "4"))
    assert caught.value.details[0].field == "parts[1].accountId"
    with pytest.raises(AccountClosedError):
        split(bakery, row, (bakery.software, "6"), (closed, "4"))
    # A part cannot go to the account that paid.
    with pytest.raises(ValidationError, match="both the debit and the credit"):
        split(bakery, row, (bakery.software, "6"), (bakery.cash, "4"))
    assert Transaction.objects.count() == 1
    assert not Revision.objects.exists()


def test_a_posted_one_is_split_though_its_other_account_is_closed_by_now(bakery: Company) -> None:
    row = bakery.post("10", status=Status.POSTED)
    close_account(entity=bakery.entity, account=bakery.cash, actor=SYSTEM)
    split(bakery, row, (bakery.software, "6"), (bakery.rent, "4"))
    found = net(bakery)
    assert [found[name] for name in ("Software", "Rent", "Cash")] == [Decimal(6), Decimal(4), Decimal(-10)]
    with pytest.raises(ValidationError, match="both the debit and the credit"):
        split(bakery, row, (bakery.software, "6"), (bakery.cash, "4"))
    assert_totals_hold(bakery.entity)


def test_a_part_that_stays_where_it_stands_may_be_on_an_account_that_is_closed_by_now(
    bakery: Company,
) -> None:
    row = bakery.post("10", debit=bakery.software, status=Status.POSTED)
    split(bakery, row, (bakery.software, "6"), (bakery.rent, "4"))
    close_account(entity=bakery.entity, account=bakery.rent, actor=SYSTEM)

    split(bakery, row, (bakery.software, "3"), (bakery.loan, "3"), (bakery.rent, "1"), (bakery.rent, "3"))

    assert net(bakery) == {"Cash": -10, "Bank": 0, "Sales": 0, "Rent": 4, "Software": 3, "Loan": 3}
    # More or less of it would be posted there.
    for amount, left in (("5", "2"), ("2", "5")):
        with pytest.raises(AccountClosedError):
            split(bakery, row, (bakery.software, left), (bakery.loan, "3"), (bakery.rent, amount))
    with pytest.raises(AccountClosedError):
        split(bakery, row, (bakery.software, "7"), (bakery.loan, "3"))
    assert_sound(bakery)


def test_unknown_and_foreign_transactions_are_not_found(bakery: Company, stranger: Company) -> None:
    foreign = stranger.post("10")
    for id_ in (foreign.id, new_id()):
        with pytest.raises(TransactionNotFoundError):
            split_transaction(
                entity=bakery.entity,
                transaction_id=id_,
                parts=parts((bakery.rent, "6"), (bakery.software, "4")),
                actor=SYSTEM,
            )
    assert stranger.stored(foreign.id).amount == 10


@pytest.mark.parametrize("status", [Status.REVERSED, Status.EXPIRED])
def test_what_counts_no_more_is_not_split(bakery: Company, status: Status) -> None:
    row = in_state(bakery, status)
    with pytest.raises(IllegalMoveError):
        split(bakery, row, (bakery.rent, "6"), (bakery.software, "4"))


def test_where_neither_side_is_a_category_there_is_nothing_to_split(bakery: Company) -> None:
    row = bakery.post("10", debit=bakery.bank, credit=bakery.cash)
    with pytest.raises(UnclearCategoryError):
        split(bakery, row, (bakery.rent, "6"), (bakery.software, "4"))


def test_in_a_closed_period_posted_ones_are_split_today_and_pending_ones_refused(bakery: Company) -> None:
    posted, pending = bakery.posted("10"), bakery.post("10")
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)

    done = split(bakery, posted, (bakery.rent, "6"), (bakery.software, "4"))
    with pytest.raises(PeriodClosedError):
        split(bakery, pending, (bakery.rent, "6"), (bakery.software, "4"))

    assert bakery.stored(done.others[0]).date == dt.datetime.now(dt.UTC).date()
    assert bakery.stored(pending.id).amount == 10
    assert_sound(bakery)


def test_a_day_can_be_named_for_what_moves_but_none_before_the_original(bakery: Company) -> None:
    row = bakery.posted("10")
    later = NOON + dt.timedelta(days=3)
    done = split(bakery, row, (bakery.rent, "6"), (bakery.software, "4"), on=later)
    assert bakery.stored(done.others[0]).date == later.date()
    with pytest.raises(ValidationError) as caught:
        split(bakery, row, (bakery.rent, "5"), (bakery.software, "5"), on=NOON - dt.timedelta(days=1))
    assert caught.value.details[0].field == "date"


def test_moves_use_up_what_is_too_much_and_what_is_missing() -> None:
    one, two, three, four = (new_id() for _ in range(4))
    present = {one: Decimal(70), two: Decimal(30)}
    wanted = {one: Decimal(10), three: Decimal(80), four: Decimal(10)}
    moves = moves_between(present, wanted)
    assert len(moves) == 3
    stands = dict(present)
    for move in moves:
        assert move.amount > 0
        stands[move.from_id] -= move.amount
        stands[move.to_id] = stands.get(move.to_id, Decimal(0)) + move.amount
    assert {key: value for key, value in stands.items() if value} == wanted
    assert moves_between(wanted, wanted) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [Status.PENDING, Status.POSTED])
def test_of_two_who_split_at_once_the_later_moves_from_where_the_earlier_left_it(status: Status) -> None:
    bakery = make_company()
    for _ in range(3):
        row = bakery.post("10", status=status)
        results = race(
            partial(split, bakery, row, (bakery.rent, "6"), (bakery.software, "4")),
            partial(split, bakery, row, (bakery.loan, "7"), (bakery.software, "3")),
        )
        # A pending one that the other has split has another amount by now.
        expected = ValidationError if status == Status.PENDING else ()
        assert all(isinstance(error, expected) for error in errors_of(results)), results
        assert_sound(bakery)
    stands = net(bakery)
    assert stands["Rent"] + stands["Software"] + stands["Loan"] == 30


@pytest.mark.django_db(transaction=True)
def test_splitting_and_approving_at_once_leave_sound_books() -> None:
    bakery = make_company()
    for _ in range(4):
        row = bakery.post("10")
        results = race(
            partial(split, bakery, row, (bakery.rent, "6"), (bakery.software, "4")),
            partial(approve_transactions, entity=bakery.entity, ids=[row.id], actor=SYSTEM),
        )
        assert errors_of(results) == []
        assert bakery.stored(row.id).status == Status.POSTED
        assert_sound(bakery)
