"""Links to files: who has one sees that file, for some hours, and nothing else."""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core import signing
from pytest_django import Settings

from ledger.actors import SYSTEM
from ledger.entity_cache import forget_entity
from ledger.services.entities import delete_entity
from ledger.tests.helpers import Caller
from reports.files.formats import FileFormat, formats_of
from reports.files.links import PATH, file_link, open_link
from reports.files.orders import Order, Statement
from reports.periods import year_period
from reports.read import new_scope
from reports.statements.overview import Interval
from reports.sums import StatusFilter
from transactions.tests.conftest import Company, make_company


@pytest.fixture
def bakery(db: None) -> Iterator[Company]:
    made = make_company()
    made.posted("10")
    yield made
    forget_entity(made.entity.id)


def order(company: Company, statement: Statement = Statement.BALANCE_SHEET, **more: Any) -> Order:
    return Order(
        statement, new_scope(entity=company.entity, ledger=company.ledger), year_period(2024), **more
    )


def path_of(link: str, settings: Settings) -> str:
    assert link.startswith(f"{settings.BASE_URL}{PATH}")
    return link.removeprefix(settings.BASE_URL)


@pytest.mark.parametrize("statement", Statement)
def test_a_browser_opens_a_link_without_a_token(
    bakery: Company, settings: Settings, statement: Statement
) -> None:
    for format_ in formats_of(statement):
        response = Caller().get(path_of(file_link(order(bakery, statement), format_), settings))

        assert response.status_code == 200, response.content
        assert response["Content-Type"] == format_.content_type
        assert response["Referrer-Policy"] == "no-referrer"
        assert ("Content-Security-Policy" in response) == (format_ is FileFormat.SVG)
        body = b"".join(response) if response.streaming else response.content
        assert len(body) > 50


def test_a_link_carries_all_that_was_asked_for(bakery: Company) -> None:
    moment = dt.datetime(2025, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)
    scope = new_scope(entity=bakery.entity, ledger=bakery.ledger, status=StatusFilter.ALL, known_at=moment)
    asked = Order(
        Statement.GENERAL_LEDGER, scope, year_period(2023), "year", "cash", bakery.cash.id, False,
        Interval.WEEKLY,
    )  # fmt: skip

    opened = open_link(file_link(asked, FileFormat.XLSX).rpartition("/")[2])

    assert opened.order == asked
    assert opened.format is FileFormat.XLSX


def test_a_link_that_was_changed_is_refused_and_says_so(bakery: Company, settings: Settings) -> None:
    path = path_of(file_link(order(bakery), FileFormat.PDF), settings)
    body, _, signature = path.rpartition(":")

    for changed in (
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        path + "A",
        PATH + "x" + path.removeprefix(PATH),
        f"{body}:",
        PATH + "nonsense",
        PATH + signing.dumps(order(bakery).written_down(), salt="of something else"),
        PATH + signing.dumps(order(bakery).written_down(), key="another key", salt="reports.files"),
    ):
        response = Caller().get(changed)
        assert response.status_code == 403, changed
        error = response.json()["error"]
        assert error["code"] == "FORBIDDEN"
        assert "signature does not fit" in error["message"]
    assert signature


def test_a_link_that_has_expired_is_refused_and_says_so(
    bakery: Company, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REPORT_LINK_HOURS = 2
    path = path_of(file_link(order(bakery), FileFormat.PDF), settings)
    now = time.time

    monkeypatch.setattr(time, "time", lambda: now() + 2 * 3600 - 60)
    assert Caller().get(path).status_code == 200
    monkeypatch.setattr(time, "time", lambda: now() + 2 * 3600 + 60)
    response = Caller().get(path)

    assert response.status_code == 403
    assert "has expired: it was good for 2 hours" in response.json()["error"]["message"]


def test_a_link_of_another_release_is_refused(bakery: Company) -> None:
    values = order(bakery).written_down() | {"format": "pdf"}
    for changed in ({"statement": "prophecy"}, {"format": "papyrus"}, {"start": None}):
        token = signing.dumps(
            {name: value for name, value in (values | changed).items() if value is not None},
            salt="reports.files",
        )
        response = Caller().get(PATH + token)
        assert response.status_code == 403
        assert "another release" in response.json()["error"]["message"]


def test_the_link_of_a_deleted_company_leads_nowhere(bakery: Company, settings: Settings) -> None:
    path = path_of(file_link(order(bakery), FileFormat.CSV), settings)
    delete_entity(entity=bakery.entity, actor=SYSTEM)
    forget_entity(bakery.entity.id)

    response = Caller().get(path)

    assert response.status_code == 404
    assert bakery.entity.public_id in response.json()["error"]["message"]


def test_a_link_takes_no_parameters_and_a_token_opens_no_other_company(
    bakery: Company, settings: Settings
) -> None:
    path = path_of(file_link(order(bakery), FileFormat.CSV), settings)

    assert Caller().get(f"{path}?format=xlsx").status_code == 400
    # What is in the link counts, whoever opens it.
    stranger = make_company("Stranger")
    shown = b"".join(stranger.caller().get(path)).decode()
    assert "Earnings of this year" in shown
    assert UUID(open_link(path.removeprefix(PATH)).order.written_down()["entity"]) == bakery.entity.id


def test_only_reading_is_possible(bakery: Company, settings: Settings) -> None:
    path = path_of(file_link(order(bakery), FileFormat.CSV), settings)

    assert Caller().post(path).status_code == 405
    assert Caller().delete(path).status_code == 405
