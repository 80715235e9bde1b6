"""The body of an answer: words, transactions, sums, and how the question was read."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ai.chat.answering import Answered
from ai.chat.query import OF_STATEMENTS, Measure, Span
from ai.chat.wording import answer_text, interpretation
from ledger.exceptions import ascii_safe
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.money import as_number
from transactions.api.shapes import TransactionShaper

EXAMPLES: Final = (
    "How much did we spend on software last month?",
    "Show payments over $1,000 since March.",
    "Profit this quarter compared with the previous quarter.",
    "Top 5 suppliers this year.",
    "What is our cash balance?",
)
WORDS_SHOWN_MAX: Final = 6
_ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class Worded:
    """An answer in words, and how it came to be."""

    text: str
    interpretation: str
    found: Answered | None
    not_understood: tuple[str, ...]


def worded(found: Answered | None, not_understood: tuple[str, ...]) -> Worded:
    """Put an answer into words; where nothing was understood, say so and give examples."""
    unknown = _unknown(not_understood)
    if found is None:
        words = f"I did not understand {unknown}. " if unknown else "I did not understand the question. "
        return Worded(
            f"{words}Ask about your own books, for example: {' '.join(EXAMPLES)}",
            "Not understood.",
            None,
            not_understood,
        )
    text = answer_text(found)
    if unknown:
        # First, so that nobody takes what follows for an answer to all of the question.
        text = f"I did not understand {unknown}, and left it out. {text}"
    return Worded(text, interpretation(found), found, not_understood)


def _unknown(words: tuple[str, ...]) -> str:
    shown = [f'"{ascii_safe(word[:40])}"' for word in words[:WORDS_SHOWN_MAX]]
    return ", ".join(shown)


def body(entity: Entity, answer: Worded, *, text: str) -> dict[str, Any]:
    """The answer as the API shows it; `text` is its wording."""
    found = answer.found
    return {
        "response": text,
        "content": text,
        "data": _data(entity, found),
        "parsed": {
            "filter": None if found is None else filter_of(found),
            "interpretation": answer.interpretation,
            "notUnderstood": list(answer.not_understood),
        },
    }


def _data(entity: Entity, found: Answered | None) -> dict[str, Any]:
    if found is None:
        zero = as_number(_ZERO, entity.default_currency)
        summary = {"total_amount": zero, "transaction_count": 0, "average_amount": zero}
        return {"transactions": [], "summary": summary, "groups": [], "comparison": None}
    currency = found.currency
    shaper = TransactionShaper(entity)
    is_statement = found.query.measure in OF_STATEMENTS or found.query.measure is Measure.BALANCE
    comparison = found.comparison
    return {
        "transactions": [shaper.full(row) for row in found.rows],
        "summary": {
            "total_amount": as_number(found.total, currency),
            "transaction_count": found.count,
            "average_amount": as_number(found.average or _ZERO, currency),
        },
        "currency": currency,
        "pending": {
            "total_amount": as_number(
                found.pending_total - found.total if is_statement else found.pending_total, currency
            ),
            "transaction_count": None if is_statement else found.pending_count,
        },
        "groups": [
            {
                "name": part.name,
                "id": encode_id(Prefix.ACCOUNT, part.account_id) if part.account_id else None,
                "startDate": part.start,
                "total_amount": as_number(part.total, currency),
                "transaction_count": part.count,
            }
            for part in found.parts
        ],
        "comparison": comparison
        and {
            "startDate": comparison.period.start,
            "endDate": comparison.period.end,
            "total_amount": as_number(comparison.total, currency),
            "transaction_count": comparison.count,
            "change": as_number(comparison.change, currency),
            "percent": comparison.percent,
        },
    }


def filter_of(found: Answered) -> dict[str, Any]:
    """The typed query as the API shows it; what does not narrow is left out."""
    query, currency = found.query, found.currency
    period, amount = query.period or Span(None, None), query.amount
    shown: dict[str, Any] = {
        "measure": query.measure.value,
        "dateFrom": period.start,
        "dateTo": period.end,
        "accounts": [
            {"id": encode_id(Prefix.ACCOUNT, one), "name": found.accounts[one].name}
            for one in query.account_ids
            if one in found.accounts
        ],
        "accountType": query.account_type,
        "direction": query.flow,
        "counterparties": list(query.counterparties),
        "amountMin": _bound(amount.low if amount else None, currency),
        "amountMax": _bound(amount.high if amount else None, currency),
        "amountMinExcluded": bool(amount and amount.low_excluded),
        "amountMaxExcluded": bool(amount and amount.high_excluded),
        "text": query.text,
        "statuses": sorted(status.value for status in query.statuses),
        "uncategorized": query.uncategorized,
        "groupBy": query.group_by,
        "rank": query.rank,
        "compare": query.compare,
        "limit": query.limit,
    }
    return {name: value for name, value in shown.items() if value not in (None, [], "", False)}


def _bound(amount: Decimal | None, currency: str) -> Decimal | None:
    return None if amount is None else as_number(amount, currency)
