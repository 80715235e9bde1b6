"""The back office's windows on bank connections, accounts and lines: to read. Decisions go through the
services, as they do over the API."""

from typing import ClassVar

from django.contrib import admin

from banking.models import BankAccount, BankConnection, BankLine
from ledger.office.access import Duty
from ledger.office.windows import CompanyFilter, CompanyWindowAdmin


@admin.register(BankConnection)
class BankConnectionAdmin(CompanyWindowAdmin):
    """Connections, without their tokens and cursors; for who operates the feeds."""

    duties: ClassVar[tuple[Duty, ...]] = (Duty.OPERATE,)

    list_display = (
        "institution_name", "public_id", "entity", "provider", "status", "synced_at", "error_message",
        "created_at",
    )  # fmt: skip
    list_filter = (CompanyFilter, "provider", "status")
    list_select_related = ("entity",)
    search_fields = ("=id", "=provider_item_id")
    search_help_text = "An id (UUID), or the provider's id of the connection, in full"
    # Named, not all but the secrets: what is added to the model one day is not shown by itself.
    fields = (
        "provider", "provider_item_id", "institution_id", "institution_name", "status", "error_code",
        "error_message", "sync_started_at", "synced_at", "created_at", "created_by", "disconnected_at",
    )  # fmt: skip


@admin.register(BankAccount)
class BankAccountAdmin(CompanyWindowAdmin):
    """Bank accounts, with the ledger accounts that stand for them."""

    list_display = (
        "name", "mask", "public_id", "entity", "type", "subtype", "currency", "balance_current",
        "ledger_account", "connection", "disconnected_at",
    )  # fmt: skip
    list_filter = (CompanyFilter, "type")
    list_select_related = ("entity", "ledger_account", "connection")
    search_fields = ("=id", "name", "=mask")
    search_help_text = "An id (UUID) or a mask in full, or a part of the name"
    fields = (
        "name", "official_name", "mask", "type", "subtype", "currency", "ledger_account", "connection",
        "balance_current", "balance_available", "balance_at", "created_at", "disconnected_at",
    )  # fmt: skip


@admin.register(BankLine)
class BankLineAdmin(CompanyWindowAdmin):
    """Bank lines, as the banks gave them."""

    list_display = (
        "date", "amount", "currency", "description", "counterparty", "status", "attention", "bank_account",
        "entity",
    )  # fmt: skip
    list_filter = (CompanyFilter, "status")
    list_select_related = ("bank_account", "entity")
    search_fields = ("=id", "=bank_account__id", "=provider_line_id")
    search_help_text = "An id of a line or of a bank account (UUID), or the provider's id, in full"
