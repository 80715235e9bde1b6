"""Pages of those who look after the installation: people, keys, developers, and who is in which company. They
show no books."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from ledger.choices import Role
from ledger.exceptions import LedgerError, NotFoundError
from ledger.ids import Prefix, decode_id
from ledger.models import ApiKey, Entity, Membership, User
from ledger.office.forms import (
    InviteForm,
    NewDeveloperForm,
    NewKeyForm,
    NewSuperuserForm,
    PersonForm,
    RoleForm,
    RotateForm,
    SettingsForm,
    show_refusal,
)
from ledger.office.pages import OfficePage
from ledger.office.people import members_of
from ledger.services.developers import Preferences, create_developer
from ledger.services.keys import create_key, revoke_key, rotate_key
from ledger.services.memberships import grant_membership, revoke_membership
from ledger.services.people import (
    create_person,
    disable_person,
    enable_person,
    find_person,
    give_one_time_password,
    update_person,
)
from ledger.services.second_factor import remove_second_factor


class InstallationPage(OfficePage):
    """A page for superusers."""

    template_name = "office/installation_form.html"
    form_class: type[forms.Form] = forms.Form
    button = "Save"

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let superusers in, and nobody else."""
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().answer(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do what the form says; one that cannot be taken is shown again."""
        form = self.form_class(request.POST)
        if form.is_valid():
            try:
                return self.do(form)
            except LedgerError as error:
                show_refusal(form, error)
        return self.render_to_response(self.get_context_data(**kwargs, form=form), status=400)

    def do(self, form: forms.Form) -> HttpResponseBase:
        """Call the service and answer."""
        raise NotImplementedError

    def once(self, what: str, secret: str, **context: Any) -> HttpResponse:
        """Show a secret, this once."""
        return self.render_to_response(self.get_context_data(what=what, secret=secret, **context))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the form and its button."""
        if "form" not in kwargs and "secret" not in kwargs:
            kwargs["form"] = self.form_class()
        return super().get_context_data(
            **{"button": self.button, "back": self.back(), "timezones": SettingsForm.timezones, **kwargs}
        )

    def back(self) -> str:
        """The window that the page belongs to."""
        return reverse("admin:ledger_apikey_changelist")


class NewKeyPage(InstallationPage):
    """A new API key."""

    title = "New API key"
    form_class = NewKeyForm
    button = "Create key"

    def do(self, form: forms.Form) -> HttpResponseBase:
        """Make it and show its secret."""
        values = form.cleaned_data
        ends = timezone.now() + timedelta(days=values["days"]) if values["days"] else None
        new = create_key(
            developer=values["developer"], name=values["name"], expires_at=ends, actor=self.actor
        )
        return self.once(f"Key {new.key.public_id} ({new.key.name})", new.secret)


class KeyPage(InstallationPage):
    """What is done to one API key."""

    key: ApiKey

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the key of the address."""
        if request.user.is_superuser:
            try:
                key_id = decode_id(Prefix.API_KEY, kwargs["key"], field="key")
            except LedgerError as error:
                raise Http404(error.message) from error
            found = ApiKey.objects.select_related("developer").filter(id=key_id).first()
            if found is None:
                raise Http404
            self.key = found
        return super().answer(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the key."""
        return super().get_context_data(**{**kwargs, "key": self.key})


class RotateKeyPage(KeyPage):
    """A new key in the place of one, which goes on working for a while."""

    title = "Rotate API key"
    form_class = RotateForm
    button = "Make a new key"

    def do(self, form: forms.Form) -> HttpResponseBase:
        """Make the new one and show its secret."""
        hours = form.cleaned_data["grace_hours"]
        new = rotate_key(key=self.key, grace_hours=hours, actor=self.actor)
        return self.once(f"Key {new.key.public_id} ({new.key.name})", new.secret)


class RevokeKeyPage(KeyPage):
    """The end of a key."""

    title = "Revoke API key"
    button = "Revoke: its tokens stop working"

    def do(self, form: forms.Form) -> HttpResponseBase:
        """End it."""
        key = revoke_key(key=self.key, actor=self.actor)
        self.say(f"{key} is revoked.")
        return HttpResponseRedirect(self.back())


class NewDeveloperPage(InstallationPage):
    """A new developer."""

    title = "New developer"
    form_class = NewDeveloperForm
    button = "Create developer"

    def do(self, form: forms.Form) -> HttpResponseBase:
        """Make it with its first key, and show that key's secret."""
        values = form.cleaned_data
        preferences = Preferences()
        if values["currency"]:
            preferences["currency"] = values["currency"]
        if values["timezone"]:
            preferences["timezone"] = values["timezone"]
        made = create_developer(
            name=values["name"],
            email=values["email"],
            industry=values["industry"],
            preferences=preferences,
            actor=self.actor,
        )
        return self.once(f"First key of {made.developer} ({made.developer.public_id})", made.first_key.secret)

    def back(self) -> str:
        """The developers."""
        return reverse("admin:ledger_developer_changelist")


class NewPersonPage(InstallationPage):
    """Somebody who is new to the back office."""

    title = "New person"
    form_class = NewSuperuserForm
    button = "Create person"

    def do(self, form: forms.Form) -> HttpResponseBase:
        """Make them and show their first password."""
        made = create_person(**form.cleaned_data, actor=self.actor)
        return self.once(f"Password of {made.user} for the first log-in", made.one_time_password)

    def back(self) -> str:
        """The people."""
        return reverse("admin:ledger_user_changelist")


class PersonPage(InstallationPage):
    """One person: names, companies, password, second factor, and whether they may come in."""

    template_name = "office/person.html"
    form_class = PersonForm
    person: User

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the person of the address."""
        if request.user.is_superuser:
            found = User.objects.filter(pk=cast("UUID", kwargs["person"])).first()
            if found is None:
                raise Http404
            self.person = found
        return super().answer(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do what the button says."""
        do = {
            "password": self._password,
            "disable": self._disable,
            "enable": self._enable,
            "second-factor": self._second_factor,
        }.get(request.POST.get("do", ""))
        if do is None:
            return super().post(request, *args, **kwargs)
        try:
            return do()
        except LedgerError as error:
            self.complain(error.message)
            return HttpResponseRedirect(request.path)

    def do(self, form: forms.Form) -> HttpResponseBase:
        """Save the names."""
        update_person(user=self.person, changes=cast("Any", form.cleaned_data), actor=self.actor)
        return self._said("Saved.")

    def get_title(self) -> str:
        """The person's user name."""
        return self.person.get_username()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the person and their companies."""
        names = ("first_name", "last_name", "email")
        kwargs.setdefault("form", PersonForm(initial={name: getattr(self.person, name) for name in names}))
        memberships = Membership.objects.filter(user=self.person).select_related("entity")
        return super().get_context_data(
            **{**kwargs, "person": self.person, "memberships": memberships.order_by("entity__legal_name")}
        )

    def back(self) -> str:
        """The people."""
        return reverse("admin:ledger_user_changelist")

    def _password(self) -> HttpResponseBase:
        made = give_one_time_password(user=self.person, actor=self.actor)
        return self.once("Password for the next log-in", made.one_time_password)

    def _disable(self) -> HttpResponseBase:
        disable_person(user=self.person, actor=self.actor)
        return self._said(f"{self.person} may no longer log in.")

    def _enable(self) -> HttpResponseBase:
        enable_person(user=self.person, actor=self.actor)
        return self._said(f"{self.person} may log in again.")

    def _second_factor(self) -> HttpResponseBase:
        remove_second_factor(user=self.person, actor=self.actor)
        return self._said(f"{self.person} may set up a new second factor.")

    def _said(self, what: str) -> HttpResponseBase:
        self.say(what)
        return HttpResponseRedirect(self.request.path)


class MembersPage(InstallationPage):
    """Who is in a company: superusers put the first owner in."""

    template_name = "office/members.html"
    form_class = InviteForm
    button = "Let in"
    entity: Entity

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the company of the address."""
        if request.user.is_superuser:
            try:
                entity_id = decode_id(Prefix.ENTITY, kwargs["company"], field="company")
            except LedgerError as error:
                raise Http404(error.message) from error
            found = Entity.objects.filter(id=entity_id).first()
            if found is None:
                raise Http404
            self.entity = found
        return super().answer(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let in who is named, or change or take out who is there."""
        if request.POST.get("do") in ("role", "remove"):
            try:
                return self._change(request.POST["do"])
            except LedgerError as error:
                self.complain(error.message)
                return HttpResponseRedirect(request.path)
        return super().post(request, *args, **kwargs)

    def do(self, form: forms.Form) -> HttpResponseBase:
        """Let somebody in."""
        user, role = find_person(form.cleaned_data["name"]), Role(form.cleaned_data["role"])
        grant_membership(user=user, entity=self.entity, role=role, actor=self.actor)
        self.say(f"{user} is in {self.entity} as {role}.")
        return HttpResponseRedirect(self.request.path)

    def get_title(self) -> str:
        """The company's name."""
        return f"People of {self.entity}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add who is there."""
        members = [
            {"membership": one, "form": RoleForm(initial={"user": one.user_id, "role": one.role})}
            for one in members_of(self.entity)
        ]
        # Not `company`: the frame would take the page for one of its books.
        return super().get_context_data(
            **{**kwargs, "entity": self.entity, "members": members, "company": None}
        )

    def back(self) -> str:
        """The company in the directory."""
        return reverse("admin:ledger_entity_change", args=[self.entity.pk])

    def _change(self, do: str) -> HttpResponseBase:
        form = RoleForm(self.request.POST)
        if do == "remove":
            form.fields.pop("role")
        if not form.is_valid():
            raise NotFoundError("There is no such person, or no such role.")
        user = form.cleaned_data["user"]
        if not members_of(self.entity).filter(user=user).exists():
            raise NotFoundError("There is no such person in this company.")
        if do == "remove":
            revoke_membership(user=user, entity=self.entity, actor=self.actor)
            self.say(f"{user} is no longer in {self.entity}.")
        else:
            role = Role(form.cleaned_data["role"])
            grant_membership(user=user, entity=self.entity, role=role, actor=self.actor)
            self.say(f"{user} is {role} now.")
        return HttpResponseRedirect(self.request.path)
