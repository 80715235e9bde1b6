"""The back office's windows on developers, keys, companies, ledgers, background work and the audit trail.

What is shown cannot be edited here, but for a few harmless fields; actions go through the services, so that
they are checked and recorded like any other call.
"""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from ledger.actors import Actor
from ledger.api.limits import client_address
from ledger.choices import ActorKind
from ledger.exceptions import LedgerError
from ledger.models import ApiKey, AuditEvent, BackgroundTask, Developer, Entity, Ledger, User
from ledger.services.developers import disable_developer, enable_developer
from ledger.services.entities import EntityFields, masked, tax_number, update_entity
from ledger.services.keys import revoke_key


def user_actor(request: HttpRequest) -> Actor:
    """Return the person at the back office, for the record."""
    user = cast("User", request.user)
    return Actor(
        ActorKind.USER,
        id=user.pk,
        label=user.get_username(),
        address=client_address(request) or None,
        request_id=getattr(request, "request_id", ""),
    )


class WindowAdmin(ModelAdmin):
    """Shows rows; adds, changes and deletes none."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows go by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows change by services; subclasses that save through one say so."""
        return False


class ActingAdmin(WindowAdmin):
    """A window with actions, which only who may change the rows can run."""

    def may_act(self, request: HttpRequest) -> bool:
        """Return whether the person has Django's own permission to change these rows."""
        return request.user.has_perm(f"ledger.change_{self.model._meta.model_name}")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """What `permissions=["operate"]` of an action asks."""
        return self.may_act(request)

    def each(self, request: HttpRequest, rows: QuerySet[Any], act: Any, done: str) -> None:
        """Run a service on each row and say what became of it."""
        count = 0
        for row in rows:
            try:
                act(row)
                count += 1
            except LedgerError as error:
                self.message_user(request, error.message, messages.ERROR)
        self.message_user(request, f"{count} {done}.")


@admin.register(Developer)
class DeveloperAdmin(ActingAdmin):
    """Developers."""

    list_display = ("name", "public_id", "email", "industry", "disabled_at", "created_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "email")
    actions = ("disable", "enable")

    @admin.action(description="Disable: their tokens stop working", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Developer]) -> None:
        """Disable the chosen developers."""
        actor = user_actor(request)
        self.each(request, queryset, lambda row: disable_developer(developer=row, actor=actor), "disabled")

    @admin.action(description="Enable again", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Developer]) -> None:
        """Enable the chosen developers."""
        actor = user_actor(request)
        self.each(request, queryset, lambda row: enable_developer(developer=row, actor=actor), "enabled")


@admin.register(ApiKey)
class ApiKeyAdmin(ActingAdmin):
    """API keys, without their hashes."""

    list_display = (
        "name",
        "prefix",
        "kind",
        "developer",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("developer",)
    search_fields = ("name", "prefix", "developer__name")
    exclude = ("key_hash",)
    actions = ("revoke",)

    @admin.action(description="Revoke: their tokens stop working", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke the chosen keys."""
        actor = user_actor(request)
        self.each(request, queryset, lambda row: revoke_key(key=row, actor=actor), "revoked")


@admin.register(Entity)
class EntityAdmin(ActingAdmin):
    """Companies. Names and contacts can be changed; the tax number is shown masked."""

    list_display = (
        "legal_name",
        "public_id",
        "developer",
        "default_currency",
        "status",
        "books_closed_through",
    )
    list_filter = ("status", "entity_type")
    list_select_related = ("developer",)
    search_fields = ("legal_name", "external_id")
    editable = ("legal_name", "phone_number", "website")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may change companies may change their harmless fields."""
        return self.may_act(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return all but the harmless fields."""
        names = [field.name for field in Entity._meta.fields if field.name not in self.editable]
        return [name for name in names if name != "tin_encrypted"] + ["tin"]

    @admin.display(description="tax number")
    def tin(self, entity: Entity) -> str:
        """Show the last four digits."""
        return masked(tax_number(entity)) or "-"

    def save_model(self, request: HttpRequest, obj: Entity, form: Any, change: bool) -> None:
        """Save the changed fields through the service."""
        changes = cast("EntityFields", {name: form.cleaned_data[name] for name in form.changed_data})
        update_entity(entity=obj, changes=changes, actor=user_actor(request))


@admin.register(Ledger)
class LedgerAdmin(WindowAdmin):
    """Ledgers."""

    list_display = ("name", "public_id", "entity", "currency", "is_default", "created_at")
    list_filter = ("is_default",)
    list_select_related = ("entity",)
    search_fields = ("name",)


@admin.register(AuditEvent)
class AuditEventAdmin(WindowAdmin):
    """The audit trail, newest first."""

    list_display = (
        "occurred_at",
        "action",
        "object_type",
        "object_id",
        "actor_kind",
        "actor_label",
        "outcome",
    )
    list_filter = ("outcome", "actor_kind")
    search_fields = ("=object_id", "=action")
    exclude = ("hash", "previous_hash")
    ordering = ("-id",)


@admin.register(BackgroundTask)
class BackgroundTaskAdmin(WindowAdmin):
    """Background work, newest first: how far it is, and why it failed."""

    list_display = ("created_at", "name", "entity", "state", "progress", "message", "error", "attempts")
    list_filter = ("state",)
    list_select_related = ("entity",)
    search_fields = ("=name",)
    search_help_text = "The name of the work, in full"

    @admin.display(description="progress")
    def progress(self, task: BackgroundTask) -> str:
        """Show how much is done, of how much."""
        return str(task.done) if task.percent is None else f"{task.percent}% of {task.total}"
