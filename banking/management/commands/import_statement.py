"""`manage.py import_statement`: a statement file into a bank account."""

from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any, Final

from django.core.management.base import CommandError
from django.db.transaction import atomic
from tqdm import tqdm

from banking.models import BankAccount
from banking.statements.accounts import bank_account_of
from banking.statements.csv_mapping import NAMES, CsvMapping, parse_words
from banking.statements.faults import RowFault, StatementFileError
from banking.statements.importing import import_statement, prepare_statement
from banking.statements.limits import FILE_BYTES_MAX
from ledger.ids import Prefix, decode_id
from ledger.management.base import OperatorCommand
from ledger.models import Entity
from transactions.management.books import entity_of, existing_file

FAULTS_SHOWN_MAX: Final = 20


class Command(OperatorCommand):
    help = (
        "Import a statement file (OFX, QFX, CAMT.053, MT940 or CSV, at most 10 MB) into a bank account. Each "
        "line becomes a transaction once, however often it is imported. A file with a fault is refused as a "
        "whole, unless --partial."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", help="the statement file")
        parser.add_argument("--bank-account", metavar="bacc_…", help="the bank account that it is of")
        parser.add_argument(
            "--ledger-account",
            metavar="acc_…",
            help="instead: the ledger account that stands for it; one that no bank account feeds gets one",
        )
        parser.add_argument(
            "--entity", metavar="entity_…", help="the company; needed with --ledger-account only"
        )
        parser.add_argument(
            "--mapping",
            metavar="NAME=COLUMN,…",
            help="for CSV, which column is what, as date=Date,amount=Amount,description=Payee+Memo; the "
            f"names are {', '.join(NAMES)}",
        )
        parser.add_argument("--dry-run", action="store_true", help="check the file, and keep nothing")
        parser.add_argument("--partial", action="store_true", help="import the good rows of a faulty file")

    def run(self, **options: Any) -> str:
        """Import, list the faulty rows and return the summary."""
        path = existing_file(options["file"])
        mapping = CsvMapping.parse(parse_words(options["mapping"])) if options["mapping"] else None
        data = _content(path)
        started = monotonic()
        # With a file that is refused goes the bank account that would have been opened for it.
        whole: AbstractContextManager[Any] = nullcontext() if options["partial"] else atomic()
        try:
            # Without a terminal there is no bar.
            with whole, tqdm(unit=" lines", disable=None, leave=False) as bar:
                entity, bank_account = self._account(options)
                if options["dry_run"]:
                    return self._checked(bank_account, data, mapping, partial=options["partial"])

                def show(done: int, of: int) -> None:
                    bar.total = of
                    bar.update(done - bar.n)

                record = import_statement(
                    entity=entity,
                    bank_account=bank_account,
                    data=data,
                    file_name=path.name,
                    mapping=mapping,
                    partial=options["partial"],
                    actor=self.actor,
                    progress=show,
                )
        except StatementFileError as error:
            self._list(error.faults, error.count)
            many = "s" * (error.count > 1)
            raise CommandError(
                f"{path.name} has {error.count:,} fault{many}; nothing was imported."
            ) from error
        self._list([RowFault(**fault) for fault in record.errors], len(record.errors))
        return (
            f"{record.public_id}: {record.created_count:,} transactions made, {record.skipped_count:,} lines "
            f"skipped as already there, {len(record.errors):,} faults listed ({monotonic() - started:.1f} s)."
        )

    def _checked(
        self, bank_account: BankAccount, data: bytes, mapping: CsvMapping | None, *, partial: bool
    ) -> str:
        prepared = prepare_statement(bank_account=bank_account, data=data, mapping=mapping)
        if not partial:
            prepared.raise_any()
        self._list(prepared.faults, prepared.fault_count)
        return (
            f"Dry run: {prepared.line_count:,} lines of {prepared.read.file.format} can be imported, "
            f"{prepared.fault_count:,} cannot; nothing was kept."
        )

    def _account(self, options: dict[str, Any]) -> tuple[Entity, BankAccount]:
        """The company and the bank account that the operator named."""
        named, ledger_account = options["bank_account"], options["ledger_account"]
        if (named is None) == (ledger_account is None):
            raise CommandError("Name either --bank-account or --ledger-account.")
        if ledger_account is not None:
            if options["entity"] is None:
                raise CommandError("--ledger-account needs --entity, the company.")
            entity = entity_of(options["entity"])
            account_id = decode_id(Prefix.ACCOUNT, ledger_account, field="--ledger-account")
            if options["dry_run"]:
                return entity, _existing(entity, account_id, ledger_account)
            return entity, bank_account_of(entity=entity, ledger_account_id=account_id, actor=self.actor)
        found = (
            BankAccount.objects.select_related("entity")
            .filter(id=decode_id(Prefix.BANK_ACCOUNT, named, field="--bank-account"))
            .first()
        )
        if found is None or (options["entity"] and entity_of(options["entity"]).id != found.entity_id):
            raise CommandError(f"--bank-account: there is no bank account {named}.")
        return found.entity, found

    def _list(self, faults: Any, count: int) -> None:
        for fault in faults[:FAULTS_SHOWN_MAX]:
            self.stderr.write(f"{fault.detail.field}: {fault.message}")
        if count > FAULTS_SHOWN_MAX:
            self.stderr.write(f"… and {count - FAULTS_SHOWN_MAX:,} more")


def _existing(entity: Entity, account_id: Any, public_id: str) -> BankAccount:
    """The bank account that feeds a ledger account; a dry run opens none."""
    found = BankAccount.objects.filter(
        entity_id=entity.id, ledger_account_id=account_id, disconnected_at=None
    ).first()
    if found is None:
        raise CommandError(
            f"--ledger-account: no bank account feeds {public_id} yet; the first import opens it."
        )
    return found


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
