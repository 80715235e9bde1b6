"""The worked example of docs/reports.md, replayed; and the real journal of nine years."""

import csv
import os
import re
from datetime import date
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.models import Account
from accounts.querysets import default_ledger
from ledger.models import Entity
from ledger.tests.helpers import make_developer, make_entity
from reports.identities import broken_identities, check_statements
from reports.periods import range_period
from reports.read import new_scope, read_frame
from reports.statements.trial_balance import trial_balance
from reports.tests.conftest import Company, Reports, account_of, post

PAGE = Path(settings.BASE_DIR) / "docs" / "reports.md"
SHARED = Path(settings.BASE_DIR).parent / "shared" / "data"


def table(name: str) -> list[list[str]]:
    """The rows of the page's table that follows a mark."""
    text = PAGE.read_text().partition(f"<!-- {name} -->")[2]
    rows = re.match(r"\s*((?:\|.*\n)+)", text)
    assert rows is not None, f"{PAGE} has no table {name}"
    return [
        [cell.strip() for cell in row.strip("|").split("|")] for row in rows.group(1).strip().splitlines()[2:]
    ]


@pytest.mark.parametrize(("method", "column"), [("ACCRUAL", 1), ("CASH", 2)])
def test_the_page_says_what_the_reports_say(
    bakery: Company, reports: Reports, method: str, column: int
) -> None:
    bakery.entity.accounting_method = method
    bakery.entity.save()
    accounts: dict[str, Account] = {}
    for day, debit, credit, amount, what in table("journal"):
        for code in (debit, credit):
            if code not in accounts:
                accounts[code] = account_of(bakery, code)
        post(bakery, day, amount, accounts[debit], accounts[credit], description=what)
    body = reports.get("generate", month=1, year=2024)
    figures = table("figures")
    assert len(figures) > 25
    for row in figures:
        found: Any = reduce(lambda part, key: part[key], row[0].split("."), body)
        assert found == Decimal(row[column]), row[0]


def test_the_lines_of_the_conversion_name_their_accounts(bakery: Company, reports: Reports) -> None:
    bakery.entity.accounting_method = "CASH"
    bakery.entity.save()
    receivable, payable = account_of(bakery, "ACCOUNTS_RECEIVABLE"), account_of(bakery, "ACCOUNTS_PAYABLE")
    prepaid = account_of(bakery, "PREPAID_EXPENSES")
    post(bakery, "2024-01-05", "100", receivable, bakery.sales)
    post(bakery, "2024-01-06", "30", bakery.rent, payable)
    post(bakery, "2024-01-07", "12", prepaid, bakery.cash)
    post(bakery, "2024-02-05", "100", bakery.cash, receivable)
    january, february = (
        reports.get("generate", month=month, year=2024)["incomeStatement"] for month in (1, 2)
    )

    def lines(income: dict[str, Any], part: str) -> dict[str, Decimal]:
        return {node["name"]: node["balance"] for node in income["hierarchical"][part]}

    assert lines(january, "revenue") == {
        "Less: increase in Accounts receivable": -100,
        "Sales": 100,
    }
    assert lines(january, "expenses") == {
        "Less: increase in Accounts payable": -30,
        "Add: increase in Prepaid expenses": 12,
        "Rent": 30,
    }
    assert lines(february, "revenue") == {"Add: decrease in Accounts receivable": 100}
    assert (january["netIncome"], february["netIncome"]) == (-12, 100)


@pytest.fixture
def real_books(db: None, tmp_path: Path) -> Entity:
    """The public books of a project, imported by the command."""
    source = SHARED / "gl_hledger_project_share.csv"
    if not source.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{source} is missing; the tests of the project need it")
        pytest.skip(f"{source.name} is not on this machine")
    entity = make_entity(make_developer("Project").developer, "Project")
    call_command("import_journal", str(source), entity=entity.public_id)
    return entity


def test_the_real_journal_ties_in_every_month_of_nine_years(real_books: Entity) -> None:
    entity, ledger = real_books, default_ledger(real_books)
    # Every month, every fiscal year, and all days; both bases, posted and pending.
    assert list(check_statements(entity)) == []
    frame = read_frame(new_scope(entity=entity, ledger=ledger), range_period(None, date(2026, 12, 31)))
    assert list(broken_identities(frame)) == []
    parents = {account.id: account for account in frame.books.accounts}

    def path(account: Any) -> str:
        above = f"{path(parents[account.parent_id])}:" if account.parent_id else ""
        return above + str(account.name)

    with (SHARED / "gl_hledger_project_expected_trial_balance_share.csv").open() as file:
        expected = {row["account"]: Decimal(row["balance"]) for row in csv.DictReader(file)}
    found = {path(line.account): line.debit - line.credit for line in trial_balance(frame).lines}
    assert {name: balance for name, balance in found.items() if balance or name in expected} == expected
