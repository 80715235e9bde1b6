"""Books that come as a file: journals in CSV, read as a stream and recorded in batches.

The file is read twice. The first reading checks every row and writes nothing but the accounts; the second one
records. So a file with a fault leaves no trace, and a file of any length needs little memory: some hundred
bytes for each entry id, and the rows of one batch.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic, set_rollback

from accounts.models import Account
from accounts.services import ensure_account_paths
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import copy_rows, fetch
from ledger.exceptions import Detail, LedgerError, ValidationError, shown
from ledger.ids import new_id
from ledger.models import Entity, Ledger
from ledger.money import minor_digits, parse_amount
from ledger.times import day_start, parse_day
from transactions.choices import Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.exceptions import ExternalIdTakenError, PeriodClosedError
from transactions.models import Transaction
from transactions.services import post_batch

COLUMNS: Final = ("entry_id", "date", "description", "debit_account", "credit_account", "amount", "currency")
BATCH_ROWS: Final = 5_000
FAULTS_SHOWN_MAX: Final = 20
_DESCRIPTION_LENGTH_MAX: Final = Transaction._meta.get_field("description").max_length or 0
_ENTRY_ID_LENGTH_MAX: Final = 255
_JOURNAL_ENTRY_COLUMNS: Final = (
    "id", "entity_id", "ledger_id", "description", "date", "external_id", "created_at", "created_by",
)  # fmt: skip

# One import at a time in a company: two of the same file would race for its rows. Apart from the keys of the
# company's books (1) and of its audit chain (2).
_IMPORT_LOCK = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%(entity)s::uuid, 3))"

# Bank lines repeat, and cleaning one costs more than everything else that is done with a row.
_counterparty = lru_cache(maxsize=65_536)(counterparty_name)


class JournalFileError(ValidationError):
    """The file cannot be imported, and nothing of it was. `details` has the first faults, each with its line
    and column as the field; `faults` counts all of them."""

    def __init__(self, details: Sequence[Detail], faults: int) -> None:
        first = details[0]
        more = f" (and {faults - 1} more)" if faults > 1 else ""
        super().__init__(f"{first.field}: {first.message}{more}", details=details)
        self.faults = faults


@dataclass(slots=True)
class ImportSummary:
    """What an import found and did."""

    rows: int = 0
    entries: int = 0
    # Entries of which at least one transaction is new.
    entries_made: int = 0
    transactions_made: int = 0
    accounts_made: int = 0
    # Rows that an earlier import of the same file recorded.
    skipped: int = 0


class _Row(NamedTuple):
    line: int
    entry_id: str
    day: date
    description: str
    debit: str
    credit: str
    amount: Decimal


class _Place(NamedTuple):
    """Where in the file something stands first."""

    line: int
    column: str


@dataclass(slots=True)
class _Survey:
    """What the first reading found out."""

    rows: int
    # How many rows each entry has.
    sizes: dict[str, int]
    # The pairs of account paths, each with the line it stands in first.
    pairs: dict[tuple[str, str], int]


@dataclass(slots=True)
class _OpenEntry:
    """An entry of several rows that is being read in the second time: its journal entry, and its next row."""

    journal_entry_id: UUID
    external_id: str
    position: int = 0


def import_journal(
    *,
    path: Path,
    entity: Entity,
    ledger: Ledger,
    actor: Actor,
    separator: str = ":",
    batch_rows: int = BATCH_ROWS,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Record the journal in the CSV file `path` as POSTED transactions of `ledger`.

    The columns are entry_id, date (YYYY-MM-DD, a day in the company's time zone), description,
    debit_account, credit_account (paths, see `ensure_account_paths`), amount (a negative one swaps the
    accounts) and currency (the ledger's), in any order; others are not looked at. Rows that share an
    entry_id are linked by one journal entry.

    A row is known by what it says and by its place within its entry (`external_id`): what an earlier import
    of the file recorded is skipped, so an import that was broken off is completed by starting it again.
    Each batch, with its journal entries, is one database transaction. `progress` is called with the rows
    done and the rows there are. With `dry_run` everything is checked and nothing is kept.

    Raises JournalFileError, before anything is written, where a row cannot be recorded; ConflictError where
    the books are changed meanwhile (an account or a period is closed), with the batches before it recorded.
    """
    assert ledger.entity_id == entity.id, "the ledger is one of this company's"
    reader = _Reader(path, entity, ledger)
    survey = _survey(reader, separator, entity, ledger, actor)
    with atomic():
        before = _count_accounts(entity, ledger)
        accounts = ensure_account_paths(
            entity=entity, ledger=ledger, paths=_paths(survey), separator=separator, actor=actor
        )
        summary = ImportSummary(
            rows=survey.rows,
            entries=len(survey.sizes),
            accounts_made=_count_accounts(entity, ledger) - before,
        )
        if dry_run:
            set_rollback(True)
            return summary
    ids = {path: account.id for path, account in accounts.items()}
    recorder = _Recorder(entity, ledger, actor, survey, ids, summary)
    for batch in _batches(reader, batch_rows):
        recorder.record(batch)
        if progress:
            progress(recorder.rows_done, survey.rows)
    if summary.transactions_made:
        _audit(path, entity, ledger, actor, summary)
    return summary


class _Reader:
    """Reads the file from its beginning each time that it is iterated."""

    def __init__(self, path: Path, entity: Entity, ledger: Ledger) -> None:
        self._path = path
        self._ledger = ledger
        self._closed_through = Entity.objects.values_list("books_closed_through", flat=True).get(pk=entity.pk)
        # Amounts as nearly all are written: no sign, no exponent, and not more digits than the currency has.
        digits = minor_digits(ledger.currency)
        self._plain_amount = re.compile(
            rf"[0-9]{{1,15}}(?:\.[0-9]{{1,{digits}}})?" if digits else "[0-9]{1,15}", re.ASCII
        ).fullmatch
        self._days: dict[str, date] = {}

    def rows(self, *, faults: "_Faults") -> Iterator[_Row]:
        """Yield the good rows, and tell `faults` of the others."""
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            try:
                header = next(lines, [])
                places = _places(header, faults)
                if places is None:
                    return
                yield from self._body(lines, len(header), places, faults)
            except csv.Error as error:
                faults.add(lines.line_num, "", f"cannot be read as CSV: {error}.")
            except UnicodeDecodeError as error:
                # The file is decoded ahead, so the fault is here or some lines below.
                faults.add(
                    lines.line_num + 1, "", f"cannot be read as UTF-8, here or a little below: {error}."
                )

    def _body(
        self, lines: "csv._reader", width: int, places: tuple[int, ...], faults: "_Faults"
    ) -> Iterator[_Row]:
        at_entry, at_day, at_description, at_debit, at_credit, at_amount, at_currency = places
        currency = self._ledger.currency
        days, plain_amount = self._days, self._plain_amount
        line = lines.line_num + 1
        for fields in lines:
            here, line = line, lines.line_num + 1
            if not fields:
                continue
            if len(fields) != width:
                message = (
                    f"the row has {len(fields)} values and the header {width}; write one for each column."
                )
                faults.add(here, "", message)
                continue
            entry_id, description = fields[at_entry].strip(), fields[at_description].strip()
            debit, credit = fields[at_debit].strip(), fields[at_credit].strip()
            day = days.get(fields[at_day])
            amount_text = fields[at_amount]
            if (
                day is not None
                and entry_id
                and len(entry_id) <= _ENTRY_ID_LENGTH_MAX
                and debit != credit
                and debit
                and credit
                and fields[at_currency] == currency
                and len(description) <= _DESCRIPTION_LENGTH_MAX
                and plain_amount(amount_text)
                and (amount := Decimal(amount_text))
                and "\0" not in description
                and "\0" not in entry_id
            ):
                yield _Row(here, entry_id, day, description, debit, credit, amount)
            else:
                row = self._slowly(
                    here, dict(zip(COLUMNS, (fields[place] for place in places), strict=True)), faults
                )
                if row is not None:
                    yield row

    def _slowly(self, line: int, fields: dict[str, str], faults: "_Faults") -> _Row | None:
        """The row, or None after naming each of its faults."""
        known = faults.count
        fields = {name: value.strip() for name, value in fields.items()}
        day = amount = None
        try:
            day = parse_day(fields["date"], field="date")
        except ValidationError as error:
            faults.add(line, "date", error.details[0].message)
        if day and self._closed_through and day <= self._closed_through:
            faults.add(line, "date", f"{shown(fields['date'])}: {PeriodClosedError(self._closed_through)}")
        try:
            amount = parse_amount(fields["amount"], currency=self._ledger.currency, field="amount")
        except ValidationError as error:
            faults.add(line, "amount", error.details[0].message)
        if fields["currency"] != self._ledger.currency:
            faults.add(
                line,
                "currency",
                f"{shown(fields['currency'])} is not the ledger's; write {self._ledger.currency}, or import into "
                "a ledger of that currency (--ledger).",
            )
        for name, length_max in (
            ("entry_id", _ENTRY_ID_LENGTH_MAX),
            ("description", _DESCRIPTION_LENGTH_MAX),
        ):
            if len(fields[name]) > length_max:
                faults.add(line, name, f"{shown(fields[name])} is longer than {length_max} characters.")
            if "\0" in fields[name]:
                faults.add(line, name, f"{shown(fields[name])} has a NUL character; leave it out.")
        for name in ("entry_id", "debit_account", "credit_account"):
            if not fields[name]:
                faults.add(line, name, '"" is empty; every row needs one.')
        debit, credit = fields["debit_account"], fields["credit_account"]
        if debit and debit == credit:
            faults.add(line, "credit_account", _same_account(credit))
        if day is None or amount is None or faults.count > known:
            return None
        self._days[fields["date"]] = day
        if amount < 0:
            debit, credit, amount = credit, debit, -amount
        return _Row(line, fields["entry_id"], day, fields["description"], debit, credit, amount)


class _Faults:
    """Counts the faults of a file and keeps those of the first lines."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[tuple[int, Detail]] = []

    def add(self, line: int, column: str, message: str) -> None:
        self.count += 1
        self._first.append((line, Detail(f"line {line}, {column}" if column else f"line {line}", message)))
        if len(self._first) > 10 * FAULTS_SHOWN_MAX:
            self._shorten()

    def raise_any(self) -> None:
        if self.count:
            self._shorten()
            raise JournalFileError([detail for _, detail in self._first], self.count)

    def _shorten(self) -> None:
        self._first.sort(key=lambda one: one[0])
        del self._first[FAULTS_SHOWN_MAX:]


def _places(header: list[str], faults: _Faults) -> tuple[int, ...] | None:
    """Where in a row each of COLUMNS stands; None after naming those that are missing or there twice."""
    names = [name.strip().casefold() for name in header]
    for column in COLUMNS:
        if names.count(column) != 1:
            is_or_are = "is missing from the header" if column not in names else "stands in the header twice"
            faults.add(1, column, f"{is_or_are} {shown(','.join(header))}; write {','.join(COLUMNS)}.")
    return None if faults.count else tuple(names.index(column) for column in COLUMNS)


def _survey(reader: _Reader, separator: str, entity: Entity, ledger: Ledger, actor: Actor) -> _Survey:
    """Read the file for the first time; raises JournalFileError where there is any fault."""
    faults = _Faults()
    sizes: dict[str, int] = {}
    days: dict[str, date] = {}
    pairs: dict[tuple[str, str], int] = {}
    rows = 0
    for row in reader.rows(faults=faults):
        rows += 1
        size = sizes[row.entry_id] = sizes.get(row.entry_id, 0) + 1
        if size == 1:
            days[row.entry_id] = row.day
        elif days[row.entry_id] != row.day:
            faults.add(
                row.line,
                "date",
                f'"{row.day}" is not the day of entry {shown(row.entry_id)}, whose first row is of '
                f"{days[row.entry_id]}; an entry has one date.",
            )
        pairs.setdefault((row.debit, row.credit), row.line)
    survey = _Survey(rows, sizes, pairs)
    _check_accounts(survey, separator, entity, ledger, actor, faults)
    faults.raise_any()
    return survey


def _check_accounts(
    survey: _Survey, separator: str, entity: Entity, ledger: Ledger, actor: Actor, faults: _Faults
) -> None:
    """Make the accounts as the import will, look at them, and take them back."""
    first_places: dict[str, _Place] = {}
    for (debit, credit), line in survey.pairs.items():
        first_places.setdefault(debit, _Place(line, "debit_account"))
        first_places.setdefault(credit, _Place(line, "credit_account"))
    accounts: dict[str, Account] = {}
    with atomic():
        try:
            with atomic():
                accounts = ensure_account_paths(
                    entity=entity, ledger=ledger, paths=first_places, separator=separator, actor=actor
                )
        except ValidationError as error:
            places = {shown(path): place for path, place in reversed(first_places.items())}
            for detail in error.details:
                named = next((name for name in places if detail.message.startswith(name)), None)
                faults.add(*(places[named] if named else _Place(1, detail.field)), detail.message)
        set_rollback(True)
    for path, account in accounts.items():
        if account.closed_at is not None:
            faults.add(*first_places[path], f"{shown(path)} is closed; reopen it or use another account.")
    for (debit, credit), line in survey.pairs.items():
        if accounts and accounts[debit].id == accounts[credit].id:
            faults.add(line, "credit_account", _same_account(credit))


def _same_account(path: str) -> str:
    return f"{shown(path)} is the debit account too; a transaction needs two different accounts."


def _paths(survey: _Survey) -> set[str]:
    return {path for pair in survey.pairs for path in pair}


def _count_accounts(entity: Entity, ledger: Ledger) -> int:
    return Account.objects.for_entity(entity).filter(ledger_id=ledger.id).count()


def _batches(reader: _Reader, batch_rows: int) -> Iterator[list[_Row]]:
    """The rows in batches of at least `batch_rows`, cut between two entries."""
    faults = _Faults()
    batch: list[_Row] = []
    for row in reader.rows(faults=faults):
        if len(batch) >= batch_rows and row.entry_id != batch[-1].entry_id:
            yield batch
            batch = []
        batch.append(row)
    if faults.count:
        raise ValidationError("The file was changed while it was being imported; start the import again.")
    if batch:
        yield batch


class _Recorder:
    """Records the batches of one import."""

    def __init__(
        self,
        entity: Entity,
        ledger: Ledger,
        actor: Actor,
        survey: _Survey,
        account_ids: dict[str, UUID],
        summary: ImportSummary,
    ) -> None:
        self.rows_done = 0
        self._entity, self._ledger, self._actor = entity, ledger, actor
        self._sizes, self._account_ids, self._summary = survey.sizes, account_ids, summary
        self._midnights: dict[date, datetime] = {}
        self._open: dict[str, _OpenEntry] = {}
        # Keyed with the ledger: one file may be imported into two ledgers of a company.
        self._hash = blake2b(digest_size=16, key=ledger.id.bytes)

    def record(self, batch: list[_Row]) -> None:
        """Record the rows of `batch` that are new, in one database transaction."""
        with atomic():
            fetch(_IMPORT_LOCK, {"entity": self._entity.id})
            external_ids = self._external_ids(batch)
            journal_entries = self._journal_entries(batch, external_ids)
            drafts = [
                self._draft(row, external_id, journal_entry_id)
                for row, external_id, journal_entry_id in zip(
                    batch, external_ids, journal_entries, strict=True
                )
            ]
            faults = post_batch(entity=self._entity, drafts=drafts, actor=self._actor, partial=True)
            for fault in faults.values():
                if not isinstance(fault, ExternalIdTakenError):
                    raise fault
        self._count(batch, faults)

    def _external_ids(self, batch: list[_Row]) -> list[str]:
        """What each row is known by, for ever: changing this makes repeated imports record rows twice."""
        start, sizes, open_entries = self._hash, self._sizes, self._open
        external_ids = []
        for _, entry_id, day, description, debit, credit, amount in batch:
            position = 0
            if sizes[entry_id] > 1:
                entry = open_entries.get(entry_id)
                if entry is not None:
                    position = entry.position = entry.position + 1
            hasher = start.copy()
            said = (entry_id, str(position), str(day), description, debit, credit, f"{amount.normalize():f}")
            hasher.update("\x1f".join(said).encode())
            external_id = f"journal:{hasher.hexdigest()}"
            if position == 0 and sizes[entry_id] > 1:
                open_entries[entry_id] = _OpenEntry(new_id(), external_id)
            external_ids.append(external_id)
        return external_ids

    def _journal_entries(self, batch: list[_Row], external_ids: list[str]) -> list[UUID | None]:
        """Make the journal entries that begin in this batch and are not there yet; returns each row's."""
        beginnings = {
            self._open[row.entry_id].external_id: row
            for row, external_id in zip(batch, external_ids, strict=True)
            if row.entry_id in self._open and self._open[row.entry_id].external_id == external_id
        }
        known = self._known_journal_entries(beginnings)
        fresh = []
        now = utc_now()
        for external_id, row in beginnings.items():
            entry = self._open[row.entry_id]
            if external_id in known:
                entry.journal_entry_id = known[external_id]
                continue
            fresh.append(
                (
                    entry.journal_entry_id,
                    self._entity.id,
                    self._ledger.id,
                    row.description,
                    row.day,
                    external_id,
                    now,
                    self._actor.id,
                )
            )
        if fresh:
            copy_rows("transactions_journalentry", _JOURNAL_ENTRY_COLUMNS, fresh)
        linked: list[UUID | None] = []
        for row in batch:
            entry_or_none = self._open.get(row.entry_id)
            linked.append(entry_or_none.journal_entry_id if entry_or_none else None)
        return linked

    def _known_journal_entries(self, external_ids: Iterable[str]) -> dict[str, UUID]:
        found = fetch(
            """
            SELECT external_id, id FROM transactions_journalentry
            WHERE entity_id = %(entity)s::uuid AND external_id = ANY(%(ids)s::text[])
            """,
            {"entity": self._entity.id, "ids": list(external_ids)},
        )
        return dict(found)

    def _draft(self, row: _Row, external_id: str, journal_entry_id: UUID | None) -> Draft:
        midnight = self._midnights.get(row.day)
        if midnight is None:
            midnight = self._midnights[row.day] = day_start(row.day, self._entity.zone)
        return Draft(
            debit_account_id=self._account_ids[row.debit],
            credit_account_id=self._account_ids[row.credit],
            amount=row.amount,
            currency=self._ledger.currency,
            timestamp=midnight,
            date=row.day,
            status=Status.POSTED,
            source=Source.IMPORT,
            description=row.description,
            counterparty=_counterparty(row.description),
            external_id=external_id,
            journal_entry_id=journal_entry_id,
        )

    def _count(self, batch: list[_Row], faults: dict[int, LedgerError]) -> None:
        self.rows_done += len(batch)
        summary = self._summary
        summary.skipped += len(faults)
        summary.transactions_made += len(batch) - len(faults)
        made = {row.entry_id for index, row in enumerate(batch) if index not in faults}
        summary.entries_made += len(made)
        # An entry whose rows are all read is not kept in memory any more.
        for entry_id in {row.entry_id for row in batch}:
            entry = self._open.get(entry_id)
            if entry is not None and entry.position + 1 == self._sizes[entry_id]:
                del self._open[entry_id]


def _audit(path: Path, entity: Entity, ledger: Ledger, actor: Actor, summary: ImportSummary) -> None:
    with atomic():
        audit.record(
            actor=actor,
            action="transactions.journal.imported",
            object_type="ledger",
            object_id=ledger.public_id,
            entity=entity,
            after={
                "file": path.name,
                "entries": summary.entries_made,
                "transactions": summary.transactions_made,
                "accounts": summary.accounts_made,
                "skipped": summary.skipped,
            },
        )
