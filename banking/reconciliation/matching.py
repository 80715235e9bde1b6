"""Ticking what stands on a statement, and saying which bank line a transaction is.

What a match of a line means for books and lines is `banking.services.deciding`'s; here it is held against the
statement. Locks: the company's bank lines where links are written, the reconciliation, the books,
transactions, items.
"""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from banking.choices import LineStatus, LinkKind
from banking.reconciliation.exceptions import (
    LineNotFoundError,
    NotMatchingError,
    TransactionsNotFoundError,
)
from banking.reconciliation.proposals import read_cleared_ids, read_unlinked
from banking.reconciliation.statements import Statement, lock_open_statement
from banking.reconciliation.suggestions import BankSide, suggest
from banking.services import deciding
from banking.services.links import link, mark
from banking.services.locks import hold_lines
from banking.services.rows import Line, Link, lines_by_id, links_of_lines
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, execute, fetch, uuid_array
from ledger.exceptions import Detail, ValidationError
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import Entity
from transactions.choices import Status
from transactions.movements import STANDING
from transactions.services.changing import closed_through, hold_books

# Of everything that a request can name, as in the API's other batches.
BATCH_SIZE_MAX: Final = 5_000

# In the order of their ids, as everywhere. Whoever edits or deletes one of them has finished, or waits.
_READ: Final = compact("""
SELECT t.id, t.date, t.status, t.debit_account_id, t.credit_account_id, t.amount,
    (SELECT i.reconciliation_id FROM banking_reconciledtransaction i
     WHERE i.entity_id = t.entity_id AND i.transaction_id = t.id
        AND i.bank_account_id = ANY(%(bank_accounts)s::uuid[])
     ORDER BY i.reconciliation_id = %(reconciliation)s::uuid DESC LIMIT 1),
    (SELECT k.line_id FROM banking_linelink k
     WHERE k.entity_id = t.entity_id AND k.transaction_id = t.id
        AND k.bank_account_id = ANY(%(bank_accounts)s::uuid[]) LIMIT 1)
FROM transactions_transaction t
WHERE t.entity_id = %(entity)s::uuid AND t.id = ANY(%(ids)s::uuid[])
ORDER BY t.id FOR NO KEY UPDATE OF t
""")
_TICK: Final = compact("""
INSERT INTO banking_reconciledtransaction (
    id, entity_id, reconciliation_id, bank_account_id, transaction_id, created_at
)
SELECT w.id, %(entity)s::uuid, %(reconciliation)s::uuid, %(bank_account)s::uuid, w.transaction_id,
    %(now)s::timestamptz
FROM unnest(%(item_ids)s::uuid[], %(ids)s::uuid[]) AS w (id, transaction_id)
""")
_UNTICK: Final = compact("""
DELETE FROM banking_reconciledtransaction
WHERE entity_id = %(entity)s::uuid AND reconciliation_id = %(reconciliation)s::uuid
    AND transaction_id = ANY(%(ids)s::uuid[])
RETURNING transaction_id
""")
_KNOWN: Final = "SELECT id FROM transactions_transaction WHERE entity_id = %s::uuid AND id = ANY(%s::uuid[])"


class Found(NamedTuple):
    """A transaction that is to be ticked; the columns of `_READ`."""

    id: UUID
    date: date
    status: str
    debit_account_id: UUID
    credit_account_id: UUID
    amount: Decimal
    # The reconciliation of this bank account that it is ticked on, where it is.
    reconciliation_id: UUID | None
    line_id: UUID | None


def tick(*, entity: Entity, reconciliation_id: UUID, transaction_ids: Sequence[UUID], actor: Actor) -> int:
    """Say that transactions stand on the statement; returns how many were not ticked before.

    Raises ReconciliationNotFoundError, CompletedError, TransactionsNotFoundError; ValidationError for those
    that are not on the bank's account or dated after the statement; NotMatchingError for those expired or on
    another statement. Then nothing is ticked.
    """
    with atomic():
        statement = lock_open_statement(entity, reconciliation_id)
        found = _read(entity, statement, transaction_ids)
        _check(statement, transaction_ids, found)
        fresh = [one.id for one in found.values() if one.reconciliation_id is None]
        ticked = _tick(entity, statement, fresh)
        _record_ticks(entity, statement, "ticked", fresh, actor)
        return ticked


def untick(*, entity: Entity, reconciliation_id: UUID, transaction_ids: Sequence[UUID], actor: Actor) -> int:
    """Say that transactions don't stand on the statement; returns how many had been ticked.

    Raises ReconciliationNotFoundError, CompletedError, TransactionsNotFoundError.
    """
    with atomic():
        statement = lock_open_statement(entity, reconciliation_id)
        unticked = _untick(entity, statement, transaction_ids)
        if len(unticked) < len(set(transaction_ids)):
            known = {row[0] for row in fetch(_KNOWN, [entity.id, uuid_array(transaction_ids)])}
            _check_known(transaction_ids, known)
        _record_ticks(entity, statement, "unticked", unticked, actor)
    return len(unticked)


def _record_ticks(
    entity: Entity, statement: Statement, verb: str, ids: Collection[UUID], actor: Actor
) -> None:
    """Say in the audit trail who said it of which transactions."""
    if not ids:
        return
    audit.record(
        actor=actor,
        action=f"banking.reconciliation.{verb}",
        object_type="reconciliation",
        object_id=encode_id(Prefix.RECONCILIATION, statement.id),
        entity=entity,
        after={"transactions": [encode_id(Prefix.TRANSACTION, one) for one in ids]},
    )


def match_line(
    *,
    entity: Entity,
    reconciliation_id: UUID,
    line_id: UUID,
    transaction_ids: Sequence[UUID],
    actor: Actor,
) -> int:
    """Say that one or several transactions are one line of the bank (a deposit of several cheques), and tick
    them; returns how many were not ticked before.

    They are matched as `deciding.match_line` does it: their amounts come to the line's exactly, and PENDING
    ones become CLEARED. Raises what that and what `tick` raises, LineNotFoundError, and ValidationError for a
    line of a later day.
    """
    with atomic():
        hold_lines(entity)
        statement = lock_open_statement(entity, reconciliation_id)
        hold_books(entity)
        found = _read(entity, statement, transaction_ids)
        _check(statement, transaction_ids, found)
        _check_line(entity, statement, line_id)
        deciding.match_line(entity=entity, line_id=line_id, transaction_ids=transaction_ids, actor=actor)
        return _tick(entity, statement, [one.id for one in found.values() if one.reconciliation_id is None])


def unmatch_line(*, entity: Entity, reconciliation_id: UUID, line_id: UUID, actor: Actor) -> int:
    """Take back that a line was matched with transactions of the books, and untick these; returns how many
    had been ticked. The line stays out of the books until it is matched again.

    Raises ReconciliationNotFoundError, CompletedError, LineNotFoundError, and NotMatchingError where the line
    has no match, where a transaction was made of it, which is to be deleted instead, and where one of its
    transactions stands on a completed statement.
    """
    with atomic():
        hold_lines(entity)
        statement = lock_open_statement(entity, reconciliation_id)
        line = _line(entity, statement, line_id)
        links = links_of_lines(entity, [line.id])
        if not links:
            raise NotMatchingError(f"Line {line.public_id} is matched with no transaction.")
        if any(one.kind is not LinkKind.MATCHED for one in links):
            raise NotMatchingError(
                f"A transaction was made of line {line.public_id}; delete or edit that transaction instead."
            )
        deciding.unmatch_line(entity=entity, line_id=line.id, actor=actor)
        return len(_untick(entity, statement, [one.transaction_id for one in links]))


def accept_suggestions(*, entity: Entity, reconciliation_id: UUID, actor: Actor) -> int:
    """Tick everything that a bank line of the statement's period stands for, and match and tick all
    suggested pairs of one line and one transaction; returns how many were ticked.

    Sums of several transactions are left to a person. Raises ReconciliationNotFoundError, CompletedError.
    """
    with atomic():
        hold_lines(entity)
        statement = lock_open_statement(entity, reconciliation_id)
        hold_books(entity)
        lines, transactions = read_unlinked(entity, statement)
        suggested = suggest(lines, transactions, currency=statement.currency).one_to_one
        pairs = {one.transactions[0].id: one.line for one in suggested}
        cleared = read_cleared_ids(entity, statement)
        # After the lock: what was edited or deleted meanwhile is no longer what was suggested.
        locked = _read(entity, statement, [*pairs, *cleared], all_known=False).values()
        found = [one for one in locked if _can_be_ticked(statement, one)]
        closed = closed_through(entity)
        matched = [
            one for one in found if one.id in pairs and _is_pair(statement, pairs[one.id], one, closed)
        ]
        _match_pairs(entity, statement, [(pairs[one.id].id, one) for one in matched], actor)
        taken = {one.id for one in matched}
        ticked = [one.id for one in found if one.id in taken or one.id not in pairs]
        return _tick(entity, statement, ticked)


def _is_pair(statement: Statement, line: BankSide, one: Found, closed: date | None) -> bool:
    """Whether the transaction, now that it is locked, still is what was suggested for the line.

    One that is PENDING in a closed period cannot be cleared; `complete` says what to do with it.
    """
    return (
        one.line_id is None
        and one.status in STANDING
        and _as_line_amount(statement, one) == line.amount
        and not (one.status == Status.PENDING and closed is not None and one.date <= closed)
    )


def _match_pairs(
    entity: Entity, statement: Statement, pairs: Sequence[tuple[UUID, Found]], actor: Actor
) -> None:
    """Match each line with its transaction, as `deciding.match_line` does with one, in a few statements."""
    if not pairs:
        return
    lines = lines_by_id(entity, [line_id for line_id, _ in pairs])
    mark(entity, LineStatus.RECORDED, [(line_id, None, "") for line_id in lines])
    link(
        entity,
        [Link(line, one.id, lines[line].bank_account_id, LinkKind.MATCHED) for line, one in pairs],
        actor,
    )
    pending = [one.id for _, one in pairs if one.status == Status.PENDING]
    deciding.clear_transactions(entity, pending, actor)
    audit.record(
        actor=actor,
        action="banking.reconciliation.matched",
        object_type="reconciliation",
        object_id=encode_id(Prefix.RECONCILIATION, statement.id),
        entity=entity,
        after={lines[line].public_id: encode_id(Prefix.TRANSACTION, one.id) for line, one in pairs},
    )
    deciding.withdraw_offers(entity, [one.id for _, one in pairs], actor)


def _read(
    entity: Entity, statement: Statement, ids: Collection[UUID], *, all_known: bool = True
) -> dict[UUID, Found]:
    """The transactions of `ids`, locked. Raises TransactionsNotFoundError where one is missing and
    `all_known` is asked for."""
    rows = fetch(_READ, statement.parameters(entity) | {"ids": uuid_array(ids)}) if ids else []
    found = {row[0]: Found(*row) for row in rows}
    if all_known:
        _check_known(list(ids), found)
    return found


def _check_known(ids: Sequence[UUID], known: Collection[UUID]) -> None:
    missing = [(place, one) for place, one in enumerate(ids) if one not in known]
    if missing:
        raise TransactionsNotFoundError(missing)


def _check(statement: Statement, ids: Sequence[UUID], found: dict[UUID, Found]) -> None:
    """Refuse what cannot be on the statement, naming each by its place in the request."""
    faults = [
        Detail(f"transactionIds[{place}]", fault)
        for place, one in enumerate(ids)
        if (fault := _fault(statement, found[one])) is not None
    ]
    if faults:
        raise ValidationError.many(faults)
    conflicts = [
        Detail(f"transactionIds[{place}]", conflict)
        for place, one in enumerate(ids)
        if (conflict := _conflict(statement, found[one])) is not None
    ]
    if conflicts:
        raise NotMatchingError(conflicts[0].message, details=conflicts)


def _fault(statement: Statement, one: Found) -> str | None:
    if statement.ledger_account_id not in (one.debit_account_id, one.credit_account_id):
        return (
            f"{encode_id(Prefix.TRANSACTION, one.id)} is not on the account that stands for "
            f"{statement.bank_account_name} in the books, "
            f"{encode_id(Prefix.ACCOUNT, statement.ledger_account_id)}; send one that is."
        )
    if one.date > statement.statement_date:
        return (
            f"{encode_id(Prefix.TRANSACTION, one.id)} is dated {one.date}, after the statement of "
            f"{statement.statement_date}; it belongs to a later one."
        )
    return None


def _conflict(statement: Statement, one: Found) -> str | None:
    if one.status == Status.EXPIRED:
        return f"{encode_id(Prefix.TRANSACTION, one.id)} is EXPIRED and counts nowhere; leave it out."
    if one.reconciliation_id in (None, statement.id):
        return None
    return (
        f"{encode_id(Prefix.TRANSACTION, one.id)} stands on another statement of this account, "
        f"{encode_id(Prefix.RECONCILIATION, one.reconciliation_id)}."
    )


def _can_be_ticked(statement: Statement, one: Found) -> bool:
    return (
        one.reconciliation_id is None and _fault(statement, one) is None and _conflict(statement, one) is None
    )


def _line(entity: Entity, statement: Statement, line_id: UUID) -> Line:
    line = lines_by_id(entity, [line_id]).get(line_id)
    if line is None or line.bank_account_id not in statement.bank_account_ids:
        raise LineNotFoundError(line_id)
    return line


def _check_line(entity: Entity, statement: Statement, line_id: UUID) -> None:
    line = _line(entity, statement, line_id)
    if line.date > statement.statement_date:
        raise ValidationError.of(
            "lineId",
            f"{line.public_id} is dated {line.date}, after the statement of {statement.statement_date}; it "
            "belongs to a later one.",
        )


def _as_line_amount(statement: Statement, one: Found) -> Decimal:
    """The amount in the bank lines' sign: positive where money left the account."""
    return one.amount if one.credit_account_id == statement.ledger_account_id else -one.amount


def _tick(entity: Entity, statement: Statement, ids: Sequence[UUID]) -> int:
    if not ids:
        return 0
    return execute(
        _TICK,
        {
            "entity": entity.id,
            "reconciliation": statement.id,
            "bank_account": statement.bank_account_id,
            "now": utc_now(),
            "item_ids": uuid_array(new_id() for _ in ids),
            "ids": uuid_array(ids),
        },
    )


def _untick(entity: Entity, statement: Statement, ids: Collection[UUID]) -> list[UUID]:
    wanted = {"entity": entity.id, "reconciliation": statement.id, "ids": uuid_array(ids)}
    return [row[0] for row in fetch(_UNTICK, wanted)]
