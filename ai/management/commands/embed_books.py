"""`manage.py embed_books`: make what search by meaning looks at."""

from argparse import ArgumentParser
from time import monotonic
from typing import Any

from tqdm import tqdm

from ai.search.keeping import Kept, embed_books
from ledger.choices import EntityStatus
from ledger.management.base import OperatorCommand
from ledger.models import Entity
from transactions.management.books import entity_of


class Command(OperatorCommand):
    help = (
        "Make the documents that search by meaning looks at, of one company or of all. The worker does the "
        "same by itself within a minute; this is for who does not want to wait, or runs no worker. Safe at "
        "any time and as often as wanted: what is there already stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--entity", metavar="entity_…", help="the company; all of them unless given")

    def run(self, **options: Any) -> str:
        """Embed, and return the summary."""
        started = monotonic()
        if options["entity"]:
            companies = [entity_of(options["entity"])]
        else:
            companies = list(Entity.objects.exclude(status=EntityStatus.DELETING).order_by("id"))
        kept = [self._embed(entity) for entity in companies]
        transactions, documents = (sum(values) for values in zip(*kept, strict=True)) if kept else (0, 0)
        seconds = monotonic() - started
        return f"{transactions:,} transactions have {documents:,} documents ({seconds:.1f} s)."

    def _embed(self, entity: Entity) -> Kept:
        # Without a terminal there is no bar.
        with tqdm(unit=" transactions", disable=None, leave=False, desc=entity.legal_name[:30]) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            return embed_books(entity, show)
