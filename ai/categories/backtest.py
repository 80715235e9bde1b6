"""Replaying a company's history: what would have been suggested for each transaction when it came.

Transactions are taken in their order. Each is answered with what was confirmed before it alone, and then
learned from; the linear model is trained again as it would be. So an accountant sees at which confidence
suggestions may be applied without looking.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from ai.categories.confirmed import take_in
from ai.categories.lookups import EXAMPLES_MAX, Example, InMemory, Known
from ai.categories.suggesting import answer, chart_of
from ai.categories.texts import Line
from ledger.db import compact, fetch
from ledger.models import Entity, Ledger

THRESHOLDS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
# So many lines are answered before what was said of them is learned: as a day's work is.
_DAY: Final = 20
# The model is trained again after such a part of the history is new.
_TRAINED_AGAIN: Final = 1.15
_FIRST_TRAINING: Final = 20

_HISTORY: Final = compact("""
SELECT t.description, t.counterparty, t.metadata->>'providerCategory', k.amount, k.account_id, k.date, t.id
FROM ai_confirmedtransaction k
JOIN transactions_transaction t ON t.entity_id = k.entity_id AND t.id = k.transaction_id
WHERE k.entity_id = %(entity)s::uuid AND t.ledger_id = %(ledger)s::uuid
ORDER BY k.date DESC, k.transaction_id DESC LIMIT %(limit)s::int
""")


class Level(NamedTuple):
    """What suggestions at least that sure would have been worth."""

    threshold: float
    # The part of all transactions that had such a suggestion, and how many of these were right.
    coverage: float
    precision: float | None
    number: int


@dataclass(slots=True)
class Backtest:
    """The outcome of a replay: for each transaction how sure the first suggestion was, and which was
    right."""

    sure: list[float] = field(default_factory=list)
    # 1 where the first suggestion was right, 2 and 3 for the others, 0 for none of them.
    rank: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.rank)

    @property
    def top_1(self) -> float | None:
        return self._share(1)

    @property
    def top_3(self) -> float | None:
        return self._share(3)

    def _share(self, most: int) -> float | None:
        return sum(0 < rank <= most for rank in self.rank) / self.count if self.count else None

    def levels(self) -> list[Level]:
        """Coverage and precision by confidence."""
        levels = []
        for threshold in THRESHOLDS:
            taken = [rank for sure, rank in zip(self.sure, self.rank, strict=True) if sure >= threshold]
            right = sum(rank == 1 for rank in taken)
            levels.append(
                Level(
                    threshold,
                    len(taken) / self.count if self.count else 0.0,
                    right / len(taken) if taken else None,
                    len(taken),
                )
            )
        return levels


def backtest(
    entity: Entity, *, limit: int = EXAMPLES_MAX, progress: Callable[[int, int], None] | None = None
) -> Backtest:
    """Replay the newest `limit` confirmed transactions of the company's default ledger, oldest first.

    Rules are left out: they answer for themselves. Changes nothing of the books or of the suggestions.
    """
    while True:
        new, is_more = take_in(entity)
        if not is_more or not new:
            break
    ledger = Ledger.objects.get(entity_id=entity.id, is_default=True)
    rows = fetch(_HISTORY, {"entity": entity.id, "ledger": ledger.id, "limit": limit})
    history = [
        (
            Line(description, counterparty, provider or "", amount),
            Known(account, amount, day, description, id_),
        )
        for description, counterparty, provider, amount, account, day, id_ in reversed(rows)
    ]
    return replay(entity, ledger.id, history, progress)


def replay(
    entity: Entity,
    ledger_id: UUID,
    history: Sequence[tuple[Line, Known]],
    progress: Callable[[int, int], None] | None,
) -> Backtest:
    """Go through the history, line by line."""
    # numpy and the models only where something is replayed.
    from ai.categories.learned import learn
    from ai.categories.prior.words import shipped_prior

    lookups, outcome, model, due = InMemory(), Backtest(), None, _FIRST_TRAINING
    chart = chart_of(entity, ledger_id, {known.account_id for _, known in history})
    for start in range(0, len(history), _DAY):
        day = history[start : start + _DAY]
        if start >= due:
            examples = [Example(line, known.account_id) for line, known in history[:start]]
            model = learn(examples, shipped_prior())
            due = int(start * _TRAINED_AGAIN) + _DAY
        lines = [line for line, _ in day]
        if len(chart):
            answers = answer(lines, lookups.find(lines), chart, model)
            for (_, known), its in zip(day, answers, strict=True):
                places = [chart.accounts[one.place].id for one in its[:3]]
                outcome.sure.append(its[0].confidence)
                outcome.rank.append(places.index(known.account_id) + 1 if known.account_id in places else 0)
        for line, known in day:
            lookups.add(line, known)
        if progress is not None:
            progress(min(start + _DAY, len(history)), len(history))
    return outcome
