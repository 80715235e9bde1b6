"""What a person reads who gave wrong passwords too often."""

import ipaddress
from datetime import timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from ledger.api.limits import client_address


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
