"""How a company does, and what waits for its accountant."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from ledger.clock import utc_now
from ledger.models import Entity
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from ledger.templatetags.office import day as day_label
from ledger.times import day_of
from reports.frame import Frame
from reports.office.drill import entries_page
from reports.office.periods import PeriodKind
from reports.office.pictures import months_picture
from reports.office.questions import Asked, asked_of
from reports.office.statements import picker, twelve_months
from reports.read import PREVIOUS, compared_period, read_frames
from reports.standing import (
    Banks,
    Work,
    banks_beside_books,
    banks_of,
    end_of_last_month,
    work_of,
)
from reports.statements.overview import Interval, percent_change, read_overview
from reports.sums import exactly

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure of the period, that of the one before, and the page with its entries."""

    label: str
    amount: Decimal
    before: Decimal | None
    percent: Decimal | None
    url: str | None
    # Whether more of it is good.
    more_is_good: bool

    @property
    def trend(self) -> str:
        """How the change is shown: good, bad, or neither."""
        if self.before is None or self.amount == self.before:
            return "soft"
        return "good" if (self.amount > self.before) == self.more_is_good else "bad"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something to work off: how much of it, where it is worked off, and how much it matters (warn, bad)."""

    label: str
    count: int
    text: str
    state: str
    # What is read, and the address; the first is the main one.
    links: tuple[tuple[str, str], ...]


class Dashboard(CompanyPage):
    """One company at a glance."""

    title = "Dashboard"
    template_name = "office/dashboard.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the period's figures, the twelve months, what waits, and the banks beside the books."""
        asked = asked_of(self.request.GET, self.company, default=PeriodKind.MONTH)
        months = read_overview(asked.scope, twelve_months(asked.period), Interval.MONTHLY)
        work, banks = work_of([self.company])[self.company.id], banks_of([self.company])[self.company.id]
        beside = banks_beside_books([self.company])
        return super().get_context_data(
            **{
                **kwargs,
                **picker(asked, self.request),
                "tiles": tiles(asked),
                "months": months_picture(months),
                "waiting": waiting(work, banks, self.company, may_operate=self.may(Duty.OPERATE)),
                "banks": banks,
                "sync_days": days_since_sync(banks, utc_now()),
                "beside": beside,
                "out_of_balance": sum(1 for one in beside if one.difference),
                "currency": asked.scope.currency,
            }
        )


def tiles(asked: Asked) -> list[Tile]:
    """Return cash, revenue, expenses and profit of a period beside those of the one before; one query."""
    period = asked.period
    other = None if period.is_from_beginning else compared_period(period, PREVIOUS)
    with exactly():
        ours, *theirs = read_frames(asked.scope, [period, *([other] if other else [])])
        before = _main(theirs[0]) if theirs else {}
        return [
            Tile(
                label,
                amount,
                before.get(label),
                percent_change(amount, before[label]) if label in before else None,
                _url(ours, label, asked),
                label != "Expenses",
            )
            for label, amount in _main(ours).items()
        ]


_FIGURES = {"Cash": "cash", "Revenue": "revenue", "Expenses": "expenses", "Profit": "netIncome"}


def _main(frame: Frame) -> dict[str, Decimal]:
    return {
        label: frame.figure(figure, frame.until_end if figure == "cash" else frame.period)
        for label, figure in _FIGURES.items()
    }


def _url(frame: Frame, label: str, asked: Asked) -> str | None:
    figure = _FIGURES[label]
    days = frame.until_end if figure == "cash" else frame.period
    return entries_page(asked.scope.explain(days).prefix(figure), asked)


def waiting(work: Work, banks: Banks, entity: Entity, *, may_operate: bool) -> list[Waiting]:
    """Return what is to be worked off, in the order in which an accountant would. Who may not operate the
    feeds is not led to them."""
    today = day_of(utc_now(), entity.zone)

    def link(text: str, name: str, **query: str) -> tuple[str, str]:
        return text, page_address(entity, name, **query)

    feeds = (link("Banks", "feeds"),) if may_operate else ()
    lines = (
        Waiting("Broken bank connections", banks.broken, "", "bad", feeds),
        Waiting("Bank lines to look at", banks.attention, "", "bad", feeds),
        Waiting(
            "Bank lines to match",
            banks.offered,
            _since(banks.oldest_offer, today),
            "warn",
            (link("Review", "review"),),
        ),
        Waiting("To categorize", work.uncategorized, "", "warn", (link("Review", "review"),)),
        Waiting(
            "To approve",
            work.to_approve,
            _since(work.oldest, today),
            "warn",
            (link("Transactions", "transactions", status="waiting"),),
        ),
        Waiting(
            "Posted without a category",
            work.uncategorized_posted,
            "",
            "warn",
            (link("Transactions", "transactions", category="uncategorized", status="POSTED"),),
        ),
        Waiting(
            "Bank accounts to reconcile",
            banks.unreconciled,
            f"through {day_label(end_of_last_month(entity))}",
            "warn",
            (link("Reconciliation", "reconciliations"),),
        ),
        Waiting(
            "Expire within a week",
            work.expiring,
            "",
            "warn",
            (link("Transactions", "transactions", status="PENDING"),),
        ),
    )
    return [line for line in lines if line.count]


def page_address(entity: Entity, name: str, **query: str) -> str:
    """Return the address of a page of the company."""
    url = reverse(f"office:{name}", kwargs={"company": entity.public_id})
    return f"{url}?{urlencode(query)}" if query else url


def days_since_sync(banks: Banks, now: datetime) -> int | None:
    """Return for how many days the connection that waits the longest was not synced; None where none was."""
    return None if banks.oldest_sync is None else (now - banks.oldest_sync).days


def _since(day: date | None, today: date) -> str:
    if day is None:
        return ""
    days = (today - day).days
    return "" if days <= 0 else f"oldest waits {days:,} day{'s' * (days != 1)}"
