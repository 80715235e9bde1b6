"""What can be wrong with a reconciliation, and what its guards in the database refuse, in words."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from psycopg.errors import Diagnostic

from ledger import db
from ledger.exceptions import ConflictError, Detail, NotFoundError
from ledger.ids import Prefix, encode_id
from transactions.exceptions import explains_refusal


class ReconciliationNotFoundError(NotFoundError):
    def __init__(self, reconciliation_id: UUID) -> None:
        super().__init__(
            f"There is no reconciliation {encode_id(Prefix.RECONCILIATION, reconciliation_id)} in these "
            "books."
        )


class BankAccountNotFoundError(NotFoundError):
    def __init__(self, bank_account_id: UUID) -> None:
        message = (
            f"There is no bank account {encode_id(Prefix.BANK_ACCOUNT, bank_account_id)} in these books."
        )
        super().__init__(message, details=[Detail("bankAccountId", message)])


class LineNotFoundError(NotFoundError):
    def __init__(self, line_id: UUID) -> None:
        message = f"There is no line {encode_id(Prefix.BANK_LINE, line_id)} of this bank account."
        super().__init__(message, details=[Detail("lineId", message)])


class TransactionsNotFoundError(NotFoundError):
    """Ids that the books don't have, by their place in the request."""

    def __init__(self, missing: Iterable[tuple[int, UUID]]) -> None:
        details = [
            Detail(
                f"transactionIds[{place}]",
                f"There is no transaction {encode_id(Prefix.TRANSACTION, transaction_id)} in these books.",
            )
            for place, transaction_id in missing
        ]
        more = f" (and {len(details) - 1} more, see details)" if len(details) > 1 else ""
        super().__init__(details[0].message + more, details=details)


class AlreadyOpenError(ConflictError):
    """A bank account is reconciled one statement at a time."""

    def __init__(self, reconciliation_id: UUID, statement_date: date) -> None:
        super().__init__(
            f"The statement of {statement_date} of this account is being reconciled already "
            f"({encode_id(Prefix.RECONCILIATION, reconciliation_id)}); complete or delete that one first."
        )


class StatementDateError(ConflictError):
    """Statements of an account follow one another."""

    def __init__(self, statement_date: date, last: date) -> None:
        message = (
            f"{statement_date} is not after {last}, the day of the account's last completed statement; send "
            "a later day, or reopen that reconciliation."
        )
        super().__init__(f"statementDate: {message}", details=[Detail("statementDate", message)])


class CompletedError(ConflictError):
    def __init__(self, reconciliation_id: UUID, statement_date: date) -> None:
        super().__init__(
            f"Reconciliation {encode_id(Prefix.RECONCILIATION, reconciliation_id)} of the statement of "
            f"{statement_date} is completed and stays as it is; reopen it first "
            "(POST /v1/banks/reconciliations/{id}/reopen)."
        )


class NotReopenableError(ConflictError):
    """It isn't completed, or a later statement rests on it."""


class DifferenceError(ConflictError):
    """What is ticked does not come to what the statement says."""


class NotMatchingError(ConflictError):
    """A bank line and transactions cannot stand for each other, or a transaction cannot be ticked here."""


class ReconciledError(ConflictError):
    """An attempt to change or delete what a completed statement proves."""

    def __init__(self, transaction_id: UUID, reconciliation_id: UUID, statement_date: date | str) -> None:
        super().__init__(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} stands on the completed bank "
            f"statement of {statement_date} ({encode_id(Prefix.RECONCILIATION, reconciliation_id)}): its "
            "amount, its date and its side on the bank's account are locked, and it cannot be deleted. "
            "Reopen that reconciliation, or approve the transaction, reverse it and record a new one."
        )


@explains_refusal(db.RECONCILED)
def explain(told: Diagnostic) -> ConflictError:
    """What the guards of `sql/reconciliation_guards.sql` refused."""
    detail = (told.message_detail or "").split()
    if len(detail) == 3:
        transaction_id, reconciliation_id, statement_date = detail
        return ReconciledError(UUID(transaction_id), UUID(reconciliation_id), statement_date)
    return ConflictError(f"The bank statement refuses this: {told.message_primary}.")
