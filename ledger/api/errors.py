"""Every error of the API as the one error body, whoever raised it: services, DRF, Django or the database.

`{"error": {"code", "message", "details": [{"field", "message"}], "requestId"}}`, with `details` only where
there are any.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import structlog
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.views import defaults
from psycopg import Error as DriverError
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.settings import api_settings

from ledger import db
from ledger.api import json
from ledger.exceptions import (
    AuthenticationError,
    BusyError,
    ConflictError,
    Detail,
    ForbiddenError,
    LedgerError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    ValidationError,
    shown,
)

logger = structlog.get_logger(__name__)

# SQLSTATEs: PostgreSQL manual, appendix A. The server is stopping, has crashed, or is starting.
SHUTDOWN_SQLSTATES: Final = frozenset({"57P01", "57P02", "57P03"})
# What passes by itself, with the seconds to wait.
PASSING_SQLSTATES: Final[dict[str, int]] = {
    "40001": 1,  # serialization failure
    "40P01": 1,  # deadlock
    "55P03": 1,  # lock not available
    "57014": 5,  # statement timeout
    "25P03": 1,  # idle in transaction timeout
    "53300": 2,  # too many connections
}
# Values that no column can hold; the fields refuse nearly all of them first.
UNSTORABLE_SQLSTATES: Final = frozenset({"22P05", "22021", "22001", "22003", "22007", "22008"})
# Our own guards in the database; services refuse first, and say it better.
GUARD_SQLSTATES: Final = "OL"
# Two requests raced for the same unique key, or one removed what the other refers to.
CONFLICT_SQLSTATES: Final = frozenset({"23505", "23503", "23001"})


class PageResponse(HttpResponse):
    """A page for a person whose browser another program sent to an address of the API; as an error, too."""


class MethodNotAllowedError(LedgerError):
    """The path exists, but not for this method."""

    code = "METHOD_NOT_ALLOWED"
    status_code = 405


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's handler: answer any exception of a view with the error body, and log what nobody foresaw."""
    request = context.get("request")
    error = to_ledger_error(exc)
    if error.status_code >= 500:
        logger.error("request_failed", route=_route(request), code=error.code, exc_info=exc)
    return Response(
        error_body(error, request_id_of(request)), status=error.status_code, headers=error.headers
    )


def _route(request: object) -> str | None:
    """The address without what stands in it: ids, and the tokens of links, which open files for a day."""
    return getattr(getattr(request, "resolver_match", None), "route", None)


def error_body(error: LedgerError, request_id: str | None) -> dict[str, Any]:
    """Return the error body of contract and seeds as a dict."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        body["details"] = [{"field": field, "message": message} for field, message in error.details]
    body["requestId"] = request_id
    return {"error": body}


def error_response(request: HttpRequest, error: LedgerError) -> HttpResponse:
    """Return the error as a plain Django response, for middlewares and for Django's own pages."""
    return HttpResponse(
        json.encode(error_body(error, request_id_of(request))),
        status=error.status_code,
        content_type="application/json",
        headers=error.headers,
    )


def request_id_of(request: object) -> str | None:
    """Return the id that RequestIdMiddleware gave the request; None before it ran."""
    return getattr(request, "request_id", None)


def to_ledger_error(exc: BaseException) -> LedgerError:
    """Return the LedgerError that an exception means to the caller; an INTERNAL_ERROR if it means nothing."""
    match exc:
        case LedgerError():
            return exc
        case drf.APIException():
            return _from_drf(exc)
        case Http404():
            return NotFoundError("There is nothing at this address; see /docs for what there is.")
        case PermissionDenied():
            return ForbiddenError("This token may not do this.")
        case RequestDataTooBig():
            return PayloadTooLargeError(f"The request is too large: {exc}")
        case SuspiciousOperation() | BadRequest() | UnreadablePostError():
            return ValidationError(f"The request is malformed: {shown(str(exc) or type(exc).__name__)}")
        case DatabaseError() | DriverError():
            return _from_database(exc)
        case _:
            return _internal()


def _internal() -> LedgerError:
    return LedgerError(
        "Something went wrong on our side. Try again; if it goes on, report it with the requestId."
    )


def _from_database(exc: BaseException) -> LedgerError:
    sqlstate = db.sqlstate(exc) or ""
    if sqlstate.startswith("08") or sqlstate in SHUTDOWN_SQLSTATES or _is_disconnected(exc, sqlstate):
        logger.warning("database_away", sqlstate=sqlstate, error=str(exc))
        return UnavailableError()
    if sqlstate in PASSING_SQLSTATES:
        logger.warning("database_busy", sqlstate=sqlstate, exc_info=exc)
        if sqlstate == "57014":
            return BusyError(
                "The request took too long and was stopped; narrow it, or send it again later.",
                retry_after_seconds=PASSING_SQLSTATES[sqlstate],
            )
        return BusyError(retry_after_seconds=PASSING_SQLSTATES[sqlstate])
    if sqlstate in UNSTORABLE_SQLSTATES:
        logger.warning("value_not_storable", sqlstate=sqlstate, exc_info=exc)
        return ValidationError(
            "A value of the request cannot be stored: text is too long or has characters that are no text, "
            "or a number or date is out of bounds."
        )
    if sqlstate.startswith(GUARD_SQLSTATES):
        logger.warning("refused_by_guard", sqlstate=sqlstate, exc_info=exc)
        return ConflictError(
            "The books refuse this change: what is posted, closed or recorded as history stays as it is. "
            "Reverse the transaction and post a new one."
        )
    if sqlstate in CONFLICT_SQLSTATES:
        logger.warning("constraint_conflict", sqlstate=sqlstate, exc_info=exc)
        return ConflictError(
            "Another record has the same unique value, or a record that this one refers to is in use or "
            "gone; read the records again and repeat the request with present values."
        )
    return _internal()


def _is_disconnected(exc: BaseException, sqlstate: str) -> bool:
    """Whether there was no server that could have told a SQLSTATE."""
    return not sqlstate and isinstance(exc, (OperationalError, InterfaceError))


def _from_drf(exc: drf.APIException) -> LedgerError:
    match exc:
        case drf.ValidationError():
            return ValidationError.many(flatten(exc.detail))
        case drf.NotAuthenticated():
            return AuthenticationError()
        case drf.AuthenticationFailed():
            return AuthenticationError(str(exc.detail))
        case drf.PermissionDenied():
            return ForbiddenError(str(exc.detail))
        case drf.NotFound():
            return NotFoundError(str(exc.detail))
        case drf.MethodNotAllowed():
            return MethodNotAllowedError(f"{exc.detail} The Allow header lists the methods of this address.")
        case drf.UnsupportedMediaType():
            return UnsupportedMediaTypeError(f"{exc.detail} Send JSON with 'Content-Type: application/json'.")
        case drf.Throttled():
            wait = max(1, int(getattr(exc, "wait", None) or 1))
            return RateLimitedError(f"Too many requests; wait {wait} seconds.", retry_after_seconds=wait)
        case _ if exc.status_code < 500:  # ParseError, NotAcceptable and whatever a plug-in brings
            return ValidationError(str(exc.detail))
        case _:
            return _internal()


def flatten(detail: object, path: str = "") -> list[Detail]:
    """Return DRF's tree of faults as a flat list: `filters.amountMin`, `lines[2].accountId`.

    Faults of the body as a whole are listed under `body`.
    """
    return list(_flattened(detail, path)) or [Detail(path or "body", "is not valid.")]


def _flattened(detail: object, path: str) -> Iterator[Detail]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _flattened(inner, _joined(path, key))
    elif isinstance(detail, Iterable) and not isinstance(detail, str):
        for index, inner in enumerate(detail):
            # A list of texts are faults of one field; a list of trees are the faults of its items.
            yield from _flattened(inner, path if isinstance(inner, str) else _joined(path, index))
    else:
        yield Detail(path or "body", str(detail))


def _joined(path: str, key: object) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    if key == api_settings.NON_FIELD_ERRORS_KEY:
        return path
    return f"{path}.{key}" if path else str(key)


def json_instead(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the response, with the error body where it is a page that Django made of an API error.

    Its headers stay. What is no error, is JSON already, or is a page of our own, comes back as it is.
    """
    if response.status_code < 400 or not isinstance(response, HttpResponse):
        return response
    if not response.get("Content-Type", "").startswith("text/html") or isinstance(response, PageResponse):
        return response
    if response.status_code == 405:
        error: LedgerError = MethodNotAllowedError(
            f"{request.method} is not allowed here; the Allow header lists the methods of this address."
        )
    else:
        error = _BY_STATUS.get(response.status_code, _internal)()
    response.content = json.encode(error_body(error, request_id_of(request)))
    response["Content-Type"] = "application/json"
    response.headers.pop("Content-Length", None)
    return response


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's page for a malformed request: JSON, but HTML for a browser outside of the API."""
    if _wants_page(request):
        return defaults.bad_request(request, exception)
    return error_response(request, _malformed())


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's page for a refusal: JSON, but HTML for a browser outside of the API."""
    if _wants_page(request):
        return defaults.permission_denied(request, exception)
    return error_response(request, _forbidden())


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's page for an unknown path: JSON, but HTML for a browser outside of the API."""
    if _wants_page(request):
        return defaults.page_not_found(request, exception)
    return error_response(request, _unknown_path())


def handler500(request: HttpRequest) -> HttpResponse:
    """Django's page for a crash: JSON, but HTML for a browser outside of the API."""
    if _wants_page(request):
        return defaults.server_error(request)
    return error_response(request, _internal())


def is_api_path(path: str) -> bool:
    """Return whether a path belongs to the API."""
    return path.startswith("/v1/") or path == "/v1"


def _wants_page(request: HttpRequest) -> bool:
    return not is_api_path(request.path_info) and "text/html" in request.headers.get("Accept", "")


def _malformed() -> LedgerError:
    return ValidationError("The request is malformed; see /docs for its right form.")


def _forbidden() -> LedgerError:
    return ForbiddenError("This is not allowed.")


def _unknown_path() -> LedgerError:
    return to_ledger_error(Http404())


_BY_STATUS: Final = {400: _malformed, 403: _forbidden, 404: _unknown_path}
