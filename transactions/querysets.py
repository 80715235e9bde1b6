"""Reads of transactions. Every public read begins with the company."""

from typing import TYPE_CHECKING, Self

from django.db import models

from ledger.models import Entity

if TYPE_CHECKING:
    from transactions.models import Transaction  # noqa: F401


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def for_entity(self, entity: Entity) -> Self:
        """The transactions of this company alone."""
        return self.filter(entity_id=entity.id)
