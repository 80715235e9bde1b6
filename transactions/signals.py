"""What the books tell the apps above before they change. Receivers run in the sender's database transaction,
after the transactions are locked; what a receiver raises (a LedgerError) refuses the change."""

from django.dispatch import Signal

# Transactions that are not final are about to be deleted. Arguments: entity, transaction_ids, actor.
transactions_deleting = Signal()

# Transactions that are not final are about to say something else of money: amount, currency, accounts or day.
# Arguments: entity, changes (a list of pairs of rows, as they are and as they will be), actor.
transactions_editing = Signal()
