"""`manage.py expire_pending`: what the worker does every five minutes."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q
from tqdm import tqdm

from ledger.actors import command_actor
from ledger.clock import utc_now
from ledger.models import Entity
from transactions.choices import Status
from transactions.management.books import entity_of
from transactions.models import Transaction
from transactions.services import expire_pending
from transactions.services.expiry import entities_with_due


class Command(BaseCommand):
    help = (
        "Expire the PENDING transactions whose expires_at has passed: they count in no balance any more. "
        "Those that are dated in a closed period stay as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--entity", metavar="entity_…", help="only in the books of this company")
        parser.add_argument("--dry-run", action="store_true", help="count them, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        if options["entity"]:
            entities = [entity_of(options["entity"])]
        else:
            entities = list(Entity.objects.filter(id__in=entities_with_due(now)).order_by("id"))
        count = 0
        actor = command_actor("expire_pending")
        # Without a terminal there is no bar.
        with tqdm(unit=" transactions", disable=None, leave=False) as bar:
            for entity in entities:
                if options["dry_run"]:
                    count += _due(entity, now)
                    continue
                for expired in expire_pending(entity=entity, now=now, actor=actor):
                    count += expired
                    bar.update(expired)
        verb = "would be expired" if options["dry_run"] else "expired"
        self.stdout.write(f"{count:,} pending transactions {verb}.")


def _due(entity: Entity, now: datetime) -> int:
    closed = entity.books_closed_through
    is_open = Q(date__gt=closed) if closed else Q()
    due = Transaction.objects.for_entity(entity).filter(is_open, status=Status.PENDING, expires_at__lte=now)
    return due.count()
