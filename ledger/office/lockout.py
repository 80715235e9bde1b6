"""Wrong passwords: how they are counted, and what a person reads who gave too many."""

import ipaddress
from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone

from ledger.api.limits import client_address


class WrongPasswords(AxesDatabaseHandler):
    """Counts wrong passwords in the database by name and address, without what else was sent.

    The library keeps the whole form but for one field, and there are several for passwords: the new one of
    a person who mistyped the old would stand there to read.
    """

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        """Count it."""
        if request is None:
            super().user_login_failed(sender, credentials, request, **kwargs)
            return
        asked, typed = request.GET, request.POST
        request.GET = request.POST = QueryDict()
        try:
            super().user_login_failed(sender, credentials, request, **kwargs)
        finally:
            request.GET, request.POST = asked, typed


def address_of(request: HttpRequest) -> str | None:
    """Return the address that log-ins are counted by: the caller's, also behind proxies; None for what is
    no address, such as the name of a socket."""
    try:
        return str(ipaddress.ip_address(client_address(request)))
    except ValueError:
        return None


def locked_out(request: HttpRequest, original: Any, credentials: dict[str, Any] | None) -> HttpResponse:
    """Answer with a page that says when the person may try again; 429, with Retry-After."""
    pause = timedelta(hours=settings.AXES_COOLOFF_TIME)
    implementation: Any = AxesProxyHandler.get_implementation()
    last = max(
        (
            found
            for attempts in implementation.get_user_attempts(request, credentials)
            if (found := attempts.aggregate(last=Max("attempt_time"))["last"]) is not None
        ),
        default=timezone.now(),
    )
    until = last + pause
    seconds = max(int((until - timezone.now()).total_seconds()), 1)
    request.current_app = admin.site.name
    page = TemplateResponse(
        request,
        "office/locked_out.html",
        {
            **admin.site.each_context(request),
            "title": "Too many attempts",
            "until": until,
            "minutes": -(-seconds // 60),
            "limit": settings.AXES_FAILURE_LIMIT,
        },
        status=429,
        headers={"Retry-After": str(seconds)},
    )
    return page.render()
