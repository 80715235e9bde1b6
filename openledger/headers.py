"""What browsers are told about pages: load nothing from elsewhere, stand in no frame, keep nothing."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase

BACK_OFFICE: Final = "/admin/"
# The frame of the back office carries scripts in its pages and has Alpine evaluate attributes; both come from
# this server alone, as everything else does. (`'unsafe-eval'` lets a script that runs make another one of
# text; it loads none.)
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class PagesMiddleware:
    """Adds the policy to the back office's pages; those of the docs have their own (`api_description`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            if request.path_info.startswith(BACK_OFFICE):
                response.headers.setdefault("Content-Security-Policy", POLICY)
                # Figures of a company are for nobody's cache between here and the person.
                response.headers.setdefault("Cache-Control", "private, no-store")
            response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response
