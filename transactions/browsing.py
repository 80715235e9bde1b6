"""The list of transactions as a person looks through it: any filters and words, newest first, by keyset, and
never more work than a bounded number of rows.

What an index serves (days, account, counterparty, a state that is not POSTED, words) finds its rows by it.
For the rest (amounts, source, reconciled or not) rows are looked through in the order of the list, at most
`LOOKED_THROUGH_MAX` for a page. Where that ends before the page is full, the page says up to which day it
looked, and the next one goes on from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from ledger.db import uuid_array
from ledger.models import Entity
from transactions.choices import Status
from transactions.days import hour_of, not_after, not_before, week_of
from transactions.listing import Position
from transactions.reconciled import is_reconciled
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, Row
from transactions.search import find_by_words, words_of

LOOKED_THROUGH_MAX: Final = 10_000
# Comparing words takes ten times as long as comparing amounts.
_LOOKED_THROUGH_FOR_WORDS: Final = 2_500
# Frequent words fill a page with what stands among the newest rows: in a twentieth of the time that the index
# takes, which gathers all that have them. For rare words this is a few milliseconds more.
_LOOKED_AT_FIRST_FOR_WORDS: Final = 1_000
# So many that have the words are sorted; where there are more, the newest are found by looking through.
_WITH_WORDS_MAX: Final = 5_000

_IN_TIME: Final = "hour DESC, timestamp DESC, id DESC"
_IN_ACCOUNT: Final = "week DESC, date DESC, timestamp DESC, id DESC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which transactions are looked for. What is None or empty does not narrow; bounds are included, days are
    the company's. Either side of a transaction may be the account, and the category."""

    date_from: date | None = None
    date_to: date | None = None
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    account_id: UUID | None = None
    category_id: UUID | None = None
    counterparty: str = ""
    statuses: tuple[Status, ...] = ()
    source: str = ""
    # See `transactions.reconciled`.
    reconciled: bool | None = None
    # What nobody has said the purpose of: on one of these accounts, and never categorized.
    uncategorized_on: tuple[UUID, ...] = ()
    words: str = ""


class Browsed(NamedTuple):
    """A page of the list."""

    rows: list[Row]
    # Where the next page begins after; None at the end of the list.
    after: Position | None
    # The day up to which rows were looked through, where that ended before the page was full.
    looked_through_to: date | None


@dataclass(slots=True)
class _Look:
    """What must hold of `t`: what an index finds, and what rows are looked through for."""

    entity: Entity
    filters: Filters
    limit: int
    params: dict[str, Any] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    # The accounts whose indexes are walked; empty for the index by hour.
    accounts: tuple[UUID, ...] = ()
    looked_through_max: int = 0

    @property
    def order(self) -> str:
        return _IN_ACCOUNT if self.accounts else _IN_TIME


def browse(entity: Entity, filters: Filters, *, limit: int, after: Position | None = None) -> Browsed:
    """Up to `limit` transactions of the company that pass all filters, newest first, those after `after`.

    One query; one more where the page is not full and rows had to be looked through. Words take one to three
    more. Words that have neither letter nor digit find nothing.
    """
    look = _look(entity, filters, limit)
    if not filters.words.strip():
        return _walk(look, after)
    words = words_of(entity, filters.words)
    if words is None:
        return Browsed([], None, None)
    by_words = _look(entity, filters, limit)
    condition, params = words.condition()
    by_words.others.append(condition)
    by_words.params |= params
    by_words.looked_through_max = min(LOOKED_THROUGH_MAX, _LOOKED_AT_FIRST_FOR_WORDS)
    newest = _looked_through(by_words, after)
    if len(newest) > limit:
        return _page(by_words, newest)
    found = find_by_words(entity, words, limit=_WITH_WORDS_MAX + 1)
    if len(found) <= _WITH_WORDS_MAX:
        return _of_ids(look, found, after)
    by_words.looked_through_max = min(LOOKED_THROUGH_MAX, _LOOKED_THROUGH_FOR_WORDS)
    return _walk(by_words, after)


def _look(entity: Entity, filters: Filters, limit: int) -> _Look:
    look = _Look(
        entity,
        filters,
        limit,
        params={"entity": entity.id},
        looked_through_max=LOOKED_THROUGH_MAX,
    )
    served, others, params = look.served, look.others, look.params
    accounts = [one for one in (filters.account_id, filters.category_id) if one is not None]
    if filters.uncategorized_on:
        look.accounts = filters.uncategorized_on
        others += [
            "t.categorized_at IS NULL AND t.reclassifies_id IS NULL AND t.reverses_id IS NULL",
            "t.status NOT IN ('REVERSED', 'EXPIRED')",
        ]
    elif accounts:
        look.accounts = (accounts.pop(0),)
    for number, account_id in enumerate(accounts):
        others.append(f"%(side{number})s::uuid IN (t.debit_account_id, t.credit_account_id)")
        params[f"side{number}"] = account_id
    _add_days(look)
    if filters.counterparty:
        served.append("t.counterparty = %(counterparty)s")
        params["counterparty"] = filters.counterparty
    if filters.statuses:
        states = ", ".join(f"'{Status(one).value}'" for one in filters.statuses)
        condition = f"t.status IN ({states})"
        if Status.POSTED in filters.statuses:
            # Nearly all are.
            others.append(condition)
        else:
            # Said in so many words, so that the small index of these serves.
            served += [condition, "t.status <> 'POSTED'"]
    for name, comparison in (("amount_min", ">="), ("amount_max", "<=")):
        if (bound := getattr(filters, name)) is not None:
            others.append(f"t.amount {comparison} %({name})s")
            params[name] = bound
    if filters.source:
        others.append("t.source = %(source)s")
        params["source"] = filters.source
    if filters.reconciled is not None:
        others.append(("" if filters.reconciled else "NOT ") + is_reconciled())
    return look


def _add_days(look: _Look) -> None:
    first, last = look.filters.date_from, look.filters.date_to
    column = week_of("t.date") if look.accounts else hour_of("t.timestamp")
    if first is not None:
        look.params |= {"first": first, "not_before": not_before(first)}
        bound = week_of("%(first)s::date") if look.accounts else "%(not_before)s::timestamptz"
        look.served += ["t.date >= %(first)s", f"{column} >= {bound}"]
    if last is not None:
        look.params |= {"last": last, "not_after": not_after(last)}
        bound = week_of("%(last)s::date") if look.accounts else "%(not_after)s::timestamptz"
        look.served += ["t.date <= %(last)s", f"{column} <= {bound}"]


def _walk(look: _Look, after: Position | None) -> Browsed:
    """The page by walking an index from where the page begins."""
    if not look.others:
        rows = _rows(look, _source(look, after, look.limit + 1))
        return _page(look, rows)
    rows = _looked_through(look, after)
    if len(rows) > look.limit:
        return _page(look, rows)
    last = _fetch(
        f"SELECT date, timestamp, id FROM ({_source(look, after, look.looked_through_max)}) t"
        f" ORDER BY {look.order} OFFSET {look.looked_through_max - 1:d}",
        look.params,
    )
    if not last:
        return Browsed(rows, None, None)
    position = Position(*last[0])
    return Browsed(rows, position, position.date)


def _looked_through(look: _Look, after: Position | None) -> list[Row]:
    """What passes among the rows that may be looked through, and one more than a page has at most."""
    return _rows(
        look,
        f"SELECT * FROM ({_source(look, after, look.looked_through_max)}) t WHERE {' AND '.join(look.others)}"
        f" ORDER BY {look.order} LIMIT {look.limit + 1:d}",
    )


def _source(look: _Look, after: Position | None, limit: int) -> str:
    """The rows that an index finds, in the order of the list, as far as `limit`. It gives the hour or the
    week beside the columns, so that who selects from it asks for the same order and gets it without sorting.
    """
    terms = ["t.entity_id = %(entity)s", *look.served]
    if after is not None:
        terms.append(_comes_after(look, after))
    if not look.accounts:
        if after is not None:
            terms.append(f"{hour_of('t.timestamp')} <= {hour_of('%(after_time)s::timestamptz')}")
        return (
            f"SELECT t.*, {hour_of('t.timestamp')} AS hour FROM transactions_transaction t"
            f" WHERE {' AND '.join(terms)} ORDER BY {_IN_TIME} LIMIT {limit:d}"
        )
    if after is not None:
        terms.append(f"{week_of('t.date')} <= {week_of('%(after_date)s::date')}")
    branches = []
    for number, account_id in enumerate(look.accounts):
        look.params[f"walked{number}"] = account_id
        for side in ("debit", "credit"):
            its_terms = [*terms, f"t.{side}_account_id = %(walked{number})s::uuid"]
            if side == "credit" and len(look.accounts) > 1:
                # One that moves between two of them is found by its debit.
                look.params["walked"] = uuid_array(look.accounts)
                its_terms.append("t.debit_account_id <> ALL(%(walked)s::uuid[])")
            branches.append(
                f"(SELECT t.*, {week_of('t.date')} AS week FROM transactions_transaction t"
                f" WHERE {' AND '.join(its_terms)} ORDER BY {_IN_ACCOUNT} LIMIT {limit:d})"
            )
    return f"SELECT * FROM ({' UNION ALL '.join(branches)}) sides ORDER BY {_IN_ACCOUNT} LIMIT {limit:d}"


def _comes_after(look: _Look, after: Position) -> str:
    """That `t` stands behind a place of the list."""
    look.params |= {"after_date": after.date, "after_time": after.timestamp, "after_id": after.id}
    if look.accounts:
        return (
            "(t.date, t.timestamp, t.id)"
            " < (%(after_date)s::date, %(after_time)s::timestamptz, %(after_id)s::uuid)"
        )
    return "(t.timestamp, t.id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)"


def _of_ids(look: _Look, ids: Sequence[UUID], after: Position | None) -> Browsed:
    """The page of the transactions among `ids` that pass the other filters."""
    terms = ["t.entity_id = %(entity)s", "t.id = ANY(%(ids)s::uuid[])", *look.served, *look.others]
    look.params["ids"] = uuid_array(ids)
    beside = f"{hour_of('t.timestamp')} AS hour"
    if look.accounts:
        look.params["walked"] = uuid_array(look.accounts)
        terms.append(
            "(t.debit_account_id = ANY(%(walked)s::uuid[]) OR t.credit_account_id = ANY(%(walked)s::uuid[]))"
        )
        beside = f"{week_of('t.date')} AS week"
    if after is not None:
        terms.append(_comes_after(look, after))
    # In the order in which rows are looked through: a list may go on from the one to the other.
    found = f"SELECT t.*, {beside} FROM transactions_transaction t WHERE {' AND '.join(terms)}"
    rows = _rows(look, f"SELECT * FROM ({found}) t ORDER BY {look.order} LIMIT {look.limit + 1:d}")
    return _page(look, rows)


def _page(look: _Look, rows: list[Row]) -> Browsed:
    page = rows[: look.limit]
    if len(rows) <= look.limit:
        return Browsed(page, None, None)
    last = page[-1]
    return Browsed(page, Position(last.date, last.timestamp, last.id), None)


def _rows(look: _Look, page: str) -> list[Row]:
    order = ", ".join(f"t.{term.strip()}" for term in look.order.split(","))
    found = _fetch(f"{SELECT_ROW} FROM ({page}) t {JOIN_ACCOUNTS} ORDER BY {order}", look.params)
    return [Row(*values)._replace(status=Status(values[_STATUS])) for values in found]


_STATUS: Final = Row._fields.index("status")


def _fetch(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement with its parameters written into it, so that it is planned for these very values: a
    plan that is good for a rare counterparty is bad for a frequent one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
