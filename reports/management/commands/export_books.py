"""`manage.py export_books`: whole books as text that other programs read and check."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ledger.exceptions import LedgerError
from ledger.times import parse_day
from reports.exports import Books, ExportFormat, export_books
from transactions.management.books import add_books_arguments, entity_of, ledger_of


class Command(BaseCommand):
    help = (
        "Write the books as a beancount or hledger journal, with the balances at each month's end asserted, "
        "or as a table of transactions in CSV. It reads from one unmoving picture of the books and may run "
        "while they are in use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_books_arguments(parser)
        parser.add_argument(
            "--format",
            required=True,
            choices=[one.value for one in ExportFormat],
            help="beancount, hledger, or csv",
        )
        parser.add_argument("--output", metavar="FILE", help="where to; standard output unless given")
        parser.add_argument("--from", dest="start", metavar="YYYY-MM-DD", help="the first day")
        parser.add_argument("--to", dest="end", metavar="YYYY-MM-DD", help="the last day")
        parser.add_argument(
            "--status",
            choices=("posted", "all"),
            default="posted",
            help="all: pending transactions too, flagged as such (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        entity = entity_of(options["entity"])
        start, end = _day(options["start"], "--from"), _day(options["end"], "--to")
        if start and end and start > end:
            raise CommandError(f"--from {start} is after --to {end}; swap the two.")
        books = Books(
            entity, ledger_of(entity, options["ledger"]), start, end, pending=options["status"] == "all"
        )
        started = monotonic()
        # Without a terminal there is no bar.
        with (
            tqdm(unit=" transactions", disable=None, leave=False) as bar,
            self._output(options["output"]) as output,
        ):
            transactions = 0

            def show(done: int, of: int) -> None:
                nonlocal transactions
                transactions = bar.total = of
                bar.update(done - bar.n)

            for piece in export_books(books, ExportFormat(options["format"]), show):
                output.write(piece)
        # Standard output may be the export itself.
        (self.stdout if options["output"] else self.stderr).write(
            f"Exported {transactions:,} transactions of {entity} to {options['output'] or 'standard output'} "
            f"as {options['format']} ({monotonic() - started:.1f} s)."
        )

    @contextmanager
    def _output(self, name: str | None) -> Iterator[TextIO | Any]:
        """The open file, which replaces a former one only when it is whole; or standard output."""
        if name is None:
            yield self.stdout._out
            return
        path = Path(name)
        unfinished = path.with_name(f".{path.name}.unfinished")
        try:
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                yield file
            unfinished.replace(path)
        except OSError as error:
            raise CommandError(f"--output: {name} cannot be written: {error.strerror}.") from error
        finally:
            with suppress(OSError):
                unfinished.unlink()


def _day(text: str | None, option: str) -> date | None:
    try:
        return parse_day(text, field=option) if text else None
    except LedgerError as error:
        raise CommandError(str(error)) from error
