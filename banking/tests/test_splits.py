"""What becomes of bank lines and statements where a transaction that stands for one is split."""

from decimal import Decimal

import pytest

from banking.models import LineLink
from banking.reconciliation.exceptions import ReconciledError
from banking.services.deciding import unmatch_line
from banking.tests.cast import Banked, assert_books_hold, feed, make_banked, seen
from banking.tests.reconciliation_cast import Bakery
from ledger.actors import SYSTEM
from transactions.browsing import Filters, browse
from transactions.choices import Status
from transactions.services import Part, approve_transactions, split_transaction
from transactions.services.splitting import Split

pytestmark = pytest.mark.django_db


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


def split(company: Banked, transaction_id: object, *parts: tuple[object, str]) -> Split:
    return split_transaction(
        entity=company.entity,
        transaction_id=transaction_id,  # type: ignore[arg-type]
        parts=[Part(account.id, Decimal(amount)) for account, amount in parts],  # type: ignore[attr-defined]
        actor=SYSTEM,
    )


def test_all_parts_stand_for_the_line_together(bakery: Banked) -> None:
    feed(bakery, seen("l1", "100"))
    whole = bakery.transaction_of("l1")

    split(bakery, whole.id, (bakery.rent, "60"), (bakery.software, "25"), (bakery.loan, "15"))

    line = bakery.line("l1")
    assert (line.status, line.attention) == ("recorded", "")
    stands = bakery.transactions_of(line)
    assert [(one.amount, one.debit_account_id) for one in stands] == [
        (Decimal(60), bakery.rent.id), (Decimal(25), bakery.software.id), (Decimal(15), bakery.loan.id),
    ]  # fmt: skip
    assert LineLink.objects.filter(entity=bakery.entity).values("kind").distinct().count() == 1
    assert_books_hold(bakery.entity)


def test_a_line_of_a_split_is_unmatched_with_all_its_parts(bakery: Banked) -> None:
    feed(bakery, seen("l1", "100"))
    split(bakery, bakery.transaction_of("l1").id, (bakery.rent, "60"), (bakery.software, "40"))
    unmatch_line(entity=bakery.entity, line_id=bakery.line("l1").id, actor=SYSTEM)
    assert bakery.all_transactions() == []
    assert_books_hold(bakery.entity)


def test_a_bank_that_changes_a_line_that_was_split_asks_for_a_person(bakery: Banked) -> None:
    feed(bakery, seen("l1", "100"))
    split(bakery, bakery.transaction_of("l1").id, (bakery.rent, "60"), (bakery.software, "40"))
    feed(bakery, seen("l1", "110"))
    assert "correct it by hand" in bakery.line("l1").attention
    assert sum(one.amount for one in bakery.all_transactions()) == 100
    assert_books_hold(bakery.entity)


def test_a_posted_one_is_split_beside_its_line(bakery: Banked) -> None:
    feed(bakery, seen("l1", "100"))
    whole = bakery.transaction_of("l1")
    approve_transactions(entity=bakery.entity, ids=[whole.id], actor=SYSTEM)
    split(bakery, whole.id, (bakery.rent, "60"), (bakery.software, "40"))
    assert bakery.transaction_of("l1").amount == 100
    assert_books_hold(bakery.entity)


def test_on_an_open_statement_the_parts_take_the_place_of_the_whole() -> None:
    bakery = Bakery()
    rent = bakery.spend("100")
    statement = bakery.start("-100")
    bakery.tick(statement, rent)
    done = split_transaction(
        entity=bakery.entity,
        transaction_id=rent.id,
        parts=[
            Part(bakery.company.rent.id, Decimal(60)),
            Part(bakery.company.software.id, Decimal(40)),
        ],
        actor=SYSTEM,
    )
    assert bakery.ticked(statement) == {rent.id, *done.others}
    assert bakery.difference(statement) == 0
    bakery.complete(statement)
    assert_books_hold(bakery.entity)


def test_on_a_completed_statement_the_amount_stands_fast_until_it_is_posted() -> None:
    bakery = Bakery()
    rent = bakery.spend("100")
    bakery.completed(rent)
    parts = [Part(bakery.company.rent.id, Decimal(60)), Part(bakery.company.software.id, Decimal(40))]
    with pytest.raises(ReconciledError):
        split_transaction(entity=bakery.entity, transaction_id=rent.id, parts=parts, actor=SYSTEM)
    assert bakery.stored(rent).amount == 100
    approve_transactions(entity=bakery.entity, ids=[rent.id], actor=SYSTEM)
    split_transaction(entity=bakery.entity, transaction_id=rent.id, parts=parts, actor=SYSTEM)
    assert bakery.stored(rent).amount == 100
    assert_books_hold(bakery.entity)


def test_what_a_completed_statement_proves_is_reconciled_also_once_it_is_posted() -> None:
    bakery = Bakery()
    proven, open_, free = bakery.earn("10"), bakery.earn("20", "2024-02-10"), bakery.earn("30", "2024-02-11")
    bakery.completed(proven)
    bakery.tick(bakery.start("30", "2024-02-29"), open_)

    def look(reconciled: bool) -> set[object]:
        page = browse(bakery.entity, Filters(reconciled=reconciled), limit=50)
        return {row.id for row in page.rows}

    for _ in range(2):
        assert look(True) == {proven.id}
        assert look(False) == {open_.id, free.id}
        approve_transactions(entity=bakery.entity, ids=[proven.id], actor=SYSTEM)
        assert bakery.stored(proven).status == Status.POSTED
