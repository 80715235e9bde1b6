"""What can be wrong with a change to the books, and the database's refusals in these words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from uuid import UUID

from django.db import DatabaseError
from psycopg.errors import Diagnostic

from ledger import db
from ledger.exceptions import ConflictError, Detail, NotFoundError, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.times import format_timestamp
from transactions.choices import MOVES, Status


class TransactionNotFoundError(NotFoundError):
    def __init__(self, transaction_id: UUID) -> None:
        super().__init__(
            f"There is no transaction {encode_id(Prefix.TRANSACTION, transaction_id)} in these books."
        )


class AccountNotFoundError(NotFoundError):
    def __init__(self, account_id: UUID, *, field: str) -> None:
        message = f"There is no account {encode_id(Prefix.ACCOUNT, account_id)} in these books."
        super().__init__(message, details=[Detail(field, message)])


class AccountClosedError(ConflictError):
    def __init__(self, account_id: UUID, *, field: str | None = None) -> None:
        message = (
            f"Account {encode_id(Prefix.ACCOUNT, account_id)} is closed and takes no transactions; "
            "reopen it or use another account."
        )
        super().__init__(message, details=[Detail(field, message)] if field else ())


class PeriodClosedError(ConflictError):
    """`day` is the day in the closed period that was asked for, and `field` what said so, where one did."""

    def __init__(
        self, closed_through: date | str | None, *, day: date | None = None, field: str | None = None
    ) -> None:
        self.closed_through = closed_through
        of_day = f", and {day} is not after that" if day else ""
        message = (
            f"The books are closed through {closed_through}{of_day}: nothing can be dated into, moved out of "
            "or deleted from that period. Use a later date, or reopen the period "
            "(books_closed_through in the entity's settings)."
        )
        super().__init__(message, details=[Detail(field, message)] if field else ())


class IllegalMoveError(ConflictError):
    """A change of state that the table of moves does not have."""

    def __init__(self, transaction_id: UUID, current: Status, wanted: Status | str) -> None:
        allowed = ", ".join(sorted(MOVES[current])) or "no other state"
        super().__init__(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} is {current} and cannot become "
            f"{wanted}; from {current} it can become {allowed}."
        )


class ExpiredError(ConflictError):
    """An attempt to approve what expired, but for the timetable's next run."""

    def __init__(self, transaction_id: UUID, expired_at: datetime) -> None:
        super().__init__(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} expired at "
            f"{format_timestamp(expired_at)} and cannot become POSTED; edit its expiresAt or record a new "
            "one."
        )


class FinalError(ConflictError):
    """An attempt to edit or delete what is posted for good."""

    def __init__(self, transaction_id: UUID, current: Status, wanted: str) -> None:
        remedy = (
            "Reverse it (POST /v1/transactions/{id}/reverse) and record a new one."
            if current == Status.POSTED
            else "It and its reversal cancel each other out; nothing more is to be done."
        )
        super().__init__(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} is {current} and cannot be "
            f"{wanted}. " + remedy
        )


class PartOfEntryError(ConflictError):
    """An attempt to take one transaction out of a journal entry of several."""

    def __init__(self, transaction_id: UUID, entry_id: UUID, parts: int) -> None:
        entry = encode_id(Prefix.JOURNAL_ENTRY, entry_id)
        super().__init__(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} is one of {parts} of journal entry "
            f"{entry}, which would be left incomplete; delete the whole entry "
            f"(DELETE /v1/journal-entries/{entry}), or change this transaction (POST /v1/transactions/edit)."
        )


class AlreadyReversedError(ConflictError):
    def __init__(self, transaction_id: UUID, reversal_id: UUID | None) -> None:
        by = f" by {encode_id(Prefix.TRANSACTION, reversal_id)}" if reversal_id else ""
        super().__init__(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} is REVERSED already{by}; "
            "a transaction is reversed once."
        )


class ExternalIdTakenError(ConflictError):
    def __init__(self, external_id: str, transaction_id: UUID) -> None:
        self.transaction_id = transaction_id
        message = (
            f'externalId "{external_id}" belongs to {encode_id(Prefix.TRANSACTION, transaction_id)} already; '
            "use that transaction or send another externalId."
        )
        super().__init__(message, details=[Detail("externalId", message)])


class UnclearCategoryError(ValidationError):
    """Neither side of the transaction is clearly the one to categorize."""


Explanation = Callable[[Diagnostic], ConflictError]
_explanations: dict[str, Explanation] = {}


def explains_refusal(state: str) -> Callable[[Explanation], Explanation]:
    """Decorate a function that says in words what the guards of an app above refuse with SQLSTATE `state`.

    It gets what the database told. Raises ValueError for a state that is explained already.
    """

    def register(explanation: Explanation) -> Explanation:
        if _explanations.setdefault(state, explanation) is not explanation:
            raise ValueError(f"{state} is explained already.")
        return explanation

    return register


def refusal(error: DatabaseError) -> ConflictError | None:
    """What a guard of the database refused, in the words of the API; None for any other error."""
    state, told = db.sqlstate(error), db.diagnostic(error)
    if told is None:
        return None
    if state == db.CLOSED_PERIOD:
        return PeriodClosedError(told.message_detail)
    if state == db.CLOSED_ACCOUNT and told.message_detail:
        return AccountClosedError(UUID(told.message_detail))
    if state in (db.FINAL, db.MOVE):
        return ConflictError(f"Another call changed the transaction meanwhile: {told.message_primary}.")
    explanation = _explanations.get(state or "")
    return explanation(told) if explanation else None


@contextmanager
def refusals_in_words() -> Iterator[None]:
    """Raise what a guard of the database refused as the error of `refusal`.

    Any other error of the database passes untouched: whoever runs deadlocks again tells them by the
    driver's error beneath, which `raise … from` would replace.
    """
    try:
        yield
    except DatabaseError as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise refused from error
