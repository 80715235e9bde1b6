"""`manage.py import_statement`."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from banking.models import BankAccount, BankLine, StatementImport
from banking.tests.statements.cast import Holder, csv, sample
from banking.tests.statements.test_importing import FAULTY

pytestmark = pytest.mark.django_db


def run(path: Path, holder: Holder, **options: Any) -> tuple[str, str]:
    """What the command prints, and what it complains of."""
    out, complaints = StringIO(), StringIO()
    named = {} if "ledger_account" in options else {"bank_account": holder.account.public_id}
    call_command("import_statement", str(path), stdout=out, stderr=complaints, **(named | options))
    return out.getvalue(), complaints.getvalue()


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    path = tmp_path / "january.ofx"
    path.write_bytes(sample("ofx_us_checking", 1))
    return path


def test_a_file_is_imported_once(statement: Path) -> None:
    holder = Holder("USD")

    first, _ = run(statement, holder)
    second, _ = run(statement, holder)

    assert "5 transactions made, 0 lines skipped" in first
    assert "0 transactions made, 5 lines skipped" in second
    assert StatementImport.objects.latest("created_at").file_name == "january.ofx"


def test_a_dry_run_keeps_nothing(statement: Path) -> None:
    holder = Holder("USD")

    said, _ = run(statement, holder, dry_run=True)

    assert "5 lines of ofx can be imported, 0 cannot" in said
    assert not StatementImport.objects.exists()


def test_a_mapping_is_given_in_words(tmp_path: Path) -> None:
    holder = Holder("USD")
    path = tmp_path / "cards.csv"
    path.write_bytes(csv("day,shop,note,sum", "2024-01-03,Baker,Bread,5.00"))

    run(path, holder, mapping="date=day,amount=sum,description=shop+note,amountSign=out")

    assert [(str(amount), text) for _, amount, text in holder.lines()] == [("5.0000", "Baker Bread")]


def test_a_ledger_account_gets_a_bank_account(statement: Path) -> None:
    holder = Holder("USD")
    cash = holder.company.cash

    with pytest.raises(CommandError, match="no bank account feeds"):
        run(statement, holder, ledger_account=cash.public_id, entity=holder.entity.public_id, dry_run=True)
    run(statement, holder, ledger_account=cash.public_id, entity=holder.entity.public_id)

    assert BankAccount.objects.get(ledger_account_id=cash.id).mask == "6789"


def test_a_file_that_is_refused_opens_no_bank_account(tmp_path: Path) -> None:
    holder = Holder("USD")
    path = tmp_path / "faulty.csv"
    path.write_bytes(FAULTY)

    with pytest.raises(CommandError, match="nothing was imported"):
        run(path, holder, ledger_account=holder.company.cash.public_id, entity=holder.entity.public_id)

    assert [one.id for one in BankAccount.objects.filter(connection=None)] == [holder.account.id]


def test_a_faulty_file_is_refused_and_its_rows_are_listed(tmp_path: Path) -> None:
    holder = Holder("USD")
    path = tmp_path / "faulty.csv"
    path.write_bytes(FAULTY)
    complaints = StringIO()

    with pytest.raises(CommandError, match="3 faults; nothing was imported"):
        call_command("import_statement", str(path), bank_account=holder.account.public_id, stderr=complaints)

    assert [line.partition(":")[0] for line in complaints.getvalue().splitlines()] == [
        "row 3, Date",
        "row 4, Amount",
        "row 5, Date",
    ]
    assert not BankLine.objects.exists()


def test_the_good_rows_of_a_faulty_file_are_imported_on_demand(tmp_path: Path) -> None:
    holder = Holder("USD")
    path = tmp_path / "faulty.csv"
    path.write_bytes(FAULTY)

    said, complaints = run(path, holder, partial=True)

    assert "2 transactions made" in said
    assert "3 faults" in said
    assert "row 4, Amount" in complaints


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bank_account": None}, "Name either"),
        ({"bank_account": "bacc_1"}, "is not an id"),
        ({"bank_account": "bacc_00000000000000000000000000"}, "there is no bank account"),
        ({"ledger_account": "acc_00000000000000000000000000", "bank_account": None}, "needs --entity"),
        ({"mapping": "date"}, "name=column"),
        ({"mapping": "day=Date"}, "is unknown"),
    ],
)
def test_misuse_is_explained(statement: Path, options: dict[str, Any], message: str) -> None:
    holder = Holder("USD")

    with pytest.raises(CommandError, match=message):
        call_command(
            "import_statement", str(statement), **({"bank_account": holder.account.public_id} | options)
        )


def test_a_file_that_is_not_there_is_explained(tmp_path: Path) -> None:
    holder = Holder("USD")

    with pytest.raises(CommandError, match="is not a file"):
        run(tmp_path / "nothing.csv", holder)
