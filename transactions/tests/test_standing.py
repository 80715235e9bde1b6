"""Where a posted amount stands after reclassifications of either of its sides, whole and in parts."""

from decimal import Decimal
from uuid import uuid4

import pytest

from ledger.actors import SYSTEM
from transactions.choices import Status
from transactions.services import categorize_transactions
from transactions.standing import Move, moves_between, standing_of, standings
from transactions.tests.conftest import Company

FOOD, RENT, CASH, BANK = uuid4(), uuid4(), uuid4(), uuid4()
TEN = Decimal(10)


def test_a_reclassification_moves_the_side_whose_account_it_empties() -> None:
    # Food paid in cash; then food became rent, and cash the bank.
    moves = [(RENT, FOOD, TEN), (CASH, BANK, TEN)]
    assert standing_of(FOOD, TEN, "debit", moves) == {RENT: TEN}
    assert standing_of(CASH, TEN, "credit", moves) == {BANK: TEN}
    # In whichever order.
    assert standing_of(FOOD, TEN, "debit", moves[::-1]) == {RENT: TEN}


def test_parts_stand_where_each_of_them_was_moved() -> None:
    moves = [(RENT, FOOD, Decimal(4)), (BANK, RENT, Decimal(1))]
    assert standing_of(FOOD, TEN, "debit", moves) == {FOOD: 6, RENT: 3, BANK: 1}


def test_the_fewest_moves_lead_from_where_it_stands_to_where_it_is_wanted() -> None:
    assert moves_between({FOOD: TEN}, {FOOD: TEN}) == []
    assert moves_between({FOOD: TEN}, {RENT: TEN}) == [Move(FOOD, RENT, TEN)]
    split = {FOOD: Decimal(4), RENT: Decimal(6)}
    assert moves_between(split, {FOOD: TEN}) == [Move(RENT, FOOD, Decimal(6))]
    assert moves_between({FOOD: TEN}, split) == [Move(FOOD, RENT, Decimal(6))]


@pytest.mark.django_db
def test_standings_are_read_in_one_query_for_the_sides_asked_for(
    bakery: Company, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    moved, still = bakery.posted("10"), bakery.posted("20")
    categorize_transactions(
        entity=bakery.entity, ids=[moved.id], category_id=bakery.software.id, actor=SYSTEM
    )
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = standings(bakery.entity, [moved, still], {moved.id: "debit", still.id: "debit"})
    assert found == {moved.id: {bakery.software.id: 10}, still.id: {bakery.rent.id: 20}}
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert standings(bakery.entity, [moved], {}) == {}
    assert moved.status == Status.POSTED
