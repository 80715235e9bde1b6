"""The chart of accounts as a page, and as a file."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from accounts.chart import ChartGroup, read_chart
from accounts.chart_files import FORMATS, write_chart
from accounts.choices import AccountType
from accounts.office.ledgers import chosen_ledger
from accounts.querysets import ledgers_of
from ledger.clock import utc_now
from ledger.office.pages import CompanyPage
from ledger.times import day_of


class ChartPage(CompanyPage):
    """The tree of accounts with live balances, totals by type, and what may be done with each."""

    title = "Chart of accounts"
    template_name = "office/chart.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Read the chart of the chosen ledger: two queries, whatever its size."""
        ledgers = ledgers_of(self.company)
        ledger = chosen_ledger(ledgers, self.company, self.request.GET.get("ledger"))
        groups = read_chart(self.company, ledger)
        accounts = [account for group in groups for account in group.accounts]
        return super().get_context_data(
            groups=groups,
            ledgers=ledgers,
            ledger=ledger,
            currency=ledger.currency,
            in_balance=_in_balance(groups),
            account_count=len(accounts),
            closed_count=sum(account.closed_at is not None for account in accounts),
            only_system=all(account.role for account in accounts),
            **kwargs,
        )


def _in_balance(groups: tuple[ChartGroup, ...]) -> bool:
    """Whether assets equal liabilities, equity and profit, as they must."""
    totals = {group.type: group.total for group in groups}
    left = totals[AccountType.ASSET] + totals[AccountType.EXPENSE]
    right = totals[AccountType.LIABILITY] + totals[AccountType.EQUITY] + totals[AccountType.REVENUE]
    return left == right


class ChartFile(CompanyPage):
    """The chart as a file with the columns that its import takes."""

    title = "Chart of accounts"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send it as CSV or XLSX; closed accounts come along where the query asks for them."""
        file_format = kwargs["file_format"]
        if file_format not in FORMATS:
            raise Http404(f"A chart is written as {' or '.join(FORMATS)}.")
        ledger = chosen_ledger(ledgers_of(self.company), self.company, request.GET.get("ledger"))
        data = write_chart(
            read_chart(self.company, ledger), file_format, closed=request.GET.get("closed") == "1"
        )
        day = day_of(utc_now(), self.company.zone)
        name = f"chart-of-accounts-{day}.{file_format}"
        return HttpResponse(
            data,
            content_type=FORMATS[file_format],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
