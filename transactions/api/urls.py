"""Addresses of transactions, below `v1/`. Words come before ids: an id always begins with its prefix."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from transactions.api.account_views import AccountTransactionsView, AccountWithTransactionsView
from transactions.api.approval_views import ApproveView, CategorizeView, ReverseView
from transactions.api.bulk_views import BulkView
from transactions.api.counterparty_views import CounterpartiesView
from transactions.api.journal_views import JournalEntriesView, JournalEntryView
from transactions.api.month_views import ByMonthView
from transactions.api.search_views import SearchView
from transactions.api.transaction_views import EditTransactionView, TransactionsView, TransactionView

_below_transactions: list[URLPattern] = [
    path("approve", ApproveView.as_view()),
    path("bulk", BulkView.as_view()),
    path("by-month", ByMonthView.as_view()),
    path("categorize", CategorizeView.as_view()),
    path("counterparties", CounterpartiesView.as_view()),
    path("edit", EditTransactionView.as_view()),
    path("search", SearchView.as_view()),
    path("<str:transaction_id>", TransactionView.as_view()),
    path("<str:transaction_id>/reverse", ReverseView.as_view()),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("transactions", TransactionsView.as_view()),
    path("transactions/", include(_below_transactions)),
    path("journal-entries", JournalEntriesView.as_view()),
    path("journal-entries/<str:entry_id>", JournalEntryView.as_view()),
    # The account itself is the accounts' own; what it says of its transactions is said here, above it.
    re_path(r"^accounts/(?P<id>acc_[^/]*)$", AccountWithTransactionsView.as_view()),
    path("accounts/<str:id>/transactions", AccountTransactionsView.as_view()),
]
