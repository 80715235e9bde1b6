"""The back office's window on integrations: what is connected, and never with what."""

from typing import ClassVar

from django.contrib import admin

from banking.models import Integration
from ledger.office.access import Duty
from ledger.office.windows import CompanyFilter, CompanyWindowAdmin


@admin.register(Integration)
class IntegrationAdmin(CompanyWindowAdmin):
    """Integrations, without their tokens and without what a browser brings back; for who operates them."""

    duties: ClassVar[tuple[Duty, ...]] = (Duty.OPERATE,)

    list_display = (
        "provider",
        "public_id",
        "entity",
        "workspace_name",
        "status",
        "synced_at",
        "error_message",
        "created_at",
    )
    list_filter = (CompanyFilter, "provider", "status")
    list_select_related = ("entity",)
    search_fields = ("=id", "=workspace_id")
    search_help_text = "An id (UUID), or the provider's id of the company, in full"
    # Named, not all but the secrets: what is added to the model one day is not shown by itself.
    fields = (
        "provider",
        "status",
        "workspace_id",
        "workspace_name",
        "token_expires_at",
        "import_position",
        "synced_at",
        "error_message",
        "created_at",
        "created_by",
        "updated_at",
    )
