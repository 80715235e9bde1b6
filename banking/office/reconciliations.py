"""Holding bank statements against the books: the list of them, and beginning one."""

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from banking.models import BankAccount
from banking.office.overview import account_states
from banking.reconciliation.services import start_reconciliation
from banking.reconciliation.statements import ReconciliationPosition, list_statements
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity
from ledger.office.pages import CompanyPage

PAGE_SIZE: Final = 25
_OF_DETAILS: Final = {"statementDate": "day", "statementBalance": "balance"}


class StartForm(forms.Form):
    """A statement: of which account, of which day, and what it ends with."""

    account = forms.ChoiceField(label="Bank account")
    day = forms.DateField(label="Statement date", widget=forms.DateInput(attrs={"type": "date"}))
    balance = forms.DecimalField(
        label="Ending balance",
        max_digits=20,
        decimal_places=4,
        widget=forms.TextInput(attrs={"class": "amount", "inputmode": "decimal"}),
        help_text="As the bank says it: money in the account, or on a card money owed.",
    )

    def __init__(self, accounts: list[BankAccount], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["account"]
        choice.choices = [(one.public_id, f"{one} ({one.currency})") for one in accounts]


class Reconciliations(CompanyPage):
    """Where each bank account stands, and all statements, the newest first."""

    title = "Reconciliation"
    template_name = "office/reconciliations.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Accounts, the form of a new statement, and a page of statements."""
        states = account_states(self.company)
        if "form" not in kwargs:
            kwargs["form"] = StartForm(
                [one.account for one in states if one.open is None],
                initial={"account": self.request.GET.get("account")},
            )
        scope = cursor_scope("office-reconciliations", self.company.id)
        cursor = self.request.GET.get("cursor")
        page = cut_page(
            list_statements(
                self.company,
                bank_account_id=None,
                status=None,
                limit=PAGE_SIZE + 1,
                after=ReconciliationPosition(*decode_cursor(scope, cursor)) if cursor else None,
            ),
            size=PAGE_SIZE,
            scope=scope,
            key=lambda one: (one.statement_date, one.id),
        )
        return super().get_context_data(
            states=states,
            statements=[(encode_id(Prefix.RECONCILIATION, one.id), one) for one in page.rows],
            next_cursor=page.next_cursor,
            **kwargs,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Begin a statement."""
        form = StartForm(_accounts(self.company), request.POST)
        if form.is_valid():
            try:
                started = start_reconciliation(
                    entity=self.company,
                    bank_account_id=decode_id(
                        Prefix.BANK_ACCOUNT, form.cleaned_data["account"], field="account"
                    ),
                    statement_date=form.cleaned_data["day"],
                    statement_balance=form.cleaned_data["balance"],
                    actor=self.actor,
                )
            except LedgerError as error:
                if not error.details:
                    form.add_error(None, error.message)
                for field, message in error.details:
                    form.add_error(_OF_DETAILS.get(field), message)
            else:
                return HttpResponseRedirect(
                    self.link("reconciliation", id=encode_id(Prefix.RECONCILIATION, started))
                )
        return self.render_to_response(self.get_context_data(form=form))


def _accounts(entity: Entity) -> list[BankAccount]:
    return list(BankAccount.objects.filter(entity_id=entity.id, disconnected_at__isnull=True))
