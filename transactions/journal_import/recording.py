"""Recording a batch of rows: those that are new, with their journal entries."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.transaction import atomic

from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import copy_rows, fetch
from ledger.exceptions import LedgerError
from ledger.models import Entity, Ledger
from transactions.drafts import Draft
from transactions.exceptions import ExternalIdTakenError
from transactions.journal_import.drafting import Batch, Entry
from transactions.services import post_batch

_JOURNAL_ENTRY_COLUMNS: Final = (
    "id", "entity_id", "ledger_id", "description", "date", "external_id", "created_at", "created_by",
)  # fmt: skip
# One import at a time in a company: two of the same file would race for its rows. Apart from the keys of the
# company's books (1) and of its audit chain (2).
_IMPORT_LOCK = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%(entity)s::uuid, 4))"


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


def record_batch(batch: Batch, entity: Entity, ledger: Ledger, actor: Actor, summary: ImportSummary) -> None:
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


def _make_journal_entries(begun: list[Entry], entity: Entity, ledger: Ledger, actor: Actor) -> None:
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
