"""The review queue: deciding on what banks brought, hundreds of rows an hour by keyboard."""

from collections import defaultdict
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import urlencode

from ai.categories.stored import ACCEPTED_MAX, accept_sure_ones, names_of, waiting_suggestions
from ai.office.deciding import decide
from ai.office.forms import ConfidenceForm, read_decision, read_row
from ai.office.queue import COUNTED_MAX, Item, Place, count_waiting, find_item, queue_page
from banking.candidates import Candidate, candidates_for
from banking.office.accounts import account_options
from banking.services.rows import bank_facts, lines_by_id
from ledger.api.pagination import cursor_scope, decode_cursor, encode_cursor
from ledger.exceptions import LedgerError
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from ledger.templatetags.office import day as day_text

_UNDO: Final = ("row", "offered")


class Review(CompanyPage):
    """The queue. A POST decides on one row; the page's script gets the answer as JSON."""

    title = "Review"
    template_name = "office/review.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The rows, and the accounts to choose from."""
        # A HEAD asks for nothing that would be worth keeping.
        may_keep = self.may(Duty.KEEP) and self.request.method == "GET"
        items, behind = queue_page(self.company, after=self._after(), may_keep=may_keep)
        return super().get_context_data(
            items=items,
            next_cursor=encode_cursor(self._scope, *behind) if behind else None,
            waiting=waiting_text(count_waiting(self.company)),
            accounts=[one.as_json() for one in account_options(self.company)],
            undo={name: self.request.GET[name] for name in _UNDO if name in self.request.GET},
            suggests=self.company.smart_suggestions,
            **kwargs,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Decide on a row, or take a decision back."""
        done = decide(self.company, read_decision(request.POST), self.actor)
        if self.wants_json():
            return JsonResponse(
                {
                    "message": done.message,
                    "undo": done.undo,
                    "waiting": waiting_text(count_waiting(self.company)),
                }
            )
        self.say(done.message)
        back = self.link("review")
        return HttpResponseRedirect(f"{back}?{urlencode(done.undo)}" if done.undo else back)

    def after_refusal(self) -> str:
        """The queue as it is now."""
        return self.link("review")

    @property
    def _scope(self) -> str:
        return cursor_scope("office-review", self.company.id)

    def _after(self) -> Place | None:
        text = self.request.GET.get("cursor")
        return Place(*decode_cursor(self._scope, text)) if text else None


class ReviewOne(CompanyPage):
    """One row with everything that may be done about it, for who has no script or wants to look closer. To
    the queue's script it names the transactions that the row may be."""

    template_name = "office/review_one.html"
    title = "Review one"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the row, or its candidates as JSON."""
        try:
            key, is_line = read_row(kwargs["id"])
        except LedgerError as error:
            raise Http404(error.message) from error
        item = find_item(self.company, key, is_line=is_line)
        if item is None:
            if self.wants_json():
                return JsonResponse({"error": "This row waits no more; load the page anew."}, status=404)
            messages.info(request, "That row waits no more.")
            return HttpResponseRedirect(self.link("review"))
        found = _candidates(self, item)
        if self.wants_json():
            return JsonResponse({"candidates": [_candidate_json(one) for one in found]})
        return self.render_to_response(
            self.get_context_data(
                item=item,
                candidates=found,
                accounts=account_options(self.company),
                title=item.description or "Without a description",
                crumbs=[("Review", self.link("review"))],
            )
        )


class AcceptMany(CompanyPage):
    """Accepting all suggestions from a confidence on, after a look at what that would do."""

    title = "Accept what is sure"
    template_name = "office/review_accept.html"
    duty = Duty.KEEP

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """How many would be accepted, and what they come to, account by account."""
        form = ConfidenceForm(self.request.GET if "least" in self.request.GET else {"least": "95"})
        if form.is_valid():
            kwargs |= _would_accept(self, form.share)
        return super().get_context_data(form=form, crumbs=[("Review", self.link("review"))], **kwargs)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Accept them, where they still are as many as were shown."""
        form = ConfidenceForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Say a confidence from 50 to 100 per cent.")
            return HttpResponseRedirect(self.link("review-accept"))
        count = len(waiting_suggestions(self.company, least=form.share, limit=ACCEPTED_MAX))
        if str(count) != request.POST.get("count"):
            messages.warning(
                request, f"They are {count} by now, so nothing was done yet; look at them once more."
            )
            return HttpResponseRedirect(f"{self.link('review-accept')}?least={form.cleaned_data['least']}")
        done = accept_sure_ones(entity=self.company, least=form.share, actor=self.actor)
        self.say(f"{len(done.transaction_ids)} accepted.")
        for fault in list(done.faults.values())[:3]:
            messages.error(request, fault.message)
        if len(done.faults) > 3:
            messages.error(request, f"{len(done.faults)} in all could not be accepted, and still wait.")
        return HttpResponseRedirect(self.link("review"))

    def after_refusal(self) -> str:
        """The queue."""
        return self.link("review")


def waiting_text(count: int) -> str:
    """How many rows wait, as far as they are counted."""
    return f"more than {COUNTED_MAX:,}" if count > COUNTED_MAX else f"{count:,}"


def _candidates(page: CompanyPage, item: Item) -> list[Candidate]:
    if item.line_id is None:
        return []
    line = lines_by_id(page.company, [item.line_id])[item.line_id]
    found = candidates_for(page.company, line, bank_facts(page.company)[line.bank_account_id])
    return [one for one in found if one.id != item.key]


def _candidate_json(one: Candidate) -> dict[str, str]:
    """A transaction as the script's list of choices shows it."""
    kind = f"transfer from or to {one.account_name}" if one.is_transfer else one.account_name
    return {
        "id": one.public_id,
        "label": f"{day_text(one.date)}  {one.description or one.counterparty}",
        "note": f"{kind}, {one.status.lower()}",
    }


def _would_accept(page: CompanyPage, least: Decimal) -> dict[str, Any]:
    found = waiting_suggestions(page.company, least=least, limit=ACCEPTED_MAX)
    counts: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    sums: defaultdict[tuple[UUID, str], Decimal] = defaultdict(Decimal)
    for one in found:
        counts[one.account_id, one.currency] += 1
        sums[one.account_id, one.currency] += one.amount
    names = names_of(page.company, {account for account, _ in counts})
    groups = [
        {
            "name": names[key[0]][0],
            "code": names[key[0]][1] or "",
            "count": count,
            "total": sums[key],
            "currency": key[1],
        }
        for key, count in counts.items()
        if key[0] in names
    ]
    groups.sort(key=lambda one: (-int(str(one["count"])), str(one["name"])))
    return {"count": len(found), "groups": groups, "is_cut": len(found) == ACCEPTED_MAX}
