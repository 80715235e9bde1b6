"""Fields of requests: strict about what they take, and plain about what would be right."""

import re
from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NoReturn, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError as FieldError
from django.core.validators import validate_email
from drf_spectacular.drainage import set_override
from rest_framework import serializers

from ledger import ids, money, times
from ledger.api import json
from ledger.exceptions import ValidationError, shown

METADATA_LIMIT_BYTES: Final = 16 * 1024
METADATA_DEPTH_MAX: Final = 20
# PostgreSQL's jsonb writes a number out in full, so 1e9999 would take 10 KB. What a double can be passes: up
# to 1.8e308, and down to 5e-324 with up to 17 digits.
METADATA_EXPONENT_MAX: Final = 308
METADATA_DECIMALS_MAX: Final = 350
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class RequestField(serializers.Field):
    """Base of the request fields: `form` says what would be right, in the words of every message.

    `schema` is the field's OpenAPI type. Subclasses implement `parse`, which may raise the ledger's
    ValidationError.
    """

    form: str = "a value"
    schema: dict[str, Any]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages["required"] = f"is missing; send {self.form}."
        self.error_messages["null"] = f"null is not allowed; send {self.form}."
        if hasattr(self, "schema"):
            set_override(self, "field", self.schema)

    def to_internal_value(self, data: object) -> Any:
        """Return what `parse` makes of the value; its faults become this field's."""
        try:
            return self.parse(data)
        except ValidationError as error:
            raise serializers.ValidationError(
                error.details[0].message if error.details else error.message
            ) from None

    def to_representation(self, value: Any) -> Any:
        """Return the value as it is; request fields describe requests only."""
        return value

    def parse(self, value: object) -> Any:
        """Return the Python value of what the caller sent."""
        return value

    def refuse(self, value: object, why: str = "is not valid") -> NoReturn:
        """Raise the fault of `value`, with the remedy."""
        raise serializers.ValidationError(f"{shown(value)} {why}; send {self.form}.")

    @property
    def label_in_errors(self) -> str:
        """The field's name for parsers that want one; the serializer puts the caller's spelling in front."""
        return self.field_name or "value"


class AmountField(RequestField):
    """An amount of money as an exact Decimal.

    Without `currency` it takes up to four digits after the point, and the service that knows the currency
    calls `parse_amount` again. Filters pass `allow_zero=True`.
    """

    form = 'a JSON number or a decimal string such as "12.50"'
    schema = {
        "type": ["number", "string"],
        "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$",
        "exclusiveMinimum": -(10**15),
        "exclusiveMaximum": 10**15,
        "example": 500.00,
    }

    def __init__(
        self,
        *,
        currency: str | None = None,
        allow_negative: bool = True,
        allow_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.currency = currency
        self.allow_negative = allow_negative
        self.allow_zero = allow_zero

    def parse(self, value: object) -> Decimal:
        """Return the amount."""
        return money.parse_amount(
            value,
            currency=self.currency,
            field=self.label_in_errors,
            allow_negative=self.allow_negative,
            allow_zero=self.allow_zero,
        )


class IdField(RequestField):
    """A public id of one kind, as its UUID."""

    def __init__(self, prefix: ids.Prefix, **kwargs: Any) -> None:
        self.prefix = prefix
        self.form = f"an id that begins with '{prefix}_'"
        self.schema = {"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"}
        super().__init__(**kwargs)

    def parse(self, value: object) -> UUID:
        """Return the UUID."""
        return ids.decode_id(self.prefix, value, field=self.label_in_errors)


class TimestampField(RequestField):
    """A timestamp in UTC. A date-only value is midnight in the context's `zone`, the entity's."""

    form = 'ISO 8601 such as "2024-01-15T12:00:00Z" or "2024-01-15"'
    schema = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}

    def parse(self, value: object) -> datetime:
        """Return the timestamp."""
        zone: ZoneInfo = self.context["zone"]
        return times.parse_timestamp(value, zone=zone, field=self.label_in_errors)


class DayField(RequestField):
    """A day in the entity's time zone."""

    form = 'a day such as "2024-01-15"'
    schema = {"type": "string", "format": "date"}

    def parse(self, value: object) -> date:
        """Return the day."""
        return times.parse_day(value, field=self.label_in_errors)


class CurrencyField(RequestField):
    """An ISO 4217 currency code."""

    form = 'an ISO 4217 currency code such as "USD"'
    schema = {"type": "string", "enum": sorted(money.MINOR_DIGITS), "example": "USD"}

    def parse(self, value: object) -> str:
        """Return the code in capitals."""
        return money.parse_currency(value, field=self.label_in_errors)


class ZoneField(RequestField):
    """An IANA time zone."""

    form = 'an IANA time zone such as "America/New_York"'
    schema = {"type": "string", "example": "America/New_York"}

    def parse(self, value: object) -> tzinfo:
        """Return the zone as ZoneInfo; its `key` is the name."""
        return times.zone(value, field=self.label_in_errors)


class BoundedIntegerField(RequestField):
    """An integer from `min_value` to `max_value`, both included; as a JSON integer, or in ASCII digits.

    `3.0` is an integer, too (JSON Schema 2020-12, 6.1.1).
    """

    def __init__(self, *, min_value: int, max_value: int, **kwargs: Any) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.form = f"an integer from {min_value} to {max_value}"
        self.schema = {"type": "integer", "minimum": min_value, "maximum": max_value}
        super().__init__(**kwargs)

    def parse(self, value: object) -> int:
        """Return the integer."""
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        # The bounds come first: the integer of 1e999999999 would take all memory.
        if isinstance(value, Decimal) and self.min_value <= value <= self.max_value and not value % 1:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(value, "is not an integer")
        if not self.min_value <= value <= self.max_value:
            self.refuse(value, "is out of bounds")
        return value


class StrictBooleanField(RequestField):
    """JSON true or false; in queries, which have no types, the words `true` and `false`."""

    form = "true or false"
    schema = {"type": "boolean"}

    def parse(self, value: object) -> bool:
        """Return the truth value."""
        if self.context.get("in_query") and value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            self.refuse(value)
        return value


class OneOfField(RequestField):
    """One of a few words, in exactly their spelling; as a member where `choices` is an enumeration."""

    def __init__(self, choices: type[Enum] | Iterable[str], **kwargs: Any) -> None:
        self.choices: dict[str, Any] = (
            {str(member.value): member for member in choices}
            if isinstance(choices, type)
            else {str(choice): choice for choice in choices}
        )
        self.form = "one of " + ", ".join(self.choices) if len(self.choices) > 1 else next(iter(self.choices))
        self.schema = {"type": "string", "enum": list(self.choices)}
        super().__init__(**kwargs)

    def parse(self, value: object) -> Any:
        """Return the choice."""
        if not isinstance(value, str) or value not in self.choices:
            self.refuse(value, "is none of the possible values")
        return self.choices[value]


class TextField(RequestField):
    """Text of `min_length` to `max_length` characters, kept exactly as it was sent; no NUL, no numbers."""

    def __init__(self, *, max_length: int, min_length: int = 1, **kwargs: Any) -> None:
        self.max_length = max_length
        self.min_length = min_length
        self.form = f"text of {min_length} to {max_length} characters"
        self.schema = {"type": "string", "minLength": min_length, "maxLength": max_length}
        super().__init__(**kwargs)

    def parse(self, value: object) -> str:
        """Return the text."""
        if not isinstance(value, str):
            self.refuse(value, "is not text")
        if "\0" in value:
            self.refuse(value, "has a NUL character")
        if not self.min_length <= len(value) <= self.max_length:
            self.refuse(value, f"has {len(value)} characters")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                self.refuse(value, "has half of a surrogate pair")
        return value


class EmailField(TextField):
    """An email address, as Django takes one."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.form = f'an email address such as "books@example.com" of at most {max_length} characters'
        self.schema = {"type": "string", "format": "email", "maxLength": max_length}
        set_override(self, "field", self.schema)
        self.error_messages["null"] = f"null is not allowed; send {self.form}."

    def parse(self, value: object) -> str:
        """Return the address."""
        text = super().parse(value)
        try:
            validate_email(text)
        except FieldError:
            self.refuse(value, "is no email address")
        return text


class ListOfField(serializers.ListField):
    """A list of `min_items` to `max_items` values of one field; the count is checked before any value."""

    def __init__(
        self, *, child: serializers.Field, max_items: int, min_items: int = 1, **kwargs: Any
    ) -> None:
        self.min_items = min_items
        self.max_items = max_items
        self.form = f"a list of {min_items} to {max_items} items"
        super().__init__(child=child, min_length=min_items, max_length=max_items, **kwargs)
        self.error_messages["required"] = f"is missing; send {self.form}."
        self.error_messages["null"] = f"null is not allowed; send {self.form}."

    def to_internal_value(self, data: object) -> list[Any]:
        """Return the parsed values; faults are keyed by index."""
        if not isinstance(data, list) or not self.min_items <= len(data) <= self.max_items:
            raise serializers.ValidationError(f"{shown(data)} is not valid; send {self.form}.")
        return self.run_child_validation(data)


class MetadataField(RequestField):
    """A JSON object of the caller's own, at most 16 KB as JSON; numbers in it are exact Decimals."""

    form = "a JSON object of at most 16 KB"
    schema = {"type": "object", "additionalProperties": True}

    def parse(self, value: object) -> dict[str, Any]:
        """Return the object."""
        if not isinstance(value, dict):
            self.refuse(value, "is not an object")
        json.check_depth(value, METADATA_DEPTH_MAX)
        size = len(json.encode(value))
        if size > METADATA_LIMIT_BYTES:
            self.refuse(value, f"has {size} bytes")
        self._check_numbers(value)
        return cast("dict[str, Any]", value)

    def _check_numbers(self, value: object) -> None:
        pending = [value]
        while pending:
            item = pending.pop()
            if isinstance(item, dict):
                pending.extend(item.values())
            elif isinstance(item, list):
                pending.extend(item)
            elif isinstance(item, Decimal | int):
                number = Decimal(item)
                exponent = cast("int", number.as_tuple().exponent)
                if number.adjusted() > METADATA_EXPONENT_MAX:
                    self.refuse(item, f"in it is beyond 10^{METADATA_EXPONENT_MAX}")
                if exponent < -METADATA_DECIMALS_MAX:
                    self.refuse(item, f"in it has more than {METADATA_DECIMALS_MAX} digits after the point")
