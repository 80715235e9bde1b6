"""Which of a company's sets of books a page of the chart is about."""

from ledger.exceptions import NotFoundError
from ledger.models import Entity, Ledger


def chosen_ledger(ledgers: list[Ledger], entity: Entity, public_id: str | None) -> Ledger:
    """Return the ledger with that public id, or the default one where none is given.

    Raises NotFoundError for one that the company does not have.
    """
    for ledger in ledgers:
        if ledger.public_id == public_id or (not public_id and ledger.is_default):
            return ledger
    raise NotFoundError(f"{entity} has no such ledger.")
