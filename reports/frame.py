"""What every statement is computed from: the cut books, a period, a basis, and who asks for what."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final

from ledger.models import Entity, Ledger
from reports.basis import Basis, conversion, conversion_label
from reports.figures import Weights, weights_of
from reports.links import Explainer
from reports.periods import BEGINNING, Period, fiscal_year_start
from reports.sums import Books, ChartAccount, Members, StatusFilter, Turnover
from reports.tree import Forest, forest, weighted

_ZERO: Final = Decimal(0)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Scope:
    """Which books, on which basis, and as known when: what all statements of one answer have in common."""

    entity: Entity
    ledger: Ledger
    basis: Basis
    status: StatusFilter
    # None for the present.
    known_at: datetime | None = None

    @property
    def currency(self) -> str:
        """The currency of the ledger."""
        return self.ledger.currency

    def explain(self, period: Period) -> Explainer:
        """The addresses of what makes the figures of a period."""
        found = self._explainers.get(period)
        if found is None:
            found = self._explainers[period] = Explainer.of(
                entity=self.entity,
                ledger=self.ledger,
                status=self.status,
                known_at=self.known_at,
                period=period,
            )
        return found

    @cached_property
    def _explainers(self) -> dict[Period, Explainer]:
        return {}


@dataclass(frozen=True)
class Frame:
    """The books of one period of a scope.

    `books` are cut at `frame_periods(period, …)` at least.
    """

    scope: Scope
    books: Books
    period: Period

    @cached_property
    def until_end(self) -> Period:
        """All days until the period's end: those of a balance sheet."""
        return Period(BEGINNING, self.period.end)

    @cached_property
    def fiscal_year(self) -> Period:
        """The fiscal year that the period ends in, until that end."""
        start = fiscal_year_start(self.period.end, first_month=self.scope.entity.fiscal_year_start)
        return Period(start, self.period.end)

    @cached_property
    def earlier_years(self) -> Period | None:
        """All days before that fiscal year; None where it is the first that books can have."""
        start = self.fiscal_year.start
        return Period(BEGINNING, start - _DAY) if start > BEGINNING else None

    @cached_property
    def before(self) -> Period | None:
        """All days before the period; None where it begins with the books."""
        return None if self.period.is_from_beginning else Period(BEGINNING, self.period.start - _DAY)

    def figures(self, period: Period | None) -> Mapping[str, Decimal]:
        """Every figure of some days, by its name in `reports.figures`; absent ones are zero. Without days all
        are."""
        if period is None:
            return {}
        found = self._figures.get(period)
        if found is None:
            found = self._figures[period] = self._add_up(period)
        return found

    @cached_property
    def _figures(self) -> dict[Period, dict[str, Decimal]]:
        return {}

    def _add_up(self, period: Period) -> dict[str, Decimal]:
        turnovers = self.turnovers(period)
        found: dict[str, Decimal] = {}
        for weights, keys in self.books.chart.alike(self.scope.basis):
            debits = credits = _ZERO
            for key in keys:
                moved = turnovers.get(key)
                if moved is not None:
                    debits += moved.debits
                    credits += moved.credits
            if not (debits or credits):
                continue
            sums, net = Turnover(debits, credits), credits - debits
            for name, (debit, credit) in weights.items():
                # Nearly all count the one side against the other.
                if debit + credit:
                    amount = weighted(sums, Weights(debit, credit))
                else:
                    amount = net if credit > 0 else -net
                found[name] = found.get(name, _ZERO) + amount
        return found

    def figure(self, name: str, period: Period | None) -> Decimal:
        """One figure of some days; zero without days."""
        if period is None:
            return _ZERO
        known = self._figures.get(period)
        if known is not None:
            return known.get(name, _ZERO)
        accounts = self._members(name).accounts
        turnovers = self._turnovers.get(period) or self.books.within(period, accounts)
        amount = _ZERO
        for key, (_, weights) in accounts.items():
            moved = turnovers.get(key)
            if moved is not None:
                amount += weighted(moved, weights)
        return amount

    def _members(self, figure: str) -> Members:
        return self.books.chart.members(figure, self.scope.basis)

    def turnovers(self, period: Period) -> dict[int, Turnover]:
        """What each account moved in some days; read once for each."""
        found = self._turnovers.get(period)
        if found is None:
            found = self._turnovers[period] = self.books.within(period)
        return found

    @cached_property
    def _turnovers(self) -> dict[Period, dict[int, Turnover]]:
        return {}

    def forest(self, figure: str, period: Period, *, keep_empty: bool = False) -> Forest:
        """The accounts that make a figure of some days, as trees; without those that have no amount, unless
        `keep_empty`."""
        basis = self.scope.basis

        def label(account: ChartAccount, balance: Decimal) -> str:
            if conversion(account.kind, basis) is None:
                return account.name
            is_expense = weights_of(account.kind, basis)[figure].debit > 0
            return conversion_label(account.name, account.kind, balance, is_expense=is_expense)

        return forest(
            self._members(figure),
            self.turnovers(period),
            figure=figure,
            explain=self.scope.explain(period),
            label=label if basis is Basis.CASH and figure != "balance" else None,
            keep_empty=keep_empty,
        )

    def hierarchy(self) -> Forest:
        """The whole chart, with the balance of every account at the end of the period, by accrual."""
        return self.forest("balance", self.until_end, keep_empty=True)

    def at(self, period: Period) -> "Frame":
        """The same books for another period that they are cut at."""
        return replace(self, period=period)


def needed_periods(period: Period, *, fiscal_year_first_month: int) -> tuple[Period, ...]:
    """The periods at whose bounds books must be cut for all statements of `period`."""
    start = fiscal_year_start(period.end, first_month=fiscal_year_first_month)
    return (period, Period(start, period.end))
