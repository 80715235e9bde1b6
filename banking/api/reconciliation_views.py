"""Agreeing the books with bank statements, and the daily comparison of both."""

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api import reconciliation_requests as asked
from banking.api import reconciliation_responses as described
from banking.api.reconciliation_shapes import (
    entries_json,
    reconciliation_json,
    summary_json,
    tie_out_json,
)
from banking.reconciliation.matching import (
    accept_suggestions,
    match_line,
    tick,
    unmatch_line,
    untick,
)
from banking.reconciliation.services import (
    complete_reconciliation,
    delete_reconciliation,
    reopen_reconciliation,
    start_reconciliation,
)
from banking.reconciliation.statements import (
    Position,
    ReconciliationPosition,
    find_statement,
    list_statements,
    read_candidates,
    read_items,
)
from banking.reconciliation.tie_out import TieOutPosition, list_tie_outs
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.ids import Prefix, decode_id
from ledger.models import Entity
from transactions.api.responses import example

_TAGS: Final = ["Reconciliation"]
_TRANSACTION: Final = described.ENTRY["transactionId"]
_COMPLETED: Final = {
    "reconciliation": {
        **described.RECONCILIATION["reconciliation"],
        "status": "completed",
        "completedAt": "2024-02-02T09:05:00Z",
        "clearedBalance": 1825.50,
        "difference": 0.00,
        "unticked": 0.00,
        "itemCount": 4,
        "candidates": [],
        "suggestions": None,
    }
}


class ReconciliationsView(ApiView):
    """`/v1/banks/reconciliations`"""

    @extend_schema(
        operation_id="listReconciliations",
        tags=_TAGS,
        summary="List reconciliations",
        parameters=[asked.ReconciliationsQuery],
        responses=described.ReconciliationPage,
        examples=[
            example("Page", {"reconciliations": [described.SUMMARY], "nextCursor": None, "hasMore": False})
        ],
    )
    def get(self, request: Request) -> Response:
        """The company's bank statements that were held against the books, newest first."""
        entity = self.entity
        query = parse_query(request, asked.ReconciliationsQuery)
        scope, size = cursor_scope("reconciliations", entity.id, query), query["page_size"]
        page = cut_page(
            list_statements(
                entity,
                bank_account_id=query.get("bank_account_id"),
                status=query.get("status"),
                limit=size + 1,
                after=_after(ReconciliationPosition, scope, query),
            ),
            size=size,
            scope=scope,
            key=lambda one: (one.statement_date, one.id),
        )
        found = [summary_json(one) for one in page.rows]
        return Response({"reconciliations": found, "nextCursor": page.next_cursor, "hasMore": page.has_more})

    @extend_schema(
        operation_id="startReconciliation",
        tags=_TAGS,
        summary="Begin to reconcile a bank statement",
        description=(
            "A bank account is reconciled one statement at a time, each after the last one completed. What "
            "the statement ends with is the bank's figure: money in the account, or on a card money owed."
        ),
        request=asked.NewReconciliationBody,
        responses={201: described.ReconciliationBody},
        examples=[
            example("Statement", described.NEW_RECONCILIATION, request=True),
            example("Begun", described.RECONCILIATION, status="201"),
        ],
    )
    def post(self, request: Request) -> Response:
        """Begin to hold a bank statement against the books."""
        parse_query(request)
        entity = self.entity
        body = parse_body(request, asked.NewReconciliationBody, zone=entity.zone)
        started = start_reconciliation(
            entity=entity,
            bank_account_id=body["bank_account_id"],
            statement_date=body["statement_date"],
            statement_balance=body["statement_balance"],
            actor=self.actor,
        )
        return Response(_body(entity, started), status=201)


class ReconciliationView(ApiView):
    """`/v1/banks/reconciliations/{reconciliation_id}`"""

    @extend_schema(
        operation_id="getReconciliation",
        tags=_TAGS,
        summary="Get a reconciliation",
        description=(
            "The difference to the statement, what is ticked, what could be, and what is suggested: what "
            "bank lines of the period stand for, pairs of a line and a transaction of equal amount, and "
            "lines that are the sum of two to five transactions."
        ),
        responses=described.ReconciliationBody,
        examples=[example("Open", described.RECONCILIATION)],
    )
    def get(self, request: Request, reconciliation_id: str) -> Response:
        """How far a bank statement and the books agree."""
        parse_query(request)
        return Response(_body(self.entity, _id(reconciliation_id)))

    @extend_schema(
        operation_id="deleteReconciliation",
        tags=_TAGS,
        summary="Throw an open reconciliation away",
        responses={204: None},
    )
    def delete(self, request: Request, reconciliation_id: str) -> Response:
        """Delete an open reconciliation with its ticks; the books and the bank's lines stay as they are."""
        parse_query(request)
        delete_reconciliation(entity=self.entity, reconciliation_id=_id(reconciliation_id), actor=self.actor)
        return self.deleted("Reconciliation deleted successfully")


class ReconciliationTransactionsView(ApiView):
    """`/v1/banks/reconciliations/{reconciliation_id}/transactions`"""

    @extend_schema(
        operation_id="listReconciliationTransactions",
        tags=_TAGS,
        summary="List what is ticked on a statement, or what could be",
        parameters=[asked.EntriesQuery],
        responses=described.EntryPage,
        examples=[example("Page", {"transactions": [described.ENTRY], "nextCursor": None, "hasMore": False})],
    )
    def get(self, request: Request, reconciliation_id: str) -> Response:
        """All of either list, newest first; of a completed statement only what is ticked."""
        entity = self.entity
        query = parse_query(request, asked.EntriesQuery)
        statement = find_statement(entity, _id(reconciliation_id))
        scope = cursor_scope(f"reconciliation-transactions-{statement.id}", entity.id, query)
        size = query["page_size"]
        after = _after(Position, scope, query)
        if query.get("ticked"):
            rows = read_items(entity, statement, limit=size + 1, after=after)
        elif statement.is_open:
            rows = read_candidates(entity, statement, limit=size + 1, after=after)
        else:
            rows = []
        page = cut_page(rows, size=size, scope=scope, key=lambda one: (one.date, one.timestamp, one.id))
        found = entries_json(page.rows, statement.currency)
        return Response({"transactions": found, "nextCursor": page.next_cursor, "hasMore": page.has_more})


class MatchView(ApiView):
    """`/v1/banks/reconciliations/{reconciliation_id}/match`"""

    @extend_schema(
        operation_id="matchReconciliation",
        tags=_TAGS,
        summary="Tick what stands on a statement",
        description=(
            "With `transactionIds` they are ticked. With `lineId` too, they also become the match of that "
            "bank line, and come to its amount exactly, as the cheques of one deposit do. With `suggested` "
            "everything is ticked that bank lines of the period stand for, and all suggested pairs of one "
            "line and one transaction are matched. What is ticked already stays so."
        ),
        request=asked.MatchBody,
        responses=described.MatchedBody,
        examples=[
            example("Tick", {"transactionIds": [_TRANSACTION]}, request=True),
            example(
                "One deposit of several cheques",
                {"lineId": described.ENTRY["lineId"], "transactionIds": [_TRANSACTION]},
                request=True,
            ),
            example("What is suggested", {"suggested": True}, request=True),
            example("Ticked", {**described.RECONCILIATION, "changed": 1}),
        ],
    )
    def post(self, request: Request, reconciliation_id: str) -> Response:
        """Tick transactions, match them with a bank line, or take what is suggested."""
        parse_query(request)
        entity, wanted = self.entity, _id(reconciliation_id)
        body = parse_body(request, asked.MatchBody)
        if "suggested" in body:
            changed = accept_suggestions(entity=entity, reconciliation_id=wanted, actor=self.actor)
        elif "line_id" in body:
            changed = match_line(
                entity=entity,
                reconciliation_id=wanted,
                line_id=body["line_id"],
                transaction_ids=body["transaction_ids"],
                actor=self.actor,
            )
        else:
            changed = tick(
                entity=entity,
                reconciliation_id=wanted,
                transaction_ids=body["transaction_ids"],
                actor=self.actor,
            )
        return Response({**_body(entity, wanted), "changed": changed})


class UnmatchView(ApiView):
    """`/v1/banks/reconciliations/{reconciliation_id}/unmatch`"""

    @extend_schema(
        operation_id="unmatchReconciliation",
        tags=_TAGS,
        summary="Untick what does not stand on a statement",
        description=(
            "With `transactionIds` they are unticked. With `lineId` the match of that bank line with "
            "transactions is taken back, and they are unticked; the line is left out of the books until it "
            "is matched again."
        ),
        request=asked.UnmatchBody,
        responses=described.MatchedBody,
        examples=[
            example("Untick", {"transactionIds": [_TRANSACTION]}, request=True),
            example("Take a match back", {"lineId": described.ENTRY["lineId"]}, request=True),
            example("Unticked", {**described.RECONCILIATION, "changed": 1}),
        ],
    )
    def post(self, request: Request, reconciliation_id: str) -> Response:
        """Untick transactions, or take the match of a bank line back."""
        parse_query(request)
        entity, wanted = self.entity, _id(reconciliation_id)
        body = parse_body(request, asked.UnmatchBody)
        if "line_id" in body:
            changed = unmatch_line(
                entity=entity, reconciliation_id=wanted, line_id=body["line_id"], actor=self.actor
            )
        else:
            changed = untick(
                entity=entity,
                reconciliation_id=wanted,
                transaction_ids=body["transaction_ids"],
                actor=self.actor,
            )
        return Response({**_body(entity, wanted), "changed": changed})


class CompleteView(ApiView):
    """`/v1/banks/reconciliations/{reconciliation_id}/complete`"""

    @extend_schema(
        operation_id="completeReconciliation",
        tags=_TAGS,
        summary="Complete a statement whose difference is zero",
        description=(
            "At any other difference it is refused, with the difference and what is not ticked. Transactions "
            "that are PENDING or CLEARED become RECONCILED, and all that are ticked keep their amount, their "
            "date and their side on the bank's account from then on."
        ),
        request=None,
        responses=described.ReconciliationBody,
        examples=[example("Completed", _COMPLETED)],
    )
    def post(self, request: Request, reconciliation_id: str) -> Response:
        """Complete a statement that the books agree with."""
        parse_query(request)
        entity, wanted = self.entity, _id(reconciliation_id)
        _read_nothing(request)
        complete_reconciliation(entity=entity, reconciliation_id=wanted, actor=self.actor)
        return Response(_body(entity, wanted))


class ReopenView(ApiView):
    """`/v1/banks/reconciliations/{reconciliation_id}/reopen`"""

    @extend_schema(
        operation_id="reopenReconciliation",
        tags=_TAGS,
        summary="Reopen the latest completed statement of an account",
        description=(
            "What is ticked stays ticked and is unlocked. Its transactions stay RECONCILED: there is no way "
            "back from that state. A later statement of the account is deleted or reopened first."
        ),
        request=asked.ReopenBody,
        responses=described.ReconciliationBody,
        examples=[
            example("Why", {"reason": "The bank sent a corrected statement"}, request=True),
            example("Reopened", described.RECONCILIATION),
        ],
    )
    def post(self, request: Request, reconciliation_id: str) -> Response:
        """Unlock a statement that was completed wrongly."""
        parse_query(request)
        entity, wanted = self.entity, _id(reconciliation_id)
        body = parse_body(request, asked.ReopenBody)
        reopen_reconciliation(
            entity=entity, reconciliation_id=wanted, reason=body["reason"], actor=self.actor
        )
        return Response(_body(entity, wanted))


class TieOutsView(ApiView):
    """`/v1/banks/tie-outs`"""

    @extend_schema(
        operation_id="listTieOuts",
        tags=_TAGS,
        summary="List what banks and books said, day by day",
        description=(
            "Once a day each connected bank account's balance, as its bank last said it, is held against the "
            "books at the end of that day."
        ),
        parameters=[asked.TieOutsQuery],
        responses=described.TieOutPage,
        examples=[example("Page", described.TIE_OUTS)],
    )
    def get(self, request: Request) -> Response:
        """The daily differences between banks and books, newest first."""
        entity = self.entity
        query = parse_query(request, asked.TieOutsQuery)
        scope, size = cursor_scope("tie-outs", entity.id, query), query["page_size"]
        page = cut_page(
            list_tie_outs(
                entity,
                bank_account_id=query.get("bank_account_id"),
                date_from=query.get("date_from"),
                date_to=query.get("date_to"),
                latest=query.get("latest", False),
                limit=size + 1,
                after=_after(TieOutPosition, scope, query),
            ),
            size=size,
            scope=scope,
            key=lambda one: (one.date, one.id),
        )
        days = [tie_out_json(one) for one in page.rows]
        return Response({"tieOuts": days, "nextCursor": page.next_cursor, "hasMore": page.has_more})


def _id(text: str) -> UUID:
    return decode_id(Prefix.RECONCILIATION, text, field="reconciliation_id")


def _body(entity: Entity, reconciliation_id: UUID) -> dict[str, Any]:
    return {"reconciliation": reconciliation_json(entity, find_statement(entity, reconciliation_id))}


def _read_nothing(request: Request) -> None:
    """Refuse fields where none is known; no body is as good as an empty one."""
    if request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
        parse_body(request, asked.EmptyBody)


def _after(position: Any, scope: str, query: dict[str, Any]) -> Any:
    """Where the page before ended, as a `position`; None for the first page."""
    return position(*decode_cursor(scope, query["cursor"])) if "cursor" in query else None
