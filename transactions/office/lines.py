"""Transactions as the pages show them."""

from dataclasses import dataclass
from typing import Final

from ledger.ids import Prefix, encode_id
from transactions.choices import COUNTS_AS_PENDING, Status
from transactions.office.filters import SOURCE_NAMES
from transactions.rows import Row

_TONES: Final = {
    Status.PENDING: "warn",
    Status.CLEARED: "warn",
    Status.RECONCILED: "warn",
    Status.POSTED: "good",
    Status.REVERSED: "bad",
    Status.EXPIRED: "",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction in a list, and on its own page."""

    row: Row

    @property
    def public_id(self) -> str:
        """The id as addresses have it."""
        return encode_id(Prefix.TRANSACTION, self.row.id)

    @property
    def entry_id(self) -> str:
        """The public id of its journal entry; empty without one."""
        found = self.row.journal_entry_id
        return "" if found is None else encode_id(Prefix.JOURNAL_ENTRY, found)

    @property
    def debit_id(self) -> str:
        """The public id of the debit account."""
        return encode_id(Prefix.ACCOUNT, self.row.debit_account_id)

    @property
    def credit_id(self) -> str:
        """The public id of the credit account."""
        return encode_id(Prefix.ACCOUNT, self.row.credit_account_id)

    @property
    def debit(self) -> str:
        """Code and name of the debit account."""
        return _title(self.row.debit_code, self.row.debit_name)

    @property
    def credit(self) -> str:
        """Code and name of the credit account."""
        return _title(self.row.credit_code, self.row.credit_name)

    @property
    def status(self) -> str:
        """The state in a word."""
        return Status(self.row.status).value.capitalize()

    @property
    def tone(self) -> str:
        """How the state looks."""
        return _TONES[Status(self.row.status)]

    @property
    def is_waiting(self) -> bool:
        """Whether it can still be edited and approved."""
        return self.row.status in COUNTS_AS_PENDING

    @property
    def is_posted(self) -> bool:
        """Whether it can be reversed."""
        return self.row.status == Status.POSTED

    @property
    def source(self) -> str:
        """The door that it came through, in words."""
        return SOURCE_NAMES.get(self.row.source, self.row.source)


def _title(code: int | None, name: str) -> str:
    return name if code is None else f"{code} {name}"
