"""Addresses of reconciliations."""

from django.urls import path

from banking.api import reconciliation_views as views

urlpatterns = [
    path("banks/reconciliations", views.ReconciliationsView.as_view()),
    path("banks/reconciliations/<str:reconciliation_id>", views.ReconciliationView.as_view()),
    path("banks/reconciliations/<str:reconciliation_id>/match", views.MatchView.as_view()),
    path("banks/reconciliations/<str:reconciliation_id>/unmatch", views.UnmatchView.as_view()),
    path("banks/reconciliations/<str:reconciliation_id>/complete", views.CompleteView.as_view()),
    path("banks/reconciliations/<str:reconciliation_id>/reopen", views.ReopenView.as_view()),
    path(
        "banks/reconciliations/<str:reconciliation_id>/transactions",
        views.ReconciliationTransactionsView.as_view(),
    ),
    path("banks/tie-outs", views.TieOutsView.as_view()),
]
