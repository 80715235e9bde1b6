"""Proof that completed statements still say what they said."""

from collections.abc import Iterator

from ledger.db import fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.verification import register_check


@register_check("reconciliations")
def check_reconciliations(entity: Entity) -> Iterator[str]:
    """A completed statement begins with what the one before it ends with, and its items come to its
    balance; each of them is on the bank's account, dated up to the statement's day, and counts."""
    rows = fetch(
        """
        WITH completed AS (
            SELECT r.id, r.statement_date, r.opening_balance, r.statement_balance, b.ledger_account_id,
                a.type IN ('ASSET', 'EXPENSE') AS is_raised_by_debits,
                coalesce(lag(r.statement_balance) OVER (
                    PARTITION BY b.ledger_account_id ORDER BY r.statement_date, r.id
                ), 0) AS balance_before
            FROM banking_reconciliation r
            JOIN banking_bankaccount b ON b.entity_id = r.entity_id AND b.id = r.bank_account_id
            JOIN accounts_account a ON a.entity_id = b.entity_id AND a.id = b.ledger_account_id
            WHERE r.entity_id = %(entity)s::uuid AND r.status = 'completed'
        )
        SELECT c.id, c.statement_date, c.opening_balance, c.balance_before, c.statement_balance,
            c.opening_balance + coalesce(sum(
                CASE WHEN c.is_raised_by_debits = (t.debit_account_id = c.ledger_account_id)
                    THEN t.amount ELSE -t.amount END
            ), 0),
            count(*) FILTER (
                WHERE t.status NOT IN ('RECONCILED', 'POSTED', 'REVERSED') OR t.date > c.statement_date
                    OR c.ledger_account_id NOT IN (t.debit_account_id, t.credit_account_id)
            )
        FROM completed c
        LEFT JOIN banking_reconciledtransaction i
            ON i.entity_id = %(entity)s::uuid AND i.reconciliation_id = c.id
        LEFT JOIN transactions_transaction t ON t.entity_id = i.entity_id AND t.id = i.transaction_id
        GROUP BY 1, 2, 3, 4, 5
        ORDER BY c.statement_date, c.id
        """,
        {"entity": entity.id},
    )
    for reconciliation_id, day, opening, before, balance, counted, strays in rows:
        what = f"{encode_id(Prefix.RECONCILIATION, reconciliation_id)} of the statement of {day}"
        if opening != before:
            yield f"{what} begins with {opening}, the statement before it ends with {before}"
        if counted != balance:
            yield f"{what} says {balance}, and what stands on it comes to {counted}"
        if strays:
            yield f"{what}: {strays} of its transactions cannot stand on it"
