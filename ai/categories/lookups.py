"""What was confirmed before of lines like this one: of the same words, of the same counterparty, of near
words."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast
from uuid import UUID

from ai.categories.texts import Line, words_of

if TYPE_CHECKING:
    from ai.categories.vectors import Floats

# So many of a key are looked at, the newest; older ones say little besides.
NEWEST: Final = 40
# So many different wordings count as near, and so many confirmed transactions of each.
WORDINGS: Final = 8
NEWEST_OF_WORDING: Final = 5


# The linear model learns from the newest so many confirmed transactions.
EXAMPLES_MAX: Final = 20_000


class Example(NamedTuple):
    """A line, and the account that it was put in."""

    line: Line
    account_id: UUID


class Known(NamedTuple):
    """A confirmed transaction."""

    account_id: UUID
    # Positive where money left the company.
    amount: Decimal
    date: date
    description: str
    transaction_id: UUID | None = None


@dataclass(slots=True)
class Found:
    """The confirmed transactions that share a key with a line, newest first, by key (see `texts.Keys`)."""

    word: Sequence[Known] = ()
    name: Sequence[Known] = ()
    pattern: Sequence[Known] = ()
    exact: Sequence[Known] = ()
    # Where the pattern was never seen: how near (cosine), and what, the nearest first.
    near: Sequence[tuple[float, Known]] = ()


class Lookups(Protocol):
    """Where confirmed transactions are found."""

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """What is known of each of `lines`."""


@dataclass(slots=True)
class InMemory:
    """Lookups over what was added, oldest first: for replaying a history."""

    _levels: tuple[dict[int, list[Known]], ...] = field(
        default_factory=lambda: tuple(defaultdict(list) for _ in range(4))
    )
    _wordings: dict[int, str] = field(default_factory=dict)
    # Their vectors, in the same order, as far as something was looked for.
    _vectors: "Floats | None" = None

    def add(self, line: Line, known: Known) -> None:
        words = words_of(line)
        for level, key in zip(self._levels, words.keys, strict=True):
            level[key].append(known)
        self._wordings.setdefault(words.keys.pattern, words.pattern)

    def find(self, lines: Sequence[Line]) -> list[Found]:
        # numpy only where something is looked for.
        import numpy as np

        from ai.categories.vectors import neighbour_vectors

        found: list[Found] = []
        unseen: dict[int, str] = {}
        for line in lines:
            words = words_of(line)
            word, name, pattern, exact = (
                level.get(key, [])[: -NEWEST - 1 : -1]
                for level, key in zip(self._levels, words.keys, strict=True)
            )
            found.append(Found(word, name, pattern, exact))
            if not found[-1].pattern:
                unseen[words.keys.pattern] = words.pattern
        if not unseen or not self._wordings:
            return found
        keys = list(self._wordings)
        known = 0 if self._vectors is None else len(self._vectors)
        if known < len(keys):
            new = neighbour_vectors(list(self._wordings.values())[known:])
            self._vectors = new if self._vectors is None else np.vstack([self._vectors, new])
        alike = neighbour_vectors(list(unseen.values())) @ cast("Floats", self._vectors).T
        near: dict[int, list[tuple[float, Known]]] = {}
        for key, row in zip(unseen, alike, strict=True):
            nearest = np.argsort(-row, kind="stable")[:WORDINGS]
            near[key] = [
                (float(row[at]), one)
                for at in nearest
                for one in self._levels[2][keys[at]][: -NEWEST_OF_WORDING - 1 : -1]
            ]
        for line, one in zip(lines, found, strict=True):
            one.near = near.get(words_of(line).keys.pattern, ())
        return found
