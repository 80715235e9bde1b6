"""Amounts as they are said: "over $100", "between 50 and 200", "at least 1.5k"."""

import re
from decimal import Decimal
from typing import Final

from ai.chat.parsing.prompt import Prompt
from ai.chat.query import AmountRange
from ledger.money import AMOUNT_LIMIT

_UNITS: Final = {"k": 1_000, "thousand": 1_000, "grand": 1_000, "m": 1_000_000, "million": 1_000_000}
_WORDS: Final = r"(?: (?:thousand|million|grand))?(?: (?:dollars?|usd|bucks|euros?|eur|pounds?|gbp))?"
_NUMBER: Final = r"(?:[$€£] ?)?\d[\d,]*(?:\.\d+)?(?:k|m)?" + _WORDS
_MARKED: Final = (
    r"(?:[$€£] ?\d[\d,]*(?:\.\d+)?(?:k|m)?"
    + _WORDS
    + r"|\d[\d,]*(?:\.\d+)?(?:k|m)?(?: (?:thousand|million|grand))?"
    r" (?:dollars?|usd|bucks|euros?|eur|pounds?|gbp)|\d[\d,]*\.\d\d)"
)


def _pattern(text: str) -> "re.Pattern[str]":
    return re.compile(rf"(?<![^ ])(?:{text})(?![^ ])")


_BETWEEN: Final = _pattern(
    rf"(?:ranging )?(?:between|from) (?P<low>{_NUMBER}) (?:and|to) (?P<high>{_NUMBER})"
)
_RANGE: Final = _pattern(rf"(?:of )?(?P<low>{_MARKED}) (?:to|and) (?P<high>{_MARKED})")
_BOUNDS: Final = (
    (
        _pattern(
            r"(?:at least|no less than|not less than|not under|minimum(?: of)?|min|>=|from) "
            rf"(?P<low>{_NUMBER})"
        ),
        False,
    ),
    (
        _pattern(
            r"(?:at most|no more than|not more than|not over|maximum(?: of)?|up to|max|<=) "
            rf"(?P<high>{_NUMBER})"
        ),
        False,
    ),
    (
        _pattern(
            r"(?:(?:that (?:is|are|was|were) |which (?:is|are|was|were) )?(?:over|above|more than|greater "
            r"than|larger than|bigger than|higher than"
            rf"|exceeding|exceed|in excess of|beyond|worth more than|costing more than|>)) (?P<low>{_NUMBER})"
        ),
        True,
    ),
    (
        _pattern(
            r"(?:under|below|less than|smaller than|lower than|fewer than|cheaper than|beneath|<)"
            rf" (?P<high>{_NUMBER})"
        ),
        True,
    ),
    (_pattern(rf"(?P<low>{_NUMBER}) (?:or|and) (?:more|above|over|up|higher)"), False),
    (_pattern(rf"(?P<high>{_NUMBER}) (?:or|and) (?:less|below|under|lower)"), False),
)
_ABOUT: Final = _pattern(rf"(?:around|about|roughly|approximately|approx|near) (?P<near>{_MARKED})")
_EXACT: Final = _pattern(
    rf"(?:(?:of|for|worth|exactly|equal to|at) )*(?P<exact>{_MARKED})|exactly (?P<number>{_NUMBER})"
)
# What "about" allows on either side.
_ABOUT_PART: Final = Decimal("0.05")


def read_amounts(prompt: Prompt) -> AmountRange | None:
    """Take bounds of amounts out of a prompt; None where there are none."""
    both = prompt.take(_BETWEEN) or prompt.take(_RANGE)
    if both is not None:
        low, high = sorted((_amount(both["low"]), _amount(both["high"])))
        return AmountRange(low, high)
    found = AmountRange()
    is_found = False
    for pattern, excluded in _BOUNDS:
        match = prompt.take(pattern)
        if match is None:
            continue
        is_found = True
        groups = match.groupdict()
        if groups.get("low"):
            found = AmountRange(_amount(groups["low"]), found.high, excluded, found.high_excluded)
        else:
            found = AmountRange(found.low, _amount(groups["high"]), found.low_excluded, excluded)
    if is_found:
        return found
    about = prompt.take(_ABOUT)
    if about is not None:
        near = _amount(about["near"])
        return AmountRange(near * (1 - _ABOUT_PART), near * (1 + _ABOUT_PART))
    exact = prompt.take(_EXACT)
    if exact is not None:
        amount = _amount(exact["exact"] or exact["number"])
        return AmountRange(amount, amount)
    return None


def _amount(said: str) -> Decimal:
    """What a number means; beyond all amounts it is the limit of amounts."""
    number, *words = said.lstrip("$€£ ").replace(",", "").split()
    factor = 1
    if number[-1] in "km":
        number, factor = number[:-1], _UNITS[number[-1]]
    for word in words:
        factor *= _UNITS.get(word, 1)
    digits = number[:40]
    return min(Decimal(digits) * factor, AMOUNT_LIMIT)
