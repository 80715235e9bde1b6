"""How well a document answers a question, part by part.

Vectors find what may be meant among many documents; what is found is few, and compared word by word: features
that share a place in a vector are told apart here, and a document is not held against what else it says.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ai.lexicon.words import has_digit, is_near
from ai.search.meaning import Meaning, Part

# What a part of the question counts, by how it stands in the document.
_BEGINS: Final = 0.95
_NAME: Final = 0.97
_CUT: Final = 0.85  # "SOUTHWES": banks cut words
_MEANT: Final = 0.95
# Who names a seller does not mean the others of its kind, unless it has none of that one.
_ALIKE_SELLER: Final = 0.5
_MISSPELLED: Final = 0.8
_BEGINS_LENGTH_MIN: Final = 2
_CUT_LENGTH_MIN: Final = 5


def score(parts: Sequence[Part], document: Meaning) -> float:
    """Return how much of what is asked for the document has, 0 to 1."""
    total = sum(part.weight for part in parts)
    if not total:
        return 0.0
    return sum(part.weight * _score_of(part, document) for part in parts) / total


def _score_of(part: Part, document: Meaning) -> float:
    written = _written(part.words, document.words, is_known=part.is_known)
    if part.corrected:
        written = max(written, _MISSPELLED * _written(part.corrected, document.words, is_known=True))
    if part.name and part.name in document.names:
        written = max(written, _NAME * (_MISSPELLED if part.corrected else 1))
    meant = max(_shared(part.groups, document), _shared(part.beside, document))
    return max(written, meant * (_ALIKE_SELLER if part.name else _MEANT))


def _shared(groups: Mapping[int, float], document: Meaning) -> float:
    return max((strength * document.groups.get(group, 0) for group, strength in groups.items()), default=0)


def _written(words: Sequence[str], said: Mapping[str, float], *, is_known: bool) -> float:
    """How far the words stand in the document; of a phrase, all must."""
    return sum(_word(word, said, is_known=is_known) for word in words) / len(words) if words else 0.0


def _word(word: str, said: Mapping[str, float], *, is_known: bool) -> float:
    exact = said.get(word, 0.0)
    if exact == 1 or has_digit(word):
        return exact
    best = exact
    for other, weight in said.items():
        if weight > best:
            best = max(best, weight * _alike(word, other, is_known=is_known))
    return best


def _alike(word: str, other: str, *, is_known: bool) -> float:
    if len(word) >= _BEGINS_LENGTH_MIN and other.startswith(word):
        # "ins" begins "insurance", but says less of it than "insur".
        return _BEGINS * (0.7 + 0.3 * len(word) / len(other))
    if len(other) >= _CUT_LENGTH_MIN and word.startswith(other):
        return _CUT
    # A word that is known as it stands is not taken for a slip of another: no taxi for a tax.
    return _MISSPELLED if not is_known and is_near(word, other) else 0.0
