"""The window on the audit trail: who did what to anything but transactions, and what it was before."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str

from ledger import audit
from ledger.models import AuditEvent, Developer
from ledger.office.access import Duty, company_ids
from ledger.office.windows import CompanyFilter, WindowAdmin
from ledger.times import YEAR_MAX, YEAR_MIN

# What the filters offer is what the newest events have.
_LOOKED_AT: Final = 2_000
_SHOWN_CHANGES: Final = 4
_SHOWN_CHARACTERS: Final = 40
_NOTHING: Final[tuple[Any, ...]] = (None, "", {}, [])


def visible_events(request: HttpRequest, rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Return the events of the person's companies whose books they may read; for superusers also those of
    developers and of the installation, and of no other company."""
    scopes = Q(scope_id__in=company_ids(request, Duty.READ))
    if request.user.is_active and request.user.is_superuser:
        scopes |= Q(scope_id=audit.INSTALLATION) | Q(scope_id__in=Developer.objects.values("id"))
    return rows.filter(scopes)


class ScopeFilter(CompanyFilter):
    """The chain of one company."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events of the chosen company; none for a company that is not the person's."""
        if self.value() is None:
            return queryset
        return queryset.filter(scope_id__in=self.chosen_ids(request))


class _SeenFilter(admin.SimpleListFilter):
    """Offers what a column of the newest events has."""

    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The values, in order."""
        newest = visible_events(request, AuditEvent.objects.order_by("-id"))
        values = set(newest.values_list(self.parameter_name, flat=True)[:_LOOKED_AT])
        return [(value, value) for value in sorted(values) if value]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events that have the chosen value."""
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class ActionFilter(_SeenFilter):
    """What was done."""

    title = "action"
    parameter_name = "action"


class ActorFilter(_SeenFilter):
    """Who did it."""

    title = "actor"
    parameter_name = "actor_label"


class DayFilter(RangeDateFilter):
    """Days of UTC, both ends included."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events of the days; what is no day narrows nothing."""
        for end, lookup, days in (("from", "gte", 0), ("to", "lt", 1)):
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            try:
                day = parse_date_str(text) if isinstance(text, str) else None
            except ValueError:
                day = None
            # Other years are typed by mistake, and the last of all has no day after it.
            if day is not None and YEAR_MIN <= day.year <= YEAR_MAX:
                moment = datetime.combine(day, time.min, UTC) + timedelta(days=days)
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": moment})
        return queryset


@admin.register(AuditEvent)
class AuditEventAdmin(WindowAdmin):
    """The audit trail, newest first."""

    duties: ClassVar[tuple[Duty, ...]] = (Duty.READ,)
    list_display = ("when", "action", "actor", "of", "summary", "outcome")
    list_filter = (ScopeFilter, ActionFilter, ActorFilter, "outcome", ("occurred_at", DayFilter))
    list_filter_submit = True
    search_fields = ("=object_id", "=request_id")
    search_help_text = "The id of an object or of a request, in full"
    fields = (
        "occurred_at", "action", "actor", "address", "request_id", "of", "outcome", "changes", "sequence",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """The events that the person may see."""
        return visible_events(request, super().get_queryset(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first; of one company by its chain, which has an index of its own."""
        return ("-sequence",) if request.GET.get(ScopeFilter.parameter_name) else ("-id",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may read any company's books sees that company's events; superusers see their own."""
        if obj is not None:
            return visible_events(request, AuditEvent.objects.filter(pk=obj.pk)).exists()
        return super().has_view_permission(request) or bool(company_ids(request, Duty.READ))

    @admin.display(description="when (UTC)", ordering="id")
    def when(self, event: AuditEvent) -> str:
        """The moment, to the second."""
        return f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="who", ordering="actor_label")
    def actor(self, event: AuditEvent) -> str:
        """Name who did it, and the kind where it is no person."""
        if event.actor_kind == "user":
            return event.actor_label
        kind = event.get_actor_kind_display().lower()
        return event.actor_label if event.actor_label in ("", kind) else f"{event.actor_label} ({kind})"

    @admin.display(description="to what")
    def of(self, event: AuditEvent) -> str:
        """Name the object; people by their names, where the event has them."""
        name: object = None
        if event.object_type == "user":
            name = (event.after or {}).get("username") or (event.before or {}).get("user")
            if name is None and event.object_id == str(event.actor_id):
                name = event.actor_label
        return f"{event.object_type} {name or event.object_id}"

    @admin.display(description="changes")
    def summary(self, event: AuditEvent) -> str:
        """Say what changed, on one line."""
        parts = [
            f"{name}: {_short(after)}" if before is None else f"{name}: {_short(before)} → {_short(after)}"
            for name, before, after in changes_of(event)
            if before not in _NOTHING or after not in _NOTHING
        ]
        more = len(parts) - _SHOWN_CHANGES
        return "; ".join(parts[:_SHOWN_CHANGES]) + (f" and {more} more" if more > 0 else "")

    @admin.display(description="changes")
    def changes(self, event: AuditEvent) -> SafeString:
        """Show what changed, field by field."""
        rows = format_html_join(
            "",
            '<tr><th scope="row">{}</th><td class="before">{}</td><td class="after">{}</td></tr>',
            ((name, _text(before), _text(after)) for name, before, after in changes_of(event)),
        )
        if not rows:
            return format_html("<span>{}</span>", "Nothing but the fact itself.")
        return format_html(
            '<table class="diff"><thead><tr><th>Field</th><th>Before</th><th>After</th></tr></thead>'
            "<tbody>{}</tbody></table>",
            rows,
        )


def changes_of(event: AuditEvent) -> list[tuple[str, Any, Any]]:
    """Return the changed fields with what they were and what they are."""
    before, after = event.before or {}, event.after or {}
    names = [*before, *(name for name in after if name not in before)]
    return [(name, before.get(name), after.get(name)) for name in names]


def _text(value: Any) -> str:
    if value in _NOTHING:
        return "–"  # noqa: RUF001 - a dash for nothing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def _short(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
