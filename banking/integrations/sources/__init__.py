"""What each provider has to say, in words that all of them share."""

from typing import Final

from django.utils.module_loading import import_string

from banking.choices import IntegrationProvider
from banking.integrations.sources.base import Source

# By their paths, imported when they are first used.
_SOURCES: Final = {
    IntegrationProvider.QUICKBOOKS: "banking.integrations.sources.quickbooks.QuickBooks",
    IntegrationProvider.XERO: "banking.integrations.sources.xero.Xero",
    IntegrationProvider.STRIPE: "banking.integrations.sources.stripe.Stripe",
}


def source_of(provider: IntegrationProvider) -> Source:
    """How to read from that provider."""
    source: Source = import_string(_SOURCES[provider])()
    return source
