"""Closing and reopening the books, and verifying them, in the back office."""

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.messages import get_messages

from banking.reconciliation.services import complete_reconciliation, start_reconciliation
from banking.tests.cast import Banked, make_banked
from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.clock import utc_now
from ledger.db import execute
from ledger.models import AuditEvent, Entity
from ledger.services.periods import close_books
from ledger.tests.helpers import run_background
from ledger.tests.office import OfficeClient, office_client
from ledger.times import day_of
from reports.standing import end_of_last_month
from reports.tests.conftest import make_company, post
from transactions.choices import Status
from transactions.services import verifying

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def bakery(db: None) -> Banked:
    return make_banked()


@pytest.fixture
def ann(bakery: Banked) -> OfficeClient:
    return office_client(bakery.entity, Role.ACCOUNTANT, name="ann")


def closed_through(company: Banked) -> dt.date | None:
    return Entity.objects.get(pk=company.entity.pk).books_closed_through


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def open_points(page: Any) -> list[str]:
    return [name for name, done in page.context["checklist"].points.items() if not done]


def work_off(company: Banked, end: dt.date) -> None:
    """Reconcile every bank account, and verify the books."""
    for account in (company.checking, company.savings, company.card):
        made = start_reconciliation(
            entity=company.entity,
            bank_account_id=account.id,
            statement_date=end,
            statement_balance=Decimal(0),
            actor=SYSTEM,
        )
        complete_reconciliation(entity=company.entity, reconciliation_id=made, actor=SYSTEM)
    verifying.ask_for_verification(entity=company.entity, actor=SYSTEM)


def test_the_checklist_says_what_is_open_up_to_the_end_of_the_month(
    bakery: Banked, ann: OfficeClient
) -> None:
    end = end_of_last_month(bakery.entity)
    post(bakery, end, 5, bakery.rent, bakery.bank, status=Status.PENDING)
    post(bakery, end, 6, bakery.uncategorized_expense, bakery.bank)
    # What is of this month is nothing to last month's closing.
    post(bakery, end + DAY, 7, bakery.rent, bakery.bank, status=Status.PENDING)

    page = ann.page("closing", bakery.entity)

    assert page.context["through"] == end
    assert open_points(page) == ["approved", "categorized", "reconciled", "verified"]
    assert (page.context["checklist"].work.to_approve, page.context["checklist"].open_points) == (1, 4)
    html = page.content.decode()
    assert "Checking ••1234: never" in html
    assert "Not verified yet" in html


def test_a_month_with_nothing_open_is_closed_at_once(bakery: Banked, ann: OfficeClient) -> None:
    end = end_of_last_month(bakery.entity)
    work_off(bakery, end)
    assert open_points(ann.page("closing", bakery.entity)) == []

    answer = ann.send("closing", bakery.entity, {"action": "close", "through": str(end)})

    assert answer.status_code == 302
    assert "closed through" in said(answer)
    assert closed_through(bakery) == end
    event = AuditEvent.objects.get(scope_id=bakery.entity.id, action="ledger.books.closed")
    assert (event.actor_kind, event.actor_label) == ("user", "ann")


def test_a_month_with_something_open_is_closed_only_when_that_is_confirmed(
    bakery: Banked, ann: OfficeClient
) -> None:
    end = end_of_last_month(bakery.entity)
    form = {"action": "close", "through": str(end)}

    refused = ann.send("closing", bakery.entity, form)
    assert closed_through(bakery) is None
    assert "2 points are open" in said(refused)

    ann.send("closing", bakery.entity, form | {"confirmed": "on"})
    assert closed_through(bakery) == end


def test_reopening_asks_for_a_reason_and_keeps_it(bakery: Banked, ann: OfficeClient) -> None:
    end = end_of_last_month(bakery.entity)
    before = end.replace(day=1) - DAY
    close_books(entity=bakery.entity, through=end, actor=SYSTEM)
    form = {"action": "reopen", "through": str(before)}

    refused = ann.send("closing", bakery.entity, form | {"reason": "  "})
    assert refused.status_code == 422
    assert "Say why the books are reopened" in refused.content.decode()
    assert closed_through(bakery) == end

    ann.send("closing", bakery.entity, form | {"reason": "The landlord's bill came late"})
    assert closed_through(bakery) == before
    page = ann.page("closing", bakery.entity)
    history = [(one.closed, one.through, one.before, one.reason) for one in page.context["history"]]
    assert history == [
        (False, before, end, "The landlord's bill came late"),
        (True, end, None, ""),
    ]
    assert "The landlord&#x27;s bill came late" in page.content.decode()
    ann.send("closing", bakery.entity, {"action": "reopen", "through": "", "reason": "All anew"})
    assert closed_through(bakery) is None


def test_only_months_that_have_ended_and_are_open_can_be_closed(bakery: Banked, ann: OfficeClient) -> None:
    end = end_of_last_month(bakery.entity)
    close_books(entity=bakery.entity, through=end, actor=SYSTEM)

    assert "Every month that has ended is closed" in ann.page("closing", bakery.entity).content.decode()
    for through, says in (("2199-12-31", "has not ended yet"), ("2020-01-31", "would reopen days")):
        answer = ann.send(
            "closing", bakery.entity, {"action": "close", "through": through, "confirmed": "on"}
        )
        assert says in said(answer)
        assert closed_through(bakery) == end
    for through, says in ((str(end), "closed period already"), ("soon", "is not a day")):
        answer = ann.page("closing", bakery.entity, query={"through": through})
        assert (answer.status_code, says in said(answer)) == (302, True)


def test_who_may_close_and_who_may_only_look(bakery: Banked) -> None:
    end = end_of_last_month(bakery.entity)
    stranger = make_company("Stranger")
    form = {"action": "close", "through": str(end), "confirmed": "on"}

    for client, sees, closes in (
        (office_client(stranger.entity), 404, 404),
        (office_client(bakery.entity, Role.OPERATOR), 403, 403),
        (office_client(bakery.entity, Role.AUDITOR), 200, 403),
    ):
        assert client.page("closing", bakery.entity).status_code == sees
        assert client.send("closing", bakery.entity, form).status_code == closes
        assert closed_through(bakery) is None
    auditor = office_client(bakery.entity, Role.AUDITOR).page("closing", bakery.entity)
    assert "Close the books through" not in auditor.content.decode()
    office_client(bakery.entity, Role.OWNER).send("closing", bakery.entity, form)
    assert closed_through(bakery) == end


def test_an_auditor_has_the_books_verified_and_sees_what_is_wrong(bakery: Banked) -> None:
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)
    audrey = office_client(bakery.entity, Role.AUDITOR, name="audrey")
    assert "were not verified yet" in audrey.page("verification", bakery.entity).content.decode()

    answer = audrey.send("verification", bakery.entity)
    assert said(answer) == "The books are right."
    execute("UPDATE accounts_accountday SET debits_posted = 251 WHERE account_id = %s", [bakery.cash.id])
    audrey.send("verification", bakery.entity)

    html = audrey.page("verification", bakery.entity).content.decode()
    assert "debits_posted is 251" in html
    assert "asked for by audrey" in html
    assert open_points(office_client(bakery.entity).page("closing", bakery.entity))[-1] == "verified"


def test_big_books_are_verified_in_the_background(
    bakery: Banked, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(bakery, "2024-03-10", 250, bakery.cash, bakery.sales)
    monkeypatch.setattr(verifying, "_AT_ONCE_MAX", 0)

    answer = ann.send("verification", bakery.entity)

    assert "being verified (task_" in said(answer)
    assert "A verification is under way" in ann.page("verification", bakery.entity).content.decode()
    run_background(bakery.entity)
    assert "The books are right" in ann.page("verification", bakery.entity).content.decode()


def test_verification_is_for_those_who_may_read_the_books(bakery: Banked) -> None:
    operator = office_client(bakery.entity, Role.OPERATOR)
    stranger = office_client(make_company("Stranger").entity)

    assert operator.page("verification", bakery.entity).status_code == 403
    assert operator.send("verification", bakery.entity).status_code == 403
    assert stranger.send("verification", bakery.entity).status_code == 404
    assert not AuditEvent.objects.filter(action="ledger.books.verified").exists()


@pytest.mark.parametrize(("minutes", "is_verified"), [(-1, False), (0, True)])
def test_a_verification_counts_by_when_it_began_in_the_time_zone_of_the_company(
    bakery: Banked, ann: OfficeClient, monkeypatch: pytest.MonkeyPatch, minutes: int, is_verified: bool
) -> None:
    Entity.objects.filter(id=bakery.entity.id).update(timezone="America/New_York")
    bakery.entity.refresh_from_db()
    end = end_of_last_month(bakery.entity)
    # Hours after that day has ended in Greenwich.
    midnight = dt.datetime.combine(end + DAY, dt.time(), ZoneInfo("America/New_York"))
    began_at = (midnight + dt.timedelta(minutes=minutes)).astimezone(dt.UTC)
    monkeypatch.setattr(verifying, "utc_now", lambda: began_at)
    work_off(bakery, end)
    page = ann.page("closing", bakery.entity, query={"through": end.isoformat()})
    assert page.context["checklist"].points["verified"] is is_verified
    text = f"Last verified on {end.day} {end:%b %Y}, before {end.day} {end:%b %Y} had ended"
    assert (text in page.content.decode()) is not is_verified


@pytest.mark.parametrize("day", ["0001-05-31", "1899-12-31", "2201-01-31", "9999-12-31", "31 May"])
def test_days_that_books_cannot_have_close_and_reopen_nothing(
    bakery: Banked, ann: OfficeClient, day: str
) -> None:
    answer = ann.send("closing", bakery.entity, {"through": day, "confirmed": "on"})
    assert "no day that books have" in ann.says_after(answer)
    assert closed_through(bakery) is None
    reopened = ann.send("closing", bakery.entity, {"action": "reopen", "through": day, "reason": "x"})
    assert reopened.status_code == 422


def test_a_day_that_has_not_ended_is_not_closed(bakery: Banked, ann: OfficeClient) -> None:
    today = day_of(utc_now(), bakery.entity.zone)
    answer = ann.send("closing", bakery.entity, {"through": today.isoformat(), "confirmed": "on"})
    assert "has not ended yet" in ann.says_after(answer)
    assert closed_through(bakery) is None
