"""The errors that a caller can cause or must know of, all under one base.

Services raise them, the API's exception handler turns them into the error body, commands print them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple, Self

SHOWN_CHARACTERS_MAX: Final = 60


class Detail(NamedTuple):
    """One fault of a request: `field` as the caller spelled it (`filters.amountMin`), and what to do."""

    field: str
    message: str


def shown(value: object) -> str:
    """Return `value` as it may stand in an error message: JSON-like, on one line, at most 60 characters.

    Never raises, whatever a caller sent (integers too long to print, lone surrogates, deep nesting).
    """
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str):
        text = '"' + ascii_safe(value[: SHOWN_CHARACTERS_MAX + 1]) + '"'
    elif isinstance(value, Mapping):
        text = f"an object of {len(value)} fields"
    elif isinstance(value, list | tuple):
        text = f"a list of {len(value)} items"
    elif isinstance(value, int) and value.bit_length() > 1_000:
        text = f"an integer of {value.bit_length()} bits"
    elif isinstance(value, Decimal | int | float):
        text = str(value)
    else:
        text = ascii_safe(str(value)[: SHOWN_CHARACTERS_MAX + 1])
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[: SHOWN_CHARACTERS_MAX - 1] + "…"


def ascii_safe(text: str) -> str:
    """Return `text` with everything that doesn't print (controls, lone surrogates) written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class LedgerError(Exception):
    """Base of every error that the project raises on purpose.

    `message` says what was wrong, with which value, and what would be right. `details` names the faulty
    fields, if any. `headers` go onto the HTTP response.
    """

    code: str = "INTERNAL_ERROR"
    status_code: int = 500

    def __init__(
        self,
        message: str,
        *,
        details: Iterable[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: tuple[Detail, ...] = tuple(details)
        self.headers: dict[str, str] = dict(headers or {})

    def __str__(self) -> str:
        return self.message


class ValidationError(LedgerError):
    """The request (or the argument) is malformed, out of bounds or contradicts itself."""

    code = "VALIDATION_ERROR"
    status_code = 400

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        """Build the error of one faulty field; `message` also becomes the error's own message."""
        return cls(f"{field}: {message}" if field else message, details=(Detail(field, message),))

    @classmethod
    def many(cls, details: Iterable[Detail]) -> Self:
        """Build the error of several faulty fields; the message shows the first and counts the rest."""
        faults = tuple(details)
        first = faults[0]
        message = f"{first.field}: {first.message}" if first.field else first.message
        if len(faults) > 1:
            message += f" (and {len(faults) - 1} more, see details)"
        return cls(message, details=faults)


class AuthenticationError(LedgerError):
    """There is no token, or it is not valid (any more)."""

    code = "UNAUTHORIZED"
    status_code = 401

    def __init__(
        self,
        message: str = "Send a valid token as 'Authorization: Bearer <token>'; /v1/auth/tokens gives one.",
        *,
        details: Iterable[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            message, details=details, headers={"WWW-Authenticate": "Bearer"} | dict(headers or {})
        )


class ForbiddenError(LedgerError):
    """The token is valid but may not do this."""

    code = "FORBIDDEN"
    status_code = 403


class NotFoundError(LedgerError):
    """The record doesn't exist, or the caller may not see it: both answer alike."""

    code = "NOT_FOUND"
    status_code = 404


class ConflictError(LedgerError):
    """The request is well formed but contradicts the present state of the books."""

    code = "CONFLICT"
    status_code = 409


class BusyError(ConflictError):
    """Something else holds what the request needs right now; the same request will work a little later."""

    def __init__(
        self,
        message: str = "Another request is changing the same records. Send this request again in a moment.",
        *,
        retry_after_seconds: int = 1,
        details: Iterable[Detail] = (),
    ) -> None:
        super().__init__(message, details=details, headers={"Retry-After": str(retry_after_seconds)})
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(LedgerError):
    """The database cannot be reached: it is starting, stopping or away."""

    code = "UNAVAILABLE"
    status_code = 503

    def __init__(self) -> None:
        super().__init__(
            "The books cannot be reached for the moment. Send the request again in a few seconds; a call "
            "that changes something with the same Idempotency-Key, so that it is done once.",
            headers={"Retry-After": "2"},
        )


class PayloadTooLargeError(LedgerError):
    """The body is larger than this endpoint takes."""

    code = "PAYLOAD_TOO_LARGE"
    status_code = 413


class UnsupportedMediaTypeError(LedgerError):
    """The body is of a content type that this endpoint doesn't read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status_code = 415


class IdempotencyMismatchError(LedgerError):
    """An Idempotency-Key came again with another request."""

    code = "IDEMPOTENCY_MISMATCH"
    status_code = 422


class RateLimitedError(LedgerError):
    """The caller has used up its requests of this window."""

    code = "RATE_LIMITED"
    status_code = 429

    def __init__(self, message: str, *, retry_after_seconds: int, details: Iterable[Detail] = ()) -> None:
        super().__init__(message, details=details, headers={"Retry-After": str(retry_after_seconds)})
        self.retry_after_seconds = retry_after_seconds


class ProviderError(LedgerError):
    """An outside service (a bank, QuickBooks, a hosted model) failed or answered nonsense."""

    code = "PROVIDER_ERROR"
    status_code = 502
