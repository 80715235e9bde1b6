"""One call of Plaid's API over HTTP: its bounds and its retries. It knows no endpoint.

Each call is a POST of JSON. Redirects are not followed, because the body carries a token; an answer is read
up to a size and a time; numbers become Decimals with exactly their digits. Nothing of a request stands in an
error or in a log.
"""

import random
import re
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
import structlog
from django.conf import settings

from banking.providers.base import ProviderDownError
from banking.providers.plaid.errors import error_of, nonsense
from ledger.api import json
from ledger.exceptions import LedgerError, ProviderError, ValidationError

logger = structlog.get_logger(__name__)

VERSION: Final = "2020-09-14"
CONNECT_TIMEOUT_SECONDS: Final = 5.0
ATTEMPTS_MAX: Final = 3
PAUSE_SECONDS: Final = 0.5
# Whoever asks us to wait longer is asked again by a later run of the task, not from here.
RETRY_AFTER_SECONDS_MAX: Final = 5.0
# 500 lines with all their fields are about a megabyte.
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024
PASSING_STATUSES: Final = frozenset({429, 500, 502, 503, 504})

_local = threading.local()
# Between two attempts.
pause = time.sleep


def call(path: str, body: Mapping[str, object], *, repeatable: bool) -> dict[str, Any]:
    """Post `body` to `path` (as `/item/get`) and return the object that comes back.

    A `repeatable` call is tried three times where the failure may pass by itself; another one only where
    Plaid says that it did nothing (429). Raises the errors of `banking.providers.base`.
    """
    if not (settings.PLAID_CLIENT_ID and settings.PLAID_SECRET):
        raise ProviderError("Plaid is not set up here: set PLAID_CLIENT_ID and PLAID_SECRET.")
    attempt = 1
    while True:
        try:
            return _once(path, body)
        except _PassingError as passing:
            if attempt == ATTEMPTS_MAX or not (repeatable or passing.status == 429):
                raise passing.error from None
            # Not for secrecy: callers that failed together should not come back together.
            seconds = PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311
            if passing.retry_after_seconds is not None:
                if passing.retry_after_seconds > RETRY_AFTER_SECONDS_MAX:
                    raise passing.error from None
                seconds = passing.retry_after_seconds
            logger.info("plaid_retries", path=path, attempt=attempt, status=passing.status)
        pause(seconds)
        attempt += 1


class _PassingError(Exception):
    """A failure that another attempt may not meet; `error` is what it means where none is left."""

    def __init__(
        self, error: LedgerError, *, status: int | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__()
        self.error = error
        self.status = status
        self.retry_after_seconds = retry_after_seconds


def _once(path: str, body: Mapping[str, object]) -> dict[str, Any]:
    deadline = time.monotonic() + settings.PLAID_TIMEOUT_SECONDS
    try:
        with _session().post(
            settings.PLAID_BASE_URL.rstrip("/") + path,
            data=json.encode(body),
            headers={
                "Content-Type": "application/json",
                "Plaid-Version": VERSION,
                "PLAID-CLIENT-ID": settings.PLAID_CLIENT_ID,
                "PLAID-SECRET": settings.PLAID_SECRET,
            },
            timeout=(CONNECT_TIMEOUT_SECONDS, settings.PLAID_TIMEOUT_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            status, headers = response.status_code, response.headers
            text = _read(response, deadline)
    except requests.RequestException as error:
        # Its own text may hold the address and more; its kind says enough.
        logger.warning("plaid_unreachable", path=path, kind=type(error).__name__)
        raise _PassingError(
            ProviderDownError(f"Plaid did not answer ({type(error).__name__}); try again later.")
        ) from None
    if 200 <= status < 300:
        return _object(text)
    if 300 <= status < 400:
        raise ProviderError(
            f"Plaid answered with a redirect ({status}), which is not followed; check PLAID_BASE_URL."
        )
    failure = error_of(status, text)
    logger.info("plaid_error", path=path, status=status, code=failure.code, request_id=failure.request_id)
    if status in PASSING_STATUSES:
        raise _PassingError(failure.error, status=status, retry_after_seconds=_retry_after(headers))
    raise failure.error


def _session() -> requests.Session:
    """Return this thread's session, which keeps its connections open from call to call."""
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        session.headers["User-Agent"] = "open-ledger"
    return session


def _read(response: requests.Response, deadline: float) -> bytes:
    """Return the body, unpacked. Raises ProviderError for one too large, ProviderDownError for one too
    slow."""
    text = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        text += chunk
        if len(text) > ANSWER_BYTES_MAX:
            raise nonsense(f"more than {ANSWER_BYTES_MAX} bytes")
        if time.monotonic() > deadline:
            raise _PassingError(ProviderDownError("Plaid answered too slowly; try again later."))
    return bytes(text)


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.decode(text)
    except ValidationError:
        raise nonsense("what is no JSON") from None
    if not isinstance(value, dict):
        raise nonsense("what is no JSON object")
    return value


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After. A date there, which Plaid doesn't send, counts as none."""
    value = headers.get("Retry-After", "")
    return float(value) if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) else None
