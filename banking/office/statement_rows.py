"""The rows of a reconciliation, as its page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from banking.reconciliation.proposals import read_proposals, read_unlinked
from banking.reconciliation.statements import (
    Entry,
    Position,
    Statement,
    read_books_balance,
    read_candidates,
    read_cleared,
    read_items,
)
from banking.reconciliation.suggestions import BankSide, Suggestion
from ledger.api.pagination import cursor_scope, cut_page, decode_cursor
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.money import minor_digits

# Of each list; a form sends two fields for each row, and takes a thousand.
ROWS_MAX: Final = 200
LINES_MAX: Final = 100


def in_minor(amount: Decimal, currency: str) -> int:
    """Return an amount as an exact number of the currency's smallest units: what scripts add up."""
    return int(amount.scaleb(minor_digits(currency)))


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A transaction that is ticked, or could be."""

    entry: Entry
    is_ticked: bool
    minor: int

    @property
    def id(self) -> str:
        return encode_id(Prefix.TRANSACTION, self.entry.id)

    @property
    def line_id(self) -> str | None:
        line = self.entry.line_id
        return None if line is None else encode_id(Prefix.BANK_LINE, line)

    @property
    def raises(self) -> Decimal | None:
        """What it adds to the balance."""
        return self.entry.amount if self.entry.amount > 0 else None

    @property
    def lowers(self) -> Decimal | None:
        """What it takes from the balance."""
        return -self.entry.amount if self.entry.amount < 0 else None


@dataclass(frozen=True, slots=True)
class LineRow:
    """A bank line that stands for no transaction, and what it seems to be."""

    line: BankSide
    # In the sign of the statement: positive where it raises the balance.
    amount: Decimal
    suggestion: Suggestion | None

    @property
    def id(self) -> str:
        return encode_id(Prefix.BANK_LINE, self.line.id)

    @property
    def transaction_ids(self) -> list[str]:
        found = self.suggestion.transactions if self.suggestion else ()
        return [encode_id(Prefix.TRANSACTION, one.id) for one in found]

    @property
    def is_sum(self) -> bool:
        """Whether it seems to be several transactions together."""
        return self.suggestion is not None and len(self.suggestion.transactions) > 1


def figures(entity: Entity, statement: Statement) -> dict[str, Any]:
    """The balances of a statement, and the difference; two queries."""
    cleared = read_cleared(entity, statement)
    balance = statement.opening_balance + cleared.amount
    books = read_books_balance(entity, statement)
    difference = statement.statement_balance - balance
    return {
        "cleared_balance": balance,
        "cleared_count": cleared.count,
        "difference": difference,
        "difference_minor": in_minor(difference, statement.currency),
        "cleared_minor": in_minor(balance, statement.currency),
        "books_balance": books,
        "unticked": books - balance,
    }


def entry_rows(entity: Entity, statement: Statement, show: str, cursor: str | None) -> dict[str, Any]:
    """The transactions of the page: the newest of both lists, or a page of what is `ticked` or `unticked`."""
    scope = cursor_scope(f"office-reconciliation-{statement.id}-{show}", entity.id)
    after = Position(*decode_cursor(scope, cursor)) if cursor else None
    items: Sequence[Entry] = ()
    candidates: Sequence[Entry] = ()
    if show != "unticked":
        items = read_items(entity, statement, limit=ROWS_MAX + 1, after=after)
    if show != "ticked" and statement.is_open:
        candidates = read_candidates(entity, statement, limit=ROWS_MAX + 1, after=after, recent=show == "all")
    rows = [(one, True) for one in items[:ROWS_MAX]] + [(one, False) for one in candidates[:ROWS_MAX]]
    rows.sort(key=lambda row: (row[0].date, row[0].timestamp, row[0].id), reverse=True)
    next_cursor = None
    if show in ("ticked", "unticked"):
        next_cursor = cut_page(
            items or candidates,
            size=ROWS_MAX,
            scope=scope,
            key=lambda one: (one.date, one.timestamp, one.id),
        ).next_cursor
    return {
        "rows": [EntryRow(one, ticked, in_minor(one.amount, statement.currency)) for one, ticked in rows],
        "more_items": show == "all" and len(items) > ROWS_MAX,
        "more_candidates": show == "all" and len(candidates) > ROWS_MAX,
        "next_cursor": next_cursor,
    }


def line_rows(entity: Entity, statement: Statement) -> dict[str, Any]:
    """The bank lines without a transaction, with what is suggested for each, and what may be ticked at once;
    six queries."""
    proposals = read_proposals(entity, statement)
    lines, _ = read_unlinked(entity, statement)
    matches = proposals.matches
    suggested = {one.line.id: one for one in [*matches.one_to_one, *matches.one_to_many]}
    rows = [LineRow(one, -one.amount * statement.sign, suggested.get(one.id)) for one in lines]
    # What is suggested first, the surest on top.
    rows.sort(key=lambda row: -row.suggestion.score if row.suggestion else 1)
    return {
        "lines": rows[:LINES_MAX],
        "hidden_lines": max(0, len(rows) - LINES_MAX),
        "by_bank": proposals.cleared,
        "pairs": len(matches.one_to_one),
        "at_once": proposals.cleared.count + len(matches.one_to_one),
    }


def parts_for(entity: Entity, statement: Statement, line_id: UUID) -> tuple[LineRow | None, list[Any]]:
    """A line without a transaction, and the transactions that could be it or parts of it, the nearest in days
    first; two queries. None where the line has one by now."""
    lines, transactions = read_unlinked(entity, statement)
    line = next((one for one in lines if one.id == line_id), None)
    if line is None:
        return None, []
    near = [
        one for one in transactions if one.amount * line.amount > 0 and abs(one.amount) <= abs(line.amount)
    ]
    near.sort(key=lambda one: (one.amount != line.amount, abs((one.date - line.date).days), str(one.id)))
    shown = [
        {
            "id": encode_id(Prefix.TRANSACTION, one.id),
            "date": one.date,
            "text": one.text,
            "amount": abs(one.amount),
            "minor": in_minor(abs(one.amount), statement.currency),
        }
        for one in near[:LINES_MAX]
    ]
    return LineRow(line, -line.amount * statement.sign, None), shown
