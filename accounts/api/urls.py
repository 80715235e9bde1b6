"""The addresses of ledger accounts and categories, below /v1/."""

from django.urls import URLPattern, path

from accounts.api import views

urlpatterns: list[URLPattern] = [
    path("accounts", views.AccountsView.as_view(), name="accounts"),
    path("accounts/templates", views.AccountTemplatesView.as_view(), name="account-templates"),
    path("accounts/import", views.AccountImportsView.as_view(), name="account-imports"),
    path("accounts/import/<str:id>", views.AccountImportDetailView.as_view(), name="account-import"),
    path("accounts/<str:id>", views.AccountDetailView.as_view(), name="account"),
    path("accounts/<str:id>/balance", views.AccountBalanceView.as_view(), name="account-balance"),
    path("categories", views.CategoriesView.as_view(), name="categories"),
]
