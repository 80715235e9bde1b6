"""The words of a line, made ready for comparing: whatever the case and accents, without punctuation."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Final, NamedTuple

from transactions.counterparty_names import counterparty_name

TEXT_LENGTH_MAX: Final = 200
_KEPT_MAX: Final = 4096

_NOT_WORD: Final = re.compile(r"[^\w&#]+|_+")
_DIGIT: Final = re.compile(r"\d")
# What is something else than several of one: Currys sells no curry, Howdens no insurance.
_NOT_OF_ONE: Final = frozenset(
    ("bolts", "bulbs", "contractors", "currys", "decorators", "howdens", "kitchens", "lights", "rewards")
)
# Letters, and among them one digit.
_NAME_WITH_DIGIT: Final = re.compile(r"[^\W\d]*\d[^\W\d]*\Z")
# Begins the bank's category among words; no plain text has it.
BANK_MARK: Final = "@"

# Of a name that begins like many others ("the", "st") the second word says more.
_LIGHT: Final = frozenset(("the", "a", "st", "mr", "mrs", "ms", "dr"))


class Line(NamedTuple):
    """What there is to know of a transaction, or of what is not one yet, before its category is known."""

    description: str
    counterparty: str = ""
    # The bank's own category of it, as GENERAL_SERVICES_INSURANCE.
    provider_category: str = ""
    # Positive where money left the company.
    amount: Decimal = Decimal(0)


class Keys(NamedTuple):
    """What lines are looked up by, from what most of them share to what few do. Hashes, as PostgreSQL's
    bigint takes them."""

    # The first word of the counterparty's name.
    word: int
    # The counterparty's name.
    name: int
    # All words, any digit as good as another.
    pattern: int
    # All words.
    exact: int


class Words(NamedTuple):
    """The text of a line in the forms that the layers look at."""

    # All of it: what the linear model reads.
    text: str
    # Each digit as 0, so that "INV 1023" and "INV 1024" are alike.
    pattern: str
    # Its `names_in`, and the bank's category at the end: what the prior reads.
    prior: str
    keys: Keys


def plain(text: str) -> str:
    """Lower case without accents, punctuation and runs of blanks; at most TEXT_LENGTH_MAX characters."""
    decomposed = unicodedata.normalize("NFKD", text[: 2 * TEXT_LENGTH_MAX].replace("'", "")).casefold()
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(_NOT_WORD.sub(" ", bare).split())[:TEXT_LENGTH_MAX].rstrip()


def has_digit(word: str) -> bool:
    return _DIGIT.search(word) is not None


def names_in(text: str) -> list[str]:
    """The words of a plain text that may name a shop or a thing, whether of one or of several: without
    numbers, but with names that have a digit (O2, 3M, G4S, Jet2)."""
    return [
        singular(word)
        for word in text.split()
        if not has_digit(word) or (_NAME_WITH_DIGIT.match(word) and len(word) > 1)
    ]


def singular(word: str) -> str:
    """A word without the s at its end, as of several, or of somebody's ("domino's"). Roughly: "tennis" loses
    one, too, which does no harm as long as it always does."""
    is_kept = len(word) < 4 or word.endswith("ss") or word in _NOT_OF_ONE
    return word if is_kept or not word.endswith("s") else word[:-1]


def words_of(line: Line) -> Words:
    """The text of `line`; cached, because lines repeat."""
    return _words(line.description, line.counterparty, line.provider_category)


@lru_cache(maxsize=_KEPT_MAX)
def _words(description: str, counterparty: str, provider_category: str) -> Words:
    text = plain(description)
    name = plain(counterparty) or plain(counterparty_name(description))
    if counterparty and name not in text:
        text = f"{name} {text}"[:TEXT_LENGTH_MAX].rstrip()
    pattern = _DIGIT.sub("0", text)
    bare = [word for word in text.split() if not has_digit(word)]
    known = [word for word in name.split() if not has_digit(word)] or bare or [text]
    first = next((word for word in known if word not in _LIGHT), known[0])
    keys = Keys(
        *(
            _key(level, value)
            for level, value in (("w", first), ("n", " ".join(known)), ("p", pattern), ("e", text))
        )
    )
    # The bank's category counts as a whole: its single words ("general", "gas") would mislead.
    said = (
        [BANK_MARK + "_".join(plain(provider_category.replace("_", " ")).split())]
        if provider_category
        else []
    )
    return Words(text, pattern, " ".join([*names_in(text), *said]), keys)


def _key(level: str, value: str) -> int:
    return int.from_bytes(blake2b(f"{level}{value}".encode(), digest_size=8).digest(), signed=True)


def phrases(text: str) -> Iterator[str]:
    """The words of a plain text, and what stands side by side in twos and threes."""
    words = text.split()
    yield from (word for word in words if len(word) > 1)
    yield from (f"{a} {b}" for a, b in pairwise(words))
    yield from (f"{a} {b} {c}" for a, b, c in zip(words, words[1:], words[2:], strict=False))
