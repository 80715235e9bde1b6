"""`manage.py revoke_membership`"""

from typing import Any

from django.core.management.base import CommandParser

from ledger.management.base import OperatorCommand, find_entity
from ledger.services.memberships import revoke_membership
from ledger.services.people import find_person


class Command(OperatorCommand):
    """Takes a person out of a company."""

    help = (
        "Take a person out of a company: from the next request on they see nothing of it. What they did "
        "stays on the record. The only owner cannot go; make another one first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--user", required=True, help="A user name or an e-mail address.")
        parser.add_argument("--entity", required=True, help="The id of the company, entity_…")

    def run(self, **options: Any) -> str:
        """Take them out."""
        user, entity = find_person(options["user"]), find_entity(options["entity"])
        revoke_membership(user=user, entity=entity, actor=self.actor)
        return f"{user.get_username()} is no longer in {entity} ({entity.public_id})."
