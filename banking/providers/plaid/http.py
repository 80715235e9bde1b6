"""One call of Plaid's API over HTTP: a POST of JSON within the bounds of `banking.http`."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings

from banking.providers.plaid.errors import error_of
from ledger.api import json
from ledger.exceptions import ProviderError

if TYPE_CHECKING:
    import requests

logger = structlog.get_logger(__name__)

NAME: Final = "Plaid"
VERSION: Final = "2020-09-14"

_local = threading.local()


def call(path: str, body: Mapping[str, object], *, repeatable: bool) -> dict[str, Any]:
    """Post `body` to `path` (as `/item/get`) and return the object that comes back.

    A `repeatable` call is tried up to three times where the failure may pass by itself; another one only
    where Plaid says that it did nothing (429). Raises the errors of `banking.providers.base`.
    """
    # Not before Plaid is called: a web worker that never does keeps 5 MB less.
    from banking.http import json_of

    if not (settings.PLAID_CLIENT_ID and settings.PLAID_SECRET):
        raise ProviderError("Plaid is not set up here: set PLAID_CLIENT_ID and PLAID_SECRET.")
    response = _session(repeatable, settings.PLAID_TIMEOUT_SECONDS).post(
        settings.PLAID_BASE_URL.rstrip("/") + path,
        data=json.encode(body),
        headers={
            "Content-Type": "application/json",
            "Plaid-Version": VERSION,
            "PLAID-CLIENT-ID": settings.PLAID_CLIENT_ID,
            "PLAID-SECRET": settings.PLAID_SECRET,
        },
        allow_redirects=False,
    )
    if not 200 <= response.status_code < 300:
        raise _meaning(response)
    return json_of(response, NAME)


def _meaning(response: "requests.Response") -> ProviderError:
    """What an answer that is none means; the log keeps Plaid's id of the call."""
    failure = error_of(response.status_code, response.content)
    logger.info(
        "plaid_error",
        path=response.request.path_url,
        status=response.status_code,
        code=failure.code,
        request_id=failure.request_id,
    )
    return failure.error


def _session(repeatable: bool, timeout_seconds: float) -> "requests.Session":
    """This thread's session with those bounds, which keeps its connections open from call to call."""
    # As above.
    import requests

    from banking.http import BoundedAdapter, bound

    sessions: dict[tuple[bool, float], requests.Session] = _local.__dict__.setdefault("sessions", {})
    session = sessions.get((repeatable, timeout_seconds))
    if session is None:
        session = sessions[repeatable, timeout_seconds] = requests.Session()
        adapter = BoundedAdapter(
            NAME, read_timeout_seconds=timeout_seconds, repeatable=repeatable, meaning=_meaning
        )
        bound(session, adapter)
    return session
