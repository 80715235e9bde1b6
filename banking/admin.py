"""The back office's windows on banks; each is beside what it shows, and known to the admin by its import."""

from banking import feeds_admin  # noqa: F401
from banking.integrations import admin as integrations_admin  # noqa: F401
from banking.reconciliation import admin as reconciliation_admin  # noqa: F401
from banking.rules import admin as rules_admin  # noqa: F401
