"""How search by meaning looks in requests and responses."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model, QuerySet
from rest_framework import serializers

from accounts.api.representations import account_out
from accounts.choices import AccountType
from accounts.models import Account
from ai.models import Summary
from ai.models.documents import SourceType
from ai.search.finding import Found, Wanted, transactions_of
from ai.search.texts import (
    ENTRY,
    STATEMENT_TYPES,
    SUMMARY,
    TRANSFER,
    report_title,
    statement_kind,
)
from ledger.api.schema import EXAMPLE_SUFFIX
from ledger.api.serializers import (
    BoundedIntegerField,
    ListOfField,
    OneOfField,
    RequestSerializer,
    TextField,
    TimestampField,
)
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.times import day_of, format_timestamp
from transactions.api.responses import EXAMPLE_TRANSACTION
from transactions.api.shapes import TransactionShaper

QUERY_LENGTH_MAX: Final = 500
LIMIT_MAX: Final = 50
LIMIT_OTHERWISE: Final = 10
DOCUMENT_TYPES: Final = (
    *(type_.value.lower() for type_ in AccountType),
    TRANSFER,
    ENTRY,
    *STATEMENT_TYPES,
    SUMMARY,
)
_ACCOUNT: Final = SourceType.LEDGER_ACCOUNT
_Model = TypeVar("_Model", bound=Model)
_ID_PREFIXES: Final = {
    SourceType.TRANSACTION: Prefix.TRANSACTION,
    SourceType.LEDGER_ACCOUNT: Prefix.ACCOUNT,
    SourceType.REPORT: Prefix.REPORT,
}


class SemanticSearchBody(RequestSerializer):
    """What is looked for, in any words, and what it must be."""

    query = TextField(
        max_length=QUERY_LENGTH_MAX,
        help_text="What is meant: words, a name, a reference, or a whole question.",
    )
    limit = BoundedIntegerField(
        min_value=1, max_value=LIMIT_MAX, required=False, help_text=f"{LIMIT_OTHERWISE} unless given."
    )
    source_types = ListOfField(
        child=OneOfField(SourceType),
        max_items=len(SourceType),
        required=False,
        allow_null=True,
        help_text="All unless given.",
    )
    document_types = ListOfField(
        child=OneOfField(DOCUMENT_TYPES),
        max_items=len(DOCUMENT_TYPES),
        required=False,
        allow_null=True,
        help_text="The type of an account, or of the account that a transaction is booked on; `transfer` "
        "between own accounts of money; `entry`, where neither account says what it was for; which "
        "statement; or `summary`, a month in words.",
    )
    time_start = TimestampField(
        required=False,
        allow_null=True,
        help_text="Transactions of then or later, accounts made since, statements of periods that end then "
        "or later.",
    )
    time_end = TimestampField(required=False, allow_null=True, help_text="And until then.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse times that leave nothing between them."""
        start, end = attrs.get("time_start"), attrs.get("time_end")
        if start is not None and end is not None and start > end:
            raise serializers.ValidationError(
                {
                    "time_start": [
                        f"{format_timestamp(start)} is after {format_timestamp(end)}; swap the two bounds."
                    ]
                }
            )
        return attrs


def wanted_of(values: Mapping[str, Any]) -> Wanted:
    """What the request says, in the search's words."""
    source_types, document_types = values.get("source_types"), values.get("document_types")
    return Wanted(
        query=values["query"],
        limit=values.get("limit", LIMIT_OTHERWISE),
        source_types=None if source_types is None else tuple(one.value for one in source_types),
        document_types=None if document_types is None else tuple(document_types),
        time_start=values.get("time_start"),
        time_end=values.get("time_end"),
    )


class FoundShape(serializers.Serializer[Any]):
    """A transaction, account, statement or summary that was found."""

    id = serializers.CharField(help_text="Of the result: `doc_` and the letters of `source_id`.")
    source_id = serializers.CharField()
    source_type = serializers.ChoiceField(SourceType.choices)
    document_type = serializers.ChoiceField([(one, one) for one in DOCUMENT_TYPES])
    similarity = serializers.FloatField(help_text="How much of the query it has, 0 to 1.")
    details = serializers.DictField(
        help_text="The transaction or the account as its own endpoint shows it; of a statement or summary "
        "its title and period, of the one the address that gives it, of the other its text."
    )


class SemanticSearchAnswer(serializers.Serializer[Any]):
    """What was found, most similar first."""

    success = serializers.BooleanField()
    query = serializers.CharField()
    entityId = serializers.CharField()  # noqa: N815 - wire
    results = FoundShape(many=True)


class FoundShaper:
    """Shapes what was found; what was deleted since the documents were made is left out."""

    def __init__(self, entity: Entity, found: Sequence[Found]) -> None:
        """Read the transactions, accounts and summaries that were found: one query for each kind."""
        self._entity, self._found = entity, found
        self._transactions = transactions_of(entity, found)
        self._accounts = self._read(
            Account.objects.for_entity(entity), [one for one in found if one.source_type == _ACCOUNT]
        )
        self._summaries = self._read(
            Summary.objects.filter(entity_id=entity.id), [one for one in found if _is_summary(one)]
        )
        self._shaper = TransactionShaper(entity)

    @staticmethod
    def _read(rows: QuerySet[_Model], found: Sequence[Found]) -> dict[UUID, _Model]:
        return rows.in_bulk([one.source_id for one in found]) if found else {}

    def results(self) -> list[dict[str, Any]]:
        """The results of the response."""
        return [shape for one in self._found if (shape := self._result(one)) is not None]

    def _result(self, found: Found) -> dict[str, Any] | None:
        details = self._details(found)
        if details is None:
            return None
        return {
            "id": encode_id(Prefix.DOCUMENT, found.source_id),
            "source_id": encode_id(_ID_PREFIXES[SourceType(found.source_type)], found.source_id),
            "source_type": found.source_type,
            "document_type": found.document_type,
            "similarity": round(found.similarity, 4),
            "details": details,
        }

    def _details(self, found: Found) -> dict[str, Any] | None:
        if found.source_type == SourceType.TRANSACTION:
            row = self._transactions.get(found.source_id)
            return None if row is None else self._shaper.full(row)
        if found.source_type == _ACCOUNT:
            account = self._accounts.get(found.source_id)
            return None if account is None else account_out(account)
        last = day_of(found.time, self._entity.zone)
        first = last.replace(day=1)
        details = {
            "title": f"{report_title(found.document_type)}, {first:%B} {first.year}",
            "startDate": first,
            "endDate": last,
        }
        if _is_summary(found):
            summary = self._summaries.get(found.source_id)
            return None if summary is None else details | {"text": summary.text}
        return details | {"path": self._path(found, first, last)}

    def _path(self, found: Found, first: date, last: date) -> str:
        """The address that gives the statement."""
        asked = {
            "entityId": self._entity.public_id,
            "type": statement_kind(found.document_type),
            "startDate": first.isoformat(),
            "endDate": last.isoformat(),
        }
        return f"/v1/reports/generate?{urlencode(asked)}"


def _is_summary(found: Found) -> bool:
    return found.source_type == SourceType.REPORT and found.document_type == SUMMARY


SEARCH_EXAMPLE: Final = {
    "query": "cloud hosting",
    "limit": 10,
    "sourceTypes": ["transaction", "ledger_account"],
    "timeStart": "2024-01-01T00:00:00Z",
    "timeEnd": "2024-03-31T23:59:59Z",
}
FOUND_EXAMPLE: Final = {
    "success": True,
    "query": "cloud hosting",
    "entityId": f"entity_{EXAMPLE_SUFFIX}",
    "results": [
        {
            "id": f"doc_{EXAMPLE_SUFFIX}",
            "source_id": f"txn_{EXAMPLE_SUFFIX}",
            "source_type": "transaction",
            "document_type": "expense",
            "similarity": 0.8412,
            "details": cast("dict[str, Any]", EXAMPLE_TRANSACTION)
            | {"description": "AMAZON WEB SERVICES AWS.AMAZON.CO WA", "amount": 6210.40},
        }
    ],
}
