"""The forms of files."""

from enum import StrEnum
from typing import Final

from ledger.exceptions import ValidationError, shown
from reports.files.orders import Statement


class FileFormat(StrEnum):
    """What a file is written in; the values end its name."""

    PDF = "pdf"
    CSV = "csv"
    XLSX = "xlsx"
    SVG = "svg"
    PNG = "png"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]

    @property
    def opens_in_browser(self) -> bool:
        """Whether a browser shows it, rather than saving it."""
        return self not in (FileFormat.CSV, FileFormat.XLSX)


PICTURES: Final = frozenset({FileFormat.SVG, FileFormat.PNG})
_CONTENT_TYPES: Final = {
    FileFormat.PDF: "application/pdf",
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.SVG: "image/svg+xml",
    FileFormat.PNG: "image/png",
}


def formats_of(statement: Statement) -> tuple[FileFormat, ...]:
    """What a statement can be written in: the overview as pictures, too."""
    if statement is Statement.OVERVIEW:
        return tuple(FileFormat)
    return tuple(one for one in FileFormat if one not in PICTURES)


def file_format(statement: Statement, value: str) -> FileFormat:
    """Return the form that a caller named; ValidationError, naming `format`, for one that there is not."""
    known = formats_of(statement)
    if value not in known:
        raise ValidationError.of(
            "format", f"{shown(value)} is no form of the {statement}; send json, {', '.join(known)}."
        )
    return FileFormat(value)
