"""Merging an account: choose the other one, look at what would become of both, do it."""

from datetime import date
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.chart import read_chart
from accounts.choices import AccountType, Side
from accounts.models import Account
from accounts.querysets import find_account, ledgers_of
from ledger.exceptions import ConflictError, ValidationError
from ledger.ids import Prefix, decode_id
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from ledger.times import parse_day
from transactions.account_merges import MergePreview, closed_balance_day, preview_merge
from transactions.services.background_merging import start_merging
from transactions.services.changing import closed_through
from transactions.services.merging import PreviewOutdatedError, is_merged, merge_accounts

# More than these take longer than a person waits for a page.
AT_ONCE_MAX: Final = 5_000


class MergePage(CompanyPage):
    """Everything of one account to another of its type."""

    title = "Merge"
    template_name = "office/account_merge.html"
    duty = Duty.KEEP

    @cached_property
    def account(self) -> Account:
        """The account that would be closed. Raises NotFoundError where the company has none of that id."""
        return find_account(self.company, self.id_of(Prefix.ACCOUNT, self.kwargs["id"]))

    def get_title(self) -> str:
        return f"Merge {self.account}"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Merge, at once or in the background, and show the account that is left."""
        target = self._target(request.POST)
        if target is None:
            raise ValidationError.of("into", "choose the account to merge into.")
        try:
            self._merge(target, self._day(request.POST), request.POST.get("shown", ""))
        except PreviewOutdatedError as error:
            self.complain(error.message)
            again = {name: request.POST[name] for name in ("into", "on") if name in request.POST}
            return HttpResponseRedirect(f"{request.path}?{urlencode(again)}")
        except ConflictError:
            # The form was sent twice, and the first one did it.
            if not is_merged(find_account(self.company, self.account.id), target):
                raise
            self.say(f"{self.account} is merged into {target}.")
        return HttpResponseRedirect(self.link("account", id=target.public_id))

    def after_refusal(self) -> str:
        """The page without what was chosen, which might be refused once more."""
        return self.request.path

    def _merge(self, target: Account, day: date | None, shown: str) -> None:
        preview = preview_merge(self.company, source=self.account, target=target, closed_balance_on=day)
        if preview.digest != shown:
            raise PreviewOutdatedError(self.account, target)
        if preview.posted_count + preview.pending_count > AT_ONCE_MAX:
            start_merging(
                entity=self.company,
                source=self.account,
                target=target,
                closed_balance_on=day,
                actor=self.actor,
                shown=shown,
            )
            self.say(f"{self.account} is being merged into {target}; the background work says how far it is.")
        else:
            merged = merge_accounts(
                entity=self.company,
                source=self.account,
                target=target,
                closed_balance_on=day,
                actor=self.actor,
                shown=shown,
            )
            self.say(
                f"{merged.source} is merged into {merged.target}: {merged.reclassified} reclassified, "
                f"{merged.edited} pending edited."
            )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The accounts to choose from, and once one is chosen what would become of both."""
        account = self.account
        ledger = next(one for one in ledgers_of(self.company) if one.id == account.ledger_id)
        groups = read_chart(self.company, ledger)
        [group] = [group for group in groups if group.type == account.type]
        below = {account.id}
        for one in group.accounts:
            if one.parent_id in below:
                below.add(one.id)
        target = self._target(self.request.GET)
        closed = closed_through(self.company)
        day = self._day(self.request.GET) if target else closed_balance_day(account, closed)
        preview = (
            preview_merge(self.company, source=account, target=target, closed_balance_on=day)
            if target
            else None
        )
        return super().get_context_data(
            account=account,
            target=target,
            # The group is in the order of the tree: what stands below is found in one pass.
            choices=[one for one in group.accounts if one.id not in below and one.closed_at is None],
            closed_through=closed,
            closed_balance_on=day,
            preview=preview,
            shown=preview.digest if preview else "",
            figures=_figures(account, target, preview) if target and preview else (),
            closed_balance=_typed(account, preview.closed_balance) if preview else None,
            closed_balance_stays=_typed(account, preview.source_after.posted) if preview else None,
            in_background=preview is not None and preview.posted_count + preview.pending_count > AT_ONCE_MAX,
            currency=account.currency,
            crumbs=[
                ("Chart of accounts", self.link("chart")),
                (str(account), self.link("account", id=account.public_id)),
            ],
            **kwargs,
        )

    def _target(self, asked: Any) -> Account | None:
        wanted = asked.get("into")
        if not wanted:
            return None
        return find_account(self.company, decode_id(Prefix.ACCOUNT, wanted, field="into"))

    def _day(self, asked: Any) -> date | None:
        """The day that was chosen for the balance of closed periods; the usual one where nothing was said."""
        if "on" in asked:
            return parse_day(asked["on"], field="on") if asked["on"] else None
        return closed_balance_day(self.account, closed_through(self.company))


def _typed(account: Account, amount: Any) -> Any:
    """Debits less credits on the side of the account's type, as everywhere in the chart."""
    return amount if AccountType(account.type).normal_side is Side.DEBIT else -amount


def _figures(account: Account, target: Account, preview: MergePreview) -> list[dict[str, Any]]:
    """Both accounts before and after."""
    return [
        {
            "account": one,
            "before": _typed(account, before.posted),
            "before_pending": _typed(account, before.pending),
            "after": _typed(account, after.posted),
            "after_pending": _typed(account, after.pending),
        }
        for one, before, after in (
            (account, preview.source_before, preview.source_after),
            (target, preview.target_before, preview.target_after),
        )
    ]
