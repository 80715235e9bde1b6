"""How reconciliations look in responses."""

from collections.abc import Iterable
from typing import Any, Final

from banking.reconciliation.proposals import read_proposals
from banking.reconciliation.statements import (
    Entry,
    Statement,
    read_books_balance,
    read_candidates,
    read_cleared,
    read_items,
)
from banking.reconciliation.suggestions import Suggestion
from banking.reconciliation.tie_out import TiedOut
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.models import Entity
from ledger.money import as_number

# How many of what is ticked, and of what is not, the reconciliation itself shows.
ENTRIES_SHOWN: Final = 100


def summary_json(statement: Statement) -> dict[str, Any]:
    """The statement without what stands on it."""
    return {
        "id": encode_id(Prefix.RECONCILIATION, statement.id),
        "bankAccountId": encode_id(Prefix.BANK_ACCOUNT, statement.bank_account_id),
        "bankAccountName": _name(statement.bank_account_name, statement.mask),
        "ledgerAccountId": encode_id(Prefix.ACCOUNT, statement.ledger_account_id),
        "currency": statement.currency,
        "status": statement.status,
        "statementDate": statement.statement_date,
        "openingBalance": as_number(statement.opening_balance, statement.currency),
        "statementBalance": as_number(statement.statement_balance, statement.currency),
        "createdAt": statement.created_at,
        "completedAt": statement.completed_at,
    }


def reconciliation_json(entity: Entity, statement: Statement) -> dict[str, Any]:
    """The statement with its figures, what is ticked, what is not, and what is suggested.

    Six queries, seven where bank lines wait for a match, four of a completed one; whatever their numbers.
    """
    currency = statement.currency
    cleared = read_cleared(entity, statement)
    cleared_balance = statement.opening_balance + cleared.amount
    books_balance = read_books_balance(entity, statement)
    items = read_items(entity, statement, limit=ENTRIES_SHOWN + 1)
    candidates = (
        read_candidates(entity, statement, limit=ENTRIES_SHOWN + 1, recent=True) if statement.is_open else []
    )
    return {
        **summary_json(statement),
        "clearedBalance": as_number(cleared_balance, currency),
        "difference": as_number(statement.statement_balance - cleared_balance, currency),
        "booksBalance": as_number(books_balance, currency),
        "unticked": as_number(books_balance - cleared_balance, currency),
        "itemCount": cleared.count,
        "items": entries_json(items[:ENTRIES_SHOWN], currency),
        "hasMoreItems": len(items) > ENTRIES_SHOWN,
        "candidates": entries_json(candidates[:ENTRIES_SHOWN], currency),
        "hasMoreCandidates": len(candidates) > ENTRIES_SHOWN,
        "suggestions": _suggestions_json(entity, statement) if statement.is_open else None,
    }


def entries_json(entries: Iterable[Entry], currency: str) -> list[dict[str, Any]]:
    """Transactions as they stand on a statement, in the bank's sign."""
    return [
        {
            "transactionId": encode_id(Prefix.TRANSACTION, entry.id),
            "date": entry.date,
            "description": entry.description,
            "counterparty": entry.counterparty or None,
            "status": entry.status,
            "amount": as_number(entry.amount, currency),
            "lineId": encode_optional_id(Prefix.BANK_LINE, entry.line_id),
            "clearedOn": entry.line_date,
        }
        for entry in entries
    ]


def tie_out_json(day: TiedOut) -> dict[str, Any]:
    """What bank and books said of a day."""
    return {
        "bankAccountId": encode_id(Prefix.BANK_ACCOUNT, day.bank_account_id),
        "bankAccountName": _name(day.bank_account_name, day.mask),
        "currency": day.currency,
        "date": day.date,
        "bankBalance": as_number(day.bank_balance, day.currency),
        "booksBalance": as_number(day.books_balance, day.currency),
        "difference": as_number(day.difference, day.currency),
        "checkedAt": day.created_at,
    }


def _suggestions_json(entity: Entity, statement: Statement) -> dict[str, Any]:
    cleared, found = read_proposals(entity, statement)
    return {
        "cleared": {"count": cleared.count, "amount": as_number(cleared.amount, statement.currency)},
        "oneToOne": [_suggestion_json(one, statement.currency) for one in found.one_to_one],
        "oneToMany": [_suggestion_json(one, statement.currency) for one in found.one_to_many],
        "complete": found.is_complete,
    }


def _suggestion_json(suggestion: Suggestion, currency: str) -> dict[str, Any]:
    line = suggestion.line
    return {
        "line": {
            "id": encode_id(Prefix.BANK_LINE, line.id),
            "date": line.date,
            "description": line.text,
            "amount": as_number(line.amount, currency),
        },
        "transactions": [
            {
                "transactionId": encode_id(Prefix.TRANSACTION, one.id),
                "date": one.date,
                "description": one.text,
                "amount": as_number(one.amount, currency),
            }
            for one in suggestion.transactions
        ],
        "score": suggestion.score,
        "reason": suggestion.reason,
    }


def _name(name: str, mask: str) -> str:
    return f"{name} ••{mask}" if mask else name
