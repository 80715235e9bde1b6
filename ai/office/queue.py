"""What waits in the review queue: bank lines to decide on, then transactions to categorize.

Every read is bounded by what is shown, however many wait, and by what is not posted, however old the books.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.chart_templates import SystemRole
from accounts.system_accounts import system_account_ids
from ai.categories.stored import Uncategorized, keep, named_bank_account, names_of
from ai.categories.suggesting import Suggestions, Wanted, suggest
from ai.categories.texts import Line
from ledger.api import json
from ledger.db import compact, fetch, uuid_array
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from transactions.choices import COUNTS_AS_PENDING

PAGE_SIZE: Final = 50
# What is less likely than that beside the first is not worth a look.
OTHER_PERCENT_MIN: Final = 2
# More than that is only said to be more.
COUNTED_MAX: Final = 1_000

_UNCATEGORIZED: Final = (SystemRole.UNCATEGORIZED_INCOME, SystemRole.UNCATEGORIZED_EXPENSE)

# Offered lines, and those that nobody has decided on since their offer went. The status is written out, so
# that the index of what is not recorded is used.
_LINES_FROM: Final = """
FROM banking_bankline l
WHERE l.entity_id = %(entity)s::uuid AND l.status <> 'recorded'
    AND (l.status = 'offered' OR (l.status = 'ignored' AND l.attention <> ''))
"""
_LINES: Final = compact(f"""
SELECT l.id, l.date, l.description, l.counterparty, l.amount, l.currency, l.attention, b.name, b.mask,
    t.id, t.date, t.description, t.counterparty, t.status,
    CASE WHEN t.debit_account_id = b.ledger_account_id THEN c.name ELSE d.name END
FROM (
    SELECT * {_LINES_FROM}
        AND (%(line)s::uuid IS NULL OR l.id = %(line)s::uuid)
        AND (%(day)s::date IS NULL OR (l.date, l.id) < (%(day)s::date, %(id)s::uuid))
    ORDER BY l.date DESC, l.id DESC LIMIT %(limit)s::int
) l
JOIN banking_bankaccount b ON b.entity_id = l.entity_id AND b.id = l.bank_account_id
LEFT JOIN transactions_transaction t ON t.entity_id = l.entity_id AND t.id = l.offered_transaction_id
LEFT JOIN accounts_account d ON d.entity_id = t.entity_id AND d.id = t.debit_account_id
LEFT JOIN accounts_account c ON c.entity_id = t.entity_id AND c.id = t.credit_account_id
ORDER BY l.date DESC, l.id DESC
""")

# From the index of what is not posted, state by state, each cut to the page.
_WAITING: Final = """
FROM unnest(%(open)s::text[]) AS s (status)
CROSS JOIN LATERAL (
    SELECT t.* FROM transactions_transaction t
    WHERE t.entity_id = %(entity)s::uuid AND t.status <> 'POSTED' AND t.status = s.status
        AND t.categorized_at IS NULL
        AND (t.debit_account_id = ANY(%(unknown)s::uuid[]) OR t.credit_account_id = ANY(%(unknown)s::uuid[]))
        AND (%(closed)s::date IS NULL OR t.date > %(closed)s::date)
        AND (%(transaction)s::uuid IS NULL OR t.id = %(transaction)s::uuid)
        AND (%(day)s::date IS NULL OR (t.date, t.id) < (%(day)s::date, %(id)s::uuid))
    ORDER BY t.date DESC, t.id DESC LIMIT %(limit)s::int
) t
"""
# Each suggestion is looked up by its transaction: LIMIT keeps the index of what waits out, which PostgreSQL
# would walk through for each row while it thinks that few wait.
_TRANSACTIONS: Final = compact(f"""
SELECT t.id, t.date, t.description, t.counterparty, t.amount, t.currency, t.ledger_id,
    t.metadata->>'providerCategory', t.metadata->>'bankAccountId', own.id, coalesce(bank.name, own.name),
    t.is_out, s.id, s.account_id, s.confidence, s.reason, s.others::text, line.line_id
FROM (
    SELECT t.*, t.debit_account_id = ANY(%(unknown)s::uuid[]) AS is_out {_WAITING}
    ORDER BY t.date DESC, t.id DESC LIMIT %(limit)s::int
) t
JOIN accounts_account own ON own.entity_id = t.entity_id
    AND own.id = CASE WHEN t.is_out THEN t.credit_account_id ELSE t.debit_account_id END
LEFT JOIN LATERAL (
    SELECT concat_ws(' ••', b.name, nullif(b.mask, '')) AS name FROM banking_bankaccount b
    WHERE b.entity_id = t.entity_id AND b.ledger_account_id = own.id
    ORDER BY b.disconnected_at IS NOT NULL, b.id DESC LIMIT 1
) bank ON true
LEFT JOIN LATERAL (
    SELECT * FROM ai_suggestion o WHERE o.entity_id = t.entity_id AND o.transaction_id = t.id LIMIT 1
) s ON s.status = 'waiting'
LEFT JOIN LATERAL (
    SELECT k.line_id FROM banking_linelink k
    WHERE k.entity_id = t.entity_id AND k.transaction_id = t.id ORDER BY k.id LIMIT 1
) line ON true
ORDER BY t.date DESC, t.id DESC
""")
_COUNT: Final = compact(f"""
SELECT (SELECT count(*) FROM (SELECT 1 {_LINES_FROM} LIMIT %(limit)s::int) lines)
    + (SELECT count(*) FROM (SELECT 1 {_WAITING} LIMIT %(limit)s::int) waiting)
""")


class Place(NamedTuple):
    """Where a page of the queue ends: lines come before transactions, each the newest first."""

    is_line: bool
    day: date
    id: UUID


@dataclass(frozen=True, slots=True)
class Shown:
    """An account that is suggested, how sure that is in per cent, and why."""

    account_id: str
    name: str
    code: str | None
    percent: int
    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """The transaction that a bank line looks like."""

    id: str
    day: date
    description: str
    counterparty: str
    status: str
    account_name: str
    # How far it is from the line, in words.
    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the queue."""

    key: UUID
    is_line: bool
    day: date
    description: str
    counterparty: str
    # Positive where money left the company.
    amount: Decimal
    currency: str
    bank_name: str
    suggestion: Shown | None = None
    others: tuple[Shown, ...] = ()
    offer: Offer | None = None
    # What a person should know of the line.
    attention: str = ""
    # The bank line behind it, where there is one.
    line_id: UUID | None = None

    @property
    def id(self) -> str:
        """The public id: of the line, or of the transaction."""
        return encode_id(Prefix.BANK_LINE if self.is_line else Prefix.TRANSACTION, self.key)

    @property
    def money_in(self) -> Decimal | None:
        return -self.amount if self.amount < 0 else None

    @property
    def money_out(self) -> Decimal | None:
        return self.amount if self.amount > 0 else None

    @property
    def place(self) -> Place:
        return Place(self.is_line, self.day, self.key)


def queue_page(
    entity: Entity, *, after: Place | None = None, size: int = PAGE_SIZE, may_keep: bool
) -> tuple[list[Item], Place | None]:
    """Return up to `size` rows behind `after`, and where the next page begins (None at the end).

    What has no suggestion yet gets one, which is kept where the person may change the books (`may_keep`);
    nothing is written otherwise.
    Three queries where all have suggestions, about eight more for each 25 that have none.
    """
    items: list[Item] = []
    if after is None or after.is_line:
        items = _lines(entity, after, size + 1)
    if len(items) <= size:
        behind = None if after is None or after.is_line else after
        items += _transactions(entity, behind, size + 1 - len(items), may_keep=may_keep)
    has_more, items = len(items) > size, items[:size]
    return items, items[-1].place if has_more else None


def find_item(entity: Entity, key: UUID, *, is_line: bool) -> Item | None:
    """Return a row of the queue, if it waits in it."""
    found = (
        _lines(entity, None, 1, only=key)
        if is_line
        else _transactions(entity, None, 1, may_keep=False, only=key)
    )
    return found[0] if found else None


def count_waiting(entity: Entity) -> int:
    """Return how many rows wait, counted up to a little more than COUNTED_MAX of each kind; two queries."""
    parameters = _parameters(entity, None, COUNTED_MAX + 1)
    count: int = fetch(_COUNT, parameters)[0][0]
    return count


def _parameters(entity: Entity, after: Place | None, limit: int, only: UUID | None = None) -> dict[str, Any]:
    return {
        "entity": entity.id,
        "open": sorted(state.value for state in COUNTS_AS_PENDING),
        "unknown": uuid_array(system_account_ids(entity, *_UNCATEGORIZED).values()),
        "closed": entity.books_closed_through,
        "transaction": only,
        "line": only,
        "day": after.day if after else None,
        "id": after.id if after else None,
        "limit": limit,
    }


def _lines(entity: Entity, after: Place | None, limit: int, only: UUID | None = None) -> list[Item]:
    rows = fetch(
        _LINES,
        {
            "entity": entity.id,
            "line": only,
            "day": after.day if after else None,
            "id": after.id if after else None,
            "limit": limit,
        },
    )
    return [_line(*row) for row in rows]


def _line(
    id_: UUID, day: date, description: str, counterparty: str, amount: Decimal, currency: str,
    attention: str, bank: str, mask: str, *offered: Any,
) -> Item:  # fmt: skip
    transaction, its_day, text, whom, status, account = offered
    offer = None
    if transaction is not None:
        offer = Offer(
            encode_id(Prefix.TRANSACTION, transaction), its_day, text, whom, status, account,
            f"Same amount, {_apart((day - its_day).days)}.",
        )  # fmt: skip
    name = f"{bank} ••{mask}" if mask else bank
    return Item(
        id_, True, day, description, counterparty, amount, currency, name,
        offer=offer, attention=attention, line_id=id_,
    )  # fmt: skip


def _apart(days: int) -> str:
    if days == 0:
        return "same day"
    return f"{abs(days)} day{'s' if abs(days) > 1 else ''} {'earlier' if days > 0 else 'later'} in the books"


def _transactions(
    entity: Entity, after: Place | None, limit: int, *, may_keep: bool, only: UUID | None = None
) -> list[Item]:
    rows = fetch(_TRANSACTIONS, _parameters(entity, after, limit, only))
    items = [_transaction(row) for row in rows]
    if not entity.smart_suggestions:
        return items
    missing = [place for place, row in enumerate(rows) if row[12] is None]
    made = suggest(entity, [_wanted(rows[place]).wanted for place in missing], may_learn=may_keep)
    fresh = {place: its for place, its in zip(missing, made, strict=True) if its.best}
    if may_keep and fresh:
        keep(entity, [(items[place].key, its) for place, its in fresh.items()])
    kept = {place: _stored(row) for place, row in enumerate(rows) if row[12] is not None}
    names = names_of(entity, {account for its in kept.values() for account, *_ in its})
    for place, its in kept.items():
        shown = [
            _shown(account, *names[account], share, why) for account, share, why in its if account in names
        ]
        items[place] = _with(items[place], shown)
    for place, answer in fresh.items():
        items[place] = _with(items[place], _fresh(answer))
    return items


def _transaction(row: Sequence[Any]) -> Item:
    id_, day, description, counterparty, amount, currency = row[:6]
    is_out, line_id = row[11], row[17]
    return Item(
        id_, False, day, description, counterparty, amount if is_out else -amount, currency, row[10],
        line_id=line_id,
    )  # fmt: skip


def _wanted(row: Sequence[Any]) -> Uncategorized:
    id_, day, description, counterparty, amount, _, ledger_id, provider, bank_account, own_id = row[:10]
    line = Line(description, counterparty, provider or "", amount if row[11] else -amount)
    return Uncategorized(id_, Wanted(line, ledger_id, day, own_id, named_bank_account(bank_account)))


def _stored(row: Sequence[Any]) -> list[tuple[UUID, Decimal, str]]:
    """The suggested accounts with confidence and reason, the best first."""
    others = [
        (UUID(one["accountId"]), Decimal(str(one["confidence"])), str(one["reason"]))
        for one in json.decode(row[16].encode())
    ]
    return [(row[13], row[14], row[15]), *others]


def _fresh(answer: Suggestions) -> list[Shown]:
    return [
        _shown(
            one.account_id,
            one.name,
            None if one.code is None else str(one.code),
            one.confidence,
            one.reason,
        )
        for one in answer.best
    ]


def _shown(account_id: UUID, name: str, code: str | None, share: Decimal | float, reason: str) -> Shown:
    # Rounded down: what is not quite sure is not shown as certain.
    percent = int(Decimal(str(share)) * 100)
    return Shown(encode_id(Prefix.ACCOUNT, account_id), name, code, percent, reason)


def _with(item: Item, shown: Sequence[Shown]) -> Item:
    if not shown:
        return item
    others = tuple(one for one in shown[1:] if one.percent >= OTHER_PERCENT_MIN)
    return replace(item, suggestion=shown[0], others=others)
