"""Random charts and books, and what must hold in every statement of them."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.financial_types import FINANCIAL_TYPES
from accounts.models import Account, AccountDay, AccountMonth
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from reports.basis import Basis
from reports.identities import broken_identities, check_ledger
from reports.periods import (
    Period,
    fiscal_year_period,
    fiscal_year_start,
    month_period,
    range_period,
    year_period,
)
from reports.read import new_scope, read_frames
from reports.statements.balance_sheet import balance_sheet
from reports.statements.general_ledger import iterate_entries, read_general_ledger
from reports.statements.income_statement import income_statement
from reports.sums import StatusFilter, exactly
from reports.tests.conftest import Company, frame_of, make_company, post
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.services import (
    approve_transactions,
    delete_transaction,
    post_batch,
    reverse_transaction,
)
from transactions.verification import verify_books

FIRST, LAST = dt.date(2021, 11, 1), dt.date(2025, 3, 31)
DAYS = st.dates(FIRST, LAST)


@st.composite
def charts(draw: Any) -> list[tuple[str, int | None]]:
    """Accounts as financial type and the place of the parent, which is of the same type and stands before."""
    codes = draw(st.lists(st.sampled_from(sorted(FINANCIAL_TYPES)), min_size=4, max_size=14))
    found: list[tuple[str, int | None]] = [("CASH", None), ("SALES", None)]
    for code in codes:
        alike = [
            place
            for place, (other, _) in enumerate(found)
            if FINANCIAL_TYPES[other].type is FINANCIAL_TYPES[code].type
        ]
        # As deep as it can be, or at the top, or anywhere.
        found.append((code, draw(st.sampled_from([None, alike[-1], *alike])) if alike else None))
    return found


@st.composite
def books(draw: Any) -> dict[str, Any]:
    chart = draw(charts())
    place = st.integers(0, len(chart) - 1)
    entry = st.tuples(
        DAYS,
        place,
        place,
        st.integers(1, 10**9),
        st.sampled_from([Status.POSTED, Status.POSTED, Status.PENDING]),
        st.sampled_from(["keep", "keep", "reverse", "approve", "delete"]),
    )
    return {
        "chart": chart,
        "entries": draw(st.lists(entry, min_size=3, max_size=25)),
        "fiscal_year_start": draw(st.integers(1, 12)),
        "reversed_on": draw(DAYS),
    }


def make(company: Company, made: dict[str, Any]) -> list[Account]:
    """Write the books into a company."""
    accounts: list[Account] = []
    for code, parent in made["chart"]:
        kind = FINANCIAL_TYPES[code]
        above = None if parent is None else accounts[parent]
        accounts.append(
            make_account(company.ledger, kind.label, kind.type.value, financial_type=code, parent=above)
        )
    company.entity.fiscal_year_start = made["fiscal_year_start"]
    company.entity.save()
    drafts, fates = [], []
    for day, debit, credit, cents, status, fate in made["entries"]:
        if debit == credit:
            continue
        moment = dt.datetime.combine(day, dt.time(12), dt.UTC)
        drafts.append(
            Draft(
                debit_account_id=accounts[debit].id,
                credit_account_id=accounts[credit].id,
                amount=Decimal(cents).scaleb(-2),
                currency="USD",
                timestamp=moment,
                date=day,
                status=status,
            )
        )
        fates.append(fate)
    assert not post_batch(entity=company.entity, drafts=drafts, actor=SYSTEM)
    later = dt.datetime.combine(made["reversed_on"], dt.time(15), dt.UTC)
    for draft, fate in zip(drafts, fates, strict=True):
        is_pending = draft.status == Status.PENDING
        if fate == "reverse" and not is_pending:
            reverse_transaction(
                entity=company.entity,
                transaction_id=draft.id,
                actor=SYSTEM,
                on=max(later, draft.timestamp),
            )
        elif fate == "approve" and is_pending:
            approve_transactions(entity=company.entity, ids=[draft.id], actor=SYSTEM)
        elif fate == "delete" and is_pending:
            delete_transaction(entity=company.entity, transaction_id=draft.id, actor=SYSTEM)
    return accounts


def periods(made: dict[str, Any], extra: list[dt.date]) -> list[Period]:
    """Months, years, fiscal years, and ranges that cut months."""
    first = made["fiscal_year_start"]
    start, end = min(extra), max(extra)
    return [
        month_period(2022, 2),
        month_period(start.year, start.month),
        year_period(2023),
        fiscal_year_period(2024, first_month=first),
        range_period(start, end),
        range_period(end, end),
        range_period(None, end),
    ]


SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SETTINGS
@given(made=books(), cuts=st.lists(DAYS, min_size=2, max_size=2))
def test_the_identities_hold_for_any_books(db: None, made: dict[str, Any], cuts: list[dt.date]) -> None:
    with transaction.atomic():
        company = make_company("Random", zone="UTC")
        make(company, made)
        assert list(check_ledger(company.entity, company.ledger, periods(made, cuts))) == []
        assert [found for found in verify_books(company.entity) if found.check == "statements"] == []
        transaction.set_rollback(True)


def brute_force(
    company: Company, period: Period, status: StatusFilter
) -> dict[UUID, tuple[Decimal, Decimal]]:
    """What each account moved, added up from the transactions one by one."""
    from transactions.models import Transaction

    counted = {Status.POSTED, Status.REVERSED}
    if status is StatusFilter.ALL:
        counted |= {Status.PENDING, Status.CLEARED, Status.RECONCILED}
    found: dict[UUID, tuple[Decimal, Decimal]] = {}
    for one in Transaction.objects.filter(entity_id=company.entity.id):
        if one.status in counted and period.start <= one.date <= period.end:
            debits, credits = found.get(one.debit_account_id, (Decimal(0), Decimal(0)))
            found[one.debit_account_id] = (debits + one.amount, credits)
            debits, credits = found.get(one.credit_account_id, (Decimal(0), Decimal(0)))
            found[one.credit_account_id] = (debits, credits + one.amount)
    return found


@SETTINGS
@given(made=books(), cuts=st.lists(DAYS, min_size=2, max_size=2))
def test_sums_of_days_and_months_are_those_of_the_transactions(
    db: None, made: dict[str, Any], cuts: list[dt.date]
) -> None:
    with transaction.atomic():
        company = make_company("Random", zone="UTC")
        make(company, made)
        wanted = periods(made, cuts)
        now = dt.datetime.now(dt.UTC)
        for status in StatusFilter:
            for known_at in (None, now):
                scope = new_scope(
                    entity=company.entity, ledger=company.ledger, status=status, known_at=known_at
                )
                for frame in read_frames(scope, wanted):
                    ids = {account.key: account.id for account in frame.books.accounts}
                    moved = frame.turnovers(frame.period)
                    found = {ids[key]: tuple(value) for key, value in moved.items()}
                    assert found == brute_force(company, frame.period, status), frame.period
        transaction.set_rollback(True)


@SETTINGS
@given(made=books(), cuts=st.lists(DAYS, min_size=2, max_size=2), basis=st.sampled_from(list(Basis)))
def test_every_figure_is_the_sum_of_its_entries(
    db: None, made: dict[str, Any], cuts: list[dt.date], basis: Basis
) -> None:
    with transaction.atomic():
        company = make_company("Random", zone="UTC")
        make(company, made)
        period = range_period(min(cuts), max(cuts))
        frame = frame_of(company, period, status=StatusFilter.ALL)
        frame = replace(frame, scope=replace(frame.scope, basis=basis))
        with exactly():
            for name, figure in frame.figures(period).items():
                if name == "balance":
                    continue
                ledger = read_general_ledger(frame.scope, period, figure=name)
                assert ledger.total == figure, name
                entries = list(iterate_entries(ledger, chunk=7))
                assert sum((entry.amount for entry in entries), Decimal(0)) == figure, name
                last = {entry.account.id: entry.running_balance for entry in entries}
                for one in ledger.accounts:
                    assert last.get(one.account.id, one.opening) == one.closing
        transaction.set_rollback(True)


def test_a_broken_identity_is_named_with_both_figures(bakery: Company) -> None:
    post(bakery, "2024-03-15", "10", bakery.cash, bakery.sales)
    frame = frame_of(bakery, month_period(2024, 3))
    assert list(broken_identities(frame)) == []
    wrong = dict(frame.books.moved)
    del wrong[next(one.key for one in frame.books.accounts if one.id == bakery.cash.id)]
    broken = list(broken_identities(replace(frame, books=replace(frame.books, moved=wrong))))
    assert any("assets = liabilities + equity: 0 is not 10" in sentence for sentence in broken)
    assert any("debits = credits" in sentence for sentence in broken)


def test_verify_checks_the_statements(bakery: Company, capsys: Any) -> None:
    post(bakery, "2024-03-15", "10", bakery.cash, bakery.sales)
    call_command("verify", entity=[bakery.entity.public_id])
    AccountMonth.objects.filter(account_id=bakery.cash.id).update(debits_posted=11)
    AccountDay.objects.filter(account_id=bakery.cash.id).update(debits_posted=11)
    with pytest.raises(CommandError):
        call_command("verify", entity=[bakery.entity.public_id])
    assert "statements: March 1, 2024 to March 31, 2024" in capsys.readouterr().out


@pytest.mark.parametrize("first_month", range(1, 13))
def test_earnings_move_to_earlier_years_with_the_fiscal_year(bakery: Company, first_month: int) -> None:
    bakery.entity.fiscal_year_start = first_month
    bakery.entity.save()
    turn = dt.date(2024, first_month, 1)
    post(bakery, turn - dt.timedelta(days=1), "10", bakery.cash, bakery.sales)
    post(bakery, turn, "3", bakery.cash, bakery.sales)
    last_of_old = balance_sheet(frame_of(bakery, range_period(None, turn - dt.timedelta(days=1))))
    first_of_new = balance_sheet(frame_of(bakery, range_period(None, turn)))
    assert last_of_old.earnings_of_earlier_years == 0
    assert last_of_old.earnings_of_this_year == 10
    assert first_of_new.earnings_of_earlier_years == 10
    assert first_of_new.earnings_of_this_year == 3
    year = fiscal_year_period(turn.year + (first_month > 1), first_month=first_month)
    assert year.start == turn == fiscal_year_start(year.end, first_month=first_month)
    assert income_statement(frame_of(bakery, year)).net_income == 3
