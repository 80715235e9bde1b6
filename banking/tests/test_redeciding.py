"""Deciding on a bank line once more, and what a person is offered to choose from."""

import datetime as dt

import pytest

from banking.candidates import candidates_for
from banking.choices import LineStatus
from banking.services.deciding import ignore_line, match_line, record_line
from banking.services.redeciding import rematch_line, reoffer_line
from banking.services.rows import bank_facts, lines_by_id
from banking.tests.cast import Banked, assert_books_hold, feed, make_banked, seen
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, NotFoundError, ValidationError
from ledger.models import AuditEvent
from transactions.choices import Status
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def bakery() -> Banked:
    return make_banked()


def candidates(company: Banked, line_id: str) -> list[tuple[str, str, bool]]:
    """What the line may be: text, other account, and whether it is a transfer."""
    line = company.line(line_id)
    value = lines_by_id(company.entity, [line.id])[line.id]
    found = candidates_for(company.entity, value, bank_facts(company.entity)[line.bank_account_id])
    return [(one.description, one.account_name, one.is_transfer) for one in found]


def test_a_recorded_line_is_matched_with_an_entry_and_what_was_made_of_it_goes(bakery: Banked) -> None:
    feed(bakery, seen("a", "80"))
    made = bakery.transaction_of("a")
    cheque = bakery.post("80", credit=bakery.bank, description="Cheque 7", status=Status.PENDING)

    rematch_line(entity=bakery.entity, line_id=bakery.line("a").id, transaction_ids=[cheque.id], actor=SYSTEM)

    assert bakery.transaction_of("a").id == cheque.id
    assert not Transaction.objects.filter(id=made.id).exists()
    assert_books_hold(bakery.entity)


def test_a_match_that_cannot_be_leaves_the_line_as_it_was(bakery: Banked) -> None:
    feed(bakery, seen("a", "80"))
    made = bakery.transaction_of("a")
    other = bakery.post("81", credit=bakery.bank)

    with pytest.raises(ValidationError, match="both must be equal"):
        rematch_line(
            entity=bakery.entity, line_id=bakery.line("a").id, transaction_ids=[other.id], actor=SYSTEM
        )

    assert bakery.transaction_of("a").id == made.id


def test_a_decision_on_an_offer_is_taken_back(bakery: Banked) -> None:
    rent = bakery.post("80", credit=bakery.bank, description="Rent")
    feed(bakery, seen("a", "80"))
    line = bakery.line("a")
    assert line.offered_transaction_id == rent.id

    for decide in (
        lambda: match_line(entity=bakery.entity, line_id=line.id, transaction_ids=[rent.id], actor=SYSTEM),
        lambda: record_line(entity=bakery.entity, line_id=line.id, category_id=None, actor=SYSTEM),
        lambda: ignore_line(entity=bakery.entity, line_id=line.id, actor=SYSTEM),
    ):
        decide()
        assert bakery.line("a").status != LineStatus.OFFERED
        reoffer_line(entity=bakery.entity, line_id=line.id, transaction_id=rent.id, actor=SYSTEM)
        again = bakery.line("a")
        assert (again.status, again.offered_transaction_id) == (LineStatus.OFFERED, rent.id)
        assert bakery.transactions_of(again) == []
        assert_books_hold(bakery.entity)
    assert AuditEvent.objects.filter(action="banking.line.reoffered").count() == 3


def test_what_is_no_match_any_more_is_not_offered_again(bakery: Banked) -> None:
    rent = bakery.post("80", credit=bakery.bank, description="Rent")
    feed(bakery, seen("a", "80"))
    line = bakery.line("a")
    ignore_line(entity=bakery.entity, line_id=line.id, actor=SYSTEM)
    feed(bakery, seen("b", "80"))
    assert bakery.line("b").offered_transaction_id == rent.id

    with pytest.raises(ConflictError, match="another line by now"):
        reoffer_line(entity=bakery.entity, line_id=line.id, transaction_id=rent.id, actor=SYSTEM)
    stranger = make_banked("Stranger")
    with pytest.raises(NotFoundError):
        reoffer_line(entity=stranger.entity, line_id=line.id, transaction_id=rent.id, actor=SYSTEM)
    assert bakery.line("a").status == LineStatus.IGNORED


def test_a_person_is_offered_what_moves_the_amount_and_the_other_side_of_a_transfer(
    bakery: Banked,
) -> None:
    day = dt.datetime(2024, 2, 20, 12, tzinfo=dt.UTC)
    feed(bakery, seen("in", "-80", description="ONLINE PAYMENT"), account=bakery.savings)
    feed(bakery, seen("out", "80", description="SOMETHING ELSE"))
    bakery.post("80", credit=bakery.bank, description="Cheque of February", at=day)
    bakery.post("80", debit=bakery.bank, credit=bakery.sales, description="The other way")
    bakery.post("81", credit=bakery.bank, description="Another amount")

    assert candidates(bakery, "out") == [
        ("Cheque of February", "Rent", False),
        ("ONLINE PAYMENT", "Savings", True),
    ]
