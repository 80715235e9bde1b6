"""`manage.py backtest_categories`, and what a replay sees."""

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.conftest import make_account
from ai.categories.backtest import Backtest, backtest
from ai.models import Suggestion
from ai.tests.category_cast import HISTORY, Studio, make_studio
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def studio() -> Studio:
    studio = make_studio()
    studio.confirm_many([(text, getattr(studio, account)) for text, account in HISTORY * 10])
    return studio


def run(studio: Studio, *arguments: Any) -> str:
    out = StringIO()
    call_command("backtest_categories", "--entity", studio.entity.public_id, *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_a_line_for_each_confidence(studio: Studio) -> None:
    printed = run(studio)

    assert "confidence  coverage  precision  transactions" in printed
    assert "of 80 transactions the first suggestion was right for" in printed
    assert len(printed.splitlines()) == 9


def test_a_replay_gets_better_with_what_it_saw(studio: Studio) -> None:
    outcome = backtest(studio.entity)

    first, last = outcome.rank[:20], outcome.rank[-20:]
    assert outcome.count == 80
    assert sum(rank == 1 for rank in last) >= sum(rank == 1 for rank in first)
    assert sum(rank == 1 for rank in last) == 20
    assert outcome.levels()[0].coverage >= outcome.levels()[-1].coverage


def test_a_group_in_which_something_was_put_is_among_the_answers(studio: Studio) -> None:
    make_account(studio.ledger, "Deliveries", "EXPENSE", parent=studio.vehicle)

    assert backtest(studio.entity).top_1 == pytest.approx(1, abs=0.2)


def test_a_replay_does_not_see_what_came_later(studio: Studio) -> None:
    """A name that first comes at the end is not known, whatever is said of it in the same step."""
    studio.confirmed("ZORBLAX HOLDINGS", studio.rent, at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    before = backtest(studio.entity)
    studio.confirmed("ZORBLAX HOLDINGS", studio.rent, at=dt.datetime(2025, 1, 2, tzinfo=dt.UTC))

    after = backtest(studio.entity)

    assert after.rank[: before.count] == before.rank
    # Sums of more rows at once are rounded otherwise in their last digits.
    assert list(after.sure[: before.count]) == pytest.approx(list(before.sure), abs=1e-6)


def test_a_replay_changes_nothing(studio: Studio) -> None:
    before = list(Transaction.objects.order_by("id").values())

    backtest(studio.entity)

    assert list(Transaction.objects.order_by("id").values()) == before
    assert not Suggestion.objects.exists()


def test_a_limit_takes_the_newest(studio: Studio) -> None:
    assert backtest(studio.entity, limit=25).count == 25


def test_a_company_without_answers_has_no_outcome() -> None:
    studio = make_studio()

    assert backtest(studio.entity).top_1 is None
    assert "no confirmed transactions" in run(studio)
    assert Backtest().levels()[0].precision is None


def test_misuse_is_told(studio: Studio) -> None:
    with pytest.raises(CommandError, match="too small"):
        run(studio, "--limit", "0")
    with pytest.raises(CommandError):
        call_command("backtest_categories", "--entity", "entity_nonsense")
