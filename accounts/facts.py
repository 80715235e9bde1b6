"""What a posting must know of the accounts that it names."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ledger.db import fetch, uuid_array
from ledger.models import Entity


class AccountFacts(NamedTuple):
    id: UUID
    ledger_id: UUID
    currency: str
    closed_at: datetime | None
    name: str
    type: str
    financial_type: str | None
    code: int | None


def facts_of_accounts(entity: Entity, account_ids: Iterable[UUID]) -> dict[UUID, AccountFacts]:
    """The facts of those of the accounts that `entity` has, by id; one query."""
    found = fetch(
        """
        SELECT id, ledger_id, currency, closed_at, name, type, financial_type, sub_type_code
        FROM accounts_account WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
        """,
        {"entity": entity.id, "ids": uuid_array(account_ids)},
    )
    return {row[0]: AccountFacts(*row) for row in found}
