"""Every business write of the chart of accounts."""

from accounts.services.accounts import (
    close_account,
    create_account,
    delete_account,
    reopen_account,
    update_account,
)
from accounts.services.imports import import_accounts, rows_of_template
from accounts.services.paths import ensure_account_paths

__all__ = [
    "close_account",
    "create_account",
    "delete_account",
    "ensure_account_paths",
    "import_accounts",
    "reopen_account",
    "rows_of_template",
    "update_account",
]
