"""Reads of the chart of accounts. Every public read begins with the company."""

from typing import TYPE_CHECKING, Self

from django.db import models

from ledger.models import Entity

if TYPE_CHECKING:
    from accounts.models import Account  # noqa: F401


class AccountQuerySet(models.QuerySet["Account"]):
    def for_entity(self, entity: Entity) -> Self:
        """The accounts of this company alone."""
        return self.filter(entity_id=entity.id)

    def open(self) -> Self:
        """Accounts that take new transactions."""
        return self.filter(closed_at__isnull=True)
