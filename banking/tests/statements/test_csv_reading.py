"""CSV as banks write it: what is read off a file, what must be told, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from banking.statements.amounts import AmountCells, AmountError, Marks, guess_marks
from banking.statements.csv_mapping import CsvMapping, guess_mapping, parse_words
from banking.statements.days import AmbiguousDaysError, DayCells, DayError, DayOrder, guess_order
from banking.statements.faults import StatementFileError
from banking.statements.limits import COLUMNS_MAX, LINE_CHARACTERS_MAX
from banking.statements.reading import ReadFile, read_statement_file
from banking.tests.statements.cast import csv, sample


def read(data: bytes, mapping: dict[str, Any] | None = None, **more: Any) -> ReadFile:
    return read_statement_file(data, mapping=CsvMapping.parse(mapping) if mapping else None, **more)


def amounts(data: bytes, mapping: dict[str, Any] | None = None, **more: Any) -> list[Decimal]:
    found = read(data, mapping, **more)
    found.file.faults.raise_any()
    return [line.amount for line in found.file.statements[0].lines]


def refused(data: bytes, mapping: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(StatementFileError) as error:
        read(data, mapping, **more).file.faults.raise_any()
    return [tuple(one) for one in error.value.details]


# --- encodings and delimiters ---------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_seen(encoding: str, delimiter: str) -> None:
    text = "\r\n".join(
        delimiter.join(row)
        for row in [("Datum", "Verwendungszweck", "Betrag"), ("31.01.2024", "Brötchen für Jörg", "-3.50")]
    )

    found = read(text.encode(encoding))

    assert found.file.statements[0].lines[0].description == "Brötchen für Jörg"
    assert found.table is not None
    assert found.table.delimiter == delimiter


def test_a_german_file_has_its_account_above_the_header_and_a_balance_below_the_rows() -> None:
    found = read(sample("csv_de_preamble", 1))

    (statement,) = found.file.statements
    assert (statement.account_number, statement.currency) == ("DE89370400440532013000", "EUR")
    assert [one.amount for one in statement.lines] == [
        Decimal("59.90"),
        Decimal("59.90"),
        Decimal("-1119.00"),
        Decimal("4.50"),
    ]
    assert found.table is not None
    assert (found.table.encoding, found.table.header_row) == ("windows-1252", 5)


def test_rows_are_named_by_the_line_of_the_file_that_they_begin_in() -> None:
    data = csv("Date,Description,Amount", "", '2024-01-03,"two', 'lines",-1.00', "2024-01-04,Bread,x")

    assert refused(data)[0][0] == "row 5, Amount"


# --- amounts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "text", "number"),
    [
        (".", "12.50", "12.50"),
        (".", "-1,234.56", "-1234.56"),
        (".", "(1,234.56)", "-1234.56"),
        (".", "$1,234.56", "1234.56"),
        (".", "-$19.99", "-19.99"),
        (".", "$-19.99", "-19.99"),
        (".", "12.50-", "-12.50"),
        (".", "+12.50", "12.50"),
        (".", "12.50 CR", "12.50"),
        (".", "12.50DR", "-12.50"),
        (".", "1'234.50", "1234.50"),
        (".", "12,34,567.00", "1234567.00"),
        (".", ".50", "0.50"),
        (",", "1.234,56", "1234.56"),
        (",", "-1 234,56", "-1234.56"),
        (",", "1\u202f234,56 €", "1234.56"),
        (",", "\u221212,50", "-12.50"),
        (",", "5", "5"),
    ],
)
def test_amounts_are_read_as_banks_write_them(mark: str, text: str, number: str) -> None:
    assert AmountCells(Marks(mark)).read(text).number == number


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "1e5",
        "0x10",
        "--5",
        "5,0.0",
        "1,23",
        "\u0661\u0662",
        "1_000",
        "",
        "-",
        "()",
        "1" * 61,
        "five",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        AmountCells(Marks(".")).read(text)


def test_a_currency_beside_an_amount_is_seen() -> None:
    assert AmountCells(Marks(",")).read("12,50 EUR").currency == "EUR"
    assert AmountCells(Marks(".")).read("USD 12.50").currency == "USD"


@pytest.mark.parametrize(
    ("texts", "digits", "mark"),
    [
        (["12.50", "3"], 2, "."),
        (["12,50"], 2, ","),
        (["1,234"], 2, "."),
        (["1.234"], 2, ","),
        (["1.234"], 3, "."),
        (["1.234,50"], 2, ","),
        (["1,234,567"], 2, "."),
        (["0,125"], 2, ","),
        (["100"], 2, "."),
    ],
)
def test_the_decimal_mark_is_read_off_the_column(texts: list[str], digits: int, mark: str) -> None:
    assert guess_marks(texts, digits).decimal == mark


def test_a_column_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(AmountError, match="decimalMark"):
        guess_marks(["12.50", "12,50"], 2)


def test_debit_and_credit_columns_tell_the_direction() -> None:
    data = csv("Date,Details,Money Out,Money In", "2024-01-03,Bread,5.00,", "2024-01-04,Pay,,100.00")

    assert amounts(data) == [Decimal("5.00"), Decimal("-100.00")]


def test_withdrawals_with_a_minus_in_their_own_column_are_still_withdrawals() -> None:
    data = csv("Date,Details,Debit,Credit", "2024-01-03,Bread,-5.00,0.00", "2024-01-04,Pay,0.00,100.00")

    assert amounts(data) == [Decimal("5.00"), Decimal("-100.00")]


def test_a_row_with_both_sides_filled_is_refused() -> None:
    data = csv("Date,Details,Debit,Credit", "2024-01-03,Bread,5.00,5.00")

    assert "both filled" in refused(data)[0][1]


def test_a_column_of_words_tells_the_direction() -> None:
    data = csv("Datum;Omschrijving;Bedrag;Af Bij", "20240103;Brood;5,00;Af", "20240104;Loon;100,00;Bij")

    assert amounts(data) == [Decimal("5.00"), Decimal("-100.00")]


def test_the_sign_may_be_told() -> None:
    data = csv("Date,Description,Amount", "2024-01-03,Bread,5.00")
    mapping = {"date": "Date", "amount": "Amount"}

    assert amounts(data) == [Decimal("-5.00")]
    assert amounts(data, mapping | {"amountSign": "out"}) == [Decimal("5.00")]


def test_on_a_card_most_lines_are_purchases() -> None:
    rows = ["2024-01-03,Bread,5.00", "2024-01-04,Jam,3.00", "2024-01-05,Payment,-8.00"]

    assert amounts(csv("Date,Description,Amount", *rows), is_card=True) == [
        Decimal("5.00"),
        Decimal("3.00"),
        Decimal("-8.00"),
    ]


def test_lines_of_nothing_are_left_out() -> None:
    found = read(csv("Date,Description,Amount", "2024-01-03,Note,0.00", "2024-01-03,Bread,-5.00"))

    assert (found.file.line_count, found.file.statements[0].left_out) == (1, 1)


# --- days -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["03/04/2024", "13/04/2024"], DayOrder.DAY_FIRST),
        (["03/04/2024", "04/13/2024"], DayOrder.MONTH_FIRST),
        (["03.04.2024"], DayOrder.DAY_FIRST),
        (["2024-04-03"], DayOrder.YEAR_FIRST),
        (["04/04/2024"], DayOrder.DAY_FIRST),
        (["31/12/23"], DayOrder.DAY_FIRST),
    ],
)
def test_the_order_of_dates_is_read_off_the_column(texts: list[str], order: DayOrder) -> None:
    assert guess_order(texts) is order


def test_dates_that_can_be_read_in_two_ways_are_refused_until_it_is_told() -> None:
    data = csv("Date,Description,Amount", "03/04/2024,Bread,-5.00", "05/06/2024,Jam,-3.00")
    mapping = {"date": "Date", "amount": "Amount"}

    with pytest.raises(AmbiguousDaysError):
        guess_order(["03/04/2024"])
    assert "dateOrder" in refused(data)[0][1]
    days = {
        order: str(read(data, mapping | {"dateOrder": order}).file.statements[0].lines[0].day)
        for order in ("DMY", "MDY")
    }
    assert days == {"DMY": "2024-04-03", "MDY": "2024-03-04"}


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05", "2024/1/5", "20240105", "05.01.2024", "05.01.24", "5/1/2024", "05-01-2024",
        "5 Jan 2024", "05-Jan-24", "Jan 5, 2024", "2024-01-05 10:22:33", "2024-01-05T10:22:33Z",
        "05/01/2024 10:22",
    ],
)  # fmt: skip
def test_days_are_read_as_banks_write_them(text: str) -> None:
    assert str(DayCells(DayOrder.DAY_FIRST).read(text)) == "2024-01-05"


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30",
        "32/01/2024",
        "00/00/0000",
        "tomorrow",
        "2024",
        "\u0662024-01-05",
        "2024-01-05x",
        "9" * 50,
    ],
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(DayError):
        DayCells(DayOrder.DAY_FIRST).read(text)


def test_impossible_and_future_dates_are_refused_with_their_rows() -> None:
    data = csv(
        "Date,Description,Amount", "2024-02-30,Bread,-5", "2999-01-01,Jam,-3", "0001-01-01,Egg,-1", ",Ham,-2"
    )

    assert [field for field, _ in refused(data)] == [f"row {row}, Date" for row in (2, 3, 4, 5)]


# --- columns --------------------------------------------------------------------------------------


def test_columns_are_guessed_by_their_names_in_several_languages() -> None:
    german = guess_mapping(["Buchungstag", "Valuta", "Auftraggeber / Empfänger", "Betrag (EUR)", "Währung"])
    french = guess_mapping(["Date comptable", "Libellé opération", "Débit", "Crédit"])

    assert german is not None
    assert (german.date, german.amount, german.counterparty) == (
        "Buchungstag",
        "Betrag (EUR)",
        "Auftraggeber / Empfänger",
    )
    assert french is not None
    assert (french.debit, french.credit, french.description) == ("Débit", "Crédit", ("Libellé opération",))


def test_a_mapping_by_numbers_reads_a_file_without_a_header() -> None:
    data = csv('"01/16/2024","-5.00","*","","BREAD"', '"01/17/2024","-3.00","*","","JAM"')
    mapping = {"date": "1", "amount": 2, "description": "5"}

    assert "no header" in refused(data)[0][1]
    assert amounts(data, mapping) == [Decimal("5.00"), Decimal("3.00")]


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"date": "Day", "amount": "Amount"}, "mapping"),
        ({"date": "Date", "amount": "99"}, "mapping"),
        ({"amount": "Amount"}, "mapping.date"),
        ({"date": "Date"}, "mapping.amount"),
        ({"date": "Date", "amount": "Amount", "debit": "Amount"}, "mapping.amount"),
        ({"date": "Date", "sum": "Amount"}, "mapping.sum"),
        ({"date": "Date", "amount": {"a": 1}}, "mapping.amount"),
        ({"date": "Date", "amount": "Amount", "dateOrder": "DYM"}, "mapping.dateOrder"),
        ({"date": "Date", "amount": "Amount", "decimal_mark": "'"}, "mapping.decimal_mark"),
        ({"date": "Date", "amount": "Amount", "description": []}, "mapping.description"),
        ({"date": "Date\0", "amount": "Amount"}, "mapping.date"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping: dict[str, Any], field: str) -> None:
    data = csv("Date,Description,Amount", "2024-01-03,Bread,-5.00")

    assert refused(data, mapping)[0][0] == field


def test_columns_that_nobody_knows_are_named() -> None:
    field, message = refused(csv("when,what,how much", "2024-01-03,Bread,-5.00"))[0]

    assert field == "file"
    assert "mapping" in message


def test_a_mapping_on_the_command_line_is_words() -> None:
    assert parse_words("date=When,description=Payee+Memo,amount=Sum") == {
        "date": "When",
        "description": ["Payee", "Memo"],
        "amount": "Sum",
    }


def test_rows_of_another_currency_or_account_are_refused() -> None:
    data = csv(
        "Date,Description,Amount,Currency,Account Number",
        "2024-01-03,Bread,-5.00,USD,12345678",
        "2024-01-04,Brot,-5.00,EUR,12345678",
        "2024-01-05,Jam,-5.00,USD,87654321",
        "2024-01-06,Ham,-5.00,???,12345678",
    )

    assert [field for field, _ in refused(data, currency="USD")] == [
        "row 3, Currency",
        "row 4, Account Number",
        "row 5, Currency",
    ]


# --- shape ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (csv("Date,Description,Amount", "2024-01-03,Bread"), "cut off"),
        (csv("Date,Description,Amount", "2024-01-03,Bread, butter,-5.00"), "quotes"),
        (b'Date,Description,Amount\n2024-01-03,"Bread,-5.00\n2024-01-04,Jam,-3.00\n', "cut off"),
        (b"Date,Description,Amount\n2024-01-03," + b"x" * (LINE_CHARACTERS_MAX + 1) + b",-5\n", "characters"),
        (b"Date,Amount" + b"," * 1_000_000 + b"\n", "characters"),
        (b"Date,Amount" + b"," * COLUMNS_MAX + b"\n2024-01-03,1\n", "columns"),
        (b"Date,Description,Amount\n2024-01-03,Br\0ead,-5.00\n", "control character"),
        (b'Date,Description,Amount\n2024-01-03,"a"b,-5.00\n', "broken"),
    ],
)
def test_a_file_that_is_broken_is_refused_with_the_row(data: bytes, reason: str) -> None:
    found = refused(data)

    assert reason in found[0][1]
    assert found[0][0].startswith("row ")
