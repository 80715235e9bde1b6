"""The enumerations of banks, bank lines, rules and integrations."""

from django.db import models


class ProviderName(models.TextChoices):
    """Where bank lines come from."""

    SANDBOX = "sandbox"
    PLAID = "plaid"


class ConnectionStatus(models.TextChoices):
    ACTIVE = "active"
    # The bank asks the person to log in again; a new link in update mode repairs it.
    LOGIN_REQUIRED = "login_required"
    # The provider refuses for another reason that does not pass by itself.
    FAILED = "failed"
    # Taken away by a person; the books stay.
    DISCONNECTED = "disconnected"


class SyncStatus(models.TextChoices):
    """How far a bank account's lines are fetched, in the words of the API."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class LineStatus(models.TextChoices):
    """Where a bank line is on its way into the books."""

    # The bank itself calls it pending: it may change or vanish, and does not reach the books.
    PENDING = "pending"
    # It is posted at the bank, and looks like a transaction that the books have: a person decides.
    OFFERED = "offered"
    # The books have it: made from it, or matched with it.
    RECORDED = "recorded"
    # A person left it out of the books, or deleted what was made of it.
    IGNORED = "ignored"
    # The bank took it back, or tells it under another id since it was connected anew.
    REMOVED = "removed"


class LinkKind(models.TextChoices):
    """How a transaction came to a bank line."""

    MADE = "made"
    MATCHED = "matched"
    # One transaction between two own bank accounts, with a line in each.
    TRANSFER = "transfer"


class Direction(models.TextChoices):
    """Which way money went, seen from the company."""

    ANY = "any"
    IN = "in"
    OUT = "out"


class StatementFormat(models.TextChoices):
    OFX = "ofx"
    CAMT053 = "camt053"
    MT940 = "mt940"
    CSV = "csv"


class ReconciliationStatus(models.TextChoices):
    OPEN = "open"
    COMPLETED = "completed"


class IntegrationProvider(models.TextChoices):
    QUICKBOOKS = "quickbooks"
    XERO = "xero"
    STRIPE = "stripe"


class IntegrationStatus(models.TextChoices):
    # The person was sent to the provider and has not come back yet.
    CONNECTING = "connecting"
    CONNECTED = "connected"
    # The provider no longer takes our tokens; connecting again repairs it.
    EXPIRED = "expired"
    DISCONNECTED = "disconnected"
