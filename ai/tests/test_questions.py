"""Two hundred questions with known answers, over two sandbox companies."""

import datetime as dt
import json
from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from ai.chat import reading
from ai.chat.conversation import ask
from ai.chat.hosted import Said
from ai.tests import questions_restaurant, questions_software
from ai.tests.asking import Ask, exact, told
from ai.tests.known_books import KnownBooks
from banking.sandbox.company import create_sandbox
from ledger.actors import SYSTEM
from ledger.models import Entity
from ledger.services.settings import update_settings

pytestmark = pytest.mark.django_db
TODAY = dt.date(2025, 8, 20)
Companies = dict[str, KnownBooks]


@pytest.fixture(scope="module")
def companies(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Companies]:
    """Both companies, made once for all questions."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = {}
        for industry, seed, first_month in (("software", 7, 1), ("restaurant", 11, 7)):
            entity = create_sandbox(
                name=industry,
                industry=industry,
                seed=seed,
                actor=SYSTEM,
                today=TODAY,
                preferences={"timezone": "America/New_York"},
            ).entity
            entity = update_settings(entity=entity, changes={"fiscal_year_start": first_month}, actor=SYSTEM)
            made[industry] = KnownBooks(Entity.objects.get(pk=entity.pk))
        yield made
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    # Late in the evening of that day in New York, which is the next one in UTC.
    monkeypatch.setattr(reading, "utc_now", lambda: dt.datetime(2025, 8, 21, 2, tzinfo=dt.UTC))


def check(books: KnownBooks, question: Ask) -> None:
    wanted = question.known(books)
    assert wanted

    body = ask(books.entity, Said(question.prompt, history=json.dumps(question.after)))

    assert exact(told(body, wanted)) == exact(wanted), body["parsed"]
    assert body["parsed"]["notUnderstood"] == []
    if question.measure is not None:
        assert body["parsed"]["filter"]["measure"] == question.measure


@pytest.mark.parametrize("question", questions_software.QUESTIONS, ids=lambda one: one.prompt)
def test_a_software_company_is_answered(companies: Companies, question: Ask) -> None:
    check(companies["software"], question)


@pytest.mark.parametrize("question", questions_restaurant.QUESTIONS, ids=lambda one: one.prompt)
def test_a_restaurant_is_answered(companies: Companies, question: Ask) -> None:
    check(companies["restaurant"], question)


def test_there_are_at_least_150_questions() -> None:
    assert len(questions_software.QUESTIONS) + len(questions_restaurant.QUESTIONS) >= 150
