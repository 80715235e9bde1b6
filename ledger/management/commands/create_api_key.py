"""`manage.py create_api_key`"""

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from ledger.management.base import OperatorCommand, find_developer
from ledger.services.keys import create_key

DAYS_MAX = 3650


class Command(OperatorCommand):
    """Makes an API key of a developer."""

    help = "Make an API key of a developer. The key is printed this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("developer", help="The id of the developer, dev_…")
        parser.add_argument("name", help="What the key is for.")
        parser.add_argument("--days", type=int, help="How many days it works (default: until it is revoked).")

    def run(self, **options: Any) -> str:
        """Make it."""
        days = options["days"]
        if days is not None and not 1 <= days <= DAYS_MAX:
            raise CommandError(f"--days {days} is out of bounds; give 1 to {DAYS_MAX}.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        new = create_key(
            developer=find_developer(options["developer"]),
            name=options["name"],
            expires_at=expires_at,
            actor=self.actor,
        )
        self.secret(f"API key: {new.secret}")
        return f"Created API key {new.key.public_id}."
