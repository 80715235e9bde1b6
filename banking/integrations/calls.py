"""Reading from a provider with an integration's token."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from banking.choices import IntegrationProvider
from banking.integrations.applications import Application, application
from banking.integrations.exceptions import ConnectAgainError
from banking.integrations.oauth import TOKEN_TIMEOUT_SECONDS, Tokens
from banking.integrations.tokens import access_token, refuse
from banking.models import Integration
from ledger.exceptions import ProviderError

if TYPE_CHECKING:
    import requests

logger = structlog.get_logger(__name__)

# The token is not, or no longer, one that opens this.
_REFUSED: Final = frozenset({401, 403})


class Calls:
    """GETs JSON of a provider. Never used inside of a database transaction."""

    def __init__(
        self,
        app: Application,
        token: Callable[[str | None], str],
        refuse: Callable[[str], Exception],
        *,
        timeout_seconds: float | None = None,
    ) -> None:
        self.app = app
        # Gives a token to read with; told of one that was refused, a newer one.
        self._token = token
        # What to raise where a new one was refused, too.
        self._refuse = refuse
        # Not before a provider is called: a web worker that never does keeps 5 MB less.
        import requests

        from banking.http import READ_TIMEOUT_SECONDS, BoundedAdapter, bound

        self._session = requests.Session()
        bound(
            self._session,
            BoundedAdapter(app.name, read_timeout_seconds=timeout_seconds or READ_TIMEOUT_SECONDS),
        )

    def get(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object at `path`.

        Raises ConnectAgainError where the provider refuses, ProviderDownError, and ProviderError for any
        other answer.
        """
        # As above.
        from banking.http import json_of

        response = self.send("GET", path, query, headers=headers)
        if response.status_code != 200:
            logger.warning("integration_error", service=self.app.name, path=path, status=response.status_code)
            raise ProviderError(
                f"{self.app.name} answered {path} with status {response.status_code}, which we do not expect."
            )
        return json_of(response, self.app.name)

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> "requests.Response":
        """Return the answer to a request without a body, whatever its status but a refusal."""
        token = self._token(None)
        response = self._sent(method, path, query, headers, token)
        if response.status_code == 401:
            token = self._token(token)
            response = self._sent(method, path, query, headers, token)
        if response.status_code in _REFUSED:
            raise self._refuse(token)
        return response

    def _sent(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        headers: Mapping[str, str] | None,
        token: str,
    ) -> "requests.Response":
        # As `auth`, or else a .netrc of the server's user would replace the header.
        def bearer(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        return self._session.request(
            method,
            self.app.api_url + path,
            params=query,
            headers={"Accept": "application/json", **(headers or {})},
            auth=bearer,
            allow_redirects=False,
        )


def calls_of(integration: Integration, app: Application | None = None) -> Calls:
    """Calls with the tokens that are stored for the integration, renewed as need be."""
    return Calls(
        app or application(IntegrationProvider(integration.provider)),
        lambda refused: access_token(integration, refused=refused),
        lambda refused: refuse(integration, refused),
    )


def calls_with(app: Application, tokens: Tokens) -> Calls:
    """Calls with tokens that are not stored: a person waits for what they say, so not for long."""

    def token(refused: str | None) -> str:
        if refused is not None:
            raise ConnectAgainError(app.provider)
        return tokens.access_token

    return Calls(
        app,
        token,
        lambda refused: ConnectAgainError(app.provider),
        timeout_seconds=TOKEN_TIMEOUT_SECONDS,
    )
