"""An account's ledger: entries newest first with the balance after each, whatever page one begins at."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.choices import Side
from accounts.tests.conftest import make_account
from ledger.actors import SYSTEM
from transactions.account_ledger import (
    Entry,
    Position,
    last_months,
    ledger_entries,
    position_of,
    sums_until,
)
from transactions.choices import Change, Status
from transactions.services import move_transactions, post_batch, reverse_transaction
from transactions.tests.conftest import NOON, Company

pytestmark = pytest.mark.django_db
A_DAY = dt.timedelta(days=1)


def balances(entries: list[Entry]) -> list[Decimal | None]:
    return [entry.balance for entry in entries]


def test_each_entry_has_the_balance_after_it(bakery: Company) -> None:
    bakery.posted("100", debit=bakery.cash, credit=bakery.sales, at=NOON)
    bakery.posted("30", at=NOON + dt.timedelta(hours=1))
    bakery.posted("20", at=NOON + 40 * A_DAY)

    entries: Any = ledger_entries(bakery.entity, [bakery.cash.id], limit=10)

    assert [(one.side, one.amount) for one in entries] == [
        (Side.CREDIT, 20), (Side.CREDIT, 30), (Side.DEBIT, 100),
    ]  # fmt: skip
    assert balances(entries) == [50, 70, 100]
    assert [one.other_name for one in entries] == ["Rent", "Rent", "Sales"]


def test_what_is_not_posted_changes_no_balance_and_what_expired_is_not_there(bakery: Company) -> None:
    bakery.posted("100", debit=bakery.cash, credit=bakery.sales)
    bakery.post("30", at=NOON + A_DAY)
    gone = bakery.post("5", at=NOON + 2 * A_DAY)
    move_transactions(
        entity=bakery.entity, ids=[gone.id], to=Status.EXPIRED, change=Change.EXPIRED, actor=SYSTEM
    )

    entries: Any = ledger_entries(bakery.entity, [bakery.cash.id], limit=10)

    assert balances(entries) == [None, 100]
    posted = ledger_entries(bakery.entity, [bakery.cash.id], limit=10, posted_only=True)
    assert balances(posted) == [100]


def test_a_reversal_and_what_it_reversed_both_stand_there(bakery: Company) -> None:
    rent = bakery.posted("30")
    reverse_transaction(entity=bakery.entity, transaction_id=rent.id, actor=SYSTEM)
    entries: Any = ledger_entries(bakery.entity, [bakery.rent.id], limit=10)
    assert balances(entries) == [0, 30]


def test_pages_go_on_where_the_one_before_ended_with_the_same_balances(bakery: Company) -> None:
    # Many of one moment: then the ids decide.
    for number in range(1, 8):
        bakery.posted(str(number), at=NOON + (number // 3) * A_DAY)
    whole = ledger_entries(bakery.entity, [bakery.rent.id], limit=100)

    pages: list[Entry] = []
    after = None
    while page := ledger_entries(bakery.entity, [bakery.rent.id], limit=2, after=after):
        pages += page
        after = position_of(page[-1])

    assert pages == whole
    assert whole[0].balance == 28


def test_an_account_with_those_below_shows_both_sides_of_what_moves_between_them(bakery: Company) -> None:
    till = make_account(bakery.ledger, "Till", parent=bakery.cash)
    bakery.posted("100", debit=bakery.cash, credit=bakery.sales, at=NOON)
    bakery.posted("40", debit=till, credit=bakery.cash, at=NOON + A_DAY)
    bakery.posted("15", credit=till, at=NOON + 2 * A_DAY)
    ids = [bakery.cash.id, till.id]

    entries: Any = ledger_entries(bakery.entity, ids, limit=10)

    assert [(one.account_name, one.signed) for one in entries] == [
        ("Till", -15), ("Till", 40), ("Cash", -40), ("Cash", 100),
    ]  # fmt: skip
    assert balances(entries) == [85, 100, 60, 100]
    # Also where a page ends between the two.
    pages = ledger_entries(bakery.entity, ids, limit=2)
    pages += ledger_entries(bakery.entity, ids, limit=2, after=position_of(pages[-1]))
    assert pages == entries


def test_days_narrow_the_entries_and_not_the_balances(bakery: Company) -> None:
    for number in range(6):
        bakery.posted("10", at=NOON + number * A_DAY)
    first, last = NOON.date() + A_DAY, NOON.date() + 3 * A_DAY

    entries: Any = ledger_entries(bakery.entity, [bakery.rent.id], limit=10, date_from=first, date_to=last)

    assert balances(entries) == [40, 30, 20]
    sums: Any = sums_until(bakery.entity, [bakery.rent.id], [first - A_DAY, last, None])
    assert [one.net for one in sums] == [10, 40, 60]


def test_months_without_entries_stand_between_the_others(bakery: Company) -> None:
    bakery.posted("5", at=NOON - 400 * A_DAY)
    bakery.posted("10", at=NOON)
    bakery.posted("20", at=NOON + 62 * A_DAY)

    months: Any = last_months(bakery.entity, [bakery.rent.id], last=dt.date(2024, 5, 31), count=4)

    assert [(one.first_day.month, one.change, one.balance) for one in months] == [
        (2, 0, 5), (3, 10, 15), (4, 0, 15), (5, 20, 35),
    ]  # fmt: skip


def test_another_companys_account_has_no_entries(bakery: Company, stranger: Company) -> None:
    stranger.posted("10")
    assert ledger_entries(bakery.entity, [stranger.rent.id], limit=10) == []
    assert sums_until(bakery.entity, [stranger.rent.id], [None])[0].net == 0


@pytest.mark.parametrize("with_others", [False, True])
def test_a_page_takes_two_queries_from_the_indexes_by_account_and_week(
    bakery: Company, with_others: bool
) -> None:
    drafts = [
        bakery.draft(
            credit=bakery.bank, debit=bakery.loan, at=NOON + n * dt.timedelta(hours=3), status=Status.POSTED
        )
        for n in range(6_000)
    ]
    drafts += [bakery.draft(at=NOON + n * A_DAY) for n in range(50)]
    assert post_batch(entity=bakery.entity, drafts=drafts, actor=SYSTEM) == {}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_transaction")
    ids = [bakery.bank.id, bakery.rent.id] if with_others else [bakery.bank.id]
    deep = ledger_entries(bakery.entity, ids, limit=3_000)[-1]

    for after in (None, position_of(deep)):
        with CaptureQueriesContext(connection) as queries:
            entries = ledger_entries(bakery.entity, ids, limit=50, after=after)
        assert len(queries) == 2
        assert len(entries) == 50
        for query in queries:
            plan = _plan(query["sql"], bakery, ids, entries[0], after)
            assert "Seq Scan on transactions_transaction" not in plan
            assert "transaction_by_debit" in plan
            assert "transaction_by_credit" in plan


def _plan(sql: str, company: Company, ids: list[UUID], first: Entry, after: Position | None) -> str:
    params: dict[str, Any] = {
        "entity": company.entity.id,
        "accounts": "{" + ",".join(str(one) for one in ids) + "}",
        "date_from": None,
        "date_to": None,
        "date": first.date,
        "timestamp": first.timestamp,
        "id": first.transaction_id,
        "month": first.date.replace(day=1),
    }
    if after is not None and "LATERAL" in sql:
        params |= {"date": after.date, "timestamp": after.timestamp, "id": after.id}
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql, params)
        return "\n".join(line for (line,) in cursor.fetchall())
