"""Forms of the pages about people, companies and keys: they read what was typed; services decide."""

from typing import Any, ClassVar, Final
from zoneinfo import available_timezones

from django import forms

from ledger.choices import AccountingMethod, EntityType, NotificationFrequency, Role
from ledger.exceptions import LedgerError
from ledger.models import Developer, Entity, User
from ledger.services.keys import GRACE_HOURS_MAX, NAME_LENGTH_MAX

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
ADDRESS: Final = ("street", "city", "state", "zip", "country")
DAYS_MAX: Final = 3650
ROLES: Final = (
    (Role.OWNER, "Owner: everything, people and settings too"),
    (Role.ACCOUNTANT, "Accountant: keeps and closes the books"),
    (Role.AUDITOR, "Auditor: reads the books"),
    (Role.OPERATOR, "Operator: feeds and background work, no books"),
)

_KINDS: Final = (("", "Not said"), *((one.value, one.label) for one in EntityType))


def show_refusal(form: forms.Form, error: LedgerError) -> None:
    """Show what a service refused beside the fields that it names, or above them all."""
    for detail in error.details:
        form.add_error(detail.field if detail.field in form.fields else None, detail.message)
    if not error.details:
        form.add_error(None, error.message)


class InviteForm(forms.Form):
    """Lets somebody into a company who works in the back office already."""

    name = forms.CharField(label="User name", max_length=150)
    role = forms.ChoiceField(choices=ROLES)


class RoleForm(forms.Form):
    """What somebody is in a company."""

    user = forms.ModelChoiceField(User.objects.all(), widget=forms.HiddenInput)
    role = forms.ChoiceField(choices=ROLES)


class NewPersonForm(forms.Form):
    """Somebody who is new to the back office."""

    username = forms.CharField(label="User name", max_length=150)
    email = forms.EmailField(label="E-mail address", required=False)


class NewMemberForm(NewPersonForm):
    """Somebody who is new to the back office, and what they are in the company."""

    role = forms.ChoiceField(choices=ROLES)


class NewSuperuserForm(NewPersonForm):
    """Somebody who is new to the back office, and whether they look after the installation."""

    superuser = forms.BooleanField(
        label="Looks after the installation: companies, developers, keys, people; no books", required=False
    )


class PersonForm(forms.Form):
    """What can be said of a person."""

    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(label="E-mail address", required=False)


class DetailsForm(forms.Form):
    """What can be said of a company."""

    legal_name = forms.CharField(max_length=255)
    entity_type = forms.ChoiceField(label="Kind", choices=_KINDS, required=False)
    tin = forms.CharField(label="Tax number", max_length=50, required=False)
    us_state = forms.CharField(
        label="State of registration", max_length=2, required=False, help_text="Two letters, as NY"
    )
    phone_number = forms.CharField(max_length=50, required=False)
    website = forms.CharField(max_length=500, required=False)
    street = forms.CharField(max_length=255, required=False)
    city = forms.CharField(max_length=255, required=False)
    state = forms.CharField(max_length=100, required=False)
    zip = forms.CharField(label="ZIP code", max_length=20, required=False)
    country = forms.CharField(max_length=100, required=False)

    @staticmethod
    def of(entity: Entity, tin: str | None) -> dict[str, Any]:
        """Return what the form shows of the company at first; `tin` is its tax number, masked."""
        names = ("legal_name", "entity_type", "us_state", "phone_number", "website")
        shown = {name: getattr(entity, name) or "" for name in names}
        address = {name: (entity.address or {}).get(name) or "" for name in ADDRESS}
        return shown | address | {"tin": tin or ""}

    def changes(self, entity: Entity) -> dict[str, Any]:
        """Return the fields that differ from the company's, as `update_entity` takes them."""
        changed = {name: self.cleaned_data[name] or None for name in self.changed_data}
        parts = {name: changed.pop(name) for name in ADDRESS if name in changed}
        if parts:
            whole = (entity.address or {}) | parts
            changed["address"] = {name: part for name, part in whole.items() if part} or None
        return changed


class SettingsForm(forms.Form):
    """How a company's books are kept, but for what locks them: currency and closing."""

    timezone = forms.CharField(
        label="Time zone", max_length=64, widget=forms.TextInput(attrs={"list": "timezones"})
    )
    fiscal_year_start = forms.TypedChoiceField(
        label="Fiscal year begins in", choices=list(enumerate(MONTHS, 1)), coerce=int
    )
    accounting_method = forms.ChoiceField(
        label="Statements are read by", choices=[(one, one.title()) for one in AccountingMethod.values]
    )
    notification_frequency = forms.ChoiceField(
        label="Notifications", choices=[(one, one.title()) for one in NotificationFrequency.values]
    )
    smart_suggestions = forms.BooleanField(label="Suggest categories of bank lines", required=False)
    smart_assistant = forms.BooleanField(label="Answer questions in plain language", required=False)
    smart_summary = forms.BooleanField(label="Write a summary of each month", required=False)

    timezones: ClassVar[list[str]] = sorted(available_timezones())

    def changes(self) -> dict[str, Any]:
        """Return the settings that differ from the company's."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class NewKeyForm(forms.Form):
    """A new API key."""

    developer = forms.ModelChoiceField(
        Developer.objects.order_by("name", "id"),
        required=False,
        empty_label="None: an admin key, which manages developers and reaches no books",
    )
    name = forms.CharField(max_length=NAME_LENGTH_MAX, help_text="What it is for, or who uses it")
    days = forms.IntegerField(
        label="Works for (days)",
        required=False,
        min_value=1,
        max_value=DAYS_MAX,
        help_text="Empty: until it is revoked",
    )


class RotateForm(forms.Form):
    """How long a key goes on working beside the new one."""

    grace_hours = forms.IntegerField(
        label="The former key works for (hours)", min_value=0, max_value=GRACE_HOURS_MAX, initial=24
    )


class NewDeveloperForm(forms.Form):
    """A new developer."""

    name = forms.CharField(max_length=200, help_text="The name of the platform")
    email = forms.EmailField(label="E-mail address", required=False)
    industry = forms.CharField(max_length=100, required=False)
    currency = forms.CharField(
        label="Currency of new companies", max_length=3, required=False, help_text="ISO 4217, as EUR"
    )
    timezone = forms.CharField(
        label="Time zone of new companies",
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"list": "timezones"}),
    )


class CodeForm(forms.Form):
    """A code of an authenticator app, or a recovery code."""

    code = forms.CharField(
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": "", "size": 24}
        ),
    )


class PasswordForm(forms.Form):
    """The password once more, before something that matters."""

    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
