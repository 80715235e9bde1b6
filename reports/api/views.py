"""The endpoints of reports. They only read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.query import parse_query
from ledger.api.views import ApiView
from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.models import Entity
from ledger.money import as_number
from ledger.times import day_of, format_timestamp
from reports import changes
from reports.api import responses as described
from reports.api import shapes as out
from reports.api.queries import (
    ChangesQuery,
    GeneralLedgerQuery,
    GenerateQuery,
    OverviewQuery,
    TrialBalanceQuery,
    check_past,
    ledger_of,
    named_period,
    period_of,
    scope_of,
)
from reports.banks import connected_accounts
from reports.files.formats import FileFormat, file_format
from reports.files.links import file_link
from reports.files.orders import Order
from reports.files.orders import Statement as Form
from reports.files.responses import file_response
from reports.periods import BEGINNING, Period, month_period, range_period
from reports.question import MAIN_STATEMENTS, Answer, Kind, Question, Statement, answer
from reports.read import compared_period, new_scope
from reports.snapshot import snapshot
from reports.statements.balance_sheet import BalanceSheet
from reports.statements.cash_flow import CashFlowStatement
from reports.statements.general_ledger import (
    BALANCE,
    Position,
    position,
    read_entries,
)
from reports.statements.income_statement import IncomeStatement
from reports.statements.overview import Interval, read_overview
from reports.statements.trial_balance import TrialBalance
from reports.sums import StatusFilter

_MONTHS_OF_OVERVIEW = 12


class GenerateView(ApiView):
    """`/v1/reports/generate`"""

    @extend_schema(
        operation_id="generateReport",
        tags=["Reports"],
        summary="Make the financial statements of a period",
        description=described.GENERATE_DESCRIPTION,
        parameters=[GenerateQuery],
        responses=described.GeneratedReport,
        examples=[described.GENERATED_EXAMPLE],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Balance sheet, income statement and cash flow statement of a period, or one of them."""
        entity = self.entity
        query = parse_query(request, GenerateQuery, zone=entity.zone)
        kinds = (Kind(query["type"]),) if "type" in query else MAIN_STATEMENTS
        question = Question(scope_of(query, entity), period_of(query, entity), kinds, query.get("compare"))
        if _is_file(query):
            if len(kinds) > 1:
                raise ValidationError.of(
                    "type", f"is missing; a file shows one statement, send {', '.join(MAIN_STATEMENTS)}."
                )
            return _as_file(_order(question, kinds[0]), query)
        return Response(generated(answer(question)))


def generated(found: Answer) -> dict[str, Any]:
    """The statements of an answer as the API shows them."""
    question = found.question
    scope = question.scope
    body = {
        "reportPeriod": out.period_out(question.period),
        **out.scope_out(scope),
        **_statements_out(found.statements),
        "reconciliation": out.reconciliation_out(found.reconciliation(), scope.currency),
        "accountHierarchy": out.nodes_out(found.frame.hierarchy(), scope.currency),
        "pdf_urls": {
            name: file_link(_order(question, kind), FileFormat.PDF) if kind in question.kinds else None
            for name, kind in (
                ("profit_loss", Kind.INCOME),
                ("balance_sheet", Kind.BALANCE),
                ("cash_flow", Kind.CASHFLOW),
            )
        },
    }
    if found.other_frame is not None:
        body["comparison"] = {
            "reportPeriod": out.period_out(found.other_frame.period),
            **_statements_out(found.comparison),
        }
    return body


_FORMS: Final = {
    Kind.INCOME: Form.INCOME_STATEMENT,
    Kind.BALANCE: Form.BALANCE_SHEET,
    Kind.CASHFLOW: Form.CASH_FLOW,
    Kind.TRIAL_BALANCE: Form.TRIAL_BALANCE,
}


def _order(question: Question, kind: Kind) -> Order:
    return Order(_FORMS[kind], question.scope, question.period, question.compare)


def _is_file(query: Mapping[str, Any]) -> bool:
    return bool(query.get("format", "json") != "json")


def _as_file(order: Order, query: Mapping[str, Any]) -> HttpResponseBase:
    return file_response(order, file_format(order.statement, query["format"]))


def _statements_out(statements: Mapping[Kind, Statement]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for statement in statements.values():
        if isinstance(statement, BalanceSheet):
            body["balanceSheet"] = out.balance_sheet_out(statement)
        elif isinstance(statement, IncomeStatement):
            body["incomeStatement"] = out.income_statement_out(statement)
        elif isinstance(statement, CashFlowStatement):
            body["cashFlowStatement"] = out.cash_flow_out(statement)
    return body


class TrialBalanceView(ApiView):
    """`/v1/reports/trial-balance`"""

    @extend_schema(
        operation_id="getTrialBalance",
        tags=["Reports"],
        summary="Get the trial balance",
        description=described.TRIAL_BALANCE_DESCRIPTION,
        parameters=[TrialBalanceQuery],
        responses=described.TrialBalanceReport,
        examples=[described.TRIAL_BALANCE_EXAMPLE],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """What stands on every account at the end of a day, debits beside credits."""
        entity = self.entity
        query = parse_query(request, TrialBalanceQuery, zone=entity.zone)
        compare = query.get("compare")
        period = _compared_day(query, entity) if compare else _day_as_period(query, entity)
        question = Question(scope_of(query, entity), period, (Kind.TRIAL_BALANCE,), compare)
        order = _order(question, Kind.TRIAL_BALANCE)
        if _is_file(query):
            return _as_file(order, query)
        found = answer(question)
        body = {
            **_trial_balance_out(found.statements),
            **out.scope_out(question.scope),
            "pdf_url": file_link(order, FileFormat.PDF),
        }
        if found.other_frame is not None:
            body["comparison"] = _trial_balance_out(found.comparison)
        return Response(body)


def _trial_balance_out(statements: Mapping[Kind, Statement]) -> dict[str, Any]:
    trial = statements[Kind.TRIAL_BALANCE]
    assert isinstance(trial, TrialBalance)
    return out.trial_balance_out(trial)


class GeneralLedgerView(ApiView):
    """`/v1/reports/general-ledger`"""

    @extend_schema(
        operation_id="getGeneralLedger",
        tags=["Reports"],
        summary="Get the general ledger, or the entries that make a figure",
        description=described.GENERAL_LEDGER_DESCRIPTION,
        parameters=[GeneralLedgerQuery],
        responses=described.GeneralLedgerReport,
        examples=[described.GENERAL_LEDGER_EXAMPLE],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Every account with its opening and closing balance, and a page of its entries."""
        entity = self.entity
        query = parse_query(request, GeneralLedgerQuery, zone=entity.zone)
        if "include_children" in query and "account_id" not in query:
            raise ValidationError.of(
                "includeChildren", "is about the accounts below accountId; send that too, or leave it out."
            )
        scope, period = scope_of(query, entity), period_of(query, entity)
        figure, account_id = query.get("figure", BALANCE), query.get("account_id")
        with_children = query.get("include_children", True)
        order = Order(
            Form.GENERAL_LEDGER,
            scope,
            period,
            figure=figure,
            account_id=account_id,
            with_children=with_children,
        )
        if _is_file(query):
            return _as_file(order, query)
        cursor_of = cursor_scope("general-ledger", entity.id, query | {"period": period})
        after = Position(*decode_cursor(cursor_of, query["cursor"])) if "cursor" in query else None
        size: int = query["page_size"]
        other = compared_period(period, query.get("compare"))
        with snapshot():
            ledger = order.general_ledger()
            entries = read_entries(ledger, limit=size + 1, after=after)
            compared = replace(order, period=other).general_ledger() if other else None
        page = cut_page(entries, size=size, scope=cursor_of, key=position)
        currency = scope.currency
        timestamp = format_timestamp(scope.known_at or utc_now())
        body = {
            "reportPeriod": out.period_out(period),
            **out.scope_out(scope),
            "figure": ledger.figure,
            "accounts": out.ledger_accounts_out(ledger, timestamp),
            "totals": {
                "debit": as_number(ledger.total_debits, currency),
                "credit": as_number(ledger.total_credits, currency),
                "amount": as_number(ledger.total, currency),
            },
            "entries": out.entries_out(page.rows, currency),
            "pdf_url": file_link(order, FileFormat.PDF),
            "hierarchy": {name: out.nodes_out(nodes, currency) for name, nodes in ledger.hierarchy().items()},
            "nextCursor": page.next_cursor,
            "hasMore": page.has_more,
        }
        if compared is not None and other is not None:
            body["comparison"] = {
                "reportPeriod": out.period_out(other),
                "accounts": out.ledger_accounts_out(compared, timestamp),
            }
        return Response(body)


class OverviewView(ApiView):
    """`/v1/reports/overview`"""

    @extend_schema(
        operation_id="getOverview",
        tags=["Reports"],
        summary="Get revenue, expenses, profit and cash over time",
        description=described.OVERVIEW_DESCRIPTION,
        parameters=[OverviewQuery],
        responses=described.OverviewReport,
        examples=[described.OVERVIEW_EXAMPLE],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The months of a range, and a chart of it in steps of the interval."""
        entity = self.entity
        query = parse_query(request, OverviewQuery, zone=entity.zone)
        scope, period = scope_of(query, entity), _overview_period(query, entity)
        interval = query.get("interval", Interval.MONTHLY)
        order = Order(Form.OVERVIEW, scope, period, interval=interval)
        if _is_file(query):
            return _as_file(order, query)
        other = compared_period(period, query.get("compare"))
        with snapshot():
            overview = order.overview()
            compared = read_overview(scope, other, interval) if other else None
            accounts = connected_accounts(entity)
        body = {
            **out.overview_out(overview, accounts),
            **out.scope_out(scope),
            "pdf_url": file_link(order, FileFormat.PDF),
            "chart_urls": {name: file_link(order, FileFormat(name)) for name in ("svg", "png")},
        }
        if compared is not None:
            body["comparison"] = out.overview_out(compared, ())
        return Response(body)


class ChangesView(ApiView):
    """`/v1/reports/changes`"""

    @extend_schema(
        operation_id="listReportChanges",
        tags=["Reports"],
        summary="List what changed a period's figures since a moment",
        description=described.CHANGES_DESCRIPTION,
        parameters=[ChangesQuery],
        responses=described.ChangesReport,
        examples=[described.CHANGES_EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        """What was recorded, changed or deleted in a time, and moved amounts of the period."""
        entity = self.entity
        query = parse_query(request, ChangesQuery, zone=entity.zone)
        since, until = query["since"], query.get("until") or utc_now()
        check_past(until, "until")
        if since > until:
            raise ValidationError.of("since", "is after until; swap the two.")
        scope = new_scope(
            entity=entity,
            ledger=ledger_of(query, entity),
            status=query.get("status", StatusFilter.POSTED),
        )
        period = _changed_period(query, entity)
        cursor_of = cursor_scope("report-changes", entity.id, query | {"period": period})
        after = changes.Position(*decode_cursor(cursor_of, query["cursor"])) if "cursor" in query else None
        size: int = query["page_size"]
        with snapshot():
            found = changes.list_changes(scope, period, since=since, until=until, limit=size + 1, after=after)
            figures = (
                changes.changed_figures(scope, period, since=since, until=until) if after is None else ()
            )
        page = cut_page(found, size=size, scope=cursor_of, key=lambda one: (one.changed_at, one.id))
        return Response(
            {
                "reportPeriod": out.period_out(period),
                **out.scope_out(scope),
                "since": since,
                "until": until,
                "figures": out.changed_figures_out(figures, scope.currency),
                "changes": [out.change_out(one) for one in page.rows],
                "nextCursor": page.next_cursor,
                "hasMore": page.has_more,
            }
        )


def _day_as_period(query: Mapping[str, Any], entity: Entity) -> Period:
    """All days until the one that a query of a trial balance means."""
    if "as_of" in query:
        return Period(BEGINNING, query["as_of"])
    named = named_period(query, entity)
    return Period(BEGINNING, named.end if named else day_of(utc_now(), entity.zone))


def _compared_day(query: Mapping[str, Any], entity: Entity) -> Period:
    """The period whose end is the day that is meant, so that there is one before it."""
    named = named_period(query, entity)
    if named is not None:
        return named
    end = query.get("as_of") or day_of(utc_now(), entity.zone)
    return Period(end.replace(day=1), end)


def _overview_period(query: Mapping[str, Any], entity: Entity) -> Period:
    if "start_date" in query and "end_date" not in query:
        end = month_period(*_this_month(entity)).end
        return range_period(query["start_date"], max(end, query["start_date"]))
    end = query["end_date"] if "end_date" in query else month_period(*_this_month(entity)).end
    if "start_date" in query:
        return range_period(query["start_date"], end)
    months = end.year * 12 + end.month - _MONTHS_OF_OVERVIEW
    return Period(max(end.replace(year=months // 12, month=months % 12 + 1, day=1), BEGINNING), end)


def _this_month(entity: Entity) -> tuple[int, int]:
    today = day_of(utc_now(), entity.zone)
    return today.year, today.month


def _changed_period(query: Mapping[str, Any], entity: Entity) -> Period:
    named = named_period(query, entity)
    if named is not None:
        return named
    if entity.books_closed_through is None:
        raise ValidationError.of(
            "endDate",
            "is missing: no period of these books is closed; send the days whose figures you mean, as "
            "month and year, year, fiscalYear, or startDate and endDate.",
        )
    return Period(BEGINNING, entity.books_closed_through)
