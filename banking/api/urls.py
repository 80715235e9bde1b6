"""Addresses of banks, of what is read from them, and of sandbox companies."""

from django.urls import URLPattern, URLResolver

from banking.api import rule_urls

urlpatterns: list[URLPattern | URLResolver] = [
    *rule_urls.urlpatterns,
]
