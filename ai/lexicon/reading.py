"""The lexicon, read from its files once in a process: which group a word or a name belongs to."""

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from ai.lexicon.words import has_digit, is_near, slips, stem, words_of

_HERE: Final = Path(__file__).resolve().parent
# Of a term that stands in several groups each is meant less surely.
_STRENGTH_BY_GROUPS: Final = (1.0, 0.9, 0.8)
# What is a part of a group is most of what people mean by it, and what is a part of a part a little less.
_OF_BROADER: Final = 0.9

_NOISE_WEIGHT: Final = 0.15
_PLACE_WEIGHT: Final = 0.3


class Term(NamedTuple):
    """A word, phrase or name of the lexicon."""

    # The groups' numbers, with how surely each is meant, 0 to 1.
    groups: tuple[tuple[int, float], ...]
    # Of a name: the one that all its spellings share.
    name: str | None


class Match(NamedTuple):
    """A term that stands in a text: its words are those from `start` up to `end`."""

    start: int
    end: int
    term: Term


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Groups of words and names; words are stems."""

    # The groups' names; their places are the groups' numbers.
    groups: tuple[str, ...]
    terms: Mapping[tuple[str, ...], Term]
    # Of each group the broader ones that it is a part of, with how much of these it is, 0 to 1.
    broader: Mapping[int, Mapping[int, float]]
    noise: frozenset[str]
    places: frozenset[str]
    filler: frozenset[str]
    # A number that changes with the files.
    fingerprint: int
    # Stems of words, which are misspelled more often than those that names alone have.
    _ordinary: frozenset[str]
    _longest: Mapping[str, int]
    _by_letter: Mapping[str, tuple[str, ...]]
    _pairs_with_digits: frozenset[tuple[str, str]]

    def matches(self, stems: Sequence[str]) -> Iterator[Match]:
        """The terms in a text, from left to right, the longest that fits at each place; none overlap."""
        place, count = 0, len(stems)
        while place < count:
            for length in range(min(self._longest.get(stems[place], 0), count - place), 0, -1):
                term = self.terms.get(tuple(stems[place : place + length]))
                if term is not None:
                    yield Match(place, place + length, term)
                    place += length
                    break
            else:
                place += 1

    def weight(self, word: str) -> float:
        """How much a word says, 0 to 1, by what it is and not by how often it stands in anybody's books."""
        if word in self.noise:
            return _NOISE_WEIGHT
        if word in self.places:
            return _PLACE_WEIGHT
        return 1.0 if len(word) > 2 else 0.6

    def nearest(self, word: str) -> str | None:
        """The stem of the lexicon that a misspelled one most likely is, or None where it is none's slip."""
        if has_digit(word):
            return None
        near = [known for known in self._by_letter.get(word[:1], ()) if is_near(word, known)]
        if not near:
            return None
        return min(near, key=lambda known: (slips(word, known), known not in self._ordinary, known))

    def keeps_digits(self, before: str, word: str, after: str) -> bool:
        """Whether a word with digits is part of a name ("7 Eleven", "Microsoft 365") or a word ("401k")."""
        pairs = self._pairs_with_digits
        return (before, word) in pairs or (word, after) in pairs or (word,) in self.terms


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the lexicon. The first call reads the files, which takes some tens of milliseconds."""
    groups_text = (_HERE / "groups.toml").read_bytes()
    noise_text = (_HERE / "noise.toml").read_bytes()
    tables = tomllib.loads(groups_text.decode())
    names = tuple(tables)
    numbers = {name: number for number, name in enumerate(names)}
    found: defaultdict[tuple[str, ...], dict[int, str | None]] = defaultdict(dict)
    for group, table in tables.items():
        for term, name in _terms_of(table):
            found[term].setdefault(numbers[group], name)
    terms = {term: _term(groups) for term, groups in found.items()}
    words = sorted({word for term in terms for word in term if len(word) > 2 and not has_digit(word)})
    lists = tomllib.loads(noise_text.decode())
    digest = hashlib.sha256(groups_text + noise_text).digest()
    return Lexicon(
        groups=names,
        terms=terms,
        broader={
            numbers[name]: {numbers[one]: share for one, share in _broader(tables, name).items()}
            for name in names
        },
        noise=_stems(lists["bank"]),
        places=_stems(lists["places"]),
        filler=_stems(lists["filler"]),
        fingerprint=int.from_bytes(digest[:3]),
        _ordinary=frozenset(word for term, one in terms.items() if one.name is None for word in term),
        _longest=_longest(terms),
        _by_letter=_by_letter(words),
        _pairs_with_digits=frozenset(
            pair for term in terms for pair in pairwise(term) if has_digit(pair[0]) or has_digit(pair[1])
        ),
    )


def _terms_of(table: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    for word in table.get("words", "").split(","):
        if term := _stemmed(word):
            yield term, None
    for spellings in table.get("names", "").split(","):
        terms = [term for term in map(_stemmed, spellings.split("=")) if term]
        for term in terms:
            yield term, " ".join(terms[0])


def _stemmed(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words_of(text))


def _term(groups: Mapping[int, str | None]) -> Term:
    strength = _STRENGTH_BY_GROUPS[min(len(groups), len(_STRENGTH_BY_GROUPS)) - 1]
    name = next((name for name in groups.values() if name), None)
    return Term(tuple((group, strength) for group in sorted(groups)), name)


def _broader(tables: Mapping[str, Mapping[str, list[str]]], name: str) -> dict[str, float]:
    """All groups above one, each with its share. The files have no circles; one would end here at once."""
    found: dict[str, float] = {}
    step = [(name, 1.0)]
    while step:
        step = [
            (above, share * _OF_BROADER)
            for below, share in step
            for above in tables[below].get("in", [])
            if above not in found and above != name
        ]
        for above, share in step:
            found.setdefault(above, share)
    return found


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words_of(text))


def _longest(terms: Mapping[tuple[str, ...], Term]) -> dict[str, int]:
    """The length of the longest term that begins with each word."""
    found: dict[str, int] = {}
    for term in terms:
        found[term[0]] = max(found.get(term[0], 0), len(term))
    return found


def _by_letter(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        found[word[0]].append(word)
    return {letter: tuple(some) for letter, some in found.items()}
