"""A statement as the response that carries its file."""

from typing import Final

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from reports.files.charts import chart
from reports.files.documents import statement_document
from reports.files.formats import PICTURES, FileFormat
from reports.files.names import attachment, file_name, inline
from reports.files.orders import Order
from reports.files.sheets import csv_pieces, xlsx_file

# A company's books are nobody else's: no proxy keeps them, and no page opened from them hears of it.
_HEADERS: Final = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}


def file_response(order: Order, format_: FileFormat) -> HttpResponseBase:
    """The response with the file: CSV is streamed, so that the general ledger of any length is; PDFs and
    pictures open in the browser.

    Raises ValidationError where the statement cannot be made, before anything is sent.
    """
    headers = _HEADERS | {"Content-Disposition": _disposition(order, format_)}
    if format_ is FileFormat.SVG:
        # An SVG is a document: none of ours runs or loads anything, and the browser holds it to that.
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    if format_ is FileFormat.CSV:
        pieces = csv_pieces(order)
        return StreamingHttpResponse(pieces, content_type=format_.content_type, headers=headers)
    if format_ is FileFormat.XLSX:
        return FileResponse(xlsx_file(order), content_type=format_.content_type, headers=headers)
    made = chart(order.overview(), format_) if format_ in PICTURES else statement_document(order)
    return HttpResponse(made, content_type=format_.content_type, headers=headers)


def _disposition(order: Order, format_: FileFormat) -> str:
    days = str(order.period.end)
    if not order.statement.is_of_a_day and not order.period.is_from_beginning:
        days = f"{order.period.start} to {days}"
    name = file_name(str(order.entity), order.statement.value, days, suffix=format_.value)
    return inline(name) if format_.opens_in_browser else attachment(name)
