"""Uploading statement files, looking into them before, and the list of imports."""

import base64
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.tests.conftest import make_account
from banking.models import BankAccount, BankLine, StatementImport
from banking.statements.limits import FILE_BYTES_MAX
from banking.tests.statements.cast import Holder, csv, sample
from banking.tests.statements.test_importing import FAULTY
from ledger.ids import Prefix, encode_id, new_id

pytestmark = pytest.mark.django_db

URL = "/v1/banks/statements"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def send(holder: Holder, path: str = URL, **body: Any) -> Any:
    """What the API answers to JSON."""
    return holder.company.caller().post(path, body, format="json")


def send_form(holder: Holder, path: str = URL, *, data: bytes, name: str = "january.ofx", **body: Any) -> Any:
    """What the API answers to a form."""
    return holder.company.caller().post(
        path, {"file": SimpleUploadedFile(name, data), **body}, format="multipart"
    )


def test_a_file_in_json_is_imported() -> None:
    holder = Holder("USD")

    answer = send(holder, bankAccountId=holder.account.public_id, file=encoded(sample("ofx_us_checking", 1)))

    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["importId"].startswith("imp_")
    assert {
        name: body[name] for name in ("status", "transactionsCreated", "transactionsSkipped", "errors")
    } == {
        "status": "completed",
        "transactionsCreated": 5,
        "transactionsSkipped": 0,
        "errors": [],
    }
    assert (body["format"], body["closingBalance"], body["lastDate"]) == ("ofx", 5163.5, "2024-01-08")
    again = send(holder, bank_account_id=holder.account.public_id, file=encoded(sample("ofx_us_checking", 2)))
    assert (again.json()["transactionsCreated"], again.json()["transactionsSkipped"]) == (2, 3)


def test_a_form_is_imported_like_json() -> None:
    holder = Holder("USD")

    answer = send_form(
        holder,
        data=csv("day,what,sum", "03/04/2024,Bread,5.00", "bad,Jam,1"),
        name="kreditkarte jänner.csv",
        bankAccountId=holder.account.public_id,
        mapping=json.dumps({"date": "day", "amount": "sum", "description": "what", "dateOrder": "MDY"}),
        partial="true",
    )

    assert answer.status_code == 201, answer.content
    assert answer.json()["status"] == "partial"
    assert answer.json()["errors"][0]["row"] == 3
    assert answer.json()["fileName"] == "kreditkarte jänner.csv"
    assert holder.lines()[0][0] == "2024-03-04"


def test_a_form_sent_again_with_its_key_is_answered_again() -> None:
    holder = Holder("USD")
    caller = holder.company.caller()

    answers = [
        caller.post(
            URL,
            {
                "file": SimpleUploadedFile("a.ofx", sample("ofx_us_checking", 1)),
                "bankAccountId": holder.account.public_id,
            },
            format="multipart",
            headers={"Idempotency-Key": "january"},
        )
        for _ in range(2)
    ]

    assert answers[0].content == answers[1].content
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert StatementImport.objects.count() == 1


def test_a_faulty_file_is_refused_with_its_rows() -> None:
    holder = Holder("USD")

    answer = send(holder, bankAccountId=holder.account.public_id, file=encoded(FAULTY))

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert [one["field"] for one in error["details"]] == ["row 3, Date", "row 4, Amount", "row 5, Date"]
    assert not BankLine.objects.exists()


def test_a_ledger_account_gets_a_bank_account_with_its_first_statement() -> None:
    holder = Holder("USD")
    card = make_account(holder.company.ledger, "Card", "LIABILITY", financial_type="CREDIT_CARD")

    answers = [
        send(holder, ledgerAccountId=card.public_id, file=encoded(sample("ofx_card", number)))
        for number in (1, 2)
    ]

    assert [one.json()["transactionsCreated"] for one in answers] == [4, 1]
    made = BankAccount.objects.get(ledger_account_id=card.id)
    assert (made.type, made.mask, made.connection_id) == ("credit", "4242", None)
    assert {one.json()["bankAccountId"] for one in answers} == {made.public_id}


def test_a_file_that_is_refused_opens_no_bank_account() -> None:
    holder = Holder("USD")

    answer = send(holder, ledgerAccountId=holder.company.cash.public_id, file=encoded(FAULTY))

    assert answer.status_code == 400
    assert not BankAccount.objects.filter(ledger_account_id=holder.company.cash.id).exists()


def test_a_ledger_account_that_cannot_be_a_banks_is_refused() -> None:
    holder = Holder("USD")

    answer = send(holder, ledgerAccountId=holder.company.rent.public_id, file=encoded(sample("ofx_card", 1)))

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "ledgerAccountId"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"file": "no base64!"}, "file"),
        ({"file": ""}, "file"),
        ({"file": 5}, "file"),
        ({"file": None}, "file"),
        ({"mapping": "date=Date"}, "mapping"),
        ({"mapping": {"date": "Day", "amount": "Amount"}}, "mapping"),
        ({"mapping": {"dates": "Date"}}, "mapping.dates"),
        ({"partial": "yes"}, "partial"),
        ({"ledgerAccountId": encode_id(Prefix.ACCOUNT, new_id())}, "bankAccountId"),
        ({"bankAccountId": "bacc_1"}, "bankAccountId"),
        ({"account": "x"}, "account"),
    ],
)
def test_a_request_that_is_not_right_is_refused(change: dict[str, Any], field: str) -> None:
    holder = Holder("USD")
    body = {"bankAccountId": holder.account.public_id, "file": encoded(sample("csv_us_signed", 1))}

    answer = send(holder, **(body | change))

    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["details"][0]["field"] == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mapping": "{"}, "mapping"),
        ({"mapping": "[1]"}, "mapping"),
        ({"partial": "yes"}, "partial"),
        ({"bankAccountId": ["bacc_1", "bacc_2"]}, "bankAccountId"),
        ({"other": "x"}, "other"),
    ],
)
def test_a_form_that_is_not_right_is_refused(change: dict[str, Any], field: str) -> None:
    holder = Holder("USD")

    answer = send_form(
        holder, data=sample("csv_us_signed", 1), **({"bankAccountId": holder.account.public_id} | change)
    )

    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["details"][0]["field"] == field


def test_a_form_without_a_file_is_refused() -> None:
    holder = Holder("USD")

    for body in ({}, {"file": "text"}):
        answer = holder.company.caller().post(
            URL, {"bankAccountId": holder.account.public_id, **body}, format="multipart"
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "file"


@pytest.mark.parametrize(
    "body", ["", "--x\r\n", "--x--\r\n", "--x\r\nContent-Disposition: form-data\r\n\r\n", "\xff\0"]
)
def test_a_form_that_is_broken_is_refused(body: str) -> None:
    holder = Holder("USD")

    answer = holder.company.caller().generic(
        "POST", URL, body, content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"


def test_files_that_are_too_large_are_413() -> None:
    holder = Holder("USD")
    caller = holder.company.caller()
    large = b"x" * (FILE_BYTES_MAX + 1)

    as_json = send(holder, bankAccountId=holder.account.public_id, file=encoded(large))
    as_form = send_form(holder, data=large, bankAccountId=holder.account.public_id)
    # What only says that it is large is refused before a byte of it is read.
    declared = caller.generic("POST", URL, "{}", content_type="application/json", CONTENT_LENGTH="50000000")

    assert [one.status_code for one in (as_json, as_form, declared)] == [413, 413, 413]
    assert as_form.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_others_bank_accounts_are_not_there() -> None:
    holder, stranger = Holder("USD"), Holder("USD")

    answer = send(
        stranger, bankAccountId=holder.account.public_id, file=encoded(sample("ofx_us_checking", 1))
    )

    assert answer.status_code == 404
    assert not BankLine.objects.exists()


# --- preview --------------------------------------------------------------------------------------


def test_a_preview_shows_what_would_be_read_and_writes_nothing() -> None:
    holder = Holder("EUR")

    answer = send(
        holder,
        f"{URL}/preview",
        bankAccountId=holder.account.public_id,
        file=encoded(sample("csv_de_preamble", 1)),
    )

    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["format"], body["encoding"], body["delimiter"]) == ("csv", "windows-1252", ";")
    assert (body["headerRow"], body["lineCount"], body["problems"]) == (5, 4, [])
    assert body["mapping"] == {
        "date": "Buchungstag",
        "description": ["Buchungstext", "Verwendungszweck"],
        "amount": "Betrag (EUR)",
        "counterparty": "Auftraggeber / Begünstigter",
        "currency": "Währung",
        "dateOrder": "DMY",
        "decimalMark": ",",
        "amountSign": "in",
    }
    assert body["rows"][0] == {
        "row": 6,
        "date": "2024-01-10",
        "amount": 59.9,
        "description": "Lastschrift Abschlag Januar",
        "counterparty": "Strom AG",
        "reference": None,
    }
    assert not StatementImport.objects.exists()


def test_the_mapping_of_a_preview_can_be_sent_with_the_import() -> None:
    holder = Holder("EUR")
    file = encoded(sample("csv_de_preamble", 1))
    mapping = send(holder, f"{URL}/preview", file=file).json()["mapping"]

    answer = send(holder, bankAccountId=holder.account.public_id, file=file, mapping=mapping)

    assert answer.json()["transactionsCreated"] == 4


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (FAULTY, ["Date", "Amount", "Date"]),
        (csv("Date,Description,Amount", "03/04/2024,Bread,-5.00"), ["Date"]),
        (csv("when,what,sum", "2024-01-03,Bread,-5.00"), ["file"]),
        (b"PK\x03\x04", ["file"]),
        (sample("ofx_us_checking", 1)[:-20], ["file"]),
        (sample("camt_nl_days", 1), ["currency", "currency"]),
    ],
)
def test_a_preview_shows_problems_instead_of_refusing(data: bytes, fields: list[str]) -> None:
    holder = Holder("USD")

    answer = send(holder, f"{URL}/preview", bankAccountId=holder.account.public_id, file=encoded(data))

    assert answer.status_code == 200, answer.content
    assert [one["field"] for one in answer.json()["problems"]] == fields
    assert answer.json()["problemCount"] == len(fields)


def test_a_preview_says_where_balances_and_lines_differ() -> None:
    holder = Holder("CHF")

    answer = send(holder, f"{URL}/preview", file=encoded(sample("camt_ch_prefixed", 2)))

    assert answer.json()["notes"] == ["The balances differ by 146.45, and the lines add up to -103.55."]


# --- imports --------------------------------------------------------------------------------------


def test_imports_are_listed_newest_first_in_pages() -> None:
    holder = Holder("USD")
    ids = [holder.upload(sample("ofx_us_checking", number)).public_id for number in (1, 2, 1)]
    caller = holder.company.caller()

    first = caller.get(f"{URL}?pageSize=2&bankAccountId={holder.account.public_id}").json()
    second = caller.get(
        f"{URL}?pageSize=2&bankAccountId={holder.account.public_id}&cursor={first['nextCursor']}"
    ).json()
    one = caller.get(f"{URL}/{ids[0]}").json()

    shown = [done["importId"] for page in (first, second) for done in page["imports"]]
    assert shown == ids[::-1]
    assert (first["hasMore"], second["hasMore"], second["nextCursor"]) == (True, False, None)
    assert one == second["imports"][0]


def test_an_import_of_others_is_not_there() -> None:
    holder, stranger = Holder("USD"), Holder("USD")
    done = holder.upload(sample("ofx_us_checking", 1))

    assert stranger.company.caller().get(f"{URL}/{done.public_id}").status_code == 404
    assert stranger.company.caller().get(URL).json()["imports"] == []
