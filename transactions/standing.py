"""Where the amounts of posted transactions stand by now: on their own accounts, or where reclassifications
moved them, whole or in parts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from ledger.db import fetch, uuid_array
from ledger.models import Entity
from transactions.category_side import Side
from transactions.rows import Row

_RECLASSIFICATIONS: Final = """
SELECT reclassifies_id, debit_account_id, credit_account_id, amount FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND reclassifies_id = ANY(%(ids)s::uuid[]) AND status = 'POSTED'
ORDER BY reclassifies_id, id
"""

# How much of one side of a transaction stands on which account; > 0 each.
Standing = dict[UUID, Decimal]


class Move(NamedTuple):
    """A part of one side of a transaction that goes from one account to another."""

    from_id: UUID
    to_id: UUID
    amount: Decimal


def standings(entity: Entity, rows: Iterable[Row], sides: Mapping[UUID, Side]) -> dict[UUID, Standing]:
    """Return where the given side of each posted transaction stands, by id; one query, or none for none.

    `sides` says which side of which is asked for; those that it does not name are left out.
    """
    asked = [row for row in rows if row.id in sides]
    if not asked:
        return {}
    moves: defaultdict[UUID, list[tuple[UUID, UUID, Decimal]]] = defaultdict(list)
    for original, *move in fetch(
        _RECLASSIFICATIONS, {"entity": entity.id, "ids": uuid_array(row.id for row in asked)}
    ):
        moves[original].append(tuple(move))
    return {
        row.id: standing_of(
            row.debit_account_id if sides[row.id] == "debit" else row.credit_account_id,
            row.amount,
            sides[row.id],
            moves[row.id],
        )
        for row in asked
    }


def standing_of(
    account_id: UUID, amount: Decimal, side: Side, moves: Iterable[tuple[UUID, UUID, Decimal]]
) -> Standing:
    """Return where an amount stands that was recorded on one side of a transaction, after its
    reclassifications (debit account, credit account and amount each), oldest first.

    A reclassification moves the side that stands on the account which it empties: on the debit side that is
    the one it credits, on the credit side the one it debits. One that moved the other side is passed over.
    """
    standing = {account_id: amount}
    for debit, credit, moved in moves:
        from_id, to_id = (credit, debit) if side == "debit" else (debit, credit)
        if standing.get(from_id, Decimal(0)) < moved:
            continue
        standing[to_id] = standing.get(to_id, Decimal(0)) + moved
        standing[from_id] -= moved
    return {account: left for account, left in standing.items() if left}


def moves_between(standing: Standing, wanted: Standing) -> list[Move]:
    """Return the fewest moves that make an amount stand as it is wanted; none where it does already. Both add
    up to the same."""
    left = {one: standing.get(one, Decimal(0)) - wanted.get(one, Decimal(0)) for one in standing | wanted}
    givers = [(one, more) for one, more in left.items() if more > 0]
    moves = []
    for to_id, missing in ((one, -more) for one, more in left.items() if more < 0):
        while missing:
            from_id, has = givers.pop()
            amount = min(has, missing)
            moves.append(Move(from_id, to_id, amount))
            missing -= amount
            if has > amount:
                givers.append((from_id, has - amount))
    return moves
