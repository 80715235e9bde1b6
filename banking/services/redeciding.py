"""Deciding on bank lines once more: another match, or the offer as it was."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.transaction import atomic

from banking.choices import LineStatus
from banking.services.deciding import match_line, unmatch_line
from banking.services.guarding import moved_out
from banking.services.links import mark
from banking.services.locks import hold_lines
from banking.services.matching import offered_already
from banking.services.rows import Line, bank_facts, lines_by_id, links_of_transactions
from ledger import audit
from ledger.actors import Actor
from ledger.exceptions import ConflictError, NotFoundError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.exceptions import TransactionNotFoundError
from transactions.movements import STANDING
from transactions.services.changing import lock_transactions

_DECIDED: Final = frozenset({LineStatus.RECORDED, LineStatus.IGNORED, LineStatus.OFFERED})


def rematch_line(*, entity: Entity, line_id: UUID, transaction_ids: Sequence[UUID], actor: Actor) -> None:
    """Let transactions stand for a line, also where others stand for it now: it is unmatched first, by which
    what was made of it alone is deleted.

    Raises what `unmatch_line` and `match_line` raise; then nothing is done.
    """
    with atomic():
        line = _held(entity, line_id)
        if line.status == LineStatus.RECORDED and not _stand_for(entity, line, transaction_ids):
            unmatch_line(entity=entity, line_id=line_id, actor=actor)
        match_line(entity=entity, line_id=line_id, transaction_ids=transaction_ids, actor=actor)


def reoffer_line(*, entity: Entity, line_id: UUID, transaction_id: UUID, actor: Actor) -> None:
    """Take a decision back: the line waits with the offer of that transaction, as it did before.

    A recorded line is unmatched first. Raises what `unmatch_line` raises, TransactionNotFoundError, and
    ConflictError where the transaction cannot be offered: it does not move the line's amount, is no longer
    in the books, or stands for another line.
    """
    with atomic():
        line = _held(entity, line_id)
        if line.status == LineStatus.OFFERED and line.offered_transaction_id == transaction_id:
            return
        if line.status not in _DECIDED:
            raise ConflictError(f"{line.public_id} is {line.status.value}; nothing was decided on it.")
        if line.status == LineStatus.RECORDED:
            unmatch_line(entity=entity, line_id=line_id, actor=actor)
        _check_offer(entity, line, transaction_id)
        mark(entity, LineStatus.OFFERED, [(line.id, transaction_id, "")])
        audit.record(
            actor=actor,
            action="banking.line.reoffered",
            object_type="bank line",
            object_id=line.public_id,
            entity=entity,
            before={"status": line.status.value},
            after={"transaction": encode_id(Prefix.TRANSACTION, transaction_id)},
        )


def _held(entity: Entity, line_id: UUID) -> Line:
    hold_lines(entity)
    line = lines_by_id(entity, [line_id]).get(line_id)
    if line is None:
        raise NotFoundError(f"There is no bank line {encode_id(Prefix.BANK_LINE, line_id)} in this entity.")
    return line


def _stand_for(entity: Entity, line: Line, transaction_ids: Sequence[UUID]) -> bool:
    """Whether just these stand for the line already."""
    links = links_of_transactions(entity, transaction_ids)
    return {one.transaction_id for one in links if one.line_id == line.id} == set(transaction_ids)


def _check_offer(entity: Entity, line: Line, transaction_id: UUID) -> None:
    row = lock_transactions(entity, [transaction_id]).get(transaction_id)
    if row is None:
        raise TransactionNotFoundError(transaction_id)
    name = encode_id(Prefix.TRANSACTION, transaction_id)
    account = bank_facts(entity)[line.bank_account_id]
    moved = moved_out(account.ledger_account_id, row.debit_account_id, row.credit_account_id, row.amount)
    if row.status not in STANDING or moved != line.amount:
        raise ConflictError(f"{name} is {row.status} and moves another amount now; look for another match.")
    links = links_of_transactions(entity, [transaction_id])
    if any(one.bank_account_id == line.bank_account_id for one in links):
        raise ConflictError(f"{name} stands for another line of the account by now.")
    if offered_already(entity, [transaction_id]):
        raise ConflictError(f"{name} is offered to another line by now.")
