"""Making, changing, closing and deleting an account, each by the service of that name."""

from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from msgspec import UNSET

from accounts.balances import BalanceWithChildren, account_balance
from accounts.chart import ChartAccount, read_chart
from accounts.choices import AccountType
from accounts.models import Account
from accounts.office.forms import AccountForm
from accounts.office.ledgers import chosen_ledger
from accounts.querysets import find_account, ledgers_of
from accounts.services import close_account, create_account, delete_account, reopen_account, update_account
from ledger.exceptions import LedgerError
from ledger.ids import Prefix
from ledger.models import Ledger
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from ledger.office.sending import once, sending_of


class _FormPage(CompanyPage):
    """A form about an account: shown again with what was typed and why, where a service refuses it."""

    duty = Duty.KEEP
    template_name = "office/account_form.html"
    # What is said of the account's name once it is saved.
    done: ClassVar[str]

    @property
    def account(self) -> Account | None:
        """The account that is changed; None for a new one."""
        return None

    @property
    def ledger(self) -> Ledger:
        """The books that it is of."""
        raise NotImplementedError

    def make_form(self, data: Any = None) -> AccountForm:
        """The form, empty or with what was sent."""
        raise NotImplementedError

    def save(self, form: AccountForm) -> Account:
        """Do what the form says by a service."""
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save what was sent, or show why not."""
        form = self.make_form(request.POST)
        if form.is_valid():
            try:
                where = once(self, lambda: self.after(self.save(form)))
            except LedgerError as error:
                form.refuse(error)
            else:
                self.say(self.done.format(form.cleaned_data["name"]))
                return HttpResponseRedirect(where)
        return self.render_to_response(self.get_context_data(form=form, **kwargs))

    def after(self, account: Account) -> str:
        """Where the person goes once it is saved."""
        return f"{_chart_of(self, account)}#{account.public_id}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and where the page stands."""
        if "form" not in kwargs:
            kwargs["form"] = self.make_form()
        return super().get_context_data(
            sending=sending_of(self.request),
            account=self.account,
            ledger=self.ledger,
            crumbs=[("Chart of accounts", self.link("chart"))],
            **kwargs,
        )

    def parents(self) -> list[ChartAccount]:
        """The accounts that it may stand below; not below itself, and not below what is closed."""
        groups = read_chart(self.company, self.ledger)
        all_ = [account for group in groups for account in group.accounts]
        own = self.account.id if self.account else None
        kept = self.account.parent_id if self.account else None
        below: set[Any] = {own} if own else set()
        for account in all_:
            if account.parent_id in below:
                below.add(account.id)
        return [
            account
            for account in all_
            if account.id not in below
            and (account.closed_at is None or account.id == kept)
            and (self.account is None or account.type == self.account.type)
        ]

    def parent(self, form: AccountForm) -> Account | None:
        """The account that was chosen as the parent."""
        chosen = form.cleaned_data["parent"]
        return find_account(self.company, self.id_of(Prefix.ACCOUNT, chosen)) if chosen else None


class NewAccountPage(_FormPage):
    """A new account; below another one or of a type, where the query says so."""

    title = "New account"
    done = "{} is in the chart."

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger that was asked for, or the default one."""
        asked = self.request.POST.get("ledger") or self.request.GET.get("ledger")
        return chosen_ledger(ledgers_of(self.company), self.company, asked)

    def make_form(self, data: Any = None) -> AccountForm:
        """With the parent and the type of the query; a parent's type is its children's."""
        parents = self.parents()
        asked = self.request.GET
        above = next((one for one in parents if one.public_id == asked.get("parent")), None)
        return AccountForm(
            data,
            parents=parents,
            initial={
                "parent": above.public_id if above else "",
                "type": above.type.value if above else asked.get("type", AccountType.EXPENSE.value),
                "financial_type": (above.financial_type or "") if above else "",
            },
        )

    def save(self, form: AccountForm) -> Account:
        """Add the account to the chart."""
        said = form.cleaned_data
        return create_account(
            entity=self.company,
            ledger=self.ledger,
            name=said["name"],
            type_=AccountType(said["type"]),
            financial_type=said["financial_type"] or None,
            sub_type=said["sub_type"] or None,
            sub_type_code=said["code"],
            parent=self.parent(form),
            metadata={"description": said["description"]} if said["description"] else None,
            actor=self.actor,
        )

    def after(self, account: Account) -> str:
        """The chart, or the next new account below the same parent."""
        if "another" not in self.request.POST:
            return super().after(account)
        parent = self.request.POST.get("parent", "")
        asked = {"ledger": self.ledger.public_id, "type": account.type, "parent": parent}
        return f"{self.link('account-new')}?{urlencode(asked)}"


class EditAccountPage(_FormPage):
    """Name, code, financial type, place and description of an account. Its type stays."""

    done = "{} is saved."

    @cached_property
    def account(self) -> Account:
        """The account of the address. Raises NotFoundError where the company has none of that id."""
        return find_account(self.company, self.id_of(Prefix.ACCOUNT, self.kwargs["id"]))

    @cached_property
    def ledger(self) -> Ledger:
        """The account's."""
        return next(one for one in ledgers_of(self.company) if one.id == self.account.ledger_id)

    def get_title(self) -> str:
        return f"Edit {self.account}"

    def make_form(self, data: Any = None) -> AccountForm:
        """With what the account says now."""
        account = self.account
        parents = self.parents()
        return AccountForm(
            data,
            parents=parents,
            type_is_fixed=True,
            initial={
                "type": account.type,
                "name": account.name,
                "code": account.sub_type_code,
                "financial_type": account.financial_type or "",
                "parent": next((one.public_id for one in parents if one.id == account.parent_id), ""),
                "sub_type": account.sub_type or "",
                "description": (account.metadata or {}).get("description", ""),
            },
        )

    def save(self, form: AccountForm) -> Account:
        """Change what is different."""
        said = form.cleaned_data
        return update_account(
            entity=self.company,
            account=self.account,
            name=said["name"],
            financial_type=said["financial_type"] or UNSET,
            sub_type=said["sub_type"] or None,
            sub_type_code=said["code"],
            parent=self.parent(form),
            metadata=_described(self.account.metadata, said["description"]),
            actor=self.actor,
        )


def _described(metadata: dict[str, Any] | None, description: str) -> dict[str, Any] | None:
    """Metadata with that description, and all else as it was."""
    others = {name: value for name, value in (metadata or {}).items() if name != "description"}
    return (others | ({"description": description} if description else {})) or None


class _StatePage(CompanyPage):
    """Says what an action does to an account, and does it when that is confirmed."""

    duty = Duty.KEEP
    template_name = "office/account_state.html"
    verb: ClassVar[str]

    @cached_property
    def account(self) -> Account:
        """The account of the address. Raises NotFoundError where the company has none of that id."""
        return find_account(self.company, self.id_of(Prefix.ACCOUNT, self.kwargs["id"]))

    def act(self) -> str:
        """Do it by a service, and return what was done as a sentence."""
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it, and show the chart."""
        self.say(self.act())
        return HttpResponseRedirect(_chart_of(self, self.account))

    def get_title(self) -> str:
        return f"{self.verb.capitalize()} {self.account}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What stands on the account, since that stays."""
        found = account_balance(self.company.id, self.account.id, with_children=False)
        return super().get_context_data(
            account=self.account,
            currency=self.account.currency,
            balance=found.total.net if found else None,
            pending=_pending(found),
            verb=self.verb,
            crumbs=[("Chart of accounts", _chart_of(self, self.account))],
            **kwargs,
        )


class CloseAccountPage(_StatePage):
    """No new transactions; the history and the balance stay."""

    verb = "close"

    def act(self) -> str:
        account = close_account(entity=self.company, account=self.account, actor=self.actor)
        return f"{account} is closed: it takes no new transactions."


class ReopenAccountPage(_StatePage):
    """Transactions again."""

    verb = "reopen"

    def act(self) -> str:
        account = reopen_account(entity=self.company, account=self.account, actor=self.actor)
        return f"{account} is open again."


class DeleteAccountPage(_StatePage):
    """Only what was never used goes."""

    verb = "delete"

    def act(self) -> str:
        delete_account(entity=self.company, account=self.account, actor=self.actor)
        return f"{self.account} is deleted."


def _pending(found: BalanceWithChildren | None) -> Any:
    if found is None:
        return None
    sums = found.total.sums
    return abs(sums.debits_pending - sums.credits_pending)


def _chart_of(page: CompanyPage, account: Account) -> str:
    """The chart of the account's ledger."""
    ledger = next(one for one in ledgers_of(page.company) if one.id == account.ledger_id)
    return page.link("chart") + ("" if ledger.is_default else f"?ledger={ledger.public_id}")
