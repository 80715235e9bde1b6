"""The page `people`: who is in the company, and its settings."""

from typing import Any, ClassVar, cast

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from ledger.choices import Role
from ledger.exceptions import LedgerError, NotFoundError, ValidationError
from ledger.models import Entity, Membership
from ledger.office.access import Duty
from ledger.office.forms import (
    DetailsForm,
    InviteForm,
    NewMemberForm,
    RoleForm,
    SettingsForm,
    show_refusal,
)
from ledger.office.pages import CompanyPage
from ledger.services.entities import masked, tax_number, update_entity
from ledger.services.memberships import create_member, grant_membership, revoke_membership
from ledger.services.people import find_colleague
from ledger.services.settings import settings_of, update_settings


def members_of(entity: Entity) -> QuerySet[Membership]:
    """Return who is in the company, by user name; the people themselves are in the same query."""
    return Membership.objects.filter(entity_id=entity.id).select_related("user").order_by("user__username")


class PeoplePage(CompanyPage):
    """Who is in the company, and its settings: for owners."""

    title = "People and settings"
    template_name = "office/people.html"
    duty = Duty.MANAGE
    duty_to_change = Duty.MANAGE

    forms_by_name: ClassVar[dict[str, type[forms.Form]]] = {
        "invite": InviteForm,
        "create": NewMemberForm,
        "role": RoleForm,
        "remove": RoleForm,
        "details": DetailsForm,
        "settings": SettingsForm,
    }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do what the form named by `do` says; a form that cannot be taken is shown again."""
        name = request.POST.get("do", "")
        if name not in self.forms_by_name:
            return HttpResponseRedirect(request.get_full_path())
        form = self.forms_by_name[name](request.POST, initial=self._initial(name))
        if name == "remove":
            form.fields.pop("role")
        if form.is_valid():
            try:
                answer = getattr(self, f"do_{name}")(form)
            except LedgerError as error:
                if name in ("role", "remove"):  # their forms stand in the list, one beside each person
                    raise
                show_refusal(form, error)
            else:
                return answer or HttpResponseRedirect(request.get_full_path())
        if name in ("role", "remove"):
            raise ValidationError("There is no such person in this company, or no such role.")
        return self.render_to_response(self.get_context_data(**kwargs, **{f"{name}_form": form}), status=400)

    def do_invite(self, form: forms.Form) -> None:
        """Let somebody in who works in the back office already."""
        user = find_colleague(form.cleaned_data["name"])
        self._grant(user, form.cleaned_data["role"])
        self.say(f"{user.get_username()} is in {self.company} as {form.cleaned_data['role']}.")

    def do_create(self, form: forms.Form) -> HttpResponse:
        """Make somebody who is new, let them in, and show their first password this once."""
        values = form.cleaned_data
        made = create_member(
            entity=self.company,
            username=values["username"],
            email=values["email"],
            role=Role(values["role"]),
            actor=self.actor,
        )
        return self.render_to_response(self.get_context_data(made=made))

    def do_role(self, form: forms.Form) -> None:
        """Make somebody something else in the company."""
        user = self._member(form)
        self._grant(user, form.cleaned_data["role"])
        self.say(f"{user.get_username()} is {form.cleaned_data['role']} now.")

    def do_remove(self, form: forms.Form) -> HttpResponseBase | None:
        """Take somebody out of the company."""
        user = self._member(form)
        revoke_membership(user=user, entity=self.company, actor=self.actor)
        self.say(f"{user.get_username()} is no longer in {self.company}.")
        return HttpResponseRedirect("/admin/") if user.pk == self.request.user.pk else None

    def do_details(self, form: DetailsForm) -> None:
        """Change names and contacts."""
        changes = form.changes(self.company)
        update_entity(entity=self.company, changes=cast("Any", changes), actor=self.actor)
        self.say("Saved.")

    def do_settings(self, form: SettingsForm) -> None:
        """Change how the books are kept."""
        update_settings(entity=self.company, changes=cast("Any", form.changes()), actor=self.actor)
        self.say("Saved.")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the members and the forms."""
        for name in ("invite", "create", "details", "settings"):
            form = self.forms_by_name[name]
            kwargs.setdefault(f"{name}_form", form(initial=self._initial(name)))
        members = list(members_of(self.company))
        return super().get_context_data(
            **{
                "members": [
                    {"membership": one, "form": RoleForm(initial={"user": one.user_id, "role": one.role})}
                    for one in members
                ],
                "timezones": SettingsForm.timezones,
                **kwargs,
            }
        )

    def _initial(self, name: str) -> dict[str, Any]:
        if name == "details":
            return DetailsForm.of(self.company, masked(tax_number(self.company)))
        if name == "settings":
            return settings_of(self.company)
        return {"role": Role.ACCOUNTANT} if name in ("invite", "create") else {}

    def _grant(self, user: Any, role: str) -> None:
        grant_membership(user=user, entity=self.company, role=Role(role), actor=self.actor)

    def _member(self, form: forms.Form) -> Any:
        """The person of the form, where they are in this company; a stranger is as good as nobody."""
        found = members_of(self.company).filter(user=form.cleaned_data["user"]).first()
        if found is None:
            raise NotFoundError("There is no such person in this company.")
        return found.user
