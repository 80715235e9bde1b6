"""The back office's list of transactions: filters, pages, views that one keeps, and files."""

import csv
import datetime as dt
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from accounts.chart_templates import SystemRole
from accounts.system_accounts import make_system_accounts, system_account
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.ids import Prefix, encode_id
from ledger.services.entities import delete_entity
from ledger.services.memberships import grant_membership
from ledger.tests.office import OfficeClient, make_person, office_client, page_url
from transactions import browsing
from transactions.choices import Source, Status
from transactions.models import SavedView
from transactions.office import listing
from transactions.office.filters import built_in, presets
from transactions.rows import Row
from transactions.tests.conftest import NOON, Company

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture
def ann(bakery: Company) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT)


def shown(client: OfficeClient, company: Company, **query: str) -> list[Any]:
    page = client.page("transactions", company.entity, query=query)
    assert page.status_code == 200
    return [line.row.id for line in page.context["lines"]]


def test_who_reads_the_books_sees_the_list_and_others_do_not(bakery: Company, stranger: Company) -> None:
    row = bakery.post(description="Rent of <March>")
    for role in (Role.OWNER, Role.ACCOUNTANT, Role.AUDITOR):
        page = office_client(bakery.entity, role).page("transactions", bakery.entity)
        assert page.status_code == 200
        text = page.content.decode()
        assert "Rent of &lt;March&gt;" in text
        assert encode_id(Prefix.TRANSACTION, row.id) in text
        # An auditor can choose nothing to act on.
        assert ('name="id"' in text) is (role != Role.AUDITOR)
    assert office_client(bakery.entity, Role.OPERATOR).page("transactions", bakery.entity).status_code == 403
    assert office_client(stranger.entity).page("transactions", bakery.entity).status_code == 404
    assert Client().get(page_url("transactions", bakery.entity)).status_code == 302


def test_empty_books_say_where_transactions_come_from(bakery: Company, ann: OfficeClient) -> None:
    assert "No transactions yet" in ann.page("transactions", bakery.entity).content.decode()
    bakery.post()
    page = ann.page("transactions", bakery.entity, query={"status": "EXPIRED"})
    assert "Nothing passes these filters" in page.content.decode()


def test_the_query_narrows_the_list(bakery: Company, ann: OfficeClient) -> None:
    rent = bakery.post("10", counterparty="Landlord", description="March")
    hosting = bakery.posted("1234.50", at=NOON + DAY, debit=bakery.software, source=Source.BANK)
    cleared = bakery.post("40", at=NOON + 2 * DAY, status=Status.CLEARED, credit=bakery.bank)
    cases: list[tuple[dict[str, str], list[Row]]] = [
        ({}, [cleared, hosting, rent]),
        ({"from": "2024-03-16", "to": "2024-03-16"}, [hosting]),
        ({"min": "1,234.50"}, [hosting]),
        ({"max": "40"}, [cleared, rent]),
        ({"account": bakery.bank.public_id}, [cleared]),
        ({"category": bakery.software.public_id}, [hosting]),
        ({"counterparty": "Landlord"}, [rent]),
        ({"status": "waiting"}, [cleared, rent]),
        ({"status": "POSTED"}, [hosting]),
        ({"source": "bank"}, [hosting]),
        ({"reconciled": "yes"}, []),
        ({"reconciled": "no"}, [cleared, hosting, rent]),
        ({"q": "march"}, [rent]),
        ({"q": "march", "status": "POSTED"}, []),
    ]
    for query, expected in cases:
        assert shown(ann, bakery, **query) == [row.id for row in expected], query


def test_the_built_in_views_show_what_they_say(bakery: Company, ann: OfficeClient) -> None:
    make_system_accounts(entity=bakery.entity, ledger=bakery.ledger, actor=SYSTEM)
    expense = system_account(bakery.entity, SystemRole.UNCATEGORIZED_EXPENSE)
    unsaid = bakery.posted("10000", debit=expense)
    waiting = bakery.post("5", at=dt.datetime.now(dt.UTC))
    entry = bakery.posted("7", source=Source.JOURNAL)
    views = dict(built_in(bakery.entity))
    assert list(views) == ["All", "To approve", "To categorize", "Large", "This month", "Journal entries"]
    expected = {
        "To approve": [waiting], "To categorize": [unsaid], "Large": [unsaid],
        "This month": [waiting], "Journal entries": [entry],
    }  # fmt: skip
    for name, rows in expected.items():
        query = dict(pair.split("=") for pair in views[name].split("&"))
        page = ann.page("transactions", bakery.entity, query=query)
        assert [line.row.id for line in page.context["lines"]] == [row.id for row in rows], name
        assert [tab.name for tab in page.context["tabs"] if tab.is_current] == [name]


def test_presets_are_the_ranges_that_they_are_called(
    bakery: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transactions.office import filters

    bakery.entity.fiscal_year_start = 4
    monkeypatch.setattr(filters, "own_day", lambda entity: dt.date(2024, 2, 29))
    assert presets(bakery.entity) == [
        ("This month", dt.date(2024, 2, 1), dt.date(2024, 2, 29)),
        ("Last month", dt.date(2024, 1, 1), dt.date(2024, 1, 31)),
        ("This quarter", dt.date(2024, 1, 1), dt.date(2024, 3, 31)),
        ("This year", dt.date(2024, 1, 1), dt.date(2024, 12, 31)),
        ("Fiscal year", dt.date(2023, 4, 1), dt.date(2024, 3, 31)),
    ]
    monkeypatch.setattr(filters, "own_day", lambda entity: dt.date(2024, 12, 31))
    assert presets(bakery.entity)[2:] == [
        ("This quarter", dt.date(2024, 10, 1), dt.date(2024, 12, 31)),
        ("This year", dt.date(2024, 1, 1), dt.date(2024, 12, 31)),
        ("Fiscal year", dt.date(2024, 4, 1), dt.date(2025, 3, 31)),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from", "yesterday"), ("to", "2024-02-30"), ("from", "0001-01-01"), ("min", "lots"),
        ("min", "1,5"), ("max", "-1"), ("max", "NaN"), ("account", "acc_x"), ("category", "nothing"),
        ("counterparty", "x" * 201), ("status", "DONE"), ("source", "post"), ("reconciled", "maybe"),
        ("q", "x" * 201),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_says_so_at_its_field_and_shows_nothing(
    bakery: Company, ann: OfficeClient, field: str, value: str
) -> None:
    bakery.post()
    page = ann.page("transactions", bakery.entity, query={field: value})
    assert page.status_code == 200
    assert page.context["form"].errors.keys() == {field}
    assert page.context["lines"] == []
    assert 'class="errorlist"' in page.content.decode()


def test_accounts_of_another_company_are_no_filter(
    bakery: Company, stranger: Company, ann: OfficeClient
) -> None:
    page = ann.page("transactions", bakery.entity, query={"account": stranger.cash.public_id})
    assert "account" in page.context["form"].errors


def test_pages_follow_one_another_by_cursor(
    bakery: Company, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    rows = [bakery.post(str(n + 1), at=NOON + n * DAY) for n in range(5)]
    seen, cursor = [], ""
    for _ in range(3):
        page = ann.page("transactions", bakery.entity, query={"cursor": cursor} if cursor else {})
        seen += [line.row.id for line in page.context["lines"]]
        cursor = page.context["next_cursor"]
    assert cursor is None
    assert seen == [row.id for row in reversed(rows)]


def test_a_cursor_of_other_filters_or_a_forged_one_is_refused(
    bakery: Company, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 1)
    for n in range(3):
        bakery.post(str(n + 1))
    cursor = ann.page("transactions", bakery.entity).context["next_cursor"]
    for query in ({"cursor": cursor, "status": "PENDING"}, {"cursor": "x"}, {"cursor": "x" * 3000}):
        answer = ann.page("transactions", bakery.entity, query=query)
        assert answer.status_code == 302
        assert answer["Location"] == page_url("transactions", bakery.entity)


def test_where_the_list_was_looked_through_it_says_how_far(
    bakery: Company, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "LOOKED_THROUGH_MAX", 2)
    old = bakery.post("500", at=NOON)
    for n in range(3):
        bakery.post("1", at=NOON + (n + 1) * DAY)
    page = ann.page("transactions", bakery.entity, query={"min": "500"})
    assert page.context["lines"] == []
    text = page.content.decode()
    assert "looked through down to 17 Mar 2024" in text
    assert "Nothing passes" not in text
    further = {"min": "500", "cursor": page.context["next_cursor"]}
    assert shown(ann, bakery, **further) == [old.id]


@pytest.mark.parametrize("rows", [1, 40])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    bakery: Company, ann: OfficeClient, rows: int
) -> None:
    for n in range(rows):
        bakery.post(str(n + 1))
    ann.page("transactions", bakery.entity)

    def statements(**query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            shown(ann, bakery, **query)
        return len(queries)

    # Session and person, their companies; then the list, the chart and the views.
    assert statements() == 6
    assert statements(q="cash") == 9
    assert statements(min="5000") == 7


# -- Views that one keeps ------------------------------------------------------------------------------


def test_a_person_keeps_filters_under_a_name_and_forgets_them(bakery: Company, ann: OfficeClient) -> None:
    kept = ann.send(
        "transactions-views",
        bakery.entity,
        {"name": "  Rent   in cash ", "query": f"max=10&account={bakery.cash.public_id}&cursor=x&evil=1"},
    )
    query = f"max=10&account={bakery.cash.public_id}"
    assert kept["Location"] == f"{page_url('transactions', bakery.entity)}?{query}"
    view = SavedView.objects.get(entity=bakery.entity)
    assert (view.name, view.query, view.user_id) == ("Rent in cash", query, ann.user.pk)

    page = ann.get(kept["Location"])
    assert [tab.name for tab in page.context["tabs"] if tab.is_current] == ["Rent in cash"]

    # The same name again: the newer filters count.
    ann.send("transactions-views", bakery.entity, {"name": "Rent in cash", "query": "status=POSTED"})
    assert SavedView.objects.get(entity=bakery.entity).query == "status=POSTED"
    ann.send("transactions-views", bakery.entity, {"forget": str(view.id)})
    assert not SavedView.objects.exists()


def test_views_are_a_persons_own_in_one_company(
    bakery: Company, stranger: Company, ann: OfficeClient
) -> None:
    bob = office_client(bakery.entity, Role.AUDITOR, name="bob")
    grant_membership(user=ann.user, entity=stranger.entity, role=Role.OWNER, actor=SYSTEM)
    # Looking is all it takes to keep a view.
    bob.send("transactions-views", bakery.entity, {"name": "Mine", "query": "status=POSTED"})
    view = SavedView.objects.get()

    for client, company in ((ann, bakery), (ann, stranger)):
        names = [tab.name for tab in client.page("transactions", company.entity).context["tabs"]]
        assert "Mine" not in names
        client.send("transactions-views", company.entity, {"forget": str(view.id)})
    assert SavedView.objects.count() == 1
    assert (
        office_client(stranger.entity)
        .send("transactions-views", bakery.entity, {"name": "x", "query": ""})
        .status_code
        == 404
    )
    assert (
        office_client(bakery.entity, Role.OPERATOR)
        .send("transactions-views", bakery.entity, {"name": "x", "query": ""})
        .status_code
        == 403
    )


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_view_needs_a_name(bakery: Company, ann: OfficeClient, name: str) -> None:
    answer = ann.send("transactions-views", bakery.entity, {"name": name, "query": "status=POSTED"})
    assert answer["Location"].endswith("?status=POSTED")
    assert not SavedView.objects.exists()


def test_there_is_an_end_to_views(bakery: Company, ann: OfficeClient) -> None:
    for n in range(31):
        ann.send("transactions-views", bakery.entity, {"name": f"View {n}", "query": ""})
    assert SavedView.objects.count() == 30
    assert ann.send("transactions-views", bakery.entity, {"forget": "no id"}).status_code == 302


def test_views_go_with_the_person_and_with_the_company(bakery: Company, stranger: Company) -> None:
    for company in (bakery, stranger):
        client = office_client(company.entity)
        client.send("transactions-views", company.entity, {"name": "Mine", "query": ""})
    person = SavedView.objects.get(entity=bakery.entity).user
    person.delete()
    assert SavedView.objects.count() == 1
    delete_entity(entity=stranger.entity, actor=SYSTEM)
    assert not SavedView.objects.exists()


# -- Files ---------------------------------------------------------------------------------------------


def test_the_list_as_csv_is_what_the_filters_show(bakery: Company, ann: OfficeClient) -> None:
    bakery.post("5", description="Small")
    row = bakery.posted(
        "1234.5",
        at=NOON + DAY,
        description="=HYPERLINK(1)",
        counterparty='Quote " and, comma',
        debit=bakery.software,
    )
    answer = ann.page("transactions-export", bakery.entity, query={"min": "10"}, file_format="csv")
    assert answer.streaming
    assert answer["Content-Disposition"].endswith('.csv"')
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    [line] = list(csv.DictReader(StringIO(text, newline="")))
    assert line == {
        "Date": "2024-03-16", "Description": "'=HYPERLINK(1)", "Counterparty": 'Quote " and, comma',
        "Debit account": "6100 Software", "Credit account": "1010 Cash", "Amount": "1234.50",
        "Currency": "USD", "Status": "Posted", "Source": "API",
        "Id": encode_id(Prefix.TRANSACTION, row.id), "Journal entry": "",
    }  # fmt: skip


def test_the_list_as_a_sheet_has_numbers_and_days(bakery: Company, ann: OfficeClient) -> None:
    bakery.posted("1234.5", description="=1+1")
    answer = ann.page("transactions-export", bakery.entity, file_format="xlsx")
    book = CalamineWorkbook.from_filelike(BytesIO(b"".join(answer.streaming_content)))
    header, row = book.get_sheet_by_index(0).to_python()
    assert header[:6] == ["Date", "Description", "Counterparty", "Debit account", "Credit account", "Amount"]
    assert row[:2] == [NOON.date(), "'=1+1"]
    assert row[5] == 1234.5


def test_files_are_read_in_pieces(
    bakery: Company, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transactions.office import exports

    monkeypatch.setattr(exports, "CHUNK_ROWS", 3)
    for n in range(8):
        bakery.post(str(n + 1))
    answer = ann.page("transactions-export", bakery.entity, file_format="csv")
    assert len(b"".join(answer.streaming_content).splitlines()) == 9
    monkeypatch.setattr(exports, "SHEET_ROWS_MAX", 7)
    refused = ann.page("transactions-export", bakery.entity, file_format="xlsx")
    assert refused.status_code == 302


def test_who_may_take_files(bakery: Company, stranger: Company, ann: OfficeClient) -> None:
    def status(client: OfficeClient, file_format: str = "csv", **query: str) -> int:
        answer = client.page("transactions-export", bakery.entity, query=query, file_format=file_format)
        return int(answer.status_code)

    assert status(office_client(bakery.entity, Role.AUDITOR)) == 200
    assert status(office_client(bakery.entity, Role.OPERATOR)) == 403
    assert status(office_client(stranger.entity)) == 404
    assert status(OfficeClient(make_person("nobody"))) == 404
    assert status(ann, "pdf") == 404
    # A filter that cannot be: back to where it was asked, with a message.
    assert status(ann, min="lots") == 302
