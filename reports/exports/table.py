"""Books as a table: a row for each transaction, in CSV."""

import csv
from io import StringIO
from typing import Final

from ledger.cells import neutralised
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.money import as_text
from ledger.times import format_timestamp
from reports.exports.books import Books, ExportRow, Month, Standing
from reports.exports.chart import ExportedAccount

# `manage.py import_journal` reads the table too: entry_id, date, description, the two accounts, amount and
# currency are its columns.
COLUMNS: Final = (
    "entry_id", "date", "description", "debit_account", "credit_account", "amount", "currency", "status",
    "counterparty", "id", "timestamp", "debit_account_id", "debit_code", "credit_account_id", "credit_code",
    "source", "external_id", "reverses", "reversed_by", "reclassifies", "created_at", "posted_at", "metadata",
)  # fmt: skip


class TableWriter:
    """Writes RFC 4180 with a header; text that a spreadsheet would take for a formula has a ' in front."""

    def __init__(self, books: Books, accounts: list[ExportedAccount]) -> None:
        self._currency = books.ledger.currency
        self._accounts = {
            one.account.id: (
                neutralised(one.name),
                one.account.public_id,
                "" if one.account.code is None else str(one.account.code),
            )
            for one in accounts
        }
        self._line = StringIO()
        self._csv = csv.writer(self._line)

    def beginning(self, months: list[Month]) -> str:
        """The header."""
        return self._written(COLUMNS)

    def opening(self, standings: list[Standing]) -> str:
        """Nothing: a row is a transaction."""
        return ""

    def transaction(self, row: ExportRow) -> str:
        """The transaction's row."""
        debit, debit_id, debit_code = self._accounts[row.debit_account_id]
        credit, credit_id, credit_code = self._accounts[row.credit_account_id]
        public_id = encode_id(Prefix.TRANSACTION, row.id)
        return self._written(
            (
                encode_optional_id(Prefix.JOURNAL_ENTRY, row.journal_entry_id) or public_id,
                row.date,
                neutralised(row.description),
                debit,
                credit,
                as_text(row.amount, self._currency),
                self._currency,
                row.status,
                neutralised(row.counterparty),
                public_id,
                format_timestamp(row.timestamp),
                debit_id,
                debit_code,
                credit_id,
                credit_code,
                row.source,
                neutralised(row.external_id or ""),
                encode_optional_id(Prefix.TRANSACTION, row.reverses_id),
                encode_optional_id(Prefix.TRANSACTION, row.reversed_by_id),
                encode_optional_id(Prefix.TRANSACTION, row.reclassifies_id),
                format_timestamp(row.created_at),
                format_timestamp(row.posted_at) if row.posted_at else None,
                row.metadata,
            )
        )

    def assertions(self, month: Month, standings: list[Standing]) -> str:
        """Nothing: a row is a transaction."""
        return ""

    def _written(self, values: tuple[object, ...]) -> str:
        self._csv.writerow(values)
        text = self._line.getvalue()
        self._line.seek(0)
        self._line.truncate()
        return text
