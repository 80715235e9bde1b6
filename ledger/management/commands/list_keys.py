"""`manage.py list_keys`"""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from ledger.management.base import OperatorCommand, find_developer
from ledger.models import ApiKey


class Command(OperatorCommand):
    """Lists keys."""

    help = "List the keys of a developer, or with --admin those of operators; secrets are not kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("developer", nargs="?", help="The id of the developer, dev_…")
        whose.add_argument("--admin", action="store_true", help="The operators' keys.")

    def run(self, **options: Any) -> str:
        """List them, newest first."""
        developer = None if options["admin"] else find_developer(options["developer"])
        keys = ApiKey.objects.filter(developer=developer).order_by("-id")
        for key in keys:
            used = (
                "never used" if key.last_used_at is None else f"last used {key.last_used_at:%Y-%m-%d %H:%M}"
            )
            self.stdout.write(f"{key.public_id}  {key.prefix}…  {_state(key):8}  {used}  {key.name}")
        return f"{len(keys)} keys."


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "active"
