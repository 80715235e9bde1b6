"""Importing charts of accounts: what rows mean for a ledger, and files of all sorts, evil ones too."""

import csv
import io
import random
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.chart_templates import TEMPLATE_IDS, chart_template
from accounts.constants import ACCOUNT_DEPTH_MAX, IMPORT_FILE_BYTES_MAX
from accounts.imports import files
from accounts.imports.files import decode_base64, read_rows, rows_of_records
from accounts.imports.rows import Row
from accounts.models import Account, AccountImport
from accounts.services import create_account, import_accounts, rows_of_template
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from ledger.choices import ImportStatus
from ledger.db import execute
from ledger.exceptions import PayloadTooLargeError, ValidationError
from ledger.models import AuditEvent, Ledger

HEADER = "name,type,financial_type,sub_type_code,parent,top_level,description\n"


def load(books: Ledger, rows: list[Row]) -> AccountImport:
    return import_accounts(entity=books.entity, ledger=books, rows=rows, source="file", actor=SYSTEM)


def forget_chart(books: Ledger) -> None:
    """Examples of one test share its database transaction."""
    execute("DELETE FROM accounts_account WHERE entity_id = %s", [books.entity_id])


def load_csv(books: Ledger, text: str) -> AccountImport:
    return load(books, read_rows(text.encode(), "csv"))


def faults(done: AccountImport) -> list[tuple[int, str]]:
    return [(error["row"], error["field"]) for error in done.errors]


def parents(books: Ledger) -> dict[str, str | None]:
    found = Account.objects.for_entity(books.entity).select_related("parent")
    return {one.name: one.parent.name if one.parent else None for one in found}


def workbook(*rows: tuple[Any, ...]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return buffer.getvalue()


# --- what rows mean ------------------------------------------------------------------------------


@pytest.mark.parametrize("template_id", TEMPLATE_IDS)
def test_a_template_is_made_whole_and_only_once(books: Ledger, template_id: str) -> None:
    size = len(chart_template(template_id).accounts)
    first = load(books, rows_of_template(template_id))
    second = load(books, rows_of_template(template_id))
    assert (first.accounts_created, first.accounts_skipped, first.errors) == (size, 0, [])
    assert (second.accounts_created, second.accounts_skipped, second.errors) == (0, size, [])
    assert first.status == second.status == ImportStatus.COMPLETED


def test_the_standard_template_has_75_accounts_as_the_reference_says(books: Ledger) -> None:
    assert load(books, rows_of_template("tmpl_standard_business")).accounts_created == 75


def test_an_unknown_template_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match=r'"tmpl_x" is no template; send one of tmpl_standard_business'):
        rows_of_template("tmpl_x")


def test_parents_are_found_by_code_and_by_name_whatever_the_order_of_rows(books: Ledger) -> None:
    done = load_csv(
        books,
        HEADER
        + "Petty Cash,ASSET,PETTY_CASH,1011,1010,false,In the drawer\n"
        + "Box,ASSET,,,petty cash,,\n"
        + "Cash,ASSET,CASH,1010,Assets,,\n"
        + "Assets,ASSET,,1000,,TRUE,\n",
    )
    assert (done.accounts_created, done.errors) == (4, [])
    assert parents(books) == {"Assets": None, "Cash": "Assets", "Petty Cash": "Cash", "Box": "Petty Cash"}
    petty = Account.objects.get(name="Petty Cash")
    assert (petty.financial_type, petty.sub_type_code) == ("PETTY_CASH", 1011)
    assert petty.metadata == {"description": "In the drawer"}


def test_a_parent_may_be_an_account_that_is_there_already(books: Ledger) -> None:
    make_account(books, "Assets", sub_type_code=1000)
    make_account(books, "Expenses", "EXPENSE")
    done = load_csv(books, "name,type,parent\nCash,ASSET,1000\nRent,EXPENSE,EXPENSES\n")
    assert (done.accounts_created, done.errors) == (2, [])
    assert parents(books)["Rent"] == "Expenses"


def test_a_child_takes_its_parents_type_and_a_financial_type_tells_its_own(books: Ledger) -> None:
    done = load_csv(
        books, "name,type,financial_type,parent\nAssets,ASSET,,\nCash,,,Assets\nRent,,Rent expenses,\n"
    )
    assert done.errors == []
    assert Account.objects.get(name="Cash").type == "ASSET"
    assert Account.objects.get(name="Rent").type == "EXPENSE"


def test_bad_rows_are_listed_with_row_field_and_remedy_and_good_ones_are_made(books: Ledger) -> None:
    done = load_csv(
        books,
        HEADER
        + "Cash,ASSET,CASH,1010,,,\n"
        + ",ASSET,,,,,\n"
        + "Rent,EXPENSES,,,,,\n"
        + "Loan,LIABILITY,CASH,,,,\n"
        + "Bank,ASSET,,10x,,,\n"
        + "Till,ASSET,,,,perhaps,\n"
        + "Box,ASSET,,,1010,true,\n"
        + "Cash again,ASSET,,1010,,,\n"
        + "Nothing,,,,,,\n",
    )
    assert done.status == ImportStatus.PARTIAL
    assert done.accounts_created == 1
    assert faults(done) == [
        (3, "name"),
        (4, "type"),
        (5, "financial_type"),
        (6, "sub_type_code"),
        (7, "top_level"),
        (8, "top_level"),
        (9, "sub_type_code"),
        (10, "type"),
    ]
    messages = [error["message"] for error in done.errors]
    assert messages[1] == (
        '"EXPENSES" is no account type; write one of ASSET, LIABILITY, EQUITY, REVENUE, EXPENSE.'
    )
    assert "CASH belongs to ASSET, not to LIABILITY" in messages[2]
    assert "1010 is the code of row 2 already" in messages[6]


def test_a_missing_parent_is_an_error_of_the_row_and_of_all_below_it(books: Ledger) -> None:
    done = load_csv(
        books,
        "name,type,parent\nLowest,ASSET,Lower\nLower,ASSET,Orphan\nOrphan,ASSET,Nobody\nFine,ASSET,\n",
    )
    assert done.accounts_created == 1
    assert faults(done) == [(2, "parent"), (3, "parent"), (4, "parent")]
    assert 'there is no account "Nobody"' in done.errors[2]["message"]
    assert '"Orphan" in row 4 was not made' in done.errors[1]["message"]


def test_a_parent_of_another_type_is_an_error(books: Ledger) -> None:
    done = load_csv(books, "name,type,parent\nAssets,ASSET,\nRent,EXPENSE,Assets\n")
    assert faults(done) == [(3, "parent")]
    assert "is of type ASSET and the row of type EXPENSE" in done.errors[0]["message"]


def test_an_ambiguous_parent_is_an_error_that_asks_for_the_code(books: Ledger) -> None:
    done = load_csv(
        books,
        "name,type,sub_type_code,parent\nFees,EXPENSE,1,\nFees,EXPENSE,2,\nBank,EXPENSE,,Fees\nCard,EXPENSE,,2\n",
    )
    assert faults(done) == [(4, "parent")]
    assert "is the name of the rows 2, 3; write the parent's code" in done.errors[0]["message"]
    assert parents(books)["Card"] == "Fees"


def test_of_two_parents_of_one_name_the_one_of_the_rows_type_is_meant(books: Ledger) -> None:
    done = load_csv(books, "name,type,parent\nOther,ASSET,\nOther,EXPENSE,\nTips,EXPENSE,Other\n")
    assert done.errors == []
    parent = Account.objects.get(name="Tips").parent
    assert parent is not None
    assert parent.type == "EXPENSE"


def test_circles_are_errors_of_their_rows_and_of_what_hangs_on_them(books: Ledger) -> None:
    done = load_csv(
        books,
        "name,type,parent\nA,ASSET,C\nB,ASSET,A\nC,ASSET,B\nD,ASSET,C\nSelf,ASSET,Self\nFine,ASSET,\n",
    )
    assert sorted(faults(done)) == [(2, "parent"), (3, "parent"), (4, "parent"), (5, "parent"), (6, "parent")]
    assert "stands below this row" in done.errors[0]["message"]
    assert done.accounts_created == 1


def test_a_chain_deeper_than_charts_may_be_ends_in_errors_and_not_in_a_crash(books: Ledger) -> None:
    lines = ["A0,ASSET,"] + [f"A{number},ASSET,A{number - 1}" for number in range(1, 5_000)]
    done = load_csv(books, "name,type,parent\n" + "\n".join(reversed(lines)))
    assert done.accounts_created == ACCOUNT_DEPTH_MAX
    assert len(done.errors) == 5_000 - ACCOUNT_DEPTH_MAX


def test_existing_codes_are_skipped_whatever_they_are_called(books: Ledger) -> None:
    make_account(books, "Kasse", sub_type_code=1010)
    done = load_csv(books, HEADER + "Cash,ASSET,CASH,1010,,,\nPetty,ASSET,,,Cash,,\n")
    assert (done.accounts_created, done.accounts_skipped, done.errors) == (1, 1, [])
    # The row is that account, so that is the parent.
    assert parents(books)["Petty"] == "Kasse"


def test_a_second_run_makes_nothing_of_rows_without_codes_either(books: Ledger) -> None:
    text = "name,type,parent\nAssets,ASSET,\nCash,ASSET,Assets\n CASH ,asset,assets\n"
    text += "Other,EXPENSE,\nCash,EXPENSE,Other\n"
    first, second = load_csv(books, text), load_csv(books, text)
    assert (first.accounts_created, first.accounts_skipped, first.errors) == (4, 1, [])
    assert (second.accounts_created, second.accounts_skipped, second.errors) == (0, 5, [])


def test_an_import_is_recorded_once_with_its_figures(books: Ledger) -> None:
    done = load_csv(books, "name,type\nCash,ASSET\nBad,X\n")
    event = AuditEvent.objects.get()
    assert event.action == "accounts.import.completed"
    assert event.object_id == done.public_id
    assert event.after is not None
    assert (event.after["accounts_created"], event.after["errors"]) == (1, 1)


def test_a_file_of_bad_rows_alone_has_failed(books: Ledger) -> None:
    assert load_csv(books, "name,type\nCash,X\n").status == ImportStatus.FAILED


def test_rows_sent_as_json_count_from_one_and_may_be_spelled_either_way(books: Ledger) -> None:
    rows = rows_of_records(
        [
            {"name": "Cash", "type": "ASSET", "financialType": "CASH", "subTypeCode": 1010, "topLevel": True},
            {"name": "Petty", "type": "ASSET", "parent": 1010, "topLevel": False},
            {"name": "Bad", "type": "ASSET", "colour": "red"},
            {"name": ["a", "list"], "type": None},
        ]
    )
    done = load(books, rows)
    assert done.accounts_created == 2
    assert faults(done)[0] == (3, "colour")
    assert {row for row, _ in faults(done)} == {3, 4}


def test_a_strangers_chart_is_neither_parent_nor_taken_code(books: Ledger, strange_books: Ledger) -> None:
    make_account(strange_books, "Assets", sub_type_code=1000)
    done = load_csv(books, "name,type,sub_type_code,parent\nCash,ASSET,1000,\nBank,ASSET,,Assets\n")
    assert (done.accounts_created, faults(done)) == (1, [(3, "parent")])
    assert Account.objects.for_entity(strange_books.entity).count() == 1


def test_twenty_thousand_rows_take_seconds_and_a_few_statements(
    books: Ledger, django_assert_num_queries: Any
) -> None:
    lines = [f"Account {number},EXPENSE,{number},{number // 10 or ''}" for number in range(1, 20_001)]
    random.Random(7).shuffle(lines)
    data = ("name,type,sub_type_code,parent\n" + "\n".join(lines)).encode()
    started = time.monotonic()
    rows = read_rows(data, "csv")
    # Savepoint, lock, look, ten inserts, the record, audit (3), release.
    with django_assert_num_queries(18):
        done = load(books, rows)
    assert (done.accounts_created, done.errors) == (20_000, [])
    assert time.monotonic() - started < 30


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_files_of_every_common_kind_are_read(delimiter: str, mark: str) -> None:
    text = mark + delimiter.join(["Name", "TYPE", "Sub Type Code"]) + "\r\n"
    text += delimiter.join(['"Cash, petty; and\tother"', "ASSET", "1010"]) + "\r\n\r\n"
    text += delimiter.join(["Bänk", "ASSET", ""]) + "\r\n"
    rows = read_rows(text.encode(), "csv")
    assert [(row.number, row.name, row.code) for row in rows] == [
        (2, "Cash, petty; and\tother", 1010),
        (4, "Bänk", None),
    ]
    assert all(not row.errors for row in rows)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the column name is missing"),
        (b"\n\n  \n", "the column name is missing"),
        (b"name,type\n", "has no rows"),
        (b"type\nASSET\n", "the column name is missing"),
        (b"name,colour\nCash,red\n", '"colour" is no column'),
        (b"name,code,sub_type_code\nCash,1,2\n", "sub_type_code stands there twice"),
        (b"name\nCaf\xe9\n", "is not UTF-8 \\(byte 8\\)"),
        (b'name,type\n"Cash,ASSET\n', "is broken in line"),
        (b'name,type\n"Cash"x,ASSET\n', "is broken in line 2"),
        (b"name\n" + b"x" * 200_000 + b"\n", "is broken in line 2"),
        (b"name\n" + b"A\n" * 20_001, "more than 20000 rows"),
    ],
)
def test_an_unreadable_csv_file_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        read_rows(data, "csv")


def test_a_row_longer_than_the_header_is_an_error_of_that_row(books: Ledger) -> None:
    done = load_csv(books, "name,type\nCash, petty,ASSET\nBank,ASSET\n")
    assert (2, "name") in faults(done)
    assert done.accounts_created == 1


def test_a_nul_character_is_an_error_of_its_row(books: Ledger) -> None:
    done = load_csv(books, "name,type,description\nCa\0sh,ASSET,\nBank,ASSET,\0\nFine,ASSET,\n")
    assert faults(done) == [(2, "name"), (3, "description")]
    assert done.accounts_created == 1


def test_a_file_of_more_than_ten_megabytes_is_too_large() -> None:
    with pytest.raises(PayloadTooLargeError):
        read_rows(b"x" * (IMPORT_FILE_BYTES_MAX + 1), "csv")


@pytest.mark.parametrize("text", ["!!!", "a", "Zm9", "Zm9vé"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="base64"):
        decode_base64(text)


def test_base64_may_have_line_breaks() -> None:
    assert decode_base64("Zm9v\r\nYmFy\n") == b"foobar"


def test_a_workbook_is_read_with_its_numbers_and_truth_values(books: Ledger) -> None:
    data = workbook(
        ("Name", "Type", "Code", "Parent", "Top level"),
        ("Cash", "ASSET", 1010, None, True),
        (None,),
        ("Petty", "ASSET", 1011.0, 1010, False),
        (2024, "ASSET", "", "Cash", ""),
    )
    rows = read_rows(data, "xlsx")
    assert [row.number for row in rows] == [2, 4, 5]
    done = load(books, rows)
    assert done.errors == []
    assert parents(books) == {"Cash": None, "Petty": "Cash", "2024": "Cash"}


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def with_part(data: bytes, name: str, change: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if entry.filename == name else content)
    return buffer.getvalue()


GOOD = (("name", "type"), ("Cash", "ASSET"))
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 100, b"name,type\nCash,ASSET\n", zipped(a=b"b")],
)
def test_what_is_no_workbook_is_refused_with_the_reason(data: bytes) -> None:
    with pytest.raises(ValidationError, match="is no workbook that can be read"):
        read_rows(data, "xlsx")


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_before_it_is_opened() -> None:
    with pytest.raises(ValidationError, match="unpacks to more than 200 times its size"):
        read_rows(zipped(xl__bomb=b"\0" * 20_000_000), "xlsx")


def test_a_workbook_cannot_lie_about_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "XLSX_UNPACKED_BYTES_MAX", 1_000_000)
    data = bytearray(zipped(xl__bomb=random.Random(7).randbytes(1_000) * 2_000))
    size = (2_000_000).to_bytes(4, "little")
    assert data.count(size) == 2
    data = data.replace(size, (10).to_bytes(4, "little"))
    with pytest.raises(ValidationError, match="unpacks to more than 1000000 bytes"):
        read_rows(bytes(data), "xlsx")


def test_a_workbook_of_too_many_parts_is_refused() -> None:
    with pytest.raises(ValidationError, match="has 1001 parts"):
        read_rows(zipped(**{f"p{number}": b"" for number in range(1_001)}), "xlsx")


@pytest.mark.parametrize("name", [SHEET, "xl/elsewhere.xml"])
def test_two_cells_in_opposite_corners_do_not_make_a_table_of_billions(name: str) -> None:
    cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    data = with_part(workbook(*GOOD), SHEET, lambda sheet: sheet.replace(b"</sheetData>", cell))
    if name != SHEET:
        # A part may be the sheet whatever it is called.
        data = with_part(
            data,
            "xl/_rels/workbook.xml.rels",
            lambda r: r.replace(b"worksheets/sheet1.xml", b"elsewhere.xml"),
        )
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
            for entry in old.infolist():
                new.writestr(name if entry.filename == SHEET else entry.filename, old.read(entry))
        data = buffer.getvalue()
    with pytest.raises(ValidationError, match="cells down to row 1048576 and column 16384"):
        read_rows(data, "xlsx")


def test_entities_of_a_workbook_are_not_expanded() -> None:
    def evil(sheet: bytes) -> bytes:
        dtd = b'<!DOCTYPE x [<!ENTITY a "' + b"A" * 1000 + b'"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
        return sheet.replace(b"<worksheet", dtd + b"<worksheet", 1).replace(
            b"</sheetData>", b'<row r="3"><c r="A3" t="str"><v>&a;&f;</v></c></row></sheetData>'
        )

    data = with_part(workbook(*GOOD), SHEET, evil)
    try:
        rows = read_rows(data, "xlsx")
    except ValidationError:
        return
    assert all(
        "AAA" not in row.name and Path("/etc/hostname").read_text().strip() not in row.name for row in rows
    )


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200), place=st.integers(0, 6_000))
def test_a_damaged_workbook_is_refused_or_read_but_never_crashes(data: bytes, place: int) -> None:
    whole = workbook(*GOOD)
    damaged = whole[:place] + data + whole[place + len(data) :]
    with suppress(ValidationError):
        read_rows(damaged, "xlsx")


# --- round trips ---------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: text.strip() == text and text != ""
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(NAMES, min_size=1, max_size=12),
    above=st.lists(st.integers(0, 11), min_size=12, max_size=12),
    order=st.randoms(use_true_random=False),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_any_tree_survives_the_way_through_a_file_in_any_order(
    strange_books: Ledger, names: list[str], above: list[int], order: random.Random, delimiter: str
) -> None:
    forget_chart(strange_books)
    tree = [
        (100 + place, name, None if above[place] >= place else 100 + above[place])
        for place, name in enumerate(names)
    ]
    lines = list(tree)
    order.shuffle(lines)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(["sub_type_code", "name", "type", "parent"])
    writer.writerows([code, name, "ASSET", parent or ""] for code, name, parent in lines)

    for made in (len(tree), 0):
        done = load_csv(strange_books, buffer.getvalue())
        assert (done.accounts_created, done.accounts_skipped, done.errors) == (made, len(tree) - made, [])
    stored = Account.objects.for_entity(strange_books.entity).values_list(
        "sub_type_code", "name", "parent__sub_type_code"
    )
    assert sorted(stored) == sorted(tree, key=lambda one: one[0])


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C", "a ", ""]),
        st.sampled_from(["ASSET", "EXPENSE", "", "X"]),
        st.sampled_from(["1", "2", "3", "", "x"]),
        st.sampled_from(["1", "2", "A", "B", "C", "Z", ""]),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, before=ROWS)
def test_no_rows_whatever_make_anything_on_their_second_run(
    strange_books: Ledger, rows: list[tuple[str, ...]], before: list[tuple[str, ...]]
) -> None:
    forget_chart(strange_books)
    columns = ("name", "type", "sub_type_code", "parent")

    def run(lines: list[tuple[str, ...]]) -> AccountImport:
        return load(strange_books, rows_of_records([dict(zip(columns, line, strict=True)) for line in lines]))

    run(before)
    first = run(rows)
    second = run(rows)
    assert second.accounts_created == 0
    bad = {error["row"] for error in first.errors}
    assert first.accounts_created + first.accounts_skipped + len(bad) == len(rows)


# --- the command ---------------------------------------------------------------------------------


def test_the_command_imports_a_file_and_lists_bad_rows(
    books: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chart.csv"
    file.write_text("name,type\nCash,ASSET\nBad,X\n")
    call_command("import_accounts", str(file), "--dry-run", entity=books.entity.public_id)
    assert capsys.readouterr().out.strip() == "Dry run: 1 accounts made, 0 skipped, 1 rows with errors."
    assert not Account.objects.exists()
    assert not AccountImport.objects.exists()

    call_command("import_accounts", str(file), entity=books.entity.public_id)
    output = capsys.readouterr()
    assert output.out.strip().endswith(": 1 accounts made, 0 skipped, 1 rows with errors.")
    assert output.err.startswith('row 3, type: "X" is no account type')
    assert AuditEvent.objects.get().actor_label == "manage.py import_accounts"


def test_the_command_imports_a_template_and_a_workbook(books: Ledger, tmp_path: Path) -> None:
    call_command("import_accounts", template="tmpl_saas", entity=books.entity.public_id)
    file = tmp_path / "chart.xlsx"
    file.write_bytes(workbook(*GOOD))
    call_command("import_accounts", str(file), entity=books.entity.public_id)
    assert AccountImport.objects.filter(file_format="xlsx", accounts_created=1).exists()
    assert AccountImport.objects.filter(template_id="tmpl_saas").exists()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_command_shows_progress_on_long_files_where_there_is_a_terminal(
    books: Ledger,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    file = tmp_path / "chart.csv"
    file.write_text("name,type\n" + "".join(f"A{number},ASSET\n" for number in range(2_000)))
    call_command("import_accounts", str(file), entity=books.entity.public_id)
    assert ("2000/2000" in capsys.readouterr().err) == is_terminal


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either a file or --template"),
        (["x.csv", "--template", "tmpl_saas"], "either a file or --template"),
        (["/nowhere/x.csv"], "cannot be read: No such file"),
    ],
)
def test_misuse_of_the_command_is_a_plain_message(books: Ledger, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("import_accounts", *arguments, entity=books.entity.public_id)


@pytest.mark.parametrize("entity", ["entity_x", "entity_01h455vb4pex5vsknk084sn02q"])
def test_the_command_names_an_entity_that_there_is_not(db: None, entity: str) -> None:
    with pytest.raises(CommandError, match=entity):
        call_command("import_accounts", template="tmpl_saas", entity=entity)


def test_a_code_made_by_hand_is_known_to_the_import(books: Ledger) -> None:
    rows = rows_of_template("tmpl_saas")
    first = rows[0]
    assert first.type is not None
    create_account(
        entity=books.entity,
        ledger=books,
        name="Mine",
        type_=first.type,
        sub_type_code=first.code,
        actor=SYSTEM,
    )
    done = load(books, rows)
    assert (done.accounts_created, done.accounts_skipped) == (len(rows) - 1, 1)
