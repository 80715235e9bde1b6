"""What the bottom of the house tells the apps above it. Receivers run in the sender's database transaction.

Django calls receivers in the order in which they were connected: each app connects its own in `ready()`, so
in the order of INSTALLED_APPS, where the top of the house stands first.
"""

from django.dispatch import Signal

# A company and its default ledger were made. Arguments: entity, ledger, actor.
entity_created = Signal()

# A company is being removed: delete your rows of it. The guards let them go. Arguments: entity.
entity_deleting = Signal()

# Settings of a company changed. Arguments: entity, changed (the set of field names), actor.
settings_changed = Signal()

# A company is shown in full: return its connected bank accounts as a list of dicts, without secrets.
# Arguments: entity.
bank_accounts_wanted = Signal()
