"""Reading a statement file, whatever its format."""

from typing import NamedTuple

from banking.choices import StatementFormat
from banking.statements.camt_files import read_camt
from banking.statements.content import Reading, StatementFile
from banking.statements.csv_files import CsvTable, read_csv
from banking.statements.csv_mapping import CsvMapping
from banking.statements.formats import detect_format
from banking.statements.mt940_files import read_mt940
from banking.statements.ofx_files import read_ofx

_READERS = {
    StatementFormat.OFX: read_ofx,
    StatementFormat.CAMT053: read_camt,
    StatementFormat.MT940: read_mt940,
}


class ReadFile(NamedTuple):
    """A file that was read; of a CSV file also its cells and the mapping by which it was read."""

    file: StatementFile
    table: CsvTable | None = None
    mapping: CsvMapping | None = None


def read_statement_file(
    data: bytes,
    *,
    currency: str | None = None,
    mapping: CsvMapping | None = None,
    is_card: bool = False,
) -> ReadFile:
    """Read a file into statements and lines; faults of single rows are in `file.faults`.

    `currency` is the bank account's, where that is known. `mapping` and `is_card` are for CSV (`read_csv`).
    Raises StatementFileError for a file that cannot be read at all.
    """
    reading = Reading(currency)
    file_format = detect_format(data)
    if file_format is StatementFormat.CSV:
        return ReadFile(*read_csv(data, reading, mapping, is_card=is_card))
    return ReadFile(_READERS[file_format](data, reading))
