"""The project's own settings, with the floors' addresses beside ours and without a limit on requests."""

from openledger.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
RATE_LIMIT_PER_MINUTE = RATE_LIMIT_ADDRESS_PER_MINUTE = RATE_LIMIT_TOKENS_PER_MINUTE = 1_000_000_000
