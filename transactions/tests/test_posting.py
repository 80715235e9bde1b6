"""Recording one transaction."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.services import close_account
from accounts.tests.conftest import make_account
from ledger import db
from ledger.actors import SYSTEM, Actor
from ledger.choices import ActorKind
from ledger.clock import utc_now
from ledger.exceptions import ConflictError, NotFoundError, ValidationError
from ledger.ids import new_id
from ledger.models import Ledger
from ledger.services.entities import delete_entity
from ledger.services.periods import close_books
from transactions.choices import Status
from transactions.exceptions import (
    AccountClosedError,
    AccountNotFoundError,
    ExternalIdTakenError,
    PeriodClosedError,
)
from transactions.listing import get_transactions
from transactions.models import Revision, Transaction
from transactions.services import post_transaction
from transactions.services import posting as posting_module
from transactions.tests.conftest import (
    NOON,
    Company,
    assert_totals_hold,
    balance,
    stored_totals,
    sums,
)

pytestmark = pytest.mark.django_db


def nothing_recorded(company: Company) -> bool:
    return not Transaction.objects.exists() and stored_totals(company.entity) == {}


def test_pending_amount_enters_the_debit_account_and_leaves_the_credit_account(bakery: Company) -> None:
    bakery.post("12.34")
    assert balance(bakery.rent) == sums("12.34", 0, 0, 0)
    assert balance(bakery.cash) == sums(0, 0, "12.34", 0)
    assert_totals_hold(bakery.entity)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.PENDING, sums(10, 0, 0, 0)),
        (Status.CLEARED, sums(10, 0, 0, 0)),
        (Status.POSTED, sums(0, 10, 0, 0)),
    ],
)
def test_each_state_counts_as_pending_or_as_posted(
    bakery: Company, status: Status, expected: tuple[Decimal, ...]
) -> None:
    row = bakery.post(status=status)
    assert balance(bakery.rent) == expected
    assert (row.posted_at is not None) == (status == Status.POSTED)
    assert_totals_hold(bakery.entity)


def test_totals_are_kept_by_day_and_by_month(bakery: Company) -> None:
    for day, amount in ((0, "1"), (1, "2"), (20, "4")):
        bakery.posted(amount, at=NOON + dt.timedelta(days=day))
    totals = stored_totals(bakery.entity)
    rent = bakery.rent.id
    assert totals["day", rent, NOON.date()] == sums(0, 1, 0, 0)
    assert totals["day", rent, dt.date(2024, 3, 16)] == sums(0, 2, 0, 0)
    assert totals["month", rent, dt.date(2024, 3, 1)] == sums(0, 3, 0, 0)
    assert totals["month", rent, dt.date(2024, 4, 1)] == sums(0, 4, 0, 0)
    assert totals["balance", rent, None] == sums(0, 7, 0, 0)
    assert_totals_hold(bakery.entity)


def test_row_that_comes_back_is_what_the_database_holds(bakery: Company) -> None:
    actor = Actor(ActorKind.API_KEY, id=new_id(), label="key")
    draft = bakery.draft(
        "99.99",
        description="March",
        counterparty="Landlord",
        metadata={"note": "x", "share": Decimal("0.10")},
        external_id="e-1",
        expires_at=NOON + dt.timedelta(days=3),
        categorized_at=NOON,
    )
    row = post_transaction(entity=bakery.entity, draft=draft, actor=actor)
    read = get_transactions(bakery.entity, [row.id])[row.id]
    assert row.created_by == actor.id
    # The database writes metadata in its own way; everything else is equal to the letter.
    assert row.metadata == '{"note":"x","share":0.10}'
    assert read.metadata == '{"note": "x", "share": 0.10}'
    assert row._replace(metadata=None) == read._replace(metadata=None)


def test_recording_leaves_no_revision(bakery: Company) -> None:
    bakery.posted()
    assert not Revision.objects.exists()


def test_largest_amounts_add_up_exactly(bakery: Company) -> None:
    for _ in range(11):
        bakery.posted("999999999999999.99")
    assert balance(bakery.rent) == sums(0, "10999999999999999.89", 0, 0)
    assert_totals_hold(bakery.entity)


def test_one_account_on_both_sides_is_refused(bakery: Company) -> None:
    with pytest.raises(ValidationError, match="two different accounts") as caught:
        bakery.post(credit=bakery.rent)
    assert [detail.field for detail in caught.value.details] == ["creditAccountId"]
    assert nothing_recorded(bakery)


def test_account_of_a_stranger_is_not_found(bakery: Company, stranger: Company) -> None:
    for side, account in (("debit", stranger.rent), ("credit", stranger.cash)):
        with pytest.raises(AccountNotFoundError, match=account.public_id) as caught:
            bakery.post(**{side: account})  # type: ignore[arg-type]
        assert caught.value.details[0].field == f"{side}AccountId"
    assert nothing_recorded(bakery)
    assert nothing_recorded(stranger)


def test_account_that_there_is_not_is_not_found(bakery: Company) -> None:
    with pytest.raises(NotFoundError):
        bakery.post(debit_account_id=new_id())


def test_accounts_of_two_ledgers_are_refused(bakery: Company) -> None:
    other = Ledger.objects.create(entity=bakery.entity, name="Second", currency="USD", created_at=utc_now())
    with pytest.raises(ValidationError, match="one ledger"):
        bakery.post(debit=make_account(other, "Elsewhere", "EXPENSE"))
    assert nothing_recorded(bakery)


def test_another_currency_is_refused_and_the_right_one_named(bakery: Company) -> None:
    with pytest.raises(ValidationError, match='send currency "USD"') as caught:
        bakery.post(currency="EUR")
    assert caught.value.details[0].field == "currency"
    assert nothing_recorded(bakery)


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_closed_account_is_refused(bakery: Company, side: str) -> None:
    closed: Account = bakery.software if side == "debit" else bakery.bank
    close_account(entity=bakery.entity, account=closed, actor=SYSTEM)
    with pytest.raises(AccountClosedError, match=closed.public_id):
        bakery.post(**{side: closed})  # type: ignore[arg-type]
    assert nothing_recorded(bakery)


def test_closed_period_is_refused_through_its_last_day(bakery: Company) -> None:
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    for at in (NOON, NOON - dt.timedelta(days=400)):
        with pytest.raises(PeriodClosedError, match="closed through 2024-03-15"):
            bakery.post(at=at)
    assert nothing_recorded(bakery)
    bakery.post(at=NOON + dt.timedelta(days=1))


def test_external_id_is_taken_once_in_a_company(bakery: Company, stranger: Company) -> None:
    first = bakery.post(external_id="bank-1")
    with pytest.raises(ExternalIdTakenError) as caught:
        bakery.post("11", external_id="bank-1")
    assert caught.value.transaction_id == first.id
    assert_totals_hold(bakery.entity)
    assert balance(bakery.rent) == sums(10, 0, 0, 0)
    stranger.post(external_id="bank-1")


def test_refusal_inside_of_a_larger_transaction_spoils_nothing_else(bakery: Company) -> None:
    close_books(entity=bakery.entity, through=NOON.date() - dt.timedelta(days=1), actor=SYSTEM)
    with transaction.atomic():
        bakery.post("1", external_id="a")
        with pytest.raises(ConflictError):
            bakery.post("2", external_id="a")
        with pytest.raises(PeriodClosedError):
            bakery.post("3", at=NOON - dt.timedelta(days=2))
        bakery.post("4")
    assert balance(bakery.rent) == sums(5, 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_error_that_nobody_foresaw_keeps_its_sqlstate(bakery: Company) -> None:
    """The API runs deadlocks again, which it tells by their SQLSTATE; the engine must not hide it."""
    with pytest.raises(Exception, match="violates check constraint") as caught:
        bakery.post("0")
    assert db.sqlstate(caught.value) == db.CHECK_VIOLATION
    assert db.constraint_name(caught.value) == "transaction_amount_positive"


def test_books_of_a_company_that_was_deleted_take_nothing(bakery: Company) -> None:
    draft = bakery.draft()
    delete_entity(entity=bakery.entity, actor=SYSTEM)
    with pytest.raises(AccountNotFoundError):
        post_transaction(entity=bakery.entity, draft=draft, actor=SYSTEM)


def test_one_statement_that_the_driver_remembers_records_a_transaction(bakery: Company) -> None:
    bakery.post()
    with CaptureQueriesContext(connection) as queries:
        bakery.post()
    # Inside of a test's transaction a savepoint stands around it.
    assert [q["sql"].split()[0] for q in queries] == ["SAVEPOINT", "WITH", "RELEASE"]
    # psycopg parses longer statements anew each time.
    assert len(posting_module._POST) <= 4096
