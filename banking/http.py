"""Calls of outside services over HTTP: their bounds and their retries. It knows no service.

Redirects are not followed, because a call carries a secret; an answer is read up to a size and a time; what
passes by itself is tried again. Nothing of a request or an answer stands in an error or in a log but the
service's name and the status: either may hold tokens.
"""

import random
import re
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from banking.providers.base import ProviderDownError
from ledger.api.json import check_depth
from ledger.exceptions import ProviderError, ValidationError

logger = structlog.get_logger(__name__)

CONNECT_TIMEOUT_SECONDS: Final = 5.0
READ_TIMEOUT_SECONDS: Final = 30.0
ATTEMPTS_MAX: Final = 3
PAUSE_SECONDS: Final = 0.5
# Whoever asks us to wait longer is asked again by a later run of the task, not from here.
RETRY_AFTER_SECONDS_MAX: Final = 5.0
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024
PASSING_STATUSES: Final = frozenset({429, 500, 502, 503, 504})

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class BoundedAdapter(HTTPAdapter):
    """Sends what a session of `requests` wants to send, within our bounds.

    A GET is tried three times where the failure may pass by itself; another method only where the service
    says that it did nothing (429). What is still failing after that is raised as ProviderDownError, so that
    a caller sees no status of a passing failure.
    """

    def __init__(
        self,
        service: str,
        *,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        attempts_max: int = ATTEMPTS_MAX,
    ) -> None:
        super().__init__()
        self.service = service
        self.read_timeout_seconds = read_timeout_seconds
        self.attempts_max = attempts_max

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the answer, read to its end. Raises ProviderDownError, and ProviderError for a redirect and
        for an answer that is too large."""
        attempt = 1
        while True:
            pause = PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
            is_last = attempt >= self.attempts_max
            try:
                response = self._once(request, **kwargs)
            except (requests.RequestException, HTTPError) as error:
                logger.warning("service_unreachable", service=self.service, kind=type(error).__name__)
                if is_last or request.method != "GET":
                    raise ProviderDownError(
                        f"{self.service} did not answer ({type(error).__name__}); try again later."
                    ) from None
            else:
                status = response.status_code
                if 300 <= status < 400:
                    raise ProviderError(
                        f"{self.service} answered with a redirect ({status}), which is not followed; check "
                        "its addresses in the settings."
                    )
                if status not in PASSING_STATUSES:
                    return response
                logger.info("service_busy", service=self.service, status=status, attempt=attempt)
                asked = _retry_after(response.headers)
                if asked is not None:
                    pause = asked
                if (
                    is_last
                    or pause > RETRY_AFTER_SECONDS_MAX
                    or not (request.method == "GET" or status == 429)
                ):
                    raise ProviderDownError(
                        f"{self.service} asks us to slow down; try again later."
                        if status == 429
                        else f"{self.service} has a fault of its own (status {status}); try again later."
                    )
            time.sleep(pause)
            attempt += 1

    def _once(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        deadline = time.monotonic() + self.read_timeout_seconds
        kwargs |= {"stream": True, "timeout": (CONNECT_TIMEOUT_SECONDS, self.read_timeout_seconds)}
        response = super().send(request, **kwargs)
        body = bytearray()
        with response:
            # What there is, at most so much: `iter_content` would wait until a piece is full, for as long as
            # somebody lets bytes trickle.
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise ProviderError(
                        f"{self.service} answered with more than {ANSWER_BYTES_MAX} bytes, which is not read."
                    )
                if time.monotonic() > deadline:
                    raise requests.Timeout
        # Where `requests` itself keeps a body that was read.
        response._content = bytes(body)
        return response


def bound(session: requests.Session, adapter: BoundedAdapter) -> None:
    """Let all calls of `session` pass through `adapter`, and follow no redirect."""
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.max_redirects = 0
    session.headers["User-Agent"] = "open-ledger"


def json_of(response: requests.Response, service: str) -> dict[str, Any]:
    """Return the JSON object of an answer; its numbers are Decimals or integers with exactly their digits.

    Raises ProviderError for anything else.
    """
    try:
        value = _DECODER.decode(response.content)
        check_depth(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidOperation, RecursionError, ValidationError):
        raise ProviderError(f"{service} answered with what is no JSON.") from None
    if not isinstance(value, dict):
        raise ProviderError(f"{service} answered with what is no JSON object.")
    return value


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of Retry-After. A date there counts as none: the usual pause then does."""
    value = headers.get("Retry-After", "")
    return float(value) if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) else None
