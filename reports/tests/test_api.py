"""The endpoints of reports: shapes, periods, comparisons, and what they refuse."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.clock import utc_now
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import Ledger
from reports.tests.conftest import Company, Reports, account_of, post
from transactions.choices import Status


@pytest.fixture
def story(bakery: Company) -> Company:
    """Two years of a bakery, in short."""
    capital = account_of(bakery, "OWNER_EQUITY")
    post(bakery, "2023-01-02", "1000", bakery.cash, capital)
    post(bakery, "2023-06-15", "300", bakery.cash, bakery.sales)
    post(bakery, "2023-12-31", "100", bakery.rent, bakery.cash)
    post(bakery, "2024-01-10", "500", bakery.cash, bakery.sales)
    post(bakery, "2024-01-31", "120", bakery.rent, bakery.cash)
    post(bakery, "2024-02-03", "80", bakery.cash, bakery.sales, Status.PENDING)
    post(bakery, "2024-02-29", "2000", bakery.bank, bakery.loan)
    return bakery


def test_the_three_statements_of_a_month(story: Company, reports: Reports) -> None:
    body = reports.get("generate", month=1, year=2024)
    assert body["reportPeriod"] == {
        "month": 1,
        "year": 2024,
        "startDate": "2024-01-01",
        "endDate": "2024-01-31",
    }
    sheet, income, flow = body["balanceSheet"], body["incomeStatement"], body["cashFlowStatement"]
    assert sheet["totalAssets"] == sheet["liabilitiesAndEquity"] == Decimal("1580.00")
    assert [(line["name"], line["balance"]) for line in sheet["hierarchical"]["equity"]] == [
        ("Owner's equity", 1000),
        ("Earnings of earlier years", 200),
        ("Earnings of this year", 380),
    ]
    assert (income["revenue"], income["expenses"], income["netIncome"]) == (500, 120, 380)
    assert (flow["beginningCash"], flow["netChangeInCash"], flow["endingCash"]) == (1200, 380, 1580)
    assert body["reconciliation"] == {
        "plaidAccountsTotal": 0,
        "ledgerCashBalance": 1580,
        "difference": -1580,
        "plaidAccounts": [],
    }
    assert {node["name"] for node in body["accountHierarchy"]} >= {"Cash", "Bank", "Sales", "Software"}
    assert body["basis"] == "ACCRUAL"


def test_money_goes_out_as_exact_numbers_with_the_minor_digits(story: Company, reports: Reports) -> None:
    content = reports.ask("generate", month=1, year=2024).content
    assert b'"totalAssets":1580.00,' in content


def test_type_narrows_the_answer_to_one_statement(story: Company, reports: Reports) -> None:
    body = reports.get("generate", month=1, year=2024, type="INCOME")
    assert "incomeStatement" in body
    assert "balanceSheet" not in body
    assert "cashFlowStatement" not in body


def test_status_all_counts_pending_ones(story: Company, reports: Reports) -> None:
    assert reports.get("generate", month=2, year=2024)["incomeStatement"]["netIncome"] == 0
    assert reports.get("generate", month=2, year=2024, status="all")["incomeStatement"]["netIncome"] == 80


@pytest.mark.parametrize(
    ("compare", "start", "net_income"), [("previous", "2023-12-01", -100), ("year", "2023-01-01", 0)]
)
def test_a_comparison_is_the_same_report_of_the_other_period(
    story: Company, reports: Reports, compare: str, start: str, net_income: int
) -> None:
    body = reports.get("generate", month=1, year=2024, compare=compare)
    other = body["comparison"]
    assert other["reportPeriod"]["startDate"] == start
    assert other["incomeStatement"]["netIncome"] == net_income
    period = other["reportPeriod"]
    alone = reports.get("generate", startDate=period["startDate"], endDate=period["endDate"])
    for statement in ("balanceSheet", "incomeStatement", "cashFlowStatement"):
        assert other[statement] == alone[statement]


def test_a_fiscal_year_ends_in_the_year_that_it_is_called_by(story: Company, reports: Reports) -> None:
    story.entity.fiscal_year_start = 7
    story.entity.save()
    body = reports.get("generate", fiscalYear=2024)
    assert body["reportPeriod"]["startDate"] == "2023-07-01"
    assert body["reportPeriod"]["endDate"] == "2024-06-30"
    earnings = {line["name"]: line["balance"] for line in body["balanceSheet"]["hierarchical"]["equity"]}
    assert earnings["Earnings of earlier years"] == 300
    assert earnings["Earnings of this year"] == 280 == body["incomeStatement"]["netIncome"]


def test_both_spellings_of_every_parameter_are_taken(story: Company, reports: Reports) -> None:
    camel = reports.get("generate", startDate="2024-01-01", endDate="2024-01-31")
    snake = reports.get("generate", start_date="2024-01-01", end_date="2024-01-31")
    assert camel["incomeStatement"] == snake["incomeStatement"]


def test_an_end_alone_means_all_days_of_the_books_until_then(story: Company, reports: Reports) -> None:
    body = reports.get("generate", endDate="2024-01-31")
    assert body["reportPeriod"]["startDate"] is None
    assert body["incomeStatement"]["netIncome"] == 580
    assert body["cashFlowStatement"]["beginningCash"] == 0


REFUSED = [
    ({"month": "13", "year": "2024"}, "month"),
    ({"month": "0", "year": "2024"}, "month"),
    ({"month": "1", "year": "0"}, "year"),
    ({"year": "0"}, "year"),
    ({"month": "1"}, "year"),
    ({"fiscalYear": "0"}, "fiscalYear"),
    ({"startDate": "2024-02-01", "endDate": "2024-01-31"}, "endDate"),
    ({"startDate": "1901-01-01", "endDate": "2001-01-02"}, "startDate"),
    ({"startDate": "2024-01-01"}, "endDate"),
    ({"startDate": "2024-02-30", "endDate": "2024-03-01"}, "startDate"),
    ({"startDate": "2024-01-01", "endDate": "2024-01-31", "month": "1", "year": "2024"}, "startDate"),
    ({"type": "SALES"}, "type"),
    ({"format": "docx"}, "format"),
    ({"ledgerId": "ldgr_1"}, "ledgerId"),
    ({"ledgerId": encode_id(Prefix.LEDGER, new_id())}, "ledgerId"),
    ({"knownAt": "yesterday"}, "knownAt"),
    ({"knownAt": "2150-01-01T00:00:00Z"}, "knownAt"),
    ({"status": "pending"}, "status"),
    ({"compare": "next"}, "compare"),
    ({"endDate": "2024-01-31", "compare": "previous"}, "compare"),
    ({"startYear": "2024"}, "startYear"),
]


@pytest.mark.parametrize(("query", "field"), REFUSED)
def test_what_makes_no_sense_is_refused_by_name(reports: Reports, query: dict[str, str], field: str) -> None:
    answer = reports.ask("generate", **query)
    assert answer.status_code == 400, answer.content
    details = answer.json()["error"]["details"]
    assert [detail["field"] for detail in details] == [field]
    assert (
        "send" in details[0]["message"]
        or "this takes" in details[0]["message"]
        or "did you" in details[0]["message"]
    )


def test_exactly_a_hundred_years_are_taken(reports: Reports) -> None:
    assert reports.ask("generate", startDate="1901-01-01", endDate="2000-12-31").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"name": "generate"},
        {"name": "generate", "compare": "previous"},
        {"name": "general-ledger"},
        {"name": "trial-balance"},
        {"name": "trial-balance", "compare": "year"},
        {"name": "overview"},
        {"name": "overview", "interval": "daily", "compare": "previous"},
    ],
)
@pytest.mark.parametrize("has_accounts", [True, False])
def test_empty_books_give_empty_statements_that_balance(
    bakery: Company, reports: Reports, query: dict[str, str], has_accounts: bool
) -> None:
    if not has_accounts:
        for account in bakery.accounts:
            account.delete()
    body = reports.get(**query)
    if query["name"] == "generate":
        assert body["balanceSheet"]["totalAssets"] == body["balanceSheet"]["liabilitiesAndEquity"] == 0
        assert body["cashFlowStatement"]["netChangeInCash"] == 0
    elif query["name"] == "trial-balance":
        assert body["accounts"] == []
        assert body["totalDebits"] == body["totalCredits"] == 0


@pytest.mark.parametrize("name", ["generate", "general-ledger", "overview"])
def test_the_first_days_that_books_can_have_are_reported_too(reports: Reports, name: str) -> None:
    # The month before the overview's last one lies before the beginning of all books.
    assert reports.get(name, endDate="1900-01-01")
    assert reports.get(name, startDate="1900-01-01", endDate="1900-01-31")


@pytest.mark.parametrize("name", ["generate", "general-ledger", "overview"])
def test_a_moment_before_the_first_day_of_the_company_is_refused(
    bakery: Company, reports: Reports, name: str
) -> None:
    bakery.entity.timezone = "America/New_York"
    bakery.entity.save()
    answer = reports.ask(name, endDate="1900-01-01T00:00:00Z")
    assert answer.status_code == 400, answer.content
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["endDate"]


def test_each_report_is_one_reading_of_the_books(story: Company, reports: Reports) -> None:
    for query in ({"name": "generate", "compare": "year"}, {"name": "trial-balance"}):
        reports.get(**query)
        with CaptureQueriesContext(connection) as captured:
            reports.get(**query)
        # The default ledger, and the books.
        assert len(captured) <= 2, [query["sql"] for query in captured]


def test_a_ledger_has_reports_of_its_own(story: Company, reports: Reports) -> None:
    other = Ledger.objects.create(entity=story.entity, name="Euros", currency="EUR", created_at=utc_now())
    body = reports.get("generate", year=2024, ledgerId=other.public_id)
    assert body["currency"] == "EUR"
    assert body["accountHierarchy"] == []
    assert body["balanceSheet"]["totalAssets"] == 0


def test_the_trial_balance_of_a_day(story: Company, reports: Reports) -> None:
    body = reports.get("trial-balance", asOf="2023-12-31")
    assert body["asOf"] == "2023-12-31"
    found = {line["name"]: (line["debit"], line["credit"]) for line in body["accounts"]}
    assert found == {
        "Cash": (1200, 0),
        "Owner's equity": (0, 1000),
        "Sales": (0, 300),
        "Rent": (100, 0),
    }
    assert body["totalDebits"] == body["totalCredits"] == 1300


def test_the_general_ledger_in_pages_runs_on(story: Company, reports: Reports) -> None:
    whole = reports.get("general-ledger", startDate="2023-06-01", endDate="2024-01-31")
    cash = next(one for one in whole["accounts"] if one["name"] == "Cash")
    assert (cash["openingBalance"], cash["closingBalance"]) == (1000, 1580)
    assert cash["balance"]["debits_posted"] == "1800.00"
    entries, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = reports.get("general-ledger", startDate="2023-06-01", endDate="2024-01-31", pageSize=2, **more)
        entries += page["entries"]
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            break
    assert entries == whole["entries"]
    of_cash = [entry["runningBalance"] for entry in entries if entry["accountName"] == "Cash"]
    assert of_cash == [1300, 1200, 1700, 1580]
    assert whole["totals"]["debit"] == whole["totals"]["credit"] == 1020


def test_a_cursor_of_another_ledger_page_is_refused(story: Company, reports: Reports) -> None:
    page = reports.get("general-ledger", year=2024, pageSize=1)
    answer = reports.ask("general-ledger", year=2023, pageSize=1, cursor=page["nextCursor"])
    assert answer.status_code == 400


def test_an_unknown_account_of_the_general_ledger_is_not_found(reports: Reports) -> None:
    answer = reports.ask("general-ledger", accountId=encode_id(Prefix.ACCOUNT, new_id()))
    assert answer.status_code == 404


def test_the_overview_by_month(story: Company, reports: Reports) -> None:
    body = reports.get("overview", startDate="2023-12-15", endDate="2024-02-10", statusFilter="all")
    assert body["monthlyRevenue"] == [["2023-12", 0], ["2024-01", 500], ["2024-02", 80]]
    assert body["monthlyExpenses"] == [["2023-12", 100], ["2024-01", 120], ["2024-02", 0]]
    assert body["monthlyCashBalance"] == [["2023-12", 1200], ["2024-01", 1580], ["2024-02", 1660]]
    assert (body["totalRevenue"], body["totalExpenses"], body["totalProfit"]) == (580, 220, 360)
    assert body["currentCashBalance"] == 1660
    assert [point["date"] for point in body["chartData"]] == ["Dec 2023", "Jan 2024", "Feb 2024"]
    assert body["latestMonthStats"] == {
        "revenue": 80,
        "expenses": 0,
        "profit": 80,
        "revenueChange": -84,
        "expensesChange": -100,
        "profitChange": Decimal("-78.9"),
    }
    assert body["filterInfo"] == {
        "statusFilter": "all",
        "dateRange": {"startDate": "2023-12-15", "endDate": "2024-02-10"},
        "interval": "monthly",
    }


@pytest.mark.parametrize(("interval", "points"), [("daily", 58), ("weekly", 9), ("monthly", 3)])
def test_the_chart_of_every_interval_adds_up_to_the_totals(
    story: Company, reports: Reports, interval: str, points: int
) -> None:
    body = reports.get("overview", startDate="2023-12-15", endDate="2024-02-10", interval=interval)
    assert len(body["chartData"]) == points
    assert sum(point["Revenue"] for point in body["chartData"]) == body["totalRevenue"] == 500
    assert body["chartData"][-1]["value"] == body["currentCashBalance"]


def test_the_official_client_sends_moments_for_days(story: Company, reports: Reports) -> None:
    body = reports.get("overview", startDate="2024-01-01T00:00:00Z", endDate="2024-01-31T23:59:59Z")
    assert body["filterInfo"]["dateRange"] == {"startDate": "2024-01-01", "endDate": "2024-01-31"}


def test_a_chart_of_too_many_points_is_refused(reports: Reports) -> None:
    answer = reports.ask("overview", startDate="2000-01-01", endDate="2024-01-01", interval="daily")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "interval"


def every_figure(body: Any) -> list[tuple[Decimal, str]]:
    """Each figure of an answer with the address that explains it."""
    found: list[tuple[Decimal, str]] = []
    if isinstance(body, dict):
        for name, url in body.get("entriesUrls", {}).items():
            if url is not None:
                found.append((body[name], url))
        if body.get("entriesUrl") is not None:
            if "debit" in body and "type" in body:
                sign = 1 if body["type"] in ("ASSET", "EXPENSE") else -1
                figure = (body["debit"] - body["credit"]) * sign
            elif "closingBalance" in body:
                figure = body["closingBalance"] - body["openingBalance"]
            else:
                figure = body["amount"] if "amount" in body else body["balance"]
            found.append((figure, body["entriesUrl"]))
        for name, value in body.items():
            if name not in ("entriesUrls", "entriesUrl"):
                found += every_figure(value)
    elif isinstance(body, list):
        for item in body:
            found += every_figure(item)
    return found


@pytest.mark.parametrize("method", ["ACCRUAL", "CASH"])
@pytest.mark.parametrize("status", ["posted", "all"])
def test_every_figure_explains_itself(story: Company, reports: Reports, method: str, status: str) -> None:
    receivable = account_of(story, "ACCOUNTS_RECEIVABLE")
    below = account_of(story, "ACCOUNTS_PAYABLE", parent=story.loan)
    equipment = account_of(story, "COMPUTER_EQUIPMENT")
    wear = account_of(story, "DEPRECIATION_EXPENSES", parent=story.rent)
    worn = account_of(story, "ACCUMULATED_DEPRECIATION", parent=equipment)
    interest = account_of(story, "INTEREST_EXPENSES", parent=story.rent)
    owed = account_of(story, "INTEREST_PAYABLE", parent=below)
    for day in ("2023-03-01", "2024-01-05", "2024-01-20", "2024-02-01"):
        post(story, day, "70.01", receivable, story.sales)
        post(story, day, "50", story.cash, receivable)
        post(story, day, "33.30", story.software, below)
        post(story, day, "400", equipment, below, Status.PENDING)
        post(story, day, "10", story.bank, equipment)
        post(story, day, "12", wear, worn)
        post(story, day, "9.99", interest, owed)
        post(story, day, "5", story.sales, story.cash)
    story.entity.accounting_method = method
    story.entity.save()
    known = utc_now().isoformat().replace("+00:00", "Z")
    checked = 0
    for query in (
        {"name": "generate", "month": 1, "year": 2024, "compare": "previous"},
        {"name": "generate", "startDate": "2024-01-06", "endDate": "2024-01-25", "knownAt": known},
        {"name": "trial-balance", "asOf": "2024-01-31"},
        {"name": "general-ledger", "startDate": "2024-01-06", "endDate": "2024-02-01"},
    ):
        body = reports.get(**query, status=status)
        assert body["basis"] == method
        for figure, url in every_figure(body):
            assert reports.explained(url) == figure, url
            checked += 1
    assert checked > 200


def test_days_are_those_of_the_companys_time_zone(bakery: Company, reports: Reports) -> None:
    bakery.entity.timezone = "Pacific/Auckland"
    bakery.entity.save()
    body = reports.get("generate", startDate="2024-01-31T12:00:00Z", endDate="2024-01-31T12:00:00Z")
    assert body["reportPeriod"]["startDate"] == "2024-02-01"
    today = dt.datetime.now(bakery.entity.zone).date()
    assert reports.get("generate")["reportPeriod"]["month"] == today.month
