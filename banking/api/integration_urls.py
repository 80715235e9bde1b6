"""Addresses of integrations."""

from django.urls import path

from banking.api import integration_views as views

urlpatterns = [
    path("integrations/connect", views.Connect.as_view()),
    path("integrations/callback/<str:provider>", views.Callback.as_view()),
    path("integrations/status", views.StatusView.as_view()),
    path("integrations/providers", views.ProvidersView.as_view()),
    path("integrations/sync", views.Import.as_view()),
    path("integrations/disconnect", views.Disconnect.as_view()),
]
