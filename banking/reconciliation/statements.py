"""Reads of a reconciliation: the statement, what is ticked on it and what is not, always by company.

Amounts are in the bank's sign, so that they add up to what the statement says: money that came in raises a
checking account (its ledger account is debited), money that was spent raises what is owed on a card (its
ledger account is credited).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.balances import account_balance
from accounts.choices import AccountType, Side
from banking.choices import ReconciliationStatus
from banking.reconciliation.exceptions import CompletedError, ReconciliationNotFoundError
from ledger.db import compact, fetch, uuid_array
from ledger.models import Entity
from transactions.days import week_of

# A bank need not pay a cheque that is older than six months (UCC 4-404, and likewise elsewhere): what is not
# ticked after that will hardly come.
RECENT: Final = timedelta(days=183)


class Statement(NamedTuple):
    """A reconciliation with what it takes to read it; the columns of `_SELECT`, in its order."""

    id: UUID
    bank_account_id: UUID
    statement_date: date
    statement_balance: Decimal
    opening_balance: Decimal
    status: str
    created_at: datetime
    created_by: UUID | None
    completed_at: datetime | None
    completed_by: UUID | None
    bank_account_name: str
    mask: str
    currency: str
    ledger_account_id: UUID
    ledger_account_type: str
    # The bank account, and those that fed the same ledger account before it was connected anew: their
    # statements are the earlier statements of this one.
    bank_account_ids: list[UUID]
    # The day of the completed statement before this one.
    previous_date: date | None

    @property
    def is_open(self) -> bool:
        """Whether it can still be worked on."""
        return self.status == ReconciliationStatus.OPEN

    @property
    def sign(self) -> int:
        """1 where debits raise the balance that the bank states, -1 where credits do."""
        return bank_sign(self.ledger_account_type)

    def parameters(self, entity: Entity) -> dict[str, Any]:
        """What the fragments of SQL below refer to."""
        return {
            "entity": entity.id,
            "reconciliation": self.id,
            "ledger_account": self.ledger_account_id,
            "bank_accounts": uuid_array(self.bank_account_ids),
            "sign": self.sign,
            "through": self.statement_date,
            "previous": self.previous_date or date.min,
            "recent": self.previous_date - RECENT if self.previous_date else date.min,
        }


class Entry(NamedTuple):
    """A transaction as it stands, or might stand, on a statement."""

    # The bank line that it stands for, where there is one.
    line_id: UUID | None
    line_date: date | None
    id: UUID
    date: date
    timestamp: datetime
    description: str
    counterparty: str
    status: str
    # In the bank's sign.
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Cleared:
    """How many transactions are ticked, and what they come to, in the bank's sign."""

    count: int
    amount: Decimal


class Position(NamedTuple):
    """Where a page of entries ends: the sort values of its last row."""

    date: date
    timestamp: datetime
    id: UUID


def bank_sign(account_type: str) -> int:
    """Return 1 where debits raise what the bank states (money in the account), -1 where credits do (owed)."""
    return 1 if AccountType(account_type).normal_side is Side.DEBIT else -1


_SELECT: Final = """
SELECT r.id, r.bank_account_id, r.statement_date, r.statement_balance, r.opening_balance, r.status,
    r.created_at, r.created_by, r.completed_at, r.completed_by,
    b.name, b.mask, b.currency, b.ledger_account_id, a.type, feeds.ids,
    (SELECT max(p.statement_date) FROM banking_reconciliation p
     WHERE p.entity_id = r.entity_id AND p.bank_account_id = ANY(feeds.ids) AND p.status = 'completed'
        AND p.statement_date < r.statement_date)
FROM banking_reconciliation r
JOIN banking_bankaccount b ON b.entity_id = r.entity_id AND b.id = r.bank_account_id
JOIN accounts_account a ON a.entity_id = b.entity_id AND a.id = b.ledger_account_id
CROSS JOIN LATERAL (
    SELECT array_agg(f.id ORDER BY f.id) AS ids FROM banking_bankaccount f
    WHERE f.entity_id = b.entity_id AND f.ledger_account_id = b.ledger_account_id
) feeds
WHERE r.entity_id = %(entity)s::uuid
"""
_FIND: Final = compact(f"{_SELECT} AND r.id = %(id)s::uuid")
_LOCK: Final = compact("""
SELECT 1 FROM banking_reconciliation
WHERE entity_id = %(entity)s::uuid AND id = %(id)s::uuid FOR NO KEY UPDATE
""")

# What a transaction `t` adds to the balance that the bank states.
EFFECT: Final = """(CASE WHEN t.debit_account_id = %(ledger_account)s::uuid THEN t.amount ELSE -t.amount END
    * %(sign)s::int)"""
# Whether a transaction `t` can be on the statement at all. What was ticked and has since expired, or was
# moved to a later day or to another account, does not count and falls off when the statement is completed.
STANDS: Final = """(t.status <> 'EXPIRED' AND t.date <= %(through)s::date
    AND %(ledger_account)s::uuid IN (t.debit_account_id, t.credit_account_id))"""
# Whether it is on no statement of the account, and whether it stands for no line. Looked up for each
# transaction that a read comes to: as a join, PostgreSQL would now and then go through all that was ever
# ticked for each of them, when the tables have grown since it last counted.
UNTICKED: Final = """(
    SELECT i.id FROM banking_reconciledtransaction i
    WHERE i.entity_id = t.entity_id AND i.transaction_id = t.id
        AND i.bank_account_id = ANY(%(bank_accounts)s::uuid[]) LIMIT 1
) IS NULL"""
UNLINKED: Final = """(
    SELECT k.id FROM banking_linelink k
    WHERE k.entity_id = t.entity_id AND k.transaction_id = t.id
        AND k.bank_account_id = ANY(%(bank_accounts)s::uuid[]) LIMIT 1
) IS NULL"""
ITEMS: Final = """banking_reconciledtransaction i
JOIN transactions_transaction t ON t.entity_id = i.entity_id AND t.id = i.transaction_id
WHERE i.entity_id = %(entity)s::uuid AND i.reconciliation_id = %(reconciliation)s::uuid"""

_COLUMNS: Final = (
    f"line.id, line.date, t.id, t.date, t.timestamp, t.description, t.counterparty, t.status, {EFFECT}"
)
_WITH_LINE: Final = """
LEFT JOIN LATERAL (
    SELECT l.id, l.date FROM banking_linelink k
    JOIN banking_bankline l ON l.entity_id = k.entity_id AND l.id = k.line_id
    WHERE k.entity_id = t.entity_id AND k.transaction_id = t.id
        AND k.bank_account_id = ANY(%(bank_accounts)s::uuid[]) AND l.status <> 'removed'
    ORDER BY l.date, l.id LIMIT 1
) line ON true
"""
_NEWEST_FIRST: Final = "ORDER BY t.date DESC, t.timestamp DESC, t.id DESC"
_AFTER: Final = "(t.date, t.timestamp, t.id) < (%(date)s::date, %(timestamp)s::timestamptz, %(id)s::uuid)"

_CLEARED: Final = compact(f"SELECT count(*), coalesce(sum({EFFECT}), 0) FROM {ITEMS} AND {STANDS}")


def find_statement(entity: Entity, reconciliation_id: UUID) -> Statement:
    """The reconciliation of that id. Raises ReconciliationNotFoundError, also for another company's."""
    rows = fetch(_FIND, {"entity": entity.id, "id": reconciliation_id})
    if not rows:
        raise ReconciliationNotFoundError(reconciliation_id)
    return Statement(*rows[0])


def lock_statement(entity: Entity, reconciliation_id: UUID) -> Statement:
    """The reconciliation as it is once nobody else works on it, and until the transaction ends.

    Every change of what is ticked takes this lock first, so a statement is completed with what its
    difference was computed from. Transactions are locked after it, then items.
    """
    fetch(_LOCK, {"entity": entity.id, "id": reconciliation_id})
    return find_statement(entity, reconciliation_id)


def lock_open_statement(entity: Entity, reconciliation_id: UUID) -> Statement:
    """The same, for work on it. Raises CompletedError where that is over."""
    statement = lock_statement(entity, reconciliation_id)
    if not statement.is_open:
        raise CompletedError(statement.id, statement.statement_date)
    return statement


def read_cleared(entity: Entity, statement: Statement) -> Cleared:
    """What is ticked. One query."""
    return Cleared(*fetch(_CLEARED, statement.parameters(entity))[0])


def read_books_balance(entity: Entity, statement: Statement) -> Decimal:
    """What the books say at the end of the statement's day, pending and posted, in the bank's sign.

    From the totals: what it costs does not grow with the number of transactions. One query.
    """
    found = account_balance(
        entity.id, statement.ledger_account_id, as_of=statement.statement_date, with_children=False
    )
    assert found is not None, "a bank account has its ledger account"
    sums = found.total.sums
    debits, credits = sums.debits_pending + sums.debits_posted, sums.credits_pending + sums.credits_posted
    return (debits - credits) * statement.sign


def read_items(
    entity: Entity, statement: Statement, *, limit: int, after: Position | None = None
) -> list[Entry]:
    """Up to `limit` ticked transactions, newest first, those after `after`. One query."""
    return _entries(
        f"""
        SELECT {_COLUMNS}
        FROM banking_reconciledtransaction i
        JOIN transactions_transaction t ON t.entity_id = i.entity_id AND t.id = i.transaction_id
        {_WITH_LINE}
        WHERE i.entity_id = %(entity)s::uuid AND i.reconciliation_id = %(reconciliation)s::uuid
            AND {STANDS} {"AND " + _AFTER if after else ""}
        {_NEWEST_FIRST} LIMIT {limit:d}
        """,
        entity,
        statement,
        after,
    )


def read_candidates(
    entity: Entity,
    statement: Statement,
    *,
    limit: int,
    after: Position | None = None,
    recent: bool = False,
) -> list[Entry]:
    """Up to `limit` transactions that could be ticked and are not, newest first, those after `after`.

    They are on the bank's ledger account, dated up to the statement's day, on no statement of the account,
    and not expired. With `recent`, no older than `RECENT` before the statement before this one, so that what
    the read costs does not grow with the years. One query.
    """
    # The week, too, as the index has it: so a late page begins where it is, not with the newest.
    conditions = [f"{week_of('t.date')} <= {week_of('%(date)s::date')} AND {_AFTER}"] if after else []
    if recent and statement.previous_date is not None:
        conditions.append(not_older_than("%(recent)s"))
    page = candidates_sql(limit=limit, condition=" AND ".join(conditions) or "true")
    return _entries(
        f"SELECT {_COLUMNS} FROM ({page}) t {_WITH_LINE} {_NEWEST_FIRST}",
        entity,
        statement,
        after,
    )


def not_older_than(day: str) -> str:
    """SQL: whether a transaction `t` is of that day or later; by the week, too, as the index has it."""
    return f"{week_of('t.date')} >= {week_of(f'{day}::date')} AND t.date >= {day}::date"


def candidates_sql(*, limit: int, condition: str) -> str:
    """SQL of the newest candidates: each side of the account from its index, cut to the limit, merged."""
    order = f"ORDER BY {week_of('date')} DESC, date DESC, timestamp DESC, id DESC LIMIT {limit:d}"
    sides = " UNION ALL ".join(
        f"""(SELECT t.* FROM transactions_transaction t
            WHERE t.entity_id = %(entity)s::uuid AND t.{side}_account_id = %(ledger_account)s::uuid
                AND {week_of("t.date")} <= {week_of("%(through)s::date")}
                AND {STANDS} AND {UNTICKED} AND {condition} {order})"""
        for side in ("debit", "credit")
    )
    return f"SELECT * FROM ({sides}) sides {order}"


def _entries(sql: str, entity: Entity, statement: Statement, after: Position | None) -> list[Entry]:
    parameters = statement.parameters(entity) | (after._asdict() if after else {})
    return [Entry(*row) for row in fetch(sql, parameters)]


class ReconciliationPosition(NamedTuple):
    """Where a page of the list ends."""

    statement_date: date
    id: UUID


def list_statements(
    entity: Entity,
    *,
    bank_account_id: UUID | None,
    status: ReconciliationStatus | None,
    limit: int,
    after: ReconciliationPosition | None = None,
) -> list[Statement]:
    """Up to `limit` reconciliations, newest statement first, those after `after`. One query."""
    conditions = ""
    parameters: dict[str, Any] = {"entity": entity.id}
    if bank_account_id is not None:
        conditions += " AND r.bank_account_id = %(bank_account)s::uuid"
        parameters["bank_account"] = bank_account_id
    if status is not None:
        conditions += " AND r.status = %(status)s::text"
        parameters["status"] = status.value
    if after is not None:
        conditions += " AND (r.statement_date, r.id) < (%(statement_date)s::date, %(id)s::uuid)"
        parameters |= after._asdict()
    sql = f"{_SELECT} {conditions} ORDER BY r.statement_date DESC, r.id DESC LIMIT {limit:d}"
    return [Statement(*row) for row in fetch(sql, parameters)]
