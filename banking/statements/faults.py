"""What is wrong with a statement file: its rows, or all of it."""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from banking.statements.limits import FAULTS_LISTED_MAX, FAULTS_MAX
from ledger.exceptions import Detail, PayloadTooLargeError, ValidationError


class RowFault(NamedTuple):
    """Why one row cannot be imported.

    `row` is the line of the file in CSV and MT940, and the number of the entry in OFX and CAMT.053; 0 is the
    file itself.
    """

    row: int
    field: str
    message: str

    @property
    def detail(self) -> Detail:
        """The fault as the API lists it."""
        if not self.row:
            return Detail(self.field, self.message)
        return Detail(f"row {self.row}, {self.field}" if self.field else f"row {self.row}", self.message)


class StatementFileError(ValidationError):
    """The file was refused, and nothing of it is stored. `details` has the first faults, `count` all."""

    def __init__(self, faults: Sequence[RowFault], count: int | None = None) -> None:
        self.faults = tuple(faults)
        self.count = len(self.faults) if count is None else count
        details = [fault.detail for fault in self.faults]
        more = f" (and {self.count - 1} more, see details)" if self.count > 1 else ""
        super().__init__(f"{details[0].field}: {details[0].message}{more}", details=details)


class Faults:
    """Counts the faults of a file's rows, and keeps the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.listed: list[RowFault] = []

    def add(self, row: int, field: str, message: str) -> None:
        """Note a fault. Raises StatementFileError where there are far too many to go on reading."""
        self.count += 1
        if len(self.listed) < FAULTS_LISTED_MAX:
            self.listed.append(RowFault(row, field, message))
        if self.count >= FAULTS_MAX:
            self.raise_any()

    def raise_any(self) -> None:
        """Raise StatementFileError where there are faults."""
        if self.count:
            raise StatementFileError(self.listed, self.count)


def refuse_file(message: str, *, field: str = "file", row: int = 0) -> NoReturn:
    """Raise the StatementFileError of a file that cannot be read at all, or not from `row` on."""
    raise StatementFileError([RowFault(row, field, message)])


def check_size(size: int, size_max: int) -> None:
    """Raise PayloadTooLargeError for a file of more than `size_max` bytes."""
    if size > size_max:
        raise PayloadTooLargeError(
            f"The file has {size} bytes; a statement may have {size_max}. Download shorter periods."
        )
