"""The daily comparison of banks and books."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from accounts.balances import net_debits_of
from banking.models import BankAccount, TieOut
from banking.reconciliation.background import tie_out_banks
from banking.reconciliation.tie_out import list_tie_outs, tie_out
from banking.tests.reconciliation_cast import Bakery, day
from ledger.ids import Prefix, encode_id, new_id
from transactions.choices import Status
from transactions.tests.conftest import make_company

pytestmark = pytest.mark.django_db


@pytest.fixture
def bakery(db: None) -> Bakery:
    return Bakery()


def reported(bank: BankAccount, balance: str | None, on: str = "2024-01-31", hour: int = 12) -> None:
    """The bank says a balance."""
    bank.balance_current = None if balance is None else Decimal(balance)
    bank.balance_at = dt.datetime.combine(day(on), dt.time(hour), dt.UTC)
    bank.save()


def rows(bakery: Bakery, **filters: Any) -> list[tuple[Any, ...]]:
    return [
        (one.bank_account_name, str(one.date), one.bank_balance, one.books_balance)
        for one in list_tie_outs(bakery.entity, limit=100, **filters)
    ]


def test_money_in_an_account_and_money_owed_on_a_card_tie_out_in_the_banks_sign(bakery: Bakery) -> None:
    bakery.earn("100", "2023-12-31", status=Status.POSTED)
    bakery.spend("30", "2024-01-31", status=Status.PENDING)
    bakery.earn("99", "2024-02-01")  # after the day
    bakery.spend("40", "2024-01-05", bank=bakery.card)
    bakery.earn("15", "2024-01-06", bank=bakery.card)
    reported(bakery.checking, "70")
    reported(bakery.card, "20")

    assert tie_out(bakery.entity) == 2
    assert sorted(rows(bakery)) == [("Bank", "2024-01-31", 70, 70), ("Card", "2024-01-31", 20, 25)]
    differences = {one.bank_account_name: one.difference for one in list_tie_outs(bakery.entity, limit=9)}
    assert differences == {"Bank": 0, "Card": -5}


def test_the_day_is_the_companys_not_utcs() -> None:
    bakery = Bakery(company=make_company("Bakery", zone="America/New_York"))
    reported(bakery.checking, "0", "2024-02-01", hour=3)
    tie_out(bakery.entity)
    assert [one[1] for one in rows(bakery)] == ["2024-01-31"]


def test_a_second_run_of_a_day_renews_its_row(bakery: Bakery) -> None:
    reported(bakery.checking, "10")
    tie_out(bakery.entity)
    bakery.earn("10")
    tie_out(bakery.entity)
    assert rows(bakery) == [("Bank", "2024-01-31", 10, 10)]
    reported(bakery.checking, "12", "2024-02-01")
    tie_out(bakery.entity)
    assert [one[1] for one in rows(bakery)] == ["2024-02-01", "2024-01-31"]


def test_accounts_without_a_balance_or_a_connection_are_left_alone(bakery: Bakery) -> None:
    reported(bakery.checking, None)
    reported(bakery.card, "0")
    bakery.card.disconnected_at = bakery.card.created_at
    bakery.card.save()
    assert tie_out(bakery.entity) == 0
    assert rows(bakery) == []


def test_who_differs_for_the_second_day_running_is_logged(bakery: Bakery) -> None:
    def run(balance: str, on: str) -> list[Any]:
        reported(bakery.checking, balance, on)
        with capture_logs() as logs:
            tie_out(bakery.entity)
        return [one for one in logs if one["log_level"] == "warning"]

    assert run("5", "2024-01-29") == []
    (warning,) = run("7", "2024-01-30")
    assert warning["event"] == "banking.bank_and_books_differ"
    assert warning["bank_account"] == encode_id(Prefix.BANK_ACCOUNT, bakery.checking.id)
    assert (warning["date"], warning["since"]) == ("2024-01-30", "2024-01-29")
    assert Decimal(warning["difference"]) == 7
    # A day on which they agree ends it.
    assert run("0", "2024-01-31") == []
    assert run("3", "2024-02-01") == []


def test_filters_and_the_newest_of_each_account_are_one_query(bakery: Bakery) -> None:
    for on in ("2024-01-29", "2024-01-30", "2024-01-31"):
        reported(bakery.checking, "1", on)
        if on != "2024-01-31":
            reported(bakery.card, "2", on)
        tie_out(bakery.entity)
    assert len(rows(bakery)) == 5
    assert len(rows(bakery, bank_account_id=bakery.card.id)) == 2
    assert len(rows(bakery, date_from=day("2024-01-30"), date_to=day("2024-01-30"))) == 2
    with CaptureQueriesContext(connection) as queries:
        newest = rows(bakery, latest=True)
    assert len(queries) == 1
    assert [one[:2] for one in newest] == [("Bank", "2024-01-31"), ("Card", "2024-01-30")]
    assert rows(Bakery("Stranger")) == []


@pytest.mark.parametrize("accounts", [1, 5])
def test_tying_out_is_four_statements_for_any_number_of_accounts(bakery: Bakery, accounts: int) -> None:
    for number in range(accounts):
        card = bakery.company.loan
        card.pk, card.name = new_id(), f"Card {number}"
        card.save(force_insert=True)
        reported(bakery.bank_account(card), "1")
    with CaptureQueriesContext(connection) as queries:
        assert tie_out(bakery.entity) == accounts
    assert len(queries) == 4


def test_the_task_queues_each_company_and_each_run_ties_it_out(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[str] = []
    monkeypatch.setattr(tie_out_banks, "delay", queued.append)
    reported(bakery.checking, "1")
    Bakery("Without a balance")
    tie_out_banks()
    assert queued == [str(bakery.entity.id)]

    tie_out_banks(queued[0])
    tie_out_banks(queued[0])
    assert TieOut.objects.count() == 1
    # One that was removed meanwhile is nobody's loss.
    tie_out_banks(str(new_id()))


def test_beat_runs_it_and_the_worker_knows_it() -> None:
    current_app.loader.import_default_modules()
    assert "banking.tie_out" in current_app.tasks
    assert "banking.tie_out" in {entry["task"] for entry in current_app.conf.beat_schedule.values()}


def test_net_debits_are_as_of_a_day_each_in_the_order_asked(bakery: Bakery) -> None:
    bakery.earn("100", "2023-11-15")
    bakery.spend("30", "2024-01-10", status=Status.POSTED)
    bank, sales = bakery.company.bank.id, bakery.company.sales.id
    wanted = [
        (bank, day("2024-01-10")),
        (bank, day("2024-01-09")),
        (sales, day("2023-11-15")),
        (bank, day("2023-11-14")),
        (new_id(), day("2024-01-10")),
    ]
    assert net_debits_of(bakery.entity.id, wanted) == [70, 100, -100, 0, 0]
    assert net_debits_of(bakery.entity.id, []) == []
