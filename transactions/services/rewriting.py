"""Writing what locked transactions say anew: the one statement behind editing and categorizing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from accounts.totals import SLOTS
from ledger.actors import Actor
from ledger.db import compact, execute, slot, uuid_array
from ledger.ids import new_id
from ledger.models import Entity
from transactions.choices import Change
from transactions.exceptions import refusals_in_words
from transactions.rows import Row
from transactions.services.changing import HISTORY, MOVE_EFFECT

_REWRITE: Final = compact(f"""
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(revision_ids)s::uuid[], %(ledger_ids)s::uuid[], %(debits)s::uuid[],
        %(credits)s::uuid[], %(timestamps)s::timestamptz[], %(dates)s::date[], %(amounts)s::numeric[],
        %(currencies)s::text[], %(statuses)s::text[], %(counterparties)s::text[], %(descriptions)s::text[],
        %(metadata)s::text[], %(expiries)s::timestamptz[], %(categorized)s::timestamptz[], %(entries)s::uuid[]
    ) AS w (
        id, revision_id, ledger_id, debit_account_id, credit_account_id, "timestamp", date, amount, currency,
        status, counterparty, description, metadata, expires_at, categorized_at, journal_entry_id
    )
),
before AS MATERIALIZED (
    SELECT t.*, w.revision_id FROM wanted w
    JOIN transactions_transaction t ON t.entity_id = %(entity)s::uuid AND t.id = w.id
),
{HISTORY},
changed AS (
    UPDATE transactions_transaction t
    SET ledger_id = w.ledger_id, debit_account_id = w.debit_account_id,
        credit_account_id = w.credit_account_id, "timestamp" = w."timestamp", date = w.date,
        amount = w.amount, currency = w.currency, status = w.status, counterparty = w.counterparty,
        description = w.description, metadata = w.metadata::jsonb, expires_at = w.expires_at,
        categorized_at = w.categorized_at, journal_entry_id = w.journal_entry_id,
        updated_at = %(now)s::timestamptz
    FROM wanted w
    WHERE t.entity_id = %(entity)s::uuid AND t.id = w.id
    RETURNING t.debit_account_id, t.credit_account_id, t.date, t.amount, t.status
),
{MOVE_EFFECT}
SELECT 1
""")


def rewrite_transactions(
    *,
    entity: Entity,
    rows: Sequence[Row],
    change: Change,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """Make transactions that the caller has locked and checked say what `rows` say, and move their effect
    on the totals with them. The former states go into the history; `updated_at` becomes `now`.

    Raises PeriodClosedError, AccountClosedError.
    """
    if not rows:
        return
    with refusals_in_words():
        execute(
            _REWRITE,
            {
                "entity": entity.id,
                "slot": slot(SLOTS),
                "now": now,
                "changed_by": actor.id,
                "changed_by_kind": actor.kind.value,
                "change": change.value,
                "reason": reason,
                "ids": uuid_array(row.id for row in rows),
                "revision_ids": uuid_array(new_id() for _ in rows),
                "ledger_ids": uuid_array(row.ledger_id for row in rows),
                "debits": uuid_array(row.debit_account_id for row in rows),
                "credits": uuid_array(row.credit_account_id for row in rows),
                "timestamps": [row.timestamp for row in rows],
                "dates": [row.date for row in rows],
                "amounts": [row.amount for row in rows],
                "currencies": [row.currency for row in rows],
                "statuses": [row.status.value for row in rows],
                "counterparties": [row.counterparty for row in rows],
                "descriptions": [row.description for row in rows],
                "metadata": [row.metadata for row in rows],
                "expiries": [row.expires_at for row in rows],
                "categorized": [row.categorized_at for row in rows],
                "entries": [row.journal_entry_id for row in rows],
            },
        )
