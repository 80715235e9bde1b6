"""Calls of outside services over HTTP: their bounds and their retries. It knows no service.

Redirects are not followed, because a call carries a secret; an answer is read up to a size and a time; what
passes by itself is tried again. Nothing of a request or an answer stands in an error or in a log but the
service's name and the status: either may hold tokens.

`requests` and what it imports take 5 MB, which a web worker that calls nobody need not have: import this
module in the function that calls.
"""

import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from banking.providers.base import ProviderDownError
from ledger.api import json
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

# Between two attempts.
pause = time.sleep


class BoundedAdapter(HTTPAdapter):
    """Sends what a session of `requests` wants to send, within our bounds.

    A `repeatable` call (a GET, where nothing is said) is tried three times where the failure may pass by
    itself; another one only where the service says that it did nothing (429). A new attempt begins only
    within the time that one answer may take, so that a service that hangs is waited for once. What is still
    failing after that is raised, so that a caller sees no status of a passing failure: as what `meaning`
    makes of the last answer, or else as ProviderDownError.
    """

    def __init__(
        self,
        service: str,
        *,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        attempts_max: int = ATTEMPTS_MAX,
        answer_bytes_max: int | None = None,
        repeatable: bool | None = None,
        meaning: Callable[[requests.Response], ProviderError] | None = None,
    ) -> None:
        super().__init__()
        self.service = service
        self.read_timeout_seconds = read_timeout_seconds
        self.attempts_max = attempts_max
        self.answer_bytes_max = answer_bytes_max
        self.repeatable = repeatable
        self.meaning = meaning or self._meaning

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the answer, read to its end. Raises ProviderDownError (or what `meaning` gives), and
        ProviderError for a redirect and for an answer that is too large."""
        repeatable = request.method == "GET" if self.repeatable is None else self.repeatable
        attempt, began = 1, time.monotonic()
        while True:
            # Not for secrecy: callers that failed together should not come back together.
            seconds = PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311
            may_repeat = repeatable
            try:
                response = self._once(request, **kwargs)
            except (requests.RequestException, HTTPError) as error:
                # Its own text may hold the address and more; its kind says enough.
                kind = type(error).__name__
                logger.warning("service_unreachable", service=self.service, kind=kind, attempt=attempt)
                failure: ProviderError = ProviderDownError(
                    f"{self.service} did not answer ({kind}); try again later."
                )
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
                failure = self.meaning(response)
                asked = _retry_after(response.headers)
                seconds = seconds if asked is None else asked
                may_repeat = repeatable or status == 429
            # What has hung once is not waited for a second time: somebody may wait for us, too.
            may_repeat = may_repeat and time.monotonic() - began < self.read_timeout_seconds
            if attempt >= self.attempts_max or not may_repeat or seconds > RETRY_AFTER_SECONDS_MAX:
                raise failure
            pause(seconds)
            attempt += 1

    def _meaning(self, response: requests.Response) -> ProviderError:
        if response.status_code == 429:
            return ProviderDownError(f"{self.service} asks us to slow down; try again later.")
        return ProviderDownError(
            f"{self.service} has a fault of its own (status {response.status_code}); try again later."
        )

    def _once(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        deadline = time.monotonic() + self.read_timeout_seconds
        kwargs |= {"stream": True, "timeout": (CONNECT_TIMEOUT_SECONDS, self.read_timeout_seconds)}
        response = super().send(request, **kwargs)
        body, bytes_max = bytearray(), self.answer_bytes_max or ANSWER_BYTES_MAX
        with response:
            # What there is, at most so much: `iter_content` would wait until a piece is full, for as long as
            # somebody lets bytes trickle.
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > bytes_max:
                    raise ProviderError(
                        f"{self.service} answered with more than {bytes_max} bytes, which is not read."
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
        value = json.decode(response.content)
    except ValidationError:
        raise ProviderError(f"{service} answered with what is no JSON.") from None
    if not isinstance(value, dict):
        raise ProviderError(f"{service} answered with what is no JSON object.")
    return value


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of Retry-After. A date there counts as none: the usual pause then does."""
    value = headers.get("Retry-After", "")
    return float(value) if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) else None
