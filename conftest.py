"""Fixtures of all apps' tests that need the settings; what comes before them is in openledger/testing.py."""

from ledger.tests.browser import browser, chromium

__all__ = ["browser", "chromium"]
