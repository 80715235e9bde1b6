"""Saying what transactions were for."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.services import close_account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import new_id
from ledger.models import Ledger
from ledger.services.periods import close_books
from transactions.choices import Change, Status
from transactions.exceptions import (
    AccountClosedError,
    AccountNotFoundError,
    IllegalMoveError,
    PeriodClosedError,
    TransactionNotFoundError,
    UnclearCategoryError,
)
from transactions.models import Revision, Transaction
from transactions.rows import Row
from transactions.services import categorize_transactions, reverse_transaction
from transactions.tests.conftest import NOON, Company, assert_totals_hold, balance, sums
from transactions.tests.test_moves import in_state
from transactions.tests.test_reversal import net

pytestmark = pytest.mark.django_db


def categorize(company: Company, *rows: Row, category: Account) -> list[Row]:
    return categorize_transactions(
        entity=company.entity, ids=[row.id for row in rows], category_id=category.id, actor=SYSTEM
    )


@pytest.mark.parametrize("status", [Status.PENDING, Status.CLEARED, Status.RECONCILED, Status.EXPIRED])
def test_what_is_not_final_is_moved(bakery: Company, status: Status) -> None:
    row = in_state(bakery, status)
    (chosen,) = categorize(bakery, row, category=bakery.software)
    stored = bakery.stored(row.id)
    assert (stored.debit_account_id, stored.credit_account_id) == (bakery.software.id, bakery.cash.id)
    assert stored.metadata == {"categoryId": bakery.software.public_id, "categoryName": "Software"}
    assert stored.categorized_at == stored.updated_at == chosen.updated_at
    assert chosen.debit_name == "Software"
    pending = 0 if status == Status.EXPIRED else 10
    assert balance(bakery.software) == sums(pending, 0, 0, 0)
    assert balance(bakery.rent) == sums(0, 0, 0, 0)
    assert_totals_hold(bakery.entity)
    assert Revision.objects.latest("changed_at", "id").change == Change.CATEGORIZED


def test_money_that_came_in_is_categorized_on_its_credit_side(bakery: Company) -> None:
    row = bakery.post(debit=bakery.cash, credit=bakery.sales, metadata={"mine": 1})
    categorize(bakery, row, category=bakery.loan)
    stored = bakery.stored(row.id)
    assert (stored.debit_account_id, stored.credit_account_id) == (bakery.cash.id, bakery.loan.id)
    # What the metadata said before stays.
    assert stored.metadata is not None
    assert stored.metadata["mine"] == 1
    assert_totals_hold(bakery.entity)


def test_of_two_sides_without_cash_the_expense_or_revenue_one_is_moved(bakery: Company) -> None:
    row = bakery.post(debit=bakery.rent, credit=bakery.loan)
    categorize(bakery, row, category=bakery.software)
    assert bakery.stored(row.id).debit_account_id == bakery.software.id


@pytest.mark.parametrize("pair", [("cash", "bank"), ("rent", "sales")])
def test_unclear_sides_are_refused_with_both_names(bakery: Company, pair: tuple[str, str]) -> None:
    debit, credit = (getattr(bakery, name) for name in pair)
    row = bakery.post(debit=debit, credit=credit)
    with pytest.raises(UnclearCategoryError, match=f"between {debit.name} and {credit.name}"):
        categorize(bakery, row, category=bakery.software)
    assert not Revision.objects.exists()


def test_posted_one_stays_and_a_linked_reclassification_is_posted(bakery: Company) -> None:
    row = bakery.posted(description="Hosting")
    (chosen,) = categorize(bakery, row, category=bakery.software)
    stored = bakery.stored(row.id)
    assert (stored.debit_account_id, stored.status) == (bakery.rent.id, Status.POSTED)
    assert stored.categorized_at == chosen.categorized_at is not None
    correction = Transaction.objects.get(reclassifies_id=row.id)
    assert (correction.debit_account_id, correction.credit_account_id) == (
        bakery.software.id,
        bakery.rent.id,
    )
    assert correction.amount == 10
    assert (correction.status, correction.date) == (Status.POSTED, NOON.date())
    assert correction.description == "Reclassified: Hosting"
    assert net(bakery)["Rent"] == 0
    assert net(bakery)["Software"] == 10
    assert_totals_hold(bakery.entity)


def test_posted_one_is_reclassified_from_where_it_stands_now(bakery: Company) -> None:
    row = bakery.posted()
    for category in (bakery.software, bakery.loan, bakery.loan, bakery.rent, bakery.software):
        categorize(bakery, row, category=category)
        assert net(bakery)[category.name] == 10
        assert sum(1 for value in net(bakery).values() if value) == 2
        assert_totals_hold(bakery.entity)
    # The same category twice posts nothing twice.
    assert Transaction.objects.filter(reclassifies_id=row.id).count() == 4


def test_posted_revenue_is_reclassified_on_the_credit_side(bakery: Company) -> None:
    row = bakery.posted(debit=bakery.cash, credit=bakery.sales)
    categorize(bakery, row, category=bakery.loan)
    assert net(bakery) == {"Cash": 10, "Bank": 0, "Sales": 0, "Rent": 0, "Software": 0, "Loan": -10}


def test_after_a_reclassification_was_reversed_the_one_before_it_counts(bakery: Company) -> None:
    row = bakery.posted()
    categorize(bakery, row, category=bakery.software)
    categorize(bakery, row, category=bakery.loan)
    newest = Transaction.objects.filter(reclassifies_id=row.id).latest("id")
    reverse_transaction(entity=bakery.entity, transaction_id=newest.id, actor=SYSTEM)
    assert net(bakery)["Software"] == 10
    categorize(bakery, row, category=bakery.rent)
    assert net(bakery)["Rent"] == 10
    assert_totals_hold(bakery.entity)


def test_reversed_one_is_not_categorized(bakery: Company) -> None:
    row = in_state(bakery, Status.REVERSED)
    with pytest.raises(IllegalMoveError):
        categorize(bakery, row, category=bakery.software)


def test_unknown_and_foreign_ids_are_not_found(bakery: Company, stranger: Company) -> None:
    row, foreign = bakery.post(), stranger.post()
    with pytest.raises(TransactionNotFoundError):
        categorize(bakery, foreign, category=bakery.software)
    with pytest.raises(AccountNotFoundError) as caught:
        categorize(bakery, row, category=stranger.software)
    assert caught.value.details[0].field == "categoryId"
    with pytest.raises(AccountNotFoundError):
        categorize_transactions(entity=bakery.entity, ids=[row.id], category_id=new_id(), actor=SYSTEM)


@pytest.mark.parametrize("status", [Status.PENDING, Status.POSTED])
def test_category_that_does_not_fit_is_refused_whole(bakery: Company, status: Status) -> None:
    row, fine = bakery.post(status=status), bakery.post("3", credit=bakery.bank)
    other = Ledger.objects.create(entity=bakery.entity, name="Euro", currency="EUR", created_at=utc_now())
    closed = make_account(bakery.ledger, "Closed", "EXPENSE")
    close_account(entity=bakery.entity, account=closed, actor=SYSTEM)
    cases = [(make_account(other, "Abroad", "EXPENSE"), ValidationError), (closed, AccountClosedError)]
    if status == Status.PENDING:
        cases.append((bakery.cash, ValidationError))
    for category, error in cases:
        with pytest.raises(error):
            categorize(bakery, fine, row, category=category)
    assert not Revision.objects.exists()
    assert Transaction.objects.count() == 2
    assert_totals_hold(bakery.entity)


def test_in_a_closed_period_posted_ones_are_reclassified_today_and_pending_ones_refused(
    bakery: Company,
) -> None:
    posted, pending = bakery.posted(), bakery.post()
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    categorize(bakery, posted, category=bakery.software)
    correction = Transaction.objects.get(reclassifies_id=posted.id)
    assert correction.date == dt.datetime.now(dt.UTC).date()
    with pytest.raises(PeriodClosedError):
        categorize(bakery, pending, category=bakery.software)
    assert_totals_hold(bakery.entity)


def test_many_are_categorized_in_a_handful_of_statements(bakery: Company) -> None:
    def statements(count: int) -> int:
        rows = [
            bakery.post(str(n + 1), status=status)
            for n in range(count)
            for status in Status
            if status in (Status.PENDING, Status.POSTED)
        ]
        with CaptureQueriesContext(connection) as queries:
            chosen = categorize(bakery, *rows, category=bakery.software)
        assert [row.id for row in chosen] == [row.id for row in rows]
        assert_totals_hold(bakery.entity)
        return len([q for q in queries if "SAVEPOINT" not in q["sql"]])

    assert statements(1) == statements(20)
