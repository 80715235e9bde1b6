"""What suggestions learned of an account that was merged is said of the one it was merged into."""

import pytest

from ai.categories.confirmed import take_in
from ai.models import ConfirmedTransaction
from ai.tests.category_cast import Studio, make_studio
from ledger.actors import SYSTEM
from transactions.choices import Status
from transactions.services import categorize_transactions
from transactions.services.merging import merge_accounts

pytestmark = pytest.mark.django_db


@pytest.fixture
def studio() -> Studio:
    return make_studio()


def test_what_was_confirmed_says_the_account_that_is_kept(studio: Studio) -> None:
    waiting = studio.confirmed("SHELL 123", studio.vehicle)
    posted = studio.confirmed("SHELL 456", studio.vehicle, status=Status.POSTED)
    take_in(studio.entity)
    later = studio.confirmed("SHELL 789", studio.vehicle, status=Status.POSTED)

    merge_accounts(entity=studio.entity, source=studio.vehicle, target=studio.travel, actor=SYSTEM)
    take_in(studio.entity)

    learned = dict(ConfirmedTransaction.objects.values_list("transaction_id", "account_id"))
    assert learned == {one.id: studio.travel.id for one in (waiting, posted, later)}


def test_a_merge_of_the_other_side_changes_no_category(studio: Studio) -> None:
    row = studio.confirmed("SHELL 123", studio.vehicle, status=Status.POSTED)
    merge_accounts(entity=studio.entity, source=studio.bank, target=studio.cash, actor=SYSTEM)
    categorize_transactions(entity=studio.entity, ids=[row.id], category_id=studio.travel.id, actor=SYSTEM)
    take_in(studio.entity)
    assert ConfirmedTransaction.objects.get(transaction_id=row.id).account_id == studio.travel.id
