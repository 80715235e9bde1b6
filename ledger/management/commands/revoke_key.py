"""`manage.py revoke_key`"""

from typing import Any

from django.core.management.base import CommandParser

from ledger.management.base import OperatorCommand, find_key
from ledger.services.keys import revoke_key


class Command(OperatorCommand):
    """Revokes a key."""

    help = (
        "Revoke an API key or an admin key; its tokens stop working within seconds. Done twice, it stays so."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("key", help="The id of the key, key_…")

    def run(self, **options: Any) -> str:
        """Revoke it."""
        key = revoke_key(key=find_key(options["key"]), actor=self.actor)
        return f"Revoked key {key.public_id} ({key.name})."
