"""The back office's view of statements and of the daily comparison: to read. Work on them goes through the
services, as it does over the API."""

from django.contrib import admin

from banking.models import Reconciliation, TieOut
from ledger.office.windows import CompanyFilter, CompanyWindowAdmin


@admin.register(Reconciliation)
class ReconciliationAdmin(CompanyWindowAdmin):
    list_display = (
        "statement_date", "bank_account", "opening_balance", "statement_balance", "status", "completed_at",
        "entity",
    )  # fmt: skip
    list_filter = (CompanyFilter, "status")
    list_select_related = ("bank_account", "entity")
    search_fields = ("=id", "=bank_account__id")
    search_help_text = "An id of a reconciliation or of a bank account (UUID), in full"


@admin.register(TieOut)
class TieOutAdmin(CompanyWindowAdmin):
    list_display = ("date", "bank_account", "bank_balance", "books_balance", "difference", "entity")
    list_select_related = ("bank_account", "entity")
    search_fields = ("=bank_account__id",)
    search_help_text = "An id of a bank account (UUID), in full"

    @admin.display(description="Bank less books")
    def difference(self, day: TieOut) -> str:
        return str(day.bank_balance - day.books_balance)
