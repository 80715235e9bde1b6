"""Statements as PDF, CSV and XLSX."""

import csv
import datetime as dt
import os
import re
import resource
import subprocess
import sys
from decimal import Decimal
from io import BytesIO, StringIO
from time import monotonic
from typing import Any
from zipfile import ZipFile

import psutil
import pytest
from django.db import connection
from python_calamine import CalamineWorkbook

from accounts.models import Account
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.cells import neutralised
from ledger.exceptions import NotFoundError, ValidationError
from ledger.ids import new_id
from ledger.models import Entity
from reports.files import documents, sheets
from reports.files.documents import statement_document
from reports.files.figures import on_paper
from reports.files.formats import FileFormat, file_format
from reports.files.layout import set_lines
from reports.files.names import file_name
from reports.files.orders import Order, Statement
from reports.files.responses import file_response
from reports.files.sheets import csv_pieces, xlsx_file
from reports.files.typesetting import TypesettingError, typeset
from reports.periods import BEGINNING, Period, year_period
from reports.read import new_scope
from reports.statements.table import Line, Style
from reports.sums import StatusFilter
from transactions.choices import Status
from transactions.services import post_batch
from transactions.tests.conftest import Company, make_company

FORMULA = "=cmd|' /C calc'!A0"
MARKUP = "#strong[Receivables] $x$ \\ <b> *b*"
YEAR = year_period(2024)


@pytest.fixture
def company(db: None) -> Company:
    """A company of two years, with a tree of cash accounts and names that are no names."""
    made = make_company('Müller & Söhne "GmbH"', zone="America/New_York")
    checking = make_account(made.ledger, "Checking", parent=made.bank, financial_type="CASH")
    savings = make_account(made.ledger, "Savings", parent=made.bank, financial_type="CASH")
    owner = make_account(made.ledger, FORMULA, "EQUITY", financial_type="OWNER_EQUITY")
    customers = make_account(made.ledger, MARKUP, financial_type="ACCOUNTS_RECEIVABLE")
    for year, factor in ((2023, 1), (2024, 2)):
        for amount, debit, credit, month in (
            (10_000, checking, owner, 1),
            (1_234.5, customers, made.sales, 2),
            (400, made.bank, made.sales, 3),
            (2_500, savings, checking, 4),
            (30_000, made.rent, checking, 5),
        ):
            made.posted(
                str(Decimal(str(amount)) * factor),
                debit=debit,
                credit=credit,
                at=dt.datetime(year, month, 15, 12, tzinfo=dt.UTC),
                description=f"{FORMULA} {month}",
            )
    made.post("7", at=dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC))
    return made


def order(company: Company, statement: Statement, period: Period = YEAR, **more: Any) -> Order:
    scope = new_scope(
        entity=company.entity, ledger=company.ledger, status=more.pop("status", StatusFilter.POSTED)
    )
    return Order(statement, scope, period, **more)


def text_of(pdf: bytes) -> str:
    """What a reader of the PDF reads, in the order of the pages."""
    assert pdf.startswith(b"%PDF-")
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


has_pdftotext = pytest.mark.skipif(
    subprocess.run(["sh", "-c", "command -v pdftotext"], capture_output=True, check=False).returncode != 0
    and os.environ.get("CI") != "true",
    reason="pdftotext (Debian's poppler-utils) is not on this machine",
)


def csv_rows(order: Order) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(b"".join(csv_pieces(order)).decode(), newline="")))


def sheet_rows(order: Order) -> list[list[Any]]:
    with xlsx_file(order) as file:
        workbook = CalamineWorkbook.from_filelike(BytesIO(file.read()))
    return workbook.get_sheet_by_index(0).to_python()


# --- on paper ------------------------------------------------------------------------------------


@has_pdftotext
def test_a_balance_sheet_on_paper_says_all_that_a_reader_must_know(company: Company) -> None:
    text = text_of(statement_document(order(company, Statement.BALANCE_SHEET, compare="previous")))

    for said in (
        'Müller & Söhne "GmbH"',
        "Balance Sheet",
        "As of December 31, 2024",
        "Accrual basis",
        "In USD",
        "Posted transactions",
        "December 31, 2023",
        "Page 1 of 1",
        "(America/New_York)",
    ):
        assert said in text
    # Assets: 30,000 less 90,000 of rent, 1,200 of sales in cash and 3,703.50 that customers owe.
    assert re.search(r"Total assets +\(55,096\.50\) +\(18,365\.50\)", text)
    assert re.search(r"Total liabilities and equity +\(55,096\.50\) +\(18,365\.50\)", text)
    # Names are text, whatever they say.
    assert MARKUP in text
    assert FORMULA in text


@has_pdftotext
def test_a_parent_has_its_own_amount_beside_its_name_and_its_sum_below_its_children(company: Company) -> None:
    lines = text_of(statement_document(order(company, Statement.BALANCE_SHEET))).splitlines()

    shown = [re.split(r" {2,}", line.strip()) for line in lines if re.search("Bank|Checking|Savings", line)]
    assert shown == [
        ["Bank", "1,200.00"],
        ["Checking", "(67,500.00)"],
        ["Savings", "7,500.00"],
        ["Total Bank", "(58,800.00)"],
    ]
    # Children are indented below their parent, the total is not.
    indents = [len(line) - len(line.lstrip()) for line in lines if re.search("Bank|Checking|Savings", line)]
    assert indents[0] == indents[3] < indents[1] == indents[2]


@has_pdftotext
@pytest.mark.parametrize("statement", Statement)
def test_every_statement_is_set_also_of_a_time_without_books(company: Company, statement: Statement) -> None:
    nothing = Period(dt.date(1950, 1, 1), dt.date(1950, 12, 31))

    assert "There is nothing to show" in text_of(statement_document(order(company, statement, nothing)))
    made = text_of(statement_document(order(company, statement, status=StatusFilter.ALL)))
    assert "There is nothing to show" not in made
    assert "Posted and pending transactions" in made


@has_pdftotext
def test_the_general_ledger_on_paper_opens_and_closes_each_account(company: Company) -> None:
    text = text_of(statement_document(order(company, Statement.GENERAL_LEDGER)))

    checking = text[text.index("Bank › Checking") :]  # noqa: RUF001 - as paths are written on paper
    assert re.search(r"Opening balance +\(22,500\.00\)", checking)
    assert re.search(r"2024-04-15 +=cmd\|' /C calc'!A0 4 +5,000\.00 +\(7,500\.00\)", checking)
    assert re.search(r"Closing balance +20,000\.00 +65,000\.00 +\(67,500\.00\)", checking)
    assert re.search(r"Total of all entries +88,269\.00 +88,269\.00", text)


@has_pdftotext
def test_a_choice_of_entries_is_told_on_paper_and_in_the_sheet(company: Company) -> None:
    chosen = order(company, Statement.GENERAL_LEDGER, account_id=company.bank.id, figure="cash")

    text = text_of(statement_document(chosen))
    assert "Only the account Bank, with the accounts below it." in text
    assert "Only the entries that make the figure cash" in text
    assert "Sales" not in text
    assert ["Only the account Bank, with the accounts below it."] in [row[:1] for row in sheet_rows(chosen)]


@has_pdftotext
def test_paper_is_that_of_the_country(company: Company) -> None:
    def paper(pdf: bytes) -> str:
        done = subprocess.run(["pdfinfo", "-"], input=pdf, capture_output=True, check=True)
        return done.stdout.decode()

    assert "612 x 792 pts (letter)" in paper(statement_document(order(company, Statement.BALANCE_SHEET)))
    company.ledger.currency = "EUR"
    assert "(A4)" in paper(statement_document(order(company, Statement.BALANCE_SHEET)))


def test_amounts_on_paper_are_as_accountants_write_them() -> None:
    assert on_paper(Decimal("1234567.5000"), "USD") == "1,234,567.50"
    assert on_paper(Decimal("-1234.5"), "USD") == "(1,234.50)"
    assert on_paper(Decimal("-1234"), "JPY") == "(1,234)"
    assert on_paper(Decimal("0.0000"), "USD") == "–"  # noqa: RUF001 - a dash
    assert on_paper(None, "USD") == ""


def fill(company: Company, entries: int) -> None:
    """Post so many transactions, two entries each, on twenty accounts."""
    others = [make_account(company.ledger, f"Expense {n}", "EXPENSE") for n in range(19)]
    for start in range(0, entries, 5_000):
        drafts = [
            company.draft(
                f"{n + 1}.25",
                debit=others[n % 19],
                at=dt.datetime(2024, 1 + n % 12, 1 + n % 28, 12, tzinfo=dt.UTC),
                status=Status.POSTED,
                description=f"Bank line {n} of some supplier or other",
            )
            for n in range(start, min(start + 5_000, entries))
        ]
        assert not post_batch(entity=company.entity, drafts=drafts, actor=SYSTEM)


@pytest.mark.django_db
def test_a_general_ledger_of_five_thousand_lines_is_set_in_seconds_and_leaves_no_memory_behind() -> None:
    company = make_company()
    fill(company, 2_500)
    process = psutil.Process()
    statement_document(order(company, Statement.TRIAL_BALANCE))
    before = process.memory_info().rss

    started = monotonic()
    pdf = statement_document(order(company, Statement.GENERAL_LEDGER))

    assert monotonic() - started < 20, "it takes two seconds on an idle machine"
    pages = re.search(rb"/Type/Pages/Count (\d+)", pdf)
    assert pages is not None
    assert int(pages[1]) > 50
    assert process.memory_info().rss - before < 32 * 1024 * 1024


@pytest.mark.django_db
def test_a_ledger_too_long_for_its_form_is_refused_with_what_to_do(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PDF_ENTRIES_MAX", 9)
    monkeypatch.setattr(sheets, "XLSX_ENTRIES_MAX", 9)
    wanted = order(company, Statement.GENERAL_LEDGER)

    for make in (statement_document, xlsx_file):
        with pytest.raises(ValidationError, match="send csv, or a shorter period") as refused:
            make(wanted)
        assert refused.value.details[0].field == "format"
    assert len(csv_rows(wanted)) == 10


def test_data_that_does_not_fit_its_template_is_a_fault_of_ours() -> None:
    with pytest.raises(TypesettingError, match="statement was not set"):
        typeset("statement", {"company": "A"}, FileFormat.PDF)


def test_the_typesetter_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    seen: dict[str, Any] = {}

    def run(*args: Any, **options: Any) -> Any:
        seen.update(options)
        return subprocess.CompletedProcess(args, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    typeset("statement", {}, FileFormat.PDF)

    assert "DATABASE_URL" not in seen["env"]
    assert "PATH" in seen["env"]


# --- the setting of lines ------------------------------------------------------------------------


def test_a_total_stands_only_where_there_is_something_to_add_up(company: Company) -> None:
    table = order(company, Statement.INCOME_STATEMENT).table()

    def line(label: str, level: int, *amounts: int | None) -> Line:
        values = tuple(None if amount is None else Decimal(amount) for amount in amounts)
        return Line(label, label, level, Style.LINE, values)

    from dataclasses import replace

    tree = [
        line("one child", 0, 5, 7), line("its child", 1, 5, 7),
        line("own and child", 0, 5, 7), line("child", 1, 3, 7),
        line("two", 0, 5, 7), line("a", 1, 2, None), line("deep", 2, 2, None), line("b", 1, 3, 7),
        line("last", 0, 1, 1),
    ]  # fmt: skip
    shown = [(one.label, one.level, one.amounts) for one in set_lines(replace(table, lines=tuple(tree)), {})]

    assert shown == [
        ("one child", 0, (None, None)),
        ("its child", 1, (5, 7)),
        ("own and child", 0, (2, None)),
        ("child", 1, (3, 7)),
        ("Total own and child", 0, (5, 7)),
        ("two", 0, (None, None)),
        ("a", 1, (None, None)),
        ("deep", 2, (2, None)),
        ("b", 1, (3, 7)),
        ("Total two", 0, (5, 7)),
        ("last", 0, (1, 1)),
    ]


@pytest.mark.parametrize("statement", [Statement.BALANCE_SHEET, Statement.INCOME_STATEMENT])
def test_what_is_set_in_a_group_adds_up_to_its_total(company: Company, statement: Statement) -> None:
    table = order(company, statement).table()

    def leaves(lines: list[Line]) -> Decimal:
        return sum((one.amounts[0] or Decimal(0) for one in lines if one.style is Style.LINE), Decimal(0))

    flat = [
        one
        for one in table.lines
        if one.style is Style.LINE
        and one.level == min(line.level for line in table.lines if line.style is Style.LINE)
    ]
    assert leaves(set_lines(table, {})) == leaves(flat)


# --- sheets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [one for one in Statement if one is not Statement.GENERAL_LEDGER])
def test_csv_has_every_line_with_plain_numbers(company: Company, statement: Statement) -> None:
    wanted = order(company, statement, compare=None)
    table, rows = wanted.table(), csv_rows(wanted)

    assert [row["Line"] for row in rows] == [neutralised(line.label) for line in table.lines]
    assert [int(row["Level"]) for row in rows] == [line.level for line in table.lines]
    for row, line in zip(rows, table.lines, strict=True):
        amounts = [row[neutralised(column.label)] for column in table.columns]
        assert [Decimal(amount) if amount else None for amount in amounts] == list(
            line.amounts or (None,) * len(amounts)
        )
        assert row["Currency"] == "USD"
        assert row["Kind"] == line.style


def test_the_general_ledger_as_csv_has_every_entry(company: Company) -> None:
    rows = csv_rows(order(company, Statement.GENERAL_LEDGER))

    assert len(rows) == 10
    assert sum(Decimal(row["Debit"] or 0) for row in rows) == Decimal("88269.00")
    assert sum(Decimal(row["Credit"] or 0) for row in rows) == Decimal("88269.00")
    checking = [row for row in rows if row["Account"] == "Checking"]
    assert [row["Balance"] for row in checking] == ["-2500.00", "-7500.00", "-67500.00"]
    assert {row["Description"][0] for row in rows} == {"'"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\nx", "'\nx"),
        ("  =1", "'  =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("＝1", "'＝1"),  # noqa: RUF001 - full width
        ("a=1", "a=1"),
        ("", ""),
        ("Cash", "Cash"),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_made_plain(text: str, shown: str) -> None:
    assert neutralised(text) == shown


def test_a_sheet_has_typed_cells_a_frozen_head_and_no_formula(company: Company) -> None:
    wanted = order(company, Statement.BALANCE_SHEET, compare="previous")
    rows = sheet_rows(wanted)

    assert rows[0][0] == 'Müller & Söhne "GmbH"'
    total = next(row for row in rows if row[1] == "Total assets")
    assert total[2:4] == [-55096.5, -18365.5]
    trial = sheet_rows(order(company, Statement.TRIAL_BALANCE, status=StatusFilter.ALL))
    assert [row[0] for row in trial if row[1] == "Cash"] == [1010.0]
    assert any(row[1] == "'" + FORMULA for row in rows)
    with xlsx_file(wanted) as file, ZipFile(BytesIO(file.read())) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert 'state="frozen"' in sheet
    assert "<f>" not in sheet
    assert "_);(#,##0.00)" in styles.replace("\\", "")


def test_the_ledgers_sheet_has_days_as_days_and_amounts_as_numbers(company: Company) -> None:
    rows = sheet_rows(order(company, Statement.GENERAL_LEDGER))

    head = next(number for number, row in enumerate(rows) if row[0] == "Date")
    entries = rows[head + 1 :]
    assert len(entries) == 10
    assert {type(row[0]) for row in entries} == {dt.date}
    assert sum(row[4] for row in entries if row[4] != "") == 88269
    assert not any(
        str(cell).startswith(("=", "+", "-", "@")) for row in entries for cell in row if isinstance(cell, str)
    )


def test_an_amount_of_more_digits_than_sheets_have_is_written_as_text(company: Company) -> None:
    company.posted("98765432109876.54", debit=company.rent, at=dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC))

    rows = sheet_rows(order(company, Statement.TRIAL_BALANCE))

    assert next(row for row in rows if row[1] == "Rent")[2] == "98765432199876.54"


@pytest.mark.django_db
def test_a_wide_name_of_the_machine_does_not_break_the_sheet(company: Company) -> None:
    Account.objects.filter(id=company.rent.id).update(name="x" * 200)
    Entity.objects.filter(id=company.entity.id).update(legal_name="y" * 255)
    company.entity.legal_name = "y" * 255

    assert sheet_rows(order(company, Statement.TRIAL_BALANCE))
    assert statement_document(order(company, Statement.TRIAL_BALANCE))


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format_", [FileFormat.CSV, FileFormat.XLSX])
def test_memory_does_not_grow_with_a_long_ledger(format_: FileFormat) -> None:
    company = make_company()
    fill(company, 30_000)
    wanted = order(company, Statement.GENERAL_LEDGER)
    small = order(company, Statement.GENERAL_LEDGER, Period(dt.date(2024, 1, 1), dt.date(2024, 1, 3)))
    process = psutil.Process()

    def sent(one: Order) -> int:
        response: Any = file_response(one, format_)
        size = sum(len(piece) for piece in response.streaming_content)
        response.close()
        return size

    sent(small)
    before = process.memory_info().rss
    peak_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sent(wanted) > 1_000_000

    assert process.memory_info().rss - before < 32 * 1024 * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak - max(peak_before, before // 1024) < 32 * 1024
    assert not connection.in_atomic_block


# --- responses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format_", "content_type", "disposition"),
    [
        (FileFormat.PDF, "application/pdf", "inline"),
        (FileFormat.CSV, "text/csv; charset=utf-8", "attachment"),
        (
            FileFormat.XLSX,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "attachment",
        ),
    ],
)
def test_a_file_says_what_it_is_and_whose(
    company: Company, format_: FileFormat, content_type: str, disposition: str
) -> None:
    response = file_response(order(company, Statement.INCOME_STATEMENT), format_)

    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"].startswith(disposition + ";")
    assert "income-statement_2024-01-01-to-2024-12-31." + format_.value in response["Content-Disposition"]
    assert response["Cache-Control"] == "private, no-store"
    response.close()


def test_names_of_files_hold_what_every_system_can_store() -> None:
    assert file_name("Müller & Co. / ../../etc", "balance-sheet", "2024-12-31", suffix="pdf") == (
        "müller-co.-..-..-etc_balance-sheet_2024-12-31.pdf"
    )
    assert file_name("株式会社", "", suffix="csv") == "株式会社.csv"
    assert file_name("...", suffix="csv") == ".csv"


def test_what_cannot_be_made_is_refused_before_anything_is_sent(company: Company) -> None:
    with pytest.raises(NotFoundError):
        file_response(order(company, Statement.GENERAL_LEDGER, account_id=new_id()), FileFormat.CSV)
    with pytest.raises(ValidationError, match="compare"):
        file_response(
            order(company, Statement.BALANCE_SHEET, Period(BEGINNING, dt.date(2024, 1, 1)), compare="year"),
            FileFormat.PDF,
        )


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        (Statement.BALANCE_SHEET, "doc"),
        (Statement.BALANCE_SHEET, "svg"),
        (Statement.GENERAL_LEDGER, "PDF"),
        (Statement.OVERVIEW, ""),
    ],
)
def test_a_form_that_there_is_not_is_refused(statement: Statement, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        file_format(statement, value)

    assert refused.value.details[0].field == "format"


def test_nothing_of_the_project_is_loaded_to_set_a_document() -> None:
    code = (
        "import sys; sys.argv=['x']; import runpy; runpy.run_path(sys.path[-1] + '/typeset.py', run_name='x')"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code + "; assert 'django' not in sys.modules"],
        env={"PYTHONPATH": os.path.dirname(documents.__file__), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "django" not in done.stderr, done.stderr
