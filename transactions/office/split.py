"""Splitting one amount over several categories."""

from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from ledger.exceptions import LedgerError
from ledger.ids import Prefix
from ledger.money import as_text
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from transactions.office.actions import start_of
from transactions.office.chart_choices import Chart
from transactions.office.detail import find
from transactions.office.fields import REASON_LENGTH_MAX, DayField, read_amount, refuse
from transactions.office.lines import Line
from transactions.office.table_rows import TypedRow, read_rows
from transactions.previews import Preview, preview_split
from transactions.rows import Row
from transactions.services import Part, split_transaction
from transactions.services.splitting import PARTS_MAX

# Rows that are there without a script.
_ROWS: Final = 6
_COLUMNS: Final = ("account", "amount", "memo")


class SplitForm(forms.Form):
    """What stands beside the parts."""

    date = DayField(required=False, label="On")
    reason = forms.CharField(required=False, max_length=REASON_LENGTH_MAX, label="Reason (for the history)")


class SplitPage(CompanyPage):
    """`transactions/txn_…/split/`: the parts, then what they do to the balances, then it is done."""

    duty: ClassVar[Duty] = Duty.KEEP
    template_name = "office/transaction_split.html"
    title = "Split a transaction"

    row: Row

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the parts to fill in: the whole amount stands in the first."""
        self._find()
        chart = Chart(self.company)
        return self._show(SplitForm(), read_rows(QueryDict(), _COLUMNS), chart)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the effect, or split where that was shown already."""
        self._find()
        chart = Chart(self.company)
        form = SplitForm(request.POST)
        typed = read_rows(request.POST, _COLUMNS)
        parts = self._parts(typed, chart)
        faulty = any(one.errors for one in typed)
        if not form.is_valid() or faulty:
            return self._show(form, typed, chart)
        on = start_of(self.company, form.cleaned_data["date"])
        shown = _said(parts, form)
        try:
            if request.POST.get("shown") == shown:
                split_transaction(
                    entity=self.company,
                    transaction_id=self.row.id,
                    parts=parts,
                    actor=self.actor,
                    on=on,
                    reason=form.cleaned_data["reason"],
                )
                self.say(f"Split into {len(parts)}.")
                return HttpResponseRedirect(self._back())
            preview = preview_split(self.company, self.row.id, parts, actor=self.actor, on=on)
        except LedgerError as error:
            refuse(form, error, {})
            return self._show(form, typed, chart)
        return self._show(form, typed, chart, preview, shown)

    def after_refusal(self) -> str:
        """Back to the transaction."""
        return self._back()

    def _back(self) -> str:
        return self.link("transaction", id=self.kwargs["id"])

    def _find(self) -> None:
        self.row = find(self.company, self.id_of(Prefix.TRANSACTION, self.kwargs["id"]))

    def _parts(self, typed: list[TypedRow], chart: Chart) -> list[Part]:
        parts = []
        for row in typed:
            if not row.is_filled:
                continue
            account = chart.find(row.values["account"]) if row.values["account"] else None
            if account is None:
                row.errors["account"] = "Choose an account of the chart."
            amount = Decimal(0)
            try:
                amount = read_amount(row.values["amount"], currency=self.row.currency)
            except forms.ValidationError as error:
                row.errors["amount"] = error.messages[0] if row.values["amount"] else "Give an amount."
            if account is not None:
                parts.append(Part(account.id, amount, row.values["memo"].strip()[:1000]))
        return parts

    def _show(
        self,
        form: SplitForm,
        typed: list[TypedRow],
        chart: Chart,
        preview: Preview | None = None,
        shown: str = "",
    ) -> HttpResponse:
        line = Line(self.row)
        rows = [*typed, *(TypedRow.empty(_COLUMNS) for _ in range(_ROWS - len(typed)))]
        return self.render_to_response(
            self.get_context_data(
                line=line,
                row=self.row,
                total=as_text(self.row.amount, self.row.currency),
                form=form,
                typed=rows,
                rows_max=PARTS_MAX,
                labels=chart.open_labels(),
                preview=preview,
                shown=shown,
                back=self._back(),
                crumbs=[
                    ("Transactions", self.link("transactions")),
                    (self.row.description or line.public_id, self._back()),
                ],
            )
        )


def _said(parts: list[Part], form: SplitForm) -> str:
    """What of the form decides on the effect."""
    told = [f"{one.account_id.hex}:{one.amount}" for one in parts]
    return "|".join([*told, str(form.cleaned_data["date"] or "")])
