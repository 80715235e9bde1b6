"""The settings of a company."""

from typing import Any

import pytest
from django.db import connection

from ledger import audit, signals
from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError, ValidationError
from ledger.models import AuditEvent, Entity, Ledger
from ledger.services.settings import EntitySettings, update_settings
from ledger.tests.helpers import Caller, caller_of, make_developer, make_entity

pytestmark = pytest.mark.django_db
PATH = "/v1/entities/settings"


@pytest.fixture
def entity() -> Entity:
    return make_entity(make_developer().developer)


@pytest.fixture
def caller() -> Caller:
    made = make_developer()
    return caller_of(made, entity=make_entity(made.developer))


def test_new_entity_has_the_defaults(caller: Caller) -> None:
    assert caller.get(PATH).json() == {
        "smart_suggestions": True,
        "smart_assistant": True,
        "smart_summary": False,
        "notification_frequency": "NEVER",
        "accounting_method": "ACCRUAL",
        "fiscal_year_start": 1,
        "default_currency": "USD",
        "timezone": "UTC",
        "books_closed_through": None,
    }


def test_change_is_seen_at_once_and_leaves_the_rest(caller: Caller) -> None:
    before = caller.get(PATH).json()
    change = {
        "smart_suggestions": False,
        "notificationFrequency": "WEEKLY",
        "accountingMethod": "CASH",
        "fiscal_year_start": 4,
        "default_currency": "eur",
        "timezone": "Asia/Tokyo",
        "books_closed_through": "2024-01-31",
    }

    answer = caller.put(PATH, change)

    assert answer.status_code == 200
    expected = before | {
        "smart_suggestions": False,
        "notification_frequency": "WEEKLY",
        "accounting_method": "CASH",
        "fiscal_year_start": 4,
        "default_currency": "EUR",
        "timezone": "Asia/Tokyo",
        "books_closed_through": "2024-01-31",
    }
    assert answer.json() == expected
    assert caller.get(PATH).json() == expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"fiscal_year_start": 0}, "fiscal_year_start"),
        ({"fiscal_year_start": 13}, "fiscal_year_start"),
        ({"fiscal_year_start": True}, "fiscal_year_start"),
        ({"accounting_method": "GUESS"}, "accounting_method"),
        ({"notification_frequency": "HOURLY"}, "notification_frequency"),
        ({"default_currency": "XXZ"}, "default_currency"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"smart_summary": "yes"}, "smart_summary"),
        ({"books_closed_through": "31.01.2024"}, "books_closed_through"),
        ({"timezone": None}, "timezone"),
        ({"extra": 1}, "extra"),
    ],
)
def test_impossible_settings_are_400(caller: Caller, change: dict[str, Any], field: str) -> None:
    before = caller.get(PATH).json()

    answer = caller.put(PATH, change)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field
    assert caller.get(PATH).json() == before


def test_currency_change_carries_the_ledger_along(entity: Entity) -> None:
    update_settings(entity=entity, changes=EntitySettings(default_currency="JPY"), actor=SYSTEM)

    assert Ledger.objects.get(entity=entity).currency == "JPY"


def test_currency_of_books_with_transactions_is_a_conflict(entity: Entity) -> None:
    # A row that refers to the ledger with its currency, as accounts with transactions do in the end.
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE kept_in_its_currency (entity_id uuid, id uuid, currency varchar(3), FOREIGN KEY"
            " (entity_id, id, currency) REFERENCES ledger_ledger (entity_id, id, currency))"
        )
        cursor.execute("INSERT INTO kept_in_its_currency SELECT entity_id, id, currency FROM ledger_ledger")

    with pytest.raises(ConflictError, match="have transactions"):
        update_settings(entity=entity, changes=EntitySettings(default_currency="JPY"), actor=SYSTEM)

    assert Entity.objects.get(pk=entity.pk).default_currency == "USD"
    assert Ledger.objects.get(entity=entity).currency == "USD"


def test_service_refuses_what_the_door_would(entity: Entity) -> None:
    for changes in ({"colour": "red"}, {"fiscal_year_start": 13}, {"accounting_method": "GUESS"}):
        with pytest.raises(ValidationError):
            update_settings(entity=entity, changes=changes, actor=SYSTEM)  # type: ignore[arg-type]


def test_change_is_on_record_and_told_to_the_apps_above(entity: Entity) -> None:
    told: list[set[str]] = []

    def listen(*, changed: set[str], **_: Any) -> None:
        told.append(changed)

    signals.settings_changed.connect(listen)
    try:
        update_settings(
            entity=entity, changes=EntitySettings(timezone="Asia/Tokyo", fiscal_year_start=1), actor=SYSTEM
        )
        update_settings(entity=entity, changes=EntitySettings(timezone="Asia/Tokyo"), actor=SYSTEM)
    finally:
        signals.settings_changed.disconnect(listen)

    # What stayed as it was is no change.
    assert told == [{"timezone"}]
    event = AuditEvent.objects.get(scope_id=entity.id, action="ledger.settings.updated")
    assert (event.before, event.after) == ({"timezone": "UTC"}, {"timezone": "Asia/Tokyo"})
    assert audit.verify_chain(entity.id) == []
