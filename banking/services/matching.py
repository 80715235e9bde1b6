"""Lines that look like a transaction that is in the books already.

A transaction is like a line where it moves the same amount on the bank's ledger account to the same side, at
most five days apart, and stands for no line of that bank account yet. Text only decides between several. Each
transaction is offered to one line of a bank account alone, so of two equal purchases and one entry in the
books one purchase is offered the entry and the other is recorded. A transfer between two bank accounts, as
somebody entered it, is offered to a line of each.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Final
from uuid import UUID

from banking.services.rows import BankFacts, Line
from banking.services.transfers import Pair, by_day, within_days
from ledger.db import fetch, uuid_array
from ledger.models import Entity
from transactions.category_side import Side
from transactions.movements import STANDING, Movement, find_movements
from transactions.rows import Row
from transactions.services.changing import lock_transactions

DAYS_APART_MAX: Final = 5
NEAREST_MAX: Final = 10
_TEXT_LENGTH_MAX: Final = 200
_WORD: Final = re.compile(r"\w{3,}")

# Movements by what makes them alike: bank account, side and amount. In the order of days.
Alike = Mapping[tuple[UUID, Side, Decimal], Sequence[Movement]]

# What stands for a line of the same bank account already, or is offered to a line that moves the same ledger
# account. (A line of another bank account may stand for it too: the other side of a transfer, or the same
# account when it was connected before.)
_TAKEN: Final = """
EXISTS (
    SELECT FROM banking_linelink k
    WHERE k.entity_id = %(entity)s::uuid AND k.transaction_id = t.id AND k.bank_account_id = a.key
) OR EXISTS (
    SELECT FROM banking_bankline l
    JOIN banking_bankaccount b ON b.entity_id = %(entity)s::uuid AND b.id = l.bank_account_id
    WHERE l.entity_id = %(entity)s::uuid AND l.offered_transaction_id = t.id AND b.ledger_account_id = a.id
)
"""
_OFFERED: Final = """
SELECT offered_transaction_id FROM banking_bankline
WHERE entity_id = %(entity)s::uuid AND offered_transaction_id = ANY(%(ids)s::uuid[])
"""


def side_of(amount: Decimal) -> Side:
    """The side of the bank's ledger account that a line of that amount moves: money out is a credit."""
    return "credit" if amount > 0 else "debit"


def find_matches(
    entity: Entity,
    lines: Sequence[Line],
    facts: Mapping[UUID, BankFacts],
    *,
    apart_from: Collection[UUID] = (),
) -> dict[UUID, UUID]:
    """The transaction that each line looks like, by the line's id; lines without one are left out, as are the
    transactions `apart_from`.

    The transactions are locked until the database transaction ends, and are as they were found. At most five
    queries for any number of lines.
    """
    alike = _movements_near(entity, lines, facts)
    if not alike:
        return {}
    pairs = [
        (_days(line, movement), -_likeness(line, movement), str(line.id), line.id, movement)
        for line in lines
        for movement in _nearest(line, alike)
        if movement.transaction_id not in apart_from
    ]
    chosen: dict[UUID, Movement] = {}
    taken: set[tuple[UUID, UUID]] = set()
    for *_, line_id, movement in sorted(pairs, key=lambda pair: (*pair[:3], str(pair[4].transaction_id))):
        if line_id not in chosen and (movement.transaction_id, movement.key) not in taken:
            chosen[line_id] = movement
            taken.add((movement.transaction_id, movement.key))
    rows = _locked(entity, chosen.values())
    return {
        line_id: movement.transaction_id
        for line_id, movement in chosen.items()
        if _is_still(movement, rows, facts)
    }


def find_transfers(
    entity: Entity, pairs: Sequence[Pair], facts: Mapping[UUID, BankFacts]
) -> dict[Pair, UUID]:
    """The transaction that each pair of lines looks like: somebody has entered that the amount went from the
    one bank account to the other. Pairs without one are left out. Locks and queries as of `find_matches`."""
    alike = _movements_near(entity, [line for pair in pairs for line in pair], facts)
    arriving = {
        (movement.transaction_id, movement.key): movement
        for movements in alike.values()
        for movement in movements
        if movement.side == "debit"
    }
    found = [
        (_days(pair.out, movement), -_likeness(pair.out, movement), str(pair.out.id), pair, movement)
        for pair in pairs
        for movement in _nearest(pair.out, alike)
        if (movement.transaction_id, pair.into.bank_account_id) in arriving
    ]
    chosen: dict[Pair, Movement] = {}
    taken: set[UUID] = set()
    for *_, pair, movement in sorted(found, key=lambda one: (*one[:3], str(one[4].transaction_id))):
        if pair not in chosen and movement.transaction_id not in taken:
            chosen[pair] = movement
            taken.add(movement.transaction_id)
    rows = _locked(entity, chosen.values())
    return {
        pair: movement.transaction_id
        for pair, movement in chosen.items()
        if _is_still(movement, rows, facts)
        and _is_still(arriving[movement.transaction_id, pair.into.bank_account_id], rows, facts)
    }


def offered_already(entity: Entity, transaction_ids: Collection[UUID]) -> set[UUID]:
    """Those of the transactions that some line is offered; one query."""
    if not transaction_ids:
        return set()
    rows = fetch(_OFFERED, {"entity": entity.id, "ids": uuid_array(transaction_ids)})
    return {row[0] for row in rows}


def _movements_near(entity: Entity, lines: Sequence[Line], facts: Mapping[UUID, BankFacts]) -> Alike:
    """What the books have of these amounts on these bank accounts, around these days, and nothing stands for
    yet."""
    if not lines:
        return {}
    days = [line.date for line in lines]
    movements = find_movements(
        entity,
        accounts={line.bank_account_id: facts[line.bank_account_id].ledger_account_id for line in lines},
        amounts={abs(line.amount) for line in lines},
        first=min(days) - timedelta(DAYS_APART_MAX),
        last=max(days) + timedelta(DAYS_APART_MAX),
        unless=_TAKEN,
    )
    alike: defaultdict[tuple[UUID, Side, Decimal], list[Movement]] = defaultdict(list)
    for movement in sorted(movements, key=by_day):
        alike[movement.key, movement.side, movement.amount].append(movement)
    return alike


def _nearest(line: Line, alike: Alike) -> list[Movement]:
    """What moves the line's amount to its side, the nearest in days first."""
    found = alike.get((line.bank_account_id, side_of(line.amount), abs(line.amount)), ())
    near = within_days(found, line.date, DAYS_APART_MAX)
    return sorted(near, key=lambda movement: (_days(line, movement), movement.transaction_id))[:NEAREST_MAX]


def _locked(entity: Entity, movements: Collection[Movement]) -> Mapping[UUID, Row]:
    """The transactions as they are now: who changes one of them meanwhile is waited for."""
    if not movements:
        return {}
    return lock_transactions(entity, {movement.transaction_id for movement in movements})


def _is_still(movement: Movement, rows: Mapping[UUID, Row], facts: Mapping[UUID, BankFacts]) -> bool:
    row = rows.get(movement.transaction_id)
    return (
        row is not None
        and row.status in STANDING
        and row.amount == movement.amount
        and getattr(row, f"{movement.side}_account_id") == facts[movement.key].ledger_account_id
    )


def _days(line: Line, movement: Movement) -> int:
    return abs((movement.date - line.date).days)


def _likeness(line: Line, movement: Movement) -> float:
    """How alike the texts are: the share of common words, and a little for common letters."""
    ours = f"{line.description} {line.counterparty}"[:_TEXT_LENGTH_MAX].casefold()
    theirs = f"{movement.description} {movement.counterparty}"[:_TEXT_LENGTH_MAX].casefold()
    words, others = set(_WORD.findall(ours)), set(_WORD.findall(theirs))
    common = len(words & others) / len(words | others) if words and others else 0.0
    return common + 0.1 * SequenceMatcher(None, ours, theirs, autojunk=False).quick_ratio()
