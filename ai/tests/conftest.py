"""The cast of this app's tests: the engine's bakery, and a stranger."""

from transactions.tests.conftest import _no_rate_limits, bakery, stranger

__all__ = ["_no_rate_limits", "bakery", "stranger"]
