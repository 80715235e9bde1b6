"""The income statement: what a period earned, in steps from sales to net income (S-X 5-03)."""

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
from reports.tree import Forest

_ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class IncomeStatement:
    """The income statement of `frame.period`. Costs are positive where they reduce the income."""

    frame: Frame
    # By the chart: all revenue, and all expenses, of whatever section.
    revenue: Forest
    expenses: Forest
    total_revenue: Decimal
    total_expenses: Decimal
    # By section.
    net_sales: Decimal
    cost_of_sales: Decimal
    gross_profit: Decimal
    operating_expenses: Decimal
    operating_income: Decimal
    # Other income less other expenses.
    other_income: Decimal
    income_before_tax: Decimal
    income_tax: Decimal
    net_income: Decimal

    def table(self) -> StatementTable:
        """The statement in steps, each section with its accounts."""
        frame, period = self.frame, self.frame.period
        prefix = frame.scope.explain(period).prefix

        def group(figure: str, label: str, amount: Decimal, sum_label: str) -> list[Line]:
            nodes = frame.forest(figure, period)
            if not nodes:
                return []
            return [
                heading(f"{figure}/heading", label),
                *node_lines(figure, nodes, 1),
                subtotal(figure, sum_label, amount, url=prefix(figure)),
            ]

        def step(figure: str, label: str, amount: Decimal) -> Line:
            return subtotal(figure, label, amount, url=prefix(figure))

        lines = [
            *group("netSales", "Revenue", self.net_sales, "Total revenue"),
            *group("costOfSales", "Cost of sales", self.cost_of_sales, "Total cost of sales"),
            step("grossProfit", "Gross profit", self.gross_profit),
            *group(
                "operatingExpenses",
                "Operating expenses",
                self.operating_expenses,
                "Total operating expenses",
            ),
            step("operatingIncome", "Operating income", self.operating_income),
            *group(
                "otherIncome", "Other income and expenses", self.other_income, "Net other income and expenses"
            ),
            step("incomeBeforeTax", "Income before tax", self.income_before_tax),
            *group("incomeTax", "Income tax", self.income_tax, "Total income tax"),
            total_line("netIncome", "Net income", self.net_income, url=prefix("netIncome")),
        ]
        return new_table(frame, key="income-statement", title="Income Statement", lines=lines)


def income_statement(frame: Frame) -> IncomeStatement:
    """The income statement of the frame's period."""
    figures = frame.figures(frame.period)

    def amount(name: str) -> Decimal:
        return figures.get(name, _ZERO)

    gross_profit = amount("netSales") - amount("costOfSales")
    operating_income = gross_profit - amount("operatingExpenses")
    income_before_tax = operating_income + amount("otherIncome")
    return IncomeStatement(
        frame=frame,
        revenue=frame.forest("revenue", frame.period),
        expenses=frame.forest("expenses", frame.period),
        total_revenue=amount("revenue"),
        total_expenses=amount("expenses"),
        net_sales=amount("netSales"),
        cost_of_sales=amount("costOfSales"),
        gross_profit=gross_profit,
        operating_expenses=amount("operatingExpenses"),
        operating_income=operating_income,
        other_income=amount("otherIncome"),
        income_before_tax=income_before_tax,
        income_tax=amount("incomeTax"),
        net_income=income_before_tax - amount("incomeTax"),
    )
