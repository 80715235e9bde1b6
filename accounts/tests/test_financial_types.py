"""The table of financial types is the base of every statement: one wrong entry misstates every company."""

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.cash_flow import CashFlowLine, CashFlowSection, cash_flow_effects
from accounts.choices import AccountType, Side
from accounts.financial_types import (
    _ALL,
    FINANCIAL_TYPES,
    IncomeSection,
    default_financial_type,
    financial_type,
    financial_types_of,
    is_cash,
)

CODES = sorted(FINANCIAL_TYPES)
# The keys of the cash flow statement, from the wire contract.
REPORT_KEYS = {
    CashFlowSection.OPERATING: {
        "netIncome",
        "depreciation",
        "changeInAccountsReceivable",
        "changeInInventory",
        "changeInAccountsPayable",
        "changeInAccruedLiabilities",
        "other",
    },
    CashFlowSection.INVESTING: {
        "purchaseOfFixedAssets",
        "purchaseOfInvestments",
        "saleOfInvestments",
        "other",
    },
    CashFlowSection.FINANCING: {
        "proceedsFromDebt",
        "repaymentOfDebt",
        "issuanceOfStock",
        "dividendsPaid",
        "other",
    },
}
MONEY = st.decimals(min_value=0, max_value=10**9, places=4)


def statement(*movements: tuple[str, str, str]) -> dict[tuple[str, str], Decimal]:
    """The non-zero lines of the cash flow statement for entries of (debit type, credit type, amount)."""
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for debit, credit, amount in movements:
        sums[debit][0] += Decimal(amount)
        sums[credit][1] += Decimal(amount)
    lines: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for code, (debits, credits) in sums.items():
        for effect in cash_flow_effects(financial_type(code).cash_flow, debits=debits, credits=credits):
            lines[effect.section.name, effect.key] += effect.amount
    return {key: amount for key, amount in lines.items() if amount}


def test_assets_and_expenses_grow_by_debits_and_the_rest_by_credits() -> None:
    debit_types = {type_ for type_ in AccountType if type_.normal_side is Side.DEBIT}
    assert debit_types == {AccountType.ASSET, AccountType.EXPENSE}
    assert [side.opposite for side in (Side.DEBIT, Side.CREDIT)] == [Side.CREDIT, Side.DEBIT]


def test_every_code_and_label_stands_once_and_under_one_account_type() -> None:
    assert len(_ALL) == len(FINANCIAL_TYPES) == len({item.label for item in _ALL})
    by_type = [financial_types_of(type_) for type_ in AccountType]
    assert sorted(code for codes in by_type for code in codes) == CODES


@pytest.mark.parametrize(
    ("type_", "codes"),
    [
        (AccountType.ASSET, ["CASH", "ACCOUNTS_RECEIVABLE", "INVENTORY"]),
        (AccountType.LIABILITY, ["ACCOUNTS_PAYABLE", "SHORT_TERM_DEBT"]),
        (AccountType.EQUITY, ["RETAINED_EARNINGS", "OWNER_EQUITY"]),
        (AccountType.REVENUE, ["SALES", "SERVICE_REVENUES"]),
        (AccountType.EXPENSE, ["PAYROLL_EXPENSES", "RENT_EXPENSES", "ADVERTISING_EXPENSES"]),
    ],
)
def test_the_types_of_the_reference_page_exist_under_their_account_type(
    type_: AccountType, codes: list[str]
) -> None:
    assert {financial_type(code).type for code in codes} == {type_}


def test_exactly_the_contra_accounts_have_the_opposite_normal_side() -> None:
    assert {item.code for item in _ALL if item.is_contra} == {
        "ALLOWANCE_FOR_DOUBTFUL_ACCOUNTS",
        "ACCUMULATED_DEPRECIATION",
        "ACCUMULATED_AMORTIZATION",
        "TREASURY_STOCK",
        "OWNER_DRAWS",
        "DIVIDENDS",
        "SALES_RETURNS_AND_REFUNDS",
        "SALES_DISCOUNTS",
        "PURCHASE_DISCOUNTS",
    }


@pytest.mark.parametrize("code", CODES)
def test_a_type_has_the_attributes_of_its_statement_and_no_others(code: str) -> None:
    item = financial_type(code)
    has_maturity = item.type in (AccountType.ASSET, AccountType.LIABILITY)
    assert (item.is_current is not None) == has_maturity
    assert (item.income_section is None) == item.type.is_balance_sheet
    in_net_income = item.cash_flow in (
        CashFlowLine.NET_INCOME,
        CashFlowLine.DEPRECIATION,
        CashFlowLine.DISPOSAL_RESULT,
        CashFlowLine.STOCK_COMPENSATION,
    )
    assert in_net_income == (not item.type.is_balance_sheet)


def test_revenue_is_never_a_cost_and_expenses_are_never_revenue() -> None:
    sections = {type_: {item.income_section for item in _ALL if item.type is type_} for type_ in AccountType}
    assert sections[AccountType.REVENUE] == {IncomeSection.REVENUE, IncomeSection.OTHER}
    assert sections[AccountType.EXPENSE] == set(IncomeSection) - {IncomeSection.REVENUE}
    assert [item.code for item in _ALL if item.income_section is IncomeSection.TAX] == ["INCOME_TAX_EXPENSES"]


def test_cash_is_what_the_statement_of_cash_flows_explains() -> None:
    cash = {code for code in CODES if is_cash(code)}
    assert cash == {
        "CASH",
        "SAVINGS",
        "PETTY_CASH",
        "UNDEPOSITED_FUNDS",
        "CASH_EQUIVALENTS",
        "RESTRICTED_CASH",
    }
    assert all(financial_type(code).is_current for code in cash)
    assert not is_cash("CREDIT_CARD")
    assert not is_cash("NO_SUCH_TYPE")


@pytest.mark.parametrize("type_", AccountType)
def test_the_default_of_an_account_type_belongs_to_it(type_: AccountType) -> None:
    default = default_financial_type(type_)
    assert default.type is type_
    assert not default.is_contra
    assert not is_cash(default.code)


def test_an_unknown_code_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="NO_SUCH_TYPE"):
        financial_type("NO_SUCH_TYPE")


@pytest.mark.parametrize("line", CashFlowLine)
def test_every_effect_lands_in_a_line_that_the_report_has(line: CashFlowLine) -> None:
    for effect in cash_flow_effects(line, debits=Decimal(3), credits=Decimal(5)):
        assert effect.key in REPORT_KEYS[effect.section]


@given(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(CODES), MONEY), max_size=30))
def test_the_statement_explains_the_change_in_cash_for_any_entries(
    entries: list[tuple[str, str, Decimal]],
) -> None:
    change_in_cash = sum((a for d, _, a in entries if is_cash(d)), Decimal(0)) - sum(
        (a for _, c, a in entries if is_cash(c)), Decimal(0)
    )
    lines = statement(*((d, c, str(a)) for d, c, a in entries))
    assert sum(lines.values(), Decimal(0)) == change_in_cash


def test_depreciation_is_added_back_and_leaves_no_trace_in_investing() -> None:
    lines = statement(("DEPRECIATION_EXPENSES", "ACCUMULATED_DEPRECIATION", "200"))
    assert lines == {("OPERATING", "netIncome"): Decimal(-200), ("OPERATING", "depreciation"): Decimal(200)}


def test_a_sold_machine_shows_its_whole_price_in_investing() -> None:
    # Cost 1,000, depreciated by 600, sold for 500: a gain of 100.
    lines = statement(
        ("ACCUMULATED_DEPRECIATION", "MACHINERY_AND_EQUIPMENT", "600"),
        ("CASH", "MACHINERY_AND_EQUIPMENT", "400"),
        ("CASH", "GAIN_ON_SALE_OF_ASSETS", "100"),
    )
    assert lines == {
        ("OPERATING", "netIncome"): Decimal(100),
        ("OPERATING", "other"): Decimal(-100),
        ("INVESTING", "other"): Decimal(500),
    }


def test_a_loan_shows_proceeds_and_repayments_apart_and_interest_in_operating() -> None:
    lines = statement(
        ("CASH", "LONG_TERM_DEBT", "10000"),
        ("LONG_TERM_DEBT", "CASH", "2000"),
        ("INTEREST_EXPENSES", "CASH", "50"),
    )
    assert lines == {
        ("FINANCING", "proceedsFromDebt"): Decimal(10000),
        ("FINANCING", "repaymentOfDebt"): Decimal(-2000),
        ("OPERATING", "netIncome"): Decimal(-50),
    }


def test_pay_in_shares_is_neither_an_outflow_nor_proceeds_of_stock() -> None:
    lines = statement(("STOCK_COMPENSATION_EXPENSES", "ADDITIONAL_PAID_IN_CAPITAL", "70"))
    assert lines == {("OPERATING", "netIncome"): Decimal(-70), ("OPERATING", "other"): Decimal(70)}


def test_working_capital_moves_with_the_right_sign() -> None:
    lines = statement(
        ("ACCOUNTS_RECEIVABLE", "SALES", "300"),
        ("INVENTORY", "ACCOUNTS_PAYABLE", "80"),
        ("PAYROLL_EXPENSES", "PAYROLL_LIABILITIES", "40"),
    )
    assert lines == {
        ("OPERATING", "netIncome"): Decimal(260),
        ("OPERATING", "changeInAccountsReceivable"): Decimal(-300),
        ("OPERATING", "changeInInventory"): Decimal(-80),
        ("OPERATING", "changeInAccountsPayable"): Decimal(80),
        ("OPERATING", "changeInAccruedLiabilities"): Decimal(40),
    }


def test_dividends_count_when_paid_and_not_when_declared() -> None:
    declared = ("DIVIDENDS", "DIVIDENDS_PAYABLE", "90")
    assert statement(declared) == {}
    assert statement(declared, ("DIVIDENDS_PAYABLE", "CASH", "90")) == {
        ("FINANCING", "dividendsPaid"): Decimal(-90)
    }
