"""Transactions that a person may find a bank line to be: more than is offered, since the person looks."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from banking.choices import LinkKind
from banking.services.changing import FOLLOWS
from banking.services.matching import side_of
from banking.services.rows import BankFacts, Line
from ledger.db import compact, fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.days import week_of
from transactions.movements import STANDING

# A cheque may be cashed a month after it was written; a bank is only days ahead of who keeps the books.
DAYS_BEFORE_MAX: Final = 45
DAYS_AFTER_MAX: Final = 10
# Money between two own accounts arrives within days.
TRANSFER_DAYS_MAX: Final = 7
SHOWN_MAX: Final = 12

_OTHER: Final = {"debit": "credit", "credit": "debit"}


class Candidate(NamedTuple):
    """A transaction that moves a line's amount."""

    id: UUID
    date: date
    description: str
    counterparty: str
    status: str
    amount: Decimal
    currency: str
    # The other side's account: what it was for, or where the money went.
    account_name: str
    # Whether it is another own bank account's side of the same transfer.
    is_transfer: bool

    @property
    def public_id(self) -> str:
        return encode_id(Prefix.TRANSACTION, self.id)


def _entries(side: str) -> str:
    states = ", ".join(f"'{state.value}'" for state in sorted(STANDING))
    return compact(f"""
    SELECT t.id, t.date, t.description, t.counterparty, t.status, t.amount, t.currency, o.name, false
    FROM transactions_transaction t
    JOIN accounts_account o ON o.entity_id = t.entity_id AND o.id = t.{_OTHER[side]}_account_id
    WHERE t.entity_id = %(entity)s::uuid AND t.{side}_account_id = %(account)s::uuid
        AND {week_of("t.date")} BETWEEN {week_of("%(first)s::date")} AND {week_of("%(last)s::date")}
        AND t.date BETWEEN %(first)s::date AND %(last)s::date AND t.amount = %(amount)s::numeric
        AND t.status IN ({states}) AND t.reverses_id IS NULL AND NOT EXISTS (
            SELECT FROM banking_linelink k
            JOIN banking_bankaccount b ON b.entity_id = k.entity_id AND b.id = k.bank_account_id
            WHERE k.entity_id = t.entity_id AND k.transaction_id = t.id
                AND b.ledger_account_id = %(account)s::uuid
        )
    ORDER BY abs(t.date - %(day)s::date), t.id LIMIT {SHOWN_MAX}
    """)


_ENTRIES: Final = {side: _entries(side) for side in _OTHER}
# What was made of the opposite line of another own account, and may still become the transfer.
_TRANSFERS: Final = compact(f"""
SELECT t.id, l.date, t.description, t.counterparty, t.status, t.amount, t.currency, b.name, true
FROM banking_bankaccount b
CROSS JOIN LATERAL (
    SELECT l.id, l.date FROM banking_bankline l
    WHERE l.entity_id = %(entity)s::uuid AND l.bank_account_id = b.id
        AND l.date BETWEEN %(day)s::date - {TRANSFER_DAYS_MAX} AND %(day)s::date + {TRANSFER_DAYS_MAX}
        AND l.amount = -%(line_amount)s::numeric AND l.status = 'recorded'
) l
JOIN banking_linelink k ON k.entity_id = %(entity)s::uuid AND k.line_id = l.id AND k.kind = %(made)s
JOIN transactions_transaction t ON t.entity_id = %(entity)s::uuid AND t.id = k.transaction_id
WHERE b.entity_id = %(entity)s::uuid AND b.currency = %(currency)s
    AND b.ledger_account_id <> %(account)s::uuid AND t.status = ANY(%(follows)s::text[])
ORDER BY abs(l.date - %(day)s::date), t.id LIMIT {SHOWN_MAX}
""")


def candidates_for(entity: Entity, line: Line, account: BankFacts) -> list[Candidate]:
    """What the line may be: transactions of its amount that stand for no line of its account, the nearest in
    days first, and then other accounts' sides of the same transfer. At most two dozen; two queries."""
    parameters = {
        "entity": entity.id,
        "account": account.ledger_account_id,
        "amount": abs(line.amount),
        "line_amount": line.amount,
        "currency": line.currency,
        "day": line.date,
        "first": line.date - timedelta(days=DAYS_BEFORE_MAX),
        "last": line.date + timedelta(days=DAYS_AFTER_MAX),
        "made": LinkKind.MADE.value,
        "follows": sorted(state.value for state in FOLLOWS),
    }
    entries = fetch(_ENTRIES[side_of(line.amount)], parameters)
    return [Candidate(*row) for row in [*entries, *fetch(_TRANSFERS, parameters)]]
