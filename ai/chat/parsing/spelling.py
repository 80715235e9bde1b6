"""Misspelled words, set right where one known word is clearly meant."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from ai.chat.parsing import amounts, measures, periods, statuses
from ai.chat.parsing.calendar import MONTH_WORDS
from ai.chat.parsing.lexicon import GROUPS, SYNONYMS
from ai.chat.parsing.names import stem
from ai.chat.parsing.plain_words import EMPTY, ORDINARY, listed
from ai.chat.parsing.prompt import Prompt

_LENGTH_MIN: Final = 4
# From this length on, two letters may be wrong.
_LONG: Final = 7
_SHORT: Final = {
    said: meant
    for meant, words in {
        "last": "lst lasst",
        "month": "mth mnth",
        "quarter": "qtr",
        "year": "yr",
        "average": "avrg",
        "transactions": "trx trans",
        "amount": "amt",
        "expenses": "exp",
        "this": "ths thsi",
        "how": "hwo",
        "the": "teh",
    }.items()
    for said in words.split()
}
_WRITTEN_OUT: Final = listed("""
    supplier suppliers vendor vendors customer customers client clients counterparty counterparties
    category categories account accounts transaction transactions payment payments expense expenses cost
    costs revenue income sales profit profits balance balances cash biggest largest smallest average
    total quarter quarters month months monthly quarterly year years yearly week weekly yesterday today
    fiscal financial pending approved posted cleared reconciled uncategorized expired reversed between
    compared previous received spent spend spending receive invoice invoices purchases highest lowest
    greatest merchant merchants assets liabilities equity earned operating gross show list number
    december
""")


@lru_cache(maxsize=1)
def keywords() -> frozenset[str]:
    """Every word that some reader knows."""
    found = set(_WRITTEN_OUT) | set(MONTH_WORDS) | EMPTY | ORDINARY
    for words in (*GROUPS, *SYNONYMS):
        found |= set(words.split())
    for module in (amounts, measures, periods, statuses):
        for value in vars(module).values():
            for pattern in _patterns(value):
                found |= set(re.findall(r"(?<![\\?<a-z])[a-z]{3,}(?![a-z?])", pattern.pattern))
    return frozenset(found | {stem(word) for word in found})


def _patterns(value: object) -> Iterable["re.Pattern[str]"]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _patterns(one)


def correct(prompt: Prompt, names: Collection[str]) -> None:
    """Set misspelled words of a prompt right, by the readers' own words first, then by those of `names`.

    A word of four to six letters may have one letter too many, too few, wrong or swapped, a longer one two.
    """
    # Loaded with the first question: other requests of the process do without.
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    known = keywords()
    for word in prompt.words:
        text = word.text = _SHORT.get(word.text, word.text)
        if len(text) < _LENGTH_MIN or not text.isalpha() or text in known or text in names:
            continue
        allowed = 2 if len(text) >= _LONG else 1
        best: tuple[int, str] | None = None
        for choices in (known, names):
            found = process.extractOne(
                text,
                [one for one in choices if abs(len(one) - len(text)) <= allowed and len(one) >= _LENGTH_MIN],
                scorer=OSA.distance,
                score_cutoff=allowed,
            )
            if found is not None and (best is None or found[1] < best[0]):
                best = int(found[1]), str(found[0])
        if best is not None:
            word.text = best[1]
