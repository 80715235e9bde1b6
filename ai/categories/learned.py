"""The linear model of one company, and the counts that go with it: what is learned from all that was
confirmed.

Ridge regression over hashed runs of letters and words, the amount, the direction and the prior's purposes. It
is solved exactly, so the same answers give the same model, in a second for 10,000 of them.
"""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

import numpy as np

from ai.categories.amounts import STEPS, amount_steps
from ai.categories.lookups import EXAMPLES_MAX, Example
from ai.categories.prior.words import Prior
from ai.categories.texts import Line, words_of
from ai.categories.vectors import TEXT_COLUMNS, Counted

Floats = np.ndarray[Any, np.dtype[np.float32]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]

# Lines are like others by the same words, by the same words but for digits, or by the same counterparty.
STATES: Final = 3

_RIDGE: Final = 2.0
# What was confirmed seven tenths of the history ago counts half.
_HALF_LIFE_SHARE: Final = 0.7
_HALF_LIFE_MIN: Final = 30.0


@dataclass(slots=True)
class Learned:
    """What was learned; `accounts` says which account each row of the arrays is."""

    accounts: tuple[UUID, ...]
    examples: int
    # How often each account was chosen, the newer the more.
    base: Floats
    # The same where each counterparty counts once, however many lines it has: what new ones are put in.
    fresh: Floats
    # `base` by steps of the amount, and by purpose.
    by_amount: Floats
    by_purpose: Floats
    # `fresh` by purpose.
    fresh_by_purpose: Floats
    # How rare each drawer is, and the weights by which columns speak for accounts.
    rarity: Floats
    weights: Floats
    # How often lines of the same words, of the same but for digits, and of the same counterparty were put
    # where most of those before them were, and how many there were; the newer the more.
    agreed: Floats
    compared: Floats

    def scores(self, lines: Sequence[Line], prior: Prior) -> Floats:
        """How much each line speaks for each account."""
        scores: Floats = _columns(lines, prior, self.rarity)[0] @ self.weights
        return scores

    def to_bytes(self) -> bytes:
        """As it is stored; half precision, which moves a score in its fourth digit."""
        out = io.BytesIO()
        np.savez(
            out,
            accounts=np.frombuffer(b"".join(one.bytes for one in self.accounts), np.uint8),
            examples=np.array([self.examples]),
            base=self.base,
            fresh=self.fresh,
            by_amount=self.by_amount,
            by_purpose=self.by_purpose.astype(np.float16),
            fresh_by_purpose=self.fresh_by_purpose.astype(np.float16),
            rarity=self.rarity.astype(np.float16),
            weights=self.weights.astype(np.float16),
            agreed=self.agreed,
            compared=self.compared,
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        with np.load(io.BytesIO(stored), allow_pickle=False) as found:
            ids = found["accounts"].tobytes()
            return cls(
                accounts=tuple(UUID(bytes=ids[at : at + 16]) for at in range(0, len(ids), 16)),
                examples=int(found["examples"][0]),
                base=found["base"],
                # A model from before more was counted: the next training counts it.
                fresh=found["fresh"] if "fresh" in found else found["base"],
                by_amount=found["by_amount"],
                by_purpose=found["by_purpose"].astype(np.float32),
                fresh_by_purpose=found[
                    "fresh_by_purpose" if "fresh_by_purpose" in found else "by_purpose"
                ].astype(np.float32),
                rarity=found["rarity"].astype(np.float32),
                weights=found["weights"].astype(np.float32),
                agreed=found["agreed"] if "agreed" in found else np.zeros(STATES, np.float32),
                compared=found["compared"] if "compared" in found else np.zeros(STATES, np.float32),
            )


def learn(examples: Sequence[Example], prior: Prior) -> Learned:
    """Learn from `examples`, oldest first; of more than EXAMPLES_MAX, from the newest."""
    examples = examples[-EXAMPLES_MAX:]
    accounts = tuple(sorted({example.account_id for example in examples}))
    place = {account: number for number, account in enumerate(accounts)}
    chosen = np.array([place[example.account_id] for example in examples], dtype=np.int64)
    size = len(examples)
    age = np.arange(size - 1, -1, -1)
    recent: Floats = (0.5 ** (age / max(size * _HALF_LIFE_SHARE, _HALF_LIFE_MIN))).astype(np.float32)
    lines = [example.line for example in examples]
    columns, rarity, purposes = _columns(lines, prior, None)
    by_purpose = np.zeros((len(accounts), prior.size), np.float32)
    np.add.at(by_purpose, chosen, purposes * recent[:, None])
    by_amount = np.zeros((len(accounts), len(STEPS)), np.float32)
    np.add.at(by_amount, chosen, amount_steps(lines) * recent[:, None])
    names = np.array([words_of(line).keys.name for line in lines], dtype=np.int64)
    _, which, times = np.unique(names, return_inverse=True, return_counts=True)
    once = recent / times[which]
    fresh_by_purpose = np.zeros_like(by_purpose)
    np.add.at(fresh_by_purpose, chosen, purposes * once[:, None])
    answers = np.zeros((size, len(accounts)), np.float32)
    answers[np.arange(size), chosen] = 1
    agreed, compared = _agreement(lines, chosen, recent)
    return Learned(
        accounts=accounts,
        examples=size,
        base=np.bincount(chosen, recent, minlength=len(accounts)).astype(np.float32),
        fresh=np.bincount(chosen, once, minlength=len(accounts)).astype(np.float32),
        by_amount=by_amount,
        by_purpose=by_purpose,
        fresh_by_purpose=fresh_by_purpose,
        rarity=rarity,
        weights=_solved(columns, answers, recent),
        agreed=agreed,
        compared=compared,
    )


def _agreement(lines: Sequence[Line], chosen: Numbers, recent: Floats) -> tuple[Floats, Floats]:
    """How consistently the company puts like lines in the same account: each line is compared with those
    before it that share the most telling key with it."""
    agreed, compared = np.zeros(STATES, np.float32), np.zeros(STATES, np.float32)
    seen: tuple[dict[int, Counter[int]], ...] = tuple({} for _ in range(STATES))
    for line, account, weight in zip(lines, chosen.tolist(), recent.tolist(), strict=True):
        keys = words_of(line).keys
        is_compared = False
        for state, key in enumerate((keys.exact, keys.pattern, keys.name)):
            before = seen[state].get(key)
            if before is None:
                before = seen[state][key] = Counter()
            elif not is_compared:
                is_compared = True
                compared[state] += weight
                agreed[state] += weight * (before.most_common(1)[0][0] == account)
            before[account] += 1
    return agreed, compared


def _columns(lines: Sequence[Line], prior: Prior, rarity: Floats | None) -> tuple[Floats, Floats, Floats]:
    """The rows that the model reads, with the rarity of drawers (counted here where none is given) and the
    purposes."""
    words = [words_of(line) for line in lines]
    counted = Counted([one.text for one in words], [one.pattern for one in words])
    rarity = counted.rarity() if rarity is None else rarity
    purposes = np.array([prior.read(one.prior).likely for one in words])
    direction = np.array([[0.3 * (line.amount < 0)] for line in lines], np.float32)
    columns = np.hstack(
        [counted.dense(TEXT_COLUMNS, rarity), 0.5 * amount_steps(lines), direction, 0.5 * np.sqrt(purposes)]
    )
    return columns, rarity, purposes


def _solved(columns: Floats, answers: Floats, recent: Floats) -> Floats:
    """The weights of least squared error, weighted by `recent`, with a penalty on large weights."""
    rows, width = columns.shape
    if rows < width:
        # As many equations as examples: the same weights, sooner.
        alike = columns @ columns.T
        alike[np.diag_indices(rows)] += _RIDGE / recent
        solved = np.asarray(columns.T @ np.linalg.solve(alike, answers), np.float32)
    else:
        together = columns.T @ (columns * recent[:, None])
        together[np.diag_indices(width)] += _RIDGE
        solved = np.asarray(np.linalg.solve(together, columns.T @ (answers * recent[:, None])), np.float32)
    return solved
