"""`manage.py grant_membership`"""

from typing import Any

from django.core.management.base import CommandParser

from ledger.choices import Role
from ledger.management.base import OperatorCommand, find_entity
from ledger.services.memberships import grant_membership
from ledger.services.people import find_person


class Command(OperatorCommand):
    """Lets a person into a company."""

    help = (
        "Let a person of the back office into a company, or change their role there. An owner does "
        "everything, an accountant keeps and closes the books, an auditor reads them, an operator looks "
        "after feeds and background work and sees no books. A company keeps at least one owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--user", required=True, help="A user name or an e-mail address.")
        parser.add_argument("--entity", required=True, help="The id of the company, entity_…")
        parser.add_argument("--role", required=True, choices=Role.values, help="What they are there.")

    def run(self, **options: Any) -> str:
        """Let them in."""
        user, entity = find_person(options["user"]), find_entity(options["entity"])
        grant_membership(user=user, entity=entity, role=Role(options["role"]), actor=self.actor)
        return f"{user.get_username()} is {options['role']} in {entity} ({entity.public_id})."
