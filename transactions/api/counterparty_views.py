"""Whom the entity deals with."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.pagination import CursorQuery, cursor_scope, decode_cursor, encode_cursor, page_size_field
from ledger.api.query import parse_query
from ledger.api.views import ApiView
from ledger.ids import Prefix, encode_id
from ledger.money import as_number
from transactions.api.responses import example
from transactions.counterparties import Counterparty, list_counterparties

PAGE_SIZE: Final = 25


class CounterpartiesQuery(CursorQuery):
    """Which page."""

    page_size = page_size_field(default=PAGE_SIZE)


def _amount(help_text: str) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=30, decimal_places=4, coerce_to_string=False, help_text=help_text
    )


COUNTERPARTIES_RESPONSE: Final = inline_serializer(
    "CounterpartiesResponse",
    {
        "success": serializers.BooleanField(),
        "counterparties": inline_serializer(
            "Counterparty",
            {
                "name": serializers.CharField(),
                "currency": serializers.CharField(
                    help_text="A counterparty with transactions in two currencies is listed once for each."
                ),
                "transactionCount": serializers.IntegerField(),
                "firstSeen": serializers.DateTimeField(),
                "lastSeen": serializers.DateTimeField(),
                "totalAmount": _amount("All amounts added up, of either direction."),
                "averageAmount": _amount("Rounded half to even."),
                "transactions": inline_serializer(
                    "CounterpartyTransaction",
                    {
                        "id": serializers.CharField(),
                        "description": serializers.CharField(allow_blank=True),
                        "amount": _amount("Above zero."),
                        "timestamp": serializers.DateTimeField(),
                    },
                    many=True,
                ),
            },
            many=True,
        ),
        "nextCursor": serializers.CharField(allow_null=True),
        "hasMore": serializers.BooleanField(),
    },
)


class CounterpartiesView(ApiView):
    """`/v1/transactions/counterparties`"""

    @extend_schema(
        operation_id="listCounterparties",
        tags=["Transactions"],
        summary="List counterparties",
        description=(
            "By name, each with what its transactions add up to and the five newest of them. Expired and "
            "reversed transactions, reversals and reclassifications don't count."
        ),
        parameters=[CounterpartiesQuery],
        responses=COUNTERPARTIES_RESPONSE,
        examples=[
            example(
                "A page",
                {
                    "success": True,
                    "counterparties": [
                        {
                            "name": "Amazon Web Services",
                            "currency": "USD",
                            "transactionCount": 12,
                            "firstSeen": "2023-01-15T12:00:00Z",
                            "lastSeen": "2024-01-15T12:00:00Z",
                            "totalAmount": 6000.00,
                            "averageAmount": 500.00,
                            "transactions": [
                                {
                                    "id": "txn_01h455vb4pex5vsknk084sn02q",
                                    "description": "AWS Monthly Subscription",
                                    "amount": 500.00,
                                    "timestamp": "2024-01-15T12:00:00Z",
                                }
                            ],
                        }
                    ],
                    "nextCursor": None,
                    "hasMore": False,
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """A page of counterparties, by name."""
        entity = self.entity
        query = parse_query(request, CounterpartiesQuery)
        scope = cursor_scope("counterparties", entity.id, query)
        cursor = query.get("cursor")
        after: str | None = decode_cursor(scope, cursor)[0] if cursor else None
        found, last = list_counterparties(entity, size=query["page_size"], after=after)
        return Response(
            {
                "success": True,
                "counterparties": [_shape(one) for one in found],
                "nextCursor": None if last is None else encode_cursor(scope, last),
                "hasMore": last is not None,
            }
        )


def _shape(one: Counterparty) -> dict[str, Any]:
    return {
        "name": one.name,
        "currency": one.currency,
        "transactionCount": one.transaction_count,
        "firstSeen": one.first_seen,
        "lastSeen": one.last_seen,
        "totalAmount": as_number(one.total, one.currency),
        "averageAmount": as_number(one.average, one.currency),
        "transactions": [
            {
                "id": encode_id(Prefix.TRANSACTION, dealing.id),
                "description": dealing.description,
                "amount": as_number(dealing.amount, one.currency),
                "timestamp": dealing.timestamp,
            }
            for dealing in one.newest
        ],
    }
