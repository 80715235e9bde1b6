"""`manage.py create_developer`"""

from typing import Any

from django.core.management.base import CommandParser

from ledger.management.base import OperatorCommand, value_of
from ledger.models import Developer
from ledger.services.developers import Preferences, create_developer


class Command(OperatorCommand):
    """Makes a developer."""

    help = "Make a developer with its first API key, which is printed this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", type=value_of(Developer, "name"), help="The name of the platform.")
        parser.add_argument(
            "--email", type=value_of(Developer, "email"), default="", help="Whom to write to."
        )
        parser.add_argument(
            "--industry",
            type=value_of(Developer, "industry"),
            default="",
            help="What the platform is about.",
        )
        parser.add_argument("--currency", help="ISO 4217 code that new entities start with (default: USD).")
        parser.add_argument("--timezone", help="IANA time zone that new entities start with (default: UTC).")

    def run(self, **options: Any) -> str:
        """Make it."""
        preferences = Preferences()
        if options["currency"]:
            preferences["currency"] = options["currency"]
        if options["timezone"]:
            preferences["timezone"] = options["timezone"]
        made = create_developer(
            name=options["name"],
            email=options["email"],
            industry=options["industry"],
            preferences=preferences,
            actor=self.actor,
        )
        self.secret(f"API key: {made.first_key.secret}")
        return f"Created developer {made.developer.public_id} with API key {made.first_key.key.public_id}."
