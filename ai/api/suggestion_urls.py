"""Addresses of category suggestions."""

from django.urls import path

from ai.api import suggestion_views as views

urlpatterns = [
    path("ai/suggestions", views.StoredSuggestions.as_view()),
    path("ai/suggestions/accept", views.AcceptSuggestions.as_view()),
    path("ai/suggestions/<str:suggestion_id>/accept", views.AcceptSuggestion.as_view()),
    path("ai/suggestions/<str:suggestion_id>/correct", views.CorrectSuggestion.as_view()),
    path("ai/settings", views.Settings.as_view()),
    path("ai/<str:entity_id>/suggest-categories-vector", views.SuggestCategories.as_view()),
    path("ai/<str:entity_id>/backtest", views.BacktestCategories.as_view()),
    path("transactions/suggest-categories/<str:entity_id>", views.SuggestEntries.as_view()),
]
