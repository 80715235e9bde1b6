"""The balance sheet: what a company owns, owes, and what is left to its owners, at the end of a day.

No closing entry is ever posted: the earnings of earlier years and of this fiscal year are lines of the
equity, computed from the revenue and expense accounts (ASC 210; S-X 5-02).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reports.frame import Frame
from reports.statements.table import (
    Line,
    StatementTable,
    heading,
    new_table,
    node_lines,
    subtotal,
    total_line,
)
from reports.tree import Forest, Node, computed

EARLIER_YEARS: Final = "earnings-of-earlier-years"
THIS_YEAR: Final = "earnings-of-this-year"
_ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class BalanceSheet:
    """The balance sheet at the end of `frame.period`; amounts on the normal side of their group."""

    frame: Frame
    assets: Forest
    liabilities: Forest
    # The equity accounts, then the two lines of earnings.
    equity: Forest
    total_current_assets: Decimal
    total_non_current_assets: Decimal
    total_assets: Decimal
    total_current_liabilities: Decimal
    total_non_current_liabilities: Decimal
    total_liabilities: Decimal
    total_equity: Decimal
    liabilities_and_equity: Decimal
    earnings_of_earlier_years: Decimal
    earnings_of_this_year: Decimal
    cash: Decimal

    def table(self) -> StatementTable:
        """The balance sheet laid out: current before non-current, assets before liabilities and equity."""
        frame, day = self.frame, self.frame.until_end
        prefix = frame.scope.explain(day).prefix

        def group(figure: str, label: str, amount: Decimal) -> list[Line]:
            nodes = frame.forest(figure, day)
            if not nodes:
                return []
            return [
                heading(f"{figure}/heading", label, 1),
                *node_lines(figure, nodes, 2),
                subtotal(figure, f"Total {label.lower()}", amount, 1, url=prefix(figure)),
            ]

        lines = [
            heading("assets/heading", "Assets"),
            *group("currentAssets", "Current assets", self.total_current_assets),
            *group("nonCurrentAssets", "Non-current assets", self.total_non_current_assets),
            total_line("assets", "Total assets", self.total_assets, url=prefix("assets")),
            heading("liabilitiesAndEquity/heading", "Liabilities and equity"),
            *group("currentLiabilities", "Current liabilities", self.total_current_liabilities),
            *group("nonCurrentLiabilities", "Non-current liabilities", self.total_non_current_liabilities),
            subtotal("liabilities", "Total liabilities", self.total_liabilities, url=prefix("liabilities")),
            heading("equity/heading", "Equity", 1),
            *node_lines("equity", self.equity, 2),
            subtotal("equity", "Total equity", self.total_equity, url=prefix("equity")),
            total_line(
                "liabilitiesAndEquity",
                "Total liabilities and equity",
                self.liabilities_and_equity,
                url=prefix("liabilitiesAndEquity"),
            ),
        ]
        return new_table(frame, key="balance-sheet", title="Balance Sheet", lines=lines, is_of_a_day=True)


def balance_sheet(frame: Frame) -> BalanceSheet:
    """The balance sheet at the end of the frame's period."""
    day = frame.until_end
    figures = frame.figures(day)
    earlier = frame.figure("earnings", frame.earlier_years)
    this_year = frame.figure("earnings", frame.fiscal_year)

    def amount(name: str) -> Decimal:
        return figures.get(name, _ZERO)

    return BalanceSheet(
        frame=frame,
        assets=frame.forest("assets", day),
        liabilities=frame.forest("liabilities", day),
        equity=(*frame.forest("contributedEquity", day), *_earnings(frame, earlier, this_year)),
        total_current_assets=amount("currentAssets"),
        total_non_current_assets=amount("nonCurrentAssets"),
        total_assets=amount("assets"),
        total_current_liabilities=amount("currentLiabilities"),
        total_non_current_liabilities=amount("nonCurrentLiabilities"),
        total_liabilities=amount("liabilities"),
        total_equity=amount("contributedEquity") + earlier + this_year,
        liabilities_and_equity=amount("liabilities") + amount("contributedEquity") + earlier + this_year,
        earnings_of_earlier_years=earlier,
        earnings_of_this_year=this_year,
        cash=amount("cash"),
    )


def _earnings(frame: Frame, earlier: Decimal, this_year: Decimal) -> list[Node]:
    nodes = []
    for id_, name, amount, period in (
        (EARLIER_YEARS, "Earnings of earlier years", earlier, frame.earlier_years),
        (THIS_YEAR, "Earnings of this year", this_year, frame.fiscal_year),
    ):
        if period is not None:
            url = frame.scope.explain(period).prefix("earnings")
            nodes.append(computed(id_, name, amount, url, type_="EQUITY"))
    return nodes
