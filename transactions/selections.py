"""Sums, counts and lists of the transactions that a question means: set-based, and never one by one.

A selection says which transactions are meant. What each of them counts for depends on what is asked: on
accounts of revenue and expenses a transaction adds or takes away (a refund takes away), elsewhere its amount
counts as it is. What was undone within the days asked for is left out together with what undid it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.choices import AccountType, Side
from accounts.financial_types import is_cash
from ledger.db import uuid_array
from ledger.models import Entity
from transactions.category_side import PROFIT_AND_LOSS
from transactions.choices import COUNTS_AS_PENDING, Status
from transactions.days import hour_of, not_after, not_before, week_of
from transactions.rows import JOIN_ACCOUNTS, SELECT_ROW, Row
from transactions.search import words_in_text

GROUPS_MAX: Final = 1_000
_CARD: Final = "CREDIT_CARD"
_ON_THE_WAY: Final = "UNDEPOSITED_FUNDS"
_BROUGHT_IN: Final = "OPENING_BALANCE_EQUITY"


class Flow(StrEnum):
    """Which way money went: out of the bank accounts and cards, or into them. Moving it between them is
    neither, nor are balances brought in from other books."""

    OUT = "out"
    IN = "in"


class Grouping(StrEnum):
    """What sums are made for each of. Weeks begin on Monday (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    CATEGORY = "category"
    COUNTERPARTY = "counterparty"


class Order(StrEnum):
    """Which transactions come first."""

    NEWEST = "newest"
    LARGEST = "largest"
    SMALLEST = "smallest"


class AccountOfChart(NamedTuple):
    """An account, as far as it says what a transaction counts for."""

    id: UUID
    parent_id: UUID | None
    name: str
    type: str
    financial_type: str | None
    code: int | None
    role: str | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which transactions of one ledger are meant. What is None or empty does not narrow.

    `account_ids` are either side of a transaction; whose accounts are all of revenue and expenses, in them
    amounts are added and taken away. Days are the company's, both included. `above` and `below` exclude their
    bound, `amount_min` and `amount_max` include it. Without `statuses` all count but expired ones.
    """

    ledger_id: UUID
    date_from: date | None = None
    date_to: date | None = None
    account_ids: frozenset[UUID] | None = None
    flow: Flow | None = None
    counterparties: tuple[str, ...] = ()
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    text: str = ""
    statuses: frozenset[Status] = frozenset()


@dataclass(frozen=True, slots=True)
class Totals:
    """What the transactions of a selection come to."""

    count: int
    total: Decimal
    # Those of them that are not posted yet.
    pending_count: int
    pending_total: Decimal
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Group:
    """The transactions of one month, category or counterparty. `key` is the period's first day, the account's
    id, or the name; None for what has no category."""

    key: date | UUID | str | None
    count: int
    total: Decimal


@dataclass(slots=True)
class _Statement:
    """The terms that `t` must pass, and what it counts for, as SQL."""

    terms: list[str]
    params: dict[str, Any]
    value: str = "t.amount"
    category: str = ""
    chart: Mapping[UUID, AccountOfChart] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return f"FROM transactions_transaction t WHERE {' AND '.join(self.terms)}"


_CHART: Final = """
SELECT id, parent_id, name, type, financial_type, sub_type_code, role FROM accounts_account
WHERE entity_id = %(entity)s::uuid AND ledger_id = %(ledger)s::uuid ORDER BY sub_type_code, name, id
"""
# Beside what happened, its undoing says nothing; across the bounds of the days asked for, each stands in its
# own, as in the statements.
_NOT_UNDONE: Final = """(t.reversed_by_id IS NULL AND t.reverses_id IS NULL OR NOT EXISTS (
    SELECT FROM transactions_transaction o
    WHERE o.entity_id = t.entity_id AND o.id = coalesce(t.reversed_by_id, t.reverses_id)
        AND o.date BETWEEN %(first)s::date AND %(last)s::date
))"""
# As of dealings with counterparties: amounts without a sign cannot cancel out.
_DEALINGS: Final = "t.status <> 'REVERSED' AND t.reverses_id IS NULL AND t.reclassifies_id IS NULL"
_EVER: Final = (date(1, 1, 1), date(9999, 12, 31))


def chart_of(entity: Entity, ledger_id: UUID) -> list[AccountOfChart]:
    """The accounts of a ledger in the order of the chart; one query."""
    return [AccountOfChart(*row) for row in _fetch(_CHART, {"entity": entity.id, "ledger": ledger_id})]


def below(chart: Sequence[AccountOfChart], account_ids: Collection[UUID]) -> frozenset[UUID]:
    """The accounts and all below them."""
    found = set(account_ids)
    children: dict[UUID | None, list[UUID]] = {}
    for account in chart:
        children.setdefault(account.parent_id, []).append(account.id)
    pending = list(found)
    while pending:
        for child in children.get(pending.pop(), []):
            if child not in found:
                found.add(child)
                pending.append(child)
    return frozenset(found)


def is_money(account: AccountOfChart) -> bool:
    """Whether it is an account that one pays from: at a bank, in a till, or a card. Takings on their way to
    the bank are cash already, and arrive when the bank has them."""
    kind = account.financial_type or ""
    return kind == _CARD or (is_cash(kind) and kind != _ON_THE_WAY)


def totals(entity: Entity, chart: Sequence[AccountOfChart], selection: Selection) -> Totals:
    """What the transactions of a selection come to: one query, and one more for a text."""
    found = _statement(entity, chart, selection)
    if found is None:
        return Totals(0, Decimal(0), 0, Decimal(0), None, None)
    waiting = ", ".join(f"'{status.value}'" for status in sorted(COUNTS_AS_PENDING))
    sql = f"""
    SELECT count(*), coalesce(sum(value), 0), count(*) FILTER (WHERE waits),
        coalesce(sum(value) FILTER (WHERE waits), 0), min(date), max(date)
    FROM (SELECT {found.value} AS value, t.status IN ({waiting}) AS waits, t.date {found.source}) counted
    """
    [row] = _fetch(sql, found.params)
    return Totals(*row)


def groups(
    entity: Entity, chart: Sequence[AccountOfChart], selection: Selection, grouping: Grouping
) -> list[Group]:
    """The same by group, at most GROUPS_MAX: periods from the first on, others by what they come to, the most
    first. One query, and one more for a text. Transactions without a counterparty are left out of those by
    counterparty."""
    found = _statement(entity, chart, selection)
    if found is None:
        return []
    terms = list(found.terms)
    if grouping is Grouping.CATEGORY:
        key, order = found.category, "3 DESC, 2 DESC, 1"
    elif grouping is Grouping.COUNTERPARTY:
        key, order = "t.counterparty", "3 DESC, 2 DESC, 1"
        terms.append("t.counterparty <> ''")
    else:
        key, order = f"date_trunc('{grouping.value}', t.date::timestamp)::date", "1"
    sql = f"""
    SELECT {key}, count(*), sum({found.value})
    FROM transactions_transaction t WHERE {" AND ".join(terms)}
    GROUP BY 1 ORDER BY {order} LIMIT {GROUPS_MAX:d}
    """
    return [Group(*row) for row in _fetch(sql, found.params)]


def rows(
    entity: Entity,
    chart: Sequence[AccountOfChart],
    selection: Selection,
    *,
    order: Order,
    limit: int,
) -> list[Row]:
    """Up to `limit` transactions of a selection: one query, and one more for a text."""
    found = _statement(entity, chart, selection)
    if found is None:
        return []
    newest = f"{hour_of('t.timestamp')} DESC, t.timestamp DESC, t.id DESC"
    by = {
        Order.NEWEST: newest,
        Order.LARGEST: f"{found.value} DESC, {newest}",
        Order.SMALLEST: f"{found.value}, {newest}",
    }[order]
    page = (
        f"SELECT t.*, row_number() OVER (ORDER BY {by}) AS place {found.source} ORDER BY {by} LIMIT {limit:d}"
    )
    sql = f"{SELECT_ROW} FROM ({page}) t {JOIN_ACCOUNTS} ORDER BY t.place"
    return [Row(*values) for values in _fetch(sql, found.params)]


def _statement(entity: Entity, chart: Sequence[AccountOfChart], selection: Selection) -> _Statement | None:
    """The SQL of a selection; None where nothing can be in it."""
    found = _Statement(
        ["t.entity_id = %(entity)s::uuid", "t.ledger_id = %(ledger)s::uuid"],
        {"entity": entity.id, "ledger": selection.ledger_id},
    )
    _add_days(found, selection)
    _add_amounts(found, selection)
    _add_accounts(found, chart, selection)
    if selection.statuses:
        found.terms.append("t.status = ANY(%(statuses)s::text[])")
        found.params["statuses"] = sorted(status.value for status in selection.statuses)
        if Status.POSTED not in selection.statuses:
            found.terms.append("t.status <> 'POSTED'")
    else:
        found.terms.append("t.status <> 'EXPIRED'")
    if selection.counterparties:
        found.terms.append("t.counterparty = ANY(%(counterparties)s::text[])")
        found.params["counterparties"] = list(selection.counterparties)
    if selection.flow is not None:
        _add_flow(found, chart, selection.flow)
    if selection.text:
        condition = words_in_text(entity, selection.text)
        if condition is None:
            return None
        found.terms.append(condition[0])
        found.params |= condition[1]
    return found


def _add_days(found: _Statement, selection: Selection) -> None:
    first, last = selection.date_from, selection.date_to
    found.params |= {"first": first or _EVER[0], "last": last or _EVER[1]}
    if first is not None:
        found.terms += [
            "t.date >= %(first)s::date",
            f"{hour_of('t.timestamp')} >= %(not_before)s::timestamptz",
            f"{week_of('t.date')} >= {week_of('%(first)s::date')}",
        ]
        found.params["not_before"] = not_before(first)
    if last is not None:
        found.terms += [
            "t.date <= %(last)s::date",
            f"{hour_of('t.timestamp')} < %(not_after)s::timestamptz",
            f"{week_of('t.date')} <= {week_of('%(last)s::date')}",
        ]
        found.params["not_after"] = not_after(last)


def _add_amounts(found: _Statement, selection: Selection) -> None:
    for name, comparison in (("amount_min", ">="), ("amount_max", "<="), ("above", ">"), ("below", "<")):
        bound = getattr(selection, name)
        if bound is not None:
            found.terms.append(f"t.amount {comparison} %({name})s::numeric")
            found.params[name] = bound


def _add_accounts(found: _Statement, chart: Sequence[AccountOfChart], selection: Selection) -> None:
    """The accounts meant, what a transaction then counts for, and which side is its category."""
    undone = selection.statuses & {Status.REVERSED, Status.EXPIRED}
    cash = [one.id for one in chart if is_cash(one.financial_type or "")]
    results = [one.id for one in chart if one.type in PROFIT_AND_LOSS]
    found.params |= {"cash": uuid_array(cash), "results": uuid_array(results)}
    if selection.account_ids is None:
        found.category = _CATEGORY
        if not undone:
            found.terms.append(_DEALINGS)
        return
    chosen = [one for one in chart if one.id in selection.account_ids]
    found.params["chosen"] = uuid_array(one.id for one in chosen)
    found.terms.append(
        "(t.debit_account_id = ANY(%(chosen)s::uuid[]) OR t.credit_account_id = ANY(%(chosen)s::uuid[]))"
    )
    if not chosen or any(one.type not in PROFIT_AND_LOSS for one in chosen):
        found.category = _CATEGORY
        if not undone:
            found.terms.append(_DEALINGS)
        return
    by_debit = [one.id for one in chosen if AccountType(one.type).normal_side is Side.DEBIT]
    by_credit = [one.id for one in chosen if AccountType(one.type).normal_side is Side.CREDIT]
    found.params |= {"by_debit": uuid_array(by_debit), "by_credit": uuid_array(by_credit)}
    found.value = _SIGNED
    found.category = (
        "CASE WHEN t.debit_account_id = ANY(%(chosen)s::uuid[]) THEN t.debit_account_id"
        " ELSE t.credit_account_id END"
    )
    # What only moved from one of them to another adds nothing.
    found.terms.append(
        "NOT (t.debit_account_id = ANY(%(chosen)s::uuid[]) AND t.credit_account_id = ANY(%(chosen)s::uuid[]))"
    )
    if not undone:
        found.terms.append(_NOT_UNDONE)


_SIGNED: Final = """CASE
    WHEN t.debit_account_id = ANY(%(by_debit)s::uuid[]) OR t.credit_account_id = ANY(%(by_credit)s::uuid[])
    THEN t.amount ELSE -t.amount END"""
# `category_side` of many rows at once.
_CATEGORY: Final = """CASE
    WHEN (t.debit_account_id = ANY(%(cash)s::uuid[])) <> (t.credit_account_id = ANY(%(cash)s::uuid[]))
    THEN CASE WHEN t.debit_account_id = ANY(%(cash)s::uuid[])
        THEN t.credit_account_id ELSE t.debit_account_id END
    WHEN t.debit_account_id = ANY(%(cash)s::uuid[]) THEN NULL
    WHEN (t.debit_account_id = ANY(%(results)s::uuid[])) <> (t.credit_account_id = ANY(%(results)s::uuid[]))
    THEN CASE WHEN t.debit_account_id = ANY(%(results)s::uuid[])
        THEN t.debit_account_id ELSE t.credit_account_id END
    END"""


def _add_flow(found: _Statement, chart: Sequence[AccountOfChart], flow: Flow) -> None:
    money = [one.id for one in chart if is_money(one)]
    others = [one.id for one in chart if not is_money(one) and one.financial_type != _BROUGHT_IN]
    found.params |= {"money": uuid_array(money), "others": uuid_array(others)}
    from_, to = ("money", "others") if flow is Flow.OUT else ("others", "money")
    found.terms.append(
        f"t.credit_account_id = ANY(%({from_})s::uuid[]) AND t.debit_account_id = ANY(%({to})s::uuid[])"
    )


def _fetch(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement with its parameters written into it, so that it is planned for these very values."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
