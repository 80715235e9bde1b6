"""CSV statements: every bank writes its own. What a file does not say itself is read off all of it, and where
that leaves a doubt (days and months, signs) the file is refused until someone says which it is."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from banking.choices import StatementFormat
from banking.statements.amounts import AmountCells, AmountError, Marks, guess_marks, plain
from banking.statements.content import Reading, Statement, StatementFile, StatementLine
from banking.statements.csv_mapping import AmountSign, CsvMapping, guess_mapping, looks_like_header
from banking.statements.days import AmbiguousDaysError, DayCells, DayError, guess_order
from banking.statements.faults import refuse_file
from banking.statements.limits import (
    CATEGORY_LENGTH_MAX,
    COLUMNS_MAX,
    COUNTERPARTY_LENGTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    LINES_MAX,
)
from banking.statements.texts import check_line, clean, clean_raw, decode, joined, useful_reference
from ledger.exceptions import shown
from ledger.money import MINOR_DIGITS

_DELIMITERS: Final = (",", ";", "\t", "|")
_ROWS_SNIFFED: Final = 60
# The header stands within so many rows; before it is what the bank says of the account.
_PREAMBLE_ROWS_MAX: Final = 40
_IBAN: Final = re.compile(r"\b([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)\b", re.ASCII)
_OUT_WORDS: Final = frozenset(
    {"debit", "dr", "d", "dbit", "soll", "s", "af", "debet", "out", "withdrawal", "-"}
)
_IN_WORDS: Final = frozenset({"credit", "cr", "c", "crdt", "haben", "h", "bij", "in", "deposit", "+"})


class CsvRow(NamedTuple):
    """A record and the line of the file that it begins in."""

    row: int
    cells: list[str]


@dataclass(slots=True)
class CsvTable:
    """A file that was cut into cells, and what was found out about it."""

    encoding: str
    delimiter: str
    # None where there is no header; the columns are then called "1", "2" and so on.
    header_row: int | None
    columns: list[str]
    preamble: list[CsvRow]
    rows: list[CsvRow]

    def place(self, column: str) -> int | None:
        """Where in a row that column stands, by its name whatever the case, or by its number."""
        wanted = column.casefold()
        for index, name in enumerate(self.columns):
            if name.casefold() == wanted:
                return index
        if column.isascii() and column.isdigit() and 1 <= int(column[:4]) <= len(self.columns):
            return int(column[:4]) - 1
        return None


def read_csv(
    data: bytes, reading: Reading, mapping: CsvMapping | None = None, *, is_card: bool = False
) -> tuple[StatementFile, CsvTable, CsvMapping]:
    """Return the statement of a CSV file, its cells, and the mapping with everything that was guessed.

    Without a `mapping` the columns are guessed by their names. On a card (`is_card`), where nobody said what
    a positive amount means, it is what most lines have, since most are purchases; on another account it is
    money in. Raises StatementFileError where columns are missing or unknown, and where the dates can be read
    in two ways.
    """
    table = read_table(data, mapping)
    mapping = resolved_mapping(table, mapping, reading, is_card=is_card)
    statement = Statement(row=table.header_row or 1, account_number=_number_in_preamble(table))
    _Lines(table, mapping, reading, statement).read()
    _settle_balances(statement, table, mapping)
    return StatementFile(StatementFormat.CSV, [statement], reading.faults), table, mapping


# --- cells ----------------------------------------------------------------------------------------


def read_table(data: bytes, mapping: CsvMapping | None = None) -> CsvTable:
    """Cut a file into cells and find its header: the first row with the columns of the mapping, or else the
    first with names of a date and of an amount."""
    text, encoding = decode(data)
    if not text.strip():
        refuse_file("is empty; download it again.")
    delimiter = _delimiter(text)
    rows = list(_records(text, delimiter))
    if not rows:
        refuse_file("has nothing in its cells; download it again.")
    at = _header(rows, mapping)
    if at is None:
        width = Counter(len(one.cells) for one in rows).most_common(1)[0][0]
        columns = [str(number) for number in range(1, width + 1)]
        return CsvTable(encoding, delimiter, None, columns, [], rows)
    columns = [cell.strip() for cell in rows[at].cells]
    while columns and not columns[-1]:
        columns.pop()
    return CsvTable(encoding, delimiter, rows[at].row, columns, rows[:at], rows[at + 1 :])


def _records(text: str, delimiter: str) -> Iterator[CsvRow]:
    """The records that are not blank."""
    lines = (check_line(line, row) for row, line in enumerate(io.StringIO(text, newline=""), start=1))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    count = 0
    row = 1
    try:
        for cells in reader:
            here, row = row, reader.line_num + 1
            if not any(cell and not cell.isspace() for cell in cells):
                continue
            if len(cells) > COLUMNS_MAX:
                refuse_file(f"has {len(cells)} columns; a statement has at most {COLUMNS_MAX}.", row=here)
            count += 1
            if count > LINES_MAX + _PREAMBLE_ROWS_MAX:
                refuse_file(f"has more than {LINES_MAX} lines; download shorter periods.", row=here)
            yield CsvRow(here, cells)
    except csv.Error as error:
        refuse_file(f"is broken or cut off from here on ({error}); download it again.", row=row)


def _delimiter(text: str) -> str:
    """The delimiter that cuts most rows into equally many cells; of equals the one with more cells."""
    lines = []
    for line in io.StringIO(text[:200_000], newline=""):
        if line.strip():
            lines.append(line[:5_000])
        if len(lines) == _ROWS_SNIFFED:
            break

    def fitness(delimiter: str) -> tuple[int, int]:
        try:
            widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            return 0, 0
        widths.pop(1, None)
        widths.pop(0, None)
        if not widths:
            return 0, 0
        width, rows = widths.most_common(1)[0]
        return rows, width

    return max(_DELIMITERS, key=fitness)


def _header(rows: Sequence[CsvRow], mapping: CsvMapping | None) -> int | None:
    wanted = {column.casefold() for column in mapping.columns} if mapping else set()
    for index, one in enumerate(rows[:_PREAMBLE_ROWS_MAX]):
        names = {cell.strip().casefold() for cell in one.cells}
        if wanted and wanted <= names:
            return index
    for index, one in enumerate(rows[:_PREAMBLE_ROWS_MAX]):
        if looks_like_header(one.cells):
            return index
    return None


# --- what the columns are -------------------------------------------------------------------------


def resolved_mapping(
    table: CsvTable, mapping: CsvMapping | None, reading: Reading, *, is_card: bool
) -> CsvMapping:
    """Return the mapping with everything that the file itself tells: order of dates, decimal mark, sign."""
    if mapping is None:
        mapping = guess_mapping(table.columns) if table.header_row is not None else None
        if mapping is None:
            refuse_file(
                f"does not say which column is what; it has {_listed(table)}. Send a mapping with date and "
                "amount (or debit and credit)."
            )
    unknown = [column for column in mapping.columns if table.place(column) is None]
    if unknown:
        refuse_file(
            f"{', '.join(shown(column) for column in unknown)} is no column of the file; it has "
            f"{_listed(table)}.",
            field="mapping",
        )
    if mapping.date_order is None:
        try:
            mapping = replace(mapping, date_order=guess_order(_cells(table, mapping.date)))
        except AmbiguousDaysError as error:
            refuse_file(str(error), field=mapping.date)
    if mapping.decimal_mark is None:
        mapping = replace(mapping, decimal_mark=_decimal_mark(table, mapping, reading))
    if mapping.amount and not mapping.direction and mapping.amount_sign is None:
        mapping = replace(mapping, amount_sign=_amount_sign(table, mapping, is_card=is_card))
    return mapping


def _listed(table: CsvTable) -> str:
    names = [name for name in table.columns if name]
    if table.header_row is None:
        return f"no header, and columns 1 to {len(table.columns)}"
    return "the columns " + ", ".join(shown(name) for name in names[:30])


def _cells(table: CsvTable, column: str | None) -> Iterator[str]:
    place = table.place(column) if column else None
    if place is not None:
        for one in table.rows:
            if len(one.cells) > place and one.cells[place].strip():
                yield one.cells[place]


def _decimal_mark(table: CsvTable, mapping: CsvMapping, reading: Reading) -> str:
    digits = MINOR_DIGITS.get(reading.currency or "", 2)
    columns = [mapping.amount, mapping.debit, mapping.credit]
    try:
        return guess_marks((cell for one in columns for cell in _cells(table, one)), digits).decimal
    except AmountError as error:
        refuse_file(str(error), field=mapping.amount or mapping.debit or "amount")


def _amount_sign(table: CsvTable, mapping: CsvMapping, *, is_card: bool) -> AmountSign:
    if not is_card:
        return AmountSign.IN
    cells = AmountCells(Marks(mapping.decimal_mark or "."))
    positive = negative = 0
    for cell in _cells(table, mapping.amount):
        try:
            is_negative = cells.read(cell.strip()).number.startswith("-")
        except AmountError:
            continue
        negative += is_negative
        positive += not is_negative
    return AmountSign.OUT if positive > negative else AmountSign.IN


# --- lines ----------------------------------------------------------------------------------------


class _Lines:
    """Reads the rows below the header into a statement."""

    def __init__(self, table: CsvTable, mapping: CsvMapping, reading: Reading, statement: Statement) -> None:
        self._table, self._mapping, self._reading, self._statement = table, mapping, reading, statement
        self._faults = reading.faults
        assert mapping.date_order is not None
        assert mapping.decimal_mark is not None
        self._days = DayCells(mapping.date_order)
        self._amounts = AmountCells(Marks(mapping.decimal_mark))
        self._at = {name: self._place(getattr(mapping, name)) for name in _PLACED}
        # Amounts that stand alone, by how they are written.
        self._known: dict[str, Decimal] = {}
        self._at_date = table.place(mapping.date) or 0
        self._at_description = [
            place for column in mapping.description if (place := table.place(column)) is not None
        ]
        # What every row must reach: the last column that has a name.
        self._width = len(table.columns)

    def _place(self, column: str | None) -> int | None:
        return self._table.place(column) if column else None

    def read(self) -> None:
        """Read all rows; what is wrong with one is noted."""
        rows = self._table.rows
        end = self._end_of_rows(rows)
        for one in rows[:end]:
            line = self._line(one)
            if line is not None:
                self._reading.add(self._statement, line)

    def _end_of_rows(self, rows: Sequence[CsvRow]) -> int:
        """How many rows there are before what some banks write below: totals, balances, remarks."""
        end = len(rows)
        while end and self._is_footer(rows[end - 1].cells):
            end -= 1
        return end

    def _is_footer(self, cells: Sequence[str]) -> bool:
        """Whether a row begins with a word, and has nothing that could be its date."""
        first = next((cell.strip() for cell in cells if cell.strip()), "")
        if len(cells) > self._at_date and any(c.isdigit() for c in cells[self._at_date]):
            return False
        return first[:1].isalpha() and len(cells) != self._width

    def _line(self, one: CsvRow) -> StatementLine | None:
        row, cells = one
        if len(cells) < self._width:
            self._faults.add(
                row,
                "",
                f"has {len(cells)} cells and the header {self._width}; it may be cut off, download it again.",
            )
            return None
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            self._faults.add(
                row,
                "",
                f"has {len(cells)} cells and the header {self._width}; text with the delimiter "
                f"{shown(self._table.delimiter)} in it needs quotes around it.",
            )
            return None
        known = self._faults.count
        day = self._day(row, cells[self._at_date], self._mapping.date)
        amount = self._amount(row, cells)
        self._check_account(row, cells)
        if day is None or amount is None or self._faults.count > known:
            return None
        who = self._text("counterparty", cells)
        text = joined(*(cells[place] for place in self._at_description))
        used_on = self._text("used_on", cells)
        return StatementLine(
            row=row,
            day=day,
            amount=amount,
            description=clean(text or who or "Bank transaction", DESCRIPTION_LENGTH_MAX),
            counterparty=clean(who, COUNTERPARTY_LENGTH_MAX),
            reference=useful_reference(self._text("reference", cells)),
            used_on=self._day(row, used_on, str(self._mapping.used_on)) if used_on else None,
            category=clean(self._text("category", cells), CATEGORY_LENGTH_MAX),
            raw=partial(_raw, self._table.columns, cells),
        )

    def _text(self, name: str, cells: Sequence[str]) -> str:
        place = self._at[name]
        return cells[place].strip() if place is not None else ""

    def _day(self, row: int, text: str, field: str) -> date | None:
        if not text.strip():
            self._faults.add(row, field, "is blank; every line of a statement has a date.")
            return None
        try:
            day = self._days.read(text)
        except DayError as error:
            self._faults.add(row, field, str(error))
            return None
        return day if self._reading.check_day(row, day, field=field) else None

    def _amount(self, row: int, cells: Sequence[str]) -> Decimal | None:
        """The line's amount, positive for money out; None after noting why there is none."""
        mapping = self._mapping
        if mapping.amount:
            amount = self._cell_amount(row, cells, "amount")
            if amount is None:
                if not self._text("amount", cells):
                    self._faults.add(
                        row, mapping.amount, "is blank; every line of a statement has an amount."
                    )
                return None
            if mapping.direction:
                return self._directed(row, amount, self._text("direction", cells))
            return amount if mapping.amount_sign is AmountSign.OUT else -amount
        sides = {}
        for name in ("debit", "credit"):
            if getattr(mapping, name) and self._text(name, cells):
                side = self._cell_amount(row, cells, name)
                if side is None:
                    return None
                sides[name] = abs(side)
        filled = [name for name, side in sides.items() if side]
        if len(filled) == 2:
            self._faults.add(
                row, str(mapping.debit), f"and {mapping.credit} are both filled; a line is one of the two."
            )
            return None
        if not sides:
            self._faults.add(
                row,
                mapping.debit or mapping.credit or "",
                "is blank; every line of a statement has an amount.",
            )
            return None
        # Some banks write withdrawals with a minus: which side it stands on says it already.
        return sides.get("debit", Decimal(0)) - sides.get("credit", Decimal(0))

    def _cell_amount(self, row: int, cells: Sequence[str], name: str) -> Decimal | None:
        text = self._text(name, cells)
        if not text:
            return None
        known = self._known.get(text)
        if known is not None and self._at["currency"] is None:
            return known
        field = str(getattr(self._mapping, name))
        try:
            written = self._amounts.read(text)
        except AmountError as error:
            self._faults.add(row, field, str(error))
            return None
        if not self._check_currency(row, written.currency or self._text("currency", cells)):
            return None
        amount = self._reading.amount(
            row, written.number, field=field, currency=self._statement.currency or None
        )
        if amount is not None and not written.currency:
            self._known[text] = amount
        return amount

    def _directed(self, row: int, amount: Decimal, word: str) -> Decimal | None:
        if word.casefold() in _OUT_WORDS:
            return amount
        if word.casefold() in _IN_WORDS:
            return -amount
        self._faults.add(
            row,
            str(self._mapping.direction),
            f"{shown(word)} says neither debit nor credit; write one of them.",
        )
        return None

    def _check_currency(self, row: int, currency: str) -> bool:
        """Whether the row is in the currency of the rows before it."""
        code = currency.strip().upper()
        if not code:
            return True
        if code not in MINOR_DIGITS:
            self._faults.add(row, self._mapping.currency or "currency", f"{shown(code)} is no currency.")
            return False
        ours = self._statement.currency or self._reading.currency or code
        if code != ours:
            self._faults.add(
                row,
                self._mapping.currency or "currency",
                f"{shown(code)} is another currency than {ours}; import it into an account of that currency.",
            )
            return False
        self._statement.currency = ours
        return True

    def _check_account(self, row: int, cells: Sequence[str]) -> None:
        number = self._text("account", cells)
        if not number:
            return
        if not self._statement.account_number:
            self._statement.account_number = number
        elif not same_account(number, self._statement.account_number):
            self._faults.add(
                row,
                str(self._mapping.account),
                f"{shown(number)} is another account than {shown(self._statement.account_number)}; import it "
                "into its own bank account.",
            )


_PLACED: Final = (
    "amount", "debit", "credit", "direction", "counterparty", "reference", "used_on", "category", "currency",
    "account", "balance",
)  # fmt: skip


def same_account(one: str, other: str) -> bool:
    """Whether two spellings can be the number of one account: equal, or one the end of the other (an account
    number in its IBAN, the last digits of a card, as XXXX1234)."""
    a, b = (re.sub(r"[^0-9A-Z]", "", text.upper()).lstrip("X0") for text in (one, other))
    short, long = sorted((a, b), key=len)
    return bool(short) and (short == long or (len(short) >= 4 and long.endswith(short)))


def _raw(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    return {
        name or str(number): clean_raw(cell)
        for number, (name, cell) in enumerate(zip(columns, cells, strict=False), start=1)
        if cell.strip()
    }


def _number_in_preamble(table: CsvTable) -> str:
    """The IBAN that stands above the header, where there is just one."""
    found = {
        number
        for one in table.preamble
        for cell in one.cells
        for number in (match[1].replace(" ", "") for match in _IBAN.finditer(cell[:200]))
        if _is_iban(number)
    }
    return found.pop() if len(found) == 1 else ""


def _is_iban(number: str) -> bool:
    """Whether its check digits are right (ISO 13616, modulo 97)."""
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def _settle_balances(statement: Statement, table: CsvTable, mapping: CsvMapping) -> None:
    """Take opening and closing balance from the column of running balances, where it adds up."""
    place = table.place(mapping.balance) if mapping.balance else None
    lines = statement.lines
    if place is None or not lines or statement.left_out:
        return
    cells = AmountCells(Marks(mapping.decimal_mark or "."))
    by_row = {one.row: one.cells for one in table.rows}
    balances: list[Decimal] = []
    for line in lines:
        try:
            text = plain(cells.read(by_row[line.row][place].strip()).number)
        except (AmountError, IndexError):
            return
        if text is None:
            return
        balances.append(Decimal(text))
    # Positive amounts are money out, which lowers the balance. The oldest line may stand first or last.
    pairs = list(zip(lines, balances, strict=True))
    for ordered in (pairs, pairs[::-1]):
        if all(after == before - line.amount for (_, before), (line, after) in pairwise(ordered)) and (
            len(ordered) > 1
        ):
            statement.opening_balance = ordered[0][1] + ordered[0][0].amount
            statement.closing_balance = ordered[-1][1]
            statement.closing_day = ordered[-1][0].day
            return
