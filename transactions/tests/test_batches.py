"""Recording thousands of transactions at once."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import close_account
from ledger import db
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, ValidationError
from ledger.services.periods import close_books
from transactions.choices import Status
from transactions.exceptions import (
    AccountClosedError,
    AccountNotFoundError,
    ExternalIdTakenError,
    PeriodClosedError,
)
from transactions.models import Transaction
from transactions.services import post_batch
from transactions.tests.conftest import (
    NOON,
    Company,
    assert_totals_hold,
    balance,
    stored_totals,
    sums,
)

pytestmark = pytest.mark.django_db


def test_batch_is_recorded_and_counted_as_its_transactions_one_by_one(bakery: Company) -> None:
    states = [Status.PENDING, Status.CLEARED, Status.POSTED]
    accounts = bakery.accounts
    drafts = [
        bakery.draft(
            f"{n + 1}.25",
            debit=accounts[n % 6],
            credit=accounts[(n + 1 + n % 4) % 6],
            at=NOON + dt.timedelta(days=n * 3),
            status=states[n % 3],
            description=f"No. {n}",
            metadata={"n": n} if n % 2 else None,
        )
        for n in range(200)
    ]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}
    assert_totals_hold(bakery.entity)
    stored = {row.id: row for row in Transaction.objects.all()}
    for draft in drafts:
        row = stored[draft.id]
        assert (row.amount, row.date, row.status, row.description, row.metadata) == (
            draft.amount,
            draft.date,
            draft.status,
            draft.description,
            draft.metadata,
        )
        assert (row.posted_at is not None) == (draft.status == Status.POSTED)
        assert row.ledger_id == bakery.ledger.id


def test_nothing_is_recorded_where_one_has_a_fault(bakery: Company) -> None:
    drafts = [bakery.draft("1"), bakery.draft("2", currency="EUR"), bakery.draft("3", credit=bakery.rent)]
    faults = post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM)
    assert sorted(faults) == [1, 2]
    assert all(isinstance(fault, ValidationError) for fault in faults.values())
    assert not Transaction.objects.exists()
    assert stored_totals(bakery.entity) == {}


def test_partial_batch_records_the_faultless_ones(bakery: Company) -> None:
    drafts = [bakery.draft("1"), bakery.draft("2", currency="EUR"), bakery.draft("4")]
    faults = post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM, partial=True)
    assert sorted(faults) == [1]
    assert balance(bakery.rent) == sums(5, 0, 0, 0)
    assert_totals_hold(bakery.entity)


def test_every_kind_of_fault_is_told_by_position(bakery: Company, stranger: Company) -> None:
    bakery.post(external_id="taken", at=NOON + dt.timedelta(days=5))
    close_account(entity=bakery.entity, account=bakery.bank, actor=SYSTEM)
    close_books(entity=bakery.entity, through=NOON.date(), actor=SYSTEM)
    later = NOON + dt.timedelta(days=1)
    drafts = [
        bakery.draft(debit=stranger.rent, at=later),
        bakery.draft(credit=bakery.bank, at=later),
        bakery.draft(at=NOON),
        bakery.draft(external_id="taken", at=later),
        bakery.draft(external_id="twice", at=later),
        bakery.draft(external_id="twice", at=later),
        bakery.draft(at=later),
    ]
    faults = post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM, partial=True)
    assert {index: type(fault) for index, fault in faults.items()} == {
        0: AccountNotFoundError,
        1: AccountClosedError,
        2: PeriodClosedError,
        3: ExternalIdTakenError,
        4: ConflictError,
        5: ConflictError,
    }
    assert Transaction.objects.filter(entity_id=bakery.entity.id).count() == 2
    assert_totals_hold(bakery.entity)


def test_empty_batch_does_nothing(bakery: Company) -> None:
    assert post_batch(entity=bakery.entity, drafts=[], actor=SYSTEM) == {}
    assert post_batch(entity=bakery.entity, drafts=[], actor=SYSTEM, partial=True) == {}


def test_fault_that_only_the_database_sees_records_nothing_and_keeps_its_sqlstate(bakery: Company) -> None:
    with pytest.raises(Exception, match="violates check constraint") as caught:
        post_batch(entity=bakery.entity, drafts=[bakery.draft(), bakery.draft("0")], actor=SYSTEM)
    assert db.sqlstate(caught.value) == db.CHECK_VIOLATION
    assert not Transaction.objects.exists()
    assert stored_totals(bakery.entity) == {}


def test_awkward_text_goes_through_copy_unharmed(bakery: Company) -> None:
    text = 'tab\t newline\n return\r back\\slash \\N \\. "quotes" ü € 😀'
    draft = bakery.draft(description=text, counterparty="\\N", metadata={"k\\": text})
    assert post_batch(entity=bakery.entity, drafts=[draft], actor=SYSTEM) == {}
    row = bakery.stored(draft.id)
    assert (row.description, row.counterparty, row.metadata) == (text, "\\N", {"k\\": text})


def test_number_of_statements_does_not_grow_with_the_batch(bakery: Company) -> None:
    def statements(count: int) -> int:
        drafts = [
            bakery.draft(str(n + 1), at=NOON + dt.timedelta(days=n % 40), external_id=f"{count}-{n}")
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as queries:
            assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}
        return len([q for q in queries if "SAVEPOINT" not in q["sql"]])

    assert statements(2) == statements(1500) <= 6
    assert_totals_hold(bakery.entity)
    assert balance(bakery.rent)[0] == Decimal(3 + sum(range(1, 1501)))
