"""The shapes of the answers, for the API's description alone; `representations` writes them."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from accounts.choices import AccountType
from accounts.financial_types import FINANCIAL_TYPES
from ledger.choices import ImportStatus

_ACCOUNT: Final = "acc_01h455vb4pex5vsknk084sn02q"
_PARENT: Final = "acc_01h455vb4pex5vsknk084sn01a"
_ENTITY: Final = "entity_01h455vb4pex5vsknk084sn02r"
_LEDGER: Final = "ldgr_01h455vb4pex5vsknk084sn02s"

ACCOUNT_EXAMPLE: Final[dict[str, Any]] = {
    "id": _ACCOUNT,
    "name": "Marketing Expenses",
    "type": "EXPENSE",
    "financial_type": "ADVERTISING_EXPENSES",
    "sub_type": None,
    "sub_type_code": 5020,
    "entity_id": _ENTITY,
    "ledger_id": _LEDGER,
    "parent_account_id": _PARENT,
    "top_level": False,
    "metadata": {"description": "General marketing and advertising expenses"},
    "created_at": "2024-01-15T10:30:00Z",
    "updated_at": "2024-01-15T10:30:00Z",
}
CATEGORY_EXAMPLE: Final[dict[str, Any]] = {
    "id": _ACCOUNT,
    "instanceId": None,
    "parentAccountId": _PARENT,
    "name": "Software",
    "type": "EXPENSE",
    "financialType": "SOFTWARE_EXPENSES",
    "isCategory": True,
    "code": 6310,
    "subTypeCode": 6310,
    "tbAccountId": None,
    "templateNodeId": None,
    "ledgerId": _LEDGER,
    "entityId": _ENTITY,
    "createdAt": "2024-01-15T10:30:00Z",
    "updatedAt": "2024-01-15T10:30:00Z",
    "topLevel": False,
    "metadata": None,
}


def request_example(name: str, value: Any) -> OpenApiExample:
    """An example of a request body."""
    return OpenApiExample(name, value=value, request_only=True)


def response_example(name: str, value: Any, status: int = 200) -> OpenApiExample:
    """An example of an answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


class AccountOut(serializers.Serializer[Any]):
    """A ledger account: one line of a company's chart of accounts."""

    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.ChoiceField(AccountType.choices)
    financial_type = serializers.ChoiceField(list(FINANCIAL_TYPES), allow_null=True)
    sub_type = serializers.CharField(allow_null=True)
    sub_type_code = serializers.IntegerField(allow_null=True)
    entity_id = serializers.CharField()
    ledger_id = serializers.CharField()
    parent_account_id = serializers.CharField(allow_null=True)
    top_level = serializers.BooleanField()
    metadata = serializers.DictField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class AccountTransactionOut(serializers.Serializer[Any]):
    """A transaction, seen from one of its accounts."""

    id = serializers.CharField()
    timestamp = serializers.DateTimeField()
    description = serializers.CharField()
    amount = serializers.FloatField(help_text="An exact number, above 0.")
    direction = serializers.ChoiceField(["DEBIT", "CREDIT"])


class AccountDetailOut(AccountOut):
    """A ledger account, with its newest transactions where they were asked for."""

    transactions = AccountTransactionOut(many=True, required=False)


class PageMetaOut(serializers.Serializer[Any]):
    """Where a numbered page stands."""

    total = serializers.IntegerField()
    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    pages = serializers.IntegerField()


class AccountPageOut(serializers.Serializer[Any]):
    """A page of accounts, in the order of the chart: by code, then by name."""

    data = AccountOut(many=True)  # type: ignore[assignment] # DRF's own attribute of that name
    meta = PageMetaOut()


class _BalanceSumsOut(serializers.Serializer[Any]):
    """The sums of both sides, with the currency's minor digits."""

    debits_pending = serializers.CharField()
    debits_posted = serializers.CharField()
    credits_pending = serializers.CharField()
    credits_posted = serializers.CharField()
    timestamp = serializers.DateTimeField()


class _ChildSumsOut(serializers.Serializer[Any]):
    """The posted sums of a child and all below it; `net_balance` on the child's normal side."""

    debits_posted = serializers.CharField()
    credits_posted = serializers.CharField()
    net_balance = serializers.CharField()


class _ChildBalanceOut(serializers.Serializer[Any]):
    """The balance of a direct child."""

    account_id = serializers.CharField()
    balance = _ChildSumsOut()


class AccountBalanceOut(serializers.Serializer[Any]):
    """A balance. `net_balance` is posted only, on the account's normal side."""

    account_id = serializers.CharField()
    balance = _BalanceSumsOut()
    net_balance = serializers.CharField()
    currency = serializers.CharField()
    as_of = serializers.DateField()
    child_account_balances = _ChildBalanceOut(many=True)


class _ImportErrorOut(serializers.Serializer[Any]):
    """What is wrong with a row; rows of files count like a spreadsheet's, with the header as row 1."""

    row = serializers.IntegerField()
    field = serializers.CharField()
    message = serializers.CharField()


class AccountImportOut(serializers.Serializer[Any]):
    """What became of an import."""

    import_id = serializers.CharField()
    status = serializers.ChoiceField(ImportStatus.choices)
    accounts_created = serializers.IntegerField()
    accounts_skipped = serializers.IntegerField()
    errors = _ImportErrorOut(many=True)  # type: ignore[assignment] # DRF's own attribute of that name


class _TemplateOut(serializers.Serializer[Any]):
    """A ready-made chart."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    accounts_count = serializers.IntegerField()


class TemplatesOut(serializers.Serializer[Any]):
    """The ready-made charts, the standard one first."""

    data = _TemplateOut(many=True)  # type: ignore[assignment] # DRF's own attribute of that name


class CategoryOut(serializers.Serializer[Any]):
    """A ledger account, seen from the categorizing side."""

    id = serializers.CharField()
    instanceId = serializers.CharField(allow_null=True)
    parentAccountId = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    type = serializers.ChoiceField(AccountType.choices)
    financialType = serializers.ChoiceField(list(FINANCIAL_TYPES), allow_null=True)
    isCategory = serializers.BooleanField()
    code = serializers.IntegerField(allow_null=True)
    subTypeCode = serializers.IntegerField(allow_null=True)
    tbAccountId = serializers.CharField(allow_null=True)
    templateNodeId = serializers.CharField(allow_null=True)
    ledgerId = serializers.CharField()
    entityId = serializers.CharField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()
    topLevel = serializers.BooleanField()
    metadata = serializers.DictField(allow_null=True)


class CategoriesOut(serializers.Serializer[Any]):
    """All open accounts, in the order of the chart."""

    categories = CategoryOut(many=True)


class _MadeCategoryOut(serializers.Serializer[Any]):
    """The category that was made."""

    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.ChoiceField(AccountType.choices)
    entityId = serializers.CharField()
    subTypeCode = serializers.IntegerField(allow_null=True)


class NewCategoryOut(serializers.Serializer[Any]):
    """Answer to making a category."""

    category = _MadeCategoryOut()
