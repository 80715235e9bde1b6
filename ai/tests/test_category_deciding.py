"""Stored suggestions: made after syncs, accepted, corrected, applied by themselves; posted rows never
touched."""

import datetime as dt
from decimal import Decimal

import pytest

from accounts.services import close_account
from ai.categories import stored
from ai.categories.background import start_suggesting
from ai.categories.confirmed import count_confirmed, take_in
from ai.models import ConfirmedTransaction, Suggestion, SuggestionSettings, SuggestionStatus
from ai.tests.category_cast import HISTORY, Studio, ids, make_studio, with_history
from banking.signals import lines_recorded
from ledger.actors import SYSTEM
from ledger.exceptions import LedgerError, NotFoundError
from ledger.models import AuditEvent, BackgroundTask, Entity
from ledger.services.periods import close_books
from ledger.services.settings import update_settings
from ledger.tests.helpers import run_background
from transactions.choices import Status
from transactions.models import Transaction
from transactions.rows import Row
from transactions.services import approve_transactions, categorize_transactions, delete_transactions
from transactions.tests.conftest import assert_totals_hold, race

pytestmark = pytest.mark.django_db


@pytest.fixture
def studio() -> Studio:
    return with_history(make_studio())


def synced(studio: Studio, *descriptions: str) -> list[Row]:
    """Lines as a sync brings them, and the worker's work after it."""
    rows = [studio.line(description) for description in descriptions]
    lines_recorded.send(sender=Entity, entity=studio.entity, transaction_ids=[row.id for row in rows])
    run_background(studio.entity)
    return rows


def of(row: Row) -> Suggestion:
    return Suggestion.objects.get(transaction_id=row.id)


def test_a_sync_leaves_suggestions_for_what_nobody_categorized(studio: Studio) -> None:
    known, new = synced(studio, "SHELL 4711 DENVER", "SOMETHING NOBODY KNOWS")
    studio.confirmed("GREGGS 7", studio.meals)

    waiting = stored.waiting_suggestions(studio.entity, limit=10)

    assert {one.transaction_id for one in waiting} == {known.id, new.id}
    assert of(known).account_id == studio.vehicle.id
    assert of(known).confidence > of(new).confidence
    assert "SHELL" in of(known).reason
    assert len(of(known).others) == 2
    # Nothing is applied: nobody asked for that.
    assert studio.stored(known.id).debit_account_id == studio.unknown.id
    assert_totals_hold(studio.entity)


def test_a_sync_of_a_company_that_wants_no_suggestions_leaves_none(studio: Studio) -> None:
    studio.entity = update_settings(entity=studio.entity, changes={"smart_suggestions": False}, actor=SYSTEM)

    synced(studio, "SHELL 4711 DENVER")

    assert not Suggestion.objects.exists()
    assert not BackgroundTask.objects.filter(name="ai.suggest_categories").exists()


def test_suggesting_again_renews_what_waits_and_leaves_what_was_decided(studio: Studio) -> None:
    decided, waits = synced(studio, "ZORBLAX 1", "QUUX 1")
    stored.accept_suggestion(entity=studio.entity, suggestion_id=of(decided).id, actor=SYSTEM)
    before = of(decided)
    studio.confirmed("QUUX 2", studio.rent)

    start_suggesting(studio.entity)
    run_background(studio.entity)

    assert of(waits).account_id == studio.rent.id
    assert of(decided).decided_at == before.decided_at
    assert Suggestion.objects.count() == 2


def test_what_waits_is_suggested_anew_once_the_model_has_learned() -> None:
    studio = make_studio()
    studio.confirm_many([(text, getattr(studio, account)) for text, account in HISTORY * 3])
    [row] = synced(studio, "SHELL 4711 DENVER")
    unlearned = of(row).confidence

    # It learns what was confirmed, and then suggests again; after that there is nothing more to do.
    tasks = [[task.name for task in run_background(studio.entity)] for _ in range(3)]

    assert tasks == [["ai.learn_categories"], ["ai.suggest_categories"], []]
    assert of(row).account_id == studio.vehicle.id
    assert of(row).confidence > unlearned


def test_accepting_categorizes_and_is_learned_at_once(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    learned = count_confirmed(studio.entity)

    answer = stored.accept_suggestion(entity=studio.entity, suggestion_id=of(row).id, actor=SYSTEM)

    assert answer.debit_account_id == studio.vehicle.id
    assert studio.stored(row.id).debit_account_id == studio.vehicle.id
    assert studio.stored(row.id).status == Status.CLEARED
    assert of(row).status == SuggestionStatus.ACCEPTED
    assert count_confirmed(studio.entity) == learned + 1
    assert stored.waiting_suggestions(studio.entity, limit=10) == []
    assert_totals_hold(studio.entity)


def test_correcting_teaches_the_right_account(studio: Studio) -> None:
    [row] = synced(studio, "ZORBLAX HOLDINGS 11")

    stored.correct_suggestion(
        entity=studio.entity, suggestion_id=of(row).id, category_id=studio.rent.id, actor=SYSTEM
    )

    assert studio.stored(row.id).debit_account_id == studio.rent.id
    assert of(row).status == SuggestionStatus.CORRECTED
    assert of(row).decided_account_id == studio.rent.id
    assert ids(studio.suggested("ZORBLAX HOLDINGS 12"))[0] == studio.rent.id


def test_deciding_twice_is_refused(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    stored.accept_suggestion(entity=studio.entity, suggestion_id=of(row).id, actor=SYSTEM)

    with pytest.raises(stored.AlreadyDecidedError, match="accepted already"):
        stored.correct_suggestion(
            entity=studio.entity, suggestion_id=of(row).id, category_id=studio.rent.id, actor=SYSTEM
        )
    assert studio.stored(row.id).debit_account_id == studio.vehicle.id


def test_a_posted_transaction_is_never_touched(studio: Studio) -> None:
    before, after = synced(studio, "SHELL 1 DENVER", "SHELL 2 DENVER")
    approve_transactions(entity=studio.entity, ids=[after.id], actor=SYSTEM)
    posted = studio.line("SHELL 3 DENVER", status=Status.POSTED)
    start_suggesting(studio.entity)
    run_background(studio.entity)
    count = Transaction.objects.count()

    # Neither one by one, nor in bulk, nor by itself.
    with pytest.raises(stored.AlreadyDecidedError, match="POSTED"):
        stored.accept_suggestion(entity=studio.entity, suggestion_id=of(after).id, actor=SYSTEM)
    done = stored.accept_sure_ones(entity=studio.entity, least=Decimal("0.5"), actor=SYSTEM)
    stored.update_settings(
        entity=studio.entity, apply_automatically=True, threshold=Decimal("0.5"), actor=SYSTEM
    )
    stored.apply_sure_ones(studio.entity, [after.id, posted.id])

    assert done.transaction_ids == [before.id]
    assert not Suggestion.objects.filter(transaction_id=posted.id).exists()
    assert studio.stored(after.id).debit_account_id == studio.unknown.id
    assert studio.stored(after.id).categorized_at is None
    # No reclassification was posted either.
    assert Transaction.objects.count() == count


def test_what_somebody_categorized_meanwhile_waits_no_more(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    categorize_transactions(entity=studio.entity, ids=[row.id], category_id=studio.meals.id, actor=SYSTEM)

    assert stored.waiting_suggestions(studio.entity, limit=10) == []
    with pytest.raises(stored.AlreadyDecidedError, match="categorized already"):
        stored.accept_suggestion(entity=studio.entity, suggestion_id=of(row).id, actor=SYSTEM)
    assert studio.stored(row.id).debit_account_id == studio.meals.id


def test_a_deleted_transaction_takes_its_suggestion_along(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")

    delete_transactions(entity=studio.entity, ids=[row.id], actor=SYSTEM)

    assert not Suggestion.objects.exists()


def test_a_suggestion_whose_transaction_goes_meanwhile_is_not_there(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found, and deleted before it could be locked."""
    [row] = synced(studio, "SHELL 4711 DENVER")
    suggestion = of(row)
    delete_transactions(entity=studio.entity, ids=[row.id], actor=SYSTEM)
    monkeypatch.setattr(stored, "find_suggestion", lambda entity, id_: suggestion)

    with pytest.raises(stored.SuggestionNotFoundError):
        stored.accept_suggestion(entity=studio.entity, suggestion_id=suggestion.id, actor=SYSTEM)


def test_bulk_accepting_says_that_more_wait_only_while_it_gets_on(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(studio, "SHELL 1 DENVER", "SHELL 2 DENVER")
    Suggestion.objects.update(confidence=Decimal("0.9"))
    monkeypatch.setattr(stored, "ACCEPTED_MAX", 1)
    first = stored.accept_sure_ones(entity=studio.entity, least=Decimal("0.8"), actor=SYSTEM)
    close_account(entity=studio.entity, account=studio.vehicle, actor=SYSTEM)

    second = stored.accept_sure_ones(entity=studio.entity, least=Decimal("0.8"), actor=SYSTEM)

    assert (len(first.transaction_ids), first.has_more) == (1, True)
    # The one that is left cannot be taken: asking again would not help.
    assert (len(second.faults), second.has_more) == (1, False)


def test_bulk_accepting_takes_the_sure_ones_alone(studio: Studio) -> None:
    sure, unsure = synced(studio, "SHELL 4711 DENVER", "SOMETHING NOBODY KNOWS")
    least = (of(sure).confidence + of(unsure).confidence) / 2

    done = stored.accept_sure_ones(entity=studio.entity, least=least, actor=SYSTEM)

    assert done.transaction_ids == [sure.id]
    assert not done.faults
    assert of(unsure).status == SuggestionStatus.WAITING
    assert_totals_hold(studio.entity)


def test_bulk_accepting_passes_over_what_cannot_be_taken(studio: Studio) -> None:
    fuel, meal = synced(studio, "SHELL 4711 DENVER", "GREGGS 0012")
    Suggestion.objects.update(confidence=Decimal("0.9"))
    close_account(entity=studio.entity, account=studio.vehicle, actor=SYSTEM)

    done = stored.accept_sure_ones(entity=studio.entity, least=Decimal("0.8"), actor=SYSTEM)

    assert done.transaction_ids == [meal.id]
    assert set(done.faults) == {of(fuel).id}
    assert of(fuel).status == SuggestionStatus.WAITING


def test_a_closed_period_is_left_alone(studio: Studio) -> None:
    [row] = synced(studio, "SHELL 4711 DENVER")
    close_books(entity=studio.entity, through=dt.date(2024, 12, 31), actor=SYSTEM)

    assert stored.waiting_suggestions(studio.entity, limit=10) == []
    with pytest.raises(LedgerError):
        stored.accept_suggestion(entity=studio.entity, suggestion_id=of(row).id, actor=SYSTEM)
    assert studio.stored(row.id).debit_account_id == studio.unknown.id


def test_sure_ones_are_applied_where_the_company_wants_that(studio: Studio) -> None:
    stored.update_settings(
        entity=studio.entity, apply_automatically=True, threshold=Decimal("0.5"), actor=SYSTEM
    )
    for number in range(20):
        studio.confirmed(f"SHELL {number} DENVER", studio.vehicle)
    studio.learn()
    learned = count_confirmed(studio.entity)

    sure, unsure = synced(studio, "SHELL 4711 DENVER", "SOMETHING NOBODY KNOWS")

    assert of(sure).confidence >= Decimal("0.5")
    assert of(sure).status == SuggestionStatus.APPLIED
    assert studio.stored(sure.id).debit_account_id == studio.vehicle.id
    assert studio.stored(sure.id).status == Status.CLEARED
    assert of(unsure).status == SuggestionStatus.WAITING
    # The model does not learn from itself.
    take_in(studio.entity)
    assert count_confirmed(studio.entity) == learned
    # A person's word about it counts.
    categorize_transactions(entity=studio.entity, ids=[sure.id], category_id=studio.meals.id, actor=SYSTEM)
    take_in(studio.entity)
    assert ConfirmedTransaction.objects.get(transaction_id=sure.id).account_id == studio.meals.id


def test_below_the_threshold_nothing_is_applied(studio: Studio) -> None:
    stored.update_settings(
        entity=studio.entity, apply_automatically=True, threshold=Decimal("1"), actor=SYSTEM
    )

    [row] = synced(studio, "SHELL 4711 DENVER")

    assert of(row).status == SuggestionStatus.WAITING


def test_settings_are_recorded_with_who_changed_them(studio: Studio) -> None:
    assert stored.settings_of(studio.entity).apply_automatically is False

    stored.update_settings(entity=studio.entity, apply_automatically=True, threshold=None, actor=SYSTEM)
    stored.update_settings(
        entity=studio.entity, apply_automatically=None, threshold=Decimal("0.9"), actor=SYSTEM
    )
    stored.update_settings(entity=studio.entity, apply_automatically=True, threshold=None, actor=SYSTEM)

    kept = SuggestionSettings.objects.get(entity_id=studio.entity.id)
    assert (kept.apply_automatically, kept.threshold) == (True, Decimal("0.9"))
    events = AuditEvent.objects.filter(scope_id=studio.entity.id, action="ai.settings.updated")
    assert events.count() == 2


def test_another_company_s_suggestion_is_not_there(studio: Studio) -> None:
    canary = with_history(make_studio("Canary"))
    [row] = synced(canary, "SHELL 4711 DENVER")

    with pytest.raises(NotFoundError):
        stored.accept_suggestion(entity=studio.entity, suggestion_id=of(row).id, actor=SYSTEM)
    assert stored.waiting_suggestions(studio.entity, limit=10) == []
    done = stored.accept_sure_ones(entity=studio.entity, least=Decimal("0.5"), actor=SYSTEM)
    assert done == stored.Accepted([], {}, has_more=False)
    assert of(row).status == SuggestionStatus.WAITING


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_gets_through() -> None:
    studio = with_history(make_studio())
    [row] = synced(studio, "SHELL 4711 DENVER")
    suggestion_id = of(row).id

    outcomes = race(
        lambda: stored.accept_suggestion(entity=studio.entity, suggestion_id=suggestion_id, actor=SYSTEM),
        lambda: stored.correct_suggestion(
            entity=studio.entity, suggestion_id=suggestion_id, category_id=studio.meals.id, actor=SYSTEM
        ),
    )

    assert sorted(isinstance(one, Exception) for one in outcomes) == [False, True]
    [refused] = [one for one in outcomes if isinstance(one, Exception)]
    assert isinstance(refused, stored.AlreadyDecidedError)
    assert_totals_hold(studio.entity)


@pytest.mark.django_db(transaction=True)
def test_two_who_take_in_at_once_take_each_answer_once() -> None:
    studio = make_studio()
    studio.confirm_many([(f"SHOP {number}", studio.office) for number in range(30)])

    outcomes = race(lambda: take_in(studio.entity), lambda: take_in(studio.entity))

    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert count_confirmed(studio.entity) == 30
