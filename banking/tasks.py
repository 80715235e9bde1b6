"""What the background worker does with banks. The work itself is beside what it belongs to; what is imported
here is known to the worker."""

from banking import background  # noqa: F401
from banking.integrations import tasks as integrations  # noqa: F401
from banking.reconciliation import background as reconciliation_background  # noqa: F401
from banking.rules import background as rules_background  # noqa: F401
