"""A person's own log-in: the code that it asks for, the second factor, the password."""

from typing import Any, cast

import segno
from django.conf import settings
from django.contrib.auth import authenticate, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.forms import AdminOwnPasswordChangeForm

from ledger.exceptions import LedgerError
from ledger.models import Authenticator, User
from ledger.office.forms import CodeForm, PasswordForm, show_refusal
from ledger.office.gate import is_verified, note_verified
from ledger.office.pages import OfficePage
from ledger.services.people import set_password
from ledger.services.second_factor import (
    begin_second_factor,
    check_second_factor,
    confirm_second_factor,
    enrolment_uri,
    key_of,
    remove_second_factor,
    renew_recovery_codes,
)


class OwnPage(OfficePage):
    """A page about the person who is logged in."""

    @property
    def person(self) -> User:
        """Who is logged in."""
        return cast("User", self.request.user)

    def onward(self) -> str:
        """Where the person wanted to go, within this site alone."""
        wanted = self.request.GET.get("next", "")
        good = url_has_allowed_host_and_scheme(
            wanted, {self.request.get_host()}, require_https=self.request.is_secure()
        )
        return wanted if good else reverse("admin:index")

    def is_known_by(self, password: str) -> bool:
        """Whether it is the person's password; asked as the log-in asks, so that guesses are counted,
        recorded and stopped here too."""
        name = self.person.get_username()
        return authenticate(self.request, username=name, password=password) is not None

    def again(self, status: int = 400, **context: Any) -> HttpResponse:
        """Show the page once more, with what was typed."""
        return self.render_to_response(self.get_context_data(**context), status=status)


class CodePage(OwnPage):
    """The log-in's second step: nothing of the back office opens before the code is right."""

    title = "Second step"
    template_name = "office/second_factor_code.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the code, where one is needed."""
        if self.person.second_factor_since is None or is_verified(request):
            return HttpResponseRedirect(self.onward())
        return self.again(200, form=CodeForm())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the code."""
        form = CodeForm(request.POST)
        if form.is_valid():
            try:
                check_second_factor(user=self.person, code=form.cleaned_data["code"], actor=self.actor)
            except LedgerError as error:
                show_refusal(form, error)
            else:
                note_verified(request)
                return HttpResponseRedirect(self.onward())
        return self.again(form=form)


class SecondFactorPage(OwnPage):
    """Setting up the second factor, its recovery codes, and its removal."""

    title = "Second factor"
    template_name = "office/second_factor.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do what the form named by `do` says."""
        do = {
            "begin": self._begin,
            "confirm": self._confirm,
            "renew": self._renew,
            "remove": self._remove,
        }.get(request.POST.get("do", ""))
        return do() if do is not None else HttpResponseRedirect(request.get_full_path())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the person is to do next."""
        begun = Authenticator.objects.filter(user=self.person, confirmed=False).first()
        if begun is not None:
            kwargs["key"] = " ".join(_fours(key_of(begun)))
            # A picture by its data: no mark-up of ours is made of it.
            kwargs["picture"] = segno.make(enrolment_uri(begun), error="m").svg_data_uri(
                scale=5, border=3, light="#fff"
            )
        return super().get_context_data(
            **{
                "required": settings.SECOND_FACTOR_REQUIRED,
                "since": self.person.second_factor_since,
                "code_form": CodeForm(),
                "renew_form": PasswordForm(prefix="renew"),
                "remove_form": PasswordForm(prefix="remove"),
                **kwargs,
            }
        )

    def _begin(self) -> HttpResponseBase:
        try:
            begin_second_factor(user=self.person)
        except LedgerError as error:
            self.complain(error.message)
        return HttpResponseRedirect(self.request.get_full_path())

    def _confirm(self) -> HttpResponseBase:
        form = CodeForm(self.request.POST)
        if form.is_valid():
            try:
                codes = confirm_second_factor(
                    user=self.person, code=form.cleaned_data["code"], actor=self.actor
                )
            except LedgerError as error:
                show_refusal(form, error)
            else:
                note_verified(self.request)
                return self.again(200, codes=codes, onward=self.onward())
        return self.again(code_form=form)

    def _renew(self) -> HttpResponseBase:
        form = PasswordForm(self.request.POST, prefix="renew")
        if self._knows_password(form):
            return self.again(200, codes=renew_recovery_codes(user=self.person, actor=self.actor))
        return self.again(renew_form=form)

    def _remove(self) -> HttpResponseBase:
        form = PasswordForm(self.request.POST, prefix="remove")
        if not self._knows_password(form):
            return self.again(remove_form=form)
        remove_second_factor(user=self.person, actor=self.actor)
        self.say("Your second factor is removed: a password is enough to log in.")
        return HttpResponseRedirect(self.request.get_full_path())

    def _knows_password(self, form: PasswordForm) -> bool:
        if not form.is_valid():
            return False
        if not self.is_known_by(form.cleaned_data["password"]):
            form.add_error("password", "This is not your password.")
            return False
        return True


class PasswordPage(OwnPage):
    """A person's own password; in the place of Django's page, which would write past the services."""

    title = "Your password"
    template_name = "office/password.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form."""
        return self.again(200, form=AdminOwnPasswordChangeForm(self.person))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Change the password; this session goes on, others of the person end."""
        form = AdminOwnPasswordChangeForm(self.person, request.POST)
        given = request.POST.get("old_password", "")
        if given and not self.is_known_by(given) and form.is_valid():
            form.add_error("old_password", "Too many wrong passwords were given; wait before you try again.")
        if form.is_valid():
            try:
                user = set_password(
                    user=self.person, password=form.cleaned_data["new_password1"], actor=self.actor
                )
            except LedgerError as error:
                show_refusal(form, error)
            else:
                update_session_auth_hash(request, user)
                self.say("Your password is changed.")
                return HttpResponseRedirect(self.onward())
        return self.again(form=form)


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Return what the menu of the person who is logged in offers."""
    return [
        {"title": "Second factor", "link": reverse("office:second-factor")},
        {"title": "Change password", "link": reverse("admin:password_change")},
    ]


def _fours(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]
