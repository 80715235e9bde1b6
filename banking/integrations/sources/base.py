"""What an import asks of a provider, and the shapes of the answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from accounts.services.outside import OutsideAccount
from banking.integrations.applications import Application
from banking.integrations.calls import Calls
from banking.integrations.oauth import Tokens
from ledger.exceptions import ValidationError, shown
from ledger.money import parse_amount
from transactions.choices import Status


class Workspace(NamedTuple):
    """The company, organisation or account that a person has allowed us to read, by its id there."""

    id: str
    name: str


class Amount(NamedTuple):
    """One line of an entry: what goes to an account (by its id there); below zero on its credit side."""

    account_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OutsideEntry:
    """A journal entry, as another program has it; its amounts add up to zero."""

    # Its kind and id there, as "JournalEntry:12".
    id: str
    # A day of theirs, or a moment.
    when: date | datetime
    description: str
    # ISO 4217; None where it is the currency of their books.
    currency: str | None
    amounts: Sequence[Amount]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An account or an entry that cannot be taken over, and why."""

    id: str
    reason: str


class EntryPage(NamedTuple):
    entries: Sequence[OutsideEntry | Unreadable]
    # Where the next page begins; None at the end.
    next_position: str | None


class Source(Protocol):
    """A provider. Its calls raise ConnectAgainError, ProviderDownError and ProviderError."""

    # How its entries come into our books: POSTED where they are final there.
    status: Status

    def workspace(self, calls: Calls, *, tokens: Tokens, returned: Mapping[str, str]) -> Workspace:
        """What a person has just allowed us to read. `returned` is what the browser brought along."""
        ...

    def currency(self, calls: Calls, workspace_id: str) -> str | None:
        """The currency of their books; None where each entry has its own."""
        ...

    def accounts(
        self, calls: Calls, workspace_id: str, currency: str
    ) -> Iterator[OutsideAccount | Unreadable]:
        """Their chart of accounts; what is not in `currency` cannot be taken over."""
        ...

    def entries(self, calls: Calls, workspace_id: str, position: str) -> EntryPage:
        """A page of their entries. An empty position begins with the first."""
        ...

    def revoke(self, app: Application, tokens: Tokens, workspace_id: str) -> None:
        """Give the permission back."""
        ...


# --- reading JSON that others wrote ----------------------------------------------------------------


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing where there is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inner(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The object at that path; an empty one where there is none."""
    here: Any = value
    for name in names:
        here = here.get(name) if isinstance(here, Mapping) else None
    return here if isinstance(here, dict) else {}


def text(value: Mapping[str, Any], name: str, *, length_max: int = 1000) -> str:
    """A text as we can store it, cut to its length; empty where there is none."""
    found = value.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str):
        return ""
    clean = "".join(c for c in found if c.isprintable() or c == "\n")
    return clean.strip()[:length_max]


def id_of(value: Mapping[str, Any], name: str) -> str:
    """An id as others give it. Raises ValidationError where there is none."""
    found = text(value, name, length_max=100)
    if not found:
        raise ValidationError.of(name, "is missing.")
    return found


def amount(value: Mapping[str, Any], name: str) -> Decimal:
    """An amount, which may be zero or below it. Raises ValidationError where there is none."""
    if value.get(name) is None:
        raise ValidationError.of(name, "is missing.")
    return parse_amount(value[name], currency=None, field=name, allow_zero=True)


def word(value: Mapping[str, Any], name: str, *words: str) -> str:
    """One of some words. Raises ValidationError for another."""
    found = value.get(name)
    if found not in words:
        raise ValidationError.of(name, f"{shown(found)} is none of {', '.join(words)}.")
    return str(found)
