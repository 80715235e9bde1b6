"""What is wrong with a file: counted, and the first faults kept with their lines."""

from collections.abc import Sequence
from typing import Final

from ledger.exceptions import Detail, ValidationError

FAULTS_SHOWN_MAX: Final = 20


class JournalFileError(ValidationError):
    """The file cannot be imported, and nothing of it was. `details` has the first faults, each with its line
    and column as the field; `faults` counts all of them."""

    def __init__(self, details: Sequence[Detail], faults: int) -> None:
        first = details[0]
        more = f" (and {faults - 1} more)" if faults > 1 else ""
        super().__init__(f"{first.field}: {first.message}{more}", details=details)
        self.faults = faults


class Faults:
    """Counts the faults of a file and keeps those of the first lines."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[tuple[int, Detail]] = []

    def add(self, line: int, column: str, message: str) -> None:
        """Note what is wrong in a line, and in which column where it is one."""
        self.count += 1
        self._first.append((line, Detail(f"line {line}, {column}" if column else f"line {line}", message)))
        if len(self._first) > 10 * FAULTS_SHOWN_MAX:
            self._shorten()

    def raise_any(self) -> None:
        """Raise JournalFileError if there is a fault."""
        if self.count:
            self._shorten()
            raise JournalFileError([detail for _, detail in self._first], self.count)

    def _shorten(self) -> None:
        self._first.sort(key=lambda one: one[0])
        del self._first[FAULTS_SHOWN_MAX:]
