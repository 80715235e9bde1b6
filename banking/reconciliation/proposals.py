"""What a person is offered to tick: read from the books and from the bank's lines, a few queries each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from banking.reconciliation.statements import (
    EFFECT,
    STANDS,
    UNLINKED,
    UNTICKED,
    Statement,
    candidates_sql,
    not_older_than,
)
from banking.reconciliation.suggestions import (
    BOOKS_AHEAD_DAYS_MAX,
    BankSide,
    BookSide,
    Suggested,
    suggest,
)
from ledger.db import fetch
from ledger.models import Entity

# The newest lines and transactions that stand for nothing yet are held against each other: more than a person
# would look at. What is left over comes when these are matched.
LINES_MAX: Final = 500
TRANSACTIONS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class ClearedByBank:
    """What is not ticked, though a bank line of the statement's period stands for it: how many transactions,
    and what they come to in the bank's sign."""

    count: int
    amount: Decimal


class Proposals(NamedTuple):
    cleared: ClearedByBank
    matches: Suggested


# From the bank's lines of the period, so that it costs what the period has, not what the account ever had.
_CLEARED: Final = f"""
FROM banking_bankline l
JOIN banking_linelink k ON k.entity_id = l.entity_id AND k.line_id = l.id
JOIN transactions_transaction t ON t.entity_id = k.entity_id AND t.id = k.transaction_id
WHERE l.entity_id = %(entity)s::uuid AND l.bank_account_id = ANY(%(bank_accounts)s::uuid[])
    AND l.date > %(previous)s::date AND l.date <= %(through)s::date AND l.status = 'recorded'
    AND k.bank_account_id = ANY(%(bank_accounts)s::uuid[])
    AND {STANDS} AND {UNTICKED}
"""

# IGNORED ones too: a person may have deleted what was made of a line, because the books had it already.
_LINES: Final = f"""
SELECT l.id, l.date, l.amount, concat_ws(' ', l.description, l.counterparty), l.offered_transaction_id
FROM banking_bankline l
WHERE l.entity_id = %(entity)s::uuid AND l.bank_account_id = ANY(%(bank_accounts)s::uuid[])
    AND l.status IN ('offered', 'ignored') AND l.date <= %(through)s::date
    AND (
        SELECT k.id FROM banking_linelink k WHERE k.entity_id = l.entity_id AND k.line_id = l.id LIMIT 1
    ) IS NULL
ORDER BY l.date DESC, l.id DESC LIMIT {LINES_MAX:d}
"""

# What was reversed and what reverses it are ticked together, if at all: no line of the bank is either.
_MATCHABLE: Final = f"{UNLINKED} AND t.status <> 'REVERSED' AND t.reverses_id IS NULL"
# Money that left the account stands on its credit side, whatever the bank calls its balance.
_TRANSACTIONS: Final = f"""
SELECT t.id, t.date,
    CASE WHEN t.credit_account_id = %(ledger_account)s::uuid THEN t.amount ELSE -t.amount END,
    concat_ws(' ', t.description, t.counterparty)
FROM ({candidates_sql(limit=TRANSACTIONS_MAX, condition=f"{not_older_than('%(since)s')} AND {_MATCHABLE}")}) t
"""


def read_proposals(entity: Entity, statement: Statement) -> Proposals:
    """What the bank's lines suggest for an open statement. Two queries, three where lines wait."""
    count, amount = fetch(
        f"SELECT count(*), coalesce(sum({EFFECT}), 0) {_CLEARED}", statement.parameters(entity)
    )[0]
    lines, transactions = read_unlinked(entity, statement)
    matches = suggest(lines, transactions, currency=statement.currency)
    if len(lines) == LINES_MAX or len(transactions) == TRANSACTIONS_MAX:
        matches = matches._replace(is_complete=False)
    return Proposals(ClearedByBank(count, amount), matches)


def read_cleared_ids(entity: Entity, statement: Statement) -> list[UUID]:
    """The transactions of `ClearedByBank`. One query."""
    return [row[0] for row in fetch(f"SELECT DISTINCT t.id {_CLEARED}", statement.parameters(entity))]


def read_unlinked(entity: Entity, statement: Statement) -> tuple[Sequence[BankSide], Sequence[BookSide]]:
    """Bank lines up to the statement's day that stand for no transaction, and transactions that could be on
    the statement and stand for no line, near them in time. Both newest first."""
    parameters = statement.parameters(entity)
    lines = [BankSide(*row) for row in fetch(_LINES, parameters)]
    if not lines:
        return [], []
    since = min(line.date for line in lines) - timedelta(days=BOOKS_AHEAD_DAYS_MAX)
    return lines, [BookSide(*row) for row in fetch(_TRANSACTIONS, parameters | {"since": since})]
