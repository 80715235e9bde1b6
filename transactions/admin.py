"""The back office's view of transactions: to read. Corrections go through the services."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from transactions.models import JournalEntry, Revision, Transaction

_COUNTED_MAX: Final = 10_000


class CheapPaginator(Paginator):
    """Counts at most `_COUNTED_MAX` rows: counting a table of millions takes longer than showing it."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[:_COUNTED_MAX])


class ReadOnlyAdmin(ModelAdmin):
    """A list of what only the posting engine writes."""

    paginator = CheapPaginator
    show_full_result_count = False
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        return [field.name for field in self.opts.fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = (
        "date", "description", "debit_account", "credit_account", "amount", "currency", "status", "entity",
    )  # fmt: skip
    list_filter = ("status", "source")
    list_select_related = ("debit_account", "credit_account", "entity")
    search_fields = ("=id", "=external_id", "=counterparty")
    search_help_text = "An id (UUID), an external id or a counterparty, in full"


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ("date", "description", "ledger", "entity")
    list_select_related = ("ledger", "entity")
    search_fields = ("=id", "=external_id")


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    list_display = ("changed_at", "change", "changed_by_kind", "description", "amount", "status", "entity")
    list_filter = ("change",)
    list_select_related = ("entity",)
    search_fields = ("=transaction_id",)
