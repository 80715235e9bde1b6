"""The filtered list as a file, whatever its length: rows are read and sent a thousand at a time."""

import csv
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from django.contrib import messages
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)

from ledger.cells import neutralised
from ledger.exceptions import ValidationError
from ledger.models import Entity
from ledger.money import as_text, minor_digits
from ledger.office.pages import CompanyPage
from transactions.browsing import Filters, browse
from transactions.listing import Position
from transactions.office.chart_choices import Chart
from transactions.office.filters import FilterForm
from transactions.office.lines import Line
from transactions.rows import Row

CHUNK_ROWS: Final = 1_000
# A sheet has 1,048,576 rows.
SHEET_ROWS_MAX: Final = 1_000_000
_MEMORY_MAX: Final = 5_000_000
COLUMNS: Final = (
    "Date", "Description", "Counterparty", "Debit account", "Credit account", "Amount", "Currency", "Status",
    "Source", "Id", "Journal entry",
)  # fmt: skip
_AMOUNT: Final = COLUMNS.index("Amount")
_WIDTHS: Final = (11, 40, 24, 28, 28, 14, 9, 12, 14, 32, 32)


class ExportPage(CompanyPage):
    """`transactions/export.csv` and `.xlsx`, narrowed as the list is."""

    def get(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Send the file; back to the list with a message for a filter that cannot be, and for a sheet that
        would be too long."""
        form = FilterForm(request.GET, chart=Chart(self.company))
        try:
            return self._file(form, kwargs["file_format"])
        except ValidationError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(f"{self.link('transactions')}?{form.query()}")

    def _file(self, form: FilterForm, file_format: str) -> HttpResponseBase:
        if not form.is_valid():
            name, faults = next(iter(form.errors.items()))
            raise ValidationError.of(name, str(faults[0]))
        rows = read_rows(self.company, form.filters())
        name = f"transactions-{self.company.public_id[-8:]}"
        if file_format == "csv":
            response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
            response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
            return response
        if file_format == "xlsx":
            return FileResponse(write_sheet(rows), as_attachment=True, filename=f"{name}.xlsx")
        raise Http404


def read_rows(entity: Entity, filters: Filters) -> Iterator[Row]:
    """Every transaction that passes the filters, newest first; a query or a few per thousand."""
    after: Position | None = None
    while True:
        page = browse(entity, filters, limit=CHUNK_ROWS, after=after)
        yield from page.rows
        if page.after is None:
            return
        after = page.after


class _Echo:
    """Takes what the csv module writes and hands it back."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterator[Row]) -> Iterator[str]:
    """The lines of the file, as RFC 4180 has them, with a mark in front by which Excel knows UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + str(writer.writerow(COLUMNS))
    for row in rows:
        yield str(writer.writerow(_cells(row)))


def write_sheet(rows: Iterator[Row]) -> IO[bytes]:
    """The rows as a workbook, open at its beginning; on disk where it is large."""
    # Not before somebody wants a sheet: it takes memory of every web worker.
    import xlsxwriter

    file = SpooledTemporaryFile(max_size=_MEMORY_MAX)  # noqa: SIM115 - the response closes it
    try:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_numbers": False})
        sheet = book.add_worksheet("Transactions")
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        amounts: dict[str, Any] = {}
        for column, (title, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, title, bold)
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, start=1):
            if number > SHEET_ROWS_MAX:
                raise ValidationError(
                    f"A sheet holds {SHEET_ROWS_MAX:,} transactions at most; narrow the list, or take CSV."
                )
            if row.currency not in amounts:
                point = minor_digits(row.currency)
                digits = f"#,##0.{'0' * point}" if point else "#,##0"
                amounts[row.currency] = book.add_format({"num_format": digits})
            for column, text in enumerate(_cells(row)):
                if column == 0:
                    sheet.write_datetime(number, 0, row.date, day)
                elif column == _AMOUNT:
                    sheet.write_number(number, column, row.amount, amounts[row.currency])
                elif text:
                    sheet.write_string(number, column, text)
        book.close()
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _cells(row: Row) -> tuple[str, ...]:
    line = Line(row)
    return (
        row.date.isoformat(),
        neutralised(row.description),
        neutralised(row.counterparty),
        neutralised(line.debit),
        neutralised(line.credit),
        as_text(row.amount, row.currency),
        row.currency,
        line.status,
        line.source,
        line.public_id,
        line.entry_id,
    )
