"""Addresses of banks, of what is read from them, and of sandbox companies."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
