"""Endpoints of bank lines: what the banks say, and what a person decides on it."""

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api.account_views import NoFields, query_has_body
from banking.api.line_shapes import (
    IGNORED_LINE,
    LINE,
    MATCHED_LINE,
    OFFERED_LINE,
    PENDING_LINE,
    BankLineEnvelope,
    BankLinePage,
    CategoryBody,
    LineMatch,
    LinesQuery,
    RecordBody,
    line_json,
)
from banking.querysets import bank_lines, find_line
from banking.services.deciding import categorize_line, ignore_line, match_line, record_line, unmatch_line
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY, errors
from ledger.api.serializers import RequestSerializer, parse
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id

_TAGS: Final = ["Bank lines"]
_ID: Final = OpenApiParameter("line_id", str, OpenApiParameter.PATH, description="The line, `line_…`.")
_FAULTS: Final = errors(400, 401, 403, 404, 409)


def _sent(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def _answered(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=["200"])


class BankLines(ApiView):
    """`/v1/banks/lines`"""

    @extend_schema(
        operation_id="listBankLines",
        summary="List bank lines",
        description="What the banks said, newest first. `status=offered` lists what waits for a decision.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY, LinesQuery],
        responses={200: BankLinePage, **errors(400, 401, 403, 404)},
        examples=[_answered("Page", {"lines": [LINE], "nextCursor": None, "hasMore": False})],
    )
    def get(self, request: Request) -> Response:
        """List the company's bank lines."""
        query = parse_query(request, LinesQuery)
        first, last = query.get("date_from"), query.get("date_to")
        if first is not None and last is not None and first > last:
            raise ValidationError.of("dateFrom", f"{first} is after dateTo, {last}; swap them.")
        scope, size = cursor_scope("bank-lines", self.entity.id, query), query["page_size"]
        after: Any = decode_cursor(scope, query["cursor"]) if "cursor" in query else None
        page = cut_page(
            bank_lines(self.entity, filters=query, after=after, limit=size + 1),
            size=size,
            scope=scope,
            key=lambda line: (line.date, line.id),
        )
        lines = [line_json(line) for line in page.rows]
        return Response({"lines": lines, "nextCursor": page.next_cursor, "hasMore": page.has_more})


class _OneLine(ApiView):
    """What all addresses of one line share."""

    def _id(self, line_id: str) -> UUID:
        return decode_id(Prefix.BANK_LINE, line_id, field="line_id")

    def _body(self, request: Request, shape: type[RequestSerializer]) -> dict[str, Any]:
        parse_query(request)
        return parse(request.data if query_has_body(request) else {}, shape)

    def _shown(self, line_id: UUID) -> Response:
        return Response({"line": line_json(find_line(self.entity, line_id))})


class BankLineView(_OneLine):
    """`/v1/banks/lines/{id}`"""

    @extend_schema(
        operation_id="getBankLine",
        summary="Get a bank line",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        responses={200: BankLineEnvelope, **errors(400, 401, 403, 404)},
        examples=[_answered("A line that waits for a decision", {"line": OFFERED_LINE})],
    )
    def get(self, request: Request, line_id: str) -> Response:
        """Show a bank line."""
        parse_query(request)
        return self._shown(self._id(line_id))


class MatchLine(_OneLine):
    """`/v1/banks/lines/{id}/match`"""

    @extend_schema(
        operation_id="matchBankLine",
        summary="Match a bank line with transactions",
        description="Says which transactions stand for the line: the one that it is offered, or others of "
        "the bank's ledger account that add up to its amount. Pending ones become CLEARED. A transaction "
        "made of another own bank account's line becomes the transfer between the two.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=LineMatch,
        responses={200: BankLineEnvelope, **_FAULTS},
        examples=[
            _sent("The offer", {"transactionId": OFFERED_LINE["offeredTransactionId"]}),
            _answered("Matched", {"line": MATCHED_LINE}),
        ],
    )
    def post(self, request: Request, line_id: str) -> Response:
        """Match the line."""
        body = self._body(request, LineMatch)
        wanted = list(body.get("transaction_ids", []))
        if "transaction_id" in body:
            if wanted:
                raise ValidationError.of("transactionId", "contradicts transactionIds; send one of the two.")
            wanted = [body["transaction_id"]]
        if not wanted:
            raise ValidationError.of(
                "transactionId",
                "is missing; send the transaction that stands for the line, or transactionIds.",
            )
        match_line(entity=self.entity, line_id=self._id(line_id), transaction_ids=wanted, actor=self.actor)
        return self._shown(self._id(line_id))


class RecordLine(_OneLine):
    """`/v1/banks/lines/{id}/record`"""

    @extend_schema(
        operation_id="recordBankLine",
        summary="Make a transaction of a bank line",
        description="Refuses what the line is offered, or takes an ignored line in after all.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=RecordBody,
        responses={200: BankLineEnvelope, **_FAULTS},
        examples=[
            _sent("With its category", {"categoryId": PENDING_LINE["chosenCategoryId"]}),
            _answered("Recorded", {"line": LINE}),
        ],
    )
    def post(self, request: Request, line_id: str) -> Response:
        """Record the line."""
        body = self._body(request, RecordBody)
        record_line(
            entity=self.entity,
            line_id=self._id(line_id),
            category_id=body.get("category_id"),
            actor=self.actor,
        )
        return self._shown(self._id(line_id))


class IgnoreLine(_OneLine):
    """`/v1/banks/lines/{id}/ignore`"""

    @extend_schema(
        operation_id="ignoreBankLine",
        summary="Leave a bank line out of the books",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=NoFields,
        responses={200: BankLineEnvelope, **_FAULTS},
        examples=[_answered("Ignored", {"line": IGNORED_LINE})],
    )
    def post(self, request: Request, line_id: str) -> Response:
        """Ignore the line; again, it changes nothing."""
        self._body(request, NoFields)
        ignore_line(entity=self.entity, line_id=self._id(line_id), actor=self.actor)
        return self._shown(self._id(line_id))


class UnmatchLine(_OneLine):
    """`/v1/banks/lines/{id}/unmatch`"""

    @extend_schema(
        operation_id="unmatchBankLine",
        summary="Part a bank line from its transactions",
        description="What was made of the line alone is deleted; what was in the books before stays. The "
        "line is then ignored until it is matched or recorded anew. A posted transaction is reversed first.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=NoFields,
        responses={200: BankLineEnvelope, **_FAULTS},
        examples=[_answered("Parted", {"line": IGNORED_LINE})],
    )
    def post(self, request: Request, line_id: str) -> Response:
        """Unmatch the line."""
        self._body(request, NoFields)
        unmatch_line(entity=self.entity, line_id=self._id(line_id), actor=self.actor)
        return self._shown(self._id(line_id))


class CategorizeLine(_OneLine):
    """`/v1/banks/lines/{id}/categorize`"""

    @extend_schema(
        operation_id="categorizeBankLine",
        summary="Choose the category of a pending bank line",
        description="A pending line is not in the books yet; its transaction gets the category when it "
        "posts.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=CategoryBody,
        responses={200: BankLineEnvelope, **_FAULTS},
        examples=[
            _sent("A category", {"categoryId": PENDING_LINE["chosenCategoryId"]}),
            _answered("Chosen", {"line": PENDING_LINE}),
        ],
    )
    def post(self, request: Request, line_id: str) -> Response:
        """Choose the category."""
        body = self._body(request, CategoryBody)
        categorize_line(
            entity=self.entity,
            line_id=self._id(line_id),
            category_id=body["category_id"],
            actor=self.actor,
        )
        return self._shown(self._id(line_id))
