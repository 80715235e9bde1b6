"""The gate of the back office: what stands between a session and every page below `/admin/`.

Sessions end after a while; whoever has a second factor gives its code first; whoever came in with a password
for one log-in replaces it first. A middleware, so that no page can forget to ask.
"""

import re
import time
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from ledger.log_ins import BEGAN, SEEN
from ledger.models import User

PREFIX: Final = "/admin/"
# In the session: which second factor it gave, by the moment since when the person has it.
VERIFIED: Final = "second_factor"
# Surrogates: halves of characters, which an encoding that the sender chose can bring.
_HALF: Final = re.compile(r"[\ud800-\udfff]")
# A session is written again at most so often.
_SEEN_STEP_SECONDS: Final = 60
# What a person needs who is let no further.
_ALWAYS_OPEN: Final = ("admin:login", "admin:logout")


class GateMiddleware:
    """Lets a request of the back office through, or sends its person to what must be done first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        if not _is_text(request):
            raise BadRequest("What was sent has a character that no text has (NUL, or half of one).")
        if not request.user.is_authenticated:
            return self.get_response(request)
        if _has_ended(request):
            return _log_out(request)
        first = first_to_do(request)
        if first is not None and request.path_info not in (first, *map(reverse, _ALWAYS_OPEN)):
            return _send(request, first)
        return self.get_response(request)


def first_to_do(request: HttpRequest) -> str | None:
    """Return the address of the page that comes before all others for the person, or None."""
    user = cast("User", request.user)
    if user.second_factor_since is not None and not is_verified(request):
        return reverse("office:second-factor-code")
    if user.must_change_password:
        return reverse("admin:password_change")
    if settings.SECOND_FACTOR_REQUIRED and user.second_factor_since is None:
        return reverse("office:second-factor")
    return None


def is_verified(request: HttpRequest) -> bool:
    """Return whether this session gave a code of the second factor that the person has now."""
    since = cast("User", request.user).second_factor_since
    return since is not None and request.session.get(VERIFIED) == since.isoformat()


def note_verified(request: HttpRequest) -> None:
    """Let the session through from now on, under a new key: the former one was worth less."""
    since = cast("User", request.user).second_factor_since
    assert since is not None
    request.session.cycle_key()
    request.session[VERIFIED] = since.isoformat()


def _has_ended(request: HttpRequest) -> bool:
    now, session = int(time.time()), request.session
    began, seen = session.get(BEGAN), session.get(SEEN)
    if began is None or seen is None:
        session[BEGAN] = session[SEEN] = now
        return False
    if now - began > settings.SESSION_HOURS * 3600 or now - seen > settings.SESSION_IDLE_MINUTES * 60:
        return True
    if now - seen >= _SEEN_STEP_SECONDS:
        session[SEEN] = now
    return False


def _is_text(request: HttpRequest) -> bool:
    """Whether all that was sent is text that the database takes: without a NUL, which forms refuse and
    Django's lists and searches do not, and without halves of characters, which no encoding has."""
    sent = (
        text
        for data in (request.GET, request.POST)
        for name, texts in data.lists()
        for text in (name, *texts)
    )
    return not any("\0" in text or _HALF.search(text) for text in sent)


def _log_out(request: HttpRequest) -> HttpResponseBase:
    logout(request)
    if _is_script(request):
        return JsonResponse({"error": "Your session has ended; log in again."}, status=401)
    messages.info(request, "Your session has ended. Log in again to go on where you were.")
    where = request.get_full_path() if request.method == "GET" else PREFIX
    return redirect_to_login(where, reverse("admin:login"))


def _send(request: HttpRequest, first: str) -> HttpResponseBase:
    if _is_script(request):
        return JsonResponse({"error": "Something else comes first; load the page again."}, status=403)
    wanted = request.get_full_path() if request.method == "GET" else request.GET.get("next", PREFIX)
    return HttpResponseRedirect(f"{first}?{urlencode({'next': wanted})}")


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")
