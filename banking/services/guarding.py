"""What stands for bank lines changes only so that it still does."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from banking.choices import LineStatus
from banking.services.links import attend, link
from banking.services.rows import links_of_transactions
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, execute, fetch, uuid_array
from ledger.exceptions import ConflictError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.money import as_text
from transactions.rows import Row

# The lines of the transactions, each with all the transactions that stand for it.
_LINES: Final = compact("""
SELECT l.id, l.amount, l.currency, l.attention, b.ledger_account_id,
    t.id, t.debit_account_id, t.credit_account_id, t.amount
FROM (
    SELECT DISTINCT line_id FROM banking_linelink
    WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(ids)s::uuid[])
) w
JOIN banking_bankline l ON l.entity_id = %(entity)s::uuid AND l.id = w.line_id
JOIN banking_bankaccount b ON b.entity_id = %(entity)s::uuid AND b.id = l.bank_account_id
JOIN banking_linelink k ON k.entity_id = %(entity)s::uuid AND k.line_id = l.id
JOIN transactions_transaction t ON t.entity_id = %(entity)s::uuid AND t.id = k.transaction_id
""")
_LET_GO: Final = compact("""
WITH gone AS (
    DELETE FROM banking_linelink
    WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(ids)s::uuid[]) RETURNING line_id
),
others AS (
    DELETE FROM banking_linelink
    WHERE entity_id = %(entity)s::uuid AND line_id IN (SELECT line_id FROM gone)
        AND NOT transaction_id = ANY(%(ids)s::uuid[])
)
UPDATE banking_bankline
SET status = %(status)s::text, offered_transaction_id = NULL, updated_at = %(now)s::timestamptz,
    attention = CASE WHEN offered_transaction_id IS NULL THEN '' ELSE %(undecided)s::text END
WHERE entity_id = %(entity)s::uuid
    AND (id IN (SELECT line_id FROM gone) OR offered_transaction_id = ANY(%(ids)s::uuid[]))
""")
_UNDECIDED: Final = (
    "The transaction that this line was offered is deleted: record the line, unless it is to be left out."
)


def let_go(entity: Entity, transaction_ids: Collection[UUID]) -> None:
    """Part lines from transactions that are being deleted: they become IGNORED. One statement.

    A line that several transactions stand for is parted from all of them. One that was only offered such a
    transaction says so in `attention`: nobody has decided yet that its money stays out of the books.
    """
    execute(
        _LET_GO,
        {
            "entity": entity.id,
            "ids": uuid_array(transaction_ids),
            "status": LineStatus.IGNORED.value,
            "undecided": _UNDECIDED,
            "now": utc_now(),
        },
    )


def follow_split(entity: Entity, transaction_id: UUID, part_ids: Sequence[UUID], actor: Actor) -> None:
    """Let the parts that are split off a transaction stand for its lines beside it. Two statements, or one
    where it stands for none."""
    links = links_of_transactions(entity, [transaction_id])
    link(
        entity,
        [one._replace(transaction_id=part_id) for one in links for part_id in part_ids],
        actor,
    )


def check_changes(entity: Entity, changes: Sequence[tuple[Row, Row]]) -> None:
    """Refuse an edit after which transactions no longer add up to the bank line that they stand for.

    Where the bank changed its line and the books did not follow, an edit that makes up for it is what was
    asked for. One query. Raises ConflictError, which names the line.
    """
    edited = {after.id: after for _, after in changes}
    rows = fetch(_LINES, {"entity": entity.id, "ids": uuid_array(edited)})
    sums: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    lines = {}
    for line_id, amount, currency, attention, account_id, transaction_id, debit, credit, moved in rows:
        lines[line_id] = (amount, currency, attention)
        after = edited.get(transaction_id)
        if after is not None:
            debit, credit, moved = after.debit_account_id, after.credit_account_id, after.amount
        sums[line_id] += moved_out(account_id, debit, credit, moved)
    mended = []
    for line_id, (amount, currency, attention) in lines.items():
        if sums[line_id] == amount:
            if attention:
                mended.append((line_id, ""))
        elif not attention:
            line = encode_id(Prefix.BANK_LINE, line_id)
            raise ConflictError(
                f"The transaction stands for bank line {line} of {as_text(amount, currency)} {currency}, and "
                "would no longer agree with it in account and amount. Undo that first "
                f"(POST /v1/banks/lines/{line}/unmatch)."
            )
    attend(entity, mended)


def moved_out(account_id: UUID, debit: UUID, credit: UUID, amount: Decimal) -> Decimal:
    """What a transaction takes out of the account, in the bank's sign: negative where it brings money in."""
    if credit == account_id:
        return amount
    return -amount if debit == account_id else Decimal(0)
