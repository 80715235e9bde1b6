"""The back office's window on rules. What is made, changed and deleted here goes through the services."""

from collections.abc import Sequence
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.models import Account
from banking.models import BankAccount, Rule, RuleApplication
from banking.rules.applying import Plan, Selection, check_rules, plan
from banking.rules.background import AT_ONCE_MAX, apply_or_start
from banking.rules.keeping import RuleFields, check_rule, create_rule, delete_rule, update_rule
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, encode_optional_id
from ledger.models import Entity
from ledger.money import as_text
from ledger.office.access import Duty, company_ids, own_memberships, user_actor
from ledger.office.windows import CompanyFilter, CompanyWindowAdmin

# A page with more than that is no longer read by anybody; the counts are of all.
SHOWN_MAX: Final = 200
# The form's names of what the services and the API call otherwise.
_TO_SERVICE: Final = {"category_account": "category_account_id", "bank_account": "bank_account_id"}
_FROM_WIRE: Final = {
    "amountMin": "amount_least",
    "amountMax": "amount_most",
    "categoryId": "category_account",
    "bankAccountId": "bank_account",
}


class RuleForm(forms.ModelForm):
    """A rule; the company is that of its category account. Checks by asking the services."""

    class Meta:
        model = Rule
        fields = (
            "name",
            "category_account",
            "priority",
            "contains",
            "regex",
            "counterparty",
            "direction",
            "amount_least",
            "amount_most",
            "bank_account",
            "auto_approve",
            "enabled",
        )

    def clean(self) -> dict[str, Any]:
        """Refuse what the services would refuse, at the fields where it was written."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        category = values.get("category_account")
        if category is None or self.errors:
            return values
        is_new = self.instance._state.adding
        try:
            check_rule(
                entity=Entity.objects.get(id=category.entity_id if is_new else self.instance.entity_id),
                fields=self.fields_for_service(),
                rule=None if is_new else Rule.objects.get(id=self.instance.pk),
            )
        except LedgerError as error:
            if not error.details:
                self.add_error(None, error.message)
            for field, message in error.details:
                name = _FROM_WIRE.get(field, field)
                self.add_error(name if name in self.fields else None, message)
        return values

    def fields_for_service(self) -> RuleFields:
        """What was written, in the service's words; of a rule that is there, what was changed."""
        names = self.fields if self.instance._state.adding else self.changed_data
        values: dict[str, Any] = {}
        for name in names:
            value = self.cleaned_data[name]
            if name in _TO_SERVICE:
                value = value and value.pk
            values[_TO_SERVICE.get(name, name)] = value
        return cast("RuleFields", values)


@admin.register(Rule)
class RuleAdmin(CompanyWindowAdmin):
    """The rules of the person's companies, in the order in which each company's are asked. Who may change a
    company's books keeps its rules."""

    form = RuleForm
    list_display = (
        "name",
        "entity",
        "priority",
        "conditions",
        "category_account",
        "bank_account",
        "auto_approve",
        "enabled",
    )
    list_filter = (CompanyFilter, "enabled", "auto_approve")
    list_select_related = ("entity", "category_account", "bank_account")
    ordering = ("entity_id", "priority", "created_at", "id")
    search_fields = ("name", "contains", "regex", "counterparty")
    search_help_text = "A word of the name or of the conditions"
    readonly_fields = ("company", "public_id", "created_at", "updated_at")
    actions = ("preview", "apply")

    @admin.display(description="conditions")
    def conditions(self, rule: Rule) -> str:
        """Show what a line must look like, in a few words."""
        parts = [
            f'"{rule.contains}"' if rule.contains else "",
            f"/{rule.regex}/" if rule.regex else "",
            f"from or to {rule.counterparty}" if rule.counterparty else "",
            f"money {rule.direction}" if rule.direction != "any" else "",
            f"{rule.amount_least:f} or more" if rule.amount_least is not None else "",
            f"{rule.amount_most:f} or less" if rule.amount_most is not None else "",
        ]
        return ", ".join(part for part in parts if part)

    @admin.display(description="company")
    def company(self, rule: Rule) -> str:
        """Show whose rule it is; a new one is of the company that has its category account."""
        if rule._state.adding:
            return "the company of the category account"
        return f"{rule.entity} ({rule.entity.public_id})"

    # --- who may ------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever keeps the books of a company."""
        return bool(company_ids(request, Duty.KEEP))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever keeps the books of the rule's company."""
        ids = company_ids(request, Duty.KEEP)
        return bool(ids) if obj is None else obj.entity_id in ids

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may change it."""
        return self.has_change_permission(request, obj)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """The company's own page of a new rule, which also tries it; a form over all of the person's
        companies where none is chosen."""
        ids = company_ids(request, Duty.KEEP)
        kept = [one.entity for one in own_memberships(request) if one.entity_id in ids]
        chosen = QueryDict(request.GET.get("_changelist_filters", "")).get("company")
        if chosen is not None:
            kept = [one for one in kept if one.public_id == chosen]
        if request.method == "GET" and len(kept) == 1:
            return HttpResponseRedirect(reverse("office:rule-new", kwargs={"company": kept[0].public_id}))
        return super().add_view(request, form_url, extra_context)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer and take the accounts of the rule's company; for a new one, of the companies whose books the
        person keeps, with their names. No other company's."""
        models = {"category_account": Account, "bank_account": BankAccount}
        if db_field.name not in models:
            return super().formfield_for_foreignkey(db_field, request, **kwargs)
        rows: Any = models[db_field.name]._default_manager
        ids = self._companies_of_form(request)
        kwargs["queryset"] = rows.filter(entity_id__in=ids).select_related("entity")
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and len(ids) > 1:
            field.label_from_instance = lambda one: f"{one} ({one.entity})"
        return field

    def _companies_of_form(self, request: HttpRequest) -> list[UUID]:
        ids = company_ids(request, Duty.KEEP)
        match = request.resolver_match
        rule_id = match.kwargs.get("object_id") if match is not None else None
        if rule_id is None:
            return ids
        rule = self.get_object(request, rule_id)
        return [] if rule is None else [one for one in ids if one == rule.entity_id]

    # --- changes, through the services --------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the form, and say what a service refused after the form was found right."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except LedgerError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        """Save through the services."""
        fields, actor = form.fields_for_service(), user_actor(request)
        if change:
            update_rule(entity=obj.entity, rule_id=obj.pk, fields=fields, actor=actor)
            return
        entity = Entity.objects.get(id=form.cleaned_data["category_account"].entity_id)
        made = create_rule(entity=entity, fields=fields, actor=actor)
        obj.pk, obj.entity = made.pk, entity

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        """Delete through the service."""
        delete_rule(entity=obj.entity, rule_id=obj.pk, actor=user_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """Delete each through the service."""
        for rule in queryset.select_related("entity"):
            self.delete_model(request, rule)

    # --- applying -----------------------------------------------------------------------------------

    @admin.action(description="Show what it would change", permissions=["change"])
    def preview(self, request: HttpRequest, chosen: QuerySet[Rule]) -> HttpResponse | None:
        """List what the chosen rules would change, and change nothing."""
        return self._previewed(request, chosen)

    @admin.action(description="Apply to what is uncategorized", permissions=["change"])
    def apply(self, request: HttpRequest, chosen: QuerySet[Rule]) -> HttpResponse | None:
        """List what the chosen rules would change; apply them once that was confirmed."""
        if "confirmed" not in request.POST:
            return self._previewed(request, chosen)
        rules = list(self.rows_to_act_on(request, chosen).select_related("entity"))
        entity = self._one_company(request, rules)
        if entity is None:
            return None
        selection = Selection(rule_ids=tuple(rule.id for rule in rules))
        try:
            check_rules(entity, selection.rule_ids or (), to_apply=True)
            done = apply_or_start(entity=entity, selection=selection, actor=user_actor(request))
        except LedgerError as error:
            self.message_user(request, error.message, messages.ERROR)
            return None
        if isinstance(done, Plan):
            approved = sum(change.approves for change in done.changes)
            text = f"{len(done.changes)} transactions changed, {approved} of them approved."
        else:
            text = f"The rules are applied in the background: {done.public_id} says how far they are."
        self.message_user(request, text, messages.SUCCESS)
        return None

    def _previewed(self, request: HttpRequest, chosen: QuerySet[Rule]) -> HttpResponse | None:
        rules = list(self.rows_to_act_on(request, chosen).select_related("entity"))
        entity = self._one_company(request, rules)
        if entity is None:
            return None
        selection = Selection(rule_ids=tuple(rule.id for rule in rules))
        try:
            planned = plan(entity, selection, size=AT_ONCE_MAX, even_disabled=True)
        except LedgerError as error:
            self.message_user(request, error.message, messages.ERROR)
            return None
        context = self.admin_site.each_context(request) | {
            "title": "What the rules would change",
            "opts": self.opts,
            "entity": entity,
            "rules": rules,
            "plan": planned,
            "approved": sum(change.approves for change in planned.changes),
            "shown": [
                (change, as_text(change.found.candidate.amount, change.found.currency))
                for change in planned.changes[:SHOWN_MAX]
            ],
            "hidden": max(0, len(planned.changes) - SHOWN_MAX),
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "banking/rules_preview.html", context)

    def _one_company(self, request: HttpRequest, rules: Sequence[Rule]) -> Entity | None:
        if not rules:
            return None
        companies = {rule.entity_id for rule in rules}
        if len(companies) == 1:
            return rules[0].entity
        self.message_user(
            request, "Choose rules of one company: each company has its own books.", messages.ERROR
        )
        return None


@admin.register(RuleApplication)
class RuleApplicationAdmin(CompanyWindowAdmin):
    """Which rule changed what, newest first."""

    list_display = ("applied_at", "rule_name", "entity", "transaction", "approved")
    list_filter = (CompanyFilter, "approved")
    list_select_related = ("entity",)
    search_fields = ("=rule_id", "=transaction_id")
    search_help_text = "The id (UUID) of a rule or of a transaction, in full"
    ordering = ("-id",)
    list_per_page = 50

    @admin.display(description="transaction")
    def transaction(self, row: RuleApplication) -> str | None:
        """Show the transaction's id as the API has it."""
        return encode_optional_id(Prefix.TRANSACTION, row.transaction_id)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Everything: the record is only added to."""
        return [field.name for field in self.opts.fields]
