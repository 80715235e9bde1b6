from django.urls import URLPattern, path

from transactions.office.accounts import AccountPage
from transactions.office.actions import ActPage
from transactions.office.detail import TransactionPage
from transactions.office.exports import ExportPage
from transactions.office.journal import EntryPage, NewEntryPage
from transactions.office.listing import SavedViewsPage, TransactionsPage
from transactions.office.merging import MergePage
from transactions.office.split import SplitPage

_LIST = "<company:company>/transactions/"
_ENTRIES = "<company:company>/journal-entries/"
# The chart's own pages (accounts/office) come first: "new" is no account.
_ACCOUNT = "<company:company>/accounts/<str:id>/"

urlpatterns: list[URLPattern] = [
    path(_LIST, TransactionsPage.as_view(), name="transactions"),
    path(f"{_LIST}views/", SavedViewsPage.as_view(), name="transactions-views"),
    path(f"{_LIST}export.<str:file_format>", ExportPage.as_view(), name="transactions-export"),
    path(f"{_LIST}act/<str:action>/", ActPage.as_view(), name="transactions-act"),
    path(f"{_LIST}<str:id>/", TransactionPage.as_view(), name="transaction"),
    path(f"{_LIST}<str:id>/split/", SplitPage.as_view(), name="transaction-split"),
    path(f"{_ENTRIES}new/", NewEntryPage.as_view(), name="journal-entry-new"),
    path(f"{_ENTRIES}<str:id>/", EntryPage.as_view(), name="journal-entry"),
    path(_ACCOUNT, AccountPage.as_view(), name="account"),
    path(f"{_ACCOUNT}merge/", MergePage.as_view(), name="account-merge"),
]
