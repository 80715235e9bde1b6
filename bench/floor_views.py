"""The floors behind HTTP: bare DRF views with the project's token check and JSON, and a floor's statement.

They read the same JSON as ours and answer with the least that is an answer.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench import floors
from ledger.api.parsers import BULK_BODY_LIMIT_BYTES
from ledger.db import fetch, slot, uuid_array
from ledger.ids import Prefix, decode_id, encode_id, new_id
from ledger.tokens import TokenKind

SLOTS = 8


class BareView(APIView):
    """An APIView with the default authentication and permission of the settings: the same token check."""

    token_kinds: ClassVar[frozenset[TokenKind]] = frozenset({TokenKind.ENTITY})
    reads_only: ClassVar[bool] = True
    body_limit_bytes: ClassVar[int] = BULK_BODY_LIMIT_BYTES


def _account(item: dict[str, Any], name: str) -> Any:
    return decode_id(Prefix.ACCOUNT, item[name], field=name)


class FloorPostView(BareView):
    """Floor H: floor A behind HTTP. The ledger comes in the query, as nothing is looked up."""

    def post(self, request: Request) -> Response:
        now, fresh_id = datetime.now(UTC), new_id()
        body: Any = request.data
        fetch(
            floors.POST,
            {
                "entity": request.auth.entity_id,  # type: ignore[union-attr]
                "ledger": request.META["QUERY_STRING"],
                "id": fresh_id,
                "slot": slot(SLOTS),
                "debit": _account(body, "debitAccountId"),
                "credit": _account(body, "creditAccountId"),
                "amount": body["amount"],
                "now": now,
                "date": now.date(),
                "counterparty": body["counterpartyName"],
                "description": body["description"],
            },
        )
        return Response({"id": encode_id(Prefix.TRANSACTION, fresh_id)}, status=201)


class FloorBulkView(BareView):
    """Floor B behind HTTP."""

    def post(self, request: Request) -> Response:
        body: Any = request.data
        items, now = body["transactions"], datetime.now(UTC)
        ids = [new_id() for _ in items]
        fetch(
            floors.POST_MANY,
            {
                "entity": request.auth.entity_id,  # type: ignore[union-attr]
                "ledger": request.META["QUERY_STRING"],
                "slot": slot(SLOTS),
                "now": now,
                "date": now.date(),
                "ids": uuid_array(ids),
                "debits": uuid_array(_account(item, "debitAccountId") for item in items),
                "credits": uuid_array(_account(item, "creditAccountId") for item in items),
                "amounts": [item["amount"] for item in items],
                "counterparties": [item["counterpartyName"] for item in items],
                "descriptions": [item["description"] for item in items],
            },
        )
        return Response({"ids": [encode_id(Prefix.TRANSACTION, one) for one in ids]}, status=201)


class FloorPageView(BareView):
    """The keyset SELECT, its rows as they come."""

    def get(self, request: Request) -> Response:
        rows = fetch(
            floors.PAGE,
            {
                "entity": request.auth.entity_id,  # type: ignore[union-attr]
                "timestamp": request.GET["timestamp"],
                "id": request.GET["id"],
            },
        )
        return Response({"rows": rows[:50], "hasMore": len(rows) > 50})


class FloorBalanceView(BareView):
    """One balance, from the totals."""

    def get(self, request: Request) -> Response:
        account = decode_id(Prefix.ACCOUNT, request.GET["account"], field="account")
        rows = fetch(
            floors.BALANCE,
            {"entity": request.auth.entity_id, "account": account},  # type: ignore[union-attr]
        )
        return Response({"balance": rows[0]})
