"""Money that moves between two of a company's own bank accounts: two lines, one transaction.

Two lines are the sides of a transfer where their amounts are opposite, in one currency and at most five days
apart, and where one of them says so: by a word for it, by the provider's category, or by the digits or the
kind of the other account ("to savings"). A payment counts as one only where it goes to a card or a loan.
Equal amounts alone do not make a transfer: a purchase of 20.00 and takings of 20.00 on one day are two
things.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple, Protocol, TypeVar
from uuid import UUID

from banking.services.rows import SELECT_LINE, BankFacts, Line, as_line
from ledger.db import compact, fetch, uuid_array
from ledger.models import Entity

DAYS_APART_MAX: Final = 5
# Of lines with one amount, so many of the nearest are looked at for each: a thousand equal ones on either
# side would otherwise be a million pairs.
NEAREST_MAX: Final = 10
_MASK_LENGTH_MIN: Final = 4

_TRANSFER: Final = re.compile(
    r"\b(?:transfers?|transferred|x-?fers?|t[rn]?fr|trf|trnsfr|sweep|umbuchung|[üu]bertrag|virement)\b",
    re.IGNORECASE,
)
_PAYMENT: Final = re.compile(
    r"\b(?:payments?|pymt|pmt|pmnt|auto ?-?pay|e-?pay(?:ment)?|bill ?-?pay|crcardpmt|crd pmt|thank you)\b",
    re.IGNORECASE,
)
_PAYMENT_CATEGORY: Final = "LOAN_PAYMENTS"
_TRANSFER_CATEGORY: Final = "TRANSFER_"
_DEBTS: Final = frozenset({"credit", "loan"})
# Of this type of account the subtype is what people call it: checking, savings, money market. (A purchase by
# card, too, may say "credit card".)
_ACCOUNT: Final = "depository"

# Lines of other accounts that stand in the books as money that came or went, each made into one transaction.
_EARLIER: Final = compact(f"""
{SELECT_LINE}, k.transaction_id FROM banking_bankline l
JOIN banking_linelink k ON k.entity_id = %(entity)s::uuid AND k.line_id = l.id AND k.kind = 'made'
WHERE l.entity_id = %(entity)s::uuid AND l.bank_account_id = ANY(%(accounts)s::uuid[])
    AND l.date BETWEEN %(first)s::date AND %(last)s::date AND l.status = 'recorded'
    AND (l.amount IN (SELECT m.amount FROM unnest(%(amounts)s::numeric[]) AS m (amount))) IS TRUE
""")


class _OfADay(Protocol):
    @property
    def date(self) -> date: ...


Dated = TypeVar("Dated", bound=_OfADay)


def by_day(one: _OfADay) -> date:
    """The key by which what has a day is put in order."""
    return one.date


class Pair(NamedTuple):
    """The two sides of a transfer."""

    out: Line
    into: Line


class Half(NamedTuple):
    """A new line whose other side is in the books already, as money that came or went."""

    line: Line
    other: Line
    transaction_id: UUID


Sides = TypeVar("Sides", Pair, Half)


def pairs_within(lines: Sequence[Line], facts: Mapping[UUID, BankFacts]) -> list[Pair]:
    """The transfers among `lines`, each line in at most one; of several that may be, the nearest in days, and
    of these the one of which both sides speak of a transfer."""
    if len({line.bank_account_id for line in lines}) < 2:
        return []
    into = _by_amount(line for line in lines if line.amount < 0)
    found = []
    for out in lines:
        if out.amount > 0:
            for other in _nearest(out, into.get(-out.amount, ())):
                words = _words(out, other, facts)
                if words:
                    found.append((_days(out, other), -words, str(out.id), str(other.id), Pair(out, other)))
    return _each_line_once(found)


def halves(entity: Entity, lines: Sequence[Line], facts: Mapping[UUID, BankFacts]) -> list[Half]:
    """The transfers between `lines` and lines that were recorded earlier, each line in at most one.

    One query, or none where the company has one bank account.
    """
    if not lines or len(facts) < 2:
        return []
    days = [line.date for line in lines]
    rows = fetch(
        _EARLIER,
        {
            "entity": entity.id,
            "amounts": list({-line.amount for line in lines}),
            "accounts": uuid_array(facts),
            "first": min(days) - timedelta(DAYS_APART_MAX),
            "last": max(days) + timedelta(DAYS_APART_MAX),
        },
    )
    transactions = {row[0]: row[-1] for row in rows}
    earlier = _by_amount(as_line(row[:-1]) for row in rows)
    found = []
    for line in lines:
        for other in _nearest(line, earlier.get(-line.amount, ())):
            words = _words(line, other, facts) if line.amount > 0 else _words(other, line, facts)
            if words:
                half = Half(line, other, transactions[other.id])
                found.append((_days(line, other), -words, str(line.id), str(other.id), half))
    return _each_line_once(found)


def _each_line_once(found: Iterable[tuple[int, int, str, str, Sides]]) -> list[Sides]:
    """The best of them, as what stands before them has it, each line in at most one."""
    taken: set[UUID] = set()
    chosen = []
    for *_, sides in sorted(found):
        one, other = sides[0].id, sides[1].id
        if one not in taken and other not in taken:
            taken |= {one, other}
            chosen.append(sides)
    return chosen


def within_days(ordered: Sequence[Dated], day: date, days_max: int) -> Sequence[Dated]:
    """Those of what is in the order of days that are at most so many days apart from `day`.

    Not all are looked at: where all amounts are alike, thousands of lines have thousands of others each.
    """
    first = bisect_left(ordered, day - timedelta(days_max), key=by_day)
    return ordered[first : bisect_right(ordered, day + timedelta(days_max), lo=first, key=by_day)]


def _by_amount(lines: Iterable[Line]) -> Mapping[Decimal, Sequence[Line]]:
    """The lines of each amount, in the order of days."""
    found: defaultdict[Decimal, list[Line]] = defaultdict(list)
    for line in sorted(lines, key=by_day):
        found[line.amount].append(line)
    return found


def _nearest(line: Line, others: Sequence[Line]) -> list[Line]:
    near = [
        other
        for other in within_days(others, line.date, DAYS_APART_MAX)
        if other.bank_account_id != line.bank_account_id and other.currency == line.currency
    ]
    return sorted(near, key=lambda other: (_days(line, other), other.id))[:NEAREST_MAX]


def _days(line: Line, other: Line) -> int:
    return abs((line.date - other.date).days)


def _words(out: Line, into: Line, facts: Mapping[UUID, BankFacts]) -> int:
    """How many of the two sides speak of a transfer between the two accounts; 0 where there can be none."""
    from_account, to_account = facts[out.bank_account_id], facts[into.bank_account_id]
    if (
        from_account.ledger_id != to_account.ledger_id
        or from_account.ledger_account_id == to_account.ledger_account_id
    ):
        return 0
    pays_debt = to_account.type in _DEBTS and from_account.type not in _DEBTS
    return sum(
        _speaks(line, other, pays_debt=pays_debt) for line, other in ((out, to_account), (into, from_account))
    )


def _speaks(line: Line, other: BankFacts, *, pays_debt: bool) -> bool:
    text = f"{line.description} {line.counterparty}"
    if _TRANSFER.search(text) or line.provider_category.startswith(_TRANSFER_CATEGORY):
        return True
    if pays_debt and (_PAYMENT.search(text) or line.provider_category.startswith(_PAYMENT_CATEGORY)):
        return True
    if other.type == _ACCOUNT and other.subtype and re.search(rf"\b{re.escape(other.subtype)}\b", text, re.I):
        return True
    # The number may be written out: what counts is that it ends with these digits.
    return len(other.mask) >= _MASK_LENGTH_MIN and bool(re.search(rf"{re.escape(other.mask)}(?!\d)", text))


def transfer_day(pair: Pair, closed: date | None) -> date | None:
    """The day of the one transaction: when the money left, or arrived, where that other day is closed. None
    where both are."""
    for line in pair:
        if closed is None or line.date > closed:
            return line.date
    return None
