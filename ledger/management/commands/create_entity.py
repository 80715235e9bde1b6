"""`manage.py create_entity`"""

from typing import Any

from django.core.management.base import CommandParser

from ledger.management.base import OperatorCommand, find_developer, value_of
from ledger.models import Entity
from ledger.services.entities import EntityFields, create_entity
from ledger.services.settings import EntitySettings


class Command(OperatorCommand):
    """Makes a company."""

    help = "Make a company (entity) of a developer, with its default ledger and its system accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("developer", help="The id of the developer, dev_…")
        parser.add_argument(
            "name", type=value_of(Entity, "legal_name"), help="The legal name of the company."
        )
        parser.add_argument(
            "--external-id",
            type=value_of(Entity, "external_id"),
            help="The developer's own id of the company, unique among its.",
        )
        parser.add_argument(
            "--currency", help="ISO 4217 code (default: the developer's preference, else USD)."
        )
        parser.add_argument(
            "--timezone", help="IANA time zone (default: the developer's preference, else UTC)."
        )

    def run(self, **options: Any) -> str:
        """Make it."""
        fields = EntityFields(legal_name=options["name"], external_id=options["external_id"])
        settings = EntitySettings()
        if options["currency"]:
            settings["default_currency"] = options["currency"]
        if options["timezone"]:
            settings["timezone"] = options["timezone"]
        developer = find_developer(options["developer"])
        entity = create_entity(developer=developer, fields=fields, settings=settings, actor=self.actor)
        return f"Created entity {entity.public_id} ({entity.default_currency}, {entity.timezone})."
