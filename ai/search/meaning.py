"""What a text says: its words, and the groups of the lexicon that these belong to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ai.lexicon.reading import Lexicon, Term, lexicon
from ai.lexicon.words import has_digit, stem, words_of

# How much the lines of a document's text count: what it says itself, the account that it is booked on, what
# kind of account that is, and what the bank says that it was for.
LINE_WEIGHTS: Final = (1.0, 0.9, 0.6, 0.5)

# Of somebody who asks for flights: how much anything else of travel is meant.
_ASKED_BROADER: Final = 0.3
_CORRECTED: Final = 0.85
# Some 6 MB.
_KEPT_MAX: Final = 4_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a document says. Words are stems; each has the weight of the best line that it stands in."""

    words: Mapping[str, float]
    # By the number of the group of the lexicon: those that are named, and the broader ones.
    groups: Mapping[int, float]
    # The names of sellers, each in one spelling.
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A word, or a phrase of the lexicon, that somebody asks for."""

    words: tuple[str, ...]
    # How much of the question it is.
    weight: float
    groups: Mapping[int, float]
    # What is broader, or beside it in the same group: found where there is nothing nearer.
    beside: Mapping[int, float]
    name: str | None = None
    # What its words most likely should be, where one is misspelled.
    corrected: tuple[str, ...] = ()
    # Whether the lexicon has it: then it is spelled as it was meant.
    is_known: bool = False


@lru_cache(maxsize=_KEPT_MAX)
def meaning_of(text: str) -> Meaning:
    """Return what the text of a document says, its lines weighted by LINE_WEIGHTS; kept, as it is asked for
    with every search that comes near it."""
    known = lexicon()
    words: dict[str, float] = {}
    groups: dict[int, float] = {}
    names: set[str] = set()
    for line, weight in zip(text.split("\n"), LINE_WEIGHTS, strict=False):
        stems = [stem(word) for word in words_of(line)]
        for one in stems:
            words[one] = max(words.get(one, 0), weight)
        terms = [match.term for match in known.matches(stems)]
        names |= {term.name for term in terms if term.name}
        for group, strength in _groups_of_line(known, terms).items():
            # What several lines say is surer than what one of them says.
            groups[group] = 1 - (1 - groups.get(group, 0)) * (1 - strength * weight)
    return Meaning(words, groups, frozenset(names))


def _groups_of_line(known: Lexicon, terms: Iterable[Term]) -> dict[int, float]:
    groups: dict[int, float] = {}
    for term in terms:
        for group, strength in term.groups:
            groups[group] = max(groups.get(group, 0), strength)
            for above, share in known.broader[group].items():
                groups[above] = max(groups.get(above, 0), strength * share)
    return groups


def parts_of(query: str) -> list[Part]:
    """Return what a question asks for; words that only wrap it are left out, unless there are no others.

    A word that the lexicon doesn't know also asks for what it may be a misspelling of.
    """
    known = lexicon()
    stems = [stem(word) for word in words_of(query)]
    parts = _parts(known, stems, skip=known.filler)
    return parts or _parts(known, stems, skip=frozenset())


def _parts(known: Lexicon, stems: Sequence[str], *, skip: frozenset[str]) -> list[Part]:
    corrected = [_corrected(known, one) for one in stems]
    parts: list[Part] = []
    place = 0
    for match in known.matches(corrected):
        parts += _single(known, stems[place : match.start], skip)
        words = tuple(stems[match.start : match.end])
        right = tuple(corrected[match.start : match.end])
        if len(words) > 1 or words[0] not in skip:
            parts.append(_phrase(known, words, right, match.term))
        place = match.end
    return parts + _single(known, stems[place:], skip)


def _corrected(known: Lexicon, word: str) -> str:
    if (word,) in known.terms or word in known.filler or word in known.noise or word in known.places:
        return word
    return known.nearest(word) or word


def _single(known: Lexicon, words: Sequence[str], skip: frozenset[str]) -> list[Part]:
    return [Part((word,), known.weight(word), {}, {}) for word in words if word not in skip]


def _phrase(known: Lexicon, words: tuple[str, ...], right: tuple[str, ...], term: Term) -> Part:
    certainty = 1.0 if words == right else _CORRECTED
    groups = {group: strength * certainty for group, strength in term.groups}
    beside: dict[int, float] = {}
    for group, strength in groups.items():
        for above, share in known.broader[group].items():
            beside[above] = max(beside.get(above, 0), strength * share * _ASKED_BROADER)
    # A phrase is more of a question than a word of it, and less than its words by themselves.
    weight = max(map(known.weight, right)) * (1 + (len(words) - 1) / 2)
    is_known = words == right
    return Part(words, weight, groups, beside, term.name, () if is_known else right, is_known)


def without_references(text: str) -> str:
    """Return the words of a text without numbers, dates and references, which part texts that mean the same;
    what is known to be part of a name or a word stays ("7 Eleven", "401k")."""
    known = lexicon()
    words = words_of(text)
    if all(map(str.isalpha, words)):
        return " ".join(words)
    padded = ["", *(stem(word) for word in words), ""]
    return " ".join(
        word
        for place, word in enumerate(words, start=1)
        if not has_digit(word) or known.keeps_digits(*padded[place - 1 : place + 2])
    )
