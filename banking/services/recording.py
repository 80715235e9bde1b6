"""From bank lines to transactions of the books."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.actors import Actor
from ledger.models import Entity


class Recorded(NamedTuple):
    """What became of lines on their way into the books, as numbers of lines but for the ids."""

    # Lines that a new transaction was made of, transfers included.
    created: int
    # Lines that look like a transaction in the books; a person decides.
    offered: int
    # Lines that are one side of a transfer between own accounts.
    transfers: int
    # Transactions that a rule let through to POSTED.
    approved: int
    # Lines that cannot enter the books, as they are dated in a closed period; they say so themselves.
    refused: int
    # All transactions that were made or turned into transfers.
    transaction_ids: list[UUID]


def record_lines(*, entity: Entity, line_ids: Sequence[UUID], actor: Actor) -> Recorded:
    """Bring posted bank lines that have no transaction yet into the books: as transfers, as offers, by rules,
    or uncategorized.

    A few statements for any number of lines, which may be of several bank accounts; lines that are linked,
    pending or removed are left alone, so it may run twice. Runs in the caller's database transaction, and
    sends `banking.signals.lines_recorded` in it.
    """
    raise NotImplementedError
