"""What reconciliations do when transactions go or are split, and what they tell of them. Receivers run in the
sender's database transaction, after the transactions are locked."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.dispatch import receiver

from banking.models import ReconciledTransaction
from banking.reconciliation.exceptions import ReconciledError
from ledger.clock import utc_now
from ledger.db import compact, fetch, uuid_array
from ledger.models import Entity
from transactions.reconciled import register_reconciled
from transactions.rows import Row
from transactions.signals import transaction_splitting, transactions_deleting

register_reconciled("""EXISTS (
    SELECT FROM banking_reconciledtransaction i
    JOIN banking_reconciliation r ON r.entity_id = i.entity_id AND r.id = i.reconciliation_id
    WHERE i.entity_id = t.entity_id AND i.transaction_id = t.id AND r.status = 'completed'
)""")
# The reconciliation itself is not locked: who completes it locks it before the transactions, and reads its
# items after these.
_TAKE_OFF: Final = compact("""
WITH of_them AS (
    SELECT i.id, i.transaction_id, r.id AS reconciliation_id, r.statement_date, r.status
    FROM banking_reconciledtransaction i
    JOIN banking_reconciliation r ON r.entity_id = i.entity_id AND r.id = i.reconciliation_id
    WHERE i.entity_id = %(entity)s::uuid AND i.transaction_id = ANY(%(ids)s::uuid[])
), gone AS (
    DELETE FROM banking_reconciledtransaction i USING of_them o
    WHERE i.entity_id = %(entity)s::uuid AND i.id = o.id AND o.status = 'open'
)
SELECT transaction_id, reconciliation_id, statement_date FROM of_them WHERE status = 'completed'
ORDER BY statement_date LIMIT 1
""")


# On an open statement the parts of what was split stand as the whole did.
_FOLLOW: Final = compact("""
SELECT i.reconciliation_id, i.bank_account_id
FROM banking_reconciledtransaction i
JOIN banking_reconciliation r ON r.entity_id = i.entity_id AND r.id = i.reconciliation_id
WHERE i.entity_id = %(entity)s::uuid AND i.transaction_id = %(id)s::uuid AND r.status = 'open'
""")


@receiver(transaction_splitting, dispatch_uid="banking.split_on_statements")
def on_transaction_splitting(
    sender: object, *, entity: Entity, row: Row, part_ids: Collection[UUID], **more: Any
) -> None:
    """Put the parts of a split transaction on the open statement that it stands on."""
    now = utc_now()
    for reconciliation_id, bank_account_id in fetch(_FOLLOW, {"entity": entity.id, "id": row.id}):
        ReconciledTransaction.objects.bulk_create(
            ReconciledTransaction(
                entity=entity,
                reconciliation_id=reconciliation_id,
                bank_account_id=bank_account_id,
                transaction_id=part_id,
                created_at=now,
            )
            for part_id in part_ids
        )


@receiver(transactions_deleting, dispatch_uid="banking.take_off_statements")
def on_transactions_deleting(
    sender: object, *, entity: Entity, transaction_ids: Collection[UUID], **more: Any
) -> None:
    """Take transactions that are being deleted off open statements. Raises ReconciledError where one stands
    on a completed statement."""
    locked = fetch(_TAKE_OFF, {"entity": entity.id, "ids": uuid_array(transaction_ids)})
    if locked:
        raise ReconciledError(*locked[0])
