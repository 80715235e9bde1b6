"""Months in words, from the statements."""

import datetime as dt
from decimal import Decimal

import pytest

from ai.chat import summaries
from ai.chat.background import write_summaries
from ai.chat.summaries import write_summary
from ai.models import Summary
from ledger.actors import SYSTEM
from ledger.services.entities import delete_entity
from ledger.services.settings import update_settings
from ledger.tests.helpers import run_background
from transactions.tests.conftest import Company, make_company

pytestmark = pytest.mark.django_db
MARCH = dt.date(2024, 3, 1)
PATH = "/v1/ai/summaries"


def at(day: int, month: int = 3) -> dt.datetime:
    return dt.datetime(2024, month, day, 12, tzinfo=dt.UTC)


def clock(monkeypatch: pytest.MonkeyPatch, moment: dt.datetime) -> None:
    monkeypatch.setattr(summaries, "utc_now", lambda: moment)


def switch_on(company: Company) -> None:
    update_settings(entity=company.entity, changes={"smart_summary": True}, actor=SYSTEM)


def test_a_month_is_told_from_its_statements(bakery: Company) -> None:
    bakery.posted("1000", debit=bakery.cash, credit=bakery.sales, at=at(5, 2))
    bakery.posted("1500", debit=bakery.cash, credit=bakery.sales, at=at(5))
    bakery.posted("400", debit=bakery.rent, at=at(6))
    bakery.posted("100", debit=bakery.software, at=at(7))
    bakery.post("9", debit=bakery.software, at=at(8))

    assert write_summary(bakery.entity, MARCH)

    summary = Summary.objects.get(entity_id=bakery.entity.id)
    assert summary.text == (
        "In March 2024 revenue was $1,500.00 (50.0% more than the month before) and expenses were $500.00: "
        "a net income of $1,000.00, after $1,000.00 the month before. The largest expenses were Rent "
        "($400.00), Software ($100.00). Cash rose by $1,000.00 to $2,000.00. 1 transaction of the month is "
        "not posted yet and not in these figures."
    )
    assert Decimal(summary.figures["netIncome"]) == 1000


def test_a_loss_and_a_month_without_anything_are_told(bakery: Company) -> None:
    bakery.posted("40", debit=bakery.rent, at=at(6))

    write_summary(bakery.entity, MARCH)
    write_summary(bakery.entity, dt.date(2024, 1, 1))

    empty, loss = Summary.objects.filter(entity_id=bakery.entity.id).order_by("month")
    assert "a net loss of $40.00" in loss.text
    assert "Cash fell by $40.00 to -$40.00." in loss.text
    assert empty.text == "Nothing was earned or spent in January 2024. Cash stayed at $0.00."


def test_a_month_is_told_once(bakery: Company) -> None:
    assert write_summary(bakery.entity, MARCH)
    assert not write_summary(bakery.entity, MARCH)

    assert Summary.objects.filter(entity_id=bakery.entity.id).count() == 1


def test_only_companies_that_want_them_have_summaries(
    bakery: Company, stranger: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(bakery)
    clock(monkeypatch, dt.datetime(2024, 4, 1, 0, 30, tzinfo=dt.UTC))

    assert write_summaries() == 1
    run_background(bakery.entity)

    assert [one.month for one in Summary.objects.all()] == [MARCH]
    assert Summary.objects.get().entity_id == bakery.entity.id
    assert write_summaries() == 0


def test_a_month_ends_in_the_companys_own_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    new_york = make_company("East", zone="America/New_York")
    auckland = make_company("South", zone="Pacific/Auckland")
    switch_on(new_york)
    switch_on(auckland)

    # Noon of 31 March in UTC is 1 April in Auckland.
    clock(monkeypatch, dt.datetime(2024, 3, 31, 12, tzinfo=dt.UTC))
    write_summaries()
    run_background(new_york.entity)
    run_background(auckland.entity)

    months = dict(Summary.objects.values_list("entity_id", "month"))
    assert months == {new_york.entity.id: dt.date(2024, 2, 1), auckland.entity.id: MARCH}


def test_the_list_has_the_newest_first_and_pages(bakery: Company, stranger: Company) -> None:
    for month in (1, 2, 3):
        write_summary(bakery.entity, dt.date(2024, month, 1))
    write_summary(stranger.entity, MARCH)
    caller = bakery.caller()

    first = caller.get(PATH, {"pageSize": 2}).json()
    second = caller.get(PATH, {"pageSize": 2, "cursor": first["nextCursor"]}).json()

    assert [one["month"] for one in first["summaries"]] == [3, 2]
    assert [one["month"] for one in second["summaries"]] == [1]
    assert first["hasMore"]
    assert not second["hasMore"]
    assert first["summaries"][0]["endDate"] == "2024-03-31"
    assert first["summaries"][0]["figures"]["revenue"] == 0


def test_summaries_go_with_their_company(bakery: Company) -> None:
    write_summary(bakery.entity, MARCH)

    delete_entity(entity=bakery.entity, actor=SYSTEM)
    run_background(bakery.entity)

    assert not Summary.objects.filter(entity_id=bakery.entity.id).exists()
