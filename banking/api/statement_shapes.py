"""How statement files and their imports look in requests and responses."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from rest_framework import serializers

from banking.choices import StatementFormat
from banking.models import StatementImport
from banking.statements.content import StatementLine
from banking.statements.csv_mapping import CsvMapping
from banking.statements.faults import RowFault, check_size
from banking.statements.limits import FILE_BYTES_MAX
from banking.statements.previewing import Preview
from banking.statements.reads import LineCounts
from ledger.api import json
from ledger.api.pagination import CursorQuery
from ledger.api.serializers import (
    IdField,
    MetadataField,
    RequestField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
)
from ledger.choices import ImportStatus
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id
from ledger.money import as_number
from ledger.times import format_timestamp

# Base64 makes four characters of three bytes; lines and the JSON around it get some room.
BODY_BYTES_MAX: Final = FILE_BYTES_MAX * 4 // 3 + 500_000
_FILE_NAME_LENGTH_MAX: Final = 255
MAPPING: Final = {"date": "Date", "amount": "Amount", "description": ["Payee", "Memo"], "dateOrder": "DMY"}


class FileField(RequestField):
    """A file: base64 text in JSON, a part of its own in a form."""

    form = "the file's bytes, in JSON as base64 (RFC 4648, section 4)"
    schema = {"type": "string", "format": "byte", "minLength": 1, "maxLength": BODY_BYTES_MAX}

    def parse(self, value: object) -> bytes:
        """Return the bytes."""
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str) or not value.strip():
            self.refuse(value, "is no file")
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            self.refuse(value, f"is no base64 ({error})")


class _Statement(RequestSerializer):
    file = FileField(
        help_text="An OFX, QFX, CAMT.053, MT940 or CSV file, not packed. At most 10 MB and 100,000 lines."
    )
    file_name = TextField(
        max_length=_FILE_NAME_LENGTH_MAX, required=False, help_text="For the record; it says nothing else."
    )
    bank_account_id = IdField(Prefix.BANK_ACCOUNT, required=False)
    mapping = MetadataField(
        required=False,
        help_text="For CSV: the columns, by name or by number from 1, of `date`, and of `amount` or `debit` "
        "and `credit`; where there are, of `description` (one or a list), `counterparty`, `reference`, "
        "`usedOn`, `category`, `currency`, `account`, `balance`, and `direction` (a column that says debit "
        "or credit). Where the file does not tell it: `dateOrder` DMY, MDY or YMD, `decimalMark` . "
        "or , and `amountSign`, `in` or `out`: what a positive amount means. The account remembers it. In a "
        "form, it is JSON text.",
    )


class NewStatement(_Statement):
    """A statement file, and the bank account that it is of."""

    ledger_account_id = IdField(
        Prefix.ACCOUNT,
        required=False,
        help_text="Instead of `bankAccountId`: the ledger account that stands for the bank account. One that "
        "no bank account feeds yet gets one that is fed by files.",
    )
    partial = StrictBooleanField(  # type: ignore[assignment] # DRF's own attribute
        required=False,
        help_text="Import the good rows of a file that has bad ones, and list the bad ones in `errors`. "
        "Otherwise such a file is refused as a whole.",
    )


class PreviewBody(_Statement):
    """A statement file; with the bank account that it is of, it is also held against that."""


class ImportFilters(CursorQuery):
    """Which imports to list."""

    bank_account_id = IdField(Prefix.BANK_ACCOUNT, required=False)


def body_of(data: object) -> object:
    """Return a request's body as `parse` takes it: a form's fields and files like JSON's.

    Raises ValidationError for a field that is there twice or is not in its form, PayloadTooLargeError for
    too large a file.
    """
    if not isinstance(data, QueryDict):
        if isinstance(data, dict) and isinstance(data.get("file"), str):
            # Before it is decoded.
            check_size(len(data["file"]) * 3 // 4 - 2, FILE_BYTES_MAX)
        return data
    body: dict[str, Any] = {}
    for name, values in data.lists():
        if len(values) > 1:
            raise ValidationError.of(name[:100], f"stands there {len(values)} times; send it once.")
        body[name] = _form_value(name, values[0])
    uploaded = data.get("file")
    if isinstance(uploaded, UploadedFile):
        body.setdefault("fileName", str(uploaded.name)[:_FILE_NAME_LENGTH_MAX])
    return body


def _form_value(name: str, value: object) -> object:
    if isinstance(value, UploadedFile):
        if value.size is not None and value.size > FILE_BYTES_MAX:
            check_size(value.size, FILE_BYTES_MAX)
        value.seek(0)
        return value.read()
    if name == "partial" and value in ("true", "false"):
        return value == "true"
    if name == "mapping":
        try:
            return json.decode(str(value).encode("utf-8", "surrogatepass"))
        except ValidationError as error:
            raise ValidationError.of("mapping", f"is no JSON ({error}).") from None
    return value


# --- answers --------------------------------------------------------------------------------------


def import_json(done: StatementImport, counts: LineCounts) -> dict[str, Any]:
    """An import, as the API shows it."""
    currency = done.bank_account.currency
    return {
        "importId": done.public_id,
        "status": str(done.status),
        "transactionsCreated": done.created_count,
        "transactionsSkipped": done.skipped_count,
        "transactionsOffered": counts.offered,
        "linesIgnored": counts.ignored,
        "errors": done.errors,
        "bankAccountId": encode_id(Prefix.BANK_ACCOUNT, done.bank_account_id),
        "format": str(done.format),
        "fileName": done.file_name or None,
        "firstDate": done.first_date,
        "lastDate": done.last_date,
        "openingBalance": None if done.opening_balance is None else as_number(done.opening_balance, currency),
        "closingBalance": None if done.closing_balance is None else as_number(done.closing_balance, currency),
        "createdAt": format_timestamp(done.created_at),
    }


def preview_json(preview: Preview) -> dict[str, Any]:
    """A file as it would be imported, as the API shows it."""
    table, mapping = preview.table, preview.mapping
    return {
        "format": str(preview.format) if preview.format else None,
        "encoding": table.encoding if table else None,
        "delimiter": table.delimiter if table else None,
        "headerRow": table.header_row if table else None,
        "columns": table.columns if table else [],
        "mapping": mapping.as_json() if mapping else None,
        "statements": [
            {
                "accountNumber": one.account_number or None,
                "currency": one.currency or None,
                "openingBalance": one.opening_balance,
                "closingBalance": one.closing_balance,
                "lineCount": len(one.lines),
            }
            for one in preview.statements
        ],
        "lineCount": preview.line_count,
        "rows": [_row(line) for line in preview.first_lines],
        "problems": [_problem(fault) for fault in preview.problems],
        "problemCount": preview.problem_count,
        "notes": preview.notes,
    }


def _row(line: StatementLine) -> dict[str, Any]:
    return {
        "row": line.row,
        "date": line.day,
        "amount": line.amount,
        "description": line.description,
        "counterparty": line.counterparty or None,
        "reference": line.reference or None,
    }


def _problem(fault: RowFault) -> dict[str, Any]:
    return fault._asdict()


class RowFaultShape(serializers.Serializer[Any]):
    """Why a row was not imported."""

    row = serializers.IntegerField(
        help_text="The line of a CSV or MT940 file, the number of the entry in OFX and CAMT.053; 0: the file."
    )
    field = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class StatementImportShape(serializers.Serializer[Any]):
    """What became of a statement file."""

    importId = serializers.CharField()  # noqa: N815 - as it is spelled on the wire
    status = serializers.ChoiceField(ImportStatus.choices)
    transactionsCreated = serializers.IntegerField(help_text="Lines that are in the books now.")  # noqa: N815
    transactionsSkipped = serializers.IntegerField(  # noqa: N815
        help_text="Lines that were there already, or that the account's bank connection brings."
    )
    transactionsOffered = serializers.IntegerField(  # noqa: N815
        help_text="Lines that look like a transaction in the books, and wait for a person to say so."
    )
    linesIgnored = serializers.IntegerField(  # noqa: N815
        help_text="Lines that are kept out of the books, as those of a closed period."
    )
    errors = RowFaultShape(many=True)  # type: ignore[assignment] # DRF's own attribute
    bankAccountId = serializers.CharField()  # noqa: N815
    format = serializers.ChoiceField(StatementFormat.choices)
    fileName = serializers.CharField(allow_null=True)  # noqa: N815
    firstDate = serializers.DateField(allow_null=True)  # noqa: N815
    lastDate = serializers.DateField(allow_null=True)  # noqa: N815
    openingBalance = serializers.DecimalField(20, 4, coerce_to_string=False, allow_null=True)  # noqa: N815
    closingBalance = serializers.DecimalField(20, 4, coerce_to_string=False, allow_null=True)  # noqa: N815
    createdAt = serializers.DateTimeField()  # noqa: N815


class StatementImportPage(serializers.Serializer[Any]):
    """A page of imports, newest first."""

    imports = StatementImportShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


class PreviewStatementShape(serializers.Serializer[Any]):
    """One of the file's statements."""

    accountNumber = serializers.CharField(allow_null=True)  # noqa: N815
    currency = serializers.CharField(allow_null=True)
    openingBalance = serializers.DecimalField(20, 4, coerce_to_string=False, allow_null=True)  # noqa: N815
    closingBalance = serializers.DecimalField(20, 4, coerce_to_string=False, allow_null=True)  # noqa: N815
    lineCount = serializers.IntegerField()  # noqa: N815


class PreviewRowShape(serializers.Serializer[Any]):
    """A line as it would be imported."""

    row = serializers.IntegerField()
    date = serializers.DateField()
    amount = serializers.DecimalField(
        20, 4, coerce_to_string=False, help_text="Positive where money left the account."
    )
    description = serializers.CharField()
    counterparty = serializers.CharField(allow_null=True)
    reference = serializers.CharField(allow_null=True)


class PreviewShape(serializers.Serializer[Any]):
    """What a file would be read as."""

    format = serializers.ChoiceField(StatementFormat.choices, allow_null=True)
    encoding = serializers.CharField(allow_null=True)
    delimiter = serializers.CharField(allow_null=True, trim_whitespace=False)
    headerRow = serializers.IntegerField(allow_null=True)  # noqa: N815
    columns = serializers.ListField(child=serializers.CharField(allow_blank=True))
    mapping = serializers.DictField(allow_null=True)
    statements = PreviewStatementShape(many=True)
    lineCount = serializers.IntegerField()  # noqa: N815
    rows = PreviewRowShape(many=True)
    problems = RowFaultShape(many=True)
    problemCount = serializers.IntegerField()  # noqa: N815
    notes = serializers.ListField(child=serializers.CharField())


IMPORT: Final[dict[str, Any]] = {
    "importId": "imp_01h455vb4pex5vsknk084sn02q",
    "status": "completed",
    "transactionsCreated": 42,
    "transactionsSkipped": 17,
    "transactionsOffered": 1,
    "linesIgnored": 0,
    "errors": [],
    "bankAccountId": "bacc_01h455vb4pex5vsknk084sn02r",
    "format": "camt053",
    "fileName": "2024-01.xml",
    "firstDate": "2024-01-02",
    "lastDate": "2024-01-31",
    "openingBalance": 1200.00,
    "closingBalance": 1875.50,
    "createdAt": "2024-02-01T08:00:00Z",
}
PREVIEW: Final[dict[str, Any]] = {
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ",",
    "headerRow": 1,
    "columns": ["Date", "Description", "Amount"],
    "mapping": {
        "date": "Date",
        "description": ["Description"],
        "amount": "Amount",
        "dateOrder": "MDY",
        "decimalMark": ".",
        "amountSign": "in",
    },
    "statements": [
        {
            "accountNumber": None,
            "currency": None,
            "openingBalance": None,
            "closingBalance": None,
            "lineCount": 1,
        }
    ],
    "lineCount": 1,
    "rows": [
        {
            "row": 2,
            "date": "2024-01-31",
            "amount": 12.50,
            "description": "COFFEE SHOP 4711",
            "counterparty": None,
            "reference": None,
        }
    ],
    "problems": [],
    "problemCount": 0,
    "notes": [],
}


def mapping_of(body: Mapping[str, Any]) -> CsvMapping | None:
    """The mapping that a request holds, if any. Raises ValidationError, naming the field."""
    return CsvMapping.parse(body["mapping"]) if "mapping" in body else None
