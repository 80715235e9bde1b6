"""The back office's windows on companies, developers, keys, people, ledgers and background work.

What is shown cannot be edited here, but for a few harmless fields of companies; whatever writes is a page of
its own (`ledger.office`) or an action, and goes through the services.
"""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401 - registers groups, which are not used here
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action

from ledger.background import registered
from ledger.exceptions import ForbiddenError
from ledger.models import ApiKey, BackgroundTask, Developer, Entity, Ledger, Membership, User
from ledger.office import audit  # noqa: F401 - registers the audit trail's window
from ledger.office.access import Duty, company_ids, user_actor
from ledger.office.windows import CompanyFilter, CompanyWindowAdmin, WindowAdmin
from ledger.services.developers import disable_developer, enable_developer
from ledger.services.entities import EntityFields, masked, tax_number, update_entity
from ledger.services.keys import revoke_key
from ledger.services.tasks import repeat_task

# What a person may do is in their memberships, and in no group.
admin.site.unregister(Group)


@admin.register(Developer)
class DeveloperAdmin(WindowAdmin):
    """Developers."""

    list_display = ("name", "public_id", "email", "industry", "disabled_at", "created_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "email")
    fields = ("name", "public_id", "email", "industry", "preferences", "disabled_at", "created_at")
    readonly_fields = fields
    actions = ("disable", "enable")
    actions_list = ("new_developer",)

    @action(description="New developer", permissions=["operate"], icon="add")
    def new_developer(self, request: HttpRequest) -> HttpResponse:
        """Go to the form."""
        return HttpResponseRedirect(reverse("office:developer-new"))

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
class ApiKeyAdmin(WindowAdmin):
    """API keys, without their hashes."""

    list_display = (
        "name", "prefix", "kind", "developer", "created_at", "last_used_at", "expires_at", "revoked_at",
    )  # fmt: skip
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("developer",)
    search_fields = ("name", "prefix", "developer__name")
    fields = (
        "name", "public_id", "prefix", "kind", "developer", "created_at", "last_used_at", "expires_at",
        "revoked_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("revoke",)
    actions_list = ("new_key",)
    actions_detail = ("rotate", "end")

    @action(description="New key", permissions=["operate"], icon="add")
    def new_key(self, request: HttpRequest) -> HttpResponse:
        """Go to the form."""
        return HttpResponseRedirect(reverse("office:key-new"))

    @action(description="Rotate", permissions=["view"], icon="autorenew")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the form."""
        return self._page(request, "office:key-rotate", object_id)

    @action(description="Revoke", permissions=["view"], icon="block")
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page that asks once more."""
        return self._page(request, "office:key-revoke", object_id)

    @admin.action(description="Revoke: their tokens stop working", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke the chosen keys."""
        actor = user_actor(request)
        self.each(request, queryset, lambda row: revoke_key(key=row, actor=actor), "revoked")

    def _page(self, request: HttpRequest, name: str, object_id: str) -> HttpResponse:
        key = self.get_object(request, object_id)
        if key is None:
            return HttpResponseRedirect(reverse("admin:ledger_apikey_changelist"))
        return HttpResponseRedirect(reverse(name, kwargs={"key": key.public_id}))


@admin.register(Entity)
class EntityAdmin(WindowAdmin):
    """The directory of companies. Names and contacts can be changed; the tax number is shown masked."""

    list_display = (
        "legal_name", "public_id", "developer", "default_currency", "status", "books_closed_through",
    )  # fmt: skip
    list_filter = ("status", "entity_type")
    list_select_related = ("developer",)
    search_fields = ("legal_name", "external_id")
    editable = ("legal_name", "phone_number", "website")
    actions_detail = ("people",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever looks after the installation may change the harmless fields."""
        return self.has_view_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return all but the harmless fields."""
        names = [field.name for field in Entity._meta.fields if field.name not in self.editable]
        return [name for name in names if name != "tin_encrypted"] + ["tin", "members"]

    @admin.display(description="tax number")
    def tin(self, entity: Entity) -> str:
        """Show the last four digits."""
        return masked(tax_number(entity)) or "-"

    @admin.display(description="people")
    def members(self, entity: Entity) -> SafeString:
        """Name who is in the company; they are changed on a page of their own."""
        rows = Membership.objects.filter(entity=entity).select_related("user").order_by("user__username")
        return _lines((str(one.user), one.role) for one in rows)

    @action(description="People", permissions=["view"], icon="group")
    def people(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page where they are let in and taken out."""
        entity = self.get_object(request, object_id)
        if entity is None:
            return HttpResponseRedirect(reverse("admin:ledger_entity_changelist"))
        return HttpResponseRedirect(reverse("office:members", kwargs={"company": entity.public_id}))

    def save_model(self, request: HttpRequest, obj: Entity, form: Any, change: bool) -> None:
        """Save the changed fields through the service."""
        changes = cast("EntityFields", {name: form.cleaned_data[name] for name in form.changed_data})
        update_entity(entity=obj, changes=changes, actor=user_actor(request))


@admin.register(User)
class UserAdmin(WindowAdmin):
    """The people of the back office."""

    list_display = (
        "username", "name", "email", "second_factor", "last_login", "is_superuser", "is_active",
    )  # fmt: skip
    list_filter = ("is_active", "is_superuser", ("second_factor_since", admin.EmptyFieldListFilter))
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    # Named, so that the password's hash never stands on a page.
    fields = (
        "username", "first_name", "last_name", "email", "companies", "second_factor_since", "last_login",
        "date_joined", "is_superuser", "is_active",
    )  # fmt: skip
    readonly_fields = fields
    actions_list = ("new_person",)
    actions_detail = ("person",)

    @admin.display(description="name")
    def name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

    @admin.display(description="second factor", boolean=True, ordering="second_factor_since")
    def second_factor(self, user: User) -> bool:
        """Whether the log-in asks for a code."""
        return user.second_factor_since is not None

    @admin.display(description="companies")
    def companies(self, user: User) -> SafeString:
        """Name the companies that the person is in."""
        rows = Membership.objects.filter(user=user).select_related("entity").order_by("entity__legal_name")
        return _lines((str(one.entity), one.role) for one in rows)

    @action(description="New person", permissions=["operate"], icon="person_add")
    def new_person(self, request: HttpRequest) -> HttpResponse:
        """Go to the form."""
        return HttpResponseRedirect(reverse("office:person-new"))

    @action(description="Password, second factor, access", permissions=["view"], icon="manage_accounts")
    def person(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the person's page."""
        found = self.get_object(request, object_id)
        if found is None:
            return HttpResponseRedirect(reverse("admin:ledger_user_changelist"))
        return HttpResponseRedirect(reverse("office:person", kwargs={"person": found.pk}))


@admin.register(Ledger)
class LedgerAdmin(CompanyWindowAdmin):
    """Ledgers."""

    list_display = ("name", "public_id", "entity", "currency", "is_default", "created_at")
    list_filter = (CompanyFilter, "is_default")
    list_select_related = ("entity",)
    search_fields = ("name",)
    fields = ("name", "public_id", "currency", "is_default", "created_at")
    readonly_fields = fields


@admin.register(BackgroundTask)
class BackgroundTaskAdmin(CompanyWindowAdmin):
    """Background work, newest first: how far it is, and why it failed."""

    duties = (Duty.OPERATE, Duty.READ)
    duties_to_act = (Duty.OPERATE,)
    list_display = ("created_at", "name", "entity", "state", "progress", "message", "error", "attempts")
    list_filter = (CompanyFilter, "state")
    list_select_related = ("entity",)
    search_fields = ("=name",)
    search_help_text = "The name of the work, in full"
    fields = (
        "name", "public_id", "state", "progress", "message", "error", "attempts", "created_at", "started_at",
        "seen_at", "finished_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("repeat",)

    @admin.display(description="progress")
    def progress(self, task: BackgroundTask) -> SafeString:
        """Show how much is done, of how much."""
        if task.percent is None:
            return format_html("<span>{}</span>", task.done)
        return format_html(
            '<progress class="progress" max="100" value="{0}"></progress> <span>{0}% of {1}</span>',
            task.percent,
            task.total,
        )

    @admin.action(description="Do again what failed", permissions=["operate"])
    def repeat(self, request: HttpRequest, queryset: QuerySet[BackgroundTask]) -> None:
        """Ask for the chosen work once more."""
        actor = user_actor(request)
        kept = company_ids(request, Duty.KEEP)

        def again(task: BackgroundTask) -> None:
            work = registered(task.name)
            if work is not None and work.decides and task.entity_id not in kept:
                raise ForbiddenError(f"{task.name} changes the books: an accountant may ask for it again.")
            repeat_task(task=task, actor=actor)

        self.each(request, self.rows_to_act_on(request, queryset), again, "asked for again")


def _lines(pairs: Any) -> SafeString:
    """Names with a role each, one a line."""
    return format_html_join("", "<div>{} ({})</div>", pairs) or format_html("<span>{}</span>", "none")
