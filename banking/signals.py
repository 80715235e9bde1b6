"""What banks tell the apps above."""

from django.dispatch import Signal

# Lines have become transactions: `entity`, `transaction_ids`. Sent in the database transaction that made
# them; work that takes long is queued by the receiver for after the commit.
lines_recorded = Signal()
