"""`manage.py create_sandbox`: a company to try the project with."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from banking.sandbox.company import create_sandbox
from banking.sandbox.industries import INDUSTRIES
from ledger.actors import command_actor
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, decode_id
from ledger.models import Developer


class Command(BaseCommand):
    help = (
        "Make a company with a chart of accounts, two made-up banks that go on giving lines day by day, and "
        "months of believable transactions that end today, some of them still to approve and categorize; and "
        "a developer for it, unless one is named."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--industry", default="software", help=f"one of {', '.join(INDUSTRIES)}")
        parser.add_argument("--name", help="the company's name (default: by industry)")
        parser.add_argument(
            "--months", type=int, default=12, help="whole months before this one (default: 12)"
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="the same seed makes the same books (default: 1)"
        )
        parser.add_argument(
            "--developer", metavar="dev_…", help="whose company it is; else a new developer's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = command_actor("create_sandbox")
        try:
            made = create_sandbox(
                name=options["name"] or f"Sandbox {options['industry'].title()}",
                industry=options["industry"],
                developer=self._developer(options["developer"]),
                seed=options["seed"],
                months=options["months"],
                actor=actor,
            )
        except LedgerError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Entity:      {made.entity.public_id} ({made.entity}, {made.transactions:,} transactions)"
        )
        self.stdout.write(f"Ledger:      {made.ledger.public_id}")
        for account in made.bank_accounts:
            self.stdout.write(f"Bank:        {account.public_id} ({account}, {account.balance_current:,})")
        self.stdout.write(f"Developer:   {made.developer.public_id}")
        if made.first_key is not None:
            self.stdout.write(f"API key:     {made.first_key.secret} (shown this once)")

    @staticmethod
    def _developer(public_id: str | None) -> Developer | None:
        if public_id is None:
            return None
        developer = Developer.objects.filter(
            id=decode_id(Prefix.DEVELOPER, public_id, field="--developer")
        ).first()
        if developer is None:
            raise CommandError(f"--developer: there is no developer {public_id}.")
        return developer
