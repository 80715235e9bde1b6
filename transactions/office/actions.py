"""Acting on chosen transactions: a page that shows what would happen to the balances, and then does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from ledger.actors import Actor
from ledger.exceptions import LedgerError, ValidationError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from ledger.times import day_start
from transactions.choices import Status
from transactions.office.chart_choices import Chart
from transactions.office.fields import REASON_LENGTH_MAX, AccountField, DayField, refuse
from transactions.office.lines import Line
from transactions.office.words import why_not
from transactions.previews import (
    LeftAlone,
    Preview,
    preview_approval,
    preview_categorizing,
    preview_deletion,
    preview_reversal,
)
from transactions.services import (
    approve_transactions,
    categorize_transactions,
    delete_transactions,
    reverse_transactions,
)

# As many as two pages of the list.
CHOSEN_MAX: Final = 100
# What a service calls a field, and what the form does.
_FIELDS: Final = {"categoryId": "account", "creditAccountId": "account", "debitAccountId": "account"}


class ActForm(forms.Form):
    """What an action asks for; each has some of these."""

    def __init__(self, data: Any, *, action: "Action", chart: Chart) -> None:
        super().__init__(data)
        if "account" in action.asks:
            self.fields["account"] = AccountField(chart=chart, label=action.account_label)
        if "date" in action.asks:
            self.fields["date"] = DayField(required=False, label="On")
        if "reason" in action.asks:
            self.fields["reason"] = forms.CharField(
                required=False, max_length=REASON_LENGTH_MAX, label="Reason (for the history)"
            )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which transactions, and what the form said of them."""

    entity: Entity
    ids: Sequence[UUID]
    account_id: UUID | None = None
    on: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done with chosen transactions."""

    title: str
    button: str
    # How the message afterwards says it: "3 approved".
    done: str
    explanation: str
    preview: Callable[[Chosen], Preview]
    # Does it and returns how many were done.
    act: Callable[[Chosen, Actor], int]
    asks: tuple[str, ...] = ()
    account_label: str = "Category"
    is_danger: bool = False


def _approve(chosen: Chosen, actor: Actor) -> int:
    approvals = approve_transactions(entity=chosen.entity, ids=chosen.ids, actor=actor)
    return sum(1 for one in approvals if one.error is None)


def _categorize(chosen: Chosen, actor: Actor) -> int:
    assert chosen.account_id is not None, "the form asks for it"
    return len(
        categorize_transactions(
            entity=chosen.entity,
            ids=chosen.ids,
            category_id=chosen.account_id,
            actor=actor,
            on=chosen.on,
            reason=chosen.reason,
        )
    )


def _reverse(chosen: Chosen, actor: Actor) -> int:
    return len(
        reverse_transactions(
            entity=chosen.entity, ids=chosen.ids, actor=actor, reason=chosen.reason, on=chosen.on
        )
    )


def _delete(chosen: Chosen, actor: Actor) -> int:
    delete_transactions(entity=chosen.entity, ids=chosen.ids, actor=actor, reason=chosen.reason)
    return len(chosen.ids)


def _preview_category(chosen: Chosen) -> Preview:
    assert chosen.account_id is not None, "the form asks for it"
    return preview_categorizing(chosen.entity, chosen.ids, chosen.account_id, on=chosen.on)


ACTIONS: Final = {
    "approve": Action(
        "Approve transactions",
        "Approve",
        "approved",
        "Their amounts go from pending to posted. Posted transactions are final: they are reversed, and no "
        "longer edited or deleted.",
        lambda chosen: preview_approval(chosen.entity, chosen.ids),
        _approve,
    ),
    "categorize": Action(
        "Categorize transactions",
        "Categorize",
        "categorized",
        "The side of each that says what it was for goes to this account. What is posted stays, and a "
        "second transaction moves its amount.",
        _preview_category,
        _categorize,
        ("account", "reason"),
    ),
    "reclassify": Action(
        "Reclassify transactions",
        "Reclassify",
        "reclassified",
        "What is posted stays, and a second transaction, linked to it, moves its amount to this account: on "
        "the day that you give, else on its own, or today where that is closed.",
        _preview_category,
        _categorize,
        ("account", "date", "reason"),
        account_label="To account",
    ),
    "reverse": Action(
        "Reverse transactions",
        "Reverse",
        "reversed",
        "Each gets its mirror image, dated on the day that you give, or today; both stay in the books and "
        "cancel each other out.",
        lambda chosen: preview_reversal(chosen.entity, chosen.ids, on=chosen.on),
        _reverse,
        ("date", "reason"),
        is_danger=True,
    ),
    "delete": Action(
        "Delete transactions",
        "Delete",
        "deleted",
        "They go out of the books and of the balances; the history keeps what they said. What is posted "
        "cannot be deleted.",
        lambda chosen: preview_deletion(chosen.entity, chosen.ids),
        _delete,
        ("reason",),
        is_danger=True,
    ),
}


class ActPage(CompanyPage):
    """`transactions/act/{action}/?id=…`: GET shows what would happen, POST does it to those shown.

    A form that was changed since the effect was shown shows the new effect first.
    """

    duty: ClassVar[Duty] = Duty.KEEP
    template_name = "office/transactions_act.html"

    def get_title(self) -> str:
        """What is to be done."""
        return self.action.title

    @property
    def action(self) -> Action:
        """The action of the address."""
        found = ACTIONS.get(self.kwargs["action"])
        if found is None:
            raise Http404
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the effect, as far as the form says enough."""
        action = self.action
        try:
            _ids(request.GET.getlist("id"))
        except LedgerError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self.back)
        is_asked = "account" not in action.asks or any(name in request.GET for name in action.asks)
        form = ActForm(request.GET if is_asked else None, action=action, chart=Chart(self.company))
        return self._show(request.GET, form)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it, to those that were shown to be acted on."""
        form = ActForm(request.POST, action=self.action, chart=Chart(self.company))
        if not form.is_valid() or "look" in request.POST or _said(form) != request.POST.get("shown"):
            return self._show(request.POST, form)
        chosen = self._chosen(_ids(request.POST.getlist("act")), form)
        try:
            count = self.action.act(chosen, self.actor)
        except LedgerError as error:
            refuse(form, error, _FIELDS)
            return self._show(request.POST, form)
        self.say(f"{count} {self.action.done}.")
        left = len(chosen.ids) - count
        if left:
            messages.warning(request, f"{left} left alone: they were changed meanwhile.")
        return HttpResponseRedirect(self.back)

    @property
    def back(self) -> str:
        """Where the person came from, of this company's pages alone; else the list."""
        return safe_back(self, self.request.POST.get("back") or self.request.GET.get("back"))

    def after_refusal(self) -> str:
        """Back to where the person chose."""
        return self.back

    def _show(self, data: QueryDict, form: ActForm) -> HttpResponse:
        ids = _ids(data.getlist("id"))
        preview = None
        if form.is_bound and form.is_valid():
            try:
                preview = self._preview(self._chosen(ids, form))
            except LedgerError as error:
                refuse(form, error, _FIELDS)
        context = self.get_context_data(
            action=self.action,
            form=form,
            ids=[encode_id(Prefix.TRANSACTION, one) for one in ids],
            count=len(ids),
            preview=preview,
            acts_on=[Line(row) for row in preview.acts_on] if preview else [],
            left=[
                (encode_id(Prefix.TRANSACTION, one.id), one.row, why_not(one.error, one.row))
                for one in (preview.left if preview else [])
            ],
            shown=_said(form) if preview else "",
            labels=Chart(self.company).open_labels() if "account" in self.action.asks else [],
            back=self.back,
            crumbs=[("Transactions", self.link("transactions"))],
        )
        return self.render_to_response(context)

    def _preview(self, chosen: Chosen) -> Preview:
        preview = self.action.preview(chosen)
        if self.kwargs["action"] == "reclassify":
            # What waits is edited or categorized; reclassifying is what one does with posted ones.
            waiting = {row.id: row for row in preview.acts_on if row.status != Status.POSTED}
            if waiting:
                posted = [one for one in chosen.ids if one not in waiting]
                preview = self.action.preview(replace(chosen, ids=posted))
                error = ValidationError("It is not posted: categorize it, or edit it.")
                preview.left += [LeftAlone(row.id, row, error) for row in waiting.values()]
        return preview

    def _chosen(self, ids: Sequence[UUID], form: ActForm) -> Chosen:
        values = form.cleaned_data
        account = values.get("account")
        return Chosen(
            self.company,
            ids,
            account.id if account else None,
            start_of(self.company, values.get("date")),
            values.get("reason", ""),
        )


def start_of(entity: Entity, day: date | None) -> datetime | None:
    """The moment at which a day begins where the company is."""
    return None if day is None else day_start(day, entity.zone)


def safe_back(page: CompanyPage, wanted: str | None) -> str:
    """An address to go back to, if it is of a page of the same company; else the list."""
    home = page.link("transactions")
    own = home.removesuffix("transactions/")
    # A browser takes "\\" for "/", and "//" at the beginning for another site.
    if wanted and wanted.startswith(own) and "\\" not in wanted and wanted.isprintable():
        return wanted
    return home


def _ids(texts: Sequence[str]) -> list[UUID]:
    """The chosen transactions. Raises ValidationError for none, too many, and what is no id."""
    if not texts:
        raise ValidationError("Choose a transaction first.")
    if len(texts) > CHOSEN_MAX:
        raise ValidationError(f"Choose at most {CHOSEN_MAX} transactions at once.")
    return list(dict.fromkeys(decode_id(Prefix.TRANSACTION, text, field="id") for text in texts))


def _said(form: ActForm) -> str:
    """What of the form decides on the effect."""
    account, day = form.cleaned_data.get("account"), form.cleaned_data.get("date")
    return f"{account.public_id if account else ''}|{day or ''}"
