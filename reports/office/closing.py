"""Closing a month: what is open, then closing; and reopening, with a reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from ledger.clock import utc_now
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, encode_id
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from ledger.services.periods import REASON_LENGTH_MAX, close_books, reopen_books
from ledger.templatetags.office import day as day_label
from ledger.times import day_of, parse_day
from reports.closing import Checklist, Unreconciled, checklist, closings
from reports.office.dashboard import page_address
from reports.periods import month_period
from reports.templatetags.statements import counted
from transactions.office.fields import DayField
from transactions.services.verifying import verification_under_way

_MONTHS_OFFERED: Final = 36
_DAY: Final = timedelta(days=1)


class CloseForm(forms.Form):
    """Through which day, and whether it is known that something is open."""

    through = DayField()
    confirmed = forms.BooleanField(required=False)


class ReopenForm(forms.Form):
    """Through which day the books stay closed (none: they are open as a whole), and why."""

    through = DayField(required=False)
    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why the books are reopened: it stays in the audit trail."},
    )


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the checklist: what should be done, whether it is, what is open, and where it is done."""

    title: str
    done: bool
    text: str
    links: tuple[tuple[str, str], ...]


class ClosingPage(CompanyPage):
    """The checklist of a month, its closing, and the history of closings."""

    title = "Closing"
    template_name = "office/closing.html"
    duty_to_change: ClassVar[Duty] = Duty.CLOSE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the checklist of the chosen month, and what was closed until now."""
        company = self.company
        today = day_of(utc_now(), company.zone)
        through = self._through(today)
        found = checklist(company, through) if through else None
        closed = company.books_closed_through
        return super().get_context_data(
            **{
                "reopen": ReopenForm(),
                **kwargs,
                "closed": closed,
                "through": through,
                "month_ends": list(_month_ends(closed, today)),
                "earlier_ends": list(_ends_before(closed)) if closed else [],
                "checklist": found,
                "points": list(points(found, self)) if found else [],
                "next_end": month_period(today.year, today.month).end,
                "history": closings(company),
                "under_way": verification_under_way(company),
            }
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Close or reopen the books."""
        if request.POST.get("action") == "reopen":
            return self._reopen(request)
        form = CloseForm(request.POST)
        if not form.is_valid():
            raise ValidationError.of("through", "is no day that books have; choose the month to close.")
        through = form.cleaned_data["through"]
        _check_ended(through, day_of(utc_now(), self.company.zone))
        back = HttpResponseRedirect(f"{self.request.path}?through={through}")
        open_points = checklist(self.company, through).open_points
        if open_points and not form.cleaned_data["confirmed"]:
            says = "One point is" if open_points == 1 else f"{open_points} points are"
            messages.warning(
                request,
                f"{says} open. Work off what is, or tick that the books are to be closed nevertheless.",
            )
            return back
        close_books(entity=self.company, through=through, actor=self.actor)
        self.say(f"The books are closed through {day_label(through)}.")
        return HttpResponseRedirect(self.request.path)

    def _reopen(self, request: HttpRequest) -> HttpResponse:
        form = ReopenForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(reopen=form), status=422)
        through = form.cleaned_data["through"]
        reopen_books(
            entity=self.company,
            through=through,
            actor=self.actor,
            reason=form.cleaned_data["reason"],
        )
        since = f"after {day_label(through)}" if through else "as a whole"
        self.say(f"The books are reopened {since}.")
        return HttpResponseRedirect(self.request.path)

    def _through(self, today: date) -> date | None:
        """The day to close through: the one in the query, else the end of the first month that is open and
        has ended; None where there is none."""
        text = self.request.GET.get("through")
        if text:
            through = parse_day(text, field="through")
            _check_ended(through, today)
            closed = self.company.books_closed_through
            if closed is not None and through <= closed:
                raise ValidationError.of("through", f"{through} lies in the closed period already.")
            return through
        return next(_month_ends(self.company.books_closed_through, today), None)


def _check_ended(through: date, today: date) -> None:
    if through >= today:
        raise ValidationError.of("through", f"{through} has not ended yet; close a month once it has.")


def _month_ends(closed: date | None, today: date) -> Iterator[date]:
    """The ends of the months that are open and have ended, the first to close first: after the closed ones in
    their order, where none is closed the latest first."""
    last = today.replace(day=1) - _DAY
    if closed is None:
        yield from (end for end in _ends_until(last, _MONTHS_OFFERED))
        return
    start = closed + _DAY
    end = month_period(start.year, start.month).end
    for _ in range(_MONTHS_OFFERED):
        if end > last:
            return
        yield end
        after = end + _DAY
        end = month_period(after.year, after.month).end


def _ends_before(closed: date) -> Iterator[date]:
    """The ends of the months through which books may stay closed that are reopened."""
    return _ends_until(closed.replace(day=1) - _DAY, 12)


def _ends_until(last: date, count: int) -> Iterator[date]:
    for _ in range(count):
        yield last
        last = last.replace(day=1) - _DAY


def points(found: Checklist, page: CompanyPage) -> Iterator[Point]:
    """Yield the points of a checklist as the page shows them."""
    company, work, banks, done = page.company, found.work, found.banks, found.points
    to = found.through.isoformat()

    def link(text: str, name: str, **query: str) -> tuple[str, str]:
        return text, page_address(company, name, **query)

    yield Point(
        "Everything is approved",
        done["approved"],
        f"{counted(work.to_approve)} wait to be approved",
        (link("Transactions", "transactions", status="waiting", to=to),),
    )
    nobody = work.uncategorized + work.uncategorized_posted
    yield Point(
        "Everything has a category",
        done["categorized"],
        f"{counted(nobody)} without a category, {counted(work.uncategorized_posted)} of them posted",
        (
            link("Review", "review"),
            link("Transactions", "transactions", category="uncategorized", to=to),
        ),
    )
    yield Point(
        "Bank lines are matched",
        done["matched"],
        f"{counted(banks.offered)} to match with the books, {counted(banks.attention)} to look at",
        (link("Review", "review"),),
    )
    behind = ", ".join(one.institution_name or one.provider for one in found.behind)
    yield Point(
        f"Banks are synced through {day_label(found.through)}",
        done["synced"],
        f"Not yet, or not working: {behind}",
        (link("Banks", "feeds"),) if page.may(Duty.OPERATE) else (),
    )
    yield Point(
        f"Bank accounts are reconciled through {day_label(found.through)}",
        done["reconciled"],
        "; ".join(_reconciled_until(one) for one in found.unreconciled),
        (link("Reconciliation", "reconciliations"),),
    )
    yield Point(
        "Banks and books agree",
        done["tied_out"],
        "; ".join(f"{one.name} differs" for one in found.differing),
        tuple(
            (one.name, page.link("account", id=encode_id(Prefix.ACCOUNT, one.ledger_account_id)))
            for one in found.differing
        ),
    )
    yield Point(
        "The books are verified",
        done["verified"],
        _verified(found, company.zone),
        (link("Verify", "verification"),),
    )


def _reconciled_until(one: Unreconciled) -> str:
    name = f"{one.name} ••{one.mask}" if one.mask else one.name
    return f"{name}: {'never' if one.statement_date is None else f'through {day_label(one.statement_date)}'}"


def _verified(found: Checklist, zone: ZoneInfo) -> str:
    said = found.verification
    if said is None:
        return "Not verified yet"
    on = day_label(day_of(said.began_at, zone))
    if not said.found:
        return f"Last verified on {on}, before {day_label(found.through)} had ended"
    return f"{said.found:,} difference{'s' * (said.found != 1)} on {on}"
