"""Addresses of search by meaning."""

from django.urls import URLPattern, path

from ai.api import search_views as views

urlpatterns: list[URLPattern] = [path("ai/semantic-search", views.SemanticSearch.as_view())]
