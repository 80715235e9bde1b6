"""Making a rule from what a person looks at, with a look at what it would change."""

from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from banking.models import Rule
from banking.office.rule_form import RuleForm, initial_of
from banking.querysets import find_line
from banking.rules.applying import Plan, Selection, plan_of_new
from banking.rules.background import AT_ONCE_MAX, apply_or_start
from banking.rules.keeping import create_rule
from banking.services.guarding import moved_out
from banking.services.rows import bank_facts, links_of_transactions
from ledger.exceptions import LedgerError, NotFoundError
from ledger.ids import Prefix, decode_id
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from transactions.models import Transaction

SHOWN_MAX: Final = 50
# Pages of the company that may have sent the person here.
_BACK: Final = ("review", "transactions", "feeds")


class _Seen(NamedTuple):
    """What the rule is made from; the amount is positive where money left the company."""

    description: str
    counterparty: str
    amount: Decimal


class RuleNew(CompanyPage):
    """A new rule, filled in from a bank line or a transaction (`from`) and an account (`account`)."""

    title = "New rule"
    template_name = "office/rule_new.html"
    duty = Duty.KEEP

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and where the person came from."""
        if "form" not in kwargs:
            kwargs["form"] = RuleForm(self.company, initial=self._initial())
        return super().get_context_data(
            next=self._next(), shown_max=SHOWN_MAX, rows=kwargs["form"].rows, **kwargs
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show what the rule would change, or make it."""
        form = RuleForm(self.company, request.POST)
        try:
            if form.is_valid():
                if request.POST.get("action") != "save":
                    return self._looked(form)
                return self._made(form)
        except LedgerError as error:
            form.refuse(error)
        return self.render_to_response(self.get_context_data(form=form))

    def _looked(self, form: RuleForm) -> HttpResponse:
        planned = plan_of_new(self.company, form.fields_for_service(), size=AT_ONCE_MAX)
        return self.render_to_response(
            self.get_context_data(form=form, plan=planned, changes=planned.changes[:SHOWN_MAX])
        )

    def _made(self, form: RuleForm) -> HttpResponse:
        rule = create_rule(entity=self.company, fields=form.fields_for_service(), actor=self.actor)
        told = f"“{rule.name}” works from the next sync on."
        if "apply" in self.request.POST:
            told = f"“{rule.name}”: {self._applied(rule)}"
        self.say(told)
        return HttpResponseRedirect(self.link(self._next()))

    def _applied(self, rule: Rule) -> str:
        done = apply_or_start(entity=self.company, selection=Selection(rule_ids=(rule.id,)), actor=self.actor)
        if isinstance(done, Plan):
            return f"{len(done.changes)} transactions changed."
        return "it is applied in the background."

    def _next(self) -> str:
        wanted = self.request.POST.get("next") or self.request.GET.get("next", "")
        return wanted if wanted in _BACK else "review"

    def _initial(self) -> dict[str, Any]:
        text = self.request.GET.get("from", "")
        if not text:
            return {}
        account = self.request.GET.get("account", "")
        account_id = decode_id(Prefix.ACCOUNT, account, field="account") if account else None
        seen = self._seen(text)
        return initial_of(seen.description, seen.counterparty, seen.amount, account_id)

    def _seen(self, text: str) -> _Seen:
        if text.startswith(f"{Prefix.BANK_LINE}_"):
            line = find_line(self.company, decode_id(Prefix.BANK_LINE, text, field="from"))
            return _Seen(line.description, line.counterparty, line.amount)
        wanted = decode_id(Prefix.TRANSACTION, text, field="from")
        row = Transaction.objects.filter(entity_id=self.company.id, id=wanted).first()
        if row is None:
            raise NotFoundError(f"There is no transaction {text} in this company.")
        return _Seen(row.description, row.counterparty, self._out(wanted, row))

    def _out(self, transaction_id: UUID, row: Transaction) -> Decimal:
        """The amount as the bank account behind it has it; without one, money out."""
        for one in links_of_transactions(self.company, [transaction_id]):
            account = bank_facts(self.company)[one.bank_account_id].ledger_account_id
            return moved_out(account, row.debit_account_id, row.credit_account_id, row.amount)
        return row.amount
