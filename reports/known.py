"""The books as they stood at a past moment, from the transactions and their former states.

What a transaction said at a moment is the first of its revisions that was written afterwards, or what it says
now where nothing changed it since; and it was there only if it was recorded by then. Transactions that were
deleted since come back from their revisions.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from ledger.db import fetch
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import AuditEvent, Entity, Ledger
from reports.sums import (
    Books,
    Rows,
    StatusFilter,
    books_of_rows,
    books_statement,
    named_cuts,
    series_statement,
)
from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED

# The columns of a state that reports need.
STATE: Final = "timestamp, date, debit_account_id, credit_account_id, amount, status, description"
COUNTED: Final = {
    StatusFilter.POSTED: ", ".join(f"'{status}'" for status in sorted(COUNTS_AS_POSTED)),
    StatusFilter.ALL: ", ".join(f"'{status}'" for status in sorted(COUNTS_AS_POSTED | COUNTS_AS_PENDING)),
}
# Where the account's id stands again in a row of books, beside its sums.
_ID_OF_SUMS: Final = 6
# Where an account's use stands among the chart's columns.
_USE: Final = slice(3, 5)
# Every transaction of the ledger as it was known at a moment. Parameters: entity, ledger, known_at.
KNOWN_STATES: Final = f"""
    SELECT id, {STATE} FROM (
        SELECT DISTINCT ON (transaction_id) transaction_id AS id, created_at, ledger_id, {STATE}
        FROM transactions_revision
        WHERE entity_id = %(entity)s::uuid AND changed_at > %(known_at)s::timestamptz
        ORDER BY transaction_id, changed_at, transactions_revision.id
    ) former
    WHERE created_at <= %(known_at)s::timestamptz AND ledger_id = %(ledger)s::uuid
    UNION ALL
    SELECT id, {STATE} FROM transactions_transaction t
    WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid
        AND created_at <= %(known_at)s::timestamptz
        AND NOT EXISTS (
            SELECT FROM transactions_revision r
            WHERE r.entity_id = %(entity)s::uuid AND r.transaction_id = t.id
                AND r.changed_at > %(known_at)s::timestamptz
        )
"""


@lru_cache(maxsize=4)
def known_rows(status: StatusFilter) -> Rows:
    """The rows of a past moment; `known_parameters` are their parameters."""
    return Rows(
        f"""states AS MATERIALIZED (
            SELECT debit_account_id, credit_account_id, amount, date AS day
            FROM ({KNOWN_STATES}) known
            WHERE status IN ({COUNTED[status]}) AND date < %(until)s::date
        ),""",
        """
            SELECT debit_account_id AS account_id, day, amount AS debits, 0 AS credits FROM states
            UNION ALL
            SELECT credit_account_id, day, 0, amount FROM states
        """,
        has_gone=True,
    )


def known_parameters(cuts: Sequence[date], known_at: datetime) -> dict[str, Any]:
    """What `known_rows` must know."""
    return {"known_at": known_at, **named_cuts(cuts)}


def known_sums(
    entity: Entity, ledger: Ledger, cuts: Sequence[date], status: StatusFilter, *, known_at: datetime
) -> Books:
    """The books as they stood at `known_at`, cut like `reports.sums.kept_sums` does; one statement.

    Its cost grows with the number of transactions. The chart is today's: names and places of accounts are not
    part of what was booked.
    """
    parameters = {"entity": entity.id, "ledger": ledger.id, **known_parameters(cuts, known_at)}
    rows = fetch(books_statement(known_rows(status), len(cuts)), parameters)
    gone = [UUID(row[_ID_OF_SUMS]) for row in rows if row[0] is None]
    if gone:
        remembered = deleted_accounts(entity, gone)
        rows = [
            row if row[0] is not None else remembered[UUID(row[_ID_OF_SUMS])] + row[_ID_OF_SUMS:]
            for row in rows
        ]
    return books_of_rows(rows, cuts)


def known_series(
    entity: Entity, ledger: Ledger, cuts: Sequence[date], status: StatusFilter, *, known_at: datetime
) -> list[tuple[Any, ...]]:
    """The sums of each part by the accounts' use, as the books stood at `known_at`: rows of `part, type,
    financial_type, debits, credits`. One statement, and one more where accounts were deleted since."""
    parameters = {"entity": entity.id, "ledger": ledger.id, **known_parameters(cuts, known_at)}
    rows = fetch(series_statement(known_rows(status)), parameters)
    gone = {row[-1] for row in rows if row[-1] is not None}
    remembered = deleted_accounts(entity, gone) if gone else {}
    return [
        (part, *(remembered[account_id][_USE] if account_id else (type_, financial_type)), debits, credits)
        for part, type_, financial_type, debits, credits, account_id in rows
    ]


def deleted_accounts(entity: Entity, ids: Iterable[UUID]) -> dict[UUID, tuple[Any, ...]]:
    """The chart's columns of accounts that were deleted once their pending transactions were, as the audit
    trail remembers them; at the top of the chart, because those above may be gone too."""
    events = AuditEvent.objects.filter(
        scope_id=entity.id,
        action="accounts.account.deleted",
        object_id__in=[encode_id(Prefix.ACCOUNT, one) for one in ids],
    )
    found = {}
    for event in events:
        facts = event.before or {}
        account_id = decode_id(Prefix.ACCOUNT, event.object_id, field="object_id")
        found[account_id] = (
            str(account_id),
            None,
            facts["name"],
            facts["type"],
            facts["financial_type"],
            facts["sub_type_code"],
        )
    return found
