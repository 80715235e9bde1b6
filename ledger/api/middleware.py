"""What every request passes before a view: its id, the shape of its errors, its rate limits."""

import re
from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from ledger.api.errors import error_response, is_api_path, json_instead
from ledger.api.limits import limiter, rules_for
from ledger.exceptions import RateLimitedError, ValidationError
from ledger.ids import new_id

Handler = Callable[[HttpRequest], HttpResponseBase]
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


class RequestIdMiddleware:
    """Gives every request an id: the caller's `X-Request-ID` where it is sane, else a new one.

    The id stands in `request.request_id`, in every log line and error of the request, and in the response.
    Pages that Django itself makes of API errors (debug pages too) leave as the API's error body. API
    responses say how long they are; without that the server sends them in chunks.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request under its id."""
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else new_id().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        if is_api_path(request.path_info):
            response = with_length(json_instead(request, response))
        response["X-Request-ID"] = request_id
        return response


def with_length(response: HttpResponseBase) -> HttpResponseBase:
    """Return the response with its Content-Length; a stream and a 204 have none (RFC 9110, 8.6)."""
    if isinstance(response, HttpResponse) and response.status_code != 204:
        response.headers.setdefault("Content-Length", str(len(response.content)))
    return response


class RateLimitMiddleware:
    """Counts API requests against their limits, and says on every response what is left.

    It comes after RequestIdMiddleware and before everything that costs anything.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, or refuse it with 429."""
        if not is_api_path(request.path_info):
            return self.get_response(request)
        allowance = limiter().take(rules_for(request))
        if not allowance.allowed:
            response: HttpResponseBase = error_response(
                request,
                RateLimitedError(
                    f"There were more than {allowance.limit} requests in this minute; "
                    f"wait {allowance.reset_seconds} seconds.",
                    retry_after_seconds=allowance.reset_seconds,
                ),
            )
        elif request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            # Django reads as much as Content-Length says: a body without one would silently count as empty.
            response = error_response(
                request,
                ValidationError("The body has no Content-Length; send it whole instead of in chunks."),
            )
        else:
            response = self.get_response(request)
        for name, value in allowance.headers().items():
            response[name] = value
        return response
