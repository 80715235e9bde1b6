"""Taking back what was said that a transaction was for."""

import pytest
from django.db.transaction import atomic

from accounts.chart_templates import SystemRole
from accounts.system_accounts import make_system_accounts, system_account
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, NotFoundError
from transactions.choices import Status
from transactions.models import Revision
from transactions.services import categorize_transactions
from transactions.services.uncategorizing import uncategorize_transactions
from transactions.tests.conftest import Company, assert_totals_hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(bakery: Company) -> Company:
    with atomic():
        make_system_accounts(entity=bakery.entity, ledger=bakery.ledger, actor=SYSTEM)
    return bakery


def test_money_out_goes_back_to_uncategorized_expense_and_money_in_to_income(books: Company) -> None:
    paid = books.post("10", debit=books.rent, credit=books.bank, metadata={"bankLineId": "line_1"})
    earned = books.post("20", debit=books.bank, credit=books.sales)
    for row, account in ((paid, books.software), (earned, books.sales)):
        categorize_transactions(entity=books.entity, ids=[row.id], category_id=account.id, actor=SYSTEM)

    back = uncategorize_transactions(entity=books.entity, ids=[earned.id, paid.id], actor=SYSTEM)

    assert [row.id for row in back] == [earned.id, paid.id]
    out, came = books.stored(paid.id), books.stored(earned.id)
    expense = system_account(books.entity, SystemRole.UNCATEGORIZED_EXPENSE)
    income = system_account(books.entity, SystemRole.UNCATEGORIZED_INCOME)
    assert (out.debit_account_id, out.credit_account_id) == (expense.id, books.bank.id)
    assert (came.debit_account_id, came.credit_account_id) == (books.bank.id, income.id)
    assert out.categorized_at is None
    assert came.categorized_at is None
    # What others wrote into the metadata stays; what the choice wrote goes.
    assert out.metadata == {"bankLineId": "line_1"}
    assert came.metadata is None
    assert Revision.objects.filter(transaction_id=paid.id).count() == 2
    assert_totals_hold(books.entity)


def test_what_is_final_or_was_never_categorized_stays(books: Company) -> None:
    posted = books.post("10", debit=books.rent, credit=books.bank, status=Status.POSTED)
    plain = books.post("10", debit=books.rent, credit=books.bank)

    with pytest.raises(ConflictError, match="reclassify it instead"):
        uncategorize_transactions(entity=books.entity, ids=[posted.id], actor=SYSTEM)
    with pytest.raises(ConflictError, match="nothing to take back"):
        uncategorize_transactions(entity=books.entity, ids=[plain.id], actor=SYSTEM)


def test_a_strangers_transaction_is_not_found(books: Company, stranger: Company) -> None:
    theirs = stranger.post("10", debit=stranger.rent, credit=stranger.bank)

    with pytest.raises(NotFoundError):
        uncategorize_transactions(entity=books.entity, ids=[theirs.id], actor=SYSTEM)
