"""`manage.py export_postman`"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from openledger.api_description import generate
from openledger.management.files import write
from openledger.postman import collection_json


class Command(BaseCommand):
    """Writes the Postman collection of the API, or checks that the file is current."""

    help = (
        "Write the API as a Postman collection. With --check write nothing: exit 1 where the file is not "
        "what would be written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        default = settings.BASE_DIR / "docs" / "postman_collection.json"
        parser.add_argument(
            "--output",
            type=Path,
            default=default,
            help="The file (default: docs/postman_collection.json of the project).",
        )
        parser.add_argument("--check", action="store_true", help="Only check.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        path: Path = options["output"]
        text = collection_json(generate())
        if not options["check"]:
            write(path, text)
            self.stdout.write(self.style.SUCCESS(f"Wrote {path}."))
        elif not path.exists() or path.read_text() != text:
            raise CommandError(f"{path} is not current; run 'manage.py export_postman'.")
        else:
            self.stdout.write(self.style.SUCCESS(f"{path} is current."))
