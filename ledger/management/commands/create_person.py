"""`manage.py create_person`"""

from typing import Any

from django.core.management.base import CommandParser

from ledger.management.base import OperatorCommand, value_of
from ledger.models import User
from ledger.services.people import create_person


class Command(OperatorCommand):
    """Makes a log-in to the back office."""

    help = (
        "Make a log-in to the back office. The password is printed this once and works for one log-in, which "
        "asks for another. The person is in no company yet: see grant_membership."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("username", help="The name to log in with.")
        parser.add_argument("--email", type=value_of(User, "email"), default="", help="Their e-mail address.")
        parser.add_argument(
            "--superuser",
            action="store_true",
            help="They look after the installation: companies, developers, keys, people; no books.",
        )

    def run(self, **options: Any) -> str:
        """Make it."""
        made = create_person(
            username=options["username"],
            email=options["email"],
            superuser=options["superuser"],
            actor=self.actor,
        )
        self.secret(f"Password: {made.one_time_password}")
        return f"Created {made.user.get_username()}."
