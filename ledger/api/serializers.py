"""Requests as declared shapes: both spellings of each field, nothing unknown, faults as the caller spelled.

Declare the fields in snake_case, in a subclass of RequestSerializer, and call `parse_body`. The values come
back in snake_case, whatever the caller wrote. Validation is of shapes only; rules belong to services.
"""

import difflib
import inspect
import re
import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from drf_spectacular.drainage import set_override
from rest_framework import serializers
from rest_framework.fields import Field, empty
from rest_framework.request import Request
from rest_framework.settings import api_settings

from ledger.api.errors import flatten
from ledger.api.fields import (
    AmountField,
    BoundedIntegerField,
    CurrencyField,
    DayField,
    EmailField,
    IdField,
    ListOfField,
    MetadataField,
    OneOfField,
    RequestField,
    StrictBooleanField,
    TextField,
    TimestampField,
    ZoneField,
)
from ledger.exceptions import ValidationError, shown

# The entity may be named in any query and any body (the resolver of the entity reads it there).
ENTITY_SPELLINGS: Final = frozenset({"entityId", "entity_id"})


def camel(name: str) -> str:
    """Return `debit_account_id` as `debitAccountId`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class RequestListSerializer(serializers.ListSerializer):
    """A list of request shapes; the count is checked before any item, and faults are keyed by index."""

    def __init__(self, *args: Any, min_length: int = 1, max_length: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.min_length, self.max_length = min_length, max_length
        self.form = f"a list of {min_length} to {max_length} objects"
        self.error_messages["required"] = f"is missing; send {self.form}."
        self.error_messages["null"] = f"null is not allowed; send {self.form}."

    def to_internal_value(self, data: object) -> list[dict[str, Any]]:
        """Return the items' values."""
        if not isinstance(data, list) or not self.min_length <= len(data) <= self.max_length:
            raise serializers.ValidationError(
                {api_settings.NON_FIELD_ERRORS_KEY: [f"{shown(data)} is not valid; send {self.form}."]}
            )
        values = []
        faults: Any = {}
        for index, item in enumerate(data):
            try:
                values.append(self.run_child_validation(item))
            except serializers.ValidationError as error:
                faults[index] = error.detail
        if faults:
            raise serializers.ValidationError(faults)
        return values


class RequestSerializer(serializers.Serializer):
    """Base of every request shape.

    `spelling` is the one that the API's description shows: "camel", or "snake" for accounts. A validator of
    one field is named `validate_<field in snake_case>`; `validate` gets all values, keyed in snake_case.
    Lists of a shape are `lines = LineShape(many=True, min_length=2, max_length=500)`.
    """

    class Meta:
        list_serializer_class = RequestListSerializer

    spelling: ClassVar[str] = "camel"
    # JSON Schema of what `validate` checks and fields cannot say, for the API's description.
    schema_rules: ClassVar[dict[str, Any]] = {}
    default_error_messages = {
        "null": "null is not allowed; send an object.",
        "required": "is missing; send an object.",
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The API's description shows a shape's docstring; without one of its own it would show this class's.
        set_override(cls, "description", inspect.cleandoc(cls.__doc__ or ""))
        for name in list(cls._declared_fields):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise TypeError(f"{cls.__name__}.{name}: declare request fields in snake_case")
            # DRF looks for the validator under the field's outer name.
            validator = getattr(cls, f"validate_{name}", None)
            if validator is not None and cls.spelling == "camel":
                setattr(cls, f"validate_{camel(name)}", validator)

    def get_fields(self) -> dict[str, Field]:
        """Return the fields under their outer names, each with its snake_case name as the source."""
        fields = {}
        for name, field in super().get_fields().items():
            outer = camel(name) if self.spelling == "camel" else name
            if outer != name:
                field.source = name
            fields[outer] = field
        return fields

    def run_validation(self, data: Any = empty) -> Any:
        """Return the values of a request in snake_case; faults carry the caller's spelling of each field."""
        is_empty, data = self.validate_empty_values(data)
        if is_empty:
            return data
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                {api_settings.NON_FIELD_ERRORS_KEY: [f"{shown(data)} is not an object; send a JSON object."]}
            )
        given, written, faults = self._spelled_our_way(data)
        try:
            values = super().run_validation(given)
        except serializers.ValidationError as error:
            faulty: Any = error.detail  # a dict: DRF makes one of validate()'s faults, too
            for name, fault in faulty.items():
                outer = self._spellings.get(name, name)
                faults.setdefault(written.get(outer, outer), fault)
        if faults:
            raise serializers.ValidationError(faults)
        return values

    def _spelled_our_way(
        self, data: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
        """Return the values under our names, the caller's spelling of each, and the faults of the keys."""
        known = self._spellings
        given: dict[str, Any] = {}
        written: dict[str, str] = {}
        faults: dict[str, Any] = {}
        for key, value in data.items():
            name = known.get(key)
            if name is None:
                if not (self.parent is None and key in ENTITY_SPELLINGS):
                    faults[key] = [self._unknown(key)]
            elif name in given and given[name] != value:
                faults[key] = [
                    f"{shown(value)} contradicts {shown(given[name])} in '{written[name]}'; send one."
                ]
            else:
                given[name] = value
                written[name] = key
        return given, written, faults

    @property
    def _spellings(self) -> dict[str, str]:
        """Both spellings of every field, each with the field's outer name."""
        cached: dict[str, str] | None = self.__dict__.get("_known_spellings")
        if cached is None:
            cached = {}
            for outer, field in self.fields.items():
                cached[outer] = outer
                cached[field.source or outer] = outer
                cached[camel(outer)] = outer
            self.__dict__["_known_spellings"] = cached
        return cached

    def _unknown(self, key: str) -> str:
        names = list(self.fields)
        near = difflib.get_close_matches(key[:100], self._spellings, n=1)
        if near:
            return f"is unknown here; did you mean '{near[0]}'?"
        return f"is unknown here; this takes {', '.join(names) or 'none of its own'}."


def parse_body(
    request: Request, shape: type[RequestSerializer], *, zone: ZoneInfo | None = None, partial: bool = False
) -> dict[str, Any]:
    """Return the values of the request's JSON body, keyed in snake_case; absent optional fields are absent.

    `zone` is the entity's time zone, needed where the shape has a TimestampField. `partial` drops what is
    required (updates). Raises ValidationError listing every fault.
    """
    return parse(request.data, shape, zone=zone, partial=partial)


class _Shapes(threading.local):
    """The thread's own serializers, by shape and whether it is partial."""

    def __init__(self) -> None:
        self.kept: dict[tuple[type[RequestSerializer], bool], RequestSerializer] = {}


_shapes: Final = _Shapes()


def parse(
    data: object,
    shape: type[RequestSerializer],
    *,
    zone: ZoneInfo | None = None,
    partial: bool = False,
    in_query: bool = False,
) -> dict[str, Any]:
    """Return the values of `data` by its shape; see `parse_body`. In queries, truth values are words.

    A DRF serializer takes far longer to make than to run, so each thread keeps one of every shape.
    """
    serializer = _shapes.kept.get((shape, partial))
    if serializer is None:
        serializer = _shapes.kept[shape, partial] = shape(partial=partial, context={})
    context: Any = serializer.context
    context.update(zone=zone, in_query=in_query)
    try:
        values: dict[str, Any] = serializer.run_validation(data)
    except serializers.ValidationError as error:
        raise ValidationError.many(flatten(error.detail)) from None
    return values


__all__ = [
    "AmountField",
    "BoundedIntegerField",
    "CurrencyField",
    "DayField",
    "EmailField",
    "IdField",
    "ListOfField",
    "MetadataField",
    "OneOfField",
    "RequestField",
    "RequestSerializer",
    "StrictBooleanField",
    "TextField",
    "TimestampField",
    "ZoneField",
    "camel",
    "parse",
    "parse_body",
]
