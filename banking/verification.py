"""What must hold between bank lines and the books."""

from collections.abc import Iterator
from typing import Final

from ledger.db import fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.verification import register_check

_UNLINKED: Final = """
SELECT l.id, l.status, count(k.id) FROM banking_bankline l
LEFT JOIN banking_linelink k ON k.entity_id = l.entity_id AND k.line_id = l.id
WHERE l.entity_id = %(entity)s::uuid
GROUP BY l.id, l.status
HAVING (l.status = 'recorded') <> (count(k.id) > 0)
ORDER BY l.id
"""
_STRAYING: Final = """
SELECT k.line_id, k.transaction_id FROM banking_linelink k
JOIN banking_bankline l ON l.entity_id = k.entity_id AND l.id = k.line_id
WHERE k.entity_id = %(entity)s::uuid AND k.bank_account_id <> l.bank_account_id
ORDER BY k.id
"""
# The amounts on the bank's ledger account, in the bank's sign. A line that says what a person must look at is
# known to differ.
_DIFFERING: Final = """
SELECT * FROM (
    SELECT l.id, l.amount, sum(
        CASE b.ledger_account_id WHEN t.credit_account_id THEN t.amount WHEN t.debit_account_id THEN -t.amount
        ELSE 0 END
    ) AS moved, bool_and(b.ledger_account_id IN (t.debit_account_id, t.credit_account_id)) AS is_its_account,
        l.currency, bool_and(t.currency = l.currency) AS is_its_currency,
        bool_or(t.status = 'EXPIRED') AS is_expired
    FROM banking_bankline l
    JOIN banking_bankaccount b ON b.entity_id = l.entity_id AND b.id = l.bank_account_id
    JOIN banking_linelink k ON k.entity_id = l.entity_id AND k.line_id = l.id
    JOIN transactions_transaction t ON t.entity_id = k.entity_id AND t.id = k.transaction_id
    WHERE l.entity_id = %(entity)s::uuid AND l.attention = ''
    GROUP BY l.id, l.amount, l.currency
) found
WHERE moved <> amount OR NOT is_its_account OR NOT is_its_currency OR is_expired
ORDER BY id
"""


@register_check("bank lines")
def check_bank_lines(entity: Entity) -> Iterator[str]:
    """What is recorded has transactions that agree with it in account, amount and currency; nothing else
    has any."""
    params = {"entity": entity.id}
    for line_id, status, links in fetch(_UNLINKED, params):
        yield f"{encode_id(Prefix.BANK_LINE, line_id)} is {status} and has {links} transactions"
    for line_id, transaction_id in fetch(_STRAYING, params):
        yield (
            f"{encode_id(Prefix.BANK_LINE, line_id)} and {encode_id(Prefix.TRANSACTION, transaction_id)} are "
            "linked under another bank account than the line's"
        )
    for line_id, amount, moved, is_its_account, currency, is_its_currency, is_expired in fetch(
        _DIFFERING, params
    ):
        line = encode_id(Prefix.BANK_LINE, line_id)
        if not is_its_account:
            yield f"{line}: a transaction that stands for it is not of its bank's ledger account"
        elif moved != amount:
            yield f"{line} is of {amount}, its transactions move {moved} out of the bank's ledger account"
        if not is_its_currency:
            yield f"{line} is in {currency}, a transaction that stands for it is not"
        if is_expired:
            yield f"{line}: a transaction that stands for it has expired"
