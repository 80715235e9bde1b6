"""The chart of accounts in the back office: reading it, and closing accounts through the services."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.models import Account, AccountImport
from accounts.services import close_account, reopen_account
from ledger.actors import Actor
from ledger.choices import ActorKind
from ledger.exceptions import LedgerError


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows; whatever writes goes through a service, as an action."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is made by hand here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Forms show, and change nothing."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted by hand here."""
        return False


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """The chart of accounts of every company."""

    list_display = ("sub_type_code", "name", "type", "financial_type", "parent", "entity", "closed_at")
    list_display_links = ("name",)
    list_filter = ("type",)
    list_select_related = ("parent", "entity")
    search_fields = ("name", "sub_type_code")
    ordering = ("entity_id", "sub_type_code", "name", "id")
    show_full_result_count = False
    actions = ("close_accounts", "reopen_accounts")

    @admin.action(description="Close: no new transactions", permissions=["keep_books"])
    def close_accounts(self, request: HttpRequest, chosen: QuerySet[Account]) -> None:
        """Close the chosen accounts; one that cannot be says why, the others are closed."""
        for account in chosen.select_related("entity"):
            try:
                close_account(entity=account.entity, account=account, actor=_actor(request))
            except LedgerError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, f"{account} is closed.", messages.SUCCESS)

    @admin.action(description="Reopen", permissions=["keep_books"])
    def reopen_accounts(self, request: HttpRequest, chosen: QuerySet[Account]) -> None:
        """Let the chosen accounts take transactions again."""
        for account in chosen.select_related("entity"):
            reopen_account(entity=account.entity, account=account, actor=_actor(request))
            self.message_user(request, f"{account} is open.", messages.SUCCESS)

    def has_keep_books_permission(self, request: HttpRequest) -> bool:
        """Who may change accounts at all may close them."""
        return request.user.has_perm("accounts.change_account")


@admin.register(AccountImport)
class AccountImportAdmin(ReadOnlyAdmin):
    """What became of each import of a chart."""

    list_display = (
        "public_id",
        "entity",
        "source",
        "status",
        "accounts_created",
        "accounts_skipped",
        "created_at",
    )
    list_filter = ("status", "source")
    list_select_related = ("entity",)
    show_full_result_count = False


def _actor(request: HttpRequest) -> Actor:
    """The person at the screen."""
    user = request.user
    return Actor(
        ActorKind.USER, id=user.pk, label=user.get_username(), address=request.META.get("REMOTE_ADDR")
    )
