"""A year in the life of a company, as lines of its books: the same for the same seed, and sound.

Nothing here knows the database. Sound means: what is sold was bought before, taxes that were collected are
paid over, payroll comes out even, the card is paid off each month, and there is always money in the bank.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from random import Random
from typing import Final, NamedTuple

from accounts.chart_templates import SYSTEM_ACCOUNTS, SystemRole
from banking.sandbox.industry import CardSales, Customer, Industry, Spending

_SYSTEM: Final = {one.role: one.code for one in SYSTEM_ACCOUNTS}
OPENING_BALANCES: Final = _SYSTEM[SystemRole.OPENING_BALANCE_EQUITY]
UNCATEGORIZED_INCOME: Final = _SYSTEM[SystemRole.UNCATEGORIZED_INCOME]
UNCATEGORIZED_EXPENSE: Final = _SYSTEM[SystemRole.UNCATEGORIZED_EXPENSE]

# What the bank showed lately is not approved yet, and some of it not even categorized.
PENDING_DAYS: Final = 14
_UNCATEGORIZED_PERCENT: Final = 35
_WITHHELD_PER_MILLE: Final = 220
_EMPLOYER_TAX_PER_MILLE: Final = 77
_LOAN_RATE_PER_MILLE: Final = 72
_LOAN_MONTHS: Final = 60
_EQUIPMENT_MONTHS: Final = 48
_CASH_LEAST: Final = Decimal(5_000)
_TAX_MONTHS: Final = (1, 4, 6, 9)  # estimated income tax is due on the 15th of these
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Line(NamedTuple):
    """An amount that enters the account `debit` and leaves `credit`, both by code."""

    day: date
    debit: int
    credit: int
    amount: Decimal
    description: str
    # A line of a bank or card statement; else an entry that the company's accountant made.
    is_bank: bool = False
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    first: date
    last: date

    def day(self, number: int) -> date:
        """That day of the month, or its last one."""
        return self.first.replace(day=min(number, self.last.day))


def tell(*, industry: Industry, seed: int, months: int, today: date, step: Decimal) -> list[Line]:
    """Return the lines of `months` whole months and of the current one up to `today`, oldest first.

    The opening balances are of the day before. Amounts are multiples of `step`, the currency's smallest unit.
    """
    story = _Story(industry, Random(f"{seed} {industry.id}"), step)  # noqa: S311 - made-up books, no secret
    first = _month_back(today, months)
    for month in _months(first, today):
        story.month(month)
    lines = sorted((line for line in story.lines if line.day <= today), key=lambda line: line.day)
    opening = story.opening(first - timedelta(days=1), _lowest_cash(lines, industry.chart.checking))
    return opening + story.not_yet_approved(lines, today)


def _month_back(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _months(first: date, today: date) -> Iterator[Month]:
    while first <= today:
        last = first.replace(day=monthrange(first.year, first.month)[1])
        yield Month(first, last)
        first = last + timedelta(days=1)


def _lowest_cash(lines: list[Line], checking: int) -> Decimal:
    """The lowest that the bank account stood at, had it begun with nothing; at most zero."""
    cash = lowest = Decimal(0)
    for line in lines:
        cash += line.amount * ((line.debit == checking) - (line.credit == checking))
        lowest = min(lowest, cash)
    return lowest


class _Story:
    def __init__(self, industry: Industry, random: Random, step: Decimal) -> None:
        self.lines: list[Line] = []
        self._industry, self._chart = industry, industry.chart
        self._random, self._step = random, step
        self._loan = Decimal(industry.loan)
        # What the equipment is still worth.
        self._value = Decimal(industry.equipment - industry.equipment // 4)
        # Of the month before: what the card is to be paid off with, what is owed in sales tax, and what the
        # goods have cost that must be bought again.
        self._charged = self._taxed = Decimal(0)
        self._sold_cost = self._usual_cost()
        self._invoice = random.randrange(1_000, 2_000)
        self._number = 0

    def month(self, month: Month) -> None:
        """Tell one month, whole; the caller leaves out what lies ahead."""
        charged, taxed, sold_cost = self._charged, self._taxed, self._sold_cost
        self._charged = self._taxed = self._sold_cost = Decimal(0)
        self._number += 1
        self._buy_goods(month, sold_cost)
        self._spend(month, self._industry.rent, self._chart.checking)
        for sales in self._industry.card_sales:
            self._sell_by_card(month, sales)
        for customer in self._industry.customers:
            self._invoice_to(month, customer)
        self._pay_wages(month, month.day(15))
        self._pay_wages(month, month.last)
        for spending in self._industry.on_card:
            self._spend(month, spending, self._chart.card)
        for spending in self._industry.by_bank:
            self._spend(month, spending, self._chart.checking)
        for spending in self._industry.bills:
            for _ in range(spending.times_a_month):
                self._bill(month, spending.account, spending.description, self._between(spending))
        self._settle(month, charged, taxed)
        self._close(month)

    def opening(self, day: date, lowest_cash: Decimal) -> list[Line]:
        """What the company had and owed before: enough money that the bank account never runs dry."""
        industry, chart = self._industry, self._chart
        needed = max(Decimal(industry.opening_cash), _CASH_LEAST - lowest_cash)
        cash = Decimal(ceil(needed / 1000) * 1000)
        equipment, worn = Decimal(industry.equipment), Decimal(industry.equipment // 4)
        goods = 2 * self._usual_cost()
        loan = Decimal(industry.loan)
        lines = [
            Line(day, chart.checking, OPENING_BALANCES, cash, "Opening balance: bank account"),
            Line(day, chart.equipment, OPENING_BALANCES, equipment, "Opening balance: equipment"),
            Line(
                day,
                OPENING_BALANCES,
                chart.accumulated_depreciation,
                worn,
                "Opening balance: depreciation so far",
            ),
            Line(day, OPENING_BALANCES, chart.loan, loan, "Opening balance: loan"),
        ]
        if chart.inventory:
            lines.append(Line(day, chart.inventory, OPENING_BALANCES, goods, "Opening balance: inventory"))
        else:
            goods = Decimal(0)
        owned = cash + equipment - worn - loan + goods
        lines.append(
            Line(day, OPENING_BALANCES, chart.capital, owned, "Opening balances assigned to the owners")
        )
        return [line for line in lines if line.amount]

    def not_yet_approved(self, lines: list[Line], today: date) -> list[Line]:
        """Leave what the bank showed in the last weeks to be approved, and some of it to be categorized."""
        since = today - timedelta(days=PENDING_DAYS)
        told = []
        for line in lines:
            if line.is_bank and line.day > since:
                line = line._replace(is_pending=True)
                if self._random.randrange(100) < _UNCATEGORIZED_PERCENT:
                    line = self._without_category(line)
            told.append(line)
        return told

    def _without_category(self, line: Line) -> Line:
        own = (self._chart.checking, self._chart.card)
        if line.credit in own and line.debit >= 5_000:
            return line._replace(debit=UNCATEGORIZED_EXPENSE)
        if line.debit in own and line.credit >= 4_000:
            return line._replace(credit=UNCATEGORIZED_INCOME)
        return line

    # --- what a month is made of ------------------------------------------------------------------

    def _sell_by_card(self, month: Month, sales: CardSales) -> None:
        days = month.last.day
        for number in range(1, sales.payouts + 1):
            day = month.day(number * days // sales.payouts - 2)
            gross = self._amount(sales.least, sales.most)
            tax = self._share(gross, self._industry.sales_tax_per_mille)
            fee = self._share(gross + tax, sales.fee_per_mille)
            self._book(day, sales.clearing, sales.income, gross, sales.sale)
            if tax and self._chart.sales_tax:
                self._book(day, sales.clearing, self._chart.sales_tax, tax, f"{sales.sale}, sales tax")
                self._taxed += tax
            self._book(day, sales.fees, sales.clearing, fee, f"Processing fee, {sales.sale.lower()}")
            self._bank(
                day + timedelta(days=2), self._chart.checking, sales.clearing, gross + tax - fee, sales.payout
            )
            if self._chart.inventory and self._chart.cost_of_goods:
                cost = self._share(gross, self._industry.cost_per_mille)
                self._book(
                    day,
                    self._chart.cost_of_goods,
                    self._chart.inventory,
                    cost,
                    f"Cost of {sales.sale.lower()}",
                )
                self._sold_cost += cost

    def _invoice_to(self, month: Month, customer: Customer) -> None:
        if self._random.randrange(100) >= customer.percent:
            return
        day = month.day(self._random.randrange(1, 26))
        amount = self._amount(customer.least, customer.most)
        self._invoice += self._random.randrange(1, 4)
        chart = self._chart
        self._book(
            day, chart.receivable, customer.income, amount, f"Invoice {self._invoice} to {customer.name}"
        )
        paid_on = day + timedelta(days=self._random.randrange(12, 40))
        self._bank(paid_on, chart.checking, chart.receivable, amount, customer.payment)

    def _pay_wages(self, month: Month, day: date) -> None:
        chart, gross = self._chart, Decimal(0)
        for account, monthly in self._industry.salaries:
            half = self._share(Decimal(monthly), 500)
            self._book(day, account, chart.payroll_liabilities, half, f"Gross pay, payroll of {day:%d %b %Y}")
            gross += half
        withheld = self._share(gross, _WITHHELD_PER_MILLE)
        employers = self._share(gross, _EMPLOYER_TAX_PER_MILLE)
        owed = chart.payroll_liabilities
        self._book(day, chart.payroll_taxes, owed, employers, f"Employer's taxes, payroll of {day:%d %b %Y}")
        self._bank(day, owed, chart.checking, gross - withheld, "ACH DEBIT GUSTO DES:NET {n} ID:6SEMK{ref}")
        self._bank(
            day + timedelta(days=1),
            owed,
            chart.checking,
            withheld + employers,
            "ACH DEBIT GUSTO DES:TAX {n} ID:6SEMK{ref}",
        )

    def _spend(self, month: Month, spending: Spending, paid_from: int) -> None:
        for _ in range(spending.times_a_month):
            day = month.day(spending.day or self._random.randrange(1, month.last.day + 1))
            amount = self._between(spending)
            self._bank(day, spending.account, paid_from, amount, spending.description)
            if paid_from == self._chart.card:
                self._charged += amount

    def _bill(
        self, month: Month, account: int, supplier: str, amount: Decimal, *, day: int | None = None
    ) -> None:
        billed_on = month.day(day or self._random.randrange(2, 24))
        paid_on = billed_on + timedelta(days=self._random.randrange(15, 31))
        number = self._random.randrange(10_000, 99_999)
        self._book(billed_on, account, self._chart.payable, amount, f"Bill {number} from {supplier}")
        self._bank(
            paid_on,
            self._chart.payable,
            self._chart.checking,
            amount,
            f"ACH PAYMENT {supplier.upper()} {{ref}}",
        )

    def _buy_goods(self, month: Month, cost: Decimal) -> None:
        """Buy again what was sold in the month before."""
        suppliers = self._industry.suppliers_of_goods
        if not suppliers or not self._chart.inventory:
            return
        left = cost
        for number, supplier in enumerate(suppliers, start=1):
            amount = left if number == len(suppliers) else self._share(cost, 1000 // len(suppliers))
            left -= amount
            self._bill(month, self._chart.inventory, supplier, amount, day=1 + 3 * number)

    def _settle(self, month: Month, charged: Decimal, taxed: Decimal) -> None:
        """Pay what last month left: the card, sales tax; and what this one asks for: loan, tax, draws."""
        industry, chart = self._industry, self._chart
        self._bank(
            month.day(24), chart.card, chart.checking, charged, "CREDIT CARD AUTOPAY PAYMENT {n} THANK YOU"
        )
        if chart.sales_tax:
            self._bank(
                month.day(20),
                chart.sales_tax,
                chart.checking,
                taxed,
                "ACH DEBIT STATE DEPT OF REVENUE SALES TAX {ref}",
            )
        if self._loan:
            interest = self._share(self._loan, _LOAN_RATE_PER_MILLE) / 12
            principal = min(self._loan, self._rounded(Decimal(industry.loan) / _LOAN_MONTHS))
            self._loan -= principal
            day, text = month.day(10), "LOAN PAYMENT FIRST COMMUNITY BANK {n}"
            self._bank(day, chart.loan, chart.checking, principal, f"{text} PRINCIPAL")
            self._bank(day, chart.interest, chart.checking, self._rounded(interest), f"{text} INTEREST")
        if chart.income_tax and month.first.month in _TAX_MONTHS:
            amount = Decimal(industry.quarterly_income_tax)
            self._bank(
                month.day(15), chart.income_tax, chart.checking, amount, "IRS USATAXPYMT ESTIMATED TAX {ref}"
            )
        if chart.draws:
            self._bank(
                month.day(28),
                chart.draws,
                chart.checking,
                Decimal(industry.monthly_draw),
                "ONLINE TRANSFER TO OWNER ...{n}",
            )
        if self._number % 12 == 1:
            premium = Decimal(industry.premium)
            self._bank(
                month.day(5), chart.prepaid, chart.checking, premium, "HISCOX INSURANCE ANNUAL PREMIUM {n}"
            )

    def _close(self, month: Month) -> None:
        """What is done on the last day of a month."""
        industry, chart, last = self._industry, self._chart, month.last
        wear = min(self._value, self._rounded(Decimal(industry.equipment) / _EQUIPMENT_MONTHS))
        self._value -= wear
        self._book(
            last, chart.depreciation, chart.accumulated_depreciation, wear, f"Depreciation of {last:%B %Y}"
        )
        premium = self._rounded(Decimal(industry.premium) / 12)
        self._book(last, chart.insurance, chart.prepaid, premium, f"Insurance of {last:%B %Y}")
        self._bank(last, chart.bank_fees, chart.checking, Decimal(25), "MONTHLY SERVICE FEE")
        if chart.interest_income:
            self._bank(last, chart.checking, chart.interest_income, self._amount(8, 60), "INTEREST PAYMENT")

    # --- amounts and words ------------------------------------------------------------------------

    def _usual_cost(self) -> Decimal:
        """What the goods cost that are sold in an ordinary month."""
        gross = sum(sales.payouts * (sales.least + sales.most) // 2 for sales in self._industry.card_sales)
        return self._share(Decimal(gross), self._industry.cost_per_mille)

    def _between(self, spending: Spending) -> Decimal:
        if spending.least == spending.most:
            return Decimal(spending.least)
        return self._amount(spending.least, spending.most)

    def _amount(self, least: int, most: int) -> Decimal:
        return self._rounded(Decimal(self._random.randrange(least * 100, most * 100 + 1)) / 100)

    def _share(self, amount: Decimal, per_mille: int) -> Decimal:
        return self._rounded(amount * per_mille / 1000)

    def _rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(self._step)

    def _book(self, day: date, debit: int, credit: int, amount: Decimal, description: str) -> None:
        if amount:
            self.lines.append(Line(day, debit, credit, amount, description))

    def _bank(self, day: date, debit: int, credit: int, amount: Decimal, description: str) -> None:
        if amount:
            text = description.replace("{n}", f"{self._random.randrange(1000, 10_000)}")
            text = text.replace("{ref}", "".join(self._random.choices(_ALPHABET, k=6)))
            self.lines.append(Line(day, debit, credit, amount, text, is_bank=True))


def balances(lines: list[Line]) -> dict[int, Decimal]:
    """Return what the lines leave on each account, debits positive."""
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        found[line.debit] += line.amount
        found[line.credit] -= line.amount
    return dict(found)
