"""Making many accounts at once: the one way in for imports, templates and paths."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from accounts.choices import AccountType
from accounts.financial_types import default_financial_type
from accounts.models import Account
from ledger import audit
from ledger.actors import Actor
from ledger.ids import new_id
from ledger.models import Entity, Ledger

INSERT_ROWS_MAX: Final = 2_000
# An audit event names this many of the accounts that were made at once, and counts the others.
NAMED_IN_AUDIT_MAX: Final = 200


def folded(name: str) -> str:
    """Return `name` as names are compared: without regard to case and to spaces around it."""
    return name.strip().casefold()


def new_account(
    *,
    ledger: Ledger,
    name: str,
    type_: AccountType,
    now: datetime,
    financial_type: str | None = None,
    sub_type_code: int | None = None,
    parent: Account | None = None,
    description: str = "",
    role: str | None = None,
) -> Account:
    """Return an account that is not saved yet; without a financial type it gets the default of its type.

    A description goes into the metadata, where the API shows it.
    """
    return Account(
        id=new_id(),
        entity_id=ledger.entity_id,
        ledger_id=ledger.id,
        parent=parent,
        name=name,
        type=type_,
        financial_type=financial_type or default_financial_type(type_).code,
        sub_type_code=sub_type_code,
        currency=ledger.currency,
        metadata={"description": description} if description else None,
        role=role,
        created_at=now,
        updated_at=now,
    )


def insert_accounts(accounts: Sequence[Account], *, on_stored: Callable[[int], object] | None = None) -> None:
    """Store accounts, 2,000 in a statement; a parent stands before its children or is stored already.

    `on_stored` is told after each statement how many that were.
    """
    for start in range(0, len(accounts), INSERT_ROWS_MAX):
        batch = accounts[start : start + INSERT_ROWS_MAX]
        Account.objects.bulk_create(batch)
        if on_stored is not None:
            on_stored(len(batch))


def record_many_made(*, entity: Entity, ledger: Ledger, accounts: Sequence[Account], actor: Actor) -> None:
    """Put one event for all of them into the audit chain: one for each would hold the chain for seconds."""
    audit.record(
        actor=actor,
        action="accounts.accounts.created",
        object_type="ledger",
        object_id=ledger.public_id,
        entity=entity,
        after={
            "count": len(accounts),
            "accounts": {account.public_id: account.name for account in accounts[:NAMED_IN_AUDIT_MAX]},
        },
    )
