"""Chance that falls the same way each time: the amounts, days and references of a made-up company."""

from decimal import Decimal
from random import Random
from typing import Final

from banking.sandbox.industry import Spending

_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Dice:
    """Amounts are multiples of `step`, the smallest unit of the company's currency."""

    def __init__(self, seed: str, step: Decimal) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up books, no secret
        self._step = step

    def number(self, least: int, most: int) -> int:
        """A whole number between two bounds, both included."""
        return self._random.randrange(least, most + 1)

    def falls(self, percent: int) -> bool:
        """Whether something happens that happens so often in a hundred times."""
        return self._random.randrange(100) < percent

    def price(self, spending: Spending) -> Decimal:
        """What it costs this time."""
        if spending.least == spending.most:
            return Decimal(spending.least)
        return self.amount(spending.least, spending.most)

    def amount(self, least: int, most: int) -> Decimal:
        """An amount between two bounds, both included."""
        return self.rounded(Decimal(self._random.randrange(least * 100, most * 100 + 1)) / 100)

    def share(self, amount: Decimal, per_mille: int) -> Decimal:
        """That part of an amount."""
        return self.rounded(amount * per_mille / 1000)

    def rounded(self, amount: Decimal) -> Decimal:
        """The amount in whole units of the currency's smallest coin."""
        return amount.quantize(self._step)

    def words(self, description: str) -> str:
        """A bank's text with its numbers and references filled in."""
        text = description.replace("{n}", f"{self._random.randrange(1000, 10_000)}")
        return text.replace("{ref}", "".join(self._random.choices(_ALPHABET, k=6)))
