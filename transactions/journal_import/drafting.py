"""The second reading of a file: its rows as transactions that are ready to be recorded."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from uuid import UUID

from ledger.exceptions import ValidationError
from ledger.ids import new_id
from ledger.models import Entity, Ledger
from ledger.times import day_start
from transactions.choices import Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.journal_import.faults import Faults
from transactions.journal_import.reading import JournalReader, JournalRow
from transactions.journal_import.survey import Survey


@dataclass(slots=True)
class Entry:
    """An entry of several rows: its journal entry, as the first of the rows describes it."""

    journal_entry_id: UUID
    external_id: str
    description: str
    day: date
    # Of the row that was read last, from 0.
    position: int = 0


@dataclass(slots=True)
class Batch:
    """Rows that are ready to be recorded, but for the links to their journal entries."""

    entry_ids: list[str]
    drafts: list[Draft]
    # For each draft, the entry that it belongs to where that has several rows.
    entries: list[Entry | None]
    # The entries whose first row is in this batch.
    begun: list[Entry]


class Drafting:
    """The second reading: turns rows into drafts. It runs in a thread, and does not touch the database."""

    def __init__(self, entity: Entity, ledger: Ledger, survey: Survey, account_ids: dict[str, UUID]) -> None:
        self._zone, self._currency = entity.zone, ledger.currency
        self._sizes, self._account_ids = survey.sizes, account_ids
        self._midnights: dict[date, datetime] = {}
        # Entries of which not all rows are read; the others are not kept in memory.
        self._open: dict[str, Entry] = {}
        # Keyed with the ledger: one file may be imported into two ledgers of a company.
        self._hash = blake2b(digest_size=16, key=ledger.id.bytes)

    def batches(self, reader: JournalReader, batch_rows: int) -> Iterator[Batch]:
        """Yield all rows in batches of at least `batch_rows`, cut between two entries."""
        faults = Faults()
        batch = Batch([], [], [], [])
        last = None
        for row in reader.rows(faults=faults):
            if len(batch.drafts) >= batch_rows and row.entry_id != last:
                yield batch
                batch = Batch([], [], [], [])
            last = row.entry_id
            self._add(row, batch)
        if faults.count:
            raise ValidationError("The file was changed while it was being imported; start the import again.")
        if batch.drafts:
            yield batch

    def _add(self, row: JournalRow, batch: Batch) -> None:
        _, entry_id, day, description, debit, credit, amount = row
        size = self._sizes[entry_id]
        entry = self._open.get(entry_id) if size > 1 else None
        if entry is not None:
            entry.position += 1
        position = entry.position if entry is not None else 0
        external_id = self._external_id(row, position)
        if size > 1 and entry is None:
            entry = self._open[entry_id] = Entry(new_id(), external_id, description, day)
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

    def _external_id(self, row: JournalRow, position: int) -> str:
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


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield what `batches` does, while a thread computes the next one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch
