"""What every page about one company has in common.

The company stands in the address (`/admin/entity_…/transactions/`), never in the session: whoever has two
companies open in two tabs cannot post into the wrong one.
"""

from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import reverse
from django.urls.converters import register_converter
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from ledger.actors import Actor
from ledger.api.errors import to_ledger_error
from ledger.exceptions import BusyError, ForbiddenError, LedgerError, NotFoundError
from ledger.ids import Prefix, decode_id
from ledger.models import Entity, Membership
from ledger.office.access import DUTIES, Duty, membership_in, require, user_actor


class CompanyConverter:
    """A company's public id in an address."""

    regex = "entity_[0-9a-z]{26}"

    def to_python(self, value: str) -> str:
        """Leave it as it is: whether the person may see the company is decided by the page."""
        return value

    def to_url(self, value: object) -> str:
        """Take a company, or its public id."""
        return value.public_id if isinstance(value, Entity) else str(value)


register_converter(CompanyConverter, "company")


class OfficePage(TemplateView):
    """A page of the back office for people who are logged in."""

    title: ClassVar[str]

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let in who is logged in; others go by the log-in."""
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return self.answer(request, *args, **kwargs)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a person who is logged in."""
        return super().dispatch(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        """The person, for the record of what they do."""
        return user_actor(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the admin's frame shows, and the page's title."""
        self.request.current_app = admin.site.name
        return super().get_context_data(
            **{**admin.site.each_context(self.request), "title": self.get_title(), **kwargs}
        )

    def get_title(self) -> str:
        """The page's title; subclasses may say it by what they show."""
        return self.title

    def say(self, message: str) -> None:
        """Show that something was done."""
        messages.success(self.request, message)

    def complain(self, message: str) -> None:
        """Show that something was not done, and why."""
        messages.error(self.request, message)

    def wants_json(self) -> bool:
        """Whether a script of the page asks, and not a form."""
        return self.request.headers.get("Accept", "").startswith("application/json")


class CompanyPage(OfficePage):
    """A page about one company: `self.company` and `self.membership` are there once the person may see it.

    A subclass names the duty that reading asks (`duty`) and the one that a POST asks (`duty_to_change`).
    What a service or the database refuses while a POST is answered becomes a message, and the person is back
    on the page (`after_refusal`), with nothing done; to a script of the page it is `{"error": message}`.
    """

    duty: ClassVar[Duty] = Duty.READ
    duty_to_change: ClassVar[Duty] = Duty.KEEP

    company: Entity
    membership: Membership

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the company of the address and what the person may do there, then answer.

        A company that is not there and one that the person is not in are both 404; a duty that their role
        does not have is 403.
        """
        try:
            self.membership = membership_in(request, kwargs.get("company"))
            require(self.membership, self.duty)
            if request.method not in ("GET", "HEAD"):
                require(self.membership, self.duty_to_change)
        except NotFoundError as error:
            raise Http404(error.message) from error
        except ForbiddenError as error:
            raise PermissionDenied(error.message) from error
        self.company = self.membership.entity
        request.company = self.company  # type: ignore[attr-defined]
        try:
            return super().answer(request, *args, **kwargs)
        except NotFoundError as error:
            if request.method in ("GET", "HEAD"):
                raise Http404(error.message) from error
            return self._refused(error)
        except LedgerError as error:
            return self._refused(error)
        except DatabaseError as error:
            if request.method in ("GET", "HEAD"):
                raise
            return self._refused(refusal_of(error))

    def may(self, duty: Duty) -> bool:
        """Return whether the person's role has the duty here."""
        return duty in DUTIES[self.membership.role]

    def link(self, name: str, **parts: Any) -> str:
        """Return the address of another page of this company."""
        return reverse(f"office:{name}", kwargs={"company": self.company.public_id, **parts})

    def id_of(self, prefix: Prefix, text: object) -> Any:
        """Return the UUID of a public id in the address; Http404 for one of another kind."""
        try:
            return decode_id(prefix, text, field="id")
        except LedgerError as error:
            raise Http404(error.message) from error

    def after_refusal(self) -> str:
        """Where a person goes who was refused: the page itself, or the one before it, where that is over."""
        return self.request.get_full_path()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the company, and what the person may do in it."""
        return super().get_context_data(
            **{
                # What the address names by its id is there as it is.
                **kwargs,
                "company": self.company,
                "role": self.membership.role,
                "may_keep": self.may(Duty.KEEP),
                "may_close": self.may(Duty.CLOSE),
                "may_operate": self.may(Duty.OPERATE),
                "may_manage": self.may(Duty.MANAGE),
            }
        )

    def _refused(self, error: LedgerError) -> HttpResponse:
        if self.wants_json():
            return JsonResponse({"error": error.message}, status=error.status_code)
        messages.error(self.request, error.message)
        where = self.after_refusal()
        if self.request.method in ("GET", "HEAD") and urlsplit(where).path == self.request.path:
            # What was asked for cannot be shown; the page without the question can.
            if not self.request.GET:
                raise Http404(error.message) from error
            where = self.request.path
        return HttpResponseRedirect(where)


def refusal_of(error: DatabaseError) -> LedgerError:
    """Return what an error of the database says to the person who sent a form: that the books are busy, or
    that they refuse it. Raises the error itself where it is no fault of theirs."""
    refusal = to_ledger_error(error)
    if refusal.status_code >= 500:
        raise error
    if isinstance(refusal, BusyError):
        return BusyError(
            "These books are being changed elsewhere. Nothing was recorded; try again in a moment."
        )
    return refusal


def of_company(request: HttpRequest) -> Entity | None:
    """Return the company that the page is about, if it is about one."""
    return cast("Entity | None", getattr(request, "company", None))
