import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError
from django.db.transaction import atomic
from tqdm import tqdm

from accounts.chart_templates import TEMPLATE_IDS
from accounts.constants import IMPORT_FILE_BYTES_MAX
from accounts.imports.files import FORMATS, guess_format, read_rows
from accounts.imports.plan import plan_accounts
from accounts.imports.rows import Row, RowError
from accounts.querysets import default_ledger
from accounts.services import import_accounts, rows_of_template
from ledger.ids import Prefix, decode_id
from ledger.management.base import OperatorCommand
from ledger.models import Entity

# Shorter imports are over before a progress bar is read.
PROGRESS_FROM_ROWS: Final = 2_000
ERRORS_SHOWN_MAX: Final = 20


class Command(OperatorCommand):
    help = (
        "Import a chart of accounts into a company's default ledger, from a CSV or XLSX file or a template. "
        "Rows that are there are skipped and bad rows are listed, so running it twice does no harm."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", nargs="?", type=Path, help="a CSV or XLSX file")
        parser.add_argument("--template", choices=TEMPLATE_IDS, help="a ready-made chart instead of a file")
        parser.add_argument("--entity", required=True, help="the company, entity_…")
        parser.add_argument("--format", choices=FORMATS, help="of the file; guessed where it is not given")
        parser.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")

    def run(self, **options: Any) -> str:
        """Import, list the bad rows and return the summary. Raises CommandError where nothing can be read."""
        entity = _entity(options["entity"])
        rows, source, file_format = _rows(options)
        if options["dry_run"]:
            with atomic():
                plan = plan_accounts(default_ledger(entity), rows)
            self._list(plan.errors)
            return "Dry run: " + _summary(len(plan.fresh), plan.skipped, plan.errors)
        # Without a terminal there is no bar.
        bar = (
            tqdm(total=len(rows), unit=" accounts", disable=None) if len(rows) >= PROGRESS_FROM_ROWS else None
        )
        with bar or nullcontext():
            done = import_accounts(
                entity=entity,
                ledger=default_ledger(entity),
                rows=rows,
                source=source,
                template_id=options["template"],
                file_format=file_format,
                actor=self.actor,
                on_stored=bar.update if bar is not None else None,
            )
        errors = [RowError(**error) for error in done.errors]
        self._list(errors)
        return f"{done.public_id}: " + _summary(done.accounts_created, done.accounts_skipped, errors)

    def _list(self, errors: list[RowError]) -> None:
        for error in errors[:ERRORS_SHOWN_MAX]:
            self.stderr.write(f"row {error.row}, {error.field}: {error.message}")
        if len(errors) > ERRORS_SHOWN_MAX:
            self.stderr.write(f"… and {len(errors) - ERRORS_SHOWN_MAX} more")


def _entity(public_id: str) -> Entity:
    found = Entity.objects.filter(id=decode_id(Prefix.ENTITY, public_id, field="--entity")).first()
    if found is None:
        raise CommandError(f"There is no entity {public_id}.")
    return found


def _rows(options: dict[str, Any]) -> tuple[list[Row], str, str | None]:
    """The rows, where they come from, and the format of the file."""
    path: Path | None = options["file"]
    if (path is None) == (options["template"] is None):
        raise CommandError("Name either a file or --template, one of the two.")
    if path is None:
        return rows_of_template(options["template"]), "template", None
    try:
        with path.open("rb") as file:
            data = file.read(IMPORT_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    file_format = options["format"] or guess_format(data)
    return read_rows(data, file_format), "file", file_format


def _summary(made: int, skipped: int, errors: list[RowError]) -> str:
    bad = len({error.row for error in errors})
    return f"{made} accounts made, {skipped} skipped, {bad} rows with errors."
