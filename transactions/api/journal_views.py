"""Journal entries of two or more lines."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.choices import Side
from ledger.api.query import parse_query
from ledger.api.serializers import (
    AmountField,
    CurrencyField,
    IdField,
    OneOfField,
    RequestSerializer,
    TextField,
    TimestampField,
    parse_body,
)
from ledger.api.views import ApiView
from ledger.clock import utc_now
from ledger.exceptions import Detail, ValidationError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity
from ledger.money import as_number, parse_amount
from ledger.times import day_of
from transactions.api.requests import DESCRIPTION_LENGTH_MAX, EXTERNAL_ID_LENGTH_MAX
from transactions.api.responses import EXAMPLE_TRANSACTION, Transaction, example
from transactions.api.shapes import TransactionShaper
from transactions.choices import CREATABLE, Status
from transactions.journal_entries import (
    JournalEntryRead,
    delete_journal_entry,
    read_journal_entry,
    record_journal_entry,
)
from transactions.services import JournalLine

LINES_MIN: Final = 2
LINES_MAX: Final = 500


class JournalLineBody(RequestSerializer):
    """One line. A negative amount stands on the other side."""

    account_id = IdField(Prefix.ACCOUNT)
    direction = OneOfField(Side)
    amount = AmountField()


class JournalEntryBody(RequestSerializer):
    """A new journal entry."""

    description = TextField(max_length=DESCRIPTION_LENGTH_MAX, min_length=0)
    date = TimestampField(required=False, allow_null=True)
    status = OneOfField([status.value for status in Status if status in CREATABLE], required=False)
    currency = CurrencyField(
        required=False, allow_null=True, help_text="That of all accounts; the entity's by default."
    )
    external_id = TextField(
        max_length=EXTERNAL_ID_LENGTH_MAX,
        required=False,
        allow_null=True,
        help_text="The entry's name in your own system, unique per entity.",
    )
    lines = JournalLineBody(many=True, min_length=LINES_MIN, max_length=LINES_MAX)  # type: ignore[call-arg]


JOURNAL_RESPONSE: Final = inline_serializer(
    "JournalEntryEnvelope",
    {
        "journalEntry": inline_serializer(
            "JournalEntry",
            {
                "id": serializers.CharField(),
                "entityId": serializers.CharField(),
                "ledgerId": serializers.CharField(),
                "description": serializers.CharField(allow_blank=True),
                "date": serializers.DateField(),
                "currency": serializers.CharField(allow_null=True),
                "status": serializers.ChoiceField(
                    Status.choices,
                    allow_null=True,
                    help_text="The state of all its transactions; null where they differ.",
                ),
                "externalId": serializers.CharField(allow_null=True),
                "createdAt": serializers.DateTimeField(),
                "lines": inline_serializer(
                    "JournalLine",
                    {
                        "accountId": serializers.CharField(),
                        "accountName": serializers.CharField(),
                        "direction": serializers.ChoiceField(Side.choices),
                        "amount": serializers.DecimalField(
                            max_digits=20, decimal_places=4, coerce_to_string=False
                        ),
                    },
                    many=True,
                ),
                "transactions": Transaction(many=True),
            },
        )
    },
)

_REQUEST: Final[dict[str, Any]] = {
    "description": "Payroll of January",
    "date": "2024-01-31",
    "status": "POSTED",
    "lines": [
        {"accountId": "acc_01h455vb4pex5vsknk084sn02s", "direction": "DEBIT", "amount": 5000.00},
        {"accountId": "acc_01h455vb4pex5vsknk084sn02q", "direction": "CREDIT", "amount": 3800.00},
        {"accountId": "acc_01h455vb4pex5vsknk084sn02t", "direction": "CREDIT", "amount": 1200.00},
    ],
}
_ENTRY: Final = {
    "journalEntry": {
        "id": "jrn_01h455vb4pex5vsknk084sn02q",
        "entityId": "entity_01h455vb4pex5vsknk084sn02q",
        "ledgerId": "ldgr_01h455vb4pex5vsknk084sn02q",
        "description": "Payroll of January",
        "date": "2024-01-31",
        "currency": "USD",
        "status": "POSTED",
        "externalId": None,
        "createdAt": "2024-01-31T17:00:00Z",
        "lines": [
            line | {"accountName": name}
            for line, name in zip(
                _REQUEST["lines"], ("Payroll", "Checking", "Payroll Taxes Payable"), strict=True
            )
        ],
        "transactions": [EXAMPLE_TRANSACTION],
    }
}


class JournalEntriesView(ApiView):
    """`/v1/journal-entries`"""

    @extend_schema(
        operation_id="createJournalEntry",
        tags=["Journal entries"],
        summary="Record a journal entry",
        description=(
            "Debits equal credits. It is stored as linked two-account transactions, all or none. Lines of "
            "one account and direction become one; the answer has them in the order in which they were sent."
        ),
        request=JournalEntryBody,
        responses={201: JOURNAL_RESPONSE},
        examples=[example("Payroll", _REQUEST, request=True), example("Recorded", _ENTRY, status="201")],
    )
    def post(self, request: Request) -> Response:
        """Record an entry of two or more lines."""
        parse_query(request)
        entity = self.entity
        body = parse_body(request, JournalEntryBody, zone=entity.zone)
        currency: str = body.get("currency") or entity.default_currency
        timestamp = body.get("date") or utc_now()
        recorded = record_journal_entry(
            entity=entity,
            lines=_lines(body["lines"], currency),
            currency=currency,
            timestamp=timestamp,
            day=day_of(timestamp, entity.zone),
            actor=self.actor,
            description=body["description"],
            status=Status(body.get("status") or Status.PENDING),
            external_id=body.get("external_id"),
        )
        return Response(_shape(recorded, entity), status=201)


class JournalEntryView(ApiView):
    """`/v1/journal-entries/{id}`"""

    @extend_schema(
        operation_id="deleteJournalEntry",
        tags=["Journal entries"],
        summary="Delete a journal entry that is not posted",
        description=(
            "With all its transactions. Where one of them is posted, nothing is deleted and the answer is "
            "409; reverse it instead."
        ),
        responses={204: None},
    )
    def delete(self, request: Request, entry_id: str) -> Response:
        """Take the entry and its transactions out of the books; their last states stay in the history."""
        parse_query(request)
        wanted = decode_id(Prefix.JOURNAL_ENTRY, entry_id, field="id")
        delete_journal_entry(entity=self.entity, entry_id=wanted, actor=self.actor)
        return self.deleted("Journal entry deleted successfully")

    @extend_schema(
        operation_id="getJournalEntry",
        tags=["Journal entries"],
        summary="Get a journal entry",
        responses=JOURNAL_RESPONSE,
        examples=[example("Payroll", _ENTRY)],
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """The entry, its lines as they are recorded now, and its transactions."""
        parse_query(request)
        wanted = decode_id(Prefix.JOURNAL_ENTRY, entry_id, field="id")
        return Response(_shape(read_journal_entry(self.entity, wanted), self.entity))


def _lines(items: list[dict[str, Any]], currency: str) -> list[JournalLine]:
    """The lines, each with an amount above zero; faults name the line."""
    lines: list[JournalLine] = []
    faults: list[Detail] = []
    for index, item in enumerate(items):
        try:
            amount = parse_amount(item["amount"], currency=currency, field=f"lines[{index}].amount")
        except ValidationError as error:
            faults += error.details
            continue
        direction: Side = item["direction"]
        lines.append(
            JournalLine(item["account_id"], direction if amount > 0 else direction.opposite, abs(amount))
        )
    if faults:
        raise ValidationError.many(faults)
    return lines


def _shape(read: JournalEntryRead, entity: Entity) -> dict[str, Any]:
    entry, shaper = read.entry, TransactionShaper(entity)
    currency = read.transactions[0].currency if read.transactions else None
    return {
        "journalEntry": {
            "id": entry.public_id,
            "entityId": entity.public_id,
            "ledgerId": encode_id(Prefix.LEDGER, entry.ledger_id),
            "description": entry.description,
            "date": entry.date,
            "currency": currency,
            "status": read.status,
            "externalId": entry.external_id,
            "createdAt": entry.created_at,
            "lines": [
                {
                    "accountId": encode_id(Prefix.ACCOUNT, line.account_id),
                    "accountName": line.account_name,
                    "direction": line.direction,
                    "amount": as_number(line.amount, currency or entity.default_currency),
                }
                for line in read.lines
            ],
            "transactions": [shaper.full(row) for row in read.transactions],
        }
    }
