"""The statements as pages of the back office."""

import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.tests.conftest import make_account
from banking.sandbox.company import Sandbox, create_sandbox
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.models import Ledger
from ledger.tests.helpers import Caller, token_of
from ledger.tests.office import OfficeClient, office_client
from reports.office.general_ledger import figure_label
from reports.tests.conftest import Company, account_of, exact, make_company, post
from transactions.choices import Status

pytestmark = pytest.mark.django_db
STATEMENTS = ("balance-sheet", "income-statement", "cash-flow", "trial-balance", "general-ledger")
MARCH = {"period": "month", "year": "2024", "month": "3"}


@pytest.fixture
def ann(bakery: Company) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT)


def figure(page: Any, key: str) -> list[Decimal | None]:
    """The amounts of the line of that key on a statement's page."""
    [row] = [row for row in page.context["rows"] if row.key == key]
    return [cell.amount for cell in row.cells]


def shown_amount(html: str) -> Decimal:
    """An amount as the page writes it."""
    text = unescape(re.sub(r"<[^>]*>", "", html)).strip().replace(",", "")
    if text in ("", "\N{EN DASH}"):
        return Decimal(0)
    return -Decimal(text[1:-1]) if text.startswith("(") else Decimal(text)


def add_up(client: OfficeClient, url: str) -> Decimal:
    """What the entries behind a figure add up to, over all pages."""
    total = Decimal(0)
    next_url: str | None = url
    while next_url:
        answer = client.get(next_url)
        assert answer.status_code == 200, f"{next_url}: {answer.status_code}"
        html = answer.content.decode()
        cells = re.findall(r'<td class="amount in-figure">(.*?)</td>', html, re.DOTALL)
        total += sum(map(shown_amount, cells), Decimal(0))
        cursor = answer.context["next_cursor"]
        next_url = f"{url}&cursor={cursor}" if cursor else None
    [said] = re.findall(r"<strong data-total>(.*?)</strong>", html, re.DOTALL)
    assert shown_amount(said) == total
    return total


@pytest.fixture(scope="module")
def sandbox(django_db_setup: None, django_db_blocker: Any) -> Iterator[Sandbox]:
    """A company with a few months of books, made once: these tests only read."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield create_sandbox(name="Sandbox", industry="software", seed=1, months=3, actor=SYSTEM)
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", STATEMENTS)
def test_who_may_read_the_books_reads_statements_and_nobody_else(name: str, bakery: Company) -> None:
    stranger = make_company("Garage")
    for role in (Role.OWNER, Role.ACCOUNTANT, Role.AUDITOR):
        assert office_client(bakery.entity, role).page(name, bakery.entity).status_code == 200
    assert office_client(bakery.entity, Role.OPERATOR).page(name, bakery.entity).status_code == 403
    assert office_client(stranger.entity).page(name, bakery.entity).status_code == 404


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"period": "month", "month": "13", "year": "2024"}, "from 1 to 12"),
        ({"period": "range", "from": "2024-02-01", "to": "2024-01-01"}, "is before"),
        ({"status": "some"}, "posted or all"),
        ({"basis": "tax"}, "accrual or cash"),
        ({"ledger": "ldgr_" + "0" * 26}, "no ledger of this company"),
        ({"known": "2999-01-01T00:00"}, "out of bounds"),
        ({"known": "2100-01-01T00:00"}, "has not come yet"),
        ({"known": "soon"}, "no moment"),
        ({"compare": "budget"}, "choose one of"),
        ({"format": "docx"}, "is no form of"),
    ],
)
def test_what_cannot_be_shown_becomes_a_message(
    name: str, query: dict[str, str], says: str, bakery: Company, ann: OfficeClient
) -> None:
    answer = ann.page(name, bakery.entity, query=query)

    assert answer.status_code == 302
    assert "?" not in answer["Location"]
    [message] = get_messages(answer.wsgi_request)
    assert says in str(message)


def test_a_balance_sheet_shows_what_the_api_shows(sandbox: Sandbox) -> None:
    client = office_client(sandbox.entity, Role.AUDITOR)
    page = client.page("balance-sheet", sandbox.entity)
    end = page.context["asked"].period.end
    sheet = api_report(sandbox, endDate=str(end))["balanceSheet"]

    assert figure(page, "assets") == [sheet["totalAssets"]]
    assert figure(page, "liabilities") == [sheet["totalLiabilities"]]
    assert figure(page, "liabilitiesAndEquity") == [sheet["liabilitiesAndEquity"]]
    assert [one.holds for one in page.context["identities"]] == [True]
    assert "✓ Assets = liabilities + equity" in page.content.decode()


def api_report(sandbox: Sandbox, **query: str) -> Any:
    """The report as the API gives it."""
    assert sandbox.first_key is not None
    caller = Caller(token_of(sandbox.first_key, entity=sandbox.entity))
    answer = caller.get("/v1/reports/generate", query)
    assert answer.status_code == 200, answer.content
    return exact(answer)


def test_income_and_cash_flow_show_what_the_api_shows_beside_the_period_before(sandbox: Sandbox) -> None:
    client = office_client(sandbox.entity, Role.AUDITOR)
    query = {"compare": "previous"}
    income = client.page("income-statement", sandbox.entity, query=query)
    flow = client.page("cash-flow", sandbox.entity, query=query)
    period = income.context["asked"].period
    api = api_report(sandbox, startDate=str(period.start), endDate=str(period.end), compare="previous")

    for key, name in (
        ("grossProfit", "grossProfit"),
        ("operatingIncome", "operatingIncome"),
        ("netIncome", "netIncome"),
    ):
        ours, theirs = api["incomeStatement"], api["comparison"]["incomeStatement"]
        assert figure(income, key) == [ours[name], theirs[name]], key
    ours, theirs = api["cashFlowStatement"], api["comparison"]["cashFlowStatement"]
    assert figure(flow, "netChangeInCash") == [ours["netChangeInCash"], theirs["netChangeInCash"]]
    assert figure(flow, "endingCash") == [ours["endingCash"], theirs["endingCash"]]
    assert "✓ Ties to the change in cash" in flow.content.decode()


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("balance-sheet", {"compare": "previous"}),
        ("balance-sheet", {"basis": "cash", "status": "all"}),
        ("income-statement", {"compare": "previous"}),
        ("income-statement", {"basis": "cash", "period": "year"}),
        ("cash-flow", {"status": "all", "compare": "previous"}),
        ("trial-balance", {"compare": "previous"}),
    ],
)
def test_every_figure_leads_to_entries_that_add_up_to_it(
    name: str, query: dict[str, str], sandbox: Sandbox
) -> None:
    client = office_client(sandbox.entity, Role.AUDITOR)
    page = client.page(name, sandbox.entity, query=query)
    html = page.content.decode()

    known: dict[str, Decimal] = {}
    linked = 0
    for row in page.context["rows"]:
        for cell in row.cells:
            if cell.amount is None:
                continue
            if cell.url is None:
                # The sums of a trial balance have no entries of their own.
                assert (row.key, name) == ("total", "trial-balance")
                continue
            assert cell.url.replace("&", "&amp;") in html
            linked += 1
            behind = known.setdefault(cell.url, add_up(client, cell.url))
            # A trial balance shows a balance on the side where it is.
            assert (abs(behind) if name == "trial-balance" else behind) == cell.amount, (row.key, cell.url)
    assert linked > 15


def test_comparing_shows_the_change_in_amount_and_in_percent(bakery: Company, ann: OfficeClient) -> None:
    post(bakery, "2024-02-10", 200, bakery.cash, bakery.sales)
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)
    post(bakery, "2024-03-11", 40, bakery.rent, bakery.cash)

    page = ann.page("income-statement", bakery.entity, query={**MARCH, "compare": "previous"})

    rows = {row.key: row for row in page.context["rows"]}
    assert [cell.amount for cell in rows["netSales"].cells] == [250, 200]
    assert (rows["netSales"].change, rows["netSales"].percent) == (50, Decimal("25.0"))
    # Nothing can be said in percent of nothing.
    assert (rows["operatingExpenses"].change, rows["operatingExpenses"].percent) == (40, None)
    assert "+25.0\N{NO-BREAK SPACE}%" in page.content.decode()


def test_pending_ones_count_where_they_are_asked_for(bakery: Company, ann: OfficeClient) -> None:
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales, status=Status.PENDING)

    posted = ann.page("income-statement", bakery.entity, query=MARCH)
    everything = ann.page("income-statement", bakery.entity, query={**MARCH, "status": "all"})

    assert posted.context["is_empty"]
    assert "There is nothing to show for this period" in posted.content.decode()
    assert figure(everything, "netIncome") == [250]


def test_the_cash_basis_can_be_chosen_and_its_figures_explain_themselves(
    bakery: Company, ann: OfficeClient
) -> None:
    receivable = account_of(bakery, "ACCOUNTS_RECEIVABLE")
    post(bakery, "2024-03-10", 250, receivable, bakery.sales)
    post(bakery, "2024-03-20", 100, bakery.cash, receivable)

    accrual = ann.page("income-statement", bakery.entity, query=MARCH)
    cash = ann.page("income-statement", bakery.entity, query={**MARCH, "basis": "cash"})

    assert (figure(accrual, "netIncome"), figure(cash, "netIncome")) == ([Decimal(250)], [Decimal(100)])
    [row] = [row for row in cash.context["rows"] if row.key == "netIncome"]
    assert add_up(ann, row.cells[0].url) == 100
    # The file says the same as the page.
    file = ann.page("income-statement", bakery.entity, query={**MARCH, "basis": "cash", "format": "csv"})
    assert b"Net income,0,total,100.00" in b"".join(file.streaming_content)


def test_the_books_are_shown_as_they_stood_at_a_moment(bakery: Company, ann: OfficeClient) -> None:
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)

    page = ann.page("income-statement", bakery.entity, query={**MARCH, "known": "2024-04-01T12:00"})

    assert page.context["is_empty"]
    assert page.context["asked"].known_local == "2024-04-01T12:00:00"


def test_figures_of_a_past_moment_lead_to_the_entries_of_that_moment(
    bakery: Company, ann: OfficeClient
) -> None:
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)
    known = utc_now().isoformat()
    post(bakery, "2024-03-11", 99, bakery.cash, bakery.sales)

    page = ann.page("income-statement", bakery.entity, query={**MARCH, "known": known})

    assert figure(page, "netIncome") == [250]
    [row] = [row for row in page.context["rows"] if row.key == "netIncome"]
    assert add_up(ann, row.cells[0].url) == 250


def test_another_ledger_has_statements_of_its_own(bakery: Company, ann: OfficeClient) -> None:
    second = Ledger.objects.create(
        entity=bakery.entity, name="Tax books", currency="USD", created_at=utc_now()
    )
    cash = make_account(second, "Cash", financial_type="CASH")
    sales = make_account(second, "Sales", "REVENUE", financial_type="SALES")
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)
    post(bakery, "2024-03-10", 30, cash, sales)

    page = ann.page("income-statement", bakery.entity, query={**MARCH, "ledger": second.public_id})

    assert figure(page, "netIncome") == [30]
    [row] = [row for row in page.context["rows"] if row.key == "netIncome"]
    assert add_up(ann, row.cells[0].url) == 30
    assert "Tax books (USD)" in page.content.decode()


def test_parts_fold_away_as_a_whole(bakery: Company, ann: OfficeClient) -> None:
    post(bakery, "2024-03-01", 100, bakery.cash, bakery.loan)
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)

    rows = ann.page("balance-sheet", bakery.entity).context["rows"]

    folding = {row.key: (row.folds, row.fold_depth) for row in rows}
    assert folding["liabilitiesAndEquity/heading"] == (True, 0)
    # It stands in the middle of its side: it folds away with that, and folds nothing itself.
    assert folding["liabilities"] == (False, 1)
    assert folding["liabilitiesAndEquity"] == (False, 0)


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_comes_as_a_file(name: str, bakery: Company, ann: OfficeClient) -> None:
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)

    for format_, begins in (("pdf", b"%PDF"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        answer = ann.page(name, bakery.entity, query={**MARCH, "format": format_})
        assert answer.status_code == 200
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert body.startswith(begins) or format_ == "csv"
        assert "250" in body.decode("latin-1") or format_ != "csv"
        assert name in answer["Content-Disposition"]


@pytest.mark.parametrize("name", [*STATEMENTS, "dashboard", "closing"])
def test_a_page_costs_the_same_queries_however_much_was_posted(
    name: str, bakery: Company, ann: OfficeClient
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as ran:
            query = {**MARCH, "compare": "previous"} if name not in ("closing", "dashboard") else {}
            assert ann.page(name, bakery.entity, query=query).status_code == 200
        return len(ran)

    post(bakery, "2024-03-01", 5, bakery.cash, bakery.sales)
    ann.page(name, bakery.entity)
    one = queries()
    for day in range(2, 28):
        post(bakery, f"2024-03-{day:02}", day, bakery.cash, bakery.sales)
        post(bakery, f"2024-02-{day:02}", day, bakery.rent, bakery.cash, status=Status.PENDING)

    assert queries() == one == QUERIES[name]


QUERIES = {
    "balance-sheet": 5,
    "income-statement": 6,
    "cash-flow": 5,
    "trial-balance": 6,
    "general-ledger": 11,
    "dashboard": 9,
    "closing": 11,
}


def test_the_general_ledger_goes_on_over_pages(
    bakery: Company, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.office.general_ledger.PAGE_SIZE", 3)
    post(bakery, "2024-02-01", 7, bakery.bank, bakery.loan)
    for day in range(1, 5):
        post(bakery, f"2024-03-0{day}", 10, bakery.rent, bakery.cash)

    first = ann.page("general-ledger", bakery.entity, query=MARCH)
    second = ann.page(
        "general-ledger", bakery.entity, query={**MARCH, "cursor": first.context["next_cursor"]}
    )
    third = ann.page(
        "general-ledger", bakery.entity, query={**MARCH, "cursor": second.context["next_cursor"]}
    )

    def parts(page: Any) -> list[tuple[str, Any, int, Any]]:
        return [(one.name, one.opening, len(one.entries), one.closing) for one in page.context["parts"]]

    assert [*parts(first), *parts(second), *parts(third)] == [
        ("Cash", 0, 3, None),
        ("Cash", None, 1, -40),
        # No entry in March, but a balance.
        ("Bank", 7, 0, 7),
        ("Loan", 7, 0, 7),
        ("Rent", 0, 2, None),
        ("Rent", None, 2, 40),
    ]
    assert third.context["next_cursor"] is None
    # A cursor belongs to its own question.
    wrong = ann.page("general-ledger", bakery.entity, query={"cursor": first.context["next_cursor"]})
    assert wrong.status_code == 302


def test_an_account_of_another_company_has_no_entries_here(bakery: Company, ann: OfficeClient) -> None:
    stranger = make_company("Garage")
    post(stranger, "2024-03-01", 5, stranger.cash, stranger.sales)

    answer = ann.page("general-ledger", bakery.entity, query={**MARCH, "account": stranger.cash.public_id})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("currentAssets", "Current assets"),
        ("operatingActivities.changeInInventory", "Change in inventory"),
        ("financingActivities", "Net cash from financing activities"),
        ("netIncome", "Net income"),
    ],
)
def test_figures_are_called_by_words(name: str, label: str) -> None:
    assert figure_label(name) == label


def test_names_are_escaped(bakery: Company, ann: OfficeClient) -> None:
    account = account_of(bakery, "SALES")
    type(account).objects.filter(entity_id=bakery.entity.id, id=UUID(str(account.id))).update(
        name="<script>alert(1)</script>"
    )
    post(bakery, "2024-03-01", 5, bakery.cash, account, description="<img src=x>")

    for name in STATEMENTS:
        html = ann.page(name, bakery.entity, query=MARCH).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
