"""Searching transactions."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.choices import AccountType
from ledger.api.pagination import NumberedQuery
from ledger.api.query import parse_query
from ledger.api.serializers import (
    AmountField,
    DayField,
    IdField,
    OneOfField,
    RequestSerializer,
    TextField,
    parse_body,
)
from ledger.api.views import ApiView
from ledger.ids import Prefix
from transactions.api.requests import COUNTERPARTY_LENGTH_MAX
from transactions.api.responses import EXAMPLE_TRANSACTION, Transaction, example
from transactions.api.shapes import TransactionShaper
from transactions.choices import Status
from transactions.search import search_transactions

QUERY_LENGTH_MAX: Final = 200
_RANGES: Final = (("date_from", "date_to"), ("amount_min", "amount_max"))


class SearchFilters(RequestSerializer):
    """What the transactions must be besides; days are the entity's, bounds are included."""

    date_from = DayField(required=False, allow_null=True)
    date_to = DayField(required=False, allow_null=True)
    amount_min = AmountField(required=False, allow_null=True, allow_zero=True)
    amount_max = AmountField(required=False, allow_null=True, allow_zero=True)
    status = OneOfField(Status, required=False, allow_null=True)
    account_id = IdField(
        Prefix.ACCOUNT, required=False, allow_null=True, help_text="The debit or the credit account."
    )
    category_id = IdField(
        Prefix.ACCOUNT, required=False, allow_null=True, help_text="The debit or the credit account."
    )
    counterparty = TextField(
        max_length=COUNTERPARTY_LENGTH_MAX, required=False, allow_null=True, help_text="The whole name."
    )
    type = OneOfField(
        AccountType,
        required=False,
        allow_null=True,
        help_text="The type of the category's account: the `accountType` of the transactions.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse bounds that leave nothing between them."""
        for lower, upper in _RANGES:
            low, high = attrs.get(lower), attrs.get(upper)
            if low is not None and high is not None and low > high:
                raise serializers.ValidationError({lower: [f"{low} is above {high}; swap the two bounds."]})
        return attrs


class SearchBody(NumberedQuery):
    """Words and filters, all optional, and which page."""

    query = TextField(
        max_length=QUERY_LENGTH_MAX,
        min_length=0,
        required=False,
        allow_null=True,
        help_text=(
            "Each word must begin a word of the description, counterparty, external id or of an account's "
            "name. Case and accents don't count."
        ),
    )
    filters = SearchFilters(required=False, allow_null=True)


SEARCH_RESPONSE: Final = inline_serializer(
    "TransactionSearchResponse",
    {
        "transactions": Transaction(many=True),
        "pagination": inline_serializer(
            "Pagination",
            {name: serializers.IntegerField() for name in ("total", "page", "limit", "totalPages")},
        ),
    },
)


class SearchView(ApiView):
    """`/v1/transactions/search`"""

    reads_only = True

    @extend_schema(
        operation_id="searchTransactions",
        tags=["Transactions"],
        summary="Search transactions",
        request=SearchBody,
        responses=SEARCH_RESPONSE,
        examples=[
            example(
                "Pending invoices of January",
                {
                    "query": "invoice",
                    "filters": {
                        "dateFrom": "2024-01-01",
                        "dateTo": "2024-01-31",
                        "amountMin": 100,
                        "amountMax": 1000,
                        "status": "PENDING",
                    },
                    "page": 1,
                    "limit": 20,
                },
                request=True,
            ),
            example(
                "Found",
                {
                    "transactions": [EXAMPLE_TRANSACTION],
                    "pagination": {"total": 15, "page": 1, "limit": 20, "totalPages": 1},
                },
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Transactions that have all words and pass all filters, newest first, with their exact number."""
        parse_query(request)
        entity = self.entity
        body = parse_body(request, SearchBody, zone=entity.zone)
        rows, page = search_transactions(
            entity,
            query=body.get("query") or "",
            filters=body.get("filters") or {},
            page=body["page"],
            limit=body["limit"],
        )
        shaper = TransactionShaper(entity)
        return Response({"transactions": [shaper.full(row) for row in rows], "pagination": page.pagination()})
