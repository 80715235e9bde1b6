"""Recording up to thousands of transactions in one request."""

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import facts_of_accounts
from ledger.api.parsers import BULK_BODY_LIMIT_BYTES
from ledger.api.query import parse_query
from ledger.api.serializers import ENTITY_SPELLINGS, ListOfField, RequestSerializer, StrictBooleanField, parse
from ledger.api.views import ApiView
from ledger.clock import utc_now
from ledger.exceptions import Detail, LedgerError, ValidationError, shown
from ledger.ids import Prefix, encode_id
from transactions.api.requests import BATCH_SIZE_MAX, TransactionBody, new_draft, read_new_transaction
from transactions.api.responses import BulkResponse, example
from transactions.api.transaction_views import with_category
from transactions.drafts import Draft
from transactions.services import post_batch
from transactions.services.batches import accounts_of, find_faults

_ITEM: Final = {
    "amount": 12.50,
    "debitAccountId": "acc_01h455vb4pex5vsknk084sn02q",
    "creditAccountId": "acc_01h455vb4pex5vsknk084sn02r",
}
_RESULT: Final = {
    "success": True,
    "totalProcessed": 1,
    "results": [{"index": 0, "success": True, "id": "txn_01h455vb4pex5vsknk084sn02q"}],
}


class BulkBody(RequestSerializer):
    """Many transactions; `atomic` (the default) records all of them or none."""

    transactions = ListOfField(child=TransactionBody(), max_items=BATCH_SIZE_MAX)
    atomic = StrictBooleanField(required=False)


class BulkOptions(RequestSerializer):
    """What stands beside the transactions."""

    atomic = StrictBooleanField(required=False)


class BulkView(ApiView):
    """`/v1/transactions/bulk`"""

    body_limit_bytes = BULK_BODY_LIMIT_BYTES

    @extend_schema(
        operation_id="createTransactions",
        tags=["Transactions"],
        summary="Record many transactions",
        request=BulkBody,
        responses={201: BulkResponse},
        examples=[
            example("Two at once", {"transactions": [_ITEM, _ITEM], "atomic": True}, request=True),
            example("Recorded", _RESULT, status="201"),
        ],
    )
    def post(self, request: Request) -> Response:
        """Record 1 to 5,000 transactions, all or none, or with `atomic: false` those that can be."""
        parse_query(request)
        items, is_atomic = self._read(request.data)
        faults, drafts = self._drafts(items)
        good = [(index, draft) for index, draft in enumerate(drafts) if draft is not None]
        if faults and is_atomic:
            raise _refusal(faults | self._book_faults(good))
        refused = post_batch(
            entity=self.entity,
            drafts=[draft for _, draft in good],
            actor=self.actor,
            partial=not is_atomic,
        )
        faults |= {good[place][0]: error for place, error in refused.items()}
        if faults and is_atomic:
            raise _refusal(faults)
        results = [
            {"index": index, "success": False, "error": str(faults[index])}
            if index in faults or draft is None
            else {"index": index, "success": True, "id": encode_id(Prefix.TRANSACTION, draft.id)}
            for index, draft in enumerate(drafts)
        ]
        answer = {"success": not faults, "totalProcessed": len(items), "results": results}
        return Response(answer, status=201)

    def _book_faults(self, good: list[tuple[int, Draft]]) -> dict[int, LedgerError]:
        """What keeps the well-formed ones out of the books: a refused batch hears of every fault at once."""
        drafts = [draft for _, draft in good]
        found = find_faults(self.entity, drafts, accounts_of(self.entity, drafts))
        return {good[place][0]: error for place, error in found.items()}

    def _read(self, body: object) -> tuple[list[object], bool]:
        if not isinstance(body, dict):
            raise ValidationError.of("body", f'is {shown(body)}; send {{"transactions": [...]}}.')
        items = body.get("transactions")
        if not isinstance(items, list) or not 1 <= len(items) <= BATCH_SIZE_MAX:
            raise ValidationError.of(
                "transactions",
                f"{shown(items)} is not valid; send a list of 1 to {BATCH_SIZE_MAX} transactions.",
            )
        rest = {name: value for name, value in body.items() if name != "transactions"}
        return items, parse(rest, BulkOptions).get("atomic", True)

    def _drafts(self, items: list[object]) -> tuple[dict[int, LedgerError], list[Draft | None]]:
        entity, now = self.entity, utc_now()
        named = entity.public_id
        faults: dict[int, LedgerError] = {}
        drafts: list[Draft | None] = [None] * len(items)
        categories: dict[int, UUID] = {}
        for index, item in enumerate(items):
            try:
                _check_entity(item, named)
                values = read_new_transaction(item, entity)
                drafts[index] = new_draft(values, entity, now=now)
            except LedgerError as error:
                faults[index] = error
            else:
                if values.get("category_id") is not None:
                    categories[index] = values["category_id"]
        self._categorize(drafts, categories, faults)
        return faults, drafts

    def _categorize(
        self, drafts: list[Draft | None], categories: dict[int, UUID], faults: dict[int, LedgerError]
    ) -> None:
        """Put the drafts' categories on the sides that they belong to; one query for all of them."""
        named = set(categories.values())
        for index in categories:
            draft = drafts[index]
            assert draft is not None, "only what could be read has a category"
            named |= {draft.debit_account_id, draft.credit_account_id}
        accounts = facts_of_accounts(self.entity, named) if named else {}
        for index, category_id in categories.items():
            draft = drafts[index]
            assert draft is not None, "as above"
            try:
                drafts[index] = with_category(draft, category_id, accounts)
            except LedgerError as error:
                faults[index], drafts[index] = error, None


def _check_entity(item: object, entity_id: str) -> None:
    """Refuse a transaction of the list that names another company than the request does."""
    if isinstance(item, dict) and not ENTITY_SPELLINGS.isdisjoint(item):
        for name in ENTITY_SPELLINGS:
            if name in item and item[name] != entity_id:
                raise ValidationError.of(
                    name,
                    f"{shown(item[name])} is not the entity of this request; send one entity per request.",
                )


def _refusal(faults: dict[int, LedgerError]) -> LedgerError:
    """One error that lists every fault; of the kind of the faults where they are all of one kind."""
    details: list[Any] = []
    for index, error in sorted(faults.items()):
        place = f"transactions[{index}]"
        if error.details:
            details += [Detail(f"{place}.{detail.field}", detail.message) for detail in error.details]
        else:
            details.append(Detail(place, error.message))
    kinds = {type(error).status_code: error for error in faults.values()}
    kind = next(iter(kinds.values())) if len(kinds) == 1 else None
    message = f"{len(faults)} of the transactions cannot be recorded, so none was; see details."
    error = LedgerError(message, details=details) if kind else ValidationError(message, details=details)
    if kind is not None:
        error.code, error.status_code = kind.code, kind.status_code
    return error
