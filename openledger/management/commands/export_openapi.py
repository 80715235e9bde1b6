"""`manage.py export_openapi`"""

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from django.core.management.base import BaseCommand, CommandError, CommandParser
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from openledger.api_description import generate
from openledger.management.files import write

_RENDERERS: dict[str, Any] = {"json": OpenApiJsonRenderer, "yaml": OpenApiYamlRenderer}


class Command(BaseCommand):
    """Writes the API's description, or checks it."""

    help = (
        "Write the API's description (OpenAPI 3.1) to a file or to the output. With --check write nothing: "
        "exit 1 where views cannot be described without a warning, or where the result is no valid OpenAPI."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--output", type=Path, help="Where to write (default: the standard output).")
        parser.add_argument("--format", choices=_RENDERERS, default="json", help="Default: json.")
        parser.add_argument("--check", action="store_true", help="Only check.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        if options["check"]:
            self._check()
            return
        renderer = _RENDERERS[options["format"]]()
        text = renderer.render(generate(), renderer_context={}).decode().rstrip() + "\n"
        if options["output"] is None:
            self.stdout.write(text, ending="")
        else:
            write(options["output"], text)
            self.stdout.write(self.style.SUCCESS(f"Wrote {options['output']}."))

    def _check(self) -> None:
        GENERATOR_STATS.reset()
        description = generate()
        if GENERATOR_STATS:
            raise CommandError("The API cannot be described without warnings; they are above.")
        try:
            validate_schema(description)  # type: ignore[no-untyped-call]
        except jsonschema.ValidationError as error:
            place = "/".join(str(step) for step in error.absolute_path)
            raise CommandError(
                f"The description is no valid OpenAPI 3.1: {error.message}, at {place}."
            ) from error
        self.stdout.write(self.style.SUCCESS(f"{len(description['paths'])} addresses, without a fault."))
