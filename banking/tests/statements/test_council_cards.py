"""Card lines of a real council, as one CSV statement by the command."""

import csv
from decimal import Decimal
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Sum

from accounts.models import AccountBalance
from banking.models import BankAccount, BankLine, LineLink
from banking.tests.statements.cast import Holder
from transactions.models import Transaction
from transactions.tests.test_import_journal import shared_file

pytestmark = pytest.mark.django_db

# Of 59,458; in three batches.
ROWS, BATCH = 2_500, 1_000
MAPPING = "date=date,description=description,amount=amount,amountSign=out"


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """The first rows of the file."""
    path = tmp_path / "cards.csv"
    with shared_file("pcard_birmingham_units_share.csv").open() as whole:
        path.write_text("".join(islice(whole, ROWS + 1)))
    return path


def test_card_lines_of_a_council_come_out_to_the_penny_and_a_second_run_makes_nothing(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("banking.statements.importing.BATCH_LINES", BATCH)
    holder = Holder("GBP", "credit")
    with cards.open() as file:
        amounts = [Decimal(row["amount"]) for row in csv.DictReader(file)]

    said = _run(cards, holder.account)

    assert f"{ROWS:,} transactions made, 0 lines skipped" in said
    # Equal purchases of a day are all there, and each line has a transaction of its own.
    assert BankLine.objects.filter(status="recorded").count() == len(amounts) == ROWS
    assert LineLink.objects.values("transaction").distinct().count() == ROWS
    assert BankLine.objects.aggregate(sum=Sum("amount"))["sum"] == sum(amounts)
    # What was spent is owed, refunds less, and the books agree with themselves.
    owed = AccountBalance.objects.filter(account_id=holder.account.ledger_account_id).aggregate(
        debits=Sum("debits_pending"), credits=Sum("credits_pending")
    )
    assert owed["credits"] == sum(amount for amount in amounts if amount > 0)
    assert owed["debits"] == -sum(amount for amount in amounts if amount < 0)
    call_command("verify", "--entity", holder.entity.public_id, stdout=StringIO())

    said = _run(cards, holder.account)

    assert f"0 transactions made, {ROWS:,} lines skipped as already there" in said
    assert Transaction.objects.count() == ROWS


def _run(path: Path, account: BankAccount) -> str:
    out = StringIO()
    call_command(
        "import_statement", str(path), "--bank-account", account.public_id, "--mapping", MAPPING, stdout=out
    )
    return out.getvalue()
