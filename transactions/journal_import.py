"""Books that come as a file: journals in CSV, read as a stream and recorded in batches.

The file is read twice. The first reading checks every row and writes nothing but the accounts; the second one
records. So a file with a fault leaves no trace, and a file of any length needs little memory: some hundred
bytes for each entry id, and the rows of one batch.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
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

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS: Final = ("entry_id", "date", "description", "debit_account", "credit_account", "amount", "currency")
BATCH_ROWS: Final = 10_000
FAULTS_SHOWN_MAX: Final = 20
_DESCRIPTION_LENGTH_MAX: Final = Transaction._meta.get_field("description").max_length or 0
_ENTRY_ID_LENGTH_MAX: Final = 255
_JOURNAL_ENTRY_COLUMNS: Final = (
    "id", "entity_id", "ledger_id", "description", "date", "external_id", "created_at", "created_by",
)  # fmt: skip

# One import at a time in a company: two of the same file would race for its rows. Apart from the keys of the
# company's books (1) and of its audit chain (2).
_IMPORT_LOCK = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%(entity)s::uuid, 4))"


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
class _Entry:
    """An entry of several rows: its journal entry, as the first of the rows describes it."""

    journal_entry_id: UUID
    external_id: str
    description: str
    day: date
    # Of the row that was read last, from 0.
    position: int = 0


@dataclass(slots=True)
class _Batch:
    """Rows that are ready to be recorded, but for the links to their journal entries."""

    entry_ids: list[str]
    drafts: list[Draft]
    # For each draft, the entry that it belongs to where that has several rows.
    entries: list[_Entry | None]
    # The entries whose first row is in this batch.
    begun: list[_Entry]


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
    faults = _Faults()
    survey = _survey(reader, faults)
    with atomic():
        before = _count_accounts(entity, ledger)
        accounts = _make_accounts(survey, separator, entity, ledger, actor, faults)
        faults.raise_any()
        summary = ImportSummary(
            rows=survey.rows,
            entries=len(survey.sizes),
            accounts_made=_count_accounts(entity, ledger) - before,
        )
        if dry_run:
            set_rollback(True)
            return summary
    drafting = _Drafting(entity, ledger, survey, {path: account.id for path, account in accounts.items()})
    done = 0
    # One process, but two cores: the next batch is read while the database records this one.
    for batch in _ahead(drafting.batches(reader, batch_rows)):
        _record(batch, entity, ledger, actor, summary)
        done += len(batch.drafts)
        if progress:
            progress(done, survey.rows)
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
        self, lines: "Reader", width: int, places: tuple[int, ...], faults: "_Faults"
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
                f"{shown(fields['currency'])} is not the ledger's; write {self._ledger.currency}, or import "
                "into a ledger of that currency (--ledger).",
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


def _survey(reader: _Reader, faults: _Faults) -> _Survey:
    """Read the file for the first time."""
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
    return _Survey(rows, sizes, pairs)


def _make_accounts(
    survey: _Survey, separator: str, entity: Entity, ledger: Ledger, actor: Actor, faults: _Faults
) -> dict[str, Account]:
    """The accounts that the file names, by path; those that are missing are made. Where one cannot be, or
    cannot be used, `faults` are told of it, and the caller must roll back."""
    first_places: dict[str, _Place] = {}
    for (debit, credit), line in survey.pairs.items():
        first_places.setdefault(debit, _Place(line, "debit_account"))
        first_places.setdefault(credit, _Place(line, "credit_account"))
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
        return {}
    for path, account in accounts.items():
        if account.closed_at is not None:
            faults.add(*first_places[path], f"{shown(path)} is closed; reopen it or use another account.")
    for (debit, credit), line in survey.pairs.items():
        if accounts[debit].id == accounts[credit].id:
            faults.add(line, "credit_account", _same_account(credit))
    return accounts


def _same_account(path: str) -> str:
    return f"{shown(path)} is the debit account too; a transaction needs two different accounts."


def _count_accounts(entity: Entity, ledger: Ledger) -> int:
    return Account.objects.for_entity(entity).filter(ledger_id=ledger.id).count()


class _Drafting:
    """The second reading: turns rows into drafts. It runs in a thread, and does not touch the database."""

    def __init__(self, entity: Entity, ledger: Ledger, survey: _Survey, account_ids: dict[str, UUID]) -> None:
        self._zone, self._currency = entity.zone, ledger.currency
        self._sizes, self._account_ids = survey.sizes, account_ids
        self._midnights: dict[date, datetime] = {}
        # Entries of which not all rows are read; the others are not kept in memory.
        self._open: dict[str, _Entry] = {}
        # Keyed with the ledger: one file may be imported into two ledgers of a company.
        self._hash = blake2b(digest_size=16, key=ledger.id.bytes)

    def batches(self, reader: _Reader, batch_rows: int) -> Iterator[_Batch]:
        """Yield all rows in batches of at least `batch_rows`, cut between two entries."""
        faults = _Faults()
        batch = _Batch([], [], [], [])
        last = None
        for row in reader.rows(faults=faults):
            if len(batch.drafts) >= batch_rows and row.entry_id != last:
                yield batch
                batch = _Batch([], [], [], [])
            last = row.entry_id
            self._add(row, batch)
        if faults.count:
            raise ValidationError("The file was changed while it was being imported; start the import again.")
        if batch.drafts:
            yield batch

    def _add(self, row: _Row, batch: _Batch) -> None:
        _, entry_id, day, description, debit, credit, amount = row
        size = self._sizes[entry_id]
        entry = self._open.get(entry_id) if size > 1 else None
        if entry is not None:
            entry.position += 1
        position = entry.position if entry is not None else 0
        external_id = self._external_id(row, position)
        if size > 1 and entry is None:
            entry = self._open[entry_id] = _Entry(new_id(), external_id, description, day)
            batch.begun.append(entry)
        if position + 1 == size > 1:
            del self._open[entry_id]
        midnight = self._midnights.get(day)
        if midnight is None:
            midnight = self._midnights[day] = day_start(day, self._zone)
        batch.entry_ids.append(entry_id)
        batch.entries.append(entry)
        batch.drafts.append(
            Draft(
                debit_account_id=self._account_ids[debit],
                credit_account_id=self._account_ids[credit],
                amount=amount,
                currency=self._currency,
                timestamp=midnight,
                date=day,
                status=Status.POSTED,
                source=Source.IMPORT,
                description=description,
                counterparty=counterparty_name(description),
                external_id=external_id,
            )
        )

    def _external_id(self, row: _Row, position: int) -> str:
        """What the row is known by, for ever: changing this makes repeated imports record rows twice."""
        said = (
            row.entry_id,
            str(position),
            row.day.isoformat(),
            row.description,
            row.debit,
            row.credit,
            f"{row.amount.normalize():f}",
        )
        hasher = self._hash.copy()
        hasher.update("\x1f".join(said).encode())
        return f"journal:{hasher.hexdigest()}"


def _ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """Yield what `batches` does, while a thread computes the next one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _record(batch: _Batch, entity: Entity, ledger: Ledger, actor: Actor, summary: ImportSummary) -> None:
    """Record the rows of `batch` that are new, in one database transaction."""
    with atomic():
        fetch(_IMPORT_LOCK, {"entity": entity.id})
        _make_journal_entries(batch.begun, entity, ledger, actor)
        for draft, entry in zip(batch.drafts, batch.entries, strict=True):
            if entry is not None:
                draft.journal_entry_id = entry.journal_entry_id
        faults = _post_new(batch.drafts, entity, actor, are_new=not summary.skipped)
        for fault in faults.values():
            if not isinstance(fault, ExternalIdTakenError):
                raise fault
    made = {entry_id for index, entry_id in enumerate(batch.entry_ids) if index not in faults}
    summary.entries_made += len(made)
    summary.skipped += len(faults)
    summary.transactions_made += len(batch.drafts) - len(faults)


def _post_new(drafts: list[Draft], entity: Entity, actor: Actor, *, are_new: bool) -> dict[int, LedgerError]:
    """Record those of `drafts` that no earlier import recorded. Nearly always that is all of them, `are_new`,
    and recording says so sooner than looking up their external ids first would."""
    if are_new:
        with suppress(ExternalIdTakenError):
            return post_batch(entity=entity, drafts=drafts, actor=actor, are_new=True)
    return post_batch(entity=entity, drafts=drafts, actor=actor, partial=True)


def _make_journal_entries(begun: list[_Entry], entity: Entity, ledger: Ledger, actor: Actor) -> None:
    """Make the journal entries that are not there yet; of the others, take the ids."""
    if not begun:
        return
    known: dict[str, UUID] = dict(
        fetch(
            """
            SELECT external_id, id FROM transactions_journalentry
            WHERE entity_id = %(entity)s::uuid AND external_id = ANY(%(ids)s::text[])
            """,
            {"entity": entity.id, "ids": [entry.external_id for entry in begun]},
        )
    )
    now = utc_now()
    fresh = []
    for entry in begun:
        if entry.external_id in known:
            entry.journal_entry_id = known[entry.external_id]
        else:
            fresh.append(
                (
                    entry.journal_entry_id,
                    entity.id,
                    ledger.id,
                    entry.description,
                    entry.day,
                    entry.external_id,
                    now,
                    actor.id,
                )
            )
    if fresh:
        copy_rows("transactions_journalentry", _JOURNAL_ENTRY_COLUMNS, fresh)


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
