"""What each provider has to say, in words that all of them share."""

from typing import Final

from banking.choices import IntegrationProvider
from banking.integrations.sources.base import Source
from banking.integrations.sources.quickbooks import QuickBooks
from banking.integrations.sources.stripe import Stripe
from banking.integrations.sources.xero import Xero

SOURCES: Final[dict[IntegrationProvider, Source]] = {
    IntegrationProvider.QUICKBOOKS: QuickBooks(),
    IntegrationProvider.XERO: Xero(),
    IntegrationProvider.STRIPE: Stripe(),
}
