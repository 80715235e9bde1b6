"""System checks of the settings of integrations: `manage.py check` finds addresses that would carry secrets
in the open."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register

from banking.integrations.applications import configured_applications
from banking.providers.plaid.checks import LOOPBACK


@register(Tags.security)
def check_integrations(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Look at the addresses of the applications that are set up; codes, tokens and our secret go there."""
    found: list[CheckMessage] = []
    for app in configured_applications():
        addresses = {
            "AUTHORIZE_URL": app.authorize_url,
            "TOKEN_URL": app.token_url,
            "API_URL": app.api_url,
            # Not all have one.
            **({"REVOKE_URL": app.revoke_url} if app.revoke_url else {}),
        }
        for name, address in addresses.items():
            url = urlsplit(address)
            if not url.hostname or (url.scheme != "https" and url.hostname not in LOOPBACK):
                setting = f"{app.provider.value.upper()}_{name}"
                found.append(
                    Error(
                        f"{setting} is no https address.",
                        hint=f"Leave it out for the address of {app.name} itself.",
                        id="banking.E003",
                    )
                )
    return found
