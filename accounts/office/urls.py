from django.urls import URLPattern, path

from accounts.office.accounts import (
    CloseAccountPage,
    DeleteAccountPage,
    EditAccountPage,
    NewAccountPage,
    ReopenAccountPage,
)
from accounts.office.charts import ChartFile, ChartPage
from accounts.office.imports import ImportPage, ImportPreviewPage, ImportResultPage

_CHART = "<company:company>/accounts/"
_ACCOUNT = f"{_CHART}<str:id>/"

urlpatterns: list[URLPattern] = [
    path(_CHART, ChartPage.as_view(), name="chart"),
    path(f"{_CHART}file/<str:file_format>/", ChartFile.as_view(), name="chart-file"),
    path(f"{_CHART}new/", NewAccountPage.as_view(), name="account-new"),
    path(f"{_CHART}import/", ImportPage.as_view(), name="chart-import"),
    path(f"{_CHART}import/preview/", ImportPreviewPage.as_view(), name="chart-import-preview"),
    path(f"{_CHART}imports/<str:id>/", ImportResultPage.as_view(), name="chart-import-result"),
    path(f"{_ACCOUNT}edit/", EditAccountPage.as_view(), name="account-edit"),
    path(f"{_ACCOUNT}close/", CloseAccountPage.as_view(), name="account-close"),
    path(f"{_ACCOUNT}reopen/", ReopenAccountPage.as_view(), name="account-reopen"),
    path(f"{_ACCOUNT}delete/", DeleteAccountPage.as_view(), name="account-delete"),
]
