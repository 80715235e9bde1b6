"""What requests about accounts may say."""

from typing import Any, Final, cast

from accounts.choices import AccountType
from accounts.constants import (
    ACCOUNT_NAME_LENGTH_MAX,
    CODE_MAX,
    CODE_MIN,
    IMPORT_FILE_BYTES_MAX,
    IMPORT_ROWS_MAX,
    SUB_TYPE_LENGTH_MAX,
)
from accounts.financial_types import FINANCIAL_TYPES
from accounts.imports.files import FORMATS
from ledger.api.pagination import NumberedQuery
from ledger.api.serializers import (
    BoundedIntegerField,
    DayField,
    IdField,
    MetadataField,
    OneOfField,
    RequestField,
    RequestSerializer,
    StrictBooleanField,
    TextField,
)
from ledger.ids import Prefix

# Base64 makes four characters of three bytes; lines and the JSON around it get some room.
IMPORT_BODY_BYTES_MAX: Final = IMPORT_FILE_BYTES_MAX * 4 // 3 + 500_000
TRANSACTIONS_INCLUDED: Final = 10
TRANSACTIONS_INCLUDED_MAX: Final = 50


class FinancialTypeField(OneOfField):
    """The code of a financial type; whether it fits the account's type is the service's to say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(FINANCIAL_TYPES, **kwargs)
        self.form = "a financial type such as CASH, SALES or RENT_EXPENSES; /docs lists them all"


class RowsField(RequestField):
    """Accounts to import; a fault of one of them becomes an error of the import, not of the request."""

    form = f"a list of 1 to {IMPORT_ROWS_MAX} objects"
    schema = {
        "type": "array",
        "minItems": 1,
        "maxItems": IMPORT_ROWS_MAX,
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "type": {"type": "string", "enum": AccountType.values},
                "financial_type": {"type": "string"},
                "sub_type_code": {"type": "integer"},
                "parent": {"type": "string", "description": "The code or the name of the parent."},
                "top_level": {"type": "boolean"},
                "description": {"type": "string"},
            },
        },
    }

    def parse(self, value: object) -> list[dict[str, Any]]:
        """Return the objects."""
        if not isinstance(value, list) or not 1 <= len(value) <= IMPORT_ROWS_MAX:
            self.refuse(value)
        for item in value:
            if not isinstance(item, dict):
                self.refuse(item, "is no object")
        return cast("list[dict[str, Any]]", value)


def _code(**kwargs: Any) -> BoundedIntegerField:
    return BoundedIntegerField(
        min_value=CODE_MIN, max_value=CODE_MAX, required=False, allow_null=True, **kwargs
    )


class NewAccount(RequestSerializer):
    """A new account. `top_level` need not be sent: it is true exactly where there is no parent."""

    spelling = "snake"

    name = TextField(max_length=ACCOUNT_NAME_LENGTH_MAX)
    type = OneOfField(AccountType)
    financial_type = FinancialTypeField(required=False, allow_null=True)
    sub_type = TextField(max_length=SUB_TYPE_LENGTH_MAX, required=False, allow_null=True)
    sub_type_code = _code()
    parent_account_id = IdField(Prefix.ACCOUNT, required=False, allow_null=True)
    top_level = StrictBooleanField(required=False)
    metadata = MetadataField(required=False, allow_null=True)


class AccountChanges(RequestSerializer):
    """Changes of an account; what is not sent stays."""

    spelling = "snake"

    name = TextField(max_length=ACCOUNT_NAME_LENGTH_MAX, required=False)
    parent_account_id = IdField(Prefix.ACCOUNT, required=False, allow_null=True)
    financial_type = FinancialTypeField(required=False)
    sub_type = TextField(max_length=SUB_TYPE_LENGTH_MAX, required=False, allow_null=True)
    sub_type_code = _code()
    metadata = MetadataField(required=False, allow_null=True)


class AccountFilters(NumberedQuery):
    """Which accounts to list."""

    spelling = "snake"

    type = OneOfField(AccountType, required=False)
    financial_type = FinancialTypeField(required=False)
    parent_account_id = IdField(Prefix.ACCOUNT, required=False)
    top_level = StrictBooleanField(required=False)


class AccountQuery(RequestSerializer):
    """What to show with an account."""

    spelling = "snake"

    include_transactions = StrictBooleanField(required=False, default=False)
    transactions_limit = BoundedIntegerField(
        min_value=1, max_value=TRANSACTIONS_INCLUDED_MAX, required=False, default=TRANSACTIONS_INCLUDED
    )


class BalanceQuery(RequestSerializer):
    """Which balance of an account."""

    spelling = "snake"

    as_of = DayField(required=False)
    include_child_accounts = StrictBooleanField(required=False, default=True)


class ImportBody(RequestSerializer):
    """A chart of accounts to import."""

    spelling = "snake"
    schema_rules = {
        "oneOf": [
            {
                "properties": {"source": {"const": source}, **dict.fromkeys(others, False)},
                "required": [needed],
            }
            for source, needed, others in (
                ("template", "template_id", ("file", "file_format", "accounts")),
                ("file", "file", ("template_id", "accounts")),
                ("json", "accounts", ("template_id", "file", "file_format")),
            )
        ]
    }

    source = OneOfField(["template", "file", "json"])  # type: ignore[assignment] # DRF's own attribute
    template_id = TextField(max_length=50, required=False)
    file = TextField(max_length=IMPORT_BODY_BYTES_MAX, required=False)
    file_format = OneOfField(FORMATS, required=False)
    accounts = RowsField(required=False)


class NewCategory(RequestSerializer):
    """A new account, seen from the categorizing side."""

    name = TextField(max_length=ACCOUNT_NAME_LENGTH_MAX)
    type = OneOfField(AccountType)
    sub_type_code = _code()
