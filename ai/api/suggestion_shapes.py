"""How category suggestions look in requests and responses."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from rest_framework import serializers

from accounts.chart_templates import SystemRole
from accounts.models import Account
from accounts.querysets import default_ledger
from accounts.system_accounts import system_account_ids
from ai.categories.backtest import Backtest
from ai.categories.stored import THRESHOLD_MIN, Waiting, named_bank_account
from ai.categories.suggesting import Suggested, Suggestions, Wanted
from ai.categories.texts import Line
from ai.models import SuggestionSettings
from banking.models import BankAccount
from ledger.api import json
from ledger.api.schema import EXAMPLE_SUFFIX
from ledger.api.serializers import (
    AmountField,
    BoundedIntegerField,
    DayField,
    IdField,
    OneOfField,
    RequestField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
)
from ledger.exceptions import LedgerError, NotFoundError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity
from ledger.money import as_number
from ledger.times import format_timestamp
from transactions.category_side import category_side
from transactions.listing import get_transactions
from transactions.rows import Row

LINES_MAX: Final = 500
_TEXT_MAX: Final = 1_000
_NAME_MAX: Final = 200
# Words for the direction, and whether money left.
_DIRECTIONS: Final[Mapping[str, bool]] = {
    "in": False,
    "out": True,
    "inflow": False,
    "outflow": True,
    "CREDIT": False,
    "DEBIT": True,
    "credit": False,
    "debit": True,
}

_ACCOUNT: Final = f"acc_{EXAMPLE_SUFFIX}"
SUGGESTED: Final = {
    "categoryId": _ACCOUNT,
    "categoryName": "Software",
    "code": "6100",
    "confidence": 0.9312,
    "reason": "like 'AWS EMEA' on 3 May, which you put in Software",
}
ANSWER: Final = {
    "transactionId": f"txn_{EXAMPLE_SUFFIX}",
    "suggestions": [SUGGESTED],
    "transactionType": "expense",
    "alreadyCategorized": False,
}
LINES: Final = {
    "transactions": [
        {"id": f"txn_{EXAMPLE_SUFFIX}", "description": "AWS EMEA 4711", "amount": 120.5, "direction": "out"}
    ]
}


class ShareField(RequestField):
    """A confidence: a number between two bounds, as an exact Decimal."""

    def __init__(self, *, least: Decimal = Decimal(0), **kwargs: Any) -> None:
        self.least = least
        self.schema = {
            "type": "number",
            "minimum": float(least),
            "maximum": 1,
            "example": 0.9,
        }
        self.form = f"a number from {least} to 1"
        super().__init__(**kwargs)

    def parse(self, value: object) -> Decimal:
        """Return the number, rounded to three digits."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse(value)
        share = Decimal(value)
        if not share.is_finite() or not self.least <= share <= 1:
            self.refuse(value)
        return round(share, 3)


class LineShape(RequestSerializer):
    """A line to suggest categories for. Of a transaction of the company its id is enough with its description
    and amount; what the books say of it is used."""

    id = TextField(
        max_length=_NAME_MAX,
        required=False,
        allow_null=True,
        help_text="A transaction's id, or a name of your own; it comes back as `transactionId`.",
    )
    description = TextField(max_length=_TEXT_MAX, min_length=0)
    amount = AmountField(help_text="Positive where money went out, unless `direction` says otherwise.")
    direction = OneOfField(
        list(_DIRECTIONS),
        required=False,
        allow_null=True,
        help_text="`in` or `out`, as seen from the bank account (CREDIT and DEBIT of a bank statement).",
    )
    counterparty_name = TextField(max_length=_NAME_MAX, min_length=0, required=False, allow_null=True)
    merchant_name = TextField(max_length=_NAME_MAX, min_length=0, required=False, allow_null=True)
    category = TextField(
        max_length=_NAME_MAX,
        required=False,
        allow_null=True,
        help_text="The bank's own category, such as GENERAL_SERVICES_INSURANCE.",
    )
    date = DayField(required=False, allow_null=True)
    bank_account_id = IdField(Prefix.BANK_ACCOUNT, required=False, allow_null=True)


class SuggestBody(RequestSerializer):
    """The lines."""

    transactions = LineShape(many=True, min_length=1, max_length=LINES_MAX)  # type: ignore[call-arg]


class SuggestedCategory(serializers.Serializer):
    """A category, and how likely it is the right one."""

    categoryId = serializers.CharField()  # noqa: N815 - as it is spelled on the wire
    categoryName = serializers.CharField()  # noqa: N815
    code = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(
        help_text="0 to 1; calibrated: of those at 0.8, four in five are right."
    )
    reason = serializers.CharField()


class LineSuggestions(serializers.Serializer):
    """What is suggested for one line."""

    transactionId = serializers.CharField(allow_null=True)  # noqa: N815
    suggestions = SuggestedCategory(many=True, help_text="At most three, the likeliest first.")
    transactionType = serializers.ChoiceField(  # noqa: N815
        ["expense", "revenue", "transfer", "asset", "liability", "equity"]
    )
    alreadyCategorized = serializers.BooleanField()  # noqa: N815


class SuggestAnswer(serializers.Serializer):
    """What is suggested for all lines, in their order."""

    results = LineSuggestions(many=True)
    done = serializers.BooleanField()
    count = serializers.IntegerField()


class EntrySuggestions(LineSuggestions):
    """The same, with the entry that taking the first one would make."""

    debitAccountId = serializers.CharField(allow_null=True)  # noqa: N815
    creditAccountId = serializers.CharField(allow_null=True)  # noqa: N815


class EntryAnswer(serializers.Serializer):
    """What is suggested for all lines, in their order."""

    success = serializers.BooleanField()
    results = EntrySuggestions(many=True)
    count = serializers.IntegerField()


class Asked(NamedTuple):
    """A line as it was asked about."""

    id: str | None
    wanted: Wanted
    is_categorized: bool
    # Where money comes from or goes to; None where that is not known.
    own_account_id: UUID | None
    # What stands for the category while there is none.
    uncategorized_id: UUID | None
    is_out: bool


def asked_of(entity: Entity, lines: Sequence[dict[str, Any]]) -> list[Asked]:
    """What is wanted for each line of the request; a transaction of the books speaks for itself. Raises
    NotFoundError for a bank account that the company does not have. Five queries."""
    rows = get_transactions(entity, list({id_ for line in lines if (id_ := _transaction_id(line.get("id")))}))
    named = {line["bank_account_id"] for line in lines if line.get("bank_account_id")}
    banks = BankAccount.objects.filter(entity_id=entity.id)
    own = {
        id_: (ledger_id, account_id)
        for id_, ledger_id, account_id in banks.order_by("created_at", "id").values_list(
            "id", "ledger_id", "ledger_account_id"
        )
    }
    for id_ in sorted(named - own.keys()):
        raise NotFoundError(f"There is no bank account {encode_id(Prefix.BANK_ACCOUNT, id_)}.")
    ledger = default_ledger(entity)
    usual = next((account for ledger_id, account in own.values() if ledger_id == ledger.id), None)
    if usual is None:
        usual = (
            Account.objects.for_entity(entity)
            .filter(ledger_id=ledger.id, financial_type="CASH", closed_at__isnull=True)
            .values_list("id", flat=True)
            .first()
        )
    uncategorized = system_account_ids(
        entity, SystemRole.UNCATEGORIZED_INCOME, SystemRole.UNCATEGORIZED_EXPENSE
    )
    asked = []
    for line in lines:
        id_ = _transaction_id(line.get("id"))
        row = rows.get(id_) if id_ is not None else None
        if row is not None:
            asked.append(_asked_of_row(line["id"], row, line, set(uncategorized.values())))
            continue
        is_out = _is_out(line)
        bank_account = line.get("bank_account_id")
        ledger_id, own_account = own[bank_account] if bank_account else (ledger.id, usual)
        role = SystemRole.UNCATEGORIZED_EXPENSE if is_out else SystemRole.UNCATEGORIZED_INCOME
        amount = abs(line["amount"])
        asked.append(
            Asked(
                line.get("id"),
                Wanted(
                    Line(
                        line["description"],
                        line.get("counterparty_name") or line.get("merchant_name") or "",
                        line.get("category") or "",
                        amount if is_out else -amount,
                    ),
                    ledger_id,
                    line.get("date"),
                    own_account,
                    line.get("bank_account_id"),
                ),
                False,
                own_account,
                uncategorized.get((ledger_id, role)),
                is_out,
            )
        )
    return asked


def _transaction_id(text: str | None) -> UUID | None:
    """The transaction that an id names; None for a name of the caller's own."""
    if not text:
        return None
    try:
        return decode_id(Prefix.TRANSACTION, text, field="id")
    except LedgerError:
        return None


def _asked_of_row(id_: str, row: Row, line: dict[str, Any], uncategorized: set[UUID]) -> Asked:
    side = category_side(row.debit_type, row.debit_financial_type, row.credit_type, row.credit_financial_type)
    is_out = side == "debit" if side else _is_out(line)
    metadata = json.decode(row.metadata.encode()) if row.metadata else {}
    category, own = (
        (row.debit_account_id, row.credit_account_id)
        if is_out
        else (row.credit_account_id, row.debit_account_id)
    )
    return Asked(
        id_,
        Wanted(
            Line(
                row.description,
                row.counterparty or line.get("counterparty_name") or "",
                _text_of(metadata.get("providerCategory")) or line.get("category") or "",
                row.amount if is_out else -row.amount,
            ),
            row.ledger_id,
            row.date,
            own,
            named_bank_account(metadata.get("bankAccountId")) or line.get("bank_account_id"),
        ),
        row.categorized_at is not None or category not in uncategorized,
        own,
        category,
        is_out,
    )


def _text_of(value: object) -> str:
    """The text in metadata, where a caller may have written anything."""
    return value[:_NAME_MAX] if isinstance(value, str) else ""


def _is_out(line: dict[str, Any]) -> bool:
    """Whether money left. A negative amount turns what the direction says round: a refund."""
    is_out = _DIRECTIONS[line["direction"]] if line.get("direction") else True
    return is_out if line["amount"] > 0 else not is_out


def line_json(asked: Asked, suggestions: Suggestions) -> dict[str, Any]:
    """What is suggested for one line."""
    return {
        "transactionId": asked.id,
        "suggestions": [_suggested_json(one) for one in suggestions.best],
        "transactionType": suggestions.kind or ("expense" if asked.is_out else "revenue"),
        "alreadyCategorized": asked.is_categorized,
    }


def entry_json(asked: Asked, suggestions: Suggestions) -> dict[str, Any]:
    """The same, with both accounts of the entry that taking the first one would make."""
    category = suggestions.best[0].account_id if suggestions.best else asked.uncategorized_id
    debit, credit = (category, asked.own_account_id) if asked.is_out else (asked.own_account_id, category)
    return line_json(asked, suggestions) | {
        "debitAccountId": debit and encode_id(Prefix.ACCOUNT, debit),
        "creditAccountId": credit and encode_id(Prefix.ACCOUNT, credit),
    }


def _suggested_json(one: Suggested) -> dict[str, Any]:
    return {
        "categoryId": encode_id(Prefix.ACCOUNT, one.account_id),
        "categoryName": one.name,
        "code": None if one.code is None else str(one.code),
        "confidence": one.confidence,
        "reason": one.reason,
    }


# --- stored suggestions ------------------------------------------------------------------------------

WAITING: Final = {
    "id": f"sug_{EXAMPLE_SUFFIX}",
    "transactionId": f"txn_{EXAMPLE_SUFFIX}",
    "status": "waiting",
    "date": "2024-05-04",
    "amount": 120.5,
    "currency": "USD",
    "description": "AWS EMEA 4711",
    "counterparty": "Amazon Web Services",
    "suggestions": [SUGGESTED],
    "createdAt": "2024-05-05T06:00:00Z",
}
DECIDED: Final = {
    "success": True,
    "transaction": {
        "id": f"txn_{EXAMPLE_SUFFIX}",
        "categoryId": _ACCOUNT,
        "categoryName": "Software",
        "updatedAt": "2024-05-05T08:00:00Z",
    },
}
ACCEPTED: Final = {
    "success": True,
    "accepted": 1,
    "transactionIds": [f"txn_{EXAMPLE_SUFFIX}"],
    "errors": [],
    "hasMore": False,
}
BACKTEST: Final = {
    "count": 420,
    "top1": 0.8714,
    "top3": 0.9429,
    "byConfidence": [{"confidence": 0.8, "coverage": 0.7119, "precision": 0.9632, "count": 299}],
}
SETTINGS: Final = {"smartSuggestions": True, "applyAutomatically": False, "threshold": 0.95}


class WaitingSuggestion(serializers.Serializer):
    """A suggestion that waits for somebody to accept or correct it."""

    id = serializers.CharField()
    transactionId = serializers.CharField()  # noqa: N815
    status = serializers.CharField()
    date = serializers.DateField()
    amount = serializers.FloatField()
    currency = serializers.CharField()
    description = serializers.CharField()
    counterparty = serializers.CharField()
    suggestions = SuggestedCategory(many=True)
    createdAt = serializers.DateTimeField()  # noqa: N815


class SuggestionPage(serializers.Serializer):
    """Suggestions, the newest first."""

    suggestions = WaitingSuggestion(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
    hasMore = serializers.BooleanField()  # noqa: N815


class CorrectBody(RequestSerializer):
    """What it was instead."""

    category_id = IdField(Prefix.ACCOUNT)


class DecidedTransaction(serializers.Serializer):
    """A transaction, and what it was for."""

    id = serializers.CharField()
    categoryId = serializers.CharField()  # noqa: N815
    categoryName = serializers.CharField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815


class DecidedAnswer(serializers.Serializer):
    """What was decided."""

    success = serializers.BooleanField()
    transaction = DecidedTransaction()


class AcceptBody(RequestSerializer):
    """Which suggestions."""

    min_confidence = ShareField(
        least=THRESHOLD_MIN, help_text="All that are at least that sure; not under 0.5."
    )


class NotAccepted(serializers.Serializer):
    """A suggestion that could not be taken."""

    id = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class AcceptedAnswer(serializers.Serializer):
    """What was accepted. `hasMore` asks for another call: a call takes up to 5,000."""

    success = serializers.BooleanField()
    accepted = serializers.IntegerField()
    transactionIds = serializers.ListField(child=serializers.CharField())  # noqa: N815
    errors = NotAccepted(many=True)  # type: ignore[assignment] # DRF's own attribute of that name
    hasMore = serializers.BooleanField()  # noqa: N815


class BacktestBody(RequestSerializer):
    """How far back."""

    limit = BoundedIntegerField(
        min_value=1, max_value=2_000, required=False, help_text="So many transactions, the newest (500)."
    )


class ByConfidence(serializers.Serializer):
    """What suggestions at least that sure would have been worth."""

    confidence = serializers.FloatField()
    coverage = serializers.FloatField(help_text="The part of all transactions that had such a suggestion.")
    precision = serializers.FloatField(allow_null=True, help_text="The part of these that was right.")
    count = serializers.IntegerField()


class BacktestAnswer(serializers.Serializer):
    """What suggestions would have been worth."""

    count = serializers.IntegerField()
    top1 = serializers.FloatField(allow_null=True, help_text="How often the first suggestion was right.")
    top3 = serializers.FloatField(allow_null=True, help_text="How often one of three was right.")
    byConfidence = ByConfidence(many=True)  # noqa: N815


class SuggestionSettingsBody(RequestSerializer):
    """What changes; the rest stays."""

    apply_automatically = StrictBooleanField(required=False)
    threshold = ShareField(
        least=THRESHOLD_MIN, required=False, help_text="Suggestions at least that sure are applied; 0.5 to 1."
    )


class SuggestionSettingsAnswer(serializers.Serializer):
    """What is done with suggestions. `smartSuggestions` is the company's own setting
    (`PUT /v1/entities/settings`)."""

    smartSuggestions = serializers.BooleanField()  # noqa: N815
    applyAutomatically = serializers.BooleanField()  # noqa: N815
    threshold = serializers.FloatField()


def waiting_json(one: Waiting, names: Mapping[UUID, tuple[str, str | None]]) -> dict[str, Any]:
    """A suggestion that waits; one whose account is gone leaves that out."""
    all_ = [
        (one.account_id, one.confidence, one.reason),
        *((UUID(other["accountId"]), other["confidence"], other["reason"]) for other in one.others),
    ]
    return {
        "id": encode_id(Prefix.SUGGESTION, one.id),
        "transactionId": encode_id(Prefix.TRANSACTION, one.transaction_id),
        "status": "waiting",
        "date": one.date,
        "amount": as_number(one.amount, one.currency),
        "currency": one.currency,
        "description": one.description,
        "counterparty": one.counterparty,
        "suggestions": [
            {
                "categoryId": encode_id(Prefix.ACCOUNT, id_),
                "categoryName": names[id_][0],
                "code": names[id_][1],
                "confidence": confidence,
                "reason": reason,
            }
            for id_, confidence, reason in all_
            if id_ in names
        ],
        "createdAt": format_timestamp(one.created_at),
    }


def decided_json(row: Row) -> dict[str, Any]:
    """What a transaction was put in."""
    side = category_side(row.debit_type, row.debit_financial_type, row.credit_type, row.credit_financial_type)
    id_, name = (
        (row.debit_account_id, row.debit_name)
        if side == "debit"
        else (row.credit_account_id, row.credit_name)
    )
    return {
        "success": True,
        "transaction": {
            "id": encode_id(Prefix.TRANSACTION, row.id),
            "categoryId": encode_id(Prefix.ACCOUNT, id_),
            "categoryName": name,
            "updatedAt": format_timestamp(row.updated_at),
        },
    }


def backtest_json(outcome: Backtest) -> dict[str, Any]:
    """What suggestions would have been worth, as shares."""
    return {
        "count": outcome.count,
        "top1": _rounded(outcome.top_1),
        "top3": _rounded(outcome.top_3),
        "byConfidence": [
            {
                "confidence": level.threshold,
                "coverage": _rounded(level.coverage),
                "precision": _rounded(level.precision),
                "count": level.number,
            }
            for level in outcome.levels()
        ],
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def settings_json(entity: Entity, settings: SuggestionSettings) -> dict[str, Any]:
    """What is done with suggestions."""
    return {
        "smartSuggestions": entity.smart_suggestions,
        "applyAutomatically": settings.apply_automatically,
        "threshold": settings.threshold,
    }
