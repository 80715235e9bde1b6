"""The endpoints of ledger accounts and of categories, which are the same seen from the categorizing side."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import representations as out
from accounts.api import responses as shapes
from accounts.api.requests import (
    IMPORT_BODY_BYTES_MAX,
    AccountChanges,
    AccountFilters,
    AccountQuery,
    BalanceQuery,
    ImportBody,
    NewAccount,
    NewCategory,
)
from accounts.api.responses import request_example, response_example
from accounts.balances import account_balance
from accounts.chart_templates import templates
from accounts.imports.files import decode_base64, guess_format, read_rows, rows_of_records
from accounts.imports.rows import Row
from accounts.models import Account, AccountImport
from accounts.querysets import default_ledger, find_account
from accounts.services import (
    create_account,
    delete_account,
    import_accounts,
    rows_of_template,
    update_account,
)
from ledger.api.pagination import NumberedPage
from ledger.api.query import parse_query
from ledger.api.serializers import parse_body
from ledger.api.views import ApiView
from ledger.clock import utc_now
from ledger.exceptions import NotFoundError, ValidationError, shown
from ledger.ids import Prefix, decode_id, encode_id
from ledger.times import day_of, day_start

ENTITY_HEADER = OpenApiParameter(
    "X-Entity-ID", str, OpenApiParameter.HEADER, description="The company, where the token is a developer's."
)
_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="The account, `acc_…`.")


def _no_account(account_id: UUID) -> NotFoundError:
    return NotFoundError(f"There is no account {encode_id(Prefix.ACCOUNT, account_id)} in this entity.")


class AccountsView(ApiView):
    """The chart of accounts."""

    @extend_schema(
        operation_id="listAccounts",
        tags=["Ledger accounts"],
        summary="List ledger accounts",
        parameters=[ENTITY_HEADER, AccountFilters],
        responses=shapes.AccountPageOut,
        examples=[
            response_example(
                "A page",
                {
                    "data": [shapes.ACCOUNT_EXAMPLE],
                    "meta": {"total": 87, "page": 1, "limit": 25, "pages": 4},
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """A page of the accounts that meet every filter, by code, then by name."""
        query = parse_query(request, AccountFilters)
        found = Account.objects.for_entity(self.entity).matching(
            type_=query.get("type"),
            financial_type=query.get("financial_type"),
            parent_id=query.get("parent_account_id"),
            top_level=query.get("top_level"),
        )
        page = NumberedPage(found.count(), query["page"], query["limit"])
        # A page past the end needs no second look; the offset of a far one would cost.
        rows = found[page.offset : page.offset + page.limit] if page.offset < page.total else []
        return Response({"data": [out.account_out(account) for account in rows], "meta": page.meta()})

    @extend_schema(
        operation_id="createAccount",
        tags=["Ledger accounts"],
        summary="Create a ledger account",
        parameters=[ENTITY_HEADER],
        request=NewAccount,
        responses={201: shapes.AccountOut},
        examples=[
            request_example(
                "An expense account",
                {
                    "name": "Marketing Expenses",
                    "type": "EXPENSE",
                    "financial_type": "ADVERTISING_EXPENSES",
                    "sub_type_code": 5020,
                    "parent_account_id": shapes.ACCOUNT_EXAMPLE["parent_account_id"],
                    "top_level": False,
                    "metadata": {"description": "General marketing and advertising expenses"},
                },
            ),
            response_example("The account", shapes.ACCOUNT_EXAMPLE, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Add an account to the default ledger, or to that of the parent."""
        parse_query(request)
        body = parse_body(request, NewAccount)
        parent_id = body.get("parent_account_id")
        if body.get("top_level") and parent_id is not None:
            raise ValidationError.of(
                "top_level",
                "true contradicts parent_account_id; an account is at the top level where it has no parent.",
            )
        parent = find_account(self.entity, parent_id) if parent_id is not None else None
        account = create_account(
            entity=self.entity,
            ledger=parent.ledger if parent else default_ledger(self.entity),
            name=body["name"],
            type_=body["type"],
            financial_type=body.get("financial_type"),
            sub_type=body.get("sub_type"),
            sub_type_code=body.get("sub_type_code"),
            parent=parent,
            metadata=body.get("metadata"),
            actor=self.actor,
        )
        return Response(out.account_out(account), status=201)


class AccountDetailView(ApiView):
    """One ledger account."""

    def extra(self, account: Account, query: dict[str, Any]) -> dict[str, Any]:
        """Return what an app above adds to the account: its transactions, where the query asks for them."""
        return {}

    @extend_schema(
        operation_id="getAccount",
        tags=["Ledger accounts"],
        summary="Get a ledger account",
        parameters=[ENTITY_HEADER, _ID, AccountQuery],
        responses=shapes.AccountDetailOut,
        examples=[response_example("The account", shapes.ACCOUNT_EXAMPLE)],
    )
    def get(self, request: Request, id: str) -> Response:
        """The account, with its newest transactions on request."""
        query = parse_query(request, AccountQuery)
        account = find_account(self.entity, decode_id(Prefix.ACCOUNT, id, field="id"))
        return Response(out.account_out(account) | self.extra(account, query))  # noqa: S610

    @extend_schema(
        operation_id="updateAccount",
        tags=["Ledger accounts"],
        summary="Update a ledger account",
        parameters=[ENTITY_HEADER, _ID],
        request=AccountChanges,
        responses=shapes.AccountOut,
        examples=[
            request_example(
                "New name and code",
                {
                    "name": "Marketing and Advertising Expenses",
                    "sub_type_code": 5025,
                    "metadata": {"tags": ["marketing", "advertising", "promotion"]},
                },
            ),
            response_example("The account", shapes.ACCOUNT_EXAMPLE),
        ],
    )
    def put(self, request: Request, id: str) -> Response:
        """Change what is sent; `parent_account_id` moves the account, null moves it to the top level."""
        parse_query(request)
        body = parse_body(request, AccountChanges)
        account = find_account(self.entity, decode_id(Prefix.ACCOUNT, id, field="id"))
        if "parent_account_id" in body:
            parent_id = body.pop("parent_account_id")
            body["parent"] = find_account(self.entity, parent_id) if parent_id is not None else None
        account = update_account(entity=self.entity, account=account, actor=self.actor, **body)
        return Response(out.account_out(account))

    @extend_schema(
        operation_id="deleteAccount",
        tags=["Ledger accounts"],
        summary="Delete a ledger account",
        parameters=[ENTITY_HEADER, _ID],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, id: str) -> Response:
        """Delete an account without transactions and children; with either the answer is 409."""
        parse_query(request)
        account = find_account(self.entity, decode_id(Prefix.ACCOUNT, id, field="id"))
        delete_account(entity=self.entity, account=account, actor=self.actor)
        return self.deleted(f"The account {shown(account.name)} was deleted.")


class AccountBalanceView(ApiView):
    """The balance of a ledger account."""

    @extend_schema(
        operation_id="getAccountBalance",
        tags=["Ledger accounts"],
        summary="Get a ledger account's balance",
        parameters=[ENTITY_HEADER, _ID, BalanceQuery],
        responses=shapes.AccountBalanceOut,
        examples=[
            response_example(
                "A bank account with two below it",
                {
                    "account_id": shapes.ACCOUNT_EXAMPLE["id"],
                    "balance": {
                        "debits_pending": "1000.00",
                        "debits_posted": "11000.00",
                        "credits_pending": "0.00",
                        "credits_posted": "500.00",
                        "timestamp": "2024-01-15T00:00:00Z",
                    },
                    "net_balance": "10500.00",
                    "currency": "USD",
                    "as_of": "2024-01-15",
                    "child_account_balances": [
                        {
                            "account_id": shapes.ACCOUNT_EXAMPLE["parent_account_id"],
                            "balance": {
                                "debits_posted": "500.00",
                                "credits_posted": "0.00",
                                "net_balance": "500.00",
                            },
                        }
                    ],
                },
            )
        ],
    )
    def get(self, request: Request, id: str) -> Response:
        """The sums of everything recorded, or of everything up to the end of the day `as_of`."""
        query = parse_query(request, BalanceQuery)
        account_id = decode_id(Prefix.ACCOUNT, id, field="id")
        entity = self.entity
        as_of = query.get("as_of")
        found = account_balance(
            entity.id, account_id, as_of=as_of, with_children=query["include_child_accounts"]
        )
        if found is None:
            raise _no_account(account_id)
        now: datetime = utc_now()
        if as_of is None:
            return Response(out.balance_out(found, timestamp=now, as_of=day_of(now, entity.zone)))
        return Response(out.balance_out(found, timestamp=day_start(as_of, entity.zone), as_of=as_of))


class AccountTemplatesView(ApiView):
    """The ready-made charts."""

    needs_entity = False

    @extend_schema(
        operation_id="listAccountTemplates",
        tags=["Ledger accounts"],
        summary="List the templates of charts of accounts",
        responses=shapes.TemplatesOut,
        examples=[
            response_example(
                "The first",
                {
                    "data": [
                        {
                            "id": "tmpl_standard_business",
                            "name": "Standard Business",
                            "description": "A complete chart for a small or mid-sized company",
                            "accounts_count": 75,
                        }
                    ]
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """The charts that can be imported by their id."""
        parse_query(request)
        return Response(out.templates_out(templates().values()))


class AccountImportsView(ApiView):
    """Imports of charts of accounts."""

    body_limit_bytes = IMPORT_BODY_BYTES_MAX

    @extend_schema(
        operation_id="importAccounts",
        tags=["Ledger accounts"],
        summary="Import a chart of accounts",
        parameters=[ENTITY_HEADER],
        request=ImportBody,
        responses={201: shapes.AccountImportOut},
        examples=[
            request_example("A template", {"source": "template", "template_id": "tmpl_standard_business"}),
            request_example(
                "A CSV file",
                {"source": "file", "file_format": "csv", "file": "bmFtZSx0eXBlCkNhc2gsQVNTRVQK"},
            ),
            request_example(
                "Rows",
                {
                    "source": "json",
                    "accounts": [
                        {"name": "Cash", "type": "ASSET", "financial_type": "CASH", "sub_type_code": 1010},
                        {"name": "Petty Cash", "type": "ASSET", "parent": "1010"},
                    ],
                },
            ),
            response_example(
                "Done",
                {
                    "import_id": "imp_01h455vb4pex5vsknk084sn02q",
                    "status": "completed",
                    "accounts_created": 75,
                    "accounts_skipped": 0,
                    "errors": [],
                },
                201,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make the accounts of a template, of a CSV or XLSX file, or of rows.

        Columns: name, type, financial_type, sub_type_code, parent (a code or a name), top_level, description,
        in any order of columns and rows. Bad rows are listed in `errors`, good ones are made, existing ones
        skipped.
        """
        parse_query(request)
        body = parse_body(request, ImportBody)
        rows, file_format = _rows_of(body)
        done = import_accounts(
            entity=self.entity,
            ledger=default_ledger(self.entity),
            rows=rows,
            source=body["source"],
            template_id=body.get("template_id"),
            file_format=file_format,
            actor=self.actor,
        )
        return Response(out.import_out(done), status=201)


# What belongs to each source, and what only confuses it.
_BELONGS_TO_SOURCE = {
    "template": ("template_id",),
    "file": ("file", "file_format"),
    "json": ("accounts",),
}


def _rows_of(body: dict[str, Any]) -> tuple[list[Row], str | None]:
    """Return the rows that an import's body holds, and the format of its file."""
    source = body["source"]
    needed, *_ = _BELONGS_TO_SOURCE[source]
    if needed not in body:
        raise ValidationError.of(needed, f'is missing; source "{source}" needs it.')
    for name in body:
        if name != "source" and name not in _BELONGS_TO_SOURCE[source]:
            raise ValidationError.of(name, f'does not belong to source "{source}"; leave it out.')
    if source == "template":
        return rows_of_template(body["template_id"]), None
    if source == "json":
        return rows_of_records(body["accounts"]), None
    data = decode_base64(body["file"])
    file_format = body.get("file_format") or guess_format(data)
    return read_rows(data, file_format), file_format


class AccountImportDetailView(ApiView):
    """One import."""

    @extend_schema(
        operation_id="getAccountImport",
        tags=["Ledger accounts"],
        summary="Get an import of a chart of accounts",
        parameters=[
            ENTITY_HEADER,
            OpenApiParameter("id", str, OpenApiParameter.PATH, description="The import, `imp_…`."),
        ],
        responses=shapes.AccountImportOut,
        examples=[
            response_example(
                "With a bad row",
                {
                    "import_id": "imp_01h455vb4pex5vsknk084sn02q",
                    "status": "partial",
                    "accounts_created": 74,
                    "accounts_skipped": 0,
                    "errors": [
                        {
                            "row": 12,
                            "field": "type",
                            "message": '"ASSETS" is no account type; write one of ASSET, LIABILITY, …',
                        }
                    ],
                },
            )
        ],
    )
    def get(self, request: Request, id: str) -> Response:
        """What became of an import, row by row."""
        parse_query(request)
        import_id = decode_id(Prefix.IMPORT, id, field="id")
        done = AccountImport.objects.filter(entity_id=self.entity.id, id=import_id).first()
        if done is None:
            raise NotFoundError(f"There is no import {encode_id(Prefix.IMPORT, import_id)} in this entity.")
        return Response(out.import_out(done))


class CategoriesView(ApiView):
    """Accounts as categories."""

    @extend_schema(
        operation_id="listCategories",
        tags=["Categories"],
        summary="List categories",
        parameters=[OpenApiParameter("entityId", str, description="The company.")],
        responses=shapes.CategoriesOut,
        examples=[response_example("One category", {"categories": [shapes.CATEGORY_EXAMPLE]})],
    )
    def get(self, request: Request) -> Response:
        """All accounts that take transactions, by code, then by name."""
        parse_query(request)
        entity = self.entity
        found = Account.objects.for_entity(entity).open()
        return Response({"categories": [out.category_out(account, entity) for account in found]})

    @extend_schema(
        operation_id="createCategory",
        tags=["Categories"],
        summary="Create a category",
        parameters=[OpenApiParameter("entityId", str, description="The company.")],
        request=NewCategory,
        responses={201: shapes.NewCategoryOut},
        examples=[
            request_example("A category", {"name": "Software", "type": "EXPENSE", "subTypeCode": 6310}),
            response_example(
                "The category",
                {
                    "category": {
                        "id": shapes.CATEGORY_EXAMPLE["id"],
                        "name": "Software",
                        "type": "EXPENSE",
                        "entityId": shapes.CATEGORY_EXAMPLE["entityId"],
                        "subTypeCode": 6310,
                    }
                },
                201,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Add an account at the top level of the default ledger."""
        parse_query(request)
        body = parse_body(request, NewCategory)
        account = create_account(
            entity=self.entity,
            ledger=default_ledger(self.entity),
            name=body["name"],
            type_=body["type"],
            sub_type_code=body.get("sub_type_code"),
            actor=self.actor,
        )
        return Response(out.new_category_out(account), status=201)
