"""What the tests of banks share."""

from banking.tests.fake_plaid import plaid

__all__ = ["plaid"]
