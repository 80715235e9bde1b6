"""The forms of an export, and what each of them must be able to write."""

from enum import StrEnum
from typing import Protocol

from reports.exports.books import ExportRow, Month, Standing


class ExportFormat(StrEnum):
    """What the export is for: beancount, hledger, or anything that reads tables."""

    BEANCOUNT = "beancount"
    HLEDGER = "hledger"
    CSV = "csv"

    @property
    def suffix(self) -> str:
        """How a file of this form ends."""
        return {"beancount": "beancount", "hledger": "journal", "csv": "csv"}[self.value]

    @property
    def content_type(self) -> str:
        return "text/csv; charset=utf-8" if self is ExportFormat.CSV else "text/plain; charset=utf-8"


class Writer(Protocol):
    """Writes one form; each method returns text that ends with a line's end, or nothing."""

    def beginning(self, months: list[Month]) -> str:
        """What stands above everything: the name of the books and the accounts."""

    def opening(self, standings: list[Standing]) -> str:
        """What stood on the accounts before the first day; they add up to zero."""

    def transaction(self, row: ExportRow) -> str:
        """One transaction."""

    def assertions(self, month: Month, standings: list[Standing]) -> str:
        """What must stand on the accounts after the month's last day."""
