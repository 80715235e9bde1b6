"""An account's page: what it is, what stands on it, and its ledger with the balance after each entry."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from accounts.chart import ChartAccount, read_chart
from accounts.choices import Side
from accounts.models import Account
from accounts.querysets import find_account, ledgers_of
from ledger.api.pagination import cursor_scope, decode_cursor, encode_cursor
from ledger.clock import utc_now
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, decode_id, encode_id, encode_optional_id
from ledger.models import Entity
from ledger.office.pages import CompanyPage
from ledger.times import day_of
from transactions.account_ledger import (
    Entry,
    MonthOfLedger,
    Position,
    last_months,
    ledger_entries,
    position_of,
    sums_until,
)
from transactions.choices import Status
from transactions.office.account_days import chosen_days, shortcuts
from transactions.office.bars import Bars, bars_of, plain
from transactions.services.merging import MERGED_INTO

PAGE_SIZE: Final = 50
_MONTHS: Final = 12


class AccountPage(CompanyPage):
    """An account and its ledger, newest entry first.

    Amounts are on the side of the account's type, as in the chart. The balance counts what is posted; entries
    that are not yet stand softly between the others.
    """

    title = "Account"
    template_name = "office/account.html"

    def get_title(self) -> str:
        return str(self.account)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Seven queries, whatever the account holds."""
        asked = self.request.GET
        account_id = self.id_of(Prefix.ACCOUNT, kwargs["id"])
        self.account = account = find_account(self.company, account_id)
        ledger = next(one for one in ledgers_of(self.company) if one.id == account.ledger_id)
        groups = read_chart(self.company, ledger)
        by_id = {one.id: one for group in groups for one in group.accounts}
        line = by_id[account.id]
        with_children = bool(line.children) and asked.get("children") != "0"
        ids = [one.id for one in _below(line)] if with_children else [line.id]
        first, last = chosen_days(asked)
        posted_only = asked.get("status") == "posted"
        sign = _sign(line)
        today = day_of(utc_now(), self.company.zone)
        entries, next_cursor = self._entries(account, ids, first, last, posted_only)
        [opening, closing] = sums_until(
            self.company, ids, [first - timedelta(days=1) if first else date(1900, 1, 1), last]
        )
        months = last_months(self.company, ids, last=last or today, count=_MONTHS)
        return super().get_context_data(
            account=account,
            line=line,
            ledger=ledger,
            currency=account.currency,
            merged_into=_merged_into(account, self.company),
            with_children=with_children,
            balance=line.total if with_children else line.own,
            pending=line.total_pending if with_children else line.own_pending,
            below=line.children,
            day_from=first,
            day_to=last,
            posted_only=posted_only,
            shortcuts=shortcuts(self.company, today),
            opening=sign(opening.net) if first else None,
            closing=sign(closing.net),
            debits=closing.debits - opening.debits if first else closing.debits,
            credits=closing.credits - opening.credits if first else closing.credits,
            is_balance_sheet=line.type.is_balance_sheet,
            bars=_bars(months, line, sign, account.currency),
            entries=[_shown(entry, sign, with_children) for entry in entries],
            next_cursor=next_cursor,
            is_first_page=not asked.get("cursor"),
            crumbs=_crumbs(self, line, by_id, ledger),
            **kwargs,
        )

    def _entries(
        self,
        account: Account,
        ids: Sequence[Any],
        first: date | None,
        last: date | None,
        posted_only: bool,
    ) -> tuple[list[Entry], str | None]:
        scope = cursor_scope(
            "office/account",
            self.company.id,
            {"account": account.id, "from": first, "to": last, "ids": len(ids), "posted": posted_only},
        )
        cursor = self.request.GET.get("cursor")
        after = Position(*decode_cursor(scope, cursor)) if cursor else None
        entries = ledger_entries(
            self.company,
            ids,
            limit=PAGE_SIZE + 1,
            date_from=first,
            date_to=last,
            after=after,
            posted_only=posted_only,
        )
        more = len(entries) > PAGE_SIZE
        entries = entries[:PAGE_SIZE]
        return entries, encode_cursor(scope, *position_of(entries[-1])) if more else None


def _below(line: ChartAccount) -> list[ChartAccount]:
    """The account and all below it."""
    found = [line]
    for one in found:
        found += one.children
    return found


def _sign(line: ChartAccount) -> Callable[[Decimal], Decimal]:
    """Debits less credits as the account's type counts them."""
    return (lambda amount: amount) if line.type.normal_side is Side.DEBIT else (lambda amount: -amount)


def _shown(entry: Entry, sign: Callable[[Decimal], Decimal], with_children: bool) -> dict[str, Any]:
    """An entry as the template lists it."""
    return {
        "id": encode_id(Prefix.TRANSACTION, entry.transaction_id),
        "date": entry.date,
        "text": entry.counterparty or entry.description or "No description",
        "more": entry.description if entry.counterparty and entry.description != entry.counterparty else "",
        "status": entry.status.value,
        "is_posted": entry.is_posted,
        "is_undone": entry.status is Status.REVERSED or entry.reverses_id is not None,
        "reclassifies": encode_optional_id(Prefix.TRANSACTION, entry.reclassifies_id),
        "debit": entry.amount if entry.side is Side.DEBIT else None,
        "credit": entry.amount if entry.side is Side.CREDIT else None,
        "balance": None if entry.balance is None else sign(entry.balance),
        "other_id": encode_id(Prefix.ACCOUNT, entry.other_id),
        "other": _label(entry.other_code, entry.other_name),
        "own": _label(entry.account_code, entry.account_name) if with_children else "",
    }


def _label(code: int | None, name: str) -> str:
    return name if code is None else f"{code} {name}"


def _bars(
    months: list[MonthOfLedger], line: ChartAccount, sign: Callable[[Decimal], Decimal], currency: str
) -> Bars:
    """What stood on it at each month's end; of revenue and expenses what each month brought."""
    values = []
    for month in months:
        value = sign(month.balance if line.type.is_balance_sheet else month.change)
        label = f"{month.first_day:%b}" if month.first_day.month > 1 else f"{month.first_day:%Y}"
        values.append((label, f"{month.first_day:%B %Y}: {plain(value, currency)} {currency}", value))
    return bars_of(values)


def _crumbs(page: CompanyPage, line: ChartAccount, by_id: dict[Any, ChartAccount], ledger: Any) -> Any:
    chart = page.link("chart") + ("" if ledger.is_default else f"?ledger={ledger.public_id}")
    above: list[tuple[str, str]] = []
    parent = line.parent_id
    while parent is not None:
        one = by_id[parent]
        above.insert(0, (one.label, page.link("account", id=one.public_id)))
        parent = one.parent_id
    return [("Chart of accounts", chart), *above]


def _merged_into(account: Account, company: Entity) -> Account | None:
    """The account that a closed one was merged into, where the company still has it."""
    public_id = (account.metadata or {}).get(MERGED_INTO)
    if account.closed_at is None or not public_id:
        return None
    try:
        return find_account(company, decode_id(Prefix.ACCOUNT, public_id, field="mergedInto"))
    except LedgerError:
        return None
