"""The statements as pages: balance sheet, income statement, cash flow statement and trial balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ledger.office.pages import CompanyPage
from reports.files.documents import is_empty
from reports.files.formats import FileFormat, file_format
from reports.files.orders import Order
from reports.files.orders import Statement as Form
from reports.files.responses import file_response
from reports.files.wording import facts
from reports.office.periods import PeriodKind, short_label
from reports.office.pictures import Bridge, Months, cash_bridge, months_picture
from reports.office.questions import Asked, asked_of, without_period
from reports.office.rows import rows_of
from reports.periods import BEGINNING, Period
from reports.question import Answer, Kind, Question, Statement, answer
from reports.statements.balance_sheet import BalanceSheet
from reports.statements.cash_flow import CashFlowStatement
from reports.statements.income_statement import IncomeStatement
from reports.statements.overview import Interval, read_overview
from reports.statements.table import StatementTable
from reports.statements.trial_balance import TrialBalance


@dataclass(frozen=True, slots=True)
class Identity:
    """What must hold in a statement, and whether it does."""

    says: str
    holds: bool
    difference: Decimal


class StatementPage(CompanyPage):
    """A statement of a period. Its figures are those of the API, and each leads to its entries."""

    template_name = "office/statement.html"
    form: ClassVar[Form]
    default_period: ClassVar[PeriodKind] = PeriodKind.MONTH

    def get(  # type: ignore[override]  # a file may be streamed
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """The page, or with `format` its file."""
        self.asked = asked_of(
            request.GET, self.company, default=self.default_period, of_a_day=self.form.is_of_a_day
        )
        wanted = request.GET.get("format")
        if wanted:
            return file_response(self.order(), file_format(self.form, wanted))
        return super().get(request, *args, **kwargs)

    def order(self) -> Order:
        """What the file of this page is made of."""
        asked = self.asked
        return Order(self.form, asked.scope, asked.period, asked.compare)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the picker and what is chosen in it."""
        return super().get_context_data(
            **{
                **kwargs,
                **picker(self.asked, self.request),
                "formats": _FILES,
            }
        )


class _OfFrames(StatementPage):
    """A statement of one reading of the books."""

    kind: ClassVar[Kind]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the rows."""
        asked = self.asked
        found = answer(Question(asked.scope, asked.period, (self.kind,), asked.compare))
        table = found.statements[self.kind].table()
        other = found.comparison[self.kind].table() if found.other_frame else None
        paths = self.order().paths() if self.kind is Kind.TRIAL_BALANCE else {}
        columns = self._columns(asked.period, table)
        if other is not None and asked.other is not None:
            columns += self._columns(asked.other, other, beside=True)
        rows = rows_of(table, other, asked, paths=paths)
        return super().get_context_data(
            **{
                **kwargs,
                "table": table,
                "facts": facts(table.basis, asked.scope),
                "columns": columns,
                "rows": rows,
                "folds": any(row.folds for row in rows),
                "compared": other is not None,
                "is_empty": is_empty(table) and (other is None or is_empty(other)),
                "identities": list(identities(found.statements[self.kind])),
                "has_codes": self.kind is Kind.TRIAL_BALANCE,
                # A trial balance shows what was booked, so by accrual.
                "has_basis": self.kind is not Kind.TRIAL_BALANCE,
                **self.pictures(found),
            }
        )

    def pictures(self, found: Answer) -> dict[str, Months | Bridge | None]:
        """Return the pictures beside the figures, by their names in the template."""
        return {}

    def _columns(self, period: Period, table: StatementTable, *, beside: bool = False) -> list[str]:
        label = short_label(period, of_a_day=self.form.is_of_a_day)
        if len(table.columns) == 1:
            return [label]
        return [f"{column.label}, {label}" if beside else column.label for column in table.columns]


class BalanceSheetPage(_OfFrames):
    """What the company owns, owes, and what is left to its owners."""

    title = "Balance sheet"
    form, kind = Form.BALANCE_SHEET, Kind.BALANCE
    default_period = PeriodKind.UNTIL


class IncomeStatementPage(_OfFrames):
    """What a period earned."""

    title = "Income statement"
    form, kind = Form.INCOME_STATEMENT, Kind.INCOME

    def pictures(self, found: Answer) -> dict[str, Months | Bridge | None]:
        """The twelve months to the end of the period."""
        months = twelve_months(found.frame.period)
        return {"months": months_picture(read_overview(found.frame.scope, months, Interval.MONTHLY))}


class CashFlowPage(_OfFrames):
    """Where cash came from and went."""

    title = "Cash flow statement"
    form, kind = Form.CASH_FLOW, Kind.CASHFLOW

    def pictures(self, found: Answer) -> dict[str, Months | Bridge | None]:
        """From the cash at the beginning to that at the end."""
        statement = found.statements[Kind.CASHFLOW]
        assert isinstance(statement, CashFlowStatement)
        return {"bridge": cash_bridge(statement)}


class TrialBalancePage(_OfFrames):
    """What stands on every account."""

    title = "Trial balance"
    form, kind = Form.TRIAL_BALANCE, Kind.TRIAL_BALANCE
    default_period = PeriodKind.UNTIL


_FILES = (FileFormat.PDF, FileFormat.XLSX, FileFormat.CSV)


def identities(statement: Statement) -> Iterator[Identity]:
    """Yield what must hold in a statement, as `reports.identities` proves it for all books."""
    if isinstance(statement, BalanceSheet):
        yield _identity(
            "Assets = liabilities + equity", statement.total_assets - statement.liabilities_and_equity
        )
    elif isinstance(statement, IncomeStatement):
        earned = statement.total_revenue - statement.total_expenses
        yield _identity("Revenue less expenses = net income", statement.net_income - earned)
    elif isinstance(statement, CashFlowStatement):
        moved = statement.ending_cash - statement.beginning_cash
        yield _identity("Ties to the change in cash", statement.net_change_in_cash - moved)
    elif isinstance(statement, TrialBalance):
        yield _identity("Debits = credits", statement.total_debits - statement.total_credits)


def _identity(says: str, difference: Decimal) -> Identity:
    return Identity(says, not difference, difference)


def twelve_months(period: Period) -> Period:
    """The twelve calendar months up to the one that a period ends in, cut at its end."""
    end = period.end
    count = end.year * 12 + end.month - 12
    start = end.replace(year=count // 12, month=count % 12 + 1, day=1)
    return Period(max(start, BEGINNING), end)


def picker(asked: Asked, request: HttpRequest) -> dict[str, Any]:
    """Return what the period picker shows and sends."""
    stays = without_period(request.GET.dict())
    chosen = asked.chosen
    return {
        "asked": asked,
        "chosen": chosen,
        "earlier": None if chosen.earlier is None else _query(stays, chosen.earlier),
        "later": None if chosen.later is None else _query(stays, chosen.later),
        "this_query": _query(stays, chosen.query),
        "kinds": _KINDS,
        "months_of_year": _MONTHS,
        "hidden": {name: value for name, value in stays.items() if name in ("figure", "account", "children")},
    }


def _query(stays: dict[str, str], period: dict[str, str]) -> str:
    return "?" + urlencode({**stays, **period})


_KINDS = (
    ("month", "Month"),
    ("quarter", "Quarter"),
    ("year", "Calendar year"),
    ("fiscal", "Fiscal year"),
    ("range", "From … to"),
    ("until", "Until a day"),
)
_MONTHS = tuple(
    enumerate(
        (
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ),
        start=1,
    )
)  # fmt: skip
