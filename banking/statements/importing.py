"""Statement files into the books: read, checked, stored line by line, and recorded."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any, Final

from django.db.transaction import atomic

from banking.models import BankAccount, StatementImport
from banking.providers.base import LineSeen
from banking.services.locks import hold_lines
from banking.services.recording import record_lines
from banking.services.storing import store_lines
from banking.statements.accounts import is_card
from banking.statements.belonging import connected_since, leave_to_connection, own_statements
from banking.statements.content import Statement, StatementLine
from banking.statements.csv_mapping import CsvMapping
from banking.statements.faults import Faults, RowFault, StatementFileError, check_size
from banking.statements.garbage import collected_seldom
from banking.statements.identity import line_keys, line_seen
from banking.statements.limits import FILE_BYTES_MAX
from banking.statements.reading import ReadFile, read_statement_file
from banking.statements.texts import clean
from ledger import audit
from ledger.actors import Actor
from ledger.choices import ImportStatus
from ledger.clock import utc_now
from ledger.db import execute
from ledger.exceptions import ConflictError
from ledger.models import Entity
from ledger.times import day_end

BATCH_LINES: Final = 5_000
_FILE_NAME_LENGTH_MAX: Final = 255
_ACCOUNT_NUMBER_LENGTH_MAX: Final = 200
_MASK_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read and held against its bank account; nothing is written yet."""

    read: ReadFile
    statements: list[Statement]
    faults: tuple[RowFault, ...]
    # All of them; `faults` has the first.
    fault_count: int
    # Lines that the account's connection brings.
    left_out: int

    @property
    def line_count(self) -> int:
        return sum(len(statement.lines) for statement in self.statements)

    @property
    def listed(self) -> list[RowFault]:
        """The faults that are kept, and how many more there are."""
        more = self.fault_count - len(self.faults)
        rest = RowFault(0, "file", f"has {more} more faults that are not listed; a preview counts them, too.")
        return [*self.faults, *([rest] if more else [])]

    def raise_any(self) -> None:
        """Raise StatementFileError where there are faults."""
        if self.faults:
            raise StatementFileError(self.faults, self.fault_count)


def prepare_statement(
    *, bank_account: BankAccount, data: bytes, mapping: CsvMapping | None = None
) -> Prepared:
    """Read a file for `bank_account`. Without a `mapping`, a CSV file is read by the one that the account
    remembers, or, where its columns are others, by the names of its columns.

    Raises StatementFileError for a file that cannot be read at all, PayloadTooLargeError for one too large,
    ConflictError for an account that is connected and was never synced.
    """
    check_size(len(data), FILE_BYTES_MAX)
    read = _read(bank_account, data, mapping)
    faults = read.file.faults
    statements = own_statements(read.file.statements, bank_account, faults)
    left_out = leave_to_connection(statements, connected_since(bank_account))
    return Prepared(read, statements, tuple(faults.listed), faults.count, left_out)


def _read(bank_account: BankAccount, data: bytes, mapping: CsvMapping | None) -> ReadFile:
    kept = remembered_mapping(bank_account) if mapping is None else None
    if kept is not None:
        try:
            return _read_by(bank_account, data, kept)
        except StatementFileError as error:
            if error.faults[0].field != "mapping":
                raise
    return _read_by(bank_account, data, mapping)


def _read_by(bank_account: BankAccount, data: bytes, mapping: CsvMapping | None) -> ReadFile:
    return read_statement_file(
        data, currency=bank_account.currency, mapping=mapping, is_card=is_card(bank_account)
    )


def remembered_mapping(bank_account: BankAccount) -> CsvMapping | None:
    """The mapping of the account's last CSV file; None where there was none."""
    return CsvMapping.parse(bank_account.csv_mapping) if bank_account.csv_mapping else None


def import_statement(
    *,
    entity: Entity,
    bank_account: BankAccount,
    data: bytes,
    actor: Actor,
    file_name: str = "",
    mapping: CsvMapping | None = None,
    partial: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> StatementImport:
    """Store the lines of a statement file, each once whatever was imported before, bring the new ones into
    the books, and return the record of what became of them.

    Positive amounts are money out of the account. With a fault anywhere in the file nothing is stored, and
    all is one database transaction. With `partial` the good rows are stored, in a database transaction for
    each 5,000, and the faulty ones are listed in `errors`. The account keeps the statement's number, newest
    closing balance and CSV mapping. `progress` is told the lines done and the lines there are. Of an account
    that is connected, the days that its connection brings are skipped (`connected_since`).

    Raises StatementFileError, PayloadTooLargeError, and ConflictError for a bank account that was
    disconnected, or is connected and was never synced.
    """
    assert bank_account.entity_id == entity.id, "the bank account is one of this company's"
    _check_in_use(bank_account)
    whole: AbstractContextManager[Any] = nullcontext() if partial else atomic()
    with collected_seldom():
        prepared = prepare_statement(bank_account=bank_account, data=data, mapping=mapping)
        if not partial:
            prepared.raise_any()
        with whole:
            record = _begin(entity, bank_account, data, file_name, prepared, actor, mapping)
            done = 0
            for batch in _ahead(_each_once(prepared, bank_account)):
                with atomic():
                    _store(entity, bank_account, batch, record, actor)
                done += len(batch)
                if progress:
                    progress(done, prepared.line_count)
            with atomic():
                _finish(entity, bank_account, record, prepared, done, actor)
    return record


def _begin(
    entity: Entity,
    bank_account: BankAccount,
    data: bytes,
    file_name: str,
    prepared: Prepared,
    actor: Actor,
    mapping: CsvMapping | None,
) -> StatementImport:
    """Make the record, and let the bank account learn what the file says of it."""
    days = [line.day for statement in prepared.statements for line in statement.lines]
    newest = _newest(prepared.statements)
    oldest = next((one for one in prepared.statements if one.opening_balance is not None), None)
    with atomic():
        hold_lines(entity)
        account = BankAccount.objects.select_for_update(no_key=True).get(
            entity_id=entity.id, id=bank_account.id
        )
        _check_in_use(account)
        if (account.provider_account_id, account.mask) != (
            bank_account.provider_account_id,
            bank_account.mask,
        ):
            # Another file told the account's number meanwhile, and this one may be of another account.
            faults = Faults()
            own_statements(prepared.statements, account, faults)
            faults.raise_any()
        _learn(entity, account, prepared, newest, mapping)
        return StatementImport.objects.create(
            entity=entity,
            bank_account=account,
            format=prepared.read.file.format,
            file_name=clean(file_name, _FILE_NAME_LENGTH_MAX),
            fingerprint=hashlib.sha256(data).hexdigest(),
            # What stands here is true at any moment: a partial import may break off.
            status=ImportStatus.FAILED,
            created_count=0,
            skipped_count=0,
            errors=[fault._asdict() for fault in prepared.listed],
            opening_balance=oldest.opening_balance if oldest else None,
            closing_balance=newest.closing_balance if newest else None,
            first_date=min(days, default=None),
            last_date=max(days, default=None),
            created_at=utc_now(),
            created_by=actor.id,
        )


def _check_in_use(bank_account: BankAccount) -> None:
    if bank_account.disconnected_at is not None:
        raise ConflictError(f"{bank_account.name} was disconnected; import into an account that is in use.")


def _newest(statements: list[Statement]) -> Statement | None:
    """The statement with the latest closing balance; of several of a day the last one."""
    with_balance = [
        one for one in statements if one.closing_balance is not None and one.closing_day is not None
    ]
    return max(
        enumerate(with_balance),
        key=lambda pair: (pair[1].closing_day or date.min, pair[0]),
        default=(0, None),
    )[1]


def _learn(
    entity: Entity,
    account: BankAccount,
    prepared: Prepared,
    newest: Statement | None,
    mapping: CsvMapping | None,
) -> None:
    changed = []
    number = next((one.account_number for one in prepared.statements if one.account_number), "")
    if number and not account.connection_id and not account.provider_account_id:
        account.provider_account_id = number[:_ACCOUNT_NUMBER_LENGTH_MAX]
        changed.append("provider_account_id")
        digits = "".join(c for c in number if c.isascii() and c.isalnum())
        if not account.mask and len(digits) >= _MASK_DIGITS:
            account.mask = digits[-_MASK_DIGITS:]
            changed.append("mask")
    if prepared.read.mapping is not None:
        said = mapping or remembered_mapping(account)
        kept = prepared.read.mapping.remembered(said.decimal_mark if said else None)
        if account.csv_mapping != kept.as_json():
            account.csv_mapping = kept.as_json()
            changed.append("csv_mapping")
    if newest is not None and newest.closing_balance is not None and newest.closing_day is not None:
        # The last moment of that day, which is still of it, or now: what the books are held against is
        # theirs of the same day.
        moment = min(day_end(newest.closing_day, entity.zone) - timedelta.resolution, utc_now())
        if account.balance_at is None or moment > account.balance_at:
            balance = newest.closing_balance
            account.balance_current = -balance if is_card(account) else balance
            account.balance_at = moment
            changed += ["balance_current", "balance_at"]
    if changed:
        account.save(update_fields=changed)


def _each_once(prepared: Prepared, bank_account: BankAccount) -> Iterator[LineSeen]:
    """The lines of all statements of the file, oldest first; one that stands in two of them comes once.

    In the order of days a batch is of few of them, and what its lines are compared with is little, too.
    """
    account_id = bank_account.provider_account_id or bank_account.public_id
    once: dict[str, StatementLine] = {}
    for statement in prepared.statements:
        for key, line in zip(line_keys(statement), statement.lines, strict=True):
            once.setdefault(key, line)
    for key in sorted(once, key=lambda key: once[key].day):
        yield line_seen(once[key], key, account_id=account_id, currency=bank_account.currency)


def _ahead(lines: Iterator[LineSeen]) -> Iterator[list[LineSeen]]:
    """Yield batches of lines; the next one is made while the database stores this one."""
    with ThreadPoolExecutor(max_workers=1) as maker:
        coming = maker.submit(list, islice(lines, BATCH_LINES))
        while batch := coming.result():
            coming = maker.submit(list, islice(lines, BATCH_LINES))
            yield batch


def _store(
    entity: Entity,
    bank_account: BankAccount,
    batch: list[LineSeen],
    record: StatementImport,
    actor: Actor,
) -> None:
    # Of a company whose first file this is, PostgreSQL's statistics know nothing. Plans for its id expect
    # one line, and walk through all of them for each of a batch; plans for any company look each one up.
    execute("SET LOCAL plan_cache_mode = force_generic_plan")
    stored = store_lines(entity, bank_account, batch, record)
    recorded = record_lines(entity=entity, line_ids=stored.new_ids, actor=actor, fresh=stored.fresh)
    record.created_count += recorded.created
    record.skipped_count += stored.skipped + len(stored.changed_ids)
    record.status = ImportStatus.PARTIAL
    record.save(update_fields=["created_count", "skipped_count", "status"])


def _finish(
    entity: Entity,
    bank_account: BankAccount,
    record: StatementImport,
    prepared: Prepared,
    done: int,
    actor: Actor,
) -> None:
    # What stands in the file twice was skipped before it came to be stored.
    record.skipped_count += prepared.line_count - done + prepared.left_out
    if not prepared.faults:
        record.status = ImportStatus.COMPLETED
    record.save(update_fields=["skipped_count", "status"])
    audit.record(
        actor=actor,
        action="banking.statement.imported",
        object_type="import",
        object_id=record.public_id,
        entity=entity,
        after={
            "bankAccountId": bank_account.public_id,
            "format": str(record.format),
            "file": record.file_name,
            "fingerprint": record.fingerprint,
            "created": record.created_count,
            "skipped": record.skipped_count,
            "errors": prepared.fault_count,
        },
    )
