"""The general ledger: every entry of every account, with the balance it left.

It also explains the statements. Asked for a figure, it shows the entries of the accounts that count in it,
each with the `amount` that it adds to the figure; these add up to the figure exactly.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.db import compact, fetch, uuid_array
from ledger.exceptions import NotFoundError, ValidationError
from ledger.ids import Prefix, encode_id
from reports.figures import Weights, figure_names, weights_of
from reports.frame import Frame, Scope
from reports.known import COUNTED, KNOWN_STATES
from reports.periods import Period
from reports.read import read_frame
from reports.sums import NOTHING, ChartAccount, StatusFilter, Turnover
from reports.tree import Forest, weighted
from transactions.days import week_of

BALANCE: Final = "balance"
_ZERO: Final = Decimal(0)
# How many accounts are read at once: one where the first alone fills the page, more where they are small.
_ACCOUNTS_AT_ONCE_MAX: Final = 16
_CHUNK: Final = 2_000


class Sums(NamedTuple):
    """The four sums of an account at the end of the period."""

    debits_pending: Decimal
    debits_posted: Decimal
    credits_pending: Decimal
    credits_posted: Decimal


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account of the ledger in a period; opening and closing are in terms of the figure asked for, so on
    the normal side of the account's type where none was."""

    account: ChartAccount
    weights: Weights
    opening: Decimal
    closing: Decimal
    # What stood on it at the end, and what moved in the period.
    sums: Sums
    moved: Turnover
    entries_url: str

    @property
    def has_entries(self) -> bool:
        """Whether the period has entries of the account that count."""
        return bool(
            (self.moved.debits and self.weights.debit) or (self.moved.credits and self.weights.credit)
        )


class Entry(NamedTuple):
    """One side of a transaction, as its account sees it; one of debit and credit is zero."""

    account: ChartAccount
    date: date
    timestamp: datetime
    transaction_id: UUID
    description: str
    status: str
    debit: Decimal
    credit: Decimal
    # What it adds to the figure, and the account's opening with all amounts up to this one.
    amount: Decimal
    running_balance: Decimal


class Position(NamedTuple):
    """Where a page ends, and the balance that it ends with."""

    account_id: UUID
    date: date
    timestamp: datetime
    id: UUID
    running_balance: Decimal


@dataclass(frozen=True)
class GeneralLedger:
    """The general ledger of `frame.period`: its accounts in the order of the chart. Entries come by
    `read_entries`, in pages, or by `iterate_entries`."""

    frame: Frame
    figure: str
    accounts: tuple[LedgerAccount, ...]
    # What the entries of the period add up to: their debits, their credits, and the figure.
    total_debits: Decimal
    total_credits: Decimal
    total: Decimal

    def hierarchy(self) -> dict[str, Forest]:
        """The whole chart by type, each account with its closing balance."""
        nodes = self.frame.hierarchy()
        groups = {
            "assets": "ASSET",
            "liabilities": "LIABILITY",
            "equity": "EQUITY",
            "revenue": "REVENUE",
            "expenses": "EXPENSE",
        }
        return {name: tuple(node for node in nodes if node.type == type_) for name, type_ in groups.items()}


def read_general_ledger(
    scope: Scope,
    period: Period,
    *,
    figure: str = BALANCE,
    account_id: UUID | None = None,
    with_children: bool = True,
) -> GeneralLedger:
    """The general ledger of a period: two statements.

    `figure` is one of `reports.figures.figure_names()`: its accounts alone are shown, with the side of them
    that counts. `account_id` narrows it to an account, and to all below it unless `with_children` is False.
    Raises ValidationError for a figure that there is not, NotFoundError for an unknown account.
    """
    if figure not in figure_names():
        raise ValidationError.of(
            "figure", f"there is no figure {figure!r}; take the address that a report gives as entriesUrl."
        )
    of_status = {
        status: read_frame(
            Scope(scope.entity, scope.ledger, scope.basis, status, scope.known_at),
            period,
        )
        for status in StatusFilter
    }
    frame = of_status[scope.status]
    chosen = _chosen(frame.books.accounts, account_id, with_children=with_children)
    before = frame.turnovers(frame.before) if frame.before else {}
    moved = frame.turnovers(period)
    posted, of_all = (_by_id(of_status[status]) for status in StatusFilter)
    explain = scope.explain(period)
    accounts = []
    for account in chosen:
        weights = weights_of(account.kind, scope.basis).get(figure)
        if weights is None or account.id not in of_all:
            continue
        final, both = posted.get(account.id, NOTHING), of_all[account.id]
        turnover = moved.get(account.key, NOTHING)
        opening = weighted(before.get(account.key, NOTHING), weights)
        accounts.append(
            LedgerAccount(
                account,
                weights,
                opening,
                opening + weighted(turnover, weights),
                Sums(
                    both.debits - final.debits,
                    final.debits,
                    both.credits - final.credits,
                    final.credits,
                ),
                turnover,
                explain.account(figure, account.id, with_children=False),
            )
        )
    return GeneralLedger(
        frame,
        figure,
        tuple(accounts),
        sum((one.moved.debits for one in accounts if one.weights.debit), _ZERO),
        sum((one.moved.credits for one in accounts if one.weights.credit), _ZERO),
        sum((one.closing - one.opening for one in accounts), _ZERO),
    )


def _by_id(frame: Frame) -> dict[UUID, Turnover]:
    """What stood on the accounts at the end: by id, because the chart of a past moment may have more accounts
    with pending transactions than without."""
    turnovers = frame.turnovers(frame.until_end)
    return {
        account.id: turnovers[account.key] for account in frame.books.accounts if account.key in turnovers
    }


def _chosen(
    accounts: Sequence[ChartAccount], account_id: UUID | None, *, with_children: bool
) -> Sequence[ChartAccount]:
    if account_id is None:
        return accounts
    if all(account.id != account_id for account in accounts):
        raise NotFoundError(f"There is no account {encode_id(Prefix.ACCOUNT, account_id)} in this ledger.")
    chosen = {account_id}
    below: dict[UUID | None, list[UUID]] = {}
    for account in accounts:
        below.setdefault(account.parent_id, []).append(account.id)
    pending = [account_id] if with_children else []
    while pending:
        children = below.get(pending.pop(), [])
        chosen.update(children)
        pending += children
    return [account for account in accounts if account.id in chosen]


# Debits and credits of each account from the two indexes by account and week, each no further than the page.
_PAGE: Final = """
WITH {states}
chosen AS (
    SELECT * FROM unnest(%(accounts)s::uuid[], %(takes_debits)s::boolean[], %(takes_credits)s::boolean[])
        WITH ORDINALITY AS one(account_id, takes_debits, takes_credits, place)
)
SELECT chosen.account_id, entry.date, entry.timestamp, entry.id, entry.description, entry.status,
    entry.is_debit, entry.amount
FROM chosen CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT {columns}, true AS is_debit FROM {relation} t
        WHERE chosen.takes_debits AND {company} t.debit_account_id = chosen.account_id AND {conditions}
        ORDER BY {week}, date, timestamp, id LIMIT %(limit)s::bigint)
        UNION ALL
        (SELECT {columns}, false FROM {relation} t
        WHERE chosen.takes_credits AND {company} t.credit_account_id = chosen.account_id AND {conditions}
        ORDER BY {week}, date, timestamp, id LIMIT %(limit)s::bigint)
    ) sides ORDER BY date, timestamp, id LIMIT %(limit)s::bigint
) entry
ORDER BY chosen.place, entry.date, entry.timestamp, entry.id
LIMIT %(limit)s::bigint
"""
_AFTER: Final = (
    f" AND {week_of('t.date')} >= {week_of('%(after_date)s::date')} AND (t.date, t.timestamp, t.id) >"
    " (%(after_date)s::date, %(after_timestamp)s::timestamptz, %(after_id)s::uuid)"
)


@lru_cache(maxsize=16)
def _page_statement(status: StatusFilter, *, is_known: bool, is_after: bool) -> str:
    return compact(
        _PAGE.format(
            states=f"states AS MATERIALIZED ({KNOWN_STATES})," if is_known else "",
            relation="states" if is_known else "transactions_transaction",
            company="" if is_known else "t.entity_id = %(entity)s::uuid AND",
            columns="t.date, t.timestamp, t.id, t.description, t.status, t.amount",
            week=week_of("t.date"),
            conditions="t.date BETWEEN %(start)s::date AND %(end)s::date"
            f" AND {week_of('t.date')} BETWEEN {week_of('%(start)s::date')} AND {week_of('%(end)s::date')}"
            f" AND t.status IN ({COUNTED[status]})" + (_AFTER if is_after else ""),
        )
    )


def read_entries(ledger: GeneralLedger, *, limit: int, after: Position | None = None) -> list[Entry]:
    """Up to `limit` entries, by account in the order of the chart, then by day, moment and id; those after
    `after`.

    What a page costs follows what it shows: an account's running balance begins with its opening, which
    comes from the totals, or with that of `after`. Raises ValidationError where the account of `after` is
    no longer there.
    """
    accounts = list(ledger.accounts)
    found: list[Entry] = []
    if after is not None:
        place = next((i for i, one in enumerate(accounts) if one.account.id == after.account_id), None)
        if place is None:
            raise ValidationError.of("cursor", "its account has left the chart since; begin anew without it.")
        found += _fetch_entries(ledger, accounts[place : place + 1], limit, after)
        accounts = accounts[place + 1 :]
    accounts = [one for one in accounts if one.has_entries]
    at_once = 1
    while accounts and len(found) < limit:
        chunk, accounts = accounts[:at_once], accounts[at_once:]
        found += _fetch_entries(ledger, chunk, limit - len(found), None)
        at_once = min(at_once * 2, _ACCOUNTS_AT_ONCE_MAX)
    return found


def iterate_entries(ledger: GeneralLedger, *, chunk: int = _CHUNK) -> Iterator[Entry]:
    """All entries of the period in their order, read in chunks of keysets: memory does not grow with them.

    Call it in a database transaction that sees one moment (`reports.snapshot`), or accept that what is
    posted meanwhile may show.
    """
    after: Position | None = None
    while True:
        entries = read_entries(ledger, limit=chunk, after=after)
        yield from entries
        if len(entries) < chunk:
            return
        after = position(entries[-1])


def position(entry: Entry) -> Position:
    """Where a page that ends with `entry` ends."""
    return Position(
        entry.account.id, entry.date, entry.timestamp, entry.transaction_id, entry.running_balance
    )


def _fetch_entries(
    ledger: GeneralLedger, accounts: Sequence[LedgerAccount], limit: int, after: Position | None
) -> list[Entry]:
    scope, period = ledger.frame.scope, ledger.frame.period
    parameters: dict[str, Any] = {
        "entity": scope.entity.id,
        "accounts": uuid_array(one.account.id for one in accounts),
        "takes_debits": [one.weights.debit != 0 for one in accounts],
        "takes_credits": [one.weights.credit != 0 for one in accounts],
        "start": period.start,
        "end": period.end,
        "limit": limit,
    }
    if scope.known_at is not None:
        parameters |= {"ledger": scope.ledger.id, "known_at": scope.known_at}
    if after is not None:
        parameters |= {
            "after_date": after.date,
            "after_timestamp": after.timestamp,
            "after_id": after.id,
        }
    statement = _page_statement(scope.status, is_known=scope.known_at is not None, is_after=after is not None)
    by_id = {one.account.id: one for one in accounts}
    running = {one.account.id: one.opening for one in accounts}
    if after is not None:
        running[after.account_id] = after.running_balance
    return list(_entries(fetch(statement, parameters), by_id, running))


def _entries(
    rows: Iterable[tuple[Any, ...]], accounts: dict[UUID, LedgerAccount], running: dict[UUID, Decimal]
) -> Iterator[Entry]:
    for account_id, day, timestamp, id_, description, status, is_debit, amount in rows:
        one = accounts[account_id]
        turnover = Turnover(amount, _ZERO) if is_debit else Turnover(_ZERO, amount)
        counted = weighted(turnover, one.weights)
        running[account_id] += counted
        yield Entry(
            one.account,
            day,
            timestamp,
            id_,
            description,
            status,
            turnover.debits,
            turnover.credits,
            counted,
            running[account_id],
        )
