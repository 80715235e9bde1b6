"""Every address of the project."""

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from openledger import api_description, health


def nothing_here(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """Answer 404."""
    raise Http404


urlpatterns: list[URLPattern | URLResolver] = [
    # Django tries one after the other, so the busiest come first. Transactions come before accounts: what an
    # upper app adds to an address of a lower one must be found first.
    # Before transactions, where its word would be taken for an id.
    path("v1/", include("ai.api.chat_urls")),
    path("v1/", include("transactions.api.urls")),
    path("v1/", include("accounts.api.urls")),
    path("v1/", include("ledger.api.urls")),
    path("v1/", include("reports.api.urls")),
    path("v1/", include("banking.api.urls")),
    path("v1/", include("ai.api.urls")),
    path("v1/openapi.json", api_description.Json.as_view(), name="openapi"),
    path("v1/openapi.yaml", api_description.Yaml.as_view()),
    path("", RedirectView.as_view(url="/docs")),
    # Browsers ask for it on pages that name none.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}office/favicon.svg")),
    path("docs", api_description.Swagger.as_view()),
    path("redoc", api_description.Redoc.as_view()),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    # Django's short cut from a row to its page on a site: no row here has one, and made-up ids trip it up.
    path("admin/r/<path:row>", nothing_here),
    path("admin/", include("openledger.back_office_urls")),
    path("admin/", admin.site.urls),
]

handler400 = "ledger.api.errors.handler400"
handler403 = "ledger.api.errors.handler403"
handler404 = "ledger.api.errors.handler404"
handler500 = "ledger.api.errors.handler500"
