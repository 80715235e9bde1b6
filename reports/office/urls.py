from django.urls import URLPattern, path

from reports.office.closing import ClosingPage
from reports.office.companies import CompaniesPage
from reports.office.dashboard import Dashboard
from reports.office.general_ledger import GeneralLedgerPage
from reports.office.statements import (
    BalanceSheetPage,
    CashFlowPage,
    IncomeStatementPage,
    TrialBalancePage,
)
from reports.office.verification import VerificationPage

_STATEMENTS = "<company:company>/statements"
urlpatterns: list[URLPattern] = [
    path("", CompaniesPage.as_view(), name="companies"),
    path("<company:company>/", Dashboard.as_view(), name="dashboard"),
    path(f"{_STATEMENTS}/balance-sheet/", BalanceSheetPage.as_view(), name="balance-sheet"),
    path(f"{_STATEMENTS}/income-statement/", IncomeStatementPage.as_view(), name="income-statement"),
    path(f"{_STATEMENTS}/cash-flow/", CashFlowPage.as_view(), name="cash-flow"),
    path(f"{_STATEMENTS}/trial-balance/", TrialBalancePage.as_view(), name="trial-balance"),
    path(f"{_STATEMENTS}/general-ledger/", GeneralLedgerPage.as_view(), name="general-ledger"),
    path("<company:company>/closing/", ClosingPage.as_view(), name="closing"),
    path("<company:company>/verification/", VerificationPage.as_view(), name="verification"),
]
