"""The overview: revenue, expenses, profit and cash over time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ledger.db import fetch
from ledger.exceptions import ValidationError
from reports.figures import kind_of, weights_of
from reports.frame import Scope
from reports.known import known_series
from reports.periods import Period, month_period
from reports.statements.table import (
    Column,
    Line,
    StatementTable,
    Style,
    column_label,
    period_label,
)
from reports.sums import Turnover, cut_parameters, cuts_of, kept_rows, series_statement
from reports.tree import weighted

POINTS_MAX: Final = 4_000
_ZERO: Final = Decimal(0)
_DAY: Final = timedelta(days=1)


class Interval(StrEnum):
    """How long each step of the chart is; weeks begin on Monday (ISO 8601)."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Point:
    """What a step of time earned, and the cash at its end."""

    period: Period
    revenue: Decimal
    expenses: Decimal
    cash: Decimal

    @property
    def profit(self) -> Decimal:
        """What was earned, less what it cost."""
        return self.revenue - self.expenses


@dataclass(frozen=True)
class Overview:
    """The overview of a period. The first and the last step are cut to it."""

    scope: Scope
    period: Period
    interval: Interval
    points: tuple[Point, ...]
    months: tuple[Point, ...]
    total: Point
    # The calendar month of the last day, up to that day, and the whole month before it.
    latest_month: Point
    month_before: Point

    def table(self) -> StatementTable:
        """The months as lines."""
        lines = [
            Line(
                f"{point.period.start}",
                column_label(point.period, is_of_a_day=False),
                0,
                Style.LINE,
                (point.revenue, point.expenses, point.profit, point.cash),
            )
            for point in self.months
        ]
        total = self.total
        lines.append(
            Line(
                "total",
                "Total",
                0,
                Style.TOTAL,
                (total.revenue, total.expenses, total.profit, total.cash),
            )
        )
        return StatementTable(
            key="overview",
            title="Overview",
            company=str(self.scope.entity),
            subtitle=period_label(self.period),
            period=self.period,
            basis=self.scope.basis,
            status=self.scope.status,
            currency=self.scope.currency,
            columns=(
                Column("revenue", "Revenue"),
                Column("expenses", "Expenses"),
                Column("profit", "Profit"),
                Column("cash", "Cash at the end"),
            ),
            lines=tuple(lines),
        )


def percent_change(now: Decimal, before: Decimal) -> Decimal | None:
    """By how many percent of its size a figure changed, to one digit; None where it was zero before."""
    if not before:
        return None
    return ((now - before) / abs(before) * 100).quantize(Decimal("0.1"))


def read_overview(scope: Scope, period: Period, interval: Interval) -> Overview:
    """The overview of a period: one statement.

    Raises ValidationError, naming `interval`, where the chart would have more than 4,000 steps.
    """
    points = steps(period, interval)
    months = steps(period, Interval.MONTHLY)
    latest = Period(period.end.replace(day=1), period.end)
    before_end = latest.start - _DAY
    before = month_period(before_end.year, before_end.month)
    wanted = [*points, *months, period, latest, before]
    read = _Series(scope, wanted)
    return Overview(
        scope,
        period,
        interval,
        tuple(map(read.point, points)),
        tuple(map(read.point, months)),
        read.point(period),
        read.point(latest),
        read.point(before),
    )


def steps(period: Period, interval: Interval) -> list[Period]:
    """The calendar days, weeks or months that a period lies in, the first and the last cut to it."""
    found: list[Period] = []
    start = period.start
    while start <= period.end:
        if interval is Interval.DAILY:
            end = start
        elif interval is Interval.WEEKLY:
            end = start + timedelta(days=6 - start.weekday())
        else:
            end = month_period(start.year, start.month).end
        found.append(Period(start, min(end, period.end)))
        if len(found) > POINTS_MAX:
            raise ValidationError.of(
                "interval",
                f"{interval} from {period.start} to {period.end} makes more than {POINTS_MAX:,} points; "
                "send a longer interval or a shorter range.",
            )
        start = end + _DAY
    return found


class _Series:
    """Running sums of revenue, expenses and cash at each cut, so that any part is one subtraction."""

    def __init__(self, scope: Scope, periods: Iterable[Period]) -> None:
        self._cuts = cuts_of(list(periods))
        self._place = {cut: place for place, cut in enumerate(self._cuts)}
        sums = [[_ZERO, _ZERO, _ZERO] for _ in self._cuts]
        for part, type_, financial_type, debits, credits in _rows(scope, self._cuts):
            weights = weights_of(kind_of(type_, financial_type), scope.basis)
            for index, figure in enumerate(("revenue", "expenses", "cash")):
                if figure in weights:
                    sums[part][index] += weighted(Turnover(debits, credits), weights[figure])
        # `running[i]` is what was dated before the cut `i`.
        running = [_ZERO, _ZERO, _ZERO]
        self._running: list[tuple[Decimal, ...]] = []
        for part_sums in sums:
            running = [one + more for one, more in zip(running, part_sums, strict=True)]
            self._running.append(tuple(running))

    def point(self, period: Period) -> Point:
        """The sums of one of the periods."""
        last = self._running[self._place[period.after]]
        # Nothing lies before the beginning of the books, so nothing is cut there.
        first = (_ZERO,) * len(last) if period.is_from_beginning else self._running[self._place[period.start]]
        return Point(period, last[0] - first[0], last[1] - first[1], last[2])


def _rows(scope: Scope, cuts: Sequence[date]) -> list[tuple[int, str, str | None, Decimal, Decimal]]:
    if scope.known_at is not None:
        return known_series(scope.entity, scope.ledger, cuts, scope.status, known_at=scope.known_at)
    parameters = {"entity": scope.entity.id, "ledger": scope.ledger.id, **cut_parameters(cuts)}
    return [row[:-1] for row in fetch(series_statement(kept_rows(scope.status)), parameters)]
