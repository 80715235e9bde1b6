"""Recording many journal entries at once: a handful of statements, whatever their number."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError
from django.db.transaction import atomic

from accounts.choices import Side
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import constraint_name, copy_rows, fetch
from ledger.exceptions import ConflictError, LedgerError, ValidationError
from ledger.ids import new_id
from ledger.models import Entity, Ledger
from transactions.choices import Source, Status
from transactions.counterparty_names import counterparty_name
from transactions.drafts import Draft
from transactions.journal_entries import JournalEntryExistsError
from transactions.services.batches import accounts_of, find_faults, post_batch
from transactions.services.changing import hold_books
from transactions.services.journal import JournalLine, Pair, pair_lines

_COLUMNS: Final = (
    "id", "entity_id", "ledger_id", "description", "date", "external_id", "created_at", "created_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """A journal entry that is to be recorded, checked in itself and not yet against the books."""

    # Its name in the system that it comes from, unique in the company: what is there already stays as it is.
    external_id: str
    lines: Sequence[JournalLine]
    currency: str
    timestamp: datetime
    # The day of `timestamp` in the company's time zone.
    day: date
    description: str = ""
    metadata: dict[str, Any] | None = None


@dataclass(slots=True)
class _Plan:
    """An entry on its way: which transactions it becomes."""

    entry: EntryDraft
    drafts: list[Draft] = field(default_factory=list)
    id: UUID = field(default_factory=new_id)


def post_journal_entries(
    *,
    entity: Entity,
    ledger: Ledger,
    entries: Sequence[EntryDraft],
    actor: Actor,
    status: Status = Status.POSTED,
    source: Source = Source.IMPORT,
) -> dict[int, LedgerError]:
    """Record `entries` as linked two-account transactions, each all or none, in one database transaction.

    Returns the faults by the entry's position; the faultless ones are recorded. An entry whose name the
    company has is JournalEntryExistsError, so that a repeated import records nothing twice. Lines of one
    account are kept apart by side, and where they then have nothing to go against they count as their
    difference; an entry whose lines cancel each other out is a ValidationError. The transactions carry the
    entry's name as their own, with a number where there are several.

    Raises ConflictError where another call records an entry of one of these names at the same moment, and
    where the books changed in between.
    """
    assert ledger.entity_id == entity.id, "the ledger is one of this company's"
    try:
        return _post(entity, ledger, entries, actor, status, source)
    except IntegrityError as error:
        if constraint_name(error) != "journalentry_external_id_unique":
            raise
        raise ConflictError(
            "Another call recorded one of these entries meanwhile; send them again."
        ) from error


@atomic
def _post(
    entity: Entity,
    ledger: Ledger,
    entries: Sequence[EntryDraft],
    actor: Actor,
    status: Status,
    source: Source,
) -> dict[int, LedgerError]:
    faults: dict[int, LedgerError] = {}
    plans: dict[int, _Plan] = {}
    hold_books(entity)
    known = _known(entity, [entry.external_id for entry in entries])
    for index, entry in enumerate(entries):
        if entry.external_id in known:
            faults[index] = JournalEntryExistsError(entry.external_id, known[entry.external_id])
            continue
        try:
            plans[index] = _planned(entry, status, source)
        except ValidationError as error:
            faults[index] = error
        else:
            # The second of two that have one name is known by the first.
            known[entry.external_id] = plans[index].id
    faults |= _faults_with_the_books(entity, plans)
    good = [plan for index, plan in plans.items() if index not in faults]
    if good:
        _record(entity, ledger, good, actor)
    return faults


def _known(entity: Entity, external_ids: list[str]) -> dict[str, UUID]:
    return dict(
        fetch(
            """
            SELECT external_id, id FROM transactions_journalentry
            WHERE entity_id = %(entity)s::uuid AND external_id = ANY(%(ids)s::text[])
            """,
            {"entity": entity.id, "ids": external_ids},
        )
    )


def _planned(entry: EntryDraft, status: Status, source: Source) -> _Plan:
    plan = _Plan(entry)
    pairs = _pairs(entry.lines)
    counterparty = counterparty_name(entry.description)
    for number, pair in enumerate(pairs, start=1):
        plan.drafts.append(
            Draft(
                **pair._asdict(),
                currency=entry.currency,
                timestamp=entry.timestamp,
                date=entry.day,
                status=status,
                source=source,
                description=entry.description,
                counterparty=counterparty,
                metadata=entry.metadata,
                external_id=entry.external_id if len(pairs) == 1 else f"{entry.external_id}#{number}",
                journal_entry_id=plan.id,
            )
        )
    return plan


def _pairs(lines: Sequence[JournalLine]) -> list[Pair]:
    try:
        pairs = pair_lines(lines)
    except ValidationError:
        # Either the sides differ, which they then do here, too, or an account is on both with too much.
        pairs = pair_lines(_differences(lines))
    if not pairs:
        raise ValidationError.of("lines", "Nothing is left of this entry: its lines cancel each other out.")
    return pairs


def _differences(lines: Sequence[JournalLine]) -> list[JournalLine]:
    """For each account one line with what its debits and credits come to; none where that is nothing."""
    sums: dict[UUID, Any] = {}
    for line in lines:
        signed = line.amount if line.direction == Side.DEBIT else -line.amount
        sums[line.account_id] = sums.get(line.account_id, 0) + signed
    return [
        JournalLine(account_id, Side.DEBIT if signed > 0 else Side.CREDIT, abs(signed))
        for account_id, signed in sums.items()
        if signed
    ]


def _faults_with_the_books(entity: Entity, plans: dict[int, _Plan]) -> dict[int, LedgerError]:
    """What keeps entries out of the books: the first fault of each one's transactions."""
    drafts = [draft for plan in plans.values() for draft in plan.drafts]
    places = [index for index, plan in plans.items() for _ in plan.drafts]
    found = find_faults(entity, drafts, accounts_of(entity, drafts)) if drafts else {}
    faults: dict[int, LedgerError] = {}
    for position, fault in found.items():
        faults.setdefault(places[position], fault)
    return faults


def _record(entity: Entity, ledger: Ledger, plans: Sequence[_Plan], actor: Actor) -> None:
    now = utc_now()
    rows = [
        (plan.id, entity.id, ledger.id, plan.entry.description, plan.entry.day, plan.entry.external_id, now,
         actor.id)
        for plan in plans
    ]  # fmt: skip
    copy_rows("transactions_journalentry", _COLUMNS, rows)
    drafts = [draft for plan in plans for draft in plan.drafts]
    for fault in post_batch(entity=entity, drafts=drafts, actor=actor).values():
        raise ConflictError(f"The books changed while entries were being recorded: {fault.message}")
