"""What rules may still change: transactions that were made of bank lines and are not final."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.chart_templates import SystemRole
from banking.choices import LinkKind
from banking.rules.conditions import Candidate
from ledger.db import compact, fetch
from ledger.models import Entity
from transactions.category_side import category_side
from transactions.choices import COUNTS_AS_PENDING, Source

_UNCATEGORIZED: Final = [SystemRole.UNCATEGORIZED_INCOME.value, SystemRole.UNCATEGORIZED_EXPENSE.value]

# Transfers between own accounts have no category, and stand for a line in each; so only what was made of
# one line counts. What is dated in a closed period stays as the books were closed.
_FROM: Final = """
FROM transactions_transaction t
JOIN banking_linelink l ON l.entity_id = t.entity_id AND l.transaction_id = t.id AND l.kind = %(made)s::text
JOIN banking_bankaccount b ON b.entity_id = l.entity_id AND b.id = l.bank_account_id
JOIN accounts_account d ON d.entity_id = t.entity_id AND d.id = t.debit_account_id
JOIN accounts_account c ON c.entity_id = t.entity_id AND c.id = t.credit_account_id
JOIN ledger_entity e ON e.id = t.entity_id
WHERE t.entity_id = %(entity)s::uuid AND t.source = %(source)s::text AND t.status = ANY(%(statuses)s::text[])
    AND (%(first)s::date IS NULL OR t.date >= %(first)s::date)
    AND (%(last)s::date IS NULL OR t.date <= %(last)s::date)
    AND (e.books_closed_through IS NULL OR t.date > e.books_closed_through)
    AND (%(all)s::bool OR d.role = ANY(%(roles)s::text[]) OR c.role = ANY(%(roles)s::text[]))
"""
# A card that is paid off may have a completed statement of its own, on which the payment stands.
_CATEGORY_PROVEN: Final = """EXISTS (
    SELECT FROM banking_reconciledtransaction i
    JOIN banking_reconciliation r ON r.entity_id = i.entity_id AND r.id = i.reconciliation_id
    JOIN banking_bankaccount o ON o.entity_id = i.entity_id AND o.id = i.bank_account_id
    WHERE i.entity_id = t.entity_id AND i.transaction_id = t.id AND r.status = 'completed'
        AND o.ledger_account_id <> b.ledger_account_id
)"""
_PAGE: Final = compact(f"""
SELECT t.id, t.debit_account_id, t.credit_account_id, t.date, t.amount, t.currency, t.status, t.expires_at,
    t.description, t.counterparty, b.id, b.ledger_account_id,
    d.name, d.type, d.financial_type, c.name, c.type, c.financial_type, {_CATEGORY_PROVEN}
{_FROM} AND (%(after)s::uuid IS NULL OR t.id > %(after)s::uuid)
ORDER BY t.id LIMIT %(limit)s::int
""")
_COUNT: Final = compact(f"SELECT count(*) FROM (SELECT 1 {_FROM} LIMIT %(limit)s::int) counted")


class Wanted(NamedTuple):
    """Which transactions are looked at: of these days, both included, and still uncategorized, or all."""

    first: date | None = None
    last: date | None = None
    include_categorized: bool = False


class Found(NamedTuple):
    """A transaction that a rule may change, as the database had it."""

    id: UUID
    debit_account_id: UUID
    credit_account_id: UUID
    date: date
    amount: Decimal
    currency: str
    status: str
    expires_at: datetime | None
    description: str
    counterparty: str
    bank_account_id: UUID
    ledger_account_id: UUID
    debit_name: str
    debit_type: str
    debit_financial_type: str | None
    credit_name: str
    credit_type: str
    credit_financial_type: str | None
    # Whether the category is another bank account, whose completed statement the transaction stands on.
    is_category_proven: bool

    @property
    def is_money_out(self) -> bool:
        """Whether it left the bank account, which is credited then (a card's debt grows so, too)."""
        return self.credit_account_id == self.ledger_account_id

    @property
    def category_id(self) -> UUID:
        """The account that says what it was for: the one that is not the bank's."""
        return self.debit_account_id if self.is_money_out else self.credit_account_id

    @property
    def category_name(self) -> str:
        return self.debit_name if self.is_money_out else self.credit_name

    @property
    def is_clear(self) -> bool:
        """Whether one side is the bank's and the other clearly the category, which no statement holds fast;
        only such a one is changed."""
        if self.is_category_proven:
            return False
        side = category_side(
            self.debit_type, self.debit_financial_type, self.credit_type, self.credit_financial_type
        )
        bank_account_id = self.credit_account_id if side == "debit" else self.debit_account_id
        return side is not None and bank_account_id == self.ledger_account_id

    @property
    def candidate(self) -> Candidate:
        """What rules look at: the texts as the books have them, which are the bank's unless edited."""
        return Candidate(
            self.description,
            self.counterparty,
            self.amount if self.is_money_out else -self.amount,
            self.bank_account_id,
        )


def candidates_after(entity: Entity, wanted: Wanted, *, after: UUID | None, size: int) -> list[Found]:
    """The first `size` transactions with ids above `after`, by id; one query."""
    return [Found(*row) for row in fetch(_PAGE, _params(entity, wanted) | {"after": after, "limit": size})]


def count_candidates(entity: Entity, wanted: Wanted, *, at_most: int) -> int:
    """How many there are, counted up to `at_most`."""
    count: int = fetch(_COUNT, _params(entity, wanted) | {"limit": at_most})[0][0]
    return count


def _params(entity: Entity, wanted: Wanted) -> dict[str, Any]:
    return {
        "entity": entity.id,
        "made": LinkKind.MADE.value,
        "source": Source.BANK.value,
        "statuses": sorted(COUNTS_AS_PENDING),
        "first": wanted.first,
        "last": wanted.last,
        "all": wanted.include_categorized,
        "roles": _UNCATEGORIZED,
    }
