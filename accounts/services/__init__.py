"""Every business write of the chart of accounts."""

from accounts.services.paths import ensure_account_paths

__all__ = ["ensure_account_paths"]
