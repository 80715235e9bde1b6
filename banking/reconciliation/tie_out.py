"""The daily comparison of what the banks say that accounts hold with what the books say.

It finds what no statement is needed for: a line that never reached the books, or an entry that is no bank's.
Nothing is changed by it. Amounts are in the bank's sign, as in `statements`.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog

from accounts.balances import net_debits_of
from banking.reconciliation.statements import bank_sign
from ledger.clock import utc_now
from ledger.db import compact, fetch, uuid_array
from ledger.ids import Prefix, encode_id, new_id
from ledger.models import Entity
from ledger.times import day_of

log = structlog.get_logger(__name__)

_REPORTED: Final = """
SELECT b.id, b.ledger_account_id, a.type, b.balance_current, b.balance_at
FROM banking_bankaccount b
JOIN accounts_account a ON a.entity_id = b.entity_id AND a.id = b.ledger_account_id
WHERE b.entity_id = %(entity)s::uuid AND b.disconnected_at IS NULL
    AND b.balance_current IS NOT NULL AND b.balance_at IS NOT NULL
ORDER BY b.id
"""
_STORE: Final = compact("""
INSERT INTO banking_tieout (id, entity_id, bank_account_id, date, bank_balance, books_balance, created_at)
SELECT w.id, %(entity)s::uuid, w.bank_account, w.day, w.bank, w.books, %(now)s::timestamptz
FROM unnest(
    %(ids)s::uuid[], %(bank_accounts)s::uuid[], %(days)s::date[], %(bank)s::numeric[], %(books)s::numeric[]
) AS w (id, bank_account, day, bank, books)
ON CONFLICT (entity_id, bank_account_id, date) DO UPDATE SET
    bank_balance = EXCLUDED.bank_balance, books_balance = EXCLUDED.books_balance,
    created_at = EXCLUDED.created_at
""")
# The newest of each account and the one before it, where both differ.
_TWICE: Final = """
SELECT newest.bank_account_id, newest.date, newest.bank_balance - newest.books_balance, before.date
FROM unnest(%(bank_accounts)s::uuid[]) AS b (id)
CROSS JOIN LATERAL (
    SELECT * FROM banking_tieout
    WHERE entity_id = %(entity)s::uuid AND bank_account_id = b.id ORDER BY date DESC LIMIT 1
) newest
CROSS JOIN LATERAL (
    SELECT * FROM banking_tieout
    WHERE entity_id = %(entity)s::uuid AND bank_account_id = b.id AND date < newest.date
    ORDER BY date DESC LIMIT 1
) before
WHERE newest.bank_balance <> newest.books_balance AND before.bank_balance <> before.books_balance
ORDER BY b.id
"""
_COLUMNS: Final = """o.id, o.bank_account_id, b.name, b.mask, b.currency, o.date, o.bank_balance,
    o.books_balance, o.created_at"""


class TiedOut(NamedTuple):
    """One day of one bank account; the columns of `_COLUMNS`."""

    id: UUID
    bank_account_id: UUID
    bank_account_name: str
    mask: str
    currency: str
    date: date
    bank_balance: Decimal
    books_balance: Decimal
    created_at: Any

    @property
    def difference(self) -> Decimal:
        """Bank less books."""
        return self.bank_balance - self.books_balance


class TieOutPosition(NamedTuple):
    """Where a page of the list ends."""

    date: date
    id: UUID


def tie_out(entity: Entity) -> int:
    """Write down, for each connected bank account whose bank said a balance, that balance and the books' at
    the end of the day on which it was said; returns how many. A second run of a day renews its row.

    An account that differs for the second day running is logged as a warning. Four queries.
    """
    reported = fetch(_REPORTED, {"entity": entity.id})
    if not reported:
        return 0
    days = [day_of(balance_at, entity.zone) for *_, balance_at in reported]
    net_debits = net_debits_of(
        entity.id,
        [(ledger_account, day) for (_, ledger_account, *_), day in zip(reported, days, strict=True)],
    )
    bank_accounts = uuid_array(row[0] for row in reported)
    fetch(
        _STORE,
        {
            "entity": entity.id,
            "now": utc_now(),
            "ids": uuid_array(new_id() for _ in reported),
            "bank_accounts": bank_accounts,
            "days": days,
            "bank": [row[3] for row in reported],
            "books": [net * bank_sign(row[2]) for row, net in zip(reported, net_debits, strict=True)],
        },
    )
    for bank_account_id, day, difference, since in fetch(
        _TWICE, {"entity": entity.id, "bank_accounts": bank_accounts}
    ):
        log.warning(
            "banking.bank_and_books_differ",
            entity=entity.public_id,
            bank_account=encode_id(Prefix.BANK_ACCOUNT, bank_account_id),
            date=str(day),
            since=str(since),
            difference=str(difference),
        )
    return len(reported)


def list_tie_outs(
    entity: Entity,
    *,
    bank_account_id: UUID | None = None,
    date_from: date | None = None,
    date_to: date | None = None,
    latest: bool = False,
    limit: int,
    after: TieOutPosition | None = None,
) -> Sequence[TiedOut]:
    """Up to `limit` days, newest first, those after `after`; with `latest`, of each bank account only the
    newest one within the bounds. One query."""
    conditions = ["o.entity_id = %(entity)s::uuid"]
    parameters: dict[str, Any] = {"entity": entity.id}
    for name, condition, value in (
        ("bank_account", "o.bank_account_id = %(bank_account)s::uuid", bank_account_id),
        ("date_from", "o.date >= %(date_from)s::date", date_from),
        ("date_to", "o.date <= %(date_to)s::date", date_to),
    ):
        if value is not None:
            conditions.append(condition)
            parameters[name] = value
    found = f"SELECT o.* FROM banking_tieout o WHERE {' AND '.join(conditions)}"
    if latest:
        found = found.replace("SELECT o.*", "SELECT DISTINCT ON (o.bank_account_id) o.*", 1)
        found += " ORDER BY o.bank_account_id, o.date DESC"
    position = ""
    if after is not None:
        position = "WHERE (o.date, o.id) < (%(after_date)s::date, %(after_id)s::uuid)"
        parameters |= {"after_date": after.date, "after_id": after.id}
    rows = fetch(
        f"""
        SELECT {_COLUMNS} FROM ({found}) o
        JOIN banking_bankaccount b ON b.entity_id = o.entity_id AND b.id = o.bank_account_id
        {position} ORDER BY o.date DESC, o.id DESC LIMIT {limit:d}
        """,
        parameters,
    )
    return [TiedOut(*row) for row in rows]


def entities_to_tie_out() -> Iterator[UUID]:
    """Every company, of whichever developer, with a bank account whose bank said a balance."""
    rows = fetch(
        """
        SELECT DISTINCT entity_id FROM banking_bankaccount
        WHERE disconnected_at IS NULL AND balance_current IS NOT NULL AND balance_at IS NOT NULL
        ORDER BY 1
        """
    )
    return (row[0] for row in rows)
