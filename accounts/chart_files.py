"""A chart of accounts as a file, with the columns that its import takes: what goes out can come in again."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from accounts.chart import ChartAccount, ChartGroup
from accounts.imports.rows import COLUMNS
from ledger.cells import neutralised

FORMATS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WIDTHS: Final = (40, 12, 34, 14, 14, 10, 60)


def write_chart(groups: Sequence[ChartGroup], file_format: str, *, closed: bool = False) -> bytes:
    """Return the chart as CSV (UTF-8 with a mark, as spreadsheets want it) or XLSX; parents before children.

    Closed accounts are left out unless `closed`, but for those with open ones below. A parent is written as
    its code, or as its name where it has none. Text that a spreadsheet would run is neutralised.
    """
    rows = list(_rows(groups, closed=closed))
    return _xlsx(rows) if file_format == "xlsx" else _csv(rows)


def _rows(groups: Sequence[ChartGroup], *, closed: bool) -> Iterator[list[str | int | None]]:
    for group in groups:
        by_id: dict[object, ChartAccount] = {account.id: account for account in group.accounts}
        for account in group.accounts:
            if account.is_retired and not closed:
                continue
            parent = by_id.get(account.parent_id)
            above = None if parent is None else parent.code if parent.code is not None else parent.name
            yield [
                neutralised(account.name),
                account.type.value,
                account.financial_type,
                account.code,
                neutralised(above) if isinstance(above, str) else above,
                "true" if parent is None else "false",
                neutralised(account.description),
            ]


def _csv(rows: Sequence[Sequence[str | int | None]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _xlsx(rows: Sequence[Sequence[str | int | None]]) -> bytes:
    # Not before somebody asks for a workbook: it takes memory of every web worker.
    from xlsxwriter import Workbook

    data = io.BytesIO()
    with Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("Chart of accounts")
        sheet.freeze_panes(1, 0)
        head = book.add_format({"bold": True})
        for column, (name, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, name, head)
        for place, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, int):
                    sheet.write_number(place, column, value)
                elif value:
                    sheet.write_string(place, column, value)
    return data.getvalue()
