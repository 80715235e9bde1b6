"""What a statement file would be read as, before anything is imported."""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Final

from banking.choices import StatementFormat
from banking.models import BankAccount
from banking.statements.accounts import is_card
from banking.statements.belonging import connected_since, leave_to_connection, own_statements
from banking.statements.content import Statement, StatementLine
from banking.statements.csv_files import CsvTable, read_table
from banking.statements.csv_mapping import CsvMapping, guess_mapping
from banking.statements.faults import RowFault, StatementFileError, check_size
from banking.statements.formats import detect_format
from banking.statements.importing import remembered_mapping
from banking.statements.limits import FILE_BYTES_MAX
from banking.statements.reading import ReadFile, read_statement_file
from ledger.exceptions import ConflictError

ROWS_SHOWN: Final = 20


@dataclass(slots=True)
class Preview:
    """A file as it would be imported, as far as it can be read. `problems` would keep it, or rows of it, out;
    `notes` would not."""

    format: StatementFormat | None = None
    table: CsvTable | None = None
    mapping: CsvMapping | None = None
    statements: list[Statement] = field(default_factory=list)
    problems: list[RowFault] = field(default_factory=list)
    problem_count: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def line_count(self) -> int:
        return sum(len(statement.lines) for statement in self.statements)

    @property
    def first_lines(self) -> list[StatementLine]:
        """Some lines from the beginning."""
        return list(islice((line for one in self.statements for line in one.lines), ROWS_SHOWN))


def preview_statement(
    *, data: bytes, bank_account: BankAccount | None = None, mapping: CsvMapping | None = None
) -> Preview:
    """Read a file as an import would, and return what was found; nothing is written.

    Raises PayloadTooLargeError alone: everything else that is wrong with a file is shown as a problem.
    """
    check_size(len(data), FILE_BYTES_MAX)
    preview = Preview()
    try:
        preview.format = detect_format(data)
        if preview.format is StatementFormat.CSV:
            mapping = _settle_mapping(preview, data, bank_account, mapping)
        _take(preview, _read(data, bank_account, mapping), bank_account)
    except StatementFileError as error:
        preview.problems += error.faults
        preview.problem_count += error.count
    return preview


def _settle_mapping(
    preview: Preview, data: bytes, bank_account: BankAccount | None, mapping: CsvMapping | None
) -> CsvMapping | None:
    """Show the columns, and the mapping as far as it is known, even where the file cannot be read by it."""
    kept = remembered_mapping(bank_account) if bank_account is not None else None
    table = read_table(data, mapping or kept)
    if mapping is None and kept and all(table.place(column) is not None for column in kept.columns):
        mapping = kept
    preview.table = table
    preview.mapping = mapping or (guess_mapping(table.columns) if table.header_row is not None else None)
    return mapping


def _read(data: bytes, bank_account: BankAccount | None, mapping: CsvMapping | None) -> ReadFile:
    if bank_account is None:
        return read_statement_file(data, mapping=mapping)
    return read_statement_file(
        data, currency=bank_account.currency, mapping=mapping, is_card=is_card(bank_account)
    )


def _take(preview: Preview, read: ReadFile, bank_account: BankAccount | None) -> None:
    faults = read.file.faults
    preview.table, preview.mapping = read.table, read.mapping
    preview.statements = read.file.statements
    if bank_account is not None:
        preview.statements = own_statements(read.file.statements, bank_account, faults)
    preview.problems = list(faults.listed)
    preview.problem_count = faults.count
    for statement in preview.statements:
        preview.notes += _notes(statement)
    if bank_account is not None:
        _leave_to_connection(preview, bank_account)


def _leave_to_connection(preview: Preview, bank_account: BankAccount) -> None:
    try:
        since = connected_since(bank_account)
    except ConflictError as error:
        preview.notes.append(error.message)
        return
    left_out = leave_to_connection(preview.statements, since)
    if left_out:
        preview.notes.append(
            f"{left_out} lines are left out: from {since} on, the account's bank connection brings them."
        )


def _notes(statement: Statement) -> list[str]:
    notes = []
    if statement.left_out:
        notes.append(
            f"{statement.left_out} entries are left out: pending at the bank, of nothing, or repeated."
        )
    opening, closing = statement.opening_balance, statement.closing_balance
    if opening is not None and closing is not None:
        moved = -sum((line.amount for line in statement.lines), start=Decimal(0))
        if opening + moved != closing:
            notes.append(f"The balances differ by {closing - opening}, and the lines add up to {moved}.")
    return notes
