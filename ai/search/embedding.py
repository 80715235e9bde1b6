"""Texts as unit vectors, without a model that would have to be downloaded.

A vector has two halves. In the first each group of the lexicon has a dimension of its own: texts that mean
the same are near each other, whatever their words. In the second the text's words, their beginnings and their
runs of three letters are added up at places, and with signs, that a hash of each tells: texts with the same
or similarly spelled words are near each other. Two features that fall on one place disturb each other a
little; the signs let such errors cancel out.

The same text gives the same vector in every process, on every machine, and as long as VERSION is the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import sqrt
from typing import Final
from zlib import crc32

from ai.lexicon.reading import Lexicon, lexicon
from ai.lexicon.words import has_digit
from ai.search.meaning import Meaning, Part, meaning_of, parts_of

DIMENSIONS: Final = 384
# The first of them are the lexicon's groups, with room for more of these.
GROUP_DIMENSIONS: Final = 160
_HASHED: Final = DIMENSIONS - GROUP_DIMENSIONS
# Counted on when the arithmetic below changes; a change of the lexicon is seen by itself.
_ALGORITHM: Final = 1

# How much of a vector the meaning is, where there is one; the rest is how it is written.
_MEANING: Final = 0.75
# What the features of one word count, besides itself.
_NAME: Final = 1.2
_BEGINNING: Final = 0.5
_BEGINNING_LENGTH: Final = 4
_RUNS: Final = 0.8
_RUN_LENGTH: Final = 3

Vector = list[float]


def version() -> int:
    """Return the number of the way in which vectors are made: those of another are made anew."""
    return _ALGORITHM << 24 | lexicon().fingerprint


def embed_document(text: str) -> Vector:
    """Return the vector of a document's text (`ai.search.texts`); zero where it has no words."""
    meaning = meaning_of(text)
    return _joined(meaning.groups, _features_of(meaning))


def embed_query(query: str) -> Vector:
    """Return the vector of what somebody asks for; zero where that has neither letters nor digits."""
    parts = parts_of(query)
    groups: dict[int, float] = {}
    for part in parts:
        for group, strength in (*part.groups.items(), *part.beside.items()):
            groups[group] = max(groups.get(group, 0), strength * min(part.weight, 1))
    return _joined(groups, _features_asked(parts))


def as_text(vector: Vector) -> str:
    """The vector as PostgreSQL reads it; more digits than these a half-precision number doesn't hold."""
    return "[" + ",".join(["0" if value == 0 else f"{value:.5f}" for value in vector]) + "]"


def _features_of(meaning: Meaning) -> Iterator[tuple[str, float]]:
    known = lexicon()
    for word, weight in meaning.words.items():
        yield from _features(word, weight * known.weight(word))
    for name in meaning.names:
        yield "=" + name, _NAME


def _features_asked(parts: Iterable[Part]) -> Iterator[tuple[str, float]]:
    known = lexicon()
    for part in parts:
        for word in {*part.words, *part.corrected}:
            yield from _features(word, _weight(known, part, word))
        if part.name:
            yield "=" + part.name, _NAME


def _weight(known: Lexicon, part: Part, word: str) -> float:
    return known.weight(word) / (2 if part.corrected else 1)


def _features(word: str, weight: float) -> Iterator[tuple[str, float]]:
    """A word, its beginning and its runs of letters, the word's ends marked."""
    yield word, weight
    if has_digit(word) or len(word) < _RUN_LENGTH:
        return
    yield "^" + word[:_BEGINNING_LENGTH], weight * _BEGINNING
    marked = f"<{word}>"
    count = len(marked) - _RUN_LENGTH + 1
    each = weight * _RUNS / sqrt(count)
    for start in range(count):
        yield marked[start : start + _RUN_LENGTH], each


def _joined(groups: Mapping[int, float], features: Iterable[tuple[str, float]]) -> Vector:
    """The unit vector of both halves."""
    written = [0.0] * _HASHED
    for feature, weight in features:
        hashed = crc32(feature.encode())
        written[hashed % _HASHED] += weight if hashed & 0x80000000 else -weight
    meant = [0.0] * GROUP_DIMENSIONS
    for group, strength in groups.items():
        meant[group] = strength
    return _unit(_scaled(meant, _MEANING) + _scaled(written, sqrt(1 - _MEANING**2)))


def _scaled(values: Vector, length: float) -> Vector:
    norm = sqrt(sum(value * value for value in values))
    return [value * length / norm for value in values] if norm else values


def _unit(values: Vector) -> Vector:
    return _scaled(values, 1)
