"""The cash flow statement by the indirect method: from net income to the change in cash (ASC 230).

Where an account's change is shown is said in `accounts.cash_flow`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from accounts.cash_flow import CashFlowSection
from reports.frame import Frame
from reports.statements.table import (
    Line,
    StatementTable,
    Style,
    heading,
    new_table,
    node_lines,
    subtotal,
    total_line,
)
from reports.tree import Forest, total

_ZERO: Final = Decimal(0)


class _Layout(NamedTuple):
    key: str
    label: str
    # Whether it stands under "adjustments".
    is_adjustment: bool = False


# Every line of the statement in its order; the keys are the report's own.
LAYOUT: Final[dict[CashFlowSection, tuple[_Layout, ...]]] = {
    CashFlowSection.OPERATING: (
        _Layout("netIncome", "Net income"),
        _Layout("depreciation", "Depreciation and amortization", True),
        _Layout("changeInAccountsReceivable", "Change in accounts receivable", True),
        _Layout("changeInInventory", "Change in inventory", True),
        _Layout("changeInAccountsPayable", "Change in accounts payable", True),
        _Layout("changeInAccruedLiabilities", "Change in accrued liabilities", True),
        _Layout("other", "Other adjustments", True),
    ),
    CashFlowSection.INVESTING: (
        _Layout("purchaseOfFixedAssets", "Purchase of fixed assets"),
        _Layout("purchaseOfInvestments", "Purchase of investments"),
        _Layout("saleOfInvestments", "Sale of investments"),
        _Layout("other", "Other investing activities"),
    ),
    CashFlowSection.FINANCING: (
        _Layout("proceedsFromDebt", "Proceeds from debt"),
        _Layout("repaymentOfDebt", "Repayment of debt"),
        _Layout("issuanceOfStock", "Issuance of stock and contributions"),
        _Layout("dividendsPaid", "Dividends and distributions paid"),
        _Layout("other", "Other financing activities"),
    ),
}
SECTION_LABELS: Final = {
    CashFlowSection.OPERATING: "operating activities",
    CashFlowSection.INVESTING: "investing activities",
    CashFlowSection.FINANCING: "financing activities",
}


@dataclass(frozen=True, slots=True)
class CashFlowItem:
    """One line: positive for cash that came in. `accounts` add up to it."""

    section: CashFlowSection
    key: str
    label: str
    is_adjustment: bool
    amount: Decimal
    accounts: Forest
    entries_url: str


@dataclass(frozen=True)
class CashFlowStatement:
    """The cash flow statement of `frame.period`."""

    frame: Frame
    # Every line of the statement in its order, also those of zero.
    items: tuple[CashFlowItem, ...]
    operating: Decimal
    investing: Decimal
    financing: Decimal
    net_change_in_cash: Decimal
    beginning_cash: Decimal
    ending_cash: Decimal

    def of_section(self, section: CashFlowSection) -> tuple[CashFlowItem, ...]:
        """The lines of one section."""
        return tuple(item for item in self.items if item.section is section)

    def table(self) -> StatementTable:
        """The statement laid out; lines of zero are left out but for net income."""
        frame = self.frame
        explain = frame.scope.explain(frame.period)
        lines: list[Line] = []
        for section, amount in (
            (CashFlowSection.OPERATING, self.operating),
            (CashFlowSection.INVESTING, self.investing),
            (CashFlowSection.FINANCING, self.financing),
        ):
            lines += self._section_lines(section)
            label = f"Net cash from {SECTION_LABELS[section]}"
            lines.append(subtotal(section.value, label, amount, url=explain.prefix(section.value)))
        lines.append(
            total_line(
                "netChangeInCash",
                "Net change in cash",
                self.net_change_in_cash,
                url=explain.prefix("netChangeInCash"),
            )
        )
        lines += self._cash_lines()
        return new_table(frame, key="cash-flow", title="Statement of Cash Flows", lines=lines)

    def _section_lines(self, section: CashFlowSection) -> Iterator[Line]:
        label = SECTION_LABELS[section]
        yield heading(f"{section}/heading", label[0].upper() + label[1:])
        for item in self.of_section(section):
            if not item.accounts and item.key != "netIncome":
                continue
            key = f"{section}.{item.key}"
            yield Line(key, item.label, 1, Style.LINE, (item.amount,), entries_url=item.entries_url)
            if item.key != "netIncome":
                yield from node_lines(key, item.accounts, 2)

    def _cash_lines(self) -> Iterator[Line]:
        frame = self.frame
        before = frame.scope.explain(frame.before).prefix("cash") if frame.before else None
        yield Line(
            "beginningCash",
            "Cash at the beginning",
            0,
            Style.LINE,
            (self.beginning_cash,),
            entries_url=before,
        )
        url = frame.scope.explain(frame.until_end).prefix("cash")
        yield total_line("endingCash", "Cash at the end", self.ending_cash, url=url)


def cash_flow_statement(frame: Frame) -> CashFlowStatement:
    """The cash flow statement of the frame's period."""
    period = frame.period
    explain = frame.scope.explain(period)
    items = []
    for section, lines in LAYOUT.items():
        for line in lines:
            name = f"{section.value}.{line.key}"
            accounts = frame.forest(name, period)
            items.append(
                CashFlowItem(
                    section,
                    line.key,
                    line.label,
                    line.is_adjustment,
                    total(accounts),
                    accounts,
                    explain.prefix(name),
                )
            )

    def section_total(section: CashFlowSection) -> Decimal:
        return sum((item.amount for item in items if item.section is section), _ZERO)

    operating = section_total(CashFlowSection.OPERATING)
    investing = section_total(CashFlowSection.INVESTING)
    financing = section_total(CashFlowSection.FINANCING)
    return CashFlowStatement(
        frame=frame,
        items=tuple(items),
        operating=operating,
        investing=investing,
        financing=financing,
        net_change_in_cash=operating + investing + financing,
        beginning_cash=frame.figure("cash", frame.before),
        ending_cash=frame.figure("cash", frame.until_end),
    )
