"""Which lines and transactions are taken for the same, why, and how much work it may be."""

import datetime as dt
import random
from decimal import Decimal
from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from banking.reconciliation.suggestions import (
    NEIGHBOURS_MAX,
    PART_CANDIDATES_MAX,
    STEPS_MAX,
    BankSide,
    BookSide,
    Steps,
    Suggested,
    Suggestion,
)
from banking.reconciliation.suggestions import (
    suggest as suggest_in,
)

MONTH = dt.date(2024, 1, 1)
_number = count(1)


def at(days: int) -> dt.date:
    return MONTH + dt.timedelta(days=days)


def suggest(lines: list[BankSide], books: list[BookSide], steps: Steps | None = None) -> Suggested:
    return suggest_in(lines, books, currency="USD", steps=steps)


def line(amount: str | Decimal, days: int = 10, text: str = "", *, offered: UUID | None = None) -> BankSide:
    return BankSide(UUID(int=next(_number)), at(days), Decimal(amount), text, offered)


def entry(amount: str | Decimal, days: int = 10, text: str = "") -> BookSide:
    return BookSide(UUID(int=next(_number)), at(days), Decimal(amount), text)


def pairs(suggestions: list[Suggestion]) -> dict[UUID, tuple[UUID, ...]]:
    return {one.line.id: tuple(part.id for part in one.transactions) for one in suggestions}


# --- one to one ----------------------------------------------------------------------------------


def test_equal_amounts_near_in_time_are_a_pair_and_others_are_none() -> None:
    bank = line("10")
    same, other_side = entry("10.0000", 7), entry("-10")
    found = suggest([bank], [same, other_side, entry("10.01")])
    assert pairs(found.one_to_one) == {bank.id: (same.id,)}
    assert found.one_to_many == []


def test_the_bank_may_be_a_month_later_and_a_few_days_earlier_than_the_books() -> None:
    for days, is_found in ((-31, False), (-30, True), (0, True), (5, True), (6, False)):
        bank = line("10", 40)
        assert bool(suggest([bank], [entry("10", 40 + days)]).one_to_one) is is_found, days


def test_the_reason_says_what_speaks_for_it() -> None:
    book = entry("10", 8, "Invoice of Acme Roofing")
    (one,) = suggest([line("10", 10, "ACME ROOFING 0815", offered=book.id)], [book]).one_to_one
    assert one.reason == (
        "Equal amount, 2 days earlier in the books, both say acme, roofing; found like it when the line came."
    )
    (plain,) = suggest([line("10")], [entry("10")]).one_to_one
    assert plain.reason == "Equal amount, the same day."
    assert one.score > plain.score


def test_words_and_days_decide_between_equal_amounts() -> None:
    rent, flour = line("10", 10, "RENT OFFICE"), line("10", 10, "FLOUR MILL")
    books = [entry("10", 10, "flour"), entry("10", 10, "office rent"), entry("10", 2, "office rent")]
    found = pairs(suggest([rent, flour], books).one_to_one)
    assert found == {rent.id: (books[1].id,), flour.id: (books[0].id,)}


def test_what_the_sync_offered_is_preferred() -> None:
    offered = entry("10", 6)
    bank = line("10", 10, offered=offered.id)
    assert pairs(suggest([bank], [entry("10", 10), offered]).one_to_one) == {bank.id: (offered.id,)}


def test_each_is_used_once() -> None:
    lines, books = [line("10"), line("10")], [entry("10")]
    assert len(suggest(lines, books).one_to_one) == 1
    assert len(suggest(lines[:1], [*books, entry("10")]).one_to_one) == 1


# --- one to many ---------------------------------------------------------------------------------


def test_a_deposit_of_three_cheques_is_found() -> None:
    deposit = line("-325.50", 10)
    cheques = [entry("-200", 9), entry("-100", 9), entry("-25.50", 8)]
    (one,) = suggest([deposit], [*cheques, entry("-30", 9), entry("25.50", 9)]).one_to_many
    assert {part.id for part in one.transactions} == {part.id for part in cheques}
    assert one.reason == (
        "3 transactions come to it exactly, 25.50 + 200.00 + 100.00, at most 2 days earlier in the books."
    )


def test_the_fewest_parts_win() -> None:
    bank = line("100")
    two = [entry("60"), entry("40")]
    found = suggest([bank], [entry("50"), entry("30"), entry("20"), *two])
    assert set(pairs(found.one_to_many)[bank.id]) == {one.id for one in two}


def test_sums_are_of_two_to_five_parts_within_days_and_of_one_direction() -> None:
    six = [entry("1") for _ in range(6)]
    assert suggest([line("6")], six).one_to_many == []
    assert len(suggest([line("5")], six).one_to_many) == 1
    assert suggest([line("2")], [entry("1", 10), entry("1", 13)]).one_to_many == []
    assert suggest([line("2")], [entry("1", 10), entry("1", 2)]).one_to_many == []
    assert suggest([line("2")], [entry("3"), entry("-1")]).one_to_many == []


def test_what_is_one_to_one_is_no_part_of_a_sum() -> None:
    single, deposit = line("10"), line("30")
    books = [entry("10"), entry("20")]
    found = suggest([single, deposit], books)
    assert pairs(found.one_to_one) == {single.id: (books[0].id,)}
    assert found.one_to_many == []


# --- how much work -------------------------------------------------------------------------------


def test_hundreds_of_equal_amounts_are_paired_in_a_bounded_number_of_steps() -> None:
    lines = [line("10", n % 28) for n in range(500)]
    books = [entry("10", n % 28) for n in range(2_000)]
    steps = Steps()
    found = suggest(lines, books, steps=steps)
    assert len(found.one_to_one) == 500
    assert len(set(pairs(found.one_to_one).values())) == 500
    assert found.is_complete
    assert steps.taken <= len(lines) * (NEIGHBOURS_MAX + 1)


def test_hundreds_of_equal_amounts_that_make_no_sum_end_soon() -> None:
    # 5 x 10 is 50, so 55 is no sum of them, whichever are taken: C(20, 5) are 15,504 for each line.
    lines = [line("55") for _ in range(300)]
    books = [entry("10") for _ in range(300)]
    steps = Steps()
    found = suggest(lines, books, steps=steps)
    assert found.one_to_many == []
    assert found.is_complete
    # A candidate is looked at once, and once more at each depth of each number of parts.
    assert steps.taken <= len(lines) * (PART_CANDIDATES_MAX + 1) * 16


def test_sums_of_hundreds_of_equal_amounts_are_found() -> None:
    lines = [line("50") for _ in range(60)]
    books = [entry("10") for _ in range(300)]
    steps = Steps()
    found = suggest(lines, books, steps=steps)
    assert len(found.one_to_many) == 60
    used = [part for parts in pairs(found.one_to_many).values() for part in parts]
    assert len(used) == len(set(used)) == 300
    assert steps.taken < STEPS_MAX


def test_the_worst_there_is_is_broken_off_and_says_so() -> None:
    # Different amounts, none of which come to the lines: whatever is tried, it is in vain.
    dice = random.Random(7)
    books = [entry(Decimal(dice.randrange(1_000_00, 2_000_00, 2)) / 100) for _ in range(400)]
    lines = [line(Decimal(dice.randrange(3_000_01, 9_000_01, 2)) / 100) for _ in range(500)]
    steps = Steps()
    found = suggest(lines, books, steps=steps)
    assert found.one_to_many == []
    assert not found.is_complete
    assert steps.taken == STEPS_MAX


# --- whatever comes ------------------------------------------------------------------------------

SIDES = st.lists(st.tuples(st.integers(1, 12).map(Decimal), st.booleans(), st.integers(0, 40)), max_size=12)


@given(banks=SIDES, books=SIDES, seed=st.integers(0, 5))
def test_suggestions_add_up_use_each_once_and_do_not_depend_on_the_order(
    banks: list[tuple[Decimal, bool, int]], books: list[tuple[Decimal, bool, int]], seed: int
) -> None:
    lines = [line(amount if is_out else -amount, days) for amount, is_out, days in banks]
    entries = [entry(amount if is_out else -amount, days) for amount, is_out, days in books]
    found = suggest(lines, entries)

    both = [*found.one_to_one, *found.one_to_many]
    for one in both:
        assert sum(part.amount for part in one.transactions) == one.line.amount
        assert 0 <= one.score <= 100
    assert len({one.line.id for one in both}) == len(both)
    used = [part.id for one in both for part in one.transactions]
    assert len(set(used)) == len(used)
    # No pair is left that would do.
    free = [one for one in entries if one.id not in used]
    for bank in lines:
        if bank.id not in {one.line.id for one in both}:
            assert not suggest([bank], free).one_to_one

    dice = random.Random(seed)
    dice.shuffle(lines)
    dice.shuffle(entries)
    again = suggest(lines, entries)
    assert pairs(again.one_to_one) == pairs(found.one_to_one)
    assert pairs(again.one_to_many) == pairs(found.one_to_many)
