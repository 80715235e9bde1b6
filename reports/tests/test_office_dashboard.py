"""The dashboard of a company, and the table of all of a person's."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from banking.choices import ConnectionStatus, LineStatus, ProviderName
from banking.models import BankAccount, BankConnection, BankLine
from banking.reconciliation.services import complete_reconciliation, start_reconciliation
from banking.tests.cast import Banked, make_banked
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.ids import new_id
from ledger.services.memberships import grant_membership
from ledger.tests.office import OfficeClient, make_person, office_client, page_url
from ledger.times import day_of
from reports import standing
from reports.standing import COUNTED_MAX, banks_of, figures_of, work_of
from reports.templatetags.statements import counted
from reports.tests.conftest import Reports, account_of, make_company, post
from transactions.choices import Status
from transactions.services import categorize_transactions

pytestmark = pytest.mark.django_db
COMPANIES = reverse("office:companies")
TODAY = utc_now().date()


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


def connect(company: Banked, status: ConnectionStatus = ConnectionStatus.ACTIVE, *, days: int = 0) -> None:
    """A bank connection whose last sync was so many days ago."""
    now = utc_now()
    BankConnection.objects.create(
        id=new_id(), entity=company.entity, provider=ProviderName.SANDBOX, provider_item_id=str(new_id()),
        institution_name="First Bank", status=status, synced_at=now - dt.timedelta(days=days), created_at=now,
    )  # fmt: skip


def says(account: BankAccount, balance: str) -> None:
    """The bank says now what the account holds."""
    account.balance_current, account.balance_at = Decimal(balance), utc_now()
    account.save()


def offer(company: Banked, transaction: Any, *, days: int = 0) -> None:
    """A bank line that looks like a transaction of the books."""
    now = utc_now()
    BankLine.objects.create(
        entity_id=company.entity.id, bank_account=company.checking, provider_line_id=str(new_id()),
        date=TODAY - dt.timedelta(days=days), amount=Decimal(5), currency="USD", description="",
        status=LineStatus.OFFERED, offered_transaction_id=transaction.id, raw={}, created_at=now,
        updated_at=now,
    )  # fmt: skip


def waits(page: Any) -> dict[str, int]:
    return {one.label: one.count for one in page.context["waiting"]}


def test_the_figures_of_the_month_stand_beside_those_of_the_month_before(bakery: Banked) -> None:
    post(bakery, "2024-02-10", 200, bakery.cash, bakery.sales)
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)
    post(bakery, "2024-03-11", 40, bakery.rent, bakery.cash)
    ann = office_client(bakery.entity, Role.AUDITOR)

    page = ann.page("dashboard", bakery.entity, query={"period": "month", "year": "2024", "month": "3"})

    tiles = {one.label: one for one in page.context["tiles"]}
    assert {name: (one.amount, one.before) for name, one in tiles.items()} == {
        "Cash": (410, 200),
        "Revenue": (250, 200),
        "Expenses": (40, 0),
        "Profit": (210, 200),
    }
    assert (tiles["Revenue"].percent, tiles["Revenue"].trend) == (Decimal("25.0"), "good")
    assert (tiles["Expenses"].percent, tiles["Expenses"].trend) == (None, "bad")
    api = Reports(bakery).get("generate", month=3, year=2024)
    assert tiles["Profit"].amount == api["incomeStatement"]["netIncome"]
    assert tiles["Cash"].amount == api["cashFlowStatement"]["endingCash"]
    # Each figure leads to what makes it.
    entries = ann.get(tiles["Expenses"].url)
    assert [entry.description for part in entries.context["parts"] for entry in part.entries] == [""]
    assert entries.context["figure_total"] == 40


def test_the_twelve_months_have_a_picture_and_a_table(bakery: Banked) -> None:
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)
    ann = office_client(bakery.entity)

    page = ann.page("dashboard", bakery.entity, query={"period": "year", "year": "2024"})

    html = page.content.decode()
    assert '<title id="months-title">' in html
    assert '<th scope="row">March 2024</th>' in html
    assert len(page.context["months"].points) == 12
    assert ann.page("dashboard", bakery.entity).context["months"].is_empty


def test_what_waits_is_counted_and_leads_to_where_it_is_worked_off(bakery: Banked) -> None:
    old = TODAY - dt.timedelta(days=9)
    draft = post(bakery, old, 5, bakery.rent, bakery.bank, status=Status.CLEARED)
    post(bakery, TODAY, 6, bakery.uncategorized_expense, bakery.bank, status=Status.PENDING)
    post(bakery, TODAY, 7, bakery.uncategorized_expense, bakery.bank)
    post(bakery, TODAY, 8, bakery.bank, bakery.uncategorized_income)
    offer(bakery, draft, days=3)
    connect(bakery, ConnectionStatus.LOGIN_REQUIRED, days=4)
    connect(bakery)

    page = office_client(bakery.entity).page("dashboard", bakery.entity)

    assert waits(page) == {
        "Broken bank connections": 1,
        "Bank lines to match": 1,
        "To categorize": 1,
        "To approve": 2,
        "Posted without a category": 2,
        "Bank accounts to reconcile": 3,
    }
    assert page.context["sync_days"] == 4
    html = page.content.decode()
    assert "oldest waits 9 days" in html
    # Nobody is led to a page that their role does not open.
    for role in (Role.ACCOUNTANT, Role.AUDITOR):
        client = office_client(bakery.entity, role)
        dashboard, closing = client.page("dashboard", bakery.entity), client.page("closing", bakery.entity)
        assert waits(dashboard) == waits(page)
        for one in [*dashboard.context["waiting"], *closing.context["points"]]:
            for _, url in one.links:
                assert client.get(url).status_code == 200, url
        html = dashboard.content.decode()
        assert (page_url("feeds", bakery.entity) in html) == (role is Role.ACCOUNTANT)


def test_what_was_moved_to_a_category_by_a_second_transaction_waits_no_more(bakery: Banked) -> None:
    posted = post(bakery, TODAY, 7, bakery.uncategorized_expense, bakery.bank)
    assert work_of([bakery.entity])[bakery.entity.id].uncategorized_posted == 1

    categorize_transactions(
        entity=bakery.entity, ids=[posted.id], category_id=bakery.software.id, actor=SYSTEM
    )

    assert work_of([bakery.entity])[bakery.entity.id].uncategorized_posted == 0


def test_an_account_is_reconciled_once_a_statement_of_the_last_month_is_completed(bakery: Banked) -> None:
    assert banks_of([bakery.entity])[bakery.entity.id].unreconciled == 3
    end = standing.end_of_last_month(bakery.entity)

    made = start_reconciliation(
        entity=bakery.entity,
        bank_account_id=bakery.checking.id,
        statement_date=end,
        statement_balance=Decimal(0),
        actor=SYSTEM,
    )
    assert banks_of([bakery.entity])[bakery.entity.id].unreconciled == 3
    complete_reconciliation(entity=bakery.entity, reconciliation_id=made, actor=SYSTEM)

    assert banks_of([bakery.entity])[bakery.entity.id].unreconciled == 2


def test_banks_stand_beside_the_books_in_their_own_sign(bakery: Banked) -> None:
    post(bakery, TODAY, 100, bakery.bank, bakery.sales)
    post(bakery, TODAY, 40, bakery.rent, bakery.card_account, status=Status.PENDING)
    says(bakery.checking, "100")
    says(bakery.card, "35")

    page = office_client(bakery.entity).page("dashboard", bakery.entity)

    beside = {one.name: (one.bank, one.books, one.difference) for one in page.context["beside"]}
    assert beside == {"Checking": (100, 100, 0), "Visa": (35, 40, -5)}
    assert "1 differs" in page.content.decode()


def test_counts_stop_at_a_bound(bakery: Banked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "COUNTED_MAX", 2)
    for _ in range(4):
        post(bakery, TODAY, 6, bakery.uncategorized_expense, bakery.bank, status=Status.PENDING)

    work = work_of([bakery.entity])[bakery.entity.id]

    assert (work.pending, work.uncategorized) == (3, 3)
    assert (counted(COUNTED_MAX), counted(COUNTED_MAX + 1)) == ("1,000", "1,000+")


def test_no_read_of_the_dashboard_looks_at_all_transactions(bakery: Banked) -> None:
    post(bakery, TODAY, 6, bakery.uncategorized_expense, bakery.bank, status=Status.PENDING)
    with CaptureQueriesContext(connection) as ran:
        office_client(bakery.entity).page("dashboard", bakery.entity)
    statements = [one["sql"] for one in ran if "transactions_transaction" in one["sql"]]

    assert statements
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for number, sql in enumerate(statements):
            names: dict[str, str] = {}
            cursor.execute(f"PREPARE looked_at_{number} AS {_numbered(sql, names)}")
            arguments = ", ".join("NULL" for _ in names)
            cursor.execute(f"EXPLAIN EXECUTE looked_at_{number}({arguments})")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on transactions_transaction" not in plan
            assert "transaction_by_status" in plan


def _numbered(sql: str, names: dict[str, str]) -> str:
    """A statement with `$1`, `$2`, … for its named parameters."""

    def number(match: re.Match[str]) -> str:
        return names.setdefault(match[1], f"${len(names) + 1}")

    return re.sub(r"%\((\w+)\)s", number, sql)


# --- all companies ---------------------------------------------------------------------------------


def member(*companies: tuple[Banked, Role]) -> OfficeClient:
    person = make_person()
    for company, role in companies:
        grant_membership(user=person, entity=company.entity, role=role, actor=SYSTEM)
    return OfficeClient(person)


def named(page: Any) -> list[str]:
    return [str(one.company) for one in page.context["standings"]]


def test_companies_stand_in_the_order_in_which_they_need_somebody() -> None:
    calm, busy, late, off, broken = (make_banked(name) for name in ("A", "B", "C", "D", "E"))
    for _ in range(3):
        post(busy, TODAY, 5, busy.rent, busy.bank, status=Status.PENDING)
    post(late, TODAY - dt.timedelta(days=30), 5, late.rent, late.bank, status=Status.PENDING)
    says(off.checking, "12")
    connect(broken, ConnectionStatus.FAILED)
    ann = member(*((one, Role.ACCOUNTANT) for one in (calm, busy, late, off, broken)))

    page = ann.get(COMPANIES)

    assert named(page) == ["E", "D", "C", "B", "A"]
    assert [one.urgency[:3] for one in page.context["standings"]] == [
        (1, 0, 0), (0, 1, 0), (0, 0, 30), (0, 0, 0), (0, 0, 0),
    ]  # fmt: skip


def test_the_table_costs_the_same_queries_for_any_number_of_companies() -> None:
    companies = [make_banked(name) for name in "ABCDEFG"]
    for company in companies:
        post(company, TODAY, 5, company.rent, company.bank, status=Status.PENDING)
    few = member(*((one, Role.OWNER) for one in companies[:2]))
    person = make_person("bob")
    for company in companies:
        grant_membership(user=person, entity=company.entity, role=Role.OWNER, actor=SYSTEM)
    many = OfficeClient(person)

    with CaptureQueriesContext(connection) as of_two:
        assert len(named(few.get(COMPANIES))) == 2
    with CaptureQueriesContext(connection) as of_all:
        assert len(named(many.get(COMPANIES))) == 7

    assert len(of_two) == len(of_all) == 7


def test_nobody_sees_a_company_that_is_not_theirs() -> None:
    mine, other, foreign = make_banked("Mine"), make_banked("Other"), make_banked("Foreign")
    ann = member((mine, Role.OWNER), (other, Role.AUDITOR))

    page = ann.get(COMPANIES)

    assert sorted(named(page)) == ["Mine", "Other"]
    assert "Foreign" not in page.content.decode()
    assert foreign.entity.public_id not in page.content.decode()


def test_the_table_shows_the_figures_of_the_dashboard(bakery: Banked) -> None:
    receivable = account_of(bakery, "ACCOUNTS_RECEIVABLE")
    today = day_of(utc_now(), bakery.entity.zone)
    before = today.replace(day=1) - dt.timedelta(days=1)
    for day, amount in ((before, 70), (today, 250)):
        post(bakery, day, amount, receivable, bakery.sales)
        post(bakery, day, amount - 50, bakery.bank, receivable)
        post(bakery, day, 15, bakery.rent, bakery.bank)
    for method in ("ACCRUAL", "CASH"):
        type(bakery.entity).objects.filter(pk=bakery.entity.pk).update(accounting_method=method)
        bakery.entity.refresh_from_db()
        page = office_client(bakery.entity).page("dashboard", bakery.entity)
        tiles = {one.label: (one.amount, one.before) for one in page.context["tiles"]}
        figures = figures_of([bakery.entity])[bakery.entity.id]

        assert tiles == {
            "Cash": (figures.cash, figures.cash_before),
            "Revenue": (figures.revenue, figures.revenue_before),
            "Expenses": (figures.expenses, figures.expenses_before),
            "Profit": (figures.profit, figures.profit_before),
        }


def test_who_is_in_one_company_is_shown_that_one(bakery: Banked) -> None:
    answer = office_client(bakery.entity, Role.AUDITOR).get(COMPANIES)

    assert (answer.status_code, answer["Location"]) == (302, page_url("dashboard", bakery.entity))


def test_an_operator_sees_how_the_feeds_are_and_no_figure(bakery: Banked) -> None:
    other = make_banked("Garage")
    post(bakery, TODAY, 5432, bakery.bank, bakery.sales)
    post(bakery, TODAY, 5, bakery.rent, bakery.bank, status=Status.PENDING)
    connect(bakery, ConnectionStatus.LOGIN_REQUIRED, days=2)
    olga = member((bakery, Role.OPERATOR), (other, Role.OPERATOR))

    page = olga.get(COMPANIES)
    html = page.content.decode()

    assert "1 broken" in html
    assert "synced 2 days ago" in html
    assert "5,4" not in html
    assert [one.work for one in page.context["standings"]] == [None, None]
    assert page_url("dashboard", bakery.entity) not in [one.url for one in page.context["standings"]]


def test_a_company_is_found_by_its_name() -> None:
    ann = member((make_banked("Corner Bakery"), Role.OWNER), (make_banked("Garage"), Role.OWNER))

    assert named(ann.get(COMPANIES, {"q": "bak"})) == ["Corner Bakery"]
    nothing = ann.get(COMPANIES, {"q": "zzz"})
    assert "No company is called that" in nothing.content.decode()


def test_who_is_in_no_company_is_told_whom_to_ask() -> None:
    html = OfficeClient(make_person()).get(COMPANIES).content.decode()

    assert "Ask an owner of the company" in html


def test_a_superuser_in_no_company_sees_what_there_is_to_look_after(bakery: Banked) -> None:
    page = OfficeClient(make_person("root", superuser=True)).get(COMPANIES)
    html = page.content.decode()

    assert reverse("admin:ledger_entity_changelist") in html
    assert page_url("dashboard", bakery.entity) not in html


def test_roles_and_strangers_at_the_dashboard(bakery: Banked) -> None:
    stranger = make_company("Stranger")

    for role in (Role.OWNER, Role.ACCOUNTANT, Role.AUDITOR):
        assert office_client(bakery.entity, role).page("dashboard", bakery.entity).status_code == 200
    assert office_client(bakery.entity, Role.OPERATOR).page("dashboard", bakery.entity).status_code == 403
    assert office_client(stranger.entity).page("dashboard", bakery.entity).status_code == 404
