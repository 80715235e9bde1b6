"""The parts of Plaid's answers that we read, as Plaid documents them. Fields that are not named here are left
alone: Plaid adds new ones at any time."""

import datetime as dt
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from banking.providers.plaid.errors import nonsense


class LinkToken(msgspec.Struct):
    """`/link/token/create`."""

    link_token: str
    expiration: dt.datetime
    request_id: str = ""


class ExchangedToken(msgspec.Struct):
    """`/item/public_token/exchange`."""

    access_token: str
    item_id: str


class Item(msgspec.Struct):
    """A connection to a bank. Connections to some banks name none (same-day micro-deposits)."""

    item_id: str
    institution_id: str | None = None
    institution_name: str | None = None


class ItemAnswer(msgspec.Struct):
    """`/item/get`."""

    item: Item


class Institution(msgspec.Struct):
    """A bank."""

    institution_id: str
    name: str


class InstitutionAnswer(msgspec.Struct):
    """`/institutions/get_by_id`."""

    institution: Institution


class Balances(msgspec.Struct):
    """An account's balances. The currency is in one of two fields, the other is null."""

    current: Decimal | None = None
    available: Decimal | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class Account(msgspec.Struct):
    """An account at the bank."""

    account_id: str
    name: str
    type: str
    balances: Balances
    official_name: str | None = None
    mask: str | None = None
    subtype: str | None = None


class AccountsAnswer(msgspec.Struct):
    """`/accounts/get`."""

    accounts: list[Account]


class Category(msgspec.Struct):
    """Plaid's own category of a line."""

    primary: str
    detailed: str | None = None


class Counterparty(msgspec.Struct):
    """Somebody whom a line names: the merchant, a market place, a payment app, …"""

    name: str
    type: str = ""


class Line(msgspec.Struct):
    """One line of an account; Plaid calls it a transaction. Positive where money left the account."""

    transaction_id: str
    account_id: str
    amount: Decimal
    date: dt.date
    name: str
    pending: bool
    pending_transaction_id: str | None = None
    authorized_date: dt.date | None = None
    original_description: str | None = None
    merchant_name: str | None = None
    counterparties: list[Counterparty] | None = None
    personal_finance_category: Category | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class Removed(msgspec.Struct):
    """A line that the bank has taken back."""

    transaction_id: str
    account_id: str


class SyncAnswer(msgspec.Struct):
    """`/transactions/sync`. Lines stay as they came: what is stored for the record is all of them."""

    added: list[dict[str, Any]]
    modified: list[dict[str, Any]]
    removed: list[Removed]
    next_cursor: str
    has_more: bool
    accounts: list[Account] = []
    # How much of the bank Plaid itself has read: NOT_READY, INITIAL_UPDATE_COMPLETE, …
    transactions_update_status: str | None = None


class Key(msgspec.Struct):
    """A public key of Plaid's webhooks, as a JSON Web Key (RFC 7517). `expired_at` is set once Plaid no
    longer signs with it."""

    kid: str
    kty: str
    alg: str
    crv: str
    use: str
    x: str
    y: str
    created_at: int
    expired_at: int | None = None


class KeyAnswer(msgspec.Struct):
    """`/webhook_verification_key/get`."""

    key: Key


Shape = TypeVar("Shape", bound=msgspec.Struct)


def read(value: object, shape: type[Shape]) -> Shape:
    """Return `value`, which is JSON that was read, in its shape. Raises ProviderError where it is in none."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise nonsense(f"in a form that we do not know ({shape.__name__}: {error})") from None
