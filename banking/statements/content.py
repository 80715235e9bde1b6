"""What stands in a statement file, whatever its format, before it meets the books."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

from banking.choices import StatementFormat
from banking.statements.faults import Faults, StatementFileError, refuse_file
from banking.statements.limits import LINES_MAX
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.money import MINOR_DIGITS, parse_amount
from ledger.times import YEAR_MIN

# The place on earth where a day begins first is 14 hours ahead of UTC.
_FIRST_ZONE_AHEAD = timedelta(hours=14)


@dataclass(slots=True)
class StatementLine:
    """One line of a statement. Amounts are positive where money left the account."""

    row: int
    day: date
    amount: Decimal
    description: str
    counterparty: str = ""
    # What the bank itself knows the line by; empty where it says nothing, or nothing of use.
    reference: str = ""
    # When the card was used, where the bank says so.
    used_on: date | None = None
    category: str = ""
    # Makes what is kept of the line as it came; called once, when it is stored.
    raw: Callable[[], Mapping[str, Any]] = dict


@dataclass(slots=True)
class Statement:
    """The lines of one account over some days. Balances are as the bank writes them: what it owes to the
    company is positive, what the company owes to it (a card) negative."""

    # As written; empty where the file doesn't say.
    account_number: str = ""
    currency: str = ""
    # Where the statement begins, for faults that are about all of it.
    row: int = 0
    opening_balance: Decimal | None = None
    closing_balance: Decimal | None = None
    # Of the closing balance.
    closing_day: date | None = None
    lines: list[StatementLine] = field(default_factory=list)
    # Lines that are no bookings: pending at the bank, or of nothing.
    left_out: int = 0


@dataclass(slots=True)
class StatementFile:
    """A file that was read: statements, and the faults of its rows."""

    format: StatementFormat
    statements: list[Statement]
    faults: Faults

    @property
    def line_count(self) -> int:
        """How many lines there are to import."""
        return sum(len(statement.lines) for statement in self.statements)


class Reading:
    """What every reader is given: the account's currency, where that is known, and where to note faults."""

    def __init__(self, currency: str | None = None) -> None:
        self.currency = currency
        self.faults = Faults()
        self._last_day = (utc_now().astimezone(UTC) + _FIRST_ZONE_AHEAD).date()
        self._lines = 0

    def amount(
        self, row: int, text: str, *, field: str = "amount", currency: str | None = None
    ) -> Decimal | None:
        """The decimal `text` as an amount of money, zero included; None after noting why it is none.

        A currency that is none is left to whoever compares it with the account's.
        """
        known = currency or self.currency
        if known not in MINOR_DIGITS:
            known = None
        try:
            # As a number: banks fill up with zeros on the left, which JSON numbers don't have.
            return parse_amount(Decimal(text), currency=known, field=field, allow_zero=True)
        except ValidationError as error:
            self.faults.add(row, field, error.details[0].message)
            return None

    def check_day(self, row: int, day: date, *, field: str = "date") -> bool:
        """Whether a line can be of that day; False after noting why not."""
        if day > self._last_day:
            self.faults.add(row, field, f'"{day}" is in the future; a statement has what was booked already.')
            return False
        if day.year < YEAR_MIN:
            self.faults.add(row, field, f'"{day}" is before {YEAR_MIN}; correct the year.')
            return False
        return True

    def add(self, statement: Statement, line: StatementLine) -> None:
        """Put a line into its statement; one that moves nothing is left out. Raises StatementFileError where
        there are too many."""
        if not line.amount:
            statement.left_out += 1
            return
        self._lines += 1
        if self._lines > LINES_MAX:
            refuse_file(
                f"has more than {LINES_MAX} lines; download shorter periods, one file after the other.",
                row=line.row,
            )
        statement.lines.append(line)


__all__ = ["Reading", "Statement", "StatementFile", "StatementFileError", "StatementLine"]
