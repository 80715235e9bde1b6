"""The cast of the tests: a company of ours with its books, and a stranger's."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db.models import F

from accounts.choices import AccountType
from accounts.models import Account, AccountBalance, AccountDay, AccountMonth
from accounts.services.insertion import new_account
from ledger.actors import SYSTEM, Actor
from ledger.clock import utc_now
from ledger.models import Developer, Entity, Ledger

SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def make_books(
    name: str, *, currency: str = "USD", zone: str = "UTC", developer: Developer | None = None
) -> Ledger:
    """The default ledger of a new company, without any account."""
    now = utc_now()
    developer = developer or Developer.objects.create(name=name, created_at=now, updated_at=now)
    entity = Entity.objects.create(
        developer=developer,
        legal_name=name,
        default_currency=currency,
        timezone=zone,
        created_at=now,
        updated_at=now,
    )
    return Ledger.objects.create(
        entity=entity, name="Main", currency=currency, is_default=True, created_at=now
    )


@pytest.fixture
def actor() -> Actor:
    return SYSTEM


@pytest.fixture
def books(db: None) -> Ledger:
    return make_books("Bakery")


@pytest.fixture
def entity(books: Ledger) -> Entity:
    return books.entity


@pytest.fixture
def strange_books(db: None) -> Ledger:
    return make_books("Stranger")


def make_account(
    books: Ledger, name: str = "Cash", type_: str = "ASSET", *, parent: Account | None = None, **more: object
) -> Account:
    """An account written past the services."""
    account = new_account(ledger=books, name=name, type_=AccountType(type_), now=utc_now(), parent=parent)
    for field, value in more.items():
        setattr(account, field, value)
    account.save(force_insert=True)
    return account


def add_totals(account: Account, day: str, *, slot: int = 0, **sums: str) -> None:
    """Put sums on an account's balance, day and month, as the posting engine would."""
    date = dt.date.fromisoformat(day)
    values = {name: Decimal(sums.get(name, "0")) for name in SUMS}
    for model, key in (
        (AccountBalance, {}),
        (AccountDay, {"date": date}),
        (AccountMonth, {"month": date.replace(day=1)}),
    ):
        found = model.objects.filter(entity_id=account.entity_id, account_id=account.id, slot=slot, **key)
        if not found.update(**{name: F(name) + value for name, value in values.items()}):
            model.objects.create(
                entity_id=account.entity_id, account_id=account.id, slot=slot, **key, **values
            )
