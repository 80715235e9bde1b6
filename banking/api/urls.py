"""Addresses of banks, of what is read from them, and of sandbox companies."""

from django.urls import URLPattern, URLResolver

from banking.api import (
    account_urls,
    integration_urls,
    reconciliation_urls,
    rule_urls,
    sandbox_urls,
    statement_urls,
    webhook_urls,
)

urlpatterns: list[URLPattern | URLResolver] = [
    *account_urls.urlpatterns,
    *integration_urls.urlpatterns,
    *reconciliation_urls.urlpatterns,
    *rule_urls.urlpatterns,
    *sandbox_urls.urlpatterns,
    *statement_urls.urlpatterns,
    *webhook_urls.urlpatterns,
]
