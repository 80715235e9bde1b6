"""Addresses of bank accounts, their connections and their lines."""

from django.urls import path

from banking.api import account_views, line_views

urlpatterns = [
    path("banks/create-link", account_views.CreateLink.as_view()),
    path("banks/accounts", account_views.BankAccounts.as_view()),
    path("banks/accounts/<str:bank_account_id>", account_views.BankAccountView.as_view()),
    path("banks/sync", account_views.Sync.as_view()),
    path("banks/sync-status", account_views.SyncState.as_view()),
    path("banks/lines", line_views.BankLines.as_view()),
    path("banks/lines/<str:line_id>", line_views.BankLineView.as_view()),
    path("banks/lines/<str:line_id>/match", line_views.MatchLine.as_view()),
    path("banks/lines/<str:line_id>/record", line_views.RecordLine.as_view()),
    path("banks/lines/<str:line_id>/ignore", line_views.IgnoreLine.as_view()),
    path("banks/lines/<str:line_id>/unmatch", line_views.UnmatchLine.as_view()),
    path("banks/lines/<str:line_id>/categorize", line_views.CategorizeLine.as_view()),
]
