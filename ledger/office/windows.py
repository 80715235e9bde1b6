"""Lists and forms of the admin over rows of companies: each person sees their own companies' rows alone.

`WindowAdmin` only shows. Whatever writes goes through a service: as an action, or in a `save_model` that
calls one.
"""

from functools import cached_property
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, FieldDoesNotExist, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponseBase
from unfold.admin import ModelAdmin

from ledger.exceptions import LedgerError
from ledger.office.access import DUTIES, Duty, company_ids, own_memberships

_COUNTED_MAX: Final = 10_000


class CheapPaginator(Paginator):
    """Counts at most `_COUNTED_MAX` rows: counting a table of millions takes longer than showing it."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, as far as they are counted."""
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[:_COUNTED_MAX])


class WindowAdmin(ModelAdmin):
    """Shows rows of the installation to those who look after it (superusers); changes none."""

    show_full_result_count = False
    paginator = CheapPaginator
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever sees the rows sees that there are such."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Installations are looked after by superusers."""
        return bool(request.user.is_active and request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows go by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows change by services; subclasses that save through one say so."""
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """What `permissions=["operate"]` of an action asks."""
        return self.has_view_permission(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Narrow by the list's own filters alone: by any other field, what no page shows, such as the hash of
        a password, could be guessed sign by sign."""
        name = lookup.partition(LOOKUP_SEP)[0]
        offered = {
            one[0] if isinstance(one, tuple) else getattr(one, "parameter_name", one)
            for one in self.list_filter
        }
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return bool(super().lookup_allowed(lookup, value, request))
        return name in offered and bool(super().lookup_allowed(lookup, value, request))

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        """Run an action on the chosen rows; refuse what can be the id of none."""
        for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.to_python(text)
            except ValidationError as error:
                raise BadRequest("What was chosen is no row of this list.") from error
        answer: HttpResponseBase | None = super().response_action(request, queryset)
        return answer

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


class CompanyFilter(admin.SimpleListFilter):
    """Narrows a list to one of the person's own companies."""

    title = "company"
    parameter_name = "company"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The companies whose rows the person may see here."""
        return [
            (one.entity.public_id, str(one.entity))
            for one in own_memberships(request)
            if DUTIES[one.role] & set(model_admin.duties)
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen company; none for a company that is not the person's."""
        if self.value() is None:
            return queryset
        return queryset.filter(entity_id__in=self.chosen_ids(request))

    def chosen_ids(self, request: HttpRequest) -> list[UUID]:
        """The id of the chosen company, or nothing where it is not the person's."""
        return [one.entity_id for one in own_memberships(request) if one.entity.public_id == self.value()]


class CompanyWindowAdmin(WindowAdmin):
    """Shows rows of the companies in which the person has one of `duties`, and of no other.

    `duties_to_act` are what actions ask (`permissions=["operate"]`) of the company of each chosen row.
    """

    duties: ClassVar[tuple[Duty, ...]] = (Duty.READ,)
    duties_to_act: ClassVar[tuple[Duty, ...]] = (Duty.KEEP,)
    list_filter: ClassVar[Any] = (CompanyFilter,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that the person may see; lists, searches, pages, actions and autocompletes begin here."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(entity_id__in=company_ids(request, *self.duties))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever has the duty in any company sees the list, and in the row's company the row."""
        ids = company_ids(request, *self.duties)
        return bool(ids) if obj is None else obj.entity_id in ids

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the person may act on any company's rows; `rows_to_act_on` narrows the chosen ones."""
        return bool(company_ids(request, *self.duties_to_act))

    def rows_to_act_on(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the chosen rows that the person may act on, and say where that leaves some out."""
        allowed = rows.filter(entity_id__in=company_ids(request, *self.duties_to_act))
        left = rows.count() - allowed.count()
        if left:
            self.message_user(
                request, f"{left} left alone: your role in their company may not do this.", messages.WARNING
            )
        return allowed
