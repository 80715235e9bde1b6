"""Months in words."""

from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ai.chat.summaries import summaries_of
from ai.models import Summary
from ledger.api.pagination import CursorQuery, cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.views import ApiView
from ledger.money import as_number
from reports.periods import month_period
from transactions.api.responses import example

_FIGURES: Final = (
    "revenue",
    "expenses",
    "netIncome",
    "previousRevenue",
    "previousExpenses",
    "previousNetIncome",
    "netChangeInCash",
    "endingCash",
    "totalAssets",
    "totalLiabilities",
)


class SummariesQuery(CursorQuery):
    """Which page."""


_AMOUNT: Final = {
    name: serializers.DecimalField(max_digits=30, decimal_places=4, coerce_to_string=False)
    for name in _FIGURES
}
SUMMARIES_RESPONSE: Final = inline_serializer(
    "SummariesResponse",
    {
        "summaries": inline_serializer(
            "SummaryOfMonth",
            {
                "month": serializers.IntegerField(),
                "year": serializers.IntegerField(),
                "startDate": serializers.DateField(),
                "endDate": serializers.DateField(),
                "currency": serializers.CharField(),
                "text": serializers.CharField(),
                "figures": inline_serializer("SummaryOfMonthFigures", dict(_AMOUNT)),
                "createdAt": serializers.DateTimeField(help_text="The books are told as they stood then."),
            },
            many=True,
        ),
        "nextCursor": serializers.CharField(allow_null=True),
        "hasMore": serializers.BooleanField(),
    },
)
_EXAMPLE: Final = {
    "summaries": [
        {
            "month": 1,
            "year": 2024,
            "startDate": "2024-01-01",
            "endDate": "2024-01-31",
            "currency": "USD",
            "text": "In January 2024 revenue was $12,500.00 (25.0% more than the month before) and expenses "
            "were $9,000.00 (as the month before): a net income of $3,500.00, after $1,000.00 the month "
            "before. The largest expenses were Rent ($4,000.00), Salaries ($3,500.00), Software ($1,500.00). "
            "Cash rose by $3,500.00 to $20,000.00.",
            "figures": {
                "revenue": 12500.00,
                "expenses": 9000.00,
                "netIncome": 3500.00,
                "previousRevenue": 10000.00,
                "previousExpenses": 9000.00,
                "previousNetIncome": 1000.00,
                "netChangeInCash": 3500.00,
                "endingCash": 20000.00,
                "totalAssets": 24000.00,
                "totalLiabilities": 2000.00,
            },
            "createdAt": "2024-02-01T05:00:12Z",
        }
    ],
    "nextCursor": None,
    "hasMore": False,
}


class SummariesView(ApiView):
    """`/v1/ai/summaries`"""

    @extend_schema(
        operation_id="listSummaries",
        tags=["AI"],
        summary="List the summaries of months",
        description=(
            "Months in words, the newest first: written from what was posted, in the first hours after the "
            "month has ended in the entity's time zone, where its setting `smart_summary` is on."
        ),
        parameters=[SummariesQuery],
        responses=SUMMARIES_RESPONSE,
        examples=[example("A page", _EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        """A page of summaries."""
        entity = self.entity
        query = parse_query(request, SummariesQuery)
        scope, size = cursor_scope("summaries", entity.id, query), query["page_size"]
        older_than = decode_cursor(scope, query["cursor"])[0] if "cursor" in query else None
        found = list(summaries_of(entity, older_than=older_than)[: size + 1])
        page = cut_page(found, size=size, scope=scope, key=lambda summary: (summary.month,))
        return Response(
            {
                "summaries": [_shape(summary) for summary in page.rows],
                "nextCursor": page.next_cursor,
                "hasMore": page.has_more,
            }
        )


def _shape(summary: Summary) -> dict[str, Any]:
    period = month_period(summary.month.year, summary.month.month)
    return {
        "month": summary.month.month,
        "year": summary.month.year,
        "startDate": period.start,
        "endDate": period.end,
        "currency": summary.currency,
        "text": summary.text,
        "figures": {
            name: as_number(Decimal(amount), summary.currency) for name, amount in summary.figures.items()
        },
        "createdAt": summary.created_at,
    }
