"""Addresses of reports."""

from django.urls import URLPattern, path

from reports.api.views import (
    ChangesView,
    GeneralLedgerView,
    GenerateView,
    OverviewView,
    TrialBalanceView,
)
from reports.exports import api as exports
from reports.files import api as files

urlpatterns: list[URLPattern] = [
    path("reports/generate", GenerateView.as_view()),
    path("reports/general-ledger", GeneralLedgerView.as_view()),
    path("reports/trial-balance", TrialBalanceView.as_view()),
    path("reports/overview", OverviewView.as_view()),
    path("reports/changes", ChangesView.as_view()),
    *exports.urlpatterns,
    *files.urlpatterns,
]
