"""Request shapes: spellings, unknown fields, strict values, and what the faults say."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.test import RequestFactory
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError as ValidationErrorOfDrf
from rest_framework.request import Request

from ledger.api.fields import METADATA_LIMIT_BYTES
from ledger.api.query import parse_query
from ledger.api.serializers import (
    AmountField,
    BoundedIntegerField,
    CurrencyField,
    DayField,
    IdField,
    ListOfField,
    MetadataField,
    OneOfField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
    TimestampField,
    ZoneField,
    parse,
)
from ledger.api.views import ApiView
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id

NEW_YORK = ZoneInfo("America/New_York")
ACCOUNT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ACCOUNT_ID = encode_id(Prefix.ACCOUNT, ACCOUNT)


class Side(StrEnum):
    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


class Filters(RequestSerializer):
    amount_min = AmountField(required=False, allow_zero=True)
    day_from = DayField(required=False)


class Line(RequestSerializer):
    account_id = IdField(Prefix.ACCOUNT)
    amount = AmountField()


class Order(RequestSerializer):
    debit_account_id = IdField(Prefix.ACCOUNT, required=False)
    amount = AmountField(currency="USD", required=False)
    currency = CurrencyField(required=False)
    note = TextField(max_length=10, required=False, allow_null=True)
    is_final = StrictBooleanField(required=False)
    line_count = BoundedIntegerField(min_value=1, max_value=500, required=False)
    paid_at = TimestampField(required=False)
    time_zone = ZoneField(required=False)
    side = OneOfField(Side, required=False)
    metadata = MetadataField(required=False)
    filters = Filters(required=False)
    lines = Line(many=True, min_length=1, max_length=3, required=False)
    tags = ListOfField(child=TextField(max_length=5), max_items=3, required=False)

    def validate_line_count(self, value: int) -> int:
        if value == 13:
            raise ValidationErrorOfDrf("13 is unlucky; send 12.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("note") == "fault":
            raise ValidationErrorOfDrf({"debit_account_id": "disagrees with the note."})
        return attrs


class SnakeOrder(Order):
    spelling = "snake"


class Named(RequestSerializer):
    legal_name = TextField(max_length=20)
    page_size = BoundedIntegerField(min_value=1, max_value=100, default=50)


def faults(data: object, shape: type[RequestSerializer] = Order) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        parse(data, shape, zone=NEW_YORK)
    return dict(caught.value.details)


def test_both_spellings_of_every_field_are_accepted_and_values_come_back_in_snake_case() -> None:
    for key in ("debitAccountId", "debit_account_id"):
        for shape in (Order, SnakeOrder):
            assert parse({key: ACCOUNT_ID}, shape) == {"debit_account_id": ACCOUNT}
    assert parse({"filters": {"amountMin": 0}}, Order) == {"filters": {"amount_min": 0}}
    assert parse({"filters": {"amount_min": 0}}, SnakeOrder) == {"filters": {"amount_min": 0}}


def test_two_spellings_of_one_field_pass_only_where_they_agree() -> None:
    assert parse({"isFinal": True, "is_final": True}, Order) == {"is_final": True}
    assert faults({"isFinal": True, "is_final": False}) == {
        "is_final": "false contradicts true in 'isFinal'; send one."
    }


def test_an_unknown_field_is_named_and_the_nearest_one_suggested() -> None:
    assert faults({"debitAcountId": ACCOUNT_ID}) == {
        "debitAcountId": "is unknown here; did you mean 'debitAccountId'?"
    }
    assert "this takes legalName, pageSize" in faults({"zzz": 1, "legalName": "A"}, Named)["zzz"]
    assert faults({"filters": {"colour": 1}})["filters.colour"].startswith("is unknown here")


def test_the_entity_may_be_named_in_every_body_but_not_inside_of_it() -> None:
    assert parse({"entityId": "entity_1", "isFinal": True}, Order) == {"is_final": True}
    assert parse({"entity_id": "entity_1"}, Order) == {}
    assert "filters.entityId" in faults({"filters": {"entityId": "entity_1"}})


@pytest.mark.parametrize("body", [None, [], "text", 5, True, [{"amount": 5}]])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    assert "send" in faults(body)["body"]


def test_faults_are_named_as_the_caller_spelled_them() -> None:
    assert set(faults({"debit_account_id": "x", "filters": {"amountMin": "x", "day_from": 5}})) == {
        "debit_account_id",
        "filters.amountMin",
        "filters.day_from",
    }
    assert set(
        faults({"lines": [{"accountId": ACCOUNT_ID, "amount": 5}, {"account_id": 7, "amount": 5}]})
    ) == {"lines[1].account_id"}
    assert set(faults({"tags": ["a", "much too long"]})) == {"tags[1]"}
    # Rules over several fields, and rules of one, too.
    assert faults({"note": "fault", "debit_account_id": ACCOUNT_ID}) == {
        "debit_account_id": "disagrees with the note."
    }
    assert faults({"note": "fault"}) == {"debitAccountId": "disagrees with the note."}
    assert faults({"line_count": 13}) == {"line_count": "13 is unlucky; send 12."}


def test_every_fault_is_listed_at_once() -> None:
    assert set(faults({"amount": 0, "currency": "??", "note": 5, "zzz": 1})) == {
        "amount",
        "currency",
        "note",
        "zzz",
    }


def test_a_missing_field_is_named_with_the_remedy_unless_the_update_is_partial() -> None:
    assert faults({}, Named) == {"legalName": "is missing; send text of 1 to 20 characters."}
    assert parse({}, Named, partial=True) == {}
    assert parse({"legalName": "A"}, Named) == {"legal_name": "A", "page_size": 50}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("amount", Decimal("12.5"), Decimal("12.50")),
        ("amount", "-12.5", Decimal("-12.50")),
        ("currency", "EUR", "EUR"),
        ("note", "  kept  ", "  kept  "),
        ("note", None, None),
        ("isFinal", False, False),
        ("lineCount", 500, 500),
        ("lineCount", "7", 7),
        ("paidAt", "2024-01-15", datetime(2024, 1, 15, 5, tzinfo=UTC)),
        ("timeZone", "America/New_York", NEW_YORK),
        ("side", "DEBIT", Side.DEBIT),
        ("metadata", {"a": [1, {"b": Decimal("0.10")}]}, {"a": [1, {"b": Decimal("0.10")}]}),
        (
            "lines",
            [{"accountId": ACCOUNT_ID, "amount": 1}],
            [{"account_id": ACCOUNT, "amount": Decimal("1.0000")}],
        ),
        ("tags", ["a", "b"], ["a", "b"]),
    ],
)
def test_right_values_come_back_typed(key: str, value: object, expected: object) -> None:
    [result] = parse({key: value}, Order, zone=NEW_YORK).values()

    assert result == expected
    assert type(result) is type(expected)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("amount", True), ("amount", Decimal("1.234")), ("amount", "1e400"), ("amount", None), ("amount", []),
        ("currency", "DOLLAR"),
        ("note", 5), ("note", ""), ("note", "x" * 11), ("note", "a\0b"), ("note", "\ud800"), ("note", True),
        ("isFinal", "true"), ("isFinal", 1), ("isFinal", None),
        ("lineCount", True), ("lineCount", 0), ("lineCount", 501), ("lineCount", 10**40),
        ("lineCount", "1_0"), ("lineCount", "\u0661\u0662"), ("lineCount", "9" * 5000),
        ("lineCount", Decimal("1.5")), ("lineCount", ""),
        ("paidAt", 5), ("paidAt", "tomorrow"),
        ("timeZone", "Mars"),
        ("side", "debit"), ("side", None), ("side", ["DEBIT"]), ("side", {}),
        ("metadata", []), ("metadata", "x"), ("metadata", {"a": "x" * METADATA_LIMIT_BYTES}),
        ("metadata", nested(21)),
        ("metadata", {"a": Decimal("1e400")}), ("metadata", {"a": [Decimal("1e-400")]}),
        ("metadata", {"a": 10**310}), ("metadata", {"a": Decimal("0E+999999999")}),
        ("filters", []), ("filters", None), ("filters", "x"),
        ("lines", {}), ("lines", []), ("lines", "x"), ("lines", None), ("lines", [{}] * 4),
        ("tags", "abc"), ("tags", []), ("tags", ["a"] * 4), ("tags", None), ("tags", {"0": "a"}),
        ("debitAccountId", "acc_1"), ("debitAccountId", 5),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_by_name_with_the_remedy(key: str, value: object) -> None:
    [(field, message)] = faults({key: value}).items()

    assert field == key
    assert "send" in message
    assert len(message) < 250
    message.encode()  # an error about text that cannot be encoded can be encoded


def test_fields_must_be_declared_in_snake_case() -> None:
    with pytest.raises(TypeError, match="snake_case"):
        type("Wrong", (RequestSerializer,), {"amountMin": AmountField()})


def test_the_description_of_the_api_shows_the_declared_spelling_bounds_and_words() -> None:
    assert set(Order().fields) >= {"debitAccountId", "lineCount", "isFinal"}
    assert set(SnakeOrder().fields) >= {"debit_account_id", "line_count", "is_final"}

    class NamedView(ApiView):
        needs_entity = False
        authentication_classes: ClassVar[list[Any]] = []  # type: ignore[misc]

        @extend_schema(request=Named, responses={204: None})
        def post(self, request: Request) -> None: ...

    generator = SchemaGenerator(patterns=[path("v1/named", NamedView.as_view())])
    schema = generator.get_schema(request=None, public=True)

    assert schema["components"]["schemas"]["NamedRequest"] == {
        "type": "object",
        "properties": {
            "legalName": {"type": "string", "minLength": 1, "maxLength": 20},
            "pageSize": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
        },
        "required": ["legalName"],
        "additionalProperties": False,
    }


class Listing(RequestSerializer):
    include_children = StrictBooleanField(required=False)
    limit = BoundedIntegerField(min_value=1, max_value=100, default=25)
    counterparty = TextField(max_length=50, required=False)


def query(text: str, shape: type[RequestSerializer] | None = Listing) -> dict[str, Any]:
    request = RequestFactory().get(f"/v1/accounts?{text}")
    return parse_query(request, shape) if shape else parse_query(request)


def test_queries_follow_the_rules_of_bodies_and_know_the_words_true_and_false() -> None:
    assert query("includeChildren=true&limit=7") == {"include_children": True, "limit": 7}
    assert query("include_children=false") == {"include_children": False, "limit": 25}
    assert query("counterparty=" + quote("Caf\u00e9 & S\u00f6hne")) == {
        "counterparty": "Caf\u00e9 & S\u00f6hne",
        "limit": 25,
    }
    assert query("") == {"limit": 25}
    assert query("entityId=entity_1", None) == {}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("limit=1&limit=1", "limit"),
        ("entityId=a&entityId=b", "entityId"),
        ("limit=1&Limit=2", "Limit"),
        ("includeChildren=true&include_children=false", "include_children"),
        ("includeChildren=1", "includeChildren"),
        ("includeChildren=", "includeChildren"),
        ("limit=1.5", "limit"),
        ("limit=%D9%A1", "limit"),
        ("counterparty=a%00b", "counterparty"),
        ("a%00b=1", "ab"),
        ("pageSize=5", "pageSize"),
    ],
)
def test_wrong_queries_are_refused_by_name(text: str, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        query(text)

    assert field in dict(caught.value.details)


@pytest.mark.parametrize("text", ["counterparty=%FF", "counterparty=%ED%A0%80", "%FF=1"])
def test_a_query_that_is_no_utf_8_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="UTF-8"):
        query(text)


def test_a_view_without_parameters_refuses_every_other() -> None:
    with pytest.raises(ValidationError) as caught:
        query("entityId=entity_1&limit=5", None)

    assert [detail.field for detail in caught.value.details] == ["limit"]
