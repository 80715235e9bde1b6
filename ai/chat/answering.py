"""The answer of a typed query: figures of the statements from `reports`, sums of transactions from
`transactions`, and nothing else. The number of statements does not depend on the number of transactions.

What counts: of the statements what is posted, as in every report, and beside it what it would be with what is
not posted yet; of transactions all but expired ones, and beside it how many are not posted yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from accounts.balances import account_balance
from accounts.choices import AccountType
from accounts.querysets import default_ledger
from ai.chat.parsing.calendar import months_later
from ai.chat.query import OF_A_DAY, OF_STATEMENTS, ChatQuery, Compare, Measure, Rank, Span
from ledger.exceptions import ValidationError
from ledger.models import Entity, Ledger
from ledger.money import round_to_minor
from ledger.times import YEAR_MAX
from reports.frame import Frame
from reports.periods import BEGINNING, Period
from reports.read import new_scope, read_frames
from reports.statements.balance_sheet import balance_sheet
from reports.statements.cash_flow import cash_flow_statement
from reports.statements.income_statement import income_statement
from reports.statements.overview import percent_change
from reports.sums import StatusFilter, exactly
from reports.tree import Forest
from transactions.category_side import PROFIT_AND_LOSS
from transactions.choices import COUNTS_AS_POSTED
from transactions.rows import Row
from transactions.selections import (
    AccountOfChart,
    Grouping,
    Order,
    Selection,
    below,
    chart_of,
    groups,
    rows,
    totals,
)

SHOWN: Final = 20
SHOWN_OF_RANKED: Final = 10
PERIODS_MAX: Final = 120
BALANCES_MAX: Final = 20
_UNCATEGORIZED_ROLES: Final = frozenset({"uncategorized_income", "uncategorized_expense"})
_DAY: Final = timedelta(days=1)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """One group of an answer: a month, a category, a counterparty, an account. Counts of statements' figures
    are not known."""

    name: str
    total: Decimal
    count: int | None = None
    account_id: UUID | None = None
    start: date | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What it was in the other period. `percent` is None where it was zero."""

    period: Period
    total: Decimal
    count: int
    change: Decimal
    percent: Decimal | None


@dataclass(frozen=True)
class Answered:
    """The figures that answer a query."""

    query: ChatQuery
    currency: str
    # The days that were looked at; without a start or an end where nothing bounds them.
    span: Span
    total: Decimal = _ZERO
    count: int = 0
    average: Decimal | None = None
    # Of transactions what is not posted yet, within the total; of statements what the total would be with it.
    pending_count: int = 0
    pending_total: Decimal = _ZERO
    rows: tuple[Row, ...] = ()
    parts: tuple[Part, ...] = ()
    comparison: Comparison | None = None
    # What could not be done, in words.
    remarks: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    accounts: dict[UUID, AccountOfChart] = field(default_factory=dict)


def answer(entity: Entity, query: ChatQuery, *, today: date) -> Answered:
    """Answer a query from the books of `entity`, in the currency of its default ledger; `today` is the
    company's. At most 12 queries, and one for each account whose balance is asked."""
    ledger = default_ledger(entity)
    chart = chart_of(entity, ledger.id)
    asked = _Asked(entity, ledger, chart, query, today)
    with exactly():
        if query.measure is Measure.BALANCE:
            return asked.balances()
        if query.measure in OF_STATEMENTS:
            return asked.statement()
        return asked.transactions()


@dataclass
class _Asked:
    """A query on its way to an answer."""

    entity: Entity
    ledger: Ledger
    chart: Sequence[AccountOfChart]
    query: ChatQuery
    today: date

    @property
    def named(self) -> dict[UUID, AccountOfChart]:
        return {one.id: one for one in self.chart}

    # --- transactions ---

    def transactions(self) -> Answered:
        query = self.query
        selection = self.selection(query.period)
        found = totals(self.entity, self.chart, selection)
        parts = self.parts(selection)
        average = self.rounded(found.total / found.count) if found.count else None
        if query.measure is Measure.AVERAGE and query.group_by not in (
            None,
            Grouping.CATEGORY,
            Grouping.COUNTERPARTY,
        ):
            average = self.rounded(found.total / len(parts)) if parts else None
        other = self.other_period()
        comparison = None
        if other is not None:
            before = totals(self.entity, self.chart, self.selection(Span(other.start, other.end)))
            comparison = self.compared(other, found.total, before.total, found.count, before.count)
        return Answered(
            query,
            self.ledger.currency,
            query.period or Span(None, None),
            total=found.total,
            count=found.count,
            average=average,
            pending_count=found.pending_count,
            pending_total=found.pending_total,
            rows=self.rows(selection) if found.count else (),
            parts=parts,
            comparison=comparison,
            remarks=self.remarks(other),
            first_day=found.first_day,
            last_day=found.last_day,
            accounts=self.named,
        )

    def selection(self, span: Span | None) -> Selection:
        """The transactions that are meant, of some days."""
        query, amount = self.query, self.query.amount
        low = amount.low if amount else None
        high = amount.high if amount else None
        return Selection(
            ledger_id=self.ledger.id,
            date_from=span.start if span else None,
            date_to=span.end if span else None,
            account_ids=self.account_ids(),
            flow=query.flow,
            counterparties=query.counterparties,
            amount_min=low if not (amount and amount.low_excluded) else None,
            amount_max=high if not (amount and amount.high_excluded) else None,
            above=low if amount and amount.low_excluded else None,
            below=high if amount and amount.high_excluded else None,
            text=query.text,
            statuses=query.statuses,
        )

    def account_ids(self) -> frozenset[UUID] | None:
        query = self.query
        chosen: frozenset[UUID] | None = None
        if query.account_ids:
            chosen = below(self.chart, query.account_ids)
        if query.account_type is not None:
            of_type = frozenset(one.id for one in self.chart if one.type == query.account_type)
            chosen = of_type if chosen is None else chosen & of_type
        if query.uncategorized:
            without = frozenset(one.id for one in self.chart if one.role in _UNCATEGORIZED_ROLES)
            chosen = without if chosen is None else chosen & without or without
        return chosen

    def rows(self, selection: Selection) -> tuple[Row, ...]:
        order = {Measure.LARGEST: Order.LARGEST, Measure.SMALLEST: Order.SMALLEST}.get(
            self.query.measure, Order.NEWEST
        )
        shown = SHOWN if order is Order.NEWEST else SHOWN_OF_RANKED
        limit = self.query.limit if self.query.limit and self.query.group_by is None else shown
        return tuple(rows(self.entity, self.chart, selection, order=order, limit=limit))

    def parts(self, selection: Selection) -> tuple[Part, ...]:
        grouping = self.query.group_by
        if grouping is None:
            return ()
        named = self.named
        found = []
        for group in groups(self.entity, self.chart, selection, grouping):
            if isinstance(group.key, UUID):
                found.append(Part(named[group.key].name, group.total, group.count, account_id=group.key))
            elif isinstance(group.key, date):
                name = period_name(group.key, grouping)
                found.append(Part(name, group.total, group.count, start=group.key))
            else:
                found.append(Part(group.key or "No category", group.total, group.count))
        return self.ranked(found)

    def ranked(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        rank, chosen = self.query.rank, list(parts)
        if rank is not None:
            chosen.sort(key=lambda part: part.total, reverse=rank is Rank.HIGHEST)
        if rank is None and self.query.limit and chosen and chosen[0].start is not None:
            return tuple(chosen[-self.query.limit :])
        return tuple(chosen[: self.query.limit] if self.query.limit else chosen)

    # --- statements ---

    def statement(self) -> Answered:
        query = self.query
        period = self.period()
        other = self.other_period()
        first_day = None
        selection = replace(
            Selection(self.ledger.id), account_ids=self.results(), statuses=frozenset(COUNTS_AS_POSTED)
        )
        if query.measure not in OF_A_DAY:
            selection = replace(
                selection, date_from=query.period.start if query.period else None, date_to=period.end
            )
        found = totals(self.entity, self.chart, selection)
        first_day = found.first_day
        grouping = query.group_by
        steps = self.steps(period, grouping, first_day) if grouping is not None else []
        scope = new_scope(entity=self.entity, ledger=self.ledger)
        wanted = [period, *([other] if other else []), *steps]
        frames = read_frames(scope, wanted)
        [with_pending] = read_frames(replace(scope, status=StatusFilter.ALL), [period])
        total = self.figure(frames[0])
        comparison = None
        if other is not None:
            comparison = self.compared(other, total, self.figure(frames[1]), 0, 0)
        parts: Sequence[Part] = [
            Part(period_name(frame.period.start, grouping), self.figure(frame), start=frame.period.start)
            for frame in frames[len(wanted) - len(steps) :]
            if grouping is not None
        ]
        if grouping is Grouping.CATEGORY:
            parts = self.by_category(frames[0])
        average = None
        if query.measure not in OF_A_DAY and found.count:
            average = self.rounded(total / found.count)
        is_listed = query.measure not in OF_A_DAY and query.measure is not Measure.CASH_CHANGE
        span = Span(query.period.start if query.period else None, period.end)
        return Answered(
            query,
            self.ledger.currency,
            span,
            total=total,
            count=found.count if is_listed else 0,
            average=average if is_listed else None,
            pending_total=self.figure(with_pending),
            rows=self.rows(selection) if is_listed and found.count else (),
            parts=self.ranked(parts),
            comparison=comparison,
            remarks=self.remarks(other),
            first_day=first_day,
            accounts=self.named,
        )

    def figure(self, frame: Frame) -> Decimal:
        """The line of the statements that is asked for."""
        measure = self.query.measure
        if measure in OF_A_DAY:
            sheet = balance_sheet(frame)
            return {
                Measure.CASH: sheet.cash,
                Measure.ASSETS: sheet.total_assets,
                Measure.LIABILITIES: sheet.total_liabilities,
                Measure.EQUITY: sheet.total_equity,
            }[measure]
        if measure is Measure.CASH_CHANGE:
            return cash_flow_statement(frame).net_change_in_cash
        income = income_statement(frame)
        return {
            Measure.PROFIT: income.net_income,
            Measure.GROSS_PROFIT: income.gross_profit,
            Measure.OPERATING_INCOME: income.operating_income,
            Measure.REVENUE: income.total_revenue,
            Measure.EXPENSES: income.total_expenses,
        }[measure]

    def results(self) -> frozenset[UUID]:
        """The accounts behind a line of the income statement."""
        types = {
            Measure.REVENUE: frozenset({AccountType.REVENUE}),
            Measure.EXPENSES: frozenset({AccountType.EXPENSE}),
        }.get(self.query.measure, PROFIT_AND_LOSS)
        return frozenset(one.id for one in self.chart if one.type in types)

    def by_category(self, frame: Frame) -> list[Part]:
        """The accounts of a statement, each with what stands on itself."""
        measure = self.query.measure
        forests: list[Forest] = []
        if measure in (Measure.CASH, Measure.ASSETS, Measure.LIABILITIES, Measure.EQUITY):
            sheet = balance_sheet(frame)
            forests = [
                {Measure.LIABILITIES: sheet.liabilities, Measure.EQUITY: sheet.equity}.get(
                    measure, sheet.assets
                )
            ]
        else:
            income = income_statement(frame)
            forests = [income.revenue if measure is Measure.REVENUE else income.expenses]
        found = []
        for forest in forests:
            for top in forest:
                for node in top.walk():
                    own = node.balance - sum((child.balance for child in node.children), _ZERO)
                    if own:
                        found.append(Part(node.name, own))
        return found

    def steps(self, period: Period, grouping: Grouping, first_day: date | None) -> list[Period]:
        """The calendar periods that a period is made of."""
        if grouping in (Grouping.CATEGORY, Grouping.COUNTERPARTY) or first_day is None:
            return []
        start, end = max(period.start, first_day), min(period.end, max(self.today, period.start))
        found: list[Period] = []
        while start <= end and len(found) < PERIODS_MAX:
            after = _next_step(start, grouping)
            found.append(Period(start, min(after - _DAY, end)))
            start = after
        return found

    # --- balances ---

    def balances(self) -> Answered:
        day = self.period().end
        named = self.named
        parts, pending, before = [], _ZERO, _ZERO
        other = self.other_period()
        for account_id in self.query.account_ids[:BALANCES_MAX]:
            found = account_balance(self.entity.id, account_id, as_of=day)
            if found is None or account_id not in named:
                continue
            parts.append(Part(named[account_id].name, found.total.net, account_id=account_id))
            sums = found.total.sums
            debits = sums.debits_posted + sums.debits_pending - sums.credits_posted - sums.credits_pending
            posted = sums.debits_posted - sums.credits_posted
            pending += debits if posted == found.total.net else -debits
            if other is not None:
                then = account_balance(self.entity.id, account_id, as_of=other.end)
                before += then.total.net if then else _ZERO
        total = sum((part.total for part in parts), _ZERO)
        comparison = self.compared(other, total, before, 0, 0) if other is not None else None
        selection = Selection(
            self.ledger.id, date_to=day, account_ids=below(self.chart, self.query.account_ids)
        )
        remarks = self.remarks(other)
        if self.query.group_by is not None:
            remarks += ("Balances of accounts are given for one day; ask for cash by month instead.",)
        return Answered(
            self.query,
            self.ledger.currency,
            Span(None, day),
            total=total,
            pending_total=pending,
            rows=tuple(rows(self.entity, self.chart, selection, order=Order.NEWEST, limit=SHOWN_OF_RANKED)),
            parts=tuple(parts) if len(parts) > 1 else (),
            comparison=comparison,
            remarks=remarks,
            accounts=named,
        )

    # --- periods ---

    def period(self) -> Period:
        """The days of a statement: without bounds from the beginning of the books until today."""
        span = self.query.period or Span(None, None)
        end = min(span.end or self.today, date(YEAR_MAX, 12, 31))
        if self.query.measure in OF_A_DAY and span.start is not None:
            # A balance within a period that still runs is that of today.
            end = min(end, self.today) if span.start <= self.today else end
        start = max(span.start or BEGINNING, BEGINNING)
        return Period(min(start, end), max(start, end))

    def other_period(self) -> Period | None:
        """The period to compare with; None where there is none."""
        query = self.query
        if query.compare is None:
            return None
        if query.compare is Compare.GIVEN and query.compare_with is not None:
            other = query.compare_with
            return Period(other.start or BEGINNING, other.end or self.today)
        if query.period is None or query.period.start is None or query.period.end is None:
            return None
        period = Period(max(query.period.start, BEGINNING), query.period.end)
        try:
            return period.year_before() if query.compare is Compare.YEAR else period.previous()
        except ValidationError:
            return None

    def remarks(self, other: Period | None) -> tuple[str, ...]:
        if self.query.compare is not None and other is None:
            return ("There is no earlier period to compare all of the books with; name a period.",)
        return ()

    def compared(
        self, period: Period, total: Decimal, before: Decimal, count: int, count_before: int
    ) -> Comparison:
        is_count = self.query.measure is Measure.COUNT
        now, then = (Decimal(count), Decimal(count_before)) if is_count else (total, before)
        return Comparison(period, before, count_before, now - then, percent_change(now, then))

    def rounded(self, amount: Decimal) -> Decimal:
        return round_to_minor(amount, self.ledger.currency)


def _next_step(start: date, grouping: Grouping) -> date:
    """The first day of the calendar period after the one that `start` lies in."""
    if grouping is Grouping.DAY:
        return start + _DAY
    if grouping is Grouping.WEEK:
        return start + (7 - start.weekday()) * _DAY
    if grouping is Grouping.MONTH:
        return months_later(start, 1)
    if grouping is Grouping.QUARTER:
        return months_later(start, 3 - (start.month - 1) % 3)
    return date(start.year + 1, 1, 1)


def period_name(start: date, grouping: Grouping | None) -> str:
    """How a calendar period is called by its first day."""
    if grouping is Grouping.MONTH:
        return f"{start:%B %Y}"
    if grouping is Grouping.QUARTER:
        return f"Q{(start.month + 2) // 3} {start.year}"
    if grouping is Grouping.YEAR:
        return str(start.year)
    if grouping is Grouping.WEEK:
        return f"week of {start.day} {start:%B %Y}"
    return f"{start.day} {start:%B %Y}"
