"""Recording, listing, changing and deleting transactions."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import AccountFacts, facts_of_accounts
from ledger.api.context import named_entity, visible_entity
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id
from ledger.models import Entity
from transactions.api.approval_views import APPROVED, approve_one
from transactions.api.requests import (
    DeleteQuery,
    EditBody,
    TransactionBody,
    TransactionsQuery,
    new_draft,
    new_edit,
    read_new_transaction,
)
from transactions.api.responses import (
    EXAMPLE_TRANSACTION,
    ApprovalResponse,
    EditedTransaction,
    TransactionEnvelope,
    TransactionPage,
    example,
)
from transactions.api.shapes import TransactionShaper
from transactions.category_side import category_side
from transactions.drafts import Draft
from transactions.exceptions import AccountNotFoundError, TransactionNotFoundError
from transactions.listing import Position, entity_of_transaction, get_transactions, list_transactions
from transactions.rows import Row
from transactions.services import delete_transaction, edit_transaction, post_transaction
from transactions.services.categorizing import unclear_category

_NEW: Final = {
    "amount": 500.00,
    "description": "Invoice payment received",
    "debitAccountId": "acc_01h455vb4pex5vsknk084sn02q",
    "creditAccountId": "acc_01h455vb4pex5vsknk084sn02r",
    "metadata": {"receipt_url": "https://example.com/receipts/123.pdf"},
}
_EDIT: Final = {
    "id": "txn_01h455vb4pex5vsknk084sn02q",
    "description": "Updated invoice payment",
}
_EDITED: Final = {
    "id": EXAMPLE_TRANSACTION["id"],
    "description": "Updated invoice payment",
    "debit_account_id": EXAMPLE_TRANSACTION["debitAccountId"],
    "credit_account_id": EXAMPLE_TRANSACTION["creditAccountId"],
    "transaction": {**EXAMPLE_TRANSACTION, "description": "Updated invoice payment"},
}
_PAGE: Final = {"transactions": [EXAMPLE_TRANSACTION], "nextCursor": None, "hasMore": False}


class TransactionsView(ApiView):
    """`/v1/transactions`"""

    @extend_schema(
        operation_id="listTransactions",
        tags=["Transactions"],
        summary="List transactions, newest first",
        parameters=[TransactionsQuery],
        responses=TransactionPage,
        examples=[example("A page", _PAGE)],
    )
    def get(self, request: Request) -> Response:
        """Transactions of the entity that pass all filters, newest first, in pages."""
        entity = self.entity
        query = parse_query(request, TransactionsQuery, zone=entity.zone)
        _check_ranges(query)
        scope = cursor_scope("transactions", entity.id, query)
        cursor = query.get("cursor")
        after = Position(*decode_cursor(scope, cursor)) if cursor else None
        size: int = query["page_size"]
        rows = list_transactions(entity, filters=query, limit=size + 1, after=after)
        page = cut_page(rows, size=size, scope=scope, key=position)
        shaper = TransactionShaper(entity)
        return Response(
            {
                "transactions": [shaper.full(row) for row in page.rows],
                "nextCursor": page.next_cursor,
                "hasMore": page.has_more,
            }
        )

    @extend_schema(
        operation_id="createTransaction",
        tags=["Transactions"],
        summary="Record a transaction",
        request=TransactionBody,
        responses={201: TransactionEnvelope},
        examples=[
            example("An invoice is paid", _NEW, request=True),
            example("Recorded", {"transaction": EXAMPLE_TRANSACTION}, status="201"),
        ],
    )
    def post(self, request: Request) -> Response:
        """Move an amount from the credit account to the debit account."""
        parse_query(request)
        entity = self.entity
        values = read_new_transaction(request.data, entity)
        draft = new_draft(values, entity)
        category_id = values.get("category_id")
        if category_id is not None:
            pair = (draft.debit_account_id, draft.credit_account_id)
            draft = with_category(draft, category_id, facts_of_accounts(entity, (*pair, category_id)))
        row = post_transaction(entity=entity, draft=draft, actor=self.actor)
        return Response({"transaction": TransactionShaper(entity).full(row)}, status=201)

    @extend_schema(
        operation_id="updateTransaction",
        tags=["Transactions"],
        summary="Change or approve a transaction",
        description="With nothing but the id, the transaction is approved.",
        request=EditBody,
        responses=PolymorphicProxySerializer(
            "EditedOrApproved",
            serializers=[EditedTransaction, ApprovalResponse],
            resource_type_field_name=None,
        ),
        examples=[
            example("A new description", _EDIT, request=True),
            example("Changed", _EDITED),
            example("Approved", APPROVED),
        ],
    )
    def put(self, request: Request) -> Response:
        """Change the fields that are given; with nothing but the id, approve."""
        parse_query(request)
        entity = self.entity
        values = parse_body(request, EditBody, zone=entity.zone)
        if values.keys() == {"id"}:
            return Response(approve_one(entity, values["id"], self.actor))
        return Response(_edit(self, entity, values))

    @extend_schema(
        operation_id="deleteTransaction",
        tags=["Transactions"],
        summary="Delete a transaction that is not posted",
        parameters=[DeleteQuery],
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """Take a transaction out of the books; its last state stays in the history."""
        query = parse_query(request, DeleteQuery)
        delete_transaction(entity=self.entity, transaction_id=query["transaction_id"], actor=self.actor)
        return self.deleted("Transaction deleted successfully")


class TransactionView(ApiView):
    """`/v1/transactions/{id}`"""

    @extend_schema(
        operation_id="getTransaction",
        tags=["Transactions"],
        summary="Get a transaction",
        responses=TransactionEnvelope,
        examples=[example("A transaction", {"transaction": EXAMPLE_TRANSACTION})],
    )
    def get(self, request: Request, transaction_id: str) -> Response:
        """The transaction of that id."""
        parse_query(request)
        wanted = decode_id(Prefix.TRANSACTION, transaction_id, field="id")
        row = get_transactions(self.entity, [wanted]).get(wanted)
        if row is None:
            raise TransactionNotFoundError(wanted)
        return Response({"transaction": TransactionShaper(self.entity).full(row)})


class EditTransactionView(ApiView):
    """`/v1/transactions/edit`"""

    # The one call that names no company: the token says in whose books the transaction may be.
    needs_entity = False

    @extend_schema(
        operation_id="editTransaction",
        tags=["Transactions"],
        summary="Change a transaction",
        parameters=[ENTITY_QUERY],
        request=EditBody,
        responses=EditedTransaction,
        examples=[example("A new description", _EDIT, request=True), example("Changed", _EDITED)],
    )
    def post(self, request: Request) -> Response:
        """Change the fields that are given."""
        parse_query(request)
        transaction_id = _id_in(request.data)
        entity = self._entity(request, transaction_id)
        return Response(_edit(self, entity, parse_body(request, EditBody, zone=entity.zone)))

    def _entity(self, request: Request, transaction_id: UUID) -> Entity:
        if self.token.entity_id is not None or named_entity(request) is not None:
            return self.entity
        developer_id = self.token.developer_id
        assert developer_id is not None, "an admin token is not let in here"
        found = entity_of_transaction(transaction_id, developer_id=developer_id)
        if found is None:
            raise TransactionNotFoundError(transaction_id)
        return visible_entity(found, self.token)


def position(row: Row) -> Position:
    """Where a page that ends with `row` ends."""
    return Position(row.date, row.timestamp, row.id)


def with_category(draft: Draft, category_id: UUID, accounts: Mapping[UUID, AccountFacts]) -> Draft:
    """`draft` with the category on the side that it belongs to; `accounts` are those of the company among the
    three that are named.

    Raises AccountNotFoundError, and UnclearCategoryError where no side is clearly the one.
    """
    pair = (draft.debit_account_id, draft.credit_account_id)
    for account_id, field in zip(
        (*pair, category_id), ("debitAccountId", "creditAccountId", "categoryId"), strict=True
    ):
        if account_id not in accounts:
            raise AccountNotFoundError(account_id, field=field)
    if category_id not in pair:
        debit, credit = accounts[pair[0]], accounts[pair[1]]
        side = category_side(debit.type, debit.financial_type, credit.type, credit.financial_type)
        if side is None:
            raise unclear_category(draft.id, debit.name, credit.name)
        setattr(draft, f"{side}_account_id", category_id)
    draft.categorized_at = utc_now()
    return draft


def _check_ranges(query: dict[str, Any]) -> None:
    for lower, upper, names in (
        ("date_from", "date_to", "dateFrom and dateTo"),
        ("amount_min", "amount_max", "amountMin and amountMax"),
    ):
        if query.get(lower) is not None and query.get(upper) is not None and query[lower] > query[upper]:
            raise ValidationError.of(
                names.split()[0],
                f"{query[lower]} is above {query[upper]}: {names} leave nothing between them; swap them.",
            )


def _id_in(body: object) -> UUID:
    """The transaction's id, which must be known before the rest of the body can be read."""
    if isinstance(body, dict):
        for name in ("id", "transactionId", "transaction_id"):
            if name in body:
                return decode_id(Prefix.TRANSACTION, body[name], field=name)
    raise ValidationError.of("id", "is missing; send the id of the transaction, txn_….")


def _edit(view: ApiView, entity: Entity, values: dict[str, Any]) -> dict[str, Any]:
    if values.keys() == {"id"}:
        raise ValidationError.of("body", "changes nothing; send at least one field besides the id.")
    row = edit_transaction(
        entity=entity, transaction_id=values["id"], edit=new_edit(values, entity), actor=view.actor
    )
    shaped = TransactionShaper(entity).full(row)
    edited = {"id": shaped["id"], "description": row.description, "transaction": shaped}
    if not view.is_official_client:
        edited |= {
            "debit_account_id": shaped["debitAccountId"],
            "credit_account_id": shaped["creditAccountId"],
        }
    return edited
