"""Removing a company removes its transactions, their history and its journal entries, and nobody else's."""

import pytest

from accounts.models import Account, AccountBalance, AccountDay, AccountMonth
from ledger.actors import SYSTEM
from ledger.models import Entity
from ledger.services.entities import delete_entity
from ledger.services.periods import close_books
from transactions.models import JournalEntry, Revision, Transaction
from transactions.tests.test_verify import NOON, Books

pytestmark = pytest.mark.django_db
TABLES = (Transaction, Revision, JournalEntry, AccountBalance, AccountDay, AccountMonth, Account)


def counts(entity: Entity) -> list[int]:
    return [table.objects.filter(entity_id=entity.id).count() for table in TABLES]


def test_everything_of_a_company_goes_even_posted_linked_and_closed() -> None:
    books, strangers = Books(), Books()
    close_books(entity=books.entity, through=NOON.date(), actor=SYSTEM)
    before = counts(strangers.entity)
    assert all(counts(books.entity))

    delete_entity(entity=books.entity, actor=SYSTEM)

    assert counts(books.entity) == [0] * len(TABLES)
    assert not Entity.objects.filter(id=books.entity.id).exists()
    assert counts(strangers.entity) == before
    assert strangers.found() == {}
