"""Our application at each provider: what the operator registered there, and the provider's addresses."""

from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from banking.choices import IntegrationProvider
from banking.integrations.exceptions import NAMES, NotConfiguredError

CALLBACK: Final = "/v1/integrations/callback/"

# What we ask for: to read, and where a token lasts an hour only, to renew it.
_SCOPES: Final = {
    IntegrationProvider.QUICKBOOKS: "com.intuit.quickbooks.accounting",
    IntegrationProvider.XERO: "offline_access accounting.settings.read accounting.journals.read",
    IntegrationProvider.STRIPE: "read_only",
}
# How the application names itself at the token's address (RFC 6749, 2.3.1).
_AUTHENTICATION: Final = {
    IntegrationProvider.QUICKBOOKS: "client_secret_basic",
    IntegrationProvider.XERO: "client_secret_basic",
    IntegrationProvider.STRIPE: "client_secret_post",
}


@dataclass(frozen=True, slots=True)
class Application:
    """Our application at a provider. Its secret does not show where it is printed."""

    provider: IntegrationProvider
    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    # Empty where permissions are given back through the API.
    revoke_url: str
    api_url: str

    @property
    def name(self) -> str:
        """The provider's name, as people write it."""
        return NAMES[self.provider]

    @property
    def scope(self) -> str:
        """What we ask a person to allow."""
        return _SCOPES[self.provider]

    @property
    def authentication(self) -> str:
        """How the application proves itself where it gets tokens."""
        return _AUTHENTICATION[self.provider]

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to; the operator registers it there, to the letter."""
        return f"{settings.BASE_URL.rstrip('/')}{CALLBACK}{self.provider.value}"


def application(provider: IntegrationProvider) -> Application:
    """Our application at that provider. Raises NotConfiguredError where the operator has set none up."""
    found = _read(provider)
    if not (found.client_id and found.client_secret):
        raise NotConfiguredError(provider)
    return found


def configured_applications() -> list[Application]:
    """The applications that the operator has set up."""
    found = [_read(provider) for provider in IntegrationProvider]
    return [one for one in found if one.client_id and one.client_secret]


def _read(provider: IntegrationProvider) -> Application:
    prefix = provider.value.upper()

    def setting(name: str) -> str:
        return str(getattr(settings, f"{prefix}_{name}", ""))

    return Application(
        provider=provider,
        client_id=setting("CLIENT_ID"),
        client_secret=setting("CLIENT_SECRET"),
        authorize_url=setting("AUTHORIZE_URL"),
        token_url=setting("TOKEN_URL"),
        revoke_url=setting("REVOKE_URL"),
        api_url=setting("API_URL").rstrip("/"),
    )
