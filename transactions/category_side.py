"""Which side of a transaction says what it was for.

A transaction that touches cash is categorized by its other side: money left the bank *for software*.
Where neither side is cash, the revenue or expense account says it; where both are cash, money only
moved between own pockets and there is nothing to categorize. (Contract, section 5, `categorize`.)
"""

from functools import lru_cache
from typing import Literal

from accounts.choices import AccountType
from accounts.financial_types import is_cash

Side = Literal["debit", "credit"]

PROFIT_AND_LOSS = frozenset({AccountType.REVENUE, AccountType.EXPENSE})


@lru_cache(maxsize=4096)
def category_side(
    debit_type: str, debit_financial_type: str | None, credit_type: str, credit_financial_type: str | None
) -> Side | None:
    """The side that carries the category, or None where that is not clear."""
    debit_cash, credit_cash = is_cash(debit_financial_type or ""), is_cash(credit_financial_type or "")
    if debit_cash != credit_cash:
        return "credit" if debit_cash else "debit"
    if debit_cash:
        return None
    debit_result, credit_result = debit_type in PROFIT_AND_LOSS, credit_type in PROFIT_AND_LOSS
    if debit_result != credit_result:
        return "debit" if debit_result else "credit"
    return None
