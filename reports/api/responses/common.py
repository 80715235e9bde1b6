"""What the descriptions of all reports share: amounts, nodes, periods, and the parts of examples."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from accounts.choices import AccountType
from ledger.api.schema import example_id
from reports.basis import Basis
from reports.sums import StatusFilter


def amount(help_text: str = "", **more: Any) -> serializers.DecimalField:
    """An amount as an exact number."""
    return serializers.DecimalField(
        max_digits=30, decimal_places=4, coerce_to_string=False, help_text=help_text, **more
    )


_made: dict[str, type[serializers.Serializer]] = {}


def shape(name: str, fields: dict[str, serializers.Field], doc: str = "") -> type[serializers.Serializer]:
    """The shape of that name, made once."""
    if name not in _made:
        namespace = {**fields, "__doc__": doc, "__module__": __name__}
        _made[name] = type(name, (serializers.Serializer,), namespace)
    return _made[name]


def amounts(name: str, keys: tuple[str, ...], **more: serializers.Field) -> type[serializers.Serializer]:
    """The shape of that name with an amount for each key, and what else it has."""
    return shape(name, {key: amount() for key in keys} | more)


def urls(name: str, keys: tuple[str, ...], nullable: tuple[str, ...] = ()) -> serializers.Serializer:
    """The addresses that explain the figures of these keys."""
    fields = {key: serializers.CharField(allow_null=key in nullable) for key in keys}
    return shape(name, dict(fields))(help_text="The entries that add up to each figure.")


@extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/ReportNode"}})
class _Children(serializers.ListField):
    """The nodes below a node."""


ReportNode = shape(
    "ReportNode",
    {
        "id": serializers.CharField(),
        "name": serializers.CharField(),
        "type": serializers.ChoiceField(AccountType.choices, allow_null=True),
        "financialType": serializers.CharField(allow_null=True),
        "code": serializers.CharField(allow_null=True),
        "balance": amount("On the normal side of its group: negative for what reduces it."),
        "children": _Children(),
        "parentId": serializers.CharField(allow_null=True),
        "level": serializers.IntegerField(),
        "isCategory": serializers.BooleanField(),
        "entriesUrl": serializers.CharField(help_text="The entries whose amounts add up to the balance."),
    },
    "An account, or a computed line, with all that is below it.",
)
ReportPeriod = shape(
    "ReportPeriod",
    {
        "month": serializers.IntegerField(allow_null=True),
        "year": serializers.IntegerField(allow_null=True),
        "startDate": serializers.DateField(
            allow_null=True, help_text="null: from the beginning of the books."
        ),
        "endDate": serializers.DateField(),
    },
    "The days of a report, both included.",
)


def scope_fields() -> dict[str, serializers.Field]:
    """What every report says of the books that it is of."""
    return {
        "basis": serializers.ChoiceField([str(one) for one in Basis]),
        "status": serializers.ChoiceField([str(one) for one in StatusFilter]),
        "currency": serializers.CharField(),
        "ledgerId": serializers.CharField(),
        "knownAt": serializers.DateTimeField(allow_null=True),
    }


class AnyObject(serializers.DictField):
    """An object of another part of the API."""


_ENTITY = example_id("entity")
PERIOD = {"month": 1, "year": 2024, "startDate": "2024-01-01", "endDate": "2024-01-31"}
FILE = "https://books.example/v1/reports/files/eyJlbnRpdHkiOi"
SCOPE = {
    "basis": "ACCRUAL",
    "status": "posted",
    "currency": "USD",
    "ledgerId": example_id("ldgr"),
    "knownAt": None,
}
URL = f"/v1/reports/general-ledger?entityId={_ENTITY}&endDate=2024-01-31&status=posted&figure="


def node(
    name: str, type_: str, financial_type: str, code: str, balance: float, figure: str
) -> dict[str, Any]:
    """A node of an example."""
    return {
        "id": example_id("acc"),
        "name": name,
        "type": type_,
        "financialType": financial_type,
        "code": code,
        "balance": balance,
        "children": [],
        "parentId": None,
        "level": 0,
        "isCategory": financial_type != "CASH",
        "entriesUrl": f"{URL}{figure}&accountId={example_id('acc')}&includeChildren=true",
    }


def example(name: str, value: object) -> OpenApiExample:
    """An example of an answer."""
    return OpenApiExample(name, value=value, response_only=True)
