"""Developers, their companies, and what is remembered of everyone's doings."""

from ledger.models.audit import AuditEvent
from ledger.models.developers import ApiKey, Developer
from ledger.models.entities import Entity, Ledger
from ledger.models.idempotency import IdempotencyKey
from ledger.models.memberships import Membership
from ledger.models.second_factor import Authenticator, RecoveryCode
from ledger.models.tasks import BackgroundTask
from ledger.models.users import User

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Authenticator",
    "BackgroundTask",
    "Developer",
    "Entity",
    "IdempotencyKey",
    "Ledger",
    "Membership",
    "RecoveryCode",
    "User",
]
