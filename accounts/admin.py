"""What other windows of the back office need of the chart: finding an account, and the record of its imports.

The chart itself has pages of its own (`accounts.office`).
"""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse

from accounts.models import Account, AccountImport
from ledger.ids import Prefix, encode_id
from ledger.office.access import Duty
from ledger.office.windows import CompanyFilter, CompanyWindowAdmin

# The chooser of a field opens this list in a window of its own, with this in the query.
_POPUP = "_popup"


@admin.register(Account)
class AccountAdmin(CompanyWindowAdmin):
    """Accounts to choose from where a form names one. Whoever comes to look is led to the chart's pages."""

    list_display = ("sub_type_code", "name", "type", "financial_type", "entity")
    list_display_links = ("name",)
    list_filter = (CompanyFilter, "type")
    list_select_related = ("entity",)
    search_fields = ("name", "sub_type_code")
    ordering = ("sub_type_code", "name", "id")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        """The list to choose from; outside of that the company's chart of accounts."""
        if _POPUP in request.GET:
            answer: HttpResponseBase = super().changelist_view(request, extra_context)
            return answer
        company = request.GET.get("company")
        if company is None:
            return HttpResponseRedirect(reverse("office:companies"))
        return HttpResponseRedirect(_page("chart", company=company))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        """The account's own page."""
        account = self.get_object(request, object_id)
        if account is None:
            raise Http404("There is no such account in your companies.")
        return HttpResponseRedirect(
            _page("account", company=encode_id(Prefix.ENTITY, account.entity_id), id=account.public_id)
        )


@admin.register(AccountImport)
class AccountImportAdmin(CompanyWindowAdmin):
    """What became of each import of a chart."""

    duties = (Duty.READ, Duty.OPERATE)
    list_display = (
        "public_id",
        "entity",
        "source",
        "status",
        "accounts_created",
        "accounts_skipped",
        "created_at",
    )
    list_filter = (CompanyFilter, "status", "source")
    list_select_related = ("entity",)


def _page(name: str, **parts: str) -> str:
    try:
        return reverse(f"office:{name}", kwargs=parts)
    except NoReverseMatch as error:
        raise Http404("There is no such company.") from error
