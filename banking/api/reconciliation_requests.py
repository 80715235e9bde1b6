"""How requests about reconciliations look."""

from typing import Any

from rest_framework import serializers

from banking.choices import ReconciliationStatus
from banking.reconciliation.matching import BATCH_SIZE_MAX
from ledger.api.pagination import CursorQuery
from ledger.api.serializers import (
    AmountField,
    DayField,
    IdField,
    ListOfField,
    OneOfField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
)
from ledger.ids import Prefix


def _fault(field: str, message: str) -> serializers.ValidationError:
    """DRF's own error, which gets the caller's spelling of the field, and unknown fields beside it."""
    return serializers.ValidationError({field: [message]})


class NewReconciliationBody(RequestSerializer):
    """What a bank statement says: of which account, of which day, and what the account then held."""

    bank_account_id = IdField(Prefix.BANK_ACCOUNT)
    statement_date = DayField(help_text="The statement's last day.")
    statement_balance = AmountField(
        allow_zero=True,
        help_text="What the statement ends with, as the bank says it: money in the account, or on a card "
        "money owed.",
    )


class MatchBody(RequestSerializer):
    """What stands on the statement, said in one of three ways."""

    schema_rules = {
        "oneOf": [
            {"required": ["transactionIds"], "not": {"required": ["suggested"]}},
            {"required": ["suggested"], "not": {"required": ["transactionIds"]}},
        ]
    }

    transaction_ids = ListOfField(
        child=IdField(Prefix.TRANSACTION),
        max_items=BATCH_SIZE_MAX,
        required=False,
        help_text="Alone, they are ticked as they are.",
    )
    line_id = IdField(
        Prefix.BANK_LINE,
        required=False,
        help_text="The bank line that the transactions are, together; they come to it exactly.",
    )
    suggested = StrictBooleanField(
        required=False,
        help_text="`true`, alone: tick what the bank's lines of the period stand for, and match and tick all "
        "suggested pairs of one line and one transaction.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exactly one of the three ways."""
        if attrs.get("suggested") is False:
            raise _fault("suggested", "false asks for nothing; send true, or leave it out.")
        if "suggested" in attrs and len(attrs) > 1:
            raise _fault("suggested", "stands alone; leave the other fields out.")
        if "suggested" not in attrs and "transaction_ids" not in attrs:
            raise _fault("transaction_ids", "is missing; send the transactions that stand on the statement.")
        return attrs


class UnmatchBody(RequestSerializer):
    """What does not stand on the statement after all."""

    schema_rules = {"oneOf": [{"required": ["transactionIds"]}, {"required": ["lineId"]}]}

    transaction_ids = ListOfField(
        child=IdField(Prefix.TRANSACTION),
        max_items=BATCH_SIZE_MAX,
        required=False,
        help_text="They are unticked; what bank lines they stand for stays.",
    )
    line_id = IdField(
        Prefix.BANK_LINE,
        required=False,
        help_text="A bank line whose match is taken back; its transactions are unticked.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exactly one of the two."""
        if len(attrs) != 1:
            raise _fault("transaction_ids", "send either transactionIds or lineId, one of the two.")
        return attrs


class EmptyBody(RequestSerializer):
    """Nothing is to be said."""


class ReopenBody(RequestSerializer):
    """Why a completed statement is opened again; the audit trail keeps it."""

    reason = TextField(max_length=500)


class ReconciliationsQuery(CursorQuery):
    """Filters of the list."""

    bank_account_id = IdField(Prefix.BANK_ACCOUNT, required=False)
    status = OneOfField(ReconciliationStatus, required=False)


class EntriesQuery(CursorQuery):
    """Which of the two lists of a statement."""

    ticked = StrictBooleanField(
        required=False, help_text="`true` lists what is ticked, `false` (as without it) what could be."
    )


class TieOutsQuery(CursorQuery):
    """Filters of the list; days are the company's, bounds are included."""

    bank_account_id = IdField(Prefix.BANK_ACCOUNT, required=False)
    date_from = DayField(required=False)
    date_to = DayField(required=False)
    latest = StrictBooleanField(
        required=False, help_text="`true` lists the newest day of each bank account alone."
    )
