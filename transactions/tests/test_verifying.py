"""Verifying the books of one company on demand."""

import pytest

from ledger.actors import SYSTEM
from ledger.audit import verify_chain
from ledger.db import execute
from ledger.tests.helpers import run_background
from transactions.services import verifying
from transactions.services.verifying import (
    ask_for_verification,
    last_verification,
    verification_under_way,
)
from transactions.tests.conftest import Company


def test_small_books_are_verified_at_once_and_the_result_is_in_the_audit_trail(bakery: Company) -> None:
    bakery.posted("10")
    assert last_verification(bakery.entity) is None

    assert ask_for_verification(entity=bakery.entity, actor=SYSTEM) is None

    said = last_verification(bakery.entity)
    assert said is not None
    assert (said.found, said.differences) == (0, ())
    assert said.checks > 10
    assert verify_chain(bakery.entity.id) == []


def test_a_difference_is_recorded_with_its_check_and_its_figures(bakery: Company) -> None:
    bakery.posted("10")
    execute(
        "UPDATE accounts_accountday SET debits_posted = 11 WHERE entity_id = %s AND account_id = %s",
        [bakery.entity.id, bakery.rent.id],
    )

    ask_for_verification(entity=bakery.entity, actor=SYSTEM)

    said = last_verification(bakery.entity)
    assert said is not None
    assert said.found == len(said.differences) >= 1
    assert ("account days", True) in [(check, "is 11" in message) for check, message in said.differences]


def test_large_books_are_verified_in_the_background(bakery: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    bakery.posted("10")
    monkeypatch.setattr(verifying, "_AT_ONCE_MAX", 0)

    task = ask_for_verification(entity=bakery.entity, actor=SYSTEM)

    assert task is not None
    assert verification_under_way(bakery.entity) == task
    assert ask_for_verification(entity=bakery.entity, actor=SYSTEM) == task
    assert [one.message for one in run_background(bakery.entity)] == ["The books are right."]
    assert verification_under_way(bakery.entity) is None
    said = last_verification(bakery.entity)
    assert said is not None
    assert said.found == 0
