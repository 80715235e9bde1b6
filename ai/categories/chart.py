"""A company's accounts as candidates for a category."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from accounts.choices import AccountType
from ai.categories.prior.words import VAGUE, Prior, name_words
from ai.categories.texts import plain

Floats = np.ndarray[Any, np.dtype[np.float32]]

_STEM = 5


class Candidate(NamedTuple):
    """An account that a transaction may be put in."""

    id: UUID
    name: str
    type: str
    financial_type: str | None
    code: int | None


class Chart:
    """The candidates of one company, in a fixed order, and what the prior makes of their names."""

    def __init__(self, accounts: Sequence[Candidate], prior: Prior) -> None:
        self.accounts = tuple(accounts)
        self.place = {account.id: number for number, account in enumerate(self.accounts)}
        self.prior = prior
        size = len(self.accounts)
        takes = np.zeros((size, prior.size), np.float32)
        for number, account in enumerate(self.accounts):
            takes[number] = prior.of_account(account.name, account.financial_type)
        takes += 1e-3
        # Of a purpose that several accounts take, each gets its part.
        self.share: Floats = takes / takes.sum(0, keepdims=True)
        self.brings_in = np.array(
            [account.type == AccountType.REVENUE for account in self.accounts], np.float32
        )
        self.is_expense = np.array(
            [account.type == AccountType.EXPENSE for account in self.accounts], np.float32
        )
        self._stems = [_stems(account.name) for account in self.accounts]
        self._with_stem: dict[str, list[int]] = {}
        for number, stems in enumerate(self._stems):
            for stem in stems:
                self._with_stem.setdefault(stem, []).append(number)
        self._rare = {
            stem: math.log((1 + size) / len(found)) / math.log(1 + size)
            for stem, found in self._with_stem.items()
        }
        self._length = [sum(self._rare[stem] for stem in sorted(stems)) ** 0.5 + 0.1 for stems in self._stems]

    def __len__(self) -> int:
        return len(self.accounts)

    def named_in(self, text: str) -> Floats:
        """How far each account's name is found in a text: from 0 to about 1."""
        found = np.zeros(len(self.accounts), np.float32)
        for stem in _stems(text):
            for number in self._with_stem.get(stem, ()):
                found[number] += self._rare[stem] / self._length[number]
        return found


def _stems(text: str) -> set[str]:
    """What names are recognised by: the beginnings of words that say something, and numbers as they are."""
    stems = {word[:_STEM] for word in name_words(text) if word not in VAGUE and len(word) > 2}
    return stems | {word for word in plain(text).split() if word.isdigit() and len(word) > 1}
