"""Both searches on the same questions, for the test and for the bench."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ai.models import SourceType
from ai.search.embedding import as_text, embed_query
from ai.search.finding import Wanted, find, near_vector
from ai.search.keeping import embed_books
from ai.tests.queries import FIRST, QUERIES, Asked, Kind, Marks, mark, together
from banking.sandbox.company import create_sandbox
from banking.sandbox.industries import INDUSTRIES
from ledger import db
from ledger.actors import SYSTEM
from ledger.models import Entity
from transactions.models import Transaction
from transactions.search import search_transactions

TODAY: Final = dt.date(2026, 11, 20)
_TRANSACTIONS: Final = (SourceType.TRANSACTION.value,)


@dataclass(frozen=True)
class Companies:
    """A sandbox company of each industry, embedded."""

    entities: dict[str, Entity]
    descriptions: dict[str, dict[UUID, str]]

    @classmethod
    def make(cls) -> "Companies":
        """Make the companies; always the same ones."""
        entities = {
            industry: create_sandbox(
                name=f"Sandbox {industry}", industry=industry, seed=4, today=TODAY, actor=SYSTEM
            ).entity
            for industry in INDUSTRIES
        }
        descriptions = {}
        for industry, entity in entities.items():
            embed_books(entity)
            found = Transaction.objects.for_entity(entity).values_list("id", "description")
            descriptions[industry] = dict(found)
        return cls(entities, descriptions)

    def semantic(self, asked: Asked) -> Sequence[UUID]:
        """What search by meaning answers."""
        wanted = Wanted(asked.query, limit=FIRST, source_types=_TRANSACTIONS)
        return [one.source_id for one in find(self.entities[asked.industry], wanted)]

    def by_words(self, asked: Asked) -> Sequence[UUID]:
        """What plain word search answers."""
        rows, _ = search_transactions(
            self.entities[asked.industry], query=asked.query, filters={}, page=1, limit=FIRST
        )
        return [row.id for row in rows]

    def by_vectors(self, asked: Asked) -> Sequence[UUID]:
        """What vectors alone would answer: of the nearest documents the newest transactions, in turn."""
        entity = self.entities[asked.industry]
        wanted = Wanted(asked.query, source_types=_TRANSACTIONS)
        nearest = near_vector(entity, wanted, as_text(embed_query(asked.query)), count=FIRST)
        return [
            id_
            for document in nearest
            for (id_,) in db.fetch(
                "SELECT id FROM ai_documentsource WHERE entity_id = %s AND document_id = %s"
                " ORDER BY time DESC LIMIT 10",
                [entity.id, document[0]],
            )
        ][:FIRST]

    def marks(self, search: str) -> dict[Kind, Marks]:
        """The marks of `semantic`, `by_words` or `by_vectors`, by kind of question."""
        return mark(getattr(self, search), self.descriptions)


__all__ = ["QUERIES", "Companies", "Kind", "Marks", "together"]
