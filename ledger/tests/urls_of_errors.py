"""Views that fail in every way, for test_errors."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger.api.parsers import JSONParser, UploadParser
from ledger.api.renderers import Negotiation
from ledger.exceptions import (
    AuthenticationError,
    BusyError,
    ConflictError,
    Detail,
    ForbiddenError,
    IdempotencyMismatchError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    ValidationError,
)

FAULTS: dict[str, Callable[[], BaseException]] = {
    "validation": lambda: ValidationError(
        "Two.", details=[Detail("a", "is wrong."), Detail("b[0].c", "too.")]
    ),
    "authentication": AuthenticationError,
    "forbidden": lambda: ForbiddenError("No."),
    "not-found": lambda: NotFoundError("Gone."),
    "conflict": lambda: ConflictError("Taken."),
    "busy": lambda: BusyError(retry_after_seconds=3),
    "mismatch": lambda: IdempotencyMismatchError("Other request."),
    "rate": lambda: RateLimitedError("Slow down.", retry_after_seconds=9),
    "provider": lambda: ProviderError("The bank is closed."),
    "django-404": lambda: Http404("secret"),
    "django-403": lambda: PermissionDenied("secret"),
    "django-400": lambda: SuspiciousOperation("bad host"),
    "drf-validation": lambda: drf.ValidationError({"a": {"b": ["is wrong."]}, "non_field_errors": ["Both."]}),
    "drf-authentication": drf.NotAuthenticated,
    "drf-parse": lambda: drf.ParseError("Broken."),
    "drf-throttled": lambda: drf.Throttled(wait=7),
    "crash": lambda: RuntimeError("secret"),
}


class Open(APIView):
    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []
    content_negotiation_class = Negotiation


class FaultView(Open):
    def get(self, request: Request, name: str) -> Response:
        raise FAULTS[name]()


class SqlStateView(Open):
    """Lets PostgreSQL itself raise an error of that SQLSTATE."""

    def get(self, request: Request, sqlstate: str) -> Response:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '{sqlstate}'; END $$")
        return Response()


class StatementView(Open):
    """Runs the statement of the header."""

    def get(self, request: Request) -> Response:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(request.headers["X-Statement"])
        return Response()


class EchoView(Open):
    body_limit_bytes = 1_000
    parser_classes: ClassVar[list[Any]] = [JSONParser, UploadParser]

    def post(self, request: Request) -> Response:
        return Response({"data": request.data, "raw": request.body.decode()})

    def delete(self, request: Request) -> Response:
        return Response(status=204)


class UploadView(Open):
    body_limit_bytes = 1_000
    parser_classes: ClassVar[list[Any]] = [UploadParser]

    def post(self, request: Request) -> Response:
        return Response({"size": request.data["file"].size})


def crash_outside_drf(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret")


urlpatterns = [
    path("v1/fault/<name>", FaultView.as_view()),
    path("v1/sqlstate/<sqlstate>", SqlStateView.as_view()),
    path("v1/statement", StatementView.as_view()),
    path("v1/echo", EchoView.as_view()),
    path("v1/upload", UploadView.as_view()),
    path("v1/crash", crash_outside_drf),
    path("crash", crash_outside_drf),
]
handler400 = "ledger.api.errors.handler400"
handler403 = "ledger.api.errors.handler403"
handler404 = "ledger.api.errors.handler404"
handler500 = "ledger.api.errors.handler500"
