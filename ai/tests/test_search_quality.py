"""Search by meaning beats plain word search on questions with known answers, and loses nowhere to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from ai.tests.queries import QUERIES, Kind, Marks, together
from ai.tests.search_quality import Companies
from banking.sandbox.industries import INDUSTRIES

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def companies(django_db_setup: None, django_db_blocker: Any) -> Iterator[Companies]:
    """A company of each industry, made once for all tests: they only read."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Companies.make()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def semantic(companies: Companies, django_db_blocker: Any) -> dict[Kind, Marks]:
    with django_db_blocker.unblock():
        return companies.marks("semantic")


@pytest.fixture(scope="module")
def by_words(companies: Companies, django_db_blocker: Any) -> dict[Kind, Marks]:
    with django_db_blocker.unblock():
        return companies.marks("by_words")


def test_there_are_enough_questions_of_every_kind_and_industry() -> None:
    assert len({(asked.industry, asked.query) for asked in QUERIES}) == len(QUERIES) >= 60
    assert {asked.industry for asked in QUERIES} == set(INDUSTRIES)
    assert all(sum(asked.kind is kind for asked in QUERIES) >= 5 for kind in Kind)


def test_search_by_meaning_beats_search_by_words(
    semantic: dict[Kind, Marks], by_words: dict[Kind, Marks]
) -> None:
    ours, theirs = together(semantic.values()), together(by_words.values())

    assert ours.recall_at_10 > 0.9, ours
    assert ours.mean_reciprocal_rank > 0.9, ours
    assert ours.recall_at_10 > 2 * theirs.recall_at_10, theirs
    assert ours.mean_reciprocal_rank > 2 * theirs.mean_reciprocal_rank, theirs


@pytest.mark.parametrize("kind", Kind)
def test_search_by_meaning_is_nowhere_worse_than_search_by_words(
    kind: Kind, semantic: dict[Kind, Marks], by_words: dict[Kind, Marks]
) -> None:
    assert semantic[kind].recall_at_10 >= by_words[kind].recall_at_10
    assert semantic[kind].mean_reciprocal_rank >= by_words[kind].mean_reciprocal_rank


def test_vectors_alone_find_most_of_it(companies: Companies) -> None:
    """In large companies it is they that choose what is compared word by word."""
    assert together(companies.marks("by_vectors").values()).recall_at_10 > 0.75


def test_names_are_found_as_well_as_by_words_one_by_one(companies: Companies) -> None:
    """Every transaction that word search finds first for a name is as right as what comes first here."""
    for asked in QUERIES:
        if asked.kind is Kind.NAME:
            ours, theirs = companies.semantic(asked), companies.by_words(asked)
            assert len(ours) >= len(theirs), asked
            assert set(theirs) - set(ours) == set() or len(ours) == 10, asked
