"""Search: transactions by words and filters, newest first, with an exact total.

A transaction is found where each word that was asked for begins a word of its description, counterparty or
external id, or of the name of one of its accounts. Case and accents don't count, and what is neither letter
nor digit parts words ("INV-1003" asks for two).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.choices import AccountType
from accounts.financial_types import is_cash
from ledger.api.pagination import NumberedPage
from ledger.db import uuid_array
from ledger.models import Entity
from transactions.category_side import PROFIT_AND_LOSS
from transactions.days import hour_of, not_after, not_before
from transactions.listing import get_transactions
from transactions.rows import Row

# Words that names of accounts have double the number of ways to find them, up to this many.
_WORDS_IN_NAMES_MAX: Final = 4

# As in migrations/sql/search.sql, or the index does not serve.
_TEXT: Final = "(t.description || ' ' || t.counterparty || ' ' || coalesce(t.external_id, ''))"
_KEYS: Final = """transactions_search_keys(
    t.entity_id, transactions_search_pieces(
        transactions_search_words(t.description || ' ' || t.counterparty)
        || CASE WHEN t.external_id IS NULL THEN ''
            ELSE ' ' || transactions_search_cut(transactions_search_words(t.external_id)) END))"""

# Each word with its keys, whether these are less than the word, and the accounts with a word that begins so.
_WORDS: Final = """
WITH asked AS (
    SELECT DISTINCT word, transactions_search_cut(word) AS cut,
        transactions_search_pieces(transactions_search_cut(word)) AS pieces
    FROM unnest(string_to_array(transactions_search_words(%(query)s::text), ' ')) word
),
names AS MATERIALIZED (
    SELECT id, ' ' || transactions_search_words(name) AS words
    FROM accounts_account WHERE entity_id = %(entity)s::uuid
)
SELECT word, transactions_search_query(%(entity)s::uuid, pieces)::text,
    cut <> word OR strpos(pieces, ' ') > 0 OR length(word) > 24,
    ARRAY(SELECT id FROM names WHERE strpos(words, ' ' || word) > 0)
FROM asked ORDER BY word
"""

_FILTERS: Final = {
    "status": "t.status = %(status)s::text",
    "counterparty": "t.counterparty = %(counterparty)s::text",
    "date_from": f"t.date >= %(date_from)s::date AND {hour_of('t.timestamp')} >= %(not_before)s::timestamptz",
    "date_to": f"t.date <= %(date_to)s::date AND {hour_of('t.timestamp')} < %(not_after)s::timestamptz",
    "amount_min": "t.amount >= %(amount_min)s::numeric",
    "amount_max": "t.amount <= %(amount_max)s::numeric",
    "account_id": "(t.debit_account_id = %(account_id)s::uuid OR t.credit_account_id = %(account_id)s::uuid)",
    "category_id": (
        "(t.debit_account_id = %(category_id)s::uuid OR t.credit_account_id = %(category_id)s::uuid)"
    ),
}

_CHART: Final = "SELECT id, type, financial_type FROM accounts_account WHERE entity_id = %(entity)s::uuid"
# `category_side` of many rows at once: the category is the side that is not cash, or else the only one that
# is an account of revenue or expenses.
_OPPOSITE_CASH: Final = """(
    t.debit_account_id = ANY(%(of_type)s::uuid[]) AND t.credit_account_id = ANY(%(cash)s::uuid[])
    OR t.credit_account_id = ANY(%(of_type)s::uuid[]) AND t.debit_account_id = ANY(%(cash)s::uuid[])
)"""
_OPPOSITE_OTHERS: Final = _OPPOSITE_CASH.replace("%(cash)s", "%(others)s")


class _Word(NamedTuple):
    """A word that was asked for."""

    number: int
    text: str
    # What the index knows of it, as the text of a tsquery.
    keys: str
    # Whether that is less than the word: rows must be compared with it.
    is_cut: bool
    # The accounts whose names have a word that begins so.
    account_ids: list[UUID]


@dataclass(slots=True)
class _Conditions:
    """What must hold of `t`, as SQL and its parameters."""

    terms: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return f"FROM transactions_transaction t WHERE {' AND '.join(self.terms)}"


def search_transactions(
    entity: Entity, *, query: str, filters: Mapping[str, Any], page: int, limit: int
) -> tuple[list[Row], NumberedPage]:
    """The page of the transactions of `entity` that have all words of `query` and pass all `filters`.

    A blank `query` asks for no words; one without any letter or digit finds nothing. `filters` are those of
    the request's shape; absent and None ones don't count. `type` is the type of the category's account, the
    `accountType` that transactions show; `account_id` and `category_id` may be either side. Three queries,
    and one more for a type.
    """
    found = _passing(entity, filters)
    if query.strip():
        rows_of_words = _fetch(_WORDS, {"query": query, "entity": entity.id})
        if not rows_of_words:
            return [], NumberedPage(0, page, limit)
        words = [_Word(number, *values) for number, values in enumerate(rows_of_words)]
        total, ids = _hits(found, words, page, limit)
    else:
        total, ids = _walk(found, page, limit)
    rows = get_transactions(entity, ids) if ids else {}
    return [rows[id_] for id_ in ids if id_ in rows], NumberedPage(total, page, limit)


@dataclass(frozen=True, slots=True)
class Words:
    """Words that a company's transactions are searched for."""

    entity: Entity
    words: tuple[_Word, ...]

    def condition(self) -> tuple[str, dict[str, Any]]:
        """That a transaction `t` has them all, as one condition in SQL and its parameters: for rows that are
        looked through."""
        found = _Conditions()
        terms = [
            f"({_in_name(found, word)} OR {_in_text(found, [word])})"
            if word.account_ids
            else _in_text(found, [word])
            for word in self.words
        ]
        return " AND ".join(terms), found.params


def words_of(entity: Entity, query: str) -> Words | None:
    """The words of `query`; None where there are none. One query."""
    rows = _fetch(_WORDS, {"query": query, "entity": entity.id})
    if not rows:
        return None
    return Words(entity, tuple(_Word(number, *values) for number, values in enumerate(rows)))


def find_by_words(entity: Entity, words: Words, *, limit: int) -> list[UUID]:
    """The ids of transactions that have all the words, in no order, at most `limit`: whoever gets that many
    has not got all. One query, that stops reading rows once there are enough."""
    found = _passing(entity, {})
    sources = []
    for way in _ways(found, list(words.words)):
        # Names of accounts may find nearly every row, so the newest are taken, along an index; what a text
        # finds is taken as the index gives it, and no more rows are read than are wanted.
        order = "" if way.by_text else f" ORDER BY {hour_of('t.timestamp')} DESC"
        sources.append(f"(SELECT t.id {found.source} AND {way.condition}{order} LIMIT {limit:d})")
    rows = _fetch(f"SELECT id FROM ({' UNION ALL '.join(sources)}) found LIMIT {limit:d}", found.params)
    return [row[0] for row in rows]


def words_in_text(entity: Entity, query: str) -> tuple[str, dict[str, Any]] | None:
    """That a transaction `t` has all words of `query` in its own text, as a condition in SQL and its
    parameters; None where there are no words. One query.

    For whoever adds up what is found; names of accounts don't count here.
    """
    rows_of_words = _fetch(_WORDS, {"query": query, "entity": entity.id})
    if not rows_of_words:
        return None
    found = _Conditions()
    condition = _in_text(found, [_Word(number, *values) for number, values in enumerate(rows_of_words)])
    return condition, found.params


def _passing(entity: Entity, filters: Mapping[str, Any]) -> _Conditions:
    found = _Conditions(terms=["t.entity_id = %(entity)s::uuid"], params={"entity": entity.id})
    for name, term in _FILTERS.items():
        if filters.get(name) is not None:
            found.terms.append(term)
            found.params[name] = getattr(filters[name], "value", filters[name])
    if "date_from" in found.params:
        found.params["not_before"] = not_before(found.params["date_from"])
    if "date_to" in found.params:
        found.params["not_after"] = not_after(found.params["date_to"])
    if filters.get("type") is not None:
        _of_type(found, filters["type"])
    return found


def _of_type(found: _Conditions, type_: AccountType) -> None:
    """Add that the category's account is of this type. By lists of accounts: looking up both accounts of
    each of a million transactions would take ten times as long."""
    of_type, cash, others = [], [], []
    for account_id, its_type, financial_type in _fetch(_CHART, {"entity": found.params["entity"]}):
        if is_cash(financial_type or ""):
            cash.append(account_id)
            continue
        if its_type == type_:
            of_type.append(account_id)
        if its_type not in PROFIT_AND_LOSS:
            others.append(account_id)
    found.params |= {"of_type": uuid_array(of_type), "cash": uuid_array(cash)}
    if type_ in PROFIT_AND_LOSS:
        found.terms.append(f"({_OPPOSITE_CASH} OR {_OPPOSITE_OTHERS})")
        found.params["others"] = uuid_array(others)
    else:
        found.terms.append(_OPPOSITE_CASH)


class _Way(NamedTuple):
    """One way in which a row can have every word."""

    condition: str
    # Whether it looks for a word in the text.
    by_text: bool


def _ways(found: _Conditions, words: list[_Word]) -> list[_Way]:
    """The ways in which a row can have every word; no row passes two of them.

    A word stands in the name of an account or else must stand in the text, so there is one way for each
    choice of the words that names have. Each way by itself is one look into an index; of one condition with
    OR the planner makes something that looks at every row with the other words, and makes its keys anew.
    """
    in_names = [word for word in words if word.account_ids]
    chosen, others = in_names[:_WORDS_IN_NAMES_MAX], in_names[_WORDS_IN_NAMES_MAX:]
    only_in_text = [word for word in words if not word.account_ids]
    found.terms += [f"({_in_name(found, word)} OR {_in_text(found, [word])})" for word in others]
    ways = []
    for by_name in product((True, False), repeat=len(chosen)):
        pairs = list(zip(chosen, by_name, strict=True))
        terms = [("" if is_by_name else "NOT ") + _in_name(found, word) for word, is_by_name in pairs]
        in_text = only_in_text + [word for word, is_by_name in pairs if not is_by_name]
        condition = " AND ".join([*terms, _in_text(found, in_text)] if in_text else terms)
        ways.append(_Way(condition, bool(in_text)))
    return ways


def _in_name(found: _Conditions, word: _Word) -> str:
    """That the word stands in the name of either account."""
    name = f"accounts{word.number}"
    found.params[name] = uuid_array(word.account_ids)
    return f"(t.debit_account_id = ANY(%({name})s::uuid[]) OR t.credit_account_id = ANY(%({name})s::uuid[]))"


def _in_text(found: _Conditions, words: list[_Word]) -> str:
    """That all words stand in the text: one look into the index."""
    name = "_".join(["keys", *(str(word.number) for word in words)])
    found.params[name] = " & ".join(f"({word.keys})" for word in words)
    terms = [_has_keys(name)]
    for word in words:
        if word.is_cut:
            # Its pieces may stand in a row without making up the word, or are only its beginning.
            found.params[f"word{word.number}"] = " " + word.text
            terms.append(
                f"strpos(' ' || transactions_search_words({_TEXT}), %(word{word.number})s::text) > 0"
            )
    return f"({' AND '.join(terms)})"


def _has_keys(name: str) -> str:
    """That a row has the keys of a parameter. Behind a SELECT the planner cannot look at them, and takes
    them for rare: else it would read the whole table for words that nearly every row has, and make every
    row's keys anew, where the index knows them."""
    return f"{_KEYS} @@ (SELECT %({name})s::tsquery)"


def _hits(found: _Conditions, words: list[_Word], page: int, limit: int) -> tuple[int, list[UUID]]:
    """Total and page of what has all words. Materialized, because how frequent words are together can only
    be guessed: walking down the newest rows until a page is full may never end."""
    ways = _ways(found, words)
    hits = " UNION ALL ".join(f"SELECT t.id, t.timestamp {found.source} AND {way.condition}" for way in ways)
    sql = f"""
    WITH hits AS MATERIALIZED ({hits}),
    page AS (
        SELECT id, timestamp FROM hits ORDER BY timestamp DESC, id DESC
        LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint
    )
    SELECT (SELECT count(*) FROM hits), ARRAY(SELECT id FROM page ORDER BY timestamp DESC, id DESC)
    """
    [(total, ids)] = _fetch(sql, found.params | {"limit": limit, "offset": (page - 1) * limit})
    return total, ids


def _walk(found: _Conditions, page: int, limit: int) -> tuple[int, list[UUID]]:
    """Total and page of what passes the filters; the planner knows how frequent their values are."""
    [(total,)] = _fetch(f"SELECT count(*) {found.source}", found.params)
    offset = (page - 1) * limit
    if offset >= total:
        return total, []
    sql = f"""
    SELECT t.id {found.source} ORDER BY {hour_of("t.timestamp")} DESC, t.timestamp DESC, t.id DESC
    LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint
    """
    return total, [row[0] for row in _fetch(sql, found.params | {"limit": limit, "offset": offset})]


def _fetch(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement with its parameters written into it, so that it is planned for these very values: a
    plan that is good for a rare word is bad for a frequent one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
