"""`manage.py trial_balance`: what stands on every account."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.exceptions import LedgerError
from ledger.models import Entity, Ledger
from ledger.money import as_text
from ledger.times import parse_day
from transactions.management.books import add_books_arguments, entity_of, ledger_of
from transactions.trial_balance import TrialBalance, trial_balance


class Command(BaseCommand):
    help = (
        "Print the balance of every account that was ever used, debits beside credits, and exit with 1 if "
        "the two columns do not add up to the same."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_books_arguments(parser)
        parser.add_argument("--as-of", metavar="YYYY-MM-DD", help="at the end of this day; else of all days")
        parser.add_argument("--pending", action="store_true", help="count pending transactions too")
        parser.add_argument(
            "--format",
            choices=("table", "csv"),
            default="table",
            help="how to print it (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        entity = entity_of(options["entity"])
        ledger = ledger_of(entity, options["ledger"])
        try:
            as_of = parse_day(options["as_of"], field="--as-of") if options["as_of"] else None
        except LedgerError as error:
            raise CommandError(str(error)) from error
        balance = trial_balance(entity=entity, ledger=ledger, as_of=as_of, pending=options["pending"])
        if options["format"] == "csv":
            self._write_csv(balance, ledger)
        else:
            self._write_table(balance, entity, ledger, as_of)
        if not balance.is_balanced:
            raise CommandError(
                f"The debits add up to {as_text(balance.total_debits, ledger.currency)} and the credits to "
                f"{as_text(balance.total_credits, ledger.currency)}; `manage.py verify --entity "
                f"{entity.public_id}` says what is wrong."
            )
        if options["format"] == "table":
            self.stdout.write(f"{len(balance.lines):,} accounts; debits equal credits.")

    def _write_csv(self, balance: TrialBalance, ledger: Ledger) -> None:
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(("code", "account", "type", "debit", "credit", "currency"))
        for line in balance.lines:
            debit, credit = as_text(line.debit, ledger.currency), as_text(line.credit, ledger.currency)
            writer.writerow((line.code or "", line.path, line.type, debit, credit, ledger.currency))
        totals = (
            as_text(balance.total_debits, ledger.currency),
            as_text(balance.total_credits, ledger.currency),
        )
        writer.writerow(("", "Total", "", *totals, ledger.currency))

    def _write_table(self, balance: TrialBalance, entity: Entity, ledger: Ledger, as_of: date | None) -> None:
        when = f"as of {as_of}" if as_of else "of all days"
        rows = [
            (
                str(line.code or ""),
                line.path,
                as_text(line.debit, ledger.currency) if line.debit else "",
                as_text(line.credit, ledger.currency) if line.credit else "",
            )
            for line in balance.lines
        ]
        totals = (
            "",
            "Total",
            as_text(balance.total_debits, ledger.currency),
            as_text(balance.total_credits, ledger.currency),
        )
        header = ("Code", "Account", "Debit", "Credit")
        widths = [max(map(len, column)) for column in zip(header, totals, *rows, strict=True)]
        self.stdout.write(f"Trial balance of {entity} ({ledger.name}, {ledger.currency}) {when}\n")
        for row in (header, *rows):
            self.stdout.write(_line(row, widths))
        self.stdout.write(_line(("-" * width for width in widths), widths))
        self.stdout.write(_line(totals, widths))


def _line(row: Iterable[str], widths: list[int]) -> str:
    code, account, debit, credit = row
    return (
        f"{code:<{widths[0]}}  {account:<{widths[1]}}  {debit:>{widths[2]}}  {credit:>{widths[3]}}".rstrip()
    )
