"""What a person decides on bank lines: which transaction stands for one, or that none does."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.transaction import atomic

from accounts.facts import facts_of_accounts
from banking.choices import LineStatus, LinkKind
from banking.reconciliation.proof import check_not_proven
from banking.services.changing import FOLLOWS, shared_transactions, undo_transfers
from banking.services.guarding import moved_out
from banking.services.links import link, mark, relabel, unlink
from banking.services.locks import hold_lines
from banking.services.recording import record_alone, record_lines
from banking.services.rows import (
    BankFacts,
    Line,
    Link,
    bank_facts,
    lines_by_id,
    links_of_lines,
    links_of_transactions,
)
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, execute, fetch, uuid_array
from ledger.exceptions import ConflictError, Detail, NotFoundError, ValidationError
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.models import Entity
from ledger.money import as_text
from transactions.choices import Change, Status
from transactions.exceptions import AccountNotFoundError, TransactionNotFoundError
from transactions.movements import STANDING
from transactions.rows import Row
from transactions.services import (
    categorize_transactions,
    delete_transactions,
    edit_transactions,
    move_transactions,
)
from transactions.services.changing import hold_books, lock_transactions
from transactions.services.editing import Edit

_CHOOSE = """
UPDATE banking_bankline SET chosen_account_id = %(account)s::uuid, updated_at = %(now)s::timestamptz
WHERE entity_id = %(entity)s::uuid AND id = %(line)s::uuid
"""
# Lines whose offer does not move their ledger account any more, or stands for another line that moves it.
_OUTDATED_OFFERS = compact("""
SELECT l.id FROM banking_bankline l
JOIN banking_bankaccount b ON b.entity_id = %(entity)s::uuid AND b.id = l.bank_account_id
JOIN transactions_transaction t ON t.entity_id = %(entity)s::uuid AND t.id = l.offered_transaction_id
WHERE l.entity_id = %(entity)s::uuid AND l.offered_transaction_id = ANY(%(ids)s::uuid[]) AND (
    b.ledger_account_id NOT IN (t.debit_account_id, t.credit_account_id) OR EXISTS (
        SELECT FROM banking_linelink k
        JOIN banking_bankaccount o ON o.entity_id = %(entity)s::uuid AND o.id = k.bank_account_id
        WHERE k.entity_id = %(entity)s::uuid AND k.transaction_id = t.id
            AND o.ledger_account_id = b.ledger_account_id
    )
)
ORDER BY l.id
""")
_RECLASSIFICATION = """
SELECT id FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND reclassifies_id = %(id)s::uuid AND status = 'POSTED'
ORDER BY id DESC LIMIT 1
"""


def match_line(*, entity: Entity, line_id: UUID, transaction_ids: Sequence[UUID], actor: Actor) -> None:
    """Let transactions of the books stand for a line: the one that it is offered, or others.

    Together they move exactly the line's amount on the bank's ledger account. PENDING ones become CLEARED.
    A single transaction that stands for a line of another own bank account, of the opposite amount, becomes
    the transfer between the two; where it is final, a reclassification does. Matching what is matched so
    already changes nothing; another line of the account that was offered one of them is recorded by itself. A
    line from when the account was connected before gives its place up.

    Raises NotFoundError, ConflictError, ValidationError where amounts or accounts do not go together.
    """
    wanted = list(dict.fromkeys(transaction_ids))
    with atomic():
        line, links = _held(entity, line_id)
        if line.status == LineStatus.RECORDED and {one.transaction_id for one in links} == set(wanted):
            return
        _refuse(line, {LineStatus.RECORDED, LineStatus.PENDING, LineStatus.REMOVED}, "matched")
        rows = lock_transactions(entity, wanted)
        for transaction_id in wanted:
            if transaction_id not in rows:
                raise TransactionNotFoundError(transaction_id)
            _check_standing(rows[transaction_id])
        facts = bank_facts(entity)
        account = facts[line.bank_account_id]
        theirs = links_of_transactions(entity, wanted)
        _check_free(theirs, line)
        formers = [one for one in theirs if _is_former(facts[one.bank_account_id], account)]
        kinds = dict.fromkeys(wanted, LinkKind.MATCHED) | _take_places(entity, formers)
        others = [one for one in theirs if one not in formers]
        moved = sum((_moved(account, rows[id_]) for id_ in wanted), Decimal(0))
        if len(wanted) == 1 and not _touches(account, rows[wanted[0]]) and others:
            wanted = [_make_transfer(entity, line, account, rows[wanted[0]], others, actor)]
            kinds = dict.fromkeys(wanted, LinkKind.TRANSFER)
        else:
            _check_amounts(line, account, [rows[id_] for id_ in wanted], moved)
            # What was made of another line, and has this account as its category, is a transfer by now.
            made = [one.transaction_id for one in others if one.kind == LinkKind.MADE]
            kinds |= dict.fromkeys(made, LinkKind.TRANSFER)
            relabel(entity, made, LinkKind.TRANSFER)
        pending = [id_ for id_ in wanted if id_ in rows and rows[id_].status == Status.PENDING]
        clear_transactions(entity, pending, actor)
        mark(entity, LineStatus.RECORDED, [(line.id, None, "")])
        link(entity, [Link(line.id, id_, line.bank_account_id, kinds[id_]) for id_ in wanted], actor)
        _record(entity, "matched", line, actor, transactions=_public(wanted))
        withdraw_offers(entity, [*transaction_ids, *wanted], actor)


def record_line(*, entity: Entity, line_id: UUID, category_id: UUID | None, actor: Actor) -> None:
    """Make a transaction of a line, in the category if one is given: refuse what it is offered, or take it in
    after all. Raises NotFoundError, ConflictError (also for a closed period), ValidationError."""
    with atomic():
        line, _ = _held(entity, line_id)
        _refuse(line, {LineStatus.RECORDED, LineStatus.PENDING, LineStatus.REMOVED}, "recorded")
        if category_id is not None:
            _check_category(entity, line, category_id)
            _choose(entity, line, category_id)
        mark(entity, LineStatus.RECORDED, [(line.id, None, "")])
        line = lines_by_id(entity, [line.id])[line.id]
        made = record_alone(entity=entity, line=line, actor=actor)
        _record(entity, "recorded", line, actor, transactions=_public([made]))


def ignore_line(*, entity: Entity, line_id: UUID, actor: Actor) -> None:
    """Leave a line out of the books. Again, it changes nothing. Raises NotFoundError, ConflictError."""
    with atomic():
        line, _ = _held(entity, line_id)
        if line.status == LineStatus.IGNORED and not line.attention:
            return
        _refuse(line, {LineStatus.RECORDED, LineStatus.PENDING, LineStatus.REMOVED}, "ignored")
        mark(entity, LineStatus.IGNORED, [(line.id, None, "")])
        _record(entity, "ignored", line, actor)


def unmatch_line(*, entity: Entity, line_id: UUID, actor: Actor) -> None:
    """Part a recorded line from its transactions; it is left out of the books until a person decides anew.

    What was made of the line alone is deleted, a transfer stays for its other line, what was in the books
    before stays. Raises NotFoundError, and ConflictError where a transaction that would go is final (it is
    reversed first, and may then be left), or stands on a completed statement of the account.
    """
    with atomic():
        line, links = _held(entity, line_id)
        if line.status != LineStatus.RECORDED:
            raise ConflictError(
                f"{line.public_id} is {line.status.value}; only a recorded line has transactions to part "
                "from."
            )
        hold_books(entity)
        rows = lock_transactions(entity, [one.transaction_id for one in links])
        check_not_proven(entity, line, [row.id for row in rows.values() if row.status != Status.REVERSED])
        shared = shared_transactions(entity, {line.id: links})
        made: list[UUID] = []
        gone: list[Link] = []
        for one in links:
            row = rows[one.transaction_id]
            if one.kind == LinkKind.MATCHED or row.status == Status.REVERSED:
                continue
            if row.status not in FOLLOWS:
                raise ConflictError(
                    f"{encode_id(Prefix.TRANSACTION, row.id)}, which was made of this line, is {row.status}; "
                    "reverse it first (POST /v1/transactions/{id}/reverse)."
                )
            if row.id in shared:
                gone.append(one)
            else:
                made.append(row.id)
        unlink(entity, [line.id])
        mark(entity, LineStatus.IGNORED, [(line.id, None, "")])
        undo_transfers(entity, gone, rows, reason="Unmatched from its bank line")
        delete_transactions(entity=entity, ids=made, actor=actor, reason="Unmatched from its bank line")
        _record(entity, "unmatched", line, actor, transactions=_public([one.transaction_id for one in links]))


def categorize_line(*, entity: Entity, line_id: UUID, category_id: UUID | None, actor: Actor) -> None:
    """Choose the category of a line that is pending at the bank; it carries over when the line posts. None
    takes the choice back. Raises NotFoundError, ConflictError, ValidationError."""
    with atomic():
        line, _ = _held(entity, line_id)
        if line.status != LineStatus.PENDING:
            raise ConflictError(
                f"{line.public_id} is {line.status.value}, not pending: categorize its transaction (POST "
                "/v1/transactions/categorize), or record it with a categoryId "
                "(POST /v1/banks/lines/{id}/record)."
            )
        if category_id == line.chosen_account_id:
            return
        if category_id is not None:
            _check_category(entity, line, category_id)
        _choose(entity, line, category_id)
        _record(
            entity, "categorized", line, actor, category_id=encode_optional_id(Prefix.ACCOUNT, category_id)
        )


# --- what a match entails -----------------------------------------------------------------------------


def clear_transactions(entity: Entity, ids: Sequence[UUID], actor: Actor) -> None:
    """Make PENDING transactions CLEARED: the bank has confirmed them, and they expire no more."""
    if ids:
        move_transactions(
            entity=entity,
            ids=ids,
            to=Status.CLEARED,
            change=Change.EDITED,
            actor=actor,
            reason="Matched with its bank line",
        )


def withdraw_offers(entity: Entity, transaction_ids: Sequence[UUID], actor: Actor) -> None:
    """Other lines that were offered what now stands for one go through the books' door by themselves. The
    other side of a transfer, which it may still stand for, keeps its offer."""
    rows = fetch(_OUTDATED_OFFERS, {"entity": entity.id, "ids": uuid_array(transaction_ids)})
    others = [row[0] for row in rows]
    if others:
        mark(entity, LineStatus.RECORDED, ((one, None, "") for one in others))
        record_lines(entity=entity, line_ids=others, actor=actor)


# --- what they share ---------------------------------------------------------------------------------


def _held(entity: Entity, line_id: UUID) -> tuple[Line, list[Link]]:
    """The line as it is now, ours to decide on until the database transaction ends, and its links."""
    hold_lines(entity)
    line = lines_by_id(entity, [line_id]).get(line_id)
    if line is None:
        raise NotFoundError(f"There is no bank line {encode_id(Prefix.BANK_LINE, line_id)} in this entity.")
    return line, links_of_lines(entity, [line_id])


_REMEDIES = {
    LineStatus.RECORDED: "unmatch it first (POST /v1/banks/lines/{id}/unmatch)",
    LineStatus.PENDING: "wait until the bank has booked it; a category can be chosen now",
    LineStatus.REMOVED: "the bank took it back, so nothing is to be done",
}


def _refuse(line: Line, states: set[LineStatus], verb: str) -> None:
    if line.status in states:
        raise ConflictError(
            f"{line.public_id} is {line.status.value} and cannot be {verb}: {_REMEDIES[line.status]}."
        )


def _check_category(entity: Entity, line: Line, category_id: UUID) -> None:
    account = bank_facts(entity)[line.bank_account_id]
    category = facts_of_accounts(entity, [category_id]).get(category_id)
    if category is None:
        raise AccountNotFoundError(category_id, field="categoryId")
    public_id = encode_id(Prefix.ACCOUNT, category_id)
    if category.id == account.ledger_account_id:
        fault = f"{public_id} is the bank's own account; send the account that the money is for."
    elif category.ledger_id != account.ledger_id:
        fault = f"{public_id} is of another ledger than the bank account; send one of the same ledger."
    elif category.closed_at is not None:
        raise ConflictError(f"{public_id} is closed; reopen it or send another account.")
    else:
        return
    raise ValidationError.of("categoryId", fault)


def _choose(entity: Entity, line: Line, category_id: UUID | None) -> None:
    execute(_CHOOSE, {"entity": entity.id, "line": line.id, "account": category_id, "now": utc_now()})


def _check_standing(row: Row) -> None:
    if row.status not in STANDING or row.reverses_id is not None:
        raise ConflictError(
            f"{encode_id(Prefix.TRANSACTION, row.id)} is {row.status}"
            f"{' and reverses another' if row.reverses_id else ''}; no bank line stands behind it. Send one "
            "that is pending, cleared, reconciled or posted."
        )


def _check_free(links: Sequence[Link], line: Line) -> None:
    for one in links:
        if one.bank_account_id == line.bank_account_id:
            raise ConflictError(
                f"{encode_id(Prefix.TRANSACTION, one.transaction_id)} stands for bank line "
                f"{encode_id(Prefix.BANK_LINE, one.line_id)} of this account already; unmatch that one first."
            )


def _moved(account: BankFacts, row: Row) -> Decimal:
    return moved_out(account.ledger_account_id, row.debit_account_id, row.credit_account_id, row.amount)


def _touches(account: BankFacts, row: Row) -> bool:
    return account.ledger_account_id in (row.debit_account_id, row.credit_account_id)


def _check_amounts(line: Line, account: BankFacts, rows: Sequence[Row], moved: Decimal) -> None:
    for row in rows:
        if not _touches(account, row):
            message = (
                f"{encode_id(Prefix.TRANSACTION, row.id)} is not of the bank's ledger account "
                f"{encode_id(Prefix.ACCOUNT, account.ledger_account_id)}; send transactions that are."
            )
            raise ValidationError(message, details=[Detail("transactionIds", message)])
    if moved != line.amount:
        message = (
            f"The line takes {as_text(line.amount, line.currency)} {line.currency} out of the account, the "
            f"transactions {as_text(moved, line.currency)}; both must be equal."
        )
        raise ValidationError(message, details=[Detail("transactionIds", message)])


def _is_former(other: BankFacts, account: BankFacts) -> bool:
    """Whether it is the same account, as it was connected before."""
    return other.ledger_account_id == account.ledger_account_id and not other.is_live


def _take_places(entity: Entity, formers: Sequence[Link]) -> dict[UUID, LinkKind]:
    """Part lines of a former connection from their transactions: the bank has told them again. Returns how
    each transaction came to its line, which holds for the new one."""
    line_ids = {one.line_id for one in formers}
    unlink(entity, line_ids)
    mark(entity, LineStatus.REMOVED, ((line_id, None, "") for line_id in line_ids))
    return {one.transaction_id: one.kind for one in formers}


def _make_transfer(
    entity: Entity, line: Line, account: BankFacts, row: Row, links: Sequence[Link], actor: Actor
) -> UUID:
    """Let the transaction of another bank account's line be the transfer to or from this one; returns what
    then stands for this line."""
    other = bank_facts(entity)[links[0].bank_account_id]
    if _moved(other, row) != -line.amount or len(links) != 1:
        _check_amounts(line, account, [row], Decimal(0))
    if row.status in FOLLOWS:
        # The side that is not the other bank's.
        if row.credit_account_id == other.ledger_account_id:
            edit = Edit(debit_account_id=account.ledger_account_id)
        else:
            edit = Edit(credit_account_id=account.ledger_account_id)
        # The guard looks at links: there is none of this line yet.
        edit_transactions(entity=entity, edits={row.id: edit}, actor=actor, reason="Matched as a transfer")
        relabel(entity, [row.id], LinkKind.TRANSFER)
        return row.id
    [moved] = categorize_transactions(
        entity=entity, ids=[row.id], category_id=account.ledger_account_id, actor=actor
    )
    if _touches(account, moved):
        # It is reconciled on the other account's statement, which its category is no part of.
        relabel(entity, [row.id], LinkKind.TRANSFER)
        return row.id
    found = fetch(_RECLASSIFICATION, {"entity": entity.id, "id": row.id})
    reclassification: UUID = found[0][0]
    # An earlier one may stand for a line of this account already.
    _check_free(links_of_transactions(entity, [reclassification]), line)
    return reclassification


def _public(transaction_ids: Sequence[UUID]) -> list[str]:
    return [encode_id(Prefix.TRANSACTION, one) for one in transaction_ids]


def _record(entity: Entity, verb: str, line: Line, actor: Actor, **after: Any) -> None:
    audit.record(
        actor=actor,
        action=f"banking.line.{verb}",
        object_type="bank line",
        object_id=line.public_id,
        entity=entity,
        before={"status": line.status.value},
        after=after or None,
    )
