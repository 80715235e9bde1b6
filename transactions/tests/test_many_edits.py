"""Editing and deleting many at once, and what the apps above are told before."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.dispatch import Signal
from django.test.utils import CaptureQueriesContext

from ledger.actors import SYSTEM
from ledger.exceptions import ConflictError
from transactions.exceptions import FinalError, TransactionNotFoundError
from transactions.models import Revision, Transaction
from transactions.services import (
    categorize_transactions,
    delete_transactions,
    edit_transaction,
    edit_transactions,
)
from transactions.services.editing import Edit
from transactions.signals import transactions_deleting, transactions_editing
from transactions.tests.conftest import Company, assert_totals_hold


@contextmanager
def heard(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """What the signal says meanwhile."""
    told: list[dict[str, Any]] = []

    def listen(sender: object, signal: object, **said: Any) -> None:
        told.append(said)

    signal.connect(listen)
    try:
        yield told
    finally:
        signal.disconnect(listen)


def test_many_are_edited_in_as_many_statements_as_one(bakery: Company) -> None:
    def statements(count: int) -> int:
        edits = {
            bakery.post().id: Edit(amount=Decimal(5), debit_account_id=bakery.software.id)
            for _ in range(count)
        }
        with CaptureQueriesContext(connection) as queries:
            rows = edit_transactions(entity=bakery.entity, edits=edits, actor=SYSTEM)
        assert {row.debit_name for row in rows.values()} == {"Software"}
        return len(queries)

    assert statements(1) == statements(30)
    assert Revision.objects.filter(entity_id=bakery.entity.id).count() == 31
    assert_totals_hold(bakery.entity)


def test_one_that_cannot_be_edited_or_deleted_keeps_all_as_they_are(
    bakery: Company, stranger: Company
) -> None:
    good, final, other = bakery.post(), bakery.posted(), stranger.post()
    edit = Edit(amount=Decimal(5))

    with pytest.raises(FinalError):
        edit_transactions(entity=bakery.entity, edits={good.id: edit, final.id: edit}, actor=SYSTEM)
    with pytest.raises(FinalError):
        delete_transactions(entity=bakery.entity, ids=[good.id, final.id], actor=SYSTEM)
    with pytest.raises(TransactionNotFoundError):
        delete_transactions(entity=bakery.entity, ids=[good.id, other.id], actor=SYSTEM)

    assert bakery.stored(good.id).amount == 10
    assert_totals_hold(bakery.entity)


def test_many_are_deleted_with_their_history_kept(bakery: Company) -> None:
    ids = [bakery.post().id for _ in range(3)]

    with heard(transactions_deleting) as told:
        delete_transactions(entity=bakery.entity, ids=ids, actor=SYSTEM, reason="The bank said so")

    assert not Transaction.objects.filter(id__in=ids).exists()
    assert set(Revision.objects.values_list("reason", flat=True)) == {"The bank said so"}
    assert [set(one["transaction_ids"]) for one in told] == [set(ids)]
    assert_totals_hold(bakery.entity)


def test_words_are_nobodys_business_but_money_is_told_before_it_changes(bakery: Company) -> None:
    id_ = bakery.post().id

    with heard(transactions_editing) as told:
        edit_transaction(entity=bakery.entity, transaction_id=id_, edit=Edit(description="x"), actor=SYSTEM)
        assert told == []
        edit_transaction(entity=bakery.entity, transaction_id=id_, edit=Edit(amount=Decimal(7)), actor=SYSTEM)
        categorize_transactions(entity=bakery.entity, ids=[id_], category_id=bakery.software.id, actor=SYSTEM)

    pairs = [pair for one in told for pair in one["changes"]]
    assert [(before.amount, after.amount) for before, after in pairs] == [(10, 7), (7, 7)]
    assert pairs[1][1].debit_account_id == bakery.software.id


def test_what_an_app_above_refuses_does_not_happen(bakery: Company) -> None:
    def refuse(sender: object, **said: object) -> None:
        raise ConflictError("It stands elsewhere.")

    id_ = bakery.post().id
    transactions_editing.connect(refuse)
    transactions_deleting.connect(refuse)
    try:
        with pytest.raises(ConflictError, match="stands elsewhere"):
            edit_transaction(
                entity=bakery.entity, transaction_id=id_, edit=Edit(amount=Decimal(7)), actor=SYSTEM
            )
        with pytest.raises(ConflictError, match="stands elsewhere"):
            delete_transactions(entity=bakery.entity, ids=[id_], actor=SYSTEM)
    finally:
        transactions_editing.disconnect(refuse)
        transactions_deleting.disconnect(refuse)

    assert bakery.stored(id_).amount == 10
    assert_totals_hold(bakery.entity)
