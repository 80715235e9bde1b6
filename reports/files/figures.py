"""Amounts as they stand on paper."""

from decimal import Decimal
from typing import Final

from ledger.money import as_number

ZERO: Final = "–"  # noqa: RUF001 - a dash, as long as a digit is wide


def on_paper(amount: Decimal | None, currency: str) -> str:
    """Return an amount with separators, "1,234.50", in parentheses where it is negative, a dash for zero, and
    nothing for no amount."""
    if amount is None:
        return ""
    if not amount:
        return ZERO
    text = f"{as_number(abs(amount), currency):,f}"
    return f"({text})" if amount < 0 else text
