"""What can be wrong with an integration."""

from banking.choices import IntegrationProvider
from ledger.exceptions import ConflictError, NotFoundError, ProviderError

NAMES = {
    IntegrationProvider.QUICKBOOKS: "QuickBooks",
    IntegrationProvider.XERO: "Xero",
    IntegrationProvider.STRIPE: "Stripe",
}


class NotConfiguredError(ConflictError):
    """The operator has not set up the provider's application."""

    def __init__(self, provider: IntegrationProvider) -> None:
        prefix = provider.value.upper()
        super().__init__(
            f"{NAMES[provider]} is not set up on this server: register an application there and set "
            f"{prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET."
        )


class StateError(NotFoundError):
    """Somebody came back from a provider with a state that opens nothing (any more)."""

    def __init__(self) -> None:
        super().__init__(
            "This link was used already, is older than ten minutes, or is not one of ours. "
            "Nothing was connected; begin again where you came from."
        )


class ConnectAgainError(ConflictError):
    """The provider no longer takes our tokens."""

    def __init__(self, provider: IntegrationProvider) -> None:
        super().__init__(
            f"{NAMES[provider]} no longer lets us read: the permission has expired or was taken back. "
            "Connect again (POST /v1/integrations/connect)."
        )


class DeclinedError(ProviderError):
    """The provider would not exchange the code that a person brought back."""

    def __init__(self, provider: IntegrationProvider) -> None:
        super().__init__(
            f"{NAMES[provider]} did not accept the permission that it had just given. Nothing was connected; "
            "begin again where you came from."
        )
