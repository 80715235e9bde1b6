"""Reads every typed attribute of the client's answers and holds it against the JSON that came.

pydantic converts where it can (`"500.00"` becomes 500.0) and leaves out what it does not find, so an answer
that the client accepts is not yet one that fits its types.
"""

import datetime as dt
import typing

import pydantic  # type: ignore[import-not-found,unused-ignore]

from openledger.core.serialization import FieldMetadata  # type: ignore[import-not-found]

# What may be null, and why: the record has none.
MAY_BE_NULL = {
    "GetV1TransactionsResponse": {"next_cursor"},  # the last page
    "GetV1TransactionsCounterpartiesResponse": {"next_cursor"},
    "GetV1TransactionsResponseTransactionsItem": {
        "plaid_account",  # not from a bank
        "category",  # neither side is the category: a transfer
        "category_id",
        "account_type",
        "financial_type",  # as of an account made as a category
    },
    "GetV1TransactionsResponseTransactionsItemDebitAccount": {"financial_type", "code", "sub_type_code"},
    "GetV1TransactionsResponseTransactionsItemCreditAccount": {"financial_type", "code", "sub_type_code"},
    "PostV1TransactionsResponseTransaction": {"instance_id"},
    "GetV1CategoriesResponseCategoriesItem": {
        "instance_id",
        "parent_account_id",  # at the top level
        "financial_type",
        "code",
        "sub_type_code",
        "tb_account_id",  # of the service's own stores
        "template_node_id",
        "metadata",
    },
    "PostV1CategoriesResponseCategory": {"sub_type_code"},
    # A company made with nothing but its developer has nothing else.
    "PostV1EntitiesResponseEntity": {
        "external_id",
        "legal_name",
        "tin",
        "us_state",
        "entity_type",
        "phone_number",
        "clerk_id",
        "date_created",
        "website",
        "instance_id",
    },
    "GetV1EntitiesResponseEntity": {"address"},  # the client cannot send one
    "GetV1EntitiesResponseEntityPlaidAccountsItem": {"plaid_access_token", "cursor"},  # the server's own
}

# What the client's types have and the contract has not.
NOT_SENT = {
    "PostV1EntitiesResponseEntity": {
        "google_auth_token",
        "admin_user_id",
        "address_id",
        "phone",
        "logo_url",
        "subscription_plan",
        "billing_information",
        "settings_id",
    },
    # Typed as numbers, which our ids are not.
    "PostV1TransactionsEditResponse": {"debit_account_id", "credit_account_id"},
    # There only where the approval failed, and where it did not.
    "PutV1TransactionsApproveResponseResultsItem": {"error", "transaction"},
}


class Reader:
    """Walks answers, and keeps the faults it finds and the types it has seen."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.seen: set[str] = set()
        # For each type, the attributes that had a value at least once.
        self.filled: dict[str, set[str]] = {}

    def read(self, value: object, sent: object, annotation: object, place: str) -> None:
        """Compare a parsed value with the JSON it was made of, along the type it is declared to have."""
        declared = _bare(annotation)
        if isinstance(declared, type) and issubclass(declared, pydantic.BaseModel):
            self._read_model(value, sent, declared, place)
        elif typing.get_origin(declared) is list:
            if not isinstance(value, list) or not isinstance(sent, list) or len(value) != len(sent):
                self._fault(place, f"no list like the one that was sent: {sent!r}")
                return
            (item,) = typing.get_args(declared)
            for index, (one, one_sent) in enumerate(zip(value, sent, strict=True)):
                self.read(one, one_sent, item, f"{place}[{index}]")
        else:
            self._read_scalar(value, sent, declared, place)

    def _read_model(self, value: object, sent: object, model: type[pydantic.BaseModel], place: str) -> None:
        name = model.__name__
        if not isinstance(value, model) or not isinstance(sent, dict):
            self._fault(place, f"is no {name}: {sent!r}")
            return
        self.seen.add(name)
        filled = self.filled.setdefault(name, set())
        hints = typing.get_type_hints(model, include_extras=True)
        for attribute in model.model_fields:
            key = _alias(hints[attribute]) or attribute
            here = f"{place}.{attribute}"
            if key not in sent:
                if attribute not in NOT_SENT.get(name, ()):
                    self._fault(here, f"{key!r} was not sent")
                continue
            found = getattr(value, attribute)
            if found is None:
                if sent[key] is not None:
                    self._fault(here, f"{sent[key]!r} was lost")
                elif attribute not in MAY_BE_NULL.get(name, ()):
                    self._fault(here, "is null")
                continue
            filled.add(attribute)
            self.read(found, sent[key], hints[attribute], here)

    def _read_scalar(self, value: object, sent: object, declared: object, place: str) -> None:
        is_right = {
            str: lambda: isinstance(value, str) and value == sent,
            bool: lambda: isinstance(value, bool) and value is sent,
            int: lambda: isinstance(value, int) and type(sent) is int and value == sent,
            float: lambda: isinstance(value, float) and type(sent) in (int, float) and value == sent,
            dt.datetime: lambda: isinstance(value, dt.datetime) and _is_moment(value, sent),
        }.get(typing.cast("type", declared))
        if is_right is None:  # any, or a word of a list that newer servers may add to
            is_right = lambda: value == sent  # noqa: E731
        if not is_right():
            self._fault(place, f"{sent!r} was read as {value!r}, declared as {declared}")

    def _fault(self, place: str, what: str) -> None:
        self.faults.append(f"{place}: {what}")


def _bare(annotation: object) -> object:
    """A declared type without its notes and without "or nothing"."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
            continue
        if typing.get_origin(annotation) is typing.Union:
            others = [one for one in typing.get_args(annotation) if one is not type(None)]
            if len(others) == 1:
                annotation = others[0]
                continue
        return annotation


def _alias(annotation: object) -> str | None:
    for note in getattr(annotation, "__metadata__", ()):
        if isinstance(note, FieldMetadata):
            return str(note.alias)
    return None


def _is_moment(value: dt.datetime, sent: object) -> bool:
    """Whether a moment is the one that was sent: ISO 8601 in UTC with Z, or a day alone."""
    if not isinstance(sent, str):
        return False
    if len(sent) == len("2024-01-15"):
        return value.isoformat() == f"{sent}T00:00:00"
    return (
        sent.endswith("Z")
        and value.utcoffset() == dt.timedelta()
        and dt.datetime.fromisoformat(sent) == value
    )
