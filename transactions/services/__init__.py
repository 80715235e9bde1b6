"""The posting engine: the only code that writes transactions, and with them balances and day totals.

API, admin, imports, bank sync and commands all call these.
"""

from transactions.services.batches import post_batch
from transactions.services.categorizing import categorize_transactions
from transactions.services.editing import (
    delete_transaction,
    delete_transactions,
    edit_transaction,
    edit_transactions,
)
from transactions.services.expiry import expire_pending
from transactions.services.journal import JournalLine, post_journal_entry
from transactions.services.moves import Approval, approve_transactions, move_transactions
from transactions.services.posting import post_transaction
from transactions.services.reversal import (
    reverse_journal_entry,
    reverse_transaction,
    reverse_transactions,
)
from transactions.services.splitting import Part, split_transaction

__all__ = [
    "Approval",
    "JournalLine",
    "Part",
    "approve_transactions",
    "categorize_transactions",
    "delete_transaction",
    "delete_transactions",
    "edit_transaction",
    "edit_transactions",
    "expire_pending",
    "move_transactions",
    "post_batch",
    "post_journal_entry",
    "post_transaction",
    "reverse_journal_entry",
    "reverse_transaction",
    "reverse_transactions",
    "split_transaction",
]
