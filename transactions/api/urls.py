"""Addresses of transactions. Words come before ids: an id always begins with `txn_`."""

from django.urls import URLPattern, path

from transactions.api.approval_views import ApproveView, CategorizeView, ReverseView
from transactions.api.bulk_views import BulkView
from transactions.api.transaction_views import EditTransactionView, TransactionsView, TransactionView

urlpatterns: list[URLPattern] = [
    path("v1/transactions", TransactionsView.as_view()),
    path("v1/transactions/bulk", BulkView.as_view()),
    path("v1/transactions/edit", EditTransactionView.as_view()),
    path("v1/transactions/approve", ApproveView.as_view()),
    path("v1/transactions/categorize", CategorizeView.as_view()),
    path("v1/transactions/<str:transaction_id>", TransactionView.as_view()),
    path("v1/transactions/<str:transaction_id>/reverse", ReverseView.as_view()),
]
