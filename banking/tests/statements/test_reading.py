"""What stands in the samples, format by format, and what of a file is refused."""

import bz2
import gzip
import io
import zipfile
from decimal import Decimal

import pytest

from banking.choices import StatementFormat
from banking.statements.content import Statement
from banking.statements.faults import StatementFileError
from banking.statements.limits import FILE_BYTES_MAX
from banking.statements.reading import ReadFile, read_statement_file
from banking.tests.statements.cast import DIALECTS, csv, sample


def read(data: bytes, **more: object) -> ReadFile:
    return read_statement_file(data, **more)  # type: ignore[arg-type]


def only(data: bytes) -> Statement:
    (statement,) = read(data).file.statements
    return statement


def refusal(data: bytes) -> str:
    """The first field and its fault, of a file that is refused, be it as a whole or for its rows."""
    try:
        read(data).file.faults.raise_any()
    except StatementFileError as error:
        return f"{error.details[0].field}: {error.details[0].message}"
    raise AssertionError("the file was read")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_format_is_seen_by_the_content(dialect: str) -> None:
    file = read(sample(dialect, 1)).file

    assert file.format == StatementFormat(dialect.partition("_")[0].replace("camt", "camt053"))
    assert file.line_count == DIALECTS[dialect][2]
    assert not file.faults.count


@pytest.mark.parametrize(
    "dialect",
    [
        "camt_ch_prefixed",
        "camt_de_batches",
        "camt_nl_days",
        "mt940_de_structured",
        "mt940_gb_daily",
        "mt940_nl_slashes",
        "csv_gb_columns",
    ],
)
def test_the_lines_lead_from_the_opening_to_the_closing_balance(dialect: str) -> None:
    for statement in read(sample(dialect, 1)).file.statements:
        assert statement.opening_balance is not None
        out = sum((line.amount for line in statement.lines), start=Decimal(0))
        assert statement.opening_balance - out == statement.closing_balance


# --- OFX ------------------------------------------------------------------------------------------


def test_ofx_in_sgml_is_read_without_closing_elements() -> None:
    statement = only(sample("ofx_us_checking", 1))

    first = statement.lines[0]
    assert (statement.account_number, statement.currency) == ("000123456789", "USD")
    assert (first.amount, first.description) == (Decimal("4.50"), "BEAN & LEAF COFFEE 0113 POS PURCHASE")
    assert first.reference == "2024010201"
    assert first.raw()["TRNTYPE"] == "DEBIT"


def test_ofx_of_a_card_says_when_it_was_used() -> None:
    line = only(sample("ofx_card", 1)).lines[0]

    assert (str(line.day), str(line.used_on), line.amount) == ("2024-01-04", "2024-01-03", Decimal("18.40"))


def test_ofx_in_xml_may_have_several_cdata_sections_in_a_line() -> None:
    line = only(sample("ofx_uk_xml", 1)).lines[2]

    assert line.description == "SMITH & DAUGHTERS INV-77"


def test_a_line_that_stands_in_an_ofx_file_twice_comes_once() -> None:
    data = sample("ofx_us_checking", 1)
    block = data[data.index(b"<STMTTRN>") : data.index(b"</STMTTRN>") + len(b"</STMTTRN>\r\n")]

    assert len(only(data.replace(block, block * 2, 1)).lines) == 5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"</OFX>", b""), "cut off"),
        ((b"</STMTTRN>", b""), "broken"),
        ((b"20240105120000[-5:EST]", b"20240231"), "row 4, DTPOSTED"),
        ((b"20240105120000[-5:EST]", b"20990105"), "future"),
        ((b"-820.00", b"NaN"), "row 4, TRNAMT"),
        ((b"-820.00", b"-8e2"), "row 4, TRNAMT"),
        ((b"-820.00", b"-820.005"), "more digits than USD"),
        ((b"<FITID>2024010501", b"<CORRECTFITID>2023<FITID>1"), "row 4, CORRECTFITID"),
        ((b"<STMTRS>", b"<INVSTMTRS>"), "broken"),
        ((b"BEAN", b"BE\0AN"), "control character"),
    ],
)
def test_faulty_ofx_is_refused_with_the_place_and_the_reason(
    change: tuple[bytes, bytes], reason: str
) -> None:
    assert reason in refusal(sample("ofx_us_checking", 1).replace(*change))


def test_ofx_that_is_only_an_error_of_the_bank_shows_it() -> None:
    data = (
        b"<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>15500<SEVERITY>ERROR<MESSAGE>Sign-on invalid</STATUS>"
        b"</SONRS></SIGNONMSGSRSV1></OFX>"
    )

    assert "Sign-on invalid" in refusal(data)


# --- CAMT.053 -------------------------------------------------------------------------------------


def test_a_batch_becomes_a_line_for_each_payment_that_it_details() -> None:
    lines = only(sample("camt_de_batches", 1)).lines

    assert [(one.row, one.amount, one.counterparty) for one in lines[1:3]] == [
        (2, Decimal("-100.00"), "Anna Kunde"),
        (2, Decimal("-200.00"), "Bernd Kunde"),
    ]


def test_a_batch_whose_details_do_not_add_up_stays_one_line() -> None:
    data = sample("camt_de_batches", 1).replace(b'"EUR">200.00<', b'"EUR">199.00<')

    assert [one.amount for one in only(data).lines][1] == Decimal("-300.00")


def test_a_batch_whose_details_are_no_amounts_of_the_currency_stays_one_line() -> None:
    data = sample("camt_de_batches", 1)
    data = data.replace(b'"EUR">100.00<', b'"EUR">99.995<').replace(b'"EUR">200.00<', b'"EUR">200.005<')

    assert [one.amount for one in only(data).lines][1] == Decimal("-300.00")


def test_amounts_may_be_filled_up_with_zeros() -> None:
    camt = sample("camt_de_batches", 1).replace(b">119.00<", b">00119.00<")
    table = csv("Date,Description,Amount", "2024-01-03,Bread,-0005.00")

    assert only(camt).lines[0].amount == only(sample("camt_de_batches", 1)).lines[0].amount
    assert only(table).lines[0].amount == Decimal("5.00")


def test_a_reversal_goes_the_way_that_its_mark_says() -> None:
    reversal = only(sample("camt_de_batches", 1)).lines[-1]

    assert (reversal.amount, reversal.counterparty) == (Decimal("-59.90"), "Strom AG")


def test_pending_entries_are_left_out() -> None:
    statement = only(sample("camt_de_batches", 1))

    assert statement.left_out == 1
    assert not any("Vormerkung" in one.description for one in statement.lines)


@pytest.mark.parametrize("version", range(2, 14))
def test_every_version_of_camt053_is_read(version: int) -> None:
    data = sample("camt_de_batches", 1).replace(b"053.001.02", b"053.001.%02d" % version)

    assert len(only(data).lines) == 6


def test_a_running_number_is_no_reference() -> None:
    lines = only(sample("camt_ch_prefixed", 1)).lines

    assert {one.reference for one in lines} == {""}


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">&b;</Document>'
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "document type"),
        (b"<!-- camt.053" + b" " * 9000 + b"-->" + BOMB[21:], "document type"),
        (sample("camt_de_batches", 1)[:-40], "cut off"),
        (sample("camt_de_batches", 1).replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt"), "camt.052"),
        (sample("camt_de_batches", 1).replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn"), "camt.054"),
        (sample("camt_de_batches", 1).replace(b"DBIT", b"BOTH", 1), "row 3, CdtDbtInd"),
        (sample("camt_de_batches", 1).replace(b"2024-01-03", b"2024-13-03", 1), "row 1, BookgDt"),
        (sample("camt_de_batches", 1).replace(b">119.00<", b">INF<", 1), "row 1, Amt"),
        (sample("camt_de_batches", 1).replace(b"119.00", b"1.1900E2", 1), "row 1, Amt"),
        (sample("camt_de_batches", 1).replace(b'Amt Ccy="EUR">119', b'Amt Ccy="USD">119'), "row 1, Amt"),
        (sample("camt_de_batches", 1).replace(b"UTF-8", b"UTF-16"), "encoding"),
        (sample("camt_de_batches", 1).replace(b"UTF-8", b"x-klingon"), "cannot be read as XML"),
        (sample("camt_ch_prefixed", 1).replace(b"ISO-8859-1", b"UTF-8"), "broken"),
        (b'<?xml version="1.0"?><html></html>', "neither CAMT.053 nor OFX"),
        (b"<Document>BkToCstmr" + b"<a>" * 500_000, "elements in each other"),
    ],
)
def test_faulty_camt_is_refused_with_the_place_and_the_reason(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


# --- MT940 ----------------------------------------------------------------------------------------


def test_the_german_structure_tells_counterparty_and_purpose() -> None:
    line = only(sample("mt940_de_structured", 1)).lines[1]

    assert (line.counterparty, line.description) == ("Müller GmbH", "Müller GmbH Rechnung 2024-17 Danke")


def test_the_booking_day_may_lie_in_another_year_than_the_value_date() -> None:
    data = sample("mt940_de_structured", 1).replace(b":2312291230D", b":2312290102D")

    assert str(only(data).lines[0].day) == "2024-01-02"


def test_the_dutch_structure_tells_counterparty_and_purpose() -> None:
    statement = only(sample("mt940_nl_slashes", 1))

    assert (statement.account_number, statement.currency) == ("NL91ABNA0417164300", "EUR")
    assert statement.lines[0].counterparty == "Jansen B.V."
    assert statement.lines[0].reference == "NL240301A0001"


def test_reversals_and_debit_balances_have_their_signs() -> None:
    reversal = only(sample("mt940_de_structured", 2)).lines[-1]
    second = read(sample("mt940_gb_daily", 1)).file.statements[1]

    assert reversal.amount == Decimal("-59.90")
    assert second.closing_balance == Decimal("-7.20")


def test_pages_of_one_statement_are_counted_together() -> None:
    page = (
        ":20:P{n}\n:25:20041538290008\n:28C:7/{n}\n"
        ":60{first}:C240105GBP{op}\n{line}:62{last}:C240105GBP{cl}\n-\n"
    )
    line = ":61:240105D7,20NMSCNONREF\n:86:PRET A MANGER\n"
    data = (
        page.format(n=1, first="F", op="50,00", line=line, last="M", cl="42,80")
        + page.format(n=2, first="M", op="42,80", line=line, last="F", cl="35,60")
    ).encode()

    statement = only(data)

    assert len(statement.lines) == 2
    assert (statement.opening_balance, statement.closing_balance) == (Decimal("50.00"), Decimal("35.60"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b":62F:C240105", b":99X:C240105"), "row 1, file: is cut off"),
        ((b":2401030103C", b":2402300230C"), "row 7, :61:"),
        ((b":2401030103C", b":9901030103C"), "future"),
        ((b"R119,00N", b"R1,1,9N"), "row 7, :61:"),
        ((b"R119,00N", b"RNaNN"), "row 7, :61:"),
        ((b"EUR1000,00", b"EUR"), ":60F:"),
        ((b"EUR986,70", b"USD986,70"), "is in"),
        ((b":20:STARTUMSE", b":13:"), "begins"),
    ],
)
def test_faulty_mt940_is_refused_with_the_line_and_the_reason(
    change: tuple[bytes, bytes], reason: str
) -> None:
    data = sample("mt940_de_structured", 1).replace(*change)
    if change[0].startswith(b":20:"):
        # Without its beginning it is taken for CSV, which it is not either.
        with pytest.raises(StatementFileError):
            read(data).file.faults.raise_any()
        return
    assert reason in refusal(data)


def test_an_interim_report_is_refused() -> None:
    data = b":20:A\n:25:123456\n:28C:1\n:34F:EURD0,\n:61:240103D5,00NMSCX\n:62F:C240103EUR1,\n"

    assert "MT942" in refusal(data)


# --- all of them ----------------------------------------------------------------------------------


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        # Of no time, so that each process of a test run makes the same bytes.
        archive.writestr(zipfile.ZipInfo("statement.csv"), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (zipped(b"0" * 50_000_000), "zip archive"),
        (gzip.compress(b"Date,Amount\n", mtime=0), "gzip"),
        (bz2.compress(b"Date,Amount\n"), "bzip2"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "control character"),
        (b"Date,Amount\n2024-01-03,\x81\x8d\n", "no text"),
        ("Date,Description,Amount\n2024-01-03,Grüße äöüß,1\n".encode() + b"2024-01-03,\xff\xfe,1\n", "UTF-8"),
        ("Date,Amount\n2024-01-03,1\n".encode("utf-16")[:-1], "UTF-16"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


def test_the_largest_file_is_below_what_a_form_takes() -> None:
    assert FILE_BYTES_MAX == 10_000_000
