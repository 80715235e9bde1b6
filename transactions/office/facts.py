"""What apps above know of a transaction, for its page: the bank line that it stands for, the statement that
it is on, the document that proves it."""

from typing import Any, Final, NamedTuple
from uuid import UUID

from django.dispatch import Signal

from ledger.models import Entity

# Sent once for a transaction's page. Arguments: entity, transaction_id. Receivers return a list of Facts.
transaction_facts: Final = Signal()


class Fact(NamedTuple):
    """A line of the transaction's page."""

    label: str
    text: str
    # Where more is told; empty where there is no page of it.
    url: str = ""


def facts_of(entity: Entity, transaction_id: UUID) -> list[Fact]:
    """What the apps above tell of a transaction, in the order in which they were connected."""
    # Django's types say that receivers return text.
    told: list[tuple[Any, Any]] = list(
        transaction_facts.send(sender=Entity, entity=entity, transaction_id=transaction_id)
    )
    return [fact for _, facts in told for fact in facts or ()]
