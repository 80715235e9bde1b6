"""How the overview looks, for the API's description."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from reports.api.responses.common import FILE, SCOPE, AnyObject, amount, example, scope_fields, shape
from reports.statements.overview import Interval
from reports.sums import StatusFilter


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


_POINT = shape(
    "OverviewPoint",
    {
        "date": serializers.CharField(),
        "startDate": serializers.DateField(),
        "endDate": serializers.DateField(),
        **{name: amount() for name in ("Revenue", "Expenses", "Profit")},
        "value": amount("Cash at the end of the step."),
    },
)
_MONTH_STATS = ("revenue", "expenses", "profit")


def _overview_fields() -> dict[str, serializers.Field]:
    return {
        **{
            name: _Monthly(help_text="Pairs of month and amount.")
            for name in ("monthlyRevenue", "monthlyExpenses", "monthlyProfit", "monthlyCashBalance")
        },
        **{name: amount() for name in ("totalRevenue", "totalExpenses", "totalProfit", "currentCashBalance")},
        "chartData": _POINT(many=True),
        "latestMonthStats": shape(
            "OverviewMonthStats",
            {
                **{name: amount() for name in _MONTH_STATS},
                **{
                    f"{name}Change": amount(
                        "Percent of the month before; null where that was zero.", allow_null=True
                    )
                    for name in _MONTH_STATS
                },
            },
        )(),
        "plaidAccounts": serializers.ListField(child=AnyObject()),
        "filterInfo": shape(
            "OverviewFilterInfo",
            {
                "statusFilter": serializers.ChoiceField([str(one) for one in StatusFilter]),
                "dateRange": shape(
                    "OverviewDateRange",
                    {"startDate": serializers.DateField(), "endDate": serializers.DateField()},
                )(),
                "interval": serializers.ChoiceField([str(one) for one in Interval]),
            },
        )(),
    }


OverviewReport = shape(
    "OverviewReport",
    {
        **_overview_fields(),
        **scope_fields(),
        "pdf_url": serializers.CharField(),
        "chart_urls": shape(
            "OverviewChartUrls", {"svg": serializers.CharField(), "png": serializers.CharField()}
        )(),
        "comparison": shape("OverviewComparison", _overview_fields())(required=False),
    },
)
OVERVIEW_DESCRIPTION = "By month in any case, and by the interval in `chartData`."
OVERVIEW_EXAMPLE = example(
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
        **SCOPE,
        "pdf_url": FILE,
        "chart_urls": {"svg": FILE, "png": FILE},
    },
)
