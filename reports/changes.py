"""What changed the figures of a period after the fact: what was recorded, changed or deleted since."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.db import compact, fetch, uuid_array
from ledger.ids import Prefix, encode_id
from reports.frame import Frame, Scope
from reports.known import COUNTED
from reports.periods import Period
from reports.read import read_frame
from reports.statements.balance_sheet import balance_sheet
from reports.statements.income_statement import income_statement

# An id holds the moment that it was made at; a transaction is recorded soon after (a long import takes
# minutes). So the ids made a day before are early enough to find all that was recorded since.
_ID_SLACK: Final = timedelta(days=1)


class State(NamedTuple):
    """What a transaction said at a moment."""

    date: date
    status: str
    amount: Decimal
    currency: str
    debit_account_id: UUID
    credit_account_id: UUID
    description: str


class Step(NamedTuple):
    """One thing that happened to a transaction."""

    change: str
    changed_at: datetime
    # The API key's public id or the person's user name; None for a command and the system itself.
    changed_by: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChangedTransaction:
    """A transaction that counts in the period otherwise at the end of the time than at its beginning."""

    id: UUID
    # When the last thing happened to it in that time.
    changed_at: datetime
    # None where it was not there, or not any more.
    before: State | None
    after: State | None
    steps: tuple[Step, ...]


class Position(NamedTuple):
    """Where a page ends."""

    changed_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class ChangedFigure:
    """A figure as it was known at the beginning of the time, and at its end."""

    name: str
    before: Decimal
    after: Decimal


_STATE: Final = "date, status, amount, currency, debit_account_id, credit_account_id, description"


def _state_at(moment: str) -> str:
    """The state of `ids.id` at a moment, as a lateral subquery with at most one row."""
    return f"""(
        SELECT {_STATE} FROM (
            SELECT {_STATE}, created_at FROM (
                SELECT {_STATE}, created_at FROM transactions_revision
                WHERE entity_id = %(entity)s::uuid AND transaction_id = ids.id
                    AND changed_at > %({moment})s::timestamptz
                ORDER BY changed_at, id LIMIT 1
            ) former
            UNION ALL
            SELECT {_STATE}, created_at FROM transactions_transaction
            WHERE entity_id = %(entity)s::uuid AND id = ids.id AND NOT EXISTS (
                SELECT FROM transactions_revision
                WHERE entity_id = %(entity)s::uuid AND transaction_id = ids.id
                    AND changed_at > %({moment})s::timestamptz
            )
        ) either WHERE created_at <= %({moment})s::timestamptz
    )"""


def _counts(state: str, scope: Scope) -> str:
    is_counted = f"{state}.status IN ({COUNTED[scope.status]})"
    return f"coalesce({is_counted} AND {state}.date BETWEEN %(start)s::date AND %(end)s::date, false)"


def _statement(scope: Scope) -> str:
    money = ("date", "amount", "debit_account_id", "credit_account_id")
    differs = " OR ".join(f"b.{name} IS DISTINCT FROM a.{name}" for name in money)
    before, after = _counts("b", scope), _counts("a", scope)
    return compact(f"""
        WITH ids AS (
            SELECT id, max(changed_at) AS changed_at FROM (
                SELECT id, created_at AS changed_at FROM transactions_transaction
                WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid
                    AND id >= %(first_id)s::uuid
                    AND created_at > %(since)s::timestamptz AND created_at <= %(until)s::timestamptz
                UNION ALL
                SELECT transaction_id, changed_at FROM transactions_revision
                WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid
                    AND changed_at > %(since)s::timestamptz AND changed_at <= %(until)s::timestamptz
                UNION ALL
                /* Recorded in that time, and deleted only later. */
                SELECT transaction_id, created_at FROM transactions_revision
                WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid
                    AND changed_at > %(until)s::timestamptz
                    AND created_at > %(since)s::timestamptz AND created_at <= %(until)s::timestamptz
            ) events GROUP BY id
        )
        SELECT ids.id, ids.changed_at, b.*, a.*
        FROM ids
        LEFT JOIN LATERAL {_state_at("since")} b ON true
        LEFT JOIN LATERAL {_state_at("until")} a ON true
        WHERE ({before} OR {after})
            AND ({before} <> {after} OR {differs})
            AND (%(after_moment)s::timestamptz IS NULL
                OR (ids.changed_at, ids.id) > (%(after_moment)s::timestamptz, %(after_id)s::uuid))
        ORDER BY ids.changed_at, ids.id LIMIT %(limit)s::bigint
    """)


def list_changes(
    scope: Scope,
    period: Period,
    *,
    since: datetime,
    until: datetime,
    limit: int,
    after: Position | None = None,
) -> list[ChangedTransaction]:
    """Up to `limit` transactions that changed the figures of `period` after `since` and up to `until`, by the
    moment of their last change, those after `after`. Two statements.

    Comes and goes within that time leave no trace, and neither do changes that move no amount.
    """
    rows = fetch(
        _statement(scope),
        {
            "entity": scope.entity.id,
            "ledger": scope.ledger.id,
            "since": since,
            "until": until,
            "start": period.start,
            "end": period.end,
            "first_id": _first_id(since - _ID_SLACK),
            "after_moment": after.changed_at if after else None,
            "after_id": after.id if after else None,
            "limit": limit,
        },
    )
    steps = _steps(scope, [row[0] for row in rows], since, until)
    width = len(State._fields)
    return [
        ChangedTransaction(
            row[0],
            row[1],
            _state(row[2 : 2 + width]),
            _state(row[2 + width :]),
            tuple(steps.get(row[0], ())),
        )
        for row in rows
    ]


def _state(values: tuple[Any, ...]) -> State | None:
    return State(*values) if values[0] is not None else None


def _first_id(moment: datetime) -> UUID:
    """The least UUIDv7 of a moment."""
    milliseconds = max(int(moment.timestamp() * 1000), 0)
    return UUID(int=milliseconds << 80)


def _steps(scope: Scope, ids: list[UUID], since: datetime, until: datetime) -> dict[UUID, list[Step]]:
    found: dict[UUID, list[Step]] = {}
    rows = fetch(
        """
        SELECT events.transaction_id, events.change, events.changed_at, k.id, u.username, events.reason FROM (
            SELECT id AS transaction_id, 'created' AS change, created_at AS changed_at,
                created_by AS changed_by, '' AS reason, id
            FROM transactions_transaction
            WHERE entity_id = %(entity)s::uuid AND id = ANY(%(ids)s::uuid[])
            UNION
            SELECT transaction_id, 'created', created_at, created_by, '', transaction_id
            FROM transactions_revision
            WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(ids)s::uuid[])
            UNION ALL
            SELECT transaction_id, change, changed_at, changed_by, reason, id FROM transactions_revision
            WHERE entity_id = %(entity)s::uuid AND transaction_id = ANY(%(ids)s::uuid[])
        ) events
        LEFT JOIN ledger_apikey k ON k.id = events.changed_by
        LEFT JOIN ledger_user u ON u.id = events.changed_by
        WHERE events.changed_at > %(since)s::timestamptz AND events.changed_at <= %(until)s::timestamptz
        ORDER BY events.changed_at, events.id
        """,
        {"entity": scope.entity.id, "ids": uuid_array(ids), "since": since, "until": until},
    )
    for transaction_id, change, changed_at, key_id, username, reason in rows:
        changed_by = username if key_id is None else encode_id(Prefix.API_KEY, key_id)
        found.setdefault(transaction_id, []).append(Step(change, changed_at, changed_by, reason))
    return found


def changed_figures(
    scope: Scope, period: Period, *, since: datetime, until: datetime
) -> tuple[ChangedFigure, ...]:
    """The main figures of a period as known at both moments. Two statements, which read all transactions."""
    pairs = [
        _figures(read_frame(Scope(scope.entity, scope.ledger, scope.basis, scope.status, moment), period))
        for moment in (since, until)
    ]
    return tuple(ChangedFigure(name, pairs[0][name], pairs[1][name]) for name in pairs[0])


def _figures(frame: Frame) -> dict[str, Decimal]:
    sheet, income = balance_sheet(frame), income_statement(frame)
    return {
        "revenue": income.total_revenue,
        "expenses": income.total_expenses,
        "netIncome": income.net_income,
        "totalAssets": sheet.total_assets,
        "totalLiabilities": sheet.total_liabilities,
        "totalEquity": sheet.total_equity,
        "cash": sheet.cash,
    }
