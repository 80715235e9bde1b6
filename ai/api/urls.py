"""Addresses of suggestions, search and questions."""

from django.urls import URLPattern, URLResolver

from ai.api import search_urls

urlpatterns: list[URLPattern | URLResolver] = [
    *search_urls.urlpatterns,
]
