"""What the services refuse, as an accountant at the page reads it: their own messages speak to programs."""

from ledger.exceptions import LedgerError
from transactions.exceptions import (
    AccountClosedError,
    AlreadyReversedError,
    ExpiredError,
    FinalError,
    IllegalMoveError,
    PartOfEntryError,
    PeriodClosedError,
    TransactionNotFoundError,
    UnclearCategoryError,
)
from transactions.rows import Row


def why_not(error: LedgerError, row: Row | None) -> str:
    """Why a transaction is left alone."""
    if row is None or isinstance(error, TransactionNotFoundError):
        return "It is not in these books any more."
    state = str(row.status).lower()
    if isinstance(error, PeriodClosedError):
        return "Its day lies in the closed period: reopen that first."
    if isinstance(error, AlreadyReversedError):
        return "It is reversed already."
    if isinstance(error, ExpiredError):
        return "It has expired: give it a later day to expire on, or none."
    if isinstance(error, FinalError):
        return f"It is {state}: reverse it instead." if state == "posted" else "It is reversed, and stays."
    if isinstance(error, PartOfEntryError):
        return "It is a part of a journal entry: choose all of that entry's transactions."
    if isinstance(error, UnclearCategoryError):
        return (
            f"It moves money between {row.debit_name} and {row.credit_name}: neither side is a category. "
            "Change its accounts instead."
        )
    if isinstance(error, AccountClosedError):
        return "One of the accounts is closed and takes no transactions."
    if isinstance(error, IllegalMoveError):
        return f"It is {state}."
    return error.message
