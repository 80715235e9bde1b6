"""Approving, reversing and categorizing."""

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.actors import Actor
from ledger.api.query import parse_query
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.exceptions import Detail, ValidationError, shown
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity
from ledger.money import as_number
from transactions.api.requests import BATCH_SIZE_MAX, CategorizeBody, ReverseBody
from transactions.api.responses import (
    EXAMPLE_TRANSACTION,
    ApprovalResponse,
    CategorizeResponse,
    ReversalResponse,
    example,
)
from transactions.api.shapes import TransactionShaper, metadata_shape
from transactions.services import (
    Approval,
    approve_transactions,
    categorize_transactions,
    reverse_transaction,
)

_FORMS: Final = 'send "txn_…", ["txn_…"], [{"id": "txn_…"}], {"id": "txn_…"} or {"transactionIds": ["txn_…"]}'
_ID: Final = "txn_01h455vb4pex5vsknk084sn02q"
_BOTH_SPELLINGS: Final = ("transactionIds", "transaction_ids")
_ONE_ID: Final = ("id", "transactionId", "transaction_id")
# The five forms of the body, for the API's description.
_ID_SCHEMA: Final = {"type": "string", "pattern": "^txn_[0-7][0-9a-hjkmnp-tv-z]{25}$"}
_ENTITY_SCHEMA: Final = {"type": "string", "pattern": "^entity_[0-7][0-9a-hjkmnp-tv-z]{25}$"}
_APPROVE_BODY: Final[dict[str, Any]] = {
    "oneOf": [
        _ID_SCHEMA,
        {
            "type": "array",
            "minItems": 1,
            "maxItems": BATCH_SIZE_MAX,
            "items": {
                "oneOf": [
                    _ID_SCHEMA,
                    {
                        "type": "object",
                        "properties": {"id": _ID_SCHEMA},
                        "required": ["id"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
        *(
            {
                "type": "object",
                "properties": {name: schema, "entityId": _ENTITY_SCHEMA},
                "required": [name],
                "additionalProperties": False,
            }
            for name, schema in (
                ("id", _ID_SCHEMA),
                ("transactionId", _ID_SCHEMA),
                (
                    "transactionIds",
                    {"type": "array", "minItems": 1, "maxItems": BATCH_SIZE_MAX, "items": _ID_SCHEMA},
                ),
            )
        ),
    ]
}
APPROVED: Final = {
    "message": "Transactions approved successfully",
    "approvedTransactions": [{"id": _ID, "status": "POSTED", "updatedAt": "2024-01-15T12:01:00Z"}],
    "success": True,
    "totalProcessed": 1,
    "results": [
        {
            "id": _ID,
            "success": True,
            "transaction": {
                "id": _ID,
                "amount": 500.00,
                "description": "Invoice payment received",
                "status": "POSTED",
            },
        }
    ],
}
_CATEGORIZED: Final = {
    "message": "Transaction categorized successfully",
    "transaction": {
        "id": _ID,
        "metadata": {"categoryId": "acc_01h455vb4pex5vsknk084sn02r", "categoryName": "Sales Revenue"},
        "updatedAt": "2024-01-15T12:01:00Z",
    },
}


class ApproveView(ApiView):
    """`/v1/transactions/approve`"""

    @extend_schema(
        operation_id="approveTransactions",
        tags=["Transactions"],
        summary="Approve one or many transactions",
        request={"application/json": _APPROVE_BODY},
        responses=ApprovalResponse,
        examples=[
            example("Several", [_ID], request=True),
            example("One", {"id": _ID}, request=True),
            example("A batch", {"transactionIds": [_ID]}, request=True),
            example("Approved", APPROVED),
        ],
    )
    def put(self, request: Request) -> Response:
        """Post pending transactions to the ledger; one that is POSTED already stays as it is."""
        parse_query(request)
        ids, is_single = ids_to_approve(request.data)
        if is_single:
            return Response(approve_one(self.entity, ids[0], self.actor))
        return Response(approval_shape(approve_transactions(entity=self.entity, ids=ids, actor=self.actor)))


class ReverseView(ApiView):
    """`/v1/transactions/{id}/reverse`"""

    @extend_schema(
        operation_id="reverseTransaction",
        tags=["Transactions"],
        summary="Reverse a posted transaction",
        request=ReverseBody,
        responses={201: ReversalResponse},
        examples=[
            example("Why", {"reason": "Paid twice"}, request=True),
            example(
                "Reversed",
                {
                    "transaction": {**EXAMPLE_TRANSACTION, "status": "REVERSED"},
                    "reversal": EXAMPLE_TRANSACTION,
                },
                status="201",
            ),
        ],
    )
    def post(self, request: Request, transaction_id: str) -> Response:
        """Post the mirror image of a posted transaction and link the two."""
        parse_query(request)
        entity = self.entity
        values = parse_body(request, ReverseBody, zone=entity.zone)
        done = reverse_transaction(
            entity=entity,
            transaction_id=decode_id(Prefix.TRANSACTION, transaction_id, field="id"),
            actor=self.actor,
            reason=values.get("reason") or "",
            on=values.get("date"),
        )
        shaper = TransactionShaper(entity)
        return Response(
            {"transaction": shaper.full(done.original), "reversal": shaper.full(done.reversal)}, status=201
        )


class CategorizeView(ApiView):
    """`/v1/transactions/categorize`"""

    @extend_schema(
        operation_id="categorizeTransactions",
        tags=["Transactions"],
        summary="Say what transactions were for",
        request=CategorizeBody,
        responses=CategorizeResponse,
        examples=[
            example(
                "One transaction",
                {"transactionId": _ID, "categoryId": "acc_01h455vb4pex5vsknk084sn02r"},
                request=True,
            ),
            example("Categorized", _CATEGORIZED),
        ],
    )
    def post(self, request: Request) -> Response:
        """Move the category side of transactions to an account; of posted ones by a reclassification."""
        parse_query(request)
        values = parse_body(request, CategorizeBody)
        ids = values.get("transaction_ids") or [values["transaction_id"]]
        rows = categorize_transactions(
            entity=self.entity, ids=ids, category_id=values["category_id"], actor=self.actor
        )
        shaped = [
            {
                "id": encode_id(Prefix.TRANSACTION, row.id),
                "metadata": metadata_shape(row),
                "updatedAt": row.updated_at,
            }
            for row in rows
        ]
        answer: dict[str, Any] = {"message": "Transaction categorized successfully", "transaction": shaped[0]}
        if "transaction_ids" in values:
            answer |= {"message": "Transactions categorized successfully", "transactions": shaped}
        return Response(answer)


def ids_to_approve(body: object) -> tuple[list[UUID], bool]:
    """The ids in any of the five forms of the body, and whether it is a form of one.

    Raises ValidationError that names the place of each malformed id.
    """
    if isinstance(body, str):
        return [decode_id(Prefix.TRANSACTION, body, field="id")], True
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in ("entityId", "entity_id")}
        if len(body) == 1:
            (name, value), *_ = body.items()
            if name in _ONE_ID:
                return [decode_id(Prefix.TRANSACTION, value, field=name)], True
            if name in _BOTH_SPELLINGS and isinstance(value, list):
                return _listed_ids(value, name), False
        raise _unknown_form(body)
    if isinstance(body, list):
        return _listed_ids(body, ""), False
    raise _unknown_form(body)


def _unknown_form(body: object) -> ValidationError:
    return ValidationError.of("body", f"is {shown(body)}; {_FORMS}.")


def _listed_ids(items: list[object], name: str) -> list[UUID]:
    if not 1 <= len(items) <= BATCH_SIZE_MAX:
        raise ValidationError.of(
            name or "body", f"has {len(items)} ids; send 1 to {BATCH_SIZE_MAX} of them a request."
        )
    ids: list[UUID] = []
    faults: list[Detail] = []
    for index, item in enumerate(items):
        field = f"{name}[{index}]"
        if isinstance(item, dict) and item.keys() == {"id"}:
            item, field = item["id"], f"{field}.id"
        try:
            ids.append(decode_id(Prefix.TRANSACTION, item, field=field))
        except ValidationError as error:
            faults += error.details
    if faults:
        raise ValidationError.many(faults)
    return ids


def approve_one(entity: Entity, transaction_id: UUID, actor: Actor) -> dict[str, Any]:
    """Approve a single transaction and shape the answer; raises what keeps it from being approved."""
    approvals = approve_transactions(entity=entity, ids=[transaction_id], actor=actor)
    for approval in approvals:
        if approval.error is not None:
            raise approval.error
    return approval_shape(approvals)


def approval_shape(approvals: list[Approval]) -> dict[str, Any]:
    """The answer to an approval: the approved ones by themselves, and what became of each."""
    approved: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for approval in approvals:
        public_id = encode_id(Prefix.TRANSACTION, approval.id)
        row = approval.row
        if approval.error is not None or row is None:
            results.append({"id": public_id, "success": False, "error": str(approval.error)})
            continue
        approved.append({"id": public_id, "status": row.status, "updatedAt": row.updated_at})
        shown_row = {
            "id": public_id,
            "amount": as_number(row.amount, row.currency),
            "description": row.description,
            "status": row.status,
        }
        results.append({"id": public_id, "success": True, "transaction": shown_row})
    failures = len(approvals) - len(approved)
    message = (
        "Transactions approved successfully"
        if not failures
        else f"{len(approved)} of {len(approvals)} transactions approved; see results for the others"
    )
    return {
        "message": message,
        "approvedTransactions": approved,
        "success": not failures,
        "totalProcessed": len(approvals),
        "results": results,
    }
