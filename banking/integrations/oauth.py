"""OAuth 2 as we use it: the authorization code grant (RFC 6749, 4.1) with PKCE (RFC 7636), by Authlib."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from banking.integrations.applications import Application
from banking.integrations.exceptions import ConnectAgainError, DeclinedError
from ledger.clock import utc_now
from ledger.exceptions import ProviderError

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session

    from banking.http import BoundedAdapter

logger = structlog.get_logger(__name__)

# A token is renewed under a lock, for which others wait; so this is asked once, and not for long.
TOKEN_TIMEOUT_SECONDS: Final = 15.0
TOKEN_LENGTH_MAX: Final = 8_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave us to read with. None of it shows where this is printed."""

    access_token: str = field(repr=False)
    # Empty where there is nothing to renew.
    refresh_token: str = field(repr=False)
    # None where the token lasts until it is taken back.
    expires_at: datetime | None
    # What else stood in the answer, such as Stripe's id of the account.
    more: Mapping[str, Any] = field(repr=False, default_factory=dict)


def authorization_link(app: Application, *, state: str, code_verifier: str) -> str:
    """The provider's own address where a person allows us to read.

    A provider that does not know PKCE, as Stripe, ignores its parameters (RFC 6749, 3.1).
    """
    with _session(app) as session:
        link, _ = session.create_authorization_url(
            app.authorize_url, state=state, code_verifier=code_verifier
        )
    return str(link)


def exchange_code(app: Application, *, code: str, code_verifier: str) -> Tokens:
    """Turn the code that a person brought back into tokens.

    Raises DeclinedError where the provider does not take it, ProviderDownError, and ProviderError for
    whatever else goes wrong. Never called inside of a database transaction.
    """
    return _tokens(
        app,
        lambda session: session.fetch_token(
            app.token_url, grant_type="authorization_code", code=code, code_verifier=code_verifier
        ),
        declined=DeclinedError(app.provider),
    )


def renew(app: Application, refresh_token: str) -> Tokens:
    """Return new tokens for the old refresh token, which most providers let be used once.

    Raises ConnectAgainError where the provider does not take it any more, and ProviderDownError,
    ProviderError.
    """
    return _tokens(
        app,
        # Without a scope: the same as before (RFC 6749, 6).
        lambda session: session.refresh_token(app.token_url, refresh_token=refresh_token, scope=None),
        declined=ConnectAgainError(app.provider),
        former_refresh_token=refresh_token,
    )


def _tokens(
    app: Application,
    ask: Callable[["OAuth2Session"], Mapping[str, Any]],
    *,
    declined: Exception,
    former_refresh_token: str = "",
) -> Tokens:
    # Not before somebody connects: with what they import they take 16 MB of every web worker.
    from authlib.common.errors import AuthlibBaseError
    from requests import RequestException

    try:
        with _session(app) as session:
            answer = dict(ask(session))
    except AuthlibBaseError as error:
        # The error's own words are the provider's and may repeat what we sent; its code is from a list.
        logger.warning("oauth_refused", service=app.name, error=_known(error.error))
        if error.error == "invalid_grant":
            raise declined from None
        raise ProviderError(
            f"{app.name} refuses our application (its error names the client, the redirect address or the "
            "scope); the operator checks its client id, secret and redirect address."
        ) from None
    except (RequestException, ValueError):
        raise ProviderError(f"{app.name} answered a request for tokens with nothing we know.") from None
    access_token = _token(answer.get("access_token"))
    if not access_token:
        raise ProviderError(f"{app.name} answered a request for tokens without one.")
    seconds = answer.get("expires_in")
    lasts = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < 10**9
    return Tokens(
        access_token=access_token,
        refresh_token=_token(answer.get("refresh_token")) or former_refresh_token,
        expires_at=utc_now() + timedelta(seconds=int(seconds)) if lasts and seconds else None,
        more=answer,
    )


def _token(value: object) -> str:
    """A token that can stand in a header, or nothing."""
    if not isinstance(value, str) or not 0 < len(value) <= TOKEN_LENGTH_MAX:
        return ""
    return value if value.isascii() and value.isprintable() and " " not in value else ""


def _session(app: Application) -> "OAuth2Session":
    # As above.
    from authlib.integrations.requests_client import OAuth2Session

    from banking.http import bound

    session = OAuth2Session(
        client_id=app.client_id,
        client_secret=app.client_secret,
        token_endpoint_auth_method=app.authentication,
        scope=app.scope,
        redirect_uri=app.redirect_uri,
        code_challenge_method="S256",
    )
    bound(session, brief(app))
    return session


def brief(app: Application) -> "BoundedAdapter":
    """Bounds of a call about tokens: once, and not for long."""
    # As above.
    from banking.http import BoundedAdapter

    return BoundedAdapter(app.name, read_timeout_seconds=TOKEN_TIMEOUT_SECONDS, attempts_max=1)


def _known(error: object) -> str:
    """An error's code as RFC 6749 (5.2) forms it; anything else might repeat what we sent."""
    return error if isinstance(error, str) and re.fullmatch(r"[a-z_]{1,50}", error) else "unknown"
