"""Endpoints of rules: keeping them, applying them on demand, and what they changed."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import facts_of_accounts
from banking.api.rule_shapes import (
    APPLICATION,
    CHANGES,
    NEW_RULE,
    RULE,
    STARTED,
    ApplicationPage,
    Applied,
    ApplyBody,
    ApplyingStarted,
    NewRule,
    RuleBody,
    RuleChanges,
    RulePage,
    application_json,
    change_json,
    rule_fields,
    rule_json,
)
from banking.rules import background
from banking.rules.applying import Plan, Selection, check_rules, plan
from banking.rules.candidates import Wanted
from banking.rules.keeping import create_rule, delete_rule, update_rule
from banking.rules.reads import applications_of, find_rule, rules_of
from ledger.api.pagination import CursorQuery, cursor_scope, cut_page, decode_cursor, encode_cursor
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY, errors
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError, shown
from ledger.ids import Prefix, decode_id

_TAGS: Final = ["Bank rules"]
_ID: Final = OpenApiParameter("rule_id", str, OpenApiParameter.PATH, description="The rule, `rule_…`.")


def _sent(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def _answered(name: str, value: object, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])


class Rules(ApiView):
    """`/v1/banks/rules`"""

    @extend_schema(
        operation_id="listBankRules",
        summary="List bank rules",
        description="The rules that say which bank line belongs to which account, in the order in which "
        "they are asked: by priority, then by age.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY, CursorQuery],
        responses={200: RulePage, **errors(400, 401, 403, 404)},
        examples=[_answered("Page", {"rules": [RULE], "nextCursor": None, "hasMore": False})],
    )
    def get(self, request: Request) -> Response:
        """List the company's rules."""
        query = parse_query(request, CursorQuery)
        scope, size = cursor_scope("bank-rules", self.entity.id, query), query["page_size"]
        after: Any = decode_cursor(scope, query["cursor"]) if "cursor" in query else None
        page = cut_page(
            list(rules_of(self.entity, after=after)[: size + 1]),
            size=size,
            scope=scope,
            key=lambda rule: (rule.priority, rule.created_at, rule.id),
        )
        rules = [rule_json(rule) for rule in page.rows]
        return Response({"rules": rules, "nextCursor": page.next_cursor, "hasMore": page.has_more})

    @extend_schema(
        operation_id="createBankRule",
        summary="Create a bank rule",
        description="The rule works from the next sync on; `POST /v1/banks/rules/apply` applies it to what "
        "is in the books already. A regular expression that is none is refused with its faulty place.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=NewRule,
        responses={201: RuleBody, **errors(400, 401, 403, 404, 409)},
        examples=[_sent("Subscriptions", NEW_RULE), _answered("The rule", {"rule": RULE}, 201)],
    )
    def post(self, request: Request) -> Response:
        """Add a rule."""
        parse_query(request)
        fields = rule_fields(parse_body(request, NewRule))
        rule = create_rule(entity=self.entity, fields=fields, actor=self.actor)
        return Response({"rule": rule_json(find_rule(self.entity, rule.id))}, status=201)


class RuleView(ApiView):
    """`/v1/banks/rules/{rule_id}`"""

    @extend_schema(
        operation_id="getBankRule",
        summary="Get a bank rule",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        responses={200: RuleBody, **errors(400, 401, 403, 404)},
        examples=[_answered("The rule", {"rule": RULE})],
    )
    def get(self, request: Request, rule_id: str) -> Response:
        """Show a rule."""
        parse_query(request)
        rule = find_rule(self.entity, decode_id(Prefix.RULE, rule_id, field="rule_id"))
        return Response({"rule": rule_json(rule)})

    @extend_schema(
        operation_id="updateBankRule",
        summary="Update a bank rule",
        description="Changes what is sent; null takes a condition away. What the rule did before stays.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=RuleChanges,
        responses={200: RuleBody, **errors(400, 401, 403, 404, 409)},
        examples=[
            _sent("Asked earlier", {"priority": 10, "contains": "github", "regex": None}),
            _answered("The rule", {"rule": RULE}),
        ],
    )
    def put(self, request: Request, rule_id: str) -> Response:
        """Change a rule."""
        parse_query(request)
        wanted = decode_id(Prefix.RULE, rule_id, field="rule_id")
        fields = rule_fields(parse_body(request, RuleChanges))
        update_rule(entity=self.entity, rule_id=wanted, fields=fields, actor=self.actor)
        return Response({"rule": rule_json(find_rule(self.entity, wanted))})

    @extend_schema(
        operation_id="deleteBankRule",
        summary="Delete a bank rule",
        description="What it changed stays as it is, and so does the record of that.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        request=None,
        responses={204: None, **errors(400, 401, 403, 404)},
    )
    def delete(self, request: Request, rule_id: str) -> Response:
        """Delete a rule."""
        parse_query(request)
        wanted = decode_id(Prefix.RULE, rule_id, field="rule_id")
        rule = delete_rule(entity=self.entity, rule_id=wanted, actor=self.actor)
        return self.deleted(f"The rule {shown(rule.name)} was deleted.")


class ApplyRules(ApiView):
    """`/v1/banks/rules/apply`"""

    @extend_schema(
        operation_id="applyBankRules",
        summary="Apply bank rules",
        description="Holds the rules against transactions that came from the bank and are not posted, of "
        "open periods: those still uncategorized, or with `includeCategorized` all of them. A dry run "
        f"shows what would change, {background.AT_ONCE_MAX:,} transactions at a time, and changes nothing. A "
        "run over more than that goes on in the background and answers 202 with a `taskId`.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=ApplyBody,
        responses={200: Applied, 202: ApplyingStarted, **errors(400, 401, 403, 404, 409)},
        examples=[
            _sent("A dry run", {"dryRun": True, "dateFrom": "2024-01-01", "includeCategorized": False}),
            _answered("What would change", CHANGES),
            _answered("In the background", STARTED, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        """Apply rules, or show what that would change."""
        parse_query(request)
        body = parse_body(request, ApplyBody)
        is_dry = body.get("dry_run", False)
        selection = _selection(body)
        scope = cursor_scope("bank-rules-apply", self.entity.id, _filters(selection))
        after = None
        if body.get("cursor") is not None:
            if not is_dry:
                raise ValidationError.of(
                    "cursor", "is for dry runs; a run applies the rules to all that is selected."
                )
            after = decode_cursor(scope, body["cursor"])[0]
        if selection.rule_ids is not None:
            check_rules(self.entity, selection.rule_ids, to_apply=not is_dry)
        if is_dry:
            planned = plan(
                self.entity, selection, size=background.AT_ONCE_MAX, after=after, even_disabled=True
            )
            return Response(_outcome(planned, is_dry=True, scope=scope))
        done = background.apply_or_start(entity=self.entity, selection=selection, actor=self.actor)
        if isinstance(done, Plan):
            return Response(_outcome(done, is_dry=False, scope=scope))
        return Response(STARTED | {"taskId": done.public_id}, status=202)


class RuleApplications(ApiView):
    """`/v1/banks/rules/{rule_id}/applications`"""

    @extend_schema(
        operation_id="listBankRuleApplications",
        summary="List what a bank rule changed",
        description="Newest first, at syncs and on demand; also of a rule that was deleted.",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY, CursorQuery],
        responses={200: ApplicationPage, **errors(400, 401, 403, 404)},
        examples=[_answered("Page", {"applications": [APPLICATION], "nextCursor": None, "hasMore": False})],
    )
    def get(self, request: Request, rule_id: str) -> Response:
        """List what a rule changed."""
        query = parse_query(request, CursorQuery)
        wanted = decode_id(Prefix.RULE, rule_id, field="rule_id")
        scope = cursor_scope(f"bank-rule-applications|{wanted}", self.entity.id, query)
        size = query["page_size"]
        before: Any = decode_cursor(scope, query["cursor"]) if "cursor" in query else None
        page = cut_page(
            list(applications_of(self.entity, wanted, before=before)[: size + 1]),
            size=size,
            scope=scope,
            key=lambda one: (one.applied_at, one.id),
        )
        named = {one.account_before for one in page.rows} | {one.account_after for one in page.rows}
        accounts = facts_of_accounts(self.entity, [one for one in named if one is not None])
        shapes = [application_json(one, accounts) for one in page.rows]
        return Response({"applications": shapes, "nextCursor": page.next_cursor, "hasMore": page.has_more})


def _selection(body: dict[str, Any]) -> Selection:
    first, last, rule_ids = body.get("date_from"), body.get("date_to"), body.get("rule_ids")
    if first is not None and last is not None and first > last:
        raise ValidationError.of("dateFrom", f"{shown(first)} is after dateTo ({shown(last)}); swap them.")
    wanted = Wanted(first, last, body.get("include_categorized", False))
    return Selection(wanted, None if rule_ids is None else tuple(dict.fromkeys(rule_ids)))


def _filters(selection: Selection) -> dict[str, object]:
    rule_ids = selection.rule_ids
    return selection.wanted._asdict() | {"rules": None if rule_ids is None else sorted(map(str, rule_ids))}


def _outcome(outcome: Plan, *, is_dry: bool, scope: str) -> dict[str, Any]:
    after = outcome.next_after
    return {
        "success": True,
        "dryRun": is_dry,
        "examined": outcome.examined,
        "changed": len(outcome.changes),
        "approved": sum(change.approves for change in outcome.changes),
        "changes": [change_json(change) for change in outcome.changes],
        "nextCursor": None if after is None or not is_dry else encode_cursor(scope, after),
        "hasMore": after is not None,
    }
