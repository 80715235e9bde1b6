"""Reads of the chart of accounts. Every public read begins with the company."""

from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from django.db import models

from ledger.db import fetch
from ledger.exceptions import NotFoundError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger

if TYPE_CHECKING:
    from accounts.choices import AccountType
    from accounts.models import Account

# Where a company that was read keeps its default ledger.
_DEFAULT_LEDGER: Final = "_default_ledger"


class AccountQuerySet(models.QuerySet["Account"]):
    def for_entity(self, entity: Entity) -> Self:
        """The accounts of this company alone."""
        return self.filter(entity_id=entity.id)

    def open(self) -> Self:
        """Accounts that take new transactions."""
        return self.filter(closed_at__isnull=True)

    def matching(
        self,
        *,
        type_: "AccountType | None" = None,
        financial_type: str | None = None,
        parent_id: UUID | None = None,
        top_level: bool | None = None,
    ) -> Self:
        """The accounts that meet every filter that is given; `parent_id` gives direct children."""
        found = self
        if type_ is not None:
            found = found.filter(type=type_)
        if financial_type is not None:
            found = found.filter(financial_type=financial_type)
        if parent_id is not None:
            found = found.filter(parent_id=parent_id)
        if top_level is not None:
            found = found.filter(parent_id__isnull=top_level)
        return found


def find_account(entity: Entity, account_id: UUID) -> "Account":
    """The account. Raises NotFoundError alike for one of another company and for none; one query."""
    from accounts.models import Account

    found = Account.objects.for_entity(entity).filter(id=account_id).first()
    if found is None:
        raise NotFoundError(f"There is no account {encode_id(Prefix.ACCOUNT, account_id)} in this entity.")
    return found


def ledgers_of(entity: Entity) -> list[Ledger]:
    """The company's sets of books, the default one first; one query."""
    return list(Ledger.objects.filter(entity_id=entity.id).order_by("-is_default", "name", "id"))


def path_upwards(entity_id: UUID, account_id: UUID) -> list[UUID]:
    """The account itself, its parent, and so on to the top level; one query. Empty for an unknown account."""
    return [
        row[0]
        for row in fetch(
            """
            WITH RECURSIVE above AS (
                SELECT id, parent_id, 1 AS step FROM accounts_account
                WHERE entity_id = %(entity)s::uuid AND id = %(account)s::uuid
                UNION ALL
                SELECT a.id, a.parent_id, above.step + 1 FROM above
                JOIN accounts_account a ON a.entity_id = %(entity)s::uuid AND a.id = above.parent_id
            )
            SELECT id FROM above ORDER BY step
            """,
            {"entity": entity_id, "account": account_id},
        )
    ]


def height(entity_id: UUID, account_id: UUID) -> int:
    """How many levels the account and what is below it have: 1 without children; one query."""
    [(levels,)] = fetch(
        """
        WITH RECURSIVE below AS (
            SELECT %(account)s::uuid AS id, 1 AS step
            UNION ALL
            SELECT a.id, below.step + 1 FROM below
            JOIN accounts_account a ON a.entity_id = %(entity)s::uuid AND a.parent_id = below.id
        )
        SELECT max(step) FROM below
        """,
        {"entity": entity_id, "account": account_id},
    )
    return int(levels)


def default_ledger(entity: Entity) -> Ledger:
    """The books meant where a request names none. Raises NotFoundError where the company has none."""
    found = Ledger.objects.filter(entity_id=entity.id, is_default=True).first()
    if found is None:
        raise NotFoundError(f"{entity.public_id} has no default ledger; its books are damaged.")
    return found


def known_default_ledger(entity: Entity) -> Ledger:
    """The same for who only reads: read once for a company, and kept with it as it was read, so it may be as
    old as that is. Don't change it, others hold it too."""
    found: Ledger | None = entity.__dict__.get(_DEFAULT_LEDGER)
    if found is None:
        found = entity.__dict__[_DEFAULT_LEDGER] = default_ledger(entity)
    return found
