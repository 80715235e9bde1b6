"""System checks of the settings: `manage.py check --deploy` finds what must not go to production."""

import os
from collections.abc import Sequence
from typing import Any, Final

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

SECRET_LENGTH_MIN: Final = 32
# What must be given from outside in production: kept in files beside the data, each machine would have its
# own.
_SECRETS: Final = (
    ("SECRET_KEY", "ledger.E001"),
    ("JWT_SIGNING_KEYS", "ledger.E002"),
    ("FIELD_ENCRYPTION_KEYS", "ledger.E003"),
)


@register(Tags.security, deploy=True)
def check_production_secrets(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Find secrets that production would make for itself."""
    if not settings.PRODUCTION:
        return []
    return [
        Error(
            f"{name} is not set in the environment.",
            hint=f"In production every process must share it: set {name}, and keep it safe.",
            id=id_,
        )
        for name, id_ in _SECRETS
        if not os.environ.get(name)
    ]


@register(Tags.security, deploy=True)
def check_allowed_hosts(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Find host names that are left to chance."""
    if not settings.PRODUCTION:
        return []
    if os.environ.get("ALLOWED_HOSTS") and "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            "ALLOWED_HOSTS is not set in the environment, or allows any host.",
            hint="Set ALLOWED_HOSTS to the names under which the service is reached, separated by commas.",
            id="ledger.E004",
        )
    ]


@register(Tags.security)
def check_keys(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Find signing keys that are too short to be secret and encryption keys that are none."""
    found: list[CheckMessage] = []
    if any(len(key) < SECRET_LENGTH_MIN for key in settings.JWT_SIGNING_KEYS):
        found.append(
            Error(
                f"A key of JWT_SIGNING_KEYS has fewer than {SECRET_LENGTH_MIN} characters.",
                hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(64))'",
                id="ledger.E005",
            )
        )
    if not all(_is_fernet_key(key) for key in settings.FIELD_ENCRYPTION_KEYS):
        found.append(
            Error(
                "A key of FIELD_ENCRYPTION_KEYS is no Fernet key.",
                hint="Make one: python -c 'from cryptography.fernet import Fernet as F; "
                "print(F.generate_key().decode())'",
                id="ledger.E006",
            )
        )
    return found


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
