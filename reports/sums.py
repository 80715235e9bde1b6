"""What stood on every account of a ledger between given days, from the kept totals: one statement.

The days are cut where a report needs it ("before the year", "in the year before the month", "in the month").
Whole months are read from the totals by month, the months that a cut goes through from the totals by day. So
the cost grows with the accounts and months in use, never with the number of transactions; and as it is one
statement, it sees the chart and all sums at one moment.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.financial_types import FinancialType, is_cash
from ledger.db import compact, fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity, Ledger
from reports.basis import Basis
from reports.figures import Weights, kind_of, kinds_in, weights_of
from reports.periods import Period

# Sums of many amounts may have more digits than the 28 that Python keeps by itself.
EXACT: Final = Context(prec=60)
_ZERO: Final = Decimal(0)


class StatusFilter(StrEnum):
    """Which transactions count: those that are posted (reversed ones and their reversals among them), or
    pending ones too. Expired ones count nowhere."""

    POSTED = "posted"
    ALL = "all"


class Turnover(NamedTuple):
    """What stands on the two sides of an account; both >= 0."""

    debits: Decimal
    credits: Decimal


NOTHING: Final = Turnover(_ZERO, _ZERO)


class ChartAccount(NamedTuple):
    """One account of the chart, as the statements need it.

    `key` is its place in the chart: dictionaries by it are three times as fast as by id.
    """

    key: int
    parent_key: int | None
    public_id: str
    id: UUID
    parent_id: UUID | None
    name: str
    type: str
    financial_type: str | None
    code: int | None
    # The financial type, or the default of the account's type: its place in the statements.
    kind: FinancialType
    is_cash: bool


Member = tuple[ChartAccount, Weights]


@dataclass(frozen=True, slots=True)
class Members:
    """The accounts that count in a figure, by key and in the order of the chart, with their weights; and for
    each the nearest one above it that counts as well; `below` is the same downwards."""

    accounts: Mapping[int, Member]
    above: Mapping[int, int | None]
    below: Mapping[int | None, Sequence[int]]


def downwards(above: Mapping[int, int | None]) -> dict[int | None, list[int]]:
    """The keys right below each, in their order; those at the top are below None."""
    below: dict[int | None, list[int]] = {}
    for key, parent in above.items():
        below.setdefault(parent, []).append(key)
    return below


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """The accounts of a ledger in their order, and what follows from them alone; shared by many answers."""

    accounts: tuple[ChartAccount, ...]
    _members: dict[tuple[str, Basis], Members] = field(default_factory=dict)
    _alike: dict[Basis, list[tuple[dict[str, Weights], list[int]]]] = field(default_factory=dict)

    def members(self, figure: str, basis: Basis) -> Members:
        """The accounts that count in a figure; only read it."""
        found = self._members.get((figure, basis))
        if found is None:
            found = self._members[figure, basis] = self._find_members(figure, basis)
        return found

    def alike(self, basis: Basis) -> Iterable[tuple[Mapping[str, Weights], Sequence[int]]]:
        """The accounts by their keys, those together that count alike in all figures; only read it."""
        found = self._alike.get(basis)
        if found is None:
            found = []
            for account in self.accounts:
                weights = weights_of(account.kind, basis)
                same = next((keys for other, keys in found if other == weights), None)
                if same is None:
                    found.append((weights, [account.key]))
                else:
                    same.append(account.key)
            self._alike[basis] = found
        return found

    def _find_members(self, figure: str, basis: Basis) -> Members:
        weights = kinds_in(figure, basis)
        accounts = {
            account.key: (account, weights[account.kind.code])
            for account in self.accounts
            if account.kind.code in weights
        }
        above: dict[int, int | None] = {}
        for key in accounts:
            current = self.accounts[key].parent_key
            while current is not None and current not in accounts:
                current = self.accounts[current].parent_key
            above[key] = current
        return Members(accounts, above, downwards(above))


@dataclass(frozen=True)
class Books:
    """The chart of a ledger, and what stood on its accounts between the cuts.

    `moved[key]` is what moved on the account of that key: the debits and the credits before the first cut,
    those from there to the second cut, and so on; None where there were none. An account without any amount
    is not in `moved`.
    """

    chart: Chart
    cuts: tuple[date, ...]
    moved: Mapping[int, Sequence[Decimal | None]]

    @property
    def accounts(self) -> tuple[ChartAccount, ...]:
        """The accounts in the order of the chart."""
        return self.chart.accounts

    def within(self, period: Period, keys: Iterable[int] | None = None) -> dict[int, Turnover]:
        """What each account moved in the period, or each of `keys` alone; accounts that had no amount are
        left out. The period's bounds must be among the cuts."""
        first = 0 if period.is_from_beginning else 2 * self._place(period.start) + 2
        end = 2 * self._place(period.after) + 2
        moved = self.moved
        if keys is not None:
            moved = {key: moved[key] for key in keys if key in moved}
        found = {}
        for key, amounts in moved.items():
            debits, credits = _total(amounts[first:end:2]), _total(amounts[first + 1 : end : 2])
            if debits or credits:
                found[key] = Turnover(debits, credits)
        return found

    def _place(self, cut: date) -> int:
        place = bisect_left(self.cuts, cut)
        assert self.cuts[place : place + 1] == (cut,), f"the books were not cut at {cut}"
        return place


def cuts_of(periods: Iterable[Period]) -> tuple[date, ...]:
    """The days at which the books must be cut to know what stood before, in and after these periods."""
    cuts = {period.after for period in periods}
    cuts |= {period.start for period in periods if not period.is_from_beginning}
    return tuple(sorted(cuts))


# Both tables are read by the beginning of their primary key: the months of a company as one range; the days
# account by account, because the key has the account before the day. What is taken off a month is dated after
# the last cut, and counts where the month's end would.
TOTALS: Final = """
    SELECT account_id, month AS day, {debits} AS debits, {credits} AS credits
    FROM accounts_accountmonth
    WHERE entity_id = %(entity)s::uuid AND month < %(until)s::date AND month <> ALL(%(cut_months)s::date[])
    UNION ALL
    SELECT a.id, least(d.date, %(until)s::date - 1),
        CASE WHEN r.is_off THEN -({debits}) ELSE {debits} END,
        CASE WHEN r.is_off THEN -({credits}) ELSE {credits} END
    FROM unnest(%(days_from)s::date[], %(days_to)s::date[], %(taken_off)s::boolean[])
        AS r(first_day, end_day, is_off)
    CROSS JOIN accounts_account a
    CROSS JOIN LATERAL (
        SELECT * FROM accounts_accountday
        WHERE entity_id = %(entity)s::uuid AND account_id = a.id
            AND date >= r.first_day AND date < r.end_day
        OFFSET 0
    ) d
    WHERE a.entity_id = %(entity)s::uuid AND a.ledger_id = %(ledger)s::uuid
"""
_SIDES: Final = {
    StatusFilter.POSTED: {"debits": "debits_posted", "credits": "credits_posted"},
    StatusFilter.ALL: {
        "debits": "debits_posted + debits_pending",
        "credits": "credits_posted + credits_pending",
    },
}
# The ids as text: that is read, hashed and compared in a fraction of a UUID's time.
CHART_COLUMNS: Final = "a.id::text, a.parent_id::text, a.name, a.type, a.financial_type, a.sub_type_code"
_CHART_WIDTH: Final = 6
_MIDDLE_OF_MONTH: Final = 16
# Charts are kept by their values, larger ones not at all: so they take some 30 MB at most.
_CHARTS_KEPT_MAX: Final = 32
_ACCOUNTS_KEPT_MAX: Final = 1_000
CHART_ORDER: Final = "a.sub_type_code, a.name, a.id"


class Rows(NamedTuple):
    """What accounts moved, as SQL: rows of `account_id, day, debits, credits`. A whole month that no cut goes
    through may stand as its first day.

    `ctes` stands after WITH and before what uses `sql`. One text for any books, so that it stays prepared.
    """

    ctes: str
    sql: str
    # Whether there may be sums of accounts that are gone.
    has_gone: bool = False


@lru_cache(maxsize=4)
def kept_rows(status: StatusFilter) -> Rows:
    """The rows of the kept totals; `cut_parameters` are their parameters."""
    return Rows("", TOTALS.format(**_SIDES[status]))


def cut_parameters(cuts: Sequence[date]) -> dict[str, Any]:
    """What `kept_rows` must know of the cuts: the months that are read day by day, in which ranges, and which
    of these are taken off a month that is read as a whole."""
    last = cuts[-1]
    cut_through = [cut.replace(day=1) for cut in cuts if cut.day != 1]
    months = sorted(set(cut_through))
    taken_off: list[date] = []
    if last.day > _MIDDLE_OF_MONTH and cut_through.count(months[-1]) == 1:
        # The month as a whole less the few days that come after is the shorter way.
        taken_off = [months.pop()]
    ranges: list[tuple[date, date]] = []
    for month in months:
        end = _next_month(month)
        if ranges and ranges[-1][1] == month:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((month, end))
    return {
        **named_cuts(cuts),
        "cut_months": months,
        "days_from": [*(first for first, _ in ranges), *(last for _ in taken_off)],
        # What comes after the last cut is of no interest.
        "days_to": [*(min(end, last) for _, end in ranges), *map(_next_month, taken_off)],
        "taken_off": [False] * len(ranges) + [True] * len(taken_off),
    }


def named_cuts(cuts: Sequence[date]) -> dict[str, Any]:
    """The cuts as parameters: all of them, each by its number, and the last."""
    return {
        "cuts": list(cuts),
        **{f"cut{number}": cut for number, cut in enumerate(cuts)},
        "until": cuts[-1],
    }


def pivoted(parts: int) -> str:
    """The aggregates of each part, debits and credits by turns. Comparing days takes half the time of looking
    up each day's part among the cuts; nothing is dated after the last."""
    found = []
    for part in range(parts):
        bounds = [f"day >= %(cut{part - 1})s::date"] if part else []
        bounds += [f"day < %(cut{part})s::date"] if part < parts - 1 else []
        within = f" FILTER (WHERE {' AND '.join(bounds)})" if bounds else ""
        found += [f"sum({side}){within} AS {side}{part}" for side in Turnover._fields]
    return ", ".join(found)


@lru_cache(maxsize=64)
def books_statement(rows: Rows, parts: int) -> str:
    """The statement that reads the chart with its sums in `parts` parts: its columns, the account's id again,
    null where it moved nothing, and the sums by turns."""
    sums = ", ".join(f"{side}{part}" for part in range(parts) for side in Turnover._fields)
    return compact(f"""
        WITH {rows.ctes} sums AS (
            SELECT account_id, {pivoted(parts)} FROM ({rows.sql}) moved GROUP BY account_id
        )
        SELECT {CHART_COLUMNS}, sums.account_id::text, {sums}
        FROM (
            SELECT * FROM accounts_account
            WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid
        ) a {"FULL JOIN" if rows.has_gone else "LEFT JOIN"} sums ON sums.account_id = a.id
        ORDER BY {CHART_ORDER}
    """)


@lru_cache(maxsize=8)
def series_statement(rows: Rows) -> str:
    """The statement that reads the sums of each part by the accounts' use: rows of `part, type,
    financial_type, debits, credits, account_id`. The id is that of an account that is gone, whose use has to
    be looked up elsewhere, and else null."""
    known = "a.entity_id = %(entity)s::uuid AND a.id = sums.account_id AND a.ledger_id = %(ledger)s::uuid"
    return compact(f"""
        WITH {rows.ctes} sums AS (
            SELECT account_id, width_bucket(day, %(cuts)s::date[]) AS part,
                sum(debits) AS debits, sum(credits) AS credits
            FROM ({rows.sql}) moved GROUP BY account_id, part
        )
        SELECT sums.part, a.type, a.financial_type, sum(sums.debits), sum(sums.credits),
            CASE WHEN a.id IS NULL THEN sums.account_id END AS gone
        FROM sums {"LEFT JOIN" if rows.has_gone else "JOIN"} accounts_account a ON {known}
        GROUP BY sums.part, a.type, a.financial_type, gone
    """)


def kept_sums(entity: Entity, ledger: Ledger, cuts: Sequence[date], status: StatusFilter) -> Books:
    """The books as they are now, cut at `cuts` (ascending): one statement, from the kept totals."""
    parameters = {"entity": entity.id, "ledger": ledger.id, **cut_parameters(cuts)}
    return books_of_rows(fetch(books_statement(kept_rows(status), len(cuts)), parameters), cuts)


def books_of_rows(rows: Iterable[tuple[Any, ...]], cuts: Sequence[date]) -> Books:
    """Books from rows of the chart's columns, the account's id again, and the sums by turns."""
    rows = list(rows)
    moved = {key: row[_CHART_WIDTH + 1 :] for key, row in enumerate(rows) if row[_CHART_WIDTH] is not None}
    values = tuple([row[:_CHART_WIDTH] for row in rows])
    make = _kept_chart if len(values) <= _ACCOUNTS_KEPT_MAX else _chart
    return Books(make(values), tuple(cuts), moved)


def _chart(rows: tuple[tuple[Any, ...], ...]) -> Chart:
    """The chart of rows of its columns."""
    keys: dict[str, int] = {row[0]: key for key, row in enumerate(rows)}
    accounts = []
    for key, (id_, parent_id, name, type_, financial_type, code) in enumerate(rows):
        accounts.append(
            ChartAccount(
                key,
                None if parent_id is None else keys.get(parent_id),
                encode_id(Prefix.ACCOUNT, UUID(id_)),
                UUID(id_),
                None if parent_id is None else UUID(parent_id),
                name,
                type_,
                financial_type,
                code,
                kind_of(type_, financial_type),
                is_cash(financial_type or ""),
            )
        )
    return Chart(tuple(accounts))


_kept_chart: Final = lru_cache(maxsize=_CHARTS_KEPT_MAX)(_chart)


def _total(amounts: Sequence[Decimal | None]) -> Decimal:
    total = _ZERO
    for amount in amounts:
        if amount is not None:
            total += amount
    return total


def exactly() -> Any:
    """A block in which sums of any number of amounts keep all their digits."""
    return localcontext(EXACT)


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
