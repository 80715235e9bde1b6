"""Working on a reconciliation: begin it, complete it, reopen it, throw it away. Ticking is in `matching`.

Locks are taken in one order: bank accounts, the reconciliation, the books, transactions, items, and the audit
chain last.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.transaction import atomic

from banking.choices import ReconciliationStatus
from banking.models import Reconciliation
from banking.reconciliation.exceptions import (
    AlreadyOpenError,
    BankAccountNotFoundError,
    CompletedError,
    DifferenceError,
    NotReopenableError,
    StatementDateError,
)
from banking.reconciliation.statements import (
    ITEMS,
    STANDS,
    Entry,
    Statement,
    lock_open_statement,
    lock_statement,
    read_books_balance,
    read_candidates,
    read_cleared,
)
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import execute, fetch
from ledger.exceptions import Detail, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.money import as_text, in_minor_digits
from ledger.times import day_of
from transactions.choices import MOVES, Change, Status
from transactions.exceptions import refusals_in_words
from transactions.services import move_transactions
from transactions.services.changing import hold_books

# How many transactions go to RECONCILED in one call of the posting engine.
MOVE_BATCH_SIZE: Final = 5_000
# How many of what is not ticked the refusal of an unfinished statement names.
NAMED_MAX: Final = 20

_LOCK_BANK_ACCOUNTS: Final = """
SELECT b.id, b.currency FROM banking_bankaccount b
WHERE b.entity_id = %(entity)s::uuid AND b.ledger_account_id = (
    SELECT ledger_account_id FROM banking_bankaccount
    WHERE entity_id = %(entity)s::uuid AND id = %(id)s::uuid
)
ORDER BY b.id FOR NO KEY UPDATE
"""
_LOCK_TRANSACTIONS: Final = f"SELECT t.id FROM {ITEMS} ORDER BY t.id FOR NO KEY UPDATE OF t"
_LOCK_ITEMS: Final = """
SELECT id FROM banking_reconciledtransaction
WHERE entity_id = %(entity)s::uuid AND reconciliation_id = %(reconciliation)s::uuid
ORDER BY id FOR UPDATE
"""
_DROP_STRAYS: Final = f"""
DELETE FROM banking_reconciledtransaction i USING transactions_transaction t
WHERE t.entity_id = i.entity_id AND t.id = i.transaction_id
    AND i.entity_id = %(entity)s::uuid AND i.reconciliation_id = %(reconciliation)s::uuid AND NOT {STANDS}
"""
_MOVABLE: Final = f"SELECT t.id FROM {ITEMS} AND t.status = ANY(%(statuses)s::text[]) ORDER BY t.id"
_DROP_ITEMS: Final = """
DELETE FROM banking_reconciledtransaction
WHERE entity_id = %(entity)s::uuid AND reconciliation_id = %(reconciliation)s::uuid
"""


def start_reconciliation(
    *,
    entity: Entity,
    bank_account_id: UUID,
    statement_date: date,
    statement_balance: Decimal,
    actor: Actor,
) -> UUID:
    """Begin to hold a bank statement against the books; returns the reconciliation's id.

    `statement_balance` is what the statement ends with, as the bank says it: money in the account, or on a
    card money owed. It begins with what the account's last completed statement ended with, else with zero.

    Raises BankAccountNotFoundError; ValidationError for a day to come and for more digits than the account's
    currency has; AlreadyOpenError; StatementDateError for a day that is not after the last statement's.
    """
    today = day_of(utc_now(), entity.zone)
    if statement_date > today:
        raise ValidationError.of(
            "statementDate", f"{statement_date} is to come, today is {today}; send the day of a statement."
        )
    with atomic():
        currencies = _lock_bank_accounts(entity, bank_account_id)
        if bank_account_id not in currencies:
            raise BankAccountNotFoundError(bank_account_id)
        balance = in_minor_digits(
            statement_balance, currency=currencies[bank_account_id], field="statementBalance"
        )
        of_account = Reconciliation.objects.filter(entity_id=entity.id, bank_account_id__in=currencies)
        is_open = of_account.filter(status=ReconciliationStatus.OPEN).first()
        if is_open is not None:
            raise AlreadyOpenError(is_open.id, is_open.statement_date)
        last = of_account.order_by("-statement_date").first()
        if last is not None and statement_date <= last.statement_date:
            raise StatementDateError(statement_date, last.statement_date)
        started = Reconciliation(
            entity_id=entity.id,
            bank_account_id=bank_account_id,
            statement_date=statement_date,
            statement_balance=balance,
            opening_balance=last.statement_balance if last else Decimal(0),
            created_at=utc_now(),
            created_by=actor.id,
        )
        started.save(force_insert=True)
        audit.record(
            actor=actor,
            action="banking.reconciliation.started",
            object_type="reconciliation",
            object_id=started.public_id,
            entity=entity,
            after={
                "bank_account": encode_id(Prefix.BANK_ACCOUNT, bank_account_id),
                "statement_date": statement_date,
                "statement_balance": balance,
                "opening_balance": started.opening_balance,
            },
        )
    return started.id


def complete_reconciliation(*, entity: Entity, reconciliation_id: UUID, actor: Actor) -> None:
    """Complete a statement whose difference is zero, and lock what stands on it.

    Its PENDING and CLEARED transactions become RECONCILED; those posted stay as they are. What was ticked
    and can no longer be on the statement (it expired, or was moved away) falls off.

    Raises ReconciliationNotFoundError, CompletedError, DifferenceError, and PeriodClosedError where a
    transaction that would become RECONCILED is dated in a closed period.
    """
    with atomic(), refusals_in_words():
        statement = lock_open_statement(entity, reconciliation_id)
        parameters = statement.parameters(entity)
        # Whoever edits or deletes one of them has either finished by now or waits until we have.
        hold_books(entity)
        fetch(_LOCK_TRANSACTIONS, parameters)
        fetch(_LOCK_ITEMS, parameters)
        execute(_DROP_STRAYS, parameters)
        cleared = read_cleared(entity, statement)
        difference = statement.statement_balance - statement.opening_balance - cleared.amount
        if difference:
            raise _difference(entity, statement, cleared.amount, difference)
        _reconcile(entity, statement, actor)
        now = utc_now()
        Reconciliation.objects.filter(entity_id=entity.id, id=statement.id).update(
            status=ReconciliationStatus.COMPLETED, completed_at=now, completed_by=actor.id
        )
        audit.record(
            actor=actor,
            action="banking.reconciliation.completed",
            object_type="reconciliation",
            object_id=encode_id(Prefix.RECONCILIATION, statement.id),
            entity=entity,
            after={"statement_balance": statement.statement_balance, "transactions": cleared.count},
        )


def reopen_reconciliation(*, entity: Entity, reconciliation_id: UUID, reason: str, actor: Actor) -> None:
    """Unlock the account's latest statement, with everything still ticked, because it was completed wrongly.

    The transactions stay RECONCILED: there is no way back from that state, which says that they once stood
    on a completed statement. Open, they can be unticked, edited and deleted like others.

    Raises ReconciliationNotFoundError, and NotReopenableError where it is open, or where another statement
    of the account follows it.
    """
    with atomic():
        found = Reconciliation.objects.filter(entity_id=entity.id, id=reconciliation_id).first()
        feeds = _lock_bank_accounts(entity, found.bank_account_id) if found else {}
        statement = lock_statement(entity, reconciliation_id)
        name = encode_id(Prefix.RECONCILIATION, statement.id)
        if statement.is_open:
            raise NotReopenableError(f"Reconciliation {name} is open; work on it, or delete it.")
        later = Reconciliation.objects.filter(
            entity_id=entity.id, bank_account_id__in=feeds, statement_date__gt=statement.statement_date
        ).first()
        if later is not None:
            remedy = "delete" if later.status == ReconciliationStatus.OPEN else "reopen"
            raise NotReopenableError(
                f"The statement of {later.statement_date} ({later.public_id}) rests on that of "
                f"{statement.statement_date}; {remedy} the later one first."
            )
        Reconciliation.objects.filter(entity_id=entity.id, id=statement.id).update(
            status=ReconciliationStatus.OPEN, completed_at=None, completed_by=None
        )
        audit.record(
            actor=actor,
            action="banking.reconciliation.reopened",
            object_type="reconciliation",
            object_id=name,
            entity=entity,
            before={"completed_at": statement.completed_at, "completed_by": statement.completed_by},
            after={"reason": reason},
        )


def delete_reconciliation(*, entity: Entity, reconciliation_id: UUID, actor: Actor) -> None:
    """Throw an open reconciliation away, with its ticks; books and bank lines stay as they are.

    Raises ReconciliationNotFoundError, CompletedError.
    """
    with atomic():
        statement = lock_statement(entity, reconciliation_id)
        if not statement.is_open:
            raise CompletedError(statement.id, statement.statement_date)
        execute(_DROP_ITEMS, statement.parameters(entity))
        Reconciliation.objects.filter(entity_id=entity.id, id=statement.id).delete()
        audit.record(
            actor=actor,
            action="banking.reconciliation.deleted",
            object_type="reconciliation",
            object_id=encode_id(Prefix.RECONCILIATION, statement.id),
            entity=entity,
            before={
                "bank_account": encode_id(Prefix.BANK_ACCOUNT, statement.bank_account_id),
                "statement_date": statement.statement_date,
                "statement_balance": statement.statement_balance,
            },
        )


def _lock_bank_accounts(entity: Entity, bank_account_id: UUID) -> dict[UUID, str]:
    """The currencies of the bank account and of those that fed its ledger account before it; locked, so that
    one statement at a time is begun or reopened."""
    rows = fetch(_LOCK_BANK_ACCOUNTS, {"entity": entity.id, "id": bank_account_id})
    return dict(rows)


def _reconcile(entity: Entity, statement: Statement, actor: Actor) -> None:
    movable = [status.value for status in Status if Status.RECONCILED in MOVES[status]]
    ids = [row[0] for row in fetch(_MOVABLE, statement.parameters(entity) | {"statuses": movable})]
    for begin in range(0, len(ids), MOVE_BATCH_SIZE):
        move_transactions(
            entity=entity,
            ids=ids[begin : begin + MOVE_BATCH_SIZE],
            to=Status.RECONCILED,
            change=Change.RECONCILED,
            actor=actor,
            reason=f"bank statement of {statement.statement_date}",
        )


def _difference(
    entity: Entity, statement: Statement, cleared: Decimal, difference: Decimal
) -> DifferenceError:
    """What is wrong with a statement that cannot be completed, and what is not ticked, newest first."""
    unticked = read_candidates(entity, statement, limit=NAMED_MAX + 1, recent=True)
    total = read_books_balance(entity, statement) - statement.opening_balance - cleared

    def money(amount: Decimal) -> str:
        return f"{as_text(amount, statement.currency)} {statement.currency}"

    message = (
        f"The difference is {money(difference)}, it must be zero: the statement of "
        f"{statement.statement_date} says {money(statement.statement_balance)}, and what is ticked comes to "
        f"{money(statement.opening_balance + cleared)}. "
    )
    if not unticked and not total:
        message += "Everything up to that day is ticked: a transaction is missing, ticked wrongly or wrong."
        return DifferenceError(message)
    message += f"What is not ticked comes to {money(total)}" + (", see details." if unticked else ".")
    return DifferenceError(message, details=_named(unticked, statement, difference))


def _named(unticked: Sequence[Entry], statement: Statement, difference: Decimal) -> list[Detail]:
    details = [
        Detail(
            "transactionIds",
            f"{encode_id(Prefix.TRANSACTION, one.id)} of {one.date}, "
            f'{as_text(one.amount, statement.currency)} "{one.description[:60]}", is not ticked'
            + ("; it is just the difference." if one.amount == difference else "."),
        )
        for one in unticked[:NAMED_MAX]
    ]
    if len(unticked) > NAMED_MAX:
        details.append(Detail("transactionIds", "There are more that are not ticked."))
    return details
