"""The life of a company, as lines of its books: the same for the same seed, and sound.

Nothing here knows the database. Sound means: what is sold was bought before, taxes that were collected are
paid over, payroll comes out even, the card is paid off each month, and there is always money in the bank. A
story that is told further goes on where the shorter one ended, and changes nothing of it.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import ceil
from typing import Final, NamedTuple

from accounts.chart_templates import SYSTEM_ACCOUNTS, SystemRole
from banking.sandbox.dice import Dice
from banking.sandbox.industry import CardSales, Customer, Held, Industry, Spending

_SYSTEM: Final = {one.role: one.code for one in SYSTEM_ACCOUNTS}
OPENING_BALANCES: Final = _SYSTEM[SystemRole.OPENING_BALANCE_EQUITY]
UNCATEGORIZED_INCOME: Final = _SYSTEM[SystemRole.UNCATEGORIZED_INCOME]
UNCATEGORIZED_EXPENSE: Final = _SYSTEM[SystemRole.UNCATEGORIZED_EXPENSE]

# A card's purchase is booked so many days after it, and a transfer arrives a day after it left.
BOOKED_AFTER_DAYS: Final = (1, 4)
ARRIVES_AFTER: Final = timedelta(days=1)
# The opening balances cover the lows of these months; later ones are told much like them.
_OPENING_MONTHS: Final = 24
_WITHHELD_PER_MILLE: Final = 220
_EMPLOYER_TAX_PER_MILLE: Final = 77
_LOAN_RATE_PER_MILLE: Final = 72
_LOAN_MONTHS: Final = 60
_EQUIPMENT_MONTHS: Final = 48
_CASH_LEAST: Final = Decimal(12_000)
# What is left over at the end of a month, beyond this, goes to the savings account, and comes from there.
_CASH_SWEPT_FROM: Final = Decimal(5_000)
_SAVINGS_RATE_PER_MILLE: Final = 24
_TAX_MONTHS: Final = (1, 4, 6, 9)  # estimated income tax is due on the 15th of these
# Of a hundred small purchases by card so many are made twice on the day; of the others so many are returned.
_TWICE_PERCENT: Final = 12
_SMALL: Final = 120
_RETURNED_PERCENT: Final = 5
_RETURNED_AFTER: Final = timedelta(days=6)
_HELD_AT_A_PUMP: Final = Decimal(125)
_BILL_PER_MILLE_OF_TIPPED: Final = 833  # a tip of a fifth


class Line(NamedTuple):
    """An amount that enters the account `debit` and leaves `credit`, both by code.

    Where both are own bank accounts it is a transfer: it leaves on `day`, and arrives ARRIVES_AFTER.
    """

    day: date
    debit: int
    credit: int
    amount: Decimal
    description: str
    # A line of a bank or card statement; else an entry that the company's accountant made.
    is_bank: bool = False
    # Its place in the story, which never changes.
    number: int = 0
    # Of a transfer: how the bank words it in the account where it arrives.
    arriving: str = ""
    # Of a purchase by card: when the card was used, and what was held until `day`.
    used_on: date | None = None
    held: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Month:
    first: date
    last: date

    def day(self, number: int) -> date:
        """That day of the month, or its last one."""
        return self.first.replace(day=min(number, self.last.day))


def first_day(today: date, months: int) -> date:
    """The day on which a story begins that has `months` whole months before the current one."""
    count = today.year * 12 + today.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def tell(*, industry: Industry, seed: int, first: date, until: date, step: Decimal) -> list[Line]:
    """Return the lines from `first`, the first day of a month, up to `until`, oldest first.

    The opening balances are of the day before. Amounts are multiples of `step`, the currency's smallest unit.
    """
    last_month = until.replace(day=1)
    return [line for line in _told(industry, seed, first, last_month, step) if line.day <= until]


@lru_cache(maxsize=16)
def _told(industry: Industry, seed: int, first: date, last_month: date, step: Decimal) -> tuple[Line, ...]:
    """The story of whole months. Kept, as the pages of a feed are read from it one after the other."""
    story = _Story(industry, Dice(f"{seed} {industry.id}", step))
    covered = first_day(first, -_OPENING_MONTHS)
    for month in _months(first, max(last_month, covered)):
        story.month(month)
    lines = sorted(story.lines, key=lambda line: line.day)
    early = [line for line in lines if line.day < covered]
    opening = story.opening(first - timedelta(days=1), _lowest_cash(early, industry.chart.checking))
    return (*opening, *lines)


def _months(first: date, until: date) -> Iterator[Month]:
    while first <= until:
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
    def __init__(self, industry: Industry, dice: Dice) -> None:
        self.lines: list[Line] = []
        self._industry, self._chart, self._dice = industry, industry.chart, dice
        self._loan = Decimal(industry.loan)
        # What the equipment is still worth.
        self._value = Decimal(industry.equipment - industry.equipment // 4)
        # Of the month before: what the card is to be paid off with, what is owed in sales tax, and what the
        # goods have cost that must be bought again.
        self._charged = self._taxed = Decimal(0)
        self._sold_cost = self._usual_cost()
        self._invoice = dice.number(1_000, 1_999)
        self._number = 0
        # What the checking account has gained since the story began, by the month in which it does, and the
        # savings account whole.
        self._gained: defaultdict[date, Decimal] = defaultdict(Decimal)
        self._cash = Decimal(0)
        self._savings = Decimal(industry.opening_savings)

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
            self._shop(month, spending)
        for spending in self._industry.by_bank:
            self._spend(month, spending, self._chart.checking)
        for spending in self._industry.bills:
            for _ in range(spending.times_a_month):
                self._bill(month, spending.account, spending.description, self._dice.price(spending))
        self._settle(month, charged, taxed)
        self._close(month)
        self._sweep(month)

    def opening(self, day: date, lowest_cash: Decimal) -> list[Line]:
        """What the company had and owed before: enough money that the bank account never runs dry."""
        industry, chart = self._industry, self._chart
        needed = max(Decimal(industry.opening_cash), _CASH_LEAST - lowest_cash)
        cash = Decimal(ceil(needed / 1000) * 1000)
        savings = Decimal(industry.opening_savings)
        equipment, worn = Decimal(industry.equipment), Decimal(industry.equipment // 4)
        goods = 2 * self._usual_cost()
        loan = Decimal(industry.loan)
        lines = [
            Line(day, chart.checking, OPENING_BALANCES, cash, "Opening balance: bank account"),
            Line(day, chart.savings, OPENING_BALANCES, savings, "Opening balance: savings account"),
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
        owned = cash + savings + equipment - worn - loan + goods
        lines.append(
            Line(day, OPENING_BALANCES, chart.capital, owned, "Opening balances assigned to the owners")
        )
        return [line for line in lines if line.amount]

    # --- what a month is made of ------------------------------------------------------------------

    def _sell_by_card(self, month: Month, sales: CardSales) -> None:
        days = month.last.day
        for number in range(1, sales.payouts + 1):
            day = month.day(number * days // sales.payouts - 2)
            gross = self._dice.amount(sales.least, sales.most)
            tax = self._dice.share(gross, self._industry.sales_tax_per_mille)
            fee = self._dice.share(gross + tax, sales.fee_per_mille)
            self._book(day, sales.clearing, sales.income, gross, sales.sale)
            if tax and self._chart.sales_tax:
                self._book(day, sales.clearing, self._chart.sales_tax, tax, f"{sales.sale}, sales tax")
                self._taxed += tax
            self._book(day, sales.fees, sales.clearing, fee, f"Processing fee, {sales.sale.lower()}")
            self._bank(
                day + timedelta(days=2), self._chart.checking, sales.clearing, gross + tax - fee, sales.payout
            )
            if self._chart.inventory and self._chart.cost_of_goods:
                cost = self._dice.share(gross, self._industry.cost_per_mille)
                self._book(
                    day,
                    self._chart.cost_of_goods,
                    self._chart.inventory,
                    cost,
                    f"Cost of {sales.sale.lower()}",
                )
                self._sold_cost += cost

    def _invoice_to(self, month: Month, customer: Customer) -> None:
        if not self._dice.falls(customer.percent):
            return
        day = month.day(self._dice.number(1, 25))
        amount = self._dice.amount(customer.least, customer.most)
        self._invoice += self._dice.number(1, 3)
        chart = self._chart
        self._book(
            day, chart.receivable, customer.income, amount, f"Invoice {self._invoice} to {customer.name}"
        )
        paid_on = day + timedelta(days=self._dice.number(12, 39))
        self._bank(paid_on, chart.checking, chart.receivable, amount, customer.payment)

    def _pay_wages(self, month: Month, day: date) -> None:
        chart, gross = self._chart, Decimal(0)
        for account, monthly in self._industry.salaries:
            half = self._dice.share(Decimal(monthly), 500)
            self._book(day, account, chart.payroll_liabilities, half, f"Gross pay, payroll of {day:%d %b %Y}")
            gross += half
        withheld = self._dice.share(gross, _WITHHELD_PER_MILLE)
        employers = self._dice.share(gross, _EMPLOYER_TAX_PER_MILLE)
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
            day = month.day(spending.day or self._dice.number(1, month.last.day))
            self._bank(day, spending.account, paid_from, self._dice.price(spending), spending.description)

    def _shop(self, month: Month, spending: Spending) -> None:
        """Buy by card: now and then the same again on the day, and now and then it is given back."""
        dice = self._dice
        for _ in range(spending.times_a_month):
            day = month.day(spending.day or dice.number(1, month.last.day))
            amount, text = dice.price(spending), dice.words(spending.description)
            used_on = day - timedelta(days=dice.number(*BOOKED_AFTER_DAYS))
            is_varying = spending.least != spending.most
            is_twice = is_varying and spending.most <= _SMALL and dice.falls(_TWICE_PERCENT)
            for _ in range(2 if is_twice else 1):
                self._charge(day, spending, amount, text, used_on)
            if is_varying and not is_twice and dice.falls(_RETURNED_PERCENT):
                self._give_back(month, day + _RETURNED_AFTER, spending, amount, text)

    def _charge(self, day: date, spending: Spending, amount: Decimal, text: str, used_on: date) -> None:
        held = amount
        if spending.held is Held.WITHOUT_TIP:
            held = self._dice.share(amount, _BILL_PER_MILLE_OF_TIPPED)
        elif spending.held is Held.ROUND_SUM:
            held = _HELD_AT_A_PUMP
        self._bank(day, spending.account, self._chart.card, amount, text, used_on=used_on, held=held)
        self._charged += amount

    def _give_back(self, month: Month, day: date, spending: Spending, amount: Decimal, text: str) -> None:
        if spending.held is Held.SAME and day <= month.last:
            self._bank(day, self._chart.card, spending.account, amount, f"CARD REFUND {text}")
            self._charged -= amount

    def _bill(
        self, month: Month, account: int, supplier: str, amount: Decimal, *, day: int | None = None
    ) -> None:
        billed_on = month.day(day or self._dice.number(2, 23))
        paid_on = billed_on + timedelta(days=self._dice.number(15, 30))
        number = self._dice.number(10_000, 99_998)
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
            amount = left if number == len(suppliers) else self._dice.share(cost, 1000 // len(suppliers))
            left -= amount
            self._bill(month, self._chart.inventory, supplier, amount, day=1 + 3 * number)

    def _settle(self, month: Month, charged: Decimal, taxed: Decimal) -> None:
        """Pay what last month left: the card, sales tax; and what this one asks for: loan, tax, draws."""
        industry, chart = self._industry, self._chart
        self._bank(
            month.day(24),
            chart.card,
            chart.checking,
            charged,
            "CREDIT CARD AUTOPAY PAYMENT {n}",
            arriving="AUTOPAY PAYMENT RECEIVED - THANK YOU {n}",
        )
        self._save(month.day(16), Decimal(industry.monthly_saving))
        if chart.sales_tax:
            self._bank(
                month.day(20),
                chart.sales_tax,
                chart.checking,
                taxed,
                "ACH DEBIT STATE DEPT OF REVENUE SALES TAX {ref}",
            )
        if self._loan:
            interest = self._dice.share(self._loan, _LOAN_RATE_PER_MILLE) / 12
            principal = min(self._loan, self._dice.rounded(Decimal(industry.loan) / _LOAN_MONTHS))
            self._loan -= principal
            day, text = month.day(10), "LOAN PAYMENT FIRST COMMUNITY BANK {n}"
            self._bank(day, chart.loan, chart.checking, principal, f"{text} PRINCIPAL")
            self._bank(day, chart.interest, chart.checking, self._dice.rounded(interest), f"{text} INTEREST")
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
        wear = min(self._value, self._dice.rounded(Decimal(industry.equipment) / _EQUIPMENT_MONTHS))
        self._value -= wear
        self._book(
            last, chart.depreciation, chart.accumulated_depreciation, wear, f"Depreciation of {last:%B %Y}"
        )
        premium = self._dice.rounded(Decimal(industry.premium) / 12)
        self._book(last, chart.insurance, chart.prepaid, premium, f"Insurance of {last:%B %Y}")
        self._bank(last, chart.bank_fees, chart.checking, Decimal(25), "MONTHLY SERVICE FEE")
        if chart.interest_income:
            interest = self._dice.rounded(self._savings * _SAVINGS_RATE_PER_MILLE / 12_000)
            self._bank(last, chart.savings, chart.interest_income, interest, "INTEREST PAYMENT")
            self._savings += interest

    def _sweep(self, month: Month) -> None:
        """Put what the month leaves over into the savings account, or take from there what it lacks."""
        self._cash += self._gained.pop(month.first)
        if abs(self._cash) > _CASH_SWEPT_FROM:
            amount = max(_thousands(self._cash), -_thousands(self._savings))
            self._save(month.day(27), amount)
            self._cash -= amount
            del self._gained[month.first]

    def _save(self, day: date, amount: Decimal) -> None:
        """Transfer to the savings account, or back where the amount is negative."""
        chart = self._chart
        if amount > 0:
            texts = ("ONLINE TRANSFER TO SAVINGS REF #{ref}", "ONLINE TRANSFER FROM CHECKING REF #{ref}")
            self._bank(day, chart.savings, chart.checking, amount, texts[0], arriving=texts[1])
        else:
            texts = ("ONLINE TRANSFER TO CHECKING REF #{ref}", "ONLINE TRANSFER FROM SAVINGS REF #{ref}")
            self._bank(day, chart.checking, chart.savings, -amount, texts[0], arriving=texts[1])
        self._savings += amount

    # --- how lines are written --------------------------------------------------------------------

    def _usual_cost(self) -> Decimal:
        """What the goods cost that are sold in an ordinary month."""
        gross = sum(sales.payouts * (sales.least + sales.most) // 2 for sales in self._industry.card_sales)
        return self._dice.share(Decimal(gross), self._industry.cost_per_mille)

    def _book(self, day: date, debit: int, credit: int, amount: Decimal, description: str) -> None:
        if amount:
            self.lines.append(Line(day, debit, credit, amount, description, number=len(self.lines)))

    def _bank(
        self,
        day: date,
        debit: int,
        credit: int,
        amount: Decimal,
        description: str,
        *,
        arriving: str = "",
        used_on: date | None = None,
        held: Decimal | None = None,
    ) -> None:
        if not amount:
            return
        number, dice, checking = len(self.lines), self._dice, self._chart.checking
        self.lines.append(
            Line(
                day,
                debit,
                credit,
                amount,
                dice.words(description),
                is_bank=True,
                number=number,
                arriving=dice.words(arriving),
                used_on=used_on,
                held=held,
            )
        )
        self._gained[day.replace(day=1)] += amount * ((debit == checking) - (credit == checking))


def _thousands(amount: Decimal) -> Decimal:
    return Decimal(int(amount / 1000) * 1000)


def balances(lines: list[Line]) -> dict[int, Decimal]:
    """Return what the lines leave on each account, debits positive."""
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        found[line.debit] += line.amount
        found[line.credit] -= line.amount
    return dict(found)
