"""Endpoints of statement files: uploading one, looking into one before, and what became of each."""

from contextlib import nullcontext
from typing import Any, Final

from django.db.transaction import atomic
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api.statement_shapes import (
    BODY_BYTES_MAX,
    IMPORT,
    MAPPING,
    PREVIEW,
    ImportFilters,
    NewStatement,
    PreviewBody,
    PreviewShape,
    StatementImportPage,
    StatementImportShape,
    body_of,
    import_json,
    mapping_of,
    preview_json,
)
from banking.models import BankAccount, StatementImport
from banking.querysets import find_bank_account
from banking.statements.accounts import bank_account_of
from banking.statements.importing import import_statement
from banking.statements.previewing import preview_statement
from banking.statements.reads import find_import, line_counts, statement_imports
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.api.parsers import JSONParser, UploadParser
from ledger.api.query import parse_query
from ledger.api.schema import ENTITY_QUERY, errors
from ledger.api.serializers import parse
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id
from ledger.models import Entity

_TAGS: Final = ["Banks"]
_ID: Final = OpenApiParameter(
    "import_id",
    {"type": "string", "pattern": f"^{Prefix.IMPORT}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"},
    OpenApiParameter.PATH,
    description="The import, `imp_…`, as the upload answered it.",
)
_FILE: Final = "RGF0ZSxEZXNjcmlwdGlvbixBbW91bnQKMjAyNC0wMS0zMSxDb2ZmZWUsLTEyLjUwCg=="
_PARSERS: Final[list[type[BaseParser]]] = [JSONParser, UploadParser]


class StatementsView(ApiView):
    """`/v1/banks/statements`"""

    parser_classes = _PARSERS
    body_limit_bytes = BODY_BYTES_MAX

    @extend_schema(
        operation_id="listStatementImports",
        summary="List statement imports",
        tags=_TAGS,
        parameters=[ENTITY_QUERY, ImportFilters],
        responses={200: StatementImportPage, **errors(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "A page",
                {"imports": [IMPORT], "nextCursor": None, "hasMore": False},
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """The statement files that were imported, newest first."""
        query = parse_query(request, ImportFilters)
        scope = cursor_scope("statement-imports", self.entity.id, query)
        imports = statement_imports(self.entity)
        if "bank_account_id" in query:
            account = find_bank_account(self.entity, query["bank_account_id"])
            imports = imports.filter(bank_account_id=account.id)
        if "cursor" in query:
            created_at, id_ = decode_cursor(scope, query["cursor"])
            imports = imports.filter(created_at__lte=created_at).exclude(created_at=created_at, id__gte=id_)
        size = query["page_size"]
        page = cut_page(
            list(imports[: size + 1]), size=size, scope=scope, key=lambda one: (one.created_at, one.id)
        )
        counts = line_counts(self.entity, page.rows)
        return Response(
            {
                "imports": [import_json(one, counts[one.id]) for one in page.rows],
                "nextCursor": page.next_cursor,
                "hasMore": page.has_more,
            }
        )

    @extend_schema(
        operation_id="importStatement",
        summary="Import a bank statement",
        description="Takes an OFX, QFX, CAMT.053, MT940 or CSV file, as base64 in JSON, or under the same "
        "names as `multipart/form-data`; which of them it is, is seen by its content. Each line becomes a "
        "transaction once, whatever is uploaded again: it is known by the bank's own reference with its day "
        "and amount, or else by day, amount and text, and by its place among equals of that day. A file with "
        "a faulty row, or of another account or currency, is refused as a whole, with the rows and the "
        "reasons. The work is done when the answer comes: some seconds for 10,000 lines.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=NewStatement,
        responses={201: StatementImportShape, **errors(400, 401, 403, 404, 409, 413)},
        examples=[
            OpenApiExample(
                "A CSV file",
                {
                    "bankAccountId": "bacc_01h455vb4pex5vsknk084sn02r",
                    "file": _FILE,
                    "fileName": "january.csv",
                    "mapping": MAPPING,
                },
                request_only=True,
            ),
            OpenApiExample("Done", IMPORT, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Import a statement file into a bank account."""
        parse_query(request)
        body = parse(body_of(request.data), NewStatement)
        mapping, partial = mapping_of(body), body.get("partial", False)
        # With a file that is refused goes the bank account that would have been opened for it.
        with nullcontext() if partial else atomic():
            done = import_statement(
                entity=self.entity,
                bank_account=self._bank_account(body),
                data=body["file"],
                file_name=body.get("file_name", ""),
                mapping=mapping,
                partial=partial,
                actor=self.actor,
            )
        return Response(_shown(self.entity, done), status=201)

    def _bank_account(self, body: dict[str, Any]) -> BankAccount:
        if ("bank_account_id" in body) == ("ledger_account_id" in body):
            raise ValidationError.of(
                "bankAccountId",
                "name either the bank account or, in ledgerAccountId, the ledger account that stands for it.",
            )
        if "bank_account_id" in body:
            return find_bank_account(self.entity, body["bank_account_id"])
        return bank_account_of(
            entity=self.entity, ledger_account_id=body["ledger_account_id"], actor=self.actor
        )


class StatementPreviewView(ApiView):
    """`/v1/banks/statements/preview`"""

    parser_classes = _PARSERS
    body_limit_bytes = BODY_BYTES_MAX
    reads_only = True

    @extend_schema(
        operation_id="previewStatement",
        summary="Preview a bank statement",
        description="Shows what an import would read: the format, the columns of a CSV file and what they "
        "are taken for, the first lines, and every problem with its row. Nothing is stored. The `mapping` of "
        "the answer can be corrected and sent with the import.",
        tags=_TAGS,
        parameters=[ENTITY_QUERY],
        request=PreviewBody,
        responses={200: PreviewShape, **errors(400, 401, 403, 404, 413)},
        examples=[
            OpenApiExample("A CSV file", {"file": _FILE}, request_only=True),
            OpenApiExample("What it is read as", PREVIEW, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Show what a statement file would be read as."""
        parse_query(request)
        body = parse(body_of(request.data), PreviewBody)
        mapping = mapping_of(body)
        account = None
        if "bank_account_id" in body:
            account = find_bank_account(self.entity, body["bank_account_id"])
        preview = preview_statement(data=body["file"], bank_account=account, mapping=mapping)
        return Response(preview_json(preview))


class StatementImportView(ApiView):
    """`/v1/banks/statements/{import_id}`"""

    @extend_schema(
        operation_id="getStatementImport",
        summary="Get a statement import",
        tags=_TAGS,
        parameters=[_ID, ENTITY_QUERY],
        responses={200: StatementImportShape, **errors(400, 401, 403, 404)},
        examples=[OpenApiExample("The import", IMPORT, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, import_id: str) -> Response:
        """What became of a statement file."""
        parse_query(request)
        done = find_import(self.entity, decode_id(Prefix.IMPORT, import_id, field="import_id"))
        return Response(_shown(self.entity, done))


def _shown(entity: Entity, done: StatementImport) -> dict[str, Any]:
    return import_json(done, line_counts(entity, [done])[done.id])
