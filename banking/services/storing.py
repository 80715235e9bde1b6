"""Keeping what banks say, line by line, exactly once."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from banking.models import BankAccount, StatementImport
from banking.providers.base import LineSeen
from ledger.models import Entity


class Stored(NamedTuple):
    """What became of a batch of lines."""

    # Lines that are now posted at the bank and not yet in the books, in the order they came: for
    # `record_lines`, in the same database transaction.
    new_ids: list[UUID]
    # Lines that were here already and that the bank now says otherwise.
    changed_ids: list[UUID]
    # Lines that were here already, just like that.
    skipped: int


def store_lines(
    entity: Entity,
    bank_account: BankAccount,
    lines: Sequence[LineSeen],
    statement_import: StatementImport | None = None,
) -> Stored:
    """Store `lines` of `bank_account`, each once, whatever was stored before, in a few statements for any
    number. The same id twice in `lines`: the last one counts.

    Runs in the caller's database transaction, which must record `new_ids` too: a posted line is stored as
    RECORDED, and `record_lines` makes that true. Callers with files cut them into batches of some thousands.
    Pending lines are stored and wait for the bank; they are in none of the two lists when new.

    Raises ValidationError where a line is not in the account's currency, zero, out of bounds, or of an
    impossible date.
    """
    raise NotImplementedError
