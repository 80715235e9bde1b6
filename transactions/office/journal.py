"""Journal entries: writing one of many lines, and what one is."""

from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from accounts.choices import Side
from ledger.exceptions import LedgerError, NotFoundError, ValidationError
from ledger.ids import Prefix, encode_id
from ledger.money import as_text
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from ledger.office.sending import once, sending_of
from ledger.times import day_start
from transactions.choices import Status
from transactions.journal_entries import (
    JournalEntryRead,
    delete_journal_entry,
    read_journal_entry,
)
from transactions.office.actions import start_of
from transactions.office.chart_choices import Chart
from transactions.office.fields import REASON_LENGTH_MAX, DayField, read_amount, refuse
from transactions.office.filters import own_day
from transactions.office.lines import Line
from transactions.office.table_rows import ROWS_MAX, TypedRow, read_rows
from transactions.office.words import why_not
from transactions.previews import Preview, preview_reversal
from transactions.services import (
    JournalLine,
    approve_transactions,
    post_journal_entry,
    reverse_journal_entry,
)

# Lines that are there without a script.
_ROWS: Final = 8
_COLUMNS: Final = ("account", "memo", "debit", "credit")
_ZERO: Final = Decimal(0)


class EntryForm(forms.Form):
    """What stands above the lines."""

    date = DayField(label="Day")
    description = forms.CharField(required=False, max_length=1000, label="Description")


class NewEntryPage(CompanyPage):
    """`journal-entries/new/`: lines of debits and credits that balance."""

    duty: ClassVar[Duty] = Duty.KEEP
    template_name = "office/journal_entry_new.html"
    title = "Journal entry"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show an empty entry of today."""
        form = EntryForm(initial={"date": own_day(self.company)})
        return self._show(form, read_rows(QueryDict(), _COLUMNS), Chart(self.company))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Record it, pending or posted as the button says."""
        chart = Chart(self.company)
        form = EntryForm(request.POST)
        typed = read_rows(request.POST, _COLUMNS)
        lines, currency = self._lines(typed, chart)
        if form.is_valid() and not any(one.errors for one in typed):
            status = Status.POSTED if request.POST.get("as") == "posted" else Status.PENDING
            try:
                _check(lines, currency)
                where = once(self, lambda: self._record(form, lines, currency, status))
            except LedgerError as error:
                refuse(form, error, {})
            else:
                self.say("Posted." if status == Status.POSTED else "Saved; it waits for approval.")
                return HttpResponseRedirect(where)
        return self._show(form, typed, chart)

    def _record(self, form: EntryForm, lines: list[JournalLine], currency: str, status: Status) -> str:
        """Record the entry, and return where its person goes on."""
        day = form.cleaned_data["date"]
        entry = post_journal_entry(
            entity=self.company,
            lines=lines,
            currency=currency,
            timestamp=day_start(day, self.company.zone),
            day=day,
            actor=self.actor,
            description=form.cleaned_data["description"],
            status=status,
        )
        if self.request.POST.get("then") == "new":
            return self.link("journal-entry-new")
        return self.link("journal-entry", id=entry.public_id)

    def _lines(self, typed: list[TypedRow], chart: Chart) -> tuple[list[JournalLine], str]:
        """The lines that are filled in, and the currency of their accounts; `typed` notes what is wrong."""
        lines: list[JournalLine] = []
        currency = ""
        for row in typed:
            if not row.is_filled:
                continue
            account = chart.find(row.values["account"]) if row.values["account"] else None
            if account is None:
                row.errors["account"] = "Choose an account of the chart."
            elif not currency:
                currency = account.currency
            elif account.currency != currency:
                row.errors["account"] = f"This account is in {account.currency}, the first one in {currency}."
            filled = [name for name in ("debit", "credit") if row.values[name].strip()]
            if len(filled) != 1:
                row.errors["debit"] = "Give a debit or a credit, one of the two."
                continue
            [name] = filled
            try:
                amount = read_amount(row.values[name], currency=currency or self.company.default_currency)
            except forms.ValidationError as error:
                row.errors[name] = error.messages[0]
                continue
            if account is not None:
                direction = Side.DEBIT if name == "debit" else Side.CREDIT
                lines.append(JournalLine(account.id, direction, amount, row.values["memo"].strip()))
        return lines, currency or self.company.default_currency

    def _show(self, form: EntryForm, typed: list[TypedRow], chart: Chart) -> HttpResponse:
        rows = [*typed, *(TypedRow.empty(_COLUMNS) for _ in range(_ROWS - len(typed)))]
        return self.render_to_response(
            self.get_context_data(
                form=form,
                sending=sending_of(self.request),
                typed=rows,
                rows_max=ROWS_MAX,
                labels=chart.open_labels(),
                currency=self.company.default_currency,
                crumbs=[("Transactions", self.link("transactions"))],
            )
        )


def _check(lines: list[JournalLine], currency: str) -> None:
    """Refuse what does not balance, in the accountant's words. Raises ValidationError."""
    if len(lines) < 2:
        raise ValidationError("An entry needs two lines at least: a debit and a credit.")
    debits = sum((one.amount for one in lines if one.direction == Side.DEBIT), _ZERO)
    credits = sum((one.amount for one in lines if one.direction == Side.CREDIT), _ZERO)
    if debits != credits:
        raise ValidationError(
            f"Debits are {as_text(debits, currency)} and credits {as_text(credits, currency)}: they differ "
            f"by {as_text(abs(debits - credits), currency)}. Both sides must be equal."
        )


class ReverseForm(forms.Form):
    """When and why an entry is reversed."""

    date = DayField(required=False, label="On")
    reason = forms.CharField(required=False, max_length=REASON_LENGTH_MAX, label="Reason (for the history)")


class EntryPage(CompanyPage):
    """`journal-entries/jrn_…/`: its lines and transactions; POST approves, reverses or deletes it whole."""

    template_name = "office/journal_entry.html"

    read: JournalEntryRead
    form: ReverseForm | None = None
    preview: Preview | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show it; with `?reverse=1` also what reversing it would do, with `?delete=1` that it would go."""
        self._find()
        if "reverse" in request.GET and self.may(Duty.KEEP):
            self.form = ReverseForm(request.GET)
            if self.form.is_valid():
                self._look_ahead(self.form)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do what the button says."""
        try:
            self._find()
        except NotFoundError as error:
            # A button that was clicked twice: the page is no more.
            self.complain(error.message)
            return HttpResponseRedirect(self.link("transactions"))
        entry = self.read.entry
        if "reverse" in request.POST:
            self.form = ReverseForm(request.POST)
            if not self.form.is_valid():
                return self.render_to_response(self.get_context_data())
            if request.POST.get("shown") != str(self.form.cleaned_data["date"] or ""):
                self._look_ahead(self.form)
                return self.render_to_response(self.get_context_data())
            reverse_journal_entry(
                entity=self.company,
                entry_id=entry.id,
                actor=self.actor,
                reason=self.form.cleaned_data["reason"],
                on=start_of(self.company, self.form.cleaned_data["date"]),
            )
            self.say("The entry is reversed.")
        elif "delete" in request.POST:
            delete_journal_entry(entity=self.company, entry_id=entry.id, actor=self.actor)
            self.say("The entry is deleted.")
            return HttpResponseRedirect(self.link("transactions"))
        elif "approve" in request.POST:
            ids = [row.id for row in self.read.transactions]
            # Of an entry all is posted or nothing.
            with atomic():
                for one in approve_transactions(entity=self.company, ids=ids, actor=self.actor):
                    if one.error is not None:
                        raise one.error
            self.say("The entry is posted.")
        return HttpResponseRedirect(self._own_address())

    def after_refusal(self) -> str:
        """The page itself."""
        return self._own_address()

    def _own_address(self) -> str:
        return self.link("journal-entry", id=self.kwargs["id"])

    def _find(self) -> None:
        self.read = read_journal_entry(self.company, self.id_of(Prefix.JOURNAL_ENTRY, self.kwargs["id"]))

    def _look_ahead(self, form: ReverseForm) -> None:
        ids = [row.id for row in self.read.transactions if row.status != Status.REVERSED]
        on = start_of(self.company, form.cleaned_data["date"])
        self.preview = preview_reversal(self.company, ids, on=on)

    def get_title(self) -> str:
        """What the entry was for."""
        return self.read.entry.description or self.read.entry.public_id

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the entry, its lines and its transactions."""
        read = self.read
        lines = [Line(row) for row in read.transactions]
        currency = lines[0].row.currency if lines else self.company.default_currency
        sides = [
            (
                encode_id(Prefix.ACCOUNT, one.account_id),
                one.account_name,
                one.amount if one.direction == Side.DEBIT else None,
                one.amount if one.direction == Side.CREDIT else None,
            )
            for one in read.lines
        ]
        preview = self.preview
        return super().get_context_data(
            entry=read.entry,
            status=read.status.value.capitalize() if read.status else "",
            tone=lines[0].tone if lines and read.status else "",
            sides=sides,
            total=sum((one.amount for one in read.lines if one.direction == Side.DEBIT), _ZERO),
            currency=currency,
            lines=lines,
            is_waiting=any(one.is_waiting for one in lines),
            is_all_waiting=all(one.is_waiting for one in lines) and bool(lines),
            is_posted=any(one.is_posted for one in lines) and not any(one.is_waiting for one in lines),
            form=self.form,
            is_deleting="delete" in self.request.GET,
            preview=preview,
            left=[
                (one.id, one.row, why_not(one.error, one.row)) for one in (preview.left if preview else [])
            ],
            shown=str(self.form.cleaned_data["date"] or "") if self.form and preview else "",
            crumbs=[("Transactions", self.link("transactions"))],
            **kwargs,
        )
