"""Rows of CSV and XLSX files. A file that cannot be read at all is refused as a whole, with the reason."""

import base64
import binascii
import csv
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from accounts.constants import IMPORT_FILE_BYTES_MAX, IMPORT_ROWS_MAX
from accounts.imports.rows import COLUMNS, Row, column_name, is_blank, parse_row
from ledger.exceptions import Detail, PayloadTooLargeError, ValidationError, shown

FORMATS: Final = ("csv", "xlsx")
_DELIMITERS: Final = (",", ";", "\t")

# A workbook is a zip archive. Small files can unpack to gigabytes, and two cells in opposite corners of a
# sheet make a table of 17 billion.
XLSX_ENTRIES_MAX: Final = 1_000
XLSX_UNPACKED_BYTES_MAX: Final = 100_000_000
XLSX_RATIO_MAX: Final = 200
# Below this, repetitive sheets may well be packed tighter.
XLSX_RATIO_COUNTS_FROM_BYTES: Final = 10_000_000
XLSX_CELLS_MAX: Final = 2_000_000
_REFERENCE: Final = re.compile(rb"""\sr\s*=\s*["']\s*\$?([A-Za-z]{0,3})\$?([0-9]{0,8})""")
_CHUNK_BYTES: Final = 1 << 20
# What zipfile raises for archives that are broken, encrypted or packed in ways that it does not know.
_BROKEN_ARCHIVE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


def decode_base64(text: str) -> bytes:
    """Return the bytes of a file that came as base64, with or without line breaks.

    Raises ValidationError for what is no base64, PayloadTooLargeError for more than 10 MB.
    """
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationError.of(
            "file", f"is no base64 ({error}); send the file's bytes in base64 (RFC 4648, section 4)."
        ) from None
    check_size(len(data))
    return data


def check_size(size: int) -> None:
    """Raise PayloadTooLargeError for a file of more than 10 MB."""
    if size > IMPORT_FILE_BYTES_MAX:
        raise PayloadTooLargeError(
            f"The file has {size} bytes; a chart of accounts may have {IMPORT_FILE_BYTES_MAX}. Split it."
        )


def guess_format(data: bytes) -> str:
    """Return "xlsx" for a zip archive, else "csv"."""
    return "xlsx" if data.startswith(b"PK\x03\x04") else "csv"


def read_rows(data: bytes, file_format: str) -> list[Row]:
    """Return the rows of a file of that format ("csv" or "xlsx"), blank lines left out.

    Raises ValidationError, naming the reason, for a file that is broken, has no or unknown columns, no rows
    or more than 20,000.
    """
    check_size(len(data))
    lines = _xlsx_lines(data) if file_format == "xlsx" else _csv_lines(data)
    return _rows(lines)


def rows_of_records(records: Sequence[dict[str, object]]) -> list[Row]:
    """Return the rows of JSON objects, counted from 1; fields are spelled like columns, or in camelCase."""
    return [
        parse_row(number, {column_name(name): value for name, value in record.items()})
        for number, record in enumerate(records, start=1)
    ]


def _rows(lines: Iterable[Sequence[object]]) -> list[Row]:
    """The rows below the header, which is the first line that is not blank."""
    numbered = ((number, cells) for number, cells in enumerate(lines, start=1) if not is_blank(cells))
    _, header = next(numbered, (0, ()))
    columns = _columns(header)
    rows: list[Row] = []
    for number, cells in numbered:
        if len(rows) == IMPORT_ROWS_MAX:
            raise _unreadable(f"has more than {IMPORT_ROWS_MAX} rows; split it.")
        row = parse_row(number, dict(zip(columns, cells, strict=False)))
        if not is_blank(cells[len(columns) :]):
            row.refuse(
                "name",
                f"the row has {len(cells)} cells and the header {len(columns)}; put quotes around text that "
                "has the delimiter in it.",
            )
        rows.append(row)
    if not rows:
        raise _unreadable("has no rows below its header; write one account per row.")
    return rows


def _columns(header: Sequence[object]) -> list[str]:
    named = list(header)
    while named and is_blank(named[-1:]):
        named.pop()
    columns = [column_name(cell) for cell in named]
    faults = [
        f"{shown(str(cell))} is no column"
        for cell, column in zip(named, columns, strict=True)
        if column not in COLUMNS
    ]
    faults += sorted({f"{column} stands there twice" for column in columns if columns.count(column) > 1})
    if "name" not in columns:
        faults.append("the column name is missing")
    if faults:
        raise _unreadable(
            f"has a wrong header: {'; '.join(faults[:5])}. The first row has these columns, in any order, "
            f"all but name optional: {', '.join(COLUMNS)}."
        )
    return columns


def _unreadable(why: str) -> ValidationError:
    return ValidationError(f"The file {why}", details=[Detail("file", why)])


# --- CSV -----------------------------------------------------------------------------------------


def _csv_lines(data: bytes) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(f"is not UTF-8 (byte {error.start}); save it as CSV in UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise _unreadable(f"is broken in line {reader.line_num} ({error}); save it as CSV again.") from None


def _delimiter(text: str) -> str:
    """The delimiter that makes most of our columns out of the header; in much of Europe Excel writes ;."""
    header = next((line for line in io.StringIO(text) if line.strip(" ,;\t\r\n")), "")

    def known_columns(delimiter: str) -> int:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return sum(column_name(cell) in COLUMNS for cell in cells)

    try:
        return max(_DELIMITERS, key=known_columns)
    except csv.Error:  # the reader itself will say what is wrong, and where
        return ","


# --- XLSX ----------------------------------------------------------------------------------------


def _xlsx_lines(data: bytes) -> Sequence[Sequence[object]]:
    # Not before somebody sends a workbook: it takes memory of every web worker.
    from python_calamine import CalamineError, CalamineWorkbook

    _check_workbook(data)
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        # From the first row on, so that our row numbers are the spreadsheet's.
        return sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise _broken_workbook(error) from None


def _check_workbook(data: bytes) -> None:
    """Refuse a workbook that would unpack to more than we can hold, before anything builds a table of it."""
    unpacked = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > XLSX_ENTRIES_MAX:
                raise _unreadable(f"has {len(entries)} parts; a workbook may have {XLSX_ENTRIES_MAX}.")
            for entry in entries:
                unpacked += _check_entry(archive, entry, XLSX_UNPACKED_BYTES_MAX - unpacked)
                if unpacked > max(XLSX_RATIO_COUNTS_FROM_BYTES, XLSX_RATIO_MAX * len(data)):
                    raise _unreadable(
                        f"unpacks to more than {XLSX_RATIO_MAX} times its size; save it without empty rows."
                    )
    except _BROKEN_ARCHIVE as error:
        raise _broken_workbook(error) from None


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> int:
    """Unpack one part to see how large it really is, and how large a table its cells span; return the size.

    Any part may be declared to be a sheet, whatever it is called, so each is looked through for cells.
    """
    # What the archive says of the size may be a lie: read as far as the data goes.
    entry.file_size = 1 << 40
    size = 0
    rows_max, columns_max = 0, 0
    rest = b""
    with archive.open(entry) as part:
        while chunk := part.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise _unreadable(f"unpacks to more than {XLSX_UNPACKED_BYTES_MAX} bytes; split it.")
            text = rest + chunk
            for letters, digits in _REFERENCE.findall(text):
                rows_max = max(rows_max, int(digits or 0))
                columns_max = max(columns_max, _column_number(letters))
            rest = text[-64:]
    if rows_max * max(columns_max, 1) > XLSX_CELLS_MAX:
        raise _unreadable(
            f"has cells down to row {rows_max} and column {columns_max}; delete the empty rows and columns "
            "behind the accounts and save it again."
        )
    return size


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _broken_workbook(error: Exception) -> ValidationError:
    return _unreadable(f"is no workbook that can be read ({shown(str(error))}); save it as XLSX again.")
