from django.urls import URLPattern, path

from banking.office.feeds import Disconnect, Feeds
from banking.office.reconciliation import MatchLine, Reconciliation
from banking.office.reconciliations import Reconciliations
from banking.office.rules import RuleNew
from banking.office.statements import StatementImportPage, StatementNew, StatementPreview

urlpatterns: list[URLPattern] = [
    path("<company:company>/banks/", Feeds.as_view(), name="feeds"),
    path("<company:company>/banks/accounts/<str:id>/disconnect/", Disconnect.as_view(), name="disconnect"),
    path("<company:company>/banks/statements/new/", StatementNew.as_view(), name="statement-new"),
    path(
        "<company:company>/banks/statements/new/<str:token>/",
        StatementPreview.as_view(),
        name="statement-preview",
    ),
    path(
        "<company:company>/banks/statements/<str:id>/",
        StatementImportPage.as_view(),
        name="statement-import",
    ),
    path("<company:company>/rules/new/", RuleNew.as_view(), name="rule-new"),
    path("<company:company>/reconciliations/", Reconciliations.as_view(), name="reconciliations"),
    path("<company:company>/reconciliations/<str:id>/", Reconciliation.as_view(), name="reconciliation"),
    path(
        "<company:company>/reconciliations/<str:id>/<str:line>/",
        MatchLine.as_view(),
        name="reconciliation-match",
    ),
]
