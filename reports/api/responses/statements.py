"""How the three statements look, for the API's description."""

from rest_framework import serializers

from accounts.cash_flow import CashFlowSection
from reports.api.responses.common import (
    FILE,
    PERIOD,
    SCOPE,
    URL,
    AnyObject,
    ReportNode,
    ReportPeriod,
    amount,
    amounts,
    example,
    node,
    scope_fields,
    shape,
    urls,
)
from reports.statements.cash_flow import LAYOUT

_SHEET_TOTALS = ("totalAssets", "totalLiabilities", "totalEquity", "liabilitiesAndEquity")
_SHEET_FIGURES = (
    "totalCurrentAssets",
    "totalNonCurrentAssets",
    "totalCurrentLiabilities",
    "totalNonCurrentLiabilities",
    *_SHEET_TOTALS,
)
ReportBalanceSheet = amounts(
    "ReportBalanceSheet",
    _SHEET_FIGURES,
    hierarchical=shape(
        "BalanceSheetHierarchy",
        {
            "assets": ReportNode(many=True),
            "liabilities": ReportNode(many=True),
            "equity": ReportNode(many=True),
            "totals": amounts("BalanceSheetTotals", _SHEET_TOTALS)(),
        },
    )(),
    entriesUrls=urls("BalanceSheetEntriesUrls", _SHEET_FIGURES),
)
_INCOME_FIGURES = (
    "revenue",
    "expenses",
    "netSales",
    "costOfSales",
    "grossProfit",
    "operatingExpenses",
    "operatingIncome",
    "otherIncome",
    "incomeBeforeTax",
    "incomeTax",
    "netIncome",
)
ReportIncomeStatement = amounts(
    "ReportIncomeStatement",
    _INCOME_FIGURES,
    hierarchical=shape(
        "IncomeStatementHierarchy",
        {
            "revenue": ReportNode(many=True),
            "expenses": ReportNode(many=True),
            "totals": amounts("IncomeStatementTotals", ("totalRevenue", "totalExpenses", "netIncome"))(),
        },
    )(),
    entriesUrls=urls("IncomeStatementEntriesUrls", _INCOME_FIGURES),
)


def _keys(section: CashFlowSection, *, adjustments: bool = False) -> tuple[str, ...]:
    return tuple(line.key for line in LAYOUT[section] if line.is_adjustment == adjustments)


_NET_CASH = (
    "netCashFromOperatingActivities",
    "netCashFromInvestingActivities",
    "netCashFromFinancingActivities",
    "netChangeInCash",
    "beginningCash",
    "endingCash",
)
ReportCashFlowLine = shape(
    "ReportCashFlowLine",
    {
        "section": serializers.ChoiceField([str(section) for section in CashFlowSection]),
        "key": serializers.CharField(),
        "label": serializers.CharField(),
        "amount": amount("Positive for cash that came in."),
        "accounts": ReportNode(many=True),
        "entriesUrl": serializers.CharField(),
    },
)
ReportCashFlow = amounts(
    "ReportCashFlow",
    _NET_CASH,
    hierarchical=shape(
        "CashFlowHierarchy",
        {
            "operatingActivities": amounts(
                "OperatingActivities",
                _keys(CashFlowSection.OPERATING),
                adjustments=amounts(
                    "CashFlowAdjustments", _keys(CashFlowSection.OPERATING, adjustments=True)
                )(),
            )(),
            "investingActivities": amounts("InvestingActivities", _keys(CashFlowSection.INVESTING))(),
            "financingActivities": amounts("FinancingActivities", _keys(CashFlowSection.FINANCING))(),
            "totals": amounts(
                "CashFlowTotals",
                (
                    "totalOperatingActivities",
                    "totalInvestingActivities",
                    "totalFinancingActivities",
                    "netChangeInCash",
                ),
            )(),
        },
    )(),
    lines=ReportCashFlowLine(many=True, help_text="Every line with the accounts that make it."),
    entriesUrls=urls("CashFlowEntriesUrls", _NET_CASH, nullable=("beginningCash",)),
)


def _statement_fields() -> dict[str, serializers.Field]:
    return {
        "balanceSheet": ReportBalanceSheet(required=False),
        "incomeStatement": ReportIncomeStatement(required=False),
        "cashFlowStatement": ReportCashFlow(required=False),
    }


GeneratedReport = shape(
    "GeneratedReport",
    {
        "reportPeriod": ReportPeriod(),
        **scope_fields(),
        **_statement_fields(),
        "reconciliation": amounts(
            "ReportReconciliation",
            ("plaidAccountsTotal", "ledgerCashBalance", "difference"),
            plaidAccounts=serializers.ListField(child=AnyObject()),
        )(help_text="The banks' balances against the cash in the books; difference is banks less books."),
        "accountHierarchy": ReportNode(many=True, help_text="The whole chart at the end of the period."),
        "pdf_urls": shape(
            "ReportPdfUrls",
            {
                name: serializers.CharField(allow_null=True)
                for name in ("profit_loss", "balance_sheet", "cash_flow")
            },
        )(),
        "comparison": shape("ReportComparison", {"reportPeriod": ReportPeriod(), **_statement_fields()})(
            required=False
        ),
    },
    "The financial statements of a period.",
)
GENERATE_DESCRIPTION = """\
Balance sheet, income statement and cash flow statement (indirect method), or one of them by `type`.

Every node has an `entriesUrl`, and every other figure one under `entriesUrls`: the general ledger's entries
there have `amount`s that add up to exactly that figure. Equity shows the earnings of earlier years and of
this fiscal year as lines of their own; no closing entry is needed. The statements are on the entity's
accounting method, which `basis` names."""
_SALES = node("Sales", "REVENUE", "SALES", "4000", 500.00, "revenue")
GENERATED_EXAMPLE = example(
    "The income statement of January",
    {
        "reportPeriod": PERIOD,
        **SCOPE,
        "incomeStatement": {
            "hierarchical": {
                "revenue": [_SALES],
                "expenses": [],
                "totals": {"totalRevenue": 500.00, "totalExpenses": 0.00, "netIncome": 500.00},
            },
            **dict.fromkeys(_INCOME_FIGURES, 500.00),
            **dict.fromkeys(
                ("expenses", "costOfSales", "operatingExpenses", "otherIncome", "incomeTax"), 0.00
            ),
            "entriesUrls": {name: URL + name for name in _INCOME_FIGURES},
        },
        "reconciliation": {
            "plaidAccountsTotal": 0.00,
            "ledgerCashBalance": 500.00,
            "difference": -500.00,
            "plaidAccounts": [],
        },
        "accountHierarchy": [node("Cash", "ASSET", "CASH", "1010", 500.00, "balance"), _SALES],
        "pdf_urls": {"profit_loss": FILE, "balance_sheet": None, "cash_flow": None},
    },
)
