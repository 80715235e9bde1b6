"""What must hold in every statement of any books, period and status (contract, section 6)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from accounts.choices import AccountType
from ledger.db import fetch
from ledger.models import Entity, Ledger
from reports.basis import Basis
from reports.frame import Frame
from reports.periods import BEGINNING, Period, fiscal_year_start, month_period
from reports.read import new_scope, read_frames
from reports.statements.balance_sheet import BalanceSheet, balance_sheet
from reports.statements.cash_flow import cash_flow_statement
from reports.statements.income_statement import IncomeStatement, income_statement
from reports.statements.table import period_label
from reports.statements.trial_balance import trial_balance
from reports.sums import StatusFilter, exactly
from reports.tree import total
from transactions.verification import register_check

_ZERO: Final = Decimal(0)
# Each month is two cuts; PostgreSQL takes at most 1,664 columns.
_MONTHS_AT_ONCE: Final = 24


def broken_identities(frame: Frame) -> Iterator[str]:
    """Yield a sentence for every identity that the statements of a frame break; nothing where all hold."""
    for what, left, right in _identities(frame):
        if left != right:
            yield (
                f"{period_label(frame.period)}, {frame.scope.status}, {frame.scope.basis.lower()} basis: "
                f"{what}: {left} is not {right}"
            )


def _identities(frame: Frame) -> Iterator[tuple[str, Decimal, Decimal]]:
    sheet, income = balance_sheet(frame), income_statement(frame)
    yield from _of_trial_balance(frame)
    yield from _of_balance_sheet(sheet)
    yield from _of_income_statement(income)
    yield from _of_cash_flow(frame, sheet, income)
    before = frame.figures(frame.before)
    yield (
        "net income = the change of the earnings lines",
        income.net_income,
        sheet.earnings_of_earlier_years + sheet.earnings_of_this_year - before.get("earnings", _ZERO),
    )


def _of_trial_balance(frame: Frame) -> Iterator[tuple[str, Decimal, Decimal]]:
    trial = trial_balance(frame)
    yield "trial balance: debits = credits", trial.total_debits, trial.total_credits
    moved = frame.turnovers(frame.period).values()
    yield (
        "movements of the period: debits = credits",
        sum((one.debits for one in moved), _ZERO),
        sum((one.credits for one in moved), _ZERO),
    )
    by_type = dict.fromkeys(AccountType, _ZERO)
    for line in trial.lines:
        by_type[AccountType(line.account.type)] += line.debit - line.credit
    yield "accounts of all types add up to zero", sum(by_type.values(), _ZERO), _ZERO


def _of_balance_sheet(sheet: BalanceSheet) -> Iterator[tuple[str, Decimal, Decimal]]:
    yield "assets = liabilities + equity", sheet.total_assets, sheet.total_liabilities + sheet.total_equity
    yield "assets = liabilities and equity", sheet.total_assets, sheet.liabilities_and_equity
    yield (
        "assets = current + non-current",
        sheet.total_assets,
        sheet.total_current_assets + sheet.total_non_current_assets,
    )
    yield (
        "liabilities = current + non-current",
        sheet.total_liabilities,
        sheet.total_current_liabilities + sheet.total_non_current_liabilities,
    )
    yield "the asset accounts add up to the assets", total(sheet.assets), sheet.total_assets
    yield "the liability accounts add up", total(sheet.liabilities), sheet.total_liabilities
    yield "the equity lines add up to the equity", total(sheet.equity), sheet.total_equity


def _of_income_statement(income: IncomeStatement) -> Iterator[tuple[str, Decimal, Decimal]]:
    yield (
        "net income = revenue - expenses",
        income.net_income,
        income.total_revenue - income.total_expenses,
    )
    yield "the revenue accounts add up to the revenue", total(income.revenue), income.total_revenue
    yield "the expense accounts add up to the expenses", total(income.expenses), income.total_expenses
    # The steps by section against the figures by account.
    figures = income.frame.figures(income.frame.period)
    for name, step in (
        ("grossProfit", income.gross_profit),
        ("operatingIncome", income.operating_income),
        ("incomeBeforeTax", income.income_before_tax),
        ("netIncome", income.net_income),
    ):
        yield f"{name} of the sections = of the accounts", step, figures.get(name, _ZERO)


def _of_cash_flow(
    frame: Frame, sheet: BalanceSheet, income: IncomeStatement
) -> Iterator[tuple[str, Decimal, Decimal]]:
    flow = cash_flow_statement(frame)
    yield (
        "net change in cash = cash at the end - cash at the beginning",
        flow.net_change_in_cash,
        flow.ending_cash - flow.beginning_cash,
    )
    yield "net income of the cash flow = of the income statement", flow.items[0].amount, income.net_income
    yield "cash at the end = cash on the balance sheet", flow.ending_cash, sheet.cash
    for item in flow.items:
        yield f"{item.section}.{item.key}: the accounts add up", total(item.accounts), item.amount
    figures = frame.figures(frame.period)
    for name, amount in (
        ("operatingActivities", flow.operating),
        ("investingActivities", flow.investing),
        ("financingActivities", flow.financing),
        ("netChangeInCash", flow.net_change_in_cash),
    ):
        yield f"{name} of the lines = of the accounts", amount, figures.get(name, _ZERO)


def check_ledger(entity: Entity, ledger: Ledger, periods: list[Period]) -> Iterator[str]:
    """Check all statements of some periods, posted and pending, on both bases."""
    with exactly():
        for status in StatusFilter:
            scope = new_scope(entity=entity, ledger=ledger, status=status)
            for place in range(0, len(periods), _MONTHS_AT_ONCE):
                for frame in read_frames(scope, periods[place : place + _MONTHS_AT_ONCE]):
                    for basis in Basis:
                        yield from broken_identities(replace(frame, scope=replace(scope, basis=basis)))


@register_check("statements")
def check_statements(entity: Entity) -> Iterator[str]:
    """In every month, every fiscal year and all days together: debits equal credits, assets equal liabilities
    and equity, the cash flow explains cash, and net income is the change of the earnings."""
    for ledger in Ledger.objects.filter(entity_id=entity.id).order_by("id"):
        months = _months_in_use(entity, ledger)
        years: dict[date, Period] = {}
        for month in months:
            start = fiscal_year_start(month.end, first_month=entity.fiscal_year_start)
            years[start] = Period(start, max(month.end, years.get(start, month).end))
        everything = [Period(BEGINNING, months[-1].end)] if months else []
        yield from check_ledger(entity, ledger, [*months, *years.values(), *everything])


def _months_in_use(entity: Entity, ledger: Ledger) -> list[Period]:
    rows = fetch(
        """
        SELECT DISTINCT m.month FROM accounts_accountmonth m
        JOIN accounts_account a ON a.entity_id = m.entity_id AND a.id = m.account_id
        WHERE m.entity_id = %(entity)s::uuid AND a.ledger_id = %(ledger)s::uuid
        ORDER BY 1
        """,
        {"entity": entity.id, "ledger": ledger.id},
    )
    return [month_period(month.year, month.month) for (month,) in rows]
