"""Writing what stands for what: links between lines and transactions, and where a line is on its way."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final
from uuid import UUID

from banking.choices import LineStatus, LinkKind
from banking.services.rows import Link
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, copy_rows, execute, uuid_array
from ledger.ids import new_id
from ledger.models import Entity

ATTENTION_LENGTH_MAX: Final = 500

_UNLINK: Final = """
DELETE FROM banking_linelink
WHERE entity_id = %(entity)s::uuid AND line_id = ANY(%(lines)s::uuid[])
"""
_MOVE: Final = compact("""
UPDATE banking_linelink k SET line_id = w.line_id, bank_account_id = w.bank_account_id
FROM unnest(%(formers)s::uuid[], %(lines)s::uuid[], %(accounts)s::uuid[]) AS w (
    former_id, line_id, bank_account_id
)
WHERE k.entity_id = %(entity)s::uuid AND k.line_id = w.former_id
""")
_RELABEL: Final = """
UPDATE banking_linelink SET kind = %(kind)s
WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(transactions)s::uuid[])
"""
_MARK: Final = compact("""
UPDATE banking_bankline l
SET status = %(status)s::text, offered_transaction_id = w.offered, attention = w.attention,
    updated_at = %(now)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(offered)s::uuid[], %(attention)s::text[]) AS w (id, offered, attention)
WHERE l.entity_id = %(entity)s::uuid AND l.id = w.id
""")
_ATTEND: Final = compact("""
UPDATE banking_bankline l SET attention = w.attention, updated_at = %(now)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(attention)s::text[]) AS w (id, attention)
WHERE l.entity_id = %(entity)s::uuid AND l.id = w.id
""")


def link(entity: Entity, links: Sequence[Link], actor: Actor) -> None:
    """Write links, however many, in one statement. Their lines must be RECORDED by the end of the database
    transaction."""
    if not links:
        return
    now, entity_id = str(utc_now()), str(entity.id)
    actor_id = str(actor.id) if actor.id else None
    copy_rows(
        "banking_linelink",
        (
            "id", "entity_id", "line_id", "bank_account_id", "transaction_id", "kind", "created_at",
            "created_by",
        ),
        (
            (
                new_id().hex, entity_id, one.line_id.hex, one.bank_account_id.hex, one.transaction_id.hex,
                one.kind.value, now, actor_id,
            )
            for one in links
        ),
    )  # fmt: skip


def unlink(entity: Entity, line_ids: Collection[UUID]) -> None:
    """Take away all links of the lines, which must become something else than RECORDED, or be linked anew."""
    if line_ids:
        execute(_UNLINK, {"entity": entity.id, "lines": uuid_array(line_ids)})


def move_links(entity: Entity, moves: Sequence[tuple[UUID, UUID, UUID]]) -> None:
    """Let what stands for a line stand for another one: pairs of lines, from and to, and the second's bank
    account. The first must become something else than RECORDED."""
    if moves:
        formers, lines, accounts = zip(*moves, strict=True)
        execute(
            _MOVE,
            {
                "entity": entity.id,
                "formers": uuid_array(formers),
                "lines": uuid_array(lines),
                "accounts": uuid_array(accounts),
            },
        )


def relabel(entity: Entity, transaction_ids: Collection[UUID], kind: LinkKind) -> None:
    """Say how the transactions' links came about, now that it is otherwise."""
    if transaction_ids:
        execute(
            _RELABEL,
            {"entity": entity.id, "kind": kind.value, "transactions": uuid_array(transaction_ids)},
        )


def mark(
    entity: Entity,
    status: LineStatus,
    lines: Iterable[tuple[UUID, UUID | None, str]],
) -> None:
    """Set the status of lines, with the transaction that each is offered and what a person must know."""
    rows = list(lines)
    if rows:
        execute(
            _MARK,
            {
                "entity": entity.id,
                "status": status.value,
                "now": utc_now(),
                "ids": uuid_array(row[0] for row in rows),
                "offered": [row[1] for row in rows],
                "attention": [row[2][:ATTENTION_LENGTH_MAX] for row in rows],
            },
        )


def attend(entity: Entity, attention: Iterable[tuple[UUID, str]]) -> None:
    """Set what a person must know of lines, and leave their status; an empty text means all is well."""
    rows = list(attention)
    if rows:
        execute(
            _ATTEND,
            {
                "entity": entity.id,
                "now": utc_now(),
                "ids": uuid_array(row[0] for row in rows),
                "attention": [row[1][:ATTENTION_LENGTH_MAX] for row in rows],
            },
        )
