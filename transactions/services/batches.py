"""Recording thousands of transactions: a handful of statements, whatever their number."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat
from operator import is_
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError
from django.db.transaction import atomic

from accounts.facts import AccountFacts, facts_of_accounts
from accounts.totals import ADD_EFFECT_TO_TOTALS, SLOTS
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import compact, copy_rows, execute, fetch, slot, uuid_array
from ledger.exceptions import ConflictError, Detail, LedgerError
from ledger.models import Entity
from transactions.drafts import Draft
from transactions.effects import effect_of
from transactions.exceptions import ExternalIdTakenError, PeriodClosedError
from transactions.rows import STATE_COLUMNS
from transactions.services.changing import closed_through, hold_books
from transactions.services.posting import account_fault, explained, state

_COLUMNS: Final = ("entity_id", *STATE_COLUMNS)

_ADD_TO_TOTALS: Final = compact(f"""
WITH fresh AS (
    SELECT debit_account_id, credit_account_id, date, amount, status
    FROM transactions_transaction WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
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
    `partial`: then the faultless ones are. At most five statements for any number of drafts; callers
    with files cut them into batches of some thousands.

    With `are_new` the external ids are not looked up first: where one is taken all the same, nothing is
    recorded and ExternalIdTakenError names it.

    Raises PeriodClosedError or another ConflictError where the books changed in between.
    """
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
                _record(entity, good, actor, accounts)
    except DatabaseError as error:
        known = explained(error, entity, good)
        if known is None:
            raise
        raise known from error
    return faults


def _record(
    entity: Entity, drafts: Sequence[Draft], actor: Actor, accounts: Mapping[UUID, AccountFacts]
) -> None:
    now = utc_now()
    rows = [
        (entity.id, *state(draft, actor, now, accounts[draft.debit_account_id].ledger_id)) for draft in drafts
    ]
    names: list[str] = []
    columns: list[Sequence[Any]] = []
    for name, values in zip(_COLUMNS, zip(*rows, strict=True), strict=True):
        first = values[0]
        if all(map(is_, values, repeat(first))):
            # What all have in common, the company, the author and the moment, is written as text once; what
            # none has need not be sent.
            if first is None:
                continue
            values = (str(first),) * len(values)
        elif type(first) is UUID:
            # A third of what the driver's own way takes.
            values = tuple(value and value.hex for value in values)
        names.append(name)
        columns.append(values)
    copy_rows("transactions_transaction", names, zip(*columns, strict=True))
    execute(
        _ADD_TO_TOTALS,
        {"entity": entity.id, "slot": slot(SLOTS), "ids": uuid_array(draft.id for draft in drafts)},
    )


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
            fault = PeriodClosedError(closed)
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
