"""Bank lines and bank accounts as the services read them: values, and no model instances."""

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from banking.choices import LineStatus, LinkKind
from ledger.db import compact, fetch, uuid_array
from ledger.ids import Prefix, encode_id
from ledger.models import Entity


class Line(NamedTuple):
    """The columns of `SELECT_LINE`, in its order; see `banking.models.BankLine`."""

    id: UUID
    bank_account_id: UUID
    provider_line_id: str
    pending_line_id: str | None
    date: dt.date
    authorized_date: dt.date | None
    amount: Decimal
    currency: str
    description: str
    counterparty: str
    provider_category: str
    status: LineStatus
    chosen_account_id: UUID | None
    offered_transaction_id: UUID | None
    attention: str

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.BANK_LINE, self.id)


SELECT_LINE: Final = "SELECT " + ", ".join(f"l.{column}" for column in Line._fields)


def as_line(values: tuple[object, ...]) -> Line:
    """A database row of `SELECT_LINE`."""
    line = Line(*values)  # type: ignore[arg-type]
    return line._replace(status=LineStatus(line.status))


class Link(NamedTuple):
    """That a transaction stands for a line."""

    line_id: UUID
    transaction_id: UUID
    bank_account_id: UUID
    kind: LinkKind


class BankFacts(NamedTuple):
    """What the way into the books must know of a bank account."""

    id: UUID
    ledger_id: UUID
    ledger_account_id: UUID
    currency: str
    # In Plaid's words: depository, credit, loan, …; checking, savings, …
    type: str
    subtype: str
    mask: str
    # Whether it is still connected, or fed by files.
    is_live: bool

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.BANK_ACCOUNT, self.id)


_LINES: Final = f"{SELECT_LINE} FROM banking_bankline l WHERE l.entity_id = %(entity)s::uuid"
_BY_ID: Final = f"{_LINES} AND l.id = ANY(%(ids)s::uuid[])"
_BY_PROVIDER_ID: Final = (
    f"{_LINES} AND l.bank_account_id = %(bank_account)s::uuid AND l.provider_line_id = ANY(%(ids)s::text[])"
)
# Each id is looked up on its own, which LIMIT and OFFSET keep from becoming joins. Of a company whose lines
# came after the last ANALYZE, PostgreSQL expects one line and one link, and would hold each id against all of
# them (tried: 2.4 seconds for 5,000 ids, instead of 20 ms).
_UNRECORDED: Final = compact(f"""
{SELECT_LINE} FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS w (id, place)
CROSS JOIN LATERAL (
    SELECT * FROM banking_bankline o WHERE o.entity_id = %(entity)s::uuid AND o.id = w.id LIMIT 1
) l
WHERE l.status = 'recorded' AND NOT EXISTS (
    SELECT FROM banking_linelink k WHERE k.entity_id = %(entity)s::uuid AND k.line_id = w.id OFFSET 0
)
ORDER BY w.place
""")
_LINKS: Final = """
SELECT line_id, transaction_id, bank_account_id, kind FROM banking_linelink
WHERE entity_id = %(entity)s::uuid AND {column} = ANY(%(ids)s::uuid[])
ORDER BY id
"""


def lines_by_id(entity: Entity, ids: Collection[UUID]) -> dict[UUID, Line]:
    """Those of the lines that the company has; one query."""
    rows = fetch(_BY_ID, {"entity": entity.id, "ids": uuid_array(ids)})
    return {row[0]: as_line(row) for row in rows}


def lines_by_provider_id(entity: Entity, bank_account_id: UUID, ids: Collection[str]) -> dict[str, Line]:
    """Those of the lines that the bank account has, by the provider's id; one query."""
    rows = fetch(_BY_PROVIDER_ID, {"entity": entity.id, "bank_account": bank_account_id, "ids": list(ids)})
    return {line.provider_line_id: line for line in map(as_line, rows)}


def unrecorded_lines(entity: Entity, ids: Collection[UUID], *, known: Collection[Line] = ()) -> list[Line]:
    """Those of the lines that are posted at the bank and have no transaction, in the order of `ids`.

    Lines that the caller knows to be so are taken from `known`, and not read; one query for the others.
    """
    if known and [line.id for line in known] == list(ids):
        return list(known)
    found = {line.id: line for line in known}
    asked = [id_ for id_ in ids if id_ not in found]
    if asked:
        rows = fetch(_UNRECORDED, {"entity": entity.id, "ids": uuid_array(asked)})
        found |= {row[0]: as_line(row) for row in rows}
    return [found[id_] for id_ in ids if id_ in found]


def links_of_lines(entity: Entity, line_ids: Collection[UUID]) -> list[Link]:
    """The links of these lines; one query."""
    return _links(entity, "line_id", line_ids)


def links_of_transactions(entity: Entity, transaction_ids: Collection[UUID]) -> list[Link]:
    """The links of these transactions; one query."""
    return _links(entity, "transaction_id", transaction_ids)


def _links(entity: Entity, column: str, ids: Collection[UUID]) -> list[Link]:
    if not ids:
        return []
    rows = fetch(_LINKS.format(column=column), {"entity": entity.id, "ids": uuid_array(ids)})
    return [Link(line, transaction, account, LinkKind(kind)) for line, transaction, account, kind in rows]


def bank_facts(entity: Entity) -> dict[UUID, BankFacts]:
    """All bank accounts of the company, disconnected ones too, by id; one query."""
    rows = fetch(
        """
        SELECT id, ledger_id, ledger_account_id, currency, type, subtype, mask, disconnected_at IS NULL
        FROM banking_bankaccount WHERE entity_id = %(entity)s::uuid
        """,
        {"entity": entity.id},
    )
    return {row[0]: BankFacts(*row) for row in rows}
