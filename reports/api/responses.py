"""How answers about reports look, for the API's description."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from accounts.cash_flow import CashFlowSection
from accounts.choices import AccountType
from ledger.api.schema import example_id
from reports.basis import Basis
from reports.figures import figure_names
from reports.statements.cash_flow import LAYOUT
from reports.statements.overview import Interval
from reports.sums import StatusFilter
from transactions.choices import Change, Status


def _amount(help_text: str = "", **more: Any) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=30, decimal_places=4, coerce_to_string=False, help_text=help_text, **more
    )


_made: dict[str, type[serializers.Serializer]] = {}


def _shape(name: str, fields: dict[str, serializers.Field], doc: str = "") -> type[serializers.Serializer]:
    """The shape of that name, made once."""
    if name not in _made:
        namespace = {**fields, "__doc__": doc, "__module__": __name__}
        _made[name] = type(name, (serializers.Serializer,), namespace)
    return _made[name]


def _amounts(name: str, keys: tuple[str, ...], **more: serializers.Field) -> type[serializers.Serializer]:
    return _shape(name, {key: _amount() for key in keys} | more)


def _urls(name: str, keys: tuple[str, ...], nullable: tuple[str, ...] = ()) -> serializers.Serializer:
    fields = {key: serializers.CharField(allow_null=key in nullable) for key in keys}
    return _shape(name, dict(fields))(help_text="The entries that add up to each figure.")


@extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/ReportNode"}})
class _Children(serializers.ListField):
    """The nodes below a node."""


ReportNode = _shape(
    "ReportNode",
    {
        "id": serializers.CharField(),
        "name": serializers.CharField(),
        "type": serializers.ChoiceField(AccountType.choices, allow_null=True),
        "financialType": serializers.CharField(allow_null=True),
        "code": serializers.CharField(allow_null=True),
        "balance": _amount("On the normal side of its group: negative for what reduces it."),
        "children": _Children(),
        "parentId": serializers.CharField(allow_null=True),
        "level": serializers.IntegerField(),
        "isCategory": serializers.BooleanField(),
        "entriesUrl": serializers.CharField(help_text="The entries whose amounts add up to the balance."),
    },
    "An account, or a computed line, with all that is below it.",
)
ReportPeriod = _shape(
    "ReportPeriod",
    {
        "month": serializers.IntegerField(allow_null=True),
        "year": serializers.IntegerField(allow_null=True),
        "startDate": serializers.DateField(
            allow_null=True, help_text="null: from the beginning of the books."
        ),
        "endDate": serializers.DateField(),
    },
    "The days of a report, both included.",
)


def _scope_fields() -> dict[str, serializers.Field]:
    return {
        "basis": serializers.ChoiceField([str(one) for one in Basis]),
        "status": serializers.ChoiceField([str(one) for one in StatusFilter]),
        "currency": serializers.CharField(),
        "ledgerId": serializers.CharField(),
        "knownAt": serializers.DateTimeField(allow_null=True),
    }


_SHEET_TOTALS = ("totalAssets", "totalLiabilities", "totalEquity", "liabilitiesAndEquity")
_SHEET_FIGURES = (
    "totalCurrentAssets",
    "totalNonCurrentAssets",
    "totalCurrentLiabilities",
    "totalNonCurrentLiabilities",
    *_SHEET_TOTALS,
)
ReportBalanceSheet = _amounts(
    "ReportBalanceSheet",
    _SHEET_FIGURES,
    hierarchical=_shape(
        "BalanceSheetHierarchy",
        {
            "assets": ReportNode(many=True),
            "liabilities": ReportNode(many=True),
            "equity": ReportNode(many=True),
            "totals": _amounts("BalanceSheetTotals", _SHEET_TOTALS)(),
        },
    )(),
    entriesUrls=_urls("BalanceSheetEntriesUrls", _SHEET_FIGURES),
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
ReportIncomeStatement = _amounts(
    "ReportIncomeStatement",
    _INCOME_FIGURES,
    hierarchical=_shape(
        "IncomeStatementHierarchy",
        {
            "revenue": ReportNode(many=True),
            "expenses": ReportNode(many=True),
            "totals": _amounts("IncomeStatementTotals", ("totalRevenue", "totalExpenses", "netIncome"))(),
        },
    )(),
    entriesUrls=_urls("IncomeStatementEntriesUrls", _INCOME_FIGURES),
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
ReportCashFlowLine = _shape(
    "ReportCashFlowLine",
    {
        "section": serializers.ChoiceField([str(section) for section in CashFlowSection]),
        "key": serializers.CharField(),
        "label": serializers.CharField(),
        "amount": _amount("Positive for cash that came in."),
        "accounts": ReportNode(many=True),
        "entriesUrl": serializers.CharField(),
    },
)
ReportCashFlow = _amounts(
    "ReportCashFlow",
    _NET_CASH,
    hierarchical=_shape(
        "CashFlowHierarchy",
        {
            "operatingActivities": _amounts(
                "OperatingActivities",
                _keys(CashFlowSection.OPERATING),
                adjustments=_amounts(
                    "CashFlowAdjustments", _keys(CashFlowSection.OPERATING, adjustments=True)
                )(),
            )(),
            "investingActivities": _amounts("InvestingActivities", _keys(CashFlowSection.INVESTING))(),
            "financingActivities": _amounts("FinancingActivities", _keys(CashFlowSection.FINANCING))(),
            "totals": _amounts(
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
    entriesUrls=_urls("CashFlowEntriesUrls", _NET_CASH, nullable=("beginningCash",)),
)


class _Any(serializers.DictField):
    """An object of another part of the API."""


def _statement_fields() -> dict[str, serializers.Field]:
    return {
        "balanceSheet": ReportBalanceSheet(required=False),
        "incomeStatement": ReportIncomeStatement(required=False),
        "cashFlowStatement": ReportCashFlow(required=False),
    }


GeneratedReport = _shape(
    "GeneratedReport",
    {
        "reportPeriod": ReportPeriod(),
        **_scope_fields(),
        **_statement_fields(),
        "reconciliation": _amounts(
            "ReportReconciliation",
            ("plaidAccountsTotal", "ledgerCashBalance", "difference"),
            plaidAccounts=serializers.ListField(child=_Any()),
        )(help_text="The banks' balances against the cash in the books; difference is banks less books."),
        "accountHierarchy": ReportNode(many=True, help_text="The whole chart at the end of the period."),
        "pdf_urls": _shape(
            "ReportPdfUrls",
            {
                name: serializers.CharField(allow_null=True)
                for name in ("profit_loss", "balance_sheet", "cash_flow")
            },
        )(),
        "comparison": _shape("ReportComparison", {"reportPeriod": ReportPeriod(), **_statement_fields()})(
            required=False
        ),
    },
    "The financial statements of a period.",
)

_TRIAL_ACCOUNT = _shape(
    "TrialBalanceAccount",
    {
        "id": serializers.CharField(),
        "code": serializers.CharField(allow_null=True),
        "name": serializers.CharField(),
        "type": serializers.ChoiceField(AccountType.choices),
        "financialType": serializers.CharField(allow_null=True),
        "debit": _amount(),
        "credit": _amount(),
        "entriesUrl": serializers.CharField(),
    },
)


def _trial_fields() -> dict[str, serializers.Field]:
    return {
        "asOf": serializers.DateField(),
        "accounts": _TRIAL_ACCOUNT(many=True),
        "totalDebits": _amount(),
        "totalCredits": _amount(),
    }


TrialBalanceReport = _shape(
    "TrialBalanceReport",
    {
        **_trial_fields(),
        **_scope_fields(),
        "pdf_url": serializers.CharField(),
        "comparison": _shape("TrialBalanceComparison", _trial_fields())(required=False),
    },
)

_LEDGER_ACCOUNT = _shape(
    "GeneralLedgerAccount",
    {
        "id": serializers.CharField(),
        "name": serializers.CharField(),
        "type": serializers.ChoiceField(AccountType.choices),
        "financialType": serializers.CharField(allow_null=True),
        "parentId": serializers.CharField(allow_null=True),
        "accountCode": serializers.IntegerField(allow_null=True),
        "subTypeCode": serializers.IntegerField(allow_null=True),
        "openingBalance": _amount("Before the first day of the period, in terms of the figure."),
        "closingBalance": _amount("At the end of the last day."),
        "balance": _shape(
            "GeneralLedgerSums",
            {
                **{
                    name: serializers.CharField()
                    for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
                },
                "timestamp": serializers.DateTimeField(),
            },
        )(),
        "entriesUrl": serializers.CharField(),
    },
)
_ENTRY = _shape(
    "GeneralLedgerEntry",
    {
        "date": serializers.DateField(),
        "timestamp": serializers.DateTimeField(),
        "transactionId": serializers.CharField(),
        "accountId": serializers.CharField(),
        "accountName": serializers.CharField(),
        "description": serializers.CharField(allow_blank=True),
        "status": serializers.ChoiceField(Status.choices),
        "debit": _amount(),
        "credit": _amount(),
        "amount": _amount("What the entry adds to the figure."),
        "runningBalance": _amount("The account's opening balance with all amounts up to this one."),
    },
)
GeneralLedgerReport = _shape(
    "GeneralLedgerReport",
    {
        "reportPeriod": ReportPeriod(),
        **_scope_fields(),
        "figure": serializers.ChoiceField(figure_names()),
        "accounts": _LEDGER_ACCOUNT(many=True),
        "totals": _amounts("GeneralLedgerTotals", ("debit", "credit", "amount"))(
            help_text="What all entries of the period add up to, on whatever page; `amount` is the figure."
        ),
        "entries": _ENTRY(many=True),
        "pdf_url": serializers.CharField(),
        "hierarchy": _shape(
            "GeneralLedgerHierarchy",
            {
                name: ReportNode(many=True)
                for name in ("assets", "liabilities", "equity", "revenue", "expenses")
            },
        )(),
        "nextCursor": serializers.CharField(allow_null=True),
        "hasMore": serializers.BooleanField(),
        "comparison": _shape(
            "GeneralLedgerComparison",
            {"reportPeriod": ReportPeriod(), "accounts": _LEDGER_ACCOUNT(many=True)},
        )(required=False),
    },
)


@extend_schema_field(
    {
        "type": "array",
        "items": {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "number"}],
            "minItems": 2,
            "maxItems": 2,
        },
    }
)
class _Monthly(serializers.ListField):
    """Pairs of month (2024-01) and amount."""


_POINT = _shape(
    "OverviewPoint",
    {
        "date": serializers.CharField(),
        "startDate": serializers.DateField(),
        "endDate": serializers.DateField(),
        **{name: _amount() for name in ("Revenue", "Expenses", "Profit")},
        "value": _amount("Cash at the end of the step."),
    },
)
_MONTH_STATS = ("revenue", "expenses", "profit")


def _overview_fields() -> dict[str, serializers.Field]:
    return {
        **{
            name: _Monthly(help_text="Pairs of month and amount.")
            for name in ("monthlyRevenue", "monthlyExpenses", "monthlyProfit", "monthlyCashBalance")
        },
        **{
            name: _amount() for name in ("totalRevenue", "totalExpenses", "totalProfit", "currentCashBalance")
        },
        "chartData": _POINT(many=True),
        "latestMonthStats": _shape(
            "OverviewMonthStats",
            {
                **{name: _amount() for name in _MONTH_STATS},
                **{
                    f"{name}Change": _amount(
                        "Percent of the month before; null where that was zero.", allow_null=True
                    )
                    for name in _MONTH_STATS
                },
            },
        )(),
        "plaidAccounts": serializers.ListField(child=_Any()),
        "filterInfo": _shape(
            "OverviewFilterInfo",
            {
                "statusFilter": serializers.ChoiceField([str(one) for one in StatusFilter]),
                "dateRange": _shape(
                    "OverviewDateRange",
                    {"startDate": serializers.DateField(), "endDate": serializers.DateField()},
                )(),
                "interval": serializers.ChoiceField([str(one) for one in Interval]),
            },
        )(),
    }


OverviewReport = _shape(
    "OverviewReport",
    {
        **_overview_fields(),
        **_scope_fields(),
        "pdf_url": serializers.CharField(),
        "chart_urls": _shape(
            "OverviewChartUrls", {"svg": serializers.CharField(), "png": serializers.CharField()}
        )(),
        "comparison": _shape("OverviewComparison", _overview_fields())(required=False),
    },
)

_STATE = _shape(
    "ReportedTransactionState",
    {
        "date": serializers.DateField(),
        "status": serializers.ChoiceField(Status.choices),
        "amount": _amount(),
        "currency": serializers.CharField(),
        "debitAccountId": serializers.CharField(),
        "creditAccountId": serializers.CharField(),
        "description": serializers.CharField(allow_blank=True),
    },
)
_STEP = _shape(
    "ReportedChangeStep",
    {
        "change": serializers.ChoiceField(["created", *(str(change) for change in Change)]),
        "changedAt": serializers.DateTimeField(),
        "changedBy": serializers.CharField(
            allow_null=True,
            help_text="The API key, `key_…`, or a person's user name; null for the system and commands.",
        ),
        "reason": serializers.CharField(allow_blank=True),
    },
)
ChangesReport = _shape(
    "ReportChanges",
    {
        "reportPeriod": ReportPeriod(),
        **_scope_fields(),
        "since": serializers.DateTimeField(),
        "until": serializers.DateTimeField(),
        "figures": _shape(
            "ReportedFigure",
            {
                "figure": serializers.CharField(),
                **{name: _amount() for name in ("before", "after", "change")},
            },
        )(many=True, help_text="The period's figures at both moments; on the first page alone."),
        "changes": _shape(
            "ReportedChange",
            {
                "transactionId": serializers.CharField(),
                "changedAt": serializers.DateTimeField(),
                "changes": _STEP(many=True),
                "before": _STATE(allow_null=True),
                "after": _STATE(allow_null=True),
            },
        )(many=True),
        "nextCursor": serializers.CharField(allow_null=True),
        "hasMore": serializers.BooleanField(),
    },
)

GENERATE_DESCRIPTION = """\
Balance sheet, income statement and cash flow statement (indirect method), or one of them by `type`.

Every node has an `entriesUrl`, and every other figure one under `entriesUrls`: the general ledger's entries
there have `amount`s that add up to exactly that figure. Equity shows the earnings of earlier years and of
this fiscal year as lines of their own; no closing entry is needed. The statements are on the entity's
accounting method, which `basis` names."""
TRIAL_BALANCE_DESCRIPTION = (
    "What stands on every account at the end of a day, from the beginning of the books, by accrual. Debits "
    "equal credits."
)
GENERAL_LEDGER_DESCRIPTION = """\
Every account with its opening and closing balance, and its entries by account, day, moment and id, in pages.

With `figure`, the entries that make a figure of a statement, each with the `amount` that it adds; balances
are then in terms of that figure."""
OVERVIEW_DESCRIPTION = "By month in any case, and by the interval in `chartData`."
CHANGES_DESCRIPTION = """\
The transactions that count otherwise in the period's figures at `until` than at `since`: recorded, changed,
approved or deleted in between, with their states at both moments and what happened to them. Without a period,
that of `books_closed_through`."""

_ENTITY = example_id("entity")
_PERIOD = {"month": 1, "year": 2024, "startDate": "2024-01-01", "endDate": "2024-01-31"}
_FILE = "https://books.example/v1/reports/files/eyJlbnRpdHkiOi"
_SCOPE = {
    "basis": "ACCRUAL",
    "status": "posted",
    "currency": "USD",
    "ledgerId": example_id("ldgr"),
    "knownAt": None,
}
_URL = f"/v1/reports/general-ledger?entityId={_ENTITY}&endDate=2024-01-31&status=posted&figure="


def _node(
    name: str, type_: str, financial_type: str, code: str, balance: float, figure: str
) -> dict[str, Any]:
    return {
        "id": example_id("acc"),
        "name": name,
        "type": type_,
        "financialType": financial_type,
        "code": code,
        "balance": balance,
        "children": [],
        "parentId": None,
        "level": 0,
        "isCategory": financial_type != "CASH",
        "entriesUrl": f"{_URL}{figure}&accountId={example_id('acc')}&includeChildren=true",
    }


def _example(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True)


_SALES = _node("Sales", "REVENUE", "SALES", "4000", 500.00, "revenue")
GENERATED_EXAMPLE = _example(
    "The income statement of January",
    {
        "reportPeriod": _PERIOD,
        **_SCOPE,
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
            "entriesUrls": {name: _URL + name for name in _INCOME_FIGURES},
        },
        "reconciliation": {
            "plaidAccountsTotal": 0.00,
            "ledgerCashBalance": 500.00,
            "difference": -500.00,
            "plaidAccounts": [],
        },
        "accountHierarchy": [_node("Cash", "ASSET", "CASH", "1010", 500.00, "balance"), _SALES],
        "pdf_urls": {"profit_loss": _FILE, "balance_sheet": None, "cash_flow": None},
    },
)
TRIAL_BALANCE_EXAMPLE = _example(
    "At the end of January",
    {
        "asOf": "2024-01-31",
        "accounts": [
            {
                "id": example_id("acc"),
                "code": code,
                "name": name,
                "type": type_,
                "financialType": financial_type,
                "debit": debit,
                "credit": credit,
                "entriesUrl": f"{_URL}balance&accountId={example_id('acc')}&includeChildren=false",
            }
            for code, name, type_, financial_type, debit, credit in (
                ("1010", "Cash", "ASSET", "CASH", 500.00, 0.00),
                ("4000", "Sales", "REVENUE", "SALES", 0.00, 500.00),
            )
        ],
        "totalDebits": 500.00,
        "totalCredits": 500.00,
        **_SCOPE,
        "pdf_url": _FILE,
    },
)
GENERAL_LEDGER_EXAMPLE = _example(
    "The cash of January",
    {
        "reportPeriod": _PERIOD,
        **_SCOPE,
        "figure": "balance",
        "accounts": [
            {
                "id": example_id("acc"),
                "name": "Cash",
                "type": "ASSET",
                "financialType": "CASH",
                "parentId": None,
                "accountCode": 1010,
                "subTypeCode": 1010,
                "openingBalance": 0.00,
                "closingBalance": 500.00,
                "balance": {
                    "debits_pending": "0.00",
                    "debits_posted": "500.00",
                    "credits_pending": "0.00",
                    "credits_posted": "0.00",
                    "timestamp": "2024-02-01T09:00:00Z",
                },
                "entriesUrl": f"{_URL}balance&accountId={example_id('acc')}&includeChildren=false",
            }
        ],
        "totals": {"debit": 500.00, "credit": 0.00, "amount": 500.00},
        "entries": [
            {
                "date": "2024-01-15",
                "timestamp": "2024-01-15T12:00:00Z",
                "transactionId": example_id("txn"),
                "accountId": example_id("acc"),
                "accountName": "Cash",
                "description": "Invoice payment received",
                "status": "POSTED",
                "debit": 500.00,
                "credit": 0.00,
                "amount": 500.00,
                "runningBalance": 500.00,
            }
        ],
        "pdf_url": _FILE,
        "hierarchy": {
            "assets": [_node("Cash", "ASSET", "CASH", "1010", 500.00, "balance")],
            "liabilities": [],
            "equity": [],
            "revenue": [],
            "expenses": [],
        },
        "nextCursor": None,
        "hasMore": False,
    },
)
OVERVIEW_EXAMPLE = _example(
    "January",
    {
        "monthlyRevenue": [["2024-01", 500.00]],
        "monthlyExpenses": [["2024-01", 0.00]],
        "monthlyProfit": [["2024-01", 500.00]],
        "monthlyCashBalance": [["2024-01", 500.00]],
        "totalRevenue": 500.00,
        "totalExpenses": 0.00,
        "totalProfit": 500.00,
        "currentCashBalance": 500.00,
        "chartData": [
            {
                "date": "Jan 2024",
                "startDate": "2024-01-01",
                "endDate": "2024-01-31",
                "Revenue": 500.00,
                "Expenses": 0.00,
                "Profit": 500.00,
                "value": 500.00,
            }
        ],
        "latestMonthStats": {
            "revenue": 500.00,
            "expenses": 0.00,
            "profit": 500.00,
            "revenueChange": None,
            "expensesChange": None,
            "profitChange": None,
        },
        "plaidAccounts": [],
        "filterInfo": {
            "statusFilter": "posted",
            "dateRange": {"startDate": "2024-01-01", "endDate": "2024-01-31"},
            "interval": "monthly",
        },
        **_SCOPE,
        "pdf_url": _FILE,
        "chart_urls": {"svg": _FILE, "png": _FILE},
    },
)
CHANGES_EXAMPLE = _example(
    "A bill of January came late",
    {
        "reportPeriod": _PERIOD,
        **_SCOPE,
        "since": "2024-02-01T00:00:00Z",
        "until": "2024-03-01T00:00:00Z",
        "figures": [
            {"figure": "expenses", "before": 0.00, "after": 80.00, "change": 80.00},
            {"figure": "netIncome", "before": 500.00, "after": 420.00, "change": -80.00},
        ],
        "changes": [
            {
                "transactionId": example_id("txn"),
                "changedAt": "2024-02-07T10:15:00Z",
                "changes": [
                    {
                        "change": "created",
                        "changedAt": "2024-02-07T10:15:00Z",
                        "changedBy": example_id("key"),
                        "reason": "",
                    }
                ],
                "before": None,
                "after": {
                    "date": "2024-01-31",
                    "status": "POSTED",
                    "amount": 80.00,
                    "currency": "USD",
                    "debitAccountId": example_id("acc"),
                    "creditAccountId": example_id("acc"),
                    "description": "Electricity of January",
                },
            }
        ],
        "nextCursor": None,
        "hasMore": False,
    },
)
