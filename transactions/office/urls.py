from django.urls import URLPattern, path

from transactions.office.accounts import AccountPage
from transactions.office.merging import MergePage

# The chart's own pages (accounts/office) come first: "new" is no account.
_ACCOUNT = "<company:company>/accounts/<str:id>/"

urlpatterns: list[URLPattern] = [
    path(_ACCOUNT, AccountPage.as_view(), name="account"),
    path(f"{_ACCOUNT}merge/", MergePage.as_view(), name="account-merge"),
]
