"""The enumerations of the bottom app."""

from django.db import models


class KeyKind(models.TextChoices):
    DEVELOPER = "developer"
    ADMIN = "admin"


class EntityType(models.TextChoices):
    LLC = "LLC"
    CORPORATION = "CORPORATION"
    PARTNERSHIP = "PARTNERSHIP"
    SOLE_PROPRIETORSHIP = "SOLE_PROPRIETORSHIP"
    NON_PROFIT = "NON_PROFIT"


class EntityStatus(models.TextChoices):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    # Only inside the database transaction that removes the company: the guards let its rows go.
    DELETING = "DELETING"


class AccountingMethod(models.TextChoices):
    ACCRUAL = "ACCRUAL"
    CASH = "CASH"


class NotificationFrequency(models.TextChoices):
    NEVER = "NEVER"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


class ActorKind(models.TextChoices):
    """Who can do a thing to the books."""

    API_KEY = "api_key"
    USER = "user"
    COMMAND = "command"
    SYSTEM = "system"


class Role(models.TextChoices):
    """What a person of the back office is in a company; `ledger.office.access` says what each may do."""

    OWNER = "owner"
    ACCOUNTANT = "accountant"
    # Reads the books and changes nothing.
    AUDITOR = "auditor"
    # Looks after feeds and background work, and sees no books.
    OPERATOR = "operator"


class Outcome(models.TextChoices):
    DONE = "done"
    REFUSED = "refused"


class ImportStatus(models.TextChoices):
    COMPLETED = "completed"
    # Some rows were good and were made, others are listed as errors.
    PARTIAL = "partial"
    FAILED = "failed"


class TaskState(models.TextChoices):
    """How far background work is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    # It failed for good; what passes by itself is tried again before.
    FAILED = "failed"
