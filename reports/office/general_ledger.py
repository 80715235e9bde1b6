"""The general ledger as a page: every entry of every account, or those that make one figure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.ids import Prefix, decode_id, encode_id
from reports.files.orders import Order
from reports.files.orders import Statement as Form
from reports.files.wording import facts
from reports.office.questions import PAGE_NAMES
from reports.office.statements import StatementPage
from reports.snapshot import snapshot
from reports.statements.cash_flow import LAYOUT, SECTION_LABELS
from reports.statements.general_ledger import (
    BALANCE,
    Entry,
    GeneralLedger,
    LedgerAccount,
    Position,
    position,
    read_entries,
)
from reports.statements.table import as_of_label, period_label

PAGE_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class Part:
    """The entries of one account on a page. `opening` is None where they go on from the page before,
    `closing` where they go on on the next."""

    account_id: UUID
    name: str
    code: int | None
    opening: Decimal | None
    entries: tuple[Entry, ...]
    closing: Decimal | None
    debits: Decimal
    credits: Decimal


class GeneralLedgerPage(StatementPage):
    """Every entry of every account; with `figure` and `account` those that make a figure of a statement."""

    title = "General ledger"
    template_name = "office/general_ledger.html"
    form = Form.GENERAL_LEDGER

    def order(self) -> Order:
        """Which entries are asked for."""
        query = self.request.GET
        account = query.get("account")
        return Order(
            self.form,
            self.asked.scope,
            self.asked.period,
            figure=query.get("figure") or BALANCE,
            account_id=decode_id(Prefix.ACCOUNT, account, field="account") if account else None,
            with_children=query.get("children") != "no",
        )

    def get_title(self) -> str:
        """The figure whose entries these are."""
        figure = self.request.GET.get("figure") or BALANCE
        if figure == BALANCE and not self.request.GET.get("account"):
            return self.title
        return "Entries of a figure" if figure != BALANCE else "Entries of an account"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add a page of entries, by account."""
        asked, order = self.asked, self.order()
        query = {name: value for name, value in self.request.GET.items() if name in PAGE_NAMES}
        scope = cursor_scope("office-general-ledger", self.company.id, query | {"days": asked.period})
        cursor = self.request.GET.get("cursor")
        after = Position(*decode_cursor(scope, cursor)) if cursor else None
        with snapshot():
            ledger, paths = order.general_ledger(), order.paths()
            entries = read_entries(ledger, limit=PAGE_SIZE + 1, after=after)
        page = cut_page(entries, size=PAGE_SIZE, scope=scope, key=position)
        is_figure = order.figure != BALANCE
        return super().get_context_data(
            **{
                **kwargs,
                "order": order,
                "ledger": ledger,
                "parts": parts_of(ledger, page.rows, paths, after=after, has_more=page.has_more),
                "is_figure": is_figure,
                "what": _what(order, paths),
                "days": as_of_label(asked.period.end)
                if asked.period.is_from_beginning
                else period_label(asked.period),
                "facts": facts(asked.scope.basis, asked.scope),
                "next_cursor": page.next_cursor,
                "figure_total": ledger.total,
            }
        )


def parts_of(
    ledger: GeneralLedger,
    entries: Sequence[Entry],
    paths: dict[str, str],
    *,
    after: Position | None,
    has_more: bool,
) -> list[Part]:
    """Return the accounts of a page with their entries, and on the page where they would stand the accounts
    that have a balance and no entry."""
    by_account = {key: tuple(rows) for key, rows in groupby(entries, key=lambda entry: entry.account.id)}
    last: UUID | None = entries[-1].account.id if has_more else None
    parts, is_before = [], after is not None
    for one in ledger.accounts:
        if after is not None and is_before:
            is_before = one.account.id != after.account_id
        if not is_before:
            continues = after is not None and one.account.id == after.account_id
            rows = by_account.get(one.account.id, ())
            stands = ledger.figure == BALANCE and (one.opening or one.closing)
            if rows or (stands and not continues):
                parts.append(_part(one, rows, paths, continues=continues, goes_on=one.account.id == last))
        if one.account.id == last:
            break
    return parts


def _part(
    one: LedgerAccount, rows: tuple[Entry, ...], paths: dict[str, str], *, continues: bool, goes_on: bool
) -> Part:
    account = one.account
    zero = Decimal(0)
    return Part(
        account.id,
        paths.get(account.public_id, account.name),
        account.code,
        None if continues else one.opening,
        rows,
        None if goes_on else one.closing,
        one.moved.debits if one.weights.debit else zero,
        one.moved.credits if one.weights.credit else zero,
    )


def _what(order: Order, paths: dict[str, str]) -> str:
    """What the entries make, in words."""
    figure = figure_label(order.figure)
    if order.account_id is None:
        return figure
    public_id = encode_id(Prefix.ACCOUNT, order.account_id)
    account = paths.get(public_id, public_id)
    if order.figure == BALANCE:
        return account
    return f"{figure}: {account}"


def figure_label(figure: str) -> str:
    """Return what a figure of the statements is called: "Current assets" for currentAssets."""
    section, _, key = figure.rpartition(".")
    for name, lines in LAYOUT.items():
        if figure == name.value:
            return f"Net cash from {SECTION_LABELS[name]}"
        for line in lines:
            if (section, key) == (name.value, line.key):
                return line.label
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", figure).lower()
    return words[:1].upper() + words[1:]
