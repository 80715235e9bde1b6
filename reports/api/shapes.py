"""Statements as the API shows them (contract, section 6)."""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from msgspec import Raw

from accounts.cash_flow import CashFlowSection
from ledger.api import json
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.money import as_number, as_text
from ledger.times import format_timestamp
from reports.banks import Reconciliation
from reports.changes import ChangedFigure, ChangedTransaction, State
from reports.frame import Scope
from reports.periods import Period
from reports.statements.balance_sheet import BalanceSheet
from reports.statements.cash_flow import CashFlowItem, CashFlowStatement
from reports.statements.general_ledger import Entry, GeneralLedger, LedgerAccount
from reports.statements.income_statement import IncomeStatement
from reports.statements.overview import Interval, Overview, Point, percent_change
from reports.statements.trial_balance import TrialBalance, TrialBalanceLine
from reports.tree import Forest, Node

_ACCOUNTS_KEPT_MAX: Final = 8192


def nodes_out(forest: Forest, currency: str) -> Raw:
    """A tree's nodes, as JSON: an answer has hundreds, and shows each account several times."""
    return _array([_node_text(node, currency) for node in forest])


def _array(items: Iterable[str]) -> Raw:
    return Raw(f"[{','.join(items)}]".encode())


@lru_cache(maxsize=_ACCOUNTS_KEPT_MAX)
def _account_text(
    id_: str, name: str, type_: str | None, financial_type: str | None, code: int | None
) -> str:
    """How the JSON of a line begins that shows an account; it is the same in every answer."""
    shape = {
        "id": id_,
        "name": name,
        "type": type_,
        "financialType": financial_type,
        "code": None if code is None else str(code),
    }
    return json.encode(shape).decode().removesuffix("}")


def _node_text(node: Node, currency: str) -> str:
    id_, name, type_, financial_type, code, balance, below, parent_id, level, is_category, url = node
    children = ",".join([_node_text(child, currency) for child in below]) if below else ""
    parent = f'"{parent_id}"' if parent_id else "null"
    # Neither ids nor addresses have characters that JSON escapes. `!s` gives the
    # same text in a third of the time.
    return (
        f"{_account_text(id_, name, type_, financial_type, code)}"
        f',"balance":{as_number(balance, currency)!s},"children":[{children}],"parentId":{parent}'
        f',"level":{level},"isCategory":{"true" if is_category else "false"},"entriesUrl":"{url}"}}'
    )


def period_out(period: Period) -> dict[str, Any]:
    """The report's period; the start of one that begins with the books is null."""
    return {
        "month": period.month,
        "year": period.year,
        "startDate": None if period.is_from_beginning else period.start.isoformat(),
        "endDate": period.end.isoformat(),
    }


def scope_out(scope: Scope) -> dict[str, Any]:
    """What all reports say of the books that they are of."""
    return {
        "basis": scope.basis,
        "status": scope.status,
        "currency": scope.currency,
        "ledgerId": scope.ledger.public_id,
        "knownAt": None if scope.known_at is None else format_timestamp(scope.known_at),
    }


def balance_sheet_out(sheet: BalanceSheet) -> dict[str, Any]:
    """The balance sheet."""
    currency, explain = sheet.frame.scope.currency, sheet.frame.scope.explain(sheet.frame.until_end)
    totals = {
        "totalAssets": as_number(sheet.total_assets, currency),
        "totalLiabilities": as_number(sheet.total_liabilities, currency),
        "totalEquity": as_number(sheet.total_equity, currency),
        "liabilitiesAndEquity": as_number(sheet.liabilities_and_equity, currency),
    }
    return {
        "hierarchical": {
            "assets": nodes_out(sheet.assets, currency),
            "liabilities": nodes_out(sheet.liabilities, currency),
            "equity": nodes_out(sheet.equity, currency),
            "totals": totals,
        },
        "totalCurrentAssets": as_number(sheet.total_current_assets, currency),
        "totalNonCurrentAssets": as_number(sheet.total_non_current_assets, currency),
        "totalCurrentLiabilities": as_number(sheet.total_current_liabilities, currency),
        "totalNonCurrentLiabilities": as_number(sheet.total_non_current_liabilities, currency),
        **totals,
        "entriesUrls": {
            name: explain.prefix(figure)
            for name, figure in {
                "totalCurrentAssets": "currentAssets",
                "totalNonCurrentAssets": "nonCurrentAssets",
                "totalCurrentLiabilities": "currentLiabilities",
                "totalNonCurrentLiabilities": "nonCurrentLiabilities",
                "totalAssets": "assets",
                "totalLiabilities": "liabilities",
                "totalEquity": "equity",
                "liabilitiesAndEquity": "liabilitiesAndEquity",
            }.items()
        },
    }


def income_statement_out(income: IncomeStatement) -> dict[str, Any]:
    """The income statement."""
    currency, explain = income.frame.scope.currency, income.frame.scope.explain(income.frame.period)
    amounts = {
        "revenue": income.total_revenue,
        "expenses": income.total_expenses,
        "netSales": income.net_sales,
        "costOfSales": income.cost_of_sales,
        "grossProfit": income.gross_profit,
        "operatingExpenses": income.operating_expenses,
        "operatingIncome": income.operating_income,
        "otherIncome": income.other_income,
        "incomeBeforeTax": income.income_before_tax,
        "incomeTax": income.income_tax,
        "netIncome": income.net_income,
    }
    return {
        "hierarchical": {
            "revenue": nodes_out(income.revenue, currency),
            "expenses": nodes_out(income.expenses, currency),
            "totals": {
                "totalRevenue": as_number(income.total_revenue, currency),
                "totalExpenses": as_number(income.total_expenses, currency),
                "netIncome": as_number(income.net_income, currency),
            },
        },
        **{name: as_number(amount, currency) for name, amount in amounts.items()},
        "entriesUrls": {name: explain.prefix(name) for name in amounts},
    }


def cash_flow_out(flow: CashFlowStatement) -> dict[str, Any]:
    """The cash flow statement."""
    frame = flow.frame
    currency = frame.scope.currency

    def amount_of(item: CashFlowItem) -> Decimal:
        return as_number(item.amount, currency)

    operating = flow.of_section(CashFlowSection.OPERATING)
    hierarchical: dict[str, Any] = {
        "operatingActivities": {
            **{item.key: amount_of(item) for item in operating if not item.is_adjustment},
            "adjustments": {item.key: amount_of(item) for item in operating if item.is_adjustment},
        },
        **{
            section.value: {item.key: amount_of(item) for item in flow.of_section(section)}
            for section in (CashFlowSection.INVESTING, CashFlowSection.FINANCING)
        },
        "totals": {
            "totalOperatingActivities": as_number(flow.operating, currency),
            "totalInvestingActivities": as_number(flow.investing, currency),
            "totalFinancingActivities": as_number(flow.financing, currency),
            "netChangeInCash": as_number(flow.net_change_in_cash, currency),
        },
    }
    explain = frame.scope.explain(frame.period)
    return {
        "hierarchical": hierarchical,
        "netCashFromOperatingActivities": as_number(flow.operating, currency),
        "netCashFromInvestingActivities": as_number(flow.investing, currency),
        "netCashFromFinancingActivities": as_number(flow.financing, currency),
        "netChangeInCash": as_number(flow.net_change_in_cash, currency),
        "beginningCash": as_number(flow.beginning_cash, currency),
        "endingCash": as_number(flow.ending_cash, currency),
        # Each line with the accounts that make it.
        "lines": [
            {
                "section": item.section,
                "key": item.key,
                "label": item.label,
                "amount": amount_of(item),
                "accounts": nodes_out(item.accounts, currency),
                "entriesUrl": item.entries_url,
            }
            for item in flow.items
        ],
        "entriesUrls": {
            "netCashFromOperatingActivities": explain.prefix("operatingActivities"),
            "netCashFromInvestingActivities": explain.prefix("investingActivities"),
            "netCashFromFinancingActivities": explain.prefix("financingActivities"),
            "netChangeInCash": explain.prefix("netChangeInCash"),
            "beginningCash": frame.scope.explain(frame.before).prefix("cash") if frame.before else None,
            "endingCash": frame.scope.explain(frame.until_end).prefix("cash"),
        },
    }


def reconciliation_out(found: Reconciliation, currency: str) -> dict[str, Any]:
    """The banks against the books."""
    return {
        "plaidAccountsTotal": as_number(found.banks_total, currency),
        "ledgerCashBalance": as_number(found.books_cash, currency),
        "difference": as_number(found.difference, currency),
        "plaidAccounts": list(found.accounts),
    }


def trial_balance_out(trial: TrialBalance) -> dict[str, Any]:
    """The trial balance."""
    currency = trial.frame.scope.currency
    return {
        "asOf": trial.frame.period.end.isoformat(),
        "accounts": _array(_trial_balance_line(line, currency) for line in trial.lines),
        "totalDebits": as_number(trial.total_debits, currency),
        "totalCredits": as_number(trial.total_credits, currency),
    }


def _trial_balance_line(line: TrialBalanceLine, currency: str) -> str:
    account = line.account
    head = _account_text(account.public_id, account.name, account.type, account.financial_type, account.code)
    return (
        f'{head},"debit":{as_number(line.debit, currency)!s},"credit":{as_number(line.credit, currency)!s},'
        f'"entriesUrl":"{line.entries_url}"}}'
    )


def ledger_accounts_out(ledger: GeneralLedger, timestamp: str) -> list[dict[str, Any]]:
    """The accounts of a general ledger; the four sums are those at the end of the period."""
    currency = ledger.frame.scope.currency
    return [_ledger_account_out(one, currency, timestamp) for one in ledger.accounts]


def _ledger_account_out(one: LedgerAccount, currency: str, timestamp: str) -> dict[str, Any]:
    account = one.account
    return {
        "id": encode_id(Prefix.ACCOUNT, account.id),
        "name": account.name,
        "type": account.type,
        "financialType": account.financial_type,
        "parentId": encode_optional_id(Prefix.ACCOUNT, account.parent_id),
        "accountCode": account.code,
        "subTypeCode": account.code,
        "openingBalance": as_number(one.opening, currency),
        "closingBalance": as_number(one.closing, currency),
        "balance": {
            **{name: as_text(amount, currency) for name, amount in one.sums._asdict().items()},
            "timestamp": timestamp,
        },
        "entriesUrl": one.entries_url,
    }


def entries_out(entries: Iterable[Entry], currency: str) -> list[dict[str, Any]]:
    """The entries of a general ledger."""
    return [entry_out(entry, currency) for entry in entries]


def entry_out(entry: Entry, currency: str) -> dict[str, Any]:
    """One entry."""
    return {
        "date": entry.date.isoformat(),
        "timestamp": entry.timestamp,
        "transactionId": encode_id(Prefix.TRANSACTION, entry.transaction_id),
        "accountId": encode_id(Prefix.ACCOUNT, entry.account.id),
        "accountName": entry.account.name,
        "description": entry.description,
        "status": entry.status,
        "debit": as_number(entry.debit, currency),
        "credit": as_number(entry.credit, currency),
        "amount": as_number(entry.amount, currency),
        "runningBalance": as_number(entry.running_balance, currency),
    }


def overview_out(overview: Overview, accounts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The overview, with the bank accounts."""
    currency = overview.scope.currency

    def number(amount: Decimal) -> Decimal:
        return as_number(amount, currency)

    def monthly(name: str) -> list[list[object]]:
        return [[f"{point.period.start:%Y-%m}", number(getattr(point, name))] for point in overview.months]

    latest, before = overview.latest_month, overview.month_before
    return {
        "monthlyRevenue": monthly("revenue"),
        "monthlyExpenses": monthly("expenses"),
        "monthlyProfit": monthly("profit"),
        "monthlyCashBalance": monthly("cash"),
        "totalRevenue": number(overview.total.revenue),
        "totalExpenses": number(overview.total.expenses),
        "totalProfit": number(overview.total.profit),
        "currentCashBalance": number(overview.total.cash),
        "chartData": [
            {
                "date": _point_label(point, overview.interval),
                "startDate": point.period.start.isoformat(),
                "endDate": point.period.end.isoformat(),
                "Revenue": number(point.revenue),
                "Expenses": number(point.expenses),
                "Profit": number(point.profit),
                "value": number(point.cash),
            }
            for point in overview.points
        ],
        "latestMonthStats": {
            **{name: number(getattr(latest, name)) for name in ("revenue", "expenses", "profit")},
            **{
                f"{name}Change": percent_change(getattr(latest, name), getattr(before, name))
                for name in ("revenue", "expenses", "profit")
            },
        },
        "plaidAccounts": list(accounts),
        "filterInfo": {
            "statusFilter": overview.scope.status,
            "dateRange": {
                "startDate": overview.period.start.isoformat(),
                "endDate": overview.period.end.isoformat(),
            },
            "interval": overview.interval,
        },
    }


def _point_label(point: Point, interval: Interval) -> str:
    start = point.period.start
    return f"{start:%b %Y}" if interval is Interval.MONTHLY else f"{start:%b} {start.day}, {start.year}"


def change_out(changed: ChangedTransaction) -> dict[str, Any]:
    """A transaction that changed a period's figures."""
    return {
        "transactionId": encode_id(Prefix.TRANSACTION, changed.id),
        "changedAt": changed.changed_at,
        "changes": [
            {
                "change": step.change,
                "changedAt": step.changed_at,
                "changedBy": step.changed_by,
                "reason": step.reason,
            }
            for step in changed.steps
        ],
        "before": _state_out(changed.before),
        "after": _state_out(changed.after),
    }


def _state_out(state: State | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "date": state.date.isoformat(),
        "status": state.status,
        "amount": as_number(state.amount, state.currency),
        "currency": state.currency,
        "debitAccountId": encode_id(Prefix.ACCOUNT, state.debit_account_id),
        "creditAccountId": encode_id(Prefix.ACCOUNT, state.credit_account_id),
        "description": state.description,
    }


def changed_figures_out(figures: Iterable[ChangedFigure], currency: str) -> list[dict[str, Any]]:
    """The figures of a period, before and after."""
    return [
        {
            "figure": one.name,
            "before": as_number(one.before, currency),
            "after": as_number(one.after, currency),
            "change": as_number(one.after - one.before, currency),
        }
        for one in figures
    ]
