"""Suggesting categories: what wins, what is learned at once, whose history counts."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from importlib import import_module

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.tests.conftest import make_account
from ai.categories.chart import Candidate, Chart
from ai.categories.confirmed import InDatabase, count_confirmed, take_in
from ai.categories.lookups import InMemory, Known
from ai.categories.prior.words import shipped_prior
from ai.categories.suggesting import SuggestionsOffError, check_wanted, prior_reason, suggest
from ai.categories.texts import Line
from ai.categories.training import train
from ai.models import CategoryModel, ConfirmedTransaction, Wording
from ai.tests.category_cast import Studio, ids, make_studio, with_history
from banking.models import Rule
from banking.rules.keeping import create_rule
from ledger import db
from ledger.actors import SYSTEM
from ledger.services.entities import delete_entity
from ledger.services.settings import update_settings
from transactions.choices import Status
from transactions.services import (
    categorize_transactions,
    delete_transactions,
    edit_transactions,
    reverse_transaction,
)
from transactions.services.editing import Edit

pytestmark = pytest.mark.django_db


@pytest.fixture
def studio() -> Studio:
    return make_studio()


def test_without_history_common_words_find_the_account(studio: Studio) -> None:
    assert ids(studio.suggested("SHELL PETROL 4711"))[0] == studio.vehicle.id
    assert ids(studio.suggested("UBER *TRIP HELP.UBER.COM"))[0] == studio.travel.id
    assert ids(studio.suggested("STARBUCKS STORE 1123"))[0] == studio.meals.id
    assert ids(studio.suggested("ADOBE CREATIVE CLOUD"))[0] == studio.software.id


def test_what_was_confirmed_a_moment_ago_counts_at_once(studio: Studio) -> None:
    before = studio.suggested("ZORBLAX HOLDINGS 12")
    studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent)

    after = studio.suggested("ZORBLAX HOLDINGS 12")

    assert ids(after)[0] == studio.rent.id
    assert after.best[0].confidence > max(
        (one.confidence for one in before.best if one.account_id == studio.rent.id), default=0
    )


def test_a_correction_replaces_what_was_learned(studio: Studio) -> None:
    row = studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent)
    assert ids(studio.suggested("ZORBLAX HOLDINGS 12"))[0] == studio.rent.id

    categorize_transactions(entity=studio.entity, ids=[row.id], category_id=studio.travel.id, actor=SYSTEM)

    assert ids(studio.suggested("ZORBLAX HOLDINGS 12"))[0] == studio.travel.id


def test_an_edit_of_the_account_moves_what_was_learned(studio: Studio) -> None:
    row = studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent)
    take_in(studio.entity)

    edit_transactions(
        entity=studio.entity, edits={row.id: Edit(debit_account_id=studio.meals.id)}, actor=SYSTEM
    )

    assert ids(studio.suggested("ZORBLAX HOLDINGS 12"))[0] == studio.meals.id


def test_an_edit_of_amount_and_day_changes_what_was_learned(studio: Studio) -> None:
    row = studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent)
    take_in(studio.entity)
    later = dt.datetime(2024, 2, 1, 12, tzinfo=dt.UTC)

    edit_transactions(
        entity=studio.entity,
        edits={row.id: Edit(amount=Decimal("-7"), timestamp=later, date=later.date())},
        actor=SYSTEM,
    )

    # A negative amount swaps both sides: the money came in.
    [kept] = ConfirmedTransaction.objects.filter(entity_id=studio.entity.id)
    assert (kept.account_id, kept.amount, kept.date) == (studio.rent.id, Decimal("-7"), later.date())


def test_what_an_edit_makes_a_transfer_is_no_example_any_more(studio: Studio) -> None:
    row = studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent)
    take_in(studio.entity)

    edit_transactions(
        entity=studio.entity, edits={row.id: Edit(debit_account_id=studio.cash.id)}, actor=SYSTEM
    )

    assert count_confirmed(studio.entity) == 0
    assert take_in(studio.entity) == (0, False)


def test_corrections_train_the_model_again_though_they_are_no_more(studio: Studio) -> None:
    rows = [studio.confirmed(f"SHOP {'ABCDEFGH'[number]}", studio.office) for number in range(8)]
    studio.learn()
    assert train(studio.entity) == 0

    categorize_transactions(
        entity=studio.entity, ids=[row.id for row in rows[:5]], category_id=studio.meals.id, actor=SYSTEM
    )
    take_in(studio.entity)

    assert train(studio.entity) == 8
    assert train(studio.entity) == 0


def test_models_from_before_more_was_counted_are_trained_anew(studio: Studio) -> None:
    learn_anew = import_module("ai.migrations.0005_learn_categories_anew").Migration.operations[0]
    with_history(studio)
    assert train(studio.entity) == 0

    db.execute(learn_anew.sql)

    assert train(studio.entity) == 24
    assert train(studio.entity) == 0


def test_a_reclassified_posted_transaction_counts_where_it_stands_now(studio: Studio) -> None:
    row = studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent, status=Status.POSTED)
    categorize_transactions(entity=studio.entity, ids=[row.id], category_id=studio.travel.id, actor=SYSTEM)

    assert ids(studio.suggested("ZORBLAX HOLDINGS 12"))[0] == studio.travel.id


def test_a_deleted_transaction_is_forgotten(studio: Studio) -> None:
    row = studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent)
    take_in(studio.entity)

    delete_transactions(entity=studio.entity, ids=[row.id], actor=SYSTEM)

    assert count_confirmed(studio.entity) == 0


def test_a_reversed_transaction_is_no_example(studio: Studio) -> None:
    row = studio.confirmed("ZORBLAX HOLDINGS 11", studio.rent, status=Status.POSTED)
    reverse_transaction(entity=studio.entity, transaction_id=row.id, actor=SYSTEM)

    take_in(studio.entity)

    assert count_confirmed(studio.entity) == 0


def test_uncategorized_postings_are_no_examples(studio: Studio) -> None:
    studio.line("ZORBLAX HOLDINGS 11")
    studio.post("10", description="ZORBLAX HOLDINGS 11")

    assert take_in(studio.entity) == (0, False)
    assert count_confirmed(studio.entity) == 0


def test_taking_in_twice_changes_nothing(studio: Studio) -> None:
    studio.confirm_many([("SHELL 1", studio.vehicle), ("SHELL 2", studio.vehicle), ("GREGGS", studio.meals)])

    assert take_in(studio.entity) == (3, False)
    assert take_in(studio.entity) == (0, False)
    assert count_confirmed(studio.entity) == 3
    # Numbers apart, two of them read alike.
    assert Wording.objects.filter(entity_id=studio.entity.id).count() == 2


def test_a_long_history_is_taken_in_in_steps(studio: Studio) -> None:
    studio.confirm_many([(f"SHOP {'ABCDEFG'[number]}", studio.office) for number in range(7)])

    steps = [take_in(studio.entity, limit=3) for _ in range(3)]

    assert steps == [(3, True), (3, True), (1, False)]


def test_the_reason_names_the_transaction_and_its_day(studio: Studio) -> None:
    studio.confirmed("AWS EMEA 4711", studio.software, at=dt.datetime(2024, 5, 3, 12, tzinfo=dt.UTC))

    same_year = studio.suggested("AWS EMEA 4712").best[0]
    years_later = studio.suggested("AWS EMEA 4712", day=dt.date(2026, 1, 1)).best[0]

    assert same_year.reason == "like 'AWS EMEA 4711' on 3 May, which you put in Software"
    assert years_later.reason == "like 'AWS EMEA 4711' on 3 May 2024, which you put in Software"


def test_without_history_the_reason_says_what_is_usual(studio: Studio) -> None:
    assert (
        studio.suggested("SHELL PETROL 4711").best[0].reason
        == "such lines are usually fuel, which Vehicle Fuel takes"
    )


def test_no_account_is_said_to_take_what_it_is_not_for(studio: Studio) -> None:
    chart = Chart([Candidate(studio.meals.id, "Meals", "EXPENSE", None, None)], shipped_prior())

    reason = prior_reason(Line("SHELL OIL 5512"), studio.meals.id, "Meals", chart)

    assert reason == "Meals fits the words and the amount best"


def test_a_rule_of_the_company_wins(studio: Studio) -> None:
    with_history(studio)
    rule = create_rule(
        entity=studio.entity,
        fields={"name": "Shell is meals", "contains": "shell", "category_account_id": studio.meals.id},
        actor=SYSTEM,
    )
    assert isinstance(rule, Rule)

    best = studio.suggested("SHELL 4711 DENVER").best

    assert best[0].account_id == studio.meals.id
    assert best[0].confidence == 1
    assert best[0].is_rule
    assert "Shell is meals" in best[0].reason
    # What was learned comes behind it.
    assert best[1].account_id == studio.vehicle.id


def test_another_company_s_history_is_never_seen(studio: Studio) -> None:
    canary = make_studio("Canary")
    theirs_row = canary.confirmed("KANARIENVOGEL GMBH 77", canary.rent)
    canary.learn()
    with_history(studio)

    answer = studio.suggested("KANARIENVOGEL GMBH 77")

    theirs = {account.id for account in (*canary.accounts, canary.travel, canary.meals)}
    assert not theirs & set(ids(answer))
    assert not any("KANARIENVOGEL" in one.reason for one in answer.best)
    [found] = InDatabase(studio.entity).find([Line("KANARIENVOGEL GMBH 77")])
    assert not found.exact
    assert not found.name
    assert theirs_row.id not in {known.transaction_id for _, known in found.near}


def test_only_accounts_that_may_be_chosen_are_suggested(studio: Studio) -> None:
    parent = make_account(studio.ledger, "All Travel", "EXPENSE", financial_type="TRAVEL_EXPENSES")
    make_account(studio.ledger, "Flights", "EXPENSE", financial_type="TRAVEL_EXPENSES", parent=parent)

    for text in ("DELTA AIR FLIGHT", "CASH ATM", "UNCATEGORIZED EXPENSE", "BANK TRANSFER", "LOAN PAYMENT"):
        named = ids(studio.suggested(text))
        assert not set(named) & {
            studio.cash.id,
            studio.bank.id,
            studio.unknown.id,
            studio.unknown_in.id,
            parent.id,
        }
        assert len(named) == 3


def test_money_that_came_in_is_revenue_before_it_is_rent(studio: Studio) -> None:
    assert ids(studio.suggested("ACME CORP INVOICE 12 PAYMENT", "-900"))[0] == studio.sales.id


def test_confidence_is_a_share_and_falls_from_the_first_to_the_third(studio: Studio) -> None:
    with_history(studio)
    for text in ("SHELL 9999 DENVER", "NOBODY KNOWS THIS", "", "日本語 テスト", "GREGGS" * 100):
        sure = [one.confidence for one in studio.suggested(text).best]
        assert len(sure) == 3
        assert all(0 <= one <= 1 for one in sure)
        assert sure == sorted(sure, reverse=True)
        assert sum(sure) <= 1.0001


def test_more_history_makes_more_sure(studio: Studio) -> None:
    little = studio.suggested("SHELL 4711 DENVER").best[0].confidence
    with_history(studio, times=6)
    assert studio.suggested("SHELL 4711 DENVER").best[0].confidence > little


def test_the_same_history_gives_the_same_answers(studio: Studio) -> None:
    other = make_studio("Other")
    with_history(studio)
    with_history(other)

    texts = ["SHELL 1", "SOMETHING NEW", "DELTA AIR 99", "STAPLES 0042"]
    sure = [[(one.name, one.confidence, one.reason) for one in studio.suggested(text).best] for text in texts]
    again = [[(one.name, one.confidence, one.reason) for one in other.suggested(text).best] for text in texts]

    assert sure == again


def test_many_lines_take_few_queries(
    studio: Studio, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with_history(studio)
    wanted = [studio.wanted(f"SHOP {number} {'ABCDEFGHIJ'[number % 10]}") for number in range(25)]
    list(suggest(studio.entity, wanted))

    with django_assert_max_num_queries(12):
        assert len(list(suggest(studio.entity, wanted))) == 25


def test_the_database_finds_what_a_replay_finds(studio: Studio) -> None:
    with_history(studio)
    memory = InMemory()
    for row in ConfirmedTransaction.objects.filter(entity_id=studio.entity.id).order_by("date"):
        description = studio.stored(row.transaction_id).description
        memory.add(
            Line(description, studio.stored(row.transaction_id).counterparty),
            Known(row.account_id, row.amount, row.date, description, row.transaction_id),
        )
    lines = [Line("SHELL 4711 DENVER"), Line("SHELL 5 BOULDER"), Line("STARBUCK 9"), Line("NOTHING")]

    for ours, theirs in zip(InDatabase(studio.entity).find(lines), memory.find(lines), strict=True):
        for key in ("word", "name", "pattern", "exact"):
            assert [one.transaction_id for one in getattr(ours, key)] == [
                one.transaction_id for one in getattr(theirs, key)
            ]
        # Half precision moves a similarity in its fourth digit.
        assert [one.account_id for _, one in ours.near[:3]] == [one.account_id for _, one in theirs.near[:3]]
        assert [near for near, _ in ours.near[:1]] == pytest.approx(
            [near for near, _ in theirs.near[:1]], abs=0.002
        )


def test_who_switched_suggestions_off_is_told_how_to_switch_them_on(studio: Studio) -> None:
    entity = update_settings(entity=studio.entity, changes={"smart_suggestions": False}, actor=SYSTEM)

    with pytest.raises(SuggestionsOffError, match="smart_suggestions"):
        check_wanted(entity)


def test_a_removed_company_leaves_nothing(studio: Studio) -> None:
    with_history(studio)
    kept = make_studio("Kept")
    kept.confirmed("SHELL", kept.vehicle)
    take_in(kept.entity)

    delete_entity(entity=studio.entity, actor=SYSTEM)

    for model in (ConfirmedTransaction, Wording, CategoryModel):
        assert set(model.objects.values_list("entity_id", flat=True)) == {kept.entity.id}


def test_an_amount_tells_apart_what_words_do_not(studio: Studio) -> None:
    studio.confirm_many([("CORNER STORE", studio.meals)] * 2)
    for number in range(6):
        studio.confirmed(
            "CORNER STORE", studio.office, "480", at=dt.datetime(2024, 4, 1 + number, tzinfo=dt.UTC)
        )
        studio.confirmed(
            "CORNER STORE", studio.meals, "6", at=dt.datetime(2024, 4, 1 + number, tzinfo=dt.UTC)
        )
    studio.learn()

    assert ids(studio.suggested("CORNER STORE", "480"))[0] == studio.office.id
    assert ids(studio.suggested("CORNER STORE", "6"))[0] == studio.meals.id


def test_a_web_process_loads_no_arithmetic_before_it_suggests() -> None:
    """What computes takes 30 MB, and most web workers never suggest."""
    asked = "import django; django.setup(); import openledger.urls, sys; print('numpy' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert answer.stdout.strip().splitlines()[-1] == "False"
