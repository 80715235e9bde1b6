"""One transaction: what it says, where it comes from, what happened to it, and editing it while it waits."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from ledger.api import json
from ledger.db import fetch
from ledger.exceptions import ConflictError, LedgerError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.money import as_text
from ledger.office.pages import CompanyPage
from ledger.templatetags.office import day
from transactions.history import Step, history_of
from transactions.listing import get_transactions
from transactions.office.chart_choices import Chart
from transactions.office.facts import facts_of
from transactions.office.fields import REASON_LENGTH_MAX, AccountField, DayField, MoneyField, refuse
from transactions.office.lines import Line
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, Row
from transactions.services import edit_transactions
from transactions.services.categorizing import posted_standings
from transactions.services.editing import UNCHANGED, Edit

_FIELDS: Final = {
    "debitAccountId": "debit",
    "creditAccountId": "credit",
    "amount": "amount",
    "date": "date",
    "currency": "debit",
}
# What stands in the metadata for other pages of the same.
_TOLD_ELSEWHERE: Final = frozenset({"categoryId", "categoryName"})
# Where its amount was moved, and what it is the reversal, or a reclassification, of.
_RELATED: Final = f"""
{SELECT_ROW} FROM transactions_transaction t {JOIN_ACCOUNTS}
WHERE t.entity_id = %(entity)s::uuid AND t.reclassifies_id = %(id)s::uuid
ORDER BY t.id
"""


class EditForm(forms.Form):
    """What can be changed of a transaction while it waits."""

    def __init__(self, data: Any = None, *, chart: Chart, row: Row) -> None:
        super().__init__(data, initial=self.said_by(row, chart))
        self.chart = chart
        self.fields |= {
            "date": DayField(label="Day"),
            "amount": MoneyField(currency=row.currency, label=f"Amount ({row.currency})"),
            "debit": AccountField(chart=chart, label="Debit account (where it went)"),
            "credit": AccountField(chart=chart, label="Credit account (where it came from)"),
            "description": forms.CharField(required=False, max_length=1000, label="Description"),
            "counterparty": forms.CharField(required=False, max_length=200, label="Counterparty"),
            "reason": forms.CharField(
                required=False, max_length=REASON_LENGTH_MAX, label="Reason (for the history)"
            ),
        }

    @staticmethod
    def said_by(row: Row, chart: Chart) -> dict[str, Any]:
        """What the transaction says now."""
        return {
            "date": row.date,
            "amount": as_text(row.amount, row.currency),
            "debit": chart.label_of(row.debit_account_id),
            "credit": chart.label_of(row.credit_account_id),
            "description": row.description,
            "counterparty": row.counterparty,
        }

    def edit(self, row: Row, entity: Entity) -> Edit:
        """What is to be changed: what was typed otherwise than it is."""
        values = self.cleaned_data
        amount: Decimal = values["amount"]
        on: date = values["date"]
        return Edit(
            debit_account_id=values["debit"].id,
            credit_account_id=values["credit"].id,
            amount=amount if amount != row.amount else UNCHANGED,
            timestamp=_same_time(row.timestamp, on, entity) if on != row.date else UNCHANGED,
            date=on if on != row.date else UNCHANGED,
            description=values["description"],
            counterparty=values["counterparty"],
        )


def _same_time(moment: datetime, on: date, entity: Entity) -> datetime:
    """The same time of another day, where the company is."""
    return datetime.combine(on, moment.astimezone(entity.zone).time(), entity.zone).astimezone(moment.tzinfo)


class TransactionPage(CompanyPage):
    """A transaction; with `?edit=1` its form, which is POSTed here."""

    template_name = "office/transaction.html"

    row: Row
    form: EditForm | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show it."""
        self.row = find(self.company, self.id_of(Prefix.TRANSACTION, kwargs["id"]))
        if "edit" in request.GET and Line(self.row).is_waiting:
            self.form = EditForm(chart=Chart(self.company), row=self.row)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Change it as the form says; where that cannot be, show the form with what was typed."""
        self.row = find(self.company, self.id_of(Prefix.TRANSACTION, kwargs["id"]))
        if not Line(self.row).is_waiting:
            raise ConflictError("What is posted is not edited: reverse it, reclassify it or split it.")
        self.form = EditForm(request.POST, chart=Chart(self.company), row=self.row)
        if request.POST.get("seen", self._seen()) != self._seen():
            self.form.add_error(
                None,
                "It was changed since you opened it; the history below says how. Save once more to put what "
                "stands here in its place.",
            )
        if self.form.is_valid():
            edit = self.form.edit(self.row, self.company)
            try:
                edit_transactions(
                    entity=self.company,
                    edits={self.row.id: edit},
                    actor=self.actor,
                    reason=self.form.cleaned_data["reason"],
                )
            except LedgerError as error:
                refuse(self.form, error, _FIELDS)
            else:
                self.say("Saved.")
                return HttpResponseRedirect(self._own_address())
        return self.render_to_response(self.get_context_data())

    def after_refusal(self) -> str:
        """The page itself, not its form."""
        return self._own_address()

    def _seen(self) -> str:
        """Which state of the transaction a form was made of."""
        return self.row.updated_at.isoformat()

    def _own_address(self) -> str:
        return self.link("transaction", id=self.kwargs["id"])

    def get_title(self) -> str:
        """What it was for."""
        return self.row.description or self.row.counterparty or Line(self.row).public_id

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the transaction, its history and what belongs to it. Seven queries at most, and those of the
        apps above."""
        row = self.row
        moved = [Row(*values) for values in fetch(_RELATED, {"entity": self.company.id, "id": row.id})]
        return super().get_context_data(
            line=Line(row),
            row=row,
            form=self.form,
            seen=self._seen(),
            labels=self.form.chart.open_labels() if self.form else [],
            standing=self._standing(bool(moved)),
            links=self._links(),
            moved=[Line(one) for one in moved],
            metadata=_metadata(row.metadata),
            history=[self._told(step) for step in history_of(self.company, row)],
            facts=facts_of(self.company, row.id),
            crumbs=[("Transactions", self.link("transactions"))],
            **kwargs,
        )

    def _standing(self, is_moved: bool) -> list[tuple[str, str, Decimal]]:
        """Where the amount stands now, if it was reclassified: account id, title and amount."""
        if not is_moved:
            return []
        parts = posted_standings(self.company, [self.row]).get(self.row.id, {})
        chart = Chart(self.company)
        return [
            (encode_id(Prefix.ACCOUNT, one), chart.by_id[one].title, amount) for one, amount in parts.items()
        ]

    def _told(self, step: Step) -> dict[str, Any]:
        """A step of the history as it is read: days and moments in the company's zone."""

        def told(value: str | date | datetime | None) -> str:
            if isinstance(value, datetime):
                return f"{day(value := value.astimezone(self.company.zone))} {value:%H:%M}"
            return day(value) if isinstance(value, date) else value or ""

        changes = [(one.label, told(one.before), told(one.after)) for one in step.changes]
        return {**step._asdict(), "changes": changes}

    def _links(self) -> list[tuple[str, str, str]]:
        """Other records that this one names: what they are to it, the page's name, and the id."""
        row = self.row
        named: list[tuple[str, str, str, UUID | None]] = [
            ("Reverses", "transaction", Prefix.TRANSACTION, row.reverses_id),
            ("Reversed by", "transaction", Prefix.TRANSACTION, row.reversed_by_id),
            ("Reclassifies", "transaction", Prefix.TRANSACTION, row.reclassifies_id),
            ("Journal entry", "journal-entry", Prefix.JOURNAL_ENTRY, row.journal_entry_id),
        ]
        return [
            (label, self.link(page, id=encode_id(prefix, id_)), encode_id(prefix, id_))
            for label, page, prefix, id_ in named
            if id_ is not None
        ]


def find(entity: Entity, transaction_id: UUID) -> Row:
    """The transaction of the address; Http404 where the company has none of that id."""
    row = get_transactions(entity, [transaction_id]).get(transaction_id)
    if row is None:
        raise Http404("There is no such transaction in these books.")
    return row


def _metadata(text: str | None) -> list[tuple[str, str]]:
    known = json.decode(text.encode()) if text else {}
    if not isinstance(known, dict):
        return []
    return [
        (key, value if isinstance(value, str) else json.encode(value).decode())
        for key, value in known.items()
        if key not in _TOLD_ELSEWHERE
    ]
