"""Reading a statement file, whatever its format."""

from typing import Final, NamedTuple

from django.utils.module_loading import import_string

from banking.choices import StatementFormat
from banking.statements.content import Reading, StatementFile
from banking.statements.csv_files import CsvTable, read_csv
from banking.statements.csv_mapping import CsvMapping
from banking.statements.formats import detect_format

# By their paths, imported with the first file of the format: their libraries take 20 MB of every web worker.
_READERS: Final = {
    StatementFormat.OFX: "banking.statements.ofx_files.read_ofx",
    StatementFormat.CAMT053: "banking.statements.camt_files.read_camt",
    StatementFormat.MT940: "banking.statements.mt940_files.read_mt940",
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
    read = import_string(_READERS[file_format])
    return ReadFile(read(data, reading))
