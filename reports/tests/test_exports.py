"""Exported books, read and checked by the programs that they are for."""

import csv
import datetime as dt
import os
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.choices import AccountType
from accounts.models import AccountMonth
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.api import json
from ledger.ids import new_id
from ledger.models import Ledger
from ledger.tests.helpers import make_developer, make_entity
from reports.exports import Books, ExportFormat
from reports.exports.chart import ChartAccount, beancount_chart, hledger_chart
from reports.files.layout import set_lines
from reports.files.orders import Order, Statement
from reports.periods import year_period
from reports.read import new_scope
from reports.statements.table import StatementTable, Style
from reports.tests.other_programs import (
    bean_check,
    bean_query,
    beancount_balances,
    by_beancount_name,
    hledger,
    hledger_balances,
    our_balances,
    our_balances_by_path,
    text_of,
    written,
)
from transactions.choices import Status
from transactions.journal_import import import_journal
from transactions.services import post_batch, reverse_transaction
from transactions.tests.conftest import Company, make_company

SHARED = Path(settings.BASE_DIR).parent / "shared" / "data"
NASTY = '=1+1; "quoted" \\ back\\slash\nsecond line\t|  (x) * ! ~ | ;tag:v, ütf-8 日本'


# --- the real journal ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_books(django_db_setup: None, django_db_blocker: Any) -> Iterator[Books]:
    """Nine years of a real project, imported once for all tests that only read them."""
    file = SHARED / "gl_hledger_project_share.csv"
    if not file.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{file} is missing; the tests of the project need it")
        pytest.skip(f"{file} is not on this machine")
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_developer("Real Books")
        entity = make_entity(made.developer, "The hledger Project")
        ledger = Ledger.objects.get(entity_id=entity.id)
        import_journal(path=file, entity=entity, ledger=ledger, actor=SYSTEM)
        yield Books(entity, ledger)
        transaction.set_rollback(True)


def expected_trial_balance() -> dict[str, Decimal]:
    with (SHARED / "gl_hledger_project_expected_trial_balance_share.csv").open() as file:
        return {
            row["account"]: Decimal(row["balance"]) for row in csv.DictReader(file) if Decimal(row["balance"])
        }


@pytest.mark.django_db
def test_beancount_finds_no_error_in_the_real_journal_and_the_same_balances(
    real_books: Books, tmp_path: Path
) -> None:
    file = written(tmp_path, real_books, ExportFormat.BEANCOUNT)

    bean_check(file)
    balances = beancount_balances(file)
    assert balances == by_beancount_name(real_books, file)
    assert sorted(balances.values()) == sorted(expected_trial_balance().values())
    # Every month's end is asserted, for the account that moves in every month among others.
    assert file.read_text().count(" balance Assets:Opencollective:Hledger  ") == len(real_books.months())
    assert balances["Assets:Opencollective:Hledger"] == Decimal("5688.29")


@pytest.mark.django_db
def test_hledger_finds_no_error_in_the_real_journal_and_its_own_balances(
    real_books: Books, tmp_path: Path
) -> None:
    file = written(tmp_path, real_books, ExportFormat.HLEDGER)

    hledger(file, "check", "--strict", "ordereddates")
    assert hledger_balances(file) == expected_trial_balance()
    # The types are declared, so hledger's own statements find the accounts.
    assert "5688.29 USD" in hledger(file, "balancesheet", "-O", "csv")


@pytest.mark.django_db
def test_an_assertion_fails_where_the_kept_totals_do_not_agree_with_the_transactions(tmp_path: Path) -> None:
    company = make_company()
    company.posted("10")
    AccountMonth.objects.filter(account_id=company.cash.id).update(credits_posted=Decimal("10.01"))

    file = written(tmp_path, Books(company.entity, company.ledger), ExportFormat.BEANCOUNT)

    with pytest.raises(AssertionError, match="Balance failed for 'Assets:Cash'"):
        bean_check(file)
    file = written(tmp_path, Books(company.entity, company.ledger), ExportFormat.HLEDGER)
    with pytest.raises(AssertionError, match="balance assertion"):
        hledger(file, "check")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (dt.date(2022, 1, 1), dt.date(2022, 12, 31)),
        (dt.date(2021, 11, 17), dt.date(2023, 2, 14)),
        (dt.date(2022, 5, 10), dt.date(2022, 5, 20)),
        (None, dt.date(2020, 6, 15)),
        (dt.date(2025, 3, 2), None),
        (dt.date(1990, 1, 1), dt.date(1990, 12, 31)),
    ],
)
def test_a_part_of_the_real_journal_opens_with_what_came_before_and_ends_with_our_balances(
    real_books: Books, tmp_path: Path, start: dt.date | None, end: dt.date | None
) -> None:
    books = Books(real_books.entity, real_books.ledger, start, end)

    file = written(tmp_path, books, ExportFormat.BEANCOUNT)
    bean_check(file)
    assert beancount_balances(file) == by_beancount_name(books, file)

    file = written(tmp_path, books, ExportFormat.HLEDGER)
    hledger(file, "check", "--strict")
    assert hledger_balances(file) == our_balances_by_path(books)


def amounts_by_account(table: StatementTable) -> dict[str, Decimal]:
    """What a statement shows of each account itself, without those below it, by the account's id."""
    return {
        line.key.rpartition("/")[2]: line.amounts[0]
        for line in set_lines(table, {})
        if line.style is Style.LINE and "/acc_" in line.key and line.amounts[0]
    }


@pytest.mark.django_db
@pytest.mark.parametrize("year", [2019, 2022, 2025])
def test_the_statements_of_the_real_journal_are_those_that_beancount_computes(
    real_books: Books, tmp_path: Path, year: int
) -> None:
    file = written(tmp_path, real_books, ExportFormat.BEANCOUNT)

    def computed(where: str) -> dict[str, Decimal]:
        rows = bean_query(
            file,
            f"SELECT open_meta(account)['id'] AS id, account, sum(number) AS total "
            f"WHERE {where} GROUP BY 1, 2",
        )
        # Beancount's numbers are debits less credits.
        sign = {row["id"]: -1 if row["account"].startswith("Income") else 1 for row in rows}
        return {row["id"]: sign[row["id"]] * Decimal(row["total"]) for row in rows if Decimal(row["total"])}

    scope = new_scope(entity=real_books.entity, ledger=real_books.ledger)
    income = Order(Statement.INCOME_STATEMENT, scope, year_period(year)).table()
    balance = Order(Statement.BALANCE_SHEET, scope, year_period(year)).table()
    earned = computed(f"year = {year} AND account ~ '^(Income|Expenses):'")
    stood = computed(f"date <= {year}-12-31 AND account ~ '^(Assets|Liabilities|Equity):'")
    [[result]] = [
        row.values()
        for row in bean_query(
            file, f"SELECT -sum(number) WHERE year = {year} AND account ~ '^(Income|Expenses):'"
        )
    ]
    [[before]] = [
        row.values()
        for row in bean_query(
            file, f"SELECT -sum(number) WHERE date < {year}-01-01 AND account ~ '^(Income|Expenses):'"
        )
    ]

    assert amounts_by_account(income) == earned
    assert amounts_by_account(balance) == stood
    totals = {line.key: line.amounts[0] for line in (*income.lines, *balance.lines) if line.amounts}
    assert totals["netIncome"] == Decimal(result) != 0
    assert totals["equity/earnings-of-this-year"] == Decimal(result)
    assert totals["equity/earnings-of-earlier-years"] == Decimal(before)
    assert totals["assets"] == totals["liabilitiesAndEquity"] == sum(stood.values())


# --- books with everything in them ---------------------------------------------------------------


@pytest.fixture
def bakery(db: None) -> Company:
    return make_company()


@pytest.fixture
def stranger(db: None) -> Company:
    return make_company("Stranger")


@pytest.fixture
def motley(db: None) -> Company:
    """A company in New York with names that no program likes, every state and pending money."""
    company = make_company('Müller & "Söhne" \\ 株式会社', zone="America/New_York")
    ledger = company.ledger
    fixed = make_account(ledger, "1500 Fixed: assets; (all)")
    cars = make_account(ledger, "cars & vans", parent=fixed)
    make_account(ledger, "Cars  Vans", parent=fixed)
    assets = make_account(ledger, "Assets")
    same = make_account(ledger, "cash", parent=assets)
    twin = make_account(ledger, "Cash!", parent=assets)
    chinese = make_account(ledger, "銀行 (存款)", parent=assets)
    marks = make_account(ledger, "=*!;(~) ", "EXPENSE")
    empty = make_account(ledger, "…", "EXPENSE")
    pairs = [
        (cars, company.bank), (fixed, company.cash), (same, company.sales), (twin, assets), (chinese, same),
        (marks, company.loan), (empty, marks), (company.rent, chinese), (assets, company.sales),
    ]  # fmt: skip
    drafts = []
    for number in range(240):
        debit, credit = pairs[number % len(pairs)]
        drafts.append(
            company.draft(
                f"{number + 1}.{number % 100:02}",
                debit=debit,
                credit=credit,
                # Late evenings in UTC are earlier days in New York, and so are some months' ends.
                at=dt.datetime(2023, 10, 31, 23, 30, tzinfo=dt.UTC) + dt.timedelta(days=number * 3),
                status=Status.PENDING if number % 7 == 0 else Status.POSTED,
                description=NASTY if number % 5 == 0 else f"Line {number}",
                counterparty='Acme | "B" \\' if number % 3 == 0 else "",
                external_id=f"@ext;{number}" if number % 2 else None,
                metadata={"order": NASTY} if number % 4 == 0 else None,
            )
        )
    for one in drafts:
        one.date = one.timestamp.astimezone(company.entity.zone).date()
    assert not post_batch(entity=company.entity, drafts=drafts, actor=SYSTEM)
    reversed_one = company.posted("99", at=dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC))
    reverse_transaction(
        entity=company.entity,
        transaction_id=reversed_one.id,
        actor=SYSTEM,
        on=dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC),
    )
    return company


@pytest.mark.parametrize("pending", [False, True])
def test_other_programs_agree_with_books_of_any_names_states_and_zones(
    motley: Company, tmp_path: Path, pending: bool
) -> None:
    books = Books(motley.entity, motley.ledger, pending=pending)

    file = written(tmp_path, books, ExportFormat.BEANCOUNT)
    bean_check(file)
    assert beancount_balances(file) == by_beancount_name(books, file)
    flags = {row["flag"] for row in bean_query(file, "SELECT DISTINCT flag")}
    assert flags == ({"*", "!"} if pending else {"*"})
    # What was written comes back as it was, by its id.
    read = {
        row["id"]: (row["narration"], row["payee"])
        for row in bean_query(file, "SELECT DISTINCT entry_meta('id') AS id, narration, payee")
    }
    line = next(row for row in csv.DictReader(StringIO(text_of(books, ExportFormat.CSV))) if row["metadata"])
    assert len(read) == sum(month.transactions for month in books.months())
    assert line["id"] in read

    file = written(tmp_path, books, ExportFormat.HLEDGER)
    hledger(file, "check", "--strict")
    assert sorted(hledger_balances(file).values()) == sorted(our_balances(books).values())


def test_the_export_of_a_company_without_transactions_is_right_too(bakery: Company, tmp_path: Path) -> None:
    books = Books(bakery.entity, bakery.ledger)

    bean_check(written(tmp_path, books, ExportFormat.BEANCOUNT))
    hledger(written(tmp_path, books, ExportFormat.HLEDGER), "check", "--strict")
    assert text_of(books, ExportFormat.CSV).count("\r\n") == 1


def test_currencies_without_minor_digits_have_none_in_the_export(db: None, tmp_path: Path) -> None:
    from accounts.tests.conftest import make_books

    ledger = make_books("日本", currency="JPY")
    cash, sales = make_account(ledger), make_account(ledger, "Sales", "REVENUE")
    company = Company.__new__(Company)
    company.ledger, company.entity, company.rent, company.cash = ledger, ledger.entity, cash, sales
    company.posted("1200", currency="JPY")
    books = Books(ledger.entity, ledger)

    file = written(tmp_path, books, ExportFormat.BEANCOUNT)
    bean_check(file)
    assert "  Assets:Cash  1200 JPY\n" in file.read_text()
    file = written(tmp_path, books, ExportFormat.HLEDGER)
    hledger(file, "check", "--strict")
    assert "1200 JPY" in hledger(file, "balance")


def test_the_table_has_every_transaction_and_no_formula(motley: Company) -> None:
    rows = list(csv.DictReader(StringIO(text_of(Books(motley.entity, motley.ledger), ExportFormat.CSV))))

    assert len(rows) == 240 - 35 + 2
    assert not any(value[:1] in "=+-@\t\r\n" for row in rows for value in row.values() if value)
    nasty = next(row for row in rows if row["description"].startswith("'="))
    assert nasty["description"] == "'" + NASTY
    assert nasty["external_id"] in ("", "'" + nasty["external_id"][1:])
    # Numbers stay numbers.
    assert {type(Decimal(row["amount"])) for row in rows} == {Decimal}
    whole = next(row for row in rows if row["metadata"])
    assert json.decode(whole["metadata"].encode()) == {"order": NASTY}
    reversal = next(row for row in rows if row["reverses"])
    assert next(row for row in rows if row["id"] == reversal["reverses"])["reversed_by"] == reversal["id"]


@pytest.mark.django_db
def test_the_table_of_the_real_journal_can_be_imported_again(real_books: Books, tmp_path: Path) -> None:
    file = written(tmp_path, real_books, ExportFormat.CSV)
    entity = make_entity(make_developer("Second House").developer, "Second Books")
    ledger = Ledger.objects.get(entity_id=entity.id)

    import_journal(path=file, entity=entity, ledger=ledger, actor=SYSTEM)

    assert our_balances_by_path(Books(entity, ledger)) == our_balances_by_path(real_books)


# --- names ---------------------------------------------------------------------------------------


@st.composite
def charts(draw: Any) -> list[ChartAccount]:
    """Charts of up to 20 accounts with any names, parents before children."""
    chart: list[ChartAccount] = []
    names = st.one_of(
        st.sampled_from(
            ["Cash", "cash", "Cash!", "Assets", "income", "Cash 2", "Cash-2", "…", "ß", "ǆ", "銀行"]
        ),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12),
    )
    for _ in range(draw(st.integers(1, 20))):
        parent = draw(st.sampled_from([None, *chart]))
        name = draw(names)
        type_ = parent.type if parent else draw(st.sampled_from(AccountType))
        path = f"{parent.path}:{name}" if parent else name
        chart.append(
            ChartAccount(new_id(), parent.id if parent else None, name, path, type_, None, None, None)
        )
    return chart


def is_part_for_beancount(part: str) -> bool:
    """Its own rule: [\\p{Lu}\\p{Nd}][\\p{L}\\p{Nd}-]*"""
    kinds = [unicodedata.category(char) for char in part]
    return kinds[0] in ("Lu", "Nd") and all(
        kind[0] == "L" or kind == "Nd" or char == "-" for char, kind in zip(part, kinds, strict=True)
    )


@given(charts())
def test_every_name_is_taken_once_and_valid_whatever_the_chart_says(chart: list[ChartAccount]) -> None:
    for exported in (beancount_chart(chart), hledger_chart(chart)):
        assert len({one.name for one in exported}) == len(chart)
        # The same chart gives the same names, and what is added takes none away.
        again = beancount_chart if exported == beancount_chart(chart) else hledger_chart
        assert again(chart[:-1]) == exported[:-1]
    for one in beancount_chart(chart):
        root, *parts = one.name.split(":")
        assert root in {"Assets", "Liabilities", "Equity", "Income", "Expenses"}
        assert parts
        assert all(map(is_part_for_beancount, parts))
    for one in hledger_chart(chart):
        assert "  " not in one.name
        assert one.name == one.name.strip()
        assert one.name[0] not in "([*!;~="


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_a_file_and_says_so(motley: Company, tmp_path: Path) -> None:
    file, out = tmp_path / "books.beancount", StringIO()
    call_command(
        "export_books", "--entity", motley.entity.public_id, "--format", "beancount", "--output", str(file),
        "--from", "2024-01-01", "--to", "2024-12-31", "--status", "all", stdout=out,
    )  # fmt: skip

    bean_check(file)
    books = Books(motley.entity, motley.ledger, dt.date(2024, 1, 1), dt.date(2024, 12, 31), pending=True)
    count = sum(month.transactions for month in books.months())
    assert f"Exported {count:,} transactions of Müller" in out.getvalue()
    assert out.getvalue().count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [file]


def test_the_command_writes_to_standard_output_and_its_summary_beside_it(bakery: Company) -> None:
    bakery.posted("10")
    out, beside = StringIO(), StringIO()

    call_command(
        "export_books", "--entity", bakery.entity.public_id, "--format", "csv", stdout=out, stderr=beside
    )

    assert out.getvalue() == text_of(Books(bakery.entity, bakery.ledger), ExportFormat.CSV)
    assert "Exported 1 transactions of Bakery to standard output as csv" in beside.getvalue()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "2024-13-01"], "--from"),
        (["--from", "2024-02-01", "--to", "2024-01-01"], "swap the two"),
        (["--output", "/nowhere/at/all"], "cannot be written"),
        (["--ledger", "ldgr_00000000000000000000000000"], "has no ledger"),
    ],
)
def test_misuse_of_the_command_is_told_plainly(bakery: Company, options: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("export_books", "--entity", bakery.entity.public_id, "--format", "csv", *options)


# --- the API -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format_", "content_type", "suffix"),
    [
        ("beancount", "text/plain; charset=utf-8", "beancount"),
        ("hledger", "text/plain; charset=utf-8", "journal"),
        ("csv", "text/csv; charset=utf-8", "csv"),
    ],
)
def test_the_api_streams_the_same_export(
    motley: Company, format_: str, content_type: str, suffix: str
) -> None:
    response: Any = motley.caller().get(
        f"/v1/reports/export?format={format_}&startDate=2024-01-01&endDate=2024-06-30&status=all"
    )

    assert response.status_code == 200
    assert response.streaming
    assert response["Content-Type"] == content_type
    assert f"books-from-2024-01-01-to-2024-06-30.{suffix}" in response["Content-Disposition"]
    books = Books(motley.entity, motley.ledger, dt.date(2024, 1, 1), dt.date(2024, 6, 30), pending=True)
    assert b"".join(response.streaming_content).decode() == text_of(books, ExportFormat(format_))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "format"),
        ("format=pdf", "format"),
        ("format=csv&startDate=2024-02-30", "startDate"),
        ("format=csv&startDate=2024-02-02&endDate=2024-02-01", "endDate"),
        ("format=csv&status=POSTED", "status"),
        ("format=csv&month=1", "month"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused_with_the_field(
    bakery: Company, query: str, field: str
) -> None:
    response = bakery.caller().get(f"/v1/reports/export?{query}")

    assert response.status_code == 400
    assert field in [detail["field"] for detail in response.json()["error"]["details"]]


def test_another_companys_ledger_cannot_be_exported(bakery: Company, stranger: Company) -> None:
    response = bakery.caller().get(f"/v1/reports/export?format=csv&ledgerId={stranger.ledger.public_id}")

    assert response.status_code == 400
    assert [detail["field"] for detail in response.json()["error"]["details"]] == ["ledgerId"]
