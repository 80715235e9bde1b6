"""What a completed statement rests on beside its transactions: which lines of the bank they are."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from banking.reconciliation.exceptions import NotMatchingError
from banking.services.rows import Line
from ledger.db import compact, fetch, uuid_array
from ledger.ids import Prefix, encode_id
from ledger.models import Entity

# The bank account, and those that fed the same ledger account before it was connected anew.
_PROVEN: Final = compact("""
SELECT i.transaction_id, r.id, r.statement_date
FROM banking_reconciledtransaction i
JOIN banking_reconciliation r ON r.entity_id = i.entity_id AND r.id = i.reconciliation_id
JOIN banking_bankaccount b ON b.entity_id = i.entity_id AND b.id = i.bank_account_id
WHERE i.entity_id = %(entity)s::uuid AND i.transaction_id = ANY(%(ids)s::uuid[]) AND r.status = 'completed'
    AND b.ledger_account_id = (
        SELECT ledger_account_id FROM banking_bankaccount
        WHERE entity_id = %(entity)s::uuid AND id = %(bank_account)s::uuid
    )
ORDER BY r.statement_date LIMIT 1
""")


def check_not_proven(entity: Entity, line: Line, transaction_ids: Collection[UUID]) -> None:
    """Refuse to part a line from transactions that stand on a completed statement of its account: the line
    would be free to be recorded again, beside what the statement proves. Raises NotMatchingError.

    The transactions are locked, so that none of them comes onto a completed statement meanwhile.
    """
    found = fetch(
        _PROVEN,
        {"entity": entity.id, "ids": uuid_array(transaction_ids), "bank_account": line.bank_account_id},
    )
    if found:
        transaction_id, reconciliation_id, statement_date = found[0]
        raise NotMatchingError(
            f"Transaction {encode_id(Prefix.TRANSACTION, transaction_id)} stands with line {line.public_id} "
            f"on the completed bank statement of {statement_date} "
            f"({encode_id(Prefix.RECONCILIATION, reconciliation_id)}); reopen that reconciliation first."
        )
