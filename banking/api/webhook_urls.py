"""Addresses that providers of bank connections call."""

from django.urls import URLPattern, path

from banking.api.webhook_views import PlaidWebhook

urlpatterns: list[URLPattern] = [path("banks/webhook/plaid", PlaidWebhook.as_view())]
