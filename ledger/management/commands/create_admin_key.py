"""`manage.py create_admin_key`"""

from typing import Any

from django.core.management.base import CommandParser

from ledger.management.base import OperatorCommand
from ledger.services.keys import create_key


class Command(OperatorCommand):
    """Makes a key of an operator."""

    help = (
        "Make an admin key, which manages developers and reaches no books. The key is printed this once; "
        "its id and the key make a token by POST /v1/auth/tokens with userType admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="Who uses it.")

    def run(self, **options: Any) -> str:
        """Make it."""
        new = create_key(developer=None, name=options["name"], actor=self.actor)
        self.secret(f"Admin key: {new.secret}")
        return f"Created admin key {new.key.public_id}."
