"""The transactions of a ledger account, from the account's side."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from msgspec import Raw
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import AccountDetailView
from accounts.choices import Side
from accounts.models import Account
from accounts.querysets import find_account
from ledger.api.pagination import NumberedQuery
from ledger.api.query import parse_query
from ledger.api.serializers import DayField, OneOfField
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.money import as_number
from transactions.account_history import Movement, account_history, newest_movements
from transactions.api.responses import example
from transactions.choices import Status

_NO_METADATA: Final[dict[str, Any]] = {}


class AccountHistoryQuery(NumberedQuery):
    """Which of the account's transactions; days are the entity's, both included."""

    spelling = "snake"

    from_date = DayField(required=False)
    to_date = DayField(required=False)
    status = OneOfField(Status, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse days that leave nothing between them."""
        first, last = attrs.get("from_date"), attrs.get("to_date")
        if first is not None and last is not None and first > last:
            raise ValidationError.of("from_date", f"{first} is after to_date, {last}; swap the two.")
        return attrs


HISTORY_RESPONSE: Final = inline_serializer(
    "AccountTransactionsResponse",
    {
        "data": inline_serializer(
            "AccountMovement",
            {
                "id": serializers.CharField(),
                "timestamp": serializers.DateTimeField(),
                "description": serializers.CharField(allow_blank=True),
                "amount": serializers.DecimalField(max_digits=20, decimal_places=4, coerce_to_string=False),
                "direction": serializers.ChoiceField(Side.choices),
                "status": serializers.ChoiceField(Status.choices),
                "metadata": serializers.DictField(),
            },
            many=True,
        ),
        "meta": inline_serializer(
            "AccountTransactionsMeta",
            {name: serializers.IntegerField() for name in ("total", "page", "limit", "pages")},
        ),
    },
)


class AccountTransactionsView(ApiView):
    """`/v1/accounts/{id}/transactions`"""

    @extend_schema(
        operation_id="listAccountTransactions",
        tags=["Ledger accounts"],
        summary="List a ledger account's transactions",
        parameters=[
            OpenApiParameter("id", str, OpenApiParameter.PATH, description="The account, `acc_…`."),
            AccountHistoryQuery,
        ],
        responses=HISTORY_RESPONSE,
        examples=[
            example(
                "A page",
                {
                    "data": [
                        {
                            "id": "txn_01h455vb4pex5vsknk084sn02q",
                            "timestamp": "2024-01-15T14:22:00Z",
                            "description": "Office Supplies Purchase",
                            "amount": 250.00,
                            "direction": "CREDIT",
                            "status": "CLEARED",
                            "metadata": {"receipt_url": "https://storage.example.com/receipts/123.pdf"},
                        }
                    ],
                    "meta": {"total": 42, "page": 1, "limit": 25, "pages": 2},
                },
            )
        ],
    )
    def get(self, request: Request, id: str) -> Response:
        """The account's own transactions, newest first; those of its children are theirs."""
        entity = self.entity
        query = parse_query(request, AccountHistoryQuery)
        account = find_account(entity, decode_id(Prefix.ACCOUNT, id, field="id"))
        movements, page = account_history(entity, account.id, **query)
        return Response(
            {
                "data": [
                    _shape(movement)
                    | {
                        "status": movement.status,
                        "metadata": Raw(movement.metadata.encode()) if movement.metadata else _NO_METADATA,
                    }
                    for movement in movements
                ],
                "meta": page.meta(),
            }
        )


class AccountWithTransactionsView(AccountDetailView):
    """`/v1/accounts/{id}`, which shows the newest transactions on request."""

    def extra(self, account: Account, query: dict[str, Any]) -> dict[str, Any]:
        """The account's own newest transactions, where the query asks for them."""
        if not query["include_transactions"]:
            return {}
        newest = newest_movements(self.entity, account.id, limit=query["transactions_limit"])
        return {"transactions": [_shape(movement) for movement in newest]}


def _shape(movement: Movement) -> dict[str, Any]:
    return {
        "id": encode_id(Prefix.TRANSACTION, movement.id),
        "timestamp": movement.timestamp,
        "description": movement.description,
        "amount": as_number(movement.amount, movement.currency),
        "direction": movement.direction,
    }
