"""States of a transaction and the moves between them."""

from django.db import models


class Status(models.TextChoices):
    PENDING = "PENDING"
    CLEARED = "CLEARED"
    RECONCILED = "RECONCILED"
    POSTED = "POSTED"
    REVERSED = "REVERSED"
    EXPIRED = "EXPIRED"


# Contract, section 5: from -> to. The guard trigger in sql/guards.sql holds the same table, and a test
# compares the two.
MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.CLEARED, Status.RECONCILED, Status.POSTED, Status.EXPIRED}),
    Status.CLEARED: frozenset({Status.RECONCILED, Status.POSTED}),
    Status.RECONCILED: frozenset({Status.POSTED}),
    Status.POSTED: frozenset({Status.REVERSED}),
    Status.REVERSED: frozenset(),
    Status.EXPIRED: frozenset(),
}

CREATABLE = frozenset({Status.PENDING, Status.CLEARED, Status.POSTED})
# Which of an account's four sums a transaction counts in. EXPIRED counts nowhere; a REVERSED one and
# its reversal cancel out.
COUNTS_AS_PENDING = frozenset({Status.PENDING, Status.CLEARED, Status.RECONCILED})
COUNTS_AS_POSTED = frozenset({Status.POSTED, Status.REVERSED})
# Amount, currency, accounts and time of these never change, and they are never deleted.
FINAL = COUNTS_AS_POSTED
APPROVABLE = COUNTS_AS_PENDING


class Source(models.TextChoices):
    """Which door a transaction came through."""

    API = "api"
    BACK_OFFICE = "admin"
    BANK = "bank"
    IMPORT = "import"
    JOURNAL = "journal"
    SANDBOX = "sandbox"
    SYSTEM = "system"


class Change(models.TextChoices):
    """What happened to a transaction when a revision was written."""

    APPROVED = "approved"
    CATEGORIZED = "categorized"
    DELETED = "deleted"
    EDITED = "edited"
    EXPIRED = "expired"
    RECONCILED = "reconciled"
    REVERSED = "reversed"
