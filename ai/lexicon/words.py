"""Words as they are compared: without case, accents and plurals."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_KEPT_MAX: Final = 10_000
_JOINED = re.compile(r"(?<=\w)['\u2019&](?=\w)")
# A word with a long number stuck to it ("ADS5491") is two.
_WORD = re.compile(r"[^\W\d_]{3,}(?=\d{3,}(?![^\W_]))|[^\W_]+")
_STEM_LENGTH_MIN: Final = 4
_NEAR_LENGTH_MIN: Final = 4
_TWO_SLIPS_LENGTH_MIN: Final = 7
_SLIPS_MAX: Final = 2
# Longer ones are no words; what is kept of them is enough to tell them apart.
WORD_LENGTH_MAX: Final = 40


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order: lower case, without accents, "AT&T" and "Joe's" as one.

    What is neither letter nor digit parts words.
    """
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    joined = _JOINED.sub("", text.casefold())
    return [word[:WORD_LENGTH_MAX] for word in _WORD.findall(joined)]


@lru_cache(maxsize=_KEPT_MAX)
def stem(word: str) -> str:
    """Return a word without the ending of the plural: "taxes" and "tax", "salaries" and "salary" are one.

    Not a word of its own always ("expense" becomes "expens"), but the same for all forms.
    """
    if len(word) < _STEM_LENGTH_MIN or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > _STEM_LENGTH_MIN:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
        if word.endswith(("xe", "che", "she", "sse", "ze")):
            return word[:-1]
    if word.endswith("e") and len(word) > _STEM_LENGTH_MIN:
        word = word[:-1]
    return word


def has_digit(word: str) -> bool:
    """Whether it is, or may be, a number, a date or a reference."""
    return not word.isalpha()


def is_near(one: str, other: str) -> bool:
    """Whether two words are the same but for a slip, or two in words of seven letters and more. The first
    letter is seldom wrong and must be the same; short words have too many neighbours."""
    shorter = min(len(one), len(other))
    if shorter < _NEAR_LENGTH_MIN or one[0] != other[0]:
        return False
    allowed = 2 if shorter >= _TWO_SLIPS_LENGTH_MIN else 1
    return abs(len(one) - len(other)) <= allowed and slips(one, other) <= allowed


@lru_cache(maxsize=_KEPT_MAX)
def slips(one: str, other: str) -> int:
    """The least number of wrong, missing, additional and swapped letters between two words; where there are
    more than two, at least three."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before_that, before = before, row
        row = [i]
        for j, b in enumerate(other, start=1):
            count = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                count = min(count, before_that[j - 2] + 1)
            row.append(count)
        if min(row) > _SLIPS_MAX:
            break
    return max(row[-1], min(row))
