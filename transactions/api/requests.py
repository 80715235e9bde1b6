"""What requests about transactions may say."""

import threading
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from rest_framework import serializers

from ledger.api.lean import LeanShape
from ledger.api.pagination import CursorQuery
from ledger.api.serializers import (
    AmountField,
    CurrencyField,
    DayField,
    IdField,
    ListOfField,
    MetadataField,
    OneOfField,
    RequestSerializer,
    TextField,
    TimestampField,
)
from ledger.clock import utc_now
from ledger.exceptions import Detail, ValidationError
from ledger.ids import Prefix
from ledger.models import Entity
from ledger.money import in_minor_digits
from ledger.times import day_of
from transactions.choices import CREATABLE, Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.services.editing import Edit

DESCRIPTION_LENGTH_MAX: Final = 1000
COUNTERPARTY_LENGTH_MAX: Final = 200
EXTERNAL_ID_LENGTH_MAX: Final = 255
BATCH_SIZE_MAX: Final = 5000


class TransactionBody(RequestSerializer):
    """A new transaction."""

    amount = AmountField()
    debit_account_id = IdField(Prefix.ACCOUNT)
    credit_account_id = IdField(Prefix.ACCOUNT)
    description = TextField(max_length=DESCRIPTION_LENGTH_MAX, min_length=0, required=False, allow_null=True)
    # Two names of one thing.
    date = TimestampField(required=False, allow_null=True)
    timestamp = TimestampField(required=False, allow_null=True)
    currency = CurrencyField(required=False, allow_null=True)
    status = OneOfField([status.value for status in Status if status in CREATABLE], required=False)
    metadata = MetadataField(required=False, allow_null=True)
    counterparty_name = TextField(
        max_length=COUNTERPARTY_LENGTH_MAX, min_length=0, required=False, allow_null=True
    )
    # How the caller's own system calls the way that the money went. Kept with the metadata; which side
    # is debited is said by the accounts.
    direction = OneOfField(["DEBIT", "CREDIT"], required=False, allow_null=True)
    category_id = IdField(Prefix.ACCOUNT, required=False, allow_null=True)
    external_id = TextField(max_length=EXTERNAL_ID_LENGTH_MAX, required=False, allow_null=True)
    expires_at = TimestampField(required=False, allow_null=True)


class _Shapes(threading.local):
    """The thread's own reader: while it reads it holds the company's time zone."""

    def __init__(self) -> None:
        self.new_transaction = LeanShape(TransactionBody)


_shapes: Final = _Shapes()


def read_new_transaction(data: object, entity: Entity) -> dict[str, Any]:
    """The values of a new transaction; ValidationError lists every fault of its shape."""
    return _shapes.new_transaction.read(data, zone=entity.zone)


def new_draft(values: Mapping[str, Any], entity: Entity, *, now: datetime | None = None) -> Draft:
    """The draft that the values of a request describe.

    A negative amount swaps debit and credit (a refund). Without a date it took effect now, without a
    currency it is in the company's, and without a counterparty its name is taken from the description.

    Raises ValidationError for what only the values together show.
    """
    get = values.get
    currency = get("currency") or entity.default_currency
    amount: Decimal = in_minor_digits(values["amount"], currency=currency, field="amount")
    debit, credit = values["debit_account_id"], values["credit_account_id"]
    if amount < 0:
        amount, debit, credit = -amount, credit, debit
    timestamp = _timestamp(values) or now or utc_now()
    status = Status(named) if (named := get("status")) else Status.PENDING
    expires_at = get("expires_at")
    if expires_at is not None and status != Status.PENDING:
        raise ValidationError.of(
            "expiresAt", f"only PENDING transactions expire, this one is {status}; leave expiresAt out."
        )
    if expires_at is not None and expires_at <= (now or utc_now()):
        raise ValidationError.of(
            "expiresAt", f"{expires_at:%Y-%m-%dT%H:%M:%SZ} has passed; send a later moment."
        )
    description = get("description") or ""
    metadata = get("metadata")
    if get("direction"):
        metadata = {**(metadata or {}), "direction": values["direction"]}
    return Draft(
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        currency=currency,
        timestamp=timestamp,
        date=day_of(timestamp, entity.zone),
        status=status,
        source=Source.API,
        description=description,
        counterparty=get("counterparty_name") or counterparty_name(description),
        metadata=metadata,
        external_id=get("external_id"),
        expires_at=expires_at,
    )


def _timestamp(values: Mapping[str, Any]) -> datetime | None:
    date, timestamp = values.get("date"), values.get("timestamp")
    if date is not None and timestamp is not None and date != timestamp:
        message = "date and timestamp are two names of one thing and differ here; send one."
        raise ValidationError(message, details=[Detail("date", message)])
    return date or timestamp


class EditBody(RequestSerializer):
    """Changes to a transaction; fields that are left out stay as they are."""

    schema_rules = {"anyOf": [{"required": ["id"]}, {"required": ["transactionId"]}]}

    id = IdField(Prefix.TRANSACTION, required=False)
    transaction_id = IdField(Prefix.TRANSACTION, required=False)
    debit_account_id = IdField(Prefix.ACCOUNT, required=False)
    credit_account_id = IdField(Prefix.ACCOUNT, required=False)
    description = TextField(max_length=DESCRIPTION_LENGTH_MAX, min_length=0, required=False)
    amount = AmountField(required=False)
    date = TimestampField(required=False)
    timestamp = TimestampField(required=False)
    status = OneOfField(Status, required=False)
    metadata = MetadataField(required=False, allow_null=True)
    counterparty = TextField(max_length=COUNTERPARTY_LENGTH_MAX, min_length=0, required=False)
    counterparty_name = TextField(max_length=COUNTERPARTY_LENGTH_MAX, min_length=0, required=False)
    expires_at = TimestampField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take `id` and `transactionId` as one, and `counterparty` and `counterpartyName`."""
        for name, other in (("id", "transaction_id"), ("counterparty", "counterparty_name")):
            if other in attrs:
                if attrs.setdefault(name, attrs[other]) != attrs[other]:
                    # DRF's own error, which gets the caller's spelling of the field.
                    raise serializers.ValidationError(
                        {other: [f"contradicts '{name}', another name of the same thing; send one."]}
                    )
                del attrs[other]
        if "id" not in attrs:
            raise ValidationError.of("id", "is missing; send the id of the transaction, txn_….")
        return attrs


def new_edit(values: Mapping[str, Any], entity: Entity) -> Edit:
    """The edit that the values of a request describe."""
    changes = {name: value for name, value in values.items() if name in Edit.__slots__ and name != "date"}
    timestamp = _timestamp(values)
    if timestamp is not None:
        changes |= {"timestamp": timestamp, "date": day_of(timestamp, entity.zone)}
    return Edit(**changes)


class CategorizeBody(RequestSerializer):
    """One or many transactions and the account that says what they were for."""

    schema_rules = {"oneOf": [{"required": ["transactionId"]}, {"required": ["transactionIds"]}]}

    transaction_id = IdField(Prefix.TRANSACTION, required=False)
    transaction_ids = ListOfField(child=IdField(Prefix.TRANSACTION), max_items=BATCH_SIZE_MAX, required=False)
    category_id = IdField(Prefix.ACCOUNT)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exactly one of `transactionId` and `transactionIds`."""
        if ("transaction_id" in attrs) == ("transaction_ids" in attrs):
            raise ValidationError.of(
                "transactionId", "send either transactionId or transactionIds, one of the two."
            )
        return attrs


class ReverseBody(RequestSerializer):
    """Why and when a transaction is reversed."""

    reason = TextField(max_length=500, min_length=0, required=False, allow_null=True)
    date = TimestampField(required=False, allow_null=True)


class DeleteQuery(RequestSerializer):
    transaction_id = IdField(Prefix.TRANSACTION)


class TransactionsQuery(CursorQuery):
    """Filters of the list; days are the company's, bounds are included."""

    status = OneOfField(Status, required=False)
    account_id = IdField(Prefix.ACCOUNT, required=False)
    category_id = IdField(Prefix.ACCOUNT, required=False)
    counterparty = TextField(max_length=COUNTERPARTY_LENGTH_MAX, required=False)
    date_from = DayField(required=False)
    date_to = DayField(required=False)
    amount_min = AmountField(required=False, allow_zero=True)
    amount_max = AmountField(required=False, allow_zero=True)
    updated_since = TimestampField(required=False)
