"""Addresses of suggestions, search and questions."""

from django.urls import URLPattern, URLResolver

from ai.api import search_urls, suggestion_urls

urlpatterns: list[URLPattern | URLResolver] = [
    *suggestion_urls.urlpatterns,
    *search_urls.urlpatterns,
]
