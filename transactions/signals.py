"""What the books tell the apps above before they change. Receivers run in the sender's database transaction,
after the transactions are locked; what a receiver raises (a LedgerError) refuses the change."""

from django.dispatch import Signal

# Transactions that are not final are about to be deleted. Arguments: entity, transaction_ids, actor.
transactions_deleting = Signal()

# Transactions that are not final are about to say something else of money: amount, currency, accounts or day.
# Arguments: entity, changes (a list of pairs of rows, as they are and as they will be), actor.
transactions_editing = Signal()

# A transaction that is not final is about to be split: it keeps a part of its amount, and the others, that
# are recorded already, take the rest. Sent before `transactions_editing`. Arguments: entity, row (as it is),
# part_ids (the others), actor.
transaction_splitting = Signal()

# An account is about to be merged into another one; a preview asks the same. Receivers only refuse.
# Arguments: entity, source, target (accounts).
accounts_merging = Signal()

# An account was merged into another one, and is about to be closed: whoever names the one, now names the
# other. Arguments: entity, source, target, actor.
accounts_merged = Signal()
