"""What merging an account into another would do: the figures of the preview, and the rows of the merge.

Everything that stands on the account on an open day is moved on that very day, so that the statements of
every open period show it on the other account. Days of closed periods stay as they were reported.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.choices import AccountType
from accounts.financial_types import FINANCIAL_TYPES
from accounts.models import Account
from ledger.db import compact, fetch
from ledger.exceptions import ConflictError, LedgerError, ValidationError
from ledger.models import Entity
from transactions.account_ledger import Sums, sums_until
from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED
from transactions.days import week_of
from transactions.services.changing import closed_through
from transactions.signals import accounts_merging

_EXACT: Final = Context(prec=60)
_POSTED: Final = ", ".join(f"'{status.value}'" for status in sorted(COUNTS_AS_POSTED))
_PENDING: Final = ", ".join(f"'{status.value}'" for status in sorted(COUNTS_AS_PENDING))
_FIRST_DAY: Final = date(1900, 1, 1)
_LAST_DAY: Final = date(9999, 12, 31)


def _touching(side: str, sign: str) -> str:
    return f"""
    SELECT coalesce(t.reclassifies_id, t.id) AS root, t.date, t.timestamp, {sign}t.amount AS net
    FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.{side}_account_id = %(account)s::uuid
        AND {week_of("t.date")} >= {week_of("%(first)s::date")}
        AND {week_of("t.date")} <= {week_of("%(last)s::date")}
        AND t.date BETWEEN %(first)s::date AND %(last)s::date AND t.status IN ({_POSTED})
    """


# What each transaction, together with its reclassifications, put on the account on each day; what it put
# there and took away again on one day needs no moving.
_NETS: Final = f"""
    SELECT root, date, max(timestamp) AS timestamp, sum(net) AS net
    FROM ({_touching("debit", "")} UNION ALL {_touching("credit", "-")}) touching
    GROUP BY root, date HAVING sum(net) <> 0
"""
_COUNT: Final = compact(f"""
SELECT count(*), coalesce(sum(net) FILTER (WHERE net > 0), 0), coalesce(-sum(net) FILTER (WHERE net < 0), 0),
    min(date), max(date) FROM ({_NETS}) nets
""")
_MOVES: Final = compact(f"""
SELECT n.root, n.date, n.timestamp, n.net, t.description, t.counterparty
FROM ({_NETS}) n
JOIN transactions_transaction t ON t.entity_id = %(entity)s::uuid AND t.id = n.root
ORDER BY n.date, n.timestamp, n.root
""")
_WAITING: Final = compact(f"""
SELECT count(*), coalesce(sum(t.amount), 0),
    count(*) FILTER (WHERE t.date < %(first)s::date),
    count(*) FILTER (WHERE %(target)s::uuid IN (t.debit_account_id, t.credit_account_id))
FROM transactions_transaction t
WHERE t.entity_id = %(entity)s::uuid AND t.status <> 'POSTED' AND t.status IN ({_PENDING})
    AND %(account)s::uuid IN (t.debit_account_id, t.credit_account_id)
""")
_WAITING_IDS: Final = compact(f"""
SELECT t.id FROM transactions_transaction t
WHERE t.entity_id = %(entity)s::uuid AND t.status <> 'POSTED' AND t.status IN ({_PENDING})
    AND %(account)s::uuid IN (t.debit_account_id, t.credit_account_id)
ORDER BY t.id
""")
_MONTHS: Final = """
SELECT DISTINCT month FROM accounts_accountmonth
WHERE entity_id = %(entity)s::uuid AND account_id = %(account)s::uuid AND month >= %(month)s::date
ORDER BY month
"""


class Move(NamedTuple):
    """What one transaction put on the account on one day."""

    transaction_id: UUID
    date: date
    timestamp: datetime
    # Debits less credits; never 0.
    net: Decimal
    description: str
    counterparty: str


class Standing(NamedTuple):
    """What stands on an account: debits less credits, posted and pending."""

    posted: Decimal
    pending: Decimal


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do, with the balances before and after."""

    source_id: UUID
    target_id: UUID
    # Not final yet: they are edited.
    pending_count: int
    pending_amount: Decimal
    # Posted ones on open days: each is reclassified by a transaction of its own.
    posted_count: int
    posted_debits: Decimal
    posted_credits: Decimal
    first_day: date | None
    last_day: date | None
    # What the closed periods left on the account, and the day on which it would be moved; None: it stays.
    closed_through: date | None
    closed_balance: Decimal
    closed_balance_on: date | None
    children_count: int
    source_before: Standing
    source_after: Standing
    target_before: Standing
    target_after: Standing
    # Why it cannot be done, and what a person should think of.
    obstacles: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What tells whether a merge would still do the same."""
        return sha256(repr(self).encode()).hexdigest()


def check_pair(source: Account, target: Account) -> None:
    """Raise ValidationError, naming `target`, or ConflictError where the one cannot be merged into the other,
    whatever is posted on them."""
    if source.id == target.id:
        raise ValidationError.of("target", "an account is not merged into itself; choose another one.")
    if source.ledger_id != target.ledger_id:
        raise ValidationError.of("target", f"{target} is of another ledger; choose one of the same ledger.")
    if source.type != target.type:
        raise ValidationError.of(
            "target",
            f"{target} is of type {target.type} and {source} of type {source.type}; "
            "choose one of the same type.",
        )
    if source.role:
        raise ConflictError(
            f"{source} is a system account ({source.role}) and is needed by the books; rename it, or merge "
            "the other account into it."
        )
    for account in (source, target):
        if account.closed_at is not None:
            raise ConflictError(f"{account} is closed; reopen it first.")


def preview_merge(
    entity: Entity, *, source: Account, target: Account, closed_balance_on: date | None
) -> MergePreview:
    """Return what merging `source` into `target` would do; nothing is written. A fixed number of queries,
    whose cost grows with the transactions of `source` on open days alone. Raises what `check_pair` does."""
    check_pair(source, target)
    closed = closed_through(entity)
    first = first_open_day(closed)
    params = {
        "entity": entity.id,
        "account": source.id,
        "target": target.id,
        "first": first,
        "last": _LAST_DAY,
    }
    [(waiting, waiting_amount, in_closed, between)] = fetch(_WAITING, params)
    [(count, debits, credits, first_day, last_day)] = fetch(_COUNT, params)
    [own, own_closed] = sums_until(entity, [source.id], [None, closed or _FIRST_DAY - timedelta(days=1)])
    [theirs] = sums_until(entity, [target.id], [None])
    closed_balance = own_closed.net
    carried = closed_balance if closed_balance_on is not None else Decimal(0)
    stays = _EXACT.subtract(closed_balance, carried)
    moved = _EXACT.subtract(own.net, stays)
    children = Account.objects.for_entity(entity).filter(parent_id=source.id).count()
    return MergePreview(
        source_id=source.id,
        target_id=target.id,
        pending_count=waiting,
        pending_amount=waiting_amount,
        posted_count=count,
        posted_debits=debits,
        posted_credits=credits,
        first_day=first_day,
        last_day=last_day,
        closed_through=closed,
        closed_balance=closed_balance,
        closed_balance_on=closed_balance_on if closed_balance else None,
        children_count=children,
        source_before=_standing(own),
        source_after=Standing(stays, Decimal(0)),
        target_before=_standing(theirs),
        target_after=Standing(_EXACT.add(theirs.net, moved), _EXACT.add(theirs.pending, own.pending)),
        obstacles=tuple(_obstacles(entity, source, target, in_closed, between, closed)),
        warnings=tuple(_warnings(source, target)),
    )


def _obstacles(
    entity: Entity, source: Account, target: Account, in_closed: int, between: int, closed: date | None
) -> Iterator[str]:
    try:
        accounts_merging.send(sender=Entity, entity=entity, source=source, target=target)
    except LedgerError as error:
        yield error.message
    if between:
        yield (
            f"{between} pending between the two accounts would have one account on both sides. Approve or "
            "delete them first."
        )
    if in_closed:
        yield (
            f"{in_closed} pending on {source} are dated in the period that is closed through {closed}. "
            "Reopen it first."
        )


def _warnings(source: Account, target: Account) -> Iterator[str]:
    if source.financial_type != target.financial_type:
        own, other = (FINANCIAL_TYPES.get(one.financial_type or "") for one in (source, target))
        yield (
            f"Their financial types differ: what the statements show as {own.label if own else 'nothing'} "
            f"they will show as {other.label if other else 'nothing'}."
        )


def first_open_day(closed: date | None) -> date:
    """The first day of the open period."""
    return closed + timedelta(days=1) if closed is not None else _FIRST_DAY


def closed_balance_day(account: Account, closed: date | None) -> date | None:
    """The day on which the balance that closed periods left on an account is moved unless a person says
    otherwise.

    On the balance sheet a balance goes on from year to year, so it is moved on the first open day. Revenue
    and expenses of closed periods were reported, and have become earnings: they stay.
    """
    if closed is None or not AccountType(account.type).is_balance_sheet:
        return None
    return first_open_day(closed)


def pending_ids(entity: Entity, account_id: UUID) -> list[UUID]:
    """The transactions on an account that are not final, oldest record first; one query."""
    return [row[0] for row in fetch(_WAITING_IDS, {"entity": entity.id, "account": account_id})]


def moves_by_month(entity: Entity, account_id: UUID, *, first: date) -> Iterator[list[Move]]:
    """What is to be moved off an account from the day `first` on, a month at a time; one query each."""
    months = fetch(_MONTHS, {"entity": entity.id, "account": account_id, "month": first.replace(day=1)})
    for (month,) in months:
        last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        params: dict[str, Any] = {
            "entity": entity.id,
            "account": account_id,
            "first": max(month, first),
            "last": last,
        }
        found = [Move(*row) for row in fetch(_MOVES, params)]
        if found:
            yield found


def _standing(sums: Sums) -> Standing:
    return Standing(sums.net, sums.pending)
