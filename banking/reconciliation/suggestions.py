"""Which bank lines and which transactions of the books seem to be the same, said with a reason.

Pure functions of what is given. Amounts are in the bank lines' sign here, positive where money left the
account, so that a line and its transaction have equal ones. How much work is done is bounded by the number of
lines and transactions, and by `STEPS_MAX`: amounts that are all alike, of which there are more combinations
than grains of sand, end as soon as others.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from ledger.money import as_text

# A cheque is in the books when it is written, and at the bank when it is cashed; the other way round a bank
# is only days ahead of who keeps the books.
BOOKS_AHEAD_DAYS_MAX: Final = 30
BANK_AHEAD_DAYS_MAX: Final = 5
# How many transactions of equal amount, those nearest in time, are held against a line.
NEIGHBOURS_MAX: Final = 12
# A deposit of several payments, or one transfer for several bills.
PARTS_MIN: Final = 2
PARTS_MAX: Final = 5
PARTS_AHEAD_DAYS_MAX: Final = 7
PARTS_BEHIND_DAYS_MAX: Final = 2
# Of how many transactions, those nearest in time, a sum is looked for. Of more, sums come out by chance.
PART_CANDIDATES_MAX: Final = 20
# Comparisons that all of it may take together: some tenths of a second.
STEPS_MAX: Final = 300_000

_WORD: Final = re.compile(r"[^\W\d_]{3,}")


class BankSide(NamedTuple):
    """A bank line that stands for no transaction yet."""

    id: UUID
    date: date
    amount: Decimal
    text: str
    # The transaction that the sync found it to be like.
    offered_id: UUID | None = None


class BookSide(NamedTuple):
    """A transaction that stands for no bank line yet."""

    id: UUID
    date: date
    amount: Decimal
    text: str


class Suggestion(NamedTuple):
    """A bank line and the transactions, one or several, that come to exactly its amount."""

    line: BankSide
    transactions: tuple[BookSide, ...]
    # 0 to 100: how sure it is, beside the others.
    score: int
    reason: str


class Suggested(NamedTuple):
    """What was found. `is_complete` is False where there was more than could be looked at: the work was
    broken off at `STEPS_MAX`, or not all lines and transactions were given."""

    one_to_one: list[Suggestion]
    one_to_many: list[Suggestion]
    is_complete: bool


@dataclass
class Steps:
    """Counts comparisons, and says when there have been enough."""

    left: int = STEPS_MAX
    taken: int = 0

    def take(self) -> bool:
        """Count one; False where none is left."""
        if not self.left:
            return False
        self.left -= 1
        self.taken += 1
        return True


def suggest(
    lines: Sequence[BankSide],
    transactions: Sequence[BookSide],
    *,
    currency: str,
    steps: Steps | None = None,
) -> Suggested:
    """Pair lines with transactions of equal amount, then the lines left over with sums of several, all in one
    currency.

    Each line and each transaction is used once; the same input gives the same answer, whatever its order.
    """
    steps = steps or Steps()
    singles = one_to_one(lines, transactions, steps)
    used = {suggestion.line.id for suggestion in singles}
    taken = {suggestion.transactions[0].id for suggestion in singles}
    sums = one_to_many(
        [line for line in lines if line.id not in used],
        [one for one in transactions if one.id not in taken],
        currency,
        steps,
    )
    return Suggested(singles, sums, is_complete=bool(steps.left))


# --- one to one ----------------------------------------------------------------------------------


def one_to_one(lines: Sequence[BankSide], transactions: Sequence[BookSide], steps: Steps) -> list[Suggestion]:
    """Lines and transactions of equal amount, near in time, the likeliest pairs first."""
    by_amount = _by_amount(transactions)
    words = {line.id: _words(line.text) for line in lines} | {
        one.id: _words(one.text) for one in transactions
    }
    pairs = [pair for line in lines for pair in _pairs(line, by_amount.get(line.amount, ()), words, steps)]
    pairs.sort(key=_likeliest_first)
    used: set[UUID] = set()
    chosen = []
    for pair in pairs:
        transaction = pair.transactions[0]
        if pair.line.id not in used and transaction.id not in used:
            used |= {pair.line.id, transaction.id}
            chosen.append(pair)
    # Where many amounts are alike, the neighbours of some are all taken: what is left goes in order of time.
    chosen += _in_order(lines, by_amount, words, used, steps)
    return sorted(chosen, key=_likeliest_first)


def _pairs(
    line: BankSide,
    group: Sequence[BookSide],
    words: Mapping[UUID, frozenset[str]],
    steps: Steps,
) -> Iterator[Suggestion]:
    for transaction in _nearest(line.date, group, NEIGHBOURS_MAX):
        if not steps.take():
            return
        if -BANK_AHEAD_DAYS_MAX <= (line.date - transaction.date).days <= BOOKS_AHEAD_DAYS_MAX:
            yield _pair(line, transaction, words)


def _in_order(
    lines: Sequence[BankSide],
    by_amount: Mapping[Decimal, Sequence[BookSide]],
    words: Mapping[UUID, frozenset[str]],
    used: set[UUID],
    steps: Steps,
) -> Iterator[Suggestion]:
    left_over: defaultdict[Decimal, list[BankSide]] = defaultdict(list)
    for line in lines:
        if line.id not in used and line.amount in by_amount:
            left_over[line.amount].append(line)
    for amount, group in left_over.items():
        free = [one for one in by_amount[amount] if one.id not in used]
        place = 0
        for line in sorted(group, key=lambda one: (one.date, one.id)):
            while place < len(free) and (line.date - free[place].date).days > BOOKS_AHEAD_DAYS_MAX:
                place += 1
            if place == len(free) or not steps.take():
                break
            if (line.date - free[place].date).days >= -BANK_AHEAD_DAYS_MAX:
                yield _pair(line, free[place], words)
                place += 1


def _pair(line: BankSide, transaction: BookSide, words: Mapping[UUID, frozenset[str]]) -> Suggestion:
    days = (line.date - transaction.date).days
    shared = sorted(words[line.id] & words[transaction.id])
    likeness = len(shared) / max(1, min(len(words[line.id]), len(words[transaction.id])))
    is_offered = line.offered_id == transaction.id
    score = round(50 + 20 * is_offered + max(0, 15 - abs(days)) + 15 * likeness)
    reason = f"Equal amount, {_apart(days)}"
    if shared:
        reason += f", both say {', '.join(shared[:3])}"
    if is_offered:
        reason += "; found like it when the line came"
    return Suggestion(line, (transaction,), score, reason + ".")


def _likeliest_first(pair: Suggestion) -> tuple[int, date, UUID, UUID]:
    transaction = pair.transactions[0]
    return -pair.score, pair.line.date, pair.line.id, transaction.id


# --- one to many ---------------------------------------------------------------------------------


def one_to_many(
    lines: Sequence[BankSide], transactions: Sequence[BookSide], currency: str, steps: Steps
) -> list[Suggestion]:
    """Lines that are exactly the sum of a few transactions, which went the same way, near in time.

    The fewest parts win.
    """
    ordered = sorted(transactions, key=_by_time)
    used: set[UUID] = set()
    found = []
    for line in sorted(lines, key=lambda one: (one.date, one.id)):
        parts = _parts(line, _part_candidates(line, ordered, used, steps), steps)
        if parts:
            used |= {one.id for one in parts}
            found.append(_sum(line, parts, currency))
        if not steps.left:
            break
    return found


def _part_candidates(
    line: BankSide, ordered: Sequence[BookSide], used: set[UUID], steps: Steps
) -> list[BookSide]:
    """The transactions nearest to the line in time that could be a part of it."""
    candidates: list[BookSide] = []
    for one in _nearest(line.date, ordered, len(ordered)):
        days = (line.date - one.date).days
        if not steps.take() or abs(days) > PARTS_AHEAD_DAYS_MAX or len(candidates) == PART_CANDIDATES_MAX:
            break
        went_the_same_way = one.amount * line.amount > 0
        if (
            went_the_same_way
            and abs(one.amount) < abs(line.amount)
            and days >= -PARTS_BEHIND_DAYS_MAX
            and one.id not in used
        ):
            candidates.append(one)
    return candidates


def _parts(line: BankSide, candidates: Sequence[BookSide], steps: Steps) -> list[BookSide]:
    """The fewest of `candidates` that come to the line's amount; none where there are no such."""
    # The larger ones first, so that what is too large or too small to reach the sum is seen early.
    ordered = sorted(candidates, key=lambda one: (-abs(one.amount), abs((line.date - one.date).days), one.id))
    for count in range(PARTS_MIN, min(PARTS_MAX, len(ordered)) + 1):
        parts = _combination(ordered, 0, count, abs(line.amount), steps)
        if parts:
            return parts
    return []


def _combination(
    ordered: Sequence[BookSide], start: int, count: int, wanted: Decimal, steps: Steps
) -> list[BookSide]:
    """Exactly `count` of `ordered[start:]`, which fall in amount, that come to `wanted`."""
    before: Decimal | None = None
    for place in range(start, len(ordered) - count + 1):
        if not steps.take():
            return []
        amount = abs(ordered[place].amount)
        # Another one of the same amount would fail the same way.
        if amount == before:
            continue
        before = amount
        if count == 1:
            if amount == wanted:
                return [ordered[place]]
            if amount < wanted:
                return []
            continue
        if amount >= wanted:
            continue
        if amount * count < wanted:
            return []
        rest = _combination(ordered, place + 1, count - 1, wanted - amount, steps)
        if rest:
            return [ordered[place], *rest]
    return []


def _sum(line: BankSide, parts: Sequence[BookSide], currency: str) -> Suggestion:
    in_order = tuple(sorted(parts, key=_by_time))
    amounts = " + ".join(as_text(abs(one.amount), currency) for one in in_order)
    days = max(((line.date - one.date).days for one in in_order), key=abs)
    score = round(max(0, 50 - 5 * (len(parts) - PARTS_MIN) - 2 * abs(days)))
    reason = (
        f"{len(parts)} transactions come to it exactly, {amounts}, "
        f"{'all ' if days == 0 else 'at most '}{_apart(days)}."
    )
    return Suggestion(line, in_order, score, reason)


# --- what both need ------------------------------------------------------------------------------


def _by_time(one: BookSide) -> tuple[date, UUID]:
    return one.date, one.id


def _by_amount(transactions: Sequence[BookSide]) -> dict[Decimal, list[BookSide]]:
    groups: defaultdict[Decimal, list[BookSide]] = defaultdict(list)
    for one in sorted(transactions, key=_by_time):
        groups[one.amount].append(one)
    return dict(groups)


def _nearest(day: date, ordered: Sequence[BookSide], count: int) -> Iterator[BookSide]:
    """Up to `count` of what is in order of time, those nearest to a day first."""
    right = bisect_left(ordered, day, key=lambda one: one.date)
    left = right - 1
    for _ in range(min(count, len(ordered))):
        is_right = left < 0 or (
            right < len(ordered) and (ordered[right].date - day).days <= (day - ordered[left].date).days
        )
        yield ordered[right if is_right else left]
        right, left = (right + 1, left) if is_right else (right, left - 1)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _apart(days: int) -> str:
    """How many days the bank's day is after that of the books, in words."""
    if days == 0:
        return "the same day"
    return f"{abs(days)} day{'s' if abs(days) > 1 else ''} {'earlier' if days > 0 else 'later'} in the books"
