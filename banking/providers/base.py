"""What every provider of bank connections can do, and how it says that it cannot.

A provider is plain functions over the network: it keeps nothing in the database and is never called inside
of a database transaction. Amounts are Decimals in the bank's currency, positive where money left the account,
on cards too (Plaid's sign).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from django.utils.module_loading import import_string

from banking.models import BankConnection
from ledger.exceptions import Detail, ProviderError
from ledger.models import Entity


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time pass with which a person logs in at a bank, in the provider's own window."""

    token: str
    expires_at: dt.datetime
    # The provider's id of this call, for its support.
    request_id: str


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A connection, as a person has just allowed it. The access token is a secret."""

    item_id: str
    access_token: str
    institution_id: str
    institution_name: str


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """An account at the bank, as the provider sees it now."""

    id: str
    name: str
    official_name: str
    # The last digits of its number, as "1234"; empty where there are none.
    mask: str
    # In Plaid's words: depository, credit, loan, …; checking, savings, credit card, …
    type: str
    subtype: str
    # ISO 4217.
    currency: str
    # As the bank says it: money owed on a card is positive. None where it said nothing.
    balance_current: Decimal | None = None
    balance_available: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineSeen:
    """One line of an account, as the bank gives it; the same one again under the same id."""

    id: str
    # The provider's id of the account.
    account_id: str
    # The bank itself has not booked it yet: it may change or vanish.
    pending: bool
    # A posted line may name the pending one that it came of.
    pending_line_id: str | None
    # The day on which the bank booked it, or of a pending one, on which it happened.
    date: dt.date
    authorized_date: dt.date | None
    # Not zero; positive where money left the account.
    amount: Decimal
    currency: str
    description: str
    # Who the money went to or came from, where the bank knows it; otherwise empty.
    counterparty: str = ""
    # The provider's own category, as "GENERAL_SERVICES_ACCOUNTING"; otherwise empty.
    category: str = ""
    # All that came, for the record: what JSON can hold, and no secrets.
    raw: Mapping[str, Any] = field(default_factory=dict)


class LineRemoved(NamedTuple):
    """A line that the bank has taken back."""

    line_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class SyncPage:
    """What changed since a cursor, as far as one page goes."""

    added: Sequence[LineSeen]
    modified: Sequence[LineSeen]
    removed: Sequence[LineRemoved]
    # Where the next page, or the next sync, begins.
    next_cursor: str
    has_more: bool
    # The connection's accounts with their balances now; empty where the provider says nothing of them here.
    accounts: Sequence[AccountSeen] = ()


class Provider(Protocol):
    """Each call may raise ProviderDownError, LoginRequiredError (where there is an access token) or, for
    whatever else goes wrong, ProviderError."""

    def create_link(self, *, entity: Entity, connection: BankConnection | None) -> Link:
        """Begin connecting a bank. With `connection`, begin to repair that one instead (update mode)."""
        ...

    def exchange(self, *, entity: Entity, public_token: str) -> Exchanged:
        """Turn the token that a person brought back from the bank into a connection.

        Raises PublicTokenError where the token is unknown, too old or used.
        """
        ...

    def accounts(self, access_token: str) -> list[AccountSeen]:
        """The accounts that the person has allowed us to see."""
        ...

    def sync(self, access_token: str, cursor: str) -> SyncPage:
        """The next page of what changed since `cursor`; an empty cursor begins with all that there is.

        Raises PagesChangedError where lines changed while their pages were being read: the caller begins
        again with the cursor that it had before the first page.
        """
        ...

    def disconnect(self, access_token: str) -> None:
        """Give the connection up: the token stops working. Without effect where it already has."""
        ...


class ProviderDownError(ProviderError):
    """The provider or the bank cannot be reached, or asks us to slow down: this passes, so it is retried."""


class LoginRequiredError(ProviderError):
    """The bank wants the person to log in again; nothing comes until the connection is repaired.

    `provider_code` is the provider's own word for it, as "ITEM_LOGIN_REQUIRED".
    """

    def __init__(self, message: str, *, provider_code: str = "ITEM_LOGIN_REQUIRED") -> None:
        super().__init__(message)
        self.provider_code = provider_code


class PagesChangedError(ProviderError):
    """Lines changed while their pages were being read, so the pages no longer fit together."""


class PublicTokenError(ProviderError):
    """The public token is unknown to the provider, too old or used: a mistake of the caller."""

    code = "VALIDATION_ERROR"
    status_code = 400

    def __init__(self, message: str) -> None:
        super().__init__(message, details=[Detail("publicToken", message)])


_PROVIDERS: dict[str, Provider | str] = {}


def register_provider(name: str, provider: Provider | str) -> None:
    """Make `provider` the one of that name (a `banking.choices.ProviderName`), in place of any before it.

    The path of a class, as "banking.providers.plaid.PlaidProvider", is imported when it is first used.
    """
    _PROVIDERS[name] = provider


def provider_named(name: str) -> Provider:
    """The provider of that name. Each registers itself when the app starts (`banking.apps`).

    Raises ProviderError where there is none: the setting BANK_PROVIDER, or an old connection, names a
    provider that is not installed.
    """
    try:
        provider = _PROVIDERS[name]
    except KeyError:
        known = ", ".join(sorted(_PROVIDERS)) or "none"
        raise ProviderError(
            f'There is no bank provider "{name}" here; known ones: {known}. Set BANK_PROVIDER to one of them.'
        ) from None
    if isinstance(provider, str):
        made: Provider = import_string(provider)()
        _PROVIDERS[name] = made
        return made
    return provider
