"""Statements as sheets: XLSX with typed cells, and CSV."""

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from io import StringIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from ledger.cells import neutralised
from ledger.clock import utc_now
from ledger.ids import Prefix, encode_id
from ledger.money import as_number, as_text, minor_digits
from reports.basis import Basis
from reports.files.documents import too_long
from reports.files.layout import set_lines
from reports.files.orders import Order, Statement
from reports.files.wording import facts, ledger_notes, made_label
from reports.snapshot import snapshot
from reports.statements.general_ledger import Entry, iterate_entries
from reports.statements.table import StatementTable, Style, period_label

# A sheet has 1,048,576 rows; this leaves some for what stands above.
XLSX_ENTRIES_MAX: Final = 1_000_000
# Sheets keep numbers as doubles and show 15 digits; an amount with more is written as text, exactly.
_DIGITS_MAX: Final = 15
_LABEL_WIDTH, _AMOUNT_WIDTH = 48, 18
_MEMORY_MAX: Final = 1024 * 1024
_INDENT_MAX: Final = 15
_PIECE_CHARACTERS: Final = 64 * 1024
_LEDGER_COLUMNS: Final = (
    ("Date", 12), ("Code", 8), ("Account", 32), ("Description", 48), ("Debit", 16), ("Credit", 16),
    ("Balance", 18), ("Status", 11), ("Transaction", 32), ("Account id", 32),
)  # fmt: skip


# --- CSV -----------------------------------------------------------------------------------------


def csv_pieces(order: Order) -> Iterator[bytes]:
    """The statement as CSV (RFC 4180, UTF-8), in pieces; the general ledger of any length in little memory.

    A row for each line of the statement with its level and kind, numbers plain. The general ledger has a row
    for each entry. Raises what `Order.table` and `Order.general_ledger` raise, at once.
    """
    if order.statement is not Statement.GENERAL_LEDGER:
        return _written(_table_rows(order.table()))
    # Read before anything is sent, so that what cannot be made is refused with a status.
    order.general_ledger()
    return _written(_ledger_rows(order))


def _table_rows(table: StatementTable) -> Iterator[Iterable[object]]:
    yield (
        "Key",
        "Code",
        "Line",
        "Level",
        "Kind",
        *(neutralised(column.label) for column in table.columns),
        "Currency",
    )
    empty = (None,) * len(table.columns)
    for line in table.lines:
        yield (
            line.key,
            line.code,
            neutralised(line.label),
            line.level,
            line.style.value,
            *(
                None if amount is None else as_text(amount, table.currency)
                for amount in line.amounts or empty
            ),
            table.currency,
        )


def _ledger_rows(order: Order) -> Iterator[Iterable[object]]:
    currency = order.scope.currency
    with snapshot():
        ledger = order.general_ledger()
        yield (*(name for name, _ in _LEDGER_COLUMNS), "Currency")
        for entry in iterate_entries(ledger):
            yield (
                entry.date,
                entry.account.code,
                neutralised(entry.account.name),
                neutralised(entry.description),
                as_text(entry.debit, currency) if entry.debit else None,
                as_text(entry.credit, currency) if entry.credit else None,
                as_text(entry.running_balance, currency),
                entry.status,
                encode_id(Prefix.TRANSACTION, entry.transaction_id),
                encode_id(Prefix.ACCOUNT, entry.account.id),
                currency,
            )


def _written(rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    text = StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(row)
        if text.tell() >= _PIECE_CHARACTERS:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


# --- XLSX ----------------------------------------------------------------------------------------


def xlsx_file(order: Order) -> IO[bytes]:
    """The statement as an XLSX file, open at its beginning: amounts and days are typed cells, what stands
    above the columns stays in view, and no text is a formula. A long one is on disk, not in memory.

    Raises ValidationError, naming `format`, for a general ledger of more entries than a sheet has rows.
    """
    file = SpooledTemporaryFile(max_size=_MEMORY_MAX)  # noqa: SIM115 - the response closes it
    try:
        _Sheet(file, order).write()
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


class _Sheet:
    """Writes one workbook of one sheet."""

    def __init__(self, file: Any, order: Order) -> None:
        # Not before somebody wants a sheet: it takes memory of every web worker.
        import xlsxwriter

        self._order = order
        self._currency = order.scope.currency
        # Rows go to disk as they are written, so memory does not grow with them.
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_numbers": False})
        self._formats: dict[tuple[object, ...], Any] = {}
        point = minor_digits(self._currency)
        digits = f"#,##0.{'0' * point}" if point else "#,##0"
        self._figures = f'{digits}_);({digits});"–"_)'  # noqa: RUF001 - a dash for zero, as on paper
        self._row = 0

    def write(self) -> None:
        """Write the workbook whole."""
        if self._order.statement is Statement.GENERAL_LEDGER:
            self._write_ledger()
        else:
            self._write_table(self._order.table())
        self._book.close()

    def _write_table(self, table: StatementTable) -> None:
        sheet = self._begin(table.title, table.subtitle, table.basis, list(table.notes))
        self._sheet.set_column(0, 0, 9)
        self._sheet.set_column(1, 1, _LABEL_WIDTH)
        self._sheet.set_column(2, 1 + len(table.columns), _AMOUNT_WIDTH)
        self._head(["Code", table.title, *(column.label for column in table.columns)], amounts_from=2)
        is_flat = self._order.statement is Statement.TRIAL_BALANCE
        for line in set_lines(table, self._order.paths() if is_flat else {}):
            bold = line.style in (Style.HEADING, Style.TOTAL)
            if line.code is not None:
                sheet.write_number(self._row, 0, line.code)
            label = self._format(bold=bold, indent=min(line.level, _INDENT_MAX))
            sheet.write_string(self._row, 1, neutralised(line.label), label)
            amount_format = self._format(
                bold=bold,
                num_format=self._figures,
                align="right",
                top=1 if line.style in (Style.SUBTOTAL, Style.TOTAL) else 0,
                # The double rule at the end of a part.
                bottom=6 if line.style is Style.TOTAL else 0,
            )
            for column, amount in enumerate(line.amounts, start=2):
                self._amount(column, amount, amount_format)
            self._row += 1

    def _write_ledger(self) -> None:
        sheet = self._begin(
            "General Ledger",
            period_label(self._order.period),
            Basis.ACCRUAL,
            ledger_notes(self._order, self._order.paths()),
        )
        for column, (_, width) in enumerate(_LEDGER_COLUMNS):
            sheet.set_column(column, column, width)
        self._head([name for name, _ in _LEDGER_COLUMNS], amounts_from=4, amounts_to=6)
        first = self._row - 1
        amount, day = self._format(num_format=self._figures), self._format(num_format="yyyy-mm-dd")
        with snapshot():
            for number, entry in enumerate(iterate_entries(self._order.general_ledger())):
                if number == XLSX_ENTRIES_MAX:
                    raise too_long("xlsx", XLSX_ENTRIES_MAX)
                self._write_entry(entry, amount, day)
        sheet.autofilter(first, 0, max(self._row - 1, first), len(_LEDGER_COLUMNS) - 1)

    def _write_entry(self, entry: Entry, amount: Any, day: Any) -> None:
        sheet = self._sheet
        self._day(0, entry.date, day)
        if entry.account.code is not None:
            sheet.write_number(self._row, 1, entry.account.code)
        sheet.write_string(self._row, 2, neutralised(entry.account.name))
        sheet.write_string(self._row, 3, neutralised(entry.description))
        self._amount(4, entry.debit or None, amount)
        self._amount(5, entry.credit or None, amount)
        self._amount(6, entry.running_balance, amount)
        sheet.write_string(self._row, 7, entry.status)
        sheet.write_string(self._row, 8, encode_id(Prefix.TRANSACTION, entry.transaction_id))
        sheet.write_string(self._row, 9, encode_id(Prefix.ACCOUNT, entry.account.id))
        self._row += 1

    def _begin(self, title: str, subtitle: str, basis: Basis, notes: list[str]) -> Any:
        """The sheet, with what stands above its columns."""
        entity = self._order.entity
        self._book.set_properties({"title": f"{entity}: {title}, {subtitle}", "author": str(entity)})
        self._sheet = self._book.add_worksheet(title[:31])
        self._sheet.hide_gridlines(2)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        self._sheet.set_footer("&L" + made_label(utc_now(), entity).replace("&", "&&") + "&RPage &P of &N")
        head = [str(entity), title, subtitle, "; ".join(facts(basis, self._order.scope)), *notes]
        head.append(made_label(utc_now(), entity))
        for number, text in enumerate(head):
            self._sheet.write_string(self._row, 0, neutralised(text), self._format(bold=number < 2))
            self._row += 1
        self._row += 1
        return self._sheet

    def _head(self, labels: list[str], *, amounts_from: int, amounts_to: int | None = None) -> None:
        """The columns' names, which stay in view with all above them, and on each printed page."""
        last = len(labels) - 1 if amounts_to is None else amounts_to
        for column, label in enumerate(labels):
            align = "right" if amounts_from <= column <= last else "left"
            style = self._format(bold=True, bottom=1, align=align, text_wrap=True)
            self._sheet.write_string(self._row, column, neutralised(label), style)
        self._sheet.freeze_panes(self._row + 1, 0)
        self._sheet.repeat_rows(self._row)
        self._row += 1

    def _amount(self, column: int, amount: Decimal | None, style: Any) -> None:
        if amount is None:
            self._sheet.write_blank(self._row, column, None, style)
            return
        exact = as_number(amount, self._currency)
        if len(exact.as_tuple().digits) > _DIGITS_MAX:
            self._sheet.write_string(self._row, column, as_text(amount, self._currency), style)
        else:
            self._sheet.write_number(self._row, column, float(exact), style)

    def _day(self, column: int, day: date, style: Any) -> None:
        # Sheets know no days before 1900-03-01 that all programs agree on.
        write: Callable[..., Any] = self._sheet.write_datetime
        if day < date(1900, 3, 1):
            self._sheet.write_string(self._row, column, day.isoformat())
        else:
            write(self._row, column, day, style)

    def _format(self, **options: object) -> Any:
        """The workbook's format of these options, made once."""
        key = tuple(sorted(options.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(options)
        return self._formats[key]
