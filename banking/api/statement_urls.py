"""Addresses of statement files."""

from django.urls import path

from banking.api import statement_views as views

urlpatterns = [
    path("banks/statements", views.StatementsView.as_view()),
    path("banks/statements/preview", views.StatementPreviewView.as_view()),
    path("banks/statements/<str:import_id>", views.StatementImportView.as_view()),
]
