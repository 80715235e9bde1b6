"""Recording thousands of transactions: a handful of statements, whatever their number."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, is_
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError
from django.db.transaction import atomic

from accounts.facts import AccountFacts, facts_of_accounts
from accounts.totals import ADD_EFFECT_TO_TOTALS, SLOTS
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import (
    CHECK_VIOLATION,
    CLOSED_ACCOUNT,
    CLOSED_PERIOD,
    FOREIGN_KEY_VIOLATION,
    UNIQUE_VIOLATION,
    compact,
    copy_rows,
    execute,
    fetch,
    slot,
    sqlstate,
    uuid_array,
)
from ledger.exceptions import ConflictError, Detail, LedgerError
from ledger.models import Entity
from transactions.choices import COUNTS_AS_POSTED
from transactions.drafts import Draft
from transactions.effects import effect_of
from transactions.exceptions import ExternalIdTakenError, PeriodClosedError
from transactions.rows import STATE_COLUMNS
from transactions.services.changing import closed_through, hold_books
from transactions.services.posting import account_fault, explained, metadata_text

# What keys, constraints and guards say of drafts with a fault.
_REFUSED: Final = frozenset(
    {UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION, CHECK_VIOLATION, CLOSED_PERIOD, CLOSED_ACCOUNT}
)
# The columns of a transaction that its draft has under the same name.
_SAID_BY_DRAFT: Final = [name for name in STATE_COLUMNS if name in Draft.__dataclass_fields__]

# What was recorded is sent once more, not read back: of a table that was never analyzed, as at first imports,
# all rows would be looked through for every batch.
_ADD_TO_TOTALS: Final = compact(f"""
WITH fresh AS (
    SELECT * FROM unnest(
        %(debits)s::uuid[], %(credits)s::uuid[], %(dates)s::date[], %(amounts)s::numeric[],
        %(statuses)s::text[]
    ) AS f (debit_account_id, credit_account_id, date, amount, status)
),
effect AS ({effect_of("fresh")}),
{ADD_EFFECT_TO_TOTALS}
SELECT 1
""")


def post_batch(
    *,
    entity: Entity,
    drafts: Sequence[Draft],
    actor: Actor,
    partial: bool = False,
    are_new: bool = False,
) -> dict[int, LedgerError]:
    """Record `drafts` and add them, aggregated, to their accounts' totals, in one database transaction.

    Returns the faults by the draft's position. Where there is one, nothing is recorded, unless
    `partial`: then the faultless ones are. Four statements for any number of drafts without a fault, and at
    most five more where one must be named; callers with files cut them into batches of some thousands.

    With `are_new` the external ids are not looked up first: where one is taken all the same, nothing is
    recorded and ExternalIdTakenError names it.

    Raises PeriodClosedError or another ConflictError where the books changed in between.
    """
    if not partial and _recorded_unseen(entity, drafts, actor):
        return {}
    good: list[Draft] = []
    try:
        with atomic():
            hold_books(entity)
            accounts = accounts_of(entity, drafts)
            faults = find_faults(entity, drafts, accounts, are_new=are_new)
            if faults and not partial:
                return faults
            good = [draft for index, draft in enumerate(drafts) if index not in faults]
            if good:
                _record(entity, good, actor, [accounts[draft.debit_account_id].ledger_id for draft in good])
    except DatabaseError as error:
        known = explained(error, entity, good)
        if known is None:
            raise
        raise known from error
    return faults


def _recorded_unseen(entity: Entity, drafts: Sequence[Draft], actor: Actor) -> bool:
    """Record the drafts without looking at their accounts, and return whether the database took them.

    Its keys and guards refuse whatever `find_faults` would name: a batch without faults, as nearly all are,
    need not be looked through first. Which ledger a transaction is of must be known, so that goes for
    companies with one. Nothing is recorded where the database refuses; the reason is found by looking.
    """
    ledgers = fetch("SELECT id FROM ledger_ledger WHERE entity_id = %(entity)s::uuid", {"entity": entity.id})
    if len(ledgers) != 1 or not drafts:
        return False
    try:
        with atomic():
            hold_books(entity)
            _record(entity, drafts, actor, [ledgers[0][0]] * len(drafts))
    except DatabaseError as error:
        if sqlstate(error) not in _REFUSED:
            raise
        return False
    return True


def _record(entity: Entity, drafts: Sequence[Draft], actor: Actor, ledger_ids: list[UUID]) -> None:
    names: list[str] = []
    columns: list[Iterable[Any]] = []
    for name, values in _columns(entity, drafts, actor, ledger_ids).items():
        first = values[0]
        if all(map(is_, values, repeat(first))):
            # What all have in common, the company, the author and the moment, is written as text once; what
            # none has need not be sent.
            if first is None:
                continue
            columns.append(repeat(str(first), len(drafts)))
        elif type(first) is UUID:
            # A third of what the driver's own way takes.
            columns.append([value and value.hex for value in values])
        else:
            columns.append(values)
        names.append(name)
    copy_rows("transactions_transaction", names, zip(*columns, strict=True))
    execute(
        _ADD_TO_TOTALS,
        {
            "entity": entity.id,
            "slot": slot(SLOTS),
            "debits": uuid_array(draft.debit_account_id for draft in drafts),
            "credits": uuid_array(draft.credit_account_id for draft in drafts),
            "dates": _array(draft.date.isoformat() for draft in drafts),
            "amounts": _array(str(draft.amount) for draft in drafts),
            "statuses": _array(draft.status.value for draft in drafts),
        },
    )


def _array(values: Iterable[str]) -> str:
    """Values without quotes and commas as the text of an array."""
    return "{" + ",".join(values) + "}"


def _columns(
    entity: Entity, drafts: Sequence[Draft], actor: Actor, ledger_ids: list[UUID]
) -> dict[str, Sequence[Any]]:
    """What `posting.state` says of each draft, column by column: a thousand drafts are turned in the time
    that a hundred take row by row."""
    now, count = utc_now(), len(drafts)
    columns: dict[str, Sequence[Any]] = {"entity_id": (entity.id,) * count}
    columns |= {name: list(map(attrgetter(name), drafts)) for name in _SAID_BY_DRAFT}
    columns["ledger_id"] = ledger_ids
    columns["created_by"] = (actor.id,) * count
    columns["created_at"] = columns["updated_at"] = (now,) * count
    columns["posted_at"] = [now if status in COUNTS_AS_POSTED else None for status in columns["status"]]
    columns["metadata"] = [metadata_text(metadata) for metadata in columns["metadata"]]
    return columns


def accounts_of(entity: Entity, drafts: Sequence[Draft]) -> dict[UUID, AccountFacts]:
    """The accounts that `drafts` name, as far as the company has them; one query."""
    ids = {draft.debit_account_id for draft in drafts}
    ids.update(draft.credit_account_id for draft in drafts)
    return facts_of_accounts(entity, ids)


def find_faults(
    entity: Entity,
    drafts: Sequence[Draft],
    accounts: Mapping[UUID, AccountFacts],
    *,
    are_new: bool = False,
) -> dict[int, LedgerError]:
    """What keeps each of `drafts` out of the books, by its position; at most two queries for any number.
    `accounts` are those of `accounts_of(entity, drafts)`. With `are_new` no external id is looked up."""
    closed = closed_through(entity)
    external_ids = [draft.external_id for draft in drafts if draft.external_id]
    taken = {} if are_new else _taken_external_ids(entity, external_ids)
    repeated = Counter(external_ids)

    faults: dict[int, LedgerError] = {}
    for index, draft in enumerate(drafts):
        fault = account_fault(draft, accounts)
        if fault is None and closed is not None and draft.date <= closed:
            fault = PeriodClosedError(closed, day=draft.date, field="date")
        if fault is None and draft.external_id is not None:
            if draft.external_id in taken:
                fault = taken[draft.external_id]
            elif repeated[draft.external_id] > 1:
                times = repeated[draft.external_id]
                message = (
                    f'externalId "{draft.external_id}" stands in this batch {times} times; send each once.'
                )
                fault = ConflictError(message, details=[Detail("externalId", message)])
        if fault is not None:
            faults[index] = fault
    return faults


def _taken_external_ids(entity: Entity, external_ids: list[str]) -> dict[str, LedgerError]:
    if not external_ids:
        return {}
    rows = fetch(
        """
        SELECT external_id, id FROM transactions_transaction
        WHERE entity_id = %(entity)s::uuid AND external_id = ANY(%(ids)s::text[])
        """,
        {"entity": entity.id, "ids": external_ids},
    )
    return {external_id: ExternalIdTakenError(external_id, found) for external_id, found in rows}
