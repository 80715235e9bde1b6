"""What the tests of the bottom app share."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _no_rate_limits(settings: Settings) -> None:
    """Tests call far more often than a client may; those of the limits set their own."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000
    settings.RATE_LIMIT_ADDRESS_PER_MINUTE = 1_000_000
    settings.RATE_LIMIT_TOKENS_PER_MINUTE = 1_000_000
