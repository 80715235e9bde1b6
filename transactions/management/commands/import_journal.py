"""`manage.py import_journal`: books from a CSV file."""

from argparse import ArgumentParser
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ledger.actors import command_actor
from ledger.exceptions import LedgerError
from transactions.journal_import import BATCH_ROWS, COLUMNS, ImportSummary, JournalFileError, import_journal
from transactions.management.books import add_books_arguments, entity_of, existing_file, ledger_of


class Command(BaseCommand):
    help = (
        "Record the journal in a CSV file as posted transactions. Its columns are "
        + ", ".join(COLUMNS)
        + "; rows that share an entry_id are one journal entry. Accounts are paths (assets:bank:checking); "
        "those that are missing are made. A file with a fault is refused as a whole. Running it again "
        "records nothing twice, and completes an import that was broken off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the CSV file, in UTF-8")
        add_books_arguments(parser)
        parser.add_argument(
            "--separator", default=":", help="what separates the names in a path (default: %(default)s)"
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=BATCH_ROWS,
            metavar="ROWS",
            help="rows in one database transaction (default: %(default)s)",
        )
        parser.add_argument("--dry-run", action="store_true", help="check the file, and keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError(f"--batch: {options['batch']} is too small; give 1 or more.")
        if not options["separator"]:
            raise CommandError('--separator: "" separates nothing; give one such as ":".')
        path = existing_file(options["file"])
        entity = entity_of(options["entity"])
        started = monotonic()
        # Without a terminal there is no bar.
        with tqdm(unit=" rows", disable=None, leave=False) as bar:

            def show(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            try:
                summary = import_journal(
                    path=path,
                    entity=entity,
                    ledger=ledger_of(entity, options["ledger"]),
                    actor=command_actor("import_journal"),
                    separator=options["separator"],
                    batch_rows=options["batch"],
                    dry_run=options["dry_run"],
                    progress=show,
                )
            except JournalFileError as error:
                raise CommandError(self._listed(path.name, error)) from error
            except LedgerError as error:
                raise CommandError(
                    f"{error} What was recorded before stays; remove the cause and run the import again."
                ) from error
        seconds = monotonic() - started
        self.stdout.write(_said(summary, seconds, is_dry_run=options["dry_run"]))

    @staticmethod
    def _listed(name: str, error: JournalFileError) -> str:
        faults = "\n".join(f"  {detail.field}: {detail.message}" for detail in error.details)
        more = error.faults - len(error.details)
        tail = f"\n  and {more:,} more" if more else ""
        many = "s" * (error.faults > 1)
        return f"{name} has {error.faults:,} fault{many}; nothing was imported.\n{faults}{tail}"


def _said(summary: ImportSummary, seconds: float, *, is_dry_run: bool) -> str:
    if is_dry_run:
        return (
            f"Dry run: {summary.entries:,} entries of {summary.rows:,} transactions are fit to be imported, "
            f"with {summary.accounts_made:,} new accounts; nothing was kept ({seconds:.1f} s)."
        )
    return (
        f"Imported {summary.entries_made:,} entries as {summary.transactions_made:,} transactions; "
        f"{summary.accounts_made:,} accounts made, {summary.skipped:,} transactions skipped as already there "
        f"({seconds:.1f} s)."
    )
