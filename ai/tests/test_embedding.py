"""Texts as vectors: the same everywhere, and near each other where they mean the same."""

import os
import subprocess
import sys
from math import sqrt
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from ai.lexicon.reading import lexicon
from ai.search import embedding
from ai.search.embedding import (
    DIMENSIONS,
    GROUP_DIMENSIONS,
    Vector,
    as_text,
    embed_document,
    embed_query,
    version,
)
from ai.search.meaning import meaning_of, parts_of, without_references
from ai.search.scoring import score

_PRINT = """
from ai.search.embedding import as_text, embed_document, embed_query, version
print(version(), as_text(embed_document("delta air atlanta\\nTravel")), as_text(embed_query("plane tickets")))
"""


def cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def asked(query: str, document: str) -> float:
    return score(parts_of(query), meaning_of(document))


def test_the_same_text_has_the_same_vector_in_every_process() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", _PRINT],
            cwd=settings.BASE_DIR,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    here = f"{version()} {as_text(embed_document('delta air atlanta' + chr(10) + 'Travel'))}"
    assert printed == {f"{here} {as_text(embed_query('plane tickets'))}"}


@given(st.text(max_size=200))
def test_vectors_have_length_one_or_are_zero(text: str) -> None:
    for vector in (embed_document(text), embed_query(text)):
        length = sqrt(sum(value * value for value in vector))
        assert len(vector) == DIMENSIONS
        assert length == pytest.approx(1) or not any(vector)


@pytest.mark.parametrize("text", ["", "   ", "?!", "\n\n"])
def test_a_text_without_words_has_no_direction(text: str) -> None:
    assert not any(embed_document(text))
    assert not any(embed_query(text))


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("cloud hosting", "amazon web services aws\nHosting", "delta air atlanta\nTravel"),
        ("trips", "marriott denver co\nTravel", "gusto des net\nPayroll liabilities"),
        ("insurence", "hiscox insurance annual premium\nPrepaid", "gusto des tax\nPayroll liabilities"),
        ("taxi", "uber trip help uber com\nTravel", "delta air atlanta\nTravel"),
        ("northwnd", "northwind logistics\nSubscriptions", "contoso retail\nSubscriptions"),
    ],
)
def test_what_is_meant_is_nearer_than_what_is_not(query: str, near: str, far: str) -> None:
    vector = embed_query(query)

    assert cosine(vector, embed_document(near)) > cosine(vector, embed_document(far)) + 0.1
    assert asked(query, near) > asked(query, far) + 0.15


def test_a_text_beyond_the_lexicon_is_found_by_its_spelling() -> None:
    vector = embed_document("zyxgarten quorbel")

    assert not any(vector[:GROUP_DIMENSIONS])
    assert cosine(embed_query("zyxgarten"), vector) > 0.6


def test_the_version_changes_with_the_lexicon_and_with_the_arithmetic(monkeypatch: Any) -> None:
    before = version()
    known = lexicon()

    class Other:
        fingerprint = known.fingerprint ^ 1

    monkeypatch.setattr(embedding, "lexicon", lambda: Other)
    assert version() != before
    monkeypatch.undo()
    monkeypatch.setattr(embedding, "_ALGORITHM", embedding._ALGORITHM + 1)
    assert version() != before
    # It fits the column.
    assert 0 < version() < 2**31


def test_a_vector_is_written_as_postgresql_reads_it() -> None:
    assert as_text([0.0, 0.5, -0.25]) == "[0,0.50000,-0.25000]"


def test_numbers_and_references_part_no_texts_but_names_keep_theirs() -> None:
    assert without_references("ACH DEBIT GUSTO DES:NET 8821 ID:6SEMKA81") == "ach debit gusto des net id"
    assert without_references("MSFT * E0123 MICROSOFT 365 WA") == "msft microsoft 365 wa"
    assert without_references("7-Eleven 1042") == "7 eleven"
    assert without_references("Vanguard 401k") == "vanguard 401k"


def test_words_that_wrap_a_question_are_not_looked_for() -> None:
    assert [part.words for part in parts_of("how much did we spend on hotels")] == [("hotel",)]
    # Unless there are no others.
    assert [part.words for part in parts_of("what is it")] == [("what",), ("is",), ("it",)]


def test_a_phrase_of_the_lexicon_is_one_part() -> None:
    (part,) = parts_of("cloud hosting")

    assert part.words == ("cloud", "hosting")
    assert part.weight > parts_of("cloud")[0].weight


def test_a_seller_is_found_under_its_other_names() -> None:
    assert asked("aws", "amazon web services") > 0.9
    # Others of its kind come behind.
    assert asked("aws", "google cloud") == pytest.approx(0.5)
    assert asked("amex", "american express payment") > 0.9


def test_the_whole_question_counts() -> None:
    document = "acme hotel\nTravel"

    assert asked("acme hotel", document) > asked("acme airline", document)
    assert asked("hotel", document) > asked("hotel berlin", document)


def test_a_narrower_thing_answers_a_broad_question_but_hardly_the_other_way() -> None:
    assert asked("travel", "delta air") > 0.7
    assert asked("flights", "travel agency") < 0.4
