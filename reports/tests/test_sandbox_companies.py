"""The statements and exports of a company of every industry: sound, and the same in other programs."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from accounts.choices import AccountType
from accounts.models import Account
from banking.sandbox.company import Sandbox, create_sandbox
from banking.sandbox.industries import INDUSTRIES
from ledger.actors import SYSTEM
from reports.exports import Books, ExportFormat
from reports.identities import check_ledger
from reports.periods import fiscal_year_period, month_period, range_period, year_period
from reports.read import new_scope, read_frame
from reports.statements.balance_sheet import balance_sheet
from reports.statements.cash_flow import cash_flow_statement
from reports.statements.income_statement import income_statement
from reports.sums import StatusFilter
from reports.tests.other_programs import (
    bean_check,
    beancount_balances,
    by_beancount_name,
    hledger,
    hledger_balances,
    our_balances_by_path,
    written,
)
from transactions.choices import Status
from transactions.models import Transaction
from transactions.trial_balance import trial_balance
from transactions.verification import verify_books

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 20)
YEAR = range_period(dt.date(2025, 11, 1), TODAY)
every_industry = pytest.mark.parametrize("industry", INDUSTRIES)


@pytest.fixture(scope="module")
def companies(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Sandbox]]:
    """A company of each industry, made once for all tests: they only read."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield {
            industry: create_sandbox(
                name=f"Sandbox {industry}", industry=industry, seed=4, today=TODAY, actor=SYSTEM
            )
            for industry in INDUSTRIES
        }
        transaction.set_rollback(True)


@every_industry
def test_every_statement_of_every_month_ties(industry: str, companies: dict[str, Sandbox]) -> None:
    made = companies[industry]
    months = [month_period(2025, month) for month in (10, 11, 12)]
    months += [month_period(2026, month) for month in range(1, 12)]
    periods = [*months, YEAR, year_period(2026), fiscal_year_period(2026, first_month=7)]
    assert list(check_ledger(made.entity, made.ledger, periods)) == []
    assert list(verify_books(made.entity)) == []


@every_industry
def test_the_income_statement_is_what_the_transactions_add_up_to(
    industry: str, companies: dict[str, Sandbox]
) -> None:
    made = companies[industry]
    earned = {AccountType.REVENUE: Decimal(0), AccountType.EXPENSE: Decimal(0)}
    rows = Transaction.objects.for_entity(made.entity).filter(
        status=Status.POSTED, date__range=(YEAR.start, YEAR.end)
    )
    for row in rows.select_related("debit_account", "credit_account"):
        for account, amount in ((row.debit_account, row.amount), (row.credit_account, -row.amount)):
            if account.type in earned:
                earned[AccountType(account.type)] += amount
    scope = new_scope(entity=made.entity, ledger=made.ledger)
    statement = income_statement(read_frame(scope, YEAR))
    assert statement.net_income == -earned[AccountType.REVENUE] - earned[AccountType.EXPENSE]
    assert statement.net_income > 0


@every_industry
def test_cash_at_the_end_is_what_the_banks_hold_and_what_is_on_its_way_there(
    industry: str, companies: dict[str, Sandbox]
) -> None:
    made = companies[industry]
    stands = {
        line.account_id: line.debit - line.credit
        for line in trial_balance(entity=made.entity, ledger=made.ledger, pending=True).lines
    }
    # By what the banks say, and what the processors of card payments still have.
    cash = Decimal(0)
    for account in made.bank_accounts:
        assert account.balance_current is not None
        if account.type == "depository":
            cash += account.balance_current
        else:
            assert account.balance_current == -stands[account.ledger_account_id] > 0
    for clearing in Account.objects.for_entity(made.entity).filter(financial_type="UNDEPOSITED_FUNDS"):
        cash += stands.get(clearing.id, Decimal(0))
    frame = read_frame(new_scope(entity=made.entity, ledger=made.ledger, status=StatusFilter.ALL), YEAR)
    assert cash_flow_statement(frame).ending_cash == balance_sheet(frame).cash == cash > 0


@every_industry
@pytest.mark.parametrize("pending", [False, True])
def test_other_programs_find_no_error_and_the_same_balances(
    industry: str, pending: bool, companies: dict[str, Sandbox], tmp_path: Path
) -> None:
    made = companies[industry]
    books = Books(made.entity, made.ledger, pending=pending)

    file = written(tmp_path, books, ExportFormat.BEANCOUNT)
    bean_check(file)
    balances = beancount_balances(file)
    assert len(balances) > 25
    assert balances == by_beancount_name(books, file)

    file = written(tmp_path, books, ExportFormat.HLEDGER)
    hledger(file, "check", "--strict", "ordereddates")
    assert hledger_balances(file) == our_balances_by_path(books)
