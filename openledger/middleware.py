"""Django's middleware of sessions, log-in and forms, which steps aside for the API.

API calls carry a bearer token: a session or a CSRF cookie must neither cost them time nor ever count
as a log-in there. (Subclasses, because the admin's system checks look for these by class.)
"""

from typing import Any

from axes.middleware import AxesMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware

API_PREFIX = "/v1/"


class OutsideApi:
    """Mixin of a middleware that leaves requests under `/v1/` alone."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]

    def process_view(self, request: HttpRequest, *args: Any) -> Any:
        hook = getattr(super(), "process_view", None)
        if hook is None or request.path_info.startswith(API_PREFIX):
            return None
        return hook(request, *args)


class BackOfficeSessionMiddleware(OutsideApi, SessionMiddleware):
    pass


class BackOfficeCommonMiddleware(OutsideApi, CommonMiddleware):
    pass


class BackOfficeCsrfMiddleware(OutsideApi, CsrfViewMiddleware):
    pass


class BackOfficeAuthenticationMiddleware(OutsideApi, AuthenticationMiddleware):
    pass


class BackOfficeMessageMiddleware(OutsideApi, MessageMiddleware):
    pass


class BackOfficeAxesMiddleware(OutsideApi, AxesMiddleware):
    pass
