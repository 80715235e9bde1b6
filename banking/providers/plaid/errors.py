"""What Plaid's errors mean to us: https://plaid.com/docs/errors/."""

import re
from typing import Any, Final, NamedTuple

from django.conf import settings

from banking.providers.base import (
    LoginRequiredError,
    PagesChangedError,
    ProviderDownError,
    PublicTokenError,
)
from ledger.api import json
from ledger.exceptions import ProviderError, ValidationError, shown

# The person has to act at the bank; a link in update mode leads there.
LOGIN_CODES: Final = frozenset(
    {
        "ACCESS_NOT_GRANTED",
        "ADDITIONAL_CONSENT_REQUIRED",
        "INSUFFICIENT_CREDENTIALS",
        "INVALID_CREDENTIALS",
        "INVALID_MFA",
        "INVALID_OTP",
        "INVALID_SEND_METHOD",
        "INVALID_UPDATED_USERNAME",
        "ITEM_LOCKED",
        "ITEM_LOGIN_REQUIRED",
        "PASSWORD_RESET_REQUIRED",
        "PENDING_DISCONNECT",
        "PENDING_EXPIRATION",
        "USER_INPUT_TIMEOUT",
        "USER_SETUP_REQUIRED",
    }
)
# These pass by themselves, whatever the status they come with.
PASSING_CODES: Final = frozenset(
    {
        "INSTITUTION_DOWN",
        "INSTITUTION_NOT_AVAILABLE",
        "INSTITUTION_NOT_RESPONDING",
        "INTERNAL_SERVER_ERROR",
        "PLANNED_MAINTENANCE",
        "PRODUCT_NOT_READY",
        "RATE_LIMIT",
    }
)
PASSING_TYPES: Final = frozenset({"RATE_LIMIT_EXCEEDED", "API_ERROR"})
# The connection is no longer there.
GONE_CODES: Final = frozenset({"INVALID_ACCESS_TOKEN", "ITEM_NOT_FOUND", "ITEM_CONCURRENTLY_DELETED"})
PAGES_CHANGED_CODE: Final = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
PUBLIC_TOKEN_CODE: Final = "INVALID_PUBLIC_TOKEN"  # noqa: S105 - the name of an error

MESSAGE_CHARACTERS_MAX: Final = 300
# Plaid's tokens, as `access-sandbox-3b1a…`: an error might repeat the one that it is about.
_TOKEN: Final = re.compile(r"\b(access|public|link|asset|processor)-[a-z]+-[0-9A-Za-z-]{6,}")


class Failure(NamedTuple):
    """One refusal by Plaid: its code (empty where it gave none), its id of the call, and what we raise."""

    code: str
    request_id: str
    error: ProviderError


class GoneError(ProviderError):
    """Plaid no longer has the connection that the access token was of."""


def error_of(status: int, text: bytes) -> Failure:
    """Return what an answer with a status of 400 and more means.

    The message is Plaid's, with its code and its id of the call for its support, and without secrets.
    """
    body = _body(text)
    kind, code, request_id = (_word(body, name) for name in ("error_type", "error_code", "request_id"))
    if not code:
        message = f"Plaid answered with status {status} and without an error that can be read."
        passes = status == 429 or status >= 500
        return Failure("", request_id, (ProviderDownError if passes else ProviderError)(message))
    said = without_secrets(_word(body, "error_message") or "no further explanation")
    reference = f"{code}, request {request_id}" if request_id else code
    message = f"Plaid: {said.rstrip('.')} ({reference})."
    return Failure(code, request_id, _error(status, kind, code, message))


def _error(status: int, kind: str, code: str, message: str) -> ProviderError:
    if code == PAGES_CHANGED_CODE:
        return PagesChangedError(message)
    if code == PUBLIC_TOKEN_CODE:
        return PublicTokenError(
            "The public token is unknown to Plaid, older than 30 minutes or used already; "
            "let the person connect the bank again."
        )
    if code in LOGIN_CODES:
        return LoginRequiredError(message, provider_code=code)
    if code in GONE_CODES:
        return GoneError(message)
    if passes(code, kind) or status == 429 or status >= 500:
        return ProviderDownError(message)
    return ProviderError(message)


def passes(code: str, kind: str = "") -> bool:
    """Whether an error of that code and type passes by itself."""
    return code in PASSING_CODES or kind in PASSING_TYPES


def nonsense(what: str) -> ProviderError:
    """Return the error of an answer that Plaid's documents don't foresee."""
    return ProviderError(f"Plaid answered {what}; if it goes on, check PLAID_BASE_URL.")


def without_secrets(text: str) -> str:
    """Return what Plaid said, cut to a length that can be stored, without our secret and without tokens."""
    for secret in (settings.PLAID_SECRET, settings.PLAID_CLIENT_ID):
        if secret:
            text = text.replace(secret, "…")
    text = " ".join(_TOKEN.sub(r"\1-…", text).split())
    return text if len(text) <= MESSAGE_CHARACTERS_MAX else text[: MESSAGE_CHARACTERS_MAX - 1] + "…"


def _body(text: bytes) -> dict[str, Any]:
    try:
        value = json.decode(text)
    except ValidationError:
        return {}
    return value if isinstance(value, dict) else {}


def _word(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return (value or "")[:1000]
    return shown(value)
