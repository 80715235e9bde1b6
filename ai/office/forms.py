"""What the review queue's forms and its script send."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import QueryDict

from ai.categories.stored import THRESHOLD_MIN
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id

ACCEPT: Final = "accept"
CHOOSE: Final = "choose"
MATCH: Final = "match"
RECORD: Final = "record"
IGNORE: Final = "ignore"
UNDO: Final = "undo"
_ACTIONS: Final = (ACCEPT, CHOOSE, MATCH, RECORD, IGNORE, UNDO)
_MATCHED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided on one row of the queue."""

    action: str
    key: UUID
    is_line: bool
    account_id: UUID | None
    transaction_ids: list[UUID]
    # Where it is taken back: the transaction that the line was offered before.
    offered_id: UUID | None


def read_decision(data: QueryDict) -> Decision:
    """Return what was sent. Raises ValidationError, naming the field, for what is none."""
    action = data.get("action", "")
    if action not in _ACTIONS:
        raise ValidationError.of("action", "is none that this page knows; load the page anew.")
    key, is_line = read_row(data.get("row", ""))
    return Decision(
        action,
        key,
        is_line,
        _id(data, "account", Prefix.ACCOUNT),
        [
            decode_id(Prefix.TRANSACTION, one, field="transaction")
            for one in data.getlist("transaction")[:_MATCHED_MAX]
        ],
        _id(data, "offered", Prefix.TRANSACTION),
    )


def read_row(text: str) -> tuple[UUID, bool]:
    """Return the id of a row, and whether it is a bank line; ValidationError for what is neither."""
    is_line = text.startswith(f"{Prefix.BANK_LINE}_")
    prefix = Prefix.BANK_LINE if is_line else Prefix.TRANSACTION
    return decode_id(prefix, text, field="row"), is_line


def _id(data: QueryDict, name: str, prefix: Prefix) -> UUID | None:
    text = data.get(name, "")
    return decode_id(prefix, text, field=name) if text else None


class ConfidenceForm(forms.Form):
    """From which confidence on suggestions are accepted, in per cent."""

    least = forms.IntegerField(
        label="At least as sure as", min_value=int(THRESHOLD_MIN * 100), max_value=100, initial=95
    )

    @property
    def share(self) -> Decimal:
        """The confidence as suggestions have it, from 0 to 1."""
        value: Any = self.cleaned_data["least"]
        return Decimal(value) / 100
