"""System checks of Plaid's settings: `manage.py check` finds what would only show when a person connects a
bank, or never."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from banking.choices import ProviderName

# Addresses that do not leave this machine.
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@register(Tags.security)
def check_plaid(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Find keys that are missing, and addresses that would carry secrets in the open."""
    found: list[CheckMessage] = []
    is_chosen = settings.BANK_PROVIDER == ProviderName.PLAID
    if is_chosen and not (settings.PLAID_CLIENT_ID and settings.PLAID_SECRET):
        found.append(
            Error(
                "BANK_PROVIDER is plaid, but PLAID_CLIENT_ID or PLAID_SECRET is not set.",
                hint="Take both from Plaid's dashboard, or set BANK_PROVIDER to sandbox.",
                id="banking.E001",
            )
        )
    base = urlsplit(settings.PLAID_BASE_URL)
    if not base.hostname or (base.scheme != "https" and base.hostname not in LOOPBACK):
        found.append(
            Error(
                "PLAID_BASE_URL is no https address.",
                hint="Set it to https://sandbox.plaid.com or https://production.plaid.com.",
                id="banking.E002",
            )
        )
    if settings.PLAID_WEBHOOK_URL and urlsplit(settings.PLAID_WEBHOOK_URL).path != "/v1/banks/webhook/plaid":
        found.append(
            Warning(
                "PLAID_WEBHOOK_URL does not end in /v1/banks/webhook/plaid, where webhooks are taken.",
                hint="Keep it only if a proxy in front sends that address there.",
                id="banking.W001",
            )
        )
    return found
