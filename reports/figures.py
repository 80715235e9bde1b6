"""What each figure of the statements is made of: for every kind of account, how its debits and credits count.

A figure is a sum over accounts of `debit weight x debits + credit weight x credits`. The statements add it up
from the kept totals and the general ledger shows its entries with these weights: this table is why every
figure can explain itself, to the cent.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from accounts.cash_flow import CashFlowLine, CashFlowSection, cash_flow_effects
from accounts.choices import AccountType, Side
from accounts.financial_types import FINANCIAL_TYPES, FinancialType, IncomeSection, default_financial_type
from reports.basis import Basis, conversion


class Weights(NamedTuple):
    """How a debit and a credit of an account count in a figure: -1, 0 or 1 each."""

    debit: int
    credit: int


_DEBITS: Final = Weights(1, -1)
_CREDITS: Final = Weights(-1, 1)
_ONE, _ZERO = Decimal(1), Decimal(0)

# The subtotals of the income statement that each section counts in, besides its own.
_SUBTOTALS: Final = {
    IncomeSection.REVENUE: ("netSales", "grossProfit", "operatingIncome", "incomeBeforeTax"),
    IncomeSection.COST_OF_SALES: ("grossProfit", "operatingIncome", "incomeBeforeTax"),
    IncomeSection.OPERATING: ("operatingIncome", "incomeBeforeTax"),
    IncomeSection.OTHER: ("otherIncome", "incomeBeforeTax"),
    IncomeSection.TAX: (),
}
_COSTS: Final = {
    IncomeSection.COST_OF_SALES: "costOfSales",
    IncomeSection.OPERATING: "operatingExpenses",
    IncomeSection.TAX: "incomeTax",
}
# What a period changed; the others are balances at its end.
FLOWS: Final = frozenset(
    {"netIncome", "revenue", "expenses", "netChangeInCash"}
    | {name for names in _SUBTOTALS.values() for name in names}
    | set(_COSTS.values())
)


def kind_of(type_: str, financial_type: str | None) -> FinancialType:
    """The financial type of an account, or the default of its type where it has none."""
    return FINANCIAL_TYPES.get(financial_type or "") or default_financial_type(AccountType(type_))


def natural_weights(type_: AccountType) -> Weights:
    """How an account counts in its own balance: on the normal side of its type, so that contra accounts are
    negative and a parent is the sum of what is below it."""
    return _DEBITS if type_.normal_side is Side.DEBIT else _CREDITS


_known: Final[dict[Basis, dict[str, dict[str, Weights]]]] = {basis: {} for basis in Basis}


def weights_of(kind: FinancialType, basis: Basis) -> dict[str, Weights]:
    """Every figure that accounts of this kind count in, with their weights; a shared dict: only read it."""
    # By code: hashing the whole kind takes longer than the look-up.
    found = _known[basis].get(kind.code)
    if found is None:
        found = _known[basis][kind.code] = _weights(kind, basis)
    return found


@lru_cache(maxsize=256)
def kinds_in(figure: str, basis: Basis) -> dict[str, Weights]:
    """The codes of the financial types that count in a figure, with their weights; only read it."""
    found = ((code, weights_of(kind, basis).get(figure)) for code, kind in FINANCIAL_TYPES.items())
    return {code: weights for code, weights in found if weights is not None}


def _weights(kind: FinancialType, basis: Basis) -> dict[str, Weights]:
    found: dict[str, Weights] = {"balance": natural_weights(kind.type)}
    converted = conversion(kind, basis)
    if converted is not None:
        found |= _earned(converted.side, converted.section)
        found[f"{CashFlowSection.OPERATING}.netIncome"] = _CREDITS
        found |= {CashFlowSection.OPERATING: _CREDITS, "netChangeInCash": _CREDITS}
        return found
    if kind.type is AccountType.ASSET:
        found |= {"assets": _DEBITS, "currentAssets" if kind.is_current else "nonCurrentAssets": _DEBITS}
    elif kind.type is AccountType.LIABILITY:
        place = "currentLiabilities" if kind.is_current else "nonCurrentLiabilities"
        found |= {"liabilities": _CREDITS, place: _CREDITS, "liabilitiesAndEquity": _CREDITS}
    elif kind.type is AccountType.EQUITY:
        found |= {"equity": _CREDITS, "contributedEquity": _CREDITS, "liabilitiesAndEquity": _CREDITS}
    else:
        assert kind.income_section is not None, f"{kind.code} has no section of the income statement"
        found |= _earned(kind.type, kind.income_section)
    return found | _cash_flow(kind.cash_flow)


def _earned(side: AccountType, section: IncomeSection) -> dict[str, Weights]:
    found = dict.fromkeys(
        ("equity", "liabilitiesAndEquity", "earnings", "netIncome", *_SUBTOTALS[section]), _CREDITS
    )
    if side is AccountType.REVENUE:
        found["revenue"] = _CREDITS
    else:
        found["expenses"] = _DEBITS
    if section in _COSTS:
        found[_COSTS[section]] = _DEBITS
    return found


def _cash_flow(line: CashFlowLine) -> dict[str, Weights]:
    if line is CashFlowLine.CASH:
        return {"cash": _DEBITS}
    found: dict[str, Weights] = {}
    for is_debit in (True, False):
        unit = {"debits": _ONE if is_debit else _ZERO, "credits": _ZERO if is_debit else _ONE}
        for effect in cash_flow_effects(line, **unit):
            for name in (f"{effect.section}.{effect.key}", effect.section.value, "netChangeInCash"):
                before = found.get(name, Weights(0, 0))
                amount = int(effect.amount)
                found[name] = before._replace(
                    **({"debit": before.debit + amount} if is_debit else {"credit": before.credit + amount})
                )
    return {name: weights for name, weights in found.items() if any(weights)}


@lru_cache(maxsize=1)
def figure_names() -> tuple[str, ...]:
    """Every figure that the general ledger can explain, in a steady order."""
    return tuple(
        sorted(
            {name for basis in Basis for kind in FINANCIAL_TYPES.values() for name in weights_of(kind, basis)}
        )
    )
