"""`manage.py verify`: are the books right?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ledger import audit
from ledger.choices import EntityStatus
from ledger.models import AuditEvent, Entity
from transactions.management.books import entity_of
from transactions.verification import checks, verify_books


class Command(BaseCommand):
    help = (
        "Compute every balance, day and month again from the transactions, check the links, the history and "
        "the audit trail, print each difference, and exit with 1 if there is one. Nothing is written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--entity",
            action="append",
            metavar="entity_…",
            help="a company (may be repeated); all unless given",
        )
        parser.add_argument("--quiet", action="store_true", help="print differences only")

    def handle(self, *args: Any, **options: Any) -> None:
        named = [entity_of(public_id) for public_id in options["entity"] or ()]
        found = companies = 0
        for entity in named or Entity.objects.exclude(status=EntityStatus.DELETING).order_by("id").iterator():
            found += self._verify(entity, is_quiet=options["quiet"])
            companies += 1
        if not named:
            found += self._verify_other_chains(is_quiet=options["quiet"])
        if found:
            raise CommandError(
                f"{found:,} difference{'s' * (found > 1)} in the books of {companies:,} companies."
            )
        if not options["quiet"]:
            self.stdout.write(f"The books of {companies:,} companies are right.")

    def _verify(self, entity: Entity, *, is_quiet: bool) -> int:
        found = 0
        # Without a terminal there is no bar.
        with tqdm(total=len(checks()), unit=" checks", disable=None, leave=False) as bar:

            def show(check: str) -> None:
                bar.set_description(check, refresh=False)
                bar.update()

            for difference in verify_books(entity, show):
                found += 1
                bar.clear()
                self.stdout.write(f"{entity.public_id} {difference.check}: {difference.message}")
        if found or not is_quiet:
            said = f"{found:,} differences" if found else f"right ({len(checks())} checks)"
            self.stdout.write(f"{entity.public_id} {entity}: {said}")
        return found

    def _verify_other_chains(self, *, is_quiet: bool) -> int:
        """The audit trails of developers and of the installation, which belong to no company."""
        companies = Entity.objects.values("id")
        scopes = AuditEvent.objects.exclude(scope_id__in=companies).order_by("scope_id")
        faults = audit.verify_chains(scopes.values_list("scope_id", flat=True).distinct())
        for fault in faults:
            self.stdout.write(f"audit trail: {fault}")
        if faults or not is_quiet:
            said = f"{len(faults):,} differences" if faults else "right"
            self.stdout.write(f"Audit trails of developers and of the installation: {said}")
        return len(faults)
