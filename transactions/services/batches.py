"""Recording thousands of transactions: a handful of statements, whatever their number."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

from django.db import DatabaseError
from django.db.transaction import atomic

from accounts.facts import facts_of_accounts
from accounts.totals import ADD_EFFECT_TO_TOTALS, SLOTS
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.db import copy_rows, execute, fetch, slot, uuid_array
from ledger.exceptions import ConflictError, Detail, LedgerError
from ledger.models import Entity
from transactions.drafts import Draft
from transactions.effects import effect_of
from transactions.exceptions import ExternalIdTakenError, PeriodClosedError
from transactions.rows import STATE_COLUMNS
from transactions.services.posting import account_fault, explained, parameters

_COLUMNS: Final = ("entity_id", *STATE_COLUMNS)

_ADD_TO_TOTALS: Final = f"""
WITH fresh AS (
    SELECT debit_account_id, credit_account_id, date, amount, status
    FROM transactions_transaction WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
),
effect AS ({effect_of("fresh")}),
{ADD_EFFECT_TO_TOTALS}
SELECT 1
"""


def post_batch(*, entity: Entity, drafts: Sequence[Draft], actor: Actor, partial: bool = False) -> dict[int, LedgerError]:
    """Record `drafts` and add them, aggregated, to their accounts' totals, in one database transaction.

    Returns the faults by the draft's position. Where there is one, nothing is recorded, unless
    `partial`: then the faultless ones are. At most five statements for any number of drafts; callers
    with files cut them into batches of some thousands.

    Raises PeriodClosedError or another ConflictError where the books changed in between.
    """
    good: list[Draft] = []
    try:
        with atomic():
            faults = find_faults(entity, drafts)
            if faults and not partial:
                return faults
            good = [draft for index, draft in enumerate(drafts) if index not in faults]
            if good:
                _record(entity, good, actor)
    except DatabaseError as error:
        raise explained(error, entity, good) from error
    return faults


def _record(entity: Entity, drafts: Sequence[Draft], actor: Actor) -> None:
    now = utc_now()
    ledgers = {
        account.id: account.ledger_id
        for account in facts_of_accounts(entity, {draft.debit_account_id for draft in drafts}).values()
    }

    def columns(draft: Draft) -> tuple[object, ...]:
        values = parameters(draft, actor, now)
        values |= {
            "entity_id": entity.id,
            "ledger_id": ledgers[draft.debit_account_id],
            "created_at": now,
            "updated_at": now,
            "reversed_by_id": None,
        }
        return tuple(values[column] for column in _COLUMNS)

    copy_rows("transactions_transaction", _COLUMNS, map(columns, drafts))
    execute(
        _ADD_TO_TOTALS,
        {"entity": entity.id, "slot": slot(SLOTS), "ids": uuid_array(draft.id for draft in drafts)},
    )


def find_faults(entity: Entity, drafts: Sequence[Draft]) -> dict[int, LedgerError]:
    """What keeps each of `drafts` out of the books, by its position; three queries for any number."""
    account_ids = {draft.debit_account_id for draft in drafts} | {draft.credit_account_id for draft in drafts}
    accounts = facts_of_accounts(entity, account_ids)
    closed_through = _closed_through(entity)
    taken = _taken_external_ids(entity, [draft.external_id for draft in drafts if draft.external_id])
    repeated = Counter(draft.external_id for draft in drafts if draft.external_id)

    faults: dict[int, LedgerError] = {}
    for index, draft in enumerate(drafts):
        fault = account_fault(draft, accounts)
        if fault is None and closed_through is not None and draft.date <= closed_through:
            fault = PeriodClosedError(closed_through)
        if fault is None and draft.external_id is not None:
            if draft.external_id in taken:
                fault = taken[draft.external_id]
            elif repeated[draft.external_id] > 1:
                message = f'externalId "{draft.external_id}" stands in this batch {repeated[draft.external_id]} times.'
                fault = ConflictError(message, details=[Detail("externalId", message)])
        if fault is not None:
            faults[index] = fault
    return faults


def _closed_through(entity: Entity) -> date | None:
    """Read afresh: `entity` may be as old as the cache that it came from."""
    rows = fetch("SELECT books_closed_through FROM ledger_entity WHERE id = %(id)s::uuid", {"id": entity.id})
    return rows[0][0] if rows else None


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
