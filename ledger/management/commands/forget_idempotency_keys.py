"""`manage.py forget_idempotency_keys`"""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from ledger.idempotency import forget_old
from ledger.management.base import OperatorCommand

HOURS_MIN = 24


class Command(OperatorCommand):
    """Deletes old idempotency keys, as the timetable does every hour."""

    help = "Delete the idempotency keys, with their stored answers, that are older than --hours."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--hours",
            type=int,
            help=f"Age in hours, at least {HOURS_MIN} (default: the setting IDEMPOTENCY_KEY_HOURS).",
        )

    def run(self, **options: Any) -> str:
        """Delete them."""
        hours = options["hours"]
        if hours is not None and hours < HOURS_MIN:
            raise CommandError(
                f"--hours {hours} is too few; clients may repeat a request for {HOURS_MIN} hours."
            )
        forgotten = forget_old(hours=hours)
        return (
            f"Forgot {forgotten} idempotency keys older than {hours or settings.IDEMPOTENCY_KEY_HOURS} hours."
        )
