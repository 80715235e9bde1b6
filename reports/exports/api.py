"""`/v1/reports/export`: whole books as a file."""

from datetime import date
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request

from ledger.api.query import parse_query
from ledger.api.schema import errors
from ledger.api.serializers import DayField, IdField, OneOfField, RequestSerializer
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError
from ledger.ids import Prefix
from reports.api.queries import ledger_of
from reports.exports import Books, ExportFormat, export_books
from reports.files.names import attachment, file_name
from reports.sums import StatusFilter

_JOURNAL: Final = """2024-01-15 * "Acme Hosting" "Servers of January"
  id: "txn_01h455vb4pex5vsknk084sn02q"
  Expenses:Hosting  30.00 USD
  Assets:Bank  -30.00 USD

2024-02-01 balance Assets:Bank  970.00 ~ 0 USD
"""


class ExportQuery(RequestSerializer):
    """Which books, which days of them (both included; all where there are none), and in which form."""

    format = OneOfField(ExportFormat, help_text="What reads it: beancount, hledger, or a spreadsheet.")
    ledger_id = IdField(Prefix.LEDGER, required=False, help_text="The default ledger unless given.")
    status = OneOfField(
        StatusFilter, required=False, help_text="`all` adds pending transactions, flagged; else `posted`."
    )
    start_date = DayField(required=False)
    end_date = DayField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse bounds that leave nothing between them."""
        start: date | None = attrs.get("start_date")
        end: date | None = attrs.get("end_date")
        if start is not None and end is not None and start > end:
            raise ValidationError.of("endDate", f"{end} is before startDate, {start}; swap the two.")
        return attrs


class ExportView(ApiView):
    """`/v1/reports/export`"""

    @extend_schema(
        operation_id="exportBooks",
        tags=["Reports"],
        summary="Export the books for other programs",
        description=(
            "The books as a beancount or hledger journal, or as CSV with a row for each transaction. The "
            "journals assert, after each month, the balance of every account that the month changed, so that "
            "those programs check these books. All is of one moment, and streamed."
        ),
        parameters=[ExportQuery],
        responses={
            (200, "text/plain"): OpenApiResponse(
                OpenApiTypes.STR,
                "The export.",
                examples=[OpenApiExample("A beancount journal", _JOURNAL, media_type="text/plain")],
            ),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The export as CSV."),
            **errors(400, 401, 403, 404, 429),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The export, streamed."""
        query = parse_query(request, ExportQuery)
        entity = self.entity
        format_: ExportFormat = query["format"]
        books = Books(
            entity,
            ledger_of(query, entity),
            query.get("start_date"),
            query.get("end_date"),
            pending=query.get("status") is StatusFilter.ALL,
        )
        days = f" from {books.start}" if books.start else ""
        days += f" to {books.end}" if books.end else ""
        name = file_name(str(entity), f"books{days}", suffix=format_.suffix)
        return StreamingHttpResponse(
            (piece.encode() for piece in export_books(books, format_)),
            content_type=format_.content_type,
            headers={"Content-Disposition": attachment(name), "Cache-Control": "no-store"},
        )


urlpatterns: list[URLPattern] = [path("reports/export", ExportView.as_view())]
