"""Journal entries as they are asked for and read: their lines, and the transactions that hold them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db import IntegrityError
from django.db.transaction import atomic

from accounts.choices import Side
from accounts.facts import facts_of_accounts
from ledger.actors import Actor
from ledger.db import constraint_name, fetch
from ledger.exceptions import ConflictError, Detail, NotFoundError
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.choices import Status
from transactions.models import JournalEntry
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, Row
from transactions.services import JournalLine, delete_transactions, post_journal_entry
from transactions.services.entries import delete_entries
from transactions.services.journal import line_key

_TRANSACTIONS: Final = f"""
{SELECT_ROW} FROM transactions_transaction t {JOIN_ACCOUNTS}
WHERE t.entity_id = %(entity)s::uuid AND t.journal_entry_id = %(entry)s::uuid
ORDER BY t.id
"""


_IDS: Final = """
SELECT id FROM transactions_transaction
WHERE entity_id = %(entity)s::uuid AND journal_entry_id = %(entry)s::uuid ORDER BY id
"""


class JournalEntryNotFoundError(NotFoundError):
    def __init__(self, entry_id: UUID) -> None:
        super().__init__(
            f"There is no journal entry {encode_id(Prefix.JOURNAL_ENTRY, entry_id)} in these books."
        )


class JournalEntryExistsError(ConflictError):
    """Another entry of the company has this external id."""

    def __init__(self, external_id: str, entry_id: UUID) -> None:
        self.entry_id = entry_id
        message = (
            f'externalId "{external_id}" belongs to {encode_id(Prefix.JOURNAL_ENTRY, entry_id)} already; '
            "use that entry or send another externalId."
        )
        super().__init__(message, details=[Detail("externalId", message)])


class LineRead(NamedTuple):
    """What an entry says of one account on one side."""

    account_id: UUID
    account_name: str
    direction: Side
    amount: Decimal  # > 0


class JournalEntryRead(NamedTuple):
    """An entry with what is recorded of it now."""

    entry: JournalEntry
    # In the order in which they were sent. Those of imports, which have none: debits first, by the chart.
    lines: list[LineRead]
    # In the order in which they were recorded.
    transactions: list[Row]

    @property
    def status(self) -> Status | None:
        """The state of all transactions; None where they differ, or where all were deleted."""
        states = {row.status for row in self.transactions}
        return Status(states.pop()) if len(states) == 1 else None


def record_journal_entry(
    *,
    entity: Entity,
    lines: Sequence[JournalLine],
    currency: str,
    timestamp: datetime,
    day: date,
    actor: Actor,
    description: str = "",
    status: Status = Status.PENDING,
    external_id: str | None = None,
) -> JournalEntryRead:
    """Record an entry as `post_journal_entry` does, under the name that it has in the caller's own system.

    Raises JournalEntryExistsError where the company has an entry of that name, NotFoundError naming the line
    whose account it does not have, and what `post_journal_entry` raises.
    """
    _check_accounts(entity, lines)
    with atomic():
        _check_external_id(entity, external_id)
        entry = post_journal_entry(
            entity=entity,
            lines=lines,
            currency=currency,
            timestamp=timestamp,
            day=day,
            actor=actor,
            description=description,
            status=status,
        )
        if external_id is not None:
            entry.external_id = external_id
            try:
                with atomic():
                    entry.save(update_fields=["external_id"])
            except IntegrityError as error:
                if constraint_name(error) == "journalentry_external_id_unique":
                    _check_external_id(entity, external_id)
                raise
    return _read(entry)


def read_journal_entry(entity: Entity, entry_id: UUID) -> JournalEntryRead:
    """The entry with its lines and transactions; two queries. Raises JournalEntryNotFoundError."""
    entry = JournalEntry.objects.filter(entity_id=entity.id, id=entry_id).first()
    if entry is None:
        raise JournalEntryNotFoundError(entry_id)
    return _read(entry)


def delete_journal_entry(*, entity: Entity, entry_id: UUID, actor: Actor) -> None:
    """Take an entry with all its transactions out of the books, or nothing of it.

    Raises JournalEntryNotFoundError, and for any of the transactions what `delete_transactions` does: where
    one is posted, FinalError, which says to reverse it.
    """
    with atomic():
        entry = JournalEntry.objects.filter(entity_id=entity.id, id=entry_id).first()
        if entry is None:
            raise JournalEntryNotFoundError(entry_id)
        ids = [row[0] for row in fetch(_IDS, {"entity": entity.id, "entry": entry_id})]
        if ids:
            delete_transactions(entity=entity, ids=ids, actor=actor)
        else:
            delete_entries(entity=entity, entry_ids=[entry_id], actor=actor)


def _check_accounts(entity: Entity, lines: Sequence[JournalLine]) -> None:
    known = facts_of_accounts(entity, {line.account_id for line in lines})
    faults = [
        Detail(
            f"lines[{index}].accountId",
            f"There is no account {encode_id(Prefix.ACCOUNT, line.account_id)} in these books.",
        )
        for index, line in enumerate(lines)
        if line.account_id not in known
    ]
    if faults:
        raise NotFoundError(faults[0].message, details=faults)


def _check_external_id(entity: Entity, external_id: str | None) -> None:
    if external_id is None:
        return
    found = (
        JournalEntry.objects.filter(entity_id=entity.id, external_id=external_id)
        .values_list("id", flat=True)
        .first()
    )
    if found is not None:
        raise JournalEntryExistsError(external_id, found)


def _read(entry: JournalEntry) -> JournalEntryRead:
    rows = fetch(_TRANSACTIONS, {"entity": entry.entity_id, "entry": entry.id})
    transactions = [Row(*values) for values in rows]
    return JournalEntryRead(entry, lines_of(transactions, entry.line_order or ()), transactions)


def lines_of(transactions: Sequence[Row], order: Sequence[str] = ()) -> list[LineRead]:
    """The lines that the transactions of an entry stand for: for each account and side the sum. Those whose
    keys are in `order` come first, as they stand there."""
    sums: dict[tuple[Side, int, str, UUID], Decimal] = {}
    for row in transactions:
        for key in (
            (Side.DEBIT, row.debit_code, row.debit_name, row.debit_account_id),
            (Side.CREDIT, row.credit_code, row.credit_name, row.credit_account_id),
        ):
            direction, code, name, account_id = key
            place = (direction, _LAST if code is None else code, name, account_id)
            sums[place] = sums.get(place, Decimal(0)) + row.amount
    places = {key: place for place, key in enumerate(order)}

    def sort_key(key: tuple[Side, int, str, UUID]) -> tuple[object, ...]:
        direction, code, name, account_id = key
        return places.get(line_key(direction, account_id), len(places)), direction != Side.DEBIT, code, name

    return [
        LineRead(key[3], key[2], key[0], amount)
        for key, amount in sorted(sums.items(), key=lambda item: (sort_key(item[0]), item[0][3]))
    ]


# Accounts without a code come after those with one.
_LAST: Final = 2**63
