"""Lines that look like a transaction that is in the books already.

A transaction is like a line where it moves the same amount on the bank's ledger account to the same side, at
most five days apart, and stands for no line of that bank account yet. Text only decides between several. Each
transaction is offered to one line alone, so of two equal purchases and one entry in the books one purchase
is offered the entry and the other is recorded.
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
from ledger.db import fetch, uuid_array
from ledger.models import Entity
from transactions.category_side import Side
from transactions.movements import STANDING, Movement, find_movements
from transactions.services.changing import lock_transactions

DAYS_APART_MAX: Final = 5
NEAREST_MAX: Final = 10
_TEXT_LENGTH_MAX: Final = 200
_WORD: Final = re.compile(r"\w{3,}")

# What stands for a line of the same bank account already, or is offered to whatever line. (A line of another
# bank account may stand for it too: the other side of a transfer, or the same account when it was connected
# before.)
_TAKEN: Final = """
EXISTS (
    SELECT FROM banking_linelink k
    WHERE k.entity_id = %(entity)s::uuid AND k.transaction_id = t.id AND k.bank_account_id = a.key
) OR EXISTS (
    SELECT FROM banking_bankline l
    WHERE l.entity_id = %(entity)s::uuid AND l.offered_transaction_id = t.id
)
"""
_OFFERED: Final = """
SELECT offered_transaction_id FROM banking_bankline
WHERE entity_id = %(entity)s::uuid AND offered_transaction_id = ANY(%(ids)s::uuid[])
"""


def side_of(amount: Decimal) -> Side:
    """The side of the bank's ledger account that a line of that amount moves: money out is a credit."""
    return "credit" if amount > 0 else "debit"


def find_matches(entity: Entity, lines: Sequence[Line], facts: Mapping[UUID, BankFacts]) -> dict[UUID, UUID]:
    """The transaction that each line looks like, by the line's id; lines without one are left out.

    The transactions are locked until the database transaction ends, and are as they were found. At most five
    queries for any number of lines.
    """
    if not lines:
        return {}
    days = [line.date for line in lines]
    bank_account_ids = {line.bank_account_id for line in lines}
    movements = find_movements(
        entity,
        accounts={id_: facts[id_].ledger_account_id for id_ in bank_account_ids},
        amounts={abs(line.amount) for line in lines},
        first=min(days) - timedelta(DAYS_APART_MAX),
        last=max(days) + timedelta(DAYS_APART_MAX),
        unless=_TAKEN,
    )
    if not movements:
        return {}
    chosen = _choose(lines, movements)
    if not chosen:
        return {}
    # Who changes one of them meanwhile is waited for; what it then is counts.
    rows = lock_transactions(entity, {movement.transaction_id for movement in chosen.values()})
    matches = {}
    for line_id, found in chosen.items():
        row = rows.get(found.transaction_id)
        if (
            row is not None
            and row.status in STANDING
            and row.amount == found.amount
            and getattr(row, f"{found.side}_account_id") == facts[found.key].ledger_account_id
        ):
            matches[line_id] = row.id
    return matches


def offered_already(entity: Entity, transaction_ids: Collection[UUID]) -> set[UUID]:
    """Those of the transactions that some line is offered; one query."""
    if not transaction_ids:
        return set()
    rows = fetch(_OFFERED, {"entity": entity.id, "ids": uuid_array(transaction_ids)})
    return {row[0] for row in rows}


def _choose(lines: Sequence[Line], movements: Sequence[Movement]) -> dict[UUID, Movement]:
    """One movement for each line that has one: the nearest in days, of these the likest in text."""
    alike: defaultdict[tuple[UUID, Side, Decimal], list[Movement]] = defaultdict(list)
    for movement in movements:
        alike[movement.key, movement.side, movement.amount].append(movement)
    pairs = []
    for line in lines:
        near = [
            movement
            for movement in alike.get((line.bank_account_id, side_of(line.amount), abs(line.amount)), ())
            if abs((movement.date - line.date).days) <= DAYS_APART_MAX
        ]
        near.sort(key=lambda movement: (abs((movement.date - line.date).days), movement.transaction_id))
        pairs += [
            (
                abs((movement.date - line.date).days),
                -_likeness(line, movement),
                str(line.id),
                str(movement.transaction_id),
                line.id,
                movement,
            )
            for movement in near[:NEAREST_MAX]
        ]
    chosen: dict[UUID, Movement] = {}
    taken: set[UUID] = set()
    for *_, line_id, movement in sorted(pairs, key=lambda pair: pair[:4]):
        if line_id not in chosen and movement.transaction_id not in taken:
            chosen[line_id] = movement
            taken.add(movement.transaction_id)
    return chosen


def _likeness(line: Line, movement: Movement) -> float:
    """How alike the texts are: the share of common words, and a little for common letters."""
    ours = f"{line.description} {line.counterparty}"[:_TEXT_LENGTH_MAX].casefold()
    theirs = f"{movement.description} {movement.counterparty}"[:_TEXT_LENGTH_MAX].casefold()
    words, others = set(_WORD.findall(ours)), set(_WORD.findall(theirs))
    common = len(words & others) / len(words | others) if words and others else 0.0
    return common + 0.1 * SequenceMatcher(None, ours, theirs, autojunk=False).quick_ratio()
