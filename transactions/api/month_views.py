"""Transactions by month."""

from typing import Any, Final

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.pagination import (
    CURSOR_LENGTH_MAX,
    PAGE_SIZE,
    PAGE_SIZE_MAX,
    cursor_scope,
    cut_page,
    decode_cursor,
)
from ledger.api.query import parse_query
from ledger.api.serializers import BoundedIntegerField, RequestSerializer, TextField
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError
from ledger.models import Entity
from ledger.money import as_number
from ledger.times import YEAR_MAX, YEAR_MIN
from transactions.api.responses import EXAMPLE_TRANSACTION, Transaction, example
from transactions.api.shapes import TransactionShaper
from transactions.months import Month, Position, list_month, list_months


class ByMonthQuery(RequestSerializer):
    """Which month, and which page of it; without a month, all months are summed up."""

    month = BoundedIntegerField(min_value=1, max_value=12, required=False)
    year = BoundedIntegerField(min_value=YEAR_MIN, max_value=YEAR_MAX, required=False)
    cursor = TextField(max_length=CURSOR_LENGTH_MAX, required=False)
    page_size = BoundedIntegerField(
        min_value=1, max_value=PAGE_SIZE_MAX, required=False, help_text=f"{PAGE_SIZE} by default."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take month and year together or neither; pages are of a month."""
        if ("month" in attrs) != ("year" in attrs):
            missing = "year" if "month" in attrs else "month"
            raise ValidationError.of(
                missing, "is missing; send month and year for the transactions of a month, or neither."
            )
        for name, outer in (("cursor", "cursor"), ("page_size", "pageSize")):
            if name in attrs and "month" not in attrs:
                raise ValidationError.of(
                    outer, "belongs to the pages of one month; send month and year too, or leave it out."
                )
        return attrs


_DELTA: Final = serializers.DecimalField(
    max_digits=30, decimal_places=4, coerce_to_string=False, help_text="Below zero where cash fell."
)

MONTHS_RESPONSE: Final = inline_serializer(
    "MonthSummary",
    {
        "year": serializers.IntegerField(),
        "month": serializers.IntegerField(),
        "delta": serializers.DecimalField(
            max_digits=30,
            decimal_places=4,
            coerce_to_string=False,
            help_text="The net change of the cash accounts in the entity's default currency.",
        ),
        "transactionCount": serializers.IntegerField(),
        "plaidAccountBreakdown": inline_serializer(
            "MonthBankAccount",
            {
                "id": serializers.CharField(),
                "name": serializers.CharField(),
                "mask": serializers.CharField(allow_null=True),
                "delta": _DELTA,
            },
            many=True,
        ),
    },
    many=True,
)
MONTH_RESPONSE: Final = inline_serializer(
    "MonthPage",
    {
        "month": serializers.IntegerField(),
        "year": serializers.IntegerField(),
        "transactions": Transaction(many=True),
        "nextCursor": serializers.CharField(allow_null=True),
        "hasMore": serializers.BooleanField(),
    },
)


class ByMonthView(ApiView):
    """`/v1/transactions/by-month`"""

    @extend_schema(
        operation_id="listTransactionsByMonth",
        tags=["Transactions"],
        summary="List the transactions of a month, or sum up the months",
        description=(
            "With `month` and `year`, the transactions of that month, newest first, in pages. Without them, "
            "what each month changed in cash, newest first."
        ),
        parameters=[ByMonthQuery],
        responses=PolymorphicProxySerializer(
            "ByMonthResponse",
            serializers=[MONTH_RESPONSE, MONTHS_RESPONSE],
            resource_type_field_name=None,
            many=False,
        ),
        examples=[
            example(
                "January 2024",
                {
                    "month": 1,
                    "year": 2024,
                    "transactions": [EXAMPLE_TRANSACTION],
                    "nextCursor": None,
                    "hasMore": False,
                },
            ),
            example(
                "All months",
                [
                    {
                        "year": 2024,
                        "month": 1,
                        "delta": 1250.00,
                        "transactionCount": 42,
                        "plaidAccountBreakdown": [],
                    }
                ],
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """One month's transactions, or all months."""
        entity = self.entity
        query = parse_query(request, ByMonthQuery)
        if "month" not in query:
            return Response([_shape(month, entity) for month in list_months(entity)])
        month, year = query["month"], query["year"]
        scope = cursor_scope("by-month", entity.id, query)
        cursor = query.get("cursor")
        size: int = query.get("page_size", PAGE_SIZE)
        rows = list_month(
            entity,
            year=year,
            month=month,
            limit=size + 1,
            after=Position(*decode_cursor(scope, cursor)) if cursor else None,
        )
        page = cut_page(rows, size=size, scope=scope, key=lambda row: (row.timestamp, row.id))
        shaper = TransactionShaper(entity)
        return Response(
            {
                "month": month,
                "year": year,
                "transactions": [shaper.full(row) for row in page.rows],
                "nextCursor": page.next_cursor,
                "hasMore": page.has_more,
            }
        )


def _shape(month: Month, entity: Entity) -> dict[str, Any]:
    currency = entity.default_currency
    return {
        "year": month.first_day.year,
        "month": month.first_day.month,
        "delta": as_number(month.delta, currency),
        "transactionCount": month.transaction_count,
        "plaidAccountBreakdown": [
            {
                "id": one.id,
                "name": one.name,
                "mask": one.mask,
                "delta": as_number(one.delta, currency),
            }
            for one in month.bank_accounts
        ],
    }
